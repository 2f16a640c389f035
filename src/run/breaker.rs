//! The circuit breaker of a run. The breaker pauses the run when responses are lost, and ends the run after a long
//! outage.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// After this many consecutive requests without a usable response, only lookups are sent until one succeeds.
/// Each further create could leave a hundred more rows with an unknown outcome.
const MOST_LOST: u32 = 3;

/// The state of the circuit breaker. When closed, the breaker lets all requests pass. When open, the breaker
/// blocks all requests except lookups until a lookup succeeds. When half-open, the breaker lets one request
/// at a time pass until a request is executed or rejected. Once an outage has lasted for
/// [`Breaker::patience`], nothing more is sent.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// The number of requests lost since a request was last executed or rejected.
    lost: u32,
    /// When the outage began: the time of the first lost request or failed lookup.
    since: Option<Instant>,
    /// The error of the most recent lost request or failed lookup.
    why: Option<Error>,
    open: bool,
    over: bool,
    /// Whether the client gave up on a lost request, so that its rows failed.
    given_up: bool,
}

impl Breaker {
    /// How long an outage may last. A lost create may be repeated only after the settle time, so this allows two more
    /// attempts per request.
    fn patience(settle: Duration) -> Duration {
        2 * settle
    }

    /// Notes that a request was executed or rejected, so the service works.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    /// Notes a lost request. Returns `true` if the breaker is now open.
    pub(super) fn lose(&mut self, error: Error, settle: Duration) -> bool {
        self.lost += 1;
        self.fail(error, settle);
        self.open |= self.lost >= MOST_LOST || self.over;
        self.open
    }

    /// Notes a failed lookup. Returns `true` if the outage has lasted too long.
    pub(super) fn lookup_failed(&mut self, error: Error, settle: Duration) -> bool {
        self.fail(error, settle);
        self.open = true;
        self.over
    }

    fn fail(&mut self, error: Error, settle: Duration) {
        self.why = Some(error);
        let now = Instant::now();
        match self.since {
            Some(since) => self.over |= now >= since + Self::patience(settle),
            None => self.since = Some(now),
        }
    }

    /// Notes that a lookup succeeded, so the service may be available again.
    pub(super) fn lookup_answered(&mut self) {
        self.open = self.over;
    }

    /// Notes that the rows in a lost request failed.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Returns whether requests may be sent.
    pub(super) fn lets_pass(&self) -> bool {
        !self.open
    }

    /// Returns whether only one request at a time may be sent.
    pub(super) fn is_trial(&self) -> bool {
        self.lost >= MOST_LOST
    }

    /// Returns the most recent error if the call ended during an outage, or if the client gave up on a lost
    /// request and no request has been executed or rejected since.
    pub(super) fn verdict(&mut self) -> Option<Error> {
        self.why
            .take()
            .filter(|_| self.open || self.over || self.given_up)
    }
}
