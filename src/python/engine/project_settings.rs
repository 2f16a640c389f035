//! Plans reads and changes of a project's settings.

use std::sync::Arc;

use pyo3::prelude::*;

use super::arguments::project_id;
use super::client::Client;
use crate::http::Stop;
use crate::python::operation::{CallEnd, Operation};
use crate::python::settings::Settings;
use crate::python::setup::{Description, mistaken, steps};
use crate::reads::settings::Reader;
use crate::run::activity::{Activity, CurrentActivity};
use crate::run::setup::Writer;
use crate::settings::setup::plan;

/// Plans a read of the settings.
///
/// # Errors
/// If an argument is invalid.
pub fn read(
    py: Python<'_>,
    client: &Client,
    project: &str,
    locations_container: Option<String>,
    known: Option<&Bound<'_, Settings>>,
    refresh: bool,
) -> PyResult<Operation> {
    let known = known.map(|known| Arc::clone(&known.get().0));
    let reader = Reader {
        session: client.session(py, &Stop::default())?,
        project: project_id(py, project)?,
        locations_container,
    };
    let reading = client.readings()?.join(reader, known, refresh);
    let stop = Stop::default();
    let (waited, stopping) = (reading.clone(), stop.clone());
    let work = Box::pin(async move {
        match waited.settings(&stopping).await {
            Ok(settings) => CallEnd {
                settings: Some(settings),
                ..CallEnd::default()
            },
            Err(error) => CallEnd::of_error(error),
        }
    });
    let activity = reading.activity();
    Ok(Operation::without_rows(work, stop, activity).waits_for(reading))
}

/// Plans a setup.
///
/// # Errors
/// If an argument is invalid, or the description has problems.
pub fn apply_setup(
    py: Python<'_>,
    client: &Client,
    project: &str,
    settings: &Settings,
    description: &Description,
) -> PyResult<Operation> {
    let planned = py.detach(|| plan(&settings.0, &description.0));
    let mistakes = planned.mistakes();
    if !mistakes.is_empty() {
        return Err(mistaken(py, &mistakes));
    }
    let stop = Stop::default();
    let writer = Writer {
        session: client.session(py, &stop)?,
        project: project_id(py, project)?,
    };
    let activity = CurrentActivity::new(Activity::Setup, writer.session.counters.clone());
    let work = Box::pin(async move {
        let outcomes = writer.apply(&planned).await;
        CallEnd {
            table: Some(steps(&planned, Some(&outcomes))),
            ..CallEnd::default()
        }
    });
    Ok(Operation::without_rows(work, stop, activity))
}
