//! Row labels from Python.

use pyo3::prelude::*;

use crate::input::Cell;
use crate::ledger::OwnedLabel;
use crate::python::values::{PythonValue, ValueReader};

/// Reads the label of a row. Without a label, the row is numbered.
pub fn read_label(label: Option<&Bound<'_, PyAny>>, values: &mut ValueReader) -> PyResult<OwnedLabel> {
    let Some(label) = label else {
        return Ok(OwnedLabel::Number);
    };
    Ok(match values.read(label.clone()) {
        PythonValue::Cell(Cell::Int(number)) => OwnedLabel::Int(number),
        _ => OwnedLabel::Text(label.str()?.to_string_lossy().into()),
    })
}
