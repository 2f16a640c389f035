//! The part of a list that one request asks for, the state of the list, and why it cannot be read.

use serde::{Deserialize, Serialize};

/// The part of a list that one request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The rows that changed last.
    Newest,
    /// A range, by its number.
    Range(u64),
    /// The next page of a list without time order.
    Unsorted,
    /// The number of rows.
    Count,
}

/// Times in milliseconds since 1970, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// What to ask for next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    pub part: Part,
    pub times: Times,
    pub cursor: Option<String>,
    /// The number of rows on the pages that lead to the cursor.
    pub before: u64,
}

/// Why a list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Rows are missing: the number of rows that were read, and that the service counts.
    Short(u64, u64),
    Restless,
    Endless,
}

/// How far a round has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The newest page is still to be read.
    Newest,
    Rest,
    Ended,
}

/// What the service does with times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Service {
    Sorts,
    /// It does not sort, so the list is read page by page.
    Shuffles,
    /// It does not filter either, so changes cannot be read.
    Ignores,
}
