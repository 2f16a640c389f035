//! Feeds lookups of lost requests, without a clock and without a network.

use serde_json::json;

use super::*;
use crate::api::assets::{BATCH_CREATE, BATCH_DELETE, BATCH_PATCH};
use crate::api::{RowShape, relationships};
use crate::http::By;

const SETTLE: Duration = Duration::from_secs(30);

fn recovery() -> Recovery {
    Recovery {
        settle_time: SETTLE,
        attempts: 5,
        doubts: Vec::new(),
        is_looking_up: false,
        is_logged: true,
        confirmed: HashMap::new(),
    }
}

fn after(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn moment(time: i64) -> Moment {
    Moment {
        local: time,
        earliest: time,
        latest: time,
        by: By::Service,
    }
}

fn request(write: &'static Write, rows: &[(&str, &Value)]) -> LostRequest {
    let mut batch = Batch::new(write);
    for (row, (key, body)) in (0_u32..).zip(rows) {
        let body = match write.row {
            RowShape::AssetPatch => format!("\"{key}\":{body}"),
            _ => body.to_string(),
        };
        batch.add(row, key, body.as_bytes());
    }
    LostRequest {
        batch,
        sending: 3,
        left: moment(1000),
        ended: moment(2000),
        executed: false,
    }
}

fn created() -> LostRequest {
    request(
        &BATCH_CREATE,
        &[("A-1", &json!({"clientAssetId": "A-1", "categoryId": "4"}))],
    )
}

fn lookup() -> &'static Lookup {
    match &BATCH_CREATE.proof {
        Proof::InList(lookup) => lookup,
        _ => panic!("creates are looked up in a list"),
    }
}

/// Looks up the only request in doubt, and returns what follows from this.
fn looked(recovery: &mut Recovery, shown: &Shown, found: &[Found], is_whole: bool) -> Vec<Finding> {
    let now = recovery.next().unwrap();
    let doubts = recovery.begin(now).unwrap();
    recovery.end();
    let doubts = doubts.into_iter().map(|doubt| (doubt, shown.clone())).collect();
    recovery.on_list(lookup(), doubts, found, is_whole, now)
}

/// Reads the entries of the only request in doubt, and returns what follows from them.
fn read(recovery: &mut Recovery, entries: &[Option<Value>], now: Duration) -> Vec<Finding> {
    let doubts = recovery.begin(now).unwrap();
    assert_eq!(doubts.len(), 1);
    recovery.end();
    recovery.on_entries(&doubts[0], entries, now)
}

fn keys(batch: &Batch) -> Vec<&str> {
    batch.items.iter().map(|item| &*item.key).collect()
}

#[test]
fn a_lookup_waits_until_it_can_prove_something() {
    let patch = || request(&BATCH_PATCH, &[("id", &json!({"barcode": "1"}))]);
    let mut repeated = patch();
    repeated.batch.suspicious = true;
    for (request, why, due) in [
        (created(), Why::Lost, 10),
        (patch(), Why::Lost, 3),
        (repeated, Why::Lost, 30),
        (patch(), Why::Conflict, 0),
        (patch(), Why::Omitted("deleted"), 0),
    ] {
        let mut recovery = recovery();
        recovery.add(request, why, after(100));
        assert_eq!(recovery.next(), Some(after(100 + due)), "{why:?}");
    }
}

#[test]
fn a_request_of_an_earlier_call_has_waited_since_it_ended() {
    for (clock, settled) in [(moment(12_000), 20), (moment(90_000), 0)] {
        let mut recovery = recovery();
        recovery.resume(vec![created()], after(0), clock);
        assert_eq!(recovery.doubts[0].conclusive_from, after(settled));
    }
    // Times of different clocks cannot be compared.
    let mut recovery = recovery();
    let gateway = Moment {
        by: By::Gateway,
        ..moment(90_000)
    };
    recovery.resume(vec![created()], after(0), gateway);
    assert_eq!(recovery.doubts[0].conclusive_from, SETTLE);
}

#[test]
fn one_miss_proves_nothing() {
    let mut recovery = recovery();
    recovery.add(created(), Why::Lost, after(0));
    assert_eq!(looked(&mut recovery, &Shown::Absent, &[], true), []);
    // The second lookup is after the settle time.
    assert_eq!(recovery.next(), Some(SETTLE));
    let findings = looked(&mut recovery, &Shown::Absent, &[], true);
    assert!(matches!(findings[..], [Finding::NotExecuted(_)]), "{findings:?}");
    assert!(recovery.is_idle());
}

#[test]
fn a_list_that_lacks_a_newer_asset_proves_nothing() {
    let mut recovery = recovery();
    recovery.add(created(), Why::Lost, after(0));
    recovery.confirm("4".to_owned(), 5, "newer".to_owned());
    // An earlier request does not replace the evidence.
    recovery.confirm("4".to_owned(), 4, "older".to_owned());
    for _ in 1..MOST_ROUNDS {
        assert_eq!(looked(&mut recovery, &Shown::Absent, &[], true), []);
    }
    let findings = looked(&mut recovery, &Shown::Absent, &[], true);
    let [Finding::Unknown(batch, reason)] = &findings[..] else {
        panic!("{findings:?}");
    };
    assert_eq!(batch.items.len(), 1);
    assert_eq!(
        *reason,
        "the list does not yet show assets that were created later"
    );
}

#[test]
fn an_unreadable_list_does_not_count_as_a_miss() {
    let mut recovery = recovery();
    recovery.add(created(), Why::Lost, after(0));
    for _ in 0..2 {
        assert_eq!(looked(&mut recovery, &Shown::Absent, &[], false), []);
    }
    assert_eq!(looked(&mut recovery, &Shown::Absent, &[], true), []);
}

#[test]
fn rows_without_an_asset_are_looked_up_again() {
    let rows = ["A-1", "A-2"].map(|key| (key, json!({"clientAssetId": key, "categoryId": "4"})));
    let rows: Vec<(&str, &Value)> = rows.iter().map(|(key, body)| (*key, body)).collect();
    let mut recovery = recovery();
    recovery.add(request(&BATCH_CREATE, &rows), Why::Lost, after(0));
    let shown = Shown::Executed(vec![Some(0), None]);
    let findings = looked(&mut recovery, &shown, &[], true);
    let [Finding::Executed(3, batch, entries)] = &findings[..] else {
        panic!("{findings:?}");
    };
    assert_eq!((batch.items.len(), &entries[..]), (2, &[Some(0), None][..]));
    let [doubt] = &recovery.doubts[..] else {
        panic!("nothing is looked up again");
    };
    assert!(doubt.executed);
    assert_eq!(&*doubt.batch.items[0].key, "A-2");
}

#[test]
fn each_endpoint_is_looked_up_on_its_own() {
    let mut recovery = recovery();
    recovery.add(created(), Why::Lost, after(0));
    recovery.add(
        request(&BATCH_DELETE, &[("id", &json!("id"))]),
        Why::Lost,
        after(0),
    );
    let first = recovery.begin(SETTLE).unwrap();
    assert_eq!(first.len(), 1);
    // One lookup at a time.
    assert!(recovery.begin(SETTLE).is_none());
    recovery.end();
    let second = recovery.begin(SETTLE).unwrap();
    assert_ne!(first[0].batch.write, second[0].batch.write);
}

#[test]
fn entries_settle_the_rows_of_a_patch() {
    let patch = json!({"barcode": "1"});
    let ids = ["done", "undone", "unseen", "deleted"];
    let rows: Vec<(&str, &Value)> = ids.iter().map(|id| (*id, &patch)).collect();
    let entries = [
        Some(json!({"id": "done", "barcode": "1", "isActive": true})),
        Some(json!({"id": "undone", "barcode": "0", "isActive": true})),
        None,
        Some(json!({"id": "deleted", "barcode": "0", "isActive": false})),
    ];
    let mut recovery = recovery();
    recovery.add(request(&BATCH_PATCH, &rows), Why::Lost, after(0));
    let findings = read(&mut recovery, &entries, after(3));
    let [
        Finding::Done(done, _),
        Finding::Impossible(deleted, _),
        Finding::NotShown(unseen),
        Finding::NotExecuted(undone),
    ] = &findings[..]
    else {
        panic!("{findings:?}");
    };
    assert_eq!(keys(done), ["done"]);
    assert_eq!(keys(deleted), ["deleted"]);
    assert_eq!(keys(unseen), ["unseen"]);
    assert_eq!(keys(undone), ["undone"]);
    // The first request may still be executed.
    assert!(undone.in_doubt && unseen.in_doubt);
    // After the last request, nothing is concluded from a row that is not shown.
    let mut last = request(&BATCH_PATCH, &rows);
    last.batch.resent = 1;
    recovery.add(last, Why::Lost, after(0));
    let findings = read(&mut recovery, &entries, after(3));
    assert!(
        findings
            .iter()
            .any(|finding| matches!(finding, Finding::Unknown(batch, _) if keys(batch) == ["unseen"]))
    );
    // The rest is read again at the settle time.
    assert_eq!(keys(&recovery.doubts[0].batch), ["undone"]);
    assert_eq!(recovery.next(), Some(SETTLE));
}

#[test]
fn a_request_lost_after_a_conflict_is_awaited() {
    let patch = json!({"barcode": "1"});
    let entries = [Some(json!({"id": "id", "barcode": "0", "isActive": true}))];
    let mut recovery = recovery();
    recovery.add(request(&BATCH_PATCH, &[("id", &patch)]), Why::Conflict, after(0));
    let findings = read(&mut recovery, &entries, after(0));
    let [Finding::NotExecuted(batch)] = &findings[..] else {
        panic!("{findings:?}");
    };
    // A rejected request is not executed later.
    assert!(batch.reread && !batch.in_doubt);
    let mut repeated = request(&BATCH_PATCH, &[("id", &patch)]);
    repeated.batch = batch.clone();
    repeated.batch.resent = 1;
    recovery.add(repeated, Why::Lost, after(10));
    // The lost request may still be executed, so its rows are read once more before they count as not executed.
    assert_eq!(read(&mut recovery, &entries, after(13)), []);
    assert_eq!(recovery.next(), Some(after(10) + SETTLE));
}

#[test]
fn rows_omitted_of_a_response_are_read_twice() {
    let rows = ["gone", "there", "deleted"].map(|id| (id, json!(id)));
    let rows: Vec<(&str, &Value)> = rows.iter().map(|(id, body)| (*id, body)).collect();
    let mut recovery = recovery();
    recovery.add(
        request(&relationships::DELETE, &rows),
        Why::Omitted("it does not exist"),
        after(0),
    );
    let entries = [
        None,
        Some(json!({"id": "there", "isDeleted": false})),
        Some(json!({"id": "deleted", "isDeleted": true})),
    ];
    let findings = read(&mut recovery, &entries, after(0));
    let [Finding::Done(deleted, _), Finding::Omitted(there, _)] = &findings[..] else {
        panic!("{findings:?}");
    };
    assert_eq!((keys(deleted), keys(there)), (vec!["deleted"], vec!["there"]));
    // The response may be incomplete.
    let findings = read(&mut recovery, &[None], after(0));
    assert!(matches!(&findings[..], [Finding::Omitted(gone, _)] if keys(gone) == ["gone"]));
    assert!(recovery.is_idle());
}
