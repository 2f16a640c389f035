//! A running call, driven in the caller's thread or in the background.

mod end;
mod state;
mod wait;

use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::http::{Phase, Stop};
use crate::ledger::SharedLedger;
use crate::python::asyncio::{EventLoop, LOOP_CHECK};
use crate::python::attached::Held;
use crate::python::ledger::Ledger;
use crate::python::logs;
use crate::python::runtime::handle;
use crate::python::settings::Settings;
use crate::python::table::Table;
use crate::reads::shared_settings::Reading;
use crate::run::activity::CurrentActivity;

pub use end::{CallEnd, Work};
use state::{CallState, locked};
use wait::{Callbacks, Report, report};

/// A running call, driven either by `wait` in this thread or by `start` in the background.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Operation {
    work: Mutex<Option<Work>>,
    shared: Arc<CallState>,
    /// The read of settings that this call waits for. The read is kept until Python has stored the settings, so that a
    /// call that starts meanwhile finds either the read or the stored settings.
    reading: Mutex<Option<Arc<Reading>>>,
}

impl Operation {
    /// Creates the operation. `rows` is the number of rows, if known in advance. `source_error` receives an exception
    /// raised by the rows.
    pub fn new(
        work: Work,
        ledger: SharedLedger,
        stop: Stop,
        rows: Option<usize>,
        source_error: Arc<Mutex<Option<PyErr>>>,
        activity: CurrentActivity,
    ) -> Self {
        Self {
            work: Mutex::new(Some(work)),
            shared: Arc::new(CallState::new(ledger, stop, rows, source_error, activity)),
            reading: Mutex::default(),
        }
    }

    /// Creates the operation of a call that reads no rows from Python.
    pub fn without_rows(work: Work, stop: Stop, activity: CurrentActivity) -> Self {
        let ledger = SharedLedger::default();
        Self::new(work, ledger, stop, None, Arc::default(), activity)
    }

    /// Makes the operation wait for a read of settings.
    pub fn waits_for(self, reading: Arc<Reading>) -> Self {
        *locked(&self.reading) = Some(reading);
        self
    }

    /// Stops waiting for settings, because the call is ending.
    fn leave_reading(&self) {
        let reading = locked(&self.reading).take();
        drop(reading);
    }

    fn take_work(&self) -> PyResult<Work> {
        locked(&self.work)
            .take()
            .ok_or_else(|| PyRuntimeError::new_err("this call was already started"))
    }
}

#[pymethods]
impl Operation {
    /// Runs to the end in this thread, without the GIL. Checks for signals every 50 ms. Calls `stopping` once if the
    /// run must stop but is still waiting for responses.
    #[pyo3(signature = (progress, stopping, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn wait(&self, py: Python<'_>, progress: Option<Py<PyAny>>, stopping: Py<PyAny>) -> PyResult<()> {
        let work = self.take_work()?;
        let handle = handle()?;
        // Run the work as a separate task. It must continue while a user function runs here, which may itself make
        // calls that need the same resources.
        let work = handle.spawn(work);
        // Borrow these: values moved into the work would be dropped while detached from Python.
        let callbacks = Callbacks {
            progress: progress.as_ref(),
            stopping: &stopping,
        };
        if wait::block_on(py, &handle, work, &self.shared, callbacks) {
            self.leave_reading();
        }
        Ok(())
    }

    /// Runs in the background. Returns an asyncio future of the running loop that completes when the call ends.
    /// Canceling the future does not stop the call. Once the loop is closed, the call sends no new requests.
    fn start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let event_loop = EventLoop::running(py)?;
        let handle = handle()?;
        let (sender, ended) = oneshot::channel();
        let awaitable = event_loop.awaitable(py, &handle, ended)?;
        let mut work = handle.spawn(event_loop.scope(self.take_work()?));
        let shared = Held::new(self.shared.clone());
        handle.spawn(async move {
            let joined = loop {
                tokio::select! {
                    joined = &mut work => break joined,
                    () = tokio::time::sleep(LOOP_CHECK) => {}
                }
                if event_loop.is_closed() {
                    shared.stop.to(Phase::Drain);
                }
            };
            shared.end(CallEnd::of_task(joined));
            tokio::task::block_in_place(logs::flush);
            // The future may have been canceled.
            let _ = sender.send(());
        });
        Ok(awaitable)
    }

    /// Stops new requests. Requests in flight may still complete.
    fn stop(&self) {
        self.shared.stop.to(Phase::Drain);
        self.leave_reading();
    }

    /// Ends the call immediately. Rows in flight stay unknown.
    fn abort(&self) {
        self.shared.stop.to(Phase::Now);
        self.leave_reading();
    }

    #[getter]
    fn done(&self) -> bool {
        self.shared.is_done()
    }

    #[getter]
    fn interrupted(&self) -> bool {
        self.shared.is_interrupted()
    }

    /// The error that ended the call early, or None.
    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let raised = self.shared.error(py)?;
        Some(raised.into_value(py).into_any())
    }

    /// The current state of every row. The state is always accurate, even after an abort.
    #[getter]
    fn ledger(&self) -> Ledger {
        Ledger::new(self.shared.ledger())
    }

    /// The rows that the call returns, or None: rows that were read or written, or the steps of a setup.
    #[getter]
    fn table(&self, py: Python<'_>) -> Option<Py<Table>> {
        let result = self.shared.result();
        result.table.as_ref().map(|table| table.clone_ref(py))
    }

    /// The number of rows, if the call only counts them.
    #[getter]
    fn count(&self) -> Option<u64> {
        self.shared.result().count
    }

    /// The settings that were read.
    #[getter]
    fn settings(&self, py: Python<'_>) -> Option<Py<Settings>> {
        let result = self.shared.result();
        result.settings.as_ref().map(|settings| settings.clone_ref(py))
    }

    /// Whether, since this read was created, a newer read was created or a change of the settings was announced.
    /// If so, the result of this read may be stale and must not be cached.
    #[getter]
    fn superseded(&self) -> bool {
        locked(&self.reading)
            .as_ref()
            .is_some_and(|reading| reading.is_superseded())
    }

    /// Returns the rows that were settled, checked or read, all rows (None if not known), requests, lookups
    /// (included in the requests), and the current activity.
    fn progress(&self) -> Report {
        report(self.shared.progress())
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        // The result can no longer be asked for.
        self.shared.stop.to(Phase::Now);
    }
}
