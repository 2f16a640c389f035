//! Encodes the rows of one part of a run, and collects them in batches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use crate::api::Write;
use crate::input::{Cell, Column};
use crate::rows::{Policy, Problem, RowShape, RowWriter};
use crate::run::batch::{Batch, Item, MOST_BYTES};
use crate::run::job::Part;
use crate::run::seen::RowIdentity;

/// Separates the number of a part from the name of its column. The columns of the first part have no number.
const BETWEEN: char = '\u{1f}';

fn name_in(part: usize, column: &str) -> String {
    match part {
        0 => column.to_owned(),
        part => format!("{part}{BETWEEN}{column}"),
    }
}

/// The rows of one part.
pub(super) struct Lane {
    pub write: &'static Write,
    /// The index of the part.
    part: usize,
    policy: Policy,
    pub writer: RowWriter,
    pub id_column: String,
    pub import_key: Option<String>,
    pub named_by_id: bool,
    /// Whether rows change assets, so that two rows for the same asset contradict each other.
    pub is_patch: bool,
    batch_size: usize,
    current: Batch,
    /// Where the current row starts in the body of the batch.
    start: usize,
    /// The positions of the rows in the input. Empty if the run has one part, whose rows are all of the input.
    positions: Vec<usize>,
    is_only: bool,
}

impl Lane {
    /// Creates the lane of a part. `is_only` is whether the run has no other parts.
    pub fn new(index: usize, part: &Part, is_only: bool) -> Self {
        let Part { write, policy, .. } = part;
        Self {
            write,
            part: index,
            writer: RowWriter::new(policy.clone()),
            id_column: policy.id_column.clone(),
            import_key: policy.import_key.as_ref().map(|key| key.field.clone()),
            named_by_id: policy.shape != RowShape::NewAsset,
            is_patch: policy.shape == RowShape::AssetPatch,
            policy: policy.clone(),
            batch_size: part.batch_size.min(write.endpoint.items().most),
            current: Batch::of_part(write, index),
            start: 0,
            positions: Vec::new(),
            is_only,
        }
    }

    /// Restores the roles of the columns from an earlier call.
    pub fn restore_headings(&mut self, known: &BTreeMap<String, Option<String>>) {
        *self.writer.headings() = self.own_headings(known);
    }

    /// Returns the columns of this part and their roles, out of those of all parts.
    pub fn own_headings(&self, known: &BTreeMap<String, Option<String>>) -> BTreeMap<String, Option<String>> {
        let own = known
            .iter()
            .filter_map(|(name, role)| Some((self.own_name(name)?, role)));
        own.map(|(name, role)| (name.to_owned(), role.clone())).collect()
    }

    /// Adds the roles of the columns to those of the run.
    pub fn keep_headings(&mut self, known: &mut BTreeMap<String, Option<String>>) {
        let part = self.part;
        for (name, role) in self.writer.headings() {
            known.insert(name_in(part, name), role.clone());
        }
    }

    /// Returns the name of a column among those of all parts.
    pub fn name_in_run(&self, column: &str) -> String {
        name_in(self.part, column)
    }

    fn own_name<'n>(&self, name: &'n str) -> Option<&'n str> {
        match name.split_once(BETWEEN) {
            Some((part, name)) => (part == self.part.to_string()).then_some(name),
            None => (self.part == 0).then_some(name),
        }
    }

    /// Notes the position in the input of the next row.
    pub fn note_position(&mut self, position: usize) {
        if !self.is_only {
            self.positions.push(position);
        }
    }

    /// Returns the position in the input of a row of this part.
    pub fn position(&self, row: usize) -> usize {
        self.positions.get(row).copied().unwrap_or(row)
    }

    /// Limits the rows per batch.
    pub fn at_most(&mut self, rows: usize) {
        self.batch_size = self.batch_size.min(rows);
    }

    /// Begins to read the rows once more, with the columns of the first time. Returns the writer that has read them.
    pub fn read_again(&mut self) -> RowWriter {
        let mut writer = RowWriter::new(self.policy.clone());
        writer.headings().clone_from(self.writer.headings());
        let mut first = std::mem::replace(&mut self.writer, writer);
        // Its warnings were given, and it reads no more rows.
        first.forget_rows();
        first
    }

    pub fn begin(&mut self) {
        self.start = self.current.begin();
        self.writer.begin(&mut self.current.open);
    }

    pub fn cell(&mut self, column: Column, value: &Cell<'_>) {
        self.writer.cell(column, value, &mut self.current.open);
    }

    /// Ends the row. It is then kept or dropped.
    pub fn end(&mut self) -> Result<(), Vec<Problem>> {
        self.writer.end(&mut self.current.open)
    }

    /// Returns the body of the row that just ended.
    pub fn body(&self) -> &[u8] {
        &self.current.open[self.start..]
    }

    /// Drops the row that just ended.
    pub fn undo(&mut self) {
        self.current.undo_begin();
    }

    /// Adds an encoded row to the current batch.
    pub fn pack(&mut self, row: u32, key: &str, body: &[u8], closed: &mut VecDeque<Batch>) {
        self.start = self.current.begin();
        self.current.open.extend_from_slice(body);
        self.keep(row, key.into(), closed);
    }

    /// Adds the row that just ended to the current batch.
    pub fn keep(&mut self, row: u32, key: Arc<str>, closed: &mut VecDeque<Batch>) {
        if self.current.open.len() > MOST_BYTES && !self.current.items.is_empty() {
            // A row that would make the body too large starts the next body.
            let body = self.current.open.split_off(self.start);
            self.current.undo_begin();
            self.close(closed);
            self.start = self.current.begin();
            self.current.open.extend_from_slice(&body);
        }
        self.current.items.push(Item {
            row,
            key,
            start: self.start,
            end: self.current.open.len(),
        });
        if self.current.items.len() >= self.batch_size {
            self.close(closed);
        }
    }

    /// Closes the current batch, if it has rows.
    pub fn close(&mut self, closed: &mut VecDeque<Batch>) {
        if self.current.items.is_empty() {
            return;
        }
        let batch = std::mem::replace(&mut self.current, Batch::of_part(self.write, self.part));
        // Rows are similar, so the next body will be about as long as this body.
        self.current
            .open
            .reserve(batch.open.len() + batch.open.len() / 16);
        self.current.items.reserve(batch.items.len());
        closed.push_back(batch);
    }

    /// Returns the key that identifies a row's asset, if the row has one.
    pub fn same(&self, key: &str, import_key: &str) -> Option<RowIdentity> {
        if self.named_by_id {
            Uuid::try_parse(key).ok().map(RowIdentity::Id)
        } else {
            // Generated keys are unique.
            let given = self.writer.import_keys_are_given() && !import_key.is_empty();
            given.then(|| RowIdentity::ImportKey(import_key.into()))
        }
    }

    /// Returns the problem to report for a row that refers to the same asset as another row, which has this name.
    pub fn repeated(&self, same: &RowIdentity, key: &str, other: &str) -> Problem {
        match (same, &self.import_key) {
            (RowIdentity::ImportKey(text), Some(field)) => {
                Problem::same_import_key(&self.writer.heading_of(field), text, other)
            }
            _ => Problem::same_id(&self.id_column, key, other),
        }
    }
}
