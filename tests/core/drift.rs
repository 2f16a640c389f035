//! Rows whose assets another user changes after they were compared: the change is not overwritten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use acc_assets::api::assets;
use acc_assets::http::send::Request;
use acc_assets::ledger::{Ledger, Status, View, lock};
use acc_assets::rows::RowShape;
use acc_assets::run::Compared;
use acc_assets::simulator::{self, Simulator};
use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bench::{Bench, Call, Further, Texts, Way, client, count, counts, fault};

const OURS: &str = "ours";

/// Another user, who changes assets when a request leaves, and what the client may know of that.
#[derive(Default)]
struct Others {
    simulator: OnceLock<Simulator>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    random: Rng,
    /// How many of 100 requests are preceded by a change.
    chance: u8,
    ids: Vec<String>,
    before: HashMap<String, Value>,
    /// The assets as the last read of them shows them at least.
    seen: HashMap<String, Value>,
    reads: usize,
    changes: usize,
    overwritten: Vec<String>,
}

fn assets_of(simulator: &Simulator) -> HashMap<String, Value> {
    let assets = simulator.assets();
    let entries = assets.as_array().unwrap().iter();
    entries
        .map(|asset| (asset["id"].as_str().unwrap().to_owned(), asset.clone()))
        .collect()
}

impl Others {
    fn on_request(&self, request: &Request) {
        let Some(simulator) = self.simulator.get() else {
            return;
        };
        let state = &mut *self.state.lock().unwrap();
        if !state.ids.is_empty() && state.random.u8(0..100) < state.chance {
            let id = state.ids[state.random.usize(0..state.ids.len())].clone();
            state.changes += 1;
            let text = format!("theirs {}", state.changes);
            // It may be deleted already.
            let _ = match state.random.u8(0..4) {
                0 => simulator.delete_asset(&id),
                1 => simulator.patch_asset(&id, &json!({"barcode": text})),
                _ => simulator.patch_asset(&id, &json!({"description": text})),
            };
        }
        let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
        let now = assets_of(simulator);
        let rows: Vec<String> = state
            .ids
            .iter()
            .filter(|id| body.contains(*id))
            .cloned()
            .collect();
        if request.url.contains("assets:batch-get") {
            state.reads += 1;
            state
                .seen
                .extend(rows.into_iter().map(|id| (id.clone(), now[&id].clone())));
            return;
        }
        let is_delete = request.url.ends_with("assets:batch-delete");
        if !is_delete && !request.url.ends_with("assets:batch-patch") {
            return;
        }
        for id in rows {
            let (seen, before) = (&state.seen.get(&id), &state.before[&id]);
            let is_same = seen.is_some_and(|seen| {
                let is_done = if is_delete {
                    seen["isActive"] == false
                } else {
                    seen["description"] == OURS
                };
                is_done || seen["version"] == before["version"]
            });
            if !is_same {
                state
                    .overwritten
                    .push(format!("{id}: {seen:?}, compared with {before}"));
            }
        }
    }
}

/// Creates a bench with assets, and another user.
async fn shared(rows: usize, options: acc_assets::options::Options) -> (Bench, Arc<Others>, Vec<String>) {
    let others = Arc::new(Others::default());
    let guard = {
        let others = others.clone();
        move |request: &Request| {
            others.on_request(request);
            Way::On
        }
    };
    let bench = Bench::guarded(simulator::Options::default(), options, Box::new(guard));
    let new = (0..rows).map(|row| bench.new_asset(&format!("E-{row}"), false));
    let (ledger, _) = bench.create(new.collect(), false).await;
    let ids: Vec<String> = View::new(Arc::new(ledger)).ids().into_iter().flatten().collect();
    assert!(others.simulator.set(bench.simulator.clone()).is_ok());
    let mut state = others.state.lock().unwrap();
    state.ids.clone_from(&ids);
    state.before = assets_of(&bench.simulator);
    drop(state);
    (bench, others, ids)
}

/// A call that patches the first assets and deletes the others, and has compared all of them.
fn planned(others: &Others, ids: &[String], patched: usize) -> Call {
    let first = ids[..patched].iter();
    let rows = first.map(|id| vec![("id", id.clone()), ("description", OURS.to_owned())]);
    let mut call = Call::new(&assets::BATCH_PATCH, RowShape::AssetPatch, rows.collect());
    let deletes: Vec<Texts> = ids[patched..].iter().map(|id| vec![("id", id.clone())]).collect();
    if !deletes.is_empty() {
        call.more = vec![Further {
            write: &assets::BATCH_DELETE,
            shape: RowShape::IdOfAsset,
            waits: false,
            rows: deletes,
        }];
    }
    let before = others.state.lock().unwrap().before.clone();
    let compared = before.into_iter();
    let compared: Compared = compared
        .map(|(id, asset)| (Uuid::try_parse(&id).unwrap(), asset))
        .collect();
    call.compared = Some(compared);
    call
}

/// Checks the outcomes. A change between the last read and the request is allowed to be lost.
fn is_true(bench: &Bench, others: &Others, ledger: &Ledger, what: &str) {
    let state = others.state.lock().unwrap();
    assert_eq!(state.overwritten, [""; 0], "{what}");
    let now = assets_of(&bench.simulator);
    for outcome in View::new(Arc::new(ledger.clone())).outcomes() {
        let id = outcome.key.unwrap();
        let asset = &now[&id];
        let is_ours = asset["description"] == OURS;
        let what = format!(
            "{what}: {id} is {:?}, {:?}, {asset}",
            outcome.status, outcome.fault
        );
        match outcome.status {
            Status::Drifted | Status::Failed | Status::NotSent => assert!(!is_ours, "{what}"),
            Status::Updated | Status::Deleted | Status::Unknown | Status::Rejected => {}
            _ => panic!("{what}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_asset_has_changed_is_not_sent() {
    let (bench, others, ids) = shared(130, client()).await;
    for (id, change) in [
        (&ids[3], json!({"description": "theirs"})),
        (&ids[4], json!({"barcode": "theirs"})),
        // It has our values already.
        (&ids[6], json!({"description": OURS})),
        (&ids[125], json!({"barcode": "theirs"})),
    ] {
        bench.simulator.patch_asset(id, &change).unwrap();
    }
    bench.simulator.delete_asset(&ids[5]).unwrap();
    let (ledger, ended) = bench.call(planned(&others, &ids, 120)).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(
        counts(&ledger),
        [(Status::Updated, 117), (Status::Deleted, 9), (Status::Drifted, 4)]
    );
    is_true(&bench, &others, &ledger, "changed");
    let view = View::new(Arc::new(ledger.clone()));
    let reasons = view
        .outcomes()
        .filter(|outcome| outcome.status == Status::Drifted);
    let reasons: Vec<String> = reasons.map(|outcome| outcome.fault.unwrap().message).collect();
    for (reason, expected) in reasons
        .iter()
        .zip(["`description` was", "`barcode` was", "it was deleted"])
    {
        assert!(reason.contains(expected), "{reason}");
    }
    assert_eq!(now_of(&bench, &ids[3])["description"], "theirs");
    assert_eq!(now_of(&bench, &ids[125])["isActive"], true);
}

fn now_of(bench: &Bench, id: &str) -> Value {
    assets_of(&bench.simulator)[id].clone()
}

/// The reads take the place of their request, so they do not wait for a place.
#[tokio::test(start_paused = true)]
async fn the_reads_need_no_place_among_the_requests_in_flight() {
    let mut options = client();
    options.max_in_flight = 1;
    let (bench, others, ids) = shared(250, options).await;
    let calling = bench.call(planned(&others, &ids, 250));
    let (ledger, _) = tokio::time::timeout(Duration::from_secs(60), calling)
        .await
        .unwrap();
    assert_eq!(counts(&ledger), [(Status::Updated, 250)]);
    // One read for each of three requests.
    assert_eq!(others.state.lock().unwrap().reads, 3);
    assert_eq!(ledger.stats.lookups, 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_if_assets_cannot_be_read() {
    let (bench, others, ids) = shared(150, client()).await;
    let dead =
        json!({"what": "status", "code": 503, "on": "assets:batch-get", "every": 1, "after_apply": false});
    bench.simulator.add_fault(fault(&dead));
    let (ledger, ended) = bench.call(planned(&others, &ids, 150)).await;
    assert!(ended.fatal.is_some());
    assert_eq!(counts(&ledger), [(Status::NotSent, 150)]);
    is_true(&bench, &others, &ledger, "unread");
}

/// Another user changes assets while requests fail, and the run is killed and resumed.
#[tokio::test(start_paused = true)]
async fn no_change_that_was_read_is_overwritten() {
    let seeds = std::env::var("DRIFTS").ok().and_then(|seeds| seeds.parse().ok());
    let first = std::env::var("FIRST").ok().and_then(|first| first.parse().ok());
    let first: u64 = first.unwrap_or(0);
    let (mut drifted, mut updated, mut deleted, mut unknown) = (0, 0, 0, 0);
    for seed in first..first + seeds.unwrap_or(100) {
        let mut random = Rng::with_seed(seed);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.sqlite");
        let mut options = client();
        options.max_in_flight = random.usize(1..5);
        let (bench, others, ids) = shared(random.usize(2..140), options).await;
        let patched = random.usize(1..=ids.len());
        {
            let mut state = others.state.lock().unwrap();
            state.random = random.fork();
            state.chance = random.u8(0..60);
        }
        if random.bool() {
            bench.simulator.set_switch("max_items", "20").unwrap();
        }
        for _ in 0..random.usize(0..4) {
            let what = [
                "reset_before_apply",
                "reset_after_apply",
                "apply_late",
                "rate_limit",
                "cut_body",
                "html",
            ];
            let on = ["assets:batch-patch", "assets:batch-delete", "assets:batch-get"];
            let mut drawn = json!({
                "what": what[random.usize(0..what.len())], "on": on[random.usize(0..on.len())],
                "probability": random.f64() / 2.0, "seed": random.u64(..),
            });
            match drawn["what"].as_str().unwrap() {
                "apply_late" => drawn["ms"] = json!(random.u64(1..14_000)),
                "cut_body" => drawn["bytes"] = json!(random.u64(0..200)),
                _ => {}
            }
            bench.simulator.add_fault(fault(&drawn));
        }
        let kills = random.u32(0..3);
        let mut ledger = Ledger::default();
        for attempt in 0..6 {
            if attempt == 3 {
                bench.simulator.clear_faults();
                others.state.lock().unwrap().chance = 0;
            }
            let call = planned(&others, &ids, patched).of_run(&bench, &path);
            let (shared, driving) = bench.start(call);
            let ended = if attempt < kills {
                let time = Duration::from_millis(random.u64(1..5000));
                tokio::time::timeout(time, driving).await.is_ok()
            } else {
                driving.await;
                true
            };
            // What was in flight ends now.
            tokio::time::sleep(Duration::from_millis(1)).await;
            ledger = std::mem::take(&mut *lock(&shared));
            let open = [Status::NotSent, Status::Unknown, Status::Failed];
            if ended && ledger.complete && open.iter().all(|status| count(&ledger, *status) == 0) {
                break;
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        is_true(&bench, &others, &ledger, &format!("FIRST={seed} DRIFTS=1"));
        drifted += count(&ledger, Status::Drifted);
        updated += count(&ledger, Status::Updated);
        deleted += count(&ledger, Status::Deleted);
        unknown += count(&ledger, Status::Unknown);
    }
    println!("{drifted} drifted, {updated} updated, {deleted} deleted, {unknown} unknown");
    assert!(first > 0 || seeds.is_some() || drifted > 0 && updated > 0 && deleted > 0);
}
