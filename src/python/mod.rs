//! The Python bindings: the only module that uses pyo3.

mod asyncio;
mod attached;
mod capsule;
mod engine;
mod errors;
mod ledger;
mod logs;
mod objects;
mod operation;
mod pages;
mod reread;
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
    use pyo3::types::{PyBytes, PyCFunction, PyDict, PyString, PyTuple};

    use crate::api::field::Fields;
    use crate::input::sheet::encoding::standard_name;
    use crate::rows::lookup::field_of;

    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::ledger::Ledger;
    #[pymodule_export]
    use super::operation::Operation;
    #[pymodule_export]
    use super::pages::Pages;
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

    /// Returns the bare lower-case UUID of a project, from a UUID with or without `b.`.
    #[pyfunction]
    #[pyo3(signature = (text, /))]
    fn project_id(py: Python<'_>, text: &str) -> PyResult<String> {
        let id = crate::ids::ProjectId::parse(text).map_err(|error| super::errors::exception(py, &error))?;
        Ok(id.to_string())
    }

    /// Reads a named run and its ledger from a file. Returns None while another call owns the run.
    #[pyfunction]
    #[pyo3(signature = (path, /))]
    fn read_run(py: Python<'_>, path: std::path::PathBuf) -> PyResult<Option<(Bound<'_, PyDict>, Ledger)>> {
        super::runs::read(py, path)
    }

    /// Deletes the file of a named run. Fails if a call owns the run or another program has locked the file.
    #[pyfunction]
    #[pyo3(signature = (path, /))]
    fn delete_run(py: Python<'_>, path: std::path::PathBuf) -> PyResult<()> {
        super::runs::delete(py, path)
    }

    /// Returns the number of failed rows in a ledger, and an Excel file with them and their problems.
    #[pyfunction]
    #[pyo3(signature = (verb, rows, ledger, settings, options, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn fixes_file<'py>(
        py: Python<'py>,
        verb: &str,
        rows: Bound<'_, Rows>,
        ledger: Bound<'_, Ledger>,
        settings: Option<Bound<'_, Settings>>,
        options: Bound<'_, PyDict>,
    ) -> PyResult<(usize, Bound<'py, PyBytes>, usize)> {
        let options = rows.get().write_options(&options)?;
        let settings = settings.as_ref().map(Bound::get);
        super::sheet::fixes_file(py, verb, rows.get(), ledger.get(), settings, &options)
    }

    /// Returns the rows of a call that differ from the assets with their import keys, with the ids of these assets in
    /// `column`.
    #[pyfunction]
    #[pyo3(signature = (verb, rows, ledger, settings, options, column, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn differing(
        py: Python<'_>,
        verb: &str,
        rows: Bound<'_, Rows>,
        ledger: Bound<'_, Ledger>,
        settings: Option<Bound<'_, Settings>>,
        options: Bound<'_, PyDict>,
        column: String,
    ) -> PyResult<Rows> {
        let options = rows.get().write_options(&options)?;
        let settings = settings.as_ref().map(|settings| &settings.get().0);
        super::reread::differing(py, verb, rows.get(), ledger.get(), settings, &options, column)
    }

    /// Returns the columns among these that contain outcomes of an earlier call, except their ids.
    #[pyfunction]
    #[pyo3(signature = (names, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn outcome_columns(names: Vec<String>) -> Vec<String> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = crate::rows::outcome_columns(&names);
        found.into_iter().map(str::to_owned).collect()
    }

    /// Returns the standard name of a text encoding. Raises `OptionError` for an unknown name.
    #[pyfunction]
    #[pyo3(signature = (name, /))]
    fn encoding_name(py: Python<'_>, name: &str) -> PyResult<&'static str> {
        standard_name(name).map_err(|near| {
            let hint = near.map_or_else(
                || "Use a name such as \"utf-8\" or \"windows-1252\".".to_owned(),
                |near| format!("Did you mean \"{near}\"?"),
            );
            super::errors::refused(py, format!("encoding: there is no encoding {name:?}. {hint}"))
        })
    }

    /// Checks the options of single columns, as far as that is possible without the settings.
    #[pyfunction]
    #[pyo3(signature = (options, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn check_columns(py: Python<'_>, options: Bound<'_, PyDict>) -> PyResult<()> {
        let mapping: Vec<(String, Option<String>)> = options.as_any().get_item("mapping")?.extract()?;
        let reading: crate::rows::Reading = pythonize::depythonize(&options.as_any().get_item("reading")?)?;
        // The kind of row is known only to the call, which checks the options once more.
        let naming = crate::rows::columns::Naming {
            fields: crate::api::assets::FIELDS,
            mapping: &mapping,
            settings: None,
        };
        let checked = reading.check_columns(naming);
        checked.map_err(|message| super::errors::refused(py, message + "."))
    }

    /// Returns the field that a lookup of assets names, or None if only the settings can tell.
    #[pyfunction]
    #[pyo3(signature = (named, settings=None, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn lookup_field(
        py: Python<'_>,
        named: &str,
        settings: Option<Bound<'_, Settings>>,
    ) -> PyResult<Option<String>> {
        let settings = settings.as_ref().map(|settings| &*settings.get().0);
        field_of(named, settings).map_err(|message| super::errors::refused(py, message))
    }

    /// Returns an Excel template for assets in a category.
    #[pyfunction]
    #[pyo3(signature = (settings, category, rows, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn template_file<'py>(
        py: Python<'py>,
        settings: Bound<'_, Settings>,
        category: &str,
        rows: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        super::sheet::template_file(py, settings.get(), category, rows)
    }

    /// Escapes control characters and bidirectional marks in a string for display.
    #[pyfunction]
    #[pyo3(signature = (text, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn shown(text: Bound<'_, PyString>) -> String {
        // A lone surrogate cannot be encoded, so it is replaced.
        crate::error::shown(&text.to_string_lossy()).into_owned()
    }

    /// Parses TOML into a dict.
    #[pyfunction]
    #[pyo3(signature = (text, /))]
    fn read_toml<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            let reason = error.message().trim_end();
            super::errors::refused(py, format!("line {line} is not valid TOML: {reason}."))
        })?;
        Ok(pythonize::pythonize(py, &table)?)
    }

    /// Returns all validation rules, each with its code, message and fix.
    #[pyfunction]
    fn rules(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
        crate::rows::rules()
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

    /// Returns the domain and type of each kind of entity, by its short name.
    #[pyfunction]
    fn entity_kinds(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let kinds = PyDict::new(py);
        for kind in &crate::api::relationships::kinds::KINDS {
            kinds.set_item(kind.name, (kind.domain, kind.of_domain))?;
        }
        Ok(kinds)
    }

    /// Returns the domain and type of an entity as the service has them, or None if a short name has another type.
    #[pyfunction]
    #[pyo3(signature = (domain, type_, /))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn entity_names(
        domain: Bound<'_, PyString>,
        type_: Option<Bound<'_, PyString>>,
    ) -> Option<(String, Option<String>)> {
        // A lone surrogate cannot be encoded, so it is replaced.
        let type_ = type_.as_ref().map(|text| text.to_string_lossy());
        let domain = domain.to_string_lossy();
        let (domain, of_domain) = crate::api::relationships::kinds::entity_names(&domain, type_.as_deref())?;
        Some((domain.to_owned(), of_domain.map(str::to_owned)))
    }

    /// Returns the fields of a relationship, in the order of a table.
    #[pyfunction]
    fn relationship_fields(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
        described(py, crate::api::relationships::FIELDS)
    }

    /// Returns the fields of an asset, in the order of a table.
    #[pyfunction]
    fn asset_fields(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
        described(py, crate::api::assets::FIELDS)
    }

    fn described(py: Python<'_>, fields: Fields) -> PyResult<Vec<Bound<'_, PyDict>>> {
        let fields = fields.0.iter();
        fields
            .map(|field| {
                let entry = PyDict::new(py);
                entry.set_item("name", field.name)?;
                entry.set_item("heading", field.heading)?;
                entry.set_item("aliases", field.aliases)?;
                entry.set_item("is_identifier", field.trims)?;
                entry.set_item("has_names", field.refers.is_some())?;
                entry.set_item("by_service", field.by_service)?;
                entry.set_item("is_column", field.is_column())?;
                entry.set_item("sorts", field.sorts)?;
                Ok(entry)
            })
            .collect()
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("LONGEST_FILTERS", crate::listing::LONGEST_FILTERS)?;
        module.add("GRACE", crate::run::drive::GRACE.as_secs_f64())?;
        module.add("NO_LOOP", super::asyncio::NO_LOOP)?;
        module.add("CLEAR", super::values::clear(module.py())?)?;
        super::runs::watch_forks(module.py())?;
        let at_exit = module.py().import("atexit")?;
        let close = |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
            args.py().detach(|| {
                // Save the last changes to the rate windows.
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
