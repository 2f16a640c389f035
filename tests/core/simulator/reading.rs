//! Lists, filters, sorting and settings, including inheritance.

use std::time::Duration;

use acc_assets::simulator::Options;
use serde_json::{Value, json};

use super::harness::{Service, text};

const AIR: &str = "Air Handling";

async fn names(service: &Service, query: &str) -> Vec<String> {
    let (status, body) = service.get(&format!("v2/projects/{{p}}/assets?{query}")).await;
    assert_eq!(status, 200, "{query}: {body}");
    body["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|asset| text(&asset["clientAssetId"]))
        .collect()
}

#[tokio::test]
async fn pages_continue_until_there_is_no_cursor() {
    let service = Service::new(Options::default());
    for batch in 0..3 {
        let items: Value = (0..90)
            .map(|index| service.asset(AIR, &format!("{batch}-{index:02}")))
            .collect();
        assert_eq!(service.create(items).await.0, 201);
    }
    let (_, first) = service.get("v2/projects/{p}/assets").await;
    assert_eq!(first["results"].as_array().map(Vec::len), Some(25));
    assert_eq!(
        first["pagination"]["cursorState"],
        json!("eyJsaW1pdCI6MjUsIm9mZnNldCI6MjV9")
    );
    assert_eq!(first["results"][0].get("customAttributes"), None);
    let mut seen = Vec::new();
    let mut query = "limit=100".to_owned();
    loop {
        let (_, page) = service.get(&format!("v2/projects/{{p}}/assets?{query}")).await;
        seen.extend(
            page["results"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|asset| text(&asset["id"])),
        );
        assert_eq!(page["pagination"]["totalResults"], json!(270));
        match page["pagination"].get("cursorState") {
            Some(cursor) => query = format!("cursorState={}", text(cursor).replace('=', "%3D")),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 270);
}

/// The sample cursor of the "Retrieve assets data" tutorial contains an offset, so pages are split by offset.
#[tokio::test]
async fn a_change_between_two_pages_shifts_the_rows() {
    let service = Service::new(Options::default());
    let items: Value = ["A", "B", "C", "D", "E"]
        .map(|name| service.asset(AIR, name))
        .into();
    service.create(items).await;
    let page = async |query: &str| names(&service, &format!("limit=2&sort={query}")).await;
    // The cursor eyJsaW1pdCI6Miwib2Zmc2V0IjoyfQ== is {"limit":2,"offset":2}.
    let second = |sort: &str| format!("{sort}&cursorState=eyJsaW1pdCI6Miwib2Zmc2V0IjoyfQ%3D%3D");
    assert_eq!(page("clientAssetId").await, ["A", "B"]);
    let first = text(&service.simulator.assets()[0]["id"]);
    service.simulator.delete_asset(&first).expect("it is there");
    assert_eq!(
        page(&second("clientAssetId")).await,
        ["D", "E"],
        "C is never seen"
    );
    assert_eq!(page("clientAssetId%20desc").await, ["E", "D"]);
    service
        .simulator
        .create_asset(&service.asset(AIR, "F"))
        .expect("a valid asset");
    assert_eq!(
        page(&second("clientAssetId%20desc")).await,
        ["D", "C"],
        "D comes twice"
    );
}

#[tokio::test(start_paused = true)]
async fn filters_and_sorting() {
    let service = Service::new(Options {
        start: Some(1_900_000_000_000),
        ..Options::default()
    });
    let (g4, m5) = (
        service.choice(AIR, "Filter Class", 0),
        service.choice(AIR, "Filter Class", 1),
    );
    let heat = service.choice(AIR, "Functions", 0);
    let rows = [
        ("b", "Acme", "12.5", "2031-02-28", true, &g4, 3),
        ("a", "acme pumps", "7", "2031-03-01", false, &m5, 4),
        ("c", "Other", "100", "2032-01-01", true, &g4, 20),
    ];
    for (name, maker, flow, date, done, class, location) in rows {
        let mut asset = service.asset_with(AIR, name, "locationId", json!(service.location(location)));
        asset["customAttributes"] =
            json!({ "ca1": maker, "ca2": flow, "ca3": date, "ca4": done, "ca5": class, "ca6": [heat] });
        service.created(asset).await;
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    let mut pump = service.asset("Pumps", "p");
    pump["barcode"] = json!("0086");
    pump["statusId"] = service.category("Pumps")["statuses"][3]["id"].clone();
    let gone = service.created(service.asset("Pumps", "gone")).await;
    service.created(pump).await;
    service.delete(json!([gone])).await;

    let air = text(&service.category(AIR)["id"]);
    let pumps = text(&service.category("Pumps")["id"]);
    let building = service.location(1);
    let room = service.location(3);
    for (query, expected) in [
        (String::new(), vec!["b", "a", "c", "p"]),
        ("includeDeleted=true".into(), vec!["b", "a", "c", "gone", "p"]),
        (format!("filter[categoryId]={pumps}"), vec!["p"]),
        (
            format!("filter%5BcategoryId%5D={pumps}&filter%5BcategoryId%5D={air}"),
            vec!["b", "a", "c", "p"],
        ),
        ("filter[statusLabel]=installed".into(), vec!["p"]),
        (
            format!(
                "filter[statusId]={}",
                text(&service.category(AIR)["statuses"][0]["id"])
            ),
            vec!["b", "a", "c"],
        ),
        (format!("filter[locationId]={room}"), vec!["b"]),
        (format!("filter[locationId]={building}"), vec![]),
        (
            format!("filter[locationId]={building}&includeSubLocations=true"),
            vec!["b", "a"],
        ),
        ("filter[customAttributes][ca1]=ACME".into(), vec!["b", "a"]),
        ("filter[customAttributes][ca2]=7..12.5".into(), vec!["b", "a"]),
        ("filter[customAttributes][ca2]=12.6..".into(), vec!["c"]),
        ("filter[customAttributes][ca2]=100".into(), vec!["c"]),
        ("filter[customAttributes][ca3]=..2031-02-28".into(), vec!["b"]),
        (
            "filter[customAttributes][ca4]=true&filter[customAttributes][ca1]=other".into(),
            vec!["c"],
        ),
        (format!("filter[customAttributes][ca5]={g4}"), vec!["b", "c"]),
        (
            format!("filter[customAttributes][ca6]={heat}"),
            vec!["b", "a", "c"],
        ),
        ("filter[searchText]=PUMPS".into(), vec!["a"]),
        ("filter[searchText]=0086".into(), vec!["p"]),
        (
            "filter[updatedAt]=2030-03-17T17:46:50.000Z..".into(),
            vec!["a", "c", "p"],
        ),
        ("filter[updatedAt]=..2030-03-17T17:46:50Z".into(), vec!["b", "a"]),
        ("sort=clientAssetId".into(), vec!["a", "b", "c", "p"]),
        (
            "sort=categoryId+desc,clientAssetId%20asc".into(),
            vec!["p", "a", "b", "c"],
        ),
        ("sort=customAttributes.ca2 desc".into(), vec!["p", "c", "b", "a"]),
        ("sort=createdAt desc&limit=2".into(), vec!["p", "c"]),
    ] {
        assert_eq!(names(&service, &query).await, expected, "{query}");
    }
    for query in [
        "filter[customAttributes][ca2]=1&filter[customAttributes][ca2]=1..2",
        "filter[customAttributes][ca99]=1",
        "filter[customAttributes][ca4]=yes",
        "filter[locationId]=here",
        "filter[updatedAt]=yesterday",
        "includeDeleted=perhaps",
        "limit=0",
    ] {
        let (status, body) = service.get(&format!("v2/projects/{{p}}/assets?{query}")).await;
        assert_eq!(
            (status, &body["errorCode"]),
            (400, &json!("INVALID_PARAMETER")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn categories() {
    let service = Service::new(Options::default());
    let ask = async |query: &str| {
        let (_, body) = service.get(&format!("v1/projects/{{p}}/categories{query}")).await;
        body["results"].as_array().expect("a list").clone()
    };
    let all = ask("").await;
    assert_eq!(all.len(), 17);
    assert!(
        all.iter().any(|category| category["isActive"] == json!(false)),
        "inactive ones are included"
    );
    assert!(
        all[0].get("version").is_none() && all[0].get("projectId").is_none() && all[0].get("uid").is_none()
    );
    assert_eq!(
        all.iter()
            .filter(|category| category["isRoot"] == json!(true))
            .count(),
        1
    );
    assert_eq!(ask("?filter[isActive]=true").await.len(), 16);
    let root = ask("?filter[maxDepth]=0&includeUid=true").await;
    assert_eq!(
        (root.len(), &root[0]["name"], root[0]["uid"].is_string()),
        (1, &json!("ROOT"), true)
    );
    let hvac = service.category("HVAC");
    let below = ask(&format!("?filter[parentId]={}", text(&hvac["id"]))).await;
    let names: Vec<&Value> = below.iter().map(|category| &category["name"]).collect();
    assert_eq!(names, ["Air Handling", "Pumps", "Chillers", "Fans"]);
    let body = json!({ "ids": [hvac["id"], "999"] });
    let (_, body) = service.post("v1/projects/{p}/categories:batch-get", body).await;
    assert_eq!(body["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        body["results"][0]["subcategoryIds"].as_array().map(Vec::len),
        Some(4)
    );
}

#[tokio::test]
async fn attributes_are_inherited() {
    let service = Service::new(Options::default());
    let id = text(&service.category(AIR)["id"]);
    let ask = async |query: &str| {
        let (_, body) = service
            .get(&format!(
                "v1/projects/{{p}}/categories/{id}/custom-attributes{query}"
            ))
            .await;
        body["results"].as_array().expect("a list").clone()
    };
    assert_eq!(ask("").await.len(), 2);
    let all = ask("?includeInherited=true").await;
    let mut types: Vec<String> = all.iter().map(|attribute| text(&attribute["dataType"])).collect();
    types.sort();
    assert_eq!(
        types,
        ["boolean", "date", "multi_select", "numeric", "select", "text"]
    );
    let hvac = &service.category("HVAC")["id"];
    assert_eq!(
        all.iter()
            .filter(|attribute| attribute["inheritedFromCategoryId"] == *hvac)
            .count(),
        4
    );
    let select = all
        .iter()
        .find(|attribute| attribute["dataType"] == json!("select"))
        .expect("one of each");
    assert_eq!(select["enumValues"][0], json!("G4"));
    assert_eq!(select["values"][0]["displayName"], json!("G4"));
    assert_eq!(
        service
            .get("v1/projects/{p}/categories/999/custom-attributes")
            .await
            .0,
        404
    );

    let (_, body) = service.get("v1/projects/{p}/custom-attributes?limit=3").await;
    assert_eq!(body["results"].as_array().map(Vec::len), Some(3));
    assert!(body["pagination"]["cursorState"].is_string());
    let (_, body) = service.get("v1/projects/{p}/custom-attributes").await;
    let voltage = &body["results"][6];
    assert_eq!(
        (&voltage["displayName"], &voltage["defaultValue"]),
        (&json!("Voltage"), &json!("230 V"))
    );
}

#[tokio::test]
async fn status_sets_are_inherited() {
    let service = Service::new(Options::default());
    let id = |name: &str| service.category(name)["id"].clone();
    let ask = async |query: &str| {
        let path = format!("v1/projects/{{p}}/category-status-step-sets/status-step-sets:batch-get{query}");
        let body = json!({ "ids": [id("Lighting"), id("Electrical"), id(AIR), "999"] });
        service.post(&path, body).await.1["results"]
            .as_array()
            .expect("a list")
            .clone()
    };
    let explicit = ask("").await;
    assert_eq!(
        (explicit.len(), &explicit[0]["categoryId"]),
        (1, &id("Electrical"))
    );
    let all = ask("?includeInherited=true").await;
    assert_eq!(all.len(), 3);
    assert_eq!(
        (
            &all[0]["inheritedFromCategoryId"],
            all[1].get("inheritedFromCategoryId")
        ),
        (&id("Electrical"), None)
    );
    assert_eq!(
        (&all[2]["inheritedFromCategoryId"], &all[0]["statusStepSetId"]),
        (&id("ROOT"), &all[1]["statusStepSetId"])
    );

    let body = json!({ "ids": [all[0]["statusStepSetId"]] });
    let (_, sets) = service
        .post("v1/projects/{p}/status-step-sets:batch-get", body)
        .await;
    let labels: Vec<&Value> = sets["results"][0]["values"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|status| &status["label"])
        .collect();
    assert_eq!(labels, ["Planned", "Installed", "Tested", "Energised"]);
    let (_, sets) = service.get("v1/projects/{p}/status-step-sets").await;
    assert_eq!(sets["results"].as_array().map(Vec::len), Some(2));
    assert_eq!(sets["results"][0]["isDefault"], json!(true));
    let (_, statuses) = service.get("v1/projects/{p}/asset-statuses?limit=200").await;
    assert_eq!(statuses["results"].as_array().map(Vec::len), Some(14));
    let body = json!({ "ids": [statuses["results"][2]["id"]] });
    let (_, one) = service
        .post("v1/projects/{p}/asset-statuses:batch-get", body)
        .await;
    assert_eq!(one["results"], json!([statuses["results"][2]]));
    // A status of another category's set is rejected.
    let foreign = service.asset_with(
        AIR,
        "A",
        "statusId",
        service.category("Lighting")["statuses"][0]["id"].clone(),
    );
    assert_eq!(service.create(json!([foreign])).await.0, 400);
}

#[tokio::test]
async fn error_codes_need_no_token() {
    let service = Service::new(Options::default());
    let mut request = service.request(acc_assets::http::send::Method::Get, "v1/error-codes", None);
    request.headers.clear();
    let (status, body, _) = service.send(request).await;
    let codes = body["results"].as_array().expect("a list");
    assert_eq!(
        (status, &body["pagination"]["totalResults"]),
        (200, &json!(codes.len()))
    );
    let (_, one) = service.get("v1/error-codes/FIELD_EXCEEDS_MAX_LENGTH").await;
    assert_eq!(one["metadataKeys"], json!(["fieldName", "maxStringLength"]));
    assert_eq!(service.get("v1/error-codes/NO_SUCH_CODE").await.0, 404);
}

#[tokio::test]
async fn many_assets_are_supported() {
    let service = Service::new(Options {
        limits: acc_assets::simulator::GroupLimits {
            assets_write: 1000,
            ..Default::default()
        },
        ..Options::default()
    });
    let start = std::time::Instant::now();
    for batch in 0..200 {
        let items: Value = (0..100)
            .map(|index| {
                let mut asset = service.asset(AIR, &format!("AHU-{batch}-{index}"));
                asset["barcode"] = json!(format!("{:08}", batch * 100 + index));
                asset["customAttributes"] =
                    json!({ "ca1": "Acme", "ca2": "12.5", "ca3": "2031-02-28", "ca4": true });
                asset
            })
            .collect();
        assert_eq!(service.create(items).await.0, 201);
    }
    eprintln!("20,000 assets in {:?}, this client included", start.elapsed());
    assert_eq!(
        service.simulator.world_json()["counts"]["active_assets"],
        json!(20_000)
    );
    let (_, body) = service
        .get("v2/projects/{p}/assets?filter[searchText]=AHU-199-99")
        .await;
    assert_eq!(body["results"].as_array().map(Vec::len), Some(1));
}
