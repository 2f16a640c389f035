//! A client: its options, its token and the calls it can make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pythonize::depythonize;

use super::asyncio;
use super::attached::Held;
use super::errors::{exception, refused};
use super::ledger::Ledger;
use super::logs;
use super::operation::{Ended, Operation};
use super::pages::Pages;
use super::reread::{Input, prepared};
use super::rows::Rows;
use super::runtime::PerProcess;
use super::settings::Settings;
use super::setup::{Description, mistaken, steps};
use super::table::Table;
use crate::api::{self, Call, KnownProject};
use crate::call::Session;
use crate::columns;
use crate::error::{Error, stopped};
use crate::http::auth::Fetching;
use crate::http::send::Network;
use crate::http::{Caller, Phase, Stop, Token, TokenSource};
use crate::ids::ProjectId;
use crate::input::{More, Prepared, Sink, Source, SourceError};
use crate::ledger::journal::Header;
use crate::ledger::{self, SharedLedger};
use crate::listing::{self, Stream};
use crate::model::error_code::ErrorCode;
use crate::options::{GivenOptions, Options};
use crate::reads::by_field::{ByField, FieldOptions};
use crate::reads::rest::{Earlier, Get, List};
use crate::reads::settings::Reader;
use crate::reads::shared_settings::Readings;
use crate::rows::columns::are_of_template;
use crate::rows::{Names, outcome_columns};
use crate::run::activity::{Activity, CurrentActivity};
use crate::run::options::{GetOptions, WriteOptions};
use crate::run::setup::Writer;
use crate::run::start::{Start, Which};
use crate::run::{Job, Run, check, scan};
use crate::settings::setup::plan;

/// A client's options, connection pool, token and rate windows. One per client, shared between threads.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Engine {
    auth: Auth,
    options: Options,
    /// The connection pool and the token, which a forked child must not share.
    caller: PerProcess<Arc<Caller>>,
    /// The tasks that read settings, which do not exist in a forked child.
    readings: PerProcess<Arc<Readings>>,
}

enum Auth {
    Text(String),
    Callable(Arc<Held<Py<PyAny>>>),
}

/// Prepares for looking up names. Releases the GIL, because there may be many assets to read.
fn names(
    py: Python<'_>,
    given: &WriteOptions,
    rows: &Rows,
    settings: Option<&Bound<'_, Settings>>,
    assets: Option<&Bound<'_, Table>>,
) -> Result<Names, Error> {
    let settings = settings.map(|settings| settings.get().0.clone());
    let assets = assets.map(Bound::get);
    let names = py.detach(|| given.names(settings, assets.map(Table::table)))?;
    Ok(named(py, given, names, rows))
}

/// Adds what is known of the rows before they are read: the template's category, their number, and so on.
fn named(py: Python<'_>, given: &WriteOptions, names: Names, rows: &Rows) -> Names {
    Names {
        category: rows.template_category(),
        is_template: are_of_template(rows.required().iter().map(String::as_str)),
        row_title: rows.title().map(Arc::from),
        rows_of_file: rows.rows_of_file(),
        skipped: rows.skipped(),
        skipped_above: rows.skipped_above(),
        padded: rows.padded(py, |column| {
            given.is_identifier(column, names.settings.as_deref())
        }),
        outcomes: outcomes(&rows.names(py)),
        ..names
    }
}

/// Returns the columns that contain outcomes of an earlier call.
fn outcomes(names: &[String]) -> Vec<String> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    outcome_columns(&names).into_iter().map(str::to_owned).collect()
}

/// Returns the rows of an interrupted read, and what remains of it.
fn earlier<'a>(py: Python<'_>, after: Option<&'a Bound<'_, Table>>) -> PyResult<Option<Earlier<'a>>> {
    let earlier = |after: &'a Bound<'_, Table>| after.get().rest().map(|rest| (rest, after.get().table()));
    after
        .map(earlier)
        .transpose()
        .map_err(|error| exception(py, &error))
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (auth, options, /))]
    fn new(py: Python<'_>, auth: Bound<'_, PyAny>, options: &Bound<'_, PyAny>) -> PyResult<Self> {
        let given: GivenOptions = depythonize(options)?;
        let options = Options::try_from(given)
            .and_then(|options| api::check_limits(&options.limits).map(|()| options))
            .map_err(|error| exception(py, &error))?;
        let auth = match auth.extract::<String>() {
            Ok(text) => Auth::Text(text),
            Err(_) => Auth::Callable(Arc::new(Held::new(auth.unbind()))),
        };
        let engine = Self {
            auth,
            options,
            caller: PerProcess::new(),
            readings: PerProcess::new(),
        };
        engine.caller(py)?;
        Ok(engine)
    }

    /// Plans `create`, `patch`, `delete` or `unlink`.
    ///
    /// `reads` is the number of requests that read `assets`, if rows are compared with them.
    ///
    /// If `again` is given, includes only the rows of that ledger that may be resent (`"retry"`) or whose outcome is
    /// unknown (`"reconcile"`).
    #[pyo3(signature = (verb, project, rows, options, /, settings=None, assets=None, reads=0, again=None,
        which="retry"))]
    #[allow(clippy::too_many_arguments)] // One parameter per part of a call.
    fn write(
        &self,
        py: Python<'_>,
        verb: &str,
        project: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
        settings: Option<&Bound<'_, Settings>>,
        assets: Option<&Bound<'_, Table>>,
        reads: u64,
        again: Option<&Ledger>,
        which: &str,
    ) -> PyResult<Operation> {
        let given = rows.get().write_options(options)?;
        let write = api::write_of(verb).map_err(|error| exception(py, &error))?;
        let names = names(py, &given, rows.get(), settings, assets).map_err(|error| exception(py, &error))?;
        let source = prepared(py, rows.get(), &given, names.settings.as_ref())?;
        let tolerance = given
            .tolerance(source.rows())
            .map_err(|error| exception(py, &error))?;
        let which = Which::parse(which).ok_or_else(|| refused(py, format!("unknown selection `{which}`")))?;
        let project = project_id(py, project)?;
        let key_field = given
            .key_field(names.settings.as_deref())
            .map_err(|error| exception(py, &error))?;
        let header = Header {
            verb: verb.to_owned(),
            project: project.to_string(),
            service: self.options.service(),
            import_key: key_field.clone(),
        };
        let resume = given.resume(&header, again.map(Ledger::view), which);
        let start = py
            .detach(|| Start::open(&resume))
            .map_err(|error| exception(py, &error))?;
        let import_key = key_field.map(|field| start.import_key(field, given.generate_keys));
        let Start {
            mut ledger,
            mut again,
            journal,
        } = start;
        again.run = given.run_name();
        ledger.warnings.extend(rows.get().sheet_notes());
        rows.get().select_in(&mut ledger);
        ledger.stats.requests += reads;
        ledger.stats.lookups += reads;
        let ledger = Arc::new(Mutex::new(ledger));
        let job = Job {
            write,
            project,
            query: Vec::new(),
            policy: given.policy(write.row, import_key, names),
            batch_size: given.batch_size,
            tolerance,
            dry_run: given.dry_run,
            keep: given.returning,
            replayable: source.rows().is_some(),
            reconcile: given.reconciles(which),
            again,
            journal,
        };
        let returning = given.returning;
        self.operation(py, job, source, ledger, move |mut ended, _| {
            ended.table.sort();
            Ended {
                table: returning.then_some(ended.table),
                error: ended.fatal,
                ..Ended::default()
            }
        })
    }

    /// Plans a batch-get. The operation's table contains the assets. `after` is the table of an earlier read that
    /// failed.
    #[pyo3(signature = (project, rows, options, /, after=None))]
    fn get(
        &self,
        py: Python<'_>,
        project: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
        after: Option<&Bound<'_, Table>>,
    ) -> PyResult<Operation> {
        let given: GetOptions = depythonize(options)?;
        let source = rows.get().selected(Prepared::new(rows.get().source(py)?, None));
        let session = Session::new(self.caller(py)?, Stop::default());
        let earlier = earlier(py, after)?;
        let replayable = source.rows().is_some();
        let (get, job, ledger) = Get::new(&session, project_id(py, project)?, given, replayable, earlier)
            .map_err(|error| exception(py, &error))?;
        let ledger = Arc::new(Mutex::new(ledger));
        self.operation(py, job, source, ledger, move |ended, ledger| {
            let ledger = ledger::lock(ledger);
            Ended::of_read(get.end(ended, &ledger))
        })
    }

    /// Plans a read of the assets that have one of the values in the rows. The operation's table contains the assets.
    #[pyo3(signature = (project, rows, options, /))]
    fn get_by_field(
        &self,
        py: Python<'_>,
        project: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Operation> {
        let options = FieldOptions {
            row_title: rows.get().title().map(str::to_owned),
            ..depythonize(options)?
        };
        let source = rows.get().selected(Prepared::new(rows.get().source(py)?, None));
        let error: Arc<Mutex<Option<PyErr>>> = source.inner().inner().error();
        let stop = Stop::default();
        let read = ByField {
            session: Session::new(self.caller(py)?, stop.clone()),
            project: project_id(py, project)?,
            options,
        };
        let activity = CurrentActivity::new(Activity::Reading, read.session.counters.clone());
        let stopping = stop.clone();
        let work = Box::pin(async move {
            let source = Box::new(Blocking(source));
            Ended::of_read(read.read(source, &stopping).await)
        });
        let ledger = SharedLedger::default();
        Ok(Operation::new(work, ledger, stop, None, error, activity))
    }

    /// Plans a read of the error codes, which are read only once per client. The operation's table contains the
    /// codes.
    fn read_error_codes(&self, py: Python<'_>) -> PyResult<Operation> {
        let stop = Stop::default();
        let session = Session::new(self.caller(py)?, stop.clone());
        let activity = CurrentActivity::new(Activity::Reading, session.counters.clone());
        let stopping = stop.clone();
        let work = Box::pin(async move {
            let read = tokio::select! {
                read = session.error_codes() => read.map(|codes| table_of(&codes)),
                () = stopping.reached(Phase::Now) => Err(stopped()),
            };
            let (table, error) = match read {
                Ok(table) => (Some(table), None),
                Err(error) => (None, Some(error)),
            };
            Ended {
                table,
                error,
                ..Ended::default()
            }
        });
        Ok(Operation::new(
            work,
            SharedLedger::default(),
            stop,
            None,
            Arc::default(),
            activity,
        ))
    }

    /// Scans rows before a write. Returns whether the rows need the project's settings, the ids of the assets
    /// needed to validate the rows of a patch, and whether the rows are compared with these assets.
    #[staticmethod]
    #[pyo3(signature = (verb, rows, options, /, settings=None))]
    fn scan(
        py: Python<'_>,
        verb: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<(bool, Vec<String>, bool)> {
        let given = rows.get().write_options(options)?;
        let shape = api::write_of(verb).map_err(|error| exception(py, &error))?.row;
        let names = names(py, &given, rows.get(), settings, None);
        let known = settings.map(|settings| &settings.get().0);
        let mut source = prepared(py, rows.get(), &given, known)?;
        let raised = source.inner().inner().error();
        let found = py.detach(|| scan::scan(&mut source, &given, shape, names));
        match found {
            Ok(found) => Ok((found.names, found.assets, found.compared)),
            Err(error) => {
                let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(raised.unwrap_or_else(|| exception(py, &error.into())))
            }
        }
    }

    /// Checks rows against settings without a request. For a patch, checks that require the current assets are skipped.
    #[staticmethod]
    #[pyo3(signature = (verb, rows, options, settings, /))]
    fn check(
        py: Python<'_>,
        verb: &str,
        rows: &Bound<'_, Rows>,
        options: &Bound<'_, PyDict>,
        settings: &Bound<'_, Settings>,
    ) -> PyResult<Ledger> {
        let given = rows.get().write_options(options)?;
        let write = api::write_of(verb).map_err(|error| exception(py, &error))?;
        let settings = Some(settings.get().0.clone());
        let names = given
            .names(settings, Some(&columns::Table::default()))
            .map(|names| named(py, &given, names, rows.get()))
            .map_err(|error| exception(py, &error))?;
        let mut source = prepared(py, rows.get(), &given, names.settings.as_ref())?;
        let raised = source.inner().inner().error();
        let policy = given.policy(write.row, None, names);
        let mut ledger = ledger::Ledger::default();
        rows.get().select_in(&mut ledger);
        // The path of the method would work for only one lifetime.
        #[allow(clippy::redundant_closure_for_method_calls)]
        let signals = || match Python::try_attach(|py| py.check_signals()) {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                raised
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .replace(error);
                false
            }
            None => false,
        };
        let checked =
            py.detach(|| check::check(&mut source, write, policy, given.batch_size, ledger, signals));
        if let Some(error) = raised.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        let mut ledger = checked.map_err(|error| exception(py, &error.into()))?;
        ledger.warnings.extend(rows.get().sheet_notes());
        Ok(Ledger::new(Arc::new(ledger)))
    }

    /// Plans a read of a project's settings. The operation returns the settings. If `known` lacks only the
    /// locations, reads only the locations. Calls that start during a read share it, unless they require a
    /// new read.
    #[pyo3(signature = (project, locations_container, /, known=None, refresh=false))]
    fn read_settings(
        &self,
        py: Python<'_>,
        project: &str,
        locations_container: Option<String>,
        known: Option<&Bound<'_, Settings>>,
        refresh: bool,
    ) -> PyResult<Operation> {
        let known = known.map(|known| known.get().0.clone());
        let reader = Reader {
            session: Session::new(self.caller(py)?, Stop::default()),
            project: project_id(py, project)?,
            locations_container,
        };
        let reading = self.readings()?.join(reader, known, refresh);
        let stop = Stop::default();
        let (waited, stopping) = (reading.clone(), stop.clone());
        let work = Box::pin(async move {
            let (settings, error) = match waited.settings(&stopping).await {
                Ok(settings) => (Some(settings), None),
                Err(error) => (None, Some(error)),
            };
            Ended {
                settings,
                error,
                ..Ended::default()
            }
        });
        let activity = reading.activity();
        let operation = Operation::new(
            work,
            SharedLedger::default(),
            stop,
            None,
            Arc::default(),
            activity,
        );
        Ok(operation.waits_for(reading))
    }

    /// Prevents later calls from joining reads of this project's settings that are in progress, because the
    /// settings are about to change.
    #[pyo3(signature = (project, /))]
    fn forget_settings(&self, py: Python<'_>, project: &str) -> PyResult<()> {
        self.readings()?.forget(project_id(py, project)?);
        Ok(())
    }

    /// Plans the setup of a project whose current settings are `settings`. The operation's table contains the
    /// steps and their outcomes.
    #[pyo3(signature = (project, settings, description, /))]
    fn apply_setup(
        &self,
        py: Python<'_>,
        project: &str,
        settings: &Bound<'_, Settings>,
        description: &Bound<'_, Description>,
    ) -> PyResult<Operation> {
        let (settings, description) = (&settings.get().0, &description.get().0);
        let planned = py.detach(|| plan(settings, description));
        let mistakes = planned.mistakes();
        if !mistakes.is_empty() {
            return Err(mistaken(py, &mistakes));
        }
        let stop = Stop::default();
        let writer = Writer {
            session: Session::new(self.caller(py)?, stop.clone()),
            project: project_id(py, project)?,
        };
        let activity = CurrentActivity::new(Activity::Setup, writer.session.counters.clone());
        let work = Box::pin(async move {
            let outcomes = writer.apply(&planned).await;
            Ended {
                table: Some(steps(&planned, Some(&outcomes))),
                ..Ended::default()
            }
        });
        Ok(Operation::new(
            work,
            SharedLedger::default(),
            stop,
            None,
            Arc::default(),
            activity,
        ))
    }

    /// Plans a paginated read of the list named by `kind`. The operation's table contains the rows. `after`
    /// is the table of an earlier read that failed, and `limit` the maximum number of rows. Some filters can only be
    /// checked with `settings`.
    #[pyo3(signature = (kind, project, path, query, /, after=None, body=None, limit=None, settings=None))]
    #[allow(clippy::needless_pass_by_value, clippy::too_many_arguments)] // Arguments from Python are owned.
    fn read(
        &self,
        py: Python<'_>,
        kind: &str,
        project: Option<&str>,
        path: HashMap<String, String>,
        query: Vec<(String, String)>,
        after: Option<&Bound<'_, Table>>,
        body: Option<String>,
        limit: Option<usize>,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<Operation> {
        let stop = Stop::default();
        let session = Session::new(self.caller(py)?, stop.clone());
        let activity = CurrentActivity::new(Activity::Reading, session.counters.clone());
        let call = list_call(py, &session, kind, project, &path, settings)?.with_query(query);
        let call = match body {
            Some(body) => call.with_body(body),
            None => call,
        };
        let list =
            List::new(session, call, earlier(py, after)?, limit).map_err(|error| exception(py, &error))?;
        let stopping = stop.clone();
        let work = Box::pin(async move { Ended::of_read(list.read(&stopping).await) });
        Ok(Operation::new(
            work,
            SharedLedger::default(),
            stop,
            None,
            Arc::default(),
            activity,
        ))
    }

    /// Plans a read of assets page by page, with at most `page_size` rows per request.
    #[pyo3(signature = (project, query, page_size, settings=None, /))]
    fn pages(
        &self,
        py: Python<'_>,
        project: &str,
        query: Vec<(String, String)>,
        page_size: u32,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<Pages> {
        let session = Session::new(self.caller(py)?, Stop::default());
        let counters = session.counters.clone();
        let path = HashMap::new();
        let call = list_call(py, &session, "assets", Some(project), &path, settings)?.with_query(query);
        let stream = Stream::new(session, call, page_size).map_err(|error| exception(py, &error))?;
        Ok(Pages::new(stream, counters))
    }

    /// Plans a count of assets. The operation has the number.
    #[pyo3(signature = (project, query, settings=None, /))]
    fn count(
        &self,
        py: Python<'_>,
        project: &str,
        query: Vec<(String, String)>,
        settings: Option<&Bound<'_, Settings>>,
    ) -> PyResult<Operation> {
        let stop = Stop::default();
        let session = Session::new(self.caller(py)?, stop.clone());
        let activity = CurrentActivity::new(Activity::Reading, session.counters.clone());
        let path = HashMap::new();
        let call = list_call(py, &session, "assets", Some(project), &path, settings)?.with_query(query);
        let work = Box::pin(async move {
            let (count, error) = match listing::count(session, call).await {
                Ok(count) => (Some(count), None),
                Err(error) => (None, Some(error)),
            };
            Ended {
                count,
                error,
                ..Ended::default()
            }
        });
        let (ledger, none) = (SharedLedger::default(), Arc::default());
        Ok(Operation::new(work, ledger, stop, None, none, activity))
    }
}

/// Returns the call of the list named by `kind`.
fn list_call(
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

impl Engine {
    fn caller(&self, py: Python<'_>) -> PyResult<Arc<Caller>> {
        logs::start(py);
        self.caller
            .get(|| {
                let token = match &self.auth {
                    Auth::Text(text) => Token::fixed(text),
                    Auth::Callable(callable) => Token::from_source(Arc::new(Callable(callable.clone()))),
                };
                let network = Network::new(&self.options)?;
                Ok(Arc::new(Caller::new(
                    Box::new(network),
                    token,
                    self.options.clone(),
                )))
            })
            .map_err(|error: Error| exception(py, &error))
    }

    fn readings(&self) -> PyResult<Arc<Readings>> {
        self.readings.get(|| Ok(Arc::default()))
    }

    fn operation(
        &self,
        py: Python<'_>,
        job: Job,
        source: Input,
        ledger: SharedLedger,
        finish: impl FnOnce(crate::run::machine::Ended, &SharedLedger) -> Ended + Send + 'static,
    ) -> PyResult<Operation> {
        let caller = self.caller(py)?;
        let stop = Stop::default();
        let rows = source.rows();
        let error: Arc<Mutex<Option<PyErr>>> = source.inner().inner().error();
        let run = Run::new(caller, job, ledger.clone(), stop.clone());
        let activity = run.activity();
        let theirs = ledger.clone();
        let work = Box::pin(async move {
            let ended = run.drive(Box::new(Blocking(source))).await;
            finish(ended, &theirs)
        });
        Ok(Operation::new(work, ledger, stop, rows, error, activity))
    }
}

/// Converts error codes to rows.
fn table_of(codes: &[ErrorCode]) -> columns::Table {
    let rows: Vec<String> = codes
        .iter()
        .filter_map(|code| serde_json::to_string(code).ok())
        .collect();
    let mut table = columns::Table::default();
    // Four members per row are never too many.
    if let Ok(page) = columns::Page::of(rows.iter().map(String::as_str)) {
        table.add(page, 0..);
    }
    table
}

fn project_id(py: Python<'_>, text: &str) -> PyResult<ProjectId> {
    ProjectId::parse(text).map_err(|error| exception(py, &error))
}

/// A source of rows that may block on the interpreter or on a slow generator. Requests in flight continue
/// meanwhile.
struct Blocking(Input);

impl Source for Blocking {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        tokio::task::block_in_place(|| self.0.fill(sink))
    }

    fn rows(&self) -> Option<usize> {
        self.0.rows()
    }
}

/// A Python function, sync or async, that returns a token.
struct Callable(Arc<Held<Py<PyAny>>>);

impl TokenSource for Callable {
    fn fetch(&self) -> Fetching {
        Box::pin(asyncio::token(self.0.clone()))
    }
}
