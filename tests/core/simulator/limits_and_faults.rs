//! Rate windows, tokens, scripted faults and the audit, in this process with tokio's paused clock.

use std::time::Duration;

use acc_assets::error::Sent;
use acc_assets::http::send::{Method, Response, Transport};
use acc_assets::simulator::{Fault, GroupLimits, Options, Simulator};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use super::harness::Service;

const AIR: &str = "Air Handling";
const LIST: &str = "v2/projects/{p}/assets";

fn limited(assets_read: u32, window: Duration) -> Service {
    let limits = GroupLimits {
        assets_read,
        ..GroupLimits::default()
    };
    Service::new(Options {
        limits,
        window,
        ..Options::default()
    })
}

async fn list(service: &Service) -> Response {
    service.send(service.request(Method::Get, LIST, None)).await.2
}

#[tokio::test(start_paused = true)]
async fn a_window_slides_and_returns_the_wait() {
    let service = limited(3, Duration::from_secs(60));
    for _ in 0..3 {
        assert_eq!(list(&service).await.status, 200);
        advance(Duration::from_secs(10)).await;
    }
    let answer = list(&service).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("30")));
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body, json!({ "developerMessage": "Quota limit exceeded." }));
    advance(Duration::from_millis(29_500)).await;
    assert_eq!(list(&service).await.header("retry-after"), Some("1"));
    advance(Duration::from_millis(500)).await;
    assert_eq!(list(&service).await.status, 200, "refused requests take no slot");
    assert_eq!(list(&service).await.header("retry-after"), Some("10"));
    // Other groups and other users have their own windows.
    assert_eq!(service.create(json!([service.asset(AIR, "A")])).await.0, 201);
    service.simulator.accept_token("another", "AAAABBBBCCCC", None);
    let mut request = service.request(Method::Get, LIST, None);
    request.headers[0].1 = "Bearer another".into();
    assert_eq!(service.send(request).await.0, 200);
    // A second token of the first user shares its windows.
    service
        .simulator
        .accept_token("second", service.simulator.user_id(), None);
    let mut request = service.request(Method::Get, LIST, None);
    request.headers[0].1 = "Bearer second".into();
    assert_eq!(service.send(request).await.0, 429);
    let audit = service.simulator.audit();
    assert_eq!((audit.rate_limited, audit.busiest_window["assets_read"]), (4, 7));
}

#[tokio::test(start_paused = true)]
async fn a_fixed_window_starts_anew() {
    let service = limited(2, Duration::from_secs(60));
    service.set("rate_window", "clock");
    advance(Duration::from_secs(50)).await;
    assert_eq!(
        (list(&service).await.status, list(&service).await.status),
        (200, 200)
    );
    assert_eq!(list(&service).await.header("retry-after"), Some("10"));
    advance(Duration::from_secs(10)).await;
    assert_eq!(list(&service).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_forms_of_a_429() {
    let service = limited(2, Duration::from_millis(100));
    service.set("rate_scale", "0.5");
    assert_eq!(list(&service).await.status, 200);
    assert_eq!(
        list(&service).await.header("retry-after"),
        Some("1"),
        "rounded up"
    );
    service.set("retry_after", "absent");
    assert_eq!(list(&service).await.header("retry-after"), None);
    service.set("retry_after", "http_date");
    assert!(
        list(&service)
            .await
            .header("retry-after")
            .is_some_and(|date| date.ends_with("GMT"))
    );
    service.set("body_429", "empty");
    assert_eq!(list(&service).await.body.len(), 0);
    service.set("body_429", "service");
    let body: Value = serde_json::from_slice(&list(&service).await.body).expect("JSON");
    assert_eq!(body["errorCode"], json!("TOO_MANY_REQUESTS"));
    service.set("body_429", "ERR-001");
    assert!(String::from_utf8_lossy(&list(&service).await.body).contains("ERR-001"));
}

#[tokio::test(start_paused = true)]
async fn checks_come_in_the_documented_order() {
    let service = Service::new(Options {
        limits: GroupLimits {
            assets_write: 3,
            ..GroupLimits::default()
        },
        ..Options::default()
    });
    let foreign = service.simulator.world_json()["foreign_project_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    // Everything is wrong at once, and each step fixes the first problem.
    let mut request = service.request(
        Method::Post,
        &format!("v2/projects/{foreign}/assets:batch-create"),
        None,
    );
    request.body = Some("nonsense".into());
    let right = request.headers[0].1.clone();
    request.headers[0].1 = "Bearer wrong".into();
    let status = async |request: &acc_assets::http::send::Request| service.send(request.clone()).await.0;
    assert_eq!(status(&request).await, 401);
    request.headers[0].1 = right;
    assert_eq!(status(&request).await, 403);
    request.url = request.url.replace(&foreign, "nowhere");
    assert_eq!(status(&request).await, 404);
    request.url = request.url.replace("nowhere", &service.project);
    assert_eq!(status(&request).await, 400, "no content type");
    assert_eq!(status(&request).await, 429, "the refused ones counted");
    let mut request = service.request(
        Method::Post,
        "/bim360/relationship/v2/containers/{p}/relationships:delete",
        None,
    );
    request.body = Some("nonsense".into());
    assert_eq!(status(&request).await, 415);
    request
        .headers
        .push(("content-type", "application/json; charset=utf-8".into()));
    assert_eq!(status(&request).await, 400);
    request.headers.remove(0);
    assert_eq!(status(&request).await, 401);
    let unknown = service.request(Method::Get, "/construction/assets/v3/projects/{p}/assets", None);
    assert_eq!(status(&unknown).await, 404);
}

#[tokio::test(start_paused = true)]
async fn tokens_expire_and_are_replaced() {
    let service = Service::new(Options::default());
    service
        .simulator
        .add_fault(Fault::from_json(&json!({ "what": "expire_token" })).expect("a fault"));
    let (status, body) = service.get(LIST).await;
    assert_eq!((status, &body["errorCode"]), (401, &json!("AUTH-006")));
    assert_eq!(service.get(LIST).await.0, 401);
    service
        .simulator
        .accept_token(service.simulator.token(), service.simulator.user_id(), None);
    assert_eq!(service.get(LIST).await.0, 200);
    assert!(service.simulator.revoke_token(service.simulator.token()));
    assert_eq!(service.get(LIST).await.0, 401);
    let shown = format!(
        "{:?} {}",
        service.simulator,
        serde_json::to_string(&service.simulator.audit()).expect("JSON")
    );
    assert!(!shown.contains(service.simulator.token()), "{shown}");
}

async fn create_under(fault: Value) -> (Service, Result<Response, acc_assets::error::TransportError>) {
    let service = Service::new(Options::default());
    service
        .simulator
        .add_fault(Fault::from_json(&fault).expect("a fault"));
    let item = json!([service.asset(AIR, "A")]);
    let answer = service
        .try_send(service.request(Method::Post, "v2/projects/{p}/assets:batch-create", Some(&item)))
        .await;
    (service, answer)
}

#[tokio::test(start_paused = true)]
async fn faults_have_their_effects() {
    let sent =
        |answer: Result<Response, acc_assets::error::TransportError>| answer.expect_err("no answer").sent;
    let made = |service: &Service| service.simulator.audit().assets_created;

    let (service, answer) = create_under(json!({ "what": "refuse", "on": "assets:batch-create" })).await;
    assert_eq!((sent(answer), made(&service)), (Sent::No, 0));
    let (service, answer) = create_under(json!({ "what": "reset_before_apply" })).await;
    assert_eq!((sent(answer), made(&service)), (Sent::Maybe, 0));
    let (service, answer) = create_under(json!({ "what": "reset_after_apply" })).await;
    assert_eq!((sent(answer), made(&service)), (Sent::Maybe, 1));
    let (service, answer) = create_under(json!({ "what": "cut_body", "bytes": 20 })).await;
    assert_eq!((sent(answer), made(&service)), (Sent::Maybe, 1));

    for what in ["delay", "slow_body"] {
        let start = Instant::now();
        let (service, answer) = create_under(json!({ "what": what, "ms": 1500 })).await;
        assert_eq!((answer.expect("late").status, made(&service)), (201, 1));
        assert_eq!(start.elapsed(), Duration::from_millis(1500), "{what}");
    }

    let fault = json!({ "what": "status", "code": 503, "body": "html", "headers": { "Retry-After": "7" } });
    let (service, answer) = create_under(fault).await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status, answer.header("retry-after"), made(&service)),
        (503, Some("7"), 0)
    );
    assert!(answer.body.starts_with(b"<html>"));
    let fault = json!({ "what": "status", "code": 504, "body": "empty", "after_apply": true });
    let (service, answer) = create_under(fault).await;
    assert_eq!((answer.expect("an answer").body.len(), made(&service)), (0, 1));
    let (_, answer) = create_under(json!({ "what": "status", "code": 500 })).await;
    assert!(String::from_utf8_lossy(&answer.expect("an answer").body).contains("developerMessage"));

    let (_, answer) = create_under(json!({ "what": "rate_limit", "retry_after": 25 })).await;
    assert_eq!(answer.expect("an answer").header("retry-after"), Some("25"));
    let (_, answer) = create_under(json!({ "what": "rate_limit", "retry_after": null })).await;
    assert_eq!(answer.expect("an answer").header("retry-after"), None);
    for text in ["soon", "Wed, 21 Oct 2037 07:28:00 GMT", ""] {
        let (_, answer) = create_under(json!({ "what": "rate_limit", "retry_after": text })).await;
        assert_eq!(answer.expect("an answer").header("retry-after"), Some(text));
    }
    let (service, answer) = create_under(json!({ "what": "html" })).await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status, answer.header("content-type"), made(&service)),
        (200, Some("text/html"), 0)
    );
    let (service, answer) = create_under(json!({ "what": "redirect", "url": "https://elsewhere/" })).await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status, answer.header("location"), made(&service)),
        (307, Some("https://elsewhere/"), 0)
    );

    let (service, answer) = create_under(json!({ "what": "wrong_types" })).await;
    let body: Value = serde_json::from_slice(&answer.expect("an answer").body).expect("JSON");
    let asset = &body["results"][0];
    assert!(
        asset["id"].is_number() && asset["version"].is_string() && asset["isActive"].is_string(),
        "{body}"
    );
    assert_eq!(made(&service), 1);
}

#[tokio::test(start_paused = true)]
async fn late_work_is_still_done() {
    let (service, answer) = create_under(json!({ "what": "apply_late", "ms": 5000 })).await;
    assert_eq!(answer.expect_err("no answer").sent, Sent::Maybe);
    let seen = async || {
        service.get(LIST).await.1["results"]
            .as_array()
            .expect("a list")
            .clone()
    };
    advance(Duration::from_millis(4900)).await;
    assert_eq!(
        (seen().await.len(), service.simulator.audit().assets_created),
        (0, 0)
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (found, audit) = (seen().await, service.simulator.audit());
    assert_eq!((found.len(), audit.assets_created), (1, 1));
    assert_eq!(audit.endpoints["assets:batch-create"].answers, [(0, 1)].into());
    // The slot is taken on arrival. A request rejected at that point is never executed.
    let service = limited(2, Duration::from_secs(60));
    let fault = json!({ "what": "apply_late", "ms": 50_000, "on": "assets" });
    service
        .simulator
        .add_fault(Fault::from_json(&fault).expect("a fault"));
    assert!(
        service
            .try_send(service.request(Method::Get, LIST, None))
            .await
            .is_err()
    );
    assert_eq!(
        (list(&service).await.status, list(&service).await.status),
        (200, 429)
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        (list(&service).await.status, list(&service).await.status),
        (200, 200)
    );
}

/// Returns the names in a response with a fault, for each format: `results`, keyed by id, `deleted`, a bare array.
async fn entries_under(fault: Value) -> Vec<String> {
    let service = Service::new(Options::default());
    let arm = || {
        service
            .simulator
            .add_fault(Fault::from_json(&fault).expect("a fault"));
    };
    let mut shown = Vec::new();
    arm();
    let items: Value = ["A", "B", "C"].map(|name| service.asset(AIR, name)).into();
    let (_, body) = service.create(items).await;
    let names = body["results"].as_array().expect("a list").iter();
    shown.push(
        names
            .map(|asset| asset["clientAssetId"].as_str().expect("a string"))
            .collect(),
    );
    let ids: Vec<String> = service
        .simulator
        .assets()
        .as_array()
        .expect("a list")
        .iter()
        .map(|asset| asset["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(ids.len(), 3, "all the work was done");
    arm();
    let changes: Value = ids.iter().map(|id| (id.clone(), json!({}))).collect();
    let request = service.request(
        Method::Patch,
        "v2/projects/{p}/assets:batch-patch",
        Some(&changes),
    );
    // Compare it as text, because parsing would lose a duplicate key.
    let text = String::from_utf8_lossy(&service.send(request).await.2.body).into_owned();
    let mut keys: Vec<(usize, usize)> = ids
        .iter()
        .enumerate()
        .flat_map(|(name, id)| {
            text.match_indices(&format!("\"{id}\":{{"))
                .map(move |(at, _)| (at, name))
                .collect::<Vec<_>>()
        })
        .collect();
    keys.sort_unstable();
    shown.push(keys.iter().map(|(_, name)| ["A", "B", "C"][*name]).collect());
    let links = service.simulator.seed_relationships(3);
    let name = |id: &Value| ["A", "B", "C"][links.iter().position(|link| *id == **link).expect("a link")];
    arm();
    let (_, body) = service.relate(Method::Post, ":batch", Some(&json!(links))).await;
    shown.push(
        body.as_array()
            .expect("a list")
            .iter()
            .map(|link| name(&link["id"]))
            .collect(),
    );
    arm();
    let (_, body) = service.relate(Method::Post, ":delete", Some(&json!(links))).await;
    shown.push(
        body["deleted"]
            .as_array()
            .expect("a list")
            .iter()
            .map(name)
            .collect(),
    );
    shown
}

#[tokio::test(start_paused = true)]
async fn entries_are_dropped_or_duplicated() {
    let drop = |count: u64| json!({ "what": "drop_results", "count": count });
    assert_eq!(entries_under(json!({ "what": "drop_results" })).await, ["BC"; 4]);
    assert_eq!(entries_under(drop(2)).await, ["C"; 4]);
    assert_eq!(entries_under(drop(9)).await, [""; 4]);
    assert_eq!(
        entries_under(json!({ "what": "double_results" })).await,
        ["AABC"; 4]
    );
    // An error has no entries to drop.
    let service = Service::new(Options::default());
    service
        .simulator
        .add_fault(Fault::from_json(&drop(1)).expect("a fault"));
    let (status, body) = service.create(json!([{}])).await;
    assert_eq!((status, &body["errorCode"]), (400, &json!("VALIDATION_FAILED")));
}

#[tokio::test(start_paused = true)]
async fn the_date_header_jumps_but_not_the_world_clock() {
    let service = Service::new(Options {
        start: Some(1_900_000_000_000),
        ..Options::default()
    });
    let jump = |seconds: i64| {
        let fault = json!({ "what": "clock_jump", "seconds": seconds });
        service
            .simulator
            .add_fault(Fault::from_json(&fault).expect("a fault"));
    };
    let date = async || list(&service).await.header("date").expect("a date").to_owned();
    assert_eq!(date().await, "Sun, 17 Mar 2030 17:46:40 GMT");
    jump(-3600);
    assert_eq!(date().await, "Sun, 17 Mar 2030 16:46:40 GMT");
    assert_eq!(date().await, "Sun, 17 Mar 2030 16:46:40 GMT", "and stays off");
    jump(7200);
    assert_eq!(date().await, "Sun, 17 Mar 2030 18:46:40 GMT");
    service.created(service.asset(AIR, "A")).await;
    assert_eq!(
        service.simulator.assets()[0]["createdAt"],
        json!("2030-03-17T17:46:40.000Z")
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_program_uses_the_same_window() {
    let service = limited(10, Duration::from_secs(60));
    let steal = json!({ "what": "steal", "requests": 8, "on": "assets" });
    service
        .simulator
        .add_fault(Fault::from_json(&steal).expect("a fault"));
    assert_eq!(list(&service).await.status, 200);
    assert_eq!(list(&service).await.status, 200);
    assert_eq!(list(&service).await.status, 429);
    let audit = service.simulator.audit();
    assert_eq!((audit.requests, audit.busiest_window["assets_read"]), (3, 3));
    // Other groups have their own window. This one is free again after its length.
    service.created(service.asset(AIR, "A")).await;
    advance(Duration::from_secs(60)).await;
    assert_eq!(list(&service).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn another_user_changes_the_project() {
    let service = Service::new(Options::default());
    let simulator = &service.simulator;
    let own = service.created(service.asset(AIR, "own")).await;
    advance(Duration::from_secs(5)).await;
    let id = simulator
        .create_asset(&service.asset(AIR, "theirs"))
        .expect("a valid asset");
    simulator
        .patch_asset(&own, &json!({ "description": "seen" }))
        .expect("a valid change");
    let (_, body) = service
        .post("v2/projects/{p}/assets:batch-get", json!({ "ids": [own, id] }))
        .await;
    let [mine, theirs] = [&body["results"][0], &body["results"][1]];
    assert_eq!(
        (&mine["description"], &theirs["clientAssetId"]),
        (&json!("seen"), &json!("theirs"))
    );
    assert_eq!(mine["updatedBy"], theirs["createdBy"]);
    assert_eq!(mine["updatedAt"], theirs["createdAt"]);
    assert!(mine["createdBy"] != theirs["createdBy"] && mine["createdAt"] != mine["updatedAt"]);
    simulator.delete_asset(&id).expect("it is there");
    let audit = simulator.audit();
    assert_eq!(
        (audit.assets_created, audit.assets_patched, audit.assets_deleted),
        (1, 0, 0)
    );
    for refused in [
        simulator.create_asset(&json!({})).map(drop),
        simulator.patch_asset(&own, &json!({ "statusId": "Installed" })),
        simulator.patch_asset(&id, &json!({})),
        simulator.delete_asset("nowhere"),
    ] {
        assert!(refused.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn faults_apply_to_the_named_requests() {
    async fn statuses(fault: Value, requests: usize) -> Vec<u16> {
        let service = Service::new(Options::default());
        service
            .simulator
            .add_fault(Fault::from_json(&fault).expect("a fault"));
        let mut statuses = Vec::new();
        for _ in 0..requests {
            service.get("v1/projects/{p}/categories").await;
            statuses.push(service.get(LIST).await.0);
        }
        statuses
    }
    let fault = |more: Value| {
        let mut fault = json!({ "what": "status", "code": 500, "on": "assets" });
        fault
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        fault
    };
    assert_eq!(statuses(fault(json!({})), 3).await, [500, 200, 200]);
    assert_eq!(statuses(fault(json!({ "times": 2 })), 3).await, [500, 500, 200]);
    assert_eq!(statuses(fault(json!({ "nth": 2 })), 3).await, [200, 500, 200]);
    assert_eq!(
        statuses(fault(json!({ "every": 2 })), 5).await,
        [200, 500, 200, 500, 200]
    );
    assert_eq!(
        statuses(fault(json!({ "every": 2, "times": 1 })), 4).await,
        [200, 500, 200, 200]
    );
    let share = fault(json!({ "probability": 0.5, "seed": 7 }));
    let once = statuses(share.clone(), 100).await;
    let hits = once.iter().filter(|status| **status == 500).count();
    assert!((30..70).contains(&hits), "{hits}");
    assert_eq!(once, statuses(share, 100).await, "the same seed, the same faults");
}

#[test]
fn an_invalid_fault_is_explained() {
    for (fault, part) in [
        (json!("reset"), "object"),
        (json!({}), "what"),
        (json!({ "what": "explode" }), "reset_before_apply"),
        (json!({ "what": "status" }), "code"),
        (json!({ "what": "status", "code": 42 }), "200 to 599"),
        (json!({ "what": "delay" }), "ms"),
        (json!({ "what": "slow_body", "ms": "1" }), "ms"),
        (json!({ "what": "apply_late" }), "ms"),
        (json!({ "what": "clock_jump", "seconds": 1.5 }), "seconds"),
        (json!({ "what": "drop_results", "count": -1 }), "count"),
        (json!({ "what": "steal", "count": 1 }), "requests"),
        (
            json!({ "what": "rate_limit", "retry_after": "a\nb" }),
            "retry_after",
        ),
        (
            json!({ "what": "html", "on": "assets:batch" }),
            "assets:batch-create",
        ),
        (json!({ "what": "html", "ms": 1 }), "ms"),
        (json!({ "what": "html", "nth": 0 }), "from 1"),
        (json!({ "what": "html", "nth": 1, "every": 2 }), "only one"),
        (json!({ "what": "html", "probability": 2 }), "0 to 1"),
    ] {
        let error = Fault::from_json(&fault).expect_err("a bad fault");
        assert!(error.contains(part), "{fault}: {error}");
    }
}

#[test]
fn an_invalid_option_is_explained() {
    for (options, part) in [
        (json!({ "seeds": 1 }), "seed,"),
        (json!({ "window": -1 }), "seconds"),
        (json!({ "limits": { "assets": 1 } }), "assets_write"),
        (json!({ "switches": { "over_limit": 400 } }), "must be a string"),
    ] {
        let error = Options::from_json(&options).err().expect("a bad option");
        assert!(error.contains(part), "{options}: {error}");
    }
    for options in [
        json!({ "token": "" }),
        json!({ "window": 0 }),
        json!({ "switches": { "over_limit": "no" } }),
    ] {
        let options = Options::from_json(&options).expect("well-formed");
        assert!(Simulator::new(options).is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn latency_and_requests_in_flight() {
    let service = Service::new(Options {
        latency: Duration::from_millis(50),
        ..Options::default()
    });
    let start = Instant::now();
    let transport = service.simulator.transport();
    let request = || service.request(Method::Get, LIST, None);
    let (first, second, third) = tokio::join!(
        transport.send(request()),
        transport.send(request()),
        transport.send(request())
    );
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(start.elapsed(), Duration::from_millis(50));
    assert_eq!(service.simulator.audit().most_in_flight, 3);
    // A canceled request is no longer in flight, but is still applied.
    service
        .simulator
        .add_fault(Fault::from_json(&json!({ "what": "delay", "ms": 5000 })).expect("a fault"));
    let item = json!([service.asset(AIR, "A")]);
    let late =
        transport.send(service.request(Method::Post, "v2/projects/{p}/assets:batch-create", Some(&item)));
    assert!(tokio::time::timeout(Duration::from_secs(1), late).await.is_err());
    assert_eq!(service.simulator.audit().assets_created, 1);
    let _ = tokio::join!(transport.send(request()), transport.send(request()));
    assert_eq!(service.simulator.audit().most_in_flight, 3);
}

#[tokio::test(start_paused = true)]
async fn the_audit_counts_duplicates() {
    let service = Service::new(Options::default());
    let item = json!([service.asset(AIR, "twice")]);
    service.create(item.clone()).await;
    service.create(item).await;
    let id = service.created(service.asset(AIR, "once")).await;
    service.patch(&id, json!({ "description": "x" })).await;
    service.delete(json!([id])).await;
    let audit = service.simulator.audit();
    assert_eq!(
        (audit.assets_created, audit.assets_patched, audit.assets_deleted),
        (3, 1, 1)
    );
    assert_eq!(audit.created_more_than_once, [("twice".to_owned(), 2)].into());
    assert_eq!(audit.endpoints["assets:batch-create"].answers, [(201, 3)].into());
    assert_eq!(audit.busiest_window["assets_write"], 5);
    assert!(audit.bytes_in > 300);
    let assets = service.simulator.assets();
    assert_eq!(
        (assets[2]["id"].as_str(), &assets[2]["isActive"]),
        (Some(id.as_str()), &json!(false))
    );
}

#[tokio::test(start_paused = true)]
async fn equal_seeds_give_equal_responses() {
    let run = async |seed: u64| {
        let service = Service::new(Options {
            seed,
            start: Some(1_900_000_000_000),
            ..Options::default()
        });
        service.create(json!([service.asset(AIR, "A")])).await;
        (service.get(LIST).await, service.simulator.world_json())
    };
    assert_eq!(run(4).await, run(4).await);
    assert_ne!(run(4).await, run(5).await);
}
