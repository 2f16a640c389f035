//! Reads the rows a second time, because not all of their bodies were kept. Rows that have changed since the check are
//! invalid.

use std::sync::Arc;

use crate::input::Label;
use crate::ledger::{Status, lock};
use crate::rows::Problem;
use crate::run::batch::may_be_sent;
use crate::run::lane::Lane;
use crate::run::pack::Packer;

/// After so many rows, what is kept of them is freed. Their warnings and repeats are known from the first time.
const FORGETS: usize = 4096;

impl Packer {
    /// Whether bodies were dropped, and the rows were not read again yet.
    pub(super) fn is_to_be_read_again(&self) -> bool {
        self.passes.are_to_be_read_again()
    }

    /// Prepares for the rows to be read from the start.
    pub(super) fn read_again(&mut self) {
        let writers = self.lanes.iter_mut().map(Lane::read_again).collect();
        self.passes.begin_second(writers);
        self.part = 0;
    }

    /// Starts a row. Returns `false` if it is not to be sent.
    pub(super) fn begin_again(&mut self, label: Label<'_>) -> bool {
        let at = self.passes.next_position();
        if at.is_some_and(|at| at.is_multiple_of(FORGETS)) {
            self.lane_mut().writer.forget_rows();
        }
        let row = at.and_then(|at| lock(&self.ledger).row_of_input(at));
        match row {
            Some(row) if !self.is_wanted_again(row) => {
                self.lane_mut().writer.skip();
                return false;
            }
            Some(row) => self.row = row,
            None => self.label = label.into(),
        }
        self.begun = row.is_none();
        let lane = self.lane_mut();
        lane.begin();
        lane.writer.set_number(row.unwrap_or_default());
        true
    }

    fn is_wanted_again(&self, row: u32) -> bool {
        self.passes.is_missing(row) && may_be_sent(&lock(&self.ledger), row)
    }

    /// Ends a row.
    pub(super) fn end_again(&mut self) {
        let checked = self.lane_mut().end();
        let digest = self.digest();
        if std::mem::take(&mut self.begun) {
            // The input had fewer rows before.
            let key = self.lane().writer.key().to_owned();
            self.lane_mut().undo();
            return self.add_changed(&key, digest);
        }
        let row = self.row;
        self.passes.take(row);
        let is_same = lock(&self.ledger).digest(row) == digest;
        if checked.is_err() || !is_same || self.lane().writer.has_nothing_to_send() {
            self.lane_mut().undo();
            return self.refuse(row, &[Problem::changed()]);
        }
        let key: Arc<str> = self.lane().writer.key().into();
        // The id of a new relationship is another one each time.
        let mut ledger = lock(&self.ledger);
        if ledger.key(row).as_deref() != Some(&*key) {
            ledger.rename(row, &key, self.lanes[self.part].named_by_id);
        }
        drop(ledger);
        self.keep(key);
    }

    /// Handles an item that is not a row.
    pub(super) fn broken_again(&mut self, label: Label<'_>, digest: u64) {
        let at = self.passes.next_position();
        self.lane_mut().writer.skip();
        let row = at.and_then(|at| lock(&self.ledger).row_of_input(at));
        match row {
            // It was not a row before either, or it is not to be sent.
            Some(row) if !self.is_wanted_again(row) => {}
            Some(row) => {
                self.passes.take(row);
                self.refuse(row, &[Problem::changed()]);
            }
            None => {
                self.label = label.into();
                self.add_changed("", digest);
            }
        }
    }

    /// Adds a row that the input did not have before.
    fn add_changed(&mut self, key: &str, digest: u64) {
        self.enter(key, digest);
        let row = self.row;
        lock(&self.ledger).add_to_input(row);
        self.refuse(row, &[Problem::changed()]);
    }

    /// Ends the input. If `whole` is false, some rows could not be read.
    pub(super) fn finish_again(&mut self, whole: bool) {
        if !whole {
            return;
        }
        self.close_batches();
        // The input has fewer rows than before.
        let missing: Vec<u32> = self.passes.missing().collect();
        for row in missing {
            self.passes.take(row);
            if lock(&self.ledger).status(row) == Status::NotSent {
                self.refuse(row, &[Problem::changed()]);
            }
        }
    }
}
