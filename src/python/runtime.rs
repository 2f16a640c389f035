//! Values that a forked child must not inherit, such as threads and sockets.

use std::sync::{Mutex, PoisonError};

use pyo3::PyResult;
use pyo3::exceptions::PyRuntimeError;
use tokio::runtime::{Builder, Handle, Runtime};

/// A value that belongs to the process that created it. A forked child creates its own value.
///
/// The child intentionally leaks the parent's value. Dropping this value would wait for threads that the child
/// does not have, or close connections that the parent uses.
pub struct PerProcess<T>(Mutex<Option<(u32, T)>>);

impl<T: Clone> PerProcess<T> {
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Returns this process's value, created with `make` if necessary.
    ///
    /// # Errors
    /// Any error returned by `make`.
    pub fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let process = std::process::id();
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some((owner, value)) if *owner == process => return Ok(value.clone()),
            _ => std::mem::forget(slot.take()),
        }
        let value = make()?;
        *slot = Some((process, value.clone()));
        Ok(value)
    }
}

/// The prefix of our threads' names.
pub const THREADS: &str = "acc-assets";

/// Returns this process's runtime. The runtime has two threads, so that requests continue while rows wait for
/// the interpreter.
///
/// # Errors
/// If the system cannot create threads.
pub fn handle() -> PyResult<Handle> {
    static RUNTIME: PerProcess<Handle> = PerProcess::new();
    RUNTIME.get(|| {
        let runtime: Runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(THREADS)
            .enable_all()
            .build()
            .map_err(|error| PyRuntimeError::new_err(format!("cannot start the runtime: {error}")))?;
        let handle = runtime.handle().clone();
        // The runtime lives as long as the process. Its threads are never joined, because Python may shut down before
        // they end.
        std::mem::forget(runtime);
        Ok(handle)
    })
}
