//! The state of a call, shared by what drives it and what observes it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use super::end::CallEnd;
use crate::error::Error;
use crate::http::{Phase, Stop};
use crate::ledger::{Ledger, SharedLedger, lock};
use crate::python::attached::attached;
use crate::python::errors::exception;
use crate::python::settings::Settings;
use crate::python::table::Table;
use crate::run::activity::CurrentActivity;
use crate::run::progress::{Counts, Progress};

/// State shared by the driver and the observers.
pub struct CallState {
    ledger: SharedLedger,
    pub stop: Stop,
    /// Whether a signal handler or the progress callback raised `KeyboardInterrupt`.
    interrupted: AtomicBool,
    done: AtomicBool,
    /// Whether this was only a part of a read.
    goes_on: AtomicBool,
    /// The number of rows, if known in advance.
    rows: Option<usize>,
    end: Mutex<CallResult>,
    /// The ledger, once the call has ended.
    ended: OnceLock<Arc<Ledger>>,
    /// The counts of the last progress report.
    counts: Mutex<Counts>,
    /// The exception raised by the row source.
    source_error: Arc<Mutex<Option<PyErr>>>,
    activity: CurrentActivity,
}

/// The result of a call, once it has ended.
#[derive(Default)]
pub struct CallResult {
    pub table: Option<Py<Table>>,
    pub settings: Option<Py<Settings>>,
    pub count: Option<u64>,
    pub error: Option<Error>,
    /// An exception raised by a signal handler or the progress callback, other than `KeyboardInterrupt`.
    signal: Option<PyErr>,
}

impl CallState {
    pub fn new(
        ledger: SharedLedger,
        stop: Stop,
        rows: Option<usize>,
        source_error: Arc<Mutex<Option<PyErr>>>,
        activity: CurrentActivity,
    ) -> Self {
        Self {
            ledger,
            stop,
            interrupted: AtomicBool::new(false),
            done: AtomicBool::new(false),
            goes_on: AtomicBool::new(false),
            rows,
            end: Mutex::default(),
            ended: OnceLock::new(),
            counts: Mutex::default(),
            source_error,
            activity,
        }
    }

    /// Stores the result of the call.
    pub fn end(&self, ended: CallEnd) {
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

    /// Returns the result, which is empty until the call has ended.
    pub fn result(&self) -> MutexGuard<'_, CallResult> {
        locked(&self.end)
    }

    /// Returns whether the call has ended.
    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Returns the current state of every row.
    pub fn ledger(&self) -> Arc<Ledger> {
        if let Some(ended) = self.ended.get() {
            return ended.clone();
        }
        let ledger = lock(&self.ledger);
        // The call may have ended meanwhile.
        let ended = self.ended.get().cloned();
        ended.unwrap_or_else(|| Arc::new(ledger.clone()))
    }

    /// Returns how far the call has come.
    pub fn progress(&self) -> Progress {
        let activity = self.activity.get();
        let is_whole = self.ended.get().is_some() && !self.goes_on.load(Ordering::Relaxed);
        if let Some(progress) = Progress::of_list(&self.activity, is_whole) {
            return progress;
        }
        let mut counts = locked(&self.counts);
        // Do not wait for the lock: the caller may be an event loop.
        if let Ok(ledger) = self.ledger.try_lock()
            && self.ended.get().is_none()
        {
            *counts = Counts::of(&ledger, activity);
        }
        match self.ended.get() {
            Some(ledger) => Progress {
                counts: Counts::of(ledger, activity),
                all: Some(ledger.rows()),
                activity,
            },
            None => Progress {
                counts: *counts,
                all: self.rows,
                activity,
            },
        }
    }

    /// Returns the exception that the call raises, if any.
    pub fn error(&self, py: Python<'_>) -> Option<PyErr> {
        // Creating an exception runs Python code, which may switch threads, so release the mutex first.
        let (signal, error) = {
            let end = locked(&self.end);
            let signal = end.signal.as_ref().map(|signal| signal.clone_ref(py));
            (signal, end.error.clone())
        };
        let source = locked(&self.source_error)
            .as_ref()
            .map(|raised| raised.clone_ref(py));
        signal
            .or(source)
            .or_else(|| error.map(|error| exception(py, &error)))
    }

    /// Returns whether Ctrl-C was raised in the call or inside the row source.
    pub fn is_interrupted(&self) -> bool {
        self.is_interrupted_in_source() || self.interrupted.load(Ordering::Acquire)
    }

    /// Returns whether Ctrl-C was raised inside the row source, such as a user's generator.
    pub fn is_interrupted_in_source(&self) -> bool {
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
    pub fn interrupt(&self, raised: PyErr) {
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

/// Locks a mutex. No code panics while holding such a lock.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
