//! The final warnings of a run, and why rows were not sent.

use crate::error::shortened;
use crate::http::Phase;
use crate::ledger::lock;
use crate::rows::in_rows;
use crate::run::job::Tolerance;
use crate::run::state::State;

impl State {
    /// Adds the final warnings, and records why the remaining rows were not sent.
    pub(super) fn explain(&mut self, rows: Option<usize>) {
        // Rows that were read but not sent are `NotSent`. The rest of a partially read stream is unknown.
        let mut ledger = lock(&self.ledger);
        if let Some(first) = self.outdated.first() {
            let first = ledger.name_of(*first, self.job.row_title());
            let (rows, verb) = match self.outdated.len() {
                1 => ("1 row".to_owned(), "was"),
                rows => (format!("{rows} rows"), "were"),
            };
            ledger.warnings.push(format!(
                "{rows} {verb} changed or removed after being sent (first: {first}). The project contains what was \
                 sent. Restore these rows for the next call of this run; make changes in another call"
            ));
        }
        if let (count, Some((first, ids))) = std::mem::take(&mut self.same_keys) {
            let first = ledger.name_of(first, self.job.row_title());
            ledger.warnings.push(format!(
                "several assets of the project have the same import key {}. Each row was compared with the oldest \
                 of its assets. The assets of the first: {ids}",
                in_rows(count, &first)
            ));
        }
        if let (count, Some(first)) = std::mem::take(&mut self.same_names) {
            let first = ledger.name_of(first, self.job.row_title());
            ledger.warnings.push(format!(
                "an asset with another import key, or without one, has the same Asset ID {}. If a key was corrected, \
                 patch the asset that has the old key, and delete the new one",
                in_rows(count, &first)
            ));
        }
        if let (count, Some((first, key))) = std::mem::take(&mut self.zeros.short) {
            let first = ledger.name_of(first, self.job.row_title());
            ledger.warnings.push(format!(
                "import keys such as '{key}' may have lost leading zeros {}: those of the project are longer, and have \
                 leading zeros",
                in_rows(count, &first)
            ));
        }
        for (field, (count, first)) in std::mem::take(&mut self.differing) {
            let first = ledger.name_of(first, self.job.row_title());
            ledger.warnings.push(format!(
                "`{field}` differs between what was sent and the asset that the service returned {}: read these \
                 assets again",
                in_rows(count, &first)
            ));
        }
        ledger.fill_up(rows.unwrap_or(0));
        ledger.not_sent = match (&self.fatal, self.job.tolerance) {
            _ if self.job.dry_run => None,
            (Some(error), _) => Some(format!(
                "the call ended early: {}",
                shortened(&error.to_string(), 200)
            )),
            (None, Tolerance::None) if self.too_many_bad() => {
                Some("a row was not ok, and on_error is 'stop'".to_owned())
            }
            (None, Tolerance::Rows(most)) if self.too_many_bad() => Some(format!(
                "{} rows were not ok, more than max_errors={most}",
                self.bad
            )),
            _ if self.stop.phase() == Phase::Run && self.some_rows_only => {
                Some("not in this file of rows to fix".to_owned())
            }
            _ if self.stop.phase() == Phase::Run => {
                Some("not selected by this call; call .retry() to send it".to_owned())
            }
            _ => Some("the call was interrupted".to_owned()),
        };
    }
}
