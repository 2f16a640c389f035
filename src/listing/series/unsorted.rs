//! A list that the service does not sort by time, page by page.

use crate::listing::facts::Facts;
use crate::listing::part::{Phase, Service, Trouble};

use super::state::{MARGIN, MOST_EMPTY, Series};

/// How often a list without time order may begin again because it changed.
const MOST_BEGINS: u32 = 10;

impl Series {
    /// Reads a page of a list in any order, which may show no row that is `new` in this round. If the list
    /// changes, it begins again.
    pub(super) fn on_unsorted(&mut self, facts: &Facts, new: bool) -> Result<(), Trouble> {
        self.in_flight = false;
        if self.cursor.is_none() {
            self.note_total(facts);
            self.newest = facts.asked_at;
            let first = self.from.map(|from| from.saturating_sub(MARGIN));
            // Without times, changes cannot be distinguished from other rows.
            let is_early = |time: Option<i64>| time.is_none_or(|time| Some(time) < first);
            if facts.rows.iter().any(|row| is_early(row.version.changed)) {
                self.service = Service::Ignores;
            }
        } else if let Some(Some(total)) = self.totals.last()
            && facts.total != Some(*total)
        {
            return self.begin_again();
        }
        self.empty = if new { 0 } else { self.empty + 1 };
        if self.empty > MOST_EMPTY || (facts.cursor.is_some() && facts.cursor == self.cursor) {
            return Err(Trouble::Endless);
        }
        if facts.cursor.is_none() {
            let is_one_page = self.cursor.is_none();
            if !is_one_page && self.fresh {
                // An asset that left and one that entered do not change the total, but they shift the pages.
                return self.begin_again();
            }
            self.phase = Phase::Ended;
            self.quiet = is_one_page || self.service == Service::Ignores || self.round() > 1;
        }
        self.cursor.clone_from(&facts.cursor);
        Ok(())
    }

    /// Reads the same round again.
    fn begin_again(&mut self) -> Result<(), Trouble> {
        self.begins += 1;
        if self.begins > MOST_BEGINS {
            return Err(Trouble::Restless);
        }
        let round = self.round();
        self.seen.forget_round(round);
        self.start(self.from);
        Ok(())
    }
}
