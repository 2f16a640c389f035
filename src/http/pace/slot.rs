//! Permission to send one request.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::keeper::Keeper;
use super::window::{Arrival, Window, locked};

/// Permission to send one request. When the slot is dropped, the current time is recorded as the arrival time
/// of the response, unless `unused` was called.
#[must_use]
pub struct Slot {
    pub(super) window: Arc<Window>,
    pub(super) keeper: Option<Arc<Keeper>>,
    pub(super) given_back: bool,
    /// How long the request waited at the head of the queue. Summed over all requests, this is the time that
    /// a run waited for the rate limits.
    pub waited: Duration,
}

impl Slot {
    /// Frees the slot immediately, because the request was definitely not sent.
    pub fn unused(mut self) {
        self.give_back(None);
    }

    fn give_back(&mut self, arrived: Option<Instant>) {
        if !std::mem::replace(&mut self.given_back, true) {
            let mut counts = locked(&self.window.counts);
            counts.in_flight = counts.in_flight.saturating_sub(1);
            counts
                .arrivals
                .extend(arrived.map(|at| Arrival { at, foreign: false }));
            drop(counts);
            self.window.changed.notify_waiters();
            if let Some(keeper) = &self.keeper {
                keeper.change();
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.give_back(Some(Instant::now()));
    }
}
