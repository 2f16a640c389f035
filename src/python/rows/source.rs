//! Rows from any origin as a source for the core.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use super::origin::Origin;
use super::walk::Walk;
use crate::input::{More, Sink, Source, SourceError};
use crate::python::attached::{Held, attached};
use crate::python::values::ValueReader;

/// An iterator over rows from Python. The iterator attaches to Python only inside `fill`.
pub struct PythonSource {
    walk: Walk,
    values: Held<ValueReader>,
    rows: Option<usize>,
    error: Arc<Mutex<Option<PyErr>>>,
    /// Dropped with the interpreter, like all that may own Python objects.
    origin: Held<Arc<Origin>>,
    /// The number of rows of the origin, if known in advance.
    length: Option<usize>,
}

impl PythonSource {
    /// Starts reading the rows of an origin at the first one. `length` is their number, if known in advance.
    ///
    /// # Errors
    /// If rows that can be read only once were already read, or if Python raises.
    pub fn new(py: Python<'_>, origin: Arc<Origin>, length: Option<usize>) -> PyResult<Self> {
        Ok(Self {
            walk: origin.walk(py, length)?,
            values: Held::new(ValueReader::default()),
            rows: length,
            error: Arc::default(),
            origin: Held::new(origin),
            length,
        })
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
        self.unless_raised(filled)
    }

    /// Keeps the exception if the rows raised one. `done` is `None` if Python is shutting down.
    fn unless_raised<T>(&self, done: Option<PyResult<T>>) -> Result<T, SourceError> {
        match done {
            Some(Ok(done)) => Ok(done),
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

    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        let again = attached(|py| Self::new(py, Arc::clone(&self.origin), self.length));
        let again = self.unless_raised(again)?;
        Ok(Box::new(Self {
            error: Arc::clone(&self.error),
            // Only the number of rows that were read is to be trusted.
            rows: None,
            ..again
        }))
    }
}
