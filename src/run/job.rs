//! The input and options of a run.

use crate::api::{Done, Query, Write};
use crate::ids::ProjectId;
use crate::ledger::journal::Journal;
use crate::rows::{ImportKey, Policy};
use crate::run::batch::Batch;
use crate::run::continuation::Continuation;
use crate::run::drift::Compared;

/// When to stop a run early because of failed rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// Never.
    All,
    /// At the first row that is not ok.
    None,
    /// When more than this many rows are not ok.
    Rows(u64),
}

/// The bytes of encoded rows that a run keeps until they are sent. If there are more, the rows are read twice.
pub const MOST_KEPT: usize = 64 << 20;

/// The rows of a run that one endpoint takes.
#[derive(Debug, Clone)]
pub struct Part {
    pub write: &'static Write,
    pub query: Query,
    pub policy: Policy,
    pub batch_size: usize,
    /// Whether the rows of all parts before this one must be settled before its first row is sent. A row whose outcome
    /// stays unknown is settled, too.
    pub waits: bool,
    /// The entries that the rows were compared with. A row whose entry has changed since is not sent.
    pub compared: Option<Compared>,
}

impl Part {
    /// Describes the only part of a run, without a query.
    #[must_use]
    pub fn of(write: &'static Write, policy: Policy, batch_size: usize) -> Self {
        Self {
            write,
            query: Query::new(),
            policy,
            batch_size,
            waits: false,
            compared: None,
        }
    }
}

/// The input and options of a run.
#[allow(clippy::struct_excessive_bools)] // Each is an independent option.
pub struct Job {
    /// What the rows are for, in the order of [`Sink::part`](crate::input::Sink::part). At least one.
    pub parts: Vec<Part>,
    pub project: ProjectId,
    pub tolerance: Tolerance,
    /// Only plan the requests.
    pub dry_run: bool,
    /// Keep the response entry for each row.
    pub keep: bool,
    /// Whether the source can be read again from the start. If so, all rows are checked before the first request.
    pub replayable: bool,
    /// How many bytes of checked rows to keep, usually [`MOST_KEPT`].
    pub most_kept: usize,
    /// Look up rows whose response was lost.
    pub reconcile: bool,
    /// The rows of an existing ledger to process.
    pub continuation: Continuation,
    /// The journal in which the ledger is saved before anything is sent.
    pub journal: Option<Journal>,
}

impl Job {
    /// Whether the run only reads. If so, one failed part ends the run, since the result of the run would be
    /// incomplete.
    #[must_use]
    pub(super) fn reads(&self) -> bool {
        self.parts.iter().all(|part| part.write.done == Done::Read)
    }

    /// Whether any rows are created.
    #[must_use]
    pub(super) fn creates(&self) -> bool {
        self.parts.iter().any(|part| part.write.done == Done::Created)
    }

    /// Returns the part of the run that the rows of a batch belong to.
    pub(super) fn part_of(&self, batch: &Batch) -> &Part {
        // A batch comes from the packer, or from the journal of a run with the same parts.
        let part = batch.part_of_run.min(self.parts.len() - 1);
        &self.parts[part]
    }

    /// Returns the options of the part whose rows have import keys, with its import key. Only one part may have them.
    #[must_use]
    pub(super) fn with_import_key(&self) -> Option<(&Policy, &ImportKey)> {
        let mut policies = self.parts.iter().map(|part| &part.policy);
        policies.find_map(|policy| Some((policy, policy.import_key.as_ref()?)))
    }

    /// Returns the title of the row labels, such as `sheet row`.
    #[must_use]
    pub(super) fn row_title(&self) -> Option<&str> {
        self.parts.first()?.policy.names.row_title.as_deref()
    }
}
