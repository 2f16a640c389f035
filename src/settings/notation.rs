//! How paths, and names with ids, are written.

/// The default separator of a path.
pub const SEPARATOR: &str = ">";

/// Joins a path into a string.
#[must_use]
pub fn joined(path: &[&str], separator: &str) -> String {
    path.join(&format!(" {} ", separator.trim()))
}

/// Returns a name with the id behind it.
#[must_use]
pub fn with_id(name: &str, id: &str) -> String {
    format!("{name} ({id})")
}

/// Splits a name as [`with_id`] writes it.
#[must_use]
pub fn without_id(text: &str) -> Option<(&str, &str)> {
    let (name, id) = text.trim().strip_suffix(')')?.rsplit_once('(')?;
    Some((name.trim_end(), id))
}
