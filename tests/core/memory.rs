//! The memory needed to read the import keys of a large project.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use acc_assets::api::assets;
use acc_assets::http::send::{Request, Response, Sending, Transport};
use acc_assets::http::{Caller, Stop, Token};
use acc_assets::ids::ProjectId;
use acc_assets::input::{Cell, Label, More, Sink, Source, SourceError};
use acc_assets::ledger::{SharedLedger, Status, View, lock};
use acc_assets::options::Options;
use acc_assets::rows::{Dates, ImportKey, Names, Nulls, Policy, RowShape};
use acc_assets::run::{Continuation, Job, MOST_KEPT, Part, Run, Tolerance};

const ASSETS: usize = 500_000;
const CATEGORIES: usize = 10;
const PAGE: usize = 200;

/// A project of many assets, generated page by page.
#[derive(Clone, Default)]
struct Project {
    bytes: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

fn asset(body: &mut String, number: usize) {
    let category = number % CATEGORIES;
    let time = format!(
        "2026-01-01T{:02}:{:02}:{:02}.{:03}Z",
        number / 36_000 % 24,
        number / 600 % 60,
        number / 10 % 60,
        number % 10,
    );
    let _ = write!(
        body,
        r#"{{"id":"{number:08x}-7f2e-4bd8-9e63-0123456789ab","clientAssetId":"AHU-{number}","categoryId":"{category}",
        "statusId":"5cd53aeb-6657-4fb3-a077-f700fb29e644","description":"Air handling unit on level {category}",
        "locationId":"7b9ba8a6-6cd6-4d1a-9cbf-9c7b6f1f0a5e","barcode":"key {number}","isActive":true,"version":3,
        "createdAt":"{time}","createdBy":"CK7W2PD4RN8V","updatedAt":"{time}","updatedBy":"CK7W2PD4RN8V",
        "customAttributes":{{"ca1":"{number}","ca2":"Supplier {category}"}}}}"#
    );
}

/// The number of assets that changed before a time, or, if `included`, at that time. See `asset`.
fn changed_before(time: &str, included: bool) -> usize {
    let time: jiff::Timestamp = time.parse().unwrap();
    let start: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let passed = usize::try_from(time.as_millisecond() - start.as_millisecond()).unwrap_or(0);
    let (seconds, milliseconds) = (passed / 1000, passed % 1000);
    (seconds * 10 + (milliseconds + usize::from(included)).min(10)).min(ASSETS)
}

impl Project {
    /// Lists the assets that changed in a range of times, sorted by that time.
    fn list(query: &str) -> String {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let get = |name: &str| {
            pairs
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let (from, to) = get("filter[updatedAt]").map_or(("", ""), |range| range.split_once("..").unwrap());
        let first = if from.is_empty() {
            0
        } else {
            changed_before(from, false)
        };
        let end = if to.is_empty() {
            ASSETS
        } else {
            changed_before(to, true)
        };
        let newest_first = get("sort") == Some("updatedAt desc");
        let offset: usize = get("cursorState").map_or(0, |cursor| cursor.parse().unwrap());
        let total = end.saturating_sub(first);
        let mut body = String::from(r#"{"results":["#);
        for at in offset..(offset + PAGE).min(total) {
            if at > offset {
                body.push(',');
            }
            asset(&mut body, if newest_first { end - 1 - at } else { first + at });
        }
        let next = if offset + PAGE < total {
            format!("\"{}\"", offset + PAGE)
        } else {
            "null".to_owned()
        };
        let _ = write!(
            body,
            r#"],"pagination":{{"totalResults":{total},"cursorState":{next}}}}}"#
        );
        body
    }
}

impl Project {
    /// Answers a read of assets by id.
    fn by_id(body: &[u8]) -> String {
        let asked: serde_json::Value = serde_json::from_slice(body).unwrap();
        let ids = asked["ids"].as_array().unwrap().iter();
        let assets = ids.map(|id| {
            let mut text = String::new();
            let number = &id.as_str().unwrap()[..8];
            asset(&mut text, usize::from_str_radix(number, 16).unwrap());
            text
        });
        format!(r#"{{"results":[{}]}}"#, assets.collect::<Vec<_>>().join(","))
    }
}

impl Transport for Project {
    fn send(&self, request: Request) -> Sending<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let body = if path.ends_with("/assets") {
            Self::list(query)
        } else if path.ends_with("/assets:batch-get") {
            Self::by_id(request.body.as_deref().unwrap())
        } else {
            panic!("{path} is not expected")
        };
        self.bytes.fetch_add(body.len(), Ordering::Relaxed);
        let response = Response {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
        };
        Box::pin(async move { Ok(response) })
    }
}

/// Rows of a stream, which may continue, so every key of the project must be kept.
struct Rows(std::ops::Range<usize>);

impl Source for Rows {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let columns = ["clientAssetId", "categoryId", "statusId", "barcode"].map(|name| sink.column(name));
        for number in self.0.by_ref() {
            sink.begin(Label::Number);
            let number = number * 997;
            let values = [
                format!("AHU-{number}"),
                (number % CATEGORIES).to_string(),
                "5cd53aeb-6657-4fb3-a077-f700fb29e644".to_owned(),
                format!("key {number}"),
            ];
            columns
                .iter()
                .zip(&values)
                .for_each(|(column, value)| sink.cell(*column, &Cell::Text(value)));
            sink.end();
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }

    fn rows(&self) -> Option<usize> {
        None
    }
}

/// Reads a line of `/proc/self/status` in kilobytes.
fn memory(line: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|found| found.starts_with(line))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs itself in another process, because the memory of this one includes that of other tests.
#[tokio::test(start_paused = true)]
async fn import_keys_of_a_large_project_take_little_memory() {
    if std::env::var_os("MEASURED_ALONE").is_some() {
        return assert_little_memory().await;
    }
    let name = "memory::import_keys_of_a_large_project_take_little_memory";
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("MEASURED_ALONE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout);
    println!("{said}");
    let is_measured = alone.status.success() && said.contains("1 passed");
    assert!(is_measured, "{said}{}", String::from_utf8_lossy(&alone.stderr));
}

async fn assert_little_memory() {
    let project = Project::default();
    let mut options = Options::default();
    options.limits.requests.insert("assets_read".into(), 1_000_000);
    let caller = Arc::new(Caller::alone(
        Box::new(project.clone()),
        Token::fixed("token"),
        options,
    ));
    let policy = Policy {
        shape: RowShape::NewAsset,
        nulls: Nulls::Omit,
        dates: Dates::Strict,
        id_column: "id".into(),
        import_key: Some(ImportKey {
            field: "barcode".to_owned(),
            prefix: "imp-1-".to_owned(),
            is_generated: false,
        }),
        names: Names::default(),
    };
    let job = Job {
        parts: vec![Part::of(&assets::BATCH_CREATE, policy, 100)],
        project: ProjectId::parse("b.f6a1e3b5-abaa-4b01-b33a-5d55f36ba047").unwrap(),
        tolerance: Tolerance::All,
        dry_run: false,
        keep: false,
        replayable: false,
        most_kept: MOST_KEPT,
        reconcile: true,
        continuation: Continuation::default(),
        journal: None,
    };
    let before = memory("VmRSS:");
    let ledger = SharedLedger::default();
    let run = Run::new(caller, job, ledger.clone(), Stop::default());
    let ended = run.drive(Box::new(Rows(0..500))).await;
    let peak = memory("VmHWM:");
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    let ledger = lock(&ledger).clone();
    assert!((0..500).all(|row| ledger.status(row) == Status::Unchanged));
    let ids = View::new(Arc::new(ledger)).ids();
    assert_eq!(ids[1].as_deref(), Some("000003e5-7f2e-4bd8-9e63-0123456789ab"));
    // One request per page, and some for the changes since the start and to divide the list. The content of so many
    // assets is not kept, so the assets of each batch of rows are read again.
    let requests = project.requests.load(Ordering::Relaxed) - 5;
    assert!(
        (ASSETS / PAGE..ASSETS / PAGE + 30).contains(&requests),
        "{requests}"
    );
    if let (Some(before), Some(peak)) = (before, peak) {
        let grown = (peak - before) / 1024;
        let read = project.bytes.load(Ordering::Relaxed) >> 20;
        println!("{ASSETS} assets, {read} MiB of responses: memory grew by {grown} MiB");
        assert!(grown < 150, "memory grew by {grown} MiB");
    }
}
