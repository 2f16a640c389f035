//! How often the rows are read: once, or twice if their bodies take too much memory.

use crate::rows::RowWriter;
use crate::run::batch::Batch;

/// How far packing runs ahead of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAhead {
    /// Until one batch is ready. Used for streams, so that only the rows in flight are kept in memory.
    OneBatch,
    /// To the end: all rows are checked before the first request. Their bodies, about 400 bytes per row, are kept until
    /// they are sent. If they take more than this many bytes, they are dropped, and the rows are read again.
    Everything(usize),
}

/// The first rows show that all of them take too much memory if it is so many times too much.
const CERTAINLY: usize = 2;

/// How the rows are read, and what was dropped.
pub(super) struct Passes {
    ahead: ReadAhead,
    /// The number of rows of the input, if it is known.
    expected: Option<usize>,
    /// The rows that were packed, and what their bodies take.
    packed: Size,
    /// The same of the rows of an earlier call, which are packed later.
    held: Size,
    /// Whether bodies are no longer kept, because they take too much memory.
    drops: bool,
    /// By row, whether its body was dropped. Empty if nothing was dropped.
    dropped: Vec<bool>,
    second: Option<Second>,
}

/// What a row takes besides its body: its key, and where its body is.
const KEY: usize = 96;

/// A number of rows, and the bytes that they take.
#[derive(Default)]
struct Size {
    rows: usize,
    bytes: usize,
}

impl Size {
    fn add(&mut self, rows: usize, bytes: usize) -> &Self {
        self.rows += rows;
        self.bytes += bytes;
        self
    }

    /// Returns whether the rows take more than `most` bytes, or all rows certainly will. Then none are kept, because freed
    /// memory stays with the process.
    fn exceeds(&self, most: usize, expected: Option<usize>) -> bool {
        let per_row = self.bytes / self.rows.max(1);
        let all = expected.map_or(0, |rows| rows.saturating_mul(per_row));
        self.bytes > most || all / CERTAINLY > most
    }
}

/// The second time.
struct Second {
    /// What has read the rows the first time, by part.
    writers: Vec<RowWriter>,
    /// The position of the next row in the input.
    next: usize,
}

impl Passes {
    pub fn new(ahead: ReadAhead) -> Self {
        Self {
            ahead,
            expected: None,
            packed: Size::default(),
            held: Size::default(),
            drops: false,
            dropped: Vec::new(),
            second: None,
        }
    }

    /// Sets the number of rows of the input, if it is known.
    pub fn expect(&mut self, rows: Option<usize>) {
        self.expected = rows;
    }

    /// Whether to stop reading once a batch is ready.
    pub fn is_batch_enough(&self) -> bool {
        self.ahead == ReadAhead::OneBatch || self.second.is_some()
    }

    /// Returns whether to keep a batch until it is sent. If not, all batches are dropped until the rows are read again.
    pub fn keeps(&mut self, batch: &Batch) -> bool {
        let ReadAhead::Everything(most) = self.ahead else {
            return true;
        };
        if self.second.is_some() {
            return true;
        }
        let (rows, bytes) = (batch.items.len(), batch.bytes());
        self.drops |= self
            .packed
            .add(rows, bytes + rows * KEY)
            .exceeds(most, self.expected);
        !self.drops
    }

    /// Returns whether to drop a body of this length that is not packed yet, because there are too many of them.
    pub fn drops(&mut self, bytes: usize) -> bool {
        if let ReadAhead::Everything(most) = self.ahead {
            self.drops |= self.held.add(1, bytes + KEY).exceeds(most, self.expected);
        }
        self.drops
    }

    /// Notes that the body of a row must be read again.
    pub fn drop_row(&mut self, row: u32) {
        let row = row as usize;
        if row >= self.dropped.len() {
            self.dropped.resize(row + 1, false);
        }
        self.dropped[row] = true;
    }

    /// Whether bodies were dropped, and the rows were not read again yet.
    pub fn are_to_be_read_again(&self) -> bool {
        !self.dropped.is_empty() && self.second.is_none()
    }

    /// Begins the second time. `writers` have read the rows before.
    pub fn begin_second(&mut self, writers: Vec<RowWriter>) {
        self.second = Some(Second { writers, next: 0 });
    }

    /// Whether the rows are being read again.
    pub fn is_second(&self) -> bool {
        self.second.is_some()
    }

    /// Returns the position of the next row in the input, if the rows are being read again.
    pub fn next_position(&mut self) -> Option<usize> {
        let second = self.second.as_mut()?;
        second.next += 1;
        Some(second.next - 1)
    }

    /// Returns what has read the rows of a part the first time, if they are being read again.
    pub fn writer(&self, part: usize) -> Option<&RowWriter> {
        self.second.as_ref()?.writers.get(part)
    }

    /// Returns whether the body of a row is still missing.
    pub fn is_missing(&self, row: u32) -> bool {
        self.dropped.get(row as usize).copied().unwrap_or_default()
    }

    /// Notes that a row was read again.
    pub fn take(&mut self, row: u32) {
        if let Some(dropped) = self.dropped.get_mut(row as usize) {
            *dropped = false;
        }
    }

    /// Returns the rows whose bodies are still missing.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.dropped)
            .filter_map(|(row, is_missing)| is_missing.then_some(row))
    }
}
