//! Plans reads of lists.

use std::collections::HashMap;

use pyo3::prelude::*;

use super::arguments::{earlier, list_call};
use super::client::Client;
use crate::api::Query;
use crate::http::Stop;
use crate::listing::{self, Stream};
use crate::python::errors::exception;
use crate::python::operation::{CallEnd, Operation};
use crate::python::pages::Pages;
use crate::python::settings::Settings;
use crate::python::table::Table;
use crate::reads::error_codes;
use crate::reads::rest::List;
use crate::run::activity::{Activity, CurrentActivity};

/// The name of the list of assets.
const ASSETS: &str = "assets";

/// A list and what to read of it.
pub struct Request<'i, 'py> {
    /// The name of the list.
    pub kind: &'i str,
    pub project: Option<&'i str>,
    /// The values of the placeholders in the path.
    pub path: HashMap<String, String>,
    pub query: Query,
    pub body: Option<String>,
    /// The maximum number of rows.
    pub limit: Option<usize>,
    /// The table of an earlier read that failed.
    pub after: Option<&'i Bound<'py, Table>>,
    pub settings: Option<&'i Bound<'py, Settings>>,
}

/// Plans a read of a list.
///
/// # Errors
/// If an argument is invalid.
pub fn rows(py: Python<'_>, client: &Client, request: Request<'_, '_>) -> PyResult<Operation> {
    let stop = Stop::default();
    let session = client.session(py, &stop)?;
    let activity = CurrentActivity::new(Activity::Reading, session.counters.clone());
    let Request { kind, project, .. } = request;
    let call = list_call(py, &session, kind, project, &request.path, request.settings)?;
    let call = call.with_query(request.query);
    let call = match request.body {
        Some(body) => call.with_body(body),
        None => call,
    };
    let list = List::new(session, call, earlier(py, request.after)?, request.limit)
        .map_err(|error| exception(py, &error))?;
    let stopping = stop.clone();
    let work = Box::pin(async move { CallEnd::of_read(list.read(&stopping).await) });
    Ok(Operation::without_rows(work, stop, activity))
}

/// Plans a read of assets page by page.
///
/// # Errors
/// If an argument is invalid.
pub fn pages(
    py: Python<'_>,
    client: &Client,
    project: &str,
    query: Query,
    page_size: u32,
    settings: Option<&Bound<'_, Settings>>,
) -> PyResult<Pages> {
    let session = client.session(py, &Stop::default())?;
    let counters = session.counters.clone();
    let call = list_call(py, &session, ASSETS, Some(project), &HashMap::new(), settings)?;
    let stream =
        Stream::new(session, call.with_query(query), page_size).map_err(|error| exception(py, &error))?;
    Ok(Pages::new(stream, counters))
}

/// Plans a count of assets.
///
/// # Errors
/// If an argument is invalid.
pub fn count(
    py: Python<'_>,
    client: &Client,
    project: &str,
    query: Query,
    settings: Option<&Bound<'_, Settings>>,
) -> PyResult<Operation> {
    let stop = Stop::default();
    let session = client.session(py, &stop)?;
    let activity = CurrentActivity::new(Activity::Reading, session.counters.clone());
    let call = list_call(py, &session, ASSETS, Some(project), &HashMap::new(), settings)?;
    let call = call.with_query(query);
    let work = Box::pin(async move {
        match listing::count(session, call).await {
            Ok(count) => CallEnd {
                count: Some(count),
                ..CallEnd::default()
            },
            Err(error) => CallEnd::of_error(error),
        }
    });
    Ok(Operation::without_rows(work, stop, activity))
}

/// Plans a read of the error codes.
pub fn error_codes(py: Python<'_>, client: &Client) -> PyResult<Operation> {
    let stop = Stop::default();
    let session = client.session(py, &stop)?;
    let activity = CurrentActivity::new(Activity::Reading, session.counters.clone());
    let stopping = stop.clone();
    let work = Box::pin(async move { CallEnd::of_read(error_codes::read(&session, &stopping).await) });
    Ok(Operation::without_rows(work, stop, activity))
}
