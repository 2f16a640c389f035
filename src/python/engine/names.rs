//! What is known of rows before they are read: the names that they may contain, and the notes of their file.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::error::Error;
use crate::python::rows::Rows;
use crate::python::settings::Settings;
use crate::python::table::Table;
use crate::rows::columns::are_of_template;
use crate::rows::{Names, RowShape, outcome_columns};
use crate::run::options::WriteOptions;

/// Prepares for looking up names. Releases the GIL, because there may be many assets to read.
pub fn names(
    py: Python<'_>,
    given: &WriteOptions,
    shape: RowShape,
    rows: &Rows,
    settings: Option<&Bound<'_, Settings>>,
    assets: Option<&Bound<'_, Table>>,
) -> Result<Names, Error> {
    let settings = settings.map(|settings| settings.get().0.clone());
    let assets = assets.map(Bound::get);
    let names = py.detach(|| given.names(shape, settings, assets.map(Table::table)))?;
    Ok(with_rows(py, given, shape, names, rows))
}

/// Adds what is known of the rows before they are read: the template's category, their number, and so on.
pub fn with_rows(py: Python<'_>, given: &WriteOptions, shape: RowShape, names: Names, rows: &Rows) -> Names {
    let columns = rows.names(py);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let outcomes = outcome_columns(&columns).into_iter().map(str::to_owned);
    Names {
        category: rows.template_category(),
        is_template: are_of_template(rows.required().iter().map(String::as_str)),
        row_title: rows.title().map(Arc::from),
        rows_of_file: rows.rows_of_file(),
        skipped: rows.skipped(),
        skipped_above: rows.skipped_above(),
        padded: rows.padded(py, |column| {
            given.is_identifier(column, shape, names.settings.as_deref())
        }),
        outcomes: outcomes.collect(),
        ..names
    }
}
