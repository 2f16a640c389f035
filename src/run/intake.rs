//! Takes the rows of a source: each is checked and packed, or matched with a row of an earlier call.

use std::collections::HashSet;
use std::sync::Arc;

use crate::http::Phase;
use crate::input::{Cell, Column, Label, Sink};
use crate::ledger::{Ledger, OwnedLabel, Status, lock, number};
use crate::rows::{Problem, digest_of_no_row, in_rows};
use crate::run::earlier::Earlier;
use crate::run::pack::Packer;
use crate::run::read_row::{Encoded, ReadRow};
use crate::run::seen::digest_of;

/// Reading pauses after this many rows, valid or not, to handle Ctrl-C and let other threads run.
const PAUSE: usize = 1024;

impl Packer {
    /// Closes the current batches at the end of the source.
    ///
    /// If `whole` is false, some rows could not be read, so rows of an earlier call are not matched.
    pub fn finish(&mut self, whole: bool) {
        if self.passes.is_second() {
            return self.finish_again(whole);
        }
        if whole {
            self.place_earlier();
        }
        if self.changed.is_some() {
            // The rows of this input are not those of the ledger.
            return lock(&self.ledger).set_input(Some(Vec::new()));
        }
        if std::mem::take(&mut self.begun) {
            // The source failed in the middle of a row.
            self.enter("", 0);
        }
        self.close_batches();
        let mut ledger = lock(&self.ledger);
        let known = self.places.as_ref().map_or(0, Vec::len);
        // Rows after those of the earlier call have consecutive numbers.
        let row_of = |at: usize| match &self.places {
            Some(places) if at < known => places[at],
            Some(_) => number(ledger.rows().saturating_sub(self.read - at)),
            None => number(at),
        };
        // An input that ended early was not matched with the rows of the run.
        let unmatched = self.continuation.edits && self.earlier.is_some();
        let title = self.first_writer().row_title();
        let warnings: Vec<String> = self
            .lanes
            .iter()
            .flat_map(|lane| {
                let name = |at| ledger.name_of(row_of(lane.position(at)), title);
                lane.writer.warnings(&name)
            })
            .collect();
        let input = self
            .places
            .as_ref()
            .map(|_| (0..self.read).map(row_of).collect())
            .or_else(|| unmatched.then(Vec::new));
        if let Some(first) = self.corrected.first() {
            let rows = in_rows(self.corrected.len() as u64, &ledger.name_of(*first, title));
            ledger.warnings.push(format!(
                "the project has the corrections from a file of `.write_fixes()`, not the values given here, {rows}"
            ));
        }
        let copies = self.copies(&ledger);
        ledger.set_input(input);
        ledger.warnings.extend(copies);
        ledger.warnings.extend(warnings);
        ledger.columns = self.uses();
    }

    /// Warns of equal rows that become one asset, because they have the same import key.
    fn copies(&self, ledger: &Ledger) -> Option<String> {
        // Rows of one part alone: the equal rows of others may change or delete assets.
        let [lane] = &self.lanes[..] else { return None };
        let lane = Some(lane).filter(|lane| !lane.named_by_id)?;
        let field = lane.import_key.as_deref()?;
        let given = self.places.as_ref().filter(|_| self.some_rows_only);
        let given: Option<HashSet<u32>> = given.map(|rows| rows.iter().copied().collect());
        let is_given = |row: &u32| given.as_ref().is_none_or(|given| given.contains(row));
        let rows = (0..number(ledger.rows())).filter(is_given);
        let mut copies = rows.filter_map(|row| Some((row, ledger.same_as(row)?)));
        let (copy, first) = copies.next()?;
        let title = lane.writer.row_title();
        let copy = ledger.name_of(copy, title);
        let pair = format!("{} and {copy}", ledger.name_of(first, title));
        let column = lane.writer.heading_of(field);
        Some(match copies.count() {
            0 => format!(
                "{pair} are equal, so they become one asset. If {copy} should be another asset, correct its `{column}`"
            ),
            others => format!(
                "{} rows are equal to an earlier row, for example {pair}. Equal rows become one asset; if a copy \
                 should be another asset, correct its `{column}`",
                others + 1
            ),
        })
    }

    /// Starts a row. Returns `false` if the row is skipped, because the rows do not match the earlier call.
    fn begin_row(&mut self, label: Label<'_>) -> bool {
        let position = self.read;
        self.read += 1;
        self.lane_mut().note_position(position);
        if self.changed.is_some() {
            self.lane_mut().writer.skip();
            return false;
        }
        self.label = label.into();
        if self.earlier.is_none() {
            self.row = self.next_row;
        }
        true
    }

    /// Adds the ledger entry of the current row.
    pub(super) fn enter(&mut self, key: &str, digest: u64) {
        let label = std::mem::replace(&mut self.label, OwnedLabel::Number);
        let mut ledger = lock(&self.ledger);
        self.row = ledger.push(label.as_label());
        ledger.name_last(key, self.lanes[self.part].named_by_id);
        ledger.set_digest(self.row, digest);
        self.next_row = self.row + 1;
        self.begun = false;
    }

    /// Handles an input row while the rows of an earlier call are being read.
    fn end_earlier(&mut self, checked: Result<(), Vec<Problem>>, digest: u64) {
        let lane = &mut self.lanes[self.part];
        let key: Box<str> = lane.writer.key().into();
        let same = lane.same(&key, lane.writer.import_key());
        if let Some(same) = same.clone().filter(|_| !lane.named_by_id && checked.is_ok())
            && !self.read_again.insert(same)
        {
            lane.writer.forget_repeats();
        }
        let Some(earlier) = &mut self.earlier else {
            return;
        };
        let numbered = lane.writer.numbered();
        if let Some((row, is_first)) = earlier.settled_next(digest).filter(|_| numbered.is_none()) {
            earlier.take_settled(digest, &key);
            if is_first {
                self.corrected.push(row);
            } else if let Some(same) = same {
                self.seen.note_spelling(&same);
                let said = checked.map_or(0, |()| digest_of(lane.body()));
                self.seen.note(same, row, said);
            }
        } else {
            let row = ReadRow {
                part: self.part,
                label: std::mem::replace(&mut self.label, OwnedLabel::Number),
                digest,
                import_key: lane.writer.import_key().into(),
                judged: checked.map(|()| {
                    let body = lane.body();
                    let may_drop =
                        !self.count_only && numbered.is_none() && !earlier.may_be_in_doubt(digest, &key);
                    if may_drop && !body.is_empty() && self.passes.drops(body.len()) {
                        Encoded::Dropped(digest_of(body))
                    } else {
                        Encoded::Body(body.to_vec())
                    }
                }),
                key,
            };
            earlier.take(row, numbered.cloned());
        }
        lane.undo();
        self.end_earlier_if_read();
    }

    /// Returns the handle of a column of the current part, which no column of another part has.
    fn handle(&self, column: Column) -> Column {
        let (parts, part) = (number(self.lanes.len()), number(self.part));
        Column(column.0.saturating_mul(parts).saturating_add(part))
    }

    /// Returns the column of the current part with this handle.
    fn column_of(&self, handle: Column) -> Column {
        match self.lanes.len() {
            1 => handle,
            parts => Column(handle.0 / number(parts)),
        }
    }

    fn end_earlier_if_read(&mut self) {
        if self.earlier.as_ref().is_some_and(Earlier::is_read) {
            self.place_earlier();
        }
    }
}

impl Sink for Packer {
    fn part(&mut self, part: usize) {
        // A run has at least one part.
        self.part = part.min(self.lanes.len() - 1);
    }

    fn column(&mut self, name: &str) -> Column {
        let lane = &mut self.lanes[self.part];
        let column = lane.writer.column(name);
        let handle = self.handle(column);
        if self.passes.is_second() {
            return handle;
        }
        let lane = &mut self.lanes[self.part];
        // Store the headings from the first request on, so that the journal of a killed run has them.
        let mut ledger = lock(&self.ledger);
        lane.keep_headings(&mut ledger.headings);
        if let Some(field) = lane.writer.field_of(column) {
            let name = lane.name_in_run(name);
            if self.earlier.is_some() {
                self.fields.insert(name, field);
            } else {
                ledger.fields.entry(name).or_insert(field);
            }
        }
        drop(ledger);
        handle
    }

    fn begin(&mut self, label: Label<'_>) -> bool {
        if self.passes.is_second() {
            return self.begin_again(label);
        }
        let wanted = self.begin_row(label);
        if wanted {
            let lane = &mut self.lanes[self.part];
            lane.begin();
            if self.earlier.is_none() {
                lane.writer.set_number(self.row);
                self.begun = true;
            }
        }
        wanted
    }

    fn cell(&mut self, column: Column, value: &Cell<'_>) {
        let column = self.column_of(column);
        self.lanes[self.part].cell(column, value);
    }

    fn filled(&mut self, column: Column) {
        let column = self.column_of(column);
        self.lane_mut().writer.filled(column);
    }

    fn broken(&mut self, label: Label<'_>, found: &str) {
        let digest = digest_of_no_row(found);
        if self.passes.is_second() {
            return self.broken_again(label, digest);
        }
        if !self.begin_row(label) {
            return;
        }
        self.lane_mut().writer.skip();
        let problem = Problem::not_a_row(found);
        if let Some(earlier) = &mut self.earlier {
            let row = ReadRow {
                part: self.part,
                label: std::mem::replace(&mut self.label, OwnedLabel::Number),
                digest,
                key: Box::default(),
                import_key: Box::default(),
                judged: Err(vec![problem]),
            };
            earlier.take(row, None);
            self.end_earlier_if_read();
        } else {
            self.enter("", digest);
            self.refuse(self.row, &[problem]);
        }
    }

    fn end(&mut self) {
        if self.passes.is_second() {
            return self.end_again();
        }
        let checked = self.lane_mut().end();
        let digest = self.digest();
        if self.earlier.is_some() {
            return self.end_earlier(checked, digest);
        }
        let lane = &self.lanes[self.part];
        if let Some(name) = lane
            .writer
            .numbered()
            .and_then(|numbered| numbered.name.as_deref())
            && self.is_import
        {
            self.changed = Some(self.of_named_run(name, self.taken));
            self.begun = false;
            return self.lane_mut().undo();
        }
        let key: Arc<str> = lane.writer.key().into();
        let same = lane.same(&key, lane.writer.import_key());
        self.enter(&key, digest);
        if let Err(problems) = checked {
            self.refuse_noted(self.row, &key, same, problems);
            return self.lane_mut().undo();
        }
        let said = same.as_ref().map_or(0, |_| digest_of(self.lane().body()));
        if self.repeats(self.row, &key, same, said) {
            self.lane_mut().undo();
            self.lane_mut().writer.forget_repeats();
        } else if self.lane().writer.has_nothing_to_send() {
            self.lane_mut().undo();
            lock(&self.ledger).set(self.row, Status::Unchanged);
        } else {
            self.keep(key);
        }
    }

    fn full(&self) -> bool {
        self.stop.phase() > Phase::Run
            || self.lanes[self.part].writer.rows_read().is_multiple_of(PAUSE)
            || (self.passes.is_batch_enough() && self.has_ready())
    }
}
