//! The ledger, as seen from Python.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList, PyString};

use super::errors::optional_json;
use super::rows::Rows as PythonRows;
use super::table::stream;
use crate::error::shown;
use crate::input::Label;
use crate::ledger::{Fault, Ledger as Rows, Status, View};
use crate::rows::OUTCOME_COLUMNS as COLUMNS;
use crate::run::unsent;

/// One outcome per row, in input order. Immutable, and takes a few dozen bytes per row.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Ledger(View);

impl Ledger {
    pub fn new(ledger: Arc<Rows>) -> Self {
        Self(View::new(ledger))
    }

    /// Returns the view of the rows.
    pub fn view(&self) -> &View {
        &self.0
    }
}

type OutcomeTuple<'py> = (
    u32,
    Bound<'py, PyAny>,
    Option<String>,
    &'static str,
    Option<String>,
    Option<Bound<'py, PyDict>>,
    u32,
    Option<String>,
);

#[pymethods]
impl Ledger {
    /// Creates the ledger of a call that ended before its first request. The ledger has no rows if the input can be
    /// read only once.
    #[staticmethod]
    #[pyo3(signature = (rows, /))]
    fn unsent(py: Python<'_>, rows: Option<&Bound<'_, PythonRows>>) -> PyResult<Self> {
        let mut ledger = Rows::default();
        let mut count = 0;
        if let Some(rows) = rows {
            let rows = rows.get();
            ledger.row_title = rows.title().map(Into::into);
            if rows.has_labels() {
                let mut source = rows.selected(rows.source(py)?);
                py.detach(|| unsent::read_labels(&mut source, &mut ledger));
            }
            rows.select_in(&mut ledger);
            count = rows.count().unwrap_or(0);
        }
        unsent::leave_unsent(&mut ledger, count);
        Ok(Self::new(Arc::new(ledger)))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Returns (row, label, key, status, id, error, attempts, request id) for the row at this index.
    #[pyo3(signature = (index, /))]
    fn outcome<'py>(&self, py: Python<'py>, index: usize) -> PyResult<OutcomeTuple<'py>> {
        let outcome = self
            .0
            .outcome(index)
            .ok_or_else(|| PyIndexError::new_err("no such row"))?;
        let row = self.0.ledger.number_of(outcome.row);
        Ok((
            row,
            label(py, outcome.label, row)?,
            outcome.key,
            outcome.status.as_str(),
            outcome.id,
            outcome.fault.map(|fault| error(py, &fault)).transpose()?,
            outcome.attempts,
            outcome.request_id.map(str::to_owned),
        ))
    }

    fn is_done(&self) -> bool {
        self.0.is_done()
    }

    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for (status, rows) in self.0.counts() {
            counts.set_item(status.as_str(), rows)?;
        }
        Ok(counts)
    }

    fn ids(&self, py: Python<'_>) -> Vec<Option<String>> {
        py.detach(|| self.0.ids())
    }

    /// Returns the keys that rows had before they were edited in a file of rows to fix, by row.
    fn first_keys(&self) -> HashMap<u32, String> {
        let ledger = &self.0.ledger;
        let first = |row| Some((ledger.number_of(row), ledger.first_id(row)?.1.to_owned()));
        self.0.numbers().filter_map(first).collect()
    }

    /// Returns whether rows that follow the last one were not read.
    fn is_cut_off(&self) -> bool {
        self.0.ledger.is_cut_off()
    }

    /// Counts the rows that are duplicates of an earlier row, and share its outcome.
    fn duplicates(&self) -> usize {
        let ledger = &self.0.ledger;
        self.0
            .numbers()
            .filter(|row| ledger.same_as(*row).is_some())
            .count()
    }

    /// Returns the title of the labels, such as "sheet row", or None if they are not positions in a file.
    #[getter]
    fn title(&self) -> Option<&str> {
        self.0.ledger.row_title.as_deref()
    }

    /// Returns the row numbers.
    fn rows(&self) -> Vec<u32> {
        let numbers = self.0.numbers();
        numbers.map(|row| self.0.ledger.number_of(row)).collect()
    }

    /// Returns the position of each row in the last input, or None for a row that is not in it.
    fn places(&self, py: Python<'_>) -> Vec<Option<u32>> {
        py.detach(|| self.0.places())
    }

    /// Returns the numbers of rows of the whole ledger and of the last input.
    fn sizes(&self) -> (usize, usize) {
        let ledger = &self.0.ledger;
        let last = ledger.input_rows();
        (if ledger.is_selected() { last } else { ledger.rows() }, last)
    }

    fn labels<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let ledger = &self.0.ledger;
        let of_row = |row| label(py, ledger.label(row), ledger.number_of(row));
        self.0.numbers().map(of_row).collect()
    }

    fn statuses(&self) -> Vec<&'static str> {
        let status = |row| self.0.ledger.status(row).as_str();
        self.0.numbers().map(status).collect()
    }

    /// Selects the rows with one of these statuses. Row numbers and labels stay the same.
    #[pyo3(signature = (statuses, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn select(&self, statuses: Vec<String>) -> PyResult<Self> {
        let statuses = statuses
            .iter()
            .map(|status| {
                Status::ALL
                    .into_iter()
                    .find(|known| known.as_str() == status)
                    .ok_or_else(|| PyValueError::new_err(format!("`{status}` is not a status")))
            })
            .collect::<PyResult<Vec<_>>>()?;
        Ok(Self(self.0.select(&statuses)))
    }

    /// Selects the rows at these positions.
    #[pyo3(signature = (positions, /))]
    fn take(&self, positions: Vec<usize>) -> Self {
        Self(self.0.slice(positions.into_iter()))
    }

    /// Returns the causes of all rows that did not succeed, most rows first. Each cause has a status, code, column,
    /// message, fix, rows, `first_rows` (row, label) and values (value, rows). A row with several causes counts once
    /// for each cause.
    fn causes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        py.detach(|| self.0.causes())
            .into_iter()
            .map(|cause| {
                let entry = PyDict::new(py);
                entry.set_item("status", cause.status.as_str())?;
                entry.set_item("code", cause.code)?;
                entry.set_item("column", cause.column)?;
                entry.set_item("message", cause.message)?;
                entry.set_item("fix", cause.fix)?;
                entry.set_item("rows", cause.rows)?;
                let first: Vec<_> = cause
                    .first_rows
                    .iter()
                    .map(|row| {
                        let number = self.0.ledger.number_of(*row);
                        Ok((number, label(py, self.0.ledger.label(*row), number)?))
                    })
                    .collect::<PyResult<_>>()?;
                entry.set_item("first_rows", first)?;
                entry.set_item("values", cause.values)?;
                Ok(entry)
            })
            .collect()
    }

    /// Returns one list each for the row, label, key, status, id, code, message, column, value, fix, attempts
    /// and `request_id`.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let names = COLUMNS.map(|name| (name, PyList::empty(py)));
        let mut shared = Shared::default();
        for outcome in self.0.outcomes() {
            let [
                row,
                labels,
                key,
                status,
                id,
                code,
                message,
                column,
                value,
                fix,
                attempts,
                request_id,
            ] = names.each_ref().map(|(_, list)| list);
            let number = self.0.ledger.number_of(outcome.row);
            row.append(number)?;
            labels.append(label(py, outcome.label, number)?)?;
            key.append(&outcome.key)?;
            status.append(shared.text(py, Some(outcome.status.as_str())))?;
            id.append(&outcome.id)?;
            let fault = outcome.fault.as_ref();
            code.append(shared.text(py, fault.map(|fault| fault.code.as_str())))?;
            message.append(fault.map(|fault| fault.message.as_str()))?;
            column.append(shared.text(py, fault.and_then(|fault| fault.column.as_deref())))?;
            value.append(fault.and_then(|fault| fault.value.as_deref()))?;
            fix.append(shared.text(py, fault.and_then(|fault| fault.fix.as_deref())))?;
            attempts.append(outcome.attempts)?;
            request_id.append(shared.text(py, outcome.request_id))?;
        }
        let columns = PyDict::new(py);
        for (name, list) in names {
            columns.set_item(name, list)?;
        }
        Ok(columns)
    }

    /// Returns the statistics: requests, retries, bisects, throttled (seconds), seconds, `bytes_sent`,
    /// lookups.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize::pythonize(py, &self.0.ledger.stats)?)
    }

    /// Returns what remains to be sent: rows, requests, bytes, and the minutes needed at the rate limit, which is
    /// `per_minute`.
    fn plan<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize::pythonize(py, &self.0.ledger.estimate)?)
    }

    /// Returns (column, field or None, note, title or None) for each input column.
    fn uses(&self) -> Vec<(String, Option<String>, String, Option<String>)> {
        let uses = self.0.ledger.columns.iter().cloned();
        uses.map(|used| (used.column, used.field, used.note, used.title))
            .collect()
    }

    fn warnings(&self) -> Vec<String> {
        let warnings = self.0.ledger.warnings.iter();
        warnings.map(|warning| shown(warning).into_owned()).collect()
    }

    fn dump<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let state = py
            .detach(|| postcard::to_stdvec(&self.0))
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(PyBytes::new(py, &state))
    }

    #[staticmethod]
    #[pyo3(signature = (state, /))]
    fn load(state: &[u8]) -> PyResult<Self> {
        let view: View =
            postcard::from_bytes(state).map_err(|error| PyValueError::new_err(error.to_string()))?;
        if view.is_whole() {
            Ok(Self(view))
        } else {
            Err(PyValueError::new_err("the pickle of this result is damaged"))
        }
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The protocol allows a producer to ignore the requested schema.
        let _ = requested_schema;
        let batch = py.detach(|| self.0.batch());
        stream(py, batch)
    }
}

/// Strings shared by many rows, each created once.
#[derive(Default)]
struct Shared<'py>(HashMap<String, Bound<'py, PyString>>);

impl<'py> Shared<'py> {
    /// The maximum number of distinct strings to keep.
    const MOST: usize = 10_000;

    fn text(&mut self, py: Python<'py>, text: Option<&str>) -> Option<Bound<'py, PyString>> {
        let text = text?;
        if let Some(known) = self.0.get(text) {
            return Some(known.clone());
        }
        let made = PyString::new(py, text);
        if self.0.len() < Self::MOST {
            self.0.insert(text.to_owned(), made.clone());
        }
        Some(made)
    }
}

fn label<'py>(py: Python<'py>, label: Label<'_>, row: u32) -> PyResult<Bound<'py, PyAny>> {
    Ok(match label {
        Label::Number => row.into_pyobject(py)?.into_any(),
        Label::Int(number) => number.into_pyobject(py)?.into_any(),
        Label::Text(text) => text.into_pyobject(py)?.into_any(),
    })
}

fn error<'py>(py: Python<'py>, fault: &Fault) -> PyResult<Bound<'py, PyDict>> {
    let error = PyDict::new(py);
    error.set_item("code", &fault.code)?;
    error.set_item("message", &fault.message)?;
    error.set_item("column", fault.column.as_deref())?;
    error.set_item("value", fault.value.as_deref())?;
    error.set_item("fix", fault.fix.as_deref())?;
    error.set_item("status", fault.status)?;
    error.set_item("body", fault.body.as_deref())?;
    error.set_item("metadata", optional_json(py, fault.metadata.as_ref())?)?;
    error.set_item("problems", pythonize::pythonize(py, &fault.problems)?)?;
    Ok(error)
}
