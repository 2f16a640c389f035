//! How the client handles lost responses and rejections: one test per rule, on a paused clock. The page
//! `docs/internals/contract.md` lists the rules.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use acc_assets::api::{Write, assets, relationships};
use acc_assets::error::{Error, Sent};
use acc_assets::http::Phase;
use acc_assets::http::send::{Method, Request, Response};
use acc_assets::ledger::journal::{Journal, StoredRun};
use acc_assets::ledger::{Ledger, Status, View};
use acc_assets::options::{self, RetryPolicy};
use acc_assets::rows::{ImportKey, RowShape};
use acc_assets::run::Tolerance;
use acc_assets::simulator;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Call, Guard, Texts, Way, client, count, counts, fault};
use crate::events::Events;

const CREATE: &str = "assets:batch-create";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn world(switches: &[(&str, &str)]) -> simulator::Options {
    simulator::Options {
        switches: switches
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..simulator::Options::default()
    }
}

/// Requests as sent, each with the time since the recording started.
type Log = Arc<Mutex<Vec<(Duration, Request)>>>;

fn recorded(options: simulator::Options, client: options::Options) -> (Bench, Log) {
    let log = Log::default();
    let (kept, start) = (log.clone(), Instant::now());
    let guard: Guard = Box::new(move |request| {
        kept.lock().unwrap().push((start.elapsed(), request.clone()));
        Way::On
    });
    (Bench::guarded(options, client, guard), log)
}

/// A summary of the requests sent: `create`, `list` and so on.
fn told(log: &Log) -> Vec<&'static str> {
    let log = log.lock().unwrap();
    log.iter().map(|(_, request)| verb(request)).collect()
}

fn verb(request: &Request) -> &'static str {
    let verbs = [
        (":batch-create", "create"),
        (":batch-patch", "patch"),
        (":batch-get", "get"),
        (":batch-delete", "delete"),
        ("relationships:delete", "unlink"),
        ("relationships:batch", "links"),
    ];
    let found = verbs.iter().find(|(part, _)| request.url.contains(part));
    found.map_or("list", |(_, verb)| verb)
}

fn ids(ledger: &Ledger) -> Vec<Option<String>> {
    View::new(Arc::new(ledger.clone())).ids()
}

fn messages(ledger: &Ledger) -> Vec<String> {
    let view = View::new(Arc::new(ledger.clone()));
    let faults = view.outcomes().filter_map(|outcome| outcome.fault);
    faults.map(|fault| fault.message).collect()
}

/// The number of active assets in the project.
fn standing(bench: &Bench) -> usize {
    let assets = bench.simulator.assets();
    let assets = assets.as_array().unwrap();
    assets.iter().filter(|asset| asset["isActive"] == true).count()
}

fn sent(bench: &Bench, endpoint: &str) -> u64 {
    let audit = bench.simulator.audit();
    audit.endpoints.get(endpoint).map_or(0, |audit| audit.requests)
}

fn answered(bench: &Bench, endpoint: &str, status: u16) -> u64 {
    let audit = bench.simulator.audit();
    let audit = audit.endpoints.get(endpoint);
    audit
        .and_then(|audit| audit.answers.get(&status))
        .copied()
        .unwrap_or(0)
}

fn row_as_asset(row: &Texts) -> Value {
    row.iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Creates assets of these rows as another user.
fn made_before(bench: &Bench, rows: &[Texts]) -> Vec<String> {
    rows.iter()
        .map(|row| bench.simulator.create_asset(&row_as_asset(row)).unwrap())
        .collect()
}

/// Makes a call while another user works on the project.
async fn meanwhile(bench: &Bench, call: Call, after: Duration, work: impl FnOnce(&Bench)) -> Ledger {
    let (ledger, driving) = bench.start(call);
    let working = async {
        sleep(after).await;
        work(bench);
    };
    let (ended, ()) = tokio::join!(driving, working);
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    let ledger = ledger.lock().unwrap();
    ledger.clone()
}

fn by_ids(write: &'static Write, shape: RowShape, ids: &[String]) -> Call {
    let row = |id: &String| {
        let mut row = vec![("id", id.clone())];
        if shape == RowShape::AssetPatch {
            row.push(("description", "checked".to_owned()));
        }
        row
    };
    Call::new(write, shape, ids.iter().map(row).collect())
}

fn patch(ids: &[String]) -> Call {
    by_ids(&assets::BATCH_PATCH, RowShape::AssetPatch, ids)
}

fn delete(ids: &[String]) -> Call {
    by_ids(&assets::BATCH_DELETE, RowShape::IdOfAsset, ids)
}

fn attribute(bench: &Bench, kind: &str) -> &'static str {
    let world = bench.simulator.world_json();
    let categories = world["categories"].as_array().unwrap();
    let pumps = categories.iter().find(|category| category["name"] == "Pumps");
    let attributes = pumps.unwrap()["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["dataType"] == kind);
    let name = found.unwrap()["name"].as_str().unwrap();
    ["ca1", "ca2", "ca3", "ca4", "ca5", "ca6", "ca7", "ca8", "ca9"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap()
}

// ---- creates: looked up before they are retried ----

#[tokio::test(start_paused = true)]
async fn a_lost_create_is_looked_up_before_it_is_retried() {
    for (what, executed) in [("reset_after_apply", true), ("reset_before_apply", false)] {
        let (bench, log) = recorded(world(&[]), client());
        bench
            .simulator
            .add_fault(fault(&json!({"what": what, "on": CREATE})));
        let (ledger, _) = bench.create(bench.new_assets(100, |_| false), false).await;
        assert_eq!(counts(&ledger), [(Status::Created, 100)], "{what}");
        bench.compare(&ledger, 100, what);
        let sent: Vec<_> = told(&log).into_iter().filter(|verb| *verb != "list").collect();
        assert_eq!(
            sent.len(),
            if executed { 1 } else { 2 },
            "{what}: {:?}",
            told(&log)
        );
        if !executed {
            let log = log.lock().unwrap();
            let (again, _) = log.last().unwrap();
            // The create is resent only after two lookups without it. The second one is later than any late execution.
            assert!(*again >= seconds(30), "sent again after {again:?}");
            let looks = log.iter().filter(|(_, request)| verb(request) == "list");
            assert!(
                looks.count() >= 3,
                "one look tells the time, two see that nothing is there"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_reconcile_a_lost_create_stays_unknown() {
    let bench = Bench::new(world(&[]));
    bench
        .simulator
        .add_fault(fault(&json!({"what": "reset_after_apply", "on": CREATE})));
    let mut call = Call::create(bench.new_assets(10, |_| false));
    call.reconcile = false;
    let (ledger, _) = bench.call(call).await;
    assert_eq!(counts(&ledger), [(Status::Unknown, 10)]);
    assert_eq!((sent(&bench, CREATE), bench.simulator.audit().requests), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lag_below_the_settle_time_creates_no_duplicates() {
    for lag in ["1", "5000", "15000", "29000", "29900"] {
        let bench = Bench::new(world(&[("read_lag_ms", lag)]));
        bench
            .simulator
            .add_fault(fault(&json!({"what": "reset_after_apply", "on": CREATE})));
        let (ledger, _) = bench.create(bench.new_assets(50, |_| false), false).await;
        assert_eq!(counts(&ledger), [(Status::Created, 50)], "{lag}");
        assert_eq!(sent(&bench, CREATE), 1, "{lag}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lagging_list_proves_nothing() {
    for (lag, statuses) in [
        ("45000", vec![(Status::Created, 200)]),
        ("3600000", vec![(Status::Created, 100), (Status::Unknown, 100)]),
    ] {
        let bench = Bench::new(world(&[("read_lag_ms", lag)]));
        bench.simulator.add_fault(fault(
            &json!({"what": "reset_after_apply", "on": CREATE, "nth": 1}),
        ));
        let (ledger, ended) = bench.create(bench.new_assets(200, |_| false), false).await;
        assert!(ended.fatal.is_none());
        assert_eq!(counts(&ledger), statuses, "{lag}");
        assert_eq!(sent(&bench, CREATE), 2, "{lag}: nothing was sent again");
        assert!(
            messages(&ledger)
                .iter()
                .all(|message| message.contains("does not yet show assets that were created later")),
            "{:?}",
            messages(&ledger).first()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn work_done_after_a_lost_connection_is_awaited() {
    for late in [1_000, 9_000, 20_000, 29_900] {
        let bench = Bench::new(world(&[]));
        bench.simulator.add_fault(fault(
            &json!({"what": "apply_late", "ms": late, "on": CREATE, "nth": 2}),
        ));
        let (ledger, _) = bench.create(bench.new_assets(300, |_| false), true).await;
        assert_eq!(counts(&ledger), [(Status::Created, 300)], "{late}");
        sleep(seconds(60)).await;
        assert_eq!(standing(&bench), 300, "{late}");
        bench.compare(&ledger, 300, "late");
    }
}

#[tokio::test(start_paused = true)]
async fn a_partially_found_request_stays_unknown() {
    let bench = Bench::new(world(&[]));
    bench
        .simulator
        .add_fault(fault(&json!({"what": "reset_before_apply", "on": CREATE})));
    let rows = bench.new_assets(5, |_| false);
    let same = rows[2].clone();
    let ledger = meanwhile(&bench, Call::create(rows), seconds(3), |bench| {
        made_before(bench, &[same]);
    })
    .await;
    // A batch is all or nothing, so the one asset is a colleague's.
    assert_eq!(counts(&ledger), [(Status::Unknown, 5)]);
    assert!(messages(&ledger)[0].contains("some rows of its request, but not all"));
    assert_eq!((sent(&bench, CREATE), standing(&bench)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_similar_asset_of_a_colleague_leaves_only_its_row_unknown() {
    let bench = Bench::new(world(&[]));
    bench
        .simulator
        .add_fault(fault(&json!({"what": "reset_after_apply", "on": CREATE})));
    let rows = bench.new_assets(5, |_| false);
    let same = rows[2].clone();
    let ledger = meanwhile(&bench, Call::create(rows), seconds(3), |bench| {
        made_before(bench, &[same]);
    })
    .await;
    // The other rows show that the request was executed, but the asset of this row is ambiguous.
    assert_eq!(counts(&ledger), [(Status::Created, 4), (Status::Unknown, 1)]);
    assert!(ids(&ledger)[2].is_none(), "no id is guessed");
    assert_eq!((sent(&bench, CREATE), standing(&bench)), (1, 6));

    // Without evidence from another row, it is neither matched nor resent.
    let bench = Bench::new(world(&[]));
    bench
        .simulator
        .add_fault(fault(&json!({"what": "reset_after_apply", "on": CREATE})));
    let rows = bench.new_assets(1, |_| false);
    let same = rows.clone();
    let ledger = meanwhile(&bench, Call::create(rows), seconds(3), |bench| {
        made_before(bench, &same);
    })
    .await;
    assert_eq!(counts(&ledger), [(Status::Unknown, 1)]);
    assert_eq!((sent(&bench, CREATE), standing(&bench)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn twins_of_one_request_get_separate_assets() {
    for (said, twins) in [(["same", "same"], "equal"), (["one", "other"], "similar values")] {
        let bench = Bench::new(world(&[]));
        bench
            .simulator
            .add_fault(fault(&json!({"what": "reset_after_apply", "on": CREATE})));
        let row = |text: &str| {
            let mut row = bench.new_asset("T-1", false);
            row.push(("description", text.to_owned()));
            row
        };
        let (ledger, _) = bench.create(said.map(row).to_vec(), false).await;
        assert_eq!(counts(&ledger), [(Status::Created, 2)], "{twins}");
        bench.compare(&ledger, 2, twins);
        let world = bench.simulator.assets();
        for (id, text) in ids(&ledger).into_iter().zip(said) {
            let asset = world
                .as_array()
                .unwrap()
                .iter()
                .find(|asset| asset["id"] == json!(id));
            assert_eq!(asset.unwrap()["description"], text, "{twins}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn twins_of_two_requests_get_separate_assets() {
    for (first, second) in [
        ("reset_after_apply", "reset_before_apply"),
        ("reset_before_apply", "reset_after_apply"),
        ("reset_after_apply", "reset_after_apply"),
    ] {
        let bench = Bench::new(world(&[]));
        for (nth, what) in [(1, first), (2, second)] {
            bench
                .simulator
                .add_fault(fault(&json!({"what": what, "on": CREATE, "nth": nth})));
        }
        let mut rows = bench.new_assets(200, |_| false);
        rows[150] = rows[50].clone();
        let (ledger, _) = bench.create(rows, false).await;
        let what = format!("{first}, {second}");
        bench.compare(&ledger, 200, &what);
        assert_eq!(counts(&ledger), [(Status::Created, 200)], "{what}");
        assert_eq!(standing(&bench), 200, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_sheet_imported_a_minute_before_is_not_claimed() {
    for what in ["reset_before_apply", "reset_after_apply"] {
        // Once the service's own clock is known, a minute is enough to distinguish assets.
        for (nth, statuses) in [(2, [(Status::Created, 200)]), (1, [(Status::Unknown, 100)])] {
            let bench = Bench::new(world(&[]));
            let rows = bench.new_assets(nth * 100, |_| false);
            let before = made_before(&bench, &rows);
            sleep(seconds(60)).await;
            bench
                .simulator
                .add_fault(fault(&json!({"what": what, "on": CREATE, "nth": nth})));
            let (ledger, _) = bench.create(rows, false).await;
            // If only the gateway's clock is known, earlier assets cannot be distinguished from those of lost requests.
            assert_eq!(counts(&ledger), statuses, "{what}, {nth}");
            assert_eq!(
                sent(&bench, CREATE),
                if statuses[0].1 == 100 || what == "reset_after_apply" {
                    nth as u64
                } else {
                    3
                }
            );
            let claimed = ids(&ledger).into_iter().flatten().any(|id| before.contains(&id));
            assert!(
                !claimed,
                "{what}, {nth}: an asset of the sheet before was claimed"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lost_creates_are_listed_by_time_and_category() {
    let (bench, log) = recorded(world(&[]), client());
    let world = bench.simulator.world_json();
    let other = world["categories"]
        .as_array()
        .unwrap()
        .iter()
        .find(|category| category["name"] == "Valves")
        .unwrap();
    bench.simulator.add_fault(fault(
        &json!({"what": "reset_after_apply", "on": CREATE, "nth": 2}),
    ));
    let mut rows = bench.new_assets(200, |_| false);
    rows[101] = vec![
        ("clientAssetId", "V-1".to_owned()),
        ("categoryId", other["id"].as_str().unwrap().to_owned()),
        (
            "statusId",
            other["statuses"][0]["id"].as_str().unwrap().to_owned(),
        ),
    ];
    let (ledger, _) = bench.create(rows, false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 200)]);
    let log = log.lock().unwrap();
    let (_, look) = log.last().unwrap();
    assert!(look.method == Method::Get && look.url.contains("/assets/v2/projects/"));
    let query = look.url.split_once('?').unwrap().1;
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let of = |name: &str| -> Vec<&str> {
        let same = pairs.iter().filter(|(known, _)| known == name);
        same.map(|(_, value)| value.as_str()).collect()
    };
    let mut categories = of("filter[categoryId]");
    categories.sort_unstable();
    let mut expected = [bench.category.as_str(), other["id"].as_str().unwrap()];
    expected.sort_unstable();
    assert_eq!(categories, expected);
    assert_eq!(of("includeCustomAttributes"), ["true"]);
    assert_eq!(of("includeDeleted"), ["true"]);
    // Concurrent creates are appended and shift no page.
    assert_eq!(of("sort"), ["createdAt asc"]);
    assert_eq!(of("limit"), ["200"]);
    // The range is open and starts shortly before the request was sent, since no clock is exact.
    let [range] = of("filter[updatedAt]")[..] else {
        panic!("{pairs:?}")
    };
    let from: jiff::Timestamp = range.strip_suffix("..").unwrap().parse().unwrap();
    let created = bench.simulator.assets()[0]["createdAt"]
        .as_str()
        .unwrap()
        .to_owned();
    let created: jiff::Timestamp = created.parse().unwrap();
    let before = created.duration_since(from).as_secs_f64();
    assert!((2.0..15.0).contains(&before), "{before} s before it was created");
}

#[tokio::test(start_paused = true)]
async fn a_number_matches_in_any_returned_form() {
    for read in ["as_sent", "string", "number"] {
        let bench = Bench::new(world(&[("numeric_read", read)]));
        bench
            .simulator
            .add_fault(fault(&json!({"what": "reset_after_apply", "on": CREATE})));
        // The row is alone in its request, so no other row can confirm it.
        let mut row = bench.new_asset("N-1", false);
        row.push((attribute(&bench, "numeric"), "6.50".to_owned()));
        let (ledger, _) = bench.create(vec![row], false).await;
        assert_eq!(counts(&ledger), [(Status::Created, 1)], "{read}");
        assert_eq!(standing(&bench), 1, "{read}");
    }
}

#[tokio::test(start_paused = true)]
async fn times_use_the_service_clock() {
    const DAY: i64 = 86_400_000;
    let now = jiff::Timestamp::now().as_millisecond();
    for (off, date, jump) in [
        (3 * DAY, "present", 0),
        (-3 * DAY, "present", 0),
        (3 * DAY, "absent", 0),
        (-3 * DAY, "absent", 0),
        (0, "present", 7200),
        (0, "present", -7200),
        (3 * DAY, "present", -7200),
    ] {
        for lost in ["reset_before_apply", "reset_after_apply"] {
            let bench = Bench::new(simulator::Options {
                start: Some(now + off),
                ..world(&[("date_header", date)])
            });
            // The same sheet was imported a minute earlier.
            let rows = bench.new_assets(300, |_| false);
            let before = made_before(&bench, &rows);
            sleep(seconds(60)).await;
            if jump != 0 {
                bench.simulator.add_fault(fault(
                    &json!({"what": "clock_jump", "seconds": jump, "on": CREATE, "nth": 1}),
                ));
            }
            bench
                .simulator
                .add_fault(fault(&json!({"what": lost, "on": CREATE, "nth": 2})));
            let what = format!("{off} ms off, Date {date}, jump {jump}, {lost}");
            let (ledger, _) = bench.create(rows, false).await;
            assert_eq!(counts(&ledger), [(Status::Created, 300)], "{what}");
            assert_eq!(standing(&bench), 600, "{what}");
            assert!(
                ids(&ledger).iter().flatten().all(|id| !before.contains(id)),
                "{what}: an asset of the sheet before was claimed"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_service_clock_nothing_is_matched_by_time() {
    let bench = Bench::new(world(&[("date_header", "absent")]));
    let rows = bench.new_assets(2, |_| false);
    let before = made_before(&bench, &rows);
    sleep(seconds(60)).await;
    bench
        .simulator
        .add_fault(fault(&json!({"what": "reset_before_apply", "on": CREATE})));
    let (ledger, _) = bench.create(rows, false).await;
    assert_eq!(counts(&ledger), [(Status::Unknown, 2)]);
    assert!(ids(&ledger).iter().flatten().all(|id| !before.contains(id)));
    assert_eq!(standing(&bench), 2, "nothing was sent again");
}

// ---- import keys ----

fn keyed(bench: &Bench, rows: Vec<Texts>, field: &str) -> Call {
    let is_generated = !rows.iter().flatten().any(|(name, _)| *name == field);
    let mut call = Call::create(rows);
    call.import_key = Some(ImportKey {
        field: field.to_owned(),
        prefix: format!("run-{}-", bench.category),
        is_generated,
    });
    call
}

fn with_keys(bench: &Bench, field: &'static str, count: usize) -> Vec<Texts> {
    let mut rows = bench.new_assets(count, |_| false);
    for (number, row) in rows.iter_mut().enumerate() {
        row.push((field, format!("key {number}")));
    }
    rows
}

fn key_fields(bench: &Bench) -> [&'static str; 2] {
    ["barcode", attribute(bench, "text")]
}

#[tokio::test(start_paused = true)]
async fn with_an_import_key_a_row_is_found_reliably() {
    let fields = key_fields(&Bench::new(world(&[])));
    for field in fields {
        for given in [false, true] {
            // No clock is known, so nothing would be certain without the key.
            let bench = Bench::new(world(&[("date_header", "absent")]));
            bench
                .simulator
                .add_fault(fault(&json!({"what": "reset_after_apply", "on": CREATE})));
            let rows = if given {
                with_keys(&bench, field, 4)
            } else {
                bench.new_assets(4, |_| false)
            };
            let alike = bench.new_assets(4, |_| false);
            let ledger = meanwhile(&bench, keyed(&bench, rows, field), seconds(2), |bench| {
                made_before(bench, &alike);
            })
            .await;
            let what = format!("{field}, given: {given}");
            assert_eq!(counts(&ledger), [(Status::Created, 4)], "{what}");
            assert_eq!((sent(&bench, CREATE), standing(&bench)), (1, 8), "{what}");
            let world = bench.simulator.assets();
            for id in ids(&ledger).into_iter().flatten() {
                let asset = world.as_array().unwrap().iter().find(|asset| asset["id"] == id);
                let asset = asset.unwrap();
                let key = if field == "barcode" {
                    &asset["barcode"]
                } else {
                    &asset["customAttributes"][field]
                };
                assert!(key.is_string(), "{what}: the colleague's asset was claimed");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_existing_import_key_is_unchanged_and_a_deleted_one_is_created() {
    let fields = key_fields(&Bench::new(world(&[])));
    for field in fields {
        let bench = Bench::new(world(&[]));
        let rows = with_keys(&bench, field, 120);
        let (first, _) = bench.call(keyed(&bench, rows.clone(), field)).await;
        assert_eq!(counts(&first), [(Status::Created, 120)], "{field}");
        let before = ids(&first);
        let creates = sent(&bench, CREATE);
        let (again, _) = bench.call(keyed(&bench, rows.clone(), field)).await;
        assert_eq!(counts(&again), [(Status::Unchanged, 120)], "{field}");
        assert_eq!(ids(&again), before, "{field}");
        assert_eq!(sent(&bench, CREATE), creates, "{field}: nothing was sent");

        bench
            .simulator
            .delete_asset(before[7].as_deref().unwrap())
            .unwrap();
        let (third, _) = bench.call(keyed(&bench, rows, field)).await;
        assert_eq!(
            counts(&third),
            [(Status::Created, 1), (Status::Unchanged, 119)],
            "{field}"
        );
        assert_ne!(ids(&third)[7], before[7], "{field}");
        assert_eq!(standing(&bench), 120, "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_import_key_is_not_created_again() {
    let bench = Bench::new(world(&[]));
    let rows = with_keys(&bench, "barcode", 3);
    let twice = made_before(&bench, &[rows[1].clone(), rows[1].clone()]);
    let (ledger, ended) = bench.call(keyed(&bench, rows.clone(), "barcode")).await;
    assert!(ended.fatal.is_none());
    assert_eq!(counts(&ledger), [(Status::Created, 2), (Status::Unchanged, 1)]);
    assert!(twice.contains(ids(&ledger)[1].as_ref().unwrap()));
    assert_eq!(standing(&bench), 4);

    // If the second one is created while the row is unknown, the match is ambiguous.
    let bench = Bench::new(world(&[]));
    bench
        .simulator
        .add_fault(fault(&json!({"what": "reset_after_apply", "on": CREATE})));
    let same = rows[1].clone();
    let ledger = meanwhile(&bench, keyed(&bench, rows, "barcode"), seconds(2), |bench| {
        made_before(bench, &[same]);
    })
    .await;
    assert_eq!(counts(&ledger), [(Status::Created, 2), (Status::Unknown, 1)]);
    assert_eq!(sent(&bench, CREATE), 1);
}

#[tokio::test(start_paused = true)]
async fn unreadable_import_keys_send_nothing() {
    let bench = Bench::new(world(&[]));
    bench.simulator.add_fault(fault(
        &json!({"what": "status", "code": 500, "on": "assets", "every": 1}),
    ));
    let rows = with_keys(&bench, "barcode", 3);
    let (ledger, ended) = bench.call(keyed(&bench, rows, "barcode")).await;
    assert!(ended.fatal.unwrap().to_string().contains("500"));
    assert_eq!(counts(&ledger), [(Status::NotSent, 3)]);
    assert_eq!(sent(&bench, CREATE), 0);
}

// ---- patches, deletes, links ----

/// A project with this many assets.
async fn with_assets(bench: &Bench, count: usize) -> Vec<String> {
    let (created, _) = bench.create(bench.new_assets(count, |_| false), false).await;
    ids(&created).into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn a_lost_patch_is_read_by_id() {
    for (what, patches) in [("reset_after_apply", 5), ("reset_before_apply", 6)] {
        let (bench, log) = recorded(world(&[]), client());
        let ids = with_assets(&bench, 20).await;
        bench.simulator.add_fault(fault(
            &json!({"what": what, "on": "assets:batch-patch", "every": 1, "times": 5}),
        ));
        let (ledger, ended) = bench.call(patch(&ids)).await;
        assert!(ended.fatal.is_none(), "{what}: {:?}", ended.fatal);
        assert_eq!(counts(&ledger), [(Status::Updated, 20)], "{what}");
        assert_eq!(sent(&bench, "assets:batch-patch"), patches, "{what}");
        let log = log.lock().unwrap();
        let get = log.iter().find(|(_, request)| verb(request) == "get").unwrap();
        assert!(
            get.1.url.contains("includeCustomAttributes=true") && get.1.url.contains("includeDeleted=true"),
            "{}",
            get.1.url
        );
        let world = bench.simulator.assets();
        let world = world.as_array().unwrap();
        assert!(
            world.iter().all(|asset| asset["description"] == "checked"),
            "{what}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_delete_is_read_with_deleted_assets() {
    for (what, deletes) in [("reset_after_apply", 5), ("reset_before_apply", 6)] {
        // After a lost attempt, the service would reject the next one, so all attempts are lost.
        let bench = Bench::new(world(&[]));
        let ids = with_assets(&bench, 20).await;
        bench.simulator.add_fault(fault(
            &json!({"what": what, "on": "assets:batch-delete", "every": 1, "times": 5}),
        ));
        let (ledger, _) = bench.call(delete(&ids)).await;
        assert_eq!(counts(&ledger), [(Status::Deleted, 20)], "{what}");
        assert_eq!(sent(&bench, "assets:batch-delete"), deletes, "{what}");
        assert_eq!(standing(&bench), 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_done_delete_deletes_the_other_half() {
    for shape in ["400", "404", "409"] {
        for lost in [None, Some("reset_before_apply"), Some("reset_after_apply")] {
            let bench = Bench::new(world(&[("deleted_asset", shape)]));
            let ids = with_assets(&bench, 20).await;
            for id in &ids[..10] {
                bench.simulator.delete_asset(id).unwrap();
            }
            if let Some(lost) = lost {
                bench
                    .simulator
                    .add_fault(fault(&json!({"what": lost, "on": "assets:batch-delete"})));
            }
            let (ledger, ended) = bench.call(delete(&ids)).await;
            let what = format!("{shape}, {lost:?}: {:?}", counts(&ledger));
            assert!(ended.fatal.is_none(), "{what}");
            assert_eq!(standing(&bench), 0, "{what}");
            assert_eq!(count(&ledger, Status::Unknown), 0, "{what}");
            let view = View::new(Arc::new(ledger));
            let statuses: Vec<Status> = view.outcomes().map(|outcome| outcome.status).collect();
            assert!(
                statuses[10..].iter().all(|status| *status == Status::Deleted),
                "{what}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lost_links_are_read_before_they_are_settled() {
    for what in ["reset_after_apply", "reset_before_apply"] {
        let (bench, log) = recorded(world(&[]), client());
        let ids = bench.simulator.seed_relationships(30);
        bench.simulator.add_fault(fault(
            &json!({"what": what, "on": "relationships:delete", "every": 1, "times": 5}),
        ));
        let call = by_ids(&relationships::DELETE, RowShape::IdOfRelationship, &ids);
        let (ledger, _) = bench.call(call).await;
        assert_eq!(counts(&ledger), [(Status::Deleted, 30)], "{what}");
        assert!(told(&log).contains(&"links"), "{what}: {:?}", told(&log));
        let world = bench.simulator.relationships();
        assert!(
            world
                .as_array()
                .unwrap()
                .iter()
                .all(|link| link["isDeleted"] == true)
        );
    }
}

// ---- rejections ----

#[tokio::test(start_paused = true)]
async fn the_cost_of_finding_bad_rows_is_limited() {
    for shape in ["list_index", "list_id", "first_only", "single_object"] {
        // One bad row out of a hundred.
        let bench = Bench::new(world(&[("batch_error_shape", shape)]));
        let (ledger, _) = bench.create(bench.new_assets(100, |row| row == 61), false).await;
        assert_eq!(
            counts(&ledger),
            [(Status::Created, 99), (Status::Rejected, 1)],
            "{shape}"
        );
        assert!(ledger.stats.bisects <= 7, "{shape}: {:?}", ledger.stats);
        assert!(ledger.stats.requests <= 15, "{shape}: {:?}", ledger.stats);
        // All rows are bad, so no success adds to the search budget.
        let bench = Bench::new(world(&[("batch_error_shape", shape)]));
        let (ledger, _) = bench.create(bench.new_assets(5000, |_| true), false).await;

        assert!(ledger.stats.bisects <= 200, "{shape}: {:?}", ledger.stats);
        assert!(ledger.stats.requests <= 450, "{shape}: {:?}", ledger.stats);
        assert_eq!(
            count(&ledger, Status::Rejected) + count(&ledger, Status::Failed),
            5000
        );
        if count(&ledger, Status::Failed) > 0 {
            assert!(
                messages(&ledger)
                    .iter()
                    .any(|message| message.starts_with("too many requests were needed to find the bad rows")),
                "{shape}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_too_large_body_is_split_by_bytes_and_later_ones_in_advance() {
    let one_at_a_time = options::Options {
        max_in_flight: 1,
        ..client()
    };
    let (bench, log) = recorded(world(&[("max_body", "4000")]), one_at_a_time);
    let (ledger, _) = bench.create(bench.new_assets(2000, |_| false), false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 2000)]);
    let whole = log.lock().unwrap()[0].1.body.as_ref().unwrap().len();
    assert!(
        whole > 8_000,
        "the test needs a body that is split twice: {whole}"
    );
    let refused = answered(&bench, CREATE, 413);
    assert!(refused <= 3, "{refused} were too large");
    assert!(ledger.stats.bisects <= 3, "{:?}", ledger.stats);
    // One large row among small ones: each part is rejected for its bytes, not for its rows.
    let bench = Bench::new(world(&[("max_body", "900")]));
    let mut rows = bench.new_assets(20, |_| false);
    rows[0].push(("description", "d".repeat(990)));
    let (ledger, ended) = bench.create(rows, false).await;
    assert!(ended.fatal.is_none());
    assert_eq!(counts(&ledger), [(Status::Created, 19), (Status::Rejected, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_retried_once_after_reading_the_assets() {
    for (endpoint, done, name) in [
        ("assets:batch-patch", Status::Updated, "patch"),
        ("assets:batch-delete", Status::Deleted, "delete"),
    ] {
        for (times, statuses) in [(1, vec![(done, 1)]), (9, vec![(Status::Rejected, 1)])] {
            let (bench, log) = recorded(world(&[]), client());
            let ids = with_assets(&bench, 1).await;
            bench.simulator.add_fault(fault(
                &json!({"what": "status", "code": 409, "on": endpoint, "every": 1, "times": times}),
            ));
            let call = if name == "patch" {
                patch(&ids)
            } else {
                delete(&ids)
            };
            let (ledger, ended) = bench.call(call).await;
            assert!(ended.fatal.is_none());
            assert_eq!(counts(&ledger), statuses, "{name}, {times}");
            assert_eq!(told(&log), ["create", name, "get", name], "{times} conflicts");
        }
    }
    // A create has no assets to read again. It is split, and never resent unchanged.
    let (bench, log) = recorded(world(&[]), client());
    bench
        .simulator
        .add_fault(fault(&json!({"what": "status", "code": 409, "on": CREATE})));
    let (ledger, _) = bench.create(bench.new_assets(4, |_| false), false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 4)]);
    assert_eq!(told(&log), ["create", "create", "create"]);
    let log = log.lock().unwrap();
    let mut bodies: Vec<_> = log.iter().map(|(_, request)| request.body.clone()).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 3, "a body went out twice");
}

/// Responds to this many creates like a gateway without capacity.
fn no_capacity(times: usize) -> (Bench, Arc<Mutex<Vec<Duration>>>) {
    let (left, at) = (AtomicUsize::new(times), Arc::new(Mutex::new(Vec::new())));
    let (kept, start) = (at.clone(), Instant::now());
    let guard: Guard = Box::new(move |request| {
        if verb(request) != "create" {
            return Way::On;
        }
        kept.lock().unwrap().push(start.elapsed());
        let spends = |left: usize| left.checked_sub(1);
        if left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spends)
            .is_err()
        {
            return Way::On;
        }
        let body = json!({"developerMessage": "API request capacity exceeded.", "errorCode": "403"});
        Way::Instead(Ok(Response {
            status: 403,
            headers: Vec::new(),
            body: body.to_string().into(),
        }))
    });
    (Bench::guarded(world(&[]), client(), guard), at)
}

#[tokio::test(start_paused = true)]
async fn lack_of_capacity_is_retried_and_then_reported() {
    let (bench, at) = no_capacity(3);
    let (ledger, _) = bench.create(bench.new_assets(100, |_| false), false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 100)]);
    assert_eq!(standing(&bench), 100);
    let at = at.lock().unwrap().clone();
    assert!(at.windows(2).all(|two| two[1] >= two[0] + seconds(5)), "{at:?}");

    let (bench, at) = no_capacity(usize::MAX);
    let (ledger, ended) = bench.create(bench.new_assets(100, |_| false), false).await;
    assert_eq!(at.lock().unwrap().len(), 5);
    let message = ended.fatal.unwrap().to_string();
    assert!(message.contains("API request capacity exceeded"), "{message}");
    assert!(!message.contains("member of this project"), "{message}");
    // The gateway rejected it, so it may be retried.
    assert_eq!(counts(&ledger), [(Status::Failed, 100)]);
}

// ---- service and network problems ----

#[tokio::test(start_paused = true)]
async fn a_too_large_response_is_looked_up_and_not_retried() {
    for large in ["create", "patch", "delete"] {
        let guard: Guard = Box::new(move |request| {
            if verb(request) == large {
                Way::TooLarge
            } else {
                Way::On
            }
        });
        let bench = Bench::guarded(world(&[]), client(), guard);
        let (call, status, endpoint) = if large == "create" {
            (
                Call::create(bench.new_assets(100, |_| false)),
                Status::Created,
                CREATE,
            )
        } else {
            let ids = with_assets(&bench, 100).await;
            if large == "patch" {
                (patch(&ids), Status::Updated, "assets:batch-patch")
            } else {
                (delete(&ids), Status::Deleted, "assets:batch-delete")
            }
        };
        let (ledger, ended) = bench.call(call).await;
        assert_eq!(counts(&ledger), [(status, 100)], "{large}: {:?}", ended.fatal);
        assert_eq!(
            answered(&bench, endpoint, 200)
                + answered(&bench, endpoint, 201)
                + answered(&bench, endpoint, 204),
            1
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_too_large_read_is_not_retried() {
    let bench = Bench::guarded(world(&[]), client(), Box::new(|_| Way::TooLarge));
    let ids = vec![uuid::Uuid::nil().to_string()];
    let (ledger, ended) = bench
        .call(by_ids(&assets::BATCH_GET, RowShape::IdOfAsset, &ids))
        .await;
    let Some(Error::Transport(error)) = ended.fatal else {
        panic!("{:?}", ended.fatal);
    };
    assert_eq!((error.sent, error.partial.unwrap().status), (Sent::Answered, 200));
    assert_eq!(counts(&ledger), [(Status::Unknown, 1)]);
    assert_eq!(sent(&bench, "assets:batch-get"), 1);
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_cut_off_response_keep_its_status_and_body() {
    let bench = Bench::new(world(&[]));
    bench.simulator.add_fault(fault(
        &json!({"what": "cut_body", "bytes": 12, "on": CREATE, "every": 1}),
    ));
    let mut call = Call::create(bench.new_assets(2, |_| false));
    call.reconcile = false;
    let (ledger, _) = bench.call(call).await;
    let view = View::new(Arc::new(ledger));
    for outcome in view.outcomes() {
        let fault = outcome.fault.unwrap();
        assert_eq!((outcome.status, fault.status), (Status::Unknown, Some(201)));
        assert_eq!(fault.body.as_ref().map(|body| body.len()), Some(12));
    }
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_service_does_not_get_every_retry() {
    let bench = Bench::new(world(&[]));
    let ids = with_assets(&bench, 5000).await;
    sleep(seconds(60)).await;
    bench.simulator.add_fault(fault(
        &json!({"what": "status", "code": 503, "on": "assets:batch-patch", "probability": 0.8}),
    ));
    let (ledger, _) = bench.call(patch(&ids)).await;

    let succeeded = answered(&bench, "assets:batch-patch", 200);
    // Twenty, plus one for every five successes, including lookups.
    let earned = (succeeded + ledger.stats.lookups) / 5;
    assert!(
        ledger.stats.retries <= 20 + earned,
        "{succeeded} succeeded, {:?}",
        ledger.stats
    );
}

#[tokio::test(start_paused = true)]
async fn endless_throttling_ends_at_the_deadline_and_can_be_resumed() {
    let bench = Bench::new(world(&[]));
    bench.simulator.add_fault(fault(
        &json!({"what": "rate_limit", "retry_after": 30, "every": 1}),
    ));
    let rows = bench.new_assets(1500, |_| false);
    let start = Instant::now();
    let (ledger, ended) = bench.create(rows.clone(), false).await;
    assert!(ended.fatal.unwrap().to_string().contains("429"));
    let took = start.elapsed();
    assert!(took <= seconds(600) && took >= seconds(500), "{took:?}");
    assert_eq!(
        count(&ledger, Status::Failed) + count(&ledger, Status::NotSent),
        1500
    );
    bench.simulator.clear_faults();
    let (ledger, ended) = bench.call(Call::create(rows).continues(ledger, true, true)).await;
    assert!(ended.fatal.is_none());
    assert_eq!(counts(&ledger), [(Status::Created, 1500)]);
    bench.compare(&ledger, 1500, "gone on");
}

#[tokio::test(start_paused = true)]
async fn a_network_outage_of_a_minute_loses_nothing() {
    for what in ["refuse", "reset_before_apply", "reset_after_apply"] {
        let bench = Bench::new(simulator::Options {
            latency: Duration::from_millis(300),
            ..world(&[])
        });
        let call = Call::create(bench.new_assets(30_000, |_| false));
        let (ledger, driving) = bench.start(call);
        let working = async {
            sleep(seconds(2)).await;
            bench
                .simulator
                .add_fault(fault(&json!({"what": what, "every": 1})));
            sleep(seconds(60)).await;
            bench.simulator.clear_faults();
        };
        let (ended, ()) = tokio::join!(driving, working);
        assert!(ended.fatal.is_none(), "{what}: {:?}", ended.fatal);
        let ledger = ledger.lock().unwrap();
        assert_eq!(counts(&ledger), [(Status::Created, 30_000)], "{what}");
        assert_eq!(standing(&bench), 30_000, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_new_token_is_fetched_for_all_rejected_requests() {
    let options = simulator::Options {
        latency: Duration::from_millis(300),
        ..world(&[])
    };
    let bench = Bench::with_tokens(options, Box::new(|_| Way::On), Events::new());
    bench
        .simulator
        .add_fault(fault(&json!({"what": "expire_token", "nth": 1})));
    let (ledger, ended) = bench.create(bench.new_assets(800, |_| false), false).await;
    assert!(ended.fatal.is_none());
    assert_eq!(counts(&ledger), [(Status::Created, 800)]);
    assert_eq!(answered(&bench, CREATE, 401), 8);
    assert_eq!(bench.fetched.load(Ordering::Relaxed), 2);
}

// ---- the journal ----

fn folder() -> &'static tempfile::TempDir {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap())
}

fn path(name: &str) -> PathBuf {
    // A folder of its own: a run with the rows of another run in its folder is refused.
    let folder = folder().path().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("run.sqlite")
}

/// A create that resumes from its journal, if there is one.
fn named(bench: &Bench, path: &Path, rows: Vec<Texts>) -> Call {
    let mut call = Call::create(rows).of_run(bench, path);
    call.continuation.recheck = true;
    call.continuation.edits = true;
    call
}

/// The current content of a journal, read from a copy as after a crash.
fn snapshot(path: &Path) -> StoredRun {
    let copy = path.with_extension("copy");
    std::fs::copy(path, &copy).unwrap();
    let kept = Journal::read(&copy).unwrap().expect("nobody drives a copy");
    std::fs::remove_file(copy).unwrap();
    kept
}

fn one_at_a_time() -> options::Options {
    options::Options {
        max_in_flight: 1,
        ..client()
    }
}

#[tokio::test(start_paused = true)]
async fn requests_and_outcomes_are_in_the_journal_before_the_next_send() {
    let path = path("intent");
    // The number of rows of each request, and the journal's statuses when it was sent.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (kept, journal) = (seen.clone(), path.clone());
    let guard: Guard = Box::new(move |request| {
        let ledger = snapshot(&journal).ledger;
        let statuses = (0..u32::try_from(ledger.rows()).unwrap()).map(|row| ledger.status(row));
        let items: Vec<Value> = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
        kept.lock()
            .unwrap()
            .push((items.len(), statuses.collect::<Vec<Status>>()));
        Way::On
    });
    let bench = Bench::guarded(world(&[]), one_at_a_time(), guard);
    let rows = bench.new_assets(250, |_| false);
    let (ledger, _) = bench.call(named(&bench, &path, rows)).await;
    assert_eq!(counts(&ledger), [(Status::Created, 250)]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    for (request, (items, statuses)) in seen.iter().enumerate() {
        let sent = request * 100;
        let leaving = sent + *items;
        assert!(
            statuses[..sent].iter().all(|status| *status == Status::Created),
            "request {request}"
        );
        assert!(
            statuses[sent..leaving]
                .iter()
                .all(|status| *status == Status::Unknown),
            "request {request}"
        );
        assert!(
            statuses[leaving..]
                .iter()
                .all(|status| *status == Status::NotSent)
        );
    }
    let kept = snapshot(&path).ledger;
    assert_eq!(ids(&kept), ids(&ledger), "the last outcome is written too");
}

#[tokio::test(start_paused = true)]
async fn an_unwritable_journal_prevents_sending() {
    let path = path("gone");
    let bench = Bench::guarded(world(&[]), one_at_a_time(), Box::new(|_| Way::On));
    let call = named(&bench, &path, bench.new_assets(250, |_| false));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let (ledger, ended) = bench.call(call).await;
    assert!(
        matches!(ended.fatal, Some(Error::Journal(_))),
        "{:?}",
        ended.fatal
    );
    assert_eq!(counts(&ledger), [(Status::NotSent, 250)]);
    assert_eq!(bench.simulator.audit().requests, 0);
    std::fs::remove_dir(&path).unwrap();

    // The file is lost during the run. Received outcomes are kept, and no further request is sent.
    let (removed, first) = (path.clone(), AtomicBool::new(true));
    let guard: Guard = Box::new(move |_| {
        if first.swap(false, Ordering::Relaxed) {
            std::fs::remove_file(&removed).unwrap();
        }
        Way::On
    });
    let bench = Bench::guarded(world(&[]), one_at_a_time(), guard);
    let call = named(&bench, &path, bench.new_assets(250, |_| false));
    let (ledger, ended) = bench.call(call).await;
    assert!(
        matches!(ended.fatal, Some(Error::Journal(_))),
        "{:?}",
        ended.fatal
    );
    assert_eq!(counts(&ledger), [(Status::Created, 100), (Status::NotSent, 150)]);
    assert_eq!(sent(&bench, CREATE), 1);
}

/// Changes the value of a field of a row.
fn set(row: &mut [(&'static str, String)], field: &str, value: &str) {
    for (name, old) in row {
        if *name == field {
            value.clone_into(old);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_accepts_its_rows_and_edits_of_unsettled_ones() {
    let path = path("changed");
    let bench = Bench::new(world(&[]));
    let mut rows = bench.new_assets(120, |row| row == 5);
    // Rejected by one of our checks.
    rows[6].retain(|(name, _)| *name != "statusId");
    let (ledger, _) = bench.call(named(&bench, &path, rows.clone())).await;
    assert_eq!(
        counts(&ledger),
        [
            (Status::Created, 118),
            (Status::Invalid, 1),
            (Status::Rejected, 1)
        ]
    );
    drop(ledger);
    let sent_before = sent(&bench, CREATE);
    for (what, says) in [
        (
            "a settled row less",
            "row 119 (`P-119`) is created, but is missing",
        ),
        (
            "a row more",
            "row 120 of the input (`P-0`) was not part of the earlier call",
        ),
        (
            "a row between",
            "row 10 of the input (`new`) was not part of the earlier call",
        ),
        ("another value", "row 9 (`P-9`) is created, but was edited"),
        (
            "a new column",
            "row 9 (`P-9`) is created, but the earlier call did not have the column `description`",
        ),
        (
            "another order",
            "row 20 (`P-20`) is created, but its position has changed",
        ),
        (
            "edited beside another value",
            "row 9 (`P-9`) is created, but was edited",
        ),
    ] {
        let mut others = rows.clone();
        match what {
            "a settled row less" => drop(others.pop()),
            "a row more" => others.push(rows[0].clone()),
            "a row between" => others.insert(10, bench.new_asset("new", false)),
            "another value" => set(&mut others[9], "statusId", "new"),
            "a new column" => others[9].push(("description", "new".to_owned())),
            "edited beside another value" => {
                others[5] = bench.new_asset("P-5", false);
                set(&mut others[9], "statusId", "new");
            }
            _ => others.swap(20, 21),
        }
        let (_, ended) = bench.call(named(&bench, &path, others)).await;
        let message = ended.fatal.expect(what).to_string();
        assert!(
            message.contains("these are not the rows of the run")
                && message.contains(says)
                && message.contains("Nothing was sent"),
            "{what}: {message}"
        );
        assert_eq!(sent(&bench, CREATE), sent_before, "{what}");
    }
    // The rejected calls did not change the run.
    let (ledger, ended) = bench.call(named(&bench, &path, rows.clone())).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(
        counts(&ledger),
        [
            (Status::Created, 118),
            (Status::Invalid, 1),
            (Status::Rejected, 1)
        ]
    );
    drop(ledger);
    // One row is corrected, and the other is removed.
    rows[5] = bench.new_asset("P-5", false);
    let taken = rows.remove(6);
    let (ledger, ended) = bench.call(named(&bench, &path, rows.clone())).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(counts(&ledger), [(Status::Created, 119), (Status::NotSent, 1)]);
    assert_eq!(messages(&ledger), ["removed by you"]);
    bench.compare(&ledger, 120, "edited");
    drop(ledger);
    // The row is restored and corrected.
    let status = bench.status.clone();
    rows.insert(6, taken);
    rows[6].push(("statusId", status));
    let (ledger, ended) = bench.call(named(&bench, &path, rows)).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(counts(&ledger), [(Status::Created, 120)]);
    bench.compare(&ledger, 120, "edited");
    assert_eq!(standing(&bench), 120);
}

#[tokio::test(start_paused = true)]
async fn a_killed_run_resumes_from_any_point() {
    // The process is killed in its second request: before it arrives, after it was executed, or after its outcome was
    // recorded, while the next request waits for the rate limit.
    for stage in ["before", "after", "verdict"] {
        let path = path(&format!("killed-{stage}"));
        let (creates, killed) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
        let over = killed.clone();
        let guard: Guard = Box::new(move |request| {
            let nth = creates.fetch_add(usize::from(verb(request) == "create"), Ordering::Relaxed) + 1;
            match stage {
                "before" if nth == 2 && !over.load(Ordering::Relaxed) => Way::Held,
                "after" if nth == 2 && !over.load(Ordering::Relaxed) => Way::HeldAfter,
                _ => Way::On,
            }
        });
        let mut client = one_at_a_time();
        client.limits.requests.insert("assets_write".into(), 2);
        let bench = Bench::guarded(world(&[]), client, guard);
        let rows = bench.new_assets(450, |_| false);
        let (_, driving) = bench.start(named(&bench, &path, rows.clone()));
        let ended = tokio::time::timeout(seconds(20), driving).await;
        assert!(ended.is_err(), "{stage}: it ended by itself");
        killed.store(true, Ordering::Relaxed);
        // Requests in flight are dropped with the run.
        sleep(seconds(1)).await;
        let statuses: &[_] = if stage == "verdict" {
            &[(Status::Created, 200), (Status::NotSent, 250)]
        } else {
            &[
                (Status::Created, 100),
                (Status::NotSent, 250),
                (Status::Unknown, 100),
            ]
        };
        assert_eq!(counts(&snapshot(&path).ledger), statuses, "{stage}");
        let (ledger, ended) = bench.call(named(&bench, &path, rows)).await;
        assert!(ended.fatal.is_none(), "{stage}: {:?}", ended.fatal);
        assert_eq!(counts(&ledger), [(Status::Created, 450)], "{stage}");
        bench.compare(&ledger, 450, stage);
        assert_eq!(standing(&bench), 450, "{stage}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_can_settle_its_lost_rows_later() {
    let bench = Bench::new(world(&[]));
    bench.simulator.add_fault(fault(
        &json!({"what": "reset_after_apply", "on": CREATE, "nth": 1}),
    ));
    let rows = bench.new_assets(200, |row| row == 150);
    let mut call = Call::create(rows.clone());
    call.tolerance = Tolerance::None;
    let (ledger, ended) = bench.call(call).await;
    assert!(ended.fatal.is_none());
    let statuses = counts(&ledger);
    assert_eq!(count(&ledger, Status::Unknown), 100, "{statuses:?}");
    let creates = sent(&bench, CREATE);
    let call = Call::create(rows).continues(ledger, false, true);
    let (ledger, _) = bench.call(call).await;
    assert_eq!(count(&ledger, Status::Unknown), 0);
    assert!(count(&ledger, Status::Created) >= 100);
    assert_eq!(
        sent(&bench, CREATE),
        creates,
        "what was executed is not sent again"
    );

    // A lost response alone does not make a row bad. The row is looked up, and the run continues.
    let bench = Bench::new(world(&[]));
    bench.simulator.add_fault(fault(
        &json!({"what": "reset_after_apply", "on": CREATE, "nth": 1}),
    ));
    let mut call = Call::create(bench.new_assets(500, |_| false));
    call.tolerance = Tolerance::None;
    let (ledger, _) = bench.call(call).await;
    assert_eq!(counts(&ledger), [(Status::Created, 500)]);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_settle_time_is_respected() {
    let quick = options::Options {
        retry: RetryPolicy {
            settle: seconds(3),
            ..RetryPolicy::default()
        },
        ..client()
    };
    let bench = Bench::guarded(world(&[]), quick, Box::new(|_| Way::On));
    bench
        .simulator
        .add_fault(fault(&json!({"what": "reset_before_apply", "on": CREATE})));
    let start = Instant::now();
    let (ledger, _) = bench.create(bench.new_assets(10, |_| false), false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 10)]);
    assert!(start.elapsed() < seconds(6), "{:?}", start.elapsed());
}

fn slow() -> Bench {
    Bench::new(simulator::Options {
        latency: Duration::from_millis(300),
        ..simulator::Options::default()
    })
}

#[tokio::test(start_paused = true)]
async fn an_attempt_after_a_429_is_recorded() {
    let bench = slow();
    let path = path("tried-again");
    // While the first request waits, another one completes, and the ledger is written.
    for what in [
        json!({"what": "rate_limit", "retry_after": 5, "on": CREATE, "nth": 1}),
        json!({"what": "delay", "ms": 1000, "on": CREATE, "nth": 2}),
        json!({"what": "delay", "ms": 20_000, "on": CREATE, "nth": 3}),
    ] {
        bench.simulator.add_fault(fault(&what));
    }
    let rows = bench.new_assets(200, |_| false);
    let (_, driving) = bench.start(named(&bench, &path, rows.clone()));
    assert!(tokio::time::timeout(seconds(8), driving).await.is_err());
    bench.simulator.clear_faults();
    sleep(seconds(60)).await;
    let (ledger, _) = bench.call(named(&bench, &path, rows)).await;
    assert_eq!(counts(&ledger), [(Status::Created, 200)]);
    bench.compare(&ledger, 200, "killed in a second try");
}

#[tokio::test(start_paused = true)]
async fn the_asset_of_a_row_in_flight_is_not_claimed_by_another() {
    let bench = slow();
    for what in [
        json!({"what": "reset_before_apply", "on": CREATE, "nth": 1}),
        json!({"what": "delay", "ms": 50_000, "on": CREATE}),
    ] {
        bench.simulator.add_fault(fault(&what));
    }
    let rows = vec![bench.new_asset("Door", false); 200];
    let (ledger, _) = bench.create(rows, false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 200)]);
    bench.compare(&ledger, 200, "all alike");
}

#[tokio::test(start_paused = true)]
async fn a_clock_change_between_processes_creates_no_duplicates() {
    let mut bench = slow();
    let path = path("clock-set");
    let rows = bench.new_assets(400, |_| false);
    // The clock of the first process is an hour ahead of the second one's.
    sleep(seconds(3600)).await;
    let (_, driving) = bench.start(named(&bench, &path, rows.clone()));
    let _ = tokio::time::timeout(Duration::from_millis(200), driving).await;
    assert_eq!(standing(&bench), 400);
    bench.set_clock();
    // The second process learns the service's time before it resumes.
    let (other, _) = bench.create(vec![bench.new_asset("other", false)], false).await;
    assert_eq!(counts(&other), [(Status::Created, 1)]);
    let (ledger, _) = bench.call(named(&bench, &path, rows)).await;
    bench.compare(&ledger, 400, "clock set");
    assert_eq!(standing(&bench), 401);
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_may_still_be_executed_stays_unknown() {
    let bench = slow();
    let ids = with_assets(&bench, 10).await;
    bench.simulator.add_fault(fault(
        &json!({"what": "apply_late", "ms": 15_000, "on": "assets:batch-patch", "every": 1}),
    ));
    let call = patch(&ids);
    let stop = call.stop.clone();
    let (ledger, driving) = bench.start(call);
    let working = async {
        while ledger.lock().unwrap().stats.lookups == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        // The request is not executed yet, so it is retried, and then paused and stopped.
        bench.simulator.clear_faults();
        let pause = json!({"what": "rate_limit", "retry_after": 60, "on": "assets:batch-patch"});
        bench.simulator.add_fault(fault(&pause));
        sleep(seconds(2)).await;
        stop.to(Phase::Drain);
    };
    let _ = tokio::join!(driving, working);
    sleep(seconds(60)).await;
    let ledger = ledger.lock().unwrap().clone();
    assert_eq!(counts(&ledger), [(Status::Unknown, 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_proves_nothing_about_later_executions() {
    let options = options::Options {
        retry: RetryPolicy {
            attempts: 1,
            ..RetryPolicy::default()
        },
        ..client()
    };
    let bench = Bench::guarded(world(&[]), options, Box::new(|_| Way::On));
    let ids = with_assets(&bench, 10).await;
    // The second request is executed while the response of its lookup is in transit.
    for unlucky in [
        json!({"what": "reset_before_apply", "on": "assets:batch-patch", "nth": 1}),
        json!({"what": "apply_late", "ms": 12_600, "on": "assets:batch-patch", "nth": 2}),
        json!({"what": "delay", "ms": 27_600, "on": "assets:batch-get", "every": 1}),
    ] {
        bench.simulator.add_fault(fault(&unlucky));
    }
    let (ledger, _) = bench.call(patch(&ids)).await;
    assert_eq!(
        counts(&ledger),
        [(Status::Updated, 10)],
        "{:?}",
        messages(&ledger)
    );
}

#[tokio::test(start_paused = true)]
async fn an_edited_row_is_detached_from_its_duplicates() {
    let bench = slow();
    let ids = with_assets(&bench, 2).await;
    let foreign = "11111111-1111-4111-8111-111111111111";
    let bad = vec![("id", ids[0].clone()), ("statusId", foreign.to_owned())];
    let good = vec![("id", ids[1].clone()), ("description", "edited".to_owned())];
    let write = &assets::BATCH_PATCH;
    let both = vec![bad.clone(), bad.clone()];
    let (refused, _) = bench.run(write, RowShape::AssetPatch, both, false).await;
    assert_eq!(counts(&refused), [(Status::Rejected, 2)]);

    let one = Call::new(write, RowShape::AssetPatch, vec![good, bad]);
    let mut one = one.continues(refused, true, true);
    one.continuation.recheck = true;
    one.continuation.edits = true;
    let (ledger, ended) = bench.call(one).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(
        (ledger.status(0), ledger.status(1)),
        (Status::Updated, Status::Rejected)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_a_lookup_is_not_a_failure() {
    let bench = slow();
    for what in [
        json!({"what": "reset_after_apply", "on": CREATE, "nth": 3}),
        json!({"what": "rate_limit", "retry_after": 30, "on": "assets"}),
    ] {
        bench.simulator.add_fault(fault(&what));
    }
    let call = Call::create(bench.new_assets(400, |_| false));
    let stop = call.stop.clone();
    let (ledger, driving) = bench.start(call);
    let stopping = async {
        sleep(seconds(15)).await;
        stop.to(Phase::Drain);
    };
    let (ended, ()) = tokio::join!(driving, stopping);
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    let ledger = ledger.lock().unwrap().clone();
    assert_eq!(counts(&ledger), [(Status::Created, 300), (Status::Unknown, 100)]);
}

#[tokio::test(start_paused = true)]
async fn an_import_key_that_is_not_text_sends_nothing() {
    let bench = Bench::new(world(&[("numeric_read", "number")]));
    let field = attribute(&bench, "numeric");
    let rows = |count: usize| -> Vec<Texts> {
        let row = |number: usize| {
            let mut row = bench.new_asset(&format!("K-{number}"), false);
            row.push((field, number.to_string()));
            row
        };
        (0..count).map(row).collect()
    };
    let (first, _) = bench.call(keyed(&bench, rows(5), field)).await;
    assert_eq!(counts(&first), [(Status::Created, 5)]);
    let (second, ended) = bench.call(keyed(&bench, rows(6), field)).await;
    assert!(matches!(ended.fatal, Some(Error::Option(_))), "{:?}", ended.fatal);
    assert_eq!(counts(&second), [(Status::NotSent, 6)]);
    assert_eq!(standing(&bench), 5);
}
