//! How a call has ended.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::JoinError;

use crate::columns;
use crate::error::{Error, Sent, TransportError};
use crate::reads::rest::{ReadEnd, Rest};
use crate::settings;

/// The result of a call.
#[derive(Default)]
pub struct CallEnd {
    pub table: Option<columns::Table>,
    /// What remains of an interrupted read.
    pub rest: Option<Rest>,
    pub settings: Option<Arc<settings::Settings>>,
    /// The number of rows, of a call that only counts them.
    pub count: Option<u64>,
    /// Whether this was only a part of a read, so that more rows follow.
    pub goes_on: bool,
    pub error: Option<Error>,
}

impl CallEnd {
    /// The end of a read.
    pub fn of_read(end: ReadEnd) -> Self {
        Self {
            table: Some(end.table),
            rest: end.rest,
            error: end.error,
            ..Self::default()
        }
    }

    /// The end of a call that has no result.
    pub fn of_error(error: Error) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }

    /// Returns the result of a task. A panic becomes an error, because a caller is waiting for the result.
    pub fn of_task(joined: Result<Self, JoinError>) -> Self {
        joined.unwrap_or_else(|error| {
            Self::of_error(Error::Transport(TransportError::new(
                Sent::Maybe,
                format!("the call failed inside the client: {error}"),
            )))
        })
    }
}

/// The work of a call as one future, which is driven in the caller's thread or in the background.
pub type Work = Pin<Box<dyn Future<Output = CallEnd> + Send>>;
