//! Arguments that several methods take.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::prelude::*;

use crate::api::{self, Call, KnownProject};
use crate::call::Session;
use crate::ids::ProjectId;
use crate::python::errors::exception;
use crate::python::settings::Settings;
use crate::python::table::Table;
use crate::reads::rest::Earlier;

/// Parses the id of a project.
pub fn project_id(py: Python<'_>, text: &str) -> PyResult<ProjectId> {
    ProjectId::parse(text).map_err(|error| exception(py, &error))
}

/// Returns the rows of an interrupted read, and what remains of it.
pub fn earlier<'a>(py: Python<'_>, after: Option<&'a Bound<'_, Table>>) -> PyResult<Option<Earlier<'a>>> {
    let earlier = |after: &'a Bound<'_, Table>| after.get().rest().map(|rest| (rest, after.get().table()));
    after
        .map(earlier)
        .transpose()
        .map_err(|error| exception(py, &error))
}

/// Returns the call of the list named by `kind`. `path` has the values of the placeholders in its path.
pub fn list_call(
    py: Python<'_>,
    session: &Session,
    kind: &str,
    project: Option<&str>,
    path: &HashMap<String, String>,
    settings: Option<&Bound<'_, Settings>>,
) -> PyResult<Call> {
    let project = project.map(|project| project_id(py, project)).transpose()?;
    let project = project.map(|project| project.to_string());
    let places = path.iter().map(|(place, value)| (place.as_str(), value.as_str()));
    let project = project.as_deref().map(|project| ("project", project));
    let places: Vec<(&str, &str)> = places.chain(project).collect();
    api::list_of(kind)
        .and_then(|list| session.to(list, &places))
        .map(|call| {
            call.of_project(settings.map(|settings| settings.get().0.clone() as Arc<dyn KnownProject>))
        })
        .map_err(|error| exception(py, &error))
}
