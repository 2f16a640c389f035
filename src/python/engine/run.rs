//! Runs of rows as operations.

use std::sync::{Arc, Mutex};

use pyo3::prelude::*;

use super::client::Client;
use crate::http::Stop;
use crate::input::{More, Sink, Source, SourceError};
use crate::ledger::SharedLedger;
use crate::python::operation::{CallEnd, Operation};
use crate::python::reread::Input;
use crate::run::machine;
use crate::run::{Job, Run};

/// Plans a run. `finish` turns its end into the result of the operation.
///
/// # Errors
/// If the network options cannot be used.
pub fn plan(
    py: Python<'_>,
    client: &Client,
    job: Job,
    source: Input,
    ledger: SharedLedger,
    finish: impl FnOnce(machine::Ended, &SharedLedger) -> CallEnd + Send + 'static,
) -> PyResult<Operation> {
    let caller = client.caller(py)?;
    let stop = Stop::default();
    let rows = source.rows();
    let error: Arc<Mutex<Option<PyErr>>> = source.inner().inner().error();
    let run = Run::new(caller, job, ledger.clone(), stop.clone());
    let activity = run.activity();
    let theirs = ledger.clone();
    let work = Box::pin(async move {
        let ended = run.drive(Box::new(Blocking(source))).await;
        finish(ended, &theirs)
    });
    Ok(Operation::new(work, ledger, stop, rows, error, activity))
}

/// A source of rows that may block on the interpreter or on a slow generator. Requests in flight continue
/// meanwhile.
pub struct Blocking<S>(pub S);

impl<S: Source + 'static> Source for Blocking<S> {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        tokio::task::block_in_place(|| self.0.fill(sink))
    }

    fn rows(&self) -> Option<usize> {
        self.0.rows()
    }

    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        let again = tokio::task::block_in_place(|| self.0.again())?;
        Ok(Box::new(Blocking(again)))
    }
}
