//! A bulk write: an endpoint whose items are rows, and what its responses say of them.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use crate::api::endpoint::{Endpoint, Query};

/// What is done to a row when its request succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Created,
    Updated,
    Deleted,
    Read,
}

/// Whom a status such as 403 or 404 concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// The whole run: the project, the token. Going on would only repeat it.
    Run,
    /// Rows of this request.
    Rows,
}

/// What a response says of one row sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paired<'a> {
    /// It names the row: its id, and where the whole entry is in the body.
    Named {
        id: Option<Cow<'a, str>>,
        entry: Option<Range<usize>>,
    },
    /// It does not.
    Absent,
}

impl Paired<'_> {
    /// The same without the body it was read from.
    #[must_use]
    pub fn into_owned(self) -> Paired<'static> {
        match self {
            Self::Named { id, entry } => Paired::Named {
                id: id.map(|id| Cow::Owned(id.into_owned())),
                entry,
            },
            Self::Absent => Paired::Absent,
        }
    }
}

/// A row as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentRow<'r> {
    /// Its client asset id, or its id.
    pub key: &'r str,
    /// Its item in the request.
    pub body: &'r [u8],
}

/// Pairs a success with the rows sent, in their order. The flag asks for the entries too.
pub type Pair = for<'a> fn(&'a [u8], &[SentRow<'_>], bool) -> Result<Vec<Paired<'a>>, String>;

/// Names the fields in which an entry of a response differs from the row that was sent.
pub type Differing = fn(&SentRow<'_>, &[u8]) -> Vec<String>;

/// What a row becomes in the request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowShape {
    /// `{"clientAssetId":"AHU-1",...}`, an item of assets:batch-create.
    NewAsset,
    /// `"<id>":{...}`, an entry of assets:batch-patch.
    AssetPatch,
    /// `"<id>"`; every other column is ignored.
    Id,
}

/// A bulk write, or a bulk read: both send rows, and their responses are paired with them.
pub struct Write {
    pub endpoint: Endpoint,
    pub row: RowShape,
    /// The status of a success, as the reference page documents it. No other proves a write.
    pub success: u16,
    pub done: Done,
    /// What a row is that a success does not name; the text says why.
    pub absent: Absent,
    pub forbidden: Concerns,
    pub not_found: Concerns,
    pub pair: Pair,
    /// Names the fields of a success entry that differ from what was sent, where the page shows that they can.
    pub differing: Option<Differing>,
    pub proof: Proof,
}

/// How rows are settled whose request was sent and whose response was lost.
pub enum Proof {
    /// There is nothing to settle: a read.
    Needless,
    /// The rows have ids: they are read again by them.
    ById {
        read: &'static Write,
        query: &'static [(&'static str, &'static str)],
        now: Judge,
    },
    /// The rows would be new: they are looked for in a list.
    InList(&'static Lookup),
}

/// Judges a row by what the service now holds under its id.
pub type Judge = fn(Option<&Value>, &SentRow<'_>) -> Now;

/// What a row that was read again shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// It is as the request wanted it.
    Done,
    /// It is not, so the request was not executed, or can be repeated.
    NotDone,
    /// It cannot be done: the text says why.
    Impossible(&'static str),
    /// It is unclear; the text says why.
    Unclear(&'static str),
}

/// How new rows are looked for.
pub struct Lookup {
    pub list: &'static Endpoint,
    /// The query for what changed since a time (milliseconds since 1970), in these places.
    pub query: fn(Option<i64>, &[String]) -> Query,
    /// The query for all, newest first.
    pub newest: fn() -> Query,
    /// The place a row would stand in: its category.
    pub place: fn(&Value) -> Option<String>,
    pub read: fn(&str) -> Option<Found>,
    /// Whether an entry says what a row said.
    pub says: fn(&Value, &Value) -> bool,
}

/// An entry of a list, as far as it tells which row it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub id: String,
    pub key: String,
    /// Milliseconds since 1970; `None` where it cannot be read.
    pub created: Option<i64>,
    /// Not deleted.
    pub active: bool,
    pub entry: Value,
}

/// What it means for a row that a success does not name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Whether it was executed is unknown.
    InDoubt,
    /// The service left it out, which is how this endpoint refuses.
    Refused(&'static str),
}
