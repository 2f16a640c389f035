//! The replaying transport is strict: it returns the recorded response, and reports each kind of difference.

use acc_assets::http::send::Method;
use acc_assets::http::{Request, Response, Transport};

use crate::recorded::{PROJECT, Recorded, expected_body, load};

/// The recorded request with this name, as sent by a client.
fn request(name: &str) -> Request {
    let recording = load(name);
    let recorded = &recording["request"];
    let path = recorded["path"]
        .as_str()
        .expect("a path")
        .replace(":projectId", PROJECT);
    let query: Vec<String> = recorded["query"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let header = |name: &str| recorded["headers"][name].as_str().unwrap_or_default().to_owned();
    Request {
        method: match recorded["method"].as_str() {
            Some("GET") => Method::Get,
            Some("PUT") => Method::Put,
            Some("PATCH") => Method::Patch,
            _ => Method::Post,
        },
        url: format!("https://host.invalid{path}?{}", query.join("&")),
        headers: vec![
            ("authorization", header("authorization")),
            ("content-type", header("content-type")),
        ],
        body: Some(expected_body(&recording).to_string().into()),
    }
}

async fn send(transport: &Recorded, request: Request) -> Response {
    transport.send(request).await.expect("a replay always answers")
}

#[tokio::test]
async fn the_recorded_request_gets_the_recorded_response() {
    let names = [
        "batch-create",
        "batch-patch",
        "batch-get",
        "batch-delete",
        "relationships-delete",
    ];
    let transport = Recorded::new(&names, None, PROJECT);
    for name in names {
        let answer = send(&transport, request(name)).await;
        assert_eq!(u64::from(answer.status), load(name)["answer"]["status"], "{name}");
    }
    assert_eq!(transport.problems(), Vec::<String>::new());
}

#[tokio::test]
async fn an_odd_response_is_replayed_as_printed() {
    let transport = Recorded::new(&["batch-patch"], None, PROJECT);
    let answer = send(&transport, request("batch-patch")).await;
    let body = std::str::from_utf8(&answer.body).expect("text");
    assert!(
        body.contains(r#""version":"2,""#) && body.contains(r#""isActive":"true,""#),
        "{body}"
    );
}

#[tokio::test]
async fn differences_are_reported() {
    type Change = fn(&mut Request);
    let changes: [(Change, &str); 5] = [
        (|request| request.method = Method::Put, "+ /method: \"PUT\""),
        (
            |request| request.url = request.url.replace("v2", "v1"),
            "/assets/v1/",
        ),
        (|request| request.url.push_str("x=1"), "+ /query/x: \"1\""),
        (
            |request| request.headers.push(("x-ads-region", "US".into())),
            "+ /headers/x-ads-region: \"US\"",
        ),
        (
            |request| request.body = Some(r#"{"ids":["a"]}"#.into()),
            "+ /body/ids/0: \"a\"",
        ),
    ];
    for (change, named) in changes {
        let transport = Recorded::new(&["batch-delete"], None, PROJECT);
        let mut request = request("batch-delete");
        change(&mut request);
        assert_eq!(send(&transport, request).await.status, 400);
        let problems = transport.problems();
        assert!(problems[0].contains(named), "{}", problems[0]);
        assert_eq!(problems[1], "never asked for: \"batch-delete\"");
    }
}

#[tokio::test]
async fn the_prefix_and_the_project_are_those_of_the_test() {
    let transport = Recorded::new(&["batch-delete"], Some("construction"), "b.f6a1");
    let mut request = request("batch-delete");
    request.url = request
        .url
        .replace("/bim360/", "/construction/")
        .replace(PROJECT, "b.f6a1");
    assert_eq!(send(&transport, request).await.status, 204);
    assert_eq!(transport.problems(), Vec::<String>::new());
}
