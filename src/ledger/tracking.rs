//! Tracks the changes to a ledger since it was last written to disk.

use super::faults::is_check;
use super::{Changes, Ledger, number};

impl Ledger {
    pub(super) fn changed(&mut self, row: u32) {
        if let Some(changes) = &mut self.changes
            && row < changes.rows_from
        {
            changes.rows.insert(row);
        }
    }

    /// Starts tracking changes. All existing content counts as changed.
    pub fn watch(&mut self) {
        self.changes = Some(Changes {
            sendings: (0..number(self.sendings.len())).collect(),
            faults: self.faults.others.keys().copied().collect(),
            bodies: self.faults.bodies.texts.keys().copied().collect(),
            ..Changes::default()
        });
    }

    /// Takes the changes made since the last call.
    pub fn take_changes(&mut self) -> Changes {
        self.take_changes_before(u32::MAX)
    }

    /// Takes the changes, but leaves new rows from `row` onward, and their reasons from checks, for a later
    /// call. A request with rows on both sides of `row` is included completely.
    pub fn take_changes_before(&mut self, row: u32) -> Changes {
        // Do not store rows that were not read: they are read when the run resumes.
        let read = number(self.read);
        let Some(mut changes) = self.changes.take() else {
            return Changes::default();
        };
        let mut to = row.min(read).max(changes.rows_from);
        // A request about to be sent is included completely or not at all.
        loop {
            let bodies = changes.sendings.iter().filter_map(|sending| self.body(*sending));
            let begun = bodies.filter(|body| body.rows.iter().any(|item| item.row < to));
            let last = begun.flat_map(|body| &body.rows).map(|item| item.row).max();
            match last {
                Some(last) if last >= to => to = last + 1,
                _ => break,
            }
        }
        changes.rows.extend(changes.rows_from..to);
        changes.checks_to = if to == read {
            self.faults.checks.len()
        } else {
            let reasons = changes.rows.iter().filter_map(|row| self.faults_of.get(*row));
            let checks = reasons.filter(|number| is_check(*number));
            let last = checks.max().map_or(0, |last| last as usize / 2 + 1);
            last.max(changes.checks_from)
        };
        let waits = |sending: &u32| {
            self.body(*sending)
                .is_some_and(|body| body.rows.iter().any(|item| item.row >= to))
        };
        let (later, sendings) = std::mem::take(&mut changes.sendings).into_iter().partition(waits);
        changes.sendings = sendings;
        self.changes = Some(Changes {
            rows_from: to,
            sendings: later,
            checks_from: changes.checks_to,
            phrases_from: self.faults.phrases.texts().len(),
            ..Changes::default()
        });
        changes
    }

    /// Puts back changes that could not be written.
    pub fn put_back(&mut self, changes: Changes) {
        if let Some(now) = &mut self.changes {
            now.rows.extend(changes.rows);
            now.rows = now.rows.range(..changes.rows_from).copied().collect();
            now.rows_from = changes.rows_from;
            now.sendings.extend(changes.sendings);
            now.checks_from = changes.checks_from;
            now.phrases_from = changes.phrases_from;
            now.faults.extend(changes.faults);
            now.bodies.extend(changes.bodies);
        }
    }

    /// Returns whether there are changes to take.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| {
            let new = changes.rows_from < number(self.read) || changes.checks_from < self.faults.checks.len();
            let sets = [&changes.rows, &changes.sendings, &changes.faults, &changes.bodies];
            new || sets.iter().any(|set| !set.is_empty())
        })
    }

    /// Returns the number of rows taken so far, or the number of rows read if changes are not tracked.
    #[must_use]
    pub fn taken(&self) -> u32 {
        let changes = self.changes.as_ref();
        changes.map_or(number(self.read), |changes| changes.rows_from)
    }
}
