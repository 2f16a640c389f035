//! When the ledger of a named run is written to its journal, and on which thread: on none that drives requests, and never
//! while the ledger is locked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Mutex;

use super::Journal;
use crate::error::Error;
use crate::ledger::{SharedLedger, lock};

/// New rows of a list that are written at once beside requests: a request waits for no more than these.
const NEXT: u32 = 20_000;

/// Which of the rows that were never written are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum New {
    /// Those before this one: a request is about to carry the last of them.
    Before(u32),
    /// The next ones.
    Next,
    All,
}

/// The journal of a run that several tasks write to, one after the other.
#[derive(Clone)]
pub(crate) struct Commits {
    journal: Arc<Mutex<Journal>>,
    /// The largest `New::Before` so far.
    wanted: Arc<AtomicU32>,
}

impl Commits {
    pub fn new(journal: Journal) -> Self {
        Self {
            journal: Arc::new(Mutex::new(journal)),
            wanted: Arc::default(),
        }
    }

    /// Writes what changed in the ledger. When this returns, all that had changed before the call is on the disk, except
    /// for new rows that were not asked for.
    ///
    /// # Errors
    /// Nothing was written; the changes are in the ledger again.
    pub async fn write(&self, ledger: &SharedLedger, new: New) -> Result<(), Error> {
        if let New::Before(row) = new {
            self.wanted.fetch_max(row, Ordering::AcqRel);
        }
        let (ledger, wanted) = (ledger.clone(), self.wanted.clone());
        let mut journal = self.journal.clone().lock_owned().await;
        #[cfg(feature = "simulator")]
        let (lag, next) = super::disk::lag_of(journal.path()).unwrap_or((Duration::ZERO, NEXT));
        #[cfg(not(feature = "simulator"))]
        let (lag, next) = (Duration::ZERO, NEXT);
        // In one piece, so that a task that is cancelled meanwhile leaves nothing half done.
        let mut write = move || {
            let kept = journal.rows();
            let before = match new {
                // The first request waits for no rows but its own. Later ones share a commit.
                New::Before(row) if kept == 0 => row,
                New::Before(_) => wanted.load(Ordering::Acquire),
                New::Next => kept.saturating_add(next),
                New::All => u32::MAX,
            };
            let entries = journal.take(&mut lock(&ledger), before);
            if entries.is_empty() && new != New::All {
                return Ok(());
            }
            journal.put(&entries).inspect_err(|_| {
                lock(&ledger).put_back(entries.into_changes());
            })
        };
        match Handle::current().runtime_flavor() {
            // A simulation on one thread and a paused clock: the order of events stays the same.
            RuntimeFlavor::CurrentThread => {
                if !lag.is_zero() {
                    tokio::time::sleep(lag).await;
                }
                tokio::task::yield_now().await;
                write()
            }
            _ => tokio::task::spawn_blocking(write)
                .await
                .unwrap_or_else(|error| Err(Error::Journal(format!("the journal was not written: {error}")))),
        }
    }
}
