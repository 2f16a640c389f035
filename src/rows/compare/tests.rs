//! Values as the service returns them, and cells as tables have them.

use jiff::civil::{date, datetime};
use serde_json::json;

use super::*;

#[test]
fn unchanged_cells_are_recognized_in_the_form_of_any_table() {
    for (cell, old, expected) in [
        (Cell::Null, Value::Null, true),
        (Cell::Null, json!("a"), false),
        (Cell::Text(""), Value::Null, true),
        (Cell::Text("a"), json!("a"), true),
        (Cell::Text("a "), json!("a"), false),
        (Cell::Text("1.5"), json!(1.5), true),
        (Cell::Text("True"), json!(true), true),
        (Cell::Text(r#"["a","b"]"#), json!(["b", "a"]), true),
        (Cell::Int(86), json!("0086"), true),
        (Cell::Float(86.0), json!("86"), true),
        (Cell::Int(86), json!("086a"), false),
        (Cell::Float(f64::INFINITY), json!("inf"), false),
        (Cell::Bool(true), json!("true,"), true),
        (Cell::Date(date(2031, 2, 28)), json!("2031-02-28"), true),
        (
            Cell::DateTime(datetime(2031, 2, 28, 0, 0, 0, 0)),
            json!("2031-02-28"),
            true,
        ),
        (
            Cell::DateTime(datetime(2031, 2, 28, 10, 0, 0, 0)),
            json!("2031-02-28T10:00:00.000Z"),
            true,
        ),
        (Cell::List(vec![Cell::Text("a"), Cell::Null]), json!(["a"]), true),
        (Cell::List(vec![Cell::Text("a")]), json!(["a", "b"]), false),
        (Cell::Map(vec![("x", Cell::Int(1))]), json!({"x": 1}), true),
        (Cell::Other("bytes"), json!("bytes"), false),
    ] {
        assert_eq!(
            is_unchanged(&cell, &old, Form::Attribute("")),
            expected,
            "{cell:?} {old}"
        );
    }
}

#[test]
fn a_number_equals_the_texts_that_read_as_this_number() {
    for form in [
        Form::Text,
        Form::Trimmed,
        Form::Attribute("text"),
        Form::Attribute("numeric"),
    ] {
        for (cell, old, expected) in [
            (Cell::Float(1.5), "1.50", true),
            (Cell::Float(1.5), "1.51", false),
            (Cell::Int(100_000), "1E5", true),
            (Cell::Int(86), "0086", true),
            (Cell::Int(86), "86 m", false),
            (Cell::Int(-86), "0086", false),
            (Cell::Int(0), "000", true),
            (Cell::Int(0), "", false),
            (Cell::Int(9_007_199_254_740_993), "9007199254740992", false),
            (Cell::Text("1.5"), "1.50", false),
        ] {
            let is_unchanged = is_unchanged(&cell, &old.into(), form);
            assert_eq!(is_unchanged, expected, "{form:?} {cell:?} {old}");
        }
    }
}

#[test]
fn numbers_have_one_usual_text() {
    for (text, number) in [
        ("0017", Some("17")),
        ("17", Some("17")),
        ("1.10", Some("1.1")),
        (" +.50", Some("0.5")),
        ("1E5", Some("100000")),
        ("1e-3", Some("0.001")),
        ("000", Some("0")),
        ("-0", Some("0")),
        ("-01", Some("-1")),
        ("1E999", None),
        ("12A", None),
        ("inf", None),
        ("one", None),
        ("e", None),
        ("", None),
    ] {
        assert_eq!(as_number(text).as_deref(), number, "{text}");
    }
}

#[test]
fn changes_name_the_fields_that_a_row_has() {
    let row = json!({"clientAssetId": "A", "description": "new",
        "customAttributes": {"ca1": "x", "ca2": "1.0"}});
    let asset = json!({"clientAssetId": "A", "description": "old", "barcode": "7",
        "customAttributes": {"ca2": 1, "ca3": true}});
    let changes = changes(row.as_object().unwrap(), &asset, None);
    let named: Vec<_> = changes
        .iter()
        .map(|change| (change.field.as_str(), change.old.clone(), change.new.clone()))
        .collect();
    assert_eq!(
        named,
        [
            ("description", json!("old"), json!("new")),
            ("ca1", Value::Null, json!("x")),
        ]
    );
}
