//! Any response is read or rejected with a reason. None crashes or blocks the reader, or gives a row a wrong id.
//!
//! `PROPTEST_CASES` is the number of inputs per property; `make fuzz` uses many.

use std::io::{Read, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use acc_assets::api::{Endpoint, Paired, SentRow, Write, assets, relationships, settings};
use acc_assets::columns::{Batches, Page, Table};
use acc_assets::error::Error;
use acc_assets::http::refusal;
use acc_assets::http::send::{Method, Network, Sending};
use acc_assets::http::{Caller, Clock, Request, Response, Token, Transport};
use acc_assets::model::asset::{self, identities, identity, keyed};
use acc_assets::model::text::same_key;
use acc_assets::options::Options;
use arrow_array::RecordBatch;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::value::RawValue;

use crate::fuzz::{Json, answer, bends, bent, body, id, odd, quoted, value};
use crate::lists;

/// Runs `PROPTEST_CASES` cases, or by default as many as take a few seconds.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 300;
    }
    config
}

/// Reads something, and checks that the time is within the limit for inputs of this size.
fn in_time<T>(read: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = read();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    result
}

const BULK: [&Write; 6] = [
    &assets::BATCH_CREATE,
    &assets::BATCH_PATCH,
    &assets::BATCH_GET,
    &assets::BATCH_DELETE,
    &relationships::DELETE,
    &relationships::BATCH,
];

fn ids<'p>(paired: &'p [Paired<'_>]) -> Vec<Option<&'p str>> {
    paired
        .iter()
        .map(|paired| match paired {
            Paired::Named { id, .. } => id.as_deref(),
            Paired::Absent => None,
        })
        .collect()
}

/// A row of a request: its key and its values.
#[derive(Debug, Clone)]
struct Row {
    key: String,
    says: Vec<(&'static str, Json)>,
}

impl Row {
    fn body(&self) -> String {
        Json::object(self.says.iter().cloned()).to_string()
    }
}

/// Rows of a create with few distinct names, so that there are twins.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let says = prop::collection::vec(
        select(vec![
            ("barcode", "\"1\""),
            ("barcode", "\"2\""),
            ("description", "\"A\""),
            ("customAttributes", r#"{"ca1":"6.5"}"#),
            ("customAttributes", r#"{"ca1":"7"}"#),
        ]),
        0..2,
    );
    let row = (select(vec!["A", "B", "42", "é", "A\"", ""]), says).prop_map(|(key, says)| Row {
        key: key.to_owned(),
        says: std::iter::once(("clientAssetId", Json::text(key)))
            .chain(
                says.into_iter()
                    .map(|(name, token)| (name, Json::Raw(token.to_owned()))),
            )
            .collect(),
    });
    prop::collection::vec(row, 1..6)
}

fn id_of(row: usize) -> String {
    format!("0000000{row}-0000-4000-8000-000000000000")
}

/// The correct response for these rows, with odd members in addition to those that are read.
fn created(rows: &[Row], odd: &Json) -> Vec<Json> {
    rows.iter()
        .enumerate()
        .map(|(at, row)| {
            let id = ("id", Json::text(&id_of(at)));
            Json::object(row.says.iter().cloned().chain([id, ("companyId", odd.clone())]))
        })
        .collect()
}

/// The response of an endpoint with these ids.
fn naming(write: &Write, ids: &[String], odd: &Json) -> Json {
    let asset = |id: &String| Json::object([("clientAssetId", odd.clone()), ("id", Json::text(id))]);
    match write.endpoint.name {
        "assets:batch-patch" => Json::Object(ids.iter().map(|id| (quoted(id), asset(id))).collect()),
        "relationships:delete" => Json::object([
            ("odd", odd.clone()),
            (
                "deleted",
                Json::Array(ids.iter().map(|id| Json::text(id)).chain([odd.clone()]).collect()),
            ),
        ]),
        _ => Json::object([
            ("odd", odd.clone()),
            (
                "results",
                Json::Array([odd.clone()].into_iter().chain(ids.iter().map(asset)).collect()),
            ),
        ]),
    }
}

/// A service that returns these responses in a cycle.
struct Scripted {
    bodies: Vec<String>,
    asked: Arc<Mutex<usize>>,
}

impl Transport for Scripted {
    fn send(&self, _: Request) -> Sending<'_> {
        let mut asked = self.asked.lock().unwrap();
        let body = self.bodies[*asked % self.bodies.len()].clone();
        *asked += 1;
        Box::pin(async move {
            Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: body.into(),
            })
        })
    }
}

/// Reads a list from such a service. Also returns the number of requests.
fn list(listing: &'static Endpoint, bodies: Vec<String>) -> (Result<Table, Error>, usize) {
    let asked = Arc::new(Mutex::new(0));
    let service = Scripted {
        bodies,
        asked: asked.clone(),
    };
    // A retry would get the next page.
    let mut options = Options::default();
    options.retry.attempts = 1;
    let caller = Arc::new(Caller::alone(Box::new(service), Token::fixed("token"), options));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let read = runtime.block_on(lists::read(&caller, listing, "/list", &[]));
    let asked = *asked.lock().unwrap();
    (read, asked)
}

/// Returns the cursor of a page of assets. Of duplicate members, the last one counts, as in JSON readers.
fn cursor(page: &Json) -> Option<&Json> {
    page.members("pagination").last()?.members("cursorState").last()
}

/// Whether this is a string that equals the key except for blanks, case and composition.
fn folds_to(found: &Json, key: &str) -> bool {
    let Json::Raw(token) = found else { return false };
    serde_json::from_str::<String>(token).is_ok_and(|text| same_key(&text) == same_key(key))
}

fn year() -> std::ops::RangeInclusive<f64> {
    0.0..=31_557_600.0
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_body_is_read_or_rejected(body in body(), keys in prop::collection::vec(prop_oneof![".{0,6}", id()], 0..4)) {
        let rows: Vec<SentRow<'_>> = keys.iter().map(|key| SentRow { key, body: b"{}" }).collect();
        for write in BULK {
            let [without, with] = [false, true].map(|entries| in_time(|| (write.pair)(&body, &rows, entries)));
            for paired in [&without, &with] {
                match paired {
                    Ok(paired) => prop_assert_eq!(paired.len(), rows.len()),
                    Err(reason) => prop_assert!(!reason.is_empty()),
                }
            }
            // Keeping the entries does not change the outcome.
            match (&without, &with) {
                (Ok(without), Ok(with)) => prop_assert_eq!(ids(without), ids(with)),
                (without, with) => prop_assert_eq!(without.is_ok(), with.is_ok(), "{}", write.endpoint.name),
            }
            for paired in with.iter().flatten() {
                if let Paired::Named { entry: Some(range), .. } = paired {
                    prop_assert_eq!(body[range.start], b'{');
                    prop_assert_eq!(body[range.end - 1], b'}');
                }
            }
        }
        in_time(|| {
            let _ = keyed(&body);
        });
        // Reading in one pass gives the same entries as serde.
        let by_serde: Result<Vec<&RawValue>, String> = asset::list(&body, "results");
        let found = in_time(|| identities(&body, "results"));
        prop_assert_eq!(found.as_ref().err(), by_serde.as_ref().err());
        let pairs = found.iter().flatten().zip(by_serde.iter().flatten());
        prop_assert_eq!(found.iter().flatten().count(), by_serde.iter().flatten().count());
        for (entry, raw) in pairs {
            prop_assert_eq!(&entry.identity, &identity(raw));
            prop_assert_eq!(&body[entry.range.clone()], raw.get().as_bytes());
        }
    }

    #[test]
    fn created_rows_never_get_a_wrong_id(
        rows in rows(), odd in odd(), shuffle in any::<prop::sample::Index>(), bends in bends(4), keep in any::<bool>(),
    ) {
        let mut entries = created(&rows, &odd);
        entries.rotate_left(shuffle.index(rows.len()));
        let answer = bent(Json::object([("results", Json::Array(entries))]), bends);
        let body = answer.to_string();
        let bodies: Vec<String> = rows.iter().map(Row::body).collect();
        let sent: Vec<SentRow<'_>> = rows
            .iter()
            .zip(&bodies)
            .map(|(row, body)| SentRow { key: &row.key, body: body.as_bytes() })
            .collect();
        let Ok(paired) = in_time(|| (assets::BATCH_CREATE.pair)(body.as_bytes(), &sent, keep)) else {
            return Ok(());
        };
        let mut used = std::collections::HashSet::new();
        for (row, id) in rows.iter().zip(ids(&paired)) {
            let Some(id) = id else { continue };
            let proven = answer.members("results").flat_map(Json::items).any(|entry| {
                entry.members("id").any(|found| found.reads(id))
                    && entry.members("clientAssetId").any(|found| found.reads(&row.key) || folds_to(found, &row.key))
            });
            prop_assert!(proven, "{id} is not the id of {}", row.key);
            prop_assert!(used.insert(id), "{id} is on two rows");
        }
    }

    #[test]
    fn odd_members_hide_no_created_row(
        rows in rows(), odd in odd(), shuffle in any::<prop::sample::Index>(), keep in any::<bool>(),
    ) {
        let mut entries = created(&rows, &odd);
        entries.rotate_left(shuffle.index(rows.len()));
        let body = Json::object([("odd", odd), ("results", Json::Array(entries))]).to_string();
        let bodies: Vec<String> = rows.iter().map(Row::body).collect();
        let sent: Vec<SentRow<'_>> = rows
            .iter()
            .zip(&bodies)
            .map(|(row, body)| SentRow { key: &row.key, body: body.as_bytes() })
            .collect();
        let paired = in_time(|| (assets::BATCH_CREATE.pair)(body.as_bytes(), &sent, keep)).unwrap();
        for (at, row) in rows.iter().enumerate() {
            if rows.iter().filter(|other| other.key == row.key).count() == 1 {
                prop_assert_eq!(ids(&paired)[at], Some(&id_of(at)[..]));
            }
        }
    }

    #[test]
    fn ids_are_paired_with_their_rows(
        asked in prop::collection::hash_set(0..9_usize, 1..6), answered in prop::collection::hash_set(0..9_usize, 0..6),
        odd in odd(), keep in any::<bool>(),
    ) {
        let asked: Vec<String> = asked.into_iter().map(id_of).collect();
        let answered: Vec<String> = answered.into_iter().map(|row| id_of(row).to_uppercase()).collect();
        let rows: Vec<SentRow<'_>> = asked.iter().map(|key| SentRow { key, body: b"{}" }).collect();
        for write in [&assets::BATCH_PATCH, &assets::BATCH_GET, &relationships::DELETE] {
            let body = naming(write, &answered, &odd).to_string();
            let Ok(paired) = in_time(|| (write.pair)(body.as_bytes(), &rows, keep)) else {
                // A list of deleted links with unrequested ids is not trusted at all, and neither are a patch without an
                // asset and a get with other assets only.
                let foreign = !answered.iter().any(|id| asked.iter().any(|row| row.eq_ignore_ascii_case(id)));
                let is_suspect = match write.endpoint.name {
                    "assets:batch-patch" => answered.is_empty(),
                    "assets:batch-get" => foreign,
                    _ => true,
                };
                prop_assert!(is_suspect, "{}", write.endpoint.name);
                continue;
            };
            for (row, id) in asked.iter().zip(ids(&paired)) {
                let expected = answered.iter().find(|id| id.eq_ignore_ascii_case(row));
                prop_assert_eq!(id, expected.map(String::as_str), "{} {}", write.endpoint.name, body);
            }
        }
    }

    #[test]
    fn damaged_responses_never_yield_foreign_ids(answer in answer(), asked in prop::collection::vec(id(), 1..4), bends in bends(3)) {
        let mut bodies = vec![answer];
        bodies.extend([&assets::BATCH_PATCH, &assets::BATCH_GET, &relationships::DELETE].map(|write| {
            bent(naming(write, &asked, &Json::Raw("1".to_owned())), bends.clone())
        }));
        let rows: Vec<SentRow<'_>> = asked.iter().map(|key| SentRow { key, body: b"{}" }).collect();
        for answer in bodies {
            let body = answer.to_string();
            for write in [&assets::BATCH_PATCH, &assets::BATCH_GET, &relationships::DELETE] {
                let paired = in_time(|| (write.pair)(body.as_bytes(), &rows, true));
                for (row, id) in asked.iter().zip(paired.iter().flat_map(|paired| ids(paired))) {
                    let Some(id) = id else { continue };
                    prop_assert!(id.eq_ignore_ascii_case(row));
                    let proven = match write.endpoint.name {
                        "assets:batch-patch" => answer.members(id).next().is_some(),
                        "assets:batch-get" => answer
                            .members("results")
                            .flat_map(Json::items)
                            .any(|entry| entry.members("id").any(|found| found.reads(id))),
                        _ => answer.members("deleted").flat_map(Json::items).any(|found| found.reads(id)),
                    };
                    prop_assert!(proven, "{} {id}: {body}", write.endpoint.name);
                }
            }
        }
    }

    #[test]
    fn any_error_keeps_its_status_and_body(body in body(), status in 300_u16..600, html in any::<bool>()) {
        let answer = Response {
            status,
            headers: vec![
                ("content-type".to_owned(), if html { "text/html" } else { "application/json" }.to_owned()),
                ("x-ads-request-id".to_owned(), "r-1".to_owned()),
            ],
            body: body.clone().into(),
        };
        let error = in_time(|| refusal::read(&answer));
        prop_assert_eq!(error.status, status);
        prop_assert_eq!(&*error.body, String::from_utf8_lossy(&body));
        prop_assert_eq!(error.request_id.as_deref(), Some("r-1"));
        prop_assert!(error.to_string().contains(&status.to_string()));
    }

    #[test]
    fn odd_members_hide_no_violation(odd in odd(), index in 0..200_usize, first in any::<bool>()) {
        let violation = Json::object([
            ("value", odd.clone()),
            ("index", Json::Raw(index.to_string())),
            ("detail", Json::text("too long")),
        ]);
        let mut members = vec![
            ("title", Json::text("bad input")),
            ("type", Json::text("BadInput")),
            ("errors", Json::Array(vec![odd.clone(), violation])),
        ];
        members.insert(if first { 0 } else { 3 }, ("trace", odd));
        let body = Json::object(members).to_string();
        let answer = Response { status: 400, headers: Vec::new(), body: body.into() };
        let error = in_time(|| refusal::read(&answer));
        prop_assert_eq!(error.code.as_deref(), Some("BadInput"));
        prop_assert_eq!(error.message.as_deref(), Some("bad input"));
        let violation = error.violations.last();
        prop_assert_eq!(violation.and_then(|violation| violation.index), Some(index));
        prop_assert_eq!(violation.map(|violation| &violation.message[..]), Some("too long"));
    }

    #[test]
    fn retry_after_is_always_finite(text in prop_oneof![
        ".{0,30}".boxed(),
        any::<f64>().prop_map(|number| number.to_string()).boxed(),
        any::<u64>().prop_map(|number| number.to_string()).boxed(),
        "[+-]?[0-9]{0,4}[.e][0-9]{0,3}".boxed(),
        "(Mon|Fri|Xyz), [0-3][0-9] (Jan|Nov|Foo) ([0-9]{4}|20[0-9]{2}) [0-2][0-9]:[0-6][0-9]:[0-6][0-9] (GMT|[+-][0-9]{4})".boxed(),
        "(inf|nan|infinity|-0|1e308|soon)".boxed(),
    ]) {
        let answer = Response { status: 429, headers: vec![("retry-after".to_owned(), text)], body: "".into() };
        let wait = in_time(|| refusal::read(&answer)).retry_after;
        prop_assert!(wait.is_none_or(|seconds| year().contains(&seconds)), "{wait:?}");
    }

    #[test]
    fn a_retry_after_date_is_converted_to_seconds(ahead in 0..400_u32) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let date = jiff::Timestamp::from_second((now + u64::from(ahead)).cast_signed()).unwrap();
        let text = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let answer = Response { status: 429, headers: vec![("retry-after".to_owned(), text)], body: "".into() };
        let wait = refusal::read(&answer).retry_after.unwrap();
        prop_assert!((0.0..=5.0).contains(&(f64::from(ahead) - wait)), "{ahead} {wait}");
    }

    #[test]
    fn a_list_ends_only_after_its_last_page(
        pages in prop::collection::vec((
            prop::collection::vec(0..9_usize, 0..4), prop_oneof![answer().boxed(), odd().boxed()],
            prop::option::of(0..6_usize), bends(2),
        ), 1..5),
    ) {
        // The pages have rows, a valid, odd or missing pagination, and may have a cursor. Then they are changed.
        let pages: Vec<Json> = pages
            .into_iter()
            .map(|(rows, odd, cursor, bends)| {
                let rows = rows.into_iter().map(|row| Json::object([("id", Json::text(&id_of(row)))]));
                let cursor = cursor.map(|cursor| ("cursorState", Json::text(&format!("c{cursor}"))));
                let pagination = Json::object([("totalResults", odd)].into_iter().chain(cursor));
                bent(Json::object([("results", Json::Array(rows.collect())), ("pagination", pagination)]), bends)
            })
            .collect();
        let (read, asked) = in_time(|| list(&assets::LIST, pages.iter().map(Json::to_string).collect()));
        // A repeated page has a repeated cursor.
        prop_assert!(asked <= pages.len() + 1);
        match read {
            Ok(_) => {
                let last = cursor(&pages[(asked - 1) % pages.len()]);
                let continues = last.filter(|cursor| matches!(cursor, Json::Raw(token) if token.len() > 2 && token.starts_with('"')));
                prop_assert_eq!(continues, None, "the list ended at a page that gives a cursor");
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn an_undamaged_list_is_complete(
        counts in prop::collection::vec(0..4_usize, 1..6), odd in odd(), bare in any::<bool>(),
    ) {
        let last = counts.len() - 1;
        let mut next = 0;
        let pages = counts.iter().enumerate().map(|(page, count)| {
            let rows = (next..next + count).map(|row| {
                let name = if bare { "value" } else { "id" };
                Json::object([(name, Json::Raw(row.to_string())), ("odd", odd.clone())])
            });
            next += count;
            let cursor = (page != last).then(|| ("cursorState", Json::text(&format!("c{page}"))));
            let pagination = Json::object([("odd", odd.clone())].into_iter().chain(cursor));
            Json::object([("pagination", pagination), ("results", Json::Array(rows.collect()))]).to_string()
        });
        let pages: Vec<String> = pages.collect();
        let (read, asked) = in_time(|| list(&assets::LIST, pages));
        prop_assert_eq!(read.unwrap().len(), next);
        prop_assert_eq!(asked, counts.len());
    }

    #[test]
    fn any_page_is_read_or_rejected(body in body()) {
        let Ok(body) = String::from_utf8(body) else { return Ok(()) };
        for listing in [&relationships::SEARCH, &settings::CATEGORIES, &settings::STATUS_SETS] {
            let (read, asked) = in_time(|| list(listing, vec![body.clone()]));
            prop_assert!(asked <= 2);
            if let Err(error) = read {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_rows_become_columns(rows in prop::collection::vec(prop_oneof![value(), answer().boxed()], 0..6)) {
        let texts: Vec<String> = rows.iter().map(Json::to_string).collect();
        let mut table = Table::default();
        table.add(Page::of(texts.iter().map(String::as_str)).unwrap(), 0..);
        let batches = in_time(|| Batches::new(Arc::new(table.layout()), |_| None).collect::<Result<Vec<_>, _>>()).unwrap();
        prop_assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows.len());
        for (at, row) in rows.iter().enumerate() {
            let text = row.to_string();
            let read = table.row(at).unwrap();
            if let Json::Object(members) = row {
                for (key, _) in members {
                    let Ok(key) = serde_json::from_str::<String>(key) else { continue };
                    prop_assert!(read.contains_key(&key), "{key:?} is lost of {text}");
                }
            }
        }
    }

    #[test]
    fn odd_members_hide_no_field(odd in odd(), inside in any::<bool>()) {
        let attributes = if inside {
            Json::object([("ca2", odd.clone()), ("ca1", Json::text("x"))])
        } else {
            Json::object([("ca1", Json::text("x"))])
        };
        let text = Json::object([
            ("companyId", odd),
            ("customAttributes", attributes),
            ("id", Json::text("a")),
        ])
        .to_string();
        let mut table = Table::default();
        table.add(Page::of(std::iter::once(&text[..])).unwrap(), 0..);
        let row = in_time(|| table.row(0)).unwrap();
        prop_assert_eq!(&row["id"], "a");
        prop_assert!(row.contains_key("companyId"));
        prop_assert_eq!(&row["customAttributes"]["ca1"], "x");
    }

    #[test]
    fn any_token_is_accepted_or_rejected_without_revealing_it(claims in prop_oneof![
        value().prop_map(|value| value.to_string()).boxed(),
        (value(), value())
            .prop_map(|(exp, userid)| Json::object([("exp", exp), ("userid", userid)]).to_string())
            .boxed(),
        ".{0,20}".boxed(),
    ], wrap in any::<bool>(), head in select(vec!["", "Bearer ", " ", "e30."])) {
        let inner = if wrap { format!("e30.{}.secretsecret", URL_SAFE_NO_PAD.encode(&claims)) } else { claims };
        let text = format!("{head}{inner}");
        let token = Token::fixed(&text);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bearer = in_time(|| runtime.block_on(token.bearer(&Clock::system())));
        match bearer {
            Ok(bearer) => {
                prop_assert!(bearer.secret.reveal().chars().all(|character| character.is_ascii_graphic()));
                let shown = format!("{bearer:?}");
                prop_assert!(!shown.contains("secretsecret"));
                let user = runtime.block_on(token.user(&Clock::system())).unwrap();
                prop_assert!(!user.contains("secretsecret"));
            }
            Err(error) => {
                prop_assert!(!error.to_string().contains("secretsecret"));
                prop_assert!(inner.trim().chars().count() < 12 || !error.to_string().contains(inner.trim()));
            }
        }
    }
}

/// A response may contain invalid UTF-8. Its other entries are still read.
#[tokio::test]
async fn an_invalid_byte_hides_no_response() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let body = b"{\"results\":[{\"clientAssetId\":\"A\",\"description\":\"\xff\",\"id\":\"1\"}]}";
        write!(
            stream,
            "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        stream.write_all(body).unwrap();
    });
    let options = Options {
        base_url: format!("http://{address}"),
        ..Options::default()
    };
    let request = Request {
        method: Method::Get,
        url: options.base_url.clone(),
        headers: Vec::new(),
        body: None,
    };
    let answer = Network::new(&options).unwrap().send(request).await.unwrap();
    let row = SentRow {
        key: "A",
        body: b"{}",
    };
    for entries in [false, true] {
        let paired = (assets::BATCH_CREATE.pair)(&answer.body, &[row], entries).unwrap();
        assert_eq!(ids(&paired), [Some("1")]);
    }
}

/// The format of the gateway's software, which the documentation of the services does not show.
#[test]
fn an_apigee_fault_has_its_code_and_message() {
    let body = r#"{"fault":{"faultstring":"Spike arrest violation","detail":{"errorcode":"policies.ratelimit.SpikeArrest"}}}"#;
    for (body, code, text) in [
        (
            body,
            Some("policies.ratelimit.SpikeArrest"),
            Some("Spike arrest violation"),
        ),
        (r#"{"fault":{"faultstring":"down"}}"#, None, Some("down")),
        (r#"{"fault":{"detail":"none"}}"#, None, None),
    ] {
        let error = refusal::read(&Response {
            status: 503,
            headers: Vec::new(),
            body: body.into(),
        });
        assert_eq!(
            (error.code.as_deref(), error.message.as_deref()),
            (code, text),
            "{body}"
        );
        assert_eq!((error.status, &*error.body), (503, body));
    }
}
