//! Rows from responses for Python.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::ArrowError;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyList};

use super::capsule::{self, stream_capsule};
use super::errors::exception;
use super::objects::{FrameColumn, Objects};
use super::settings::Settings;
use crate::columns::{self, Batches, Layout, TextLayout};
use crate::error::Error;
use crate::reads::rest::Rest;
use crate::reads::saved;
use crate::sheet;
use crate::table;

/// Rows from responses, as columns.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Table {
    rows: Arc<columns::Table>,
    rest: Option<Rest>,
    /// The columns to export, if they are not those of the rows.
    named: Option<Arc<Layout>>,
    /// The layout of strings to export, if the reader requests none.
    texts: TextLayout,
}

impl Table {
    pub fn new(table: columns::Table) -> Self {
        Self::unfinished(table, None)
    }

    /// Wraps the rows of an interrupted read, and what remains of it.
    pub fn unfinished(table: columns::Table, rest: Option<Rest>) -> Self {
        Self {
            rows: Arc::new(table),
            rest,
            named: None,
            texts: TextLayout::default(),
        }
    }

    /// Returns the rows read so far.
    pub fn table(&self) -> &columns::Table {
        &self.rows
    }

    /// Returns what remains of the read.
    ///
    /// # Errors
    /// [`Error::Option`] if nothing remains.
    pub fn rest(&self) -> Result<&Rest, Error> {
        self.rest
            .as_ref()
            .ok_or_else(|| Error::Option("after=: that read is complete: use its `.partial`".to_owned()))
    }

    /// Returns all rows.
    pub fn rows(&self) -> impl Iterator<Item = serde_json::Map<String, serde_json::Value>> {
        self.rows.rows()
    }

    /// Returns the columns to export.
    fn layout(&self) -> Arc<Layout> {
        match &self.named {
            Some(named) => named.clone(),
            None => Arc::new(self.rows.layout()),
        }
    }
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.rows.len()
    }

    /// Requested ids that the service did not return.
    #[getter]
    fn missing(&self) -> Vec<String> {
        self.rows.missing.clone()
    }

    /// What the caller should know about the rows that it asked for.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.rows.warnings.clone()
    }

    /// Whether the read can be resumed.
    #[getter]
    fn incomplete(&self) -> bool {
        self.rest.is_some()
    }

    #[pyo3(signature = (index, /))]
    fn row<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        let (page, row) = self
            .rows
            .find(index)
            .ok_or_else(|| PyIndexError::new_err("no such row"))?;
        Objects::new(py).row(page, row)
    }

    /// Selects the rows at these positions. The selection cannot be used to resume a failed read.
    #[pyo3(signature = (positions, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn take(&self, positions: Vec<usize>) -> PyResult<Self> {
        if positions.iter().any(|position| *position >= self.rows.len()) {
            return Err(PyIndexError::new_err("no such row"));
        }
        Ok(Self::unfinished(self.rows.take(positions), None))
    }

    fn dicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        Objects::new(py).dicts(&self.rows)
    }

    /// Returns the columns for a frame, base fields first, then attributes `caN`. Each column has a name,
    /// type, values and a mask of missing values.
    #[pyo3(signature = (kinds=None, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn frame<'py>(&self, py: Python<'py>, kinds: Option<Vec<String>>) -> PyResult<Vec<FrameColumn<'py>>> {
        Objects::new(py).frame(&self.layout(), kinds.as_deref())
    }

    /// Returns the same assets with other columns to export: with names instead of ids, and headings.
    #[pyo3(signature = (settings, attributes, /))]
    fn named(&self, py: Python<'_>, settings: &Settings, attributes: bool) -> Self {
        let named = py.detach(|| table::layout(&self.rows, &settings.0, attributes));
        Self {
            rows: self.rows.clone(),
            rest: None,
            named: Some(Arc::new(named)),
            texts: self.texts,
        }
    }

    /// Returns the same columns, whose strings are exported as string views.
    fn with_views(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            rest: None,
            named: self.named.clone(),
            texts: TextLayout::Utf8View,
        }
    }

    /// Returns the names of the columns, and the text of each cell in the first rows.
    #[pyo3(signature = (rows, /))]
    fn head(&self, rows: usize) -> (Vec<String>, Vec<Vec<String>>) {
        let layout = self.layout();
        let names = layout.fields.iter().map(|(name, _)| name.to_string());
        (names.collect(), table::rows(&layout).take(rows).collect())
    }

    /// Returns a CSV file.
    fn csv<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let layout = self.layout();
        PyBytes::new(py, &py.detach(|| table::csv::file(&layout)))
    }

    /// Returns an Excel file with one sheet.
    #[pyo3(signature = (sheet, /))]
    fn excel<'py>(&self, py: Python<'py>, sheet: &str) -> PyResult<Bound<'py, PyBytes>> {
        let layout = self.layout();
        let file = py
            .detach(|| sheet::table::file(&layout, sheet))
            .map_err(|error| exception(py, &error))?;
        Ok(PyBytes::new(py, &file))
    }

    fn dump<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let state = saved::save(&self.rows, self.rest.as_ref())
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(PyBytes::new(py, &state))
    }

    #[staticmethod]
    #[pyo3(signature = (state, /))]
    fn load(state: &[u8]) -> PyResult<Self> {
        let (table, rest) = saved::load(state).map_err(PyValueError::new_err)?;
        Ok(Self::unfinished(table, rest))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let asked = requested_schema.map(capsule::schema).transpose()?.flatten();
        let requested = |name: &str| TextLayout::of(asked.as_ref()?.field_with_name(name).ok()?.data_type());
        let texts = |name: &str| requested(name).or(Some(self.texts));
        let batches = py.detach(|| Batches::new(self.layout(), texts));
        stream_capsule(py, Box::new(batches))
    }
}

/// Creates a stream of one batch.
pub fn stream(py: Python<'_>, batch: Result<RecordBatch, ArrowError>) -> PyResult<Bound<'_, PyCapsule>> {
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let schema = batch.schema();
    stream_capsule(py, Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}
