//! Reads rows before or without a call: what a write of them needs, and their problems.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::names::{names, with_rows};
use crate::api;
use crate::columns;
use crate::ledger;
use crate::python::errors::exception;
use crate::python::ledger::Ledger;
use crate::python::reread::prepared;
use crate::python::rows::Rows;
use crate::python::settings::Settings;
use crate::run::{check, scan};

/// Scans rows before a write.
///
/// # Errors
/// If an argument is invalid, or the rows cannot be read.
pub fn scan(
    py: Python<'_>,
    verb: &str,
    rows: &Rows,
    options: &Bound<'_, PyDict>,
    settings: Option<&Bound<'_, Settings>>,
) -> PyResult<scan::ScanResult> {
    let given = rows.write_options(options)?;
    let shape = api::write_of(verb).map_err(|error| exception(py, &error))?.row;
    let names = names(py, &given, shape, rows, settings, None);
    let known = settings.map(|settings| &settings.get().0);
    let mut source = prepared(py, rows, &given, shape, known)?;
    let raised = source.inner().inner().error();
    py.detach(|| scan::scan(&mut source, &given, shape, names))
        .map_err(|error| taken(&raised).unwrap_or_else(|| exception(py, &error.into())))
}

/// Checks rows against settings without a request. For a patch, checks that require the current assets are skipped.
///
/// # Errors
/// If an argument is invalid, the rows cannot be read, or a signal handler raises.
pub fn check(
    py: Python<'_>,
    verb: &str,
    rows: &Rows,
    options: &Bound<'_, PyDict>,
    settings: &Bound<'_, Settings>,
) -> PyResult<Ledger> {
    let given = rows.write_options(options)?;
    let write = api::write_of(verb).map_err(|error| exception(py, &error))?;
    let settings = Some(settings.get().0.clone());
    let names = given
        .names(write.row, settings, Some(&columns::Table::default()))
        .map(|names| with_rows(py, &given, write.row, names, rows))
        .map_err(|error| exception(py, &error))?;
    let mut source = prepared(py, rows, &given, write.row, names.settings.as_ref())?;
    let raised = source.inner().inner().error();
    let policy = given.policy(write.row, None, names);
    let mut ledger = ledger::Ledger::default();
    rows.select_in(&mut ledger);
    // The path of the method would work for only one lifetime.
    #[allow(clippy::redundant_closure_for_method_calls)]
    let signals = || match Python::try_attach(|py| py.check_signals()) {
        Some(Ok(())) => true,
        Some(Err(error)) => {
            raised
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .replace(error);
            false
        }
        None => false,
    };
    let checked = py.detach(|| check::check(&mut source, write, policy, given.batch_size, ledger, signals));
    if let Some(error) = taken(&raised) {
        return Err(error);
    }
    let mut ledger = checked.map_err(|error| exception(py, &error.into()))?;
    ledger.warnings.extend(rows.sheet_notes());
    Ok(Ledger::new(Arc::new(ledger)))
}

/// Takes the exception that the rows or a signal handler raised.
fn taken(raised: &Mutex<Option<PyErr>>) -> Option<PyErr> {
    raised.lock().unwrap_or_else(PoisonError::into_inner).take()
}
