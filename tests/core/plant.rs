//! The settings of a small project, written by hand.

use std::sync::Arc;

use acc_assets::settings::{Content, Settings};
use serde_json::{Value, json};

pub const PLANNED: &str = "00000000-0000-4000-8000-000000000001";
pub const INSTALLED: &str = "00000000-0000-4000-8000-000000000002";
pub const INSTALLED_TOO: &str = "00000000-0000-4000-8000-000000000003";
pub const TESTED: &str = "00000000-0000-4000-8000-000000000004";
pub const ROOM: &str = "00000000-0000-4000-8000-000000000010";

/// ROOT has one attribute. HVAC > Pumps and Plumbing > Pumps have equal names. Electrical has its own set.
pub fn settings() -> Arc<Settings> {
    let category = |id: &str, name: &str, parent: Option<&str>, active: bool| {
        json!({ "id": id, "name": name, "parent": parent, "root": parent.is_none(), "active": active,
            "description": null })
    };
    let status = |id: &str, label: &str| {
        json!({ "id": id, "label": label, "color": null, "description": null,
        "active": label != "Retired" })
    };
    let attribute = |name: &str, display: &str, kind: &str, more: Value| {
        let choice = |label: &Value| {
            json!({ "id": format!("choice-{}", label.as_str().unwrap()), "label": label,
                "active": label != "G3" })
        };
        let options = more["options"]
            .as_array()
            .into_iter()
            .flatten()
            .map(choice)
            .collect::<Vec<_>>();
        json!({ "id": format!("attribute-{name}"), "name": name, "display_name": display, "description": null,
            "data_type": kind, "required": more["required"] == json!(true), "longest": more["longest"],
            "default": more["default"], "choices": options, "active": more["active"] != json!(false) })
    };
    let content = json!({
        "project": "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047",
        "read_at": "2031-02-03T04:05:06Z",
        "categories": [
            category("1", "ROOT", None, true),
            category("2", "HVAC", Some("1"), true),
            category("3", "Air Handling ", Some("2"), true),
            category("4", "Pumps", Some("2"), true),
            category("5", "Plumbing", Some("1"), true),
            category("6", "Pumps", Some("5"), true),
            category("7", "Electrical", Some("1"), true),
            category("8", "Legacy", Some("1"), false),
            category("9", "Lüftung", Some("1"), true),
        ],
        "status_sets": [
            { "id": "set-1", "name": "Default", "description": null, "default": true, "active": true,
              "statuses": [status(PLANNED, "Planned"), status(INSTALLED, "Installed"),
                status("00000000-0000-4000-8000-000000000009", "Retired")] },
            { "id": "set-2", "name": "Energisation", "description": null, "default": false, "active": true,
              "statuses": [status(INSTALLED_TOO, "Installed"), status(TESTED, "Tested")] },
        ],
        "attributes": [
            attribute("ca1", "Serial", "text", json!({ "longest": 5 })),
            attribute("ca2", "Airflow (m³/h)", "numeric", json!({})),
            attribute("ca3", "Installed on", "date", json!({})),
            attribute("ca4", "Commissioned", "boolean", json!({})),
            attribute("ca5", "Filter Class", "select", json!({ "options": ["G3", "G4", "F7", "230"] })),
            attribute("ca6", "Functions", "multi_select", json!({ "options": ["Heating", "Cooling", "Heat, recovered"] })),
            attribute("ca7", "Class", "text", json!({ "required": true })),
            attribute("ca8", "Voltage", "select", json!({ "required": true, "default": "230", "options": ["230"] })),
            attribute("ca9", "Old one", "text", json!({ "active": false })),
        ],
        "category_status_sets": [["7", "set-2"]],
        "category_attributes": [["1", "attribute-ca1"], ["2", "attribute-ca2"], ["3", "attribute-ca3"],
            ["3", "attribute-ca4"], ["3", "attribute-ca5"], ["3", "attribute-ca6"], ["5", "attribute-ca7"],
            ["7", "attribute-ca8"], ["3", "attribute-ca9"]],
        "locations": [
            { "id": "00000000-0000-4000-8000-00000000000f", "parent": null, "name": "Project", "barcode": null },
            { "id": "00000000-0000-4000-8000-00000000000e", "parent": "00000000-0000-4000-8000-00000000000f",
              "name": "Building A", "barcode": "BA" },
            { "id": ROOM, "parent": "00000000-0000-4000-8000-00000000000e", "name": "Room 301", "barcode": "A301" },
            { "id": "00000000-0000-4000-8000-000000000011", "parent": "00000000-0000-4000-8000-00000000000e",
              "name": "Twin", "barcode": null },
            { "id": "00000000-0000-4000-8000-000000000012", "parent": "00000000-0000-4000-8000-00000000000e",
              "name": "Twin", "barcode": null },
        ],
        "notes": [],
    });
    let content: Content = serde_json::from_value(content).unwrap();
    Arc::new(Settings::new(content))
}
