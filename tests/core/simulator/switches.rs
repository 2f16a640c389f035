//! Every switch has its described effect. The first value of a switch is the default.

use std::time::Duration;

use acc_assets::http::send::Method;
use acc_assets::simulator::contract::SWITCHES;
use acc_assets::simulator::{Options, Simulator};
use serde_json::{Value, json};

use super::harness::{Service, codes, text};

const AIR: &str = "Air Handling";
const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

#[test]
fn an_unknown_switch_or_value_lists_the_valid_ones() {
    let simulator = Simulator::new(Options::default()).expect("the defaults are valid");
    let error = simulator
        .set_switch("over_limits", "400")
        .expect_err("no such switch");
    assert!(
        error.contains("over_limits") && error.contains("over_limit,"),
        "{error}"
    );
    let error = simulator
        .set_switch("over_limit", "500")
        .expect_err("no such value");
    assert!(error.contains("400 | 413 | silent | accept"), "{error}");
    for bad in ["-1", "nan", "", "<n>"] {
        assert!(simulator.set_switch("inject_409", bad).is_err(), "{bad}");
    }
    for (name, values, _) in SWITCHES {
        for value in *values {
            let value = if *value == "<n>" { "1" } else { value };
            simulator.set_switch(name, value).expect("every listed value");
        }
        assert_eq!(
            SWITCHES.iter().filter(|(other, ..)| other == name).count(),
            1,
            "{name}"
        );
    }
    let options = Options {
        switches: vec![("nope".into(), "1".into())],
        ..Options::default()
    };
    assert!(Simulator::new(options).is_err());
}

#[tokio::test]
async fn batch_error_shape() {
    let body = |service: &Service| json!([service.asset(AIR, "ok"), service.asset_with(AIR, "bad", "statusId", json!(UNKNOWN)), { "x": 1 }]);
    let service = Service::new(Options::default());
    let (status, answer) = service.create(body(&service)).await;
    assert_eq!((status, &answer["errorCode"]), (400, &json!("VALIDATION_FAILED")));
    assert_eq!(
        codes(&answer),
        [
            "STATUS_NOT_IN_CATEGORY",
            "UNKNOWN_FIELD",
            "REQUIRED_FIELD_MISSING",
            "REQUIRED_FIELD_MISSING",
            "REQUIRED_FIELD_MISSING"
        ]
    );
    assert_eq!(
        answer["errors"][0]["errorMetadata"],
        json!({ "fieldName": "statusId", "index": 1 })
    );
    assert_eq!(service.simulator.audit().assets_created, 0, "all or nothing");

    service.set("batch_error_shape", "list_index_from_1");
    let (_, answer) = service.create(body(&service)).await;
    assert_eq!(answer["errors"][0]["errorMetadata"]["index"], json!(2));
    service.set("batch_error_shape", "list_id");
    let (_, answer) = service.create(body(&service)).await;
    assert_eq!(answer["errors"][0]["errorMetadata"]["id"], json!("bad"));
    service.set("batch_error_shape", "first_only");
    assert_eq!(
        codes(&service.create(body(&service)).await.1),
        ["STATUS_NOT_IN_CATEGORY"]
    );
    service.set("batch_error_shape", "single_object");
    let (_, answer) = service.create(body(&service)).await;
    assert_eq!(
        (&answer["errorCode"], answer.get("errors")),
        (&json!("STATUS_NOT_IN_CATEGORY"), None)
    );
}

#[tokio::test]
async fn over_limit_and_empty_batch() {
    let service = Service::new(Options::default());
    let many: Value = (0..101)
        .map(|index| service.asset(AIR, &format!("A{index}")))
        .collect();
    let (status, body) = service.create(many.clone()).await;
    assert_eq!((status, &body["errorCode"]), (400, &json!("BATCH_TOO_LARGE")));
    service.set("over_limit", "413");
    assert_eq!(service.create(many.clone()).await.0, 413);
    service.set("over_limit", "silent");
    let (status, body) = service.create(many.clone()).await;
    assert_eq!((status, &body["errorCode"]), (400, &json!("MALFORMED_REQUEST")));
    service.set("over_limit", "400");
    service.set("max_items", "50");
    let some = |count| -> Value {
        (0..count)
            .map(|index| service.asset(AIR, &format!("B{index}")))
            .collect()
    };
    let (status, body) = service.create(some(51)).await;
    assert_eq!((status, &body["errorCode"]), (400, &json!("BATCH_TOO_LARGE")));
    assert!(text(&body["detail"]).contains("at most 50"), "{body}");
    assert_eq!(service.create(some(50)).await.0, 201);
    service.set("max_items", "none");
    service.set("over_limit", "accept");
    assert_eq!(service.create(many).await.0, 201);

    assert_eq!(service.create(json!([])).await.0, 400);
    assert_eq!(service.delete(json!([])).await.0, 400);
    assert_eq!(
        service
            .post("v2/projects/{p}/assets:batch-get", json!({}))
            .await
            .0,
        400
    );
    service.set("empty_batch", "accept");
    assert_eq!(service.create(json!([])).await, (201, json!({ "results": [] })));
    assert_eq!(service.delete(json!([])).await.0, 204);
    assert_eq!(
        service
            .post("v2/projects/{p}/assets:batch-get", json!({}))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn duplicate_ids() {
    let service = Service::new(Options::default());
    let id = service.created(service.asset(AIR, "A")).await;
    let path = "v2/projects/{p}/assets:batch-get";
    let twice = json!({ "ids": [id, id] });
    assert_eq!(
        service.post(path, twice.clone()).await.1["results"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    service.set("duplicate_ids", "repeat");
    assert_eq!(
        service.post(path, twice.clone()).await.1["results"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    service.set("duplicate_ids", "400");
    assert_eq!(service.post(path, twice).await.0, 400);
}

#[tokio::test]
async fn list_parameters() {
    let service = Service::new(Options::default());
    let cases = [
        ("limit_over", "clamp", "?limit=201"),
        ("bad_cursor", "restart", "?cursorState=nonsense"),
        ("bad_sort", "ignore", "?sort=nonsense"),
    ];
    for (switch, value, query) in cases {
        let path = format!("v2/projects/{{p}}/assets{query}");
        assert_eq!(service.get(&path).await.0, 400, "{switch}");
        service.set(switch, value);
        assert_eq!(service.get(&path).await.0, 200, "{switch}");
    }
    let path = "v2/projects/{p}/assets?filter[customAttributes][ca1]=x&nonsense=1";
    assert_eq!(service.get(path).await.0, 200);
    service.set("unknown_query", "400");
    assert_eq!(service.get(path).await.0, 400);
    assert_eq!(
        service
            .get("v2/projects/{p}/assets?filter[customAttributes][ca1]=x")
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn list_sort() {
    let service = Service::new(Options::default());
    service
        .create(["B", "C", "A"].map(|name| service.asset(AIR, name)).into())
        .await;
    let names = async || {
        let (_, body) = service
            .get("v2/projects/{p}/assets?sort=clientAssetId desc")
            .await;
        let results = body["results"].as_array().expect("a list").iter();
        results
            .map(|asset| text(&asset["clientAssetId"]))
            .collect::<String>()
    };
    assert_eq!(names().await, "CBA");
    service.set("list_sort", "ignored");
    service.created(service.asset(AIR, "D")).await;
    assert_eq!(names().await, "BCAD");
}

#[tokio::test]
async fn blanks_and_empty_texts() {
    let service = Service::new(Options::default());
    let mut item = service.asset(AIR, " A ");
    item["description"] = json!("");
    item["barcode"] = json!("");
    item["customAttributes"] = json!({ "ca1": "" });
    let (_, body) = service.create(json!([item])).await;
    let kept = &body["results"][0];
    assert_eq!(
        (&kept["clientAssetId"], &kept["description"], &kept["barcode"]),
        (&json!(" A "), &json!(""), &json!(""))
    );
    assert_eq!(kept["customAttributes"], json!({ "ca1": "" }));
    assert_eq!(service.create(json!([service.asset(AIR, " ")])).await.0, 201);

    service.set("client_asset_id_trim", "on");
    service.set("empty_text", "cleared");
    let (_, body) = service.create(json!([item])).await;
    let cleared = &body["results"][0];
    assert_eq!(
        (
            &cleared["clientAssetId"],
            cleared.get("description"),
            cleared.get("barcode")
        ),
        (&json!("A"), None, None)
    );
    assert_eq!(cleared["customAttributes"], json!({}));
    assert_eq!(service.create(json!([service.asset(AIR, " ")])).await.0, 400);
}

#[tokio::test]
async fn fields_of_an_asset() {
    let service = Service::new(Options::default());
    let status = async |item: Value| service.create(json!([item])).await.0;
    let barcode = service.asset_with(AIR, "A", "barcode", json!("0086"));
    assert_eq!(status(barcode.clone()).await, 201);
    assert_eq!(status(barcode.clone()).await, 201);
    service.set("barcode_unique", "409");
    assert_eq!(status(barcode.clone()).await, 409);
    service.set("barcode_unique", "off");

    for (switch, field) in [
        ("client_asset_id_max", "clientAssetId"),
        ("barcode_max", "barcode"),
    ] {
        let long = |count| service.asset_with(AIR, "A", field, json!("ü".repeat(count)));
        assert_eq!(status(long(100)).await, 201, "{field}");
        let (code, body) = service.create(json!([long(101)])).await;
        assert_eq!(
            (code, codes(&body)),
            (400, vec!["FIELD_EXCEEDS_MAX_LENGTH"]),
            "{field}"
        );
        service.set(switch, "5");
        assert_eq!(status(long(6)).await, 400, "{field}");
        service.set(switch, "none");
        assert_eq!(status(long(300)).await, 201, "{field}");
    }
    assert_eq!(status(service.asset(AIR, "")).await, 400);
    let (code, body) = service
        .create(json!([service.asset_with(
            AIR,
            "A",
            "description",
            json!("d".repeat(1001))
        )]))
        .await;
    assert_eq!((code, codes(&body)), (400, vec!["FIELD_EXCEEDS_MAX_LENGTH"]));
    assert_eq!(
        body["errors"][0]["errorMetadata"],
        json!({ "fieldName": "description", "maxStringLength": 1000, "index": 0 })
    );
    for bad in [
        json!(3),
        json!("03"),
        json!("+3"),
        json!("3.0"),
        json!("HVAC"),
        json!("999"),
    ] {
        let item = service.asset_with(AIR, "A", "categoryId", bad.clone());
        assert_eq!(status(item).await, 400, "{bad}");
    }

    let cases = [
        (
            "unknown_field",
            "ignore",
            service.asset_with(AIR, "A", "serialNumber", json!("1")),
        ),
        (
            "unknown_ca",
            "ignore",
            service.asset_with(AIR, "A", "customAttributes", json!({ "ca7": "x" })),
        ),
        (
            "foreign_location",
            "accept",
            service.asset_with(AIR, "A", "locationId", json!(UNKNOWN)),
        ),
        (
            "date_timestamp",
            "truncate",
            service.asset_with(
                AIR,
                "A",
                "customAttributes",
                json!({ "ca3": "2031-02-28T10:00:00Z" }),
            ),
        ),
        ("required", "off", service.asset("Sprinklers", "S")),
    ];
    for (switch, value, item) in cases {
        assert_eq!(status(item.clone()).await, 400, "{switch}");
        service.set(switch, value);
        assert_eq!(status(item).await, 201, "{switch}");
    }
    assert_eq!(status(service.asset("ROOT", "R")).await, 201);
    service.set("root_category", "400");
    assert_eq!(status(service.asset("ROOT", "R")).await, 400);
    assert_eq!(
        status(service.asset("Legacy Equipment", "L")).await,
        400,
        "inactive"
    );
}

#[tokio::test]
async fn null_in_a_patch() {
    let full = |service: &Service| {
        let mut asset = service.asset(AIR, "A");
        asset["description"] = json!("text");
        asset["customAttributes"] = json!({ "ca1": "Acme", "ca2": "1.5" });
        asset
    };
    let change = json!({ "description": null, "customAttributes": { "ca1": null } });
    let service = Service::new(Options::default());
    let id = service.created(full(&service)).await;
    let (status, body) = service.patch(&id, change.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(body[&id].get("description"), None);
    assert_eq!(body[&id]["customAttributes"], json!({ "ca2": "1.5" }));
    assert_eq!(service.patch(&id, json!({ "statusId": null })).await.0, 400);

    let service = Service::with("patch_null", "ignore");
    let id = service.created(full(&service)).await;
    let (_, body) = service.patch(&id, change.clone()).await;
    assert_eq!(body[&id]["description"], json!("text"));
    assert_eq!(body[&id]["customAttributes"]["ca1"], json!("Acme"));
    service.set("patch_null", "reject");
    assert_eq!(service.patch(&id, change).await.0, 400);
}

#[tokio::test]
async fn attribute_values() {
    for (value, read) in [
        ("as_sent", json!(6.5)),
        ("number", json!(6.5)),
        ("string", json!("6.5")),
    ] {
        let service = Service::with("numeric_read", value);
        let asset = service.asset_with(AIR, "A", "customAttributes", json!({ "ca2": 6.5 }));
        let (_, body) = service.create(json!([asset])).await;
        assert_eq!(body["results"][0]["customAttributes"]["ca2"], read, "{value}");
    }
    let service = Service::with("numeric_read", "number");
    let asset = service.asset_with(AIR, "A", "customAttributes", json!({ "ca2": "6.5" }));
    let (_, body) = service.create(json!([asset])).await;
    assert_eq!(body["results"][0]["customAttributes"]["ca2"], json!(6.5));

    let service = Service::new(Options::default());
    let (select, several) = (
        service.choice(AIR, "Filter Class", 0),
        service.choice(AIR, "Functions", 1),
    );
    let good = json!({ "ca1": "Acme", "ca2": "12.5", "ca3": "2031-02-28", "ca4": true, "ca5": select, "ca6": [several] });
    let asset = service.asset_with(AIR, "A", "customAttributes", good.clone());
    assert_eq!(
        service.create(json!([asset])).await.1["results"][0]["customAttributes"],
        good
    );
    for (name, value) in [
        ("ca1", json!(1)),
        ("ca1", json!("x".repeat(251))),
        ("ca2", json!("12,5")),
        ("ca2", json!("inf")),
        ("ca3", json!("2031-02-30")),
        ("ca3", json!("28.02.2031")),
        ("ca4", json!("true")),
        ("ca5", json!("G4")),
        ("ca5", json!([select])),
        ("ca6", json!(several)),
        ("ca6", json!([select])),
    ] {
        let asset = service.asset_with(AIR, "A", "customAttributes", json!({ name: value }));
        let (status, body) = service.create(json!([asset])).await;
        assert_eq!((status, codes(&body).len()), (400, 1), "{name} {value}");
    }
}

#[tokio::test]
async fn required_and_defaults() {
    let service = Service::new(Options::default());
    let (status, body) = service.create(json!([service.asset("Sprinklers", "S")])).await;
    assert_eq!(
        (status, codes(&body)),
        (400, vec!["REQUIRED_CUSTOM_ATTRIBUTE_MISSING"])
    );
    let id = service
        .created(service.asset_with("Sprinklers", "S", "customAttributes", json!({ "ca9": "I" })))
        .await;
    assert_eq!(service.patch(&id, json!({ "description": "x" })).await.0, 200);
    assert_eq!(
        service
            .patch(&id, json!({ "customAttributes": { "ca9": null } }))
            .await
            .0,
        200
    );
    service.set("required", "create_and_patch");
    assert_eq!(
        service
            .patch(&id, json!({ "customAttributes": { "ca9": null } }))
            .await
            .0,
        400
    );

    let (_, body) = service.create(json!([service.asset("Outlets", "O")])).await;
    assert_eq!(
        body["results"][0]["customAttributes"],
        json!({ "ca7": service.choice("Outlets", "Voltage", 2) })
    );
    service.set("fill_defaults", "off");
    let (_, body) = service.create(json!([service.asset("Outlets", "O")])).await;
    assert_eq!(body["results"][0]["customAttributes"], json!({}));
}

#[tokio::test]
async fn a_patched_category() {
    let service = Service::new(Options::default());
    let id = service
        .created(service.asset_with(AIR, "A", "customAttributes", json!({ "ca1": "x", "ca2": "1" })))
        .await;
    let lighting = service.category("Lighting");
    let status = json!({ "categoryId": lighting["id"] });
    let (code, body) = service.patch(&id, status.clone()).await;
    assert_eq!((code, codes(&body)[0]), (400, "STATUS_NOT_IN_CATEGORY"));
    assert_eq!(codes(&body).len(), 3, "and two foreign attributes");
    service.set("category_change", "drop_foreign");
    let with_status = json!({ "categoryId": lighting["id"], "statusId": lighting["statuses"][1]["id"] });
    let (code, body) = service.patch(&id, with_status).await;
    assert_eq!((code, &body[&id]["customAttributes"]), (200, &json!({})));
    service.set("category_change", "keep");
    let (code, body) = service
        .patch(&id, json!({ "categoryId": service.category(AIR)["id"] }))
        .await;
    assert_eq!(
        (code, &body[&id]["statusId"]),
        (200, &lighting["statuses"][1]["id"])
    );
}

#[tokio::test]
async fn unknown_and_deleted_assets() {
    let service = Service::new(Options::default());
    let kept = service.created(service.asset(AIR, "K")).await;
    let (status, body) = service.delete(json!([kept, UNKNOWN])).await;
    assert_eq!((status, codes(&body)), (400, vec!["ASSET_NOT_FOUND"]));
    assert_eq!(service.simulator.audit().assets_deleted, 0, "all or nothing");
    service.set("unknown_asset", "404");
    assert_eq!(service.delete(json!([UNKNOWN])).await.0, 404);
    assert_eq!(service.patch(UNKNOWN, json!({})).await.0, 404);

    assert_eq!(service.delete(json!([kept])).await.0, 204);
    for (value, status) in [("400", 400), ("404", 404), ("409", 409)] {
        service.set("deleted_asset", value);
        assert_eq!(service.delete(json!([kept])).await.0, status);
        assert_eq!(
            service.patch(&kept, json!({ "description": "x" })).await.0,
            status
        );
    }
    service.set("deleted_asset", "accept");
    assert_eq!(service.delete(json!([kept])).await.0, 204);
    let (status, body) = service.patch(&kept, json!({ "description": "x" })).await;
    assert_eq!((status, &body[&kept]["isActive"]), (200, &json!(false)));
    assert_eq!(service.simulator.audit().assets_deleted, 1);
}

#[tokio::test(start_paused = true)]
async fn order_lag_and_conflicts() {
    let service = Service::with("result_order", "shuffled");
    let many: Value = (0..50)
        .map(|index| service.asset(AIR, &format!("{index:02}")))
        .collect();
    let (_, body) = service.create(many).await;
    let names: Vec<String> = body["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|asset| text(&asset["clientAssetId"]))
        .collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_ne!(names, sorted);
    assert_eq!(
        (sorted.len(), sorted[0].as_str(), sorted[49].as_str()),
        (50, "00", "49")
    );

    let service = Service::with("read_lag_ms", "1500");
    service.created(service.asset(AIR, "A")).await;
    let seen = async || {
        service.get("v2/projects/{p}/assets").await.1["results"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(seen().await, Some(0));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(seen().await, Some(1));

    service.set("inject_409", "1");
    let (status, body) = service.create(json!([service.asset(AIR, "B")])).await;
    assert_eq!((status, &body["errorCode"]), (409, &json!("CONFLICT")));
    assert_eq!(service.simulator.audit().assets_created, 1);
}

#[tokio::test]
async fn projects_scopes_and_regions() {
    let service = Service::new(Options::default());
    let foreign = text(&service.simulator.world_json()["foreign_project_id"]);
    let foreign = format!("v2/projects/{foreign}/assets");
    assert_eq!(service.get(&foreign).await.0, 403);
    service.set("foreign_project", "404");
    assert_eq!(service.get(&foreign).await.0, 404);
    assert_eq!(service.get(&format!("v2/projects/{UNKNOWN}/assets")).await.0, 404);

    service
        .simulator
        .accept_token("narrow", "AAAABBBBCCCC", Some(vec!["data:write".into()]));
    let item = json!([service.asset(AIR, "A")]);
    let narrow = || {
        let mut request = service.request(Method::Post, "v2/projects/{p}/assets:batch-create", Some(&item));
        request.headers[0].1 = "Bearer narrow".into();
        request
    };
    let (status, body, _) = service.send(narrow()).await;
    assert_eq!((status, &body["errorCode"]), (403, &json!("AUTH-010")));
    service.set("scope_enforcement", "lax");
    let (status, body, _) = service.send(narrow()).await;
    assert_eq!(
        (status, &body["results"][0]["createdBy"]),
        (201, &json!("AAAABBBBCCCC"))
    );

    for (switch, path) in [
        ("assets_region", "v2/projects/{p}/assets"),
        (
            "region_header",
            "/bim360/relationship/v2/containers/{p}/relationships:search",
        ),
    ] {
        let ask = async |region: Option<&str>| {
            let mut request = service.request(Method::Get, path, None);
            request
                .headers
                .extend(region.map(|region| ("x-ads-region", region.to_owned())));
            let (status, body, _) = service.send(request).await;
            (status, body)
        };
        assert_eq!(ask(None).await.0, 200);
        service.set(switch, "required");
        let (status, body) = ask(None).await;
        assert_eq!((status, &body["errorCode"]), (403, &json!("AUTH-001")));
        assert_eq!(ask(Some("EMEA")).await.0, 403);
        assert_eq!(ask(Some("US")).await.0, 200);
    }
}

#[tokio::test]
async fn next_url() {
    let service = Service::new(Options::default());
    service
        .create(json!([service.asset(AIR, "A"), service.asset(AIR, "B")]))
        .await;
    let project = &service.project;
    let query = "?limit=1&filter%5BcategoryId%5D=3";
    let (_, body) = service.get(&format!("v2/projects/{{p}}/assets{query}")).await;
    let url = text(&body["pagination"]["nextUrl"]);
    let start =
        format!("http://simulator/construction/assets/v2/projects/{project}/assets{query}&cursorState=");
    assert!(url.starts_with(&start), "{url}");
    let (_, next) = service.get(url.trim_start_matches("http://simulator")).await;
    assert_eq!(next["results"][0]["clientAssetId"], json!("B"));
    assert_eq!(next["pagination"].get("nextUrl"), None);
    service.set("next_url", "misprinted");
    let (_, body) = service.get("v2/projects/{p}/assets?limit=1").await;
    assert!(text(&body["pagination"]["nextUrl"]).contains("/v1/projects/"));
    let (_, body) = service.get("v1/projects/{p}/custom-attributes?limit=1").await;
    assert!(text(&body["pagination"]["nextUrl"]).contains(&format!("{project}/assets?")));
}

#[tokio::test]
async fn deleted_settings() {
    let service = Service::new(Options::default());
    let (id, user) = (
        service.simulator.edit_world(|world| world.attributes[0].id),
        "x".into(),
    );
    service
        .simulator
        .edit_world(|world| world.edit_attribute(id, |attribute| attribute.stamp.deleted = Some((0, user))));
    let count = async |query: &str| {
        let path = format!("v1/projects/{{p}}/custom-attributes:batch-get{query}");
        service
            .post(&path, json!({ "ids": [id], "names": ["ca2"] }))
            .await
            .1["results"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(
        (count("").await, count("?includeDeleted=true").await),
        (Some(1), Some(2))
    );
    service.set("settings_deleted", "return");
    assert_eq!(count("").await, Some(2));
}

#[tokio::test]
async fn settings_that_are_taken_removed_or_in_use() {
    let service = Service::new(Options::default());
    let lists = [
        "status-step-sets",
        "custom-attributes",
        "categories",
        "asset-statuses",
    ];
    let ids = async |list: &str| service.get(&format!("v1/projects/{{p}}/{list}")).await.1["results"].clone();
    let set = ids("status-step-sets").await[1]["id"].clone();
    let taken = [
        json!({ "name": "Energisation", "values": [] }),
        json!({ "displayName": "Voltage", "dataType": "date", "requiredOnIngress": false }),
        json!({ "name": "HVAC", "parentId": service.category("ROOT")["id"] }),
        json!({ "label": "planned", "statusStepSetId": set }),
    ];
    for (value, expected) in [("409", 409), ("400", 400)] {
        service.set("duplicate_status", value);
        for (list, body) in lists.iter().zip(&taken) {
            let (status, body) = service
                .post(&format!("v1/projects/{{p}}/{list}"), body.clone())
                .await;
            assert_eq!(status, expected, "{list}");
            assert!(text(&body["errorCode"]).starts_with("DUPLICATE_"), "{body}");
        }
    }

    let voltage = ids("custom-attributes").await[6].clone();
    let path = format!("v1/projects/{{p}}/custom-attributes/{}", text(&voltage["id"]));
    let values = async |values: Value| {
        let body = json!({ "enumValues": values });
        let (status, body, _) = service
            .send(service.request(Method::Patch, &path, Some(&body)))
            .await;
        (status, body)
    };
    service.set("enum_removal", "400");
    let (status, body) = values(json!(["24 V"])).await;
    assert_eq!((status, &body["errorCode"]), (400, &json!("ENUM_VALUE_REMOVED")));
    assert_eq!(
        values(json!(["24 V", "110 V", "230 V", "400 V", "690 V"]))
            .await
            .0,
        200
    );
    service.set("enum_removal", "deactivate");
    let (status, body) = values(json!(["24 V"])).await;
    assert_eq!((status, &body["values"][1]["isActive"]), (200, &json!(false)));

    service.created(service.asset(AIR, "A")).await;
    let hvac = text(&service.category("HVAC")["id"]);
    let path = format!(
        "v1/projects/{{p}}/categories/{hvac}/status-step-set/{}",
        text(&set)
    );
    let assign = async || service.send(service.request(Method::Put, &path, None)).await.0;
    assert_eq!(assign().await, 409);
    service.set("set_in_use", "accept");
    assert_eq!(assign().await, 200);
}

#[tokio::test]
async fn inherited_from() {
    let service = Service::new(Options::default());
    let (air, electrical) = (
        text(&service.category(AIR)["id"]),
        service.category("Electrical")["id"].clone(),
    );
    let attributes = format!("v1/projects/{{p}}/categories/{air}/custom-attributes");
    let own = text(&service.get(&attributes).await.1["results"][0]["id"]);
    let lighting = service.category("Lighting")["id"].clone();
    let marks = |body: &Value| -> Vec<Option<String>> {
        let rows = body["results"].as_array().expect("a list").iter();
        rows.map(|row| row.get("inheritedFromCategoryId").map(text))
            .collect()
    };
    let hvac = text(&service.category("HVAC")["id"]);
    let above = Some(text(&electrical));
    for (value, mark_own, mark_other, mark_sets) in [
        ("inherited", None, Some(hvac.clone()), [above.clone(), None]),
        (
            "always",
            Some(air.clone()),
            Some(hvac.clone()),
            [above.clone(), above],
        ),
        ("absent", None, None, [None, None]),
    ] {
        service.set("inherited_from", value);
        let query = format!("{attributes}?includeInherited=true");
        let read = marks(&service.get(&query).await.1);
        let path = format!("{attributes}/{own}?includeInherited=true");
        let (_, assigned, _) = service.send(service.request(Method::Put, &path, None)).await;
        assert_eq!(read, marks(&assigned), "{value}");
        assert_eq!(
            (read.len(), &read[0], &read[2]),
            (6, &mark_own, &mark_other),
            "{value}"
        );
        let sets =
            "v1/projects/{p}/category-status-step-sets/status-step-sets:batch-get?includeInherited=true";
        let (_, sets) = service.post(sets, json!({ "ids": [lighting, electrical] })).await;
        assert_eq!(marks(&sets), mark_sets, "{value}");
    }
}

// ---- relationships ----

fn link(id: Option<&str>, asset: &str, other: (&str, &str, &str)) -> Value {
    let mut link = json!({ "entities": [
        { "domain": "autodesk-bim360-asset", "type": "asset", "id": asset },
        { "domain": other.0, "type": other.1, "id": other.2 },
    ] });
    if let Some(id) = id {
        link["id"] = json!(id);
    }
    link
}

fn photo(id: &str) -> (&str, &str, &str) {
    ("autodesk-construction-photo", "photo", id)
}

const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";

#[tokio::test]
async fn relationships_put() {
    let service = Service::new(Options::default());
    let asset = service.created(service.asset(AIR, "A")).await;
    let put = async |items: Value| service.relate(Method::Put, "", Some(&items)).await;
    let (status, body) = put(json!([link(Some(ONE), &asset, photo("p"))])).await;
    assert_eq!(
        (status, &body[0]["id"], &body[0]["isDeleted"]),
        (200, &json!(ONE), &json!(false))
    );
    // The pair is already linked. Try another id, its own id, and no id.
    let (status, body) = put(json!([
        link(Some(TWO), &asset, photo("p")),
        link(Some(TWO), &asset, photo("q"))
    ]))
    .await;
    assert_eq!(
        (
            status,
            &body["conflict"][0]["id"],
            &body["conflict"][0]["actual"]["id"]
        ),
        (409, &json!(TWO), &json!(ONE))
    );
    assert_eq!(body["success"][0]["id"], json!(TWO));
    let (status, body) = put(json!([link(Some(ONE), &asset, photo("p"))])).await;
    assert_eq!(
        (status, &body["conflict"][0]["actual"]["id"], body.get("success")),
        (409, &json!(ONE), None)
    );
    service.set("empty_success", "empty_list");
    assert_eq!(
        put(json!([link(Some(ONE), &asset, photo("p"))])).await.1["success"],
        json!([])
    );
    service.set("put_replay", "200");
    assert_eq!(put(json!([link(Some(ONE), &asset, photo("p"))])).await.0, 200);
    let (status, body) = put(json!([link(None, &asset, photo("p"))])).await;
    assert_eq!((status, &body[0]["id"]), (200, &json!(ONE)));
    service.set("put_existing", "409");
    assert_eq!(put(json!([link(None, &asset, photo("p"))])).await.0, 409);
    service.set("put_existing", "duplicate");
    let (status, body) = put(json!([link(None, &asset, photo("p"))])).await;
    assert!(status == 200 && body[0]["id"] != json!(ONE));
    // The id is in use by another pair.
    assert_eq!(put(json!([link(Some(ONE), &asset, photo("z"))])).await.0, 409);
}

#[tokio::test]
async fn relationships_put_limits_and_failures() {
    let service = Service::new(Options::default());
    let asset = service.created(service.asset(AIR, "A")).await;
    let other = service.created(service.asset(AIR, "B")).await;
    let put = async |items: Value| service.relate(Method::Put, "", Some(&items)).await.0;
    let spread: Value = (0..21)
        .map(|index| {
            link(
                None,
                if index < 11 { &asset } else { &other },
                photo(&format!("p{index}")),
            )
        })
        .collect();
    let fan: Value = (0..21)
        .map(|index| link(None, &asset, photo(&format!("f{index}"))))
        .collect();
    assert_eq!((put(spread.clone()).await, put(fan.clone()).await), (400, 400));
    service.set("put_limit", "fanout");
    assert_eq!((put(spread).await, put(fan.clone()).await), (200, 400));
    service.set("put_limit", "none");
    assert_eq!(put(fan).await, 200);

    let issue = ("autodesk-bim360-issue", "issue", "i");
    let mixed = json!([link(None, &asset, photo("new")), link(None, &asset, issue)]);
    let before = service.simulator.audit().relationships_created;
    assert_eq!(put(mixed.clone()).await, 403);
    assert_eq!(service.simulator.audit().relationships_created, before);
    service.set("put_not_writable", "400");
    assert_eq!(put(mixed.clone()).await, 400);
    service.set("put_failure", "partial");
    assert_eq!(put(mixed.clone()).await, 400);
    assert_eq!(service.simulator.audit().relationships_created, before + 1);
    service.set("writable_asset_issue", "on");
    assert_eq!(put(mixed).await, 200);
    assert_eq!(
        put(json!([link(None, UNKNOWN, photo("p"))])).await,
        400,
        "the asset must exist"
    );
}

#[tokio::test]
async fn relationships_delete() {
    let service = Service::new(Options::default());
    let ids = service.simulator.seed_relationships(3);
    let delete = async |ids: Value| service.relate(Method::Post, ":delete", Some(&ids)).await;
    assert_eq!(
        delete(json!([ids[0], UNKNOWN, ids[0]])).await,
        (200, json!({ "deleted": [ids[0]] }))
    );
    service.set("delete_duplicates", "400");
    assert_eq!(delete(json!([ids[1], ids[1]])).await.0, 400);
    service.set("delete_unknown", "404");
    assert_eq!(delete(json!([ids[0]])).await.0, 404);
    service
        .simulator
        .edit_world(|world| world.relationships[1].read_only = true);
    assert_eq!(
        delete(json!([ids[1], ids[2]])).await,
        (200, json!({ "deleted": [ids[2]] }))
    );
    service.set("delete_forbidden", "403");
    assert_eq!(delete(json!([ids[1]])).await.0, 403);
    assert_eq!(delete(json!([])).await.0, 400);
    assert_eq!(delete(vec![UNKNOWN; 51].into()).await.0, 400);

    let asset = service.created(service.asset(AIR, "A")).await;
    let item = json!([link(Some(ONE), &asset, photo("p"))]);
    service.relate(Method::Put, "", Some(&item)).await;
    delete(json!([ONE])).await;
    let again = json!([link(None, &asset, photo("p"))]);
    let (_, body) = service.relate(Method::Put, "", Some(&again)).await;
    assert_ne!(body[0]["id"], json!(ONE), "a new row");
    delete(json!([body[0]["id"]])).await;
    service.set("put_deleted_pair", "revive");
    let (_, revived) = service.relate(Method::Put, "", Some(&again)).await;
    assert_eq!(
        (&revived[0]["id"], &revived[0]["isDeleted"]),
        (&body[0]["id"], &json!(false))
    );
}

#[tokio::test(start_paused = true)]
async fn relationships_read() {
    let service = Service::new(Options::default());
    let ids = service.simulator.seed_relationships(150);
    let search = async |query: &str| {
        service
            .relate(Method::Get, &format!(":search{query}"), None)
            .await
    };
    let (_, first) = search("?pageLimit=134").await;
    assert_eq!(first["relationships"].as_array().map(Vec::len), Some(100));
    let token = text(&first["page"]["continuationToken"]);
    // Deleting rows already read does not shift the next page.
    service
        .relate(Method::Post, ":delete", Some(&json!(ids[..50])))
        .await;
    let next = format!(
        "?continuationToken={}",
        token.replace('+', "%2B").replace('=', "%3D")
    );
    let (_, second) = search(&next).await;
    assert_eq!(second["relationships"][0]["id"], json!(ids[100]));
    assert_eq!(second["page"]["continuationToken"], Value::Null);
    assert!(second["page"].get("continuationToken").is_some() && second["page"]["syncToken"].is_string());
    service.set("last_token", "absent");
    assert_eq!(search(&next).await.1["page"].get("continuationToken"), None);
    assert_eq!(
        search(&format!("{next}&domain=autodesk-bim360-asset")).await.0,
        400,
        "another query"
    );
    service.set("token_ttl", "5");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(search(&next).await.0, 400);
    service.set("page_limit_over", "400");
    assert_eq!(search("?pageLimit=134").await.0, 400);
    let (_, body) = search("?onlyDeleted=True&pageLimit=100").await;
    assert_eq!(body["relationships"].as_array().map(Vec::len), Some(50));
    assert_eq!(search("?type=asset").await.0, 400, "a type needs a domain");
    let (_, body) =
        search("?domain=autodesk-bim360-documentmanagement&withDomain=autodesk-bim360-asset&pageLimit=5")
            .await;
    assert_eq!(
        body["relationships"].as_array().map(Vec::len),
        Some(5),
        "symmetric"
    );

    let batch = async |ids: Value| service.relate(Method::Post, ":batch", Some(&ids)).await;
    let (_, body) = batch(json!([ids[1], UNKNOWN, ids[0]])).await;
    assert_eq!(
        (&body[0]["id"], &body[1]["id"], body.as_array().map(Vec::len)),
        (&json!(ids[1]), &json!(ids[0]), Some(2))
    );
    assert_eq!(body[0]["isDeleted"], json!(true));
    service.set("batch_missing", "404");
    assert_eq!(batch(json!([ids[1], UNKNOWN])).await.0, 404);
    service.set("batch_order", "shuffled");
    let (_, body) = batch(json!(ids[..50])).await;
    let order: Vec<String> = body
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| text(&row["id"]))
        .collect();
    assert!(order != ids[..50] && order.len() == 50);

    let one = async |id: &str| service.relate(Method::Get, &format!("/{id}"), None).await;
    let (status, body) = one(&ids[60]).await;
    assert_eq!((status, &body["entities"][0]["type"]), (200, &json!("asset")));
    service.set("entity_order", "swapped");
    assert_eq!(one(&ids[60]).await.1["entities"][1]["type"], json!("asset"));
    service.set("entity_order", "random");
    let mut kinds = Vec::new();
    for _ in 0..40 {
        kinds.push(text(&one(&ids[60]).await.1["entities"][0]["type"]));
    }
    assert!(kinds.contains(&"asset".to_owned()) && kinds.contains(&"documentlineage".to_owned()));
    assert_eq!(one(UNKNOWN).await.0, 404);
}

// ---- platform ----

#[tokio::test]
async fn gateway() {
    let service = Service::new(Options::default());
    let ask = async || {
        let mut request = service.request(Method::Get, "v2/projects/{p}/assets", None);
        request.headers[0].1 = "Bearer wrong".into();
        service.send(request).await
    };
    let (status, body, answer) = ask().await;
    assert_eq!((status, &body["errorCode"]), (401, &json!("AUTH-006")));
    assert!(body.get("moreInfo").is_some() && answer.header("x-ads-request-id").is_some());
    assert!(answer.header("x-request-id").is_some() && answer.header("date").is_some());
    service.set("date_header", "absent");
    assert_eq!(ask().await.2.header("date"), None);
    service.set("more_info_key", "more info");
    service.set("request_id_header", "none");
    let (_, body, answer) = ask().await;
    assert!(body.get("more info").is_some() && answer.header("x-ads-request-id").is_none());

    service.set("max_body", "50");
    assert_eq!(service.create(json!([service.asset(AIR, "A")])).await.0, 413);
    service.set("max_body", "none");
    service.set("gateway_down", "html");
    let (status, _, answer) = service
        .send(service.request(Method::Get, "v2/projects/{p}/assets", None))
        .await;
    assert_eq!((status, answer.header("content-type")), (502, Some("text/html")));
    service.set("gateway_down", "json");
    assert_eq!(
        service.get("v2/projects/{p}/assets").await.1["errorCode"],
        json!("ERR-003")
    );
}

#[tokio::test]
async fn inject_5xx() {
    let service = Service::with("inject_5xx", "before_apply");
    let batch = |count: usize| -> Value { (0..count).map(|_| service.asset(AIR, "A")).collect() };
    assert_eq!(
        (
            service.create(batch(50)).await.0,
            service.create(batch(51)).await.0
        ),
        (201, 504)
    );
    assert_eq!(service.simulator.audit().assets_created, 50);
    service.set("inject_5xx", "after_apply");
    assert_eq!(service.create(batch(51)).await.0, 504);
    assert_eq!(service.simulator.audit().assets_created, 101);
    service.set("inject_5xx", "1");
    assert_eq!(service.relate(Method::Get, ":search", None).await.0, 504);
    assert_eq!(service.create(batch(51)).await.0, 201);
}

#[tokio::test]
async fn entity_types_that_may_be_linked() {
    let service = Service::new(Options::default());
    let path = "/bim360/relationship/v2/utility/relationships:writable";
    let allowed = async |domain: &str, kind: &str| -> Vec<(String, Value)> {
        let (status, body) = service.get(path).await;
        assert_eq!(status, 200, "{body}");
        let find = |rows: &Value, key: &str, name: &str| -> Value {
            let mut rows = rows.as_array().expect("a bare array").iter();
            rows.find(|row| row[key] == name).cloned().unwrap_or_default()
        };
        let types = find(&body, "domain", domain)["entityTypes"].clone();
        let allow = find(&types, "entityType", kind)["allow"].clone();
        let rows = allow.as_array().expect("a list").iter();
        rows.map(|row| (text(&row["domain"]), row["entityTypes"].clone()))
            .collect()
    };
    let asset = allowed("autodesk-bim360-asset", "asset").await;
    let row = |domain: &str, kinds: Value| (domain.to_owned(), kinds);
    assert_eq!(
        asset,
        [
            row("autodesk-bim360-documentmanagement", json!(["documentlineage"])),
            row("autodesk-construction-form", json!(["form"])),
            row("autodesk-construction-photo", json!(["photo"])),
        ]
    );
    let photo = allowed("autodesk-construction-photo", "photo").await;
    assert_eq!(
        photo,
        [
            row("autodesk-bim360-asset", json!(["asset"])),
            row("autodesk-construction-form", json!(["form", "formfield"])),
        ],
        "seen from the other end"
    );
    service.set("writable_asset_issue", "on");
    let asset = allowed("autodesk-bim360-asset", "asset").await;
    assert!(asset.contains(&row("autodesk-bim360-issue", json!(["issue"]))));

    // It has no container, so it ignores region and query. A bad token or the rate limit still applies.
    service.set("region_header", "required");
    service.set("unknown_query", "400");
    assert_eq!(service.get(&format!("{path}?surprise=1")).await.0, 200);
    let ask = async |token: &str| {
        let mut request = service.request(Method::Get, path, None);
        request.headers[0].1 = format!("Bearer {token}");
        service.send(request).await.0
    };
    assert_eq!(ask("wrong").await, 401);
    let scopes = Some(vec!["data:write".to_owned()]);
    service.simulator.accept_token("narrow", "AAAABBBBCCCC", scopes);
    assert_eq!(ask("narrow").await, 403);
    service.set("rate_scale", "0.02");
    assert_eq!(ask(service.simulator.token()).await, 429);
}

#[tokio::test]
async fn locations() {
    let service = Service::new(Options::default());
    let path = "/construction/locations/v2/projects/{p}/trees/default/nodes";
    let (status, body) = service.get(path).await;
    assert_eq!((status, &body["pagination"]["totalResults"]), (200, &json!(40)));
    assert_eq!(
        (&body["results"][0]["type"], &body["results"][0]["parentId"]),
        (&json!("Root"), &Value::Null)
    );
    let page = format!("{path}?limit=3&offset=6");
    let (_, body) = service.get(&page).await;
    let next = text(&body["pagination"]["nextUrl"]);
    assert!(
        next.starts_with("/locations/v2/") && next.ends_with("limit=3&offset=9"),
        "{next}"
    );
    service.set("locations_next", "absolute");
    let next = text(&service.get(&page).await.1["pagination"]["nextUrl"]);
    assert!(
        next.starts_with("http://simulator/construction/locations/v2/"),
        "{next}"
    );
    service.set("locations_next", "next_key");
    service.set("locations_total", "page");
    let (_, body) = service.get(&page).await;
    assert!(body["pagination"]["next"].is_string() && body["pagination"].get("nextUrl").is_none());
    assert_eq!(body["pagination"]["totalResults"], json!(3));

    let room = format!("{path}?filter[id]={}", service.location(3));
    let (_, body) = service.get(&room).await;
    assert_eq!(
        body["results"][0]["path"],
        json!(["Project", "Building A", "Level 0"])
    );
    service.set("location_path", "with_self");
    assert_eq!(
        service.get(&room).await.1["results"][0]["path"][3],
        json!("Room A001")
    );
}
