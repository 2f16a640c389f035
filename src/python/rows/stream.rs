//! Rows from an Arrow stream.

use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::ArrowArrayStreamReader;
use pyo3::prelude::*;

use super::problem::{already_read, check_names};
use crate::input::arrow::Batches;
use crate::python::capsule;
use crate::python::errors::exception;

/// An object with `__arrow_c_stream__`.
pub struct Stream {
    object: Py<PyAny>,
    pub names: Vec<String>,
    /// The reader opened when the rows were created, to check the columns. The first read uses this reader.
    first: Mutex<Option<ArrowArrayStreamReader>>,
}

impl Stream {
    /// Opens a stream.
    ///
    /// # Errors
    /// If the object has no stream of tables, or if column names are duplicates.
    pub fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let reader = capsule::reader(object)?;
        let names: Vec<String> = reader
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        check_names(object.py(), &names)?;
        Ok(Self {
            object: object.clone().unbind(),
            names,
            first: Mutex::new(Some(reader)),
        })
    }

    /// Starts reading at the first row. `rows` is the number of rows, which is known if the stream can be read again.
    ///
    /// # Errors
    /// If a stream that can be read only once was already read, or if it cannot be read.
    pub fn batches(&self, py: Python<'_>, rows: Option<usize>) -> PyResult<Batches> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reader = match first {
            Some(reader) => reader,
            None if rows.is_some() => capsule::reader(self.object.bind(py))?,
            None => return Err(already_read(py)),
        };
        Batches::new(Box::new(reader), rows).map_err(|error| exception(py, &error.into()))
    }
}
