//! Iterables of rows or values. Lists and tuples can be iterated again.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyTuple};

use super::problem::already_read;

/// Rows or values that are iterated.
pub enum Items {
    /// A list or tuple, which can be iterated again.
    Repeatable(Py<PyAny>),
    Once(Mutex<Option<Py<PyIterator>>>),
}

impl Items {
    /// Returns the items, and their number if they can be iterated again.
    pub fn new(rows: &Bound<'_, PyAny>) -> PyResult<(Self, Option<usize>)> {
        // A subclass may report a different length, so use only the length of the list itself.
        let list = rows.cast::<PyList>().map(PyListMethods::len).ok();
        let length = list.or_else(|| rows.cast::<PyTuple>().map(PyTupleMethods::len).ok());
        if length.is_some() {
            return Ok((Self::Repeatable(rows.clone().unbind()), length));
        }
        Ok((Self::Once(Mutex::new(Some(rows.try_iter()?.unbind()))), None))
    }

    /// Starts iterating at the first item.
    ///
    /// # Errors
    /// If items that can be iterated only once were already iterated, or if Python raises.
    pub fn iterate(&self, py: Python<'_>) -> PyResult<Py<PyIterator>> {
        match self {
            Self::Repeatable(rows) => Ok(rows.bind(py).try_iter()?.unbind()),
            Self::Once(rows) => {
                let rows = rows.lock().unwrap_or_else(PoisonError::into_inner).take();
                rows.ok_or_else(|| already_read(py))
            }
        }
    }
}
