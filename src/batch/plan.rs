//! Rows to requests: packed as they are read, by count and by bytes, into the body that will be sent.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use uuid::Uuid;

use crate::api::{Endpoint, SentRow};
use crate::batch::outcome::{Fault, SharedLedger, State, lock};
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The body, but for what closes it.
    open: Vec<u8>,
    pub items: Vec<Item>,
    /// What was taken out of it because an answer named it; see `bisect`.
    pub named: Vec<Batch>,
    /// Only ever split by halves from now on.
    pub halve: bool,
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

    /// Bytes of the body.
    #[must_use]
    pub fn bytes(&self, endpoint: &Endpoint) -> usize {
        self.open.len() + endpoint.closes.len()
    }

    /// A batch of some of these items, written from what is already encoded.
    #[must_use]
    pub fn part(&self, endpoint: &Endpoint, wanted: impl Fn(usize, &Item) -> bool) -> Self {
        let mut part = Self::default();
        for (_, item) in self
            .items
            .iter()
            .enumerate()
            .filter(|(at, item)| wanted(*at, item))
        {
            let start = part.begin(endpoint);
            part.open.extend_from_slice(&self.open[item.start..item.end]);
            let end = part.open.len();
            part.items.push(Item {
                start,
                end,
                ..item.clone()
            });
        }
        part
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

/// Packs rows into batches and opens their entry in the ledger.
pub struct Packer {
    endpoint: &'static Endpoint,
    writer: RowWriter,
    id_column: String,
    named_by_id: bool,
    ledger: SharedLedger,
    batch_size: usize,
    ahead: Ahead,
    current: Batch,
    ready: VecDeque<Batch>,
    /// In a second run over the same rows: only these.
    again: Option<Arc<HashSet<u32>>>,
    /// Why the rows are not those of the first run.
    changed: Option<String>,
    next_row: u32,
    row: u32,
    start: usize,
    /// Ids seen, with their row and a digest of what it says.
    seen: HashMap<Uuid, (u32, u64)>,
    pub invalid: u64,
    /// Nothing more is read once the run is told to end.
    pub stop: Stop,
    /// Counts only, for a dry run: no batch is kept.
    pub count_only: bool,
    pub packed: crate::batch::outcome::Plan,
}

impl Packer {
    /// A packer for one run. With `again`, the ledger already knows the rows.
    #[must_use]
    pub fn new(
        endpoint: &'static Endpoint,
        policy: Policy,
        ledger: SharedLedger,
        batch_size: usize,
        ahead: Ahead,
        again: Option<Arc<HashSet<u32>>>,
    ) -> Self {
        Self {
            endpoint,
            id_column: policy.id_column.clone(),
            named_by_id: policy.shape != RowShape::NewAsset,
            writer: RowWriter::new(policy),
            ledger,
            batch_size: batch_size.min(endpoint.most_items),
            ahead,
            current: Batch::default(),
            ready: VecDeque::new(),
            again,
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
        let warnings = self.writer.warnings();
        lock(&self.ledger).warnings.extend(warnings);
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

    fn add_row(&mut self, label: Label<'_>) -> bool {
        self.row = self.next_row;
        self.next_row += 1;
        if let Some(again) = &self.again {
            let wanted = again.contains(&self.row);
            if !wanted {
                self.writer.skip();
            }
            return wanted;
        }
        self.row = lock(&self.ledger).push(label);
        true
    }

    /// Why these rows are not those of the run that this one goes on with.
    #[must_use]
    pub fn changed(&self, ended: bool) -> Option<String> {
        self.again.as_ref()?;
        let before = lock(&self.ledger).rows();
        let other = ended && self.next_row as usize != before;
        let counted = other.then(|| format!("there were {before} rows and now there are {}", self.next_row));
        self.changed.clone().or(counted)
    }

    fn refuse(&mut self, row: u32, problems: Vec<Problem>) {
        self.invalid += 1;
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(Fault::invalid(problems));
        ledger.set_fault(row, State::Invalid, fault);
    }

    /// Deals with a row that names the same id as an earlier one. `true`: it is dealt with and not sent.
    ///
    /// Equal rows are one. Rows that differ cannot both be meant, and which one is cannot be told: so neither goes,
    /// if the earlier has not gone already.
    fn repeats(&mut self, key: &str) -> bool {
        let mut digest = DefaultHasher::new();
        self.current.open[self.start..].hash(&mut digest);
        let digest = digest.finish();
        let Ok(id) = Uuid::try_parse(key) else {
            return false;
        };
        let Some((first, said)) = self.seen.get(&id).copied() else {
            self.seen.insert(id, (self.row, digest));
            return false;
        };
        if said == digest {
            lock(&self.ledger).set_same_as(self.row, first);
            return true;
        }
        let name = |row: u32| format!("row {row}");
        self.refuse(
            self.row,
            vec![Problem::same_id(&self.id_column, key, &name(first))],
        );
        if lock(&self.ledger).state(first) == State::NotSent {
            self.refuse(
                first,
                vec![Problem::same_id(&self.id_column, key, &name(self.row))],
            );
        }
        true
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
        if self.add_row(label) {
            self.writer.skip();
            self.refuse(self.row, vec![Problem::not_a_row(found)]);
        }
    }

    fn end(&mut self) {
        let checked = self.writer.end(&mut self.current.open);
        let key: Box<str> = self.writer.key().into();
        if self.again.is_none() {
            lock(&self.ledger).name_last(&key, self.named_by_id);
        } else {
            let before = lock(&self.ledger).key(self.row);
            if before.is_some_and(|before| *before != *key) {
                self.changed = Some(format!("row {} is now `{key}`", self.row));
            }
        }
        let stays = match checked {
            Err(problems) => {
                self.refuse(self.row, problems);
                false
            }
            Ok(()) => !(self.named_by_id && self.repeats(&key)),
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
