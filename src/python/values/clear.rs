//! `CLEAR`, which a patch sends as JSON null.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The type of `CLEAR`, which a patch sends as JSON null.
#[pyclass(frozen, name = "Clear", module = "acc_assets._core")]
pub struct Clear;

#[pymethods]
impl Clear {
    #[expect(clippy::unused_self, reason = "a method of the Python class")]
    fn __repr__(&self) -> &'static str {
        "CLEAR"
    }

    /// Makes pickling and copying return the singleton.
    #[expect(clippy::unused_self, reason = "a method of the Python class")]
    fn __reduce__(&self) -> &'static str {
        "CLEAR"
    }
}

/// Returns the singleton `CLEAR`.
///
/// # Errors
/// If Python runs out of memory.
pub fn clear(py: Python<'_>) -> PyResult<&Py<Clear>> {
    static CLEAR: PyOnceLock<Py<Clear>> = PyOnceLock::new();
    CLEAR.get_or_try_init(py, || Py::new(py, Clear))
}
