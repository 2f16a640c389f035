//! The content of one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ledger::{Changes, Ledger, OwnedLabel, Sending, SentBody, Status};

/// The content of one transaction: part of the ledger at one point in time.
pub(super) struct Entries {
    pub changes: Changes,
    /// The number and record of each new or changed request, and its body if the outcome of any of its rows
    /// is unknown.
    pub sendings: Vec<(usize, Sending, Option<SentBody>)>,
    pub all_sendings: usize,
    pub headings: BTreeMap<String, Option<String>>,
    pub fields: BTreeMap<String, Option<String>>,
    pub row_title: Option<Box<str>>,
    pub phrases: Vec<Box<str>>,
    pub checks: Vec<Box<[u8]>>,
    /// Added and dropped reasons, by number. Dropped reasons are `None`, as are dropped response bodies in
    /// `bodies`.
    pub faults: Vec<(u32, Option<Box<[u8]>>)>,
    pub bodies: Vec<(u32, Option<Arc<str>>)>,
    pub records: Vec<Entry>,
    pub import_prefix: Option<Box<str>>,
    pub complete: bool,
    /// Whether these entries include all new rows.
    pub last: bool,
}

impl Entries {
    /// Takes the ledger's changes, but leaves new rows from `before` onward for a later call. A request with
    /// rows on both sides of `before` is included completely. `written` is the number of requests already in
    /// the journal.
    pub fn take(ledger: &mut Ledger, before: u32, written: usize) -> Self {
        let changes = ledger.take_changes_before(before);
        // Take all new requests, even if nothing was recorded for some of them, so that the numbers have no
        // gaps.
        let noted = changes.sendings.iter().map(|number| *number as usize);
        let new = written..ledger.sendings().len();
        let taken = ledger.taken();
        let sending = |number: usize| {
            let body = ledger.body(u32::try_from(number).unwrap_or(u32::MAX));
            // A body is not written before its rows.
            let body = body.filter(|body| body.rows.iter().all(|item| item.row < taken));
            (number, ledger.sendings()[number].clone(), body.cloned())
        };
        let faults = &ledger.faults;
        let last = taken as usize == ledger.read();
        Self {
            sendings: noted
                .filter(|number| !new.contains(number))
                .chain(new.clone())
                .map(sending)
                .collect(),
            all_sendings: new.end,
            headings: ledger.headings.clone(),
            fields: ledger.fields.clone(),
            row_title: ledger.row_title.clone(),
            phrases: faults.phrases.texts()[changes.phrases_from..].to_vec(),
            checks: (changes.checks_from..changes.checks_to)
                .map(|index| faults.checks.get(index).into())
                .collect(),
            faults: changes
                .faults
                .iter()
                .map(|index| (*index, faults.others.get(index).map(|other| other.bytes.clone())))
                .collect(),
            bodies: changes
                .bodies
                .iter()
                .map(|body| (*body, faults.bodies.texts.get(body).map(|body| body.text.clone())))
                .collect(),
            records: changes.rows.iter().map(|row| Entry::of(ledger, *row)).collect(),
            import_prefix: ledger.import_prefix.clone(),
            // The stored rows are complete only once the last rows are included.
            complete: ledger.complete && last,
            last,
            changes,
        }
    }

    /// Returns whether there are no rows, requests or reasons.
    pub fn is_empty(&self) -> bool {
        // Phrases count too: they were taken, so no later call returns them.
        let reasons = self.phrases.len() + self.checks.len() + self.faults.len() + self.bodies.len();
        self.sendings.is_empty() && reasons == 0 && self.records.is_empty()
    }

    /// Returns the changes, to be put back into the ledger if they could not be written.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}

/// A `Record` with owned strings.
pub(super) struct Entry {
    pub row: u32,
    pub label: OwnedLabel,
    pub key: Box<str>,
    pub status: Status,
    pub id: Option<String>,
    pub digest: u64,
    pub sending: Option<u32>,
    pub fault: Option<u32>,
    pub same_as: Option<u32>,
    pub first_id: Option<(u64, Box<str>)>,
}

impl Entry {
    fn of(ledger: &Ledger, row: u32) -> Self {
        let record = ledger.record(row);
        Self {
            row,
            label: record.label.into(),
            key: record.key.into(),
            status: record.status,
            id: record.id,
            digest: record.digest,
            sending: record.sending,
            fault: record.fault,
            same_as: record.same_as,
            first_id: ledger.first_id(row).map(|(digest, key)| (digest, key.into())),
        }
    }
}
