//! Which responses confirm a write, and which row each entry of a response belongs to. Runs on a paused clock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acc_assets::api::{Paired, SentRow, Write, assets, relationships};
use acc_assets::error::{Sent, TransportError};
use acc_assets::http::send::Response;
use acc_assets::ledger::{Fault, Ledger, Status, View};
use acc_assets::rows::{ImportKey, RowShape};
use acc_assets::simulator;
use serde_json::{Value, json};

use crate::bench::{Bench, Call, Guard, Texts, Way, client, count, counts, fault};

/// More rows than the circuit breaker allows if every response counts as an outage.
const ROWS: usize = 3_200;

fn world(switches: &[(&str, &str)]) -> simulator::Options {
    simulator::Options {
        switches: switches
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..simulator::Options::default()
    }
}

fn faults(ledger: &Ledger) -> Vec<Fault> {
    let view = View::new(Arc::new(ledger.clone()));
    view.outcomes().filter_map(|outcome| outcome.fault).collect()
}

fn messages(ledger: &Ledger) -> Vec<String> {
    let view = View::new(Arc::new(ledger.clone()));
    let faults = view.outcomes().filter_map(|outcome| outcome.fault);
    faults.map(|fault| fault.message).collect()
}

fn barcode_key() -> ImportKey {
    ImportKey {
        field: "barcode".to_owned(),
        prefix: "imp-1-".to_owned(),
        is_generated: false,
    }
}

fn by_id(write: &'static Write, shape: RowShape, ids: &[String]) -> Call {
    Call::new(
        write,
        shape,
        ids.iter().map(|id| vec![("id", id.clone())]).collect(),
    )
}

async fn created(bench: &Bench, count: usize) -> Vec<String> {
    let (ledger, _) = bench.create(bench.new_assets(count, |_| false), false).await;
    View::new(Arc::new(ledger)).ids().into_iter().flatten().collect()
}

fn active(bench: &Bench) -> usize {
    let assets = bench.simulator.assets();
    let assets = assets.as_array().unwrap();
    assets.iter().filter(|asset| asset["isActive"] == true).count()
}

/// Returns this response to the first requests to an endpoint, which do not reach the service.
fn instead(endpoint: &'static str, times: usize, status: u16, body: &'static str) -> Guard {
    let seen = AtomicUsize::new(0);
    Box::new(move |request| {
        if !request.url.contains(endpoint) || seen.fetch_add(1, Ordering::SeqCst) >= times {
            return Way::On;
        }
        Way::Instead(Ok(Response {
            status,
            headers: Vec::new(),
            body: body.into(),
        }))
    })
}

#[test]
fn import_key_prefixes_are_distinct_and_keys_stay_short() {
    let prefixes: std::collections::HashSet<String> = (0..1000).map(|_| ImportKey::new_prefix()).collect();
    assert_eq!(prefixes.len(), 1000);
    assert!(
        prefixes.iter().all(|prefix| prefix.len() + 10 < 60),
        "{prefixes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn rows_with_trailing_blanks_are_created_by_a_trimming_service() {
    let generated = ImportKey {
        is_generated: true,
        ..barcode_key()
    };
    for key in [None, Some(generated)] {
        let bench = Bench::new(world(&[("client_asset_id_trim", "on")]));
        let rows: Vec<Texts> = (0..ROWS)
            .map(|row| bench.new_asset(&format!("P-{row} "), false))
            .collect();
        let mut call = Call::create(rows);
        call.import_key = key;
        let (ledger, ended) = bench.call(call).await;
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        assert_eq!(counts(&ledger), [(Status::Created, ROWS)]);
        bench.compare(&ledger, ROWS, "trailing blanks");
        assert_eq!(ledger.stats.lookups, 0);
        let warning = format!("spaces were removed from `clientAssetId` in {ROWS} rows (first: row 0)");
        let is_told = ledger.warnings.iter().any(|told| told.contains(&warning));
        assert!(is_told, "{:?}", ledger.warnings);
    }
}

#[tokio::test(start_paused = true)]
async fn ids_with_changed_case_are_paired() {
    for keyed in [false, true] {
        let bench = Bench::new(world(&[("key_case", "lower"), ("result_order", "shuffled")]));
        let rows: Vec<Texts> = (0..ROWS)
            .map(|row| {
                let mut made = bench.new_asset(&format!("Pump-{row}"), false);
                if keyed {
                    made.push(("barcode", format!("KEY-{row}")));
                }
                made
            })
            .collect();
        let mut call = Call::create(rows);
        call.import_key = keyed.then(barcode_key);
        let (ledger, ended) = bench.call(call).await;
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        assert_eq!(counts(&ledger), [(Status::Created, ROWS)]);
        bench.compare(&ledger, ROWS, "another case");
        // The import keys of the project are read before the first write.
        assert_eq!(ledger.stats.lookups, u64::from(keyed));
    }
}

#[tokio::test(start_paused = true)]
async fn import_keys_with_changed_case_are_found() {
    let bench = Bench::new(world(&[("key_case", "lower")]));
    let rows: Vec<Texts> = (0..150)
        .map(|row| {
            let mut made = bench.new_asset(&format!("Pump-{row}"), false);
            made.push(("barcode", format!("KEY-{row}")));
            made
        })
        .collect();
    let lost = json!({"what": "reset_after_apply", "on": "assets:batch-create"});
    bench.simulator.add_fault(fault(&lost));
    let mut first = Call::create(rows.clone());
    first.import_key = Some(barcode_key());
    let (ledger, _) = bench.call(first).await;
    assert_eq!(counts(&ledger), [(Status::Created, 150)]);
    assert_eq!(active(&bench), 150, "no row is created twice");
    let mut second = Call::create(rows);
    second.import_key = Some(barcode_key());
    let (ledger, _) = bench.call(second).await;
    assert_eq!(counts(&ledger), [(Status::Unchanged, 150)]);
    assert_eq!(active(&bench), 150);
}

/// Import keys such as IFC `GlobalId`s are case-sensitive.
#[tokio::test(start_paused = true)]
async fn import_keys_that_differ_only_in_case_are_distinct() {
    let bench = Bench::new(world(&[]));
    let row = |name: &str, key: &str| {
        let mut made = bench.new_asset(name, false);
        made.push(("barcode", key.to_owned()));
        made
    };
    let mut first = Call::create(vec![row("Pump-1", "2O2Fr-t")]);
    first.import_key = Some(barcode_key());
    let (ledger, _) = bench.call(first).await;
    assert_eq!(counts(&ledger), [(Status::Created, 1)]);
    let mut second = Call::create(vec![row("Pump-2", "2O2Fr-T")]);
    second.import_key = Some(barcode_key());
    let lost = json!({"what": "reset_before_apply", "on": "assets:batch-create"});
    bench.simulator.add_fault(fault(&lost));
    let (ledger, _) = bench.call(second).await;
    assert_eq!(counts(&ledger), [(Status::Created, 1)]);
    assert_eq!(active(&bench), 2);
}

#[tokio::test(start_paused = true)]
async fn executed_batches_are_not_an_outage() {
    let bench = Bench::new(world(&[]));
    // The ids in every response are numbers, so the assets must be looked up.
    let odd = json!({"what": "wrong_types", "on": "assets:batch-create", "every": 1});
    bench.simulator.add_fault(fault(&odd));
    let (ledger, ended) = bench.create(bench.new_assets(ROWS, |_| false), false).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(
        counts(&ledger),
        [(Status::Created, ROWS)],
        "{:?}",
        messages(&ledger).first()
    );
    bench.compare(&ledger, ROWS, "odd ids");
}

#[tokio::test(start_paused = true)]
async fn a_create_with_another_success_status_is_looked_up() {
    for (code, body) in [
        (200, "own"),
        (202, "own"),
        (200, "json"),
        (204, "empty"),
        (202, "empty"),
    ] {
        let bench = Bench::new(world(&[]));
        let odd = json!({"what": "status", "code": code, "body": body, "after_apply": true,
            "on": "assets:batch-create", "every": 1});
        bench.simulator.add_fault(fault(&odd));
        let (ledger, ended) = bench.create(bench.new_assets(ROWS, |_| false), false).await;
        let what = format!("{code} {body}: {:?}", ended.fatal);
        assert!(ended.fatal.is_none(), "{what}");
        assert_eq!(counts(&ledger), [(Status::Created, ROWS)], "{what}");
        bench.compare(&ledger, ROWS, &what);
        assert_eq!(active(&bench), ROWS, "{what}: no row is created twice");
        assert!(
            ledger.stats.lookups > 0,
            "{what}: only 201 with `results` proves a create"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_success_creates_nothing() {
    let guard = instead(":batch-create", 1, 200, "{}");
    let bench = Bench::guarded(world(&[]), client(), guard);
    let (ledger, _) = bench.create(bench.new_assets(120, |_| false), false).await;
    assert_eq!(counts(&ledger), [(Status::Created, 120)]);
    assert_eq!(active(&bench), 120);
}

#[tokio::test(start_paused = true)]
async fn only_204_without_a_body_proves_a_delete() {
    for (status, body) in [
        (200, "{}"),
        (200, r#"{"login":"https://proxy.example"}"#),
        (200, ""),
        (202, ""),
        (204, "{}"),
    ] {
        let what = format!("{status} {body}");
        // This happens once, because of a proxy. The lookup shows that nothing was deleted, and the request is
        // retried.
        let bench = Bench::guarded(world(&[]), client(), instead(":batch-delete", 1, status, body));
        let ids = created(&bench, 120).await;
        let (ledger, _) = bench
            .call(by_id(&assets::BATCH_DELETE, RowShape::IdOfAsset, &ids))
            .await;
        assert_eq!(counts(&ledger), [(Status::Deleted, 120)], "{what}");
        assert_eq!(active(&bench), 0, "{what}");
        // This happens permanently. Nothing is deleted, and the result says so.
        let bench = Bench::guarded(
            world(&[]),
            client(),
            instead(":batch-delete", usize::MAX, status, body),
        );
        let ids = created(&bench, 120).await;
        let (ledger, _) = bench
            .call(by_id(&assets::BATCH_DELETE, RowShape::IdOfAsset, &ids))
            .await;
        assert_eq!(counts(&ledger), [(Status::Failed, 120)], "{what}");
        assert_eq!(active(&bench), 120, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_with_another_success_status_is_looked_up() {
    let bench = Bench::new(world(&[]));
    let ids = created(&bench, ROWS).await;
    let odd = json!({"what": "status", "code": 200, "body": "json", "after_apply": true,
        "on": "assets:batch-delete", "every": 1});
    bench.simulator.add_fault(fault(&odd));
    let (ledger, ended) = bench
        .call(by_id(&assets::BATCH_DELETE, RowShape::IdOfAsset, &ids))
        .await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    assert_eq!(counts(&ledger), [(Status::Deleted, ROWS)]);
    let audit = bench.simulator.audit();
    let deletes = audit.endpoints["assets:batch-delete"].requests;
    assert_eq!(deletes, 32, "no delete is repeated");
    assert_eq!(ledger.stats.lookups, 32, "each is looked up once");
}

#[tokio::test(start_paused = true)]
async fn a_patch_or_unlink_with_another_success_status_is_looked_up() {
    for (code, body) in [(201, "own"), (202, "own"), (204, "empty")] {
        let bench = Bench::new(world(&[]));
        let ids = created(&bench, 120).await;
        for endpoint in ["assets:batch-patch", "relationships:delete"] {
            let odd = json!({"what": "status", "code": code, "body": body, "after_apply": true,
                "on": endpoint, "every": 1});
            bench.simulator.add_fault(fault(&odd));
        }
        let rows = ids
            .iter()
            .map(|id| vec![("id", id.clone()), ("description", "checked".to_owned())]);
        let call = Call::new(&assets::BATCH_PATCH, RowShape::AssetPatch, rows.collect());
        let (ledger, _) = bench.call(call).await;
        assert_eq!(counts(&ledger), [(Status::Updated, 120)], "{code} {body}");
        assert!(ledger.stats.lookups > 0, "{code} {body}");
        let links = bench.simulator.seed_relationships(60);
        let (ledger, _) = bench
            .call(by_id(&relationships::DELETE, RowShape::IdOfRelationship, &links))
            .await;
        assert_eq!(counts(&ledger), [(Status::Deleted, 60)], "{code} {body}");
        assert!(ledger.stats.lookups > 0, "{code} {body}");
    }
}

/// A mismatch is an error that keeps the raw response.
#[tokio::test(start_paused = true)]
async fn a_row_missing_from_a_response_keeps_that_response() {
    for (dropped, says) in [
        (1, "no entry of its response certainly belongs to this row"),
        (3, "`results` is empty"),
    ] {
        let bench = Bench::new(world(&[]));
        let short = json!({"what": "drop_results", "count": dropped, "on": "assets:batch-create"});
        bench.simulator.add_fault(fault(&short));
        let mut call = Call::create(bench.new_assets(3, |_| false));
        call.reconcile = false;
        let (ledger, _) = bench.call(call).await;
        assert_eq!(count(&ledger, Status::Unknown), dropped);
        let faults = faults(&ledger);
        assert_eq!(faults.len(), dropped);
        for fault in &faults {
            assert_eq!(fault.status, Some(201));
            let body: Value = serde_json::from_str(fault.body.as_deref().unwrap()).unwrap();
            assert_eq!(body["results"].as_array().unwrap().len(), 3 - dropped, "{body}");
            assert!(messages(&ledger)[0].contains(says), "{:?}", messages(&ledger));
        }
    }
}

/// The examples show `deletedAt` next to `isActive: true`, and one of them shows `"true,"`.
#[tokio::test(start_paused = true)]
async fn is_active_of_an_asset_decides_and_not_deleted_at() {
    let deleted = "2031-02-03T04:05:06.000Z";
    for (active, deleted_at, is_active) in [
        (json!(true), json!(deleted), true),
        (json!("true,"), json!(deleted), true),
        (json!(false), json!(null), false),
        (json!("false,"), json!(null), false),
    ] {
        let shown = Arc::new(Mutex::new(json!([])));
        let (entries, sent) = (shown.clone(), Arc::new(AtomicUsize::new(0)));
        let seen = sent.clone();
        let guard: Guard = Box::new(move |request| {
            let path = request.url.split('?').next().unwrap();
            let answer = |body: String| {
                Way::Instead(Ok(Response {
                    status: 200,
                    headers: Vec::new(),
                    body: body.into(),
                }))
            };
            if path.ends_with(":batch-delete") && seen.fetch_add(1, Ordering::SeqCst) == 0 {
                // The response proves nothing, so the asset is looked up.
                return answer("{}".to_owned());
            }
            if path.ends_with(":batch-get") || path.ends_with("/assets") {
                return answer(json!({ "results": *entries.lock().unwrap() }).to_string());
            }
            Way::On
        });
        let bench = Bench::guarded(world(&[]), client(), guard);
        let ids = created(&bench, 1).await;
        let case = format!("{active} {deleted_at}");
        *shown.lock().unwrap() = json!([{ "id": ids[0], "clientAssetId": "P-0", "barcode": "KEY",
            "createdAt": "2031-02-03T04:05:06.000Z", "isActive": active, "deletedAt": deleted_at }]);
        let (ledger, _) = bench
            .call(by_id(&assets::BATCH_DELETE, RowShape::IdOfAsset, &ids))
            .await;
        assert_eq!(counts(&ledger), [(Status::Deleted, 1)], "{case}");
        let times = sent.load(Ordering::SeqCst);
        assert_eq!(times, if is_active { 2 } else { 1 }, "{case}");
        // A deleted asset no longer has its import key.
        let mut row = bench.new_asset("P-0", false);
        row.push(("barcode", "KEY".to_owned()));
        let mut call = Call::create(vec![row]);
        call.import_key = Some(barcode_key());
        let (ledger, _) = bench.call(call).await;
        let status = if is_active {
            Status::Unchanged
        } else {
            Status::Created
        };
        assert_eq!(counts(&ledger), [(status, 1)], "{case}");
    }
}

/// Examples start at other versions than 1, and skip some.
#[tokio::test(start_paused = true)]
async fn a_patch_succeeds_with_any_version() {
    let id = "6cdd4356-a719-4964-9fd7-0c505e731ac7";
    for version in [
        json!(1),
        json!(0),
        json!(77),
        json!("2,"),
        json!(null),
        json!("new"),
    ] {
        let body = json!({ id: { "id": id, "version": version, "description": "checked" } }).to_string();
        let guard: Guard = Box::new(move |_| {
            Way::Instead(Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: body.clone().into(),
            }))
        });
        let bench = Bench::guarded(world(&[]), client(), guard);
        let rows = vec![vec![("id", id.to_owned()), ("description", "checked".to_owned())]];
        let call = Call::new(&assets::BATCH_PATCH, RowShape::AssetPatch, rows);
        let (ledger, _) = bench.call(call).await;
        assert_eq!(counts(&ledger), [(Status::Updated, 1)], "{version}");
        assert_eq!(ledger.warnings, [""; 0], "{version}");
        assert_eq!(ledger.stats.requests, 1, "{version}");
    }
}

/// The reference table shows a field around the array that does not exist.
#[tokio::test(start_paused = true)]
async fn links_are_looked_up_by_a_bare_array_of_ids() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = bodies.clone();
    let guard: Guard = Box::new(move |request| {
        if request.url.ends_with("/relationships:batch") {
            let body = request.body.as_deref().unwrap_or_default();
            seen.lock()
                .unwrap()
                .push(String::from_utf8(body.to_vec()).unwrap());
        }
        Way::On
    });
    let bench = Bench::guarded(world(&[]), client(), guard);
    let links = bench.simulator.seed_relationships(2);
    let odd = json!({"what": "status", "code": 202, "body": "own", "after_apply": true,
        "on": "relationships:delete"});
    bench.simulator.add_fault(fault(&odd));
    let (ledger, _) = bench
        .call(by_id(&relationships::DELETE, RowShape::IdOfRelationship, &links))
        .await;
    assert_eq!(counts(&ledger), [(Status::Deleted, 2)]);
    assert_eq!(
        *bodies.lock().unwrap(),
        [format!("[\"{}\",\"{}\"]", links[0], links[1])]
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_missing_from_two_responses_is_read_again() {
    let bench = Bench::new(world(&[]));
    let links = bench.simulator.seed_relationships(60);
    for endpoint in ["relationships:delete", "relationships:batch"] {
        let left_out = json!({"what": "drop_results", "count": 3, "on": endpoint});
        bench.simulator.add_fault(fault(&left_out));
    }
    let mut ids = links.clone();
    ids.push("11111111-2222-4333-8444-555555555555".to_owned());
    let (ledger, _) = bench
        .call(by_id(&relationships::DELETE, RowShape::IdOfRelationship, &ids))
        .await;
    assert_eq!(count(&ledger, Status::Deleted), 60, "{:?}", messages(&ledger));
    // An unknown id is still rejected.
    assert_eq!(count(&ledger, Status::Rejected), 1, "{:?}", messages(&ledger));
}

/// The first response is a proxy's page, and reads show the links for 10 seconds more. The second response omits a link,
/// which the first request may have deleted, so the next read is no proof that nothing was deleted.
#[tokio::test(start_paused = true)]
async fn a_link_of_a_request_in_doubt_is_looked_up_until_it_is_certain() {
    let (deletes, start) = (AtomicUsize::new(0), tokio::time::Instant::now());
    let guard: Guard = Box::new(move |request| {
        let instead = |body: String| {
            Way::Instead(Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: body.into(),
            }))
        };
        if request.url.ends_with("/relationships:delete") {
            return match deletes.fetch_add(1, Ordering::SeqCst) {
                0 => instead("<html>".to_owned()),
                _ => Way::On,
            };
        }
        if request.url.ends_with("/relationships:batch") && start.elapsed() < Duration::from_secs(10) {
            let ids: Vec<String> = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
            let shown = ids.iter().map(|id| json!({"id": id, "isDeleted": false}));
            return instead(Value::Array(shown.collect()).to_string());
        }
        Way::On
    });
    let bench = Bench::guarded(world(&[]), client(), guard);
    let links = bench.simulator.seed_relationships(2);
    let short = json!({"what": "drop_results", "count": 1, "on": "relationships:delete"});
    bench.simulator.add_fault(fault(&short));
    let (ledger, _) = bench
        .call(by_id(&relationships::DELETE, RowShape::IdOfRelationship, &links))
        .await;
    assert_eq!(counts(&ledger), [(Status::Deleted, 2)], "{:?}", messages(&ledger));
}

#[tokio::test(start_paused = true)]
async fn a_differing_patch_response_warns_once_per_field() {
    let bench = Bench::new(world(&[("key_case", "lower")]));
    let ids = created(&bench, 130).await;
    let rows = ids.iter().enumerate().map(|(row, id)| {
        let name = if row < 110 {
            format!("q-{row}")
        } else {
            format!("Q-{row}")
        };
        vec![
            ("id", id.clone()),
            ("clientAssetId", name),
            ("description", format!("Number {row}")),
        ]
    });
    let call = Call::new(&assets::BATCH_PATCH, RowShape::AssetPatch, rows.collect());
    let (ledger, _) = bench.call(call).await;
    assert_eq!(counts(&ledger), [(Status::Updated, 130)]);
    let [warning] = &ledger.warnings[..] else {
        panic!("{:?}", ledger.warnings)
    };
    assert!(
        warning.contains("`clientAssetId` differs") && warning.contains("20 rows (first: row 110)"),
        "{warning}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_matching_patch_response_has_no_warning() {
    for switch in [
        ("numeric_read", "number"),
        ("numeric_read", "string"),
        ("misprinted_scalars", "on"),
    ] {
        let bench = Bench::new(world(&[switch]));
        let ids = created(&bench, 3).await;
        let world = bench.simulator.world_json();
        let categories = world["categories"].as_array().unwrap();
        let pumps = categories
            .iter()
            .find(|category| category["name"] == "Pumps")
            .unwrap();
        let attributes = pumps["attributes"].as_array().unwrap();
        let number = attributes
            .iter()
            .find(|attribute| attribute["dataType"] == "numeric")
            .unwrap();
        let number: &'static str = Box::leak(number["name"].as_str().unwrap().to_owned().into_boxed_str());
        let rows = ids
            .iter()
            .map(|id| vec![("id", id.clone()), (number, "12.50".to_owned())]);
        let call = Call::new(&assets::BATCH_PATCH, RowShape::AssetPatch, rows.collect());
        let (ledger, _) = bench.call(call).await;
        assert_eq!(ledger.warnings, [""; 0], "{switch:?}: {:?}", counts(&ledger));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The id of an asset whose dates the service returns with a time, and the asset.
fn asset_with_times() -> (&'static str, Value) {
    let id = "6cdd4356-a719-4964-9fd7-0c505e731ac7";
    let attributes = json!({ "ca1": "2031-02-28T00:00:00.000Z", "ca2": true });
    (
        id,
        json!({ "id": id, "isActive": true, "customAttributes": attributes }),
    )
}

fn patch_of_a_date(id: &str) -> Call {
    let row = [("id", id), ("ca1", "2031-02-28"), ("ca2", "true")];
    let row = row.map(|(column, value)| (column, value.to_owned()));
    Call::new(&assets::BATCH_PATCH, RowShape::AssetPatch, vec![row.to_vec()])
}

#[tokio::test(start_paused = true)]
async fn a_patch_response_with_dates_with_a_time_has_no_warning() {
    let (id, asset) = asset_with_times();
    let body = json!({ id: asset }).to_string().leak();
    let bench = Bench::guarded(world(&[]), client(), instead("assets:batch-patch", 1, 200, body));
    let (ledger, _) = bench.call(patch_of_a_date(id)).await;
    assert_eq!(counts(&ledger), [(Status::Updated, 1)]);
    assert_eq!(ledger.warnings, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_patch_is_found_executed_in_dates_with_a_time() {
    const ATTEMPTS: usize = 5;
    let (id, asset) = asset_with_times();
    let body = json!({ "results": [asset] }).to_string();
    let patches = Arc::new(AtomicUsize::new(0));
    let seen = patches.clone();
    let guard: Guard = Box::new(move |request| {
        if request.url.contains("assets:batch-patch") {
            let lost = TransportError::new(Sent::Maybe, "the connection was reset");
            return match seen.fetch_add(1, Ordering::SeqCst) {
                0..ATTEMPTS => Way::Instead(Err(lost)),
                _ => Way::On,
            };
        }
        let body = body.clone().into();
        Way::Instead(Ok(Response {
            status: 200,
            headers: Vec::new(),
            body,
        }))
    });
    let bench = Bench::guarded(world(&[]), client(), guard);
    let (ledger, _) = bench.call(patch_of_a_date(id)).await;
    assert_eq!(counts(&ledger), [(Status::Updated, 1)]);
    assert_eq!(patches.load(Ordering::SeqCst), ATTEMPTS);
}

#[test]
fn an_entry_without_an_id_belongs_to_no_row() {
    let rows = [SentRow {
        key: "",
        body: b"\"\"",
    }];
    for (write, body) in [
        (&assets::BATCH_GET, &br#"{"results":[null]}"#[..]),
        (&assets::BATCH_GET, br#"{"results":[{"id":""}]}"#),
        (&relationships::BATCH, b"[null]"),
    ] {
        let paired = (write.pair)(body, &rows, true);
        assert!(!paired.is_ok_and(|paired| paired != [Paired::Absent]), "{body:?}");
    }
}
