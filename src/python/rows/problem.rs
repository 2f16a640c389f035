//! Errors in rows before the first one is read.

use pyo3::prelude::*;

use crate::input::duplicate;
use crate::python::errors::input_error;

/// Rejects duplicate column names.
///
/// # Errors
/// `InputError` with the first duplicate.
pub fn check_names(py: Python<'_>, names: &[String]) -> PyResult<()> {
    match duplicate(names) {
        Some(name) => Err(input_error(
            py,
            format!("duplicate column name `{name}`: rename or drop one of them"),
        )),
        None => Ok(()),
    }
}

/// Creates the error for rows that are read a second time.
pub fn already_read(py: Python<'_>) -> PyErr {
    input_error(
        py,
        "these rows can be read only once and were already read: pass a list or a frame instead".to_owned(),
    )
}
