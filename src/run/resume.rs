//! Decides what to do with each row from an earlier call.
//!
//! The ledger does not change until all of these rows have been read and matched with rows in the run.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::api::assets::fields::{BARCODE, CLIENT_ASSET_ID};
use crate::input::Label;
use crate::ledger::{Fault, Status, lock, number};
use crate::rows::Problem;
use crate::run::earlier::Earlier;
use crate::run::pack::Packer;
use crate::run::read_row::{Encoded, ReadRow, Today};

impl Packer {
    /// Matches the rows with the run once all rows from the earlier call have been read.
    pub(super) fn place_earlier(&mut self) {
        let Some(mut earlier) = self.earlier.take() else {
            return;
        };
        let part = self.part;
        self.read_again.clear();
        if let Some(name) = earlier.name_of_other_run().filter(|_| self.continuation.edits) {
            self.changed = Some(self.of_other_run(name));
            return;
        }
        self.changed = self.moved_columns(&earlier).filter(|_| self.continuation.edits);
        if self.changed.is_some() {
            return;
        }
        let numbers = earlier.numbers();
        let all = numbers.is_none();
        let rows = match earlier.rows(numbers.as_deref()) {
            Ok(_) if all && self.continuation.edits && earlier.is_of_other_rows() => {
                self.changed = Some(Self::of_other_rows());
                return;
            }
            Ok(rows) => rows,
            Err(unfit) => {
                self.changed = Some(self.unfit(&unfit, &earlier, all));
                return;
            }
        };
        self.keep_fields(&earlier, all);
        let known = number(earlier.known());
        let mut missing: HashSet<u32> = (0..known).collect();
        for row in &rows {
            missing.remove(row);
        }
        let twins = earlier.take_twins();
        for row in missing.iter().copied() {
            if all {
                self.take_out(row, twins.get(&row).map_or(&[], Vec::as_slice));
            } else {
                self.note_asset_of(row);
            }
        }
        for row in self.corrected.clone() {
            self.note_asset_of(row);
        }
        for (at, row) in (0_u32..).zip(&rows) {
            let Some(mut read) = earlier.take_held(at) else {
                continue;
            };
            self.number_import_key(&mut read, *row);
            if *row >= known {
                self.take_new(read);
            } else {
                self.judge_again(*row, read, all, &twins);
            }
        }
        for row in missing
            .into_iter()
            .filter(|row| self.continuation.look_up.contains(row))
        {
            let today = if all { Today::Removed } else { Today::NotGiven };
            self.today.entry(row).or_insert(today);
        }
        let places = rows;
        let same = places.iter().zip(0_u32..).all(|(row, at)| *row == at);
        self.places = (!same || places.len() < earlier.known()).then_some(places);
        self.some_rows_only = !all;
        self.today_is_known = true;
        self.next_row = number(lock(&self.ledger).rows());
        // The next rows of the source are of the same part as before.
        self.part = part;
    }

    /// Records which fields the columns set, now that the rows are known to be those of the run.
    fn keep_fields(&mut self, earlier: &Earlier, all: bool) {
        let fields = std::mem::take(&mut self.fields);
        let mut ledger = lock(&self.ledger);
        if all {
            ledger.row_title = self.first_writer().row_title().map(Into::into);
        }
        let is_moved = |(column, now)| ledger.fields.get(column).is_some_and(|before| before != now);
        self.are_moved = fields.iter().any(is_moved);
        if all && earlier.nothing_is_sent() {
            ledger.fields = fields;
        } else {
            ledger.fields.extend(fields);
        }
    }

    /// Replaces a generated import key. The key belongs to the run's row, regardless of that row's position
    /// in the input.
    fn number_import_key(&self, read: &mut ReadRow, row: u32) {
        let Some(made) = self.lanes[read.part].writer.made_import_key(row) else {
            return;
        };
        if let Ok(Encoded::Body(body)) = &mut read.judged {
            let text = String::from_utf8_lossy(body);
            let quoted = |key: &str| format!("\"{key}\"");
            *body = text
                .replacen(&quoted(&read.import_key), &quoted(&made), 1)
                .into_bytes();
        }
        read.import_key = made.into();
    }

    /// Adds a row that the run had not read before.
    fn take_new(&mut self, read: ReadRow) {
        {
            let mut ledger = lock(&self.ledger);
            self.row = ledger.push(Label::Number);
            ledger.relabel(self.row, read.label.as_label());
            ledger.name_last(&read.key, self.lanes[read.part].named_by_id);
            ledger.set_digest(self.row, read.digest);
        }
        self.judge(self.row, read);
    }

    /// Packs a row to be sent, unless it has problems or is a duplicate.
    fn judge(&mut self, row: u32, read: ReadRow) {
        self.part = read.part;
        let same = self.lane().same(&read.key, &read.import_key);
        match read.judged {
            Err(problems) => self.refuse_noted(row, &read.key, same, problems),
            Ok(encoded) => {
                if self.repeats(row, &read.key, same, encoded.digest()) {
                    return;
                }
                match encoded {
                    Encoded::Body(body) if body.is_empty() => lock(&self.ledger).set(row, Status::Unchanged),
                    Encoded::Body(body) => self.pack(row, &read.key, &body),
                    Encoded::Dropped(_) => self.passes.drop_row(row),
                }
            }
        }
    }

    fn judge_again(&mut self, row: u32, mut read: ReadRow, all: bool, twins: &HashMap<u32, Vec<u32>>) {
        let (status, own, first, edited) = {
            let ledger = lock(&self.ledger);
            let first = ledger.same_as(row);
            (
                ledger.status(row),
                ledger.record(row).status,
                first,
                ledger.digest(row) != read.digest,
            )
        };
        if all {
            lock(&self.ledger).relabel(row, read.label.as_label());
        }
        if status.is_ok() && edited && first.is_none() {
            // The row is as it was before it was corrected, so its values are not those of its asset.
            self.note_asset_of(row);
            return self.corrected.push(row);
        }
        if status.is_ok() && !edited {
            if let Some(same) = self.lanes[read.part].same(&read.key, &read.import_key) {
                self.seen.note_spelling(&same);
                let said = read.judged.as_ref().map_or(0, Encoded::digest);
                self.seen.note(same, row, said);
            }
            return;
        }
        if status == Status::Unknown && (first.is_none() || !edited) {
            // If the row with the unknown outcome is missing, its duplicate is sent in its place.
            let sent = first.unwrap_or(row);
            if self.continuation.look_up.contains(&sent)
                && (first.is_none() || !self.today.contains_key(&sent))
            {
                self.judge_in_doubt(sent, read);
            }
            return;
        }
        // A duplicate shares the outcome of the earlier row, unless either of them was edited.
        let shares = first.is_some() && !edited;
        let wanted = if self.continuation.recheck {
            edited || self.are_moved || own.is_checked_again()
        } else {
            self.continuation.send.contains(&row)
        };
        if shares || !wanted {
            return;
        }
        if !all {
            let lost = self.still_without_zeros(row, &read);
            if !lost.is_empty() {
                read.judged = Err(lost);
            }
        }
        {
            let mut ledger = lock(&self.ledger);
            if edited {
                ledger.part_from_twins(row, twins.get(&row).map_or(&[], Vec::as_slice));
                if all {
                    ledger.drop_first_id(row);
                } else {
                    ledger.keep_first_id(row);
                }
            }
            ledger.rename(row, &read.key, self.lanes[read.part].named_by_id);
            ledger.set_digest(row, read.digest);
            ledger.set(row, Status::NotSent);
        }
        self.judge(row, read);
    }

    /// Returns the problems with identifiers that have lost their leading zeros and are still the same digits, now as text:
    /// pandas was told to read the column of a file of rows to fix as text, which does not correct them. A text in a file
    /// was typed there.
    fn still_without_zeros(&self, row: u32, read: &ReadRow) -> Vec<Problem> {
        let lane = &self.lanes[read.part];
        if lane.writer.row_title().is_some() {
            return Vec::new();
        }
        let fault = lock(&self.ledger).kept_fault(row);
        let problems = fault.into_iter().flat_map(|fault| fault.problems);
        let mut lost: Vec<Problem> = problems.filter(Problem::is_of_zeros).collect();
        let (Ok(Encoded::Body(body)), false) = (&read.judged, lost.is_empty()) else {
            return Vec::new();
        };
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let key = lane.import_key.as_deref();
        lost.retain(|problem| {
            let is_of = |field: &str| lane.writer.heading_of(field) == problem.column;
            key.is_some_and(is_of) && *read.import_key == *problem.value
                || is_of(CLIENT_ASSET_ID) && *read.key == *problem.value
                || is_of(BARCODE) && said[BARCODE] == *problem.value
        });
        lost
    }

    /// Reserves the asset that a row of the run has changed, or may have changed, for this row: its values are not
    /// those of the input.
    fn note_asset_of(&mut self, row: u32) {
        let key = {
            let ledger = lock(&self.ledger);
            let status = ledger.status(row);
            let has_asset = status.is_ok() || status == Status::Unknown;
            has_asset.then(|| ledger.key(row)).flatten()
        };
        let patches = self.lanes.iter().find(|lane| lane.is_patch);
        if let Some(same) = patches.zip(key).and_then(|(lane, key)| lane.same(&key, "")) {
            self.seen.note(same, row, 0);
        }
    }

    /// Stores what to send for a row with an unknown outcome, in case its request was not executed.
    fn judge_in_doubt(&mut self, row: u32, mut read: ReadRow) {
        self.part = read.part;
        if let (Ok(body), Some(same)) = (&read.judged, self.lane().same(&read.key, &read.import_key)) {
            self.seen.note_spelling(&same);
            let said = body.digest();
            let (first, other) = self.seen.note(same.clone(), row, said);
            if first != row && other != said {
                read.judged = Err(vec![self.repeated(&same, &read.key, first)]);
            }
        }
        self.today.insert(row, Today::Row(read));
    }

    /// Marks a row in the run as removed from the input, unless the row's outcome is unknown.
    fn take_out(&mut self, row: u32, twins: &[u32]) {
        let mut ledger = lock(&self.ledger);
        // A row with an unknown outcome must be looked up before it can be marked.
        if ledger.status(row) != Status::Unknown {
            ledger.part_from_twins(row, twins);
            let fault = ledger.add_fault(&Fault::removed());
            ledger.set_fault(row, Status::NotSent, fault);
        }
    }

    /// Returns the current input for rows with an unknown outcome, once all rows from the earlier call have been read.
    pub(super) fn take_today(&mut self) -> Option<HashMap<u32, Today>> {
        std::mem::take(&mut self.today_is_known).then(|| std::mem::take(&mut self.today))
    }
}
