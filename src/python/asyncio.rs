//! The bridge to asyncio: awaitable operations, and async token functions as Rust futures.
//!
//! `pyo3-async-runtimes` does the work. This module provides the runtime, whose tasks follow three rules: they enter
//! Python only through `attached`, drop Python objects while attached, and print nothing for a closed loop.

use std::future::Future;
use std::pin::Pin;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pyo3::exceptions::asyncio::CancelledError;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3_async_runtimes::generic::{self, ContextExt, JoinError, Runtime};
use pyo3_async_runtimes::{TaskLocals, get_running_loop, into_future_with_locals};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{block_in_place, spawn_blocking};

use super::attached::{Held, attached};
use super::runtime::handle;
use crate::http::auth::NoToken;
use crate::http::scope;

/// How often to check whether an event loop is still running.
pub const LOOK: Duration = Duration::from_millis(500);

/// The error message for an await outside asyncio.
pub const NO_LOOP: &str = "there is no running asyncio event loop. Await acc_assets in asyncio, uvloop, or anyio with its asyncio \
                       backend; trio is not supported";

/// Makes our runtime available to `pyo3-async-runtimes`.
struct Core;

/// A task spawned by `pyo3-async-runtimes`, or `None` if the process has no runtime.
struct Task(Option<tokio::task::JoinHandle<()>>);

struct Broken(Option<tokio::task::JoinError>);

impl Core {
    fn handle() -> Option<Handle> {
        // Prefer the current runtime. A thread of the core must not take the lock in `handle`: a fork in the
        // meantime would leave the lock held in the child. `awaitable` enters the runtime of this process,
        // since a thread that forked may still be inside its parent's runtime.
        Handle::try_current().or_else(|_| handle()).ok()
    }
}

impl Runtime for Core {
    type JoinError = Broken;
    type JoinHandle = Task;

    fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) -> Task {
        Task(Self::handle().map(|handle| handle.spawn(Attached::new(future))))
    }

    fn spawn_blocking<F: FnOnce() + Send + 'static>(work: F) -> Task {
        let work = move || {
            attached(|_| work());
        };
        Task(Self::handle().map(|handle| handle.spawn_blocking(work)))
    }
}

impl ContextExt for Core {
    fn scope<F, R>(locals: TaskLocals, future: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(scope::with(Arc::new(Held::new(locals)), future))
    }

    fn get_task_locals() -> Option<TaskLocals> {
        scope::current::<Held<TaskLocals>>().map(|locals| (**locals).clone())
    }
}

impl Future for Task {
    type Output = Result<(), Broken>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(task) => Pin::new(task).poll(context).map_err(|error| Broken(Some(error))),
            None => Poll::Ready(Err(Broken(None))),
        }
    }
}

impl JoinError for Broken {
    fn is_panic(&self) -> bool {
        self.0.as_ref().is_some_and(tokio::task::JoinError::is_panic)
    }

    fn into_panic(self) -> Box<dyn std::any::Any + Send + 'static> {
        match self.0.map(tokio::task::JoinError::try_into_panic) {
            Some(Ok(panic)) => panic,
            _ => Box::new("the task did not panic"),
        }
    }
}

/// A future from `pyo3-async-runtimes` that is attached to Python while it is polled or dropped. The future
/// stays pending once Python is shutting down.
struct Attached<F>(Option<Pin<Box<F>>>);

impl<F: Future> Attached<F> {
    fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future> Future for Attached<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let slot = &mut self.0;
        let waker = Waker::from(Arc::new(SameProcess {
            process: process::id(),
            waker: context.waker().clone(),
        }));
        let poll = || {
            attached(|_| {
                let polled = slot.as_mut()?.as_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_ready() {
                    *slot = None;
                }
                Some(polled)
            })
        };
        block_in_place(poll).flatten().unwrap_or(Poll::Pending)
    }
}

impl<F> Drop for Attached<F> {
    fn drop(&mut self) {
        if self.0.is_some() {
            block_in_place(|| attached(|_| drop(self.0.take())));
        }
    }
}

/// Ignores wakeups in a forked child, which inherits wakers through Python objects. Waking a task of the
/// parent's runtime could block forever, because a thread that does not exist in the child may hold the
/// runtime's lock.
struct SameProcess {
    process: u32,
    waker: Waker,
}

impl Wake for SameProcess {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if process::id() == self.process {
            self.waker.wake_by_ref();
        }
    }
}

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
    fn current() -> Option<Self> {
        scope::current().map(Self)
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

    /// Returns whether the loop is running. A closed or stopped loop cannot await anything.
    fn is_running(&self, py: Python<'_>) -> bool {
        is_true(&self.0.event_loop(py), intern!(py, "is_running"))
    }
}

fn is_true(object: &Bound<'_, PyAny>, method: &Bound<'_, pyo3::types::PyString>) -> bool {
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

/// Calls a token function and awaits its result. Uses the call's event loop if that loop is running, or else
/// a new loop.
pub async fn token(function: Arc<Held<Py<PyAny>>>) -> Result<String, NoToken> {
    let mut event_loop = EventLoop::current();
    loop {
        let asked = Asked::new();
        let called = {
            let (function, event_loop, asked) = (function.clone(), event_loop.take(), asked.0.clone());
            // The function may block.
            spawn_blocking(move || {
                attached(|py| call(py, &function, event_loop, &asked))
                    .unwrap_or_else(|| Called::Token(Err(failed("Python is shutting down"))))
            })
        };
        let (mut token, event_loop) = match called.await {
            Ok(Called::Token(token)) => return token,
            Ok(Called::Awaited(token, event_loop)) => (token, event_loop),
            Err(error) => return Err(failed(&format!("cannot get a token: {error}"))),
        };
        loop {
            tokio::select! {
                token = &mut token => match token {
                    // The loop has ended, and so have its tasks.
                    Err(NoToken::Canceled(_)) if !event_loop.runs() => break,
                    token => return token,
                },
                () = tokio::time::sleep(LOOK) => {}
            }
            if !event_loop.runs() {
                break;
            }
        }
        // Other calls may be waiting for the token, so call the function again in a new loop.
    }
}

type Awaited = Attached<Pin<Box<dyn Future<Output = Result<String, NoToken>> + Send>>>;

enum Called {
    Token(Result<String, NoToken>),
    Awaited(Awaited, EventLoop),
}

/// Calls a token function in this thread, which the function may block.
fn call(py: Python<'_>, function: &Py<PyAny>, event_loop: Option<EventLoop>, asked: &Arc<Shared>) -> Called {
    let returned = match function.bind(py).call0() {
        Ok(returned) => returned,
        Err(raised) => return Called::Token(Err(raised_here(py, &raised))),
    };
    let is_awaitable = py
        .import("inspect")
        .and_then(|inspect| inspect.call_method1("isawaitable", (&returned,)))
        .and_then(|awaitable| awaitable.is_truthy());
    match is_awaitable {
        Ok(true) => {
            if !asked.keep(returned) {
                return Called::Token(Err(canceled()));
            }
        }
        Ok(false) => return Called::Token(text(&returned)),
        Err(raised) => return Called::Token(Err(raised_here(py, &raised))),
    }
    if let Some(event_loop) = event_loop.filter(|event_loop| event_loop.is_running(py))
        && let Ok(token) = await_in(py, &event_loop, asked)
    {
        return Called::Awaited(token, event_loop);
    }
    Called::Token(match await_here(py, asked) {
        Ok(returned) => revealed(&returned),
        Err(raised) => Err(raised_here(py, &raised)),
    })
}

/// Awaits the token in a running loop of another thread.
fn await_in(py: Python<'_>, event_loop: &EventLoop, asked: &Arc<Shared>) -> PyResult<Awaited> {
    let awaitable = Bound::new(py, Awaitable(asked.clone()))?;
    let returned = into_future_with_locals(&event_loop.0, awaitable.into_any())?;
    let asked = asked.clone();
    Ok(Attached::new(Box::pin(async move {
        let returned = returned.await;
        // `Attached` ensures that this is polled and dropped while attached.
        Python::attach(|py| {
            asked.forget();
            match returned {
                Ok(returned) => revealed(returned.bind(py)),
                Err(raised) => Err(raised_by(py, &raised)),
            }
        })
    })))
}

/// Awaits the token in this thread, in a new loop.
fn await_here<'py>(py: Python<'py>, asked: &Arc<Shared>) -> PyResult<Bound<'py, PyAny>> {
    let awaitable = Bound::new(py, Awaitable(asked.clone()))?;
    let asyncio = py.import("asyncio")?;
    // `asyncio.run` needs a coroutine, and `wait_for` wraps any awaitable in one.
    let coroutine = asyncio.call_method1("wait_for", (awaitable, py.None()))?;
    let returned = asyncio.call_method1("run", (coroutine,));
    asked.forget();
    returned
}

fn text(returned: &Bound<'_, PyAny>) -> Result<String, NoToken> {
    returned.extract::<String>().map_err(|_| {
        let kind = returned.get_type();
        failed(&format!(
            "the function passed as auth= returned {kind}, not the token as a string"
        ))
    })
}

fn revealed(hidden: &Bound<'_, PyAny>) -> Result<String, NoToken> {
    match hidden.call_method0("reveal") {
        Ok(returned) => text(&returned),
        Err(raised) => Err(raised_by(hidden.py(), &raised)),
    }
}

fn failed(message: &str) -> NoToken {
    NoToken::Failed(message.to_owned())
}

fn canceled() -> NoToken {
    NoToken::Canceled("the function passed as auth= was canceled. No request was sent with it".to_owned())
}

fn raised_by(py: Python<'_>, raised: &PyErr) -> NoToken {
    if raised.is_instance_of::<CancelledError>(py) {
        return canceled();
    }
    failed(&format!(
        "the function passed as auth= raised {raised}. No request was sent with it"
    ))
}

/// Like `raised_by`, but for a thread of the core. Passes Ctrl-C on to the main thread.
fn raised_here(py: Python<'_>, raised: &PyErr) -> NoToken {
    if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
        let interrupt = intern!(py, "interrupt_main");
        if let Err(error) = py
            .import("_thread")
            .and_then(|module| module.call_method0(interrupt))
        {
            log::debug!(target: "acc_assets", "the main thread was not interrupted: {error}");
        }
    }
    raised_by(py, raised)
}

impl EventLoop {
    fn runs(&self) -> bool {
        block_in_place(|| attached(|py| self.is_running(py))).unwrap_or(false)
    }
}

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

struct Shared(Held<Mutex<Pending>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // No code panics or runs Python while holding this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores an awaitable until it is awaited. If the token is no longer needed, closes the awaitable and
    /// returns `false`.
    fn keep(&self, awaitable: Bound<'_, PyAny>) -> bool {
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
    fn forget(&self) {
        let task = self.lock().task.take();
        drop(task);
    }
}

/// Closes a coroutine, which would otherwise warn that it was never awaited. Awaitables without a `close`
/// method are left alone.
fn close(awaitable: &Bound<'_, PyAny>) {
    let _ = awaitable.call_method0(intern!(awaitable.py(), "close"));
}

/// A call to the token function. Dropping an `Asked` cancels the task that awaits the token.
struct Asked(Arc<Shared>);

impl Asked {
    fn new() -> Self {
        Self(Arc::new(Shared(Held::new(Mutex::default()))))
    }
}

impl Drop for Asked {
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
struct Awaitable(Arc<Shared>);

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
