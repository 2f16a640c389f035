//! Reads whose response is unreadable, lists that do not end, and filters that the service ignores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use acc_assets::api::{Endpoint, assets, relationships};
use acc_assets::call::{Reading, Session};
use acc_assets::columns::Table;
use acc_assets::error::{Error, Sent, TransportError};
use acc_assets::http::send::{Request, Response, Sending, Transport};
use acc_assets::http::{Caller, Stop, Token};
use acc_assets::ids::ProjectId;
use acc_assets::ledger::Status;
use acc_assets::options::Options;
use acc_assets::reads::settings::Reader;
use acc_assets::rows::{ImportKey, RowShape};
use acc_assets::settings::Settings;
use acc_assets::simulator;
use serde_json::{Value, json};

use crate::bench::{Bench, Call, Guard, Texts, Way, client, count, counts, fault};
use crate::lists;

/// Undocumented bodies of a 200: cut off, empty, `null`, a proxy page, another object.
const UNREADABLE: [&str; 6] = [
    "{\"results\":[{\"id\":\"a",
    "",
    "null",
    "<html>log in</html>",
    "{}",
    "[{]",
];

fn ok(body: &str) -> Response {
    Response {
        status: 200,
        headers: vec![("x-ads-request-id".to_owned(), "r-1".to_owned())],
        body: body.to_owned().into(),
    }
}

/// A service that returns these bodies in turn, and repeats the last one.
struct Scripted {
    next: Box<dyn Fn(usize) -> String + Send + Sync>,
    asked: Arc<AtomicUsize>,
}

impl Transport for Scripted {
    fn send(&self, _: Request) -> Sending<'_> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let body = (self.next)(asked);
        Box::pin(async move { Ok(ok(&body)) })
    }
}

/// Reads a list from a service with this response to the nth request. Also returns the number of requests.
async fn list(
    listing: &'static Endpoint,
    query: &[(&str, &str)],
    next: impl Fn(usize) -> String + Send + Sync + 'static,
) -> (Result<Table, Error>, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let service = Scripted {
        next: Box::new(next),
        asked: asked.clone(),
    };
    let query: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let caller = Arc::new(Caller::alone(
        Box::new(service),
        Token::fixed("token"),
        Options::default(),
    ));
    let read = lists::read(&caller, listing, "/list", &query).await;
    (read, asked.load(Ordering::Relaxed))
}

fn page(listing: &Endpoint, ids: &[&str], cursor: Option<&str>) -> String {
    let rows: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    let mut page =
        json!({ "pagination": { "cursorState": cursor }, "page": { "continuationToken": cursor } });
    page[lists::member(listing)] = json!(rows);
    page.to_string()
}

/// Replaces the responses to the first requests to this path with this body.
fn spoiling(path: &'static str, body: &'static str, times: usize) -> (Guard, Arc<Mutex<usize>>) {
    let left = Arc::new(Mutex::new(times));
    let mine = left.clone();
    let guard: Guard = Box::new(move |request| {
        let mut left = mine.lock().unwrap();
        if *left > 0 && request.url.split('?').next().unwrap().ends_with(path) {
            *left -= 1;
            return Way::Instead(Ok(ok(body)));
        }
        Way::On
    });
    (guard, left)
}

fn spoiled(path: &'static str, body: &'static str) -> (Bench, Arc<Mutex<usize>>) {
    let (guard, left) = spoiling(path, body, 1);
    (
        Bench::guarded(simulator::Options::default(), client(), guard),
        left,
    )
}

fn reader(bench: &Bench) -> Reader {
    Reader {
        session: Session::new(bench.caller.clone(), Stop::default()),
        project: ProjectId::parse(&bench.simulator.project_id()).unwrap(),
        locations_container: None,
    }
}

// ---- unreadable responses ----

#[tokio::test(start_paused = true)]
async fn an_unreadable_page_is_retried() {
    for listing in [&assets::LIST, &relationships::SEARCH] {
        for body in UNREADABLE {
            for spoiled in 0..2 {
                let (read, asked) = list(listing, &[], move |at| match at {
                    _ if at == spoiled => body.to_owned(),
                    _ if at < 1 + usize::from(spoiled < 1) => page(listing, &["a"], Some("next")),
                    _ => page(listing, &["b"], None),
                })
                .await;
                assert_eq!(read.map(|table| table.len()), Ok(2), "{body:?}");
                assert_eq!(asked, 3, "{body:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_persistently_unreadable_page_ends_the_list() {
    for body in UNREADABLE {
        let (read, asked) = list(&assets::LIST, &[], |_| body.to_owned()).await;
        let Err(Error::Unreadable {
            message,
            status,
            headers,
            request_id,
            body: kept,
        }) = read
        else {
            panic!("{read:?}");
        };
        assert!(message.contains("is unreadable"), "{message}");
        assert_eq!((status, request_id.as_deref(), &*kept), (200, Some("r-1"), body));
        assert_eq!(headers, [("x-ads-request-id".to_owned(), "r-1".to_owned())]);
        assert_eq!(asked, 5, "as often as a lost response");
    }
}

#[tokio::test(start_paused = true)]
async fn unreadable_responses_use_the_retry_budget() {
    let mut options = Options::default();
    options.retry.budget = 2;
    let asked = Arc::new(AtomicUsize::new(0));
    let service = Scripted {
        next: Box::new(|_| String::new()),
        asked: asked.clone(),
    };
    let caller = Arc::new(Caller::alone(Box::new(service), Token::fixed("token"), options));
    let read = lists::read(&caller, &assets::LIST, "/list", &[]).await;
    assert!(read.is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_response_to_a_get_is_retried() {
    for body in UNREADABLE {
        let (bench, left) = spoiled("assets:batch-get", body);
        let (created, _) = bench.create(bench.new_assets(120, |_| false), false).await;
        let rows: Vec<Texts> = ids(&created).into_iter().map(|id| vec![("id", id)]).collect();
        let (ledger, ended) = bench
            .run(&assets::BATCH_GET, RowShape::IdOfAsset, rows, false)
            .await;
        assert!(ended.fatal.is_none(), "{body:?}: {:?}", ended.fatal);
        assert_eq!(counts(&ledger), [(Status::Unchanged, 120)], "{body:?}");
        assert_eq!(ledger.stats.retries, 1, "{body:?}");
        assert_eq!(*left.lock().unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_persistently_unreadable_get_ends_with_its_response() {
    let (guard, _) = spoiling("assets:batch-get", "<html>log in</html>", 100);
    let bench = Bench::guarded(simulator::Options::default(), client(), guard);
    let rows: Vec<Texts> = vec![vec![("id", "00000000-0000-4000-8000-0000000000a1".to_owned())]];
    let (_, ended) = bench
        .run(&assets::BATCH_GET, RowShape::IdOfAsset, rows, false)
        .await;
    let Some(Error::Unreadable { message, status, .. }) = ended.fatal else {
        panic!("{:?}", ended.fatal);
    };
    assert!(message.contains("HTML page"), "{message}");
    assert_eq!(status, 200);
}

fn ids(ledger: &acc_assets::ledger::Ledger) -> Vec<String> {
    let view = acc_assets::ledger::View::new(Arc::new(ledger.clone()));
    view.ids().into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_response_to_a_lookup_is_retried() {
    // A create is looked up in the list, a patch and a delete by id.
    for body in UNREADABLE {
        let (bench, left) = spoiled("/assets", body);
        let lost = json!({"what": "reset_after_apply", "on": "assets:batch-create"});
        bench.simulator.add_fault(fault(&lost));
        let rows = bench.new_assets(3, |_| false);
        let (ledger, ended) = bench.create(rows, false).await;
        assert!(ended.fatal.is_none(), "{body:?}: {:?}", ended.fatal);
        assert_eq!(counts(&ledger), [(Status::Created, 3)], "{body:?}");
        assert_eq!(*left.lock().unwrap(), 0);
        assert!(ledger.stats.lookups <= 4, "{body:?}: {}", ledger.stats.lookups);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_response_when_reading_import_keys_is_retried() {
    for body in UNREADABLE {
        let (bench, left) = spoiled("/assets", body);
        let mut rows = bench.new_assets(3, |_| false);
        for (number, row) in rows.iter_mut().enumerate() {
            row.push(("barcode", format!("key {number}")));
        }
        let mut call = Call::create(rows);
        call.import_key = Some(ImportKey {
            field: "barcode".to_owned(),
            prefix: "imp-".to_owned(),
            is_generated: false,
        });
        let (ledger, ended) = bench.call(call).await;
        assert!(ended.fatal.is_none(), "{body:?}: {:?}", ended.fatal);
        assert_eq!(count(&ledger, Status::Created), 3, "{body:?}");
        assert_eq!(*left.lock().unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn unreadable_responses_when_reading_settings_are_retried() {
    let (whole, _) = spoiled("nothing", "");
    let whole = reader(&whole).read().await.unwrap();
    for path in [
        "/categories",
        "/status-step-sets",
        "/custom-attributes",
        "status-step-sets:batch-get",
        "/nodes",
    ] {
        for body in UNREADABLE {
            let (bench, left) = spoiled(path, body);
            let read = reader(&bench).read().await.unwrap();
            assert_eq!(*left.lock().unwrap(), 0, "{path}");
            assert_eq!(read.notes, Vec::<String>::new(), "{path} {body:?}");
            assert_eq!(read.locations, whole.locations, "{path} {body:?}");
            let (read, whole) = (Settings::new(read), Settings::new(whole.clone()));
            assert_eq!(read.content().categories, whole.content().categories);
            assert_eq!(
                read.content().category_attributes.len(),
                whole.content().category_attributes.len()
            );
        }
    }
}

// ---- lists that do not end ----

#[tokio::test(start_paused = true)]
async fn a_list_without_a_new_id_in_twenty_pages_ends_with_an_error() {
    for listing in [&assets::LIST, &relationships::SEARCH] {
        let (read, asked) = list(listing, &[], |at| {
            page(listing, &["a", "b"], Some(&format!("cursor {at}")))
        })
        .await;
        let message = read.unwrap_err().to_string();
        assert!(message.contains("20 consecutive pages"), "{message}");
        assert_eq!(asked, 21);
        // Empty pages do not end a list, but have no new ids either.
        let (read, asked) = list(listing, &[], |at| {
            page(listing, &[], Some(&format!("cursor {at}")))
        })
        .await;
        assert!(read.is_err());
        assert_eq!(asked, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn empty_pages_with_a_cursor_do_not_end_a_list() {
    let (read, asked) = list(&assets::LIST, &[], |at| {
        let cursor = format!("cursor {at}");
        match at {
            0 | 20 => page(&assets::LIST, &[&format!("asset {at}")], Some(&cursor)),
            40 => page(&assets::LIST, &["last"], None),
            _ => page(&assets::LIST, &[], Some(&cursor)),
        }
    })
    .await;
    assert_eq!(read.map(|table| table.len()), Ok(3));
    assert_eq!(asked, 41);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_ten_times_its_total_ends_with_an_error() {
    let (read, asked) = list(&assets::LIST, &[], |at| {
        // Each page is new, and there is always another one.
        let id = |entry| format!("asset {}", 3 * at + entry);
        json!({
            "results": [{ "id": id(0) }, { "id": id(1) }, { "id": id(2) }],
            "pagination": { "cursorState": format!("cursor {at}"), "totalResults": 6 },
        })
        .to_string()
    })
    .await;
    let message = read.unwrap_err().to_string();
    assert!(message.contains("`totalResults` is 6"), "{message}");
    assert_eq!(asked, 20);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_in_a_list_that_never_ends_leaves_its_rows_unknown() {
    let at = Arc::new(AtomicUsize::new(0));
    let asked = at.clone();
    let guard: Guard = Box::new(move |request: &Request| {
        if request.url.split('?').next().unwrap().ends_with("/assets") {
            let at = asked.fetch_add(1, Ordering::Relaxed);
            return Way::Instead(Ok(ok(&page(
                &assets::LIST,
                &["a"],
                Some(&format!("cursor {at}")),
            ))));
        }
        Way::On
    });
    let bench = Bench::guarded(simulator::Options::default(), client(), guard);
    let lost = json!({"what": "reset_after_apply", "on": "assets:batch-create"});
    bench.simulator.add_fault(fault(&lost));
    let (ledger, _) = tokio::time::timeout(
        std::time::Duration::from_secs(3600),
        bench.create(bench.new_assets(3, |_| false), false),
    )
    .await
    .expect("the lookup ends");
    assert_eq!(counts(&ledger), [(Status::Unknown, 3)]);
    assert!(at.load(Ordering::Relaxed) < 200);
}

// ---- filters that are ignored ----

fn shown(entry: &Value) -> String {
    json!({ "results": [entry], "relationships": [entry] }).to_string()
}

const STATUS: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const OTHER: &str = "11111111-1111-4111-8111-111111111111";

#[tokio::test(start_paused = true)]
#[allow(clippy::too_many_lines)] // A table of filters and entries.
async fn an_ignored_filter_is_an_error() {
    type Case = (&'static [(&'static str, &'static str)], Value, &'static str);
    let cases: Vec<Case> = vec![
        (
            &[("filter[categoryId]", "3")],
            json!({"categoryId": "4"}),
            "filter[categoryId]",
        ),
        (
            &[("filter[categoryId]", "3"), ("filter[categoryId]", "5")],
            json!({"categoryId": 4}),
            "filter[categoryId]",
        ),
        (
            &[("filter[statusId]", STATUS)],
            json!({"statusId": OTHER}),
            "filter[statusId]",
        ),
        (
            &[("filter[locationId]", STATUS)],
            json!({"locationId": OTHER}),
            "filter[locationId]",
        ),
        (
            // It takes effect with exactly one location.
            &[
                ("filter[locationId]", STATUS),
                ("filter[locationId]", "22222222-2222-4222-8222-222222222222"),
                ("includeSubLocations", "true"),
            ],
            json!({"locationId": OTHER}),
            "filter[locationId]",
        ),
        // An asset without a location or value has no such member.
        (
            &[("filter[locationId]", STATUS)],
            json!({"categoryId": "4"}),
            "filter[locationId]",
        ),
        (
            &[("filter[locationId]", STATUS), ("includeSubLocations", "true")],
            json!({"locationId": null}),
            "filter[locationId]",
        ),
        (
            &[("filter[customAttributes][ca7]", "pump")],
            json!({"customAttributes": {"ca6": "pump"}}),
            "filter[customAttributes][ca7]",
        ),
        (
            &[("filter[customAttributes][ca7]", "pump")],
            json!({}),
            "filter[customAttributes][ca7]",
        ),
        (
            &[("filter[updatedAt]", "2031-02-03T00:00:00Z..")],
            json!({"updatedAt": "2031-02-02T23:00:00.000Z"}),
            "filter[updatedAt]",
        ),
        (
            &[("filter[updatedAt]", "..2031-02-03T00:00:00+01:00")],
            json!({"updatedAt": "2031-02-02T23:30:00.000Z"}),
            "filter[updatedAt]",
        ),
        (
            &[("filter[customAttributes][ca3]", "10..20")],
            json!({"customAttributes": {"ca3": "20.5"}}),
            "filter[customAttributes][ca3]",
        ),
        (
            &[("filter[customAttributes][ca4]", "2031-02-01..2031-02-28")],
            json!({"customAttributes": {"ca4": "2031-03-01"}}),
            "filter[customAttributes][ca4]",
        ),
        (
            &[("filter[customAttributes][ca4]", "2031-02-01T00:00:00Z")],
            json!({"customAttributes": {"ca4": "2031-02-03"}}),
            "filter[customAttributes][ca4]",
        ),
        (
            &[("filter[customAttributes][ca1]", "true")],
            json!({"customAttributes": {"ca1": false}}),
            "filter[customAttributes][ca1]",
        ),
        (
            &[("filter[customAttributes][ca6]", STATUS)],
            json!({"customAttributes": {"ca6": [OTHER]}}),
            "filter[customAttributes][ca6]",
        ),
        (
            &[("filter[customAttributes][ca7]", "pump")],
            json!({"customAttributes": {"ca7": "Fan 7"}}),
            "filter[customAttributes][ca7]",
        ),
        (
            &[("includeDeleted", "false")],
            json!({"isActive": false}),
            "includeDeleted",
        ),
        (&[], json!({"isActive": "false,"}), "includeDeleted"),
    ];
    for (query, mut entry, named) in cases {
        entry["id"] = json!("the-first");
        let body = shown(&entry);
        let (read, _) = list(&assets::LIST, query, move |_| body.clone()).await;
        let message = read.expect_err(named).to_string();
        assert!(
            message.contains(&format!("`{named}`")) && message.contains("the-first"),
            "{message}"
        );
    }
    let link = |domain: &str, kind: &str, id: &str| json!({"domain": domain, "type": kind, "id": id});
    let entities = json!([link("assets", "asset", "A-1"), link("issues", "issue", "I-1")]);
    let cases: Vec<Case> = vec![
        (&[("domain", "photos")], json!({"entities": entities}), "domain"),
        (
            &[("domain", "assets"), ("type", "category")],
            json!({"entities": entities}),
            "type",
        ),
        (
            &[("domain", "assets"), ("type", "asset"), ("id", "A-2")],
            json!({"entities": entities}),
            "id",
        ),
        (
            // Each condition must match a different end.
            &[("domain", "assets"), ("withDomain", "assets")],
            json!({"entities": entities}),
            "withDomain",
        ),
        (
            &[("createdAfter", "2031-02-03T00:00:00Z")],
            json!({"createdOn": "2031-02-01T00:00:00+01:00"}),
            "createdAfter",
        ),
        (&[], json!({"isDeleted": true}), "includeDeleted"),
        (
            &[("onlyDeleted", "true")],
            json!({"isDeleted": false}),
            "onlyDeleted",
        ),
    ];
    for (query, mut entry, named) in cases {
        entry["id"] = json!("the-first");
        let body = shown(&entry);
        let (read, _) = list(&relationships::SEARCH, query, move |_| body.clone()).await;
        let message = read.expect_err(named).to_string();
        assert!(
            message.contains(&format!("`{named}`")) && message.contains("the-first"),
            "{message}"
        );
    }
}

#[tokio::test(start_paused = true)]
#[allow(clippy::too_many_lines)] // A table of filters and entries.
async fn an_applied_filter_is_not_an_error() {
    let cases: Vec<(&[(&str, &str)], Value)> = vec![
        // Numbers or strings, upper or lower case, missing fields.
        (
            &[("filter[categoryId]", "3"), ("filter[categoryId]", "5")],
            json!({"categoryId": 5}),
        ),
        (
            &[("filter[statusId]", STATUS)],
            json!({"statusId": STATUS.to_uppercase()}),
        ),
        (
            &[("filter[statusId]", STATUS), ("filter[statusLabel]", "x")],
            json!({}),
        ),
        (&[("filter[searchText]", "pump")], json!({"description": "fan"})),
        (
            &[("filter[locationId]", STATUS), ("includeSubLocations", "true")],
            json!({"locationId": OTHER}),
        ),
        // The same time with another precision or offset, and a day without a time.
        (
            &[("filter[updatedAt]", "2031-02-03T04:05:06.789123Z..")],
            json!({"updatedAt": "2031-02-03T04:05:06.789Z"}),
        ),
        (
            &[("filter[updatedAt]", "2031-02-03T04:05:06+01:00")],
            json!({"updatedAt": "2031-02-03T03:05:06.5Z"}),
        ),
        (
            &[("filter[updatedAt]", "2031-02-01..2031-02-03")],
            json!({"updatedAt": "2031-02-03T23:05:06Z"}),
        ),
        (
            &[("filter[updatedAt]", "yesterday")],
            json!({"updatedAt": "2031-02-03T23:05:06Z"}),
        ),
        (&[("filter[updatedAt]", "2031-02-01..")], json!({"updatedAt": 5})),
        (
            &[("filter[customAttributes][ca3]", "6.50")],
            json!({"customAttributes": {"ca3": 6.5}}),
        ),
        (
            &[
                ("filter[customAttributes][ca3]", "..20"),
                ("filter[customAttributes][ca3]", "30.."),
            ],
            json!({"customAttributes": {"ca3": "31"}}),
        ),
        (
            &[("filter[customAttributes][ca4]", "2031-02-01..")],
            json!({"customAttributes": {"ca4": "2031-02-01"}}),
        ),
        // A date that was requested with a time, even in another zone.
        (
            &[("filter[customAttributes][ca4]", "2031-02-01T00:00:00Z")],
            json!({"customAttributes": {"ca4": "2031-02-01"}}),
        ),
        (
            &[(
                "filter[customAttributes][ca4]",
                "2031-02-01T00:00:00+02:00..2031-02-02T00:00:00+02:00",
            )],
            json!({"customAttributes": {"ca4": "2031-01-31"}}),
        ),
        (
            &[("filter[customAttributes][ca6]", STATUS)],
            json!({"customAttributes": {"ca6": [OTHER, STATUS]}}),
        ),
        (
            &[("filter[customAttributes][ca7]", "PUMP")],
            json!({"customAttributes": {"ca7": "Feed pump 7"}}),
        ),
        // Only the service knows which non-ASCII letters are equal.
        (
            &[("filter[customAttributes][ca7]", "luftung")],
            json!({"customAttributes": {"ca7": "Lüftung"}}),
        ),
        (&[("includeDeleted", "true")], json!({"isActive": false})),
        (&[("includeDeleted", "false")], json!({"isActive": "true,"})),
    ];
    for (query, mut entry) in cases {
        entry["id"] = json!("the-first");
        let body = shown(&entry);
        let (read, _) = list(&assets::LIST, query, move |_| body.clone()).await;
        assert_eq!(read.map(|table| table.len()), Ok(1), "{query:?}");
    }
    let link = |domain: &str, kind: &str, id: &str| json!({"domain": domain, "type": kind, "id": id});
    let entities = json!([link("issues ", "issue", "I-1"), link("assets", "asset", "A-1")]);
    let cases: Vec<(&[(&str, &str)], Value)> = vec![
        (
            &[
                ("domain", "assets"),
                ("type", "asset"),
                ("id", "a-1"),
                ("withDomain", "issues"),
                ("withType", "issue"),
            ],
            json!({"entities": entities}),
        ),
        (&[("withDomain", "assets")], json!({"entities": entities})),
        (&[("domain", "photos")], json!({"entities": []})),
        (&[("domain", "photos")], json!({})),
        (
            &[("createdBefore", "2031-02-03")],
            json!({"createdOn": "2031-02-03T00:30:00.123456+00:00"}),
        ),
        (&[("includeDeleted", "true")], json!({"isDeleted": true})),
        (&[("onlyDeleted", "true")], json!({"isDeleted": true})),
    ];
    for (query, mut entry) in cases {
        entry["id"] = json!("the-first");
        let body = shown(&entry);
        let (read, _) = list(&relationships::SEARCH, query, move |_| body.clone()).await;
        assert_eq!(read.map(|table| table.len()), Ok(1), "{query:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_during_the_read_is_not_an_ignored_filter() {
    let (read, asked) = list(&assets::LIST, &[("filter[statusId]", STATUS)], |at| {
        let status = if at == 0 { OTHER } else { STATUS };
        shown(&json!({"id": "a", "statusId": status}))
    })
    .await;
    assert_eq!(read.map(|table| table.len()), Ok(1));
    assert_eq!(asked, 2);
}

// ---- locations that cannot be read ----

/// The new assets of a sheet. Every other one contains the name of a location.
fn with_locations(bench: &Bench, location: &str) -> Vec<Texts> {
    let mut rows = bench.new_assets(10, |_| false);
    for row in rows.iter_mut().step_by(2) {
        row.push(("Location", location.to_owned()));
    }
    rows
}

#[tokio::test(start_paused = true)]
async fn only_rows_that_need_unread_locations_are_not_sent() {
    for broken in [
        json!({"what": "status", "code": 503, "on": "locations", "times": 99}),
        json!({"what": "status", "code": 403, "on": "locations", "times": 99}),
        json!({"what": "html", "on": "locations", "times": 99}),
        json!({"what": "reset_before_apply", "on": "locations", "times": 99}),
    ] {
        let bench = Bench::new(simulator::Options::default());
        bench.simulator.add_fault(fault(&broken));
        let settings = Arc::new(Settings::new(reader(&bench).read().await.unwrap()));
        let mut call = Call::create(with_locations(&bench, "Building A"));
        call.names.settings = Some(settings);
        let (ledger, ended) = bench.call(call).await;
        assert!(ended.fatal.is_none(), "{broken}: {:?}", ended.fatal);
        assert_eq!(
            counts(&ledger),
            [(Status::Created, 5), (Status::NotSent, 5)],
            "{broken}"
        );
        let view = acc_assets::ledger::View::new(Arc::new(ledger));
        let first = view.outcomes().next().unwrap();
        let fault = first.fault.expect("why it was not sent");
        assert_eq!(fault.code, "locations_unread");
        assert!(
            fault.message.contains("the locations could not be read"),
            "{}",
            fault.message
        );
        assert!(
            fault.fix.as_deref().unwrap_or("").contains("try again"),
            "{fault:?}"
        );
    }
}

// ---- settings ----

/// The settings of a project with these entries, and the requests that read them.
async fn settings_of(entries: Value) -> (Settings, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let guard: Guard = Box::new(move |request| {
        let url = request.url.strip_prefix("http://localhost").unwrap();
        seen.lock().unwrap().push(url.to_owned());
        let path = url.split('?').next().unwrap();
        let of_category = path.split_once("/categories/").map(|(_, rest)| rest);
        let name = of_category.unwrap_or_else(|| path.rsplit('/').next().unwrap());
        let rows = entries.get(name).cloned().unwrap_or_else(|| json!([]));
        Way::Instead(Ok(ok(&json!({ "results": rows }).to_string())))
    });
    let bench = Bench::guarded(simulator::Options::default(), client(), guard);
    let content = reader(&bench).read().await.unwrap();
    let asked = asked.lock().unwrap().clone();
    (Settings::new(content), asked)
}

#[tokio::test]
async fn inherited_status_sets_and_attributes_are_requested() {
    let recorded: Value =
        serde_json::from_str(include_str!("../recorded/category-status-sets.json")).unwrap();
    let results = &recorded["answer"]["body"]["results"];
    let (settings, asked) = settings_of(json!({
        "categories": [{ "id": "1", "name": "ROOT", "isRoot": true }, { "id": "17", "parentId": "1" }],
        "status-step-sets": [{ "id": results[0]["statusStepSetId"], "name": "Handover" }],
        "status-step-sets:batch-get": results,
    }))
    .await;
    let project = settings.content().project.clone();
    let path = recorded["request"]["path"].as_str().unwrap();
    let query = recorded["request"]["query"]["includeInherited"].as_str().unwrap();
    let path = path.replace(":projectId", &project);
    assert!(
        asked.contains(&format!("{path}?includeInherited={query}")),
        "{asked:?}"
    );
    let of_category = asked.iter().find(|url| url.contains("/categories/17/")).unwrap();
    assert!(
        of_category.ends_with("custom-attributes?includeInherited=true"),
        "{of_category}"
    );
    assert_eq!(settings.set_of(1), Some(0));
}

/// A BIM 360 project has its locations in a container with a separate id.
#[tokio::test]
async fn locations_are_read_from_the_given_container() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let guard: Guard = Box::new(move |request| {
        if request.url.contains("/locations/") {
            seen.lock().unwrap().push(request.url.clone());
        }
        Way::On
    });
    let bench = Bench::guarded(simulator::Options::default(), client(), guard);
    let container = bench.simulator.world_json()["locations_container_id"].clone();
    let container = container.as_str().unwrap();
    let mut named = reader(&bench);
    named.locations_container = Some(container.to_owned());
    let of_project = reader(&bench).read().await.unwrap();
    let of_container = named.read().await.unwrap();
    assert!(of_project.locations.as_ref().is_some_and(|read| !read.is_empty()));
    assert_eq!(of_container.locations, of_project.locations);
    let asked = asked.lock().unwrap();
    let path = format!("/bim360/locations/v2/containers/{container}/trees/default/nodes?");
    assert!(
        asked[0].contains("/construction/locations/v2/projects/"),
        "{asked:?}"
    );
    assert!(asked[1].contains(&path), "{asked:?}");
    assert_eq!(asked.len(), 2);
}

/// `isLeaf` and `subcategoryIds` may be outdated, and ROOT may have another name.
#[tokio::test]
async fn categories_are_placed_by_parent_id_and_root_is_found_by_is_root() {
    let (settings, asked) = settings_of(json!({ "categories": [
        { "id": "1", "name": "Plant", "isRoot": true, "isLeaf": true, "subcategoryIds": [] },
        { "id": "2", "name": "ROOT", "parentId": "1", "isRoot": false, "isLeaf": true, "subcategoryIds": ["1"] },
        { "id": "3", "name": "Pumps", "parentId": "2", "isRoot": false, "isLeaf": false, "subcategoryIds": ["1", "2"] },
    ] }))
    .await;
    assert_eq!(settings.category_path(2), ["ROOT", "Pumps"]);
    assert_eq!(
        [0, 1, 2].map(|place| settings.is_root(place)),
        [true, false, false]
    );
    assert_eq!(
        [0, 1, 2].map(|place| settings.is_inner(place)),
        [true, true, false]
    );
    let leaves: Vec<&String> = asked.iter().filter(|url| url.contains("/categories/")).collect();
    assert!(
        leaves.iter().any(|url| url.contains("/categories/3/")),
        "{leaves:?}"
    );
}

/// The examples show `deletedAt` next to `isActive: true`.
#[tokio::test]
async fn is_active_of_a_setting_decides_and_not_deleted_at() {
    let deleted = "2031-02-03T04:05:06.000Z";
    let entry = |id: &str, active: Value, deleted: Value| json!({ "id": id, "name": format!("ca{id}"), "isActive": active, "deletedAt": deleted });
    let entries = json!([
        entry("1", json!(true), json!(deleted)),
        entry("2", json!("true,"), json!(deleted)),
        entry("3", json!(false), json!(null)),
        entry("4", json!(null), json!(deleted)),
        entry("5", json!(null), json!(null)),
    ]);
    let (settings, _) = settings_of(json!({
        "categories": entries,
        "status-step-sets": [{ "id": "set", "values": entries, "isActive": true, "deletedAt": deleted }],
        "custom-attributes": entries,
    }))
    .await;
    let content = settings.content();
    let expected = [true, true, false, false, true];
    assert_eq!(
        content
            .categories
            .iter()
            .map(|entry| entry.active)
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(
        content
            .attributes
            .iter()
            .map(|entry| entry.active)
            .collect::<Vec<_>>(),
        expected
    );
    let [set] = &content.status_sets[..] else {
        panic!("{:?}", content.status_sets)
    };
    assert!(set.active);
    assert_eq!(
        set.statuses.iter().map(|entry| entry.active).collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test]
async fn settings_with_nulls_and_unknown_keys_are_read() {
    // Missing members of one are null in the other.
    let absent = json!({
        "categories": [{ "id": "1", "isRoot": true }, { "id": "2", "parentId": "1" }],
        "status-step-sets": [{ "id": "set", "values": [{ "id": "status" }] }, { "id": "other" }],
        "custom-attributes": [{ "id": "attribute", "name": "ca1", "dataType": "rating" }],
        "status-step-sets:batch-get": [{ "categoryId": "2", "statusStepSetId": "set" }],
        "2/custom-attributes": [{ "id": "attribute" }],
        "nodes": [{ "id": "node" }],
    });
    let null = json!({
        "categories": [
            { "id": 1, "name": null, "parentId": null, "isRoot": true, "isActive": null, "deletedAt": null,
              "description": null, "uid": { "new": [null] } },
            { "id": null, "name": "of no id" },
            { "name": "of no id either" },
            { "id": 2, "name": null, "parentId": 1, "isRoot": null, "isLeaf": null, "subcategoryIds": null },
        ],
        "status-step-sets": [
            { "id": "set", "name": null, "isDefault": null, "isActive": null, "new": 1,
              "values": [null, 7, { "id": null }, { "id": "status", "label": null, "color": null, "new": null }] },
            { "id": "other", "values": null },
        ],
        "custom-attributes": [
            { "id": "attribute", "name": "ca1", "displayName": null, "dataType": "rating", "new": [],
              "requiredOnIngress": null, "maxLengthOnIngress": null, "defaultValue": null, "values": null },
            { "id": "nameless", "name": null },
        ],
        "status-step-sets:batch-get": [
            { "categoryId": null, "statusStepSetId": "set" },
            { "categoryId": 2, "statusStepSetId": "set", "inheritedFromCategoryId": null, "new": true },
        ],
        "2/custom-attributes": [{ "id": "attribute", "inheritedFromCategoryId": null }, { "id": null }],
        "nodes": [{ "id": "node", "parentId": null, "name": null, "barcode": null, "new": {} }],
    });
    let (absent, _) = settings_of(absent).await;
    let (null, _) = settings_of(null).await;
    let read = |settings: &Settings| {
        let mut content = settings.content().clone();
        content.read_at.clear();
        content
    };
    assert_eq!(read(&null), read(&absent));
    assert_eq!(absent.content().attributes[0].data_type, "rating");
    assert_eq!(absent.set_of(1), Some(0));
    assert!(absent.attributes_of(1).contains(0));
    assert_eq!(absent.content().locations.as_ref().map(Vec::len), Some(1));
}

// ---- lists that resume after an error ----

/// Reads a list from a service with this response to the nth request, and resumes after each error up to this many
/// times.
async fn read_on(
    times: usize,
    next: impl Fn(usize) -> Result<Response, TransportError> + Send + Sync + 'static,
) -> (Vec<Option<Error>>, Reading, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let urls = asked.clone();
    let service = Answering(Box::new(move |request: &Request| {
        let mut urls = urls.lock().unwrap();
        urls.push(request.url.clone());
        next(urls.len() - 1)
    }));
    let mut options = Options::default();
    options.retry.attempts = 1;
    let caller = Arc::new(Caller::alone(Box::new(service), Token::fixed("token"), options));
    let mut reading = Reading::default();
    let mut ends = Vec::new();
    for _ in 0..times {
        let session = Session::new(caller.clone(), Stop::default());
        let read = reading
            .go_on(&session, lists::call(&assets::LIST, "/list", &[]))
            .await;
        ends.push(read.err());
    }
    let asked = asked.lock().unwrap().clone();
    (ends, reading, asked)
}

type Answers = dyn Fn(&Request) -> Result<Response, TransportError> + Send + Sync;

struct Answering(Box<Answers>);

impl Transport for Answering {
    fn send(&self, request: Request) -> Sending<'_> {
        let answer = (self.0)(&request);
        Box::pin(async move { answer })
    }
}

fn status(status: u16) -> Response {
    Response { status, ..ok("") }
}

#[allow(clippy::unnecessary_wraps)] // In addition to lost responses.
fn of(ids: &[&str], cursor: Option<&str>) -> Result<Response, TransportError> {
    Ok(ok(&page(&assets::LIST, ids, cursor)))
}

#[tokio::test(start_paused = true)]
async fn a_list_resumes_at_its_cursor() {
    let (ends, reading, asked) = read_on(3, |at| match at {
        0 => of(&["a", "b"], Some("first")),
        1 => of(&["c"], Some("second")),
        2 => Ok(status(503)),
        3 => Err(TransportError::new(Sent::Maybe, "reset")),
        // An asset was deleted in the meantime, so one is returned twice.
        4 => of(&["c", "d"], Some("third")),
        _ => of(&["e"], None),
    })
    .await;
    let failed: Vec<bool> = ends.iter().map(Option::is_some).collect();
    assert_eq!(failed, [true, true, false]);
    let ids: Vec<Value> = reading
        .table
        .rows()
        .map(|mut row| row.remove("id").unwrap())
        .collect();
    assert_eq!(ids, ["a", "b", "c", "d", "e"]);
    let cursors: Vec<Option<&str>> = asked
        .iter()
        .map(|url| url.split_once("cursorState=").map(|(_, cursor)| cursor))
        .collect();
    let second = Some("second");
    assert_eq!(
        cursors,
        [None, Some("first"), second, second, second, Some("third")]
    );
    let place = format!("{:?}", reading.place);
    assert_eq!(place, "after 5 rows");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_cursor_is_an_error() {
    for refused in [400, 410, 422] {
        let (ends, reading, _) = read_on(2, move |at| match at {
            0 => of(&["a"], Some("first")),
            1 => Ok(status(503)),
            _ => Ok(status(refused)),
        })
        .await;
        let message = ends[1].as_ref().unwrap().to_string();
        assert!(message.contains("no longer accepts the cursor"), "{message}");
        assert!(message.contains("start the list over"), "{message}");
        assert_eq!(reading.table.len(), 1);
    }
    // The service may also return nothing, although there was more.
    let total = |ids: &[&str], cursor: Option<&str>| {
        let mut body: Value = serde_json::from_str(&page(&assets::LIST, ids, cursor)).unwrap();
        body["pagination"]["totalResults"] = json!(3);
        Ok(ok(&body.to_string()))
    };
    let (ends, ..) = read_on(2, move |at| match at {
        0 => total(&["a"], Some("first")),
        1 => Ok(status(503)),
        _ => of(&[], None),
    })
    .await;
    let message = ends[1].as_ref().unwrap().to_string();
    assert!(message.contains("start the list over"), "{message}");
    // A list that is at its end can be resumed, and stays at the end.
    let (ends, reading, _) = read_on(2, move |at| match at {
        0 => total(&["a", "b", "c"], Some("first")),
        1 => Ok(status(503)),
        _ => of(&[], None),
    })
    .await;
    assert_eq!((&ends[1], reading.table.len()), (&None, 3));
}
