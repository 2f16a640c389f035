//! Why a name is not found, and what to use instead.

use std::fmt;

use crate::settings::names::{folded, nearest};

/// The maximum number of candidates to list in a message.
const CANDIDATES: usize = 5;

/// The maximum number of labels to list completely, if none is close to the given one.
const FEW: usize = 12;

/// Why a lookup failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupError {
    /// The name is unknown. Contains the closest names, if any is close.
    Unknown(Vec<String>),
    /// The name is unknown, and close to none of these names, which are all that exist.
    NoneOf(Vec<String>),
    /// The name is ambiguous. Contains all matches.
    Ambiguous(Vec<String>),
    /// The text is the id of a category and the name of others. Contains all of these.
    IdAndName(Vec<String>),
    /// The name matches only inactive entries. Contains the first of these entries.
    Inactive(String),
    /// The project's locations could not be read.
    Unread,
}

impl LookupError {
    /// Returns the fix to show in a message. `what` is the kind of object, such as "category".
    #[must_use]
    pub fn fix(&self, what: &str) -> String {
        match self {
            Self::Unknown(near) if near.is_empty() => {
                format!("use the name or id of a {what} of the project")
            }
            Self::Unknown(near) => format!("did you mean {}?", listed(near)),
            Self::NoneOf(all) => format!("use one of `{}`", all.join("`, `")),
            Self::Ambiguous(_) => "use the full path or the id".to_owned(),
            Self::IdAndName(_) => "use one of these".to_owned(),
            Self::Inactive(_) => format!("use an active {what}, or activate this one in the project"),
            Self::Unread => "use the id, or check that the user may read the locations".to_owned(),
        }
    }

    /// Returns the fix for a cell with this name. A word of another language is close to no name.
    #[must_use]
    pub fn fix_of_cell(&self, what: &str) -> String {
        let fix = self.fix(what);
        match self {
            Self::Unknown(near) if !near.is_empty() => fix,
            Self::Unknown(_) | Self::NoneOf(_) => {
                format!("{fix}, or replace the words of your data with values=")
            }
            _ => fix,
        }
    }

    /// Returns the reason to show in a message. `what` is the kind of object, such as "category".
    #[must_use]
    pub fn reason(&self, what: &str) -> String {
        match self {
            Self::Unknown(_) | Self::NoneOf(_) => format!("the project has no such {what}"),
            Self::Ambiguous(candidates) => format!("ambiguous: it matches {}", listed(candidates)),
            Self::IdAndName(candidates) => {
                format!(
                    "ambiguous: it is the id of one {what} and the name of another: {}",
                    listed(candidates)
                )
            }
            Self::Inactive(name) => format!("the {what} {name} is inactive"),
            Self::Unread => format!("the project's {what}s could not be read, so names cannot be looked up"),
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{}: {}", self.reason("name"), self.fix("one"))
    }
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(CANDIDATES)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = names.len().saturating_sub(CANDIDATES);
    match more {
        0 => shown.join(" or "),
        more => format!("{} or {more} others", shown.join(", ")),
    }
}

/// Returns why a label is unknown: with the closest labels, or else with all labels if there are only a few.
pub(super) fn unknown_label(label: &str, known: &[&str]) -> LookupError {
    let near = nearest(label, known.iter().map(|known| (*known, folded(known))));
    let mut all: Vec<String> = Vec::new();
    for known in known {
        // Several status sets may have the same label.
        if near.is_empty() && all.len() <= FEW && all.iter().all(|label| label != known) {
            all.push((*known).to_owned());
        }
    }
    match all.len() {
        1..=FEW => LookupError::NoneOf(all),
        _ => LookupError::Unknown(near),
    }
}
