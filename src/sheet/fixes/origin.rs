//! The rows that need fixing, and where they come from.

use std::collections::HashMap;

use crate::input::Padded;
use crate::rows::columns::RowOfRun;
use crate::sheet::columns::Offer;

/// A problem with a cell or a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The code of the problem.
    pub code: String,
    /// The name of the column in the user's data. Empty if the problem concerns the whole row.
    pub column: String,
    pub message: String,
    pub fix: String,
}

/// A row that needs fixing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowToFix {
    pub marks: Vec<Mark>,
    /// The row's label in its source.
    pub label: Option<String>,
    /// Identifies the row in its run. Written to a hidden column, so that the file can resume the run.
    pub row_of_run: RowOfRun,
}

/// What a file of rows to fix keeps of the input, besides the rows.
#[derive(Default)]
pub struct Origin<'o> {
    /// The title of the row labels, such as `line`.
    pub label_title: Option<&'o str>,
    /// The name of the sheet.
    pub sheet: Option<&'o str>,
    /// The category of the template that was filled in. It stays the default category of the rows.
    pub category: Option<&'o str>,
    /// The options with which the texts of the rows are read, as JSON.
    pub reading: Option<String>,
    /// The texts with leading zeros, by column, as far as they are known.
    pub padded: HashMap<String, Padded>,
    /// The columns that the template marked as required.
    pub required: &'o [String],
    /// Whether rows from an earlier file of rows to fix keep what identifies them, since they are rows of its run.
    pub keeps_rows_of_run: bool,
    /// The field or custom attribute of each column.
    pub fields: HashMap<&'o str, &'o str>,
    /// The values that the project offers, if its settings are known.
    pub offer: Option<Offer<'o>>,
    /// Returns the number of a text in a column of numbers, if it would be another number without the options of the
    /// call.
    pub number_of_text: Option<NumberOfText<'o>>,
}

/// Returns the number of a text in this column.
pub type NumberOfText<'o> = Box<dyn Fn(&str, &str) -> Option<f64> + Send + Sync + 'o>;
