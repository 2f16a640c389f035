//! A simulated service, a client core for it, and checks that compare the client's results with the service.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use acc_assets::api::{Write, assets};
use acc_assets::error::{Partial, Sent, TransportError, TransportKind};
use acc_assets::http::auth::Fetching;
use acc_assets::http::send::{Request, Response, Sending, Transport};
use acc_assets::http::{Caller, Stop, Token, TokenSource};
use acc_assets::ids::ProjectId;
use acc_assets::input::{Cell, Column, Label, More, Sink, Source, SourceError};
use acc_assets::ledger::journal::{Header, Journal};
use acc_assets::ledger::{Ledger, SharedLedger, Status, View, lock};
use acc_assets::options::Options;
use acc_assets::rows::{Dates, ImportKey, Names, Nulls, Policy, RowShape};
use acc_assets::run::activity::CurrentActivity;
use acc_assets::run::machine::Ended;
use acc_assets::run::start::{Resume, Start, Which};
use acc_assets::run::{Compared, Continuation, Job, MOST_KEPT, Part, Run, Tolerance};
use acc_assets::simulator::{self, Fault, Simulator};
use serde_json::Value;

use crate::events::{Events, Logged};

/// A row: column names and their cells as strings.
pub type Texts = Vec<(&'static str, String)>;

/// Rows of named string cells.
struct Rows {
    /// Each with its part.
    given: Arc<Vec<(usize, Texts)>>,
    /// The rows if they are read again.
    later: Arc<Vec<(usize, Texts)>>,
    next: usize,
    total: Option<usize>,
}

impl Source for Rows {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        while let Some((part, row)) = self.given.get(self.next) {
            self.next += 1;
            sink.part(*part);
            let columns: Vec<Column> = row.iter().map(|(name, _)| sink.column(name)).collect();
            if sink.begin(Label::Number) {
                for (column, (_, value)) in columns.into_iter().zip(row) {
                    sink.cell(column, &Cell::Text(value));
                }
                sink.end();
            }
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }

    fn rows(&self) -> Option<usize> {
        self.total
    }

    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(Self {
            given: self.later.clone(),
            later: self.later.clone(),
            next: 0,
            total: self.total,
        }))
    }
}

/// One call of a verb.
pub struct Call {
    pub write: &'static Write,
    pub shape: RowShape,
    pub rows: Vec<Texts>,
    pub stream: bool,
    /// How many bytes of checked rows to keep, and the rows if they are read again, unless they are the same.
    pub most_kept: usize,
    pub later: Option<Vec<Texts>>,
    /// The further parts of the run. Their rows come in turn with the others.
    pub more: Vec<Further>,
    pub dry_run: bool,
    pub reconcile: bool,
    pub import_key: Option<ImportKey>,
    /// What the rows of all parts were compared with.
    pub compared: Option<Compared>,
    pub names: Names,
    pub tolerance: Tolerance,
    pub ledger: Ledger,
    pub continuation: Continuation,
    pub journal: Option<Journal>,
    pub stop: Stop,
}

/// A further part of a call.
#[derive(Clone)]
pub struct Further {
    pub write: &'static Write,
    pub shape: RowShape,
    /// Whether the parts before it must be settled first.
    pub waits: bool,
    pub rows: Vec<Texts>,
}

impl Call {
    pub fn new(write: &'static Write, shape: RowShape, rows: Vec<Texts>) -> Self {
        Self {
            write,
            shape,
            rows,
            stream: false,
            most_kept: MOST_KEPT,
            later: None,
            more: Vec::new(),
            dry_run: false,
            reconcile: true,
            import_key: None,
            compared: None,
            names: Names::default(),
            tolerance: Tolerance::All,
            ledger: Ledger::default(),
            continuation: Continuation::default(),
            journal: None,
            stop: Stop::default(),
        }
    }

    pub fn create(rows: Vec<Texts>) -> Self {
        Self::new(&assets::BATCH_CREATE, RowShape::NewAsset, rows)
    }

    /// Resumes or starts a run.
    pub fn starts_with(mut self, start: Start) -> Self {
        (self.ledger, self.continuation, self.journal) = (start.ledger, start.continuation, start.journal);
        self
    }

    /// Resumes or starts the run with this name.
    pub fn of_run(self, bench: &Bench, path: &Path) -> Self {
        let header = Header {
            verb: "create".to_owned(),
            project: bench.simulator.project_id(),
            service: "http://localhost".to_owned(),
            import_key: None,
        };
        let start = Start::open(&Resume {
            header: &header,
            run: Some(path),
            dry_run: false,
            reconcile: true,
            rows: None,
            which: Which::Retry,
        });
        self.starts_with(start.unwrap())
    }

    /// Continues an earlier call.
    pub fn continues(mut self, mut ledger: Ledger, send: bool, look_up: bool) -> Self {
        ledger.reopen();
        let view = View::new(Arc::new(ledger));
        if send {
            self.continuation.send = view.settled_in(&[Status::NotSent, Status::Failed]);
        }
        if look_up {
            self.continuation.look_up = view.settled_in(&[Status::Unknown]);
        }
        self.ledger = Arc::unwrap_or_clone(view.ledger);
        self
    }
}

/// A source with a new token for each fetch.
struct Tokens(Simulator, Arc<AtomicU64>);

impl TokenSource for Tokens {
    fn fetch(&self) -> Fetching {
        let token = format!("{SECRET}-{}", self.1.fetch_add(1, Ordering::Relaxed));
        self.0.accept_token(&token, self.0.user_id(), None);
        Box::pin(async move { Ok(token) })
    }
}

fn fixed(simulator: &Simulator) -> Token {
    Token::fixed(simulator.token())
}

/// The prefix of all tokens of `Bench::with_tokens`, which must not appear anywhere.
pub const SECRET: &str = "s3cr3t-bearer";

/// The fate of a request in transit.
pub enum Way {
    On,
    /// It never arrives, and there is no response.
    Held,
    /// It is executed, but there is no response.
    HeldAfter,
    /// It is executed, but the response is larger than the client accepts.
    TooLarge,
    /// This response is returned, and the request does not reach the service.
    Instead(Result<Response, TransportError>),
}

/// A function that sees each request just before it is sent.
pub type Guard = Box<dyn Fn(&Request) -> Way + Send + Sync>;

struct Guarded<T>(T, Guard);

impl<T: Transport> Transport for Guarded<T> {
    fn send(&self, request: Request) -> Sending<'_> {
        let way = (self.1)(&request);
        Box::pin(async move {
            match way {
                Way::On => return self.0.send(request).await,
                Way::Instead(answer) => return answer,
                Way::TooLarge => {
                    let answer = self.0.send(request).await?;
                    return if (200..300).contains(&answer.status) {
                        Err(too_large(&answer))
                    } else {
                        Ok(answer)
                    };
                }
                Way::Held => {}
                Way::HeldAfter => {
                    let _ = self.0.send(request).await;
                }
            }
            std::future::pending().await
        })
    }
}

fn too_large(answer: &Response) -> TransportError {
    let partial = Partial {
        status: answer.status,
        headers: answer.headers.clone(),
        body: String::from_utf8_lossy(&answer.body[..answer.body.len() / 2]).into(),
    };
    TransportError {
        sent: Sent::Answered,
        message: "the response is too large".to_owned(),
        partial: Some(Box::new(partial)),
        kind: TransportKind::Other,
    }
}

/// The options of a client of the simulator.
pub fn client() -> Options {
    Options {
        base_url: "http://localhost".into(),
        region: Some("US".into()),
        ..Options::default()
    }
}

pub struct Bench {
    pub simulator: Simulator,
    pub caller: Arc<Caller>,
    /// The number of tokens fetched, if tokens can be renewed.
    pub fetched: Arc<AtomicU64>,
    pub category: String,
    pub status: String,
}

impl Bench {
    pub fn new(options: simulator::Options) -> Self {
        Self::made(options, client(), fixed, None, None)
    }

    /// Creates a bench with an observer of requests.
    pub fn guarded(options: simulator::Options, client: Options, guard: Guard) -> Self {
        Self::made(options, client, fixed, Some(guard), None)
    }

    /// Creates a bench with renewable tokens.
    pub fn with_tokens(options: simulator::Options, guard: Guard, events: Events) -> Self {
        let fetched = Arc::new(AtomicU64::new(0));
        let source = fetched.clone();
        let token = |simulator: &Simulator| Token::from_source(Arc::new(Tokens(simulator.clone(), source)));
        Self {
            fetched,
            ..Self::made(options, client(), token, Some(guard), Some(events))
        }
    }

    /// Creates a bench for a project that may have no categories.
    pub fn bare(options: simulator::Options) -> Self {
        Self::bare_guarded(options, client(), Box::new(|_| Way::On))
    }

    pub fn bare_guarded(options: simulator::Options, client: Options, guard: Guard) -> Self {
        let simulator = Simulator::new(options).unwrap();
        let transport = Box::new(Guarded(simulator.transport(), guard));
        let caller = Arc::new(Caller::alone(transport, fixed(&simulator), client));
        Self {
            simulator,
            caller,
            fetched: Arc::default(),
            category: String::new(),
            status: String::new(),
        }
    }

    fn made(
        options: simulator::Options,
        client: Options,
        token: impl FnOnce(&Simulator) -> Token,
        guard: Option<Guard>,
        events: Option<Events>,
    ) -> Self {
        let simulator = Simulator::new(options).unwrap();
        let world = simulator.world_json();
        let pumps = world["categories"]
            .as_array()
            .unwrap()
            .iter()
            .find(|category| category["name"] == "Pumps")
            .unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (category, status) = (text(&pumps["id"]), text(&pumps["statuses"][0]["id"]));
        let token = token(&simulator);
        let guard = guard.unwrap_or_else(|| Box::new(|_| Way::On));
        let transport = Guarded(simulator.transport(), guard);
        let transport: Box<dyn Transport> = match events {
            Some(events) => Box::new(Logged(transport, events)),
            None => Box::new(transport),
        };
        let caller = Arc::new(Caller::alone(transport, token, client));
        Self {
            simulator,
            caller,
            fetched: Arc::default(),
            category,
            status,
        }
    }

    /// Simulates another process on a machine whose clock was set: it starts at the system's time.
    pub fn set_clock(&mut self) {
        let token = Token::fixed(self.simulator.token());
        let transport = Box::new(self.simulator.transport());
        self.caller = Arc::new(Caller::alone(transport, token, client()));
    }

    pub fn new_asset(&self, key: &str, bad: bool) -> Texts {
        let foreign_status = "11111111-1111-4111-8111-111111111111";
        let status = if bad {
            foreign_status.to_owned()
        } else {
            self.status.clone()
        };
        vec![
            ("clientAssetId", key.to_owned()),
            ("categoryId", self.category.clone()),
            ("statusId", status),
        ]
    }

    pub fn new_assets(&self, count: usize, bad: impl Fn(usize) -> bool) -> Vec<Texts> {
        (0..count)
            .map(|row| self.new_asset(&format!("P-{row}"), bad(row)))
            .collect()
    }

    pub fn job(&self, call: &mut Call) -> Job {
        let policy = Policy {
            shape: call.shape,
            nulls: Nulls::Omit,
            dates: Dates::Strict,
            id_column: "id".into(),
            import_key: call.import_key.take(),
            names: std::mem::take(&mut call.names),
        };
        let further = call.more.iter().map(|more| Part {
            waits: more.waits,
            compared: call.compared.clone(),
            ..Part::of(
                more.write,
                Policy {
                    shape: more.shape,
                    import_key: None,
                    ..policy.clone()
                },
                more.write.endpoint.items().most,
            )
        });
        let further: Vec<Part> = further.collect();
        let part = Part {
            compared: call.compared.clone(),
            ..Part::of(call.write, policy, call.write.endpoint.items().most)
        };
        Job {
            parts: std::iter::once(part).chain(further).collect(),
            project: ProjectId::parse(&self.simulator.project_id()).unwrap(),
            tolerance: call.tolerance,
            dry_run: call.dry_run,
            keep: false,
            replayable: !call.stream,
            most_kept: call.most_kept,
            reconcile: call.reconcile,
            continuation: std::mem::take(&mut call.continuation),
            journal: call.journal.take(),
        }
    }

    /// The call as a future, and its ledger for observation.
    pub fn start(&self, call: Call) -> (SharedLedger, impl Future<Output = Ended> + use<>) {
        let (ledger, _, driving) = self.start_watched(call);
        (ledger, driving)
    }

    /// The call as a future, its ledger, and its activity.
    pub fn start_watched(
        &self,
        mut call: Call,
    ) -> (SharedLedger, CurrentActivity, impl Future<Output = Ended> + use<>) {
        let job = self.job(&mut call);
        let rows = in_turn(call.rows, &call.more);
        let later = call.later.map(|later| in_turn(later, &call.more));
        let total = (!call.stream).then_some(rows.len());
        let ledger: SharedLedger = Arc::new(std::sync::Mutex::new(call.ledger));
        let run = Run::new(self.caller.clone(), job, ledger.clone(), call.stop);
        let rows = Arc::new(rows);
        let rows = Rows {
            later: later.map_or_else(|| rows.clone(), Arc::new),
            given: rows,
            next: 0,
            total,
        };
        (ledger, run.activity(), run.drive(Box::new(rows)))
    }

    pub async fn call(&self, call: Call) -> (Ledger, Ended) {
        let (ledger, driving) = self.start(call);
        let ended = driving.await;
        let ledger = std::mem::take(&mut *lock(&ledger));
        (ledger, ended)
    }

    pub async fn run(
        &self,
        write: &'static Write,
        shape: RowShape,
        rows: Vec<Texts>,
        stream: bool,
    ) -> (Ledger, Ended) {
        let mut call = Call::new(write, shape, rows);
        call.stream = stream;
        self.call(call).await
    }

    pub async fn create(&self, rows: Vec<Texts>, stream: bool) -> (Ledger, Ended) {
        self.run(&assets::BATCH_CREATE, RowShape::NewAsset, rows, stream)
            .await
    }

    /// Panics if the ledger of a create and the project disagree. Rows with the same clientAssetId in the service count
    /// together.
    pub fn compare(&self, ledger: &Ledger, rows: usize, what: &str) {
        assert_eq!(ledger.rows(), rows, "{what}: every row has an outcome");
        let snapshot = self.simulator.assets();
        let switches = self.simulator.switches();
        let kept = |key: &str| {
            let key = if switches["client_asset_id_trim"] == "on" {
                key.trim()
            } else {
                key
            };
            if switches["key_case"] == "lower" {
                key.to_lowercase()
            } else {
                key.to_owned()
            }
        };
        let mut world: HashMap<String, Vec<&str>> = HashMap::new();
        for asset in snapshot.as_array().unwrap() {
            let key = asset["clientAssetId"].as_str().unwrap().to_owned();
            let ids = world.entry(key).or_default();
            ids.push(asset["id"].as_str().unwrap());
        }
        let mut said: HashMap<String, (Vec<String>, usize)> = HashMap::new();
        let view = View::new(Arc::new(ledger.clone()));
        for outcome in view.outcomes() {
            let key = kept(&outcome.key.unwrap_or_default());
            let (created, unknown) = said.entry(key.clone()).or_default();
            match outcome.status {
                Status::Created | Status::Unchanged | Status::Differs => {
                    created.push(outcome.id.unwrap_or_default());
                }
                Status::Unknown => *unknown += 1,
                _ => {}
            }
        }
        for (key, (created, unknown)) in &said {
            let real = world.get(key).map_or(&[][..], Vec::as_slice);
            assert!(
                real.len() >= created.len() && real.len() <= created.len() + unknown,
                "{what}: {key:?} is {} times in the project, but the ledger has {} and {unknown} unknown",
                real.len(),
                created.len(),
            );
            for id in created {
                assert!(
                    real.contains(&id.as_str()),
                    "{what}: {id} is not the id of a {key:?}"
                );
            }
            let mut distinct = created.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(
                distinct.len(),
                created.len(),
                "{what}: one id for two rows of {key:?}"
            );
        }
    }
}

/// Takes a row of each part in turn.
fn in_turn(first: Vec<Texts>, more: &[Further]) -> Vec<(usize, Texts)> {
    let further = more.iter().map(|more| more.rows.clone());
    let mut parts: Vec<_> = std::iter::once(first)
        .chain(further)
        .map(Vec::into_iter)
        .collect();
    let mut rows = Vec::new();
    loop {
        let before = rows.len();
        for (index, part) in parts.iter_mut().enumerate() {
            rows.extend(part.next().map(|row| (index, row)));
        }
        if rows.len() == before {
            return rows;
        }
    }
}

pub fn counts(ledger: &Ledger) -> Vec<(Status, usize)> {
    View::new(Arc::new(ledger.clone())).counts()
}

pub fn count(ledger: &Ledger, status: Status) -> usize {
    counts(ledger)
        .into_iter()
        .find(|(found, _)| *found == status)
        .map_or(0, |(_, rows)| rows)
}

pub fn fault(value: &Value) -> Fault {
    Fault::from_json(value).unwrap()
}
