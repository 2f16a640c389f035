//! What a page says of its list.

use crate::listing::facts::Facts;
use crate::listing::part::{Part, Phase, Trouble};
use crate::listing::range::{Odd, ROUNDED, Range};

use super::state::{Count, MARGIN, MOST_EMPTY, Series};

/// Consecutive pages in another order, or rounds with missing rows, after which the service does not sort.
const MOST_UNORDERED: u32 = 3;

impl Series {
    /// Reads a page.
    pub fn on(&mut self, part: &Part, facts: &Facts) -> Result<(), Trouble> {
        let (round, mut new) = (self.round(), false);
        for row in &facts.rows {
            let added = self.seen.add(row, round);
            new |= added.is_new_in_round;
            self.shown += u64::from(added.is_new_in_round);
            self.fresh |= !row.is_late && added.is_news;
        }
        let read = match part {
            Part::Newest => self.on_newest(facts),
            Part::Range(number) => self.on_range(*number, facts),
            Part::Unsorted => return self.on_unsorted(facts, new),
            Part::Count => {
                self.in_flight = false;
                self.count = Count::Reported(facts.total);
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
                    self.start_over();
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
        self.add_range(Range::new(self.from, oldest, self.times.to));
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
                self.start_over();
            }
        }
        Ok(())
    }
}
