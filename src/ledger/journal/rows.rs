//! Reads the rows of a table whose first column is their number. A damaged table may repeat rows endlessly.

use rusqlite::{Connection, Row};

/// The largest number of a row, request or reason.
const MOST: u32 = u32::MAX / 2;

/// Reads every row in a table, numbered from 0 without gaps.
pub(super) fn each(
    connection: &Connection,
    query: &str,
    mut take: impl FnMut(u32, &Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut next = 0;
    some(connection, query, |number, row| {
        if number != next {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, number.into()));
        }
        next += 1;
        take(number, row)
    })
}

/// Reads every row in a table. The row numbers increase, but may have gaps.
pub(super) fn some(
    connection: &Connection,
    query: &str,
    mut take: impl FnMut(u32, &Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut next = 0;
    while let Some(row) = rows.next()? {
        let number: u32 = row.get(0)?;
        // A damaged table may repeat rows endlessly.
        if number < next || number > MOST {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, number.into()));
        }
        next = number + 1;
        take(number, row)?;
    }
    Ok(())
}
