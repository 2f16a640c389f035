//! Counters shared by all calls of a run, and its retry budget.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of successful requests after which a run's retry budget grows by one retry.
const SUCCESSES_A_RETRY: u64 = 5;

/// Counters shared by all calls of a run.
#[derive(Debug, Default)]
pub struct Counters {
    pub retries: AtomicU64,
    pub bytes: AtomicU64,
    /// Milliseconds that requests waited for the rate limits, including pauses after a 429.
    pub throttled: AtomicU64,
    /// Requests that are currently waiting for the rate limits, and requests that were sent but have no response yet.
    pub(super) waiting: AtomicU64,
    pub(super) in_flight: AtomicU64,
    /// Successful requests, which add to the retry budget, and the retries charged to the budget.
    pub(super) succeeded: AtomicU64,
    spent: AtomicU64,
    /// The pages of lists read so far, the rows on these pages, and the largest reported total number of
    /// rows.
    pages: AtomicU64,
    listed: AtomicU64,
    expected: AtomicU64,
}

impl Counters {
    /// Returns whether a request in this run has succeeded before.
    #[must_use]
    pub fn any_success(&self) -> bool {
        self.succeeded.load(Ordering::Relaxed) > 0
    }

    /// Returns whether requests are waiting for the rate limits while no request is in flight.
    #[must_use]
    pub fn only_wait(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0 && self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// Counts a page of a list. `total` is the number of rows on all pages of the list, or 0 if the number is
    /// unknown.
    pub fn note_page(&self, rows: u64, total: u64) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.listed.fetch_add(rows, Ordering::Relaxed);
        self.expected.fetch_max(total, Ordering::Relaxed);
    }

    /// Counts a page of the first rows of a list. Both numbers are those of all pages so far, which may be read
    /// several times.
    pub fn note_first(&self, rows: u64, total: u64) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.listed.fetch_max(rows, Ordering::Relaxed);
        self.expected.fetch_max(total, Ordering::Relaxed);
    }

    /// Replaces the number of rows of lists that have been read. The total number becomes unknown.
    pub fn reset_listed(&self, rows: u64) {
        self.listed.store(rows, Ordering::Relaxed);
        self.expected.store(0, Ordering::Relaxed);
    }

    /// Returns how many pages and rows of lists have been read, and the largest reported total number of
    /// rows, or 0 if no total is known.
    #[must_use]
    pub fn listed(&self) -> (u64, u64, u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (load(&self.pages), load(&self.listed), load(&self.expected))
    }

    /// Removes a request from the count of successful requests, because its response turned out to be
    /// unreadable. This is called at most once per success, so the count cannot underflow.
    pub fn take_back_success(&self) {
        self.succeeded.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes one retry from the run's budget. Returns `false` if no retry is left.
    ///
    /// Without a budget, all requests in flight would be retried several times when the service is overloaded.
    pub(super) fn may_retry(&self, budget: u32) -> bool {
        let earned = self.succeeded.load(Ordering::Relaxed) / SUCCESSES_A_RETRY;
        let spends = |spent| (spent < u64::from(budget) + earned).then_some(spent + 1);
        self.spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spends)
            .is_ok()
    }
}

/// Increments a counter when created, and decrements the counter when dropped, since a future may be dropped
/// at any time.
pub struct Counted<'c>(&'c AtomicU64);

impl<'c> Counted<'c> {
    pub fn new(count: &'c AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
