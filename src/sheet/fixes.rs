//! Creates a file of rows that need fixing: the user's own columns in order, followed by the problem and the fix.

mod kept;
mod origin;
mod page;

use std::collections::BTreeMap;

use rust_xlsxwriter::Workbook;

use super::format::{MOST_COLUMNS, MOST_ROWS, bytes, failed};
use crate::input::{More, Source, SourceError};
use kept::Kept;
use page::Page;

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
    let mut kept = Kept::new(wanted, origin);
    while source.fill(&mut kept)? == More::Rows {}
    let rows = kept.rows.len();
    if rows == 0 {
        return Ok((0, Vec::new()));
    }
    let columns = kept.names.len() + 4;
    if rows >= MOST_ROWS || columns > MOST_COLUMNS {
        return Err(SourceError::new(format!(
            "{rows} rows of {columns} columns do not fit into an Excel sheet: fix the most common problem first"
        )));
    }
    let mut workbook = Workbook::new();
    workbook.set_properties(&kept.properties());
    Page::new(&kept, origin)
        .lay_out(&mut workbook)
        .map_err(|error| failed(&error))?;
    Ok((rows, bytes(workbook)?))
}
