//! What a step that has begun does next: send its request, read a list, wait, or end.

use std::time::Duration;

use serde_json::Value;

use super::outcome::StepOutcome;
use crate::api::Call;
use crate::error::Error;
use crate::http::{CallOutcome, Response};

/// The maximum number of attempts to send an assignment, or the options of an attribute, if responses are unreadable.
pub(super) const MOST_ATTEMPTS: u32 = 3;

/// What a step does next.
pub(super) enum Next {
    Send(Call),
    Read(Call),
    /// Wait this long.
    Wait(Duration),
    End(StepOutcome),
}

/// A step that has begun.
pub(super) trait Progress {
    fn begin(&mut self) -> Next;

    /// Handles the outcome of the request.
    fn completed(&mut self, called: CallOutcome<Response>) -> Next;

    /// Handles the entries of the list that was read.
    fn listed(&mut self, read: Result<Vec<Value>, Error>) -> Next;

    /// Goes on after a wait, which a stop cuts short.
    fn waited(&mut self, stopped: bool) -> Next;

    /// Returns the outcome if the step ends now, apart from a request in flight.
    fn so_far(&self) -> StepOutcome;
}

/// Returns the error for a response that does not confirm its request.
pub(super) fn unlike(call: &Call, response: &Response) -> Error {
    call.endpoint
        .unreadable(response, "it differs from what was sent")
}
