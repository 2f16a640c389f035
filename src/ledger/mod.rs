//! The ledger: one outcome per row, accurate at all times.
//!
//! The ledger consists of columns, not row objects. A million rows take tens of megabytes, and an interrupted
//! import still knows the outcome of each row.

mod bodies;
mod changes;
mod columns;
mod fault;
mod faults;
pub mod journal;
mod labels;
mod numbers;
mod phrases;
mod pool;
mod read;
mod record;
mod report;
mod requests;
mod sending;
mod status;
mod tracking;
mod view;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use changes::Changes;
pub use fault::Fault;
pub use labels::OwnedLabel;
pub(crate) use numbers::number;
pub use record::Record;
pub use report::Cause;
pub use sending::{Sending, SentBody, SentItem};
pub use status::Status;
pub use view::{Outcome, View};

use crate::rows::ColumnUse;
use faults::Faults;
use labels::Labels;
use numbers::Number;
use pool::{Numbers, Pool};

/// Statistics of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    pub requests: u64,
    pub retries: u64,
    pub bisects: u64,
    /// How long the run waited for rate limits, in seconds.
    pub throttled: f64,
    pub seconds: f64,
    pub bytes_sent: u64,
    /// The number of requests that looked up import keys, or rows whose response was lost. Included in
    /// `requests`.
    pub lookups: u64,
    /// The number of rows that earlier calls had completed.
    #[serde(default)]
    pub earlier: u64,
}

/// What remains to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub rows: u64,
    pub requests: u64,
    pub bytes: u64,
    /// The minutes needed at the rate limit.
    pub minutes: f64,
    /// The rate limit, in requests per minute.
    #[serde(default)]
    pub per_minute: f64,
}

/// One outcome per row, in input order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    statuses: Vec<Status>,
    /// Nil for a row without an id, or with an id in `other_ids`. Nils at the end are omitted.
    ids: Vec<Uuid>,
    /// Ids that are not UUIDs.
    other_ids: HashMap<Number, Box<str>>,
    /// The last request that contained each row. Shorter than `statuses` if the last rows were in no request.
    sendings_of: Vec<Number>,
    sendings: Vec<Sending>,
    faults_of: Numbers,
    faults: Faults,
    /// The keys of rows, each empty if the row's key is its id.
    keys: Pool,
    /// The new keys of edited rows.
    new_keys: HashMap<Number, Box<str>>,
    labels: Labels,
    /// The earlier row that each duplicate row shares its outcome with.
    same_as: HashMap<Number, Number>,
    /// The digest of each row's cells, or 0 if the row was not read.
    digests: Vec<u64>,
    /// The name under which each column is included in the digests, or `None` if the column is excluded.
    pub headings: BTreeMap<String, Option<String>>,
    /// The field or custom attribute that each column sets, or `None` for an ignored column. The same in all calls that
    /// send rows of a run.
    pub fields: BTreeMap<String, Option<String>>,
    /// The digests and keys of rows before they were edited in a file of rows to fix.
    first_ids: HashMap<Number, (u64, Box<str>)>,
    /// The title of the labels, such as `line`.
    pub row_title: Option<Box<str>>,
    /// The bodies of requests with rows whose outcome is unknown.
    sent: BTreeMap<Number, SentBody>,
    /// For each row in the last input, its row in this ledger. `None` if the input has the same rows as the
    /// ledger, in the same order.
    input: Option<Vec<Number>>,
    /// The position of each row in the user's input, and the number of rows in it, if the rows of this ledger are only some
    /// of them.
    selected: Option<(Vec<Number>, usize)>,
    /// The number of rows read. Any further rows were never read.
    read: usize,
    /// Whether all rows were read.
    pub complete: bool,
    /// The prefix of generated import keys. The prefix is unique per run, and the same for all calls that resume the
    /// run.
    pub import_prefix: Option<Box<str>>,
    /// The changes, tracked only if there is a journal.
    #[serde(skip)]
    changes: Option<Changes>,
    /// Why rows were not sent. Set when the run has ended.
    pub not_sent: Option<String>,
    pub stats: Stats,
    #[serde(rename = "plan")]
    pub estimate: Estimate,
    pub warnings: Vec<String>,
    /// How each input column was interpreted.
    pub columns: Vec<ColumnUse>,
}

/// A ledger shared between a run and its observers.
pub type SharedLedger = Arc<Mutex<Ledger>>;

/// Locks a shared ledger. No code panics while holding this lock.
pub fn lock(ledger: &SharedLedger) -> MutexGuard<'_, Ledger> {
    #[cfg(feature = "simulator")]
    journal::disk::lock();
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
