//! Packs rows into request bodies as they are read, limited by number of rows and bytes.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::api::Write;
use crate::http::Stop;
use crate::ledger::{Ledger, OwnedLabel, Plan, SharedLedger, Status, lock, number};
use crate::options::Limits;
use crate::rows::compare::as_number;
use crate::rows::{Policy, Problem, RowShape, RowWriter};
use crate::run::again::Again;
use crate::run::batch::{Batch, Item, MOST_BYTES};
use crate::run::earlier::{Earlier, Today};
use crate::run::estimate::Counted;
use crate::run::existing::digest_of_key;
use crate::run::seen::{Same, Seen};

/// How far packing runs ahead of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// Until one batch is ready. Used for streams, so that only the rows in flight are kept in memory.
    OneBatch,
    /// To the end: all rows are checked before the first request. Their bodies, about 400 bytes per row, stay
    /// in memory until they are sent.
    Everything,
}

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
    pub(super) write: &'static Write,
    pub(super) writer: RowWriter,
    pub(super) id_column: String,
    pub(super) import_key: Option<String>,
    pub(super) named_by_id: bool,
    /// Whether rows change assets, so that two rows for the same asset contradict each other.
    pub(super) is_patch: bool,
    pub(super) ledger: SharedLedger,
    pub(super) batch_size: usize,
    pub(super) ahead: Ahead,
    pub(super) current: Batch,
    pub(super) ready: VecDeque<Batch>,
    pub(super) again: Again,
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
    pub(super) row: u32,
    /// The number of the next row, once all rows of an earlier call have been read.
    pub(super) next_row: u32,
    /// Whether the current row has no ledger entry yet. The entry is added at the end of the row, under a single lock.
    pub(super) begun: bool,
    pub(super) label: OwnedLabel,
    pub(super) start: usize,
    pub(super) seen: Seen,
    /// The keys of the rows of an earlier call. Rows of one key are one asset or invalid, and cause no other warnings.
    pub(super) read_again: HashSet<Same>,
    /// The number of rows that a check refused.
    pub invalid: u64,
    /// Stops reading when the run is stopped.
    pub stop: Stop,
    /// Whether to discard batches.
    pub(super) count_only: bool,
    pub(super) counted: Counted,
}

impl Packer {
    /// Creates a packer for one run. With `again`, the ledger may already have rows.
    #[must_use]
    pub fn new(
        write: &'static Write,
        policy: Policy,
        ledger: SharedLedger,
        batch_size: usize,
        ahead: Ahead,
        again: Again,
    ) -> Self {
        let id_column = policy.id_column.clone();
        let import_key = policy.import_key.as_ref().map(|key| key.field.clone());
        let named_by_id = policy.shape != RowShape::NewAsset;
        let is_patch = policy.shape == RowShape::AssetPatch;
        let mut writer = RowWriter::new(policy);
        let (earlier, next_row, known_headings) = {
            let mut ledger = lock(&ledger);
            writer.headings().clone_from(&ledger.headings);
            let earlier = Earlier::of(&ledger, &again);
            match &earlier {
                None => ledger.row_title = writer.row_title().map(Into::into),
                Some(earlier) if again.edits && earlier.nothing_is_sent() => writer.let_headings_grow(),
                Some(_) => {}
            }
            (earlier, number(ledger.rows()), ledger.headings.clone())
        };
        Self {
            write,
            writer,
            id_column,
            import_key,
            named_by_id,
            is_patch,
            ledger,
            batch_size: batch_size.min(write.endpoint.items().most),
            ahead,
            current: Batch::new(write),
            ready: VecDeque::new(),
            again,
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
            row: 0,
            next_row,
            begun: false,
            label: OwnedLabel::Number,
            start: 0,
            seen: Seen::default(),
            read_again: HashSet::new(),
            invalid: 0,
            stop: Stop::default(),
            count_only: false,
            counted: Counted::default(),
        }
    }

    /// Only counts requests, for a dry run.
    pub fn count_only(&mut self) {
        self.count_only = true;
    }

    /// Limits the rows per batch.
    pub fn at_most(&mut self, rows: usize) {
        self.batch_size = self.batch_size.min(rows);
    }

    /// Estimates what the packed rows take at these rate limits.
    #[must_use]
    pub fn estimate(&self, limits: &Limits, ledger: &Ledger) -> Plan {
        self.counted.estimate(self.write, limits, ledger)
    }

    /// Returns digests of the import keys of all rows so far, and of the numbers that they are.
    #[must_use]
    pub(super) fn import_keys(&self) -> HashSet<u64> {
        let numbers = self.writer.number_keys().iter();
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
        self.writer.import_keys_are_given()
    }

    /// Whether the input has all rows of the run, rather than only the rows in a fixes file.
    #[must_use]
    pub fn has_all_rows(&self) -> bool {
        !self.some_rows_only
    }

    /// Takes the next batch that is ready.
    pub fn take(&mut self) -> Option<Batch> {
        let batch = self.ready.pop_front();
        self.taken |= batch.is_some();
        batch
    }

    /// Whether a batch is ready.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn close_batch(&mut self) {
        let batch = std::mem::replace(&mut self.current, Batch::new(self.write));
        if batch.items.is_empty() {
            return;
        }
        // Rows are similar, so the next body will be about as long as this body.
        self.current
            .open
            .reserve(batch.open.len() + batch.open.len() / 16);
        self.current.items.reserve(batch.items.len());
        if !self.count_only {
            return self.ready.push_back(batch);
        }
        self.counted.add(&batch);
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
    /// Of equal rows, only the first is sent. If rows differ, the correct one is unclear, so the later row is
    /// not sent, and the earlier row is not sent either unless its request has already been sent.
    pub(super) fn repeats(&mut self, row: u32, key: &str, same: Option<Same>, body: &[u8]) -> bool {
        let Some(same) = same else {
            return false;
        };
        self.seen.note_spelling(&same);
        let digest = Self::said(body);
        let Some((first, said)) = self.seen.first(&same) else {
            self.seen.note(same, row, digest);
            return false;
        };
        if said == digest {
            lock(&self.ledger).set_same_as(row, first);
            return true;
        }
        let ours = match same {
            Same::Id(_) if said == 0 && lock(&self.ledger).status(first) != Status::Invalid => {
                let first = lock(&self.ledger).name_of(first, self.writer.row_title());
                Problem::id_of_row(&self.id_column, key, &first)
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
        same: Option<Same>,
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
    pub(super) fn repeated(&self, same: &Same, key: &str, other: u32) -> Problem {
        let other = lock(&self.ledger).name_of(other, self.writer.row_title());
        match (same, &self.import_key) {
            (Same::ImportKey(text), Some(field)) => {
                Problem::same_import_key(&self.writer.heading_of(field), text, &other)
            }
            _ => Problem::same_id(&self.id_column, key, &other),
        }
    }

    /// Returns a digest for comparing the content of rows with the same key. The digest is never 0.
    pub(super) fn said(body: &[u8]) -> u64 {
        xxh3_64(body).max(1)
    }

    /// Adds an encoded row.
    pub(super) fn pack(&mut self, row: u32, key: &str, body: &[u8]) {
        self.row = row;
        self.start = self.current.begin();
        self.current.open.extend_from_slice(body);
        self.keep(key.into());
    }

    /// Adds the row to the current batch.
    pub(super) fn keep(&mut self, key: Arc<str>) {
        let end = self.current.open.len();
        if end > MOST_BYTES && !self.current.items.is_empty() {
            // A row that would make the body too large starts the next body.
            let row = self.current.open.split_off(self.start);
            self.current.undo_begin();
            self.close_batch();
            self.start = self.current.begin();
            self.current.open.extend_from_slice(&row);
        }
        let end = self.current.open.len();
        self.current.items.push(Item {
            row: self.row,
            key,
            start: self.start,
            end,
        });
        if self.current.items.len() >= self.batch_size {
            self.close_batch();
        }
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
