//! What a run's file says about the input: the field of each column, the title of the row labels, and what rows were
//! before they were edited in a file of rows to fix. Files of format 3 lack these tables.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::entries::Entries;
use super::rows::some;
use super::trouble::{DAMAGED, Trouble};
use crate::ledger::Ledger;

pub(super) const TABLES: &str = "
    CREATE TABLE fields (column_name TEXT PRIMARY KEY, field TEXT) STRICT;
    CREATE TABLE row_title (title TEXT NOT NULL) STRICT;
    CREATE TABLE first_ids (number INTEGER PRIMARY KEY, digest INTEGER NOT NULL, key TEXT NOT NULL) STRICT;
";

pub(super) fn put(connection: &Connection, entries: &Entries) -> rusqlite::Result<()> {
    // Pages that do not change are not written again with every transaction.
    if fields(connection)?.as_ref() != Some(&entries.fields) {
        connection.execute("DELETE FROM fields", [])?;
        let mut statement = connection.prepare("INSERT INTO fields VALUES (?1, ?2)")?;
        for (column, field) in &entries.fields {
            statement.execute(params![column, field])?;
        }
    }
    if title(connection)? != entries.row_title {
        connection.execute("DELETE FROM row_title", [])?;
        if let Some(title) = &entries.row_title {
            connection.execute("INSERT INTO row_title VALUES (?1)", [title])?;
        }
    }
    let are_known = connection.prepare("SELECT 1 FROM first_ids")?.exists([])?;
    let mut statement = connection.prepare("INSERT OR REPLACE INTO first_ids VALUES (?1, ?2, ?3)")?;
    let mut forget = connection.prepare("DELETE FROM first_ids WHERE number = ?1")?;
    for record in &entries.records {
        match &record.first_id {
            Some((digest, key)) => statement.execute(params![record.row, digest.cast_signed(), key])?,
            None if are_known => forget.execute([record.row])?,
            None => 0,
        };
    }
    Ok(())
}

/// Returns `None` if a column is repeated: a damaged table may repeat rows endlessly.
fn fields(connection: &Connection) -> rusqlite::Result<Option<BTreeMap<String, Option<String>>>> {
    let mut fields = BTreeMap::new();
    let mut statement = connection.prepare("SELECT * FROM fields")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if fields.insert(row.get(0)?, row.get(1)?).is_some() {
            return Ok(None);
        }
    }
    Ok(Some(fields))
}

fn title(connection: &Connection) -> rusqlite::Result<Option<Box<str>>> {
    let mut statement = connection.prepare("SELECT * FROM row_title")?;
    statement.query([])?.next()?.map(|row| row.get(0)).transpose()
}

/// Reads these tables, once the rows of the run are known.
pub(super) fn load(connection: &Connection, ledger: &mut Ledger) -> Result<(), Trouble> {
    let mut statement = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'fields'")?;
    if !statement.exists([])? {
        ledger.recall_fields();
        return Ok(());
    }
    let repeated = || Trouble::Other("is damaged (a column is repeated)".to_owned(), DAMAGED);
    ledger.fields = fields(connection)?.ok_or_else(repeated)?;
    ledger.row_title = title(connection)?;
    ledger.recall_fields();
    let known = ledger.rows();
    some(
        connection,
        "SELECT * FROM first_ids ORDER BY number",
        |number, row| {
            if number as usize >= known {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, number.into()));
            }
            let digest = row.get::<_, i64>(1)?.cast_unsigned();
            ledger.first_ids.insert(number, (digest, row.get(2)?));
            Ok(())
        },
    )?;
    Ok(())
}
