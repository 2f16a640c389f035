//! Names of columns.

use std::collections::HashSet;

/// Returns the first duplicate name.
#[must_use]
pub fn duplicate(names: &[String]) -> Option<&str> {
    let mut seen = HashSet::new();
    names
        .iter()
        .find(|name| !seen.insert(name.as_str()))
        .map(String::as_str)
}
