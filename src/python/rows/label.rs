//! Row labels from Python.

use pyo3::prelude::*;

use crate::input::Cell;
use crate::ledger::OwnedLabel;
use crate::python::values::{Value, Values};

/// Reads the label of a row. Without a label, the row is numbered.
pub fn read_label(label: Option<&Bound<'_, PyAny>>, values: &mut Values) -> PyResult<OwnedLabel> {
    let Some(label) = label else {
        return Ok(OwnedLabel::Number);
    };
    Ok(match values.read(label.clone()) {
        Value::Cell(Cell::Int(number)) => OwnedLabel::Int(number),
        _ => OwnedLabel::Text(label.str()?.to_string_lossy().into()),
    })
}
