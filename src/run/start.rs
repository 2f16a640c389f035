//! Prepares a write: creates a ledger or opens that of a named run or an earlier result, and selects the rows
//! to process.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::ledger::journal::{Header, Journal, Others};
use crate::ledger::{Ledger, Status, View};
use crate::rows::ImportKey;
use crate::run::continuation::Continuation;

/// Which rows from an earlier call to process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Send the rows that failed or were not sent.
    Retry,
    /// Look up the rows whose outcome is unknown.
    Reconcile,
}

impl Which {
    /// Parses `retry` or `reconcile`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "retry" => Some(Self::Retry),
            "reconcile" => Some(Self::Reconcile),
            _ => None,
        }
    }

    const fn statuses(self) -> &'static [Status] {
        match self {
            Self::Retry => &[Status::NotSent, Status::Failed],
            Self::Reconcile => &[Status::Unknown],
        }
    }
}

/// What a write resumes, and how.
#[derive(Debug, Clone, Copy)]
pub struct Resume<'c> {
    pub header: &'c Header,
    /// The journal file of a named run.
    pub run: Option<&'c Path>,
    pub dry_run: bool,
    /// Whether to also look up the named run's rows that have an unknown outcome.
    pub reconcile: bool,
    /// The rows from an earlier result to process.
    pub rows: Option<&'c View>,
    pub which: Which,
}

/// The initial state of a write.
#[derive(Debug, Default)]
pub struct Start {
    pub ledger: Ledger,
    pub continuation: Continuation,
    pub journal: Option<Journal>,
}

impl Start {
    /// Opens the journal of a named run, if there is one. The journal takes precedence over a result in
    /// memory, since the journal is never older.
    pub fn open(call: &Resume<'_>) -> Result<Self, Error> {
        let (kept, journal) = call.kept()?;
        let (mut ledger, continuation) = match (kept, call.rows) {
            (Some(ledger), _) => call.of_run(ledger),
            (None, Some(rows)) => call.of_result(rows),
            (None, None) => {
                let mut ledger = Ledger::default();
                if journal.is_some() {
                    ledger.watch();
                }
                let edits = call.run.is_some();
                let continuation = Continuation {
                    edits,
                    ..Continuation::default()
                };
                (ledger, continuation)
            }
        };
        let continuation = Continuation {
            others: call
                .run
                .filter(|_| journal.is_some() && call.rows.is_none())
                .and_then(|path| Others::of(path, call.header)),
            ..continuation
        };
        // All calls of a named run share the prefix of generated keys; any other call has its own.
        ledger
            .import_prefix
            .get_or_insert_with(|| ImportKey::new_prefix().into());
        Ok(Self {
            ledger,
            continuation,
            journal,
        })
    }

    /// Returns the import key generator for this field.
    #[must_use]
    pub fn import_key(&self, field: String, is_generated: bool) -> ImportKey {
        let prefix = self.ledger.import_prefix.as_deref().unwrap_or_default();
        ImportKey {
            field,
            prefix: prefix.to_owned(),
            is_generated,
        }
    }
}

impl Resume<'_> {
    /// Returns the ledger of an existing run, and its journal if this call writes to it.
    fn kept(&self) -> Result<(Option<Ledger>, Option<Journal>), Error> {
        let Some(path) = self.run else {
            return Ok((None, None));
        };
        if !self.dry_run {
            let (journal, kept) = Journal::open(path, self.header)?;
            return Ok((kept, Some(journal)));
        }
        // A dry run changes nothing.
        if !path.exists() {
            return Ok((None, None));
        }
        let kept = Journal::read(path)?.ok_or_else(|| {
            Error::Journal(format!(
                "{}: another call is running this run, so a dry run cannot predict its result: wait until \
                    it has ended",
                path.display()
            ))
        })?;
        kept.header.fits(self.header, path)?;
        Ok((Some(kept.ledger), None))
    }

    fn of_run(&self, mut ledger: Ledger) -> (Ledger, Continuation) {
        ledger.reopen();
        let all = View::new(Arc::new(ledger));
        let meant = |statuses: &[Status]| {
            let mut meant = all.settled_in(statuses);
            if let Some(rows) = self.rows {
                let theirs = rows.settled_in(&Status::ALL);
                meant.retain(|row| theirs.contains(row));
            }
            meant
        };
        let when = |which: Which, asked: bool| {
            if asked {
                meant(which.statuses())
            } else {
                HashSet::new()
            }
        };
        let continuation = Continuation {
            send: when(Which::Retry, self.which == Which::Retry),
            look_up: when(Which::Reconcile, self.reconcile || self.which == Which::Reconcile),
            recheck: self.rows.is_none(),
            edits: true,
            ..Continuation::default()
        };
        // There is no other reference, so this does not clone.
        (Arc::unwrap_or_clone(all.ledger), continuation)
    }

    fn of_result(&self, rows: &View) -> (Ledger, Continuation) {
        let meant = rows.settled_in(self.which.statuses());
        let continuation = match self.which {
            Which::Retry => Continuation {
                send: meant,
                ..Continuation::default()
            },
            Which::Reconcile => Continuation {
                look_up: meant,
                ..Continuation::default()
            },
        };
        (rows.reopened(), continuation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Label;
    use crate::ledger::{SentBody, SentItem};

    fn header() -> Header {
        Header {
            verb: "create".to_owned(),
            project: "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047".to_owned(),
            service: "http://localhost".to_owned(),
            import_key: None,
        }
    }

    fn call(header: &Header) -> Resume<'_> {
        Resume {
            header,
            run: None,
            dry_run: false,
            reconcile: false,
            rows: None,
            which: Which::Retry,
        }
    }

    /// One row each: created, failed, unknown, not sent.
    fn fill(ledger: &mut Ledger) {
        for status in [Status::Created, Status::Failed, Status::Unknown, Status::NotSent] {
            let row = ledger.push(Label::Number);
            if status == Status::Unknown {
                ledger.begin_sending(SentBody {
                    part: 0,
                    endpoint: String::new(),
                    rows: vec![SentItem {
                        row,
                        key: "P".into(),
                        end: 2,
                    }],
                    text: "{}".to_owned(),
                });
            }
            ledger.set(row, status);
        }
    }

    fn set(rows: &[u32]) -> HashSet<u32> {
        rows.iter().copied().collect()
    }

    #[test]
    fn a_new_call_starts_without_rows_and_with_a_new_key_prefix() {
        let header = header();
        let (one, other) = (
            Start::open(&call(&header)).unwrap(),
            Start::open(&call(&header)).unwrap(),
        );
        assert!(one.journal.is_none());
        assert_eq!(one.ledger.rows(), 0);
        assert_ne!(
            one.import_key("ca1".to_owned(), true),
            other.import_key("ca1".to_owned(), true)
        );
    }

    #[test]
    fn a_result_is_retried_or_reconciled() {
        let header = header();
        let mut ledger = Ledger::default();
        fill(&mut ledger);
        let all = View::new(Arc::new(ledger));
        let start = |rows: &View, which| {
            let rows = Some(rows);
            Start::open(&Resume {
                rows,
                which,
                ..call(&header)
            })
            .unwrap()
            .continuation
        };
        let continuation = start(&all, Which::Retry);
        assert_eq!(
            (continuation.send, continuation.look_up),
            (set(&[1, 3]), set(&[]))
        );
        assert!(!continuation.recheck && !continuation.edits);
        let continuation = start(&all, Which::Reconcile);
        assert_eq!((continuation.send, continuation.look_up), (set(&[]), set(&[2])));
        let continuation = start(&all.slice(0..2), Which::Retry);
        assert_eq!(continuation.send, set(&[1]));
    }

    #[test]
    fn a_named_run_is_resumed_from_its_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("level-3.sqlite");
        let header = header();
        let named = Resume {
            run: Some(&path),
            reconcile: true,
            ..call(&header)
        };
        let plan = Resume {
            dry_run: true,
            ..named
        };
        assert!(Start::open(&plan).unwrap().journal.is_none());
        assert!(!path.exists(), "a plan changes nothing");

        let mut start = Start::open(&named).unwrap();
        fill(&mut start.ledger);
        let prefix = start.ledger.import_prefix.clone();
        let mut journal = start.journal.take().unwrap();
        journal.write(&mut start.ledger).unwrap();
        assert!(
            Start::open(&plan)
                .unwrap_err()
                .to_string()
                .contains("another call is running")
        );
        drop(journal);

        let resumed = Start::open(&named).unwrap();
        assert_eq!(resumed.ledger.import_prefix, prefix);
        assert_eq!(resumed.continuation.send, set(&[1, 3]));
        assert_eq!(resumed.continuation.look_up, set(&[2]));
        assert!(resumed.continuation.recheck && resumed.continuation.edits);
        drop(resumed);

        // An older result determines only which rows still need work.
        let mut older = Ledger::default();
        fill(&mut older);
        older.set(0, Status::NotSent);
        let view = View::new(Arc::new(older)).slice(0..2);
        let rows = Some(&view);
        let continuation = Start::open(&Resume { rows, ..named }).unwrap().continuation;
        assert_eq!((continuation.send, continuation.look_up), (set(&[1]), set(&[])));
        assert!(!continuation.recheck);

        let planned = Start::open(&plan).unwrap();
        assert_eq!((planned.ledger.rows(), planned.journal.is_none()), (4, true));
        let other = Header {
            verb: "delete".to_owned(),
            ..header.clone()
        };
        let error = Start::open(&Resume {
            header: &other,
            ..plan
        })
        .unwrap_err();
        assert!(
            matches!(&error, Error::Option(text) if text.contains("this call is a delete")),
            "{error}"
        );
    }
}
