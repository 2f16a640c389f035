//! The rows of one request, with their encoded body.

use std::sync::Arc;

use crate::api::{SentRow, Write};
use crate::ledger::{Ledger, SentBody, SentItem, Status};

/// The maximum size of a request body, in bytes. The service documents no limit. Similar gateways accept 10
/// MB; a batch of 100 assets takes about 50 kB.
pub const MOST_BYTES: usize = 2 << 20;

/// A row in the body of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub row: u32,
    /// The key of the row in the response: its clientAssetId or its id.
    pub key: Arc<str>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The rows of one request.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The endpoint that takes the rows.
    pub write: &'static Write,
    /// The index of the part of the run that the rows belong to.
    pub part_of_run: usize,
    /// The body, without its closing brackets.
    pub(super) open: Vec<u8>,
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
            part_of_run: 0,
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

    /// Creates a batch of this part of a run, without rows.
    #[must_use]
    pub(super) fn of_part(write: &'static Write, part: usize) -> Self {
        Self {
            part_of_run: part,
            ..Self::new(write)
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
            part: self.part_of_run,
            endpoint: self.write.endpoint.name.to_owned(),
            rows: rows.collect(),
            // Encoded JSON is valid Unicode.
            text: String::from_utf8(self.open[start..].to_vec())
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }
    }

    /// Restores a batch from the stored content of its request.
    #[must_use]
    pub fn kept(write: &'static Write, kept: &SentBody) -> Self {
        let mut batch = Self::of_part(write, kept.part);
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

    /// Returns the rows, each with the length of its item in bytes.
    pub(super) fn row_bytes(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        self.items.iter().map(|item| (item.row, item.end - item.start))
    }

    /// Creates a batch of the items that `wanted` selects, copied from the encoded body.
    #[must_use]
    pub fn part(&self, wanted: impl Fn(usize, &Item) -> bool) -> Self {
        let mut part = Self {
            reread: self.reread,
            resent: self.resent,
            suspicious: self.suspicious,
            in_doubt: self.in_doubt,
            ..Self::of_part(self.write, self.part_of_run)
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
    /// batch. Does not combine batches of two parts, batches that were halved, resent, reread or in doubt, or
    /// from which rows were removed, nor bodies that are too large together. A rejected batch that fits in one
    /// request stays whole.
    pub fn fill(&mut self, next: Self, rows: usize) -> Option<Self> {
        let is_new = |batch: &Self| {
            batch.named.is_empty()
                && batch.half_of.is_none()
                && batch.resent == 0
                && !(batch.halve || batch.reread || batch.suspicious || batch.in_doubt)
        };
        let fits = self.part_of_run == next.part_of_run && self.bytes() + next.bytes() <= MOST_BYTES;
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
    pub(super) fn begin(&mut self) -> usize {
        self.open.extend_from_slice(if self.items.is_empty() {
            self.write.endpoint.items().open.as_bytes()
        } else {
            b","
        });
        self.open.len()
    }

    pub(super) fn undo_begin(&mut self) {
        match self.items.last() {
            Some(last) => self.open.truncate(last.end),
            None => self.open.clear(),
        }
    }
}

/// Returns whether a packed row is still to be sent. It is not, if it was found invalid after it was packed.
pub(super) fn may_be_sent(ledger: &Ledger, row: u32) -> bool {
    matches!(ledger.status(row), Status::NotSent | Status::Failed)
}
