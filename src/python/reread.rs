//! Reads the rows of an earlier call again: to write them to a file, or to patch those that differ from their assets.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;

use super::errors::exception;
use super::ledger::Ledger;
use super::rows::{PythonSource, Rows};
use crate::api;
use crate::error::Error;
use crate::input::{Prepared, Selected, Selection};
use crate::ledger::Status;
use crate::rows::Names;
use crate::run::check;
use crate::run::options::WriteOptions;
use crate::settings::Settings;

/// Rows with their texts replaced and their blank cells filled, and of these only the selected ones.
pub type Input = Selected<Prepared<PythonSource>, Arc<Selection>>;

/// Starts reading rows, as these options say.
pub fn prepared(
    py: Python<'_>,
    rows: &Rows,
    options: &WriteOptions,
    settings: Option<&Arc<Settings>>,
) -> PyResult<Input> {
    let preparation = options.reading.preparation(&options.mapping, settings.cloned());
    // A blank cell may get the value of a row that is not selected, so the rows are selected last.
    let prepared = Prepared::new(rows.source(py)?, preparation);
    Ok(rows.selected(prepared.with_index(rows.has_index())))
}

/// Checks that the rows at these positions are those of the call: the user may have changed the list since.
pub fn check_unchanged(
    py: Python<'_>,
    write: &'static api::Write,
    rows: &Rows,
    places: impl Iterator<Item = u32>,
    known: &crate::ledger::Ledger,
    options: &WriteOptions,
    names: Names,
) -> PyResult<()> {
    // What identifies a row depends on the category of its template.
    let names = Names {
        category: rows.template_category(),
        ..names
    };
    let mut source = prepared(py, rows, options, names.settings.as_ref())?;
    let policy = options.policy(write.row, None, names);
    let now = py
        .detach(|| check::digests(&mut source, write, policy, known))
        .map_err(|error| exception(py, &error.into()))?;
    let runs = known.input();
    for place in places {
        let row = runs.map_or(Some(place), |rows| rows.get(place as usize).copied());
        let digest = row.map_or(0, |row| known.digest(row));
        // A row without a digest was not read.
        if digest != 0 && now.digest(place) != digest {
            let message = format!(
                "these are not the rows of the original call: row {} has changed. Call again with the current rows",
                known.number_of(place)
            );
            return Err(exception(py, &Error::Input(message)));
        }
    }
    Ok(())
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
    let refused = |message: String| exception(py, &Error::Input(message));
    let differing = ledger.view().select(&[Status::Differs]);
    let found = differing.places().into_iter().zip(differing.ids());
    let ids: BTreeMap<u32, Box<str>> = found
        .filter_map(|(place, id)| Some((place?, id?.into())))
        .collect();
    if ids.len() < differing.len() {
        return Err(refused(format!(
            "patch(result): the last call of this run did not contain {} of the rows that differ. Make the create again \
             with all rows, and pass its result",
            differing.len() - ids.len()
        )));
    }
    if !ids.is_empty() {
        let names = options
            .names(settings.cloned(), None)
            .map_err(|error| exception(py, &error))?;
        let write = api::write_of(verb).map_err(|error| exception(py, &error))?;
        let known = &ledger.view().ledger;
        check_unchanged(py, write, rows, ids.keys().copied(), known, options, names)?;
    }
    Ok(rows.select(py, ids, column))
}
