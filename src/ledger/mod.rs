//! The ledger: one outcome per row, true at any moment.
//!
//! It consists of columns, not row objects: a million rows take some tens of megabytes, and an interrupted import still
//! knows the outcome of each row.

mod changes;
mod columns;
mod fault;
mod faults;
pub mod journal;
mod labels;
mod phrases;
mod pool;
mod read;
mod report;
mod sending;
mod status;
mod view;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use changes::{Changes, Record};
pub use columns::COLUMNS;
pub use fault::Fault;
pub use labels::OwnedLabel;
pub use report::Cause;
pub use sending::{Sending, SentBody, SentItem};
pub use status::Status;
pub use view::{Outcome, View};

use crate::validation::ColumnUse;
use faults::Faults;
use labels::Labels;
use pool::{Numbers, Pool};

/// What a run cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    pub requests: u64,
    pub retries: u64,
    pub bisects: u64,
    /// Seconds that the run waited for rate limits.
    pub throttled: f64,
    pub seconds: f64,
    pub bytes_sent: u64,
    /// Requests, included in `requests`, that looked for import keys or for rows whose response was lost.
    pub lookups: u64,
}

/// What remains to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub rows: u64,
    pub requests: u64,
    pub bytes: u64,
    /// At the rate limit.
    pub minutes: f64,
}

/// Row numbers, request numbers and fault numbers: four bytes each, in a ledger of at most four billion rows.
type Number = u32;
const NONE: Number = Number::MAX;

/// One outcome per row, in input order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    statuses: Vec<Status>,
    /// Nil if a row has none, and shorter than `statuses` if the last rows have none.
    ids: Vec<Uuid>,
    /// Ids that are not UUIDs.
    other_ids: HashMap<Number, Box<str>>,
    /// The request that settled the row; shorter than `statuses` if the last rows have none.
    sendings_of: Vec<Number>,
    sendings: Vec<Sending>,
    faults_of: Numbers,
    faults: Faults,
    /// Empty if the key of a row is its id.
    keys: Pool,
    /// New keys of edited rows.
    new_keys: HashMap<Number, Box<str>>,
    labels: Labels,
    /// Duplicates of an earlier row, which share its outcome.
    same_as: HashMap<Number, Number>,
    /// The digest of each row's cells; 0 if it was not read.
    digests: Vec<u64>,
    /// The name of each column in those digests; `None` if it does not count.
    pub headings: BTreeMap<String, Option<String>>,
    /// The request bodies of rows whose outcome is unknown.
    sent: BTreeMap<Number, SentBody>,
    /// For each row of the last input, its row here; `None` if the rows and their order are the same.
    #[serde(skip)]
    input: Option<Vec<Number>>,
    /// The number of rows read; further rows exist but were never read.
    read: usize,
    /// Whether all rows were read, so that there are no others.
    pub complete: bool,
    /// The prefix of generated import keys: unique per run and the same for all calls that resume it.
    pub import_prefix: Option<Box<str>>,
    /// Tracked only if there is a journal.
    #[serde(skip)]
    changes: Option<Changes>,
    /// Why rows were not sent, once the run has ended.
    pub not_sent: Option<String>,
    pub stats: Stats,
    pub plan: Plan,
    pub warnings: Vec<String>,
    /// How each column of the rows was interpreted.
    pub columns: Vec<ColumnUse>,
}

/// A ledger shared between a run and its observers.
pub type SharedLedger = Arc<Mutex<Ledger>>;

/// Locks a shared ledger. Nothing panics while holding this lock.
pub fn lock(ledger: &SharedLedger) -> MutexGuard<'_, Ledger> {
    #[cfg(feature = "simulator")]
    journal::disk::lock();
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of a row.
pub(crate) fn number(index: usize) -> u32 {
    // A ledger of four billion rows would need more than 100 GB, so the cast cannot truncate.
    u32::try_from(index).unwrap_or(NONE)
}
