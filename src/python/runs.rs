//! Reads and deletes the files of named runs for the Python package.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors::exception;
use super::ledger::Ledger;
use crate::ledger::journal::lock;
use crate::ledger::journal::{Journal, StoredRun};

/// Reads the identity of a run (verb, project, service, `import_key`), the title of its row labels, the times it was
/// started and last written (milliseconds since 1970), and its ledger.
pub fn read(py: Python<'_>, path: PathBuf) -> PyResult<Option<(Bound<'_, PyDict>, Ledger)>> {
    let kept = py
        .detach(move || Journal::read(&path))
        .map_err(|error| exception(py, &error))?;
    let Some(StoredRun {
        header,
        mut ledger,
        begun,
        written,
    }) = kept
    else {
        return Ok(None);
    };
    ledger.recall_columns();
    let identity = PyDict::new(py);
    identity.set_item("row_title", ledger.row_title.as_deref())?;
    identity.set_item("verb", header.verb)?;
    identity.set_item("project", header.project)?;
    identity.set_item("service", header.service)?;
    identity.set_item("import_key", header.import_key)?;
    identity.set_item("begun", begun.as_millisecond())?;
    identity.set_item("written", written.as_millisecond())?;
    Ok(Some((identity, Ledger::new(Arc::new(ledger)))))
}

/// Registers a hook that makes `os.fork` and multiprocessing wait for commits while the GIL is released.
/// Without the hook, the fork would wait while holding the GIL, and block all other threads.
pub fn watch_forks(py: Python<'_>) -> PyResult<()> {
    #[pyfunction]
    fn before(py: Python<'_>) {
        py.detach(lock::wait_for_commits);
    }
    lock::watch_forks();
    let os = py.import("os")?;
    // Windows has no fork.
    let Some(register) = os.getattr_opt("register_at_fork")? else {
        return Ok(());
    };
    let hooks = PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(before, py)?)?;
    register.call((), Some(&hooks))?;
    Ok(())
}

pub fn delete(py: Python<'_>, path: PathBuf) -> PyResult<()> {
    py.detach(move || Journal::delete(&path))
        .map_err(|error| exception(py, &error))
}
