//! How far a call has come, as shown to users.

use crate::ledger::Ledger;
use crate::run::activity::{Activity, CurrentActivity};

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub counts: Counts,
    /// The number of all rows, if known.
    pub all: Option<usize>,
    pub activity: Activity,
}

/// Rows that were settled, checked or read, requests, and lookups, which are included in the requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub rows: usize,
    pub requests: u64,
    pub lookups: u64,
}

impl Counts {
    /// Counts what a ledger contains.
    #[must_use]
    pub fn of(ledger: &Ledger, activity: Activity) -> Self {
        Self {
            rows: match activity {
                // Rows that are only checked are not settled.
                Activity::Checking => ledger.rows(),
                _ => ledger.settled_rows(),
            },
            requests: ledger.stats.requests,
            lookups: ledger.stats.lookups,
        }
    }
}

impl Progress {
    /// Returns the progress of a call that reads a list, once it has read a page. `is_whole` says whether all rows were
    /// read.
    #[must_use]
    pub fn of_list(current: &CurrentActivity, is_whole: bool) -> Option<Self> {
        let (requests @ 1.., rows, total) = current.listed() else {
            return None;
        };
        if !current.is_reading() {
            return None;
        }
        let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let all = if is_whole {
            Some(rows)
        } else {
            // Some lists report no total, or a total that does not match the rows that the user may see.
            Some(total).filter(|total| *total >= rows && *total > 0)
        };
        Some(Self {
            counts: Counts {
                rows: count(rows),
                requests,
                lookups: 0,
            },
            all: all.map(count),
            activity: current.get(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::http::Counters;
    use crate::input::Label;
    use crate::ledger::Status;

    #[test]
    fn a_list_has_progress_once_a_page_was_read() {
        let counters = Arc::new(Counters::default());
        let of = |activity, is_whole| {
            let current = CurrentActivity::new(activity, counters.clone());
            let progress = Progress::of_list(&current, is_whole)?;
            Some((progress.counts.rows, progress.all, progress.counts.requests))
        };
        assert_eq!(of(Activity::Reading, false), None);
        counters.note_page(200, 0);
        assert_eq!(of(Activity::Writing, false), None);
        assert_eq!(of(Activity::Reading, false), Some((200, None, 1)));
        counters.note_page(200, 450);
        assert_eq!(of(Activity::Reading, false), Some((400, Some(450), 2)));
        counters.note_page(200, 450);
        assert_eq!(of(Activity::Reading, false), Some((600, None, 3)));
        assert_eq!(of(Activity::Reading, true), Some((600, Some(600), 3)));
    }

    #[test]
    fn rows_that_are_only_checked_count_although_they_are_not_settled() {
        let mut ledger = Ledger::default();
        for status in [Status::NotSent, Status::Created] {
            let row = ledger.push(Label::Number);
            ledger.set(row, status);
        }
        ledger.stats.requests = 2;
        assert_eq!(Counts::of(&ledger, Activity::Checking).rows, 2);
        assert_eq!(
            Counts::of(&ledger, Activity::Writing),
            Counts {
                rows: 1,
                requests: 2,
                lookups: 0
            }
        );
    }
}
