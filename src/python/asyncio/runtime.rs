//! The runtime of `pyo3-async-runtimes`: tasks of the core that run Python futures.

use std::future::Future;
use std::pin::Pin;
use std::process;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use pyo3_async_runtimes::TaskLocals;
use pyo3_async_runtimes::generic::{ContextExt, JoinError, Runtime};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::http::scope;
use crate::python::attached::{Held, attached};
use crate::python::runtime::handle;

/// Makes our runtime available to `pyo3-async-runtimes`.
pub struct Core;

/// A task spawned by `pyo3-async-runtimes`, or `None` if the process has no runtime.
pub struct Task(Option<tokio::task::JoinHandle<()>>);

/// Why a task has no result.
pub struct Broken(Option<tokio::task::JoinError>);

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
pub struct Attached<F>(Option<Pin<Box<F>>>);

impl<F: Future> Attached<F> {
    pub fn new(future: F) -> Self {
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
