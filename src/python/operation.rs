//! A call under way: driven in the caller's thread, or in the background.

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
use crate::batch::activity::CurrentActivity;
use crate::batch::readings::Reading;
use crate::batch::rest::{ReadEnd, Rest};
use crate::batch::run::GRACE;
use crate::columns;
use crate::error::{Error, Sent, TransportError};
use crate::http::{Phase, Stop};
use crate::ledger::{self, SharedLedger, lock};
use crate::settings;

/// How often a waiting thread looks for signals: Ctrl-C is answered within a tenth of a second.
const TICK: Duration = Duration::from_millis(50);

/// A call to progress every so many ticks.
const TICKS_A_REPORT: u32 = 5;

/// What a call ends with.
pub struct Ended {
    pub table: Option<columns::Table>,
    /// What is left of a read.
    pub rest: Option<Rest>,
    pub settings: Option<Arc<settings::Settings>>,
    pub error: Option<Error>,
}

impl Ended {
    pub fn of_read(end: ReadEnd) -> Self {
        Self {
            table: Some(end.table),
            rest: end.rest,
            settings: None,
            error: end.error,
        }
    }
}

/// The work of a call: one future, whoever drives it.
pub type Work = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// What the driver and whoever looks share.
struct Shared {
    ledger: SharedLedger,
    stop: Stop,
    interrupted: AtomicBool,
    done: AtomicBool,
    /// How many rows there will be, where that is known.
    rows: Option<usize>,
    end: Mutex<End>,
    ended: OnceLock<Arc<ledger::Ledger>>,
    /// Rows settled, requests and lookups among them when progress was asked for last.
    seen: Mutex<(usize, u64, u64)>,
    /// What the source of the rows raised.
    source_error: Arc<Mutex<Option<PyErr>>>,
    activity: CurrentActivity,
}

/// Settled rows, all rows if known, requests, lookups among them, and the activity of the call.
type Progress = (usize, Option<usize>, u64, u64, &'static str);

#[derive(Default)]
struct End {
    table: Option<Py<Table>>,
    settings: Option<Py<Settings>>,
    error: Option<Error>,
    /// What a signal handler raised, other than the usual `KeyboardInterrupt`.
    signal: Option<PyErr>,
}

/// One call under way: driven by `wait` (in this thread) or `start` (in the background), never both.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Operation {
    work: Mutex<Option<Work>>,
    shared: Arc<Shared>,
    /// The read of settings that it waits for. Held until Python has kept them, so that a call that begins meanwhile
    /// finds the one or the other.
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

    /// The same, waiting for a read of settings.
    pub fn waits_for(self, reading: Arc<Reading>) -> Self {
        *locked(&self.reading) = Some(reading);
        self
    }

    /// A call that was told to end waits for no settings any more.
    fn leave_reading(&self) {
        let reading = locked(&self.reading).take();
        drop(reading);
    }

    fn take_work(&self) -> PyResult<Work> {
        locked(&self.work)
            .take()
            .ok_or_else(|| PyRuntimeError::new_err("this call was driven before"))
    }
}

impl Shared {
    fn end(&self, ended: Ended) {
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
            end.error = ended.error;
        }
        {
            // Under one lock, so that nobody finds the ledger in neither place.
            let mut ledger = lock(&self.ledger);
            let _ = self.ended.set(Arc::new(std::mem::take(&mut *ledger)));
        }
        self.done.store(true, Ordering::Release);
    }

    fn progress(&self) -> Progress {
        let activity = self.activity.get().as_str();
        let mut seen = locked(&self.seen);
        // Whoever holds the lock is not waited for: an event loop may ask.
        if let Ok(ledger) = self.ledger.try_lock()
            && self.ended.get().is_none()
        {
            *seen = (ledger.settled_rows(), ledger.stats.requests, ledger.stats.lookups);
        }
        match self.ended.get() {
            Some(ledger) => (
                ledger.settled_rows(),
                Some(ledger.rows()),
                ledger.stats.requests,
                ledger.stats.lookups,
                activity,
            ),
            None => (seen.0, self.rows, seen.1, seen.2, activity),
        }
    }
}

/// How the work ended. Whatever happened to it, who waits for it must be told.
fn ended(joined: Result<Ended, tokio::task::JoinError>) -> Ended {
    joined.unwrap_or_else(|error| Ended {
        table: None,
        rest: None,
        settings: None,
        error: Some(Error::Transport(TransportError::new(
            Sent::Maybe,
            format!("the call broke down inside the client: {error}"),
        ))),
    })
}

#[pymethods]
impl Operation {
    /// Runs to the end in this thread, without the GIL, looking for signals every 50 ms. `stopping` is called once, when
    /// the run was told to end and still waits for answers.
    #[pyo3(signature = (progress, stopping, /))]
    #[allow(clippy::needless_pass_by_value)] // What Python hands over.
    fn wait(&self, py: Python<'_>, progress: Option<Py<PyAny>>, stopping: Py<PyAny>) -> PyResult<()> {
        let work = self.take_work()?;
        let handle = handle()?;
        // A task of its own: what it holds while a function of the user's runs, which may make calls of its own, goes on
        // and is given back.
        let mut work = handle.spawn(work);
        let shared = &self.shared;
        // Borrowed, since what moves into the work is dropped without the interpreter.
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
                                // One that raised is not asked again: only another Ctrl-C may end the wait for answers.
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
                        // Python has ended and the process is about to: there is nothing this thread could go back to.
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
                // This is the caller's thread: it gets its log lines before its result.
                logs::flush();
                grace.is_some()
            })
        });
        if stopped {
            self.leave_reading();
        }
        // A Ctrl-C of the last moment counts too: raised here it would hide the ledger.
        let last = py.check_signals().and_then(|()| match &progress {
            Some(progress) if !stopped => progress.call1(py, self.shared.progress()).map(drop),
            _ => Ok(()),
        });
        if let Err(raised) = last {
            self.shared.interrupt(raised);
        }
        Ok(())
    }

    /// Runs in the background. Returns an asyncio future of the running loop that is done when the call has ended.
    /// Canceling the future does not stop the call. Once the loop is closed, the call sends nothing new.
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

    /// No new requests; those in flight may answer.
    fn stop(&self) {
        self.shared.stop.to(Phase::Drain);
        self.leave_reading();
    }

    /// Ends at once; rows in flight stay unknown.
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

    /// What ended the run early.
    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        // An exception is made by Python code, which may run other threads: not while the mutex is locked.
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

    /// What is known of every row so far; true at any moment, also after an abort.
    #[getter]
    fn ledger(&self) -> Ledger {
        if let Some(ended) = self.shared.ended.get() {
            return Ledger::new(ended.clone());
        }
        let ledger = lock(&self.shared.ledger);
        // It may have ended meanwhile.
        let ended = self.shared.ended.get().cloned();
        Ledger::new(ended.unwrap_or_else(|| Arc::new(ledger.clone())))
    }

    /// What was read.
    #[getter]
    fn table(&self, py: Python<'_>) -> Option<Py<Table>> {
        locked(&self.shared.end)
            .table
            .as_ref()
            .map(|table| table.clone_ref(py))
    }

    /// The settings that were read.
    #[getter]
    fn settings(&self, py: Python<'_>) -> Option<Py<Settings>> {
        locked(&self.shared.end)
            .settings
            .as_ref()
            .map(|settings| settings.clone_ref(py))
    }

    /// Whether the settings that it waits for were read again, or changed, since: they are not to be kept.
    #[getter]
    fn superseded(&self) -> bool {
        locked(&self.reading)
            .as_ref()
            .is_some_and(|reading| reading.is_superseded())
    }

    /// Settled rows, all rows (None while a stream is being read), requests with a response, lookups among them, and
    /// the activity of the call.
    #[pyo3(name = "progress")]
    fn report(&self) -> Progress {
        self.shared.progress()
    }
}

impl Shared {
    /// Whether the Ctrl-C was raised where the rows come from, a generator of the user's.
    fn interrupted_in_source(&self) -> bool {
        let interrupted = Python::try_attach(|py| {
            let raised = locked(&self.source_error);
            raised
                .as_ref()
                .is_some_and(|raised| raised.is_instance_of::<PyKeyboardInterrupt>(py))
        });
        interrupted.unwrap_or(false)
    }

    /// A signal handler, or the progress callback, raised: stop softly, and remember what to raise in the end.
    fn interrupt(&self, raised: PyErr) {
        self.stop.to(Phase::Drain);
        Python::attach(|py| {
            if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
                self.interrupted.store(true, Ordering::Release);
                return;
            }
            // What is dropped may run Python code: after the mutex.
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
        // Nobody can ask for its result any more.
        self.shared.stop.to(Phase::Now);
    }
}

/// Nothing here panics while it holds a lock.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
