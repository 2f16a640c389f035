//! Answers as Python reads them.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::ArrowError;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList};
use pythonize::pythonize;
use serde::Deserialize;

use super::capsule::stream_capsule;
use crate::batch::rest::Rest;
use crate::error::Error;
use crate::table;

/// Answers as rows: kept as the service sent them, turned into columns when asked.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Table(Arc<table::Table>, Option<Rest>);

/// Rows, ids that were not returned, and of a read that failed the numbers of the rows and what is left of it.
#[derive(Deserialize)]
struct State(
    Vec<String>,
    Vec<String>,
    #[serde(default)] Vec<u32>,
    #[serde(default)] Option<Rest>,
);

impl Table {
    pub fn new(table: table::Table) -> Self {
        Self::unfinished(table, None)
    }

    /// What was read before something ended the reading, and what is left.
    pub fn unfinished(table: table::Table, rest: Option<Rest>) -> Self {
        Self(Arc::new(table), rest)
    }

    /// What was read before.
    pub fn table(&self) -> &table::Table {
        &self.0
    }

    /// What is left of the read.
    ///
    /// # Errors
    /// [`Error::Option`] where nothing is left.
    pub fn rest(&self) -> Result<&Rest, Error> {
        self.1.as_ref().ok_or_else(|| {
            Error::Option(
                "after=: that read was complete, so there is nothing left to read: use its `.partial`"
                    .to_owned(),
            )
        })
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = serde_json::Map<String, serde_json::Value>> {
        self.0.rows()
    }
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Ids asked for that the service did not return.
    #[getter]
    fn missing(&self) -> Vec<String> {
        self.0.missing.clone()
    }

    /// Whether something is left to be read.
    #[getter]
    fn incomplete(&self) -> bool {
        self.1.is_some()
    }

    #[pyo3(signature = (index, /))]
    fn row<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        let row = self
            .0
            .row(index)
            .ok_or_else(|| PyIndexError::new_err("no such row"))?;
        Ok(pythonize(py, &row)?)
    }

    fn dicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let dicts = PyList::empty(py);
        for row in self.0.rows() {
            dicts.append(pythonize(py, &row)?)?;
        }
        Ok(dicts)
    }

    /// Base fields first, then attributes caN as columns of their own.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let read = py.detach(|| self.0.columns());
        let columns = PyDict::new(py);
        for (name, values) in read {
            columns.set_item(name, pythonize(py, &values)?)?;
        }
        Ok(columns)
    }

    fn dump<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let rows: Vec<&str> = (0..self.0.len()).filter_map(|index| self.0.raw(index)).collect();
        let state = match &self.1 {
            None => serde_json::to_vec(&(rows, &self.0.missing)),
            Some(rest) => {
                let numbers: Vec<u32> = self.0.numbers().collect();
                serde_json::to_vec(&(rows, &self.0.missing, numbers, rest))
            }
        };
        let state = state.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(PyBytes::new(py, &state))
    }

    #[staticmethod]
    #[pyo3(signature = (state, /))]
    fn load(state: &[u8]) -> PyResult<Self> {
        let State(rows, missing, numbers, rest) =
            serde_json::from_slice(state).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let mut table = table::Table::default();
        table.missing = missing;
        for (at, row) in (0..).zip(rows) {
            let range = 0..row.len();
            let number = numbers.get(at as usize).copied().unwrap_or(at);
            table.add(row.into(), vec![(number, range)]);
        }
        Ok(Self::unfinished(table, rest))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The protocol lets a producer ignore the schema asked for.
        let _ = requested_schema;
        let batch = py.detach(|| table::batch(&self.0.columns(), self.0.len()));
        stream(py, batch)
    }
}

/// A batch as a stream of its own.
pub fn stream(py: Python<'_>, batch: Result<RecordBatch, ArrowError>) -> PyResult<Bound<'_, PyCapsule>> {
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let schema = batch.schema();
    stream_capsule(py, Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}
