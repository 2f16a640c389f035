//! Calls a token function, sync or async.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3_async_runtimes::into_future_with_locals;
use tokio::task::spawn_blocking;

use super::event_loop::{EventLoop, LOOP_CHECK};
use super::pending::{Awaitable, PendingToken, TokenCall};
use super::runtime::Attached;
use crate::http::auth::NoToken;
use crate::python::attached::{Held, attached};

/// Calls a token function and awaits its result. Uses the call's event loop if that loop is running, or else
/// a new loop.
pub async fn token(function: Arc<Held<Py<PyAny>>>) -> Result<String, NoToken> {
    let mut event_loop = EventLoop::current();
    loop {
        let call = TokenCall::new();
        let called = {
            let (function, event_loop, pending) = (function.clone(), event_loop.take(), call.pending());
            // The function may block.
            spawn_blocking(move || {
                attached(|py| returned(py, &function, event_loop, &pending))
                    .unwrap_or_else(|| Returned::Token(Err(failed("Python is shutting down"))))
            })
        };
        let (mut token, event_loop) = match called.await {
            Ok(Returned::Token(token)) => return token,
            Ok(Returned::Future(token, event_loop)) => (token, event_loop),
            Err(error) => return Err(failed(&format!("cannot get a token: {error}"))),
        };
        loop {
            tokio::select! {
                token = &mut token => match token {
                    // The loop has ended, and so have its tasks.
                    Err(NoToken::Canceled(_)) if !event_loop.runs() => break,
                    token => return token,
                },
                () = tokio::time::sleep(LOOP_CHECK) => {}
            }
            if !event_loop.runs() {
                break;
            }
        }
        // Other calls may be waiting for the token, so call the function again in a new loop.
    }
}

/// An awaitable of a running loop.
type TokenFuture = Attached<Pin<Box<dyn Future<Output = Result<String, NoToken>> + Send>>>;

/// What a token function returned.
enum Returned {
    Token(Result<String, NoToken>),
    Future(TokenFuture, EventLoop),
}

/// Calls a token function in this thread, which the function may block.
fn returned(
    py: Python<'_>,
    function: &Py<PyAny>,
    event_loop: Option<EventLoop>,
    pending: &Arc<PendingToken>,
) -> Returned {
    let returned = match function.bind(py).call0() {
        Ok(returned) => returned,
        Err(raised) => return Returned::Token(Err(raised_here(py, &raised))),
    };
    let is_awaitable = py
        .import("inspect")
        .and_then(|inspect| inspect.call_method1("isawaitable", (&returned,)))
        .and_then(|awaitable| awaitable.is_truthy());
    match is_awaitable {
        Ok(true) => {
            if !pending.keep(returned) {
                return Returned::Token(Err(canceled()));
            }
        }
        Ok(false) => return Returned::Token(text(&returned)),
        Err(raised) => return Returned::Token(Err(raised_here(py, &raised))),
    }
    if let Some(event_loop) = event_loop.filter(|event_loop| event_loop.is_running(py))
        && let Ok(token) = await_in(py, &event_loop, pending)
    {
        return Returned::Future(token, event_loop);
    }
    Returned::Token(match await_here(py, pending) {
        Ok(returned) => revealed(&returned),
        Err(raised) => Err(raised_here(py, &raised)),
    })
}

/// Awaits the token in a running loop of another thread.
fn await_in(py: Python<'_>, event_loop: &EventLoop, pending: &Arc<PendingToken>) -> PyResult<TokenFuture> {
    let awaitable = Bound::new(py, Awaitable::new(pending.clone()))?;
    let returned = into_future_with_locals(event_loop.locals(), awaitable.into_any())?;
    let pending = pending.clone();
    Ok(Attached::new(Box::pin(async move {
        let returned = returned.await;
        // `Attached` ensures that this is polled and dropped while attached.
        Python::attach(|py| {
            pending.forget();
            match returned {
                Ok(returned) => revealed(returned.bind(py)),
                Err(raised) => Err(raised_by(py, &raised)),
            }
        })
    })))
}

/// Awaits the token in this thread, in a new loop.
fn await_here<'py>(py: Python<'py>, pending: &Arc<PendingToken>) -> PyResult<Bound<'py, PyAny>> {
    let awaitable = Bound::new(py, Awaitable::new(pending.clone()))?;
    let asyncio = py.import("asyncio")?;
    // `asyncio.run` needs a coroutine, and `wait_for` wraps any awaitable in one.
    let coroutine = asyncio.call_method1("wait_for", (awaitable, py.None()))?;
    let returned = asyncio.call_method1("run", (coroutine,));
    pending.forget();
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
