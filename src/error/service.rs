//! Error responses: what they contain, what they say of their request, and how they are shown.

use std::fmt::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::headers::Headers;
use super::row_limit::states_row_limit;
use super::text::{shortened, shown};

/// A violation reported in an error response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// The item's position in the request, if the response states it.
    pub index: Option<usize>,
    /// The item's id, if the response states it.
    pub id: Option<String>,
    pub field: Option<String>,
    pub code: Option<String>,
    pub title: Option<String>,
    pub message: String,
    /// See [`ServiceError::description`].
    #[serde(default)]
    pub description: Option<String>,
    pub metadata: Option<Value>,
}

/// A complete error response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceError {
    pub status: u16,
    /// The headers that the support team may ask for; see [`Headers`].
    pub headers: Headers,
    /// The error code from the service or the gateway, such as `AUTH-006` or `BadInput`.
    pub code: Option<String>,
    pub message: Option<String>,
    /// The documented meaning of `code`, if the response contains the code but no text. Only shown to users: no
    /// decision depends on it, because it may be unknown.
    #[serde(default)]
    pub description: Option<String>,
    pub violations: Vec<Violation>,
    /// The `errorMetadata` in the body. For a 409, this describes the conflict ("Assets field guide").
    pub metadata: Option<Value>,
    /// The value of the response's `x-ads-request-id` or `x-request-id` header, which Autodesk support asks
    /// for.
    pub request_id: Option<String>,
    /// Seconds to wait, from the `Retry-After` header.
    pub retry_after: Option<f64>,
    /// The raw body as text. Shared, because every rejected row keeps it.
    pub body: Arc<str>,
    /// Advice that the response itself does not contain.
    pub hint: Option<String>,
}

impl Violation {
    /// Returns the message or, if the response has none, the description of the code.
    #[must_use]
    pub fn text(&self) -> &str {
        self.description.as_deref().unwrap_or(&self.message)
    }
}

/// Returns whether a response contains a code but no text, or only the code as its text.
fn is_bare(code: Option<&str>, message: Option<&str>) -> bool {
    code.is_some_and(|code| message.is_none_or(|message| message.trim() == code.trim()))
}

impl ServiceError {
    /// Returns the message or, if the response has none, the description of the code.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.description.as_deref().or(self.message.as_deref())
    }

    /// Returns whether the response, or one of its violations, has a code but no text.
    #[must_use]
    pub fn lacks_text(&self) -> bool {
        let violations = self.violations.iter();
        is_bare(self.code.as_deref(), self.message.as_deref())
            || violations
                .map(|violation| (violation.code.as_deref(), violation.message.as_str()))
                .any(|(code, message)| is_bare(code, Some(message)))
    }

    /// Adds the descriptions of codes that have no text.
    pub fn describe<'d>(&mut self, description: impl Fn(&str) -> Option<&'d str>) {
        let of = |code: &Option<String>, message: Option<&str>| {
            let code = code.as_deref().filter(|code| is_bare(Some(code), message))?;
            description(code.trim()).map(str::to_owned)
        };
        self.description = of(&self.code, self.message.as_deref());
        for violation in &mut self.violations {
            violation.description = of(&violation.code, Some(&violation.message));
        }
    }

    /// Returns whether the gateway rejected the request for lack of capacity, before the service received it.
    ///
    /// This is not documented. According to a user forum, the gateway has repeated the status as the error
    /// code since apps became metered.
    #[must_use]
    pub fn is_capacity(&self) -> bool {
        let says = |text: &Option<String>| {
            text.as_ref()
                .is_some_and(|text| text.to_lowercase().contains("capacity exceeded"))
        };
        self.status == 403 && says(&self.message)
    }

    /// Returns whether the response says that the token has no user. Another token for the same application would not
    /// help.
    ///
    /// The documentation only says that a user is required. The exact wording comes from user reports.
    #[must_use]
    pub fn is_two_legged(&self) -> bool {
        [401, 403].contains(&self.status)
            && self
                .body
                .to_lowercase()
                .contains("user id could not be determined")
    }

    /// Returns whether the response says that the request contains too many rows. The wording is undocumented, so it is
    /// only trusted if no row is named. The claim is also checked against the sizes of successful requests.
    #[must_use]
    pub fn says_too_many_rows(&self) -> bool {
        let names_rows = |violation: &Violation| violation.index.is_some() || violation.id.is_some();
        if ![400, 413, 422].contains(&self.status) || self.violations.iter().any(names_rows) {
            return false;
        }
        let of_violations = self
            .violations
            .iter()
            .flat_map(|violation| [violation.code.as_deref(), Some(violation.message.as_str())]);
        [self.code.as_deref(), self.message.as_deref()]
            .into_iter()
            .chain(of_violations)
            .flatten()
            .any(states_row_limit)
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text)?;
        formatter.write_str(&shown(&text))
    }
}

impl ServiceError {
    fn write(&self, out: &mut String) -> fmt::Result {
        write!(out, "the service returned {}", self.status)?;
        if let Some(code) = &self.code {
            write!(out, " {code}")?;
        }
        match self.text() {
            // A violation often repeats the message.
            Some(message) if !self.violations.is_empty() => {
                write!(out, ": {}", message.trim_end_matches('.'))?;
            }
            Some(message) => write!(out, ": {message}")?,
            None if self.body.is_empty() => out.write_str(" with no body")?,
            None => write!(out, ": {}", shortened(&self.body, 300))?,
        }
        for violation in self.violations.iter().take(3) {
            let text = violation.text();
            let is_said = self
                .text()
                .is_some_and(|said| said.trim_end_matches('.') == text.trim_end_matches('.'));
            match &violation.field {
                Some(field) if is_said => write!(out, " (`{field}`)")?,
                Some(field) => write!(out, "; `{field}`: {text}")?,
                None if is_said => {}
                None => write!(out, "; {text}")?,
            }
        }
        if self.violations.len() > 3 {
            write!(out, "; and {} more", self.violations.len() - 3)?;
        }
        if let Some(hint) = &self.hint {
            write!(out, " ({hint})")?;
        }
        match &self.request_id {
            Some(id) => write!(out, " [request id {id}]"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_a_violation_repeats_is_shown_once() {
        let violation = |field: Option<&str>, message: &str| Violation {
            field: field.map(str::to_owned),
            message: message.to_owned(),
            ..Violation::default()
        };
        let mut error = ServiceError {
            status: 400,
            message: Some("Cannot sort by \"name\".".to_owned()),
            violations: vec![violation(Some("sort"), "Cannot sort by \"name\".")],
            ..ServiceError::default()
        };
        let start = "the service returned 400: Cannot sort by \"name\"";
        assert_eq!(error.to_string(), format!("{start} (`sort`)"));
        error.violations = vec![
            violation(None, "Cannot sort by \"name\""),
            violation(None, "Try later."),
        ];
        assert_eq!(error.to_string(), format!("{start}; Try later."));
        error.violations.clear();
        assert_eq!(error.to_string(), format!("{start}."));
    }

    #[test]
    fn a_code_without_text_is_described_and_the_description_decides_nothing() {
        let mut error = ServiceError {
            status: 400,
            code: Some("BATCH".to_owned()),
            violations: vec![Violation {
                code: Some("ONE".to_owned()),
                message: "ONE".to_owned(),
                ..Violation::default()
            }],
            ..ServiceError::default()
        };
        let describe = |code: &str| (code == "BATCH").then_some("Too many items.");
        assert!(error.lacks_text());
        error.describe(describe);
        assert_eq!(
            error.to_string(),
            "the service returned 400 BATCH: Too many items; ONE"
        );
        assert!(!error.says_too_many_rows());
        error.message = Some("Too large.".to_owned());
        error.violations.clear();
        assert!(!error.lacks_text());
        error.describe(describe);
        assert_eq!(error.text(), Some("Too large."));
    }
}
