//! What has changed in a ledger since it was last written to disk.

use std::collections::BTreeSet;

/// The changes to a ledger since it was last written to disk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The rows that changed. Until the changes are taken, this set contains only rows before `rows_from`.
    pub rows: BTreeSet<u32>,
    /// The first new row.
    pub rows_from: u32,
    pub sendings: BTreeSet<u32>,
    /// The index of the first new reason from a check. `checks_to` is the end of the new reasons, set when
    /// the changes are taken.
    pub checks_from: usize,
    pub checks_to: usize,
    /// The index of the first new phrase.
    pub phrases_from: usize,
    /// The numbers of added or dropped reasons that are not from checks. `bodies` contains the numbers of
    /// added or dropped response bodies.
    pub faults: BTreeSet<u32>,
    pub bodies: BTreeSet<u32>,
}
