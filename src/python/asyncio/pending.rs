//! A token that is awaited, and that can be canceled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::asyncio::CancelledError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3_async_runtimes::get_running_loop;
use tokio::task::block_in_place;

use crate::python::attached::{Held, attached};

/// The awaitable that a token function returned, and the task that awaits it.
#[derive(Default)]
struct Pending {
    /// The awaitable, until it is awaited.
    awaitable: Option<Py<PyAny>>,
    /// The task that awaits the awaitable, and the task's loop.
    task: Option<(Py<PyAny>, Py<PyAny>)>,
    /// Whether the token is no longer needed.
    is_unwanted: bool,
}

/// A [`Pending`] that several threads use.
pub struct PendingToken(Held<Mutex<Pending>>);

impl PendingToken {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // No code panics or runs Python while holding this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores an awaitable until it is awaited. If the token is no longer needed, closes the awaitable and
    /// returns `false`.
    pub fn keep(&self, awaitable: Bound<'_, PyAny>) -> bool {
        {
            let mut pending = self.lock();
            if !pending.is_unwanted {
                pending.awaitable = Some(awaitable.unbind());
                return true;
            }
        }
        close(&awaitable);
        false
    }

    /// Drops the task after the await has ended. Call this while attached to Python.
    pub fn forget(&self) {
        let task = self.lock().task.take();
        drop(task);
    }
}

/// Closes a coroutine, which would otherwise warn that it was never awaited. Awaitables without a `close`
/// method are left alone.
fn close(awaitable: &Bound<'_, PyAny>) {
    let _ = awaitable.call_method0(intern!(awaitable.py(), "close"));
}

/// A call to the token function. Dropping it cancels the task that awaits the token.
pub struct TokenCall(Arc<PendingToken>);

impl TokenCall {
    pub fn new() -> Self {
        Self(Arc::new(PendingToken(Held::new(Mutex::default()))))
    }

    /// Returns the awaitable of this call.
    pub fn pending(&self) -> Arc<PendingToken> {
        self.0.clone()
    }
}

impl Drop for TokenCall {
    fn drop(&mut self) {
        let (awaitable, task) = {
            let mut pending = self.0.lock();
            pending.is_unwanted = true;
            (pending.awaitable.take(), pending.task.take())
        };
        if awaitable.is_none() && task.is_none() {
            return;
        }
        let left = Held::new((awaitable, task));
        let cancel = || {
            attached(|py| {
                let (awaitable, task) = &*left;
                // Ignore errors, because a closed loop has no tasks to cancel.
                if let Some((task, event_loop)) = task {
                    let _ = task.getattr(py, intern!(py, "cancel")).and_then(|cancel| {
                        event_loop.call_method1(py, intern!(py, "call_soon_threadsafe"), (cancel,))
                    });
                }
                if let Some(awaitable) = awaitable {
                    close(awaitable.bind(py));
                }
            });
        };
        block_in_place(cancel);
    }
}

/// The object that the event loop awaits. The object records the task that awaits it.
#[pyclass(frozen)]
pub struct Awaitable(Arc<PendingToken>);

impl Awaitable {
    pub fn new(pending: Arc<PendingToken>) -> Self {
        Self(pending)
    }
}

#[pymethods]
impl Awaitable {
    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let asyncio = py.import("asyncio")?;
        let task = asyncio.call_method0("current_task")?.unbind();
        let event_loop = get_running_loop(py)?.unbind();
        let awaitable = {
            let mut pending = self.0.lock();
            let awaitable = pending.awaitable.take();
            if awaitable.is_some() {
                pending.task = Some((task, event_loop));
            }
            awaitable
        };
        let Some(awaitable) = awaitable else {
            return Err(CancelledError::new_err("the token is no longer needed"));
        };
        // Hide the token, since the repr of a finished task shows its result.
        py.import("acc_assets._secret")?
            .call_method1("hidden", (awaitable,))?
            .call_method0("__await__")
    }
}
