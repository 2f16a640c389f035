//! What is known of a list that is read in rounds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::listing::facts::{Facts, Version};
use crate::listing::part::{Phase, Service, Times, Trouble};
use crate::listing::range::Range;

use super::seen::SeenRows;

/// The clocks of a service may differ, and changes become visible later than their time says, by this many
/// milliseconds.
pub const MARGIN: i64 = 5_000;
/// The number of rounds after which a list will never be quiet, since others change it faster than it can be
/// read.
const MOST_ROUNDS: u32 = 50;
/// Consecutive pages without a new row, after which a list never ends or begins.
pub const MOST_EMPTY: u32 = 20;

/// A list that is read in rounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // They are independent.
pub struct Series {
    /// The times of the user's filter.
    pub(super) times: Times,
    pub(super) seen: SeenRows,
    /// `totalResults` at the start of each round.
    pub(super) totals: Vec<Option<u64>>,
    /// Where this round begins, and the newest change when it and the round before began.
    pub(super) from: Option<i64>,
    pub(super) newest: Option<i64>,
    pub(super) before: Option<i64>,
    /// By a number that is never used again.
    pub(super) ranges: BTreeMap<u64, Range>,
    pub(super) next_number: u64,
    pub(super) phase: Phase,
    /// Whether the round has shown a new row or version.
    pub(super) fresh: bool,
    /// Whether the round was resumed, so that it does not show one moment.
    pub(super) interrupted: bool,
    /// Whether nothing changed since the last round.
    pub(super) quiet: bool,
    pub(super) service: Service,
    pub(super) reads: u32,
    /// The round of the last resume. Rounds of an earlier call do not count.
    pub(super) resumed: u32,
    /// How often the list began again, and consecutive pages without a new row.
    pub(super) begins: u32,
    pub(super) empty: u32,
    /// Consecutive pages that are not in the requested order.
    pub(super) unordered: u32,
    /// Consecutive rounds without a change that do not show all rows.
    pub(super) unclear: u32,
    #[serde(skip)]
    pub(super) in_flight: bool,
    pub(super) cursor: Option<String>,
    /// The number of rows that the round has shown, if the list is read page by page.
    pub(super) shown: u64,
    pub(super) count: Count,
}

/// The number of rows after the last round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Count {
    Unneeded,
    Wanted,
    /// The number in the response of the service, if it has one. Saved reads use an older name.
    #[serde(rename = "Told")]
    Reported(Option<u64>),
}

impl Series {
    pub fn new(times: Times) -> Self {
        Self {
            times,
            seen: SeenRows::default(),
            totals: vec![None],
            from: times.from,
            newest: None,
            before: None,
            ranges: BTreeMap::new(),
            next_number: 0,
            phase: Phase::Newest,
            fresh: false,
            interrupted: false,
            quiet: false,
            service: Service::Sorts,
            reads: 0,
            resumed: 0,
            begins: 0,
            empty: 0,
            unordered: 0,
            unclear: 0,
            in_flight: false,
            cursor: None,
            shown: 0,
            count: Count::Unneeded,
        }
    }

    /// Forgets the requests in flight, which were lost. The list may have changed meanwhile, so a round that was
    /// interrupted is not the last one.
    pub fn resume(&mut self) {
        self.in_flight = false;
        self.interrupted |= self.phase == Phase::Rest;
        self.resumed = self.round();
        self.begins = 0;
        if !self.is_unsorted() {
            self.cursor = None;
        }
        self.ranges.values_mut().for_each(Range::resume);
    }

    /// Returns whether the round has ended.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Returns whether nothing changed since the last round.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Returns whether the round has shown a new row or version.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Returns whether the list has shown this version of a row, or a newer one.
    pub fn shows(&self, id: u64, version: Version) -> bool {
        self.seen.shows(id, version)
    }

    /// Makes a list that was read in one response read its changes, too.
    pub fn disturb(&mut self) {
        self.quiet = false;
        self.count = Count::Unneeded;
    }

    /// Returns the number of rows that the service counted at the start.
    pub fn total(&self) -> Option<u64> {
        self.totals.first().copied().flatten()
    }

    /// Returns the earliest change that this round may have missed.
    pub fn changed_since(&self) -> Option<i64> {
        let margin = if self.is_exact() { 0 } else { MARGIN };
        self.newest.map(|newest| newest.saturating_sub(margin))
    }

    pub(super) fn round(&self) -> u32 {
        u32::try_from(self.totals.len()).unwrap_or(u32::MAX)
    }

    /// Returns whether the round has shown all rows that the service counted when it began.
    pub(super) fn is_exact(&self) -> bool {
        let total = self.totals.last().copied().flatten();
        !self.is_unsorted() && total == Some(self.seen.count_since(self.round()))
    }

    /// Begins another round, unless the list is quiet.
    pub fn begin(&mut self, from: Option<i64>) -> Result<(), Trouble> {
        self.quiet |= self.service == Service::Ignores;
        if self.quiet {
            return Ok(());
        }
        if self.round().saturating_sub(self.resumed) > MOST_ROUNDS {
            return Err(Trouble::Restless);
        }
        if self.has_ended() || self.shown > 0 {
            self.totals.push(None);
        }
        self.start(from.max(self.times.from));
        Ok(())
    }

    /// Starts a round at this time.
    pub(super) fn start(&mut self, from: Option<i64>) {
        self.from = from;
        self.before = self.newest.take();
        self.ranges.clear();
        self.phase = Phase::Newest;
        self.fresh = false;
        self.interrupted = false;
        self.empty = 0;
        self.cursor = None;
        self.shown = 0;
        self.in_flight = false;
        self.count = Count::Unneeded;
    }

    /// Reads the list again from the start.
    pub(super) fn start_over(&mut self) {
        self.totals = vec![None];
        self.resumed = 0;
        self.seen.forget_rounds();
        self.quiet = false;
        self.start(self.times.from);
    }

    pub(super) fn add_range(&mut self, range: Range) {
        self.ranges.insert(self.next_number, range);
        self.next_number += 1;
    }

    /// Returns whether the list is read page by page.
    pub(super) fn is_unsorted(&self) -> bool {
        self.service != Service::Sorts
    }

    /// Reads the list page by page from now on.
    pub(super) fn expect_no_order(&mut self) {
        self.service = self.service.max(Service::Shuffles);
    }

    pub(super) fn note_total(&mut self, facts: &Facts) {
        if let Some(total) = self.totals.last_mut() {
            *total = facts.total;
        }
    }
}
