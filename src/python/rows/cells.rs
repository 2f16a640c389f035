//! The cells in one column of a frame.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyCapsule, PyList, PyString};

use crate::input::arrow::{self, Chunks};
use crate::input::{Column, Padded, Sink};
use crate::python::capsule;
use crate::python::errors::exception;
use crate::python::values::ValueReader;

/// The cells in one column.
pub enum Cells {
    List(Py<PyList>),
    /// Any other sequence.
    Objects(Py<PyAny>),
    /// Cells that are read in place, without creating a Python object per cell.
    Arrow(Chunks),
}

impl Cells {
    /// Wraps a sequence, a numpy array or the capsule of an Arrow stream with one column.
    ///
    /// # Errors
    /// If the stream cannot be read or does not have exactly one column.
    pub fn new(column: &Bound<'_, PyAny>) -> PyResult<Self> {
        if column.is_instance_of::<PyCapsule>() {
            let mut reader = capsule::stream(column)?;
            let batches = std::iter::from_fn(|| arrow::next(&mut reader)).map(|batch| match batch {
                Ok(batch) if batch.num_columns() == 1 => Ok(Arc::clone(batch.column(0))),
                Ok(_) => Err(PyValueError::new_err(
                    "this Arrow stream does not have exactly one column",
                )),
                Err(error) => Err(exception(column.py(), &error.into())),
            });
            return Ok(Self::Arrow(Chunks::new(batches.collect::<PyResult<_>>()?)));
        }
        if let Ok(dtype) = column.getattr(intern!(column.py(), "dtype")) {
            let kind = dtype.getattr(intern!(column.py(), "str"))?;
            let bytes = column.call_method0(intern!(column.py(), "tobytes"))?;
            let bytes: PyBackedBytes = bytes.extract()?;
            if let Some(chunks) = Chunks::of_numpy(&kind.cast::<PyString>()?.to_string_lossy(), &bytes) {
                return Ok(Self::Arrow(chunks));
            }
        }
        Ok(match column.cast_exact::<PyList>() {
            Ok(list) => Self::List(list.clone().unbind()),
            Err(_) => Self::Objects(column.clone().unbind()),
        })
    }

    /// Returns the texts with leading zeros, if there are any. Only a list of objects may have numbers as well.
    pub fn padded(&self, py: Python<'_>) -> Option<Padded> {
        let Self::List(cells) = self else { return None };
        let mut padded = Padded::default();
        for cell in cells.bind(py) {
            if let Ok(text) = cell.cast::<PyString>() {
                padded.add(text.to_string_lossy().trim());
            }
        }
        (padded.longest > 0).then_some(padded)
    }

    /// Returns the number of cells.
    pub fn rows(&self, py: Python<'_>) -> PyResult<usize> {
        match self {
            Self::List(cells) => Ok(cells.bind(py).len()),
            Self::Objects(cells) => cells.bind(py).len(),
            Self::Arrow(chunks) => Ok(chunks.rows()),
        }
    }

    /// Passes the cell at a row to a sink.
    #[inline]
    pub fn push(
        &self,
        py: Python<'_>,
        row: usize,
        column: Column,
        values: &mut ValueReader,
        sink: &mut dyn Sink,
    ) -> PyResult<()> {
        match self {
            Self::List(cells) => values.push(&cells.bind(py).get_item(row)?, column, sink),
            Self::Objects(cells) => values.push(&cells.bind(py).get_item(row)?, column, sink),
            Self::Arrow(chunks) => chunks.push(row, column, sink),
        }
        Ok(())
    }
}
