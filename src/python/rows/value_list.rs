//! Rows with a single value each, such as a list of ids.

use pyo3::prelude::*;
use pyo3::types::PyIterator;

use crate::input::{Column, Label, More, Sink};
use crate::python::values::ValueReader;

/// Iterates over the values of one column.
pub struct ValueList {
    items: Py<PyIterator>,
    /// The name of the column.
    name: String,
    column: Option<Column>,
}

impl ValueList {
    pub fn new(items: Py<PyIterator>, name: String) -> Self {
        Self {
            items,
            name,
            column: None,
        }
    }

    /// Passes rows to a sink until it is full.
    pub fn fill(&mut self, py: Python<'_>, values: &mut ValueReader, sink: &mut dyn Sink) -> PyResult<More> {
        let column = *self.column.get_or_insert_with(|| sink.column(&self.name));
        for item in self.items.bind(py).clone() {
            let item = item?;
            if sink.begin(Label::Number) {
                values.push(&item, column, sink);
                sink.end();
            }
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }
}
