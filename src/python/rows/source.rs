//! Rows from any origin as a source for the core.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use super::dicts::Dicts;
use super::frame::FrameRows;
use super::value_list::ValueList;
use crate::input::arrow::Batches;
use crate::input::sheet::SheetRows;
use crate::input::{More, Sink, Source, SourceError};
use crate::python::attached::{Held, attached};
use crate::python::values::ValueReader;

/// An iterator over rows from Python. The iterator attaches to Python only inside `fill`.
pub struct PythonSource {
    walk: Walk,
    values: Held<ValueReader>,
    rows: Option<usize>,
    error: Arc<Mutex<Option<PyErr>>>,
}

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
    fn fill(&mut self, py: Python<'_>, values: &mut ValueReader, sink: &mut dyn Sink) -> PyResult<More> {
        match self {
            Self::Dicts(dicts) => dicts.fill(py, values, sink),
            Self::Values(list) => list.fill(py, values, sink),
            Self::Columns(frame) => frame.fill(py, values, sink),
        }
    }
}

impl PythonSource {
    /// Creates the source. `rows` is the number of rows, if known in advance.
    pub fn new(walk: Walk, rows: Option<usize>) -> Self {
        Self {
            walk,
            values: Held::new(ValueReader::default()),
            rows,
            error: Arc::default(),
        }
    }

    /// Returns the slot that receives an exception raised by the user's rows. Call this before moving the
    /// source.
    #[must_use]
    pub fn error(&self) -> Arc<Mutex<Option<PyErr>>> {
        Arc::clone(&self.error)
    }

    /// Stores the first exception raised by the rows.
    fn keep(&self, raised: PyErr) {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = match *error {
            Some(_) => Some(raised),
            None => error.replace(raised),
        };
        drop(error);
        attached(|_| drop(spare));
    }

    fn fill_some(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        // The Arrow reader itself needs no Python. A stream implemented in Python attaches on its own.
        let walk = match &mut self.walk {
            Walk::Stream(batches) => {
                return batches.fill(sink).inspect_err(|error| {
                    // For an exception raised inside a stream, the Arrow interface passes on only the message.
                    if error.message().contains("KeyboardInterrupt") {
                        self.keep(PyKeyboardInterrupt::new_err(()));
                    }
                });
            }
            Walk::Sheet(rows) => return rows.fill(sink),
            Walk::Objects(walk) => walk,
        };
        let values = &mut self.values;
        let filled = attached(|py| walk.fill(py, values, sink));
        match filled {
            Some(Ok(more)) => Ok(more),
            Some(Err(raised)) => {
                let text = format!("the rows raised {raised}");
                self.keep(raised);
                Err(SourceError::new(text))
            }
            None => Err(SourceError::new("Python is shutting down".to_owned())),
        }
    }
}

impl Source for PythonSource {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let filled = self.fill_some(sink);
        if let Ok(More::End) = filled {
            // From here on, trust only the number of rows read, not the announced one.
            self.rows = None;
        }
        filled
    }

    fn rows(&self) -> Option<usize> {
        self.rows
    }
}
