//! What the machine needs to know of a page.

use serde::{Deserialize, Serialize};

use crate::call::Turned;
use crate::columns::{Cell, Page, PageColumn};
use crate::model::value;

/// The version of an asset: when it last changed, in milliseconds since 1970, then its version number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    pub changed: Option<i64>,
    pub number: Option<i64>,
}

/// A [`Version`] in little memory, since a project may have many assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Packed {
    /// `i64::MIN` is a missing number.
    changed: i64,
    number: i64,
}

impl From<Version> for Packed {
    fn from(Version { changed, number }: Version) -> Self {
        Self {
            changed: changed.unwrap_or(i64::MIN),
            number: number.unwrap_or(i64::MIN),
        }
    }
}

impl From<Packed> for Version {
    fn from(Packed { changed, number }: Packed) -> Self {
        let given = |number: i64| (number != i64::MIN).then_some(number);
        Self {
            changed: given(changed),
            number: given(number),
        }
    }
}

impl Packed {
    /// Returns whether this version is from before `other`, as far as their times tell.
    pub fn is_before(self, other: Version) -> bool {
        self.changed < Self::from(other).changed
    }
}

/// One row: the digest of its id, and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    pub id: u64,
    pub version: Version,
    /// Whether the asset was created after the read began, and is not to be returned.
    pub is_late: bool,
}

/// One page: its rows, and what it says of the list.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub rows: Vec<Fact>,
    /// The cursor of the next page, or `None` at the end of the list.
    pub cursor: Option<String>,
    /// The number of rows on all pages, if the service reports it.
    pub total: Option<u64>,
    /// The earliest time at which the request may have been executed, according to the service's clock, if
    /// that is known.
    pub asked_at: Option<i64>,
}

/// Returns what is to be known of each row of a page.
pub fn facts(turned: &Turned) -> Vec<Fact> {
    let rows = turned.ids.iter().zip(versions(&turned.received.page));
    rows.map(|(id, version)| Fact {
        id: *id,
        version,
        is_late: false,
    })
    .collect()
}

/// Returns the version of each row of a page.
pub fn versions(page: &Page) -> impl Iterator<Item = Version> + '_ {
    let (changed, number) = (named(page, "updatedAt"), named(page, "version"));
    (0..page.rows()).map(move |row| match (changed, number, page.members(row)) {
        (_, _, None) => {
            let object = page.row(row);
            let time = object
                .get("updatedAt")
                .and_then(|time| time.as_str()?.parse().ok());
            Version {
                changed: time.map(jiff::Timestamp::as_millisecond),
                number: object.get("version").and_then(serde_json::Value::as_i64),
            }
        }
        (changed, number, _) => Version {
            changed: changed.and_then(|column| time(column.cell(row))),
            number: number.and_then(|column| integer(column.cell(row))),
        },
    })
}

/// Returns when each row of a page was created, in milliseconds since 1970, if that is known.
pub fn created(page: &Page) -> impl Iterator<Item = Option<i64>> + '_ {
    let column = named(page, "createdAt");
    (0..page.rows()).map(move |row| {
        if page.members(row).is_none() {
            let created: jiff::Timestamp = page.row(row).get("createdAt")?.as_str()?.parse().ok()?;
            return Some(created.as_millisecond());
        }
        time(column?.cell(row))
    })
}

/// Returns whether each row of a page is an asset that exists: it is not marked as deleted.
pub fn active(page: &Page) -> impl Iterator<Item = bool> + '_ {
    let (flags, deletions) = (named(page, "isActive"), named(page, "deletedAt"));
    (0..page.rows()).map(move |row| {
        if page.members(row).is_none() {
            let object = page.row(row);
            return value::is_active(object.get("isActive"), object.get("deletedAt"));
        }
        let of = |column: Option<&PageColumn>| Some(column?.cell(row).to_value());
        match flags.map(|flags| flags.cell(row)) {
            Some(Cell::Bool(flag)) => flag,
            _ => value::is_active(of(flags).as_ref(), of(deletions).as_ref()),
        }
    })
}

/// Returns the column of a field of every asset.
pub fn named<'p>(page: &'p Page, name: &str) -> Option<&'p PageColumn> {
    page.columns()
        .map(|(_, column)| &**column)
        .find(|column| &*column.name == name)
}

fn time(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Time(time) => Some(time),
        Cell::Text(text) => text.parse().ok().map(jiff::Timestamp::as_millisecond),
        json @ Cell::Json(_) => {
            let text = json.to_value();
            text.as_str()?.parse().ok().map(jiff::Timestamp::as_millisecond)
        }
        _ => None,
    }
}

fn integer(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Int(number) => Some(number),
        json @ Cell::Json(_) => json.to_value().as_i64(),
        _ => None,
    }
}
