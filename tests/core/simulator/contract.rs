//! Checks the simulator against the request and response examples of the five reference pages.

use acc_assets::http::send::{Method, Request, Response, Transport};
use acc_assets::simulator::world::{DataType, Draft, Entity, ROOT};
use acc_assets::simulator::{Options, Simulator, World};
use serde_json::{Value, json};
use uuid::Uuid;

fn id(text: &str) -> Uuid {
    Uuid::parse_str(text).expect("the example ids are UUIDs")
}

/// A project in which every id of the examples exists.
fn example_world() -> World {
    let mut world = World::bare(1, 1_588_312_800_000);
    for (category, name) in [(12, "Cleaning"), (42, "Air conditioning")] {
        world.add_category(category, name, Some(ROOT));
        let set = world.add_status_set(name, false);
        for (category_of, status) in [
            (42, "84eb6a10-dde3-475f-aaf4-b5df3aebbd0b"),
            (42, "5cd53aeb-6657-4fb3-a077-f700fb29e644"),
            (12, "f27c6e60-327c-4b22-b430-a77c5ece70e5"),
        ] {
            if category_of == category {
                world.add_status(set, id(status), status);
            }
        }
        world.assign_status_set(category, set);
    }
    let choices = [
        ("ca4", "688f8cfb-0eb4-4289-9d18-96007875dec3"),
        ("ca4", "9e6de5b0-f0d3-4eea-9b9c-efb14423f03e"),
        ("ca5", "9e653094-8d9e-4050-a97a-24d9c5a3786f"),
        ("ca5", "e88357bc-e3dd-4cd8-a9e2-6d659b301e7f"),
        ("ca5", "f3a084e3-3531-40a7-9dce-3a17012443c7"),
        ("ca5", "b5ee90c1-6e5d-41f2-83da-e54bf4331a8a"),
        ("ca13", "6867e8ad-4a05-45da-82a1-17f89902f0b9"),
    ];
    for (category, name, data_type) in [
        (42, "ca1", DataType::Boolean),
        (42, "ca2", DataType::Numeric),
        (42, "ca3", DataType::Date),
        (42, "ca4", DataType::Select),
        (42, "ca5", DataType::MultiSelect),
        (42, "ca6", DataType::Text),
        (12, "ca11", DataType::Date),
        (12, "ca13", DataType::Select),
        (12, "ca14", DataType::Text),
    ] {
        let attribute = world.new_id();
        let own: Vec<(Uuid, &str)> = choices
            .iter()
            .filter(|(of, _)| *of == name)
            .map(|(_, choice)| (id(choice), *choice))
            .collect();
        world.add_attribute(attribute, name, name, data_type, &own);
        world.assign_attribute(category, attribute);
    }
    let root = world.locations[0].id;
    for location in [
        "826e102a-36de-41e7-8c58-1b1696ccbba8",
        "8500bd50-d25d-41a4-a686-cfa32d9a7dd4",
        "e4f7c1d5-0517-46ff-912b-65a05ecd839a",
    ] {
        world.add_location(id(location), Some(root), location);
    }
    add_example_assets(&mut world);
    world.project = id("fbd6cb57-7d0e-4961-8c2c-69646514ef44");
    let ends = [
        (
            "autodesk-bim360-asset",
            "asset",
            "6cdd4356-a719-4964-9fd7-0c505e731ac7",
        ),
        (
            "autodesk-bim360-documentmanagement",
            "documentlineage",
            "urn:adsk.wipprod:dm.lineage:1",
        ),
    ];
    let entities = ends.map(|(domain, kind, id)| Entity {
        domain: domain.into(),
        kind: kind.into(),
        id: id.into(),
    });
    world.add_relationship(id("d98c1dd4-008f-04b2-e980-0998ecf8427e"), entities, false);
    world
}

fn add_example_assets(world: &mut World) {
    let user = "LA7ZL85MU7ML".into();
    let company = Some(world.company);
    let unit = Draft {
        client_asset_id: "AH-999".into(),
        category: 42,
        status: id("84eb6a10-dde3-475f-aaf4-b5df3aebbd0b"),
        description: Some("AC unit for basement".into()),
        location: Some(id("826e102a-36de-41e7-8c58-1b1696ccbba8")),
        barcode: Some("DR025SGPT".into()),
        attributes: json!({ "ca1": false, "ca2": 128, "ca3": "1989-11-09",
            "ca4": "9e6de5b0-f0d3-4eea-9b9c-efb14423f03e" })
        .as_object()
        .cloned()
        .expect("an object"),
    };
    let vacuum = Draft {
        client_asset_id: "VACUUM-1".into(),
        category: 12,
        status: id("f27c6e60-327c-4b22-b430-a77c5ece70e5"),
        attributes: json!({ "ca11": "2020-10-31", "ca13": "6867e8ad-4a05-45da-82a1-17f89902f0b9",
            "ca14": "some text input" })
        .as_object()
        .cloned()
        .expect("an object"),
        ..Draft::default()
    };
    for (asset, draft) in [
        ("286c1ef7-70f6-4ebd-8f87-e7f591ec6b1f", unit.clone()),
        ("4a125d1b-0803-408e-ab8b-ccdd159b8ca8", vacuum),
        ("6cdd4356-a719-4964-9fd7-0c505e731ac7", unit),
    ] {
        world.add_asset(Some(id(asset)), draft, &user, company);
    }
}

async fn send(simulator: &Simulator, method: Method, path: &str, body: Value) -> Response {
    let request = Request {
        method,
        url: format!("https://developer.api.autodesk.com{path}"),
        headers: vec![
            ("authorization", format!("Bearer {}", simulator.token())),
            ("content-type", "application/json".into()),
        ],
        body: Some(body.to_string().into()),
    };
    simulator
        .transport()
        .send(request)
        .await
        .expect("no fault is scripted")
}

fn read(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).expect("the body is JSON")
}

/// Both prefixes and both forms of the project id.
fn bases(simulator: &Simulator) -> [String; 3] {
    let project = simulator.project_id();
    [
        format!("/bim360/assets/v2/projects/{project}"),
        format!("/construction/assets/v2/projects/{project}"),
        format!("/construction/assets/v2/projects/b.{project}"),
    ]
}

fn simulator() -> Simulator {
    Simulator::with_world(Options::default(), example_world()).expect("the options are valid")
}

#[tokio::test]
async fn the_create_example_gets_the_printed_response() {
    let simulator = simulator();
    let asset = json!({
        "clientAssetId": "MVS-3D2", "categoryId": "42", "statusId": "84eb6a10-dde3-475f-aaf4-b5df3aebbd0b",
        "description": "AC unit for basement", "locationId": "826e102a-36de-41e7-8c58-1b1696ccbba8",
        "barcode": "F0086728",
        "customAttributes": {
            "ca1": true, "ca2": 6.5, "ca4": "688f8cfb-0eb4-4289-9d18-96007875dec3",
            "ca5": ["9e653094-8d9e-4050-a97a-24d9c5a3786f", "e88357bc-e3dd-4cd8-a9e2-6d659b301e7f"],
            "ca6": "text value"
        }
    });
    for base in bases(&simulator) {
        let answer = send(
            &simulator,
            Method::Post,
            &format!("{base}/assets:batch-create"),
            json!([asset]),
        )
        .await;
        assert_eq!(answer.status, 201);
        let body = read(&answer);
        let created = &body["results"][0];
        for (field, value) in asset.as_object().expect("an object") {
            assert_eq!(&created[field], value, "{field}");
        }
        let mut fields: Vec<&str> = created
            .as_object()
            .expect("an asset")
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        // All fields of the example except deletedAt and deletedBy, which contradict isActive.
        assert_eq!(
            fields,
            [
                "barcode",
                "categoryId",
                "clientAssetId",
                "companyId",
                "createdAt",
                "createdBy",
                "customAttributes",
                "description",
                "id",
                "isActive",
                "locationId",
                "statusId",
                "updatedAt",
                "updatedBy",
                "version"
            ]
        );
        assert_eq!(created["isActive"], json!(true));
        assert!(created["version"].is_u64());
        let at = created["createdAt"].as_str().expect("a string");
        assert_eq!((at.len(), &at[23..]), (24, "Z"), "{at}");
    }
    assert_eq!(simulator.audit().creations("MVS-3D2"), 3);
}

#[tokio::test]
async fn the_patch_example_gets_the_printed_response() {
    let simulator = simulator();
    simulator
        .set_switch("misprinted_scalars", "on")
        .expect("a switch");
    let body = json!({
        "286c1ef7-70f6-4ebd-8f87-e7f591ec6b1f": {
            "clientAssetId": "AH-1000", "categoryId": "42", "statusId": "5cd53aeb-6657-4fb3-a077-f700fb29e644",
            "customAttributes": {
                "ca1": true,
                "ca5": ["f3a084e3-3531-40a7-9dce-3a17012443c7", "b5ee90c1-6e5d-41f2-83da-e54bf4331a8a"],
                "ca6": "Updated text value"
            }
        },
        "4a125d1b-0803-408e-ab8b-ccdd159b8ca8": {
            "clientAssetId": "VACUUM-9000", "description": "The new Vacuum 9000",
            "locationId": "8500bd50-d25d-41a4-a686-cfa32d9a7dd4", "barcode": "F00086728"
        }
    });
    let path = format!("{}/assets:batch-patch", bases(&simulator)[0]);
    let answer = send(&simulator, Method::Patch, &path, body.clone()).await;
    assert_eq!(answer.status, 200);
    let answer = read(&answer);
    let ids: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(
        ids,
        body.as_object().expect("an object").keys().collect::<Vec<_>>()
    );
    let unit = &answer["286c1ef7-70f6-4ebd-8f87-e7f591ec6b1f"];
    assert_eq!(
        unit["customAttributes"],
        json!({
            "ca1": true, "ca2": 128, "ca3": "1989-11-09", "ca4": "9e6de5b0-f0d3-4eea-9b9c-efb14423f03e",
            "ca5": ["f3a084e3-3531-40a7-9dce-3a17012443c7", "b5ee90c1-6e5d-41f2-83da-e54bf4331a8a"],
            "ca6": "Updated text value"
        })
    );
    assert_eq!(
        (&unit["barcode"], &unit["clientAssetId"]),
        (&json!("DR025SGPT"), &json!("AH-1000"))
    );
    assert_eq!(unit["isActive"], json!("true,"));
    assert_eq!(unit["version"], json!("4,"));
    let vacuum = &answer["4a125d1b-0803-408e-ab8b-ccdd159b8ca8"];
    assert_eq!(vacuum["barcode"], json!("F00086728"));
    assert_eq!(vacuum["customAttributes"]["ca14"], json!("some text input"));

    simulator
        .set_switch("misprinted_scalars", "off")
        .expect("a switch");
    let answer = read(&send(&simulator, Method::Patch, &path, body).await);
    let unit = &answer["286c1ef7-70f6-4ebd-8f87-e7f591ec6b1f"];
    assert_eq!((&unit["version"], &unit["isActive"]), (&json!(6), &json!(true)));
}

#[tokio::test]
async fn the_get_example_omits_unknown_and_deleted_ids() {
    let simulator = simulator();
    let base = &bases(&simulator)[1];
    let ask = json!({ "ids": ["6cdd4356-a719-4964-9fd7-0c505e731ac7", "00000000-0000-4000-8000-000000000000", "x"] });
    let full = format!("{base}/assets:batch-get?includeCustomAttributes=true&includeDeleted=true");
    let answer = send(&simulator, Method::Post, &full, ask.clone()).await;
    assert_eq!(answer.status, 200);
    let body = read(&answer);
    assert_eq!(body.as_object().expect("an object").len(), 1, "no pagination");
    assert_eq!(body["results"].as_array().expect("a list").len(), 1);
    assert_eq!(body["results"][0]["customAttributes"]["ca2"], json!(128));
    let plain = format!("{base}/assets:batch-get");
    let body = read(&send(&simulator, Method::Post, &plain, ask.clone()).await);
    assert_eq!(body["results"][0].get("customAttributes"), None);

    let delete = format!("{base}/assets:batch-delete");
    let gone = json!({ "ids": ["6cdd4356-a719-4964-9fd7-0c505e731ac7"] });
    assert_eq!(send(&simulator, Method::Post, &delete, gone).await.status, 204);
    let body = read(&send(&simulator, Method::Post, &plain, ask.clone()).await);
    assert_eq!(body, json!({ "results": [] }));
    let body = read(&send(&simulator, Method::Post, &full, ask).await);
    assert_eq!(body["results"][0]["isActive"], json!(false));
    assert!(body["results"][0]["deletedAt"].is_string());
}

#[tokio::test]
async fn the_delete_example_has_no_body() {
    let simulator = simulator();
    let path = format!("{}/assets:batch-delete", bases(&simulator)[0]);
    let body = json!({ "ids": ["6cdd4356-a719-4964-9fd7-0c505e731ac7"] });
    let answer = send(&simulator, Method::Post, &path, body).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.header("content-type"), None);
    assert_eq!(simulator.audit().assets_deleted, 1);
}

#[tokio::test]
async fn the_relationship_examples_get_the_printed_responses() {
    let simulator = simulator();
    let base = "/bim360/relationship/v2/containers";
    let own = format!("{base}/{}/relationships:delete", simulator.project_id());
    let ids = json!(["d98c1dd4-008f-04b2-e980-0998ecf8427e"]);
    let answer = send(&simulator, Method::Post, &own, ids.clone()).await;
    assert_eq!((answer.status, read(&answer)), (200, json!({ "deleted": ids })));
    let answer = send(&simulator, Method::Post, &own, ids.clone()).await;
    assert_eq!((answer.status, read(&answer)), (200, json!({ "deleted": [] })));

    let answer = send(
        &simulator,
        Method::Post,
        &format!("{base}/testing/relationships:delete"),
        ids,
    )
    .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        read(&answer),
        json!({
            "type": "BadInput",
            "title": "One or more input values in the request were bad",
            "detail": "The following parameters are invalid: containerId",
            "errors": [{
                "field": "containerId", "title": "Invalid parameter",
                "detail": "The value 'testing' is not valid.", "type": "BadInput"
            }]
        })
    );
    let prefixed = format!("{base}/b.{}/relationships:delete", simulator.project_id());
    assert_eq!(
        send(&simulator, Method::Post, &prefixed, json!([])).await.status,
        400
    );
}
