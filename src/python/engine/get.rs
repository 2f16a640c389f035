//! Plans reads of the assets that rows name: by id or by another field.

use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pythonize::depythonize;

use super::arguments::{earlier, project_id};
use super::client::Client;
use super::run::{self, Blocking};
use crate::http::Stop;
use crate::input::{Prepared, Source};
use crate::ledger::{self, SharedLedger};
use crate::python::errors::exception;
use crate::python::operation::{CallEnd, Operation};
use crate::python::reread::Input;
use crate::python::rows::Rows;
use crate::python::table::Table;
use crate::reads::by_field::{ByField, FieldOptions};
use crate::reads::rest::Get;
use crate::run::activity::{Activity, CurrentActivity};
use crate::run::options::GetOptions;

/// Plans a batch-get.
///
/// # Errors
/// If an argument is invalid, or the rows cannot be read.
pub fn by_id(
    py: Python<'_>,
    client: &Client,
    project: &str,
    rows: &Rows,
    options: &Bound<'_, PyDict>,
    after: Option<&Bound<'_, Table>>,
) -> PyResult<Operation> {
    let given: GetOptions = depythonize(options)?;
    let source = source(py, rows)?;
    let session = client.session(py, &Stop::default())?;
    let earlier = earlier(py, after)?;
    let replayable = source.rows().is_some();
    let (get, job, ledger) = Get::new(&session, project_id(py, project)?, given, replayable, earlier)
        .map_err(|error| exception(py, &error))?;
    let ledger = Arc::new(Mutex::new(ledger));
    run::plan(py, client, job, source, ledger, move |ended, ledger| {
        let ledger = ledger::lock(ledger);
        CallEnd::of_read(get.end(ended, &ledger))
    })
}

/// Plans a read of the assets that have one of the values in the rows.
///
/// # Errors
/// If an argument is invalid, or the rows cannot be read.
pub fn by_field(
    py: Python<'_>,
    client: &Client,
    project: &str,
    rows: &Rows,
    options: &Bound<'_, PyDict>,
) -> PyResult<Operation> {
    let options = FieldOptions {
        row_title: rows.title().map(str::to_owned),
        ..depythonize(options)?
    };
    let source = source(py, rows)?;
    let error: Arc<Mutex<Option<PyErr>>> = source.inner().inner().error();
    let stop = Stop::default();
    let read = ByField {
        session: client.session(py, &stop)?,
        project: project_id(py, project)?,
        options,
    };
    let activity = CurrentActivity::new(Activity::Reading, read.session.counters.clone());
    let stopping = stop.clone();
    let work = Box::pin(async move {
        let source = Box::new(Blocking(source));
        CallEnd::of_read(read.read(source, &stopping).await)
    });
    let ledger = SharedLedger::default();
    Ok(Operation::new(work, ledger, stop, None, error, activity))
}

/// Starts reading the selected rows, without replacing texts.
fn source(py: Python<'_>, rows: &Rows) -> PyResult<Input> {
    Ok(rows.selected(Prepared::new(rows.source(py)?, None)))
}
