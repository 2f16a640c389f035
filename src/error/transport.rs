//! Requests to which no complete response arrived.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::headers::Headers;

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

/// A response that was not read completely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    pub status: u16,
    pub headers: Headers,
    /// The first bytes of the body, as text.
    pub body: Arc<str>,
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
}
