//! Rows from an Excel or CSV file.

use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::input::sheet::{Layout, Sheet};
use crate::python::errors::exception;

/// Opens one sheet of a file. `source` is a path or the bytes of a file, whose name is `name`. Returns the sheet and
/// the absolute path of the file.
///
/// # Errors
/// If the file cannot be read, or if the name of bytes is missing.
pub fn open(
    source: &Bound<'_, PyAny>,
    name: Option<String>,
    layout: &Layout<'_>,
) -> PyResult<(Sheet, Option<PathBuf>)> {
    let py = source.py();
    let (opened, path) = if source.is_instance_of::<PyBytes>() {
        let bytes: PyBackedBytes = source.extract()?;
        let name = name.ok_or_else(|| {
            PyTypeError::new_err(
                "the name of the file is missing: pass it, or only its extension, as name=\"xlsx\"",
            )
        })?;
        let opened = py.detach(|| Sheet::of_bytes(&name, bytes.to_vec(), layout));
        (opened, std::path::absolute(&name).ok())
    } else {
        let path: PathBuf = source.extract()?;
        let opened = py.detach(|| Sheet::open(&path, layout));
        (opened, std::path::absolute(&path).ok())
    };
    let sheet = opened.map_err(|error| exception(py, &error.into()))?;
    Ok((sheet, path))
}
