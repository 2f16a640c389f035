//! One list, read in rounds until it is quiet. Each round reads what changed since the round before it began.
//!
//! A round begins with the newest page, which is a list of its own if all rows fit on it. Otherwise the page
//! tells where the past begins, and the rest is read in ranges.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Packed, Version};
use super::part::{Next, Part, Phase, Service, Times, Trouble};
use super::range::{Odd, ROUNDED, Range};

mod plain;

/// The clocks of a service may differ, and changes become visible later than their time says, by this many
/// milliseconds.
pub const MARGIN: i64 = 5_000;
/// The number of rounds after which a list will never be quiet, since others change it faster than it can be
/// read.
const MOST_ROUNDS: u32 = 50;
/// Consecutive pages without a new row, after which a list never ends or begins.
const MOST_EMPTY: u32 = 20;
/// Consecutive pages in another order, or rounds with missing rows, after which the service does not sort.
const MOST_UNORDERED: u32 = 3;
/// How often a list is read again if rows are missing.
const MOST_READS: u32 = 3;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Seen {
    /// The newest version of the row, and the last round that showed it.
    version: Packed,
    round: u32,
}

/// A list that is read in rounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // They are independent.
pub struct Series {
    /// The times of the user's filter.
    times: Times,
    /// The rows seen so far, by the digest of their id.
    seen: HashMap<u64, Seen>,
    /// `totalResults` at the start of each round.
    totals: Vec<Option<u64>>,
    /// Where this round begins, and the newest change when it and the round before began.
    from: Option<i64>,
    newest: Option<i64>,
    before: Option<i64>,
    /// By a number that is never used again.
    ranges: BTreeMap<u64, Range>,
    next_number: u64,
    phase: Phase,
    /// Whether the round has shown a new row or version.
    fresh: bool,
    /// Whether the round was resumed, so that it does not show one moment.
    interrupted: bool,
    /// Whether nothing changed since the last round.
    quiet: bool,
    service: Service,
    reads: u32,
    /// The round of the last resume. Rounds of an earlier call do not count.
    resumed: u32,
    /// How often the list began again, and consecutive pages without a new row.
    begins: u32,
    empty: u32,
    /// Consecutive pages that are not in the requested order.
    unordered: u32,
    /// Consecutive rounds without a change that do not show all rows.
    unclear: u32,
    #[serde(skip)]
    in_flight: bool,
    cursor: Option<String>,
    /// The number of rows that the round has shown, if the list is read page by page.
    shown: u64,
    count: Count,
}

/// The number of rows after the last round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Count {
    Unneeded,
    Wanted,
    Told(Option<u64>),
}

/// Whether a list has all of its rows. What is to be done first comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whole {
    Yes,
    /// Rows that are missing may have left the list: what the service counts now will tell.
    Uncounted,
    /// The list has changed since.
    Changed,
    /// Rows are missing, so the list begins again.
    No,
}

impl Series {
    pub fn new(times: Times) -> Self {
        Self {
            times,
            seen: HashMap::new(),
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
        if !self.is_plain() {
            self.cursor = None;
        }
        self.ranges.values_mut().for_each(Range::resume);
    }

    /// Returns whether the round has ended.
    pub fn rests(&self) -> bool {
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
        self.seen
            .get(&id)
            .is_some_and(|seen| seen.version >= version.into())
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

    fn round(&self) -> u32 {
        u32::try_from(self.totals.len()).unwrap_or(u32::MAX)
    }

    /// Returns the number of rows that this round or a later one has shown.
    fn shown_since(&self, round: u32) -> u64 {
        self.seen.values().filter(|seen| seen.round >= round).count() as u64
    }

    /// Returns whether the round has shown all rows that the service counted when it began.
    fn is_exact(&self) -> bool {
        let total = self.totals.last().copied().flatten();
        !self.is_plain() && total == Some(self.shown_since(self.round()))
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
        if self.rests() || self.shown > 0 {
            self.totals.push(None);
        }
        self.start(from.max(self.times.from));
        Ok(())
    }

    fn start(&mut self, from: Option<i64>) {
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
    fn again(&mut self) {
        self.totals = vec![None];
        self.resumed = 0;
        self.seen.values_mut().for_each(|seen| seen.round = 0);
        self.quiet = false;
        self.start(self.times.from);
    }

    /// Checks that as many rows were read as the service counted at the start. Of the `changed` rows, some
    /// may have left the list unseen. If rows are missing, the list begins again.
    pub fn is_whole(&mut self, changed: &HashMap<u64, Version>) -> Result<Whole, Trouble> {
        let is_shown = |id: &u64| self.seen.get(id).is_some_and(|seen| seen.round >= 1);
        let others = changed.keys().filter(|id| !is_shown(id)).count() as u64;
        let (shown, total) = (self.shown_since(1), self.total().unwrap_or(0));
        if shown >= total {
            Ok(Whole::Yes)
        } else if shown + others >= total {
            self.count = Count::Wanted;
            self.fresh = false;
            Ok(Whole::Uncounted)
        } else {
            self.miss(shown, total)
        }
    }

    /// Returns whether the number of rows is still to be counted.
    pub fn is_counting(&self) -> bool {
        self.count == Count::Wanted
    }

    /// Checks that as many rows were read as the service counts now. `changed` are rows that may have left.
    pub fn is_whole_now(&mut self, changed: &HashMap<u64, Version>) -> Result<Whole, Trouble> {
        let Count::Told(Some(counted)) = std::mem::replace(&mut self.count, Count::Unneeded) else {
            return Ok(Whole::Yes);
        };
        if self.fresh {
            self.quiet = false;
            return Ok(Whole::Changed);
        }
        let has_left =
            |id: &u64, seen: &Seen| changed.get(id).is_some_and(|now| seen.version.is_before(*now));
        let kept = self
            .seen
            .iter()
            .filter(|(id, seen)| seen.round >= 1 && !has_left(id, seen))
            .count() as u64;
        if kept >= counted {
            Ok(Whole::Yes)
        } else {
            self.miss(kept, counted)
        }
    }

    /// Begins the list again, unless it was read too often.
    fn miss(&mut self, rows: u64, total: u64) -> Result<Whole, Trouble> {
        self.reads += 1;
        if self.reads >= MOST_READS {
            return Err(Trouble::Short(rows, total));
        }
        // Perhaps the service does not sort as documented, and the first page did not show it.
        if self.reads + 1 == MOST_READS {
            self.expect_no_order();
        }
        self.again();
        Ok(Whole::No)
    }

    /// Returns what to ask for next, except what is in flight.
    pub fn next(&mut self) -> Option<Next> {
        if self.is_counting() {
            let next = Next {
                part: Part::Count,
                times: self.times,
                cursor: None,
                before: 0,
            };
            return (!std::mem::replace(&mut self.in_flight, true)).then_some(next);
        }
        if self.rests() {
            return None;
        }
        if self.phase == Phase::Newest || self.is_plain() {
            if self.in_flight {
                return None;
            }
            self.in_flight = true;
            return Some(Next {
                part: if self.is_plain() {
                    Part::Plain
                } else {
                    Part::Newest
                },
                times: Times {
                    from: self.from,
                    ..self.times
                },
                cursor: self.cursor.clone(),
                before: self.shown,
            });
        }
        let (number, range) = self.ranges.iter_mut().find(|(_, range)| !range.in_flight)?;
        range.in_flight = true;
        let (from, to, cursor, before) = range.next();
        Some(Next {
            part: Part::Range(*number),
            times: Times { from, to: Some(to) },
            cursor: cursor.cloned(),
            before,
        })
    }

    /// Divides the range with the most rows left, for this many more requests, if that pays.
    pub fn divide(&mut self, more: u64, per_page: u64) -> bool {
        let rows_left = |(number, range): (&u64, &Range)| Some((range.divisible(per_page)?, *number));
        let Some((_, number)) = self.ranges.iter().filter_map(rows_left).max() else {
            return false;
        };
        let divided = self.ranges.get_mut(&number);
        let others = divided
            .map(|range| range.divide(number, more + 1, per_page))
            .unwrap_or_default();
        let is_divided = !others.is_empty();
        for other in others {
            self.add(other);
        }
        is_divided
    }

    fn add(&mut self, range: Range) {
        self.ranges.insert(self.next_number, range);
        self.next_number += 1;
    }

    /// Reads a page.
    pub fn on(&mut self, part: &Part, facts: &Facts) -> Result<(), Trouble> {
        let (round, mut new) = (self.round(), false);
        for row in &facts.rows {
            let unseen = Seen {
                version: Version::default().into(),
                round: 0,
            };
            let is_known = self.seen.contains_key(&row.id);
            let seen = self.seen.entry(row.id).or_insert(unseen);
            new |= seen.round != round;
            self.shown += u64::from(seen.round != round);
            self.fresh |= !row.is_late && (!is_known || seen.version.is_before(row.version));
            seen.version = seen.version.max(row.version.into());
            seen.round = round;
        }
        let read = match part {
            Part::Newest => self.on_newest(facts),
            Part::Range(number) => self.on_range(*number, facts),
            Part::Plain => return self.on_plain(facts, new),
            Part::Count => {
                self.in_flight = false;
                self.count = Count::Told(facts.total);
                return Ok(());
            }
        };
        match read {
            Ok(()) => {
                if !facts.rows.is_empty() {
                    self.unordered = 0;
                }
                Ok(())
            }
            Err(Odd::Endless) => Err(Trouble::Endless),
            Err(Odd::Restless) => Err(Trouble::Restless),
            Err(Odd::Unordered) => {
                self.unordered += 1;
                if self.unordered >= MOST_UNORDERED {
                    self.expect_no_order();
                    self.again();
                } else if let Part::Range(number) = part
                    && let Some(range) = self.ranges.get_mut(number)
                {
                    // An asset may have changed between its place in the order and its time.
                    range.restart().map_err(|_| Trouble::Restless)?;
                }
                Ok(())
            }
        }
    }

    fn is_plain(&self) -> bool {
        self.service != Service::Sorts
    }

    /// Reads the list page by page from now on.
    fn expect_no_order(&mut self) {
        self.service = self.service.max(Service::Shuffles);
    }

    fn note_total(&mut self, facts: &Facts) {
        if let Some(total) = self.totals.last_mut() {
            *total = facts.total;
        }
    }

    fn on_newest(&mut self, facts: &Facts) -> Result<(), Odd> {
        self.in_flight = false;
        if self.cursor.is_none() {
            self.note_total(facts);
        }
        let newest = facts.rows.iter().filter_map(|row| row.version.changed).max();
        self.newest = newest.or(facts.asked_at.map(|asked_at| asked_at.saturating_sub(MARGIN)));
        if facts.cursor.is_none() {
            self.phase = Phase::Ended;
            self.quiet = true;
            return Ok(());
        }
        if facts.rows.is_empty() {
            // A page may be empty although there are more.
            self.empty += 1;
            if self.empty > MOST_EMPTY || self.cursor == facts.cursor {
                return Err(Odd::Endless);
            }
            self.cursor.clone_from(&facts.cursor);
            return Ok(());
        }
        let times: Option<Vec<i64>> = facts.rows.iter().map(|row| row.version.changed).collect();
        self.cursor = None;
        let times = times.filter(|times| times.is_sorted_by(|one, other| one >= other));
        let oldest = times
            .and_then(|times| times.last().copied())
            .ok_or(Odd::Unordered)?;
        if self
            .from
            .is_some_and(|from| oldest < from.saturating_sub(ROUNDED))
        {
            return Err(Odd::Unordered);
        }
        self.phase = Phase::Rest;
        if facts.total.is_none() && self.round() > 1 && !self.fresh && self.newest == self.before {
            self.phase = Phase::Ended;
            self.quiet = true;
            return Ok(());
        }
        self.add(Range::new(self.from, oldest, self.times.to));
        Ok(())
    }

    fn on_range(&mut self, number: u64, facts: &Facts) -> Result<(), Odd> {
        let Some(range) = self.ranges.get_mut(&number) else {
            return Ok(());
        };
        let fewer = range.found_fewer(facts);
        range.on(facts)?;
        if range.is_done() {
            self.ranges.remove(&number);
        }
        if let Some((divided, rows)) = fewer
            && let Some(range) = self.ranges.get_mut(&divided)
        {
            range.expect_more(rows);
        }
        if self.ranges.is_empty() {
            self.phase = Phase::Ended;
            let is_known = self.round() > 1 && !self.fresh;
            self.quiet = is_known && !self.interrupted && self.is_exact();
            // Rows are missing, but nothing changed: perhaps the service does not sort, and no page has shown
            // it.
            let is_counted = self.totals.last() != Some(&None);
            self.unclear = if is_known && is_counted {
                self.unclear + 1
            } else {
                0
            };
            if self.unclear >= MOST_UNORDERED {
                self.expect_no_order();
                // What earlier rounds read relied on the order, and their times on what they read.
                self.again();
            }
        }
        Ok(())
    }
}
