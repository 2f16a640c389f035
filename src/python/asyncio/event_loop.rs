//! The event loop that awaits a call.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3_async_runtimes::{TaskLocals, generic, get_running_loop};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::block_in_place;

use super::runtime::Core;
use crate::http::scope;
use crate::python::attached::{Held, attached};

/// How often to check whether an event loop is still running.
pub const LOOP_CHECK: Duration = Duration::from_millis(500);

/// The error message for an await outside asyncio.
pub const NO_LOOP: &str = "there is no running asyncio event loop. Await acc_assets in asyncio, uvloop, or anyio with its \
                       asyncio backend; trio is not supported";

/// The event loop that awaits an operation, with the context variables of the awaiting code.
pub struct EventLoop(Arc<Held<TaskLocals>>);

impl EventLoop {
    /// Returns the running loop of this thread.
    ///
    /// # Errors
    /// `RuntimeError` if no loop is running.
    pub fn running(py: Python<'_>) -> PyResult<Self> {
        let running = get_running_loop(py).map_err(|_| PyRuntimeError::new_err(NO_LOOP))?;
        let locals = TaskLocals::new(running).copy_context(py)?;
        Ok(Self(Arc::new(Held::new(locals))))
    }

    /// Returns the loop of the current operation, if it was started in one.
    pub fn current() -> Option<Self> {
        scope::current().map(Self)
    }

    /// Returns the loop and its context variables.
    pub fn locals(&self) -> &TaskLocals {
        &self.0
    }

    /// Wraps an operation so that its token function is awaited in this loop.
    pub fn scope<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        scope::with(self.0.clone(), work)
    }

    /// Returns an asyncio future that completes when `ended` does. Canceling the asyncio future does not stop
    /// the operation.
    ///
    /// # Errors
    /// If the loop cannot create a future.
    pub fn awaitable<'py>(
        &self,
        py: Python<'py>,
        runtime: &Handle,
        ended: oneshot::Receiver<()>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _entered = runtime.enter();
        let quiet = Bound::new(py, QuietLoop(self.0.event_loop(py).unbind()))?;
        let ended = async move {
            // The sender is dropped early only if the work panicked, and then it has ended too.
            let _ = ended.await;
            // In Python, `()` would be an empty tuple.
            Ok(None::<bool>)
        };
        generic::future_into_py_with_locals::<Core, _, _>(py, TaskLocals::new(quiet.into_any()), ended)
    }

    /// Returns whether the loop was closed. Call this from a thread of the core.
    pub fn is_closed(&self) -> bool {
        let closed = || attached(|py| is_true(&self.0.event_loop(py), intern!(py, "is_closed")));
        block_in_place(closed).unwrap_or(false)
    }

    /// Returns whether the loop is running. Call this from a thread of the core.
    pub fn runs(&self) -> bool {
        block_in_place(|| attached(|py| self.is_running(py))).unwrap_or(false)
    }

    /// Returns whether the loop is running. A closed or stopped loop cannot await anything.
    pub fn is_running(&self, py: Python<'_>) -> bool {
        is_true(&self.0.event_loop(py), intern!(py, "is_running"))
    }
}

fn is_true(object: &Bound<'_, PyAny>, method: &Bound<'_, PyString>) -> bool {
    // An exception must not leave `attached`: it would be dropped without the interpreter.
    object
        .call_method0(method)
        .and_then(|value| value.is_truthy())
        .unwrap_or(false)
}

/// A loop that silently ignores callbacks once it is closed. Checking first is not enough: the loop may close right
/// after the check, and pyo3-async-runtimes prints the error raised by `call_soon_threadsafe`.
#[pyclass(frozen)]
struct QuietLoop(Py<PyAny>);

#[pymethods]
impl QuietLoop {
    fn create_future(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.call_method0(py, intern!(py, "create_future"))
    }

    #[pyo3(signature = (*args, **options))]
    fn call_soon_threadsafe(
        &self,
        args: &Bound<'_, PyTuple>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let py = args.py();
        let event_loop = self.0.bind(py);
        match event_loop.call_method(intern!(py, "call_soon_threadsafe"), args, options) {
            Err(raised) if !is_true(event_loop, intern!(py, "is_closed")) => Err(raised),
            _ => Ok(()),
        }
    }
}
