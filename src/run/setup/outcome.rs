//! The outcome of a step of a setup.

use crate::error::Error;

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Created,
    Assigned,
    /// A select attribute got more options.
    Extended,
    /// The object already existed, or another user created it in the meantime.
    Exists,
    /// The object already existed, but differs from the description.
    Differs,
    /// The service rejected the step, or the step could not be executed.
    Failed,
    NotSent,
    /// The step may have been executed: its response was lost, and no lookup could determine the outcome.
    Unknown,
}

impl Status {
    /// Returns the name shown to users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Assigned => "assigned",
            Self::Extended => "extended",
            Self::Exists => "exists",
            Self::Differs => "differs",
            Self::Failed => "failed",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}

/// The outcome of a step, with its details.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    pub status: Status,
    /// The reason, if the step failed, was not sent or has an unknown outcome, or if the object differs from
    /// the description.
    pub error: Option<String>,
    /// The request id assigned by the service.
    pub request_id: Option<String>,
    /// The id of the created or existing object.
    pub id: Option<String>,
    /// Whether all further steps would fail because there is no usable token, or because the token or its
    /// user lacks permission.
    pub(super) ends: bool,
}

/// Why a step was not sent after a stop.
const STOPPED: &str = "the call was stopped before";

impl StepOutcome {
    pub(super) fn new(status: Status, error: Option<String>) -> Self {
        Self {
            status,
            error,
            request_id: None,
            id: None,
            ends: false,
        }
    }

    pub(super) fn of(status: Status, error: &Error) -> Self {
        Self {
            request_id: error.request_id().map(str::to_owned),
            ends: match error {
                Error::Auth(_) => true,
                Error::Service(refusal) => matches!(refusal.status, 401 | 403),
                _ => false,
            },
            ..Self::new(status, Some(error.to_string()))
        }
    }

    pub(super) fn not_sent(reason: String) -> Self {
        Self::new(Status::NotSent, Some(reason))
    }

    pub(super) fn stopped() -> Self {
        Self::not_sent(STOPPED.to_owned())
    }

    /// The outcome of a create whose response was lost, if the lookup failed for this reason.
    pub(super) fn without_lookup(self, reason: Option<&str>) -> Self {
        let error = self.error.unwrap_or_default();
        let reason = reason.unwrap_or(STOPPED);
        Self {
            error: Some(format!(
                "{error}; it may have been created, but the lookup failed: {reason}; call plan_setup() again to \
                    check"
            )),
            ..self
        }
    }
}
