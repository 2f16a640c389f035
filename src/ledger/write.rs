//! Methods that change a ledger.

use uuid::Uuid;

use super::pool::{put, reserve_rows};
use super::{Estimate, Fault, Ledger, Stats, Status, number};
use crate::input::Label;
use crate::rows::{ColumnUse, Problem, columns};

impl Ledger {
    /// Adds the next row, with the status `not_sent`.
    pub fn push(&mut self, label: Label<'_>) -> u32 {
        let row = self.rows();
        self.statuses.push(Status::NotSent);
        self.keys.push(b"");
        self.labels.push(row, label);
        self.read = row + 1;
        self.changed(number(row));
        number(row)
    }

    /// Adds rows that are known to exist but were not read, with the status `not_sent`.
    pub fn fill_up(&mut self, rows: usize) {
        let known = self.rows();
        if rows > known {
            self.statuses.resize(rows, Status::NotSent);
            self.keys.resize(rows);
            self.labels.resize(rows, known);
        }
    }

    /// Sets the key of the last row. A key that is an id is stored only as the id.
    pub fn name_last(&mut self, key: &str, is_id: bool) {
        let row = number(self.rows() - 1);
        if is_id && !key.is_empty() {
            self.set_id(row, key);
        } else {
            self.keys.extend_last(key.as_bytes());
        }
        self.changed(row);
    }

    /// Sets the new key of an edited row.
    pub fn rename(&mut self, row: u32, key: &str, is_id: bool) {
        if is_id {
            self.set_id(row, key);
        } else if self.own_key(row) != key {
            self.new_keys.insert(row, key.into());
            self.changed(row);
        }
    }

    /// Sets the current label of a row.
    pub fn relabel(&mut self, row: u32, label: Label<'_>) {
        if self.label(row) != label {
            self.labels.set(row as usize, label, self.rows());
            self.changed(row);
        }
    }

    /// Detaches an edited row from its duplicates, which keep the old outcome, and from the row that the edited
    /// row duplicates.
    pub fn part_from_twins(&mut self, row: u32, twins: &[u32]) {
        let first = self.same_as.remove(&row).unwrap_or(row);
        let (status, fault) = (self.statuses[first as usize].of_copy(), self.faults_of.get(first));
        for twin in twins.iter().copied() {
            // The twin may have been edited earlier and now duplicate another row.
            if self.same_as.get(&twin) != Some(&row) {
                continue;
            }
            self.same_as.remove(&twin);
            self.statuses[twin as usize] = status;
            if fault.is_some() {
                self.give_fault(twin, fault);
            }
            self.changed(twin);
        }
        self.changed(row);
    }

    /// Keeps the current digest and key of a row that is about to be edited in a file of rows to fix, unless it was
    /// edited in such a file before.
    pub fn keep_first_id(&mut self, row: u32) {
        let first = (self.digest(row), self.own_key(row).into());
        self.first_ids.entry(row).or_insert(first);
        self.changed(row);
    }

    /// Drops what a row was before it was edited in a file of rows to fix, because all rows were given and this one is
    /// another now.
    pub fn drop_first_id(&mut self, row: u32) {
        if self.first_ids.remove(&row).is_some() {
            self.changed(row);
        }
    }

    /// Derives the fields of the columns from the identity of the rows, if rows were sent and the run's file is too old
    /// to contain the fields. The fields of columns with custom attributes remain unknown.
    pub(crate) fn recall_fields(&mut self) {
        let is_sent = |status: &Status| status.is_ok() || *status == Status::Unknown;
        if !self.fields.is_empty() || !self.statuses.iter().any(is_sent) {
            return;
        }
        let fields = self.headings.iter().filter_map(|(column, role)| {
            let field = match role {
                Some(role) => Some(columns::field_of_role(role)?.to_owned()),
                None => None,
            };
            Some((column.clone(), field))
        });
        self.fields = fields.collect();
    }

    /// Restores what is known of the columns of a run that was read from its file.
    pub fn recall_columns(&mut self) {
        let title = |field: &str| {
            let found = columns::headings().find(|(name, _)| *name == field);
            found.map(|(_, heading)| heading.to_owned())
        };
        let uses = self.fields.iter().map(|(column, field)| ColumnUse {
            column: column.clone(),
            field: field.clone(),
            note: String::new(),
            title: field.as_deref().and_then(title),
        });
        self.columns = uses.collect();
    }

    /// Sets the digest of a row's cells.
    pub fn set_digest(&mut self, row: u32, digest: u64) {
        put(&mut self.digests, row as usize, digest, 0);
        self.changed(row);
    }

    /// Sets the status of a row and removes its reason.
    pub fn set(&mut self, row: u32, status: Status) {
        self.give_fault(row, None);
        self.restate(row, status);
    }

    /// Sets the status of a row and the reason for the status. `fault` is a number from `add_fault` or
    /// `add_problems`.
    pub fn set_fault(&mut self, row: u32, status: Status, fault: u32) {
        self.give_fault(row, Some(fault));
        self.restate(row, status);
    }

    /// Changes the status of a row and keeps its reason.
    pub fn restate(&mut self, row: u32, status: Status) {
        self.statuses[row as usize] = status;
        self.changed(row);
    }

    fn give_fault(&mut self, row: u32, fault: Option<u32>) {
        if let Some(fault) = fault {
            self.faults.hold(fault);
        }
        if let Some(before) = self.faults_of.set(row, fault) {
            self.release_fault(before);
        }
    }

    /// Adds a reason that rows can share, unless it already exists. Returns the reason's number.
    pub fn add_fault(&mut self, fault: &Fault) -> u32 {
        let (number, body) = self.faults.add(fault);
        if let Some(changes) = &mut self.changes {
            changes.faults.insert(number / 2);
            changes.bodies.extend(body);
        }
        number
    }

    /// Adds the problems from a check as a reason, and returns the reason's number.
    pub fn add_problems(&mut self, problems: &[Problem]) -> u32 {
        self.faults.add_problems(problems)
    }

    /// Keeps a reason that may later be restored to a row.
    pub(crate) fn hold_fault(&mut self, fault: u32) {
        self.faults.hold(fault);
    }

    /// Reverts `hold_fault`. A reason that is neither held nor used by any row is dropped.
    pub(crate) fn release_fault(&mut self, fault: u32) {
        if let Some((index, body)) = self.faults.release(fault)
            && let Some(changes) = &mut self.changes
        {
            changes.faults.insert(index);
            changes.bodies.extend(body);
        }
    }

    /// Sets the id of a row.
    pub fn set_id(&mut self, row: u32, id: &str) {
        self.set_read_id(row, id, Uuid::try_parse(id).ok());
    }

    /// Sets the id of a row. `uuid` is the parsed id, or `None` if the id is not a UUID.
    pub fn set_read_id(&mut self, row: u32, id: &str, uuid: Option<Uuid>) {
        match uuid {
            Some(uuid) if !uuid.is_nil() && id.len() == 36 => {
                reserve_rows(&mut self.ids, self.statuses.len());
                put(&mut self.ids, row as usize, uuid, Uuid::nil());
            }
            _ => {
                self.other_ids.insert(row, id.into());
            }
        }
        self.changed(row);
    }

    /// Marks `row` as a duplicate of the earlier row `first`. A duplicate is not sent, and shares the outcome
    /// of the earlier row.
    pub fn set_same_as(&mut self, row: u32, first: u32) {
        self.same_as.insert(row, self.original(first));
        self.changed(row);
    }

    /// Records which row of this ledger each input row corresponds to, or `None` if the rows and their order
    /// are the same.
    pub fn set_input(&mut self, rows: Option<Vec<u32>>) {
        self.input = rows;
    }

    /// Adds a row to the end of the input.
    pub fn add_to_input(&mut self, row: u32) {
        if let Some(input) = &mut self.input {
            input.push(row);
        }
    }

    /// Records that the rows are those at these positions of an input with `of` rows.
    pub fn set_selected(&mut self, positions: Vec<u32>, of: usize) {
        self.selected = Some((positions, of));
    }

    /// Marks all rows as never read, because only their labels are known.
    pub fn leave_unread(&mut self) {
        self.read = 0;
    }

    /// Removes the rows that were never read. The next read adds them again.
    pub fn forget_unread(&mut self) {
        let (read, known) = (self.read, self.rows());
        if read == known {
            return;
        }
        self.statuses.truncate(read);
        self.ids.truncate(read);
        self.sendings_of.truncate(read);
        self.digests.truncate(read);
        self.keys.resize(read);
        self.labels.resize(read, known);
    }

    /// Prepares for the next call: counts the completed rows, clears the other statistics, the warnings and other
    /// data about the last call as a whole, and removes the rows that were never read.
    pub fn reopen(&mut self) {
        let rows = 0..number(self.rows());
        self.stats = Stats {
            earlier: rows.filter(|row| self.status(*row).is_ok()).count() as u64,
            ..Stats::default()
        };
        self.estimate = Estimate::default();
        self.warnings = Vec::new();
        self.columns = Vec::new();
        self.not_sent = None;
        self.input = None;
        self.forget_unread();
    }
}
