//! What is written in one transaction.

use std::collections::BTreeMap;

use crate::ledger::{Changes, Fault, Ledger, OwnedLabel, Sending, SentBody, State};

/// What is written in one transaction: a part of the ledger as it was at one moment.
pub(super) struct Entries {
    pub changes: Changes,
    /// Requests by number, and what those carried that are in doubt.
    pub sendings: Vec<(usize, Sending, Option<SentBody>)>,
    pub all_sendings: usize,
    pub headings: BTreeMap<String, Option<String>>,
    pub faults: Vec<Fault>,
    pub records: Vec<Entry>,
    pub import_prefix: Option<Box<str>>,
    pub complete: bool,
}

impl Entries {
    /// Whether nothing of the rows and requests is in it.
    pub fn is_empty(&self) -> bool {
        self.sendings.is_empty() && self.faults.is_empty() && self.records.is_empty()
    }

    /// What to put back into the ledger where it could not be written.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}

/// A `Record` with texts of its own.
pub(super) struct Entry {
    pub row: u32,
    pub label: OwnedLabel,
    pub key: Box<str>,
    pub state: State,
    pub id: Option<String>,
    pub digest: u64,
    pub sending: Option<u32>,
    pub fault: Option<u32>,
    pub same_as: Option<u32>,
}

impl Entry {
    pub fn of(ledger: &Ledger, row: u32) -> Self {
        let record = ledger.record(row);
        Self {
            row,
            label: record.label.clone(),
            key: record.key.into(),
            state: record.state,
            id: record.id,
            digest: record.digest,
            sending: record.sending,
            fault: record.fault,
            same_as: record.same_as,
        }
    }
}
