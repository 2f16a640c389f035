//! The remote services as data: one file per API, with its endpoints, their rate groups and response readers. This
//! module is independent of runs and of Python.

pub mod assets;
pub mod endpoint;
pub mod field;
pub mod filters;
mod known_project;
pub mod paging;
pub mod relationships;
pub mod settings;
pub mod write;

pub use endpoint::{Call, Endpoint, Items, Path, RequestBody, ResponseBody, Rows, unreadable};
pub use known_project::KnownProject;
pub use paging::{Next, Paging, Query};
pub use write::{
    Absent, Concerns, Differing, Done, Found, Judge, Lookup, Now, Pair, Paired, Proof, RowShape, SentRow,
    Write,
};

use crate::error::Error;
use crate::options::{Limits, RateGroup};

/// The rate groups of all endpoints. Options refer to a group by its name.
pub const RATE_GROUPS: &[&RateGroup] = &[
    &assets::READS,
    &assets::WRITES,
    &relationships::LIMIT,
    &settings::LOCATION_READS,
    &settings::UNLIMITED,
];

/// The list endpoints available to users.
pub const LISTS: &[&Endpoint] = &[
    &assets::LIST,
    &relationships::SEARCH,
    &settings::CATEGORIES,
    &settings::STATUS_SETS,
    &settings::CUSTOM_ATTRIBUTES,
    &settings::CATEGORY_ATTRIBUTES,
    &settings::ERROR_CODES,
];

/// The bulk writes, by verb.
pub const WRITES: &[(&str, &Write)] = &[
    ("create", &assets::BATCH_CREATE),
    ("patch", &assets::BATCH_PATCH),
    ("delete", &assets::BATCH_DELETE),
    ("unlink", &relationships::DELETE),
];

/// Looks up a list by name.
///
/// # Errors
/// [`Error::Option`] if the list does not exist.
pub fn list_of(name: &str) -> Result<&'static Endpoint, Error> {
    let list = LISTS.iter().find(|list| list.name == name);
    list.copied()
        .ok_or_else(|| Error::Option(format!("cannot list `{name}`")))
}

/// Looks up a bulk write by verb.
///
/// # Errors
/// [`Error::Option`] if the verb does not exist.
pub fn write_of(verb: &str) -> Result<&'static Write, Error> {
    let write = WRITES.iter().find(|(known, _)| *known == verb);
    write
        .map(|(_, write)| *write)
        .ok_or_else(|| Error::Option(format!("unknown verb `{verb}`")))
}

/// Rejects limits for an unknown rate group, which would otherwise be silently ignored.
///
/// # Errors
/// [`Error::Option`] naming the group.
pub fn check_limits(limits: &Limits) -> Result<(), Error> {
    let is_known = |name: &&String| RATE_GROUPS.iter().any(|group| group.name == **name);
    match limits.requests.keys().find(|name| !is_known(name)) {
        Some(name) => Err(Error::Option(format!("limits: unknown rate group `{name}`"))),
        None => Ok(()),
    }
}
