//! A client: its options, its token and the calls it can make.
//!
//! The methods of `Engine` are the interface for Python. What they do is in the other files.

mod arguments;
mod client;
mod get;
mod list;
mod names;
mod offline;
mod project_settings;
mod run;
mod write;

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pythonize::depythonize;

use crate::python::ledger::Ledger;
use crate::python::operation::Operation;
use crate::python::pages::Pages;
use crate::python::rows::Rows;
use crate::python::settings::Settings;
use crate::python::setup::Description;
use crate::python::table::Table;

use arguments::project_id;
use client::Client;

/// A client's options, connection pool, token and rate windows. One per client, shared between threads.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Engine(Client);

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (auth, options, /))]
    fn new(auth: Bound<'_, PyAny>, options: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(Client::new(auth, depythonize(options)?)?))
    }

    /// Plans `create`, `patch`, `delete` or `unlink`.
    ///
    /// `reads` is the number of requests that read `assets`, if rows are compared with them.
    ///
    /// If `again` is given, includes only the rows of that ledger that may be resent (`"retry"`) or whose outcome is
    /// unknown (`"reconcile"`).
    #[pyo3(signature = (verb, project, rows, options, /, settings=None, assets=None, reads=0, again=None,
        which="retry"))]
    #[allow(clippy::too_many_arguments)] // One parameter per part of a call.
    fn write(
        &self,
        py: Python<'_>,
        verb: &str,
        project: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
        settings: Option<&Bound<'_, Settings>>,
        assets: Option<&Bound<'_, Table>>,
        reads: u64,
        again: Option<&Ledger>,
        which: &str,
    ) -> PyResult<Operation> {
        let input = write::Input {
            rows: rows.get(),
            settings,
            assets,
            reads,
        };
        let selected = write::Selected { again, which };
        write::write(py, &self.0, verb, project, &input, options, &selected)
    }

    /// Plans a batch-get. The operation's table contains the assets. `after` is the table of an earlier read that
    /// failed.
    #[pyo3(signature = (project, rows, options, /, after=None))]
    fn get(
        &self,
        py: Python<'_>,
        project: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
        after: Option<&Bound<'_, Table>>,
    ) -> PyResult<Operation> {
        get::by_id(py, &self.0, project, rows.get(), options, after)
    }

    /// Plans a read of the assets that have one of the values in the rows. The operation's table contains the assets.
    #[pyo3(signature = (project, rows, options, /))]
    fn get_by_field(
        &self,
        py: Python<'_>,
        project: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Operation> {
        get::by_field(py, &self.0, project, rows.get(), options)
    }

    /// Plans a read of the error codes, which are read only once per client. The operation's table contains the
    /// codes.
    fn read_error_codes(&self, py: Python<'_>) -> PyResult<Operation> {
        list::error_codes(py, &self.0)
    }

    /// Scans rows before a write. Returns whether the rows need the project's settings, the ids of the assets
    /// needed to validate the rows of a patch, and whether the rows are compared with these assets.
    #[staticmethod]
    #[pyo3(signature = (verb, rows, options, /, settings=None))]
    fn scan(
        py: Python<'_>,
        verb: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<(bool, Vec<String>, bool)> {
        let found = offline::scan(py, verb, rows.get(), options, settings)?;
        Ok((found.names, found.assets, found.compared))
    }

    /// Checks rows against settings without a request. For a patch, checks that require the current assets are skipped.
    #[staticmethod]
    #[pyo3(signature = (verb, rows, options, settings, /))]
    fn check(
        py: Python<'_>,
        verb: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
        settings: &Bound<'_, Settings>,
    ) -> PyResult<Ledger> {
        offline::check(py, verb, rows.get(), options, settings)
    }

    /// Plans a read of a project's settings. The operation returns the settings. If `known` lacks only the
    /// locations, reads only the locations. Calls that start during a read share it, unless they require a
    /// new read.
    #[pyo3(signature = (project, locations_container, /, known=None, refresh=false))]
    fn read_settings(
        &self,
        py: Python<'_>,
        project: &str,
        locations_container: Option<String>,
        known: Option<&Bound<'_, Settings>>,
        refresh: bool,
    ) -> PyResult<Operation> {
        project_settings::read(py, &self.0, project, locations_container, known, refresh)
    }

    /// Prevents later calls from joining reads of this project's settings that are in progress, because the
    /// settings are about to change.
    #[pyo3(signature = (project, /))]
    fn forget_settings(&self, py: Python<'_>, project: &str) -> PyResult<()> {
        self.0.readings()?.forget(project_id(py, project)?);
        Ok(())
    }

    /// Plans the setup of a project whose current settings are `settings`. The operation's table contains the
    /// steps and their outcomes.
    #[pyo3(signature = (project, settings, description, /))]
    fn apply_setup(
        &self,
        py: Python<'_>,
        project: &str,
        settings: &Bound<'_, Settings>,
        description: &Bound<'_, Description>,
    ) -> PyResult<Operation> {
        project_settings::apply_setup(py, &self.0, project, settings.get(), description.get())
    }

    /// Plans a paginated read of the list named by `kind`. The operation's table contains the rows. `after`
    /// is the table of an earlier read that failed, and `limit` the maximum number of rows. Some filters can only be
    /// checked with `settings`.
    #[pyo3(signature = (kind, project, path, query, /, after=None, body=None, limit=None, settings=None))]
    #[allow(clippy::too_many_arguments)] // One parameter per part of a call.
    fn read(
        &self,
        py: Python<'_>,
        kind: &str,
        project: Option<&str>,
        path: HashMap<String, String>,
        query: Vec<(String, String)>,
        after: Option<&Bound<'_, Table>>,
        body: Option<String>,
        limit: Option<usize>,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<Operation> {
        let request = list::Request {
            kind,
            project,
            path,
            query,
            body,
            limit,
            after,
            settings,
        };
        list::rows(py, &self.0, request)
    }

    /// Plans a read of assets page by page, with at most `page_size` rows per request.
    #[pyo3(signature = (project, query, page_size, settings=None, /))]
    fn pages(
        &self,
        py: Python<'_>,
        project: &str,
        query: Vec<(String, String)>,
        page_size: u32,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<Pages> {
        list::pages(py, &self.0, project, query, page_size, settings)
    }

    /// Plans a count of assets. The operation has the number.
    #[pyo3(signature = (project, query, settings=None, /))]
    fn count(
        &self,
        py: Python<'_>,
        project: &str,
        query: Vec<(String, String)>,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<Operation> {
        list::count(py, &self.0, project, query, settings)
    }
}
