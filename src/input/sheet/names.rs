//! The column names of a sheet, and the rows above them.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::layout::Layout;
use super::marks::without_mark;
use super::value::{Formula, letters};
use crate::input::source::SourceError;

/// The title of the row labels of a workbook, and that of a text file.
pub const SHEET_ROW: &str = "sheet row";
pub const LINE: &str = "line";

/// The column names of a table, and how they were found.
#[derive(Debug)]
pub(super) struct Head {
    pub names: Vec<String>,
    /// The columns that a template marked as required.
    pub required: Vec<String>,
    /// The number of rows at the end that were skipped.
    pub skipped: usize,
    /// The last row that `skip_rows` skipped, as shown in messages.
    pub skipped_above: Option<String>,
    pub notes: Vec<String>,
}

/// Collects the column names, and reports what is wrong with them.
pub(super) struct Names {
    /// The file, or the sheet and its file, as shown in errors.
    pub place: String,
    /// Advice to read another sheet, for some errors. May be empty.
    pub hint: String,
    named: BTreeMap<u32, String>,
    /// The columns that a template marked as required.
    pub required: Vec<String>,
}

impl Names {
    pub(super) fn new(place: String, hint: String) -> Self {
        Self {
            place,
            hint,
            named: BTreeMap::new(),
            required: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, column: u32, name: &str) {
        let bare = without_mark(name.trim());
        if bare.len() < name.trim().len() {
            self.required.push(bare.clone());
        }
        self.named.insert(column, bare);
    }

    /// Returns the columns and their names, from left to right. A column without a name that has cells
    /// `below` the header is named after its letters.
    pub(super) fn finish(
        mut self,
        below: impl Iterator<Item = u32>,
    ) -> Result<(Vec<u32>, Vec<String>), SourceError> {
        for column in below {
            self.named
                .entry(column)
                .or_insert_with(|| format!("column {}", letters(column)));
        }
        let mut first: BTreeMap<&str, u32> = BTreeMap::new();
        for (column, name) in &self.named {
            if let Some(other) = first.insert(name, *column) {
                return Err(SourceError::new(format!(
                    "in {}, columns {} and {} are both named `{name}`: rename or delete one of them. If one is a custom \
                     attribute, call it by its name in the API, too, for example `{name} (ca3)`",
                    self.place,
                    letters(other),
                    letters(*column),
                )));
            }
        }
        Ok(self.named.into_iter().unzip())
    }

    /// Creates the error for a sheet without column names.
    pub(super) fn none(&self) -> SourceError {
        SourceError::new(format!(
            "{} is empty: write the column names into its first row and one asset into each row below{}",
            self.place, self.hint
        ))
    }

    /// Creates the error for a file without rows below the skipped ones.
    pub(super) fn all_skipped(&self, layout: &Layout<'_>) -> SourceError {
        SourceError::new(format!(
            "{} has no rows below the first {}: set skip_rows= to the number of rows above the column names{}",
            self.place, layout.skip_rows, self.hint
        ))
    }

    /// Creates the error for a footer that is longer than the table.
    pub(super) fn no_footer(&self, layout: &Layout<'_>, rows: usize) -> SourceError {
        SourceError::new(format!(
            "{} has only {rows} rows below the column names, fewer than skip_footer={}: set skip_footer= to the \
             number of rows at the end that are not assets{}",
            self.place, layout.skip_footer, self.hint
        ))
    }

    /// Creates the error for a column name that is a formula.
    pub(super) fn formula(&self, formula: &Formula) -> SourceError {
        SourceError::new(format!(
            "in {}, the column name in cell {} is {formula}: open the file in Excel and save it, or write the name itself \
             into the cell{}",
            self.place, formula.cell, self.hint
        ))
    }
}

/// Creates the note for a sheet whose column names are not in the first row.
pub(super) fn header_note(row_title: &str, row: u32) -> String {
    format!(
        "the column names were taken from {row_title} {}; the rows above it were skipped",
        u64::from(row) + 1
    )
}

/// Describes the last of the rows that `skip_rows` skipped by its first cells. `None` if it has none.
pub(super) fn skipped_row<T: Display>(
    row_title: &str,
    row: u32,
    cells: impl Iterator<Item = T>,
) -> Option<String> {
    let shown: Vec<String> = cells.take(4).map(|cell| format!("'{cell}'")).collect();
    // A single cell is a title.
    (shown.len() > 1).then(|| format!("{row_title} {row} ({})", shown.join(", ")))
}
