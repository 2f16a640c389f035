//! A running call, driven in the caller's thread or in the background.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::asyncio::{EventLoop, LOOK};
use super::attached::{Held, attached};
use super::errors::exception;
use super::ledger::Ledger;
use super::logs;
use super::runtime::handle;
use super::settings::Settings;
use super::table::Table;
use crate::columns;
use crate::error::{Error, Sent, TransportError};
use crate::http::{Phase, Stop};
use crate::ledger::{self, SharedLedger, lock};
use crate::reads::rest::{ReadEnd, Rest};
use crate::reads::shared_settings::Reading;
use crate::run::activity::{Activity, CurrentActivity};
use crate::run::drive::GRACE;
use crate::settings;

/// How often a waiting thread checks for signals, so that Ctrl-C takes effect within a tenth of a second.
const TICK: Duration = Duration::from_millis(50);

/// The number of ticks between calls of the progress callback.
const TICKS_A_REPORT: u32 = 5;

/// The result of a call.
#[derive(Default)]
pub struct Ended {
    pub table: Option<columns::Table>,
    /// What remains of an interrupted read.
    pub rest: Option<Rest>,
    pub settings: Option<Arc<settings::Settings>>,
    /// The number of rows, of a call that only counts them.
    pub count: Option<u64>,
    /// Whether this was only a part of a read, so that more rows follow.
    pub goes_on: bool,
    pub error: Option<Error>,
}

impl Ended {
    pub fn of_read(end: ReadEnd) -> Self {
        Self {
            table: Some(end.table),
            rest: end.rest,
            error: end.error,
            ..Self::default()
        }
    }
}

/// The work of a call as one future, which either `wait` or `start` drives.
pub type Work = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// State shared by the driver and the observers.
struct Shared {
    ledger: SharedLedger,
    stop: Stop,
    interrupted: AtomicBool,
    done: AtomicBool,
    goes_on: AtomicBool,
    /// The number of rows, if known in advance.
    rows: Option<usize>,
    end: Mutex<End>,
    ended: OnceLock<Arc<ledger::Ledger>>,
    /// Settled rows, requests and lookups at the last progress report.
    seen: Mutex<(usize, u64, u64)>,
    /// The exception raised by the row source.
    source_error: Arc<Mutex<Option<PyErr>>>,
    activity: CurrentActivity,
}

/// Rows that were settled, checked or read, all rows if known, requests, lookups (included in requests), and
/// the current activity.
type Progress = (usize, Option<usize>, u64, u64, &'static str);

#[derive(Default)]
struct End {
    table: Option<Py<Table>>,
    settings: Option<Py<Settings>>,
    count: Option<u64>,
    error: Option<Error>,
    /// An exception raised by a signal handler or the progress callback, other than `KeyboardInterrupt`.
    signal: Option<PyErr>,
}

/// A running call, driven either by `wait` in this thread or by `start` in the background.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Operation {
    work: Mutex<Option<Work>>,
    shared: Arc<Shared>,
    /// The read of settings that this call waits for. The read is kept until Python has stored the settings, so that a
    /// call that starts meanwhile finds either the read or the stored settings.
    reading: Mutex<Option<Arc<Reading>>>,
}

impl Operation {
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
            shared: Arc::new(Shared {
                ledger,
                stop,
                interrupted: AtomicBool::new(false),
                done: AtomicBool::new(false),
                goes_on: AtomicBool::new(false),
                rows,
                end: Mutex::default(),
                ended: OnceLock::new(),
                seen: Mutex::default(),
                source_error,
                activity,
            }),
            reading: Mutex::default(),
        }
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

impl Shared {
    fn end(&self, ended: Ended) {
        self.goes_on.store(ended.goes_on, Ordering::Relaxed);
        let rest = ended.rest;
        let table = ended.table.and_then(|table| {
            let table = Table::unfinished(table, rest);
            attached(|py| Py::new(py, table).ok()).flatten()
        });
        let settings = ended
            .settings
            .and_then(|settings| attached(|py| Py::new(py, Settings(settings)).ok()).flatten());
        {
            let mut end = locked(&self.end);
            end.settings = settings;
            end.table = table;
            end.count = ended.count;
            end.error = ended.error;
        }
        {
            // Move the ledger while holding its lock, so that observers always find it in one of the two
            // places.
            let mut ledger = lock(&self.ledger);
            let _ = self.ended.set(Arc::new(std::mem::take(&mut *ledger)));
        }
        self.done.store(true, Ordering::Release);
    }

    fn progress(&self) -> Progress {
        let activity = self.activity.get();
        let counts = |ledger: &ledger::Ledger| {
            let done = match activity {
                // Rows that are only checked are not settled.
                Activity::Checking => ledger.rows(),
                _ => ledger.settled_rows(),
            };
            (done, ledger.stats.requests, ledger.stats.lookups)
        };
        if let (pages @ 1.., rows, total) = self.activity.listed()
            && self.activity.is_reading()
        {
            let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
            let total = match self.ended.get() {
                Some(_) if !self.goes_on.load(Ordering::Relaxed) => Some(rows),
                // Some lists report no total, or a total that does not match the rows that the user may see.
                _ => Some(total).filter(|total| *total >= rows && *total > 0),
            };
            return (count(rows), total.map(count), pages, 0, activity.as_str());
        }
        let mut seen = locked(&self.seen);
        // Do not wait for the lock: the caller may be an event loop.
        if let Ok(ledger) = self.ledger.try_lock()
            && self.ended.get().is_none()
        {
            *seen = counts(&ledger);
        }
        match self.ended.get() {
            Some(ledger) => {
                let (done, requests, lookups) = counts(ledger);
                (done, Some(ledger.rows()), requests, lookups, activity.as_str())
            }
            None => (seen.0, self.rows, seen.1, seen.2, activity.as_str()),
        }
    }
}

/// Returns the result of the work. A panic becomes an error, because a caller is waiting for the result.
fn ended(joined: Result<Ended, tokio::task::JoinError>) -> Ended {
    joined.unwrap_or_else(|error| Ended {
        error: Some(Error::Transport(TransportError::new(
            Sent::Maybe,
            format!("the call failed inside the client: {error}"),
        ))),
        ..Ended::default()
    })
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
        let mut work = handle.spawn(work);
        let shared = &self.shared;
        // Borrow these: values moved into the work would be dropped while detached from Python.
        let (report, stopping) = (progress.as_ref(), &stopping);
        let stopped = py.detach(move || {
            handle.block_on(async move {
                let mut ticks = tokio::time::interval_at(Instant::now() + TICK, TICK);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                let mut count: u32 = 0;
                let mut grace: Option<Instant> = None;
                let mut told = false;
                let end = loop {
                    tokio::select! {
                        biased;
                        joined = &mut work => break ended(joined),
                        _ = ticks.tick() => {}
                    }
                    count = count.wrapping_add(1);
                    if grace.is_some_and(|until| Instant::now() >= until) {
                        shared.stop.to(Phase::Now);
                    }
                    if grace.is_none() && shared.interrupted_in_source() {
                        grace = Some(Instant::now() + GRACE);
                    }
                    let look = || {
                        Python::try_attach(|py| {
                            py.check_signals()?;
                            match report {
                                // Once the run is stopping, the progress callback is not called again. The
                                // wait for responses ends after the grace period, or with another Ctrl-C.
                                _ if grace.is_some() && !told => {
                                    told = true;
                                    stopping.call0(py).map(drop)
                                }
                                Some(progress) if grace.is_none() && count.is_multiple_of(TICKS_A_REPORT) => {
                                    progress.call1(py, shared.progress()).map(drop)
                                }
                                _ => Ok(()),
                            }
                        })
                    };
                    let Some(looked) = tokio::task::block_in_place(look) else {
                        // Python is shutting down, so this thread has nothing to return to.
                        std::future::pending().await
                    };
                    if let Err(raised) = looked {
                        shared.interrupt(raised);
                        match grace {
                            None => grace = Some(Instant::now() + GRACE),
                            Some(_) => shared.stop.to(Phase::Now),
                        }
                    }
                };
                shared.end(end);
                // Write the log records of the caller's thread before it gets the result.
                logs::flush();
                grace.is_some()
            })
        });
        if stopped {
            self.leave_reading();
        }
        // Handle a late Ctrl-C here, too. If it were raised later, the caller would lose the ledger.
        let last = py.check_signals().and_then(|()| match &progress {
            Some(progress) if !stopped => progress.call1(py, self.shared.progress()).map(drop),
            _ => Ok(()),
        });
        if let Err(raised) = last {
            self.shared.interrupt(raised);
        }
        Ok(())
    }

    /// Runs in the background. Returns an asyncio future of the running loop that completes when the call ends.
    /// Canceling the future does not stop the call. Once the loop is closed, the call sends no new requests.
    fn start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let event_loop = EventLoop::running(py)?;
        let handle = handle()?;
        let (tell, told) = oneshot::channel();
        let awaitable = event_loop.awaitable(py, &handle, told)?;
        let mut work = handle.spawn(event_loop.scope(self.take_work()?));
        let shared = Held::new(self.shared.clone());
        handle.spawn(async move {
            let joined = loop {
                tokio::select! {
                    joined = &mut work => break joined,
                    () = tokio::time::sleep(LOOK) => {}
                }
                if event_loop.is_closed() {
                    shared.stop.to(Phase::Drain);
                }
            };
            shared.end(ended(joined));
            tokio::task::block_in_place(logs::flush);
            // The future may have been canceled.
            let _ = tell.send(());
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
        self.shared.done.load(Ordering::Acquire)
    }

    #[getter]
    fn interrupted(&self) -> bool {
        self.shared.interrupted_in_source() || self.shared.interrupted.load(Ordering::Acquire)
    }

    /// The error that ended the call early, or None.
    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        // Creating an exception runs Python code, which may switch threads, so release the mutex first.
        let (signal, error) = {
            let end = locked(&self.shared.end);
            let signal = end.signal.as_ref().map(|signal| signal.clone_ref(py));
            (signal, end.error.clone())
        };
        let source = locked(&self.shared.source_error)
            .as_ref()
            .map(|raised| raised.clone_ref(py));
        let raised = signal
            .or(source)
            .or_else(|| error.map(|error| exception(py, &error)))?;
        Some(raised.into_value(py).into_any())
    }

    /// The current state of every row. The state is always accurate, even after an abort.
    #[getter]
    fn ledger(&self) -> Ledger {
        if let Some(ended) = self.shared.ended.get() {
            return Ledger::new(ended.clone());
        }
        let ledger = lock(&self.shared.ledger);
        // The call may have ended meanwhile.
        let ended = self.shared.ended.get().cloned();
        Ledger::new(ended.unwrap_or_else(|| Arc::new(ledger.clone())))
    }

    /// The rows that the call returns, or None: rows that were read or written, or the steps of a setup.
    #[getter]
    fn table(&self, py: Python<'_>) -> Option<Py<Table>> {
        locked(&self.shared.end)
            .table
            .as_ref()
            .map(|table| table.clone_ref(py))
    }

    /// The number of rows, if the call only counts them.
    #[getter]
    fn count(&self) -> Option<u64> {
        locked(&self.shared.end).count
    }

    /// The settings that were read.
    #[getter]
    fn settings(&self, py: Python<'_>) -> Option<Py<Settings>> {
        locked(&self.shared.end)
            .settings
            .as_ref()
            .map(|settings| settings.clone_ref(py))
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
    #[pyo3(name = "progress")]
    fn report(&self) -> Progress {
        self.shared.progress()
    }
}

impl Shared {
    /// Returns whether Ctrl-C was raised inside the row source, such as a user's generator.
    fn interrupted_in_source(&self) -> bool {
        let interrupted = Python::try_attach(|py| {
            let raised = locked(&self.source_error);
            raised
                .as_ref()
                .is_some_and(|raised| raised.is_instance_of::<PyKeyboardInterrupt>(py))
        });
        interrupted.unwrap_or(false)
    }

    /// Handles an exception from a signal handler or the progress callback: stops the run gracefully, and
    /// keeps the exception until the end.
    fn interrupt(&self, raised: PyErr) {
        self.stop.to(Phase::Drain);
        Python::attach(|py| {
            if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
                self.interrupted.store(true, Ordering::Release);
                return;
            }
            // Drop a second exception only after releasing the mutex, because dropping it may run Python
            // code.
            let spare = {
                let mut end = locked(&self.end);
                match end.signal {
                    Some(_) => Some(raised),
                    None => end.signal.replace(raised),
                }
            };
            drop(spare);
        });
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        // Nobody can ask for the result anymore.
        self.shared.stop.to(Phase::Now);
    }
}

/// Locks a mutex. No code panics while holding such a lock.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
