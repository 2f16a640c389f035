//! The error type of the core. Each variant tells whether the service may have received the request.
//!
//! Requests without a complete response are in `transport`, error responses in `service`, and files in `file`. `text`
//! prepares text for display.

mod file;
mod headers;
mod row_limit;
mod service;
mod text;
mod transport;

use std::sync::Arc;

pub use file::FileError;
pub use headers::{Headers, request_id};
pub use service::{ServiceError, Violation};
pub use text::{chain, shortened, shown, shown_lines};
pub use transport::{Partial, Sent, TransportError, TransportKind};

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

/// Creates the error for a read whose requests in flight were dropped.
#[must_use]
pub fn stopped() -> Error {
    Error::Transport(TransportError::new(
        Sent::Maybe,
        "stopped while reading".to_owned(),
    ))
}
