//! Project setup from Python: description, plan and outcomes.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pythonize::{depythonize, pythonize};
use serde_json::{Value, json};

use super::settings::Settings;
use super::table::Table;
use crate::columns::{self, Page};
use crate::run::setup::StepOutcome;
use crate::settings::setup::{self, Plan, plan};

/// The categories, status sets and custom attributes that a project should have, by name. Immutable.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Description(pub Arc<setup::Description>);

#[pymethods]
impl Description {
    /// Creates a description from a dict.
    #[staticmethod]
    #[pyo3(signature = (value, /))]
    fn read(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let value: Value = depythonize(value).map_err(|error| {
            mistaken(
                py,
                &[format!(
                    "the description contains a value that cannot be sent: {error}"
                )],
            )
        })?;
        setup::Description::read(&value)
            .map(|description| Self(Arc::new(description)))
            .map_err(|problems| mistaken(py, &problems))
    }

    /// Creates the description of a project from its settings.
    #[staticmethod]
    #[pyo3(signature = (settings, /))]
    fn of(settings: &Bound<'_, Settings>) -> Self {
        Self(Arc::new(setup::Description::of(&settings.get().0)))
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &*self.0)?)
    }

    fn to_toml(&self) -> PyResult<String> {
        toml::to_string_pretty(&*self.0).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Plans the steps for a project with these settings. Returns one row per step, and the unknown names in
    /// the description.
    #[pyo3(signature = (settings, /))]
    fn plan(&self, py: Python<'_>, settings: &Bound<'_, Settings>) -> (Table, Vec<String>) {
        let settings = &settings.get().0;
        let planned = py.detach(|| plan(settings, &self.0));
        (Table::new(steps(&planned, None)), planned.mistakes())
    }
}

/// Combines all problems in a description into one error.
pub fn mistaken(py: Python<'_>, problems: &[String]) -> PyErr {
    let (count, plural) = (problems.len(), if problems.len() == 1 { "" } else { "s" });
    let head = format!("the description has {count} problem{plural}, so nothing was sent:");
    super::errors::mistaken(py, &head, problems)
}

/// Returns one row per step, with its outcome if it was carried out.
pub fn steps(plan: &Plan, outcomes: Option<&[StepOutcome]>) -> columns::Table {
    let rows = plan.steps.iter().enumerate().map(|(number, step)| {
        let mut row = json!({
            "kind": step.kind.as_str(),
            "name": step.name,
            "action": step.action.as_str(),
            "note": step.note,
        });
        if let Some(outcome) = outcomes.and_then(|outcomes| outcomes.get(number)) {
            row["status"] = json!(outcome.status.as_str());
            row["error"] = json!(outcome.error);
            row["request_id"] = json!(outcome.request_id);
        }
        row.to_string()
    });
    let rows: Vec<String> = rows.collect();
    let mut table = columns::Table::default();
    // A step has at most seven members, so it never has too many columns.
    table.add(Page::of(rows.iter().map(String::as_str)).unwrap_or_default(), 0..);
    table
}
