//! The border to Python: the only room that knows pyo3.

mod attached;
mod capsule;
mod engine;
mod errors;
mod ledger;
mod logs;
mod objects;
mod operation;
mod rows;
mod runs;
mod runtime;
mod settings;
mod setup;
mod sheet;
mod table;
mod values;

#[cfg(feature = "simulator")]
mod simulator;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;
    use pyo3::types::{PyCFunction, PyDict, PyString, PyTuple};

    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::ledger::Ledger;
    #[pymodule_export]
    use super::operation::Operation;
    #[pymodule_export]
    use super::rows::Rows;
    #[pymodule_export]
    use super::settings::Settings;
    #[pymodule_export]
    use super::setup::Description;
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

    /// A named run and its ledger as they stand in its file; None while somebody drives it.
    #[pyfunction]
    #[pyo3(signature = (path, /))]
    fn read_run(py: Python<'_>, path: std::path::PathBuf) -> PyResult<Option<(Bound<'_, PyDict>, Ledger)>> {
        super::runs::read(py, path)
    }

    /// Deletes the file of a named run that nobody drives.
    #[pyfunction]
    #[pyo3(signature = (path, /))]
    fn delete_run(py: Python<'_>, path: std::path::PathBuf) -> PyResult<()> {
        super::runs::delete(py, path)
    }

    /// Writes the rows of a ledger that are not ok into an Excel file; how many there were.
    #[pyfunction]
    #[pyo3(signature = (rows, ledger, path, label_title, /))]
    #[allow(clippy::needless_pass_by_value)] // What Python hands over.
    fn write_fixes(
        py: Python<'_>,
        rows: Bound<'_, Rows>,
        ledger: Bound<'_, Ledger>,
        path: std::path::PathBuf,
        label_title: Option<String>,
    ) -> PyResult<usize> {
        super::sheet::write_fixes(py, rows.get(), ledger.get(), &path, label_title.as_deref())
    }

    /// Writes an Excel file to be filled in with assets of a category.
    #[pyfunction]
    #[pyo3(signature = (settings, category, path, rows, /))]
    #[allow(clippy::needless_pass_by_value)] // What Python hands over.
    fn write_template(
        py: Python<'_>,
        settings: Bound<'_, Settings>,
        category: &str,
        path: std::path::PathBuf,
        rows: u32,
    ) -> PyResult<()> {
        super::sheet::write_template(py, settings.get(), category, &path, rows)
    }

    /// A text as people may see it: control characters and marks of the direction of writing are escaped.
    #[pyfunction]
    #[pyo3(signature = (text, /))]
    #[allow(clippy::needless_pass_by_value)] // What Python hands over.
    fn shown(text: Bound<'_, PyString>) -> String {
        // A lone surrogate cannot be written anywhere.
        crate::error::shown(&text.to_string_lossy()).into_owned()
    }

    /// A TOML text as a dict.
    #[pyfunction]
    #[pyo3(signature = (text, /))]
    fn read_toml<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
        let table: toml::Table = toml::from_str(text)
            .map_err(|error| super::errors::refused(py, format!("this is no TOML: {error}")))?;
        Ok(pythonize::pythonize(py, &table)?)
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
        super::runs::watch_forks(module.py())?;
        let at_exit = module.py().import("atexit")?;
        let close = |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
            args.py().detach(|| {
                // What the last tenth of a second did to the rate windows.
                crate::http::pace::keep_all();
                super::logs::flush();
                super::attached::close();
            });
        };
        let close = PyCFunction::new_closure(module.py(), None, None, close)?;
        at_exit.call_method1("register", (close,))?;
        Ok(())
    }
}
