//! The circuit breaker of a run. The breaker pauses the run when responses are lost, and ends the run after a long
//! outage. Times are those since the start of the run.

use std::time::Duration;

use crate::error::Error;

/// After this many consecutive requests without a usable response, only lookups are sent until one succeeds.
/// Each further create could leave a hundred more rows with an unknown outcome.
const MOST_LOST: u32 = 3;

/// The state of the circuit breaker. When closed, the breaker lets all requests pass. When open, the breaker
/// blocks all requests except lookups until a lookup succeeds. When half-open, the breaker lets one request
/// at a time pass until a request is executed or rejected. Once an outage has lasted for
/// [`Breaker::patience`], nothing more is sent.
#[derive(Debug)]
pub(super) struct Breaker {
    /// How long a lost create must not be repeated.
    settle_time: Duration,
    /// The number of requests lost since a request was last executed or rejected.
    lost: u32,
    /// When the outage began: the time of the first lost request or failed lookup.
    since: Option<Duration>,
    /// The error of the most recent lost request or failed lookup.
    why: Option<Error>,
    open: bool,
    over: bool,
    /// Whether the client gave up on a lost request, so that its rows failed.
    given_up: bool,
}

impl Breaker {
    pub(super) fn new(settle_time: Duration) -> Self {
        Self {
            settle_time,
            lost: 0,
            since: None,
            why: None,
            open: false,
            over: false,
            given_up: false,
        }
    }

    /// How long an outage may last. A lost create may be repeated only after the settle time, so this allows two more
    /// attempts per request.
    fn patience(&self) -> Duration {
        2 * self.settle_time
    }

    /// Notes that a request was executed or rejected, so the service works.
    pub(super) fn close(&mut self) {
        *self = Self::new(self.settle_time);
    }

    /// Notes a lost request. Returns `true` if the breaker is now open.
    pub(super) fn lose(&mut self, error: Error, now: Duration) -> bool {
        self.lost += 1;
        self.fail(error, now);
        self.open |= self.lost >= MOST_LOST || self.over;
        self.open
    }

    /// Notes a failed lookup. Returns `true` if the outage has lasted too long.
    pub(super) fn lookup_failed(&mut self, error: Error, now: Duration) -> bool {
        self.fail(error, now);
        self.open = true;
        self.over
    }

    fn fail(&mut self, error: Error, now: Duration) {
        self.why = Some(error);
        match self.since {
            Some(since) => self.over |= now >= since + self.patience(),
            None => self.since = Some(now),
        }
    }

    /// Notes that a lookup succeeded, so the service may be available again.
    pub(super) fn lookup_succeeded(&mut self) {
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
    pub(super) fn final_error(&mut self) -> Option<Error> {
        self.why
            .take()
            .filter(|_| self.open || self.over || self.given_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Sent, TransportError};

    const SETTLE: Duration = Duration::from_secs(30);

    fn lost(place: u32) -> Error {
        Error::Transport(TransportError::new(Sent::Maybe, format!("reset {place}")))
    }

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(SETTLE);
        for place in 0..MOST_LOST {
            assert!(breaker.lets_pass());
            assert_eq!(breaker.lose(lost(place), after(0)), place + 1 == MOST_LOST);
        }
        breaker
    }

    #[test]
    fn a_few_lost_requests_end_with_one_that_is_executed() {
        let mut breaker = Breaker::new(SETTLE);
        for place in 0..10 {
            breaker.lose(lost(place), after(u64::from(place) * 100));
            assert!(breaker.lets_pass());
            breaker.close();
        }
        assert!(breaker.final_error().is_none());
    }

    #[test]
    fn lost_requests_open_it_until_a_lookup_succeeds() {
        let mut breaker = opened();
        assert!(!breaker.lets_pass());
        breaker.lookup_succeeded();
        // One request at a time shows whether writes work, too.
        assert!(breaker.lets_pass() && breaker.is_trial());
        assert!(breaker.lose(lost(4), after(10)));
        breaker.lookup_succeeded();
        breaker.close();
        assert!(breaker.lets_pass() && !breaker.is_trial());
    }

    #[test]
    fn a_long_outage_ends_the_run_with_the_latest_error() {
        let mut breaker = opened();
        assert!(!breaker.lookup_failed(lost(8), after(59)));
        assert!(breaker.lookup_failed(lost(9), after(60)));
        breaker.lookup_succeeded();
        assert!(!breaker.lets_pass());
        assert!(
            breaker
                .final_error()
                .is_some_and(|error| error.to_string().contains("reset 9"))
        );
    }

    #[test]
    fn an_outage_is_not_prolonged_by_requests_that_failed_before_it() {
        let mut breaker = Breaker::new(SETTLE);
        breaker.lose(lost(0), after(0));
        breaker.close();
        breaker.lose(lost(1), after(100));
        assert!(!breaker.lookup_failed(lost(2), after(159)));
        assert!(breaker.lookup_failed(lost(3), after(160)));
    }

    #[test]
    fn failed_rows_end_a_run_with_their_error_only_if_nothing_was_executed_since() {
        let mut breaker = Breaker::new(SETTLE);
        breaker.lose(lost(0), after(0));
        breaker.give_up();
        breaker.close();
        assert!(breaker.final_error().is_none());
        breaker.lose(lost(1), after(0));
        breaker.give_up();
        assert!(breaker.final_error().is_some());
    }
}
