//! The error type of the core. Each variant tells whether the service may have received the request.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whether the service may have received a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sent {
    /// Definitely not: no connection was made, or the request was rejected by this client.
    No,
    /// The request may have been sent, but no complete response arrived.
    Maybe,
    /// The service responded.
    Answered,
}

impl Sent {
    /// Returns `no`, `maybe` or `answered`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Maybe => "maybe",
            Self::Answered => "answered",
        }
    }
}

/// Why no complete response to a request arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransportKind {
    /// No connection could be made.
    Connect,
    /// The request timed out after a connection was made.
    Timeout,
    #[default]
    Other,
}

impl TransportKind {
    /// Returns `connect`, `timeout` or `other`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Other => "other",
        }
    }
}

/// Response headers that the service's support team may ask for: names in lower case, in the order received.
pub type Headers = Vec<(String, String)>;

/// The error for a request to which no complete response arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// If `Answered`, the response is too large, so a retry would fail too.
    pub sent: Sent,
    /// The complete chain of causes, outermost first, without secrets.
    pub message: String,
    /// The part of the response that arrived.
    pub partial: Option<Box<Partial>>,
    /// Absent from records written by older versions.
    #[serde(default)]
    pub kind: TransportKind,
}

impl TransportError {
    /// Creates the error for a request to which no complete response arrived.
    #[must_use]
    pub fn new(sent: Sent, message: impl Into<String>) -> Self {
        Self {
            sent,
            message: message.into(),
            partial: None,
            kind: TransportKind::Other,
        }
    }

    /// Sets the kind.
    #[must_use]
    pub fn of_kind(mut self, kind: TransportKind) -> Self {
        self.kind = kind;
        self
    }
}

/// A file that could not be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FileError {
    /// The message, with the file name and a suggested fix.
    pub message: String,
    pub path: PathBuf,
    /// The operating system's error code, if any.
    pub os_error: Option<i32>,
}

impl FileError {
    /// Creates the error. `cause` is the operating system's error, if any.
    #[must_use]
    pub fn new(path: &Path, cause: Option<&io::Error>, message: String) -> Self {
        Self {
            message,
            path: path.to_owned(),
            os_error: cause.and_then(io::Error::raw_os_error),
        }
    }
}

/// A response that was not read completely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    pub status: u16,
    pub headers: Headers,
    /// The first bytes of the body, as text.
    pub body: Arc<str>,
}

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
            .any(speaks_of_too_many_rows)
    }
}

/// Returns whether a string seems to state a limit on the number of rows: "The array must have 1 to 50
/// items", `TooManyAssets`.
fn speaks_of_too_many_rows(text: &str) -> bool {
    const ROWS: [&str; 16] = [
        "items",
        "assets",
        "elements",
        "entries",
        "records",
        "objects",
        "rows",
        "ids",
        "relationships",
        "item",
        "asset",
        "element",
        "batch",
        "array",
        "list",
        "bulk",
    ];
    const BOUNDS: [&str; 14] = [
        "max",
        "maximum",
        "most",
        "limit",
        "limits",
        "exceed",
        "exceeds",
        "exceeded",
        "exceeding",
        "many",
        "large",
        "more",
        "fewer",
        "between",
    ];
    // Words about a limit on a single value in a row.
    const VALUES: [&str; 7] = [
        "character",
        "characters",
        "chars",
        "digits",
        "string",
        "text",
        "attribute",
    ];
    let mut spaced = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for character in text.chars() {
        if character.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(character);
        before = character;
    }
    let spaced = spaced.to_lowercase();
    let words: Vec<&str> = spaced
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    // "1 to 50 items".
    let range = words
        .windows(3)
        .any(|three| is_number(three[0]) && three[1] == "to" && is_number(three[2]));
    has(&ROWS) && (has(&BOUNDS) || range) && !has(&VALUES)
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

/// Any error that can end a call.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An option or argument is invalid. Nothing was sent.
    #[error("{0}")]
    Option(String),
    /// The rows could not be read. Rows read before the error are in the ledger.
    #[error("{0}")]
    Input(String),
    /// A file passed by the user could not be opened, read or written.
    #[error("{0}")]
    File(Box<FileError>),
    /// The journal of a named run cannot be used. The current request was not sent.
    #[error("{0}")]
    Journal(String),
    /// There is no usable token. The current request was not sent.
    #[error("{0}")]
    Auth(String),
    /// No complete response arrived. `sent` says whether the service may have received the request.
    #[error("{0}")]
    Transport(#[from] TransportError),
    /// The service, the gateway or a proxy returned an error response.
    #[error("{0}")]
    Service(Box<ServiceError>),
    /// A successful response does not match the reference page. The response may come from a proxy, so it
    /// does not prove that the request was executed.
    #[error("{message}")]
    Unreadable {
        message: String,
        status: u16,
        headers: Headers,
        request_id: Option<String>,
        body: Arc<str>,
    },
}

impl Error {
    /// Returns whether the service may have received the request.
    #[must_use]
    pub fn sent(&self) -> Sent {
        match self {
            Self::Option(_) | Self::Input(_) | Self::File(_) | Self::Journal(_) | Self::Auth(_) => Sent::No,
            Self::Transport(error) => error.sent,
            Self::Service(_) | Self::Unreadable { .. } => Sent::Answered,
        }
    }

    /// Returns the request id from the response headers, if there is one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Service(refusal) => refusal.request_id.as_deref(),
            Self::Unreadable { request_id, .. } => request_id.as_deref(),
            Self::Transport(error) => error
                .partial
                .as_ref()
                .and_then(|partial| request_id(&partial.headers)),
            Self::Option(_) | Self::Input(_) | Self::File(_) | Self::Journal(_) | Self::Auth(_) => None,
        }
    }
}

/// Returns the request id from response headers: Autodesk's own if present, otherwise that of a proxy or gateway.
#[must_use]
pub fn request_id(headers: &[(String, String)]) -> Option<&str> {
    ["x-ads-request-id", "x-request-id"]
        .iter()
        .find_map(|id| headers.iter().find(|(name, _)| name == id))
        .map(|(_, value)| value.as_str())
}

/// Returns the messages of an error and its causes, outermost first, without repetitions.
#[must_use]
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let message = inner.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = inner.source();
    }
    text
}

/// Escapes a string for a terminal, a log or a page: escapes characters that would alter the surrounding text or
/// imitate a separate line. All user-facing text passes through this function; data is not changed.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            other if !is_hidden(other) => shown.push(other),
            // Writing to a string cannot fail.
            other if (other as u32) < 0x100 => drop(write!(shown, "\\x{:02x}", other as u32)),
            other if (other as u32) < 0x1_0000 => drop(write!(shown, "\\u{:04x}", other as u32)),
            other => drop(write!(shown, "\\U{:08x}", other as u32)),
        }
    }
    Cow::Owned(shown)
}

/// Escapes each line of a string with `shown`.
#[must_use]
pub fn shown_lines(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

/// Returns whether a character is a control character, a line or paragraph separator, a bidirectional mark (UAX #9,
/// table 4) or a tag, or has no width. The exceptions are the zero-width joiner and non-joiner, which occur
/// in words and emoji.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Shortens a string to its first `most` characters, followed by an ellipsis if there are more. The result is
/// on one line and escaped for display.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let mut characters = text.chars().map(|character| match character {
        '\n' | '\r' | '\t' => ' ',
        other => other,
    });
    let short: String = characters.by_ref().take(most).collect();
    let mut short = shown(&short).into_owned();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// Creates the error for a read whose requests in flight were dropped.
#[must_use]
pub fn stopped() -> Error {
    Error::Transport(TransportError::new(
        Sent::Maybe,
        "stopped while reading".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_error_of_an_older_version_has_no_kind() {
        let error = TransportError::new(Sent::No, "no connection").of_kind(TransportKind::Connect);
        let mut text = serde_json::to_value(&error).unwrap();
        assert_eq!(
            serde_json::from_value::<TransportError>(text.clone()).unwrap(),
            error
        );
        text.as_object_mut().unwrap().remove("kind");
        let old: TransportError = serde_json::from_value(text).unwrap();
        assert_eq!(old.kind, TransportKind::Other);
    }

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

    #[test]
    fn words_about_the_number_of_rows_are_told_from_words_about_a_value() {
        for (text, rows) in [
            ("The batch holds 100 items, at most 50 are allowed.", true),
            ("BATCH_TOO_LARGE", true),
            ("TooManyAssets", true),
            ("The array must have 1 to 50 items.", true),
            ("ids must contain no more than 50 elements", true),
            ("data/body must NOT have more than 50 items", true),
            ("Array length exceeds the limit", true),
            ("size must be between 1 and 50 entries", true),
            ("Request Entity Too Large", false),
            ("The request body is too large.", false),
            ("The description has more than 1000 characters.", false),
            ("Barcode exceeds the maximum length", false),
            ("The request is not valid.", false),
            ("Bad Request", false),
            ("", false),
        ] {
            assert_eq!(speaks_of_too_many_rows(text), rows, "{text}");
        }
    }
}
