//! Creates a file of rows that need fixing: the user's own columns in order, followed by the problem and the fix.

mod origin;
mod page;
mod rows;

use std::collections::BTreeMap;

use rust_xlsxwriter::Workbook;

use super::format::{MOST_COLUMNS, MOST_ROWS, bytes, failed};
use crate::input::{More, Source, SourceError};
use page::Page;
use rows::Rows;

pub use origin::{Mark, NumberOfText, Origin, RowToFix};

/// Returns the file with the source rows that need fixing, given by index, and their number. Without such rows, the
/// file is empty.
///
/// # Errors
/// If the source fails or the rows do not fit into a sheet.
pub fn file(
    source: &mut dyn Source,
    wanted: &BTreeMap<u32, RowToFix>,
    origin: &Origin<'_>,
) -> Result<(usize, Vec<u8>), SourceError> {
    let mut rows = Rows::new(wanted, origin);
    while source.fill(&mut rows)? == More::Rows {}
    let count = rows.list.len();
    if count == 0 {
        return Ok((0, Vec::new()));
    }
    let columns = rows.names.len() + 4;
    if count >= MOST_ROWS || columns > MOST_COLUMNS {
        return Err(SourceError::new(format!(
            "{count} rows of {columns} columns do not fit into an Excel sheet: fix the most common problem first"
        )));
    }
    let mut workbook = Workbook::new();
    workbook.set_properties(&rows.properties());
    Page::new(&rows, origin)
        .lay_out(&mut workbook)
        .map_err(|error| failed(&error))?;
    Ok((count, bytes(workbook)?))
}
