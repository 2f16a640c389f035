//! Projects created from descriptions: valid descriptions are applied, invalid parts are rejected, and large ones are
//! fast.

use std::time::{Duration, Instant};

use acc_assets::http::send::Method;
use acc_assets::simulator::{GroupLimits, Options, Simulator, World};
use serde_json::{Value, json};

use super::harness::{Service, text};

const NODES: &str = "/construction/locations/v2/projects/{p}/trees/default/nodes";

fn described(project: Value) -> Service {
    Service::new(Options {
        project: Some(project),
        limits: GroupLimits {
            assets_read: 10_000,
            locations: 10_000,
            ..GroupLimits::default()
        },
        ..Options::default()
    })
}

fn refusal(project: &Value) -> String {
    let options = Options {
        project: Some(project.clone()),
        ..Options::default()
    };
    match Simulator::new(options) {
        Ok(_) => panic!("this is no project: {project}"),
        Err(message) => message,
    }
}

fn entries(catalogue: &Value, list: &str, field: &str) -> Vec<String> {
    let rows = catalogue[list].as_array().expect("a list").iter();
    rows.map(|row| text(&row[field])).collect()
}

fn plant() -> Service {
    described(json!({
        "status_sets": [
            { "name": "Betrieb", "default": true, "statuses": ["Geplant", { "label": "Alt", "active": false }] },
            { "name": "Kurz", "statuses": ["An", "Aus"] },
            { "name": "Früher", "statuses": ["War"], "active": false },
        ],
        "attributes": [
            { "display_name": "Länge ", "type": "numeric", "default": 1.5 },
            { "display_name": "Stoff", "type": "select", "name": "ca1", "default": "Stahl",
              "options": ["Stahl", { "label": "Blei", "active": false }] },
            { "display_name": "Notiz", "type": "text", "required": true, "max_length": 5 },
            { "display_name": "Weg", "type": "date", "active": false },
        ],
        "categories": [
            { "path": [], "attributes": ["Notiz"] },
            { "path": "Rohre > Kalt", "id": 42, "attributes": ["Stoff", "Länge ", "Weg"] },
            { "path": ["Kabel", "Kalt"], "id": "7", "status_set": "Kurz" },
            { "path": "Kabel", "active": false },
            { "path": ["Kabel", "a > b "] },
        ],
        "locations": [
            { "path": ["Haus ", "Flur"], "barcode": "0001" },
            { "path": "Haus > Flur" },
            { "path": ["Haus "] },
            { "path": ["Haus "] },
            { "path": ["Haus ", "Flur"] },
        ],
    }))
}

fn category<'a>(catalogue: &'a Value, id: &str) -> &'a Value {
    let mut rows = catalogue["categories"].as_array().expect("a list").iter();
    rows.find(|row| row["id"] == *id).expect("a category")
}

#[tokio::test]
async fn a_described_project_matches_its_description() {
    let service = plant();
    let catalogue = service.simulator.world_json();
    let paths = entries(&catalogue, "categories", "path");
    assert_eq!(
        paths,
        [
            "",
            "Rohre",
            "Kabel",
            "Kabel > a > b ",
            "Kabel > Kalt",
            "Rohre > Kalt"
        ]
    );
    assert_eq!(
        entries(&catalogue, "categories", "id"),
        ["1", "2", "3", "4", "7", "42"]
    );
    assert_eq!(category(&catalogue, "3")["isActive"], json!(false));
    assert_eq!(
        entries(category(&catalogue, "7"), "statuses", "label"),
        ["An", "Aus"]
    );
    assert_eq!(
        entries(category(&catalogue, "42"), "statuses", "label"),
        ["Geplant", "Alt"]
    );
    assert_eq!(
        category(&catalogue, "42")["statuses"][1]["isActive"],
        json!(false)
    );
    assert_eq!(
        entries(category(&catalogue, "42"), "attributes", "displayName"),
        ["Stoff", "Länge ", "Notiz"]
    );
    assert_eq!(
        entries(category(&catalogue, "42"), "attributes", "name"),
        ["ca1", "ca2", "ca3"]
    );

    let (_, sets) = service
        .get("v1/projects/{p}/status-step-sets?includeDeleted=true")
        .await;
    assert_eq!(entries(&sets, "results", "name"), ["Betrieb", "Kurz", "Früher"]);
    assert_eq!(
        (&sets["results"][0]["isDefault"], &sets["results"][2]["isActive"]),
        (&json!(true), &json!(false))
    );
    let (_, list) = service
        .get("v1/projects/{p}/custom-attributes?includeDeleted=true")
        .await;
    let [length, material, note, gone] = [0, 1, 2, 3].map(|index| &list["results"][index]);
    assert_eq!(
        (&length["name"], &length["defaultValue"]),
        (&json!("ca2"), &json!(1.5))
    );
    assert_eq!(
        (&material["enumValues"], &material["defaultValue"]),
        (&json!(["Stahl"]), &json!("Stahl"))
    );
    assert_eq!(material["values"][1]["isActive"], json!(false));
    assert_eq!(
        (&note["maxLengthOnIngress"], &note["requiredOnIngress"]),
        (&json!(5), &json!(true))
    );
    assert_eq!(
        (&gone["isActive"], gone["deletedAt"].is_string()),
        (&json!(false), true)
    );
}

#[tokio::test]
async fn the_rules_of_a_described_project_are_kept() {
    let service = plant();
    let catalogue = service.simulator.world_json();
    let statuses = &category(&catalogue, "42")["statuses"];
    let material = &category(&catalogue, "42")["attributes"][0];
    // There is a required note, a default by label that is stored by id, and no inactive status.
    let asset = json!({ "clientAssetId": "A", "categoryId": "42", "statusId": statuses[0]["id"],
        "customAttributes": { "ca3": "kurz" } });
    let (status, body) = service.create(json!([asset])).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(
        body["results"][0]["customAttributes"],
        json!({ "ca3": "kurz", "ca1": material["values"][0]["id"], "ca2": 1.5 })
    );
    for (field, value) in [
        ("customAttributes", json!({})),
        ("customAttributes", json!({ "ca3": "zu lang" })),
        (
            "customAttributes",
            json!({ "ca3": "x", "ca1": material["values"][1]["id"] }),
        ),
        ("statusId", statuses[1]["id"].clone()),
    ] {
        let mut bad = asset.clone();
        bad[field] = value;
        assert_eq!(service.create(json!([bad])).await.0, 400, "{bad}");
    }
    // New ids continue after the existing ones.
    let new = json!({ "displayName": "Neu", "dataType": "date", "requiredOnIngress": false });
    assert_eq!(
        service.post("v1/projects/{p}/custom-attributes", new).await.1["name"],
        json!("ca5")
    );
}

#[tokio::test]
async fn locations_with_equal_paths_are_distinct() {
    let service = plant();
    let (_, tree) = service.get(NODES).await;
    assert_eq!(
        entries(&tree, "results", "name"),
        ["Project", "Haus ", "Flur", "Haus", "Flur", "Haus ", "Flur"]
    );
    let nodes: Vec<&Value> = tree["results"].as_array().expect("a list").iter().collect();
    let parents: Vec<usize> = nodes[1..]
        .iter()
        .map(|node| {
            nodes
                .iter()
                .position(|other| other["id"] == node["parentId"])
                .expect("a parent")
        })
        .collect();
    // "Haus " is listed once after it was created, and then again. Later locations belong to the second one.
    assert_eq!(parents, [0, 1, 0, 3, 0, 5]);
    assert_eq!(
        (&nodes[2]["barcode"], nodes[4].get("barcode")),
        (&json!("0001"), None)
    );
    let orders: Vec<&Value> = nodes.iter().map(|node| &node["order"]).collect();
    assert_eq!(orders, [0, 0, 0, 1, 0, 2, 0]);
}

#[tokio::test]
async fn an_empty_description_is_a_new_project() {
    let service = described(json!({}));
    let catalogue = service.simulator.world_json();
    assert_eq!(entries(&catalogue, "categories", "name"), ["ROOT"]);
    assert_eq!(
        catalogue["categories"][0]["statuses"].as_array().map(Vec::len),
        Some(10)
    );
    assert_eq!(entries(&catalogue, "locations", "name"), ["Project"]);
    let same = described(json!({ "categories": null, "status_sets": [] }));
    assert_eq!(
        same.simulator.world_json(),
        catalogue,
        "the same seed gives the same ids"
    );
    let used = described(json!({ "categories": [{ "path": "A", "status_set": "Default" }] }));
    assert_eq!(
        used.simulator.world_json()["categories"][1]["statuses"]
            .as_array()
            .map(Vec::len),
        Some(10)
    );

    let options = Options::from_json(&json!({ "project": { "categories": [{ "path": "A" }] } }));
    let simulator = Simulator::new(options.expect("an option")).expect("a project");
    assert_eq!(entries(&simulator.world_json(), "categories", "path"), ["", "A"]);
    let seeded = Options::from_json(&json!({ "project": null })).expect("an option");
    assert!(seeded.project.is_none());
    let twice = Options {
        project: Some(json!({})),
        ..Options::default()
    };
    assert!(Simulator::with_world(twice, World::bare(1, 0)).is_err());
}

fn all_refused(cases: &[(Value, &str)]) {
    for (project, told) in cases {
        let message = refusal(project);
        assert!(message.contains(told), "{message} instead of {told}");
    }
}

/// Returns names that count from 0.
fn levels(count: usize) -> Vec<String> {
    (0..count).map(|level| level.to_string()).collect()
}

#[test]
fn invalid_categories_are_located() {
    all_refused(&[
        (json!([]), "project must be an object"),
        (
            json!({ "sets": [] }),
            "unknown key \"sets\" in project; use status_sets",
        ),
        (json!({ "categories": {} }), "project.categories must be a list"),
        (
            json!({ "categories": [1] }),
            "project.categories[0] must be an object",
        ),
        (
            json!({ "categories": [{ "paths": "A" }] }),
            "unknown key \"paths\" in project.categories[0]",
        ),
        (
            json!({ "categories": [{}] }),
            "project.categories[0] needs \"path\"",
        ),
        (
            json!({ "categories": [{ "path": "A > " }] }),
            "project.categories[0].path",
        ),
        (
            json!({ "categories": [{ "path": ["A", 1] }] }),
            "project.categories[0].path",
        ),
        (
            json!({ "categories": [{ "path": levels(11) }] }),
            "more than 10 levels",
        ),
        (
            json!({ "categories": [{ "path": "A" }, { "path": ["A"] }] }),
            "project.categories[1]: duplicate category A",
        ),
        (
            json!({ "categories": [{ "path": "A", "id": 2 }, { "path": "B", "id": "2" }] }),
            "duplicate category id 2",
        ),
        (
            json!({ "categories": [{ "path": "A", "id": 1 }] }),
            "duplicate category id 1",
        ),
        (
            json!({ "categories": [{ "path": "A", "id": "02" }] }),
            "project.categories[0].id",
        ),
        (
            json!({ "categories": [{ "path": "A", "active": "no" }] }),
            "project.categories[0].active must be true or false",
        ),
        (
            json!({ "categories": [{ "path": "A", "status_set": "S" }] }),
            "no status set \"S\"",
        ),
        (
            json!({ "categories": [{ "path": "A", "attributes": ["B"] }] }),
            "project.categories[0].attributes[0]: no attribute",
        ),
        (
            json!({ "categories": [{ "path": [], "status_set": "Default" }] }),
            "ROOT can only have attributes",
        ),
    ]);
}

#[test]
fn invalid_status_sets_are_located() {
    all_refused(&[
        (
            json!({ "status_sets": [{ "statuses": [] }] }),
            "project.status_sets[0] needs \"name\"",
        ),
        (
            json!({ "status_sets": [{ "name": "S" }, { "name": "S" }] }),
            "project.status_sets[1]: duplicate status set \"S\"",
        ),
        (
            json!({ "status_sets": [{ "name": "Default" }] }),
            "the name of the default status set",
        ),
        (
            json!({ "status_sets": [{ "name": "S", "default": true }, { "name": "T", "default": true }] }),
            "more than one default",
        ),
        (
            json!({ "status_sets": [{ "name": "S", "default": true, "active": false }] }),
            "cannot be inactive",
        ),
        (
            json!({ "status_sets": [{ "name": "S", "statuses": ["a", "A"] }] }),
            "project.status_sets[0].statuses[1]: duplicate label",
        ),
        (
            json!({ "status_sets": [{ "name": "S", "statuses": [1] }] }),
            "project.status_sets[0].statuses[0] must be a label",
        ),
        (
            json!({ "status_sets": [{ "name": "S", "statuses": [{ "name": "a" }] }] }),
            "unknown key \"name\"",
        ),
    ]);
}

#[test]
fn invalid_attributes_are_located() {
    let attribute = |more: Value| {
        let mut attribute = json!({ "display_name": "A", "type": "text" });
        for (key, value) in more.as_object().expect("an object") {
            attribute[key.as_str()] = value.clone();
        }
        json!({ "attributes": [attribute] })
    };
    all_refused(&[
        (
            attribute(
                json!({ "type": "select", "options": ["a", { "label": "b", "active": false }], "default": "b" }),
            ),
            "project.attributes[0].default must be the label",
        ),
        (
            json!({ "attributes": [{ "display_name": "A" }] }),
            "project.attributes[0] needs \"type\"",
        ),
        (
            attribute(json!({ "type": "number" })),
            "project.attributes[0].type must be one of text, numeric",
        ),
        (
            attribute(json!({ "type": "select" })),
            "type select needs options",
        ),
        (attribute(json!({ "options": ["a"] })), "type text has no options"),
        (
            attribute(json!({ "type": "date", "max_length": 5 })),
            "type date has no max_length",
        ),
        (
            attribute(json!({ "max_length": 251 })),
            "project.attributes[0].max_length must be a number from 1 to 250",
        ),
        (
            attribute(json!({ "default": 1 })),
            "project.attributes[0].default must be a string",
        ),
        (
            attribute(json!({ "name": "ca0" })),
            "project.attributes[0].name must be ca1",
        ),
        (
            attribute(json!({ "label": "x" })),
            "unknown key \"label\" in project.attributes[0]",
        ),
        (
            json!({ "attributes": [{ "display_name": "A", "type": "date" }, { "display_name": "A", "type": "date" }] }),
            "project.attributes[1]: duplicate attribute \"A\"",
        ),
        (
            json!({ "attributes": [{ "display_name": "A", "type": "date", "name": "ca1" }, { "display_name": "B", "type": "date", "name": "ca1" }] }),
            "project.attributes[1]: duplicate name \"ca1\"",
        ),
    ]);
}

#[test]
fn invalid_locations_are_located() {
    all_refused(&[
        (
            json!({ "locations": [{ "path": [] }] }),
            "project.locations[0].path must be 1 to 19 names",
        ),
        (
            json!({ "locations": [{ "path": levels(20) }] }),
            "project.locations[0].path must be 1 to 19 names",
        ),
        (
            json!({ "locations": [{ "path": ["n".repeat(256)] }] }),
            "project.locations[0].path must be",
        ),
        (
            json!({ "locations": [{ "path": "A", "barcode": "1" }, { "path": "B", "barcode": "1" }] }),
            "project.locations[1]: duplicate barcode",
        ),
        (
            json!({ "locations": (0..10_000).map(|number| json!({ "path": [number.to_string()] })).collect::<Vec<_>>() }),
            "project.locations[9999]: the tree has more than 10000",
        ),
    ]);
}

#[tokio::test]
async fn bim_360_has_the_tree_under_a_separate_id() {
    let service = Service::new(Options::default());
    let container = text(&service.simulator.world_json()["locations_container_id"]);
    assert_ne!(container, service.project);
    let nodes = |id: &str| format!("/bim360/locations/v2/containers/{id}/trees/default/nodes");
    let own = nodes(&container);
    let (_, whole) = service.get(NODES).await;
    assert_eq!(service.get(&own).await, (200, whole.clone()));
    let mut read = Vec::new();
    let mut query = "?limit=7".to_owned();
    loop {
        let (status, page) = service.get(&format!("{own}{query}")).await;
        assert_eq!(status, 200);
        read.extend(page["results"].as_array().expect("a list").clone());
        match page["pagination"].get("nextUrl") {
            Some(next) => {
                let next = text(next);
                assert!(next.starts_with("/locations/v2/containers/"), "{next}");
                query = format!("?{}", next.split_once('?').expect("a query").1);
            }
            None => break,
        }
    }
    assert_eq!(json!(read), whole["results"]);
    for path in [
        nodes(&service.project),
        nodes(&format!("b.{container}")),
        format!(
            "/bim360/locations/v2/projects/{}/trees/default/nodes",
            service.project
        ),
        format!("/construction/locations/v2/containers/{container}/trees/default/nodes"),
        NODES.replace("{p}", &container),
    ] {
        assert_eq!(service.get(&path).await.0, 404, "{path}");
    }
    let mut with_region = service.request(Method::Get, &own, None);
    with_region.headers.push(("region", "EMEA".into()));
    assert_eq!(service.send(with_region).await.0, 200, "the header may be there");
    assert!(service.simulator.audit().endpoints["locations/container"].requests > 6);
}

/// The time limit for a large response on a busy machine. Quadratic time would be much longer.
const SOON: Duration = Duration::from_millis(900);

#[tokio::test]
async fn ten_thousand_locations_are_read_quickly() {
    let locations: Vec<Value> = (0..9_989)
        .map(|number| json!({ "path": [format!("B{}", number / 1000), format!("R{number}")] }))
        .collect();
    let service = described(json!({ "locations": locations }));
    let start = Instant::now();
    let (_, tree) = service.get(NODES).await;
    let taken = start.elapsed();
    let nodes = tree["results"].as_array().expect("a list");
    assert_eq!((nodes.len(), &nodes[9_999]["order"]), (10_000, &json!(988)));
    let ids: Vec<String> = nodes[9_000..9_200].iter().map(|node| text(&node["id"])).collect();
    let (_, asked) = service
        .get(&format!("{NODES}?filter[id]={}", ids.join(",")))
        .await;
    assert_eq!(asked["results"].as_array().map(Vec::len), Some(200));
    assert_eq!(asked["results"][0]["path"][0], json!("Project"));
    assert!(taken < SOON, "{taken:?}");
}

#[tokio::test]
async fn five_hundred_categories_and_attributes_are_read_quickly() {
    let name = |number: usize| format!("A{number}");
    let attributes: Vec<Value> = (0..500)
        .map(|number| json!({ "display_name": name(number), "type": "text" }))
        .collect();
    let categories: Vec<Value> = (0..500)
        .map(|number| json!({ "path": [format!("C{number}")], "attributes": [name(number)] }))
        .chain([json!({ "path": [], "attributes": (0..500).map(name).collect::<Vec<_>>() })])
        .collect();
    let service = described(json!({ "attributes": attributes, "categories": categories }));
    let timed = async |path: &str| {
        let start = Instant::now();
        let (status, body) = service.get(path).await;
        assert_eq!(status, 200);
        let taken = start.elapsed();
        assert!(taken < SOON, "{path}: {taken:?}");
        body
    };
    let categories = timed("v1/projects/{p}/categories").await;
    assert_eq!(categories["results"].as_array().map(Vec::len), Some(501));
    let id = text(&categories["results"][500]["id"]);
    let path = format!("v1/projects/{{p}}/categories/{id}/custom-attributes?includeInherited=true");
    assert_eq!(timed(&path).await["results"].as_array().map(Vec::len), Some(500));
    timed("v1/projects/{p}/custom-attributes?limit=200").await;
    let status = service
        .simulator
        .edit_world(|world| world.status_sets[0].statuses[0].id);
    let full: Value = (1..=500)
        .map(|number| (format!("ca{number}"), json!("x")))
        .collect();
    let assets: Value = (0..100)
        .map(|row| json!({ "clientAssetId": row.to_string(), "categoryId": id, "statusId": status, "customAttributes": full }))
        .collect();
    let start = Instant::now();
    assert_eq!(service.create(assets).await.0, 201);
    let taken = start.elapsed();
    assert!(taken < 2 * SOON, "{taken:?}");
}
