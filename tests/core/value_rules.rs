//! The value rules as one table: how each kind of cell is written in a new asset, a patch and a list of ids.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use acc_assets::columns::{Page, Table};
use acc_assets::input::arrow::Batches;
use acc_assets::input::{Cell, Column, Padded};
use acc_assets::rows::{
    CurrentAssets, Dates, ImportKey, Names, Nulls, Policy, Problem, RowShape, RowWriter, rules,
};
use acc_assets::settings::{Content, Settings};
use arrow_array::builder::{ListBuilder, StringBuilder, StringDictionaryBuilder};
use arrow_array::types::{Int8Type, UInt32Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array, Float64Array,
    Int16Array, LargeStringArray, NullArray, RecordBatch, RecordBatchIterator, StringArray, StringViewArray,
    StructArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use jiff::civil::{date, datetime};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::plant;
use crate::written::Written;

const STATUS: &str = "84eb6a10-dde3-475f-aaf4-b5df3aebbd0b";
const ID: &str = "6cdd4356-a719-4964-9fd7-0c505e731ac7";

fn policy(shape: RowShape) -> Policy {
    Policy {
        shape,
        nulls: Nulls::Omit,
        dates: Dates::Strict,
        id_column: "id".to_owned(),
        import_key: None,
        names: Names::default(),
    }
}

/// Writes one row into a buffer with existing content, and returns the added part.
fn write(policy: &Policy, cells: &[(&str, Cell<'_>)]) -> Result<String, Vec<Problem>> {
    let mut writer = RowWriter::new(policy.clone());
    let mut out = b"before".to_vec();
    let columns: Vec<Column> = cells.iter().map(|(name, _)| writer.column(name)).collect();
    writer.begin(&mut out);
    for (column, (_, cell)) in columns.iter().zip(cells) {
        writer.cell(*column, cell, &mut out);
    }
    let ended = writer.end(&mut out);
    let text = String::from_utf8(out).expect("JSON is UTF-8");
    let added = text.strip_prefix("before").expect("what was there stays");
    match ended {
        Ok(()) => Ok(added.to_owned()),
        Err(problems) => {
            assert_eq!(added, "", "a refused row leaves nothing behind");
            assert!(!problems.is_empty());
            Err(problems)
        }
    }
}

/// A new asset with the required fields and these cells, which take precedence.
fn create(policy: &Policy, cells: &[(&str, Cell<'_>)]) -> Result<Value, Vec<Problem>> {
    let mut all = vec![
        ("clientAssetId", Cell::Text("AHU-1")),
        ("categoryId", Cell::Int(42)),
        ("statusId", Cell::Text(STATUS)),
    ];
    all.retain(|(name, _)| cells.iter().all(|(other, _)| other != name));
    all.extend_from_slice(cells);
    write(policy, &all).map(|text| serde_json::from_str(&text).expect("a JSON object"))
}

/// The changes of a patch with an id and these cells. The id comes last, which is allowed.
fn patch(policy: &Policy, cells: &[(&str, Cell<'_>)]) -> Result<Value, Vec<Problem>> {
    let mut all = cells.to_vec();
    all.push(("id", Cell::Text(ID)));
    write(policy, &all).map(|text| {
        let body: Value = serde_json::from_str(&format!("{{{text}}}")).expect("an entry of a JSON object");
        body.get(ID).expect("the id is the key").clone()
    })
}

/// A formula saved without its value.
fn formula() -> Cell<'static> {
    Cell::Formula {
        cell: "C7",
        formula: "=A7&\"-\"&B7",
    }
}

fn codes(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.code.as_ref()).collect()
}

/// Finds a field, or a custom attribute, in a written asset.
fn sent(asset: &Value, column: &str) -> Option<Value> {
    let place = if column.starts_with("ca") && column != "categoryId" {
        &asset["customAttributes"]
    } else {
        asset
    };
    place.get(column).cloned()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn values_are_sent_the_same_on_create_and_patch() {
    let text = |text: &str| Ok(json!(text));
    let long_number = "9".repeat(251);
    let long_text = "\u{e9}".repeat(250);
    let too_long_text = "\u{e9}".repeat(251);
    let description = "\u{e9}".repeat(1000);
    let too_long_description = "\u{e9}".repeat(1001);
    let too_long_number = "9".repeat(1001);
    let list = |items: &[Cell<'static>]| Cell::List(items.to_vec());
    let table: Vec<(&str, Cell<'_>, Result<Value, &str>)> = vec![
        // Ids that are whole numbers.
        ("categoryId", Cell::Int(42), text("42")),
        ("categoryId", Cell::Float(42.0), text("42")),
        ("categoryId", Cell::Float32(42.0), text("42")),
        ("categoryId", Cell::Digits("42"), text("42")),
        ("categoryId", Cell::Digits("42.00"), text("42")),
        ("categoryId", Cell::Text("42"), text("42")),
        ("categoryId", Cell::Text(" 42 "), text("42")),
        ("categoryId", Cell::Float(42.5), Err("whole_number")),
        ("categoryId", Cell::Digits("42.5"), Err("whole_number")),
        ("categoryId", Cell::Digits("."), Err("whole_number")),
        ("categoryId", Cell::Int(-42), Err("whole_number")),
        ("categoryId", Cell::Float(1e300), Err("whole_number")),
        ("categoryId", Cell::Text("pumps"), Err("whole_number")),
        ("categoryId", Cell::Text("-1"), Err("whole_number")),
        ("categoryId", Cell::Text(" "), Err("required")),
        ("categoryId", Cell::Bool(true), Err("whole_number")),
        ("categoryId", Cell::Float(f64::INFINITY), Err("not_finite")),
        ("categoryId", Cell::Text("42.0"), Err("turned_to_text")),
        ("categoryId", Cell::Text("nan"), Err("turned_to_text")),
        ("categoryId", Cell::Text("None"), Err("turned_to_text")),
        ("categoryId", Cell::Text("NaT"), Err("turned_to_text")),
        ("categoryId", Cell::Text("<NA>"), Err("turned_to_text")),
        // Ids that are UUIDs.
        ("statusId", Cell::Text(STATUS), text(STATUS)),
        (
            "statusId",
            Cell::Text(" 84EB6A10DDE3475FAAF4B5DF3AEBBD0B "),
            text(STATUS),
        ),
        ("statusId", Cell::Text("Ordered"), Err("uuid")),
        ("statusId", Cell::Text("None"), Err("turned_to_text")),
        ("statusId", Cell::Text(""), Err("required")),
        ("statusId", Cell::Int(7), Err("uuid")),
        ("locationId", Cell::Text(STATUS), text(STATUS)),
        ("locationId", Cell::Text("nan"), Err("turned_to_text")),
        ("locationId", Cell::Text(""), Err("uuid")),
        // Text fields.
        (
            "clientAssetId",
            Cell::Text("P-101 \"a\"\n\u{0}"),
            text("P-101 \"a\"\n\u{0}"),
        ),
        ("clientAssetId", Cell::Text("nan"), text("nan")),
        ("clientAssetId", Cell::Text(" "), Err("required")),
        ("clientAssetId", Cell::Int(101), text("101")),
        ("clientAssetId", Cell::Float(101.0), text("101")),
        ("clientAssetId", Cell::Float(0.1), text("0.1")),
        ("clientAssetId", Cell::Float(-0.0), text("0")),
        ("clientAssetId", Cell::Float32(0.1), text("0.1")),
        (
            "clientAssetId",
            Cell::Digits("18446744073709551616"),
            text("18446744073709551616"),
        ),
        ("clientAssetId", Cell::Date(date(2026, 2, 28)), text("2026-02-28")),
        (
            "clientAssetId",
            Cell::DateTime(datetime(2026, 2, 28, 0, 0, 0, 0)),
            text("2026-02-28"),
        ),
        (
            "clientAssetId",
            Cell::DateTime(datetime(2026, 2, 28, 7, 5, 0, 0)),
            text("2026-02-28T07:05:00"),
        ),
        (
            "clientAssetId",
            Cell::Text("sixteen letters \" and more"),
            text("sixteen letters \" and more"),
        ),
        (
            "clientAssetId",
            Cell::Text("\u{a0}more than sixteen \t"),
            text("more than sixteen"),
        ),
        ("clientAssetId", Cell::Date(date(7, 1, 31)), text("0007-01-31")),
        ("clientAssetId", Cell::Bool(true), Err("text")),
        ("clientAssetId", Cell::Other("bytes"), Err("text")),
        ("clientAssetId", formula(), Err("formula_without_value")),
        ("statusId", formula(), Err("formula_without_value")),
        ("barcode", Cell::Text("00042"), text("00042")),
        ("barcode", Cell::Text(""), text("")),
        ("barcode", Cell::Int(42), text("42")),
        ("barcode", Cell::Float(f64::NEG_INFINITY), Err("not_finite")),
        ("barcode", list(&[Cell::Text("a")]), Err("text")),
        ("barcode", Cell::Map(vec![]), Err("text")),
        ("description", Cell::Text(&description), text(&description)),
        ("description", Cell::Text(&too_long_description), Err("too_long")),
        (
            "description",
            Cell::Digits(&too_long_number[1..]),
            text(&too_long_number[1..]),
        ),
        ("description", Cell::Digits(&too_long_number), Err("too_long")),
        // Custom attributes.
        ("ca1", Cell::Bool(true), Ok(json!(true))),
        ("ca1", Cell::Bool(false), Ok(json!(false))),
        ("ca1", Cell::Int(i64::MIN), text("-9223372036854775808")),
        ("ca1", Cell::Float(42.0), text("42")),
        ("ca1", Cell::Float(6.5), text("6.5")),
        ("ca1", Cell::Float(-1e-7), text("-1e-7")),
        ("ca1", Cell::Float32(0.1), text("0.1")),
        ("ca1", Cell::Digits("-12.50"), text("-12.50")),
        ("ca1", Cell::Digits(&long_number), Err("too_long")),
        ("ca1", Cell::Float(f64::INFINITY), Err("not_finite")),
        ("ca1", Cell::Float32(f32::INFINITY), Err("not_finite")),
        ("ca1", Cell::Text(&long_text), text(&long_text)),
        ("ca1", Cell::Text(&too_long_text), Err("too_long")),
        ("ca1", Cell::Text(""), text("")),
        ("ca1", Cell::Date(date(2026, 2, 28)), text("2026-02-28")),
        (
            "ca1",
            Cell::DateTime(datetime(2026, 2, 28, 0, 0, 0, 0)),
            text("2026-02-28"),
        ),
        (
            "ca1",
            Cell::DateTime(datetime(2026, 2, 28, 0, 0, 0, 1)),
            Err("date_only"),
        ),
        (
            "ca1",
            list(&[Cell::Text("a"), Cell::Null, Cell::Text("b")]),
            Ok(json!(["a", "b"])),
        ),
        ("ca1", list(&[]), Ok(json!([]))),
        ("ca1", list(&[Cell::Int(1)]), Err("attribute_value")),
        ("ca1", list(&[Cell::List(vec![])]), Err("attribute_value")),
        (
            "ca1",
            Cell::Map(vec![("a", Cell::Int(1))]),
            Err("attribute_value"),
        ),
        ("ca1", Cell::Other("Timedelta"), Err("attribute_value")),
        ("ca1", formula(), Err("formula_without_value")),
    ];
    for (column, cell, expected) in table {
        for (shape, written) in [
            (
                "create",
                create(&policy(RowShape::NewAsset), &[(column, cell.clone())]),
            ),
            (
                "patch",
                patch(&policy(RowShape::AssetPatch), &[(column, cell.clone())]),
            ),
        ] {
            let case = format!("{shape} {column} {cell:?}");
            match (&expected, written) {
                (Ok(value), Ok(asset)) => assert_eq!(sent(&asset, column).as_ref(), Some(value), "{case}"),
                (Err(rule), Err(problems)) => {
                    assert_eq!(codes(&problems), [*rule], "{case}");
                    assert_eq!(problems[0].column, column, "{case}");
                    assert!(
                        problems[0].message.starts_with(&format!("`{column}` is ")),
                        "{case}: {problems:?}"
                    );
                    assert!(problems[0].value.chars().count() <= 61, "{case}");
                    assert!(!problems[0].fix.is_empty(), "{case}");
                }
                (_, written) => panic!("{case}: {written:?}"),
            }
        }
    }
}

/// The effect of a null or `CLEAR` on the body.
#[derive(Clone, Copy)]
enum Sent {
    Absent,
    Null,
    Refused(&'static str),
}

#[test]
fn nulls_and_clear_follow_the_policy() {
    use RowShape::{AssetPatch, NewAsset};
    use Sent::{Absent, Null, Refused};
    for (shape, nulls, column, cell, expected) in [
        (NewAsset, Nulls::Omit, "barcode", Cell::Null, Absent),
        (NewAsset, Nulls::Omit, "ca1", Cell::Null, Absent),
        (
            NewAsset,
            Nulls::Omit,
            "categoryId",
            Cell::Null,
            Refused("required"),
        ),
        (NewAsset, Nulls::Clear, "barcode", Cell::Null, Absent),
        (
            NewAsset,
            Nulls::Clear,
            "statusId",
            Cell::Null,
            Refused("required"),
        ),
        (NewAsset, Nulls::Error, "barcode", Cell::Null, Refused("null")),
        (NewAsset, Nulls::Error, "categoryId", Cell::Null, Refused("null")),
        (NewAsset, Nulls::Omit, "barcode", Cell::Clear, Refused("clear")),
        (NewAsset, Nulls::Omit, "customAttributes", Cell::Null, Absent),
        (
            NewAsset,
            Nulls::Error,
            "customAttributes",
            Cell::Null,
            Refused("null"),
        ),
        (AssetPatch, Nulls::Omit, "barcode", Cell::Null, Absent),
        (AssetPatch, Nulls::Omit, "ca1", Cell::Null, Absent),
        (AssetPatch, Nulls::Omit, "categoryId", Cell::Null, Absent),
        (AssetPatch, Nulls::Clear, "barcode", Cell::Null, Null),
        (AssetPatch, Nulls::Clear, "ca1", Cell::Null, Null),
        (
            AssetPatch,
            Nulls::Clear,
            "categoryId",
            Cell::Null,
            Refused("clear"),
        ),
        (
            AssetPatch,
            Nulls::Clear,
            "customAttributes",
            Cell::Null,
            Refused("clear"),
        ),
        (AssetPatch, Nulls::Error, "barcode", Cell::Null, Refused("null")),
        (
            AssetPatch,
            Nulls::Error,
            "customAttributes",
            Cell::Null,
            Refused("null"),
        ),
        (AssetPatch, Nulls::Omit, "barcode", Cell::Clear, Null),
        (AssetPatch, Nulls::Omit, "locationId", Cell::Clear, Null),
        (AssetPatch, Nulls::Omit, "ca1", Cell::Clear, Null),
        (
            AssetPatch,
            Nulls::Omit,
            "clientAssetId",
            Cell::Clear,
            Refused("clear"),
        ),
        (
            AssetPatch,
            Nulls::Omit,
            "customAttributes",
            Cell::Clear,
            Refused("clear"),
        ),
    ] {
        let policy = Policy {
            nulls,
            ..policy(shape)
        };
        let case = format!("{shape:?} {nulls:?} {column} {cell:?}");
        let written = match shape {
            NewAsset => create(&policy, &[(column, cell)]),
            _ => patch(&policy, &[("description", Cell::Text("x")), (column, cell)]),
        };
        match (expected, written) {
            (Absent, Ok(asset)) => {
                assert_eq!(sent(&asset, column), None, "{case}");
                assert_eq!(asset.get("customAttributes"), None, "{case}");
            }
            (Null, Ok(asset)) => assert_eq!(sent(&asset, column), Some(Value::Null), "{case}"),
            (Refused(rule), Err(problems)) => assert_eq!(codes(&problems), [rule], "{case}"),
            (_, written) => panic!("{case}: {written:?}"),
        }
    }
}

#[test]
fn a_time_of_day_is_dropped_with_dates_truncate() {
    let policy = Policy {
        dates: Dates::Truncate,
        ..policy(RowShape::NewAsset)
    };
    let asset = create(
        &policy,
        &[("ca1", Cell::DateTime(datetime(2026, 2, 28, 7, 5, 0, 0)))],
    )
    .unwrap();
    assert_eq!(asset["customAttributes"], json!({"ca1": "2026-02-28"}));
}

#[test]
fn attributes_are_columns_or_a_dict() {
    let map = Cell::Map(vec![
        ("ca1", Cell::Bool(true)),
        ("ca2", Cell::Null),
        ("ca3", Cell::Float(6.5)),
    ]);
    let cells = [
        ("ca12", Cell::Int(1)),
        ("customAttributes", map),
        ("customAttributes.ca4", Cell::Text("x")),
    ];
    let asset = create(&policy(RowShape::NewAsset), &cells).unwrap();
    assert_eq!(
        asset["customAttributes"],
        json!({"ca12": "1", "ca1": true, "ca3": "6.5", "ca4": "x"})
    );

    let map = Cell::Map(vec![
        ("ca1", Cell::Text("x")),
        ("ca1", Cell::Text("y")),
        ("Flow", Cell::Int(1)),
    ]);
    let problems = create(
        &policy(RowShape::NewAsset),
        &[("ca1", Cell::Int(1)), ("customAttributes", map)],
    )
    .unwrap_err();
    assert_eq!(codes(&problems), ["twice", "twice", "unknown_attribute"]);
    assert_eq!(problems[0].column, "customAttributes.ca1");
    assert_eq!(problems[2].column, "customAttributes.Flow");

    let problems = create(
        &policy(RowShape::NewAsset),
        &[("customAttributes", Cell::Text("{}"))],
    )
    .unwrap_err();
    assert_eq!(codes(&problems), ["attribute_value"]);
    let empty = create(
        &policy(RowShape::NewAsset),
        &[("customAttributes", Cell::Map(vec![]))],
    )
    .unwrap();
    assert_eq!(empty.get("customAttributes"), None);
}

#[test]
fn a_null_next_to_a_value_is_not_a_duplicate() {
    let map = Cell::Map(vec![("ca1", Cell::Text("x"))]);
    let asset = create(
        &policy(RowShape::NewAsset),
        &[("ca1", Cell::Null), ("customAttributes", map)],
    )
    .unwrap();
    assert_eq!(asset["customAttributes"], json!({"ca1": "x"}));
}

/// Cached names of one dict of custom attributes are used for the next one only if they are equal.
#[test]
fn each_dict_of_custom_attributes_is_read_by_its_own_names() {
    let maps: [&[&str]; 9] = [
        &["ca1", "ca2"],
        &["ca1", "ca2"],
        &["ca2", "ca1"],
        &["ca2"],
        &["ca2", "ca3", "ca1"],
        &["Room", "ca1"],
        &["Room", "ca1"],
        &["ca1", "ca1"],
        &["ca12", "ca2", "ca1"],
    ];
    let mut kept = RowWriter::new(policy(RowShape::NewAsset));
    for names in maps.into_iter().chain(maps) {
        let map = Cell::Map(names.iter().map(|name| (*name, Cell::Text(name))).collect());
        let mut fresh = RowWriter::new(policy(RowShape::NewAsset));
        let [by_kept, by_fresh] = [&mut kept, &mut fresh].map(|writer| {
            let mut out = Vec::new();
            writer.begin(&mut out);
            for (name, cell) in [
                ("clientAssetId", &Cell::Text("a")),
                ("categoryId", &Cell::Int(1)),
                ("statusId", &Cell::Text(STATUS)),
                ("customAttributes", &map),
            ] {
                let column = writer.column(name);
                writer.cell(column, cell, &mut out);
            }
            (writer.end(&mut out), out, writer.digest())
        });
        assert_eq!(by_kept, by_fresh, "{names:?}");
    }
}

#[test]
fn rows_are_independent() {
    let mut writer = RowWriter::new(policy(RowShape::NewAsset));
    let names = ["clientAssetId", "categoryId", "statusId", "ca1"];
    let columns = names.map(|name| writer.column(name));
    let mut out = Vec::new();
    let mut keys = Vec::new();
    for (name, category) in [("a", Cell::Int(1)), ("b", Cell::Text("?")), ("c", Cell::Int(3))] {
        if !out.is_empty() {
            out.push(b',');
        }
        let before = out.len();
        writer.begin(&mut out);
        let cells = [Cell::Text(name), category, Cell::Text(STATUS), Cell::Text(name)];
        for (column, cell) in columns.iter().zip(cells) {
            writer.cell(*column, &cell, &mut out);
        }
        let ended = writer.end(&mut out);
        assert_eq!(ended.is_err(), name == "b");
        keys.push(writer.key().to_owned());
        if ended.is_err() {
            assert_eq!(out.len(), before);
            out.pop();
        }
    }
    let body: Value = serde_json::from_str(&format!("[{}]", String::from_utf8(out).unwrap())).unwrap();
    assert_eq!(body[0]["customAttributes"], json!({"ca1": "a"}));
    assert_eq!(body[1]["customAttributes"], json!({"ca1": "c"}));
    assert_eq!(body.as_array().unwrap().len(), 2);
    assert_eq!(keys, ["a", "b", "c"]);
}

#[test]
fn all_problems_of_a_row_are_reported() {
    let cells = [
        ("categoryId", Cell::Float(42.5)),
        ("statusId", Cell::Text("Ordered")),
        ("descripton", Cell::Null),
        ("version", Cell::Int(3)),
    ];
    let problems = write(&policy(RowShape::NewAsset), &cells).unwrap_err();
    assert_eq!(
        codes(&problems),
        [
            "whole_number",
            "uuid",
            "unknown_column",
            "set_by_service",
            "required"
        ]
    );
    assert_eq!(
        problems[0].message,
        "`categoryId` is 42.5: category id is not a whole number"
    );
    assert_eq!(problems[0].value, "42.5");
    assert_eq!(problems[1].message, "`statusId` is 'Ordered': not a UUID");
    assert_eq!(problems[2].message, "unknown column `descripton`");
    assert!(problems[2].fix.starts_with("did you mean `description`?"));
    assert_eq!(problems[3].fix, "clear the cell, or drop the column");
    assert!(
        problems[4].message.starts_with("no column `clientAssetId`"),
        "{:?}",
        problems[4]
    );
    assert_eq!(
        problems[4].fix,
        "add it, or map a column to it with mapping={'...': 'clientAssetId'}"
    );
    assert!(
        problems[4].message.contains("`statusId`, `descripton`"),
        "{:?}",
        problems[4]
    );
}

#[test]
fn a_patch_needs_an_id_and_a_change() {
    let plain = policy(RowShape::AssetPatch);
    assert_eq!(codes(&patch(&plain, &[]).unwrap_err()), ["nothing_to_change"]);
    assert_eq!(
        codes(&patch(&plain, &[("barcode", Cell::Null)]).unwrap_err()),
        ["nothing_to_change"]
    );
    let missing = write(&plain, &[("barcode", Cell::Text("1"))]).unwrap_err();
    assert_eq!(codes(&missing), ["required"]);
    assert_eq!(missing[0].column, "id");
    assert!(missing[0].message.contains("`barcode`"));
    for (id, rule) in [
        (Cell::Null, "required"),
        (Cell::Text("nan"), "turned_to_text"),
        (Cell::Int(1), "uuid"),
        (Cell::Clear, "uuid"),
    ] {
        let problems = write(&plain, &[("id", id), ("barcode", Cell::Text("1"))]).unwrap_err();
        assert_eq!(codes(&problems), [rule]);
    }
    let other = Policy {
        id_column: "Asset".to_owned(),
        import_key: None,
        ..plain
    };
    let text = write(
        &other,
        &[
            ("ca1", Cell::Bool(true)),
            ("Asset", Cell::Text(&ID.to_uppercase())),
        ],
    )
    .unwrap();
    assert_eq!(
        text,
        format!("\"{ID}\":{{\"customAttributes\":{{\"ca1\":true}}}}")
    );
}

#[test]
fn an_id_row_reads_its_column_only() {
    let plain = policy(RowShape::IdOfAsset);
    let cells = [
        ("categoryId", Cell::Text("?")),
        ("id", Cell::Text(ID)),
        ("colour", Cell::Bool(true)),
    ];
    assert_eq!(write(&plain, &cells).unwrap(), format!("\"{ID}\""));
    assert_eq!(
        codes(&write(&plain, &[("id", Cell::Null)]).unwrap_err()),
        ["required"]
    );
    assert_eq!(
        codes(&write(&plain, &[("id", Cell::Text("7"))]).unwrap_err()),
        ["uuid"]
    );
    let missing = write(&plain, &[("Id", Cell::Text(ID))]).unwrap_err();
    assert!(missing[0].message.contains("The columns are `Id`"), "{missing:?}");
    assert_eq!(
        codes(&write(&plain, &[("id", Cell::Text(ID)), ("id", Cell::Text(ID))]).unwrap_err()),
        ["twice"]
    );
}

#[test]
fn numeric_barcodes_warn_once() {
    let mut writer = RowWriter::new(policy(RowShape::AssetPatch));
    let columns = ["id", "barcode"].map(|name| writer.column(name));
    let mut out = Vec::new();
    for barcode in [Cell::Text("A7"), Cell::Int(7), Cell::Int(8)] {
        writer.begin(&mut out);
        writer.cell(columns[0], &Cell::Text(ID), &mut out);
        writer.cell(columns[1], &barcode, &mut out);
        writer.end(&mut out).unwrap();
        assert_eq!(writer.key(), ID);
    }
    assert_eq!(
        writer.warnings(&|row| format!("row {row}")),
        [
            "column 'barcode' has numbers (first: row 1), so leading zeros may be lost. To keep them, pass the path of the file, which also keeps number formats, or read the sheet with dtype={'barcode': str}"
        ]
    );
}

#[test]
fn long_values_are_sent_with_one_warning_per_column() {
    let long = "\u{e9}".repeat(101);
    let digits = "9".repeat(101);
    let fits = format!(" {} ", "\u{e9}".repeat(100));
    for shape in [RowShape::NewAsset, RowShape::AssetPatch] {
        let mut writer = RowWriter::new(policy(shape));
        let names = ["id", "clientAssetId", "barcode", "categoryId", "statusId"];
        let skipped = usize::from(shape == RowShape::NewAsset);
        let columns: Vec<Column> = names[skipped..].iter().map(|name| writer.column(name)).collect();
        let mut out = Vec::new();
        for (name, barcode) in [
            (Cell::Text("short"), Cell::Null),
            (Cell::Text(&fits), Cell::Digits(&digits[1..])),
            (Cell::Text(&long), Cell::Digits(&digits)),
            (Cell::Text(&long), Cell::Text(&long)),
        ] {
            writer.begin(&mut out);
            let cells = [Cell::Text(ID), name, barcode, Cell::Int(1), Cell::Text(STATUS)];
            for (column, cell) in columns.iter().zip(&cells[skipped..]) {
                writer.cell(*column, cell, &mut out);
            }
            writer.end(&mut out).unwrap();
        }
        let warnings = writer.warnings(&|row| format!("row {row}"));
        let warned: Vec<&String> = warnings
            .iter()
            .filter(|warning| warning.contains("longer than 100 characters"))
            .collect();
        assert_eq!(warned.len(), 2, "{warnings:?}");
        for (warning, column) in warned.iter().zip(["`clientAssetId`", "`barcode`"]) {
            assert!(
                warning.contains(column) && warning.contains("in 2 rows (first: row 2)"),
                "{warning}"
            );
        }
    }
}

#[test]
fn blanks_converted_to_text_warn_once_per_column() {
    let mut writer = RowWriter::new(policy(RowShape::AssetPatch));
    let columns = ["id", "description", "ca1"].map(|name| writer.column(name));
    let mut out = Vec::new();
    for text in ["fine", "nan", "NaN"] {
        writer.begin(&mut out);
        writer.cell(columns[0], &Cell::Text(ID), &mut out);
        writer.cell(columns[1], &Cell::Text(text), &mut out);
        writer.cell(columns[2], &Cell::Text(text), &mut out);
        writer.end(&mut out).unwrap();
    }
    let warnings = writer.warnings(&|row| format!("row {row}"));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains("'description'") && warnings[0].contains("row 1"),
        "{warnings:?}"
    );
    assert!(warnings[1].contains("'ca1'"), "{warnings:?}");
}

#[test]
#[allow(clippy::too_many_lines)] // One row for each rule.
fn every_rule_has_a_problem_and_vice_versa() {
    let long = "x".repeat(251);
    let nulls = Policy {
        nulls: Nulls::Error,
        ..policy(RowShape::AssetPatch)
    };
    let longest = Padded {
        longest: 6,
        is_uneven: false,
    };
    let padded = Policy {
        names: Names {
            padded: HashMap::from([("barcode".to_owned(), longest)]),
            ..Names::default()
        },
        ..policy(RowShape::NewAsset)
    };
    let twice = [("ca1", Cell::Int(1)), ("customAttributes.ca1", Cell::Int(1))];
    let attribute = Cell::Map(vec![("Flow", Cell::Int(1))]);
    let broken = [
        create(&policy(RowShape::NewAsset), &[("categoryId", Cell::Null)]),
        create(&policy(RowShape::NewAsset), &[("colour", Cell::Text("red"))]),
        create(&policy(RowShape::NewAsset), &[("customAttributes", attribute)]),
        create(&policy(RowShape::NewAsset), &[("createdAt", Cell::Text("now"))]),
        create(&policy(RowShape::NewAsset), &twice),
        patch(&nulls, &[("barcode", Cell::Null)]),
        patch(&nulls, &[("statusId", Cell::Clear)]),
        patch(&nulls, &[("barcode", formula())]),
        patch(&nulls, &[("barcode", Cell::Bool(true))]),
        patch(&nulls, &[("ca1", Cell::Text(&long))]),
        patch(&nulls, &[("categoryId", Cell::Float(0.5))]),
        patch(&nulls, &[("statusId", Cell::Text("Ordered"))]),
        patch(&nulls, &[("statusId", Cell::Text("nan"))]),
        patch(&nulls, &[("ca1", Cell::Float(f64::INFINITY))]),
        patch(
            &nulls,
            &[("ca1", Cell::DateTime(datetime(2026, 2, 28, 7, 5, 0, 0)))],
        ),
        patch(&nulls, &[("ca1", Cell::Other("bytes"))]),
        patch(&nulls, &[]),
        patch(&nulls, &[("barcode", Cell::Float(1e15))]),
        create(&padded, &[("barcode", Cell::Int(60))]),
    ];
    let keyed = Policy {
        import_key: Some(ImportKey {
            field: "ca7".to_owned(),
            prefix: "made-".to_owned(),
            is_generated: false,
        }),
        ..policy(RowShape::NewAsset)
    };
    let new_row = [
        ("clientAssetId", Cell::Text("A")),
        ("categoryId", Cell::Int(1)),
        ("statusId", Cell::Text(STATUS)),
        ("ca7", Cell::Null),
    ];
    let named = Policy {
        names: Names {
            settings: Some(plant::settings()),
            ..Names::default()
        },
        ..policy(RowShape::NewAsset)
    };
    let unit = |category, status, name, cell| {
        let cells = [
            ("Asset ID", Cell::Text("AHU-1")),
            ("Category", Cell::Text(category)),
            ("Status", Cell::Text(status)),
            (name, cell),
        ];
        write(&named, &cells).map(Value::from)
    };
    let with_settings = [
        unit("HVAC > Air", "Planned", "Serial", Cell::Null),
        unit("HVAC > Pumps", "Tested", "Serial", Cell::Null),
        unit("HVAC > Pumps", "Planned", "Location", Cell::Text("nowhere")),
        unit("HVAC > Pumps", "Planned", "Filter Class", Cell::Text("G4")),
        unit("Plumbing > Pumps", "Planned", "Class", Cell::Null),
        unit("HVAC > Pumps", "Planned", "Airflow (m³/h)", Cell::Text("many")),
        unit(
            "HVAC > Air Handling",
            "Planned",
            "Installed on",
            Cell::Text("soon"),
        ),
        unit(
            "HVAC > Air Handling",
            "Planned",
            "Commissioned",
            Cell::Text("maybe"),
        ),
        unit("HVAC > Air Handling", "Planned", "Filter Class", Cell::Text("F8")),
    ];
    let unread = Content {
        locations: None,
        ..plant::settings().content().clone()
    };
    let unread = Policy {
        names: Names {
            settings: Some(Arc::new(Settings::new(unread))),
            ..Names::default()
        },
        ..policy(RowShape::AssetPatch)
    };
    // Patches that are compared with their asset as it is now.
    let compared = |asset: Option<&str>, version: Cell<'static>| {
        let mut table = Table::default();
        if let Some(asset) = asset {
            table.add(Page::of(std::iter::once(asset)).unwrap(), [0]);
        }
        let policy = Policy {
            names: Names {
                current: Some(Arc::new(CurrentAssets::new(table))),
                ..Names::default()
            },
            ..policy(RowShape::AssetPatch)
        };
        patch(
            &policy,
            &[("version", version), ("description", Cell::Text("new"))],
        )
    };
    let now = format!(r#"{{"id":"{ID}","version":2,"description":"old"}}"#);
    let deleted = format!(r#"{{"id":"{ID}","version":2,"isActive":false}}"#);
    let totals = [("clientAssetId", Cell::Text("Total"))];
    let headings = ["clientAssetId", "categoryId"].map(|name| (name, Cell::Text(name)));
    let produced: BTreeSet<String> = broken
        .into_iter()
        .chain([write(&policy(RowShape::NewAsset), &totals).map(Value::from)])
        .chain([write(&policy(RowShape::NewAsset), &headings).map(Value::from)])
        .chain([write(&keyed, &new_row).map(Value::from)])
        .chain([write(&policy(RowShape::NewRelationship), &[("from", Cell::Text(ID))]).map(Value::from)])
        .chain([patch(&unread, &[("Location", Cell::Text("Room 301"))])])
        .chain([
            compared(Some(&now), Cell::Int(1)),
            compared(Some(&now), Cell::Text("newest")),
            compared(Some(&deleted), Cell::Int(2)),
            compared(None, Cell::Int(2)),
        ])
        .chain(with_settings)
        .flat_map(Result::unwrap_err)
        .chain([
            Problem::changed(),
            Problem::not_a_row("of type list"),
            Problem::same_id("id", ID, "row 4"),
            Problem::same_import_key("ca7", "key 4", "row 4"),
            Problem::ambiguous_import_key("ca7", "key 4", &["one".to_owned(), "other".to_owned()]),
            Problem::differs("Status", "Installed", "Ordered"),
        ])
        .map(|problem| problem.code.into_owned())
        .collect();
    let table: BTreeSet<String> = rules().iter().map(|rule| rule.code.to_owned()).collect();
    assert_eq!(produced, table);
    assert_eq!(table.len(), rules().len(), "a code stands twice");
    assert!(
        rules()
            .iter()
            .all(|rule| !rule.says.is_empty() && !rule.fix.is_empty())
    );
}

fn read_arrow(columns: Vec<(&str, ArrayRef)>) -> Vec<Result<Value, Vec<Problem>>> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let rows = batch.num_rows();
    let batches = RecordBatchIterator::new(
        [Ok(batch.slice(0, 1)), Ok(batch.slice(1, rows - 1))],
        batch.schema(),
    );
    let mut source = Batches::new(Box::new(batches), Some(rows)).unwrap();
    let written = Written::of(policy(RowShape::AssetPatch), &mut source);
    assert_eq!(written.rows.len(), rows);
    let asset = |body| serde_json::from_str::<Value>(&format!("{{{body}}}")).unwrap()[ID].take();
    written.rows.into_iter().map(|row| row.map(asset)).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn arrow_arrays_of_every_type_are_read() {
    let mut dictionary = StringDictionaryBuilder::<Int8Type>::new();
    dictionary.append_value("x");
    dictionary.append_null();
    dictionary.append_value("y");
    let mut wide = StringDictionaryBuilder::<UInt32Type>::new();
    wide.extend(["x", "x", "y"].map(Some));
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("a"), None, Some("b")]);
    list.append_null();
    list.append_value([Some("c")]);
    let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("s"), None, Some("t")]));
    let map = StructArray::from(vec![(Arc::new(Field::new("ca40", DataType::Utf8, true)), inner)]);
    let noon = 1_772_280_000_000;
    let rows = read_arrow(vec![
        ("id", Arc::new(StringArray::from(vec![ID; 3])) as ArrayRef),
        (
            "categoryId",
            Arc::new(Float64Array::from(vec![Some(42.0), Some(f64::NAN), None])),
        ),
        ("barcode", Arc::new(LargeStringArray::from(vec!["007"; 3]))),
        (
            "description",
            Arc::new(StringViewArray::from(vec![
                Some("short"),
                None,
                Some("longer than twelve bytes"),
            ])),
        ),
        (
            "ca1",
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        ),
        ("ca2", Arc::new(Int16Array::from(vec![Some(-1), None, Some(2)]))),
        (
            "ca3",
            Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(2)])),
        ),
        (
            "ca4",
            Arc::new(Float32Array::from(vec![Some(0.1), Some(f32::NAN), None])),
        ),
        (
            "ca5",
            Arc::new(
                Decimal128Array::from(vec![1250, 1, -5])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        (
            "ca6",
            Arc::new(Date32Array::from(vec![Some(20_512), None, Some(-1)])),
        ),
        (
            "ca7",
            Arc::new(TimestampNanosecondArray::from(vec![
                Some(1_772_236_800_000_000_000),
                None,
                None,
            ])),
        ),
        (
            "ca8",
            Arc::new(TimestampMillisecondArray::from(vec![noon - 43_200_000; 3]).with_timezone("+00:00")),
        ),
        (
            "ca9",
            Arc::new(
                TimestampMillisecondArray::from(vec![noon - 46_800_000; 3]).with_timezone("Europe/Berlin"),
            ),
        ),
        ("ca10", Arc::new(dictionary.finish())),
        ("ca11", Arc::new(wide.finish())),
        ("ca12", Arc::new(list.finish())),
        ("ca13", Arc::new(NullArray::new(3))),
        ("customAttributes", Arc::new(map)),
    ]);
    let every = json!({"ca8": "2026-02-28", "ca9": "2026-02-28"});
    let with = |mut attributes: Value| {
        attributes
            .as_object_mut()
            .unwrap()
            .extend(every.as_object().unwrap().clone());
        attributes
    };
    let assets: Vec<Value> = rows.into_iter().map(Result::unwrap).collect();
    assert_eq!(assets[0]["categoryId"], "42");
    assert_eq!(assets[0]["barcode"], "007");
    assert_eq!(
        assets[0]["customAttributes"],
        with(json!({
            "ca1": true, "ca2": "-1", "ca3": "18446744073709551615", "ca4": "0.1", "ca5": "12.50", "ca6": "2026-02-28",
            "ca7": "2026-02-28", "ca10": "x", "ca11": "x", "ca12": ["a", "b"], "ca40": "s"
        }))
    );
    assert_eq!(assets[1].get("description"), None);
    assert_eq!(
        assets[1]["customAttributes"],
        with(json!({"ca5": "0.01", "ca11": "x"}))
    );
    assert_eq!(assets[2]["description"], "longer than twelve bytes");
    assert_eq!(
        assets[2]["customAttributes"],
        with(json!({
            "ca1": false, "ca2": "2", "ca3": "2", "ca5": "-0.05", "ca6": "1969-12-31", "ca10": "y", "ca11": "y",
            "ca12": ["c"], "ca40": "t"
        }))
    );
}

#[test]
fn unsupported_arrow_arrays_are_rejected_by_name() {
    let pointers = FixedSizeBinaryArray::try_from_iter([[0_u8; 8], [1; 8]].into_iter()).unwrap();
    let times = TimestampMillisecondArray::from(vec![0, 0]).with_timezone("Mars/Olympus");
    let rows = read_arrow(vec![
        ("id", Arc::new(StringArray::from(vec![ID; 2])) as ArrayRef),
        ("ca1", Arc::new(pointers)),
        ("ca2", Arc::new(times)),
    ]);
    for row in rows {
        let problems = row.unwrap_err();
        assert_eq!(codes(&problems), ["attribute_value", "attribute_value"]);
        assert!(problems[0].value.contains("FixedSizeBinary"), "{problems:?}");
        assert!(problems[1].value.contains("time zone"), "{problems:?}");
    }
}

#[test]
fn duplicate_column_names_are_rejected_early() {
    let field = |name: &str| Field::new(name, DataType::Utf8, true);
    let schema = Arc::new(Schema::new(vec![field("ca1"), field("barcode"), field("ca1")]));
    let batches = RecordBatchIterator::new([], schema);
    let error = Batches::new(Box::new(batches), None).err().unwrap();
    assert_eq!(
        error.message(),
        "duplicate column name `ca1`: rename or drop one of them"
    );
}

fn any_cell() -> impl Strategy<Value = Owned> {
    let leaf = prop_oneof![
        Just(Owned::Null),
        Just(Owned::Clear),
        any::<bool>().prop_map(Owned::Bool),
        any::<i64>().prop_map(Owned::Int),
        any::<f64>()
            .prop_filter("NaN is Null", |number| !number.is_nan())
            .prop_map(Owned::Float),
        any::<f32>()
            .prop_filter("NaN is Null", |number| !number.is_nan())
            .prop_map(Owned::Float32),
        "-?[0-9]{1,40}(\\.[0-9]{1,10})?".prop_map(Owned::Digits),
        any::<String>().prop_map(Owned::Text),
        Just(Owned::Text(STATUS.to_owned())),
        (0_i16..9999, 1_i8..13, 1_i8..29, 0_i8..24)
            .prop_map(|(year, month, day, hour)| Owned::Moment(year, month, day, hour)),
        any::<String>().prop_map(Owned::Other),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Owned::List),
            prop::collection::vec((prop_oneof!["ca[1-3]", any::<String>()], inner), 0..4)
                .prop_map(Owned::Map),
        ]
    })
}

#[derive(Debug, Clone)]
enum Owned {
    Null,
    Clear,
    Bool(bool),
    Int(i64),
    Float(f64),
    Float32(f32),
    Digits(String),
    Text(String),
    Moment(i16, i8, i8, i8),
    Other(String),
    List(Vec<Owned>),
    Map(Vec<(String, Owned)>),
}

impl Owned {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Clear => Cell::Clear,
            Self::Bool(value) => Cell::Bool(*value),
            Self::Int(number) => Cell::Int(*number),
            Self::Float(number) => Cell::Float(*number),
            Self::Float32(number) => Cell::Float32(*number),
            Self::Digits(digits) => Cell::Digits(digits),
            Self::Text(text) => Cell::Text(text),
            Self::Moment(year, month, day, hour) => {
                Cell::DateTime(datetime(*year, *month, *day, *hour, 0, 0, 0))
            }
            Self::Other(kind) => Cell::Other(kind),
            Self::List(items) => Cell::List(items.iter().map(Self::cell).collect()),
            Self::Map(entries) => Cell::Map(
                entries
                    .iter()
                    .map(|(name, item)| (name.as_str(), item.cell()))
                    .collect(),
            ),
        }
    }
}

fn any_column() -> impl Strategy<Value = String> {
    prop_oneof![
        "id|clientAssetId|categoryId|statusId|description|locationId|barcode|customAttributes|version",
        "(customAttributes\\.)?ca[1-3]",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn any_text_round_trips(text in any::<String>()) {
        let cells = [("description", Cell::Text(&text)), ("barcode", Cell::Text(&text))];
        let asset = create(&policy(RowShape::NewAsset), &cells).unwrap();
        prop_assert_eq!(asset["description"].as_str(), Some(text.as_str()));
        // A blank string is unchanged.
        let trimmed = if text.trim().is_empty() { &text } else { text.trim() };
        prop_assert_eq!(asset["barcode"].as_str(), Some(trimmed));
    }

    #[test]
    fn any_number_round_trips(number in any::<f64>().prop_filter("finite", |number| number.is_finite()), single in any::<f32>().prop_filter("finite", |number| number.is_finite())) {
        let cells = [("ca1", Cell::Float(number)), ("ca2", Cell::Float32(single))];
        let asset = create(&policy(RowShape::NewAsset), &cells).unwrap();
        let attributes = &asset["customAttributes"];
        prop_assert_eq!(attributes["ca1"].as_str().unwrap().parse::<f64>().unwrap().to_bits(), (number + 0.0).to_bits());
        prop_assert_eq!(attributes["ca2"].as_str().unwrap().parse::<f32>().unwrap().to_bits(), (single + 0.0).to_bits());
    }

    #[test]
    fn any_row_is_valid_json_or_has_problems(
        cells in prop::collection::vec((any_column(), any_cell()), 0..12),
        nulls in prop_oneof![Just(Nulls::Omit), Just(Nulls::Clear), Just(Nulls::Error)],
        dates in prop_oneof![Just(Dates::Strict), Just(Dates::Truncate)],
        shape in prop_oneof![Just(RowShape::NewAsset), Just(RowShape::AssetPatch), Just(RowShape::IdOfAsset)],
    ) {
        let policy = Policy { shape, nulls, dates, id_column: "id".to_owned(), import_key: None, names: Names::default() };
        let mut all: Vec<(&str, Cell<'_>)> = cells.iter().map(|(name, cell)| (name.as_str(), cell.cell())).collect();
        // Most random rows lack an id or a status. This gives them a chance to be valid.
        for (name, cell) in [("id", Cell::Text(ID)), ("clientAssetId", Cell::Text("A")), ("categoryId", Cell::Int(1)), ("statusId", Cell::Text(STATUS))] {
            if (name == "id") == (shape != RowShape::NewAsset) && all.iter().all(|(other, _)| *other != name) {
                all.push((name, cell));
            }
        }
        match write(&policy, &all) {
            Ok(text) => {
                let body = if shape == RowShape::AssetPatch { format!("{{{text}}}") } else { text };
                prop_assert!(serde_json::from_str::<Value>(&body).is_ok(), "{}", body);
            }
            Err(problems) => {
                for problem in problems {
                    prop_assert!(rules().iter().any(|rule| rule.code == problem.code));
                    prop_assert!(!problem.message.is_empty() && !problem.fix.is_empty());
                }
            }
        }
    }
}
