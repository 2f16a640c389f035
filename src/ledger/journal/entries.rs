//! What is written in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ledger::{Changes, Ledger, OwnedLabel, Sending, SentBody, State};

/// What is written in one transaction: a part of the ledger as it was at one moment.
pub(super) struct Entries {
    pub changes: Changes,
    /// Requests by number, and what those carried that are in doubt.
    pub sendings: Vec<(usize, Sending, Option<SentBody>)>,
    pub all_sendings: usize,
    pub headings: BTreeMap<String, Option<String>>,
    pub phrases: Vec<Box<str>>,
    pub checks: Vec<Box<[u8]>>,
    /// Reasons and bodies of responses that are new, or `None` where they were dropped.
    pub faults: Vec<(u32, Option<Box<[u8]>>)>,
    pub bodies: Vec<(u32, Option<Arc<str>>)>,
    pub records: Vec<Entry>,
    pub import_prefix: Option<Box<str>>,
    pub complete: bool,
    /// Whether no new rows are left.
    pub last: bool,
}

impl Entries {
    /// Takes what changed in the ledger; of new rows only those before this one. `written`: the requests before.
    pub fn take(ledger: &mut Ledger, before: u32, written: usize) -> Self {
        let changes = ledger.take_changes_before(before);
        // New requests without a gap, also where nothing was noted of one.
        let noted = changes.sendings.iter().map(|number| *number as usize);
        let new = written..ledger.sendings().len();
        let taken = ledger.taken();
        let sending = |number: usize| {
            let body = ledger.body(u32::try_from(number).unwrap_or(u32::MAX));
            // Not before its rows.
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
            phrases: faults.phrases.texts()[changes.phrases_from..].to_vec(),
            checks: (changes.checks_from..changes.checks_to)
                .map(|place| faults.checks.get(place).into())
                .collect(),
            faults: changes
                .faults
                .iter()
                .map(|place| (*place, faults.others.get(place).map(|other| other.bytes.clone())))
                .collect(),
            bodies: changes
                .bodies
                .iter()
                .map(|body| (*body, faults.bodies.texts.get(body).map(|body| body.text.clone())))
                .collect(),
            records: changes.rows.iter().map(|row| Entry::of(ledger, *row)).collect(),
            import_prefix: ledger.import_prefix.clone(),
            // Whoever reads this takes the rows for all there are.
            complete: ledger.complete && last,
            last,
            changes,
        }
    }

    /// Whether nothing of the rows and requests is in it.
    pub fn is_empty(&self) -> bool {
        // Phrases too: they were taken, and no later take has them.
        let reasons = self.phrases.len() + self.checks.len() + self.faults.len() + self.bodies.len();
        self.sendings.is_empty() && reasons == 0 && self.records.is_empty()
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
    fn of(ledger: &Ledger, row: u32) -> Self {
        let record = ledger.record(row);
        Self {
            row,
            label: record.label.into(),
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
