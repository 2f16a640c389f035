//! Writing the settings: categories, status sets, statuses and custom attributes, each with every error.

use acc_assets::http::send::Method;
use acc_assets::simulator::{GroupLimits, Options};
use serde_json::{Value, json};

use super::harness::{Service, text};

const AIR: &str = "Air Handling";
const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";
const CATEGORIES: &str = "v1/projects/{p}/categories";
const SETS: &str = "v1/projects/{p}/status-step-sets";
const STATUSES: &str = "v1/projects/{p}/asset-statuses";
const ATTRIBUTES: &str = "v1/projects/{p}/custom-attributes";

/// A service with high rate limits.
fn service() -> Service {
    Service::new(Options {
        limits: GroupLimits {
            assets_read: 100_000,
            assets_write: 100_000,
            ..GroupLimits::default()
        },
        ..Options::default()
    })
}

async fn put(service: &Service, path: &str) -> (u16, Value) {
    let (status, body, _) = service.send(service.request(Method::Put, path, None)).await;
    (status, body)
}

async fn patch(service: &Service, attribute: &str, change: Value) -> (u16, Value) {
    let path = format!("{ATTRIBUTES}/{attribute}");
    let request = service.request(Method::Patch, &path, Some(&change));
    let (status, body, _) = service.send(request).await;
    (status, body)
}

/// The code of a response, which is that of its first error.
fn code(body: &Value) -> &str {
    let code = body["errorCode"].as_str().expect("an error code");
    if let Some(errors) = body["errors"].as_array() {
        assert_eq!(errors[0]["errorCode"], code, "{body}");
        assert_eq!(errors[0]["errorMetadata"], body["errorMetadata"], "{body}");
    }
    code
}

/// Sends each body, and expects the code and the field.
async fn refused(service: &Service, path: &str, cases: &[(Value, u16, &str, &str)]) {
    for (body, status, expected, field) in cases {
        let (answered, answer) = service.post(path, body.clone()).await;
        assert_eq!(
            (answered, code(&answer)),
            (*status, *expected),
            "{body}: {answer}"
        );
        let named = answer["errorMetadata"]["fieldName"].as_str().unwrap_or_default();
        assert_eq!(named, *field, "{body}");
    }
}

fn names(body: &Value, field: &str) -> Vec<String> {
    let results = body["results"].as_array().expect("a list");
    results.iter().map(|row| text(&row[field])).collect()
}

/// Checks that the row was created and changed by the calling user, as in every component.
fn signed(service: &Service, row: &Value) {
    let user = json!(service.simulator.user_id());
    assert_eq!((&row["createdBy"], &row["updatedBy"]), (&user, &user), "{row}");
    assert_eq!(row["isActive"], json!(true), "{row}");
    assert!(
        row["createdAt"].is_string() && row.get("deletedAt").is_none(),
        "{row}"
    );
}

#[tokio::test]
async fn a_category_is_created() {
    let service = service();
    let root = text(&service.category("ROOT")["id"]);
    let body = json!({ "name": "Façade > Süd ", "parentId": root, "description": "outside" });
    let (status, made) = service.post(CATEGORIES, body.clone()).await;
    assert_eq!(
        (status, &made["name"], &made["parentId"]),
        (201, &body["name"], &body["parentId"])
    );
    assert_eq!(
        (&made["description"], &made["isLeaf"]),
        (&json!("outside"), &json!(true))
    );
    assert_eq!(
        (&made["isRoot"], &made["subcategoryIds"]),
        (&json!(false), &json!([]))
    );
    assert!(made.get("version").is_none() && made.get("projectId").is_none() && made.get("uid").is_none());
    signed(&service, &made);
    let id = text(&made["id"]);
    let below = json!({ "name": "Panels", "parentId": id });
    let (_, panels) = service
        .post(&format!("{CATEGORIES}?includeUid=true"), below)
        .await;
    assert_eq!(panels["uid"].as_str().map(str::len), Some(36));
    let (_, all) = service
        .get(&format!("{CATEGORIES}?filter[parentId]={root}"))
        .await;
    let listed = all["results"].as_array().expect("a list").iter();
    let parent: Vec<&Value> = listed.filter(|row| row["id"] == id).collect();
    assert_eq!(parent[0]["subcategoryIds"], json!([panels["id"]]));
    // It can be used at once, because it inherits the default status set.
    let mut asset = service.asset(AIR, "A");
    asset["categoryId"] = panels["id"].clone();
    assert_eq!(service.create(json!([asset])).await.0, 201);
}

#[tokio::test]
async fn an_invalid_category_is_rejected() {
    let service = service();
    let id = |name: &str| text(&service.category(name)["id"]);
    let (root, hvac) = (id("ROOT"), id("HVAC"));
    let new = |name: Value, parent: Value| json!({ "name": name, "parentId": parent });
    refused(
        &service,
        CATEGORIES,
        &[
            (json!([]), 400, "MALFORMED_REQUEST", ""),
            (json!({ "parentId": root }), 400, "REQUIRED_FIELD_MISSING", "name"),
            (json!({ "name": "N" }), 400, "REQUIRED_FIELD_MISSING", "parentId"),
            (new(json!(""), json!(root)), 400, "INVALID_FIELD_VALUE", "name"),
            (new(json!(null), json!(root)), 400, "INVALID_FIELD_VALUE", "name"),
            (new(json!("N"), json!(1)), 400, "INVALID_FIELD_VALUE", "parentId"),
            (
                new(json!("N"), json!("01")),
                400,
                "INVALID_FIELD_VALUE",
                "parentId",
            ),
            (
                new(json!("N"), json!("999")),
                400,
                "CATEGORY_NOT_FOUND",
                "parentId",
            ),
            (
                new(json!("N"), json!(id("Legacy Equipment"))),
                400,
                "CATEGORY_INACTIVE",
                "parentId",
            ),
            (
                new(json!("HVAC"), json!(root)),
                409,
                "DUPLICATE_CATEGORY_NAME",
                "",
            ),
            // An inactive one keeps its name.
            (
                new(json!("Legacy Equipment"), json!(root)),
                409,
                "DUPLICATE_CATEGORY_NAME",
                "",
            ),
            (
                json!({ "name": "N", "parentId": root, "color": "red" }),
                400,
                "UNKNOWN_FIELD",
                "color",
            ),
            (
                json!({ "name": "N", "parentId": root, "description": 1 }),
                400,
                "INVALID_FIELD_VALUE",
                "description",
            ),
        ],
    )
    .await;
    assert_eq!(
        service.get(CATEGORIES).await.1["pagination"]["totalResults"],
        json!(17)
    );
    let (status, _) = service.post(CATEGORIES, new(json!("HVAC"), json!(hvac))).await;
    assert_eq!(status, 201, "the same name elsewhere");

    let mut parent = root;
    for level in 1..=10 {
        let (status, made) = service
            .post(CATEGORIES, new(json!(format!("L{level}")), json!(parent)))
            .await;
        assert_eq!(status, 201, "level {level}");
        parent = text(&made["id"]);
    }
    let (status, body) = service.post(CATEGORIES, new(json!("L11"), json!(parent))).await;
    assert_eq!((status, code(&body)), (400, "CATEGORY_TOO_DEEP"));
}

#[tokio::test]
async fn an_attribute_is_assigned_and_inherited() {
    let service = service();
    let hvac = text(&service.category("HVAC")["id"]);
    let (_, made) = service
        .post(
            ATTRIBUTES,
            json!({ "displayName": "Flow", "dataType": "numeric", "requiredOnIngress": false }),
        )
        .await;
    let (id, name) = (text(&made["id"]), text(&made["name"]));
    let with =
        |value: Value| service.asset_with(AIR, "A", "customAttributes", json!({ name.as_str(): value }));
    assert_eq!(
        service.create(json!([with(json!("1"))])).await.0,
        400,
        "creating assigns nothing"
    );
    let path = format!("{CATEGORIES}/{hvac}/custom-attributes/{id}");
    let (status, list) = put(&service, &path).await;
    assert_eq!(status, 200);
    assert_eq!(
        list,
        service
            .get(&format!("{CATEGORIES}/{hvac}/custom-attributes"))
            .await
            .1
    );
    assert_eq!(
        names(&list, "displayName").last().map(String::as_str),
        Some("Flow")
    );
    assert_eq!(put(&service, &path).await, (200, list), "once more is the same");
    assert_eq!(service.create(json!([with(json!("1"))])).await.0, 201);
    // An explicit assignment takes precedence over an inherited one.
    let air = text(&service.category(AIR)["id"]);
    let (_, all) = service
        .get(&format!(
            "{CATEGORIES}/{air}/custom-attributes?includeInherited=true"
        ))
        .await;
    assert_eq!(all["results"].as_array().map(Vec::len), Some(7));
    let (_, list) = put(
        &service,
        &format!("{CATEGORIES}/{air}/custom-attributes/{id}?includeInherited=true"),
    )
    .await;
    assert_eq!(list["results"].as_array().map(Vec::len), Some(7));
    let flow: Vec<&Value> = list["results"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|row| row["id"] == id)
        .collect();
    assert_eq!((flow.len(), flow[0].get("inheritedFromCategoryId")), (1, None));

    for path in [
        format!("{CATEGORIES}/999/custom-attributes/{id}"),
        format!("{CATEGORIES}/0{hvac}/custom-attributes/{id}"),
        format!("{CATEGORIES}/{hvac}/custom-attributes/{UNKNOWN}"),
        format!("{CATEGORIES}/{hvac}/custom-attributes/{name}"),
    ] {
        assert_eq!(put(&service, &path).await.0, 404, "{path}");
    }
    assert_eq!(put(&service, &format!("{path}?includeInherited=x")).await.0, 400);
}

#[tokio::test]
async fn a_category_changes_its_status_set() {
    let service = service();
    let (hvac, lighting) = (
        text(&service.category("HVAC")["id"]),
        text(&service.category("Lighting")["id"]),
    );
    let (_, made) = service
        .post(
            SETS,
            json!({ "name": "Two", "values": [{ "label": "Open" }, { "label": "Done" }] }),
        )
        .await;
    let (set, open) = (text(&made["id"]), text(&made["values"][0]["id"]));
    let path = |category: &str, set: &str| format!("{CATEGORIES}/{category}/status-step-set/{set}");
    let (status, first) = put(&service, &path(&hvac, &set)).await;
    assert_eq!(
        (status, &first["categoryId"], &first["statusStepSetId"]),
        (200, &json!(hvac), &json!(set))
    );
    assert_eq!(first["projectId"], json!(service.project));
    assert!(first["version"].is_u64() && first["id"].is_string());
    signed(&service, &first);
    // Subcategories inherit it.
    let ask = json!({ "ids": [service.category(AIR)["id"]] });
    let rows = "v1/projects/{p}/category-status-step-sets/status-step-sets:batch-get?includeInherited=true";
    let (_, rows) = service.post(rows, ask).await;
    assert_eq!(rows["results"][0]["statusStepSetId"], json!(set));
    let asset = service.asset_with(AIR, "A", "statusId", json!(open));
    assert_eq!(service.create(json!([service.asset(AIR, "A")])).await.0, 400);
    let id = service.created(asset).await;

    // Only assets of subcategories have statuses of the set.
    let default = service.get(SETS).await.1["results"][0]["id"].clone();
    let (status, body) = put(&service, &path(&hvac, &text(&default))).await;
    assert_eq!((status, code(&body)), (409, "STATUS_SET_IN_USE"));
    assert_eq!(
        put(&service, &path(&hvac, &set)).await.0,
        200,
        "the same set again"
    );
    assert_eq!(put(&service, &path(&lighting, &set)).await.0, 200);
    // A subcategory with its own set does not matter.
    assert_eq!(
        put(&service, &path(&text(&service.category(AIR)["id"]), &set))
            .await
            .0,
        200
    );
    let (status, second) = put(&service, &path(&hvac, &text(&default))).await;
    assert_eq!((status, &second["id"]), (200, &first["id"]));
    assert!(second["version"].as_u64() > first["version"].as_u64());
    assert_eq!(service.delete(json!([id])).await.0, 204);
    assert_eq!(
        put(
            &service,
            &path(&text(&service.category(AIR)["id"]), &text(&default))
        )
        .await
        .0,
        200,
        "deleted ones do not count"
    );

    let root = text(&service.category("ROOT")["id"]);
    let (status, body) = put(&service, &path(&root, &set)).await;
    assert_eq!((status, code(&body)), (409, "DEFAULT_STATUS_SET_FIXED"));
    assert_eq!(put(&service, &path(&root, &text(&default))).await.0, 200);
    for (category, set) in [("999", set.as_str()), (&hvac, UNKNOWN), (&hvac, "x")] {
        assert_eq!(
            put(&service, &path(category, set)).await.0,
            404,
            "{category} {set}"
        );
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one list of cases")]
async fn a_status_set_is_created() {
    let service = service();
    let values =
        json!([{ "label": "Offen", "color": "adsk-red-500", "description": "d" }, { "label": "Zu" }]);
    let body = json!({ "name": "n".repeat(100), "description": "d".repeat(500), "values": values });
    let (status, made) = service.post(SETS, body.clone()).await;
    assert_eq!(
        (status, &made["name"], &made["description"]),
        (201, &body["name"], &body["description"])
    );
    assert_eq!(made["isDefault"], json!(false));
    signed(&service, &made);
    let [open, closed] = [0, 1].map(|index| &made["values"][index]);
    assert_eq!(
        (&open["label"], &open["color"], &open["description"]),
        (&json!("Offen"), &json!("adsk-red-500"), &json!("d"))
    );
    assert_eq!((closed.get("color"), closed.get("description")), (None, None));
    assert_eq!(
        (&open["statusStepSetId"], &open["projectId"]),
        (&made["id"], &json!(service.project))
    );
    assert_ne!(open["bucket"], closed["bucket"]);
    signed(&service, open);
    let (_, again) = service
        .post(&format!("{SETS}:batch-get"), json!({ "ids": [made["id"]] }))
        .await;
    assert_eq!(again["results"], json!([made]));
    assert_eq!(
        service
            .post(SETS, json!({ "name": "Empty", "values": [] }))
            .await
            .0,
        201
    );

    let named = |name: &str| json!({ "name": name, "values": [] });
    refused(
        &service,
        SETS,
        &[
            (json!({ "values": [] }), 400, "REQUIRED_FIELD_MISSING", "name"),
            (json!({ "name": "N" }), 400, "REQUIRED_FIELD_MISSING", "values"),
            (named(""), 400, "INVALID_FIELD_VALUE", "name"),
            (named(&"n".repeat(101)), 400, "FIELD_EXCEEDS_MAX_LENGTH", "name"),
            (
                json!({ "name": "N", "values": {} }),
                400,
                "INVALID_FIELD_VALUE",
                "values",
            ),
            (
                json!({ "name": "N", "values": [1] }),
                400,
                "MALFORMED_REQUEST",
                "",
            ),
            (
                json!({ "name": "N", "values": [{}] }),
                400,
                "REQUIRED_FIELD_MISSING",
                "values[0].label",
            ),
            (
                json!({ "name": "N", "values": [{ "label": "a" }, { "label": "A" }] }),
                400,
                "DUPLICATE_STATUS_LABEL",
                "values[1].label",
            ),
            (
                json!({ "name": "N", "values": [{ "label": "a", "sortOrder": 1 }] }),
                400,
                "UNKNOWN_FIELD",
                "values[0].sortOrder",
            ),
            (
                json!({ "name": "N", "values": [], "isDefault": true }),
                400,
                "UNKNOWN_FIELD",
                "isDefault",
            ),
            (
                json!({ "name": "N", "values": [], "description": "d".repeat(501) }),
                400,
                "FIELD_EXCEEDS_MAX_LENGTH",
                "description",
            ),
        ],
    )
    .await;
    // The conflict contains the whole set with the name, which public code reads.
    let (status, body) = service.post(SETS, named("Energisation")).await;
    assert_eq!((status, code(&body)), (409, "DUPLICATE_STATUS_SET_NAME"));
    let entities = &body["errorMetadata"]["conflictingEntities"];
    assert_eq!(entities[0]["values"].as_array().map(Vec::len), Some(4));
    let (status, _) = service
        .post(&format!("{SETS}?renameConflicting=true"), named("Energisation"))
        .await;
    assert_eq!(status, 409, "an active one keeps its name");
    assert_eq!(
        service
            .post(&format!("{SETS}?renameConflicting=x"), named("X"))
            .await
            .0,
        400
    );

    let id = service.simulator.edit_world(|world| world.status_sets[1].id);
    service
        .simulator
        .edit_world(|world| world.deactivate_status_set(id));
    assert_eq!(
        service.post(SETS, named("Energisation")).await.0,
        409,
        "nor does an inactive one lose it"
    );
    let (status, _) = service
        .post(&format!("{SETS}?renameConflicting=true"), named("Energisation"))
        .await;
    assert_eq!(status, 201);
    let (_, renamed) = service
        .post(
            &format!("{SETS}:batch-get?includeDeleted=true"),
            json!({ "ids": [id] }),
        )
        .await;
    assert_eq!(renamed["results"][0]["name"], json!("Energisation (1)"));
    assert_eq!(
        renamed["results"][0]["updatedBy"],
        json!(service.simulator.user_id())
    );
}

#[tokio::test]
async fn a_status_is_created() {
    let service = service();
    let set = service.get(SETS).await.1["results"][1].clone();
    let body =
        json!({ "label": "Retired", "statusStepSetId": set["id"], "description": "d", "color": "blue" });
    let (status, made) = service.post(STATUSES, body.clone()).await;
    assert_eq!(status, 201);
    for field in ["label", "statusStepSetId", "description", "color"] {
        assert_eq!(made[field], body[field]);
    }
    signed(&service, &made);
    assert!(text(&made["bucket"]).starts_with("retired_"), "{made}");
    let (_, again) = service
        .post(&format!("{SETS}:batch-get"), json!({ "ids": [set["id"]] }))
        .await;
    assert_eq!(again["results"][0]["values"][4], made);
    assert_eq!(
        again["results"][0]["version"], set["version"],
        "the set itself is as it was"
    );
    // It can be used at once.
    let asset = service.asset_with("Lighting", "L", "statusId", made["id"].clone());
    assert_eq!(service.create(json!([asset])).await.0, 201);
    let other = service.get(SETS).await.1["results"][0]["id"].clone();
    let elsewhere = json!({ "label": "Retired", "statusStepSetId": other });
    let (status, twin) = service.post(STATUSES, elsewhere).await;
    assert!(
        status == 201 && twin["bucket"] != made["bucket"],
        "a label is one of its set's only"
    );

    let gone = service.simulator.edit_world(|world| {
        let id = world.add_status_set("Gone", false);
        world.deactivate_status_set(id);
        id
    });
    let new = |label: &str, set: Value| json!({ "label": label, "statusStepSetId": set });
    refused(
        &service,
        STATUSES,
        &[
            (json!("x"), 400, "MALFORMED_REQUEST", ""),
            (
                json!({ "label": "N" }),
                400,
                "REQUIRED_FIELD_MISSING",
                "statusStepSetId",
            ),
            (
                json!({ "statusStepSetId": set["id"] }),
                400,
                "REQUIRED_FIELD_MISSING",
                "label",
            ),
            (new("", set["id"].clone()), 400, "INVALID_FIELD_VALUE", "label"),
            (
                new("N", json!("x")),
                400,
                "INVALID_FIELD_VALUE",
                "statusStepSetId",
            ),
            (
                new("N", json!(UNKNOWN)),
                400,
                "STATUS_SET_NOT_FOUND",
                "statusStepSetId",
            ),
            (
                new("N", json!(gone)),
                400,
                "STATUS_SET_NOT_FOUND",
                "statusStepSetId",
            ),
            (
                new("rEtIrEd", set["id"].clone()),
                409,
                "DUPLICATE_STATUS_LABEL",
                "label",
            ),
            (
                json!({ "label": "N", "statusStepSetId": set["id"], "bucket": "b" }),
                400,
                "UNKNOWN_FIELD",
                "bucket",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_custom_attribute_is_created() {
    let service = service();
    let new = |kind: &str, more: Value| {
        let mut body =
            json!({ "displayName": format!("New {kind}"), "dataType": kind, "requiredOnIngress": false });
        for (name, value) in more.as_object().expect("an object") {
            body[name.as_str()] = value.clone();
        }
        body
    };
    let volts = json!(["24 V", "110 V"]);
    let good = [
        new(
            "text",
            json!({ "maxLengthOnIngress": 20, "defaultValue": "none", "description": "d" }),
        ),
        new("numeric", json!({ "defaultValue": 0 })),
        new("date", json!({ "defaultValue": "2031-02-28" })),
        new("boolean", json!({ "defaultValue": null })),
        new("select", json!({ "enumValues": volts, "defaultValue": "110 V" })),
        new(
            "multi_select",
            json!({ "enumValues": volts, "defaultValue": ["110 V"] }),
        ),
    ];
    for (number, body) in (11..).zip(&good) {
        let (status, made) = service.post(ATTRIBUTES, body.clone()).await;
        assert_eq!(
            (status, &made["name"]),
            (201, &json!(format!("ca{number}"))),
            "{made}"
        );
        for (field, value) in body.as_object().expect("an object") {
            let printed = made.get(field).unwrap_or(&Value::Null);
            assert_eq!(printed, value, "{field}");
        }
        signed(&service, &made);
        let labels: Vec<&Value> = made["values"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|value| &value["displayName"])
            .collect();
        assert_eq!(
            json!(labels),
            body.get("enumValues").cloned().unwrap_or(json!([]))
        );
        for value in made["values"].as_array().into_iter().flatten() {
            assert_eq!(value["customAttributeId"], made["id"]);
            signed(&service, value);
        }
        let (_, again) = service
            .post(
                &format!("{ATTRIBUTES}:batch-get"),
                json!({ "names": [made["name"]] }),
            )
            .await;
        assert_eq!(again["results"], json!([made]));
    }
    let (_, plain) = service
        .post(
            ATTRIBUTES,
            json!({ "displayName": "Plain", "dataType": "text", "requiredOnIngress": true }),
        )
        .await;
    assert_eq!(
        (&plain["maxLengthOnIngress"], &plain["requiredOnIngress"]),
        (&json!(250), &json!(true))
    );
    assert_eq!((plain.get("defaultValue"), plain.get("enumValues")), (None, None));

    // The default of a select is a label here but an id in an asset.
    let (_, list) = service.get(&format!("{ATTRIBUTES}?limit=200")).await;
    let select = &list["results"][14];
    let air = text(&service.category(AIR)["id"]);
    put(
        &service,
        &format!("{CATEGORIES}/{air}/custom-attributes/{}", text(&select["id"])),
    )
    .await;
    let (_, body) = service.create(json!([service.asset(AIR, "A")])).await;
    assert_eq!(
        body["results"][0]["customAttributes"],
        json!({ "ca15": select["values"][1]["id"] })
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one list of cases")]
async fn an_invalid_custom_attribute_is_rejected() {
    let service = service();
    let with = |kind: &str, field: &str, value: Value| {
        let mut body = json!({ "displayName": "New", "dataType": kind, "requiredOnIngress": false });
        if kind.ends_with("select") {
            body["enumValues"] = json!(["a", "b"]);
        }
        body[field] = value;
        body
    };
    let wrong = |kind: &str, field: &'static str, value: Value| {
        (with(kind, field, value), 400, "INVALID_FIELD_VALUE", field)
    };
    refused(
        &service,
        ATTRIBUTES,
        &[
            (
                json!({ "dataType": "text", "requiredOnIngress": true }),
                400,
                "REQUIRED_FIELD_MISSING",
                "displayName",
            ),
            (
                json!({ "displayName": "N", "requiredOnIngress": true }),
                400,
                "REQUIRED_FIELD_MISSING",
                "dataType",
            ),
            (
                json!({ "displayName": "N", "dataType": "text" }),
                400,
                "REQUIRED_FIELD_MISSING",
                "requiredOnIngress",
            ),
            (
                with("text", "displayName", json!("n".repeat(101))),
                400,
                "FIELD_EXCEEDS_MAX_LENGTH",
                "displayName",
            ),
            (
                with("text", "description", json!("d".repeat(1001))),
                400,
                "FIELD_EXCEEDS_MAX_LENGTH",
                "description",
            ),
            (with("text", "name", json!("ca99")), 400, "UNKNOWN_FIELD", "name"),
            (
                with("select", "enumValues", json!(null)),
                400,
                "REQUIRED_FIELD_MISSING",
                "enumValues",
            ),
            wrong("text", "dataType", json!("multi-select")),
            wrong("text", "requiredOnIngress", json!("true")),
            wrong("text", "enumValues", json!(["a"])),
            wrong("select", "enumValues", json!([])),
            wrong("select", "enumValues", json!([""])),
            wrong("select", "enumValues", json!(["a", "A"])),
            wrong("text", "maxLengthOnIngress", json!(251)),
            wrong("text", "maxLengthOnIngress", json!(0)),
            wrong("text", "maxLengthOnIngress", json!("20")),
            wrong("numeric", "maxLengthOnIngress", json!(20)),
            wrong("text", "defaultValue", json!("t".repeat(251))),
            wrong("text", "defaultValue", json!(1)),
            wrong("date", "defaultValue", json!("2031-02-30")),
            wrong("boolean", "defaultValue", json!("true")),
            wrong("numeric", "defaultValue", json!("0")),
            wrong("select", "defaultValue", json!("c")),
            wrong("select", "defaultValue", json!(["a"])),
            wrong("multi_select", "defaultValue", json!("a")),
            wrong("multi_select", "defaultValue", json!(["a", "c"])),
        ],
    )
    .await;
    let voltage = with("text", "displayName", json!("Voltage"));
    let (status, body) = service.post(ATTRIBUTES, voltage.clone()).await;
    assert_eq!((status, code(&body)), (409, "DUPLICATE_CUSTOM_ATTRIBUTE_NAME"));
    assert_eq!(
        body["errorMetadata"]["conflictingEntities"][0]["name"],
        json!("ca7")
    );
    let id = service.simulator.edit_world(|world| {
        let (id, user) = (world.attributes[6].id, "x".into());
        world.edit_attribute(id, |attribute| attribute.stamp.deleted = Some((0, user)));
        id
    });
    assert_eq!(
        service.post(ATTRIBUTES, voltage.clone()).await.0,
        409,
        "an inactive one has its name too"
    );
    let (status, made) = service
        .post(&format!("{ATTRIBUTES}?renameConflicting=true"), voltage)
        .await;
    assert_eq!(
        (status, &made["displayName"], &made["name"]),
        (201, &json!("Voltage"), &json!("ca11"))
    );
    let (_, old) = service
        .post(
            &format!("{ATTRIBUTES}:batch-get?includeDeleted=true"),
            json!({ "ids": [id] }),
        )
        .await;
    assert_eq!(
        (&old["results"][0]["displayName"], &old["results"][0]["name"]),
        (&json!("Voltage (1)"), &json!("ca7"))
    );
}

async fn attribute(service: &Service, name: &str) -> Value {
    let (_, body) = service
        .post(&format!("{ATTRIBUTES}:batch-get"), json!({ "names": [name] }))
        .await;
    body["results"][0].clone()
}

#[tokio::test]
async fn a_custom_attribute_is_changed() {
    let service = service();
    let maker = attribute(&service, "ca1").await;
    let id = text(&maker["id"]);
    let change = json!({ "displayName": "Maker", "description": "who", "requiredOnIngress": true,
        "maxLengthOnIngress": 10, "defaultValue": "n/a" });
    let (status, body) = patch(&service, &id, change.clone()).await;
    assert_eq!(status, 200);
    for (field, value) in change.as_object().expect("an object") {
        assert_eq!(&body[field], value);
    }
    assert_eq!(
        (&body["name"], &body["createdBy"]),
        (&json!("ca1"), &maker["createdBy"])
    );
    assert_eq!(body["updatedBy"], json!(service.simulator.user_id()));
    assert!(body["version"].as_u64() > maker["version"].as_u64());
    assert_eq!(attribute(&service, "ca1").await, body);
    let (_, body) = patch(
        &service,
        &id,
        json!({ "defaultValue": null, "description": null }),
    )
    .await;
    assert_eq!(
        (
            body.get("defaultValue"),
            body.get("description"),
            &body["displayName"]
        ),
        (None, None, &json!("Maker"))
    );
    // Its own name is not a conflict, but another attribute's name is.
    assert_eq!(
        patch(&service, &id, json!({ "displayName": "Maker" })).await.0,
        200
    );
    let (status, body) = patch(&service, &id, json!({ "displayName": "Airflow" })).await;
    assert_eq!((status, code(&body)), (409, "DUPLICATE_CUSTOM_ATTRIBUTE_NAME"));

    for (change, expected) in [
        (json!([]), "MALFORMED_REQUEST"),
        (json!({ "displayName": null }), "INVALID_FIELD_VALUE"),
        (json!({ "requiredOnIngress": 1 }), "INVALID_FIELD_VALUE"),
        (json!({ "name": "ca99" }), "UNKNOWN_FIELD"),
        (json!({ "enumValues": ["a"] }), "INVALID_FIELD_VALUE"),
        (json!({ "defaultValue": "eleven chars" }), "INVALID_FIELD_VALUE"),
        (json!({ "dataType": "select" }), "REQUIRED_FIELD_MISSING"),
        (
            json!({ "dataType": "numeric", "defaultValue": "1" }),
            "INVALID_FIELD_VALUE",
        ),
        (
            json!({ "displayName": "d".repeat(101) }),
            "FIELD_EXCEEDS_MAX_LENGTH",
        ),
    ] {
        let (status, body) = patch(&service, &id, change.clone()).await;
        assert_eq!((status, code(&body)), (400, expected), "{change}");
    }
    for unknown in [UNKNOWN, "ca1"] {
        assert_eq!(patch(&service, unknown, json!({})).await.0, 404);
    }
}

#[tokio::test]
async fn a_type_changes_only_while_no_asset_uses_the_attribute() {
    let service = service();
    let id = text(&attribute(&service, "ca1").await["id"]);
    let (status, body) = patch(&service, &id, json!({ "dataType": "numeric", "defaultValue": 2 })).await;
    assert_eq!(
        (status, &body["dataType"], body.get("maxLengthOnIngress")),
        (200, &json!("numeric"), None)
    );
    let (_, body) = patch(
        &service,
        &id,
        json!({ "dataType": "select", "enumValues": ["a", "b"] }),
    )
    .await;
    assert_eq!(
        (&body["enumValues"], body.get("defaultValue")),
        (&json!(["a", "b"]), None),
        "a default that fits no more is gone"
    );
    let (_, body) = patch(&service, &id, json!({ "dataType": "multi_select" })).await;
    assert_eq!(body["enumValues"], json!(["a", "b"]));
    let value = body["values"][0]["id"].clone();
    let asset = service.asset_with(AIR, "A", "customAttributes", json!({ "ca1": [value] }));
    let asset = service.created(asset).await;
    let (status, body) = patch(&service, &id, json!({ "dataType": "text" })).await;
    assert_eq!((status, code(&body)), (400, "CUSTOM_ATTRIBUTE_IN_USE"));
    assert_eq!(
        patch(&service, &id, json!({ "dataType": "multi_select" }))
            .await
            .0,
        200,
        "no change"
    );
    assert_eq!(
        service
            .patch(&asset, json!({ "customAttributes": { "ca1": null } }))
            .await
            .0,
        200
    );
    let (_, body) = patch(&service, &id, json!({ "dataType": "text" })).await;
    assert_eq!(
        (&body["maxLengthOnIngress"], body.get("values")),
        (&json!(250), None)
    );
}

#[tokio::test]
async fn the_values_of_a_select_change() {
    let service = service();
    let voltage = attribute(&service, "ca7").await;
    let id = text(&voltage["id"]);
    // The order is new, one value has another case, one is added, and one is removed, which was the default.
    let labels = json!(["400 V", "110 v", "24 V", "690 V"]);
    let (status, body) = patch(&service, &id, json!({ "enumValues": labels })).await;
    assert_eq!((status, &body["enumValues"]), (200, &labels));
    assert_eq!(body.get("defaultValue"), None);
    let value = |body: &Value, label: &str| {
        let values = body["values"].as_array().expect("a list");
        values
            .iter()
            .find(|value| value["displayName"] == label)
            .expect("a value")
            .clone()
    };
    assert_eq!(value(&body, "110 v")["id"], value(&voltage, "110 V")["id"]);
    assert_eq!(value(&body, "400 V"), value(&voltage, "400 V"), "as it was");
    let gone = value(&body, "230 V");
    assert_eq!(
        (&gone["isActive"], &gone["deletedBy"]),
        (&json!(false), &json!(service.simulator.user_id()))
    );
    signed(&service, &value(&body, "690 V"));
    let asset = service.asset_with("Outlets", "O", "customAttributes", json!({ "ca7": gone["id"] }));
    assert_eq!(
        service.create(json!([asset])).await.0,
        400,
        "an inactive value cannot be given"
    );
    let (_, body) = patch(
        &service,
        &id,
        json!({ "enumValues": ["230 V"], "defaultValue": "230 V" }),
    )
    .await;
    assert_eq!(
        (&value(&body, "230 V")["id"], &value(&body, "230 V")["isActive"]),
        (&gone["id"], &json!(true))
    );
    assert_eq!(
        (&body["enumValues"], &body["defaultValue"]),
        (&json!(["230 V"]), &json!("230 V"))
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one list of cases")]
async fn scopes_rates_and_prefixes_are_those_of_the_table() {
    let service = Service::new(Options {
        limits: GroupLimits {
            assets_write: 14,
            ..GroupLimits::default()
        },
        ..Options::default()
    });
    let (hvac, set) = (
        text(&service.category("HVAC")["id"]),
        service.get(SETS).await.1["results"][1].clone(),
    );
    let attribute = text(&attribute(&service, "ca1").await["id"]);
    let set_id = text(&set["id"]);
    let writes = |round: usize| {
        [
            (
                Method::Post,
                "categories".to_owned(),
                Some(json!({ "name": format!("C{round}"), "parentId": hvac })),
                201,
                true,
            ),
            (
                Method::Put,
                format!("categories/{hvac}/custom-attributes/{attribute}"),
                None,
                200,
                false,
            ),
            (
                Method::Put,
                format!("categories/{hvac}/status-step-set/{set_id}"),
                None,
                200,
                false,
            ),
            (
                Method::Post,
                "status-step-sets".into(),
                Some(json!({ "name": format!("S{round}"), "values": [] })),
                201,
                true,
            ),
            (
                Method::Post,
                "asset-statuses".into(),
                Some(json!({ "label": format!("L{round}"), "statusStepSetId": set_id })),
                201,
                true,
            ),
            (
                Method::Post,
                "custom-attributes".into(),
                Some(
                    json!({ "displayName": format!("A{round}"), "dataType": "date", "requiredOnIngress": false }),
                ),
                201,
                true,
            ),
            (
                Method::Patch,
                format!("custom-attributes/{attribute}"),
                Some(json!({})),
                200,
                false,
            ),
        ]
    };
    service
        .simulator
        .accept_token("write", "AAAABBBBCCCC", Some(vec!["data:write".into()]));
    service.simulator.accept_token(
        "create",
        "AAAABBBBDDDD",
        Some(vec!["data:create".into(), "data:read".into()]),
    );
    let ask = async |prefix: &str, token: &str, (method, path, body): (Method, &str, Option<&Value>)| {
        let mut request = service.request(
            method,
            &format!("/{prefix}/assets/v1/projects/b.{{p}}/{path}"),
            body,
        );
        request.headers[0].1 = format!("Bearer {token}");
        service.send(request).await.0
    };
    for (round, prefix) in ["construction", "bim360"].into_iter().enumerate() {
        for (method, path, body, status, creates) in writes(round) {
            let call = (method, path.as_str(), body.as_ref());
            assert_eq!(ask(prefix, "create", call).await, 403, "{path} needs data:write");
            let alone = ask(prefix, "write", call).await;
            assert_eq!(alone, if creates { 403 } else { 200 }, "{path} and data:create");
            assert_eq!(
                ask(prefix, service.simulator.token(), call).await,
                status,
                "{path}"
            );
        }
    }
    // The window allows fourteen writes of one user, of any kind.
    let call = (
        Method::Patch,
        format!("custom-attributes/{attribute}"),
        Some(json!({})),
    );
    assert_eq!(
        ask(
            "bim360",
            service.simulator.token(),
            (call.0, &call.1, call.2.as_ref())
        )
        .await,
        429
    );
    let audit = service.simulator.audit();
    for tag in [
        "categories:create",
        "categories/custom-attributes:assign",
        "categories/status-step-set:assign",
        "status-step-sets:create",
        "asset-statuses:create",
        "custom-attributes:create",
        "custom-attributes:patch",
    ] {
        let answers = audit.endpoints[tag].answers.iter();
        let done = answers.filter(|(status, _)| **status < 300);
        let done: u64 = done.map(|(_, count)| count).sum();
        assert!(done >= 2, "{tag}");
    }
}

#[tokio::test]
async fn null_and_unknown_fields_follow_their_switches() {
    let service = service();
    let root = text(&service.category("ROOT")["id"]);
    let new = |name: &str| json!({ "name": name, "parentId": root, "description": null, "surprise": 1 });
    assert_eq!(service.post(CATEGORIES, new("A")).await.0, 400);
    service.set("unknown_field", "ignore");
    assert_eq!(service.post(CATEGORIES, new("A")).await.0, 201);
    service.set("patch_null", "reject");
    assert_eq!(service.post(CATEGORIES, new("B")).await.0, 400);
    service.set("patch_null", "ignore");
    let id = text(&attribute(&service, "ca1").await["id"]);
    patch(&service, &id, json!({ "description": "kept" })).await;
    let (_, body) = patch(&service, &id, json!({ "description": null })).await;
    assert_eq!(body["description"], json!("kept"));
    let without_type = {
        let mut request = service.request(Method::Post, CATEGORIES, Some(&new("C")));
        request.headers.truncate(1);
        request
    };
    assert_eq!(
        service.send(without_type).await.0,
        400,
        "a body needs its content type"
    );
}

/// Every error code of a response can be looked up.
#[tokio::test]
async fn every_error_code_is_listed() {
    let (_, body) = Service::new(Options::default()).get("v1/error-codes").await;
    let known = names(&body, "name");
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulator")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            // The tables in `contract` are the list itself.
            if path.is_dir() {
                folders.extend((!path.ends_with("contract")).then_some(path));
                continue;
            }
            let source = std::fs::read_to_string(&path).expect("a source file");
            for word in source.split('"').skip(1).step_by(2) {
                let shaped = |letter: char| letter.is_ascii_uppercase() || letter == '_';
                if word.len() > 6 && word.contains('_') && word.chars().all(shaped)
                    || word == "CONFLICT"
                    || word == "FORBIDDEN"
                {
                    let is_known = known.iter().any(|code| code == word);
                    assert!(is_known, "{word} of {}", path.display());
                    count += 1;
                }
            }
        }
    }
    assert!(count > 40, "the codes are not found");
}
