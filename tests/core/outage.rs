//! A lasting outage ends a call in a predictable way, within the time documented in docs/reference/errors.md.
//!
//! `OUTAGES=100` runs that many seeds per number of rows and settle time; `FIRST` is the first seed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acc_assets::api::assets;
use acc_assets::error::{Error, Sent, TransportError};
use acc_assets::http::send::Request;
use acc_assets::ledger::{Status, View};
use acc_assets::options::{self, RetryPolicy};
use acc_assets::rows::RowShape;
use acc_assets::simulator;
use fastrand::Rng;
use serde_json::json;
use tokio::time::Instant;

use crate::bench::{Bench, Call, Guard, Texts, Way, client, count, counts, fault};

const CREATE: &str = "assets:batch-create";

/// The rows and the settle times of the cases, in tenths of a second.
const ROWS: [usize; 3] = [100, 350, 20_000];
const SETTLE: [u64; 3] = [3, 50, 300];

fn settle(tenths: u64) -> Duration {
    Duration::from_millis(100 * tenths)
}

/// As documented in docs/reference/errors.md.
fn most(settle: Duration) -> Duration {
    3 * settle + Duration::from_secs(60)
}

fn class(fatal: Option<&Error>) -> String {
    match fatal {
        None => "none".to_owned(),
        Some(Error::Service(refusal)) => format!("ServerError {}", refusal.status),
        Some(Error::Transport(_)) => "TransportError".to_owned(),
        Some(other) => format!("{other:?}"),
    }
}

/// Draws the random parameters of a case, in addition to its rows and settle time.
fn drawn(random: &mut Rng, settle: Duration) -> (simulator::Options, options::Options) {
    let service = simulator::Options {
        seed: random.u64(1..1000),
        latency: Duration::from_millis(random.u64(0..2000)),
        ..simulator::Options::default()
    };
    let client = options::Options {
        max_in_flight: [1, 2, 3, 8, 32][random.usize(0..5)],
        retry: RetryPolicy {
            settle,
            ..RetryPolicy::default()
        },
        ..client()
    };
    (service, client)
}

/// The end of a case: its exception and statuses.
type Ended = (String, Vec<(Status, usize)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outage {
    /// Writes get a 503 and are not executed; reads work.
    Writes,
    /// Writes get a 503 but are executed.
    Answers,
    /// Every request gets a 503.
    Everything,
    /// Every request gets a 503 after some rows were created.
    Later,
    /// No connection is possible after some rows were created.
    Network,
}

async fn play(outage: Outage, rows: usize, settle: Duration, seed: u64) -> Ended {
    let mut random = Rng::with_seed(seed);
    let (service, client) = drawn(&mut random, settle);
    let down = Arc::new(AtomicBool::new(false));
    let cut = down.clone();
    let guard: Guard = Box::new(move |_: &Request| {
        if !cut.load(Ordering::Relaxed) {
            return Way::On;
        }
        Way::Instead(Err(TransportError::new(Sent::No, "no connection".to_owned())))
    });
    let what = format!("{outage:?}, {rows} rows, settle {settle:?}, seed {seed}");
    let bench = Bench::guarded(service, client, guard);
    let status = |on: &str, after: bool| {
        let fault =
            fault(&json!({"what": "status", "code": 503, "on": on, "every": 1, "after_apply": after}));
        bench.simulator.add_fault(fault);
    };
    match outage {
        Outage::Writes => status(CREATE, false),
        Outage::Answers => status(CREATE, true),
        Outage::Everything => status("any", false),
        Outage::Later | Outage::Network => {}
    }
    let mut call = Call::create(bench.new_assets(rows, |_| false));
    call.stream = random.bool();
    let given = call.rows.clone();
    let (ledger, driving) = bench.start(call);
    let begins = Mutex::new(Instant::now());
    let breaking = async {
        if outage == Outage::Later || outage == Outage::Network {
            while bench.simulator.assets().as_array().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            *begins.lock().unwrap() = Instant::now();
            if outage == Outage::Later {
                status("any", false);
            } else {
                down.store(true, Ordering::Relaxed);
            }
        }
    };
    let (ended, ()) = tokio::join!(driving, breaking);
    let took = begins.lock().unwrap().elapsed();
    let ledger = ledger.lock().unwrap().clone();
    // The client waits two minutes for a lost network. If responses are lost but the work is done, the call continues.
    let bound = match outage {
        Outage::Network => Some(Duration::from_secs(180)),
        Outage::Answers => None,
        _ => Some(most(settle)),
    };
    if let Some(bound) = bound {
        assert!(took <= bound, "{what}: took {took:?}, not {bound:?}");
    }
    bench.compare(&ledger, ledger.rows(), &what);
    let result = (class(ended.fatal.as_ref()), counts(&ledger));

    // The remaining rows can be sent when the service is back.
    bench.simulator.clear_faults();
    down.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let next = Call::create(given).continues(ledger, true, true);
    let (ledger, ended) = bench.call(next).await;
    assert!(ended.fatal.is_none(), "{what}: {:?}", ended.fatal);
    assert_eq!(counts(&ledger), [(Status::Created, rows)], "{what}");
    bench.compare(&ledger, rows, &what);
    result
}

/// Runs an outage with every number of rows and settle time. Returns how the cases ended.
fn play_all(outage: Outage, seeds: u64, rows: &[usize]) -> BTreeMap<String, usize> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("FIRST").unwrap_or(0);
    let seeds = number("OUTAGES").unwrap_or(seeds);
    let cases: Vec<(usize, u64, u64)> = rows
        .iter()
        .flat_map(|rows| SETTLE.map(|settle| (*rows, settle)))
        .flat_map(|(rows, settle)| (first..first + seeds).map(move |seed| (rows, settle, seed)))
        .collect();
    let ends: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((rows, tenths, seed)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_time()
                        .start_paused(true)
                        .build()
                        .unwrap();
                    let (class, _) = runtime.block_on(play(outage, *rows, settle(*tenths), *seed));
                    *ends.lock().unwrap().entry(class).or_default() += 1;
                }
            });
        }
    });
    ends.into_inner().unwrap()
}

#[track_caller]
fn only(ends: &BTreeMap<String, usize>, class: &str) {
    assert!(ends.len() == 1 && ends.contains_key(class), "{ends:?}");
}

#[test]
fn an_outage_of_writes_ends_with_a_server_error() {
    only(&play_all(Outage::Writes, 3, &ROWS), "ServerError 503");
}

#[test]
fn an_outage_of_everything_ends_with_a_server_error() {
    only(&play_all(Outage::Everything, 3, &ROWS), "ServerError 503");
}

#[test]
fn a_later_outage_ends_with_a_server_error() {
    only(&play_all(Outage::Later, 3, &[5000]), "ServerError 503");
}

#[test]
fn a_lost_network_ends_with_a_transport_error() {
    only(&play_all(Outage::Network, 3, &[5000]), "TransportError");
}

/// An executed request is not an outage, whatever its response. Its rows are found, and the call continues.
#[test]
fn writes_that_are_done_and_answered_503_are_created() {
    only(&play_all(Outage::Answers, 3, &[100, 350, 2000]), "none");
}

#[tokio::test(start_paused = true)]
async fn no_connection_at_all_ends_with_a_transport_error() {
    for rows in ROWS {
        for tenths in SETTLE {
            for in_flight in [1, 8] {
                let mut options = client();
                options.retry.settle = settle(tenths);
                options.max_in_flight = in_flight;
                let guard: Guard = Box::new(|_: &Request| {
                    Way::Instead(Err(TransportError::new(Sent::No, "no connection".to_owned())))
                });
                let bench = Bench::guarded(simulator::Options::default(), options, guard);
                let start = Instant::now();
                let (ledger, ended) = bench.create(bench.new_assets(rows, |_| false), false).await;
                assert_eq!(class(ended.fatal.as_ref()), "TransportError", "{rows} rows");
                assert!(start.elapsed() <= most(settle(tenths)), "{:?}", start.elapsed());
                assert_eq!(
                    count(&ledger, Status::Failed) + count(&ledger, Status::NotSent),
                    rows
                );
            }
        }
    }
}

/// Patches and deletes are retried before a lookup.
#[tokio::test(start_paused = true)]
async fn an_outage_of_patches_and_deletes_ends_with_a_server_error() {
    for rows in [100, 350, 1500] {
        for tenths in SETTLE {
            for seed in 0..3 {
                let mut random = Rng::with_seed(seed);
                let (service, client) = drawn(&mut random, settle(tenths));
                let on: Guard = Box::new(|_: &Request| Way::On);
                let bench = Bench::guarded(service, client, on);
                let (created, _) = bench.create(bench.new_assets(rows, |_| false), false).await;
                let view = View::new(Arc::new(created));
                let ids: Vec<String> = view.ids().into_iter().flatten().collect();
                for (write, shape, tag) in [
                    (&assets::BATCH_PATCH, RowShape::AssetPatch, "assets:batch-patch"),
                    (&assets::BATCH_DELETE, RowShape::IdOfAsset, "assets:batch-delete"),
                ] {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    let row = |id: &String| {
                        let mut row: Texts = vec![("id", id.clone())];
                        if shape == RowShape::AssetPatch {
                            row.push(("description", "checked".to_owned()));
                        }
                        row
                    };
                    bench.simulator.add_fault(fault(
                        &json!({"what": "status", "code": 503, "on": tag, "every": 1}),
                    ));
                    let start = Instant::now();
                    let call = Call::new(write, shape, ids.iter().map(row).collect());
                    let (ledger, ended) = bench.call(call).await;
                    let what = format!("{tag}, {rows} rows, settle {tenths}, seed {seed}");
                    assert_eq!(class(ended.fatal.as_ref()), "ServerError 503", "{what}");
                    let took = start.elapsed();
                    assert!(took <= most(settle(tenths)), "{what}: {took:?}");
                    let open = [Status::Failed, Status::NotSent, Status::Unknown];
                    let left: usize = open.iter().map(|status| count(&ledger, *status)).sum();
                    assert_eq!(left, rows, "{what}: {:?}", counts(&ledger));
                    bench.simulator.clear_faults();
                }
            }
        }
    }
}

/// The client waits out an outage of less than two settle times.
#[tokio::test(start_paused = true)]
async fn a_short_outage_of_writes_only_costs_time() {
    for rows in ROWS {
        for seed in 0..3 {
            let mut random = Rng::with_seed(seed);
            let (service, client) = drawn(&mut random, Duration::from_secs(30));
            let on: Guard = Box::new(|_: &Request| Way::On);
            let bench = Bench::guarded(service, client, on);
            bench.simulator.add_fault(fault(
                &json!({"what": "status", "code": 503, "on": CREATE, "every": 1}),
            ));
            let (ledger, driving) = bench.start(Call::create(bench.new_assets(rows, |_| false)));
            let healing = async {
                tokio::time::sleep(Duration::from_secs(random.u64(1..50))).await;
                bench.simulator.clear_faults();
            };
            let (ended, ()) = tokio::join!(driving, healing);
            let ledger = ledger.lock().unwrap().clone();
            assert!(
                ended.fatal.is_none(),
                "{rows} rows, seed {seed}: {:?}",
                ended.fatal
            );
            assert_eq!(
                counts(&ledger),
                [(Status::Created, rows)],
                "{rows} rows, seed {seed}"
            );
        }
    }
}
