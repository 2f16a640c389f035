//! Rows from the columns in a frame.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyList, PyString};

use super::cells::Cells;
use super::label::read_label;
use super::problem::check_names;
use crate::input::{Cell, Column, More, Padded, Sink};
use crate::python::values::ValueReader;

/// The columns in a frame, and the labels of its rows.
pub struct Frame {
    pub names: Vec<String>,
    columns: Vec<Cells>,
    /// The null mask of each column: one byte per row, 1 for null.
    nulls: Vec<Option<PyBackedBytes>>,
    labels: Option<Py<PyAny>>,
    pub rows: usize,
}

impl Frame {
    /// Combines columns of equal length.
    ///
    /// # Errors
    /// If names are duplicates, a column cannot be read, or the lengths differ.
    pub fn new(
        py: Python<'_>,
        names: &[Bound<'_, PyString>],
        columns: &[Bound<'_, PyAny>],
        nulls: Vec<Option<PyBackedBytes>>,
        labels: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let names: Vec<String> = names
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        check_names(py, &names)?;
        let columns: Vec<Cells> = columns.iter().map(Cells::new).collect::<PyResult<_>>()?;
        let mut lengths: Vec<usize> = columns
            .iter()
            .map(|cells| cells.rows(py))
            .collect::<PyResult<_>>()?;
        if let Some(labels) = &labels {
            lengths.push(labels.bind(py).len()?);
        }
        lengths.extend(nulls.iter().flatten().map(|nulls| nulls.len()));
        let rows = lengths.first().copied().unwrap_or(0);
        let even = names.len() == columns.len() && nulls.len() == columns.len();
        if !even || lengths.iter().any(|length| *length != rows) {
            return Err(PyValueError::new_err(
                "the columns, null masks and labels have different lengths",
            ));
        }
        Ok(Self {
            names,
            columns,
            nulls,
            labels,
            rows,
        })
    }

    /// Returns whether the rows have labels.
    pub fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// Returns the columns of identifiers that have both texts with leading zeros and numbers.
    pub fn padded(&self, py: Python<'_>, is_identifier: impl Fn(&str) -> bool) -> HashMap<String, Padded> {
        self.names
            .iter()
            .zip(&self.columns)
            .filter(|(name, _)| is_identifier(name))
            .filter_map(|(name, cells)| Some((name.clone(), cells.padded(py)?)))
            .collect()
    }

    fn label<'py>(&self, py: Python<'py>, row: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(labels) = &self.labels else {
            return Ok(None);
        };
        let labels = labels.bind(py);
        let label = match labels.cast::<PyList>() {
            Ok(list) => list.get_item(row),
            Err(_) => labels.get_item(row),
        };
        label.map(Some)
    }
}

/// A walk through the rows of a frame.
pub struct FrameRows {
    frame: Arc<Frame>,
    columns: Vec<Column>,
    next: usize,
}

impl FrameRows {
    pub fn new(frame: Arc<Frame>) -> Self {
        Self {
            frame,
            columns: Vec::new(),
            next: 0,
        }
    }

    /// Passes rows to a sink until it is full.
    pub fn fill(&mut self, py: Python<'_>, values: &mut ValueReader, sink: &mut dyn Sink) -> PyResult<More> {
        let Self { frame, columns, next } = self;
        if columns.is_empty() {
            columns.extend(frame.names.iter().map(|name| sink.column(name)));
        }
        while *next < frame.rows {
            let row = *next;
            *next += 1;
            let label = frame.label(py, row)?;
            if sink.begin(read_label(label.as_ref(), values)?.as_label()) {
                for ((column, cells), nulls) in columns.iter().zip(&frame.columns).zip(&frame.nulls) {
                    if nulls.as_ref().is_some_and(|nulls| nulls[row] != 0) {
                        sink.cell(*column, &Cell::Null);
                    } else {
                        cells.push(py, row, *column, values, sink)?;
                    }
                }
                sink.end();
            }
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }
}
