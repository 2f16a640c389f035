//! Rows from responses for Python.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::ArrowError;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyList};
use serde::Deserialize;

use super::capsule::{self, stream_capsule};
use super::objects::{FrameColumn, Objects};
use crate::batch::rest::Rest;
use crate::columns::{self, Batches, Page, TextLayout, TooWide};
use crate::error::Error;

/// Rows from responses, as columns.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Table(Arc<columns::Table>, Option<Rest>);

/// The pickled state: the rows, the ids that were not returned, the row numbers and what remains of a failed
/// read, and the column names of a table without rows.
#[derive(Deserialize)]
struct State(
    Vec<String>,
    Vec<String>,
    #[serde(default)] Vec<u32>,
    #[serde(default)] Option<Rest>,
    #[serde(default)] Vec<String>,
);

/// The number of rows per page when a pickle is loaded.
const PAGE_ROWS: usize = 1000;

impl Table {
    pub fn new(table: columns::Table) -> Self {
        Self::unfinished(table, None)
    }

    /// Wraps the rows of an interrupted read, and what remains of it.
    pub fn unfinished(table: columns::Table, rest: Option<Rest>) -> Self {
        Self(Arc::new(table), rest)
    }

    /// Returns the rows read so far.
    pub fn table(&self) -> &columns::Table {
        &self.0
    }

    /// Returns what remains of the read.
    ///
    /// # Errors
    /// [`Error::Option`] if nothing remains.
    pub fn rest(&self) -> Result<&Rest, Error> {
        self.1
            .as_ref()
            .ok_or_else(|| Error::Option("after=: that read is complete: use its `.partial`".to_owned()))
    }

    /// Returns all rows.
    pub fn rows(&self) -> impl Iterator<Item = serde_json::Map<String, serde_json::Value>> {
        self.0.rows()
    }
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Requested ids that the service did not return.
    #[getter]
    fn missing(&self) -> Vec<String> {
        self.0.missing.clone()
    }

    /// Whether the read can be resumed.
    #[getter]
    fn incomplete(&self) -> bool {
        self.1.is_some()
    }

    #[pyo3(signature = (index, /))]
    fn row<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        let (page, row) = self
            .0
            .find(index)
            .ok_or_else(|| PyIndexError::new_err("no such row"))?;
        Objects::new(py).row(page, row)
    }

    /// Selects the rows at these positions. The selection cannot be used to resume a failed read.
    #[pyo3(signature = (positions, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn take(&self, positions: Vec<usize>) -> PyResult<Self> {
        if positions.iter().any(|position| *position >= self.0.len()) {
            return Err(PyIndexError::new_err("no such row"));
        }
        Ok(Self::unfinished(self.0.take(positions), None))
    }

    fn dicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        Objects::new(py).dicts(&self.0)
    }

    /// Returns the columns for a frame, base fields first, then attributes `caN`. Each column has a name,
    /// type, values and a mask of missing values.
    #[pyo3(signature = (kinds=None, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn frame<'py>(&self, py: Python<'py>, kinds: Option<Vec<String>>) -> PyResult<Vec<FrameColumn<'py>>> {
        Objects::new(py).frame(&self.0, kinds.as_deref())
    }

    fn dump<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let rows: Vec<Cow<'_, str>> = (0..self.0.len()).filter_map(|index| self.0.json(index)).collect();
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
        let State(rows, missing, numbers, rest, names) =
            serde_json::from_slice(state).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let mut table = columns::Table::default();
        table.missing = missing;
        table.names = names;
        let numbers: Vec<u32> = if numbers.len() == rows.len() {
            numbers
        } else {
            (0..).take(rows.len()).collect()
        };
        for (rows, numbers) in rows.chunks(PAGE_ROWS).zip(numbers.chunks(PAGE_ROWS)) {
            add(&mut table, rows, numbers).map_err(|error| PyValueError::new_err(error.to_string()))?;
        }
        Ok(Self::unfinished(table, rest))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let asked = requested_schema.map(capsule::schema).transpose()?.flatten();
        let texts = |name: &str| TextLayout::of(asked.as_ref()?.field_with_name(name).ok()?.data_type());
        let batches = py.detach(|| Batches::new(&self.0, texts));
        stream_capsule(py, Box::new(batches))
    }
}

/// Adds rows as one page, or as several if they have too many distinct members.
fn add(table: &mut columns::Table, rows: &[String], numbers: &[u32]) -> Result<(), TooWide> {
    match Page::of(rows.iter().map(String::as_str)) {
        Ok(page) => table.add(page, numbers.iter().copied()),
        Err(error) if rows.len() < 2 => return Err(error),
        Err(_) => {
            let half = rows.len() / 2;
            add(table, &rows[..half], &numbers[..half])?;
            add(table, &rows[half..], &numbers[half..])?;
        }
    }
    Ok(())
}

/// Creates a stream of one batch.
pub fn stream(py: Python<'_>, batch: Result<RecordBatch, ArrowError>) -> PyResult<Bound<'_, PyCapsule>> {
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let schema = batch.schema();
    stream_capsule(py, Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}
