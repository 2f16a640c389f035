//! Numbers of rows in messages.

/// Formats the number of affected rows and the label of the first one.
pub(crate) fn in_rows(count: u64, first: &str) -> String {
    match count {
        1 => format!("in 1 row ({first})"),
        count => format!("in {count} rows (first: {first})"),
    }
}
