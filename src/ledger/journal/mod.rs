//! The journal of a named run: its ledger on disk, from which the run can resume no matter how it ended.
//!
//! There is one `SQLite` file per run. The database uses a rollback journal instead of a write-ahead log. A single file
//! then contains everything, even after `kill -9`, and can be copied or moved. A lock file shows which process owns the
//! run (see `lock`). The system releases the lock when the process ends. `SQLite`'s own lock prevents other programs
//! from reading an open transaction. The file is opened only through `SQLite`. On Unix, closing any other descriptor of
//! a file would release the POSIX locks that the process has on it.

mod commits;
#[cfg(feature = "simulator")]
pub mod disk;
mod entries;
mod file;
mod fork;
mod header;
mod input;
pub mod lock;
mod others;
mod rows;
mod tables;
mod trouble;

use std::fs;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

pub(crate) use commits::{Commits, New};
use entries::Entries;
use file::{FORMAT, begin, commit, connect, make, make_folder, renew, rollback, still_there};
pub use header::{Header, StoredRun};
use lock::{Lock, in_sqlite};
pub use others::{FirstRows, Others, Overlap, OverlappingRun, ROWS as FIRST_ROWS};
use tables::{load, put};
use trouble::Trouble;

use super::Ledger;
use crate::error::Error;

/// How long a call that wants to own a run waits for another owner or for a reader of the file.
const OWNER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a call that reads or deletes a run waits for other users of the file.
const READER_TIMEOUT: Duration = Duration::from_millis(50);

/// The file of a run owned by this process. No other process can own the run until this is dropped.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// `None` once the journal is closed.
    connection: Option<Connection>,
    /// Released after the connection is closed.
    _lock: Lock,
    /// The number of requests in the file. `rows` is the number of rows in the file.
    sendings: usize,
    rows: u32,
}

impl Journal {
    /// Opens or creates a run's file and locks the run. Returns the stored ledger if anything was written
    /// after the file was created. From then on, that ledger tracks its changes.
    pub fn open(path: &Path, header: &Header) -> Result<(Self, Option<Ledger>), Error> {
        // Use an absolute path, because the process may change its working directory later.
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

    fn locked(path: &Path, header: &Header) -> Result<(Lock, Connection, StoredRun, bool), Trouble> {
        make_folder(path)?;
        let lock = Lock::take(path, OWNER_TIMEOUT)?;
        let _in_sqlite = in_sqlite();
        if !path.try_exists()? {
            make(path, header)?;
        }
        let mut connection = connect(path, OWNER_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        // Keep the lock from now on. If this were set earlier, several processes that start at the same time would each
        // keep a read lock while waiting for the write lock, and block each other.
        transaction.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        renew(&transaction)?;
        let (kept, going_on) = load(&transaction)?;
        if !going_on {
            // Nothing was written in this run, so any call may start it.
            transaction.execute("DELETE FROM run", [])?;
            begin(&transaction, header)?;
        }
        // Detect a read-only file before anything is sent. This writes to the file, although the value stays
        // the same.
        transaction.pragma_update(None, "user_version", FORMAT)?;
        commit(transaction, path, 0)?;
        still_there(path)?;
        Ok((lock, connection, kept, going_on))
    }

    /// Writes the ledger's changes to disk. If this fails, nothing is written and the changes are put back
    /// into the ledger.
    pub fn write(&mut self, ledger: &mut Ledger) -> Result<(), Error> {
        let entries = self.take(ledger, u32::MAX);
        let written = self.put(&entries);
        if written.is_err() {
            ledger.put_back(entries.changes);
        }
        written
    }

    /// Takes the ledger's changes for this journal. See `Entries::take`.
    fn take(&self, ledger: &mut Ledger, before: u32) -> Entries {
        Entries::take(ledger, before, self.sendings)
    }

    /// Writes previously taken changes to disk. If this fails, nothing is written.
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

    /// Returns the number of rows in the file.
    fn rows(&self) -> u32 {
        self.rows
    }

    /// Reads a run without owning it. Returns `None` while a call owns the run or another program has locked
    /// the file.
    pub fn read(path: &Path) -> Result<Option<StoredRun>, Error> {
        let read = || {
            // Do not rely on SQLite's own lock. Without a lock, opening the file during a transaction would
            // roll back that transaction.
            if Lock::is_held(path)? {
                return Err(Trouble::Driven);
            }
            let _in_sqlite = in_sqlite();
            let mut connection = connect(path, READER_TIMEOUT)?;
            let transaction = connection.transaction()?;
            Ok(load(&transaction)?.0)
        };
        match read() {
            Ok(kept) => Ok(Some(kept)),
            Err(Trouble::Driven) => Ok(None),
            Err(trouble) => Err(trouble.at(path)),
        }
    }

    /// Deletes a run's file, even if it is damaged. Fails if a call owns the run or another program has
    /// locked the file.
    pub fn delete(path: &Path) -> Result<(), Error> {
        let delete = || {
            let _lock = Lock::take(path, READER_TIMEOUT)?;
            let free = || {
                let _in_sqlite = in_sqlite();
                let mut connection = connect(path, READER_TIMEOUT)?;
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
