//! The reason for a status other than success.

use std::sync::Arc;

use serde_json::Value;

use crate::error::{Error, ServiceError, Violation, shown};
use crate::rows::Problem;

/// The reason for a status other than success.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fault {
    /// The code of one of this client's rules, a code from the service, an HTTP status such as `502`, or a
    /// word such as `transport`.
    pub code: String,
    pub message: String,
    pub column: Option<String>,
    pub value: Option<String>,
    pub fix: Option<String>,
    pub status: Option<u16>,
    pub body: Option<Arc<str>>,
    /// Details from the service in addition to the message, such as what the row conflicts with.
    pub metadata: Option<Value>,
    pub problems: Vec<Problem>,
}

/// The code of a row that was removed from the input of a run.
pub(super) const REMOVED: &str = "removed";

impl Fault {
    /// Creates the reason for a row that was removed from the input.
    #[must_use]
    pub fn removed() -> Self {
        let fix = "to send the row, put it back and make the call again";
        Self::new(REMOVED, "removed by you", fix)
    }

    /// Creates a fault detected by this client.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>, fix: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            fix: (!fix.is_empty()).then(|| fix.to_owned()),
            ..Self::default()
        }
    }

    /// Creates the fault for a row that failed a check.
    #[must_use]
    pub fn invalid(problems: Vec<Problem>) -> Self {
        let mut fault = Self::default();
        if let Some(first) = problems.first() {
            fault.code = first.code.to_string();
            fault.column = Some(first.column.clone());
            fault.value = Some(first.value.clone());
            let fixes = problems
                .iter()
                .map(|problem| format!("`{}`: {}", problem.column, problem.fix));
            fault.fix = Some(if problems.len() > 1 {
                fixes.collect::<Vec<_>>().join("; ")
            } else {
                first.fix.clone()
            });
            fault.message = problems
                .iter()
                .map(|problem| problem.message.as_str())
                .collect::<Vec<_>>()
                .join("; ");
        }
        fault.problems = problems;
        fault
    }

    /// Creates the fault for a row that the service rejected.
    #[must_use]
    pub fn violation(error: &ServiceError, violation: &Violation) -> Self {
        Self {
            code: violation
                .code
                .clone()
                .or_else(|| error.code.clone())
                .unwrap_or_else(|| error.status.to_string()),
            message: match &error.request_id {
                Some(id) => shown(&format!("{} [request id {id}]", violation.text())).into_owned(),
                None => shown(violation.text()).into_owned(),
            },
            // `[3].customAttributes.ca4` refers to the column ca4.
            column: violation
                .field
                .as_ref()
                .map(|field| field.rsplit('.').next().unwrap_or(field).to_owned()),
            fix: Some("correct or remove the row according to the message, and call again".to_owned()),
            status: Some(error.status),
            body: Some(error.body.clone()),
            metadata: violation.metadata.clone().or_else(|| error.metadata.clone()),
            ..Self::default()
        }
    }

    /// Returns the fault of a row that was to be deleted. If its asset is already deleted, there is nothing to fix.
    #[must_use]
    pub fn of_delete(mut self) -> Self {
        let message = self.message.to_lowercase();
        let is_deleted = ["was deleted", "is deleted", "already deleted", "been deleted"];
        if is_deleted.iter().any(|text| message.contains(text)) {
            self.fix = Some("already deleted, so there is nothing to do".to_owned());
        }
        self
    }

    /// Creates the fault for a request that ended with an error.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let (code, status, body) = match error {
            Error::Option(_) => ("option".to_owned(), None, None),
            Error::Input(_) | Error::File(_) => ("input".to_owned(), None, None),
            Error::Journal(_) => ("journal".to_owned(), None, None),
            Error::Auth(_) => ("auth".to_owned(), None, None),
            Error::Transport(error) => {
                let partial = error.partial.as_ref();
                (
                    "transport".to_owned(),
                    partial.map(|partial| partial.status),
                    partial.map(|partial| partial.body.clone()),
                )
            }
            Error::Service(error) => (
                error.code.clone().unwrap_or_else(|| error.status.to_string()),
                Some(error.status),
                Some(error.body.clone()),
            ),
            Error::Unreadable { status, body, .. } => {
                ("unreadable".to_owned(), Some(*status), Some(body.clone()))
            }
        };
        let metadata = match error {
            Error::Service(refusal) => refusal.metadata.clone(),
            _ => None,
        };
        Self {
            code,
            message: shown(&error.to_string()).into_owned(),
            status,
            body,
            metadata,
            ..Self::default()
        }
    }
}
