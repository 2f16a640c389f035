//! Packs rows into request bodies as they are read, limited by number of rows and bytes.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::{SentRow, Write};
use crate::http::{Phase, Stop};
use crate::input::{Cell, Column, Label, Sink};
use crate::ledger::journal::Others;
use crate::ledger::{Ledger, OwnedLabel, Plan, SentBody, SentItem, SharedLedger, Status, lock, number};
use crate::model::text::same_key;
use crate::options::Limits;
use crate::rows::compare::as_number;
use crate::rows::{Policy, Problem, RowShape, RowWriter, digest_of_no_row, in_rows};
use crate::run::earlier::{Earlier, ReadRow};
use crate::run::existing::digest_of_key;
use crate::run::resume::Today;
use crate::run::unfit::Refused;
use crate::run::zeros::digits_of;

/// The maximum size of a request body, in bytes. The service documents no limit. Similar gateways accept 10
/// MB; a batch of 100 assets takes about 50 kB.
pub const MOST_BYTES: usize = 2 << 20;

/// Reading pauses after this many rows, valid or not, to handle Ctrl-C and let other threads run.
const PAUSE: usize = 1024;

/// A row in the body of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub row: u32,
    /// The key of the row in the response: its clientAssetId or its id.
    pub key: Arc<str>,
    start: usize,
    end: usize,
}

/// The rows of one request.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The endpoint that takes the rows.
    pub write: &'static Write,
    /// The body, without its closing brackets.
    open: Vec<u8>,
    pub items: Vec<Item>,
    /// Rows removed because a response named them; see `bisect`.
    pub named: Vec<Batch>,
    /// Whether the batch may only be split in half from now on.
    pub halve: bool,
    /// Whether the assets were read again after a conflict. A second conflict is final.
    pub reread: bool,
    /// How many times the batch was resent because the project did not show its rows.
    pub resent: u32,
    /// Whether the batch was resent while an earlier request might still be executed, which can cause a rejection.
    pub suspicious: bool,
    /// Whether the outcome of an earlier request with these rows is unknown. Only a response to the request
    /// with this batch can settle the rows.
    pub in_doubt: bool,
    /// Whether the request was rejected as a whole and is now sent in parts.
    pub refused: bool,
    /// If this is half of a rejected batch, the number of that batch.
    pub half_of: Option<usize>,
    /// Whether this is the remainder of a batch with too many rows, which may be filled up with rows from the
    /// next batch.
    pub remainder: bool,
}

impl Batch {
    /// Creates a batch without rows.
    #[must_use]
    pub fn new(write: &'static Write) -> Self {
        Self {
            write,
            open: Vec::new(),
            items: Vec::new(),
            named: Vec::new(),
            halve: false,
            reread: false,
            resent: 0,
            suspicious: false,
            in_doubt: false,
            refused: false,
            half_of: None,
            remainder: false,
        }
    }

    /// Returns the complete request body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let close = self.write.endpoint.items().close.as_bytes();
        let mut body = Vec::with_capacity(self.open.len() + close.len());
        body.extend_from_slice(&self.open);
        body.extend_from_slice(close);
        body
    }

    /// Returns the encoded rows, as sent.
    #[must_use]
    pub fn sent(&self) -> Vec<SentRow<'_>> {
        let sent = |item| {
            let Item { key, start, end, .. }: &Item = item;
            SentRow {
                key,
                body: &self.open[*start..*end],
            }
        };
        self.items.iter().map(sent).collect()
    }

    /// Returns the content to store until the outcome is known.
    #[must_use]
    pub fn to_keep(&self) -> SentBody {
        let start = self.items.first().map_or(0, |item| item.start);
        let rows = self.items.iter().map(|item| SentItem {
            row: item.row,
            key: item.key.clone(),
            end: item.end - start,
        });
        SentBody {
            rows: rows.collect(),
            // Encoded JSON is valid Unicode.
            text: String::from_utf8(self.open[start..].to_vec())
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }
    }

    /// Restores a batch from the stored content of its request.
    #[must_use]
    pub fn kept(write: &'static Write, kept: &SentBody) -> Self {
        let mut batch = Self::new(write);
        let mut start = 0;
        for item in &kept.rows {
            let body = kept.text.get(start..item.end).unwrap_or_default();
            batch.add(item.row, &item.key, body.as_bytes());
            // Items are separated by commas.
            start = item.end + 1;
        }
        batch
    }

    /// Adds an encoded item.
    pub(super) fn add(&mut self, row: u32, key: &str, body: &[u8]) {
        let start = self.begin();
        self.open.extend_from_slice(body);
        self.items.push(Item {
            row,
            key: key.into(),
            start,
            end: self.open.len(),
        });
    }

    /// Returns the length of the body in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.open.len() + self.write.endpoint.items().close.len()
    }

    /// Creates a batch of the items that `wanted` selects, copied from the encoded body.
    #[must_use]
    pub fn part(&self, wanted: impl Fn(usize, &Item) -> bool) -> Self {
        let mut part = Self {
            reread: self.reread,
            resent: self.resent,
            suspicious: self.suspicious,
            in_doubt: self.in_doubt,
            ..Self::new(self.write)
        };
        for (_, item) in self
            .items
            .iter()
            .enumerate()
            .filter(|(at, item)| wanted(*at, item))
        {
            part.add(item.row, &item.key, &self.open[item.start..item.end]);
        }
        part
    }

    /// Splits a batch whose body is too large into two batches of about the same size in bytes.
    #[must_use]
    pub fn halves_by_bytes(&self) -> [Self; 2] {
        let half = self.open.len() / 2;
        // Each part has at least one item.
        let cut = self.items.iter().take_while(|item| item.end <= half).count();
        let cut = cut.clamp(1, self.items.len().saturating_sub(1).max(1));
        self.split_at(cut)
    }

    /// Splits the batch into two batches with half of the rows each.
    #[must_use]
    pub fn halves(&self) -> [Self; 2] {
        self.split_at(self.items.len() / 2)
    }

    /// Splits the batch into two batches, the first with this many rows.
    #[must_use]
    pub fn split_at(&self, rows: usize) -> [Self; 2] {
        [self.part(|at, _| at < rows), self.part(|at, _| at >= rows)]
    }

    /// Fills up a remainder to this many rows with rows from the next batch. Returns what remains of the next
    /// batch. Does not combine batches of two endpoints, batches that were halved, resent, reread or in doubt, or
    /// from which rows were removed, nor bodies that are too large together. A rejected batch that fits in one
    /// request stays whole.
    pub fn fill(&mut self, next: Self, rows: usize) -> Option<Self> {
        let is_new = |batch: &Self| {
            batch.named.is_empty()
                && batch.half_of.is_none()
                && batch.resent == 0
                && !(batch.halve || batch.reread || batch.suspicious || batch.in_doubt)
        };
        let fits = self.write == next.write && self.bytes() + next.bytes() <= MOST_BYTES;
        let whole = next.refused && next.items.len() <= rows;
        if !is_new(self) || !is_new(&next) || !fits || whole {
            return Some(next);
        }
        let room = rows.saturating_sub(self.items.len());
        let [taken, left] = next.split_at(room);
        for item in &taken.items {
            self.add(item.row, &item.key, &taken.open[item.start..item.end]);
        }
        self.remainder = self.items.len() < rows;
        (!left.items.is_empty()).then_some(Self {
            remainder: true,
            ..left
        })
    }

    /// Appends the text that precedes the next item, and returns the item's start.
    fn begin(&mut self) -> usize {
        self.open.extend_from_slice(if self.items.is_empty() {
            self.write.endpoint.items().open.as_bytes()
        } else {
            b","
        });
        self.open.len()
    }

    fn undo_begin(&mut self) {
        match self.items.last() {
            Some(last) => self.open.truncate(last.end),
            None => self.open.clear(),
        }
    }
}

/// How far packing runs ahead of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// Until one batch is ready. Used for streams, so that only the rows in flight are kept in memory.
    OneBatch,
    /// To the end: all rows are checked before the first request. Their bodies, about 400 bytes per row, stay
    /// in memory until they are sent.
    Everything,
}

/// Which rows of an earlier call to process, and how.
#[derive(Debug, Clone, Default)]
pub struct Again {
    /// The rows to send.
    pub send: HashSet<u32>,
    /// The rows to look up, whose outcome is unknown.
    pub prove: HashSet<u32>,
    /// Whether to check all rows again, since invalid rows may be valid by now.
    pub judge: bool,
    /// Whether the call has a named run, in which rows that are not settled may have been edited or removed.
    pub edits: bool,
    /// The name of the run, or the path of its file.
    pub run: Option<String>,
    /// The other runs in the folder of the run, unless nothing is recorded.
    pub others: Option<Others>,
}

/// The key that identifies a row's asset.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Same {
    Id(Uuid),
    ImportKey(Box<str>),
}

/// Packs rows into batches, and adds an entry per row to the ledger.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
pub struct Packer {
    write: &'static Write,
    pub(super) writer: RowWriter,
    id_column: String,
    pub(super) import_key: Option<String>,
    pub(super) named_by_id: bool,
    /// Whether rows change assets, so that two rows for the same asset contradict each other.
    pub(super) is_patch: bool,
    pub(super) ledger: SharedLedger,
    batch_size: usize,
    ahead: Ahead,
    current: Batch,
    ready: VecDeque<Batch>,
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
    taken: bool,
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
    begun: bool,
    label: OwnedLabel,
    start: usize,
    /// The keys seen so far, each with its first row and the digest of that row's content.
    pub(super) seen: HashMap<Same, (u32, u64)>,
    /// The keys of the rows of an earlier call. Rows of one key are one asset or invalid, and cause no other warnings.
    pub(super) read_again: HashSet<Same>,
    /// The first spelling of each import key, keyed by the normalized key (see `same_key`). `alike` contains
    /// the normalized keys with several spellings.
    spellings: HashMap<String, Box<str>>,
    pub(super) alike: HashSet<String>,
    /// The number of rows that a check refused.
    pub invalid: u64,
    /// Stops reading when the run is stopped.
    pub stop: Stop,
    /// Whether to discard batches.
    count_only: bool,
    /// The rows of the discarded batches, in order.
    counted: Vec<Counted>,
}

/// A row of a batch that was only counted.
struct Counted {
    row: u32,
    bytes: u32,
    /// The number of its request, from 1.
    request: u32,
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
            seen: HashMap::new(),
            read_again: HashSet::new(),
            spellings: HashMap::new(),
            alike: HashSet::new(),
            invalid: 0,
            stop: Stop::default(),
            count_only: false,
            counted: Vec::new(),
        }
    }

    /// Only counts requests, for a dry run.
    pub fn count_only(&mut self) {
        self.count_only = true;
    }

    /// Estimates the requests, bytes and minutes for the packed rows at these rate limits.
    ///
    /// Rows that turned out to be invalid after they were packed are not counted.
    #[must_use]
    pub fn estimate(&self, limits: &Limits, ledger: &Ledger) -> Plan {
        let items = self.write.endpoint.items();
        let frame = items.open.len() + items.close.len();
        let mut plan = Plan::default();
        let mut request = 0;
        for counted in &self.counted {
            if !may_be_sent(ledger, counted.row) {
                continue;
            }
            plan.rows += 1;
            // A comma separates two rows.
            let around = if counted.request == request { 1 } else { frame };
            plan.requests += u64::from(counted.request != request);
            plan.bytes += u64::from(counted.bytes) + around as u64;
            request = counted.request;
        }
        let limit = f64::from(limits.of(self.write.endpoint.group));
        let window = limits.window.as_secs_f64() / 60.0;
        #[allow(clippy::cast_precision_loss)] // A run has far fewer than 2^52 requests.
        let windows = (plan.requests as f64 / limit).ceil() - 1.0;
        plan.minutes = windows.max(0.0) * window;
        plan.per_minute = limit / window;
        plan
    }

    /// Limits the rows per batch.
    pub fn at_most(&mut self, rows: usize) {
        self.batch_size = self.batch_size.min(rows);
    }

    /// Returns digests of the import keys of all rows so far, and of the numbers that they are.
    #[must_use]
    pub(super) fn import_keys(&self) -> HashSet<u64> {
        let numbers = self.writer.number_keys().iter();
        let numbers = numbers.filter_map(|key| Some(digest_of_key(&as_number(key)?)));
        let padded = self.spellings.keys().filter(|key| digits_of(key).is_some());
        let padded = padded.filter_map(|key| Some(digest_of_key(&as_number(key)?)));
        let keys = self.spellings.keys().map(|key| digest_of_key(key));
        keys.chain(numbers).chain(padded).collect()
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

    /// Closes the current batch at the end of the source.
    ///
    /// If `whole` is false, some rows could not be read, so rows of an earlier call are not matched.
    pub fn finish(&mut self, whole: bool) {
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
        self.close_batch();
        let mut ledger = lock(&self.ledger);
        let known = self.places.as_ref().map_or(0, Vec::len);
        // Rows after those of the earlier call have consecutive numbers.
        let row_of = |at: usize| match &self.places {
            Some(places) if at < known => places[at],
            Some(_) => number(ledger.rows().saturating_sub(self.writer.rows_read() - at)),
            None => number(at),
        };
        // An input that ended early was not matched with the rows of the run.
        let unmatched = self.again.edits && self.earlier.is_some();
        let title = self.writer.row_title();
        let warnings = self.writer.warnings(&|at| ledger.name_of(row_of(at), title));
        let input = self
            .places
            .as_ref()
            .map(|_| (0..self.writer.rows_read()).map(row_of).collect())
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
        ledger.columns = self.writer.uses().to_vec();
    }

    /// Warns of equal rows that become one asset, because they have the same import key.
    fn copies(&self, ledger: &Ledger) -> Option<String> {
        let field = self.import_key.as_deref().filter(|_| !self.named_by_id)?;
        let given = self.places.as_ref().filter(|_| self.some_rows_only);
        let given: Option<HashSet<u32>> = given.map(|rows| rows.iter().copied().collect());
        let is_given = |row: &u32| given.as_ref().is_none_or(|given| given.contains(row));
        let rows = (0..number(ledger.rows())).filter(is_given);
        let mut copies = rows.filter_map(|row| Some((row, ledger.same_as(row)?)));
        let (copy, first) = copies.next()?;
        let title = self.writer.row_title();
        let copy = ledger.name_of(copy, title);
        let pair = format!("{} and {copy}", ledger.name_of(first, title));
        let column = self.writer.heading_of(field);
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

    fn close_batch(&mut self) {
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
        let request = self.counted.last().map_or(0, |last| last.request) + 1;
        self.counted.extend(batch.items.iter().map(|item| Counted {
            row: item.row,
            bytes: number(item.end - item.start),
            request,
        }));
    }

    /// Starts a row. Returns `false` if the row is skipped, because the rows do not match the earlier call.
    fn begin_row(&mut self, label: Label<'_>) -> bool {
        if self.changed.is_some() {
            self.writer.skip();
            return false;
        }
        self.label = label.into();
        if self.earlier.is_none() {
            self.row = self.next_row;
        }
        true
    }

    /// Adds the ledger entry of the current row.
    fn enter(&mut self, key: &str, digest: u64) {
        let label = std::mem::replace(&mut self.label, OwnedLabel::Number);
        let mut ledger = lock(&self.ledger);
        self.row = ledger.push(label.as_label());
        ledger.name_last(key, self.named_by_id);
        ledger.set_digest(self.row, digest);
        self.next_row = self.row + 1;
        self.begun = false;
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
        self.note_spelling(&same);
        let digest = Self::said(body);
        let Some((first, said)) = self.seen.get(&same).copied() else {
            self.seen.insert(same, (row, digest));
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
        self.note_spelling(&same);
        let Some((first, _)) = self.seen.get(&same).copied() else {
            self.seen.insert(same, (row, 0));
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

    /// Records import keys that differ only in spelling, since they belong to different assets.
    pub(super) fn note_spelling(&mut self, same: &Same) {
        let Same::ImportKey(key) = same else { return };
        let folded = same_key(key);
        match self.spellings.get(&folded) {
            Some(spelling) if spelling == key => {}
            Some(_) => drop(self.alike.insert(folded)),
            None => drop(self.spellings.insert(folded, key.clone())),
        }
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

    /// Handles an input row while the rows of an earlier call are being read.
    fn end_earlier(&mut self, checked: Result<(), Vec<Problem>>, digest: u64) {
        let key: Box<str> = self.writer.key().into();
        if let Some(same) = self
            .same(&key, self.writer.import_key())
            .filter(|_| !self.named_by_id && checked.is_ok())
            && !self.read_again.insert(same)
        {
            self.writer.forget_repeats();
        }
        let Some(earlier) = &mut self.earlier else {
            return;
        };
        let numbered = self.writer.numbered();
        if let Some((row, is_first)) = earlier.settled_next(digest).filter(|_| numbered.is_none()) {
            earlier.take_settled(digest, &key);
            if is_first {
                self.corrected.push(row);
            } else if let Some(same) = self.same(&key, self.writer.import_key()) {
                self.note_spelling(&same);
                let said = checked.map_or(0, |()| Self::said(&self.current.open[self.start..]));
                self.seen.entry(same).or_insert((row, said));
            }
        } else {
            let row = ReadRow {
                label: std::mem::replace(&mut self.label, OwnedLabel::Number),
                digest,
                key,
                import_key: self.writer.import_key().into(),
                judged: checked.map(|()| self.current.open[self.start..].to_vec()),
            };
            earlier.take(row, numbered.cloned());
        }
        self.current.undo_begin();
        self.end_earlier_if_read();
    }

    fn end_earlier_if_read(&mut self) {
        if self.earlier.as_ref().is_some_and(Earlier::is_read) {
            self.place_earlier();
        }
    }

    /// Adds an encoded row.
    pub(super) fn pack(&mut self, row: u32, key: &str, body: &[u8]) {
        self.row = row;
        self.start = self.current.begin();
        self.current.open.extend_from_slice(body);
        self.keep(key.into());
    }

    /// Adds the row to the current batch.
    fn keep(&mut self, key: Arc<str>) {
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

impl Sink for Packer {
    fn column(&mut self, name: &str) -> Column {
        let column = self.writer.column(name);
        // Store the headings from the first request on, so that the journal of a killed run has them.
        let mut ledger = lock(&self.ledger);
        let headings = self.writer.headings();
        if ledger.headings != *headings {
            ledger.headings.clone_from(headings);
        }
        if let Some(field) = self.writer.field_of(column) {
            if self.earlier.is_some() {
                self.fields.insert(name.to_owned(), field);
            } else {
                ledger.fields.entry(name.to_owned()).or_insert(field);
            }
        }
        drop(ledger);
        column
    }

    fn begin(&mut self, label: Label<'_>) -> bool {
        let wanted = self.begin_row(label);
        if wanted {
            self.start = self.current.begin();
            self.writer.begin(&mut self.current.open);
            if self.earlier.is_none() {
                self.writer.set_number(self.row);
                self.begun = true;
            }
        }
        wanted
    }

    fn cell(&mut self, column: Column, value: &Cell<'_>) {
        self.writer.cell(column, value, &mut self.current.open);
    }

    fn filled(&mut self, column: Column) {
        self.writer.filled(column);
    }

    fn broken(&mut self, label: Label<'_>, found: &str) {
        if !self.begin_row(label) {
            return;
        }
        self.writer.skip();
        let problem = Problem::not_a_row(found);
        let digest = digest_of_no_row(found);
        if let Some(earlier) = &mut self.earlier {
            let row = ReadRow {
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
        let checked = self.writer.end(&mut self.current.open);
        let digest = self.writer.digest();
        if self.earlier.is_some() {
            return self.end_earlier(checked, digest);
        }
        if let Some(name) = self
            .writer
            .numbered()
            .and_then(|numbered| numbered.name.as_deref())
            && self.is_import
        {
            self.changed = Some(self.of_named_run(name, self.taken));
            self.begun = false;
            return self.current.undo_begin();
        }
        let key: Arc<str> = self.writer.key().into();
        self.enter(&key, digest);
        let same = self.same(&key, self.writer.import_key());
        if let Err(problems) = checked {
            self.refuse_noted(self.row, &key, same, problems);
            return self.current.undo_begin();
        }
        let body = std::mem::take(&mut self.current.open);
        let repeats = self.repeats(self.row, &key, same, &body[self.start..]);
        self.current.open = body;
        if repeats {
            self.current.undo_begin();
            self.writer.forget_repeats();
        } else if self.writer.has_nothing_to_send() {
            self.current.undo_begin();
            lock(&self.ledger).set(self.row, Status::Unchanged);
        } else {
            self.keep(key);
        }
    }

    fn full(&self) -> bool {
        self.stop.phase() > Phase::Run
            || self.writer.rows_read().is_multiple_of(PAUSE)
            || (self.ahead == Ahead::OneBatch && !self.ready.is_empty())
    }
}

/// Returns whether a packed row is still to be sent. It is not, if it was found invalid after it was packed.
pub(super) fn may_be_sent(ledger: &Ledger, row: u32) -> bool {
    matches!(ledger.status(row), Status::NotSent | Status::Failed)
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
