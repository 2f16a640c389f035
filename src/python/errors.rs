//! Maps errors from the core to the exceptions in `acc_assets.errors`. This module contains all mappings.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use serde_json::Value;

use crate::error::{Error, FileError, Headers, ServiceError, request_id, shown};

/// Converts an error to the exception that users see.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    match created(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        // This happens only if the Python half of the package is missing or broken.
        Err(broken) => broken,
    }
}

/// Creates the exception for an invalid option.
pub fn refused(py: Python<'_>, message: String) -> PyErr {
    exception(py, &Error::Option(message))
}

/// Creates the exception for rows that cannot be read.
pub fn input_error(py: Python<'_>, message: String) -> PyErr {
    exception(py, &Error::Input(message))
}

/// Creates the exception for data with several mistakes, listed one per line.
pub fn mistaken(py: Python<'_>, head: &str, mistakes: &[String]) -> PyErr {
    let mut message = head.to_owned();
    for mistake in mistakes {
        message.push_str("\n- ");
        message.push_str(&shown(mistake));
    }
    let created = || {
        py.import("acc_assets.errors")?
            .getattr("of_lines")?
            .call1((message,))
    };
    created().map_or_else(|broken| broken, PyErr::from_value)
}

fn created<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let errors = py.import("acc_assets.errors")?;
    let message = shown(&error.to_string()).into_owned();
    match error {
        Error::Option(_) => errors.getattr("OptionError")?.call1((message,)),
        Error::Input(_) => errors.getattr("InputError")?.call1((message,)),
        Error::File(failed) => {
            let FileError { path, os_error, .. } = &**failed;
            errors.getattr("file_error")?.call1((message, path, *os_error))
        }
        Error::Journal(_) => errors.getattr("JournalError")?.call1((message,)),
        Error::Auth(_) => errors.getattr("auth_error")?.call1((message,)),
        Error::Transport(error) => {
            let partial = error.partial.as_ref();
            errors.getattr("transport_error")?.call1((
                message,
                error.sent.as_str(),
                partial.map(|partial| partial.status),
                partial.and_then(|partial| request_id(&partial.headers)),
                partial.map_or("", |partial| partial.body.as_ref()),
                headers_of(py, partial.map_or(&Vec::new(), |partial| &partial.headers))?,
                error.kind.as_str(),
            ))
        }
        Error::Service(refusal) => service(&errors, refusal, message),
        Error::Unreadable {
            status,
            headers,
            request_id,
            body,
            ..
        } => errors.getattr("api_error")?.call1((
            *status,
            "unreadable",
            message,
            Vec::<Py<PyAny>>::new(),
            request_id.as_deref(),
            body.as_ref(),
            None::<f64>,
            None::<Py<PyAny>>,
            headers_of(py, headers)?,
        )),
    }
}

/// Converts headers to a dict. Joins the values of a repeated header (RFC 9110, section 5.2).
fn headers_of<'py>(py: Python<'py>, headers: &Headers) -> PyResult<Bound<'py, PyDict>> {
    let found = PyDict::new(py);
    for (name, value) in headers {
        match found.get_item(name)? {
            Some(before) => found.set_item(name, format!("{}, {value}", before.extract::<String>()?))?,
            None => found.set_item(name, value)?,
        }
    }
    Ok(found)
}

/// Converts an optional JSON value to Python.
pub fn optional_json<'py>(py: Python<'py>, value: Option<&Value>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(value.map(|value| pythonize::pythonize(py, value)).transpose()?)
}

fn service<'py>(
    errors: &Bound<'py, PyModule>,
    refusal: &ServiceError,
    message: String,
) -> PyResult<Bound<'py, PyAny>> {
    let py = errors.py();
    let violations = refusal
        .violations
        .iter()
        .map(|violation| {
            let entry = PyDict::new(py);
            entry.set_item("index", violation.index)?;
            entry.set_item("id", violation.id.as_deref())?;
            entry.set_item("field", violation.field.as_deref())?;
            entry.set_item("code", violation.code.as_deref())?;
            entry.set_item("title", violation.title.as_deref())?;
            entry.set_item("message", violation.text())?;
            entry.set_item("metadata", optional_json(py, violation.metadata.as_ref())?)?;
            Ok(entry)
        })
        .collect::<PyResult<Vec<_>>>()?;
    errors.getattr("api_error")?.call1((
        refusal.status,
        refusal.code.as_deref(),
        message,
        violations,
        refusal.request_id.as_deref(),
        refusal.body.as_ref(),
        refusal.retry_after,
        optional_json(py, refusal.metadata.as_ref())?,
        headers_of(py, &refusal.headers)?,
    ))
}
