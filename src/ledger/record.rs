//! Records: what a journal stores of each row, and from which a row is restored.

use super::numbers::NO_NUMBER;
use super::pool::put;
use super::{Ledger, Status};
use crate::input::Label;

/// The stored data of one row, from which a later call can resume.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    pub row: u32,
    pub label: Label<'a>,
    /// Empty if the row's id is its key.
    pub key: &'a str,
    pub status: Status,
    pub id: Option<String>,
    pub digest: u64,
    pub sending: Option<u32>,
    pub fault: Option<u32>,
    pub same_as: Option<u32>,
}

impl Ledger {
    /// Returns the data to store for a row.
    #[must_use]
    pub fn record(&self, row: u32) -> Record<'_> {
        Record {
            row,
            label: self.label(row),
            key: self.own_key(row),
            status: self.statuses[row as usize],
            id: self.id(row),
            digest: self.digest(row),
            sending: Some(self.sending_number(row)).filter(|number| *number != NO_NUMBER),
            fault: self.faults_of.get(row),
            same_as: self.same_as.get(&row).copied(),
        }
    }

    /// Restores the next row from its record.
    pub fn restore(&mut self, record: &Record<'_>) {
        let row = self.push(record.label);
        self.name_last(record.key, false);
        if let Some(id) = &record.id {
            self.set_id(row, id);
        }
        let at = row as usize;
        self.statuses[at] = record.status;
        put(&mut self.digests, at, record.digest, 0);
        put(
            &mut self.sendings_of,
            at,
            record.sending.unwrap_or(NO_NUMBER),
            NO_NUMBER,
        );
        if let Some(fault) = record.fault {
            self.faults.hold(fault);
            self.faults_of.set(row, Some(fault));
        }
        self.same_as.extend(record.same_as.map(|first| (row, first)));
    }
}
