//! Rows to requests: packed as they are read, by count and by bytes, into the body that will be sent.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::{Endpoint, SentRow};
use crate::batch::outcome::{Fault, OwnedLabel, SharedLedger, State, lock};
use crate::http::{Phase, Stop};
use crate::input::{Cell, Column, Label, Sink};
use crate::validation::{Policy, Problem, RowShape, RowWriter};

/// The service states no largest body. Gateways of this kind take 10 MB; a batch of 100 assets has some 50 kB.
pub const MOST_BYTES: usize = 2 << 20;

/// Reading pauses after so many rows, good or bad, so that a Ctrl-C is seen and other threads work.
const PAUSE: u32 = 1024;

/// A row in the body of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub row: u32,
    /// What the answer names the row by: its client asset id, or its id.
    pub key: Box<str>,
    start: usize,
    end: usize,
}

/// Rows that go out in one request.
#[allow(clippy::struct_excessive_bools)] // Each is a question of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The body, but for what closes it.
    open: Vec<u8>,
    pub items: Vec<Item>,
    /// What was taken out of it because an answer named it; see `bisect`.
    pub named: Vec<Batch>,
    /// Only ever split by halves from now on.
    pub halve: bool,
    /// Its assets were read again after a conflict: a second one counts.
    pub reread: bool,
    /// How often it went out again because nothing of it was there.
    pub resent: u32,
    /// It went out again before it was certain that the request before is over: a refusal may be that one's doing.
    pub suspicious: bool,
    /// What became of an earlier request with these rows is not certain yet: only an answer to this one tells more.
    pub in_doubt: bool,
}

impl Batch {
    /// The whole body.
    #[must_use]
    pub fn body(&self, endpoint: &Endpoint) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.open.len() + endpoint.closes.len());
        body.extend_from_slice(&self.open);
        body.extend_from_slice(endpoint.closes.as_bytes());
        body
    }

    /// The rows as they were sent.
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

    /// Adds an item that is encoded already.
    fn add(&mut self, endpoint: &Endpoint, row: u32, key: &str, body: &[u8]) {
        let start = self.begin(endpoint);
        self.open.extend_from_slice(body);
        self.items.push(Item {
            row,
            key: key.into(),
            start,
            end: self.open.len(),
        });
    }

    /// Bytes of the body.
    #[must_use]
    pub fn bytes(&self, endpoint: &Endpoint) -> usize {
        self.open.len() + endpoint.closes.len()
    }

    /// A batch of some of these items, written from what is already encoded.
    #[must_use]
    pub fn part(&self, endpoint: &Endpoint, wanted: impl Fn(usize, &Item) -> bool) -> Self {
        let mut part = Self {
            reread: self.reread,
            resent: self.resent,
            suspicious: self.suspicious,
            in_doubt: self.in_doubt,
            ..Self::default()
        };
        for (_, item) in self
            .items
            .iter()
            .enumerate()
            .filter(|(at, item)| wanted(*at, item))
        {
            part.add(endpoint, item.row, &item.key, &self.open[item.start..item.end]);
        }
        part
    }

    /// Two batches, the first with about as many bytes as the second: for a body that is too large.
    #[must_use]
    pub fn halves_by_bytes(&self, endpoint: &Endpoint) -> [Self; 2] {
        let half = self.open.len() / 2;
        // At least one item in each.
        let cut = self.items.iter().take_while(|item| item.end <= half).count();
        let cut = cut.clamp(1, self.items.len().saturating_sub(1).max(1));
        [
            self.part(endpoint, |at, _| at < cut),
            self.part(endpoint, |at, _| at >= cut),
        ]
    }

    /// Makes room for one more item and says where it starts.
    fn begin(&mut self, endpoint: &Endpoint) -> usize {
        self.open.extend_from_slice(if self.items.is_empty() {
            endpoint.opens.as_bytes()
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

/// How far the packing is to go before it says that it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// Until one batch is ready: rows come from a stream, and only what is in flight is held.
    OneBatch,
    /// To the end: all rows are checked before the first request. Their bodies, some 400 bytes a row, are held until
    /// they are sent.
    Everything,
}

/// What a run goes on with: rows that an earlier one over the same rows left.
#[derive(Debug, Clone, Default)]
pub struct Again {
    /// Rows to send.
    pub send: HashSet<u32>,
    /// Rows in doubt.
    pub prove: HashSet<u32>,
    /// Rows that were refused may have been mended since; then they are sent too.
    pub mended: bool,
}

/// What tells that two rows mean the same asset.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Same {
    Id(Uuid),
    ImportKey(Box<str>),
}

/// Packs rows into batches and opens their entry in the ledger.
pub struct Packer {
    endpoint: &'static Endpoint,
    writer: RowWriter,
    id_column: String,
    import_key: Option<String>,
    named_by_id: bool,
    ledger: SharedLedger,
    batch_size: usize,
    ahead: Ahead,
    current: Batch,
    ready: VecDeque<Batch>,
    /// Rows in doubt, by the request that carried them.
    doubts: BTreeMap<u32, Batch>,
    again: Again,
    /// How many rows the ledger knew before.
    known: u32,
    /// How many rows there are, where an earlier run has read them all.
    all: Option<u32>,
    /// Why the rows are not those of the earlier run.
    changed: Option<String>,
    next_row: u32,
    row: u32,
    start: usize,
    /// What was seen before, with its row and a digest of what that said.
    seen: HashMap<Same, (u32, u64)>,
    pub invalid: u64,
    /// Nothing more is read once the run is told to end.
    pub stop: Stop,
    /// Counts only, for a dry run: no batch is kept.
    pub count_only: bool,
    pub packed: crate::batch::outcome::Plan,
}

impl Packer {
    /// A packer for one run. With `again`, the ledger may know rows already.
    #[must_use]
    pub fn new(
        endpoint: &'static Endpoint,
        policy: Policy,
        ledger: SharedLedger,
        batch_size: usize,
        ahead: Ahead,
        again: Again,
    ) -> Self {
        let (known, complete) = {
            let ledger = lock(&ledger);
            (u32::try_from(ledger.rows()).unwrap_or(u32::MAX), ledger.complete)
        };
        Self {
            endpoint,
            id_column: policy.id_column.clone(),
            import_key: policy.import_key.as_ref().map(|key| key.field.clone()),
            named_by_id: policy.shape != RowShape::NewAsset,
            writer: RowWriter::new(policy),
            ledger,
            batch_size: batch_size.min(endpoint.most_items),
            ahead,
            current: Batch::default(),
            ready: VecDeque::new(),
            doubts: BTreeMap::new(),
            again,
            known,
            all: complete.then_some(known),
            changed: None,
            next_row: 0,
            row: 0,
            start: 0,
            seen: HashMap::new(),
            invalid: 0,
            stop: Stop::default(),
            count_only: false,
            packed: crate::batch::outcome::Plan::default(),
        }
    }

    /// Rows in doubt that were read again, each batch as the request of that number carried it.
    pub fn take_doubts(&mut self) -> BTreeMap<u32, Batch> {
        std::mem::take(&mut self.doubts)
    }

    /// Whether the rows bring import keys of their own, which an earlier run may have used.
    #[must_use]
    pub fn import_keys_are_given(&self) -> bool {
        self.writer.import_keys_are_given()
    }

    /// The next batch that is ready.
    pub fn take(&mut self) -> Option<Batch> {
        self.ready.pop_front()
    }

    /// Whether a batch is ready.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Closes the batch under way: the source has ended.
    pub fn finish(&mut self) {
        self.close_batch();
        let mut ledger = lock(&self.ledger);
        let warnings = self.writer.warnings(&|row| {
            let label = u32::try_from(row).map(|row| ledger.label(row));
            match (self.writer.row_title(), label) {
                (Some(title), Ok(OwnedLabel::Int(number))) => format!("{title} {number}"),
                _ => format!("row {row}"),
            }
        });
        ledger.warnings.extend(warnings);
        ledger.columns = self.writer.uses().to_vec();
    }

    fn close_batch(&mut self) {
        let batch = std::mem::take(&mut self.current);
        if batch.items.is_empty() {
            return;
        }
        // Rows are much alike, so the next body will be about as long as this one.
        self.current
            .open
            .reserve(batch.open.len() + batch.open.len() / 16);
        self.current.items.reserve(batch.items.len());
        self.packed.rows += batch.items.len() as u64;
        self.packed.requests += 1;
        self.packed.bytes += batch.bytes(self.endpoint) as u64;
        if !self.count_only {
            self.ready.push_back(batch);
        }
    }

    /// `false`: there should be no such row.
    fn add_row(&mut self, label: Label<'_>) -> bool {
        self.row = self.next_row;
        self.next_row += 1;
        if self.row < self.known {
            return true;
        }
        if let Some(all) = self.all {
            self.changed
                .get_or_insert_with(|| format!("there were {all} rows, and now there are more"));
            self.writer.skip();
            return false;
        }
        self.row = lock(&self.ledger).push(label);
        true
    }

    /// Why these rows are not those of the run that this one goes on with.
    #[must_use]
    pub fn changed(&self, ended: bool) -> Option<String> {
        let fewer = ended && self.next_row < self.known;
        let counted = fewer.then(|| {
            format!(
                "there were {} rows, and now there are {}",
                self.known, self.next_row
            )
        });
        self.changed.clone().or(counted)
    }

    fn refuse(&mut self, row: u32, problems: Vec<Problem>) {
        // What could not be read is not the row's mistake: it is sent once that can be read.
        let state = if problems.iter().all(Problem::is_of_reading) {
            State::NotSent
        } else {
            self.invalid += 1;
            State::Invalid
        };
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(Fault::invalid(problems));
        ledger.set_fault(row, state, fault);
    }

    /// Deals with a row that means the same asset as an earlier one. `true`: it is dealt with and not sent.
    ///
    /// Equal rows are one. Rows that differ cannot both be meant, and which one is cannot be told: so neither goes,
    /// if the earlier has not gone already.
    fn repeats(&mut self, key: &str, digest: u64) -> bool {
        let Some(same) = self.same(key) else {
            return false;
        };
        let Some((first, said)) = self.seen.get(&same).copied() else {
            self.seen.insert(same, (self.row, digest));
            return false;
        };
        if said == digest {
            lock(&self.ledger).set_same_as(self.row, first);
            return true;
        }
        let problem = |row: u32| {
            let other = format!("row {row}");
            match (&same, &self.import_key) {
                (Same::ImportKey(text), Some(field)) => Problem::same_import_key(field, text, &other),
                _ => Problem::same_id(&self.id_column, key, &other),
            }
        };
        let (ours, theirs) = (problem(first), problem(self.row));
        self.refuse(self.row, vec![ours]);
        if lock(&self.ledger).state(first) == State::NotSent {
            self.refuse(first, vec![theirs]);
        }
        true
    }

    /// A row that an earlier run knew: `true`, and it is sent. Its bytes may also go to a request in doubt.
    fn goes_again(&mut self, key: &str, checked: Result<u64, Vec<Problem>>) -> bool {
        let (state, before, sending, was_refused) = {
            let ledger = lock(&self.ledger);
            let sending = ledger.sending_of(self.row).map(|(number, _)| number);
            let record = ledger.record(self.row);
            let fault = record.fault.and_then(|fault| ledger.faults().get(fault as usize));
            let was_refused =
                fault.is_some_and(|fault| fault.status.is_some_and(|status| (400..500).contains(&status)));
            (ledger.state(self.row), record.digest, sending, was_refused)
        };
        let refused = matches!(state, State::Invalid | State::Rejected);
        // A row that the service refused may be mended also where the rest of its batch was not tried after it.
        let mendable = refused || (state == State::Failed && was_refused);
        // It could not be checked when it was read first, since the locations could not be read.
        let unchecked = state == State::NotSent && before == 0;
        match checked {
            // Nor can it be compared now; it stays what it is.
            Err(problems) if problems.iter().all(Problem::is_of_reading) => {
                if state == State::NotSent || (state == State::Invalid && self.again.mended) {
                    self.refuse(self.row, problems);
                }
                false
            }
            Ok(digest) if unchecked && self.again.send.contains(&self.row) => {
                {
                    let mut ledger = lock(&self.ledger);
                    ledger.set_digest(self.row, digest);
                    ledger.set(self.row, State::NotSent);
                }
                !self.repeats(key, digest)
            }
            Err(problems) if unchecked && self.again.send.contains(&self.row) => {
                self.refuse(self.row, problems);
                false
            }
            _ if unchecked => false,
            Ok(digest) if mendable && self.again.mended && digest != before => {
                {
                    let mut ledger = lock(&self.ledger);
                    ledger.part_from_twins(self.row);
                    ledger.rename(self.row, key, self.named_by_id);
                    ledger.set_digest(self.row, digest);
                    ledger.set(self.row, State::NotSent);
                }
                !self.repeats(key, digest)
            }
            Err(problems) if refused => {
                if self.again.mended && state == State::Invalid {
                    self.refuse(self.row, problems);
                }
                false
            }
            Ok(digest) if digest == before => {
                if let (false, Some(same)) = (refused, self.same(key)) {
                    self.seen.entry(same).or_insert((self.row, digest));
                }
                if self.again.prove.contains(&self.row)
                    && let Some(sending) = sending
                {
                    let batch = self.doubts.entry(sending).or_default();
                    let row = &self.current.open[self.start..];
                    batch.add(self.endpoint, self.row, key, row);
                    return false;
                }
                self.again.send.contains(&self.row)
            }
            _ if refused => false,
            _ => {
                let row = self.row;
                self.changed.get_or_insert_with(|| {
                    format!("row {row} (`{key}`) is not what it was (columns in another order count too)")
                });
                false
            }
        }
    }

    /// What tells which asset the row under way means.
    fn same(&self, key: &str) -> Option<Same> {
        if self.named_by_id {
            Uuid::try_parse(key).ok().map(Same::Id)
        } else {
            // Keys that were made are all different.
            let given = self.writer.import_keys_are_given();
            given.then(|| Same::ImportKey(self.writer.import_key().into()))
        }
    }
}

impl Sink for Packer {
    fn column(&mut self, name: &str) -> Column {
        self.writer.column(name)
    }

    fn begin(&mut self, label: Label<'_>) -> bool {
        let wanted = self.add_row(label);
        if wanted {
            self.start = self.current.begin(self.endpoint);
            self.writer.begin(&mut self.current.open);
        }
        wanted
    }

    fn cell(&mut self, column: Column, value: Cell<'_>) {
        self.writer.cell(column, value, &mut self.current.open);
    }

    fn broken(&mut self, label: Label<'_>, found: &str) {
        if !self.add_row(label) {
            return;
        }
        self.writer.skip();
        let problem = Problem::not_a_row(found);
        if self.row < self.known {
            // What it said is not known, so that it is no row is no change where it was none.
            self.goes_again("", Err(vec![problem]));
        } else {
            self.refuse(self.row, vec![problem]);
        }
    }

    fn end(&mut self) {
        let checked = self.writer.end(&mut self.current.open);
        let key: Box<str> = self.writer.key().into();
        // Never 0, which stands for a row that was not read.
        let checked = checked.map(|()| xxh3_64(&self.current.open[self.start..]).max(1));
        let stays = if self.row < self.known {
            self.goes_again(&key, checked)
        } else {
            lock(&self.ledger).name_last(&key, self.named_by_id);
            match checked {
                Err(problems) => {
                    self.refuse(self.row, problems);
                    false
                }
                Ok(digest) => {
                    lock(&self.ledger).set_digest(self.row, digest);
                    !self.repeats(&key, digest)
                }
            }
        };
        if !stays {
            self.current.undo_begin();
            return;
        }
        let end = self.current.open.len();
        if end > MOST_BYTES && !self.current.items.is_empty() {
            // The row that would make the body too large opens the next one.
            let row = self.current.open.split_off(self.start);
            self.current.undo_begin();
            self.close_batch();
            self.start = self.current.begin(self.endpoint);
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

    fn full(&self) -> bool {
        self.stop.phase() > Phase::Run
            || self.next_row.is_multiple_of(PAUSE)
            || (self.ahead == Ahead::OneBatch && !self.ready.is_empty())
    }
}
