//! Bulk writes: endpoints whose items are rows, and how to interpret their responses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde_json::Value;

use crate::api::assets;
use crate::api::endpoint::Endpoint;
use crate::api::field::Fields;
use crate::api::paging::Query;
use crate::api::relationships;

/// The effect of a successful request on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Created,
    Updated,
    Deleted,
    Read,
}

/// What a status such as 403 or 404 applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// The whole run, because the project or the token is at fault. Further requests would fail in the same way.
    Run,
    /// The rows in this request.
    Rows,
}

/// What a response says about one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paired<'a> {
    /// The response has an entry for the row: the id in that entry, if it has one, and the byte range of the entry in
    /// the response body, if the entries were requested.
    Named {
        id: Option<Cow<'a, str>>,
        entry: Option<Range<usize>>,
    },
    /// The response does not name the row.
    Absent,
}

impl Paired<'_> {
    /// Copies the data, so that it no longer borrows from the body.
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

/// A row as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentRow<'r> {
    /// The row's client asset id or id.
    pub key: &'r str,
    /// The row's item in the request.
    pub body: &'r [u8],
}

/// Pairs the rows sent with the entries in a successful response, in the order of the rows. If the flag is
/// `true`, the ranges of the entries are included.
pub type Pair = for<'a> fn(&'a [u8], &[SentRow<'_>], bool) -> Result<Vec<Paired<'a>>, String>;

/// Pairs entries by id. Ids are compared case-insensitively, as UUIDs are.
pub(crate) fn by_id<'a>(
    rows: &[SentRow<'_>],
    found: impl Iterator<Item = (Cow<'a, str>, Option<Range<usize>>)>,
) -> Vec<Paired<'a>> {
    // An entry without an id, such as null, belongs to no row.
    let mut entries: HashMap<String, (Cow<'a, str>, Option<Range<usize>>)> = found
        .filter(|(id, _)| !id.is_empty())
        .map(|(id, entry)| (id.to_ascii_lowercase(), (id, entry)))
        .collect();
    rows.iter()
        .map(|row| match entries.remove(&row.key.to_ascii_lowercase()) {
            Some((id, entry)) => Paired::Named { id: Some(id), entry },
            None => Paired::Absent,
        })
        .collect()
}

/// Returns the names of the fields in a response entry that differ from the row sent.
pub type Differing = fn(&SentRow<'_>, &[u8]) -> Vec<String>;

/// Returns what has changed in an entry since it was read, or `None` if the row may still be sent: `before` and `now` are
/// the entry, which the service may not return.
pub type Drift = fn(before: &Value, now: Option<&Value>, sent: &SentRow<'_>) -> Option<String>;

/// The form of a row in the request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowShape {
    /// `{"clientAssetId":"AHU-1",...}`, an item of assets:batch-create.
    NewAsset,
    /// `"<id>":{...}`, an entry of assets:batch-patch.
    AssetPatch,
    /// `"<id>"`; every other column is ignored.
    IdOfAsset,
    /// `{"id":"<id>","entities":[{...},{...}]}`, an item of `PUT relationships`.
    NewRelationship,
    /// `"<id>"`; every other column is ignored.
    IdOfRelationship,
}

impl RowShape {
    /// Returns whether each row has the id of something that exists.
    #[must_use]
    pub const fn has_id(self) -> bool {
        matches!(self, Self::AssetPatch | Self::IdOfAsset | Self::IdOfRelationship)
    }

    /// Returns whether each row becomes something new, so that there is nothing to clear.
    #[must_use]
    pub const fn is_new(self) -> bool {
        matches!(self, Self::NewAsset | Self::NewRelationship)
    }

    /// Returns the fields of what a row is about.
    #[must_use]
    pub const fn fields(self) -> Fields {
        match self {
            Self::NewAsset | Self::AssetPatch | Self::IdOfAsset => assets::fields::FIELDS,
            Self::NewRelationship | Self::IdOfRelationship => relationships::fields::FIELDS,
        }
    }

    /// Returns what a row is about, for messages.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::NewAsset | Self::AssetPatch | Self::IdOfAsset => "asset",
            Self::NewRelationship | Self::IdOfRelationship => "relationship",
        }
    }
}

/// A bulk write or bulk read. Both send rows and pair them with the response.
pub struct Write {
    pub endpoint: Endpoint,
    pub row: RowShape,
    /// The documented status of a successful response. Another successful status does not prove that a write
    /// was executed.
    pub success: u16,
    pub done: Done,
    /// The outcome of a row missing from a successful response.
    pub absent: Absent,
    pub forbidden: Concerns,
    pub not_found: Concerns,
    pub pair: Pair,
    /// Finds fields whose values differ from what was sent, if the reference page shows that this can happen.
    pub differing: Option<Differing>,
    /// Compares an entry with what it was, if rows of this endpoint may depend on that.
    pub drift: Option<Drift>,
    pub proof: Proof,
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Write({})", self.endpoint.name)
    }
}

impl PartialEq for Write {
    fn eq(&self, other: &Self) -> bool {
        self.endpoint.name == other.endpoint.name
    }
}

impl Eq for Write {}

/// How to settle rows whose response was lost.
pub enum Proof {
    /// Nothing to settle: the request is a read.
    Needless,
    /// The rows have ids, so they can be read by id.
    ById {
        read: &'static Write,
        query: &'static [(&'static str, &'static str)],
        now: Judge,
    },
    /// The rows are new, so they are looked up in a list.
    InList(&'static Lookup),
}

/// Settles a row based on the current asset or relationship with the row's id.
pub type Judge = fn(Option<&Value>, &SentRow<'_>) -> Now;

/// The state of a row in the service after its response was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// The row is in the requested state.
    Done,
    /// The row's asset or relationship differs or was not returned. The request can safely be repeated.
    NotDone,
    /// The request cannot succeed. The string says why.
    Impossible(&'static str),
    /// The outcome is unclear. The string says why.
    Unclear(&'static str),
}

/// How to look up new rows.
pub struct Lookup {
    pub list: &'static Endpoint,
    /// The query for entries in these places that changed since a time (milliseconds since 1970), or for all
    /// their entries if the time is `None`.
    pub query: fn(Option<i64>, &[String]) -> Query,
    /// The query for all entries, with all of their fields.
    pub whole: fn() -> Query,
    /// The place of a row, which is its category.
    pub place: fn(&Value) -> Option<String>,
    pub read: fn(&str) -> Option<Found>,
    /// Whether an entry has the values in a row.
    pub says: fn(&Value, &Value) -> bool,
    /// Reads entries by their ids, with all of their fields.
    pub by_id: (&'static Write, &'static [(&'static str, &'static str)]),
}

/// A list entry, with the fields that identify its row.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub id: String,
    pub key: String,
    /// The creation time in milliseconds since 1970, or `None` if it cannot be read.
    pub created: Option<i64>,
    /// `false` if the entry says that the asset is deleted.
    pub active: bool,
    pub entry: Value,
}

/// The outcome of a row missing from a successful response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Unknown: the write may have been executed.
    InDoubt,
    /// Rejected: this endpoint omits rejected rows. The string is the reason.
    Refused(&'static str),
}
