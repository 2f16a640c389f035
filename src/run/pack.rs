//! Packs rows into request bodies as they are read, limited by number of rows and bytes.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::http::Stop;
use crate::ledger::{Estimate, Ledger, OwnedLabel, SharedLedger, Status, lock, number};
use crate::options::Limits;
use crate::rows::compare::as_number;
use crate::rows::{ColumnUse, Problem, RowWriter};
use crate::run::batch::Batch;
use crate::run::continuation::Continuation;
use crate::run::earlier::Earlier;
use crate::run::estimate::Counted;
use crate::run::existing::digest_of_key;
use crate::run::job::Part;
use crate::run::lane::Lane;
use crate::run::passes::{Passes, ReadAhead};
use crate::run::read_row::Today;
use crate::run::seen::{RowIdentity, Seen};

/// Why a call is refused before anything is sent.
pub(super) enum Refused {
    /// The rows are not those of the earlier call.
    Rows(String),
    /// The call does not fit the run, whatever its rows are. The message says what to do.
    Call(String),
}

/// Packs rows into batches, and adds an entry per row to the ledger.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
pub struct Packer {
    /// One per part.
    pub(super) lanes: Vec<Lane>,
    /// The part of the current row.
    pub(super) part: usize,
    pub(super) ledger: SharedLedger,
    pub(super) passes: Passes,
    ready: VecDeque<Batch>,
    /// Batches that were just closed.
    closed: VecDeque<Batch>,
    pub(super) continuation: Continuation,
    /// The rows of an earlier call, until all of them have been read.
    pub(super) earlier: Option<Earlier>,
    /// The current input for rows whose outcome is unknown, and whether all of them have been read.
    pub(super) today: HashMap<u32, Today>,
    pub(super) today_is_known: bool,
    /// Whether the rows come from a fixes file that contains only some rows of the run.
    pub(super) some_rows_only: bool,
    /// For each row of the input, its row number in the run, or `None` if the input has the same rows as the
    /// run in the same positions.
    pub(super) places: Option<Vec<u32>>,
    /// Why the call does not continue the earlier one.
    pub(super) changed: Option<Refused>,
    /// Whether rows were taken to be sent.
    pub(super) taken: bool,
    /// Whether the rows are sent, or those of a run, unlike those of a check. Rows from a file of another run are then
    /// refused.
    pub is_import: bool,
    /// The fields of the columns, until the rows of an earlier call are matched.
    pub(super) fields: BTreeMap<String, Option<String>>,
    /// Whether columns set other fields than before, which is possible if no row is done.
    pub(super) are_moved: bool,
    /// The roles of the columns in the earlier call.
    pub(super) known_headings: BTreeMap<String, Option<String>>,
    /// Completed rows that are given as they were before they were corrected in a fixes file.
    pub(super) corrected: Vec<u32>,
    /// The number of rows of the input so far.
    pub(super) read: usize,
    pub(super) row: u32,
    /// The number of the next row, once all rows of an earlier call have been read.
    pub(super) next_row: u32,
    /// Whether the current row has no ledger entry yet. The entry is added at the end of the row, under a single lock.
    pub(super) begun: bool,
    pub(super) label: OwnedLabel,
    pub(super) seen: Seen,
    /// The keys of the rows of an earlier call. Rows of one key are one asset or invalid, and cause no other warnings.
    pub(super) read_again: HashSet<RowIdentity>,
    /// The number of rows that a check refused.
    pub invalid: u64,
    /// Stops reading when the run is stopped.
    pub stop: Stop,
    /// Whether to discard batches.
    pub(super) count_only: bool,
    pub(super) counted: Counted,
}

impl Packer {
    /// Creates a packer for one run. With a continuation, the ledger may already have rows.
    #[must_use]
    pub fn new(parts: &[Part], ledger: SharedLedger, ahead: ReadAhead, continuation: Continuation) -> Self {
        let mut lanes: Vec<Lane> = (0..)
            .zip(parts)
            .map(|(index, part)| Lane::new(index, part, parts.len() == 1))
            .collect();
        let (earlier, next_row, known_headings) = {
            let mut ledger = lock(&ledger);
            let earlier = Earlier::of(&ledger, &continuation);
            for lane in &mut lanes {
                lane.restore_headings(&ledger.headings);
            }
            match &earlier {
                None => ledger.row_title = lanes[0].writer.row_title().map(Into::into),
                Some(earlier) if continuation.edits && earlier.nothing_is_sent() => {
                    for lane in &mut lanes {
                        lane.writer.let_headings_grow();
                    }
                }
                Some(_) => {}
            }
            (earlier, number(ledger.rows()), ledger.headings.clone())
        };
        Self {
            lanes,
            part: 0,
            ledger,
            passes: Passes::new(ahead),
            ready: VecDeque::new(),
            closed: VecDeque::new(),
            continuation,
            earlier,
            today: HashMap::new(),
            today_is_known: false,
            some_rows_only: false,
            places: None,
            changed: None,
            taken: false,
            is_import: false,
            fields: BTreeMap::new(),
            are_moved: false,
            known_headings,
            corrected: Vec::new(),
            read: 0,
            row: 0,
            next_row,
            begun: false,
            label: OwnedLabel::Number,
            seen: Seen::default(),
            read_again: HashSet::new(),
            invalid: 0,
            stop: Stop::default(),
            count_only: false,
            counted: Counted::default(),
        }
    }

    /// Restores the roles of the columns from an earlier call.
    pub(super) fn restore_headings(&mut self, known: &BTreeMap<String, Option<String>>) {
        for lane in &mut self.lanes {
            lane.restore_headings(known);
        }
    }

    /// Limits the rows per batch of a part.
    pub(super) fn at_most(&mut self, part: usize, rows: usize) {
        self.lanes[part].at_most(rows);
    }

    /// Only counts requests, for a dry run.
    pub fn count_only(&mut self) {
        self.count_only = true;
    }

    /// Estimates what the packed rows take at these rate limits.
    #[must_use]
    pub fn estimate(&self, limits: &Limits, ledger: &Ledger) -> Estimate {
        let usual = self.lanes[0].write;
        self.counted.estimate(usual, limits, ledger)
    }

    /// Returns digests of the import keys of all rows so far, and of the numbers that they are.
    #[must_use]
    pub(super) fn import_keys(&self) -> HashSet<u64> {
        let numbers = (0..self.lanes.len()).flat_map(|part| self.writer(part).number_keys());
        let numbers = numbers.filter_map(|key| Some(digest_of_key(&as_number(key)?)));
        self.seen.import_keys().chain(numbers).collect()
    }

    /// Returns the batches that are ready.
    pub(super) fn ready(&self) -> impl Iterator<Item = &Batch> {
        self.ready.iter()
    }

    /// Whether the rows have their own import keys, which an earlier run may have used.
    #[must_use]
    pub fn import_keys_are_given(&self) -> bool {
        (0..self.lanes.len()).any(|part| self.writer(part).import_keys_are_given())
    }

    /// Whether the input has all rows of the run, rather than only the rows in a fixes file.
    #[must_use]
    pub fn has_all_rows(&self) -> bool {
        !self.some_rows_only
    }

    /// Takes the next batch that is ready and of a part that may be sent.
    pub fn take(&mut self, may_be_sent: impl Fn(usize) -> bool) -> Option<Batch> {
        let next = self
            .ready
            .iter()
            .position(|batch| may_be_sent(batch.part_of_run))?;
        self.taken = true;
        self.ready.remove(next)
    }

    /// Whether a batch is ready.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Returns what has read the rows of a part, for messages.
    pub(super) fn writer(&self, part: usize) -> &RowWriter {
        self.passes.writer(part).unwrap_or(&self.lanes[part].writer)
    }

    /// Returns what has read the rows of the first part, for messages about the whole input.
    pub(super) fn first_writer(&self) -> &RowWriter {
        self.writer(0)
    }

    /// Returns how the columns were interpreted.
    pub(super) fn uses(&self) -> Vec<ColumnUse> {
        let parts = 0..self.lanes.len();
        parts.flat_map(|part| self.writer(part).uses().to_vec()).collect()
    }

    /// Returns what has read the rows that have import keys, for messages.
    pub(super) fn keyed_writer(&self) -> &RowWriter {
        let part = self.lanes.iter().position(|lane| lane.import_key.is_some());
        self.writer(part.unwrap_or_default())
    }

    /// Returns the part of the current row.
    pub(super) fn lane(&self) -> &Lane {
        &self.lanes[self.part]
    }

    pub(super) fn lane_mut(&mut self) -> &mut Lane {
        &mut self.lanes[self.part]
    }

    /// Returns the digest of the current row, which tells it apart from the rows of other parts.
    pub(super) fn digest(&self) -> u64 {
        let digest = self.lane().writer.digest();
        match self.part {
            0 => digest,
            part => xxh3_64_with_seed(&digest.to_le_bytes(), part as u64),
        }
    }

    /// Adds an encoded row.
    pub(super) fn pack(&mut self, row: u32, key: &str, body: &[u8]) {
        self.row = row;
        self.lanes[self.part].pack(row, key, body, &mut self.closed);
        self.hand_over();
    }

    /// Adds the row that just ended.
    pub(super) fn keep(&mut self, key: Arc<str>) {
        self.lanes[self.part].keep(self.row, key, &mut self.closed);
        self.hand_over();
    }

    /// Closes the current batches.
    pub(super) fn close_batches(&mut self) {
        for lane in &mut self.lanes {
            lane.close(&mut self.closed);
        }
        self.hand_over();
    }

    fn hand_over(&mut self) {
        while let Some(batch) = self.closed.pop_front() {
            if self.count_only {
                self.counted.add(&batch);
            } else if self.passes.keeps(&batch) {
                self.ready.push_back(batch);
            } else {
                for dropped in self.ready.drain(..).chain([batch]) {
                    dropped
                        .items
                        .iter()
                        .for_each(|item| self.passes.drop_row(item.row));
                }
            }
        }
    }

    pub(super) fn refuse(&mut self, row: u32, problems: &[Problem]) {
        let status = status_of(problems);
        self.invalid += u64::from(status != Status::NotSent);
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_problems(problems);
        ledger.set_fault(row, status, fault);
    }

    /// Handles a row that may be for the same asset as an earlier row. Returns `true` if the row must not be
    /// sent.
    ///
    /// `digest` is that of its content. Of equal rows, only the first is sent. If rows differ, the correct one is unclear, so the later row is
    /// not sent, and the earlier row is not sent either unless its request has already been sent.
    pub(super) fn repeats(&mut self, row: u32, key: &str, same: Option<RowIdentity>, digest: u64) -> bool {
        let Some(same) = same else {
            return false;
        };
        self.seen.note_spelling(&same);
        let Some((first, said)) = self.seen.first(&same) else {
            self.seen.note(same, row, digest);
            return false;
        };
        if said == digest {
            lock(&self.ledger).set_same_as(row, first);
            return true;
        }
        let ours = match same {
            RowIdentity::Id(_) if said == 0 && lock(&self.ledger).status(first) != Status::Invalid => {
                let first = lock(&self.ledger).name_of(first, self.first_writer().row_title());
                Problem::id_of_row(&self.lane().id_column, key, &first)
            }
            _ => self.repeated(&same, key, first),
        };
        let theirs = self.repeated(&same, key, row);
        self.refuse(row, &[ours]);
        if self.is_unsent(first) {
            self.refuse(first, &[theirs]);
        }
        true
    }

    /// Refuses a row with these problems. If an earlier row is for the same asset, it is unclear which of them is correct,
    /// so that one is not sent either. The same holds for later rows.
    pub(super) fn refuse_noted(
        &mut self,
        row: u32,
        key: &str,
        same: Option<RowIdentity>,
        mut problems: Vec<Problem>,
    ) {
        let Some(same) = same.filter(|_| status_of(&problems) == Status::Invalid) else {
            return self.refuse(row, &problems);
        };
        self.seen.note_spelling(&same);
        let Some((first, _)) = self.seen.first(&same) else {
            self.seen.note(same, row, 0);
            return self.refuse(row, &problems);
        };
        if self.is_unsent(first) {
            problems.push(self.repeated(&same, key, first));
            let theirs = self.repeated(&same, key, row);
            self.refuse(first, &[theirs]);
        }
        self.refuse(row, &problems);
    }

    /// Returns whether nothing was sent for a row: it is to be sent, or its asset already has its values.
    fn is_unsent(&self, row: u32) -> bool {
        matches!(
            lock(&self.ledger).status(row),
            Status::NotSent | Status::Unchanged
        )
    }

    /// Returns the problem to report for a row that refers to the same asset as row `other`.
    pub(super) fn repeated(&self, same: &RowIdentity, key: &str, other: u32) -> Problem {
        let other = lock(&self.ledger).name_of(other, self.first_writer().row_title());
        self.lane().repeated(same, key, &other)
    }
}

/// Returns the status of a row with these problems. A failed read is not a mistake in the row, so the row can be sent
/// later.
pub(super) fn status_of(problems: &[Problem]) -> Status {
    if problems.iter().all(Problem::is_of_reading) {
        Status::NotSent
    } else if problems.iter().all(Problem::is_drift) {
        Status::Drifted
    } else {
        Status::Invalid
    }
}
