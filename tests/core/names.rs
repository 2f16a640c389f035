//! Names to ids: columns, cells and checks across values, with hand-written settings.

use std::collections::HashMap;
use std::sync::Arc;

use acc_assets::api::assets::FIELDS;
use acc_assets::input::Cell;
use acc_assets::rows::{
    Dates, KnownAsset, Names, Nulls, Policy, Problem, RowShape, RowWriter, columns::Meant, columns::meant,
};
use acc_assets::settings::Settings;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::plant::{INSTALLED, INSTALLED_TOO, PLANNED, ROOM, TESTED, settings};

const ASSET: &str = "00000000-0000-4000-8000-0000000000a1";

fn policy(shape: RowShape) -> Policy {
    Policy {
        shape,
        nulls: Nulls::Omit,
        dates: Dates::Strict,
        id_column: "id".to_owned(),
        import_key: None,
        names: Names {
            settings: Some(settings()),
            ..Names::default()
        },
    }
}

fn row(writer: &mut RowWriter, cells: &[(&str, Cell<'_>)]) -> Result<Value, Vec<Problem>> {
    let mut out = Vec::new();
    let columns: Vec<_> = cells.iter().map(|(name, _)| writer.column(name)).collect();
    writer.begin(&mut out);
    for (column, (_, cell)) in columns.into_iter().zip(cells) {
        writer.cell(column, cell, &mut out);
    }
    writer.end(&mut out)?;
    let text = String::from_utf8(out).unwrap();
    let text = if text.starts_with('{') {
        text
    } else {
        format!("{{{text}}}")
    };
    Ok(serde_json::from_str(&text).unwrap())
}

fn create(cells: &[(&str, Cell<'_>)]) -> Result<Value, Vec<Problem>> {
    row(&mut RowWriter::new(policy(RowShape::NewAsset)), cells)
}

/// A new air handling unit with this additional cell.
fn unit<'c>(name: &'c str, cell: Cell<'c>) -> Vec<(&'c str, Cell<'c>)> {
    vec![
        ("Asset ID", Cell::Text("AHU")),
        ("Category", Cell::Text("HVAC > Air Handling")),
        ("Status", Cell::Text("installed")),
        (name, cell),
    ]
}

fn problem(cells: &[(&str, Cell<'_>)]) -> (String, String, String) {
    let problems = create(cells).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = &problems[0];
    (
        problem.code.to_string(),
        problem.column.clone(),
        format!("{}; {}", problem.message, problem.fix),
    )
}

#[test]
fn names_are_replaced_by_ids() {
    let body = create(&unit("Location", Cell::Text("Building A > Room 301"))).unwrap();
    assert_eq!(
        body,
        json!({ "clientAssetId": "AHU", "categoryId": "3", "statusId": INSTALLED, "locationId": ROOM })
    );
}

#[test]
fn the_status_may_precede_the_category() {
    let body = create(&[
        ("Status", Cell::Text("Installed")),
        ("Asset ID", Cell::Text("P")),
        ("Category", Cell::Text("Electrical")),
        ("Voltage", Cell::Int(230)),
    ])
    .unwrap();
    assert_eq!(body["statusId"], INSTALLED_TOO);
    assert_eq!(body["customAttributes"], json!({ "ca8": "choice-230" }));
}

#[test]
fn a_category_is_found_by_id_path_end_and_list() {
    let list = || Cell::List(vec![Cell::Text("HVAC"), Cell::Text("Pumps")]);
    for (given, id) in [
        (Cell::Text("3"), "3"),
        (Cell::Int(3), "3"),
        (Cell::Float(3.0), "3"),
        (Cell::Text("hvac>air handling"), "3"),
        (Cell::Text(" ROOT > HVAC > Air\u{a0}Handling "), "3"),
        (Cell::Text("Air Handling"), "3"),
        (Cell::Text("HVAC > Pumps"), "4"),
        (list(), "4"),
        (Cell::Text("Lu\u{308}ftung"), "9"),
    ] {
        let cells = [
            ("Name", Cell::Text("A")),
            ("Category", given.clone()),
            ("Status", Cell::Text("Planned")),
        ];
        assert_eq!(create(&cells).unwrap()["categoryId"], id, "{given:?}");
    }
}

#[test]
fn unknown_names_have_suggestions() {
    let category = |text| {
        [
            ("Name", Cell::Text("A")),
            ("Category", Cell::Text(text)),
            ("Status", Cell::Text("Planned")),
        ]
    };
    for (text, rule, says) in [
        (
            "HVAC > Air Handlin",
            "category",
            "did you mean `HVAC > Air Handling`",
        ),
        (
            "Pumps",
            "category",
            "`HVAC > Pumps (4)` or `Plumbing > Pumps (6)`",
        ),
        ("Legacy", "category", "inactive"),
        ("99", "category", "no such category"),
        ("42.0", "turned_to_text", "astype(str)"),
        ("nan", "turned_to_text", "astype(str)"),
    ] {
        let (found, column, message) = problem(&category(text));
        assert_eq!((found.as_str(), column.as_str()), (rule, "Category"), "{text}");
        assert!(message.contains(says), "{text}: {message}");
    }
    let status = |text| {
        let mut cells = unit("Status", Cell::Null);
        cells[2].1 = Cell::Text(text);
        problem(&cells[..3])
    };
    for (text, says) in [
        ("Instaled", "did you mean `Installed`?"),
        ("Tested", "no such status in the set `Default`"),
        ("Retired", "inactive"),
        (TESTED, "belongs to another set, `Energisation`"),
        ("00000000-0000-4000-8000-00000000ffff", "no status with this id"),
    ] {
        let (rule, column, message) = status(text);
        assert_eq!((rule.as_str(), column.as_str()), ("status", "Status"));
        assert!(message.contains(says), "{text}: {message}");
    }
    for (text, says) in [
        ("Building A > Room 302", "did you mean `Building A > Room 301`?"),
        (
            "Twin",
            "`Building A > Twin (00000000-0000-4000-8000-000000000011)` or \
             `Building A > Twin (00000000-0000-4000-8000-000000000012)`",
        ),
        ("nowhere", "no such location"),
    ] {
        let (rule, column, message) = problem(&unit("Location", Cell::Text(text)));
        assert_eq!((rule.as_str(), column.as_str()), ("location", "Location"));
        assert!(message.contains(says), "{text}: {message}");
    }
    for found in ["A301", "Room 301", ROOM, "Project > Building A > room 301"] {
        assert_eq!(
            create(&unit("locationId", Cell::Text(found))).unwrap()["locationId"],
            ROOM
        );
    }
}

#[test]
fn values_are_read_by_attribute_type() {
    let date = jiff::civil::date(2031, 2, 28);
    let several = Cell::List(vec![Cell::Text("cooling"), Cell::Text("choice-Heating")]);
    for (column, cell, sent) in [
        ("Serial", Cell::Text("0017"), json!({ "ca1": "0017" })),
        ("Serial", Cell::Int(17), json!({ "ca1": "17" })),
        ("Airflow (m³/h)", Cell::Float(2.5), json!({ "ca2": "2.5" })),
        ("airflow m3/h", Cell::Text(" +2.50 "), json!({ "ca2": "2.50" })),
        ("ca2", Cell::Digits("1e3"), json!({ "ca2": "1e3" })),
        ("Installed On *", Cell::Date(date), json!({ "ca3": "2031-02-28" })),
        (
            "Installed on",
            Cell::Text("2031-02-28"),
            json!({ "ca3": "2031-02-28" }),
        ),
        (
            "Installed on",
            Cell::Text("2031-02-28T00:00:00"),
            json!({ "ca3": "2031-02-28" }),
        ),
        ("Commissioned", Cell::Bool(true), json!({ "ca4": true })),
        ("Commissioned", Cell::Text("No"), json!({ "ca4": false })),
        ("Commissioned", Cell::Float(1.0), json!({ "ca4": true })),
        ("Commissioned", Cell::Float32(1.0), json!({ "ca4": true })),
        ("Commissioned", Cell::Float32(-0.0), json!({ "ca4": false })),
        ("Commissioned", Cell::Digits("1.00"), json!({ "ca4": true })),
        ("Commissioned", Cell::Digits("0"), json!({ "ca4": false })),
        ("Filter class", Cell::Text(" f7 "), json!({ "ca5": "choice-F7" })),
        ("Filter Class", Cell::Int(230), json!({ "ca5": "choice-230" })),
        ("ca5", Cell::Text("choice-G4"), json!({ "ca5": "choice-G4" })),
        (
            "Functions",
            Cell::Text("Heating; cooling;"),
            json!({ "ca6": ["choice-Heating", "choice-Cooling"] }),
        ),
        (
            "Functions",
            Cell::Text("Heating, Cooling"),
            json!({ "ca6": ["choice-Heating", "choice-Cooling"] }),
        ),
        (
            "Functions",
            Cell::Text("Heat, recovered"),
            json!({ "ca6": ["choice-Heat, recovered"] }),
        ),
        (
            "Functions",
            several,
            json!({ "ca6": ["choice-Cooling", "choice-Heating"] }),
        ),
        (
            "customAttributes",
            Cell::Map(vec![("Filter Class", Cell::Text("G4"))]),
            json!({ "ca5": "choice-G4" }),
        ),
    ] {
        let body = create(&unit(column, cell.clone()))
            .unwrap_or_else(|problems| panic!("{column} {cell:?}: {problems:?}"));
        assert_eq!(body["customAttributes"], sent, "{column} {cell:?}");
    }
    // Blank cells are not values for any type.
    for column in [
        "Airflow (m³/h)",
        "Installed on",
        "Commissioned",
        "Filter Class",
        "Functions",
    ] {
        let body = create(&unit(column, Cell::Text(" "))).unwrap();
        assert_eq!(body.get("customAttributes"), None, "{column}");
    }
}

#[test]
fn an_attribute_of_an_unknown_data_type_is_left_to_the_service() {
    let mut content = settings().content().clone();
    content.attributes[0].data_type = "rating".to_owned();
    let mut policy = policy(RowShape::NewAsset);
    policy.names.settings = Some(Arc::new(Settings::new(content)));
    for (cell, sent) in [
        (Cell::Text("five stars"), json!("five stars")),
        (Cell::Float(4.5), json!("4.5")),
        (Cell::Bool(true), json!(true)),
        (Cell::List(vec![Cell::Text("a")]), json!(["a"])),
    ] {
        let mut writer = RowWriter::new(policy.clone());
        let body = row(&mut writer, &unit("Serial", cell.clone())).unwrap();
        assert_eq!(body["customAttributes"]["ca1"], sent, "{cell:?}");
    }
}

#[test]
fn invalid_values_have_a_problem() {
    let time = jiff::civil::date(2031, 2, 28).at(7, 5, 0, 0);
    let digits = "9".repeat(251);
    let fraction = format!("0.{}1", "0".repeat(248));
    assert!(create(&unit("Airflow (m³/h)", Cell::Digits(&digits[1..]))).is_ok());
    assert!(create(&unit("Airflow (m³/h)", Cell::Text(&fraction[1..]))).is_ok());
    for (column, cell, rule, says) in [
        (
            "Serial",
            Cell::Text("123456"),
            "too_long",
            "longer than 5 characters",
        ),
        ("Airflow (m³/h)", Cell::Text("2,5"), "number", "point"),
        ("Airflow (m³/h)", Cell::Text("many"), "number", "not a number"),
        ("Airflow (m³/h)", Cell::Text("inf"), "number", "not a number"),
        (
            "Airflow (m³/h)",
            Cell::Digits(&digits),
            "too_long",
            "longer than 250",
        ),
        (
            "Airflow (m³/h)",
            Cell::Text(&fraction),
            "too_long",
            "longer than 250",
        ),
        ("Airflow (m³/h)", Cell::Bool(true), "number", "not a number"),
        ("Installed on", Cell::Text("03.04.2031"), "date", "dayfirst=True"),
        ("Installed on", Cell::Text("31.02.2031"), "date", "does not exist"),
        ("Installed on", Cell::Text("soon"), "date", "2031-02-28"),
        ("Installed on", Cell::DateTime(time), "date_only", "time of day"),
        ("Commissioned", Cell::Text("maybe"), "yes_no", "yes or no"),
        ("Commissioned", Cell::Int(2), "yes_no", "neither"),
        ("Commissioned", Cell::Float32(0.5), "yes_no", "neither"),
        ("Commissioned", Cell::Digits("1.01"), "yes_no", "neither"),
        ("Commissioned", Cell::Digits("10"), "yes_no", "neither"),
        ("Filter Class", Cell::Text("F8"), "choice", "use one of `G4`"),
        ("Filter Class", Cell::Text("G3"), "choice", "is inactive"),
        (
            "Functions",
            Cell::Text("Heating; Colling"),
            "choice",
            "no value 'Colling' in this attribute; did you mean `Cooling`",
        ),
    ] {
        let (found, named, message) = problem(&unit(column, cell.clone()));
        assert_eq!((found.as_str(), named.as_str()), (rule, column), "{cell:?}");
        assert!(message.contains(says), "{cell:?}: {message}");
    }
}

#[test]
fn attributes_belong_to_categories() {
    let pump = |cell| {
        vec![
            ("Name", Cell::Text("P")),
            ("Category", Cell::Text("Plumbing > Pumps")),
            ("Status", Cell::Text("Planned")),
            cell,
        ]
    };
    for blank in [Cell::Null, Cell::Text(" ")] {
        let (rule, column, message) = problem(&pump(("Class", blank)));
        assert_eq!((rule.as_str(), column.as_str()), ("required_attribute", "Class"));
        assert!(message.contains("`Plumbing > Pumps` requires it"), "{message}");
    }
    let mut cells = pump(("Class", Cell::Text("A")));
    cells.push(("Filter Class", Cell::Text("G4")));
    let (rule, column, _) = problem(&cells);
    assert_eq!((rule.as_str(), column.as_str()), ("not_assigned", "Filter Class"));
    cells.pop();
    cells.push(("Serial", Cell::Text("1")));
    assert_eq!(
        create(&cells).unwrap()["customAttributes"],
        json!({ "ca7": "A", "ca1": "1" })
    );
}

#[test]
fn undocumented_cases_are_warnings() {
    let mut writer = RowWriter::new(policy(RowShape::NewAsset));
    let foreign = "00000000-0000-4000-8000-00000000eeee";
    let asset = |name: &'static str, category: &'static str| {
        vec![
            ("Name", Cell::Text(name)),
            ("Category", Cell::Text(category)),
            ("Status", Cell::Text("Installed")),
        ]
    };
    let mut cells = asset("A", "Electrical");
    cells.push(("Location", Cell::Text(foreign)));
    cells.push(("Remarks", Cell::Text("by hand")));
    assert_eq!(row(&mut writer, &cells).unwrap()["locationId"], foreign);
    row(&mut writer, &asset("A", "HVAC")).unwrap();
    row(&mut writer, &asset("B", "ROOT")).unwrap();
    let warnings = writer.warnings(&|row| format!("row {row}")).join("\n");
    for says in [
        "column 'Remarks' was ignored",
        "in the category ROOT",
        "`HVAC` has subcategories",
        "no location with this id",
        "`Voltage` (ca8) is required but blank",
        "1 row has the same Name as an earlier row, for example row 0 and row 1. Each row becomes a separate asset",
    ] {
        assert!(warnings.contains(says), "{says}: {warnings}");
    }
}

#[test]
fn common_column_names_are_recognized() {
    let settings = settings();
    for (name, field) in [
        ("Asset ID", "clientAssetId"),
        ("clientAssetId", "clientAssetId"),
        ("Name", "clientAssetId"),
        ("ASSET_ID", "clientAssetId"),
        ("Category *", "categoryId"),
        ("status", "statusId"),
        ("Description", "description"),
        ("Location", "locationId"),
        ("Barcode", "barcode"),
    ] {
        assert_eq!(
            meant(name, &settings),
            Meant::Field(FIELDS.place(field)),
            "{name}"
        );
    }
    assert_eq!(meant("filter-class", &settings), Meant::Attribute(4));
    assert_eq!(meant("customAttributes.ca5", &settings), Meant::Attribute(4));
    assert_eq!(
        meant("Filtr Class", &settings),
        Meant::Unknown(Some("Filter Class".to_owned()))
    );
    assert!(matches!(meant("ca99", &settings), Meant::Unclear(..)));
    assert!(matches!(meant("Old one", &settings), Meant::Unclear(..)));
    assert_eq!(meant("Remarks", &settings), Meant::Unknown(None));
    assert!(matches!(meant("Problem", &settings), Meant::Ignored(_)));
    assert_eq!(meant("createdAt", &settings), Meant::SetByService);
}

#[test]
fn a_mapping_sets_the_meaning_of_columns() {
    let mut mapped = policy(RowShape::NewAsset);
    mapped.names.mapping = vec![
        ("Kennzeichen".to_owned(), Some("clientAssetId".to_owned())),
        ("Notiz".to_owned(), None),
    ];
    mapped.names.separator = "/".to_owned();
    let mut writer = RowWriter::new(mapped);
    let cells = [
        ("Kennzeichen", Cell::Text("A")),
        ("Notiz", Cell::Text("nothing")),
        ("Category", Cell::Text("HVAC/Pumps")),
        ("Status", Cell::Text("Planned")),
    ];
    let body = row(&mut writer, &cells).unwrap();
    assert_eq!(
        body,
        json!({ "clientAssetId": "A", "categoryId": "4", "statusId": PLANNED })
    );
    let uses: Vec<_> = writer
        .uses()
        .iter()
        .map(|used| (used.column.as_str(), used.field.as_deref()))
        .collect();
    let expected = [
        ("Kennzeichen", Some("clientAssetId")),
        ("Notiz", None),
        ("Category", Some("categoryId")),
        ("Status", Some("statusId")),
    ];
    assert_eq!(uses, expected);
}

fn patch(assets: Option<KnownAsset>, cells: &[(&str, Cell<'_>)]) -> (Result<Value, Vec<Problem>>, bool) {
    let mut policy = policy(RowShape::AssetPatch);
    policy.names.assets =
        assets.map(|asset| Arc::new(HashMap::from([(Uuid::try_parse(ASSET).unwrap(), asset)])));
    let mut writer = RowWriter::new(policy);
    let cells: Vec<_> = std::iter::once(("id", Cell::Text(ASSET)))
        .chain(cells.iter().cloned())
        .collect();
    let written = row(&mut writer, &cells).map(|mut body| body[ASSET].take());
    let needs = writer.needs_its_asset();
    (written, needs)
}

#[test]
fn a_patch_is_checked_against_its_asset() {
    let settings = settings();
    let asset = |category: &str, status: &str, attributes: &[&str]| KnownAsset {
        category: settings.category_of_id(category),
        status: settings.status_of_id(status),
        attributes: attributes
            .iter()
            .filter_map(|name| settings.attribute_of_name(name))
            .collect(),
    };
    // A unique label does not need the asset, but a label in two sets does.
    assert_eq!(
        patch(None, &[("Status", Cell::Text("Tested"))]).0.unwrap()["statusId"],
        TESTED
    );
    let (written, needs) = patch(None, &[("Status", Cell::Text("Installed"))]);
    assert!(written.is_err() && needs);
    let electrical = asset("7", TESTED, &["ca8"]);
    let (written, needs) = patch(Some(electrical.clone()), &[("Status", Cell::Text("Installed"))]);
    assert_eq!(
        (written.unwrap()["statusId"].clone(), needs),
        (json!(INSTALLED_TOO), false)
    );
    // If a patch changes the category, all values must match the new one.
    assert!(patch(None, &[("Category", Cell::Text("HVAC > Pumps"))]).1);
    let moved = |cells: &[(&str, Cell<'_>)]| {
        let mut all = vec![("Category", Cell::Text("Plumbing > Pumps"))];
        all.extend_from_slice(cells);
        patch(Some(electrical.clone()), &all).0
    };
    let rules = |written: Result<Value, Vec<Problem>>| -> Vec<String> {
        written
            .unwrap_err()
            .into_iter()
            .map(|problem| problem.code.into_owned())
            .collect()
    };
    assert_eq!(rules(moved(&[])), ["status", "required_attribute"]);
    let both = [("Status", Cell::Text("Installed")), ("Class", Cell::Text("A"))];
    let body = moved(&both).unwrap();
    assert_eq!(
        (&body["statusId"], &body["customAttributes"]),
        (&json!(INSTALLED), &json!({ "ca7": "A" }))
    );
    // If the category does not change, existing values are not required again.
    let stays = patch(
        Some(asset("6", PLANNED, &[])),
        &[("Category", Cell::Text("6")), ("Status", Cell::Text("Planned"))],
    );
    assert!(stays.0.is_ok());
    assert_eq!(
        rules(patch(Some(electrical), &[("Class", Cell::Text("A"))]).0),
        ["not_assigned"]
    );
}
