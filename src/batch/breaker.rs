//! The circuit breaker of a run: when it pauses, and when an outage ends it.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// After this many requests in a row without a usable response, nothing is sent until one of them could be looked up:
/// for a create, every further request may leave a hundred more rows in doubt.
const MOST_LOST: u32 = 3;

/// Closed, it lets everything pass. Open, it lets nothing pass until a lookup is answered; then one request at a time,
/// until one is executed. Once an outage has lasted for [`Breaker::patience`], nothing is sent any more.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Requests lost since the last one that was executed.
    lost: u32,
    /// When the first of them was lost, or the first lookup failed.
    since: Option<Instant>,
    /// Why the latest of them was lost.
    why: Option<Error>,
    open: bool,
    over: bool,
    /// A lost request was given up, and its rows have failed.
    given_up: bool,
}

impl Breaker {
    /// How long an outage may last. A lost create may be repeated only after the settle time, so that this gives each
    /// request two further tries.
    fn patience(settle: Duration) -> Duration {
        2 * settle
    }

    /// A request was executed, or refused: the service works.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    /// A request was lost. `true`: the breaker is open now.
    pub(super) fn lose(&mut self, error: Error, settle: Duration) -> bool {
        self.lost += 1;
        self.fail(error, settle);
        self.open |= self.lost >= MOST_LOST || self.over;
        self.open
    }

    /// A lookup failed. `true`: the outage has lasted too long.
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

    /// A lookup was answered, so the service may be back.
    pub(super) fn lookup_answered(&mut self) {
        self.open = self.over;
    }

    /// The rows of a lost request have failed.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Whether anything may be sent.
    pub(super) fn lets_pass(&self) -> bool {
        !self.open
    }

    /// Whether a request goes out with no other beside it.
    pub(super) fn is_trial(&self) -> bool {
        self.lost >= MOST_LOST
    }

    /// What ends the call: the outage that was under way when it ended.
    pub(super) fn verdict(&mut self) -> Option<Error> {
        self.why
            .take()
            .filter(|_| self.open || self.over || self.given_up)
    }
}
