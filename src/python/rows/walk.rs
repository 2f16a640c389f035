//! A walk through the rows of one origin.

use pyo3::prelude::*;

use super::dicts::Dicts;
use super::frame::FrameRows;
use super::value_list::ValueList;
use crate::input::arrow::Batches;
use crate::input::sheet::SheetRows;
use crate::input::{More, Sink};
use crate::python::attached::Held;
use crate::python::values::ValueReader;

/// A walk through the rows of one origin.
pub enum Walk {
    Objects(Held<Objects>),
    Sheet(SheetRows),
    Stream(Batches),
}

/// A walk through Python objects.
pub enum Objects {
    Dicts(Dicts),
    Values(ValueList),
    Columns(FrameRows),
}

impl Walk {
    pub fn of(objects: Objects) -> Self {
        Self::Objects(Held::new(objects))
    }
}

impl Objects {
    /// Pushes rows until the sink is full or the objects are exhausted.
    pub fn fill(&mut self, py: Python<'_>, values: &mut ValueReader, sink: &mut dyn Sink) -> PyResult<More> {
        match self {
            Self::Dicts(dicts) => dicts.fill(py, values, sink),
            Self::Values(list) => list.fill(py, values, sink),
            Self::Columns(frame) => frame.fill(py, values, sink),
        }
    }
}
