//! What a run writes into its ledger.

use uuid::Uuid;

use super::{Fault, Ledger, NONE, OwnedLabel, Plan, State, Stats, number};

impl Ledger {
    /// Adds the next row, not sent yet.
    pub fn push(&mut self, label: impl Into<OwnedLabel>) -> u32 {
        let label = label.into();
        let row = self.rows();
        self.states.push(State::NotSent);
        self.ids.push(Uuid::nil());
        self.sendings_of.push(NONE);
        self.digests.push(0);
        self.key_ends.push(self.keys.len() as u64);
        if label != OwnedLabel::Number && self.labels.is_empty() {
            self.labels = vec![OwnedLabel::Number; row];
        }
        if label != OwnedLabel::Number || !self.labels.is_empty() {
            self.labels.push(label);
        }
        self.read = row + 1;
        self.changed(number(row));
        number(row)
    }

    /// Adds rows that are known to exist though they were not read: not sent, too.
    pub fn fill_up(&mut self, rows: usize) {
        let known = self.rows();
        if rows <= known {
            return;
        }
        self.states.resize(rows, State::NotSent);
        self.ids.resize(rows, Uuid::nil());
        self.sendings_of.resize(rows, NONE);
        self.digests.resize(rows, 0);
        self.key_ends.resize(rows, self.keys.len() as u64);
        if !self.labels.is_empty() {
            self.labels.resize(rows, OwnedLabel::Number);
        }
    }

    /// Gives the row added last its key. A key that is an id is kept as the row's id: once, not twice.
    pub fn name_last(&mut self, key: &str, is_id: bool) {
        let row = self.rows() - 1;
        if is_id && !key.is_empty() {
            self.set_id(number(row), key);
        } else {
            self.keys.push_str(key);
        }
        self.key_ends[row] = self.keys.len() as u64;
        self.changed(number(row));
    }

    /// Gives a row that was edited its new key.
    pub fn rename(&mut self, row: u32, key: &str, is_id: bool) {
        if is_id {
            self.set_id(row, key);
        } else if self.own_key(row) != key {
            self.new_keys.insert(row, key.into());
            self.changed(row);
        }
    }

    /// Gives a row the label it has now.
    pub fn relabel(&mut self, row: u32, label: OwnedLabel) {
        if label != OwnedLabel::Number && self.labels.is_empty() {
            self.labels = vec![OwnedLabel::Number; self.rows()];
        }
        if let Some(known) = self.labels.get_mut(row as usize).filter(|known| **known != label) {
            *known = label;
            self.changed(row);
        }
    }

    /// The row was edited and has an outcome of its own: rows that shared its outcome keep the old one.
    pub fn part_from_twins(&mut self, row: u32, twins: &[u32]) {
        let first = self.same_as.remove(&row).unwrap_or(row);
        let (state, fault) = (self.states[first as usize], self.faults_of.get(&first).copied());
        for twin in twins.iter().copied() {
            // It may have been edited before, and is another row's equal since.
            if self.same_as.get(&twin) != Some(&row) {
                continue;
            }
            self.same_as.remove(&twin);
            self.states[twin as usize] = state;
            self.faults_of.extend(fault.map(|fault| (twin, fault)));
            self.changed(twin);
        }
        self.changed(row);
    }

    /// Keeps the digest of a row's cells.
    pub fn set_digest(&mut self, row: u32, digest: u64) {
        self.digests[row as usize] = digest;
        self.changed(row);
    }

    /// Settles a row.
    pub fn set(&mut self, row: u32, state: State) {
        self.states[row as usize] = state;
        if !self.faults_of.is_empty() {
            self.faults_of.remove(&row);
        }
        self.changed(row);
    }

    /// Settles a row that is not good, with the reason as `add_fault` numbered it.
    pub fn set_fault(&mut self, row: u32, state: State, fault: u32) {
        self.states[row as usize] = state;
        self.faults_of.insert(row, fault);
        self.changed(row);
    }

    /// Changes the state of a row, but keeps the reason.
    pub fn restate(&mut self, row: u32, state: State) {
        self.states[row as usize] = state;
        self.changed(row);
    }

    /// Keeps a reason that rows may share.
    pub fn add_fault(&mut self, fault: Fault) -> u32 {
        self.faults.push(fault);
        number(self.faults.len() - 1)
    }

    /// Gives a row its id.
    pub fn set_id(&mut self, row: u32, id: &str) {
        self.set_read_id(row, id, Uuid::try_parse(id).ok());
    }

    /// Gives a row its id, which was read as a UUID already.
    pub fn set_read_id(&mut self, row: u32, id: &str, uuid: Option<Uuid>) {
        match uuid {
            Some(uuid) if !uuid.is_nil() && id.len() == 36 => self.ids[row as usize] = uuid,
            _ => {
                self.other_ids.insert(row, id.into());
            }
        }
        self.changed(row);
    }

    /// The row says the same as an earlier one: it is not sent and shares the verdict.
    pub fn set_same_as(&mut self, row: u32, first: u32) {
        self.same_as.insert(row, first);
        self.changed(row);
    }

    /// Notes which row each row of the input is.
    pub fn set_input(&mut self, rows: Option<Vec<u32>>) {
        self.input = rows;
    }

    /// Forgets the rows that were never read: whoever reads on adds them.
    pub fn forget_unread(&mut self) {
        let read = self.read;
        self.states.truncate(read);
        self.ids.truncate(read);
        self.sendings_of.truncate(read);
        self.digests.truncate(read);
        self.key_ends.truncate(read);
        if !self.labels.is_empty() {
            self.labels.truncate(read);
        }
    }

    /// Clears what belongs to one call only, so that the next one starts from the verdicts.
    pub fn reopen(&mut self) {
        self.stats = Stats::default();
        self.plan = Plan::default();
        self.warnings = Vec::new();
        self.columns = Vec::new();
        self.not_sent = None;
        self.input = None;
        self.forget_unread();
    }
}
