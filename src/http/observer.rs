//! Observers of the stages of a request.

use std::pin::Pin;

use crate::error::Error;

/// The stage of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The request is about to be sent. From here on, the request may be executed.
    Leaving,
    /// No attempt so far was executed.
    NotExecuted,
}

/// Observes the stages of a request. The request waits for the observer. If the observer fails before the request is
/// sent, the request is not sent.
pub type Observer<'a> = &'a (dyn Fn(Stage) -> Noted<'a> + Sync);

/// Resolves once the stage of a request is recorded.
pub type Noted<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// Observes a stage and does nothing.
#[must_use]
pub fn no_observer<'a>(_: Stage) -> Noted<'a> {
    Box::pin(std::future::ready(Ok(())))
}
