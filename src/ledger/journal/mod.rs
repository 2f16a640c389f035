//! The journal of a named run: its ledger on the disk, so that the run can resume after any end.
//!
//! One `SQLite` file per run. It has a rollback journal, not a write-ahead log, so that the one file holds all that was
//! written down, even after `kill -9`: whoever copies or moves it misses nothing. A lock file beside it says who drives
//! the run (see `lock`); the system frees that lock with the process. `SQLite`'s own lock on the file keeps other
//! programs from reading a transaction that is under way. We open the file through `SQLite` only, since on Unix closing
//! any other descriptor of a file frees the POSIX locks that the process has on it.

mod commits;
#[cfg(feature = "simulator")]
pub mod disk;
mod entries;
mod file;
mod fork;
pub mod lock;
mod tables;
mod trouble;

use std::fs;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

pub(crate) use commits::{Commits, New};
use entries::Entries;
use file::{FORMAT, begin, commit, connect, make, make_folder, rollback, still_there};
use lock::{Lock, in_sqlite};
use tables::{load, put};
use trouble::Trouble;

use super::Ledger;
use crate::error::Error;

/// How long a driver waits for another one to end, or for somebody who only looks at the file.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long one who looks waits for another who does.
const GLANCE: Duration = Duration::from_millis(50);

/// What a run is; a run that resumes must be the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `create`, `patch`, ...
    pub verb: String,
    pub project: String,
    /// The origin of the service's address.
    pub service: String,
    pub import_key: Option<String>,
}

/// A run as its file has it.
#[derive(Debug)]
pub struct Kept {
    pub header: Header,
    pub ledger: Ledger,
    pub begun: Timestamp,
    /// When something was last written down; the begin where nothing was yet.
    pub written: Timestamp,
}

/// The file of a run that this process drives; nobody else can until it is dropped.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// None once it is closed.
    connection: Option<Connection>,
    /// Freed after the connection is closed.
    _lock: Lock,
    /// How many requests and rows of the ledger it has.
    sendings: usize,
    rows: u32,
}

impl Journal {
    /// Opens or makes the file of a run and locks it. Gives the ledger it holds if something was written down before:
    /// that ledger is watched, and what is in it does not count as changed.
    pub fn open(path: &Path, header: &Header) -> Result<(Self, Option<Ledger>), Error> {
        // Absolute, since the process may change its folder later.
        let path = absolute(path).map_err(|error| Trouble::from(error).at(path))?;
        let (lock, connection, kept, going_on) =
            Self::locked(&path, header).map_err(|trouble| trouble.at(&path))?;
        let mut ledger = kept.ledger;
        let journal = Self {
            path,
            connection: Some(connection),
            _lock: lock,
            sendings: ledger.sendings().len(),
            rows: u32::try_from(ledger.rows()).unwrap_or(u32::MAX),
        };
        if going_on {
            kept.header.fits(header, &journal.path)?;
        }
        ledger.watch();
        ledger.take_changes();
        Ok((journal, going_on.then_some(ledger)))
    }

    fn locked(path: &Path, header: &Header) -> Result<(Lock, Connection, Kept, bool), Trouble> {
        make_folder(path)?;
        let lock = Lock::take(path, PATIENCE)?;
        let _in_sqlite = in_sqlite();
        if !path.try_exists()? {
            make(path, header)?;
        }
        let mut connection = connect(path, PATIENCE)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        // Keeps the lock that it has now. Said before, each of several who begin at once would keep the lock to read
        // with while it waits for the one to write, and so keep the others from it.
        transaction.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        let (kept, going_on) = load(&transaction)?;
        if !going_on {
            // Nothing was sent in its name: whatever it was to be, it begins now.
            transaction.execute("DELETE FROM run", [])?;
            begin(&transaction, header)?;
        }
        // A file that cannot be written must be known before anything is sent; this writes though nothing changes.
        transaction.pragma_update(None, "user_version", FORMAT)?;
        commit(transaction, path, 0)?;
        still_there(path)?;
        Ok((lock, connection, kept, going_on))
    }

    /// Writes down what changed in the ledger. When this returns, it is on the disk; on an error nothing was written,
    /// and the changes are in the ledger again.
    pub fn write(&mut self, ledger: &mut Ledger) -> Result<(), Error> {
        let entries = self.take(ledger, u32::MAX);
        let written = self.put(&entries);
        if written.is_err() {
            ledger.put_back(entries.changes);
        }
        written
    }

    /// Takes what changed in the ledger, to be put into this journal; of new rows only those before this one.
    fn take(&self, ledger: &mut Ledger, before: u32) -> Entries {
        Entries::take(ledger, before, self.sendings)
    }

    /// Puts what was taken last into the journal. When this returns, it is on the disk; on an error nothing was written.
    fn put(&mut self, entries: &Entries) -> Result<(), Error> {
        let Self { path, connection, .. } = self;
        let _in_sqlite = in_sqlite();
        let mut put = || {
            still_there(path)?;
            let connection = connection.as_mut().ok_or(rusqlite::Error::InvalidQuery)?;
            let transaction = connection.transaction()?;
            put(&transaction, entries)?;
            commit(transaction, path, entries.records.len())
        };
        put().map_err(|trouble| trouble.at(path))?;
        self.sendings = entries.all_sendings;
        let last = entries.records.last().map_or(0, |last| last.row + 1);
        self.rows = self.rows.max(last);
        Ok(())
    }

    #[cfg(feature = "simulator")]
    fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows it has.
    fn rows(&self) -> u32 {
        self.rows
    }

    /// Reads a run without driving it; `None` while somebody drives it.
    pub fn read(path: &Path) -> Result<Option<Kept>, Error> {
        let read = || {
            // Whoever opens the file while a transaction is under way rolls it back, unless SQLite's lock is there.
            if Lock::is_held(path)? {
                return Err(Trouble::Driven);
            }
            let _in_sqlite = in_sqlite();
            let mut connection = connect(path, GLANCE)?;
            let transaction = connection.transaction()?;
            Ok(load(&transaction)?.0)
        };
        match read() {
            Ok(kept) => Ok(Some(kept)),
            Err(Trouble::Driven) => Ok(None),
            Err(trouble) => Err(trouble.at(path)),
        }
    }

    /// Deletes the file of a run, damaged or not, unless somebody drives it.
    pub fn delete(path: &Path) -> Result<(), Error> {
        let delete = || {
            let _lock = Lock::take(path, GLANCE)?;
            let free = || {
                let _in_sqlite = in_sqlite();
                let mut connection = connect(path, GLANCE)?;
                Ok(connection
                    .transaction_with_behavior(TransactionBehavior::Exclusive)?
                    .commit()?)
            };
            // Another program may have the file open.
            if let Err(Trouble::Driven) = free() {
                return Err(Trouble::Driven);
            }
            fs::remove_file(path)?;
            match fs::remove_file(rollback(path)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => Ok(removed?),
            }
        };
        delete().map_err(|trouble: Trouble| trouble.at(path))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _in_sqlite = in_sqlite();
        drop(self.connection.take());
    }
}

impl Header {
    /// Refuses a call that is not the one which wrote the run.
    pub(crate) fn fits(&self, call: &Self, path: &Path) -> Result<(), Error> {
        if self == call {
            return Ok(());
        }
        Err(Error::Option(format!(
            "the run {} {}, and this call {}; give this call a run of its own, or delete that one if you do not need it any \
             more",
            path.display(),
            self.told(),
            call.told()
        )))
    }

    fn told(&self) -> String {
        let key = match &self.import_key {
            Some(key) => format!("the import key `{key}`"),
            None => "no import key".to_owned(),
        };
        format!(
            "is a {} in project {} at {} with {key}",
            self.verb, self.project, self.service
        )
    }
}
