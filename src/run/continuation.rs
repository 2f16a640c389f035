//! Which rows of an earlier call a run processes.

use std::collections::HashSet;

use crate::ledger::journal::Others;

/// Which rows of an earlier call to process, and how.
#[derive(Debug, Clone, Default)]
pub struct Continuation {
    /// The rows to send.
    pub send: HashSet<u32>,
    /// The rows to look up, whose outcome is unknown.
    pub look_up: HashSet<u32>,
    /// Whether to check all rows again, since invalid rows may be valid by now.
    pub recheck: bool,
    /// Whether the call has a named run, in which rows that are not settled may have been edited or removed.
    pub edits: bool,
    /// The name of the run, or the path of its file.
    pub run: Option<String>,
    /// The other runs in the folder of the run, unless nothing is recorded.
    pub others: Option<Others>,
}
