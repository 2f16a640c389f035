//! Reads the rows of an earlier call again: to write them to a file, or to patch those that differ from their assets.

use std::sync::Arc;

use pyo3::prelude::*;

use super::errors::exception;
use super::ledger::Ledger;
use super::rows::{PythonSource, Rows};
use crate::api;
use crate::input::{Prepared, Selected, Selection};
use crate::rows::{Names, RowShape};
use crate::run::options::WriteOptions;
use crate::run::reread;
use crate::settings::Settings;

/// Rows with their texts replaced and their blank cells filled, and of these only the selected ones.
pub type Input = Selected<Prepared<PythonSource>, Arc<Selection>>;

/// Starts reading rows, as these options say.
pub fn prepared(
    py: Python<'_>,
    rows: &Rows,
    options: &WriteOptions,
    shape: RowShape,
    settings: Option<&Arc<Settings>>,
) -> PyResult<Input> {
    let reading = &options.reading;
    let preparation = reading.preparation(shape.fields(), &options.mapping, settings.cloned());
    // A blank cell may get the value of a row that is not selected, so the rows are selected last.
    let prepared = Prepared::new(rows.source(py)?, preparation);
    Ok(rows.selected(prepared.with_index(rows.has_index())))
}

/// Checks that the rows at these positions are those of the call: the user may have changed them since.
pub fn check_unchanged(
    py: Python<'_>,
    write: &'static api::Write,
    rows: &Rows,
    positions: impl Iterator<Item = u32> + Send,
    known: &crate::ledger::Ledger,
    options: &WriteOptions,
    names: Names,
) -> PyResult<()> {
    // What identifies a row depends on the category of its template.
    let names = Names {
        category: rows.template_category(),
        ..names
    };
    let mut source = prepared(py, rows, options, write.row, names.settings.as_ref())?;
    let policy = options.policy(write.row, None, names);
    py.detach(|| reread::check_unchanged(&mut source, write, policy, known, positions))
        .map_err(|error| exception(py, &error))
}

/// Returns the rows that differ from the assets with their import keys, with the ids of these assets in `column`.
pub fn differing(
    py: Python<'_>,
    verb: &str,
    rows: &Rows,
    ledger: &Ledger,
    settings: Option<&Arc<Settings>>,
    options: &WriteOptions,
    column: String,
) -> PyResult<Rows> {
    let ids = reread::differing(ledger.view()).map_err(|error| exception(py, &error))?;
    if !ids.is_empty() {
        let write = api::write_of(verb).map_err(|error| exception(py, &error))?;
        let names = options
            .names(write.row, settings.cloned(), None)
            .map_err(|error| exception(py, &error))?;
        let known = &ledger.view().ledger;
        check_unchanged(py, write, rows, ids.keys().copied(), known, options, names)?;
    }
    Ok(rows.select(py, ids, column))
}
