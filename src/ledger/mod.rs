//! The ledger: one outcome per row, true at any moment.
//!
//! It is columns, not row objects, so that a million rows cost some tens of megabytes and an import that is cut off
//! anywhere still knows each of them.

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
mod state;
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
pub use report::{Cause, Finding};
pub use sending::{Sending, SentBody, SentItem};
pub use state::State;
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
    /// Seconds that the run waited for the rate limits.
    pub throttled: f64,
    pub seconds: f64,
    pub bytes_sent: u64,
    /// Requests, among those above, that looked for rows whose answer was lost, or for import keys.
    pub lookups: u64,
}

/// What is still to be sent.
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
    states: Vec<State>,
    /// Nil where a row has none, and shorter than `states` where the last rows have none. So are the two columns below.
    ids: Vec<Uuid>,
    /// Ids that are no UUIDs.
    other_ids: HashMap<Number, Box<str>>,
    /// Which request settled the row.
    sendings_of: Vec<Number>,
    sendings: Vec<Sending>,
    faults_of: Numbers,
    faults: Faults,
    /// Empty where the key of a row is its id.
    keys: Pool,
    /// Keys of rows that were edited since.
    new_keys: HashMap<Number, Box<str>>,
    labels: Labels,
    /// Rows that say the same as an earlier one and share its outcome.
    same_as: HashMap<Number, Number>,
    /// The digest of each row's cells; 0 where it was not read.
    digests: Vec<u64>,
    /// What each column counts as for those digests; nothing where it does not count.
    pub headings: BTreeMap<String, Option<String>>,
    /// The requests of rows whose outcome is unknown.
    sent: BTreeMap<Number, SentBody>,
    /// For each row of the last input the row it is; `None`: they are the same rows in the same places.
    #[serde(skip)]
    input: Option<Vec<Number>>,
    /// Rows from this number on exist but were never read.
    read: usize,
    /// Whether the rows were read to their end, so that there are no others.
    pub complete: bool,
    /// What generated import keys begin with: another text for each run, and the same for all calls that resume it.
    pub import_prefix: Option<Box<str>>,
    /// Kept only where a journal is.
    #[serde(skip)]
    changes: Option<Changes>,
    /// Why rows that were not sent were not, once the run has ended.
    pub not_sent: Option<String>,
    pub stats: Stats,
    pub plan: Plan,
    pub warnings: Vec<String>,
    /// What each column of the rows was taken for.
    pub columns: Vec<ColumnUse>,
}

/// A ledger shared between a run and whoever looks at it.
pub type SharedLedger = Arc<Mutex<Ledger>>;

/// Looks into a shared ledger. Nothing panics while it holds this lock.
pub fn lock(ledger: &SharedLedger) -> MutexGuard<'_, Ledger> {
    #[cfg(feature = "simulator")]
    journal::disk::lock();
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of a row.
pub(crate) fn number(index: usize) -> u32 {
    // A ledger of four billion rows would need more than 100 GB; the cast cannot cut.
    u32::try_from(index).unwrap_or(NONE)
}
