//! One range of a list: the assets that last changed between two times, oldest change first.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::facts::Facts;

/// Pages to follow by cursor before the range is asked for again from its last row. Deep pages are slow in
/// services that count rows to find a page.
const MOST_PAGES: u32 = 50;
/// Consecutive pages without a row that the same list has not shown before.
const MOST_STALE: u32 = 20;
/// A part with fewer pages is not worth a request of its own.
const FEWEST_PAGES: u64 = 4;
/// A shorter range is not divided, in milliseconds.
const SHORTEST: i64 = 1_000;
/// The order of assets that changed in the same millisecond is unknown. If they keep changing, the range is requested
/// this often.
const MOST_RESTARTS: u32 = 100;
/// Times may be rounded to milliseconds: a row may show the millisecond before or after the one that the
/// service compares.
pub const ROUNDED: i64 = 1;

/// Why a range cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    /// The rows are not in the requested order or range, or show no time.
    Unordered,
    /// The pages do not end.
    Endless,
    /// The range keeps changing.
    Restless,
}

/// A range that is being read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Range {
    /// The times to ask for, in milliseconds since 1970, both included.
    from: Option<i64>,
    to: i64,
    /// The last time that this range has to read. Later rows belong to another range.
    end: i64,
    /// The time of the last row that was read without a gap before it.
    last: Option<i64>,
    /// The rows that are probably left.
    left: u64,
    /// The range that this one was divided from, and the rows it was expected to have.
    divided: Option<(u64, u64)>,
    /// How often the range was asked for again without reaching a later time.
    restarts: u32,
    #[serde(skip)]
    list: Cut,
    /// The rows of one millisecond, if the service does not report their number.
    #[serde(skip)]
    same: Option<HashSet<u64>>,
    #[serde(skip)]
    pub in_flight: bool,
    done: bool,
}

/// The pages read since the range was last asked for without a cursor.
#[derive(Debug, Clone, Default)]
struct Cut {
    cursor: Option<String>,
    total: Option<u64>,
    pages: u32,
    stale: u32,
    seen: HashSet<u64>,
}

impl Range {
    /// A range up to `end`. `latest` is the latest time that may be asked for.
    pub fn new(from: Option<i64>, end: i64, latest: Option<i64>) -> Self {
        let to = end.saturating_add(ROUNDED);
        Self {
            from,
            to: latest.map_or(to, |latest| to.min(latest)),
            end,
            last: None,
            left: 0,
            divided: None,
            restarts: 0,
            list: Cut::default(),
            same: None,
            in_flight: false,
            done: false,
        }
    }

    /// The times to ask for, both included, the cursor of the next page, and the number of rows on the pages
    /// that lead to it.
    pub fn next(&self) -> (Option<i64>, i64, Option<&String>, u64) {
        let before = self.list.seen.len() as u64;
        (self.from, self.to, self.list.cursor.as_ref(), before)
    }

    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The number of rows that are probably left, if it pays to divide them.
    pub fn divisible(&self, per_page: u64) -> Option<u64> {
        let last = self.last.filter(|_| !self.done)?;
        let is_long = self.end - last > SHORTEST;
        (is_long && self.left >= 2 * FEWEST_PAGES * per_page).then_some(self.left)
    }

    /// Divides the rest of the range into parts of equal time, at most this many, and returns all but the
    /// first. `number` is that of this range. The times of assets are uneven, so a part with many rows is
    /// divided again.
    pub fn divide(&mut self, number: u64, most: u64, per_page: u64) -> Vec<Self> {
        let parts = most.min(self.left / (FEWEST_PAGES * per_page).max(1)).max(1);
        let first = self.last.unwrap_or(self.end);
        let step = (self.end - first) / i64::try_from(parts).unwrap_or(i64::MAX);
        let begins: Vec<i64> = std::iter::successors(Some(first), |begin| Some(begin + step))
            .take(usize::try_from(parts).unwrap_or(usize::MAX))
            .skip(1)
            .collect();
        let ends = begins.iter().skip(1).copied().chain([self.end]);
        let rows = self.left / parts;
        let others = begins.iter().zip(ends).map(|(begin, end)| Self {
            left: rows,
            divided: Some((number, rows)),
            ..Self::new(Some(*begin), end, Some(self.to))
        });
        let others: Vec<Self> = others.collect();
        self.left -= rows * others.len() as u64;
        self.end = begins.first().copied().unwrap_or(self.end);
        others
    }

    /// Returns the range that this one was divided from, and how many rows it expected here but did not find.
    /// This is known once, after the first page.
    pub fn found_fewer(&mut self, facts: &Facts) -> Option<(u64, i64)> {
        let (number, expected) = self.divided.take()?;
        let total = facts.total?;
        Some((number, i64::try_from(expected).ok()? - i64::try_from(total).ok()?))
    }

    pub fn expect_more(&mut self, rows: i64) {
        self.left = self.left.saturating_add_signed(rows);
    }

    /// Reads a page.
    pub fn on(&mut self, facts: &Facts) -> Result<(), Odd> {
        self.in_flight = false;
        let newest = self.newest(facts)?;
        let mut any_new = false;
        for row in &facts.rows {
            any_new |= self.list.seen.insert(row.id);
        }
        self.list.stale = if any_new { 0 } else { self.list.stale + 1 };
        let repeats = facts.cursor.is_some() && facts.cursor == self.list.cursor;
        if repeats || self.list.stale >= MOST_STALE {
            return Err(Odd::Endless);
        }
        if self.list.total.is_some() && facts.total != self.list.total {
            // An asset left the range, and the pages behind it moved up: this page may begin too late.
            return self.restart();
        }
        self.left = match facts.total {
            // Only an undivided range has all rows of its list.
            Some(total) if self.list.pages == 0 && self.end.saturating_add(ROUNDED) >= self.to => total,
            _ => self.left,
        };
        self.left = self.left.saturating_sub(facts.rows.len() as u64);
        self.list.pages += 1;
        self.list.total = facts.total;
        self.list.cursor.clone_from(&facts.cursor);
        self.last = newest.or(self.last);
        self.done = facts.cursor.is_none() || self.last > Some(self.end);
        // Without a total, an asset that leaves the range goes unnoticed, so no cursor is followed.
        let is_blind = facts.total.is_none();
        if is_blind && self.list.pages > 1 && (self.done || self.last > self.from) {
            return self.compare();
        }
        let is_deep = self.list.pages >= MOST_PAGES || is_blind;
        if !self.done && is_deep && self.last > self.from {
            return self.restart();
        }
        Ok(())
    }

    /// Returns the time of the last row, if all rows are in the requested order and range.
    fn newest(&self, facts: &Facts) -> Result<Option<i64>, Odd> {
        let times: Option<Vec<i64>> = facts.rows.iter().map(|row| row.version.changed).collect();
        let times = times.ok_or(Odd::Unordered)?;
        let begin = self.last.filter(|_| self.list.pages > 0).or(self.from);
        let is_early = |time: &i64| begin.is_some_and(|begin| *time < begin.saturating_sub(ROUNDED));
        let is_late = |time: &i64| *time > self.to.saturating_add(ROUNDED);
        if !times.is_sorted() || times.first().is_some_and(is_early) || times.last().is_some_and(is_late) {
            return Err(Odd::Unordered);
        }
        Ok(times.last().copied())
    }

    /// Several pages of one millisecond were read by cursor, and no total shows whether an asset left it
    /// meanwhile. They are read again until they show the same rows.
    fn compare(&mut self) -> Result<(), Odd> {
        let seen = std::mem::take(&mut self.list.seen);
        if self.same.replace(seen.clone()) == Some(seen) {
            self.same = None;
            return if self.done { Ok(()) } else { self.restart() };
        }
        self.done = false;
        self.last = self.from;
        self.restart()
    }

    /// Continues after the requests in flight were lost. Restarts of an earlier call do not count.
    pub fn resume(&mut self) {
        self.rewind();
        self.restarts = 0;
    }

    /// Asks for the range again from its last row, which the next page repeats.
    pub fn restart(&mut self) -> Result<(), Odd> {
        let before = self.from;
        self.rewind();
        self.restarts = if self.from > before { 0 } else { self.restarts + 1 };
        if self.restarts > MOST_RESTARTS {
            return Err(Odd::Restless);
        }
        Ok(())
    }

    fn rewind(&mut self) {
        self.from = self.last.or(self.from);
        self.to = self.to.min(self.end.saturating_add(ROUNDED));
        self.list = Cut::default();
        self.in_flight = false;
    }
}
