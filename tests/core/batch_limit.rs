//! A service that accepts fewer rows per request than documented: the client learns the limit with few requests.

use std::sync::Arc;

use acc_assets::api::{Write, assets, relationships};
use acc_assets::ledger::{Ledger, Status, View};
use acc_assets::options;
use acc_assets::rows::RowShape;
use acc_assets::simulator;
use serde_json::json;

use crate::bench::{Bench, Call, Texts, Way, client, counts, fault};

const CREATE: &str = "assets:batch-create";

/// The ways a service may reject too many rows.
const REFUSALS: [&str; 3] = ["400", "silent", "413"];

/// The endpoints with rows, and the status of a row after success.
const VERBS: [(&Write, &str, Status); 5] = [
    (&assets::BATCH_CREATE, CREATE, Status::Created),
    (&assets::BATCH_PATCH, "assets:batch-patch", Status::Updated),
    (&assets::BATCH_GET, "assets:batch-get", Status::Unchanged),
    (&assets::BATCH_DELETE, "assets:batch-delete", Status::Deleted),
    (&relationships::DELETE, "relationships:delete", Status::Deleted),
];

fn sent(bench: &Bench, endpoint: &str) -> u64 {
    let audit = bench.simulator.audit();
    audit.endpoints.get(endpoint).map_or(0, |audit| audit.requests)
}

fn bench(max_in_flight: usize) -> Bench {
    let client = options::Options {
        max_in_flight,
        ..client()
    };
    let on = Box::new(|_: &_| Way::On);
    Bench::guarded(simulator::Options::default(), client, on)
}

fn lower(bench: &Bench, limit: usize, refusal: &str) {
    bench
        .simulator
        .set_switch("max_items", &limit.to_string())
        .unwrap();
    bench.simulator.set_switch("over_limit", refusal).unwrap();
}

async fn created(bench: &Bench, count: usize) -> Vec<String> {
    let (ledger, _) = bench.create(bench.new_assets(count, |_| false), false).await;
    ids(&ledger)
}

fn ids(ledger: &Ledger) -> Vec<String> {
    let view = View::new(Arc::new(ledger.clone()));
    view.ids().into_iter().flatten().collect()
}

/// Creates a call of a verb with `count` valid rows.
async fn call_of(bench: &Bench, write: &'static Write, count: usize) -> Call {
    let by_id = |ids: Vec<String>| ids.into_iter().map(|id| vec![("id", id)]).collect::<Vec<Texts>>();
    if write.endpoint.name.contains("create") {
        return Call::create(bench.new_assets(count, |_| false));
    }
    if write.endpoint.name.contains("relationships") {
        let ids = bench.simulator.seed_relationships(count);
        return Call::new(write, RowShape::IdOfRelationship, by_id(ids));
    }
    let mut rows = by_id(created(bench, count).await);
    if !write.endpoint.name.contains("patch") {
        return Call::new(write, RowShape::IdOfAsset, rows);
    }
    for row in &mut rows {
        row.push(("description", "checked".to_owned()));
    }
    Call::new(write, RowShape::AssetPatch, rows)
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_costs_six_more_requests_and_is_remembered() {
    for (write, tag, done) in VERBS {
        for (limit, refusal, in_flight, stream) in [50, 20]
            .into_iter()
            .flat_map(|limit| REFUSALS.map(|refusal| (limit, refusal)))
            .flat_map(|(limit, refusal)| {
                [(1, false), (8, false), (8, true)].map(|(flight, stream)| (limit, refusal, flight, stream))
            })
        {
            let what =
                format!("{tag}, {limit} rows per request, {refusal}, {in_flight} in flight, stream {stream}");
            let bench = bench(in_flight);
            let count = 1000;
            let mut call = call_of(&bench, write, count).await;
            call.stream = stream;
            let before = sent(&bench, tag);
            lower(&bench, limit, refusal);
            let (ledger, ended) = bench.call(call).await;
            assert!(ended.fatal.is_none(), "{what}: {:?}", ended.fatal);
            assert_eq!(counts(&ledger), [(done, count)], "{what}");
            let requests = usize::try_from(sent(&bench, tag) - before).unwrap();
            let most = count.div_ceil(limit) + in_flight + 6;
            assert!(
                requests <= most,
                "{what}: {requests} requests, not {most} at most"
            );

            // The next call of this client starts with the known limit.
            bench.simulator.set_switch("max_items", "none").unwrap();
            let call = call_of(&bench, write, count).await;
            lower(&bench, limit, refusal);
            let before = sent(&bench, tag);
            let (ledger, _) = bench.call(call).await;
            assert_eq!(counts(&ledger), [(done, count)], "{what}, again");
            let known = limit.min(write.endpoint.items().most);
            assert_eq!(
                sent(&bench, tag) - before,
                count.div_ceil(known) as u64,
                "{what}, again"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_limit_is_found_down_to_one_row() {
    for refusal in REFUSALS {
        for limit in [1, 2, 5, 7, 10, 25, 30, 99] {
            for (write, tag, done) in VERBS {
                let bench = bench(4);
                let call = call_of(&bench, write, 230).await;
                lower(&bench, limit, refusal);
                let (ledger, ended) = bench.call(call).await;
                let what = format!("{tag}, {limit}, {refusal}");
                assert!(ended.fatal.is_none(), "{what}: {:?}", ended.fatal);
                assert_eq!(counts(&ledger), [(done, 230)], "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bad_rows_are_found_despite_size_rejections() {
    for shape in ["list_index", "first_only", "single_object"] {
        for refusal in REFUSALS {
            for limit in [50, 20, 7] {
                let bench = bench(8);
                bench.simulator.set_switch("batch_error_shape", shape).unwrap();
                lower(&bench, limit, refusal);
                let bad = |row| [0, 3, 99, 100, 250, 251].contains(&row);
                let (ledger, ended) = bench.create(bench.new_assets(600, bad), false).await;
                let what = format!("{shape}, {refusal}, {limit}");
                assert!(ended.fatal.is_none(), "{what}: {:?}", ended.fatal);
                assert_eq!(
                    counts(&ledger),
                    [(Status::Created, 594), (Status::Rejected, 6)],
                    "{what}"
                );
                bench.compare(&ledger, 600, &what);
                let view = View::new(Arc::new(ledger));
                let rejected: Vec<u32> = view
                    .outcomes()
                    .filter(|outcome| outcome.status == Status::Rejected)
                    .map(|outcome| outcome.row)
                    .collect();
                assert_eq!(rejected, [0, 3, 99, 100, 250, 251], "{what}");
            }
        }
    }
}

/// A message about one value of a row may look like one about the number of rows.
#[tokio::test(start_paused = true)]
async fn a_rejection_of_one_row_is_never_for_size() {
    let client = options::Options {
        max_in_flight: 1,
        ..client()
    };
    let words =
        json!({"title": "BAD_INPUT", "detail": "The list holds too many items, at most 5 are allowed."});
    let guard = Box::new(move |request: &acc_assets::http::send::Request| {
        let body = request
            .body
            .as_ref()
            .map(|body| String::from_utf8_lossy(body).into_owned());
        if body.is_some_and(|body| body.contains("\"P-33\"")) {
            return Way::Instead(Ok(acc_assets::http::send::Response {
                status: 400,
                headers: Vec::new(),
                body: words.to_string().into(),
            }));
        }
        Way::On
    });
    let bench = Bench::guarded(simulator::Options::default(), client, guard);
    let (ledger, ended) = bench.create(bench.new_assets(2000, |_| false), false).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(counts(&ledger), [(Status::Created, 1999), (Status::Rejected, 1)]);
    // The other nineteen requests are sent as usual.
    assert!(ledger.stats.requests <= 19 + 16, "{:?}", ledger.stats);
    let before = sent(&bench, CREATE);
    let rows = (5000..5300)
        .map(|row| bench.new_asset(&format!("Q-{row}"), false))
        .collect();
    let _ = bench.create(rows, false).await;
    assert_eq!(sent(&bench, CREATE) - before, 3);
}

#[tokio::test(start_paused = true)]
async fn lost_rows_are_looked_up_by_id_within_the_limit() {
    for refusal in REFUSALS {
        let bench = bench(8);
        let call = call_of(&bench, &assets::BATCH_PATCH, 100).await;
        bench.simulator.add_fault(fault(
            &json!({"what": "reset_after_apply", "on": "assets:batch-patch", "every": 1, "times": 5}),
        ));
        bench.simulator.set_switch("max_items", "20").unwrap();
        bench.simulator.set_switch("over_limit", "accept").unwrap();
        // The patches succeed; only the reads by id are limited.
        let (ledger, driving) = bench.start(call);
        let lowering = async {
            while sent(&bench, "assets:batch-patch") < 5 {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            bench.simulator.set_switch("over_limit", refusal).unwrap();
        };
        let (ended, ()) = tokio::join!(driving, lowering);
        assert!(ended.fatal.is_none(), "{refusal}: {:?}", ended.fatal);
        let ledger = ledger.lock().unwrap().clone();
        assert_eq!(counts(&ledger), [(Status::Updated, 100)], "{refusal}");
    }
}

/// A gateway that limits bytes looks like one that limits rows. Large bodies are first split by bytes.
#[tokio::test(start_paused = true)]
async fn a_rejected_large_body_is_split_by_bytes() {
    let bench = bench(1);
    bench.simulator.set_switch("max_body", "110000").unwrap();
    bench.simulator.set_switch("barcode_max", "none").unwrap();
    let mut rows = bench.new_assets(300, |_| false);
    for row in &mut rows {
        row.push(("description", "d".repeat(1000)));
        row.push(("barcode", "b".repeat(900)));
    }
    let (ledger, ended) = bench.create(rows, false).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(counts(&ledger), [(Status::Created, 300)]);
    let before = sent(&bench, CREATE);
    let rows = (0..300)
        .map(|row| bench.new_asset(&format!("Q-{row}"), false))
        .collect();
    let _ = bench.create(rows, false).await;
    assert_eq!(sent(&bench, CREATE) - before, 3, "a hundred small rows fit");
}
