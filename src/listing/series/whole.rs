//! Whether a list that was read to its end has all of its rows.

use std::collections::HashMap;

use crate::listing::facts::Version;
use crate::listing::part::Trouble;

use super::state::{Count, Series};

/// How often a list is read again if rows are missing.
const MOST_READS: u32 = 3;

/// Whether a list has all of its rows. Of several lists, the last variant decides what to do.
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
    /// Checks that as many rows were read as the service counted at the start. Of the `changed` rows, some
    /// may have left the list unseen. If rows are missing, the list begins again.
    pub fn is_whole(&mut self, changed: &HashMap<u64, Version>) -> Result<Whole, Trouble> {
        let is_shown = |id: &u64| self.seen.shows_since(1, *id);
        let others = changed.keys().filter(|id| !is_shown(id)).count() as u64;
        let (shown, total) = (self.seen.count_since(1), self.total().unwrap_or(0));
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
        let Count::Reported(Some(counted)) = std::mem::replace(&mut self.count, Count::Unneeded) else {
            return Ok(Whole::Yes);
        };
        if self.fresh {
            self.quiet = false;
            return Ok(Whole::Changed);
        }
        let kept = self.seen.count_unchanged(changed);
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
        self.start_over();
        Ok(Whole::No)
    }
}
