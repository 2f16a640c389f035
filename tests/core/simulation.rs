//! Complete runs against the in-process simulator on a paused clock, where minutes of rate windows take milliseconds.
//! After each run, the ledger is compared with the simulator's audit.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::ThreadId;
use std::time::Duration;

use acc_assets::api::{Write, assets, relationships, settings};
use acc_assets::http::Phase;
use acc_assets::http::send::Response;
use acc_assets::ledger::journal::Journal;
use acc_assets::ledger::journal::disk;
use acc_assets::ledger::{Ledger, SharedLedger, Status, View, lock};
use acc_assets::options;
use acc_assets::rows::RowShape;
use acc_assets::simulator;
use serde_json::json;
use tokio::time::Instant;

use crate::bench::{Bench, Call, Guard, Way, client, counts, fault};
use crate::lists;

#[tokio::test(start_paused = true)]
async fn a_clean_network_creates_every_row_once() {
    for stream in [false, true] {
        let bench = Bench::new(simulator::Options::default());
        let (ledger, ended) = bench.create(bench.new_assets(1234, |_| false), stream).await;
        assert!(ended.fatal.is_none());
        assert_eq!(counts(&ledger), [(Status::Created, 1234)]);
        assert_eq!(ledger.stats.requests, 13);
        bench.compare(&ledger, 1234, "clean");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_to_send_sends_nothing() {
    let bench = Bench::new(simulator::Options::default());
    let (ledger, ended) = bench.create(Vec::new(), false).await;
    assert!(ended.fatal.is_none() && ledger.rows() == 0);
    assert_eq!(bench.simulator.audit().requests, 0);
}

/// The documented limits and 100,000 rows: virtual minutes, no 429 and no wasted time.
#[tokio::test(start_paused = true)]
async fn the_documented_rate_is_kept_and_used_up() {
    let latency = Duration::from_millis(300);
    let bench = Bench::new(simulator::Options {
        latency,
        ..simulator::Options::default()
    });
    let start = Instant::now();
    let (ledger, _) = bench.create(bench.new_assets(100_000, |_| false), true).await;
    assert_eq!(counts(&ledger), [(Status::Created, 100_000)]);
    let audit = bench.simulator.audit();
    assert_eq!(audit.rate_limited, 0, "a 429 was met");
    assert!(
        audit.busiest_window["assets_write"] <= 100,
        "{:?}",
        audit.busiest_window
    );
    // A thousand requests fill ten windows. The first window starts at once, so nine windows must pass.
    let rate = 900.0 / (start.elapsed().as_secs_f64() / 60.0);
    println!(
        "rate: {rate:.2} of 100 requests a minute, {} s in all",
        start.elapsed().as_secs()
    );
    assert!(rate >= 97.0, "only {rate:.1} requests a minute");
}

#[tokio::test(start_paused = true)]
async fn reads_and_locations_keep_their_documented_limits() {
    for (listing, group, limit) in [
        (&assets::LIST, "assets_read", 1000),
        (&settings::LOCATIONS, "locations", 200),
    ] {
        let bench = Bench::new(simulator::Options::default());
        let project = bench.simulator.project_id();
        let places = [("prefix", "construction"), ("project", project.as_str())];
        let path = listing.path.fill(&places).unwrap();
        let start = Instant::now();
        for read in 0..=limit {
            lists::read(&bench.caller, listing, &path, &[]).await.unwrap();
            let waited = start.elapsed() >= Duration::from_secs(60);
            assert_eq!(waited, read == limit, "{group}: read {read}");
        }
        let audit = bench.simulator.audit();
        assert_eq!(
            (audit.rate_limited, audit.busiest_window[group]),
            (0, limit),
            "{group}"
        );
    }
}

/// The times of the first requests of a run. Some of them get a 429.
async fn times_of_requests(
    write: &'static Write,
    throttled: usize,
    headers: &[(&str, &str)],
) -> Vec<Duration> {
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = times.clone();
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let guard: Guard = Box::new(move |_| {
        let mut times = seen.lock().unwrap();
        times.push(Instant::now());
        if times.len() > throttled {
            return Way::On;
        }
        Way::Instead(Ok(Response {
            status: 429,
            headers: headers.clone(),
            body: r#"{"developerMessage":"Quota limit exceeded."}"#.into(),
        }))
    });
    let bench = Bench::guarded(simulator::Options::default(), client(), guard);
    let links = bench.simulator.seed_relationships(1);
    let (shape, rows) = match write.endpoint.name {
        "relationships:delete" => (RowShape::IdOfRelationship, vec![vec![("id", links[0].clone())]]),
        _ => (RowShape::NewAsset, bench.new_assets(1, |_| false)),
    };
    let (ledger, _) = bench.run(write, shape, rows, false).await;
    let statuses = counts(&ledger);
    assert!(
        matches!(statuses[..], [(Status::Created | Status::Deleted, 1)]),
        "{statuses:?}"
    );
    let times = times.lock().unwrap();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The Relationship pages say that Retry-After is optional, and that the limits are per minute.
#[tokio::test(start_paused = true)]
async fn a_429_pauses_for_retry_after_or_a_random_growing_time() {
    let seconds = Duration::from_secs;
    let date = ("date", "Mon, 23 Nov 2026 12:00:00 GMT");
    for write in [&assets::BATCH_CREATE, &relationships::DELETE] {
        for (headers, wait) in [
            (&[("retry-after", "7")][..], 7),
            (&[date, ("retry-after", "Mon, 23 Nov 2026 12:00:30 GMT")][..], 30),
        ] {
            let pauses = times_of_requests(write, 1, headers).await;
            assert_eq!(pauses.len(), 1);
            assert!(pauses[0] >= seconds(wait), "{pauses:?}");
            assert!(pauses[0] < seconds(wait) + seconds(1), "{pauses:?}");
        }
        let mut longest = Duration::ZERO;
        for _ in 0..10 {
            let pauses = times_of_requests(write, 6, &[]).await;
            assert_eq!(pauses.len(), 6);
            for (pause, most) in pauses.iter().zip([7.5, 15.0, 30.0, 60.0, 60.0, 60.0]) {
                let range = seconds(60) / 16..=Duration::from_secs_f64(most) + seconds(1);
                assert!(range.contains(pause), "{pauses:?}");
            }
            longest = longest.max(*pauses.iter().max().unwrap());
        }
        // Ten times six pauses without growth would all be below this.
        assert!(longest > Duration::from_millis(8_500), "{longest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_program_of_the_same_user_only_costs_time() {
    let bench = Bench::new(simulator::Options::default());
    bench.simulator.add_fault(fault(
        &json!({"what": "rate_limit", "every": 3, "times": 5, "retry_after": 20}),
    ));
    let (ledger, ended) = bench.create(bench.new_assets(3000, |_| false), true).await;
    assert!(ended.fatal.is_none());
    assert_eq!(counts(&ledger), [(Status::Created, 3000)]);
    assert_eq!(ledger.stats.requests, 35);
    assert!(ledger.stats.throttled >= 20.0, "{:?}", ledger.stats);
    bench.compare(&ledger, 3000, "429");
}

#[tokio::test(start_paused = true)]
async fn slow_responses_are_awaited() {
    let bench = Bench::new(simulator::Options::default());
    bench
        .simulator
        .add_fault(fault(&json!({"what": "delay", "ms": 50_000, "every": 4})));
    let (ledger, _) = bench.create(bench.new_assets(2000, |_| false), false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 2000)]);
    bench.compare(&ledger, 2000, "slow");
}

#[tokio::test(start_paused = true)]
async fn bad_rows_are_found_and_their_neighbors_created() {
    for shape in [
        "list_index",
        "list_index_from_1",
        "list_id",
        "first_only",
        "single_object",
    ] {
        let bench = Bench::new(simulator::Options::default());
        bench.simulator.set_switch("batch_error_shape", shape).unwrap();
        let bad = |row| [3, 99, 100, 250, 251].contains(&row);
        let (ledger, ended) = bench.create(bench.new_assets(300, bad), false).await;
        assert!(ended.fatal.is_none());
        assert_eq!(
            counts(&ledger),
            [(Status::Created, 295), (Status::Rejected, 5)],
            "{shape}"
        );
        bench.compare(&ledger, 300, shape);
        for outcome in View::new(Arc::new(ledger.clone()))
            .outcomes()
            .filter(|outcome| bad(outcome.row as usize))
        {
            assert_eq!(outcome.status, Status::Rejected);
            assert!(
                outcome.fault.as_ref().unwrap().message.contains("11111111"),
                "{shape}: {:?}",
                outcome.fault
            );
        }
        assert!(ledger.stats.bisects > 0, "{shape}");
    }
}

#[tokio::test(start_paused = true)]
async fn unnamed_stale_ids_affect_only_themselves() {
    let bench = Bench::new(simulator::Options::default());
    let (created, _) = bench.create(bench.new_assets(1000, |_| false), false).await;
    bench.simulator.set_switch("unknown_asset", "404").unwrap();
    let ids = View::new(Arc::new(created)).ids().into_iter().flatten();
    let rows = ids.enumerate().map(|(row, id)| {
        let stale = format!("00000000-0000-4000-8000-{row:012}");
        let id = if row % 100 == 0 { stale } else { id };
        vec![("id", id), ("description", "new".to_owned())]
    });
    let (ledger, ended) = bench
        .run(&assets::BATCH_PATCH, RowShape::AssetPatch, rows.collect(), false)
        .await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(counts(&ledger), [(Status::Updated, 990), (Status::Rejected, 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_create_with_a_lost_response_is_executed_once() {
    for what in [
        json!({"what": "reset_after_apply", "nth": 2}),
        json!({"what": "reset_before_apply", "nth": 2}),
        json!({"what": "status", "code": 504, "body": "html", "after_apply": true, "nth": 2}),
        json!({"what": "cut_body", "nth": 2}),
        json!({"what": "html", "nth": 2}),
    ] {
        let bench = Bench::new(simulator::Options::default());
        bench.simulator.add_fault(fault(&what));
        let (ledger, ended) = bench.create(bench.new_assets(500, |_| false), true).await;
        assert!(ended.fatal.is_none(), "{what}");
        assert_eq!(counts(&ledger), [(Status::Created, 500)], "{what}");
        bench.compare(&ledger, 500, &what.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn requests_provably_not_executed_are_retried() {
    let bench = Bench::new(simulator::Options::default());
    bench
        .simulator
        .add_fault(fault(&json!({"what": "refuse", "every": 2, "times": 3})));
    let (ledger, _) = bench.create(bench.new_assets(500, |_| false), false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 500)]);
    bench.compare(&ledger, 500, "refuse");
}

#[tokio::test(start_paused = true)]
async fn a_dead_service_ends_the_run_soon() {
    let bench = Bench::new(simulator::Options::default());
    bench
        .simulator
        .add_fault(fault(&json!({"what": "status", "code": 503, "every": 1})));
    let (ledger, ended) = bench.create(bench.new_assets(20_000, |_| false), false).await;
    assert!(ended.fatal.unwrap().to_string().contains("503"));
    assert!(ledger.stats.requests <= 20, "{:?}", ledger.stats);
    let counts: HashMap<Status, usize> = counts(&ledger).into_iter().collect();
    assert!(
        counts[&Status::Unknown] <= 1200 && counts[&Status::NotSent] >= 18_800,
        "{counts:?}"
    );
    bench.compare(&ledger, 20_000, "dead");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_ends_the_run() {
    let bench = Bench::new(simulator::Options::default());
    bench
        .simulator
        .add_fault(fault(&json!({"what": "expire_token", "nth": 3})));
    let (ledger, ended) = bench.create(bench.new_assets(5000, |_| false), true).await;
    let message = ended.fatal.unwrap().to_string();
    assert!(
        message.contains("401") && message.contains("new token"),
        "{message}"
    );
    bench.compare(&ledger, ledger.rows(), "expired");
}

#[tokio::test(start_paused = true)]
async fn patches_and_deletes_are_retried() {
    let bench = Bench::new(simulator::Options::default());
    let (created, _) = bench.create(bench.new_assets(300, |_| false), false).await;
    let ids: Vec<String> = View::new(Arc::new(created)).ids().into_iter().flatten().collect();
    bench.simulator.add_fault(fault(
        &json!({"what": "reset_after_apply", "nth": 1, "on": "assets:batch-patch"}),
    ));
    bench.simulator.add_fault(fault(
        &json!({"what": "status", "code": 502, "nth": 2, "on": "assets:batch-patch"}),
    ));
    let rows = ids
        .iter()
        .map(|id| vec![("id", id.clone()), ("description", "checked".to_owned())])
        .collect();
    let (patched, _) = bench
        .run(&assets::BATCH_PATCH, RowShape::AssetPatch, rows, false)
        .await;
    assert_eq!(counts(&patched), [(Status::Updated, 300)]);

    let rows: Vec<_> = ids.iter().map(|id| vec![("id", id.clone())]).collect();
    bench.simulator.add_fault(fault(
        &json!({"what": "status", "code": 502, "nth": 1, "on": "assets:batch-delete"}),
    ));
    let (deleted, _) = bench
        .run(&assets::BATCH_DELETE, RowShape::IdOfAsset, rows, false)
        .await;
    assert_eq!(counts(&deleted), [(Status::Deleted, 300)]);
    let real = bench.simulator.assets();
    assert!(
        real.as_array()
            .unwrap()
            .iter()
            .all(|asset| asset["isActive"] == false && asset["description"] == "checked")
    );
}

#[tokio::test(start_paused = true)]
async fn a_rejected_repeat_after_a_lost_response_is_not_a_rejection() {
    let bench = Bench::new(simulator::Options::default());
    let (created, _) = bench.create(bench.new_assets(10, |_| false), false).await;
    let rows = View::new(Arc::new(created))
        .ids()
        .into_iter()
        .flatten()
        .map(|id| vec![("id", id)])
        .collect();
    bench.simulator.add_fault(fault(
        &json!({"what": "reset_after_apply", "on": "assets:batch-delete"}),
    ));
    let (deleted, _) = bench
        .run(&assets::BATCH_DELETE, RowShape::IdOfAsset, rows, false)
        .await;
    // The first attempt deleted them, and the second was rejected because of that. `rejected` would be wrong.
    assert_eq!(counts(&deleted), [(Status::Deleted, 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_link_deleted_by_an_earlier_attempt_is_not_rejected() {
    let bench = Bench::new(simulator::Options::default());
    let ids = bench.simulator.seed_relationships(10);
    bench.simulator.add_fault(fault(
        &json!({"what": "reset_after_apply", "on": "relationships:delete"}),
    ));
    let rows = ids.into_iter().map(|id| vec![("id", id)]).collect();
    let (ledger, _) = bench
        .run(&relationships::DELETE, RowShape::IdOfRelationship, rows, false)
        .await;
    assert_eq!(counts(&ledger), [(Status::Deleted, 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_page_ends_the_run_soon() {
    let bench = Bench::new(simulator::Options::default());
    bench
        .simulator
        .add_fault(fault(&json!({"what": "html", "every": 1})));
    let (ledger, ended) = bench.create(bench.new_assets(20_000, |_| false), false).await;
    assert!(ended.fatal.unwrap().to_string().contains("HTML page"));
    // The requests in flight, and one lookup with all its attempts. Nothing was ever readable, so the lookup is not
    // repeated.
    assert!(ledger.stats.requests <= 13, "{:?}", ledger.stats);
    assert!(ledger.stats.seconds < 30.0, "{:?}", ledger.stats);
    bench.compare(&ledger, 20_000, "portal");

    let rows = bench
        .simulator
        .seed_relationships(10)
        .into_iter()
        .map(|id| vec![("id", id)])
        .collect();
    let (deleted, _) = bench
        .run(&assets::BATCH_DELETE, RowShape::IdOfAsset, rows, false)
        .await;
    assert_eq!(
        counts(&deleted),
        [(Status::Unknown, 10)],
        "a page proves no delete"
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_project_ends_the_run_early() {
    let bench = Bench::new(simulator::Options::default());
    bench
        .simulator
        .add_fault(fault(&json!({"what": "status", "code": 404, "every": 1})));
    let rows = (0..20_000).map(|row| {
        let id = format!("00000000-0000-4000-8000-{row:012}");
        vec![("id", id), ("description", "new".to_owned())]
    });
    let (ledger, ended) = bench
        .run(&assets::BATCH_PATCH, RowShape::AssetPatch, rows.collect(), false)
        .await;
    assert!(ended.fatal.unwrap().to_string().contains("project id"));
    assert!(ledger.stats.requests <= 100, "{:?}", ledger.stats);
}

#[tokio::test(start_paused = true)]
async fn relationships_that_were_not_deleted_are_reported() {
    let bench = Bench::new(simulator::Options::default());
    let mut ids = bench.simulator.seed_relationships(120);
    ids.insert(60, "22222222-2222-4222-8222-222222222222".to_owned());
    ids.push(ids[0].to_uppercase());
    let rows = ids.into_iter().map(|id| vec![("id", id)]).collect();
    let (ledger, _) = bench
        .run(&relationships::DELETE, RowShape::IdOfRelationship, rows, false)
        .await;
    // The duplicate shares the outcome of the first.
    assert_eq!(counts(&ledger), [(Status::Deleted, 121), (Status::Rejected, 1)]);
    // The row missing from all responses is read twice before it is rejected.
    assert_eq!((ledger.stats.requests, ledger.stats.lookups), (5, 2));
}

// ---- the disk of a named run ----

/// A create of this many rows as a named run, its journal and the journal's folder.
fn named(bench: &Bench, rows: usize) -> (tempfile::TempDir, PathBuf, Call) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("level-3.sqlite");
    let call = named_again(bench, &path, rows);
    (folder, path, call)
}

fn named_again(bench: &Bench, path: &Path, rows: usize) -> Call {
    Call::create(bench.new_assets(rows, |_| false)).of_run(bench, path)
}

#[test]
fn journals_are_synced_off_io_threads_without_the_ledger_lock() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let bench = Bench::new(simulator::Options::default());
        let (_folder, path, call) = named(&bench, 350);
        let seen: Arc<Mutex<HashMap<ThreadId, u32>>> = Arc::default();
        let ledger: Arc<OnceLock<SharedLedger>> = Arc::default();
        let (noted, looked) = (seen.clone(), ledger.clone());
        disk::look_into(&path, move |_| {
            *noted
                .lock()
                .unwrap()
                .entry(std::thread::current().id())
                .or_default() += 1;
            if let Some(ledger) = looked.get() {
                let start = std::time::Instant::now();
                while ledger.try_lock().is_err() {
                    assert!(start.elapsed() < Duration::from_secs(2), "the ledger is locked");
                    std::thread::yield_now();
                }
            }
        });
        let (shared, driving) = bench.start(call);
        assert!(ledger.set(shared.clone()).is_ok());
        // Tasks run only on threads that drive requests.
        let io: Arc<Mutex<HashSet<ThreadId>>> = Arc::default();
        let watch = |io: Arc<Mutex<HashSet<ThreadId>>>| async move {
            for _ in 0..100 {
                io.lock().unwrap().insert(std::thread::current().id());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let ended = tokio::spawn(driving);
        let watches: Vec<_> = (0..8).map(|_| tokio::spawn(watch(io.clone()))).collect();
        assert!(ended.await.unwrap().fatal.is_none());
        for watch in watches {
            watch.await.unwrap();
        }
        assert_eq!(counts(&lock(&shared)), [(Status::Created, 350)]);
        let (seen, io) = (seen.lock().unwrap(), io.lock().unwrap());
        assert!(seen.values().sum::<u32>() >= 2, "{seen:?}");
        assert!(
            seen.keys().all(|thread| !io.contains(thread)),
            "{seen:?} among {io:?}"
        );
    });
}

#[tokio::test(start_paused = true)]
async fn the_first_request_waits_for_one_commit() {
    let commits: Arc<Mutex<Vec<usize>>> = Arc::default();
    // The commits before the first request was sent.
    let before: Arc<OnceLock<Vec<usize>>> = Arc::default();
    let (noted, seen) = (commits.clone(), before.clone());
    let guard: Guard = Box::new(move |_| {
        seen.get_or_init(|| noted.lock().unwrap().clone());
        Way::On
    });
    let bench = Bench::guarded(simulator::Options::default(), client(), guard);
    let (_folder, path, call) = named(&bench, 25_000);
    let noted = commits.clone();
    disk::look_into(&path, move |rows| noted.lock().unwrap().push(rows));
    let (ledger, ended) = bench.call(call).await;
    assert!(ended.fatal.is_none());
    assert_eq!(counts(&ledger), [(Status::Created, 25_000)]);
    let before = before.get().unwrap();
    // Concurrent requests share a commit.
    assert!(before.last().is_some_and(|rows| *rows <= 800), "{before:?}");
    // The rows were written in order of reading.
    assert!(before.iter().sum::<usize>() >= 24_000, "{before:?}");
    let commits = commits.lock().unwrap();
    assert!(commits.iter().all(|rows| *rows <= 20_100), "{commits:?}");
    drop(commits);
    let kept = Journal::read(&path).unwrap().unwrap().ledger;
    assert!(kept.complete);
    assert_eq!(counts(&kept), [(Status::Created, 25_000)]);
}

/// The process is killed while only some of the rows are in the journal. The run resumes with all of them.
#[tokio::test(start_paused = true)]
async fn a_run_killed_before_all_rows_are_written_resumes() {
    let bench = Bench::new(simulator::Options {
        latency: Duration::from_millis(300),
        ..simulator::Options::default()
    });
    let (_folder, path, call) = named(&bench, 1000);
    // The disk is slower than reading the rows.
    disk::lag(&path, Duration::from_millis(40), 100);
    let (_, driving) = bench.start(call);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), driving)
            .await
            .is_err()
    );
    // Requests in flight are dropped with the run.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let kept = Journal::read(&path).unwrap().unwrap().ledger;
    assert!((100..1000).contains(&kept.rows()), "{}", kept.rows());
    let (ledger, ended) = bench.call(named_again(&bench, &path, 1000)).await;
    assert!(ended.fatal.is_none());
    assert_eq!(counts(&ledger), [(Status::Created, 1000)]);
    bench.compare(&ledger, 1000, "killed");
    let kept = Journal::read(&path).unwrap().unwrap().ledger;
    assert!(kept.complete);
    assert_eq!(counts(&kept), [(Status::Created, 1000)]);
}

/// Requests that are dropped while their journal is being written are not sent.
#[tokio::test(start_paused = true)]
async fn dropped_runs_send_no_rows_with_pending_writes() {
    let bench = Bench::new(simulator::Options::default());
    let (_folder, path, call) = named(&bench, 350);
    disk::lag(&path, Duration::from_secs(2), 350);
    let stop = call.stop.clone();
    let (ledger, driving) = bench.start(call);
    let dropping = async {
        // The rows are written, the first request is sent, and the second is about to be.
        tokio::time::sleep(Duration::from_millis(5500)).await;
        stop.to(Phase::Now);
    };
    let (ended, ()) = tokio::join!(driving, dropping);
    assert!(ended.fatal.is_none());
    let counted = counts(&lock(&ledger));
    let created = bench.simulator.assets().as_array().unwrap().len();
    assert!((100..350).contains(&created), "{created}");
    assert_eq!(
        counted,
        [(Status::Created, created), (Status::NotSent, 350 - created)]
    );
    let kept = Journal::read(&path).unwrap().unwrap().ledger;
    assert_eq!(counts(&kept), counted);
    let left = |kept: &Ledger| {
        kept.sendings()
            .iter()
            .filter(|sending| sending.left.is_some())
            .count()
    };
    assert_eq!(left(&kept), created / 100);
}

/// After concurrent writes by several threads, the journal equals the ledger.
#[test]
fn concurrent_journal_writes_match_the_ledger() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let bench = Bench::new(simulator::Options::default());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("level-3.sqlite");
        let mut call = named_again(&bench, &path, 0);
        // Some rows are rejected one by one, so that requests are split in the meantime.
        call.rows = bench.new_assets(900, |row| row % 301 == 7);
        let (ledger, ended) = bench.call(call).await;
        assert!(ended.fatal.is_none());
        assert_eq!(counts(&ledger), [(Status::Created, 897), (Status::Rejected, 3)]);
        let kept = Journal::read(&path).unwrap().unwrap().ledger;
        assert!(kept.complete);
        assert_eq!(kept.rows(), ledger.rows());
        for row in 0..900 {
            assert_eq!(kept.record(row), ledger.record(row));
        }
        assert_eq!(kept.sendings(), ledger.sendings());
        assert_eq!(kept.faults(), ledger.faults());
    });
}

/// A request that has a slot but waits for another one in flight must also be paused by a 429 for that one.
#[tokio::test(start_paused = true)]
async fn a_pause_applies_to_waiting_requests() {
    let sent: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let (noted, start) = (sent.clone(), Instant::now());
    let guard: Guard = Box::new(move |_| {
        noted.lock().unwrap().push(start.elapsed());
        Way::On
    });
    let options = options::Options {
        max_in_flight: 1,
        ..client()
    };
    let latency = Duration::from_millis(100);
    let bench = Bench::guarded(
        simulator::Options {
            latency,
            ..simulator::Options::default()
        },
        options,
        guard,
    );
    bench
        .simulator
        .add_fault(fault(&json!({"what": "rate_limit", "retry_after": 20})));
    let mut calls = tokio::task::JoinSet::new();
    for name in ["A", "B", "C"] {
        let (_, driving) = bench.start(Call::create(vec![bench.new_asset(name, false)]));
        calls.spawn(driving);
    }
    while let Some(ended) = calls.join_next().await {
        assert!(ended.unwrap().fatal.is_none());
    }
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert!(sent[1] >= Duration::from_secs(20), "{sent:?}");
    assert_eq!(bench.simulator.audit().most_in_flight, 1);
}
