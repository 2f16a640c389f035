//! The simulator responds to any request with a documented status, and changes nothing that it did not accept.

use acc_assets::http::send::Method;
use acc_assets::simulator::contract::{ENDPOINTS, SWITCHES, Service as Api};
use acc_assets::simulator::{GroupLimits, Options};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::harness::Service;

const WORDS: [&str; 16] = [
    "ids",
    "names",
    "id",
    "entities",
    "domain",
    "autodesk-bim360-asset",
    "asset",
    "clientAssetId",
    "categoryId",
    "3",
    "statusId",
    "customAttributes",
    "ca2",
    "00000000-0000-4000-8000-000000000000",
    "2031-02-28",
    "ü%2\u{0}..",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(WORDS.as_slice()).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((proptest::sample::select(WORDS.as_slice()), inner), 0..5).prop_map(
                |pairs| {
                    Value::Object(
                        pairs
                            .into_iter()
                            .map(|(name, value)| (name.to_owned(), value))
                            .collect(),
                    )
                }
            ),
        ]
    })
}

fn any_query() -> impl Strategy<Value = String> {
    let names = [
        "limit",
        "cursorState",
        "sort",
        "filter[categoryId]",
        "filter[updatedAt]",
        "filter[customAttributes][ca2]",
        "filter[customAttributes][ca3",
        "filter[maxDepth]",
        "includeDeleted",
        "type",
        "domain",
        "continuationToken",
        "pageLimit",
        "offset",
        "filter[id]",
    ];
    let values = [
        "",
        "0",
        "1",
        "-1",
        "99999999999999999999",
        "..",
        "a..b",
        "true",
        "e30=",
        "bnVsbA==",
        "%zz",
        "ca2 desc",
    ];
    let pair = (
        proptest::sample::select(names.to_vec()),
        proptest::sample::select(values.to_vec()),
    );
    proptest::collection::vec(pair, 0..4).prop_map(|pairs| {
        pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn any_request_gets_a_documented_status(
        body in any_json(),
        query in any_query(),
        endpoint in 0..ENDPOINTS.len(),
        switches in proptest::collection::vec((0..SWITCHES.len(), 0_usize..4), 0..4),
    ) {
        let unlimited = GroupLimits { assets_read: 9, assets_write: 9, relationships: 9, locations: 9 };
        let service = Service::new(Options { limits: unlimited, ..Options::default() });
        for (switch, value) in switches {
            let (name, values, _) = SWITCHES[switch];
            let value = values[value % values.len()];
            if name != "rate_scale" {
                service.set(name, if value == "<n>" { "1" } else { value });
            }
        }
        let endpoint = &ENDPOINTS[endpoint];
        let prefix = match endpoint.service {
            Api::Assets => "/bim360/assets",
            Api::Relationships => "/bim360/relationship/v2",
            Api::Locations => "/construction/locations/v2",
            Api::LocationContainers => "/bim360/locations/v2",
        };
        let path = endpoint.path.replacen("{}", "{p}", 1).replacen("{}", "3", 1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let request = service.request(endpoint.method, &format!("{prefix}{path}?{query}"), Some(&body));
        let (status, answer, _) = runtime.block_on(service.send(request));
        prop_assert!([200, 201, 204, 400, 403, 404, 409, 413, 502, 504].contains(&status), "{status} {answer}");
        if status == 400 {
            prop_assert!(answer["errorCode"].is_string() || answer["type"].is_string(), "{answer}");
        }
        let audit = service.simulator.audit();
        let counted = usize::try_from(audit.assets_created).expect("a small number");
        prop_assert_eq!(counted, service.simulator.assets().as_array().map_or(0, Vec::len));
    }
}

#[tokio::test]
async fn a_batch_is_applied_completely_or_not_at_all() {
    let service = Service::new(Options::default());
    let good = service.created(service.asset("Pumps", "P")).await;
    let before = service.simulator.assets();
    let bad = json!({ good.as_str(): { "description": "x" }, "00000000-0000-4000-8000-000000000000": {} });
    let request = service.request(Method::Patch, "v2/projects/{p}/assets:batch-patch", Some(&bad));
    assert_eq!(service.send(request).await.0, 400);
    for body in [
        json!({}),
        json!({ "items": [] }),
        json!("x"),
        json!([1]),
        json!([service.asset("Pumps", "Q"), {}]),
    ] {
        assert_eq!(service.create(body).await.0, 400);
    }
    let patch = service.request(
        Method::Patch,
        "v2/projects/{p}/assets:batch-patch",
        Some(&json!([{}])),
    );
    assert_eq!(service.send(patch).await.0, 400);
    assert_eq!(
        service
            .post("v2/projects/{p}/assets:batch-delete", json!([good]))
            .await
            .0,
        400
    );
    assert_eq!(service.simulator.assets(), before);
}
