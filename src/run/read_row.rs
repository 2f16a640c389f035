//! Rows that were read before it is known which rows of the earlier call they are.

use crate::ledger::OwnedLabel;
use crate::rows::Problem;
use crate::run::seen::digest_of;

/// A row that was read from the input.
#[derive(Debug, Clone)]
pub(super) struct ReadRow {
    /// The part of the run that it belongs to.
    pub part: usize,
    pub label: OwnedLabel,
    /// The digest of the row's cells.
    pub digest: u64,
    pub key: Box<str>,
    pub import_key: Box<str>,
    /// The row's item in the request body, or its problems.
    pub judged: Result<Encoded, Vec<Problem>>,
}

/// The item of a row in the request body.
#[derive(Debug, Clone)]
pub(super) enum Encoded {
    /// Empty if the asset already has the row's values.
    Body(Vec<u8>),
    /// The item takes too much memory, so its row is read again. Contains its digest.
    Dropped(u64),
}

impl Encoded {
    /// Returns a digest of the item, which is never 0.
    pub fn digest(&self) -> u64 {
        match self {
            Self::Body(body) => digest_of(body),
            Self::Dropped(digest) => *digest,
        }
    }
}

/// The current input for a row whose outcome is unknown, in case its request was not executed.
#[derive(Debug, Clone)]
pub(super) enum Today {
    Row(ReadRow),
    /// Missing from an input that should contain all rows in the run.
    Removed,
    /// Missing from an input that contains only some of the rows.
    NotGiven,
}
