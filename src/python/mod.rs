//! The border to Python: the only room that knows pyo3.

mod capsule;
mod engine;
mod errors;
mod ledger;
mod operation;
mod rows;
mod runtime;
mod table;
mod values;

#[cfg(feature = "simulator")]
mod simulator;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::ledger::Ledger;
    #[pymodule_export]
    use super::operation::Operation;
    #[pymodule_export]
    use super::rows::Rows;
    #[cfg(feature = "simulator")]
    #[pymodule_export]
    use super::simulator::Simulator;
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::values::Clear;

    /// The bare lower-case UUID of a project, given as UUID or as `b.` and UUID.
    #[pyfunction]
    #[pyo3(signature = (text, /))]
    fn project_id(py: Python<'_>, text: &str) -> PyResult<String> {
        let id = crate::ids::ProjectId::parse(text).map_err(|error| super::errors::exception(py, &error))?;
        Ok(id.to_string())
    }

    /// Every row check: code, what it says, how to fix it.
    #[pyfunction]
    fn rules(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
        crate::validation::rules()
            .iter()
            .map(|rule| {
                let entry = PyDict::new(py);
                entry.set_item("code", rule.code)?;
                entry.set_item("says", rule.says)?;
                entry.set_item("fix", rule.fix)?;
                Ok(entry)
            })
            .collect()
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("CLEAR", super::values::clear(module.py())?)?;
        Ok(())
    }
}
