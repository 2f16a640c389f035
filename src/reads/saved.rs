//! Saves the rows of a read, and what remains of it, as JSON.

use std::borrow::Cow;

use serde::Deserialize;

use crate::columns::{Page, Table, TooWide};
use crate::reads::rest::Rest;

/// The number of rows per page when a table is loaded.
const PAGE_ROWS: usize = 1000;

/// The saved state: the rows, the ids that were not returned, the row numbers and what remains of a failed
/// read, and the column names of a table without rows.
#[derive(Deserialize)]
struct Saved(
    Vec<String>,
    Vec<String>,
    #[serde(default)] Vec<u32>,
    #[serde(default)] Option<Rest>,
    #[serde(default)] Vec<String>,
);

/// Returns a table and what remains of its read as JSON.
///
/// # Errors
/// If they cannot be written as JSON.
pub fn save(table: &Table, rest: Option<&Rest>) -> serde_json::Result<Vec<u8>> {
    let rows: Vec<Cow<'_, str>> = (0..table.len()).filter_map(|index| table.json(index)).collect();
    match rest {
        None => serde_json::to_vec(&(rows, &table.missing)),
        Some(rest) => {
            let numbers: Vec<u32> = table.numbers().collect();
            serde_json::to_vec(&(rows, &table.missing, numbers, rest))
        }
    }
}

/// Reads a table and what remains of its read from JSON.
///
/// # Errors
/// A message if the JSON is not that of a saved table.
pub fn load(json: &[u8]) -> Result<(Table, Option<Rest>), String> {
    let Saved(rows, missing, numbers, rest, names) =
        serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let mut table = Table::default();
    table.missing = missing;
    table.names = names;
    let numbers: Vec<u32> = if numbers.len() == rows.len() {
        numbers
    } else {
        (0..).take(rows.len()).collect()
    };
    for (rows, numbers) in rows.chunks(PAGE_ROWS).zip(numbers.chunks(PAGE_ROWS)) {
        add(&mut table, rows, numbers).map_err(|error| error.to_string())?;
    }
    Ok((table, rest))
}

/// Adds rows as one page, or as several if they have too many distinct members.
fn add(table: &mut Table, rows: &[String], numbers: &[u32]) -> Result<(), TooWide> {
    match Page::of(rows.iter().map(String::as_str)) {
        Ok(page) => table.add(page, numbers.iter().copied()),
        Err(error) if rows.len() < 2 => return Err(error),
        Err(_) => {
            let half = rows.len() / 2;
            add(table, &rows[..half], &numbers[..half])?;
            add(table, &rows[half..], &numbers[half..])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_loaded_as_it_was_saved() {
        let mut table = Table::default();
        let rows = [r#"{"id":"a"}"#, r#"{"id":"b","name":"B"}"#];
        table.add(Page::of(rows.into_iter()).unwrap(), 0..);
        table.missing = vec!["c".to_owned()];
        let (loaded, rest) = load(&save(&table, None).unwrap()).unwrap();
        assert!(rest.is_none());
        assert_eq!(loaded.missing, ["c"]);
        let json = |table: &Table| -> Vec<String> {
            (0..table.len())
                .filter_map(|index| table.json(index).map(Cow::into_owned))
                .collect()
        };
        assert_eq!(json(&loaded), rows);
        assert!(load(b"{}").is_err());
    }

    #[test]
    fn rows_with_many_different_members_become_several_pages() {
        let row = |first: usize| {
            let members: Vec<String> = (first..first + 3000)
                .map(|name| format!("\"m{name}\":1"))
                .collect();
            format!("{{{}}}", members.join(","))
        };
        let rows: Vec<String> = (0..9).map(|number| row(number * 3000)).collect();
        assert!(Page::of(rows.iter().map(String::as_str)).is_err());
        let json = serde_json::to_vec(&(&rows, Vec::<String>::new())).unwrap();
        assert_eq!(load(&json).unwrap().0.len(), rows.len());
    }
}
