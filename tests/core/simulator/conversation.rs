//! One conversation covers every switch. Each value must be visible in the responses.
//!
//! `switches.rs` tests the meaning of the values. This test fails for a switch or value without an effect.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use acc_assets::http::send::{Method, Request};
use acc_assets::simulator::contract::SWITCHES;
use acc_assets::simulator::{GroupLimits, Options};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::harness::{Service, text};

const AIR: &str = "Air Handling";
const LIST: &str = "v2/projects/{p}/assets";
const CREATE: &str = "v2/projects/{p}/assets:batch-create";
const PATCH: &str = "v2/projects/{p}/assets:batch-patch";
const GET: &str = "v2/projects/{p}/assets:batch-get";
const LINKS: &str = "/bim360/relationship/v2/containers/{p}/relationships";
const NODES: &str = "/construction/locations/v2/projects/{p}/trees/default/nodes";
const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// The test value of a numeric switch.
fn number(switch: &str) -> &'static str {
    match switch {
        "read_lag_ms" => "1000",
        "max_body" => "5000",
        "client_asset_id_max" | "barcode_max" | "max_items" => "50",
        "rate_scale" => "0.5",
        // Seconds, or the fraction of all requests.
        _ => "1",
    }
}

/// The service and all its responses.
struct Conversation {
    service: Service,
    said: String,
}

impl Conversation {
    async fn send(&mut self, request: Request) -> Value {
        let asked = format!("{} {}", request.method.as_str(), request.url);
        let (status, body, answer) = self.service.send(request).await;
        let raw = String::from_utf8_lossy(&answer.body);
        // Writing to a String cannot fail.
        let _ = writeln!(self.said, "{asked}\n{status} {:?}\n{raw}", answer.headers);
        body
    }

    async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.send(self.service.request(method, path, body.as_ref())).await
    }

    async fn get(&mut self, path: &str) -> Value {
        self.ask(Method::Get, path, None).await
    }

    /// Creates assets and returns the id of the first.
    async fn create(&mut self, items: Value) -> String {
        let body = self.ask(Method::Post, CREATE, Some(items)).await;
        body["results"][0]["id"].as_str().unwrap_or(UNKNOWN).to_owned()
    }

    async fn create_with(&mut self, category: &str, field: &str, value: Value) -> String {
        let item = self.service.asset_with(category, "one", field, value);
        self.create(json!([item])).await
    }

    async fn link(&mut self, tail: &str, body: Value) -> Value {
        let method = if tail.is_empty() {
            Method::Put
        } else {
            Method::Post
        };
        self.ask(method, &format!("{LINKS}{tail}"), Some(body)).await
    }
}

fn link(id: Option<&str>, asset: &str, kind: &str, other: &str) -> Value {
    let mut link = json!({ "entities": [
        { "domain": "autodesk-bim360-asset", "type": "asset", "id": asset },
        { "domain": if kind == "issue" { "autodesk-bim360-issue" } else { "autodesk-construction-photo" },
          "type": kind, "id": other },
    ] });
    if let Some(id) = id {
        link["id"] = json!(id);
    }
    link
}

async fn conversation(switch: &str, value: &str) -> String {
    let service = Service::new(Options {
        start: Some(1_900_000_000_000),
        limits: GroupLimits {
            locations: 4,
            relationships: 1000,
            ..GroupLimits::default()
        },
        ..Options::default()
    });
    let links = service.simulator.seed_relationships(20);
    let removed = service.simulator.edit_world(|world| {
        world.relationships[3].read_only = true;
        // This is "Head" of the pumps.
        let removed = world.attributes[7].id;
        let user = "AAAABBBBCCCC".into();
        world.edit_attribute(removed, |attribute| attribute.stamp.deleted = Some((0, user)));
        removed
    });
    service
        .simulator
        .accept_token("narrow", "AAAABBBBCCCC", Some(vec!["data:write".into()]));
    service.set(switch, value);
    let mut talk = Conversation {
        service,
        said: String::new(),
    };
    users(&mut talk).await;
    let asset = creating(&mut talk).await;
    changing(&mut talk, &asset).await;
    reading(&mut talk, &asset, &removed.to_string()).await;
    linking(&mut talk, &asset, &links).await;
    setting_up(&mut talk).await;
    locating(&mut talk).await;
    talk.said
}

async fn users(talk: &mut Conversation) {
    let mut request = talk.service.request(Method::Get, LIST, None);
    request.headers[0].1 = "Bearer wrong".into();
    talk.send(request).await;
    let foreign = text(&talk.service.simulator.world_json()["foreign_project_id"]);
    talk.get(&format!("v2/projects/{foreign}/assets")).await;
    let items = json!([talk.service.asset(AIR, "narrow")]);
    let mut request = talk.service.request(Method::Post, CREATE, Some(&items));
    request.headers[0].1 = "Bearer narrow".into();
    talk.send(request).await;
}

/// Creates assets of all kinds. Returns one that has a description and two attributes.
async fn creating(talk: &mut Conversation) -> String {
    let asset = |talk: &Conversation, name: &str| talk.service.asset(AIR, name);
    let bad = talk.service.asset_with(AIR, "bad", "statusId", json!(UNKNOWN));
    talk.create(json!([bad, { "surprise": 1 }])).await;
    talk.create(json!([])).await;
    for count in [20, 60, 101] {
        let items: Value = (0..count)
            .map(|index| asset(talk, &format!("{count}-{index:03}")))
            .collect();
        talk.create(items).await;
    }
    for name in [" blank ", "", &"n".repeat(101), "Case"] {
        talk.create(json!([asset(talk, name)])).await;
    }
    for (category, field, value) in [
        (AIR, "description", json!("")),
        (AIR, "barcode", json!("0086")),
        (AIR, "barcode", json!("0086")),
        (AIR, "barcode", json!("0".repeat(101))),
        (AIR, "surprise", json!(1)),
        (AIR, "locationId", json!(UNKNOWN)),
        (AIR, "customAttributes", json!({ "ca7": "x" })),
        (AIR, "customAttributes", json!({ "ca3": "2031-02-28T10:00:00Z" })),
        (AIR, "customAttributes", json!({ "ca2": 6.5 })),
        (AIR, "customAttributes", json!({ "ca2": "7.5" })),
        ("Sprinklers", "description", json!("no class")),
        ("Outlets", "description", json!("no voltage")),
        ("ROOT", "description", json!("at the top")),
    ] {
        talk.create_with(category, field, value).await;
    }
    let mut full = asset(talk, "full");
    full["description"] = json!("text");
    full["customAttributes"] = json!({ "ca1": "Acme", "ca2": "1.5" });
    talk.create(json!([full])).await
}

async fn changing(talk: &mut Conversation, asset: &str) {
    let class = json!({ "ca9": "I" });
    let sprinkler = talk.create_with("Sprinklers", "customAttributes", class).await;
    let gone = talk.create_with(AIR, "description", json!("gone soon")).await;
    let lighting = talk.service.category("Lighting").clone();
    for (id, change) in [
        (asset, json!({ "description": "changed" })),
        (asset, json!({ "description": null })),
        (sprinkler.as_str(), json!({ "customAttributes": { "ca9": null } })),
        (UNKNOWN, json!({ "description": "nobody" })),
        (
            asset,
            json!({ "categoryId": lighting["id"], "statusId": lighting["statuses"][1]["id"] }),
        ),
    ] {
        talk.ask(Method::Patch, PATCH, Some(json!({ id: change }))).await;
    }
    for _ in 0..2 {
        let delete = json!({ "ids": [gone] });
        talk.ask(Method::Post, "v2/projects/{p}/assets:batch-delete", Some(delete))
            .await;
    }
}

async fn reading(talk: &mut Conversation, asset: &str, removed: &str) {
    talk.ask(Method::Post, GET, Some(json!({ "ids": [asset, asset] })))
        .await;
    for query in [
        "limit=201",
        "cursorState=nonsense",
        "filter[categoryId]=999",
        "sort=nonsense",
        "surprise=1",
        "sort=clientAssetId%20desc&limit=1",
        "limit=200",
    ] {
        talk.get(&format!("{LIST}?{query}")).await;
    }
    let settings = "v1/projects/{p}/custom-attributes:batch-get";
    talk.ask(Method::Post, settings, Some(json!({ "ids": [removed] })))
        .await;
}

async fn setting_up(talk: &mut Conversation) {
    let sets = talk.get("v1/projects/{p}/status-step-sets").await;
    let air = text(&talk.service.category(AIR)["id"]);
    talk.get(&format!(
        "v1/projects/{{p}}/categories/{air}/custom-attributes?includeInherited=true"
    ))
    .await;
    let taken = json!({ "name": "Energisation", "values": [] });
    talk.ask(Method::Post, "v1/projects/{p}/status-step-sets", Some(taken))
        .await;
    // If sets cannot be read, none can be assigned.
    if let Some(set) = sets["results"][1]["id"].as_str() {
        let path = format!("v1/projects/{{p}}/categories/{air}/status-step-set/{set}");
        talk.ask(Method::Put, &path, None).await;
    }
    let voltage = talk.service.simulator.edit_world(|world| world.attributes[6].id);
    let path = format!("v1/projects/{{p}}/custom-attributes/{voltage}");
    let fewer = json!({ "enumValues": ["24 V"] });
    talk.ask(Method::Patch, &path, Some(fewer)).await;
}

async fn linking(talk: &mut Conversation, asset: &str, links: &[String]) {
    const ONE: &str = "11111111-1111-4111-8111-111111111111";
    const TWO: &str = "22222222-2222-4222-8222-222222222222";
    for id in [Some(ONE), Some(ONE), None, Some(TWO)] {
        talk.link("", json!([link(id, asset, "photo", "p")])).await;
    }
    let other = talk.create_with(AIR, "description", json!("another end")).await;
    let ends = |several: bool| -> Value {
        let end = |index| if several && index % 2 == 0 { &other } else { asset };
        (0..21)
            .map(|index| link(None, end(index), "photo", &format!("{several}-{index}")))
            .collect()
    };
    talk.link("", ends(true)).await;
    talk.link("", ends(false)).await;
    talk.link(
        "",
        json!([link(None, asset, "photo", "q"), link(None, asset, "issue", "i")]),
    )
    .await;
    for ids in [
        json!([ONE]),
        json!([links[0], UNKNOWN]),
        json!([links[1], links[1]]),
        json!([links[2], links[3]]),
    ] {
        talk.link(":delete", ids).await;
    }
    talk.link("", json!([link(None, asset, "photo", "p")])).await;
    talk.link(":batch", json!([links[0], UNKNOWN])).await;
    talk.link(":batch", json!(links)).await;
    talk.get(&format!("{LINKS}:search?pageLimit=134")).await;
    let first = talk.get(&format!("{LINKS}:search?pageLimit=5")).await;
    sleep(Duration::from_secs(2)).await;
    if let Some(token) = first["page"]["continuationToken"].as_str() {
        let token = token.replace('+', "%2B").replace('=', "%3D");
        talk.get(&format!("{LINKS}:search?continuationToken={token}"))
            .await;
    }
}

async fn locating(talk: &mut Conversation) {
    sleep(Duration::from_secs(8)).await;
    let room = talk.service.location(3);
    talk.get(&format!("{NODES}?filter[id]={room}")).await;
    for _ in 0..4 {
        talk.get(&format!("{NODES}?limit=3&offset=6")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_value_of_every_switch_has_an_effect() {
    let plain = conversation(SWITCHES[0].0, SWITCHES[0].1[0]).await;
    let mut unseen = Vec::new();
    for (switch, values, _) in SWITCHES {
        let mut heard = BTreeMap::from([(plain.clone(), values[0])]);
        for value in &values[1..] {
            let tried = if *value == "<n>" { number(switch) } else { value };
            if let Some(same) = heard.insert(conversation(switch, tried).await, value) {
                unseen.push(format!("{switch}={value} (as {same})"));
            }
        }
        let default = conversation(switch, values[0]).await;
        assert_eq!(default, plain, "the first value of {switch} is not the default");
    }
    assert_eq!(unseen, Vec::<String>::new(), "nothing obeys these values");
}
