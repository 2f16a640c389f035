//! Plans writes.

use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments::project_id;
use super::client::Client;
use super::names::names;
use super::run;
use crate::api;
use crate::input::Source;
use crate::ledger::journal::Header;
use crate::python::errors::{exception, refused};
use crate::python::ledger::Ledger;
use crate::python::operation::{CallEnd, Operation};
use crate::python::reread::prepared;
use crate::python::rows::Rows;
use crate::python::settings::Settings;
use crate::python::table::Table;
use crate::run::start::{Start, Which};
use crate::run::{Job, MOST_KEPT, Part};

/// The rows of a write, and what is known of the project.
pub struct Input<'i, 'py> {
    pub rows: &'i Rows,
    pub settings: Option<&'i Bound<'py, Settings>>,
    /// The assets that the rows are compared with, and the number of requests that read them.
    pub assets: Option<&'i Bound<'py, Table>>,
    pub reads: u64,
}

/// The rows of an earlier call to process, if not all.
pub struct Selected<'i> {
    pub again: Option<&'i Ledger>,
    /// `retry` or `reconcile`.
    pub which: &'i str,
}

/// Plans the write named by `verb`.
///
/// # Errors
/// If an argument is invalid, or the journal of a named run cannot be used.
pub fn write(
    py: Python<'_>,
    client: &Client,
    verb: &str,
    project: &str,
    input: &Input<'_, '_>,
    options: &Bound<'_, PyDict>,
    selected: &Selected<'_>,
) -> PyResult<Operation> {
    let rows = input.rows;
    let given = rows.write_options(options)?;
    let write = api::write_of(verb).map_err(|error| exception(py, &error))?;
    let names = names(py, &given, write.row, rows, input.settings, input.assets)
        .map_err(|error| exception(py, &error))?;
    let source = prepared(py, rows, &given, write.row, names.settings.as_ref())?;
    let tolerance = given
        .tolerance(source.rows())
        .map_err(|error| exception(py, &error))?;
    let which = Which::parse(selected.which)
        .ok_or_else(|| refused(py, format!("unknown selection `{}`", selected.which)))?;
    let project = project_id(py, project)?;
    let key_field = given
        .key_field(write.row, names.settings.as_deref())
        .map_err(|error| exception(py, &error))?;
    let header = Header {
        verb: verb.to_owned(),
        project: project.to_string(),
        service: client.service(),
        import_key: key_field.clone(),
    };
    let resume = given.resume(&header, selected.again.map(Ledger::view), which);
    let start = py
        .detach(|| Start::open(&resume))
        .map_err(|error| exception(py, &error))?;
    let import_key = key_field.map(|field| start.import_key(field, given.generate_keys));
    let Start {
        mut ledger,
        mut continuation,
        journal,
    } = start;
    continuation.run = given.run_name();
    ledger.warnings.extend(rows.sheet_notes());
    rows.select_in(&mut ledger);
    ledger.stats.requests += input.reads;
    ledger.stats.lookups += input.reads;
    let ledger = Arc::new(Mutex::new(ledger));
    let job = Job {
        parts: vec![Part::of(
            write,
            given.policy(write.row, import_key, names),
            given.batch_size,
        )],
        project,
        tolerance,
        dry_run: given.dry_run,
        keep: given.returning,
        replayable: source.rows().is_some(),
        most_kept: MOST_KEPT,
        reconcile: given.reconciles(which),
        continuation,
        journal,
    };
    let returning = given.returning;
    run::plan(py, client, job, source, ledger, move |mut ended, _| {
        ended.table.sort();
        CallEnd {
            table: returning.then_some(ended.table),
            error: ended.fatal,
            ..CallEnd::default()
        }
    })
}
