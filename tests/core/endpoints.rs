//! Endpoints are data: the client can also call these four, which it does not define.

use std::sync::{Arc, Mutex};

use acc_assets::api::{Call, Endpoint, Items, Paging, Path, RequestBody, ResponseBody, Rows, relationships};
use acc_assets::call::Session;
use acc_assets::http::send::{Method, Request, Response, Sending};
use acc_assets::http::{Auth, Caller, Replay, Stop, Token, Transport, no_observer};
use acc_assets::options::{Options, RateGroup};
use serde_json::{Value, json};

const HUB_READS: RateGroup = RateGroup {
    name: "hubs",
    requests: 50,
};

const HUBS: Endpoint = Endpoint {
    name: "hubs",
    method: Method::Get,
    path: Path::new("/project/v1/hubs"),
    group: &HUB_READS,
    region_header: Some("region"),
    auth: Auth::Bearer,
    replay: Replay::Safe,
    body: RequestBody::None,
    response: ResponseBody::Rows(Rows {
        member: Some("data"),
        paging: Paging::One,
        filters: &[],
    }),
};

const INTERSECT: Endpoint = Endpoint {
    name: "relationships:intersect",
    method: Method::Post,
    path: Path::new("/bim360/relationship/v2/containers/{project}/relationships:intersect"),
    body: RequestBody::Json,
    ..relationships::SEARCH
};

const INTROSPECT: Endpoint = Endpoint {
    name: "introspect",
    method: Method::Post,
    path: Path::new("/authentication/v2/introspect"),
    group: &HUB_READS,
    region_header: None,
    auth: Auth::None,
    replay: Replay::Safe,
    body: RequestBody::Json,
    response: ResponseBody::One,
};

/// Returns these responses in turn and records the requests.
#[derive(Clone, Default)]
struct Scripted {
    responses: Arc<Mutex<Vec<(u16, Value)>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Transport for Scripted {
    fn send(&self, request: Request) -> Sending<'_> {
        self.requests.lock().unwrap().push(request);
        let (status, body) = self.responses.lock().unwrap().remove(0);
        let response = Response {
            status,
            headers: Vec::new(),
            body: body.to_string().into(),
        };
        Box::pin(async move { Ok(response) })
    }
}

fn session(responses: &[(u16, Value)]) -> (Session, Scripted) {
    let service = Scripted::default();
    *service.responses.lock().unwrap() = responses.to_vec();
    let options = Options {
        base_url: "http://localhost".into(),
        region: Some("EMEA".into()),
        ..Options::default()
    };
    let caller = Caller::alone(Box::new(service.clone()), Token::fixed("token"), options);
    (Session::new(Arc::new(caller), Stop::default()), service)
}

/// The method, URL without host, and body of each request.
fn sent(service: &Scripted) -> Vec<(&'static str, String, Value)> {
    let requests = service.requests.lock().unwrap();
    let sent = requests.iter().map(|request| {
        let address = request.url.strip_prefix("http://localhost").unwrap();
        let body = request
            .body
            .as_deref()
            .map_or(Value::Null, |body| serde_json::from_slice(body).unwrap());
        (request.method.as_str(), address.to_owned(), body)
    });
    sent.collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_of_another_api_is_read() {
    let (session, service) = session(&[(200, json!({"data": [{"id": "b.1"}, {"id": "b.2"}]}))]);
    let call = session
        .to(&HUBS, &[])
        .unwrap()
        .with_query([("filter[id]", "b.1")]);
    let hubs = session.pages(call).rows(str::to_owned).await.unwrap();
    assert_eq!(hubs, [r#"{"id":"b.1"}"#, r#"{"id":"b.2"}"#]);
    assert_eq!(
        sent(&service),
        [("GET", "/project/v1/hubs?filter%5Bid%5D=b.1".into(), Value::Null)]
    );
    let requests = service.requests.lock().unwrap();
    assert_eq!(requests[0].header("region"), Some("EMEA"));
    assert_eq!(requests[0].header("authorization"), Some("Bearer token"));
}

#[tokio::test(start_paused = true)]
async fn a_post_list_sends_its_body_with_each_page() {
    let page = |id: &str, token: Option<&str>| {
        (
            200,
            json!({"relationships": [{"id": id}], "page": {"continuationToken": token}}),
        )
    };
    let (session, service) = session(&[page("r1", Some("next")), (503, json!({})), page("r2", None)]);
    let asked = json!({"entities": [{"domain": "autodesk-bim360-asset", "type": "asset", "id": "a"}]});
    let call = session.to(&INTERSECT, &[("project", "c")]).unwrap();
    let mut pages = session.pages(call.with_body(asked.to_string()));
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        ids.extend(page.texts().map(str::to_owned));
    }
    assert_eq!(ids, [r#"{"id":"r1"}"#, r#"{"id":"r2"}"#]);
    let path = "/bim360/relationship/v2/containers/c/relationships:intersect";
    let second = format!("{path}?continuationToken=next");
    assert_eq!(
        sent(&service),
        [
            ("POST", path.to_owned(), asked.clone()),
            ("POST", second.clone(), asked.clone()),
            ("POST", second, asked),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_without_token_is_not_retried_after_401() {
    for (status, sent) in [(200, 1), (401, 1), (429, 2)] {
        let (session, service) = session(&[(status, json!({"active": true})), (200, json!({}))]);
        let call = Call::new(&INTROSPECT, &[]).unwrap().with_body("{}");
        let outcome = session.call(&call, &no_observer, &Ok).await;
        assert_eq!(outcome.result.is_ok(), status != 401);
        let requests = service.requests.lock().unwrap();
        assert_eq!(requests.len(), sent, "{status}");
        for request in &*requests {
            assert_eq!(request.header("authorization"), None);
            assert_eq!(request.header("x-ads-region"), None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_names_a_missing_path_parameter() {
    let (session, service) = session(&[]);
    let error = session
        .to(&INTERSECT, &[("container", "c")])
        .unwrap_err()
        .to_string();
    assert!(error.contains("`project` is missing"), "{error}");
    assert!(sent(&service).is_empty());
}

#[test]
fn every_list_and_write_is_in_the_tables() {
    use acc_assets::api::{LISTS, RATE_GROUPS, WRITES, check_limits, list_of, write_of};
    use acc_assets::options::Limits;

    let endpoints = LISTS
        .iter()
        .copied()
        .chain(WRITES.iter().map(|(_, write)| &write.endpoint));
    for endpoint in endpoints {
        assert!(RATE_GROUPS.contains(&endpoint.group), "{}", endpoint.name);
        let Items { most, .. } = endpoint.items();
        assert!(most >= 1, "{}", endpoint.name);
    }
    assert!(list_of("nothing").unwrap_err().to_string().contains("`nothing`"));
    assert!(write_of("list").is_err_and(|error| error.to_string().contains("`list`")));
    let of = |limits: &Limits| -> Vec<u32> { RATE_GROUPS.iter().map(|group| limits.of(group)).collect() };
    let mut limits = Limits::default();
    assert_eq!(of(&limits), [1000, 100, 120, 200, u32::MAX]);
    limits.requests.insert("locations".into(), 7);
    assert_eq!(of(&limits), [1000, 100, 120, 7, u32::MAX]);
    check_limits(&limits).unwrap();
    limits.requests.insert("asset_reads".into(), 7);
    assert!(
        check_limits(&limits)
            .unwrap_err()
            .to_string()
            .contains("asset_reads")
    );
}
