//! Runs the client with every value of every switch, one at a time. Whatever is undocumented, its results must be
//! true. If the service is usable, the work must get done.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acc_assets::api::{
    Endpoint, Paging, ResponseBody, Rows as ListRows, Write, assets, relationships, settings,
};
use acc_assets::http::auth::{Fetching, NoToken};
use acc_assets::http::send::Sending;
use acc_assets::http::{Caller, Request, Response, Stop, Token, TokenSource, Transport};
use acc_assets::ids::ProjectId;
use acc_assets::input::{Cell, Label, More, Sink, Source, SourceError};
use acc_assets::ledger::{SharedLedger, Status, View, lock};
use acc_assets::options::Options;
use acc_assets::rows::{Dates, Names, Nulls, Policy, RowShape};
use acc_assets::run::{Continuation, Job, MOST_KEPT, Part, Run, Tolerance};
use acc_assets::simulator::contract::SWITCHES;
use acc_assets::simulator::{self, Fault, Simulator};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::lists;

/// Values that prevent some rows from succeeding: responses are lost, calls are rejected, or the data breaks the
/// active rule. For these, only the results are checked.
const HARD: &[(&str, &str)] = &[
    ("gateway_down", "html"),
    ("gateway_down", "json"),
    ("inject_409", "<n>"),
    ("inject_5xx", "<n>"),
    ("inject_5xx", "after_apply"),
    ("inject_5xx", "before_apply"),
    ("client_asset_id_max", "<n>"),
    ("barcode_max", "<n>"),
    ("batch_missing", "404"), // one missing link hides the others in its lookup
    ("barcode_unique", "409"),
    ("patch_null", "reject"),
    ("assets_region", "required"), // no page of Assets lists the header, so it is not sent
];

fn number(switch: &str) -> &'static str {
    match switch {
        // Ten rows have longer barcodes.
        "barcode_max" => "4",
        "client_asset_id_max" => "5",
        "read_lag_ms" => "5000",
        "inject_409" | "inject_5xx" => "0.2",
        "max_body" => "8000",
        "max_items" => "20",
        "token_ttl" => "30",
        _ => "0.5",
    }
}

type Row = Vec<(&'static str, Option<String>)>;

struct Rows(std::vec::IntoIter<Row>, usize);

impl Source for Rows {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        for row in self.0.by_ref() {
            let columns: Vec<_> = row.iter().map(|(name, _)| sink.column(name)).collect();
            if sink.begin(Label::Number) {
                for (column, (_, value)) in columns.into_iter().zip(&row) {
                    sink.cell(column, &value.as_deref().map_or(Cell::Null, Cell::Text));
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
        Some(self.1)
    }
}

struct Bench {
    simulator: Simulator,
    caller: Arc<Caller>,
    project: ProjectId,
    /// The label for panics.
    what: String,
    hard: bool,
}

type Outcomes = Vec<(Status, Option<String>)>;

impl Bench {
    fn new(switch: &str, value: &str) -> Self {
        let simulator = Simulator::new(simulator::Options::default()).unwrap();
        let set = if value == "<n>" { number(switch) } else { value };
        simulator.set_switch(switch, set).unwrap();
        if ["rate_window", "retry_after", "body_429"].contains(&switch) {
            // A client within the documented limits gets no 429, so the limits are lower here.
            simulator.set_switch("rate_scale", "0.02").unwrap();
        }
        let client = Options {
            base_url: "http://localhost".into(),
            region: Some("US".into()),
            ..Options::default()
        };
        let token = Token::fixed(simulator.token());
        Self {
            project: ProjectId::parse(&simulator.project_id()).unwrap(),
            caller: Arc::new(Caller::alone(Box::new(simulator.transport()), token, client)),
            what: format!("{switch}={set}"),
            hard: HARD.contains(&(switch, value)),
            simulator,
        }
    }

    async fn run(&self, write: &'static Write, shape: RowShape, rows: Vec<Row>) -> Outcomes {
        let count = rows.len();
        let policy = Policy {
            shape,
            nulls: Nulls::Clear,
            dates: Dates::Strict,
            id_column: "id".into(),
            import_key: None,
            names: Names::default(),
        };
        let job = Job {
            parts: vec![Part::of(write, policy, write.endpoint.items().most)],
            project: self.project,
            tolerance: Tolerance::All,
            dry_run: false,
            keep: false,
            replayable: true,
            most_kept: MOST_KEPT,
            reconcile: true,
            continuation: Continuation::default(),
            journal: None,
        };
        let ledger = SharedLedger::default();
        Run::new(self.caller.clone(), job, ledger.clone(), Stop::default())
            .drive(Box::new(Rows(rows.into_iter(), count)))
            .await;
        let ledger = std::mem::take(&mut *lock(&ledger));
        let view = View::new(Arc::new(ledger));
        let outcomes: Outcomes = view
            .outcomes()
            .map(|outcome| (outcome.status, outcome.id.as_deref().map(str::to_owned)))
            .collect();
        assert_eq!(outcomes.len(), count, "{}: every row has an outcome", self.what);
        outcomes
    }

    async fn on_ids(&self, write: &'static Write, ids: &[String]) -> Vec<Status> {
        let rows = ids.iter().map(|id| vec![("id", Some(id.clone()))]).collect();
        let outcomes = self.run(write, write.row, rows).await;
        outcomes.into_iter().map(|(state, _)| state).collect()
    }

    /// Returns the ids of a list, or `None` if it cannot be read.
    async fn list(&self, listing: &'static Endpoint) -> Option<Vec<String>> {
        let places = [("prefix", "construction"), ("project", &self.project.to_string())];
        let path = listing.path.fill(&places).unwrap();
        let table = lists::read(&self.caller, listing, &path, &[]).await;
        let ids = |table: acc_assets::columns::Table| {
            table
                .rows()
                .map(|row| row["id"].as_str().unwrap().to_owned())
                .collect()
        };
        table.ok().map(ids)
    }

    fn assets(&self) -> HashMap<String, Value> {
        by_id(self.simulator.assets())
    }

    /// Checks that every row has the expected status, if nothing prevents that.
    fn expect<T: PartialEq + std::fmt::Debug>(&self, found: &T, expected: &T, verb: &str) {
        assert!(
            self.hard || found == expected,
            "{}: {verb}: {found:?} instead of {expected:?}",
            self.what
        );
    }
}

fn by_id(rows: Value) -> HashMap<String, Value> {
    let Value::Array(rows) = rows else {
        panic!("no list: {rows}")
    };
    rows.into_iter()
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect()
}

fn count(states: impl IntoIterator<Item = Status>) -> Vec<(Status, usize)> {
    let mut counts: Vec<(Status, usize)> = Vec::new();
    for state in states {
        match counts.iter_mut().find(|(known, _)| *known == state) {
            Some((_, count)) => *count += 1,
            None => counts.push((state, 1)),
        }
    }
    counts
}

/// Returns 130 rows: ordinary ones, twins, one with blanks around its name, and three that the service rejects.
fn new_assets(simulator: &Simulator) -> Vec<Row> {
    let world = simulator.world_json();
    let air = world["categories"]
        .as_array()
        .unwrap()
        .iter()
        .find(|category| category["name"] == "Air Handling")
        .unwrap();
    let status = air["statuses"][0]["id"].as_str().unwrap();
    (0..130)
        .map(|row: usize| {
            let name = match row {
                7 | 60 | 90 => "twin".to_owned(),
                50 => " blank ".to_owned(),
                _ => format!("A-{row}"),
            };
            let status = if [3, 99, 120].contains(&row) {
                "11111111-1111-4111-8111-111111111111"
            } else {
                status
            };
            vec![
                ("clientAssetId", Some(name)),
                ("categoryId", Some(air["id"].as_str().unwrap().to_owned())),
                ("statusId", Some(status.to_owned())),
                (
                    "description",
                    Some(if row == 20 { String::new() } else { "old".into() }),
                ),
                ("barcode", Some(format!("00{}", row % 110))),
                ("ca2", Some(format!("{row}.5"))),
            ]
        })
        .collect()
}

/// Creates rows, and compares every outcome with the project. Returns the ids of the created assets.
async fn created(bench: &Bench) -> Vec<String> {
    let rows = new_assets(&bench.simulator);
    let outcomes = bench
        .run(&assets::BATCH_CREATE, RowShape::NewAsset, rows.clone())
        .await;
    let (world, what) = (bench.assets(), &bench.what);
    let mut ids = Vec::new();
    let mut missing: HashSet<&String> = world.keys().collect();
    for ((state, id), row) in outcomes.iter().zip(&rows) {
        let [name, flow] = [0, 5].map(|at: usize| row[at].1.as_deref().unwrap());
        let is_it = |asset: &Value| {
            let read = &asset["customAttributes"]["ca2"];
            read.as_str().map_or_else(|| read.to_string(), str::to_owned) == flow
        };
        let real = world.values().filter(|asset| is_it(asset)).count();
        match (state, id) {
            (Status::Created, Some(id)) => {
                assert!(is_it(&world[id]), "{what}: {name} has the id of another asset");
                assert!(missing.remove(id), "{what}: {name} shares its id");
                ids.push(id.clone());
            }
            (Status::Created, None) => panic!("{what}: {name} is created and has no id"),
            (Status::Unknown, _) => {
                missing.retain(|id| !is_it(&world[*id]));
            }
            (state, _) => assert_eq!(real, 0, "{what}: {name} is {state:?} and stands in the project"),
        }
        assert!(real <= 1, "{what}: {name} stands in the project {real} times");
    }
    assert!(missing.is_empty(), "{what}: assets nobody accounts for");
    let found = count(outcomes.iter().map(|(state, _)| *state));
    bench.expect(
        &found,
        &vec![(Status::Created, 127), (Status::Rejected, 3)],
        "create",
    );
    ids
}

async fn patched(bench: &Bench, ids: &[String]) {
    let rows = ids
        .iter()
        .map(|id| {
            vec![
                ("id", Some(id.clone())),
                ("description", Some("new".into())),
                ("barcode", None),
            ]
        })
        .collect();
    let outcomes = bench.run(&assets::BATCH_PATCH, RowShape::AssetPatch, rows).await;
    let world = bench.assets();
    for ((state, _), id) in outcomes.iter().zip(ids) {
        match state {
            Status::Unknown => {}
            Status::Updated => assert_eq!(world[id]["description"], "new", "{}", bench.what),
            _ => assert_ne!(world[id]["description"], "new", "{}: {state:?}", bench.what),
        }
    }
    let found = count(outcomes.iter().map(|(state, _)| *state));
    bench.expect(&found, &vec![(Status::Updated, ids.len())], "patch");
}

async fn read(bench: &Bench, ids: &[String]) {
    // This is longer than any lag of the list.
    tokio::time::sleep(Duration::from_secs(6)).await;
    for listing in [
        &settings::CATEGORIES,
        &settings::STATUS_SETS,
        &settings::CUSTOM_ATTRIBUTES,
    ] {
        bench.expect(&bench.list(listing).await.is_some(), &true, listing.name);
    }
    if let Some(listed) = bench.list(&assets::LIST).await {
        let active: HashSet<String> = bench.assets().into_keys().collect();
        assert_eq!(listed.len(), active.len(), "{}: the list", bench.what);
        assert_eq!(
            listed.into_iter().collect::<HashSet<_>>(),
            active,
            "{}",
            bench.what
        );
    } else {
        bench.expect(&false, &true, "list");
    }
    let mut asked = ids.to_vec();
    asked.push("00000000-0000-4000-8000-000000000000".into());
    let states = bench.on_ids(&assets::BATCH_GET, &asked).await;
    let (missing, found) = states.split_last().unwrap();
    bench.expect(missing, &Status::Rejected, "get");
    bench.expect(
        &count(found.iter().copied()),
        &vec![(Status::Unchanged, ids.len())],
        "get",
    );
}

async fn deleted(bench: &Bench, ids: &[String]) {
    for again in [false, true] {
        let states = bench.on_ids(&assets::BATCH_DELETE, ids).await;
        let world = bench.assets();
        for (state, id) in states.iter().zip(ids) {
            let active = world[id]["isActive"] == true;
            match state {
                Status::Unknown => {}
                Status::Deleted => assert!(!active, "{}: {id} is still there", bench.what),
                _ => assert!(active || again, "{}: {id} is {state:?} and gone", bench.what),
            }
        }
        if !again {
            bench.expect(&count(states), &vec![(Status::Deleted, ids.len())], "delete");
        }
    }
}

async fn unlinked(bench: &Bench) {
    let mut ids = bench.simulator.seed_relationships(110);
    bench
        .simulator
        .edit_world(|world| world.relationships[70].read_only = true);
    if let Some(listed) = bench.list(&relationships::SEARCH).await {
        assert_eq!(
            listed.into_iter().collect::<HashSet<_>>(),
            ids.iter().cloned().collect(),
            "{}",
            bench.what
        );
    } else {
        bench.expect(&false, &true, "search");
    }
    ids.push("00000000-0000-4000-8000-000000000000".into());
    ids.push(ids[0].to_uppercase());
    let states = bench.on_ids(&relationships::DELETE, &ids).await;
    let world = by_id(bench.simulator.relationships());
    for (state, id) in states.iter().zip(&ids) {
        let gone = world
            .get(&id.to_lowercase())
            .is_some_and(|link| link["isDeleted"] == true);
        match state {
            Status::Unknown => {}
            state => assert_eq!(
                *state == Status::Deleted,
                gone,
                "{}: {id} is {state:?}",
                bench.what
            ),
        }
    }
    bench.expect(
        &count(states),
        &vec![(Status::Deleted, 110), (Status::Rejected, 2)],
        "unlink",
    );
}

#[tokio::test(start_paused = true)]
async fn the_ledger_is_true_under_every_switch() {
    for (switch, values, _) in SWITCHES {
        for value in *values {
            let bench = Bench::new(switch, value);
            let ids = created(&bench).await;
            if !ids.is_empty() {
                patched(&bench, &ids).await;
            }
            read(&bench, &ids).await;
            deleted(&bench, &ids).await;
            unlinked(&bench).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_affects_only_its_rows() {
    use Status::{Created, Rejected};
    for (switch, value, mut expected) in [
        ("barcode_unique", "409", vec![(Created, 109), (Rejected, 21)]),
        ("client_asset_id_max", "<n>", vec![(Created, 127), (Rejected, 3)]),
        ("barcode_max", "<n>", vec![(Created, 117), (Rejected, 13)]),
        ("client_asset_id_trim", "on", vec![(Created, 127), (Rejected, 3)]),
    ] {
        let bench = Bench::new(switch, value);
        let rows = new_assets(&bench.simulator);
        let outcomes = bench.run(&assets::BATCH_CREATE, RowShape::NewAsset, rows).await;
        let mut found = count(outcomes.into_iter().map(|(state, _)| state));
        for counts in [&mut found, &mut expected] {
            counts.sort_by_key(|(state, _)| format!("{state:?}"));
        }
        assert_eq!(found, expected, "{switch}");
    }
    let bench = Bench::new("patch_null", "reject");
    let ids = created(&bench).await;
    let clear = |id: &String| vec![("id", Some(id.clone())), ("barcode", None)];
    let keep = |id: &String| vec![("id", Some(id.clone())), ("description", Some("new".into()))];
    let rows = ids[..3]
        .iter()
        .map(clear)
        .chain(ids[3..].iter().map(keep))
        .collect();
    let outcomes = bench.run(&assets::BATCH_PATCH, RowShape::AssetPatch, rows).await;
    let found = count(outcomes.into_iter().map(|(state, _)| state));
    assert_eq!(found, [(Rejected, 3), (Status::Updated, 124)]);
}

#[tokio::test(start_paused = true)]
async fn the_ledger_is_true_under_every_fault() {
    for fault in [
        json!({ "what": "reset_before_apply" }),
        json!({ "what": "reset_after_apply" }),
        json!({ "what": "apply_late", "ms": 3000 }),
        json!({ "what": "delay", "ms": 40_000 }),
        json!({ "what": "slow_body", "ms": 40_000 }),
        json!({ "what": "cut_body" }),
        json!({ "what": "wrong_types", "on": "assets:batch-create" }),
        json!({ "what": "drop_results", "count": 3, "on": "assets:batch-create" }),
        json!({ "what": "drop_results", "count": 3, "on": "assets:batch-patch" }),
        json!({ "what": "double_results" }),
        json!({ "what": "clock_jump", "seconds": 86_400 }),
        json!({ "what": "clock_jump", "seconds": -86_400 }),
        json!({ "what": "steal", "requests": 90 }),
        json!({ "what": "rate_limit", "retry_after": "soon" }),
        json!({ "what": "status", "code": 500, "after_apply": true }),
        json!({ "what": "html" }),
    ] {
        let mut bench = Bench::new(SWITCHES[0].0, SWITCHES[0].1[0]);
        bench.what = fault.to_string();
        bench.hard = true;
        let mut often = fault.clone();
        often["every"] = json!(2);
        bench.simulator.add_fault(Fault::from_json(&often).unwrap());
        let ids = created(&bench).await;
        if !ids.is_empty() {
            patched(&bench, &ids).await;
        }
        read(&bench, &ids).await;
        deleted(&bench, &ids).await;
        unlinked(&bench).await;
        assert!(bench.simulator.audit().faults > 0, "{fault} never happened");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_row_is_listed_once() {
    let bench = Bench::new(SWITCHES[0].0, SWITCHES[0].1[0]);
    let ids = created(&bench).await;
    let fault = json!({ "what": "double_results", "on": "assets" });
    bench.simulator.add_fault(Fault::from_json(&fault).unwrap());
    let listed = bench.list(&assets::LIST).await.unwrap();
    assert_eq!(bench.simulator.audit().faults, 1);
    assert_eq!(listed.len(), ids.len());
}

/// Returns these bodies and records the requests.
#[derive(Clone, Default)]
struct Canned {
    bodies: Arc<Mutex<Vec<Value>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Transport for Canned {
    fn send(&self, request: Request) -> Sending<'_> {
        self.asked.lock().unwrap().push(request.url);
        let body = self.bodies.lock().unwrap().remove(0).to_string();
        Box::pin(async move {
            Ok(Response {
                status: 200,
                body: body.into(),
                ..Response::default()
            })
        })
    }
}

/// Lists these pages of assets. Returns the result and the requested URLs.
async fn pages_of(bodies: Vec<Value>) -> (Result<usize, String>, Vec<String>) {
    let canned = Canned::default();
    *canned.bodies.lock().unwrap() = bodies;
    let client = Options {
        base_url: "http://localhost".into(),
        ..Options::default()
    };
    let caller = Arc::new(Caller::alone(
        Box::new(canned.clone()),
        Token::fixed("token"),
        client,
    ));
    let query = [("filter[categoryId]".to_owned(), "3".to_owned())];
    let read = lists::read(&caller, &assets::LIST, "/assets", &query).await;
    let asked = canned.asked.lock().unwrap().clone();
    (
        read.map(|table| table.len()).map_err(|error| error.to_string()),
        asked,
    )
}

fn page(id: &str, pagination: &Value) -> Value {
    json!({ "results": [{ "id": id }], "pagination": pagination })
}

#[tokio::test]
async fn the_next_page_keeps_filters_and_host() {
    let misprinted = "https://elsewhere.example/v1/projects/x/assets?limit=25&cursorState=second";
    let (rows, asked) = pages_of(vec![
        page("a", &json!({ "cursorState": "first", "nextUrl": misprinted })),
        page("b", &json!({ "nextUrl": misprinted })),
        // Empty and short pages do not end the list.
        json!({ "results": [], "pagination": { "cursorState": "third" } }),
        page("c", &json!({ "cursorState": null, "nextUrl": null })),
    ])
    .await;
    assert_eq!(rows, Ok(3));
    let start = "http://localhost/assets?filter%5BcategoryId%5D=3&limit=200";
    let next = |cursor: &str| format!("{start}&cursorState={cursor}");
    assert_eq!(
        asked,
        [start.to_owned(), next("first"), next("second"), next("third")]
    );
}

#[tokio::test]
async fn a_cursor_that_repeats_ends_with_an_error() {
    let same = || page("a", &json!({ "cursorState": "same" }));
    let (rows, asked) = pages_of(vec![same(), same(), same()]).await;
    assert!(rows.unwrap_err().contains("never end"));
    assert_eq!(asked.len(), 2);
}

/// A tree has one page. If the service returned several pages, no location must be missing.
#[tokio::test(start_paused = true)]
async fn a_tree_of_several_pages_is_read_completely() {
    const SMALL: Endpoint = Endpoint {
        response: ResponseBody::Rows(ListRows {
            member: Some("results"),
            paging: Paging::Offset { limit: 7 },
            filters: &[],
        }),
        ..settings::LOCATIONS
    };
    for (switch, value) in [
        ("locations_next", "relative"),
        ("locations_next", "absolute"),
        ("locations_next", "next_key"),
        ("locations_total", "page"),
    ] {
        let bench = Bench::new(switch, value);
        let whole = bench.list(&settings::LOCATIONS).await.unwrap();
        let before = bench.simulator.audit().requests;
        assert_eq!(bench.list(&SMALL).await, Some(whole), "{switch}={value}");
        assert_eq!(bench.simulator.audit().requests, before + 6, "{switch}={value}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_rate_group_exceeds_its_limit() {
    let bench = Bench::new(SWITCHES[0].0, SWITCHES[0].1[0]);
    let ids = bench.simulator.seed_relationships(7000);
    bench.on_ids(&relationships::DELETE, &ids).await;
    let audit = bench.simulator.audit();
    assert_eq!((audit.requests, audit.rate_limited), (140, 0));
    assert_eq!(audit.busiest_window["relationships"], 120, "kept, and used");
}

/// Returns these responses in turn, repeats the last one, and records the token of each request.
#[derive(Clone)]
struct Statuses {
    /// The status, `Retry-After` or "", and the offset of its Date header from this machine in seconds.
    answers: Arc<Vec<(u16, &'static str, i64)>>,
    tokens: Arc<Mutex<Vec<String>>>,
    time: Time,
}

/// The time of this machine with tokio's paused clock.
#[derive(Clone, Copy)]
struct Time(Instant, Timestamp);

impl Time {
    fn starts() -> Self {
        Self(Instant::now(), Timestamp::now())
    }

    fn in_seconds(self, seconds: i64) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).unwrap();
        self.1 + passed + SignedDuration::from_secs(seconds)
    }
}

impl Statuses {
    fn new(answers: &[(u16, &'static str, i64)]) -> Self {
        Self {
            answers: Arc::new(answers.to_vec()),
            tokens: Arc::default(),
            time: Time::starts(),
        }
    }
}

impl Transport for Statuses {
    fn send(&self, request: Request) -> Sending<'_> {
        let mut tokens = self.tokens.lock().unwrap();
        let (status, retry_after, ahead) = self.answers[tokens.len().min(self.answers.len() - 1)];
        tokens.push(request.header("authorization").unwrap().to_owned());
        let date = self.time.in_seconds(ahead);
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Box::pin(async move {
            Ok(Response {
                status,
                headers: vec![
                    ("date".to_owned(), date),
                    ("retry-after".to_owned(), retry_after.to_owned()),
                ],
                body: r#"{"results":[]}"#.into(),
            })
        })
    }
}

/// Returns tokens with this lifetime in seconds by this machine's clock. The nth fetch may fail.
struct Living {
    seconds: i64,
    fails_at: usize,
    asked: Arc<AtomicUsize>,
    time: Time,
}

impl TokenSource for Living {
    fn fetch(&self) -> Fetching {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let token = living(self.time.in_seconds(self.seconds), number);
        let failed = number == self.fails_at;
        Box::pin(async move {
            if failed {
                return Err(NoToken::Failed("no token just now".to_owned()));
            }
            Ok(token)
        })
    }
}

fn living(until: Timestamp, number: usize) -> String {
    let claims = json!({ "userid": "QX3T9LM2AB7C", "exp": until.as_second(), "number": number });
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The number of distinct consecutive tokens sent.
fn distinct(service: &Statuses) -> usize {
    let mut tokens = service.tokens.lock().unwrap().clone();
    tokens.dedup();
    tokens.len()
}

async fn one_page(caller: &Arc<Caller>) -> Result<usize, String> {
    let read = lists::read(caller, &assets::LIST, "/assets", &[]).await;
    read.map(|table| table.len()).map_err(|error| error.to_string())
}

fn source(seconds: i64, fails_at: usize) -> (Token, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let source = Living {
        seconds,
        fails_at,
        asked: asked.clone(),
        time: Time::starts(),
    };
    (Token::from_source(Arc::new(source)), asked)
}

/// One request per minute.
fn slow() -> Options {
    let mut client = Options::default();
    client.limits.requests.insert("assets_read".into(), 1);
    client
}

#[tokio::test(start_paused = true)]
async fn token_expiry_uses_the_service_clock() {
    // The service is an hour ahead of this machine, so half an hour by this machine's clock is over.
    let service = Statuses::new(&[(200, "", 3600)]);
    let (token, asked) = source(1800, usize::MAX);
    let caller = Arc::new(Caller::alone(
        Box::new(service.clone()),
        token,
        Options::default(),
    ));
    assert_eq!(one_page(&caller).await, Ok(0));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(
        one_page(&caller)
            .await
            .unwrap_err()
            .contains("the token expired at")
    );
    assert_eq!(asked.load(Ordering::Relaxed), 2, "the old one is not sent again");
    assert_eq!(distinct(&service), 1);
    // The service is an hour behind. By this machine's clock, a token with an hour left would have expired.
    let service = Statuses::new(&[(200, "", -3600)]);
    let token = Token::fixed(&living(Time::starts().in_seconds(30), 0));
    let caller = Arc::new(Caller::alone(
        Box::new(service.clone()),
        token,
        Options::default(),
    ));
    for _ in 0..3 {
        assert_eq!(one_page(&caller).await, Ok(0));
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_after_the_wait_for_a_slot() {
    let service = Statuses::new(&[(200, "", 0)]);
    let (token, asked) = source(90, usize::MAX);
    let caller = Arc::new(Caller::alone(Box::new(service.clone()), token, slow()));
    for _ in 0..2 {
        assert_eq!(one_page(&caller).await, Ok(0));
    }
    // If it were fetched at the start, the token would have half a minute left for the second request.
    assert_eq!((asked.load(Ordering::Relaxed), distinct(&service)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_slot_without_a_token_is_not_used() {
    let service = Statuses::new(&[(200, "", 0)]);
    let (token, _) = source(90, 1);
    let caller = Arc::new(Caller::alone(Box::new(service.clone()), token, slow()));
    assert_eq!(one_page(&caller).await, Ok(0));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(one_page(&caller).await.unwrap_err().contains("no token just now"));
    let start = Instant::now();
    assert_eq!(one_page(&caller).await, Ok(0));
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_during_a_call_is_refreshed_again() {
    // The token is rejected at the start, and again after a pause of five minutes.
    let service = Statuses::new(&[(401, "", 0), (429, "300", 0), (401, "", 0), (200, "", 0)]);
    let (token, asked) = source(7200, usize::MAX);
    let caller = Arc::new(Caller::alone(
        Box::new(service.clone()),
        token,
        Options::default(),
    ));
    assert_eq!(one_page(&caller).await, Ok(0));
    assert_eq!((asked.load(Ordering::Relaxed), distinct(&service)), (3, 3));
    // A new token that is rejected at once ends the call.
    let service = Statuses::new(&[(401, "", 0)]);
    let (token, asked) = source(7200, usize::MAX);
    let caller = Arc::new(Caller::alone(
        Box::new(service.clone()),
        token,
        Options::default(),
    ));
    assert!(one_page(&caller).await.is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(service.tokens.lock().unwrap().len(), 2);
    // If the token is rejected each time after a long wait, the call ends at the deadline.
    let service = Statuses::new(&[(401, "", 0)]);
    let (token, _) = source(7200, usize::MAX);
    let caller = Arc::new(Caller::alone(Box::new(service.clone()), token, slow()));
    assert!(one_page(&caller).await.is_err());
    assert_eq!(service.tokens.lock().unwrap().len(), 12);
}
