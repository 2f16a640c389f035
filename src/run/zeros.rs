//! Import keys that lost their leading zeros, as programs read and save 0017 as 17. Their rows would be created again.

use serde_json::Value;

use crate::ledger::{Status, lock};
use crate::rows::{Problem, RowWriter, has_more_zeros};
use crate::run::batch::{Batch, may_be_sent};
use crate::run::existing::digits_of;
use crate::run::state::State;

/// A row and its import key.
pub(super) type KeyedRow = (u32, String);

impl State {
    /// Refuses rows whose import keys are numbers that the project writes in another way.
    pub(super) fn refuse_numbers(&mut self, rows: &[KeyedRow], writer: &RowWriter) {
        let (Some(existing), Some((_, import_key))) = (&self.existing, self.job.with_import_key()) else {
            return;
        };
        if existing.is_empty() {
            return;
        }
        let column = writer.heading_of(&import_key.field);
        let mut refused = Vec::new();
        for (row, key) in rows {
            let is_number = writer.number_keys().contains(&**key);
            let problem = if let Some(written) = existing.written_otherwise(key) {
                let has_both = existing.has(key);
                if has_more_zeros(&written, key) && !has_both {
                    self.zeros.lost.get_or_insert_with(|| written.clone());
                }
                let is_file = writer.row_title().is_some();
                // Texts may differ on purpose, like the rooms 1.1 and 1.10, but hardly by leading zeros alone.
                let are_digits = digits_of(key).and(digits_of(&written)).is_some();
                match (is_number, are_digits && !has_both) {
                    (true, _) => Some(Problem::key_as_number(&column, key, &written, is_file, has_both)),
                    (false, true) => Some(Problem::key_with_other_zeros(&column, key, &written)),
                    (false, false) => None,
                }
            } else {
                let width = existing
                    .width
                    .filter(|width| is_number && is_shorter(key, *width));
                width.map(|width| Problem::number_without_zeros(&column, key, width))
            };
            refused.extend(problem.map(|problem| (*row, problem)));
        }
        self.refuse_keys(refused);
    }

    /// Refuses short keys of digits that the project does not have, if keys of other rows have lost their leading zeros:
    /// their column was read or saved as numbers.
    pub(super) fn refuse_short_keys(&mut self, rows: &[KeyedRow], writer: &RowWriter) {
        let (Some(lost), Some(existing), Some((_, import_key))) =
            (&self.zeros.lost, &self.existing, self.job.with_import_key())
        else {
            return;
        };
        let column = writer.heading_of(&import_key.field);
        let short = rows
            .iter()
            .filter(|(_, key)| is_shorter(key, lost.len()) && !existing.has(key));
        let refused = short.map(|(row, key)| (*row, Problem::key_without_zeros(&column, key, lost)));
        let refused = refused.collect();
        self.refuse_keys(refused);
    }

    /// Counts the short keys of digits that are sent, if the project has only longer ones with leading zeros.
    pub(super) fn note_short_keys(&mut self, batch: &Batch) {
        let width = self.existing.as_ref().and_then(|existing| existing.width);
        let Some(width) = width else {
            return;
        };
        let rows = self.keyed(batch);
        let ledger = lock(&self.ledger);
        for (row, key) in rows {
            if is_shorter(&key, width) && may_be_sent(&ledger, row) {
                self.zeros.short.0 += 1;
                self.zeros.short.1.get_or_insert((row, key));
            }
        }
    }

    /// Returns the rows of a batch that have import keys.
    pub(super) fn keyed(&self, batch: &Batch) -> Vec<KeyedRow> {
        let Some(import_key) = &self.job.part_of(batch).policy.import_key else {
            return Vec::new();
        };
        let rows = batch.items.iter().zip(batch.sent());
        let keyed = rows.filter_map(|(item, sent)| {
            let said: Value = serde_json::from_slice(sent.body).ok()?;
            Some((item.row, import_key.of(&said)?.to_owned()))
        });
        keyed.collect()
    }

    fn refuse_keys(&mut self, refused: Vec<(u32, Problem)>) {
        let mut ledger = lock(&self.ledger);
        for (row, problem) in refused {
            if may_be_sent(&ledger, row) {
                let fault = ledger.add_problems(&[problem]);
                ledger.set_fault(row, Status::Invalid, fault);
                self.bad += 1;
            }
        }
    }
}

/// Returns whether a key consists of fewer than `width` digits.
fn is_shorter(key: &str, width: usize) -> bool {
    digits_of(key).is_some_and(|digits| digits.len() < width)
}
