//! Pages read in one pass have the same values as with a slow JSON reader, for any content.

use std::collections::HashMap;
use std::sync::Arc;

use acc_assets::columns::{Batches, Page, Received, Table, TextLayout};
use acc_assets::model::value;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch, RecordBatchReader};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::fuzz::{Json, answer as response, bends, bent, odd, value as any_value};

/// Runs `PROPTEST_CASES` cases, or by default as many as take a few seconds.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 500;
    }
    config
}

/// A row as read by the slow reader.
fn slow_row(raw: &str) -> Map<String, Value> {
    let value = value::read(raw).unwrap_or_default();
    let Value::Object(mut row) = value else {
        return std::iter::once(("value".to_owned(), value)).collect();
    };
    for name in ["version", "isActive"] {
        if let Some(Value::String(text)) = row.get(name)
            && let Ok(scalar @ (Value::Number(_) | Value::Bool(_))) =
                serde_json::from_str(text.trim().trim_end_matches(','))
        {
            row.insert(name.to_owned(), scalar);
        }
    }
    row
}

fn attribute_number(name: &str) -> Option<u64> {
    name.strip_prefix("ca")?.parse().ok()
}

const FIRST: [&str; 13] = [
    "id",
    "clientAssetId",
    "categoryId",
    "statusId",
    "description",
    "locationId",
    "barcode",
    "isActive",
    "version",
    "createdAt",
    "createdBy",
    "updatedAt",
    "updatedBy",
];

/// Columns of values.
fn slow_columns(rows: &[Map<String, Value>]) -> Vec<(String, Vec<Value>)> {
    let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut put = |row: usize, name: String, value: Value| {
        let at = *places.entry(name).or_insert_with_key(|name| {
            columns.push((name.clone(), Vec::new()));
            columns.len() - 1
        });
        let values = &mut columns[at].1;
        values.resize(row, Value::Null);
        values.push(value);
    };
    for (number, row) in rows.iter().enumerate() {
        let mut row = row.clone();
        let attributes = match row.get_mut("customAttributes") {
            Some(Value::Object(attributes)) => std::mem::take(attributes),
            _ => Map::new(),
        };
        for (name, value) in attributes {
            if attribute_number(&name).is_some() && !row.contains_key(&name) {
                put(number, name, value);
            } else {
                put(number, format!("customAttributes.{name}"), value);
            }
        }
        for (name, value) in row {
            if name != "customAttributes" || !value.is_object() {
                put(number, name, value);
            }
        }
    }
    for (_, values) in &mut columns {
        values.resize(rows.len(), Value::Null);
    }
    columns.sort_by_key(|(name, _)| match FIRST.iter().position(|first| first == name) {
        Some(place) => (0, place as u64),
        None => attribute_number(name).map_or((1, 0), |number| (2, number)),
    });
    columns
}

fn instant(value: &Value) -> Option<i64> {
    Some(value.as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

fn is_list(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_string))
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// The type of a column with these values.
fn slow_type(name: &str, values: &[Value]) -> DataType {
    let present: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
    let all = |test: &dyn Fn(&Value) -> bool| present.iter().all(|value| test(value));
    let is_time = |value: &Value| instant(value).is_some();
    let or_text = |fits: bool, kind: DataType| if fits { kind } else { DataType::Utf8 };
    match name {
        "isActive" => return or_text(all(&Value::is_boolean), DataType::Boolean),
        "version" => return or_text(all(&Value::is_i64), DataType::Int64),
        "createdAt" | "updatedAt" | "deletedAt" => return or_text(all(&is_time), time()),
        "createdBy" | "updatedBy" | "deletedBy" | "companyId" => return DataType::Utf8,
        name if FIRST.contains(&name) => return DataType::Utf8,
        _ => {}
    }
    if present.is_empty() {
        DataType::Utf8
    } else if all(&Value::is_boolean) {
        DataType::Boolean
    } else if all(&Value::is_i64) {
        DataType::Int64
    } else if all(&|value: &Value| {
        value.is_f64()
            || value
                .as_i64()
                .is_some_and(|number| number.unsigned_abs() <= 1 << 53)
    }) {
        DataType::Float64
    } else if name.ends_with("At") && all(&is_time) {
        time()
    } else if all(&is_list) {
        DataType::new_list(DataType::Utf8, true)
    } else {
        DataType::Utf8
    }
}

/// A value as stored in a column of this type.
fn slow_cell(value: &Value, kind: &DataType) -> Value {
    match (value, kind) {
        (Value::Null, _) => Value::Null,
        (Value::String(text), DataType::Utf8) => text.as_str().into(),
        (other, DataType::Utf8) => other.to_string().into(),
        (number, DataType::Float64) => number.as_f64().into(),
        (text, DataType::Timestamp(..)) => instant(text).into(),
        (other, _) => other.clone(),
    }
}

/// A column of a record batch as values.
fn cells(batch: &RecordBatch, at: usize) -> Vec<Value> {
    let array = batch.column(at);
    let cell = |row: usize| match array.data_type() {
        _ if array.is_null(row) => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Timestamp(..) => array.as_primitive::<TimestampMillisecondType>().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Dictionary(..) => {
            let codes = array.as_dictionary::<Int32Type>();
            let code = usize::try_from(codes.keys().value(row)).unwrap();
            codes.values().as_string::<i32>().value(code).into()
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            match items.data_type() {
                DataType::Utf8View => items.as_string_view().iter().flatten().collect(),
                _ => items.as_string::<i32>().iter().flatten().collect(),
            }
        }
        other => panic!("{other}"),
    };
    (0..batch.num_rows()).map(cell).collect()
}

/// All values of a table exported through Arrow.
fn exported(table: &Table, texts: Option<TextLayout>) -> (Vec<(String, DataType)>, Vec<Vec<Value>>) {
    let batches = Batches::new(Arc::new(table.layout()), |_| texts);
    let schema = batches.schema();
    let fields = schema.fields().iter();
    let fields: Vec<(String, DataType)> = fields
        .map(|field| (field.name().clone(), field.data_type().clone()))
        .collect();
    let mut columns = vec![Vec::new(); fields.len()];
    let mut rows = 0;
    for batch in batches {
        let batch = batch.unwrap();
        rows += batch.num_rows();
        for (at, column) in columns.iter_mut().enumerate() {
            column.extend(cells(&batch, at));
        }
    }
    assert_eq!(rows, table.len());
    (fields, columns)
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        // -0.0 differs from 0.0.
        (Value::Number(one), Value::Number(other)) if one.is_f64() && other.is_f64() => {
            one.as_f64().map(f64::to_bits) == other.as_f64().map(f64::to_bits)
        }
        _ => one == other,
    }
}

/// Compares a table with its original rows.
fn assert_holds(table: &Table, raw: &[&str]) {
    let rows: Vec<Map<String, Value>> = raw.iter().map(|raw| slow_row(raw)).collect();
    assert_eq!(table.len(), rows.len());
    for (at, row) in rows.iter().enumerate() {
        let read = table.row(at).unwrap();
        assert_eq!(&read, row);
        let (names, expected): (Vec<&String>, Vec<&String>) = (read.keys().collect(), row.keys().collect());
        assert_eq!(names, expected);
        assert_eq!(slow_row(&table.json(at).unwrap()), *row);
    }
    let columns = slow_columns(&rows);
    if rows.is_empty() {
        return;
    }
    let (fields, values) = exported(table, None);
    let expected: Vec<(String, DataType)> = columns
        .iter()
        .map(|(name, values)| (name.replace('\0', "\\u0000"), slow_type(name, values)))
        .collect();
    assert_eq!(fields, expected, "{raw:?}");
    for (((name, kind), values), (_, expected)) in fields.iter().zip(&values).zip(&columns) {
        for (value, expected) in values.iter().zip(expected) {
            let expected = slow_cell(expected, kind);
            assert!(same(value, &expected), "{name}: {value} is not {expected}");
        }
    }
}

/// An asset with most of its members, each of its usual type or another one.
#[allow(clippy::too_many_lines)] // One table of members.
fn asset() -> impl Strategy<Value = Json> {
    const MEMBERS: [(&str, &[&str]); 15] = [
        ("id", &[r#""a""#, r#""b""#, r#""c""#, "7", "null"]),
        ("clientAssetId", &[r#""AHU-1""#, r#""é\"x""#, r#""""#]),
        ("categoryId", &[r#""17""#, r#""18""#, "17"]),
        (
            "statusId",
            &[
                r#""b7a1c2de-0001-4a5b-8c6d-7e8f90a1b2c3""#,
                r#""b7a1c2de-0002-4a5b-8c6d-7e8f90a1b2c3""#,
            ],
        ),
        ("description", &[r#""x\u00e9\ty""#, "null", r#""ééééééééé""#]),
        ("isActive", &["true", "false", r#""true,""#]),
        (
            "version",
            &[
                "7",
                "2926",
                r#""2,""#,
                "2.0",
                "9223372036854775807",
                "9223372036854775808",
            ],
        ),
        (
            "createdAt",
            &[
                r#""2031-02-03T04:05:06.789Z""#,
                r#""2031-02-03T04:05:06Z""#,
                r#""2031-02-30T04:05:06.789Z""#,
                r#""soon""#,
                "5",
            ],
        ),
        (
            "installedAt",
            &[
                r#""2031-02-03T04:05:06.789Z""#,
                r#""2031-02-03T05:05:06.789+01:00""#,
                r#""x""#,
            ],
        ),
        ("ca1", &["1"]),
        ("customAttributes.x", &["1", "2.5"]),
        (
            "new",
            &[
                "1",
                "2.5",
                "-0",
                "true",
                r#""x""#,
                r#"["a","b"]"#,
                "[]",
                r#"["a",1]"#,
                r#"{"a": 1.50}"#,
                "18446744073709551615",
            ],
        ),
        ("newer", &["1", "-1", "null"]),
        ("flag", &["true", "false"]),
        ("list", &[r#"["a","b"]"#, r#"["a\n"]"#, "[]", "null"]),
    ];
    const ATTRIBUTES: [(&str, &[&str]); 5] = [
        ("ca1", &["1", "2", r#""S-1""#]),
        ("ca20", &["1.5", "110", r#""110.50""#]),
        ("ca3", &[r#"["a"]"#, "null"]),
        ("x", &["1", "2.5"]),
        ("id", &["1"]),
    ];
    fn members(
        all: &'static [(&'static str, &'static [&'static str])],
        often: u32,
    ) -> impl Strategy<Value = Vec<(&'static str, Json)>> {
        let each = all.iter().map(move |(name, tokens)| {
            let usual = select(vec![tokens[0], tokens[0], tokens[tokens.len() / 2]]);
            let token = prop_oneof![often => usual, 1 => select(tokens.to_vec())];
            let token = token.prop_map(|token| Json::Raw(token.to_owned()));
            let value = prop_oneof![40 => token.boxed(), 1 => odd().boxed()];
            (Just(*name), prop::option::weighted(0.8, value))
        });
        let each: Vec<_> = each.collect();
        each.prop_map(|members| {
            let present = members.into_iter();
            present.filter_map(|(name, value)| Some((name, value?))).collect()
        })
    }
    let rarely = |name: &str| name == "ca1" || name == "customAttributes.x";
    (
        members(&MEMBERS, 12),
        members(&ATTRIBUTES, 6),
        0..20_u8,
        bends(1),
        0..10_u8,
    )
        .prop_map(move |(mut members, attributes, at, bends, bend)| {
            if at > 1 {
                members.retain(|(name, _)| !rarely(name));
            }
            if at > 3 {
                let at = usize::from(at).min(members.len());
                members.insert(at, ("customAttributes", Json::object(attributes)));
            }
            let asset = Json::object(members);
            if bend == 0 { bent(asset, bends) } else { asset }
        })
}

/// JSON with whitespace where allowed.
fn spaced(json: &Json) -> String {
    match json {
        Json::Raw(token) => token.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(spaced).collect();
            format!("[ {} ]", items.join(" ,\n "))
        }
        Json::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{key} :\t{}", spaced(value)))
                .collect();
            format!("{{ {} \r\n}}", members.join(" , "))
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_page_has_the_values_of_its_rows(
        rows in prop::collection::vec(prop_oneof![12 => asset().boxed(), 1 => any_value(), 1 => response().boxed()], 0..40),
        before in prop::option::of(odd()), doubled in 0..20_u8, blanks in 0..4_u8,
    ) {
        let before = before.map(|odd| ("before", odd));
        let results = ("results", Json::Array(rows));
        let pagination = ("pagination", Json::object([("cursorState", Json::text("next"))]));
        let doubled = (doubled == 0).then(|| ("results", Json::Array(Vec::new())));
        let page = Json::object(before.into_iter().chain(doubled).chain([results, pagination]));
        let text = if blanks == 0 { spaced(&page) } else { page.to_string() };
        let body = Bytes::from(text);
        let watched = ["isActive", "categoryId"];
        let received = Received::read(&body, Some("results"), &watched).unwrap();
        let raw: Vec<&RawValue> = acc_assets::model::asset::list(&body, "results").unwrap();
        let raw: Vec<&str> = raw.into_iter().map(RawValue::get).collect();
        for (at, raw) in raw.iter().enumerate() {
            prop_assert_eq!(received.raw(at), Some(*raw));
            let entry: &RawValue = serde_json::from_str(raw).unwrap();
            let mut shown = Vec::new();
            let id = acc_assets::model::asset::members(entry, &watched, &mut shown);
            let digest = id.as_ref().map(|id| xxhash_rust::xxh3::xxh3_64(id.as_bytes()));
            prop_assert_eq!(received.rows[at].1, digest, "{}", raw);
            prop_assert_eq!(received.id(at), id.clone());
            prop_assert_eq!(received.page.id(at), id);
            let shown: Vec<Option<&str>> = shown.into_iter().map(|shown| shown.map(RawValue::get)).collect();
            prop_assert_eq!(received.shown(at).collect::<Vec<_>>(), shown, "{}", raw);
        }
        prop_assert_eq!(received.member("pagination"), Some(if blanks == 0 { "{ \"cursorState\" :\t\"next\" \r\n}" } else { "{\"cursorState\":\"next\"}" }));
        let mut table = Table::default();
        let half: Vec<usize> = (0..raw.len()).step_by(2).collect();
        table.add(received.page.clone(), 0..);
        assert_holds(&table, &raw);
        let mut table = Table::default();
        table.add(received.only(&half), 0..);
        let kept: Vec<&str> = half.iter().map(|at| raw[*at]).collect();
        assert_holds(&table, &kept);
    }

    #[test]
    fn pages_form_one_table(
        pages in prop::collection::vec(prop::collection::vec(prop_oneof![20 => asset().boxed(), 1 => any_value()], 0..12), 0..6),
        shuffle in any::<prop::sample::Index>(),
    ) {
        let pages: Vec<Vec<String>> = pages.iter().map(|rows| rows.iter().map(Json::to_string).collect()).collect();
        let mut numbered = Vec::new();
        let mut number = 0;
        for page in &pages {
            numbered.push((number, page));
            number += u32::try_from(page.len()).unwrap();
        }
        if !numbered.is_empty() {
            let first = shuffle.index(numbered.len());
            numbered.rotate_left(first);
        }
        let mut table = Table::default();
        for (first, page) in numbered {
            table.add(Page::of(page.iter().map(String::as_str)).unwrap(), first..);
        }
        table.sort();
        let raw: Vec<&str> = pages.iter().flatten().map(String::as_str).collect();
        prop_assert!(table.numbers().eq(0..u32::try_from(raw.len()).unwrap()));
        assert_holds(&table, &raw);
        let plain = exported(&table, None).1;
        for texts in [TextLayout::LargeUtf8, TextLayout::Utf8View, TextLayout::Dictionary] {
            prop_assert_eq!(&exported(&table, Some(texts)).1, &plain);
        }
    }

    #[test]
    fn rows_of_a_page_need_not_be_consecutive(
        rows in prop::collection::vec((asset(), 1_u32..4), 0..24),
    ) {
        let raw: Vec<String> = rows.iter().map(|(row, _)| row.to_string()).collect();
        let raw: Vec<&str> = raw.iter().map(String::as_str).collect();
        // Some numbers belong to rows that the service omitted.
        let numbers = rows.iter().scan(0, |number, (_, step)| {
            *number += step;
            Some(*number)
        });
        let mut table = Table::default();
        table.add(Page::of(raw.iter().copied()).unwrap(), numbers);
        table.sort();
        assert_holds(&table, &raw);
        let plain = exported(&table, None).1;
        prop_assert_eq!(&exported(&table, Some(TextLayout::Dictionary)).1, &plain);
    }
}

fn table(rows: &[Value]) -> Table {
    let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    let mut table = Table::default();
    table.add(Page::of(rows.iter().map(String::as_str)).unwrap(), 0..);
    table
}

#[test]
fn types_of_documented_fields_do_not_depend_on_rows() {
    let whole = table(&[json!({
        "id": "a", "clientAssetId": "A", "categoryId": "1", "statusId": "s", "description": "d", "locationId": "l",
        "barcode": "b", "isActive": true, "version": 1, "createdAt": "2020-05-01T06:00:00.000Z", "createdBy": "u",
        "updatedAt": "2020-05-01T06:00:00.000Z", "updatedBy": "u", "companyId": "c",
    })]);
    let (expected, _) = exported(&whole, None);
    let nothing = table(&[json!({
        "id": null, "clientAssetId": null, "categoryId": null, "statusId": null, "description": null, "locationId": null,
        "barcode": null, "isActive": null, "version": null, "createdAt": null, "createdBy": null,
        "updatedAt": null, "updatedBy": null, "companyId": null,
    })]);
    assert_eq!(exported(&nothing, None).0, expected);
    let (empty, _) = exported(&Table::default(), None);
    assert_eq!(empty, expected[..13]);
    // Ids returned as numbers become strings like all others.
    let (numbers, values) = exported(&table(&[json!({"id": 5, "categoryId": 17})]), None);
    assert_eq!(
        numbers,
        [
            ("id".to_owned(), DataType::Utf8),
            ("categoryId".to_owned(), DataType::Utf8)
        ]
    );
    assert_eq!(values, [[json!("5")], [json!("17")]]);
}

#[test]
fn unknown_columns_have_the_narrowest_type() {
    for (name, values, kind) in [
        ("a", vec![json!(true), json!(null)], DataType::Boolean),
        ("a", vec![json!(1), json!(2)], DataType::Int64),
        ("a", vec![json!(1), json!(2.5)], DataType::Float64),
        ("a", vec![json!(1), json!("2")], DataType::Utf8),
        ("a", vec![json!(null)], DataType::Utf8),
        ("a", vec![json!(1), json!(u64::MAX)], DataType::Utf8),
        (
            "a",
            vec![json!(["x"]), json!(null)],
            DataType::new_list(DataType::Utf8, true),
        ),
        ("seenAt", vec![json!("2020-05-01T06:00:00.000Z")], time()),
        ("createdAt", vec![json!("2020-05-01T06:00:00.000Z")], time()),
        ("createdAt", vec![json!("soon")], DataType::Utf8),
    ] {
        let rows: Vec<Value> = values.iter().map(|value| json!({ name: value })).collect();
        let (fields, _) = exported(&table(&rows), None);
        assert_eq!(fields, [(name.to_owned(), kind)], "{values:?}");
    }
}

#[test]
fn times_in_every_rfc_3339_format_are_timestamps() {
    let forms = [
        "2020-05-01T06:00:00.250Z",
        "2020-05-01T07:00:00.25+01:00",
        "2020-05-01T06:00:00.250000+00:00",
        "2020-05-01t00:30:00.25-05:30",
    ];
    let rows = forms.map(|form| json!({ "createdAt": form }));
    let (_, values) = exported(&table(&rows), None);
    assert_eq!(values, [vec![json!(1_588_312_800_250_i64); 4]]);
    // A row has the original text.
    let shown: Vec<Value> = table(&rows).rows().map(|row| row["createdAt"].clone()).collect();
    assert_eq!(shown, forms.map(Value::from));
}

#[test]
fn numbers_of_mixed_types_are_unchanged() {
    let rows = [json!(110), json!(6.5), json!("110.50"), json!(null)]
        .map(|value| json!({"customAttributes": {"ca2": value}}));
    let (_, values) = exported(&table(&rows), None);
    assert_eq!(
        values,
        [vec![json!("110"), json!("6.5"), json!("110.50"), json!(null)]]
    );
}

#[test]
fn unreadable_bodies_have_a_reason() {
    for (body, says) in [
        (&b" <html>"[..], "HTML page"),
        (b"", "EOF"),
        (b"[]", "an object with `results`"),
        (b"{}", "`results` is missing"),
        (b"{\"results\":{}}", "expected a list"),
        (b"{\"results\":[]} trailing", "trailing"),
        (b"{\"results\":[{\"a\":01}]}", "invalid number"),
        (b"{\"results\":[{\"a\":\"\xff\"}]}", "invalid unicode"),
        (b"{\"results\":[{\"a\":1,}]}", "key must be a string"),
    ] {
        let error = Received::read(&Bytes::copy_from_slice(body), Some("results"), &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn rows_with_distinct_members_are_limited() {
    let rows: Vec<String> = (0..10_000)
        .map(|row| format!(r#"{{"id":"a{row}","x{row}":1}}"#))
        .collect();
    let body = Bytes::from(format!(r#"{{"results":[{}]}}"#, rows.join(",")));
    let error = Received::read(&body, Some("results"), &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("distinct members"), "{error}");
}

#[test]
fn a_row_with_too_many_members_is_rejected_early() {
    let plain: Vec<String> = (0..100_000).map(|member| format!("\"m{member}\":1")).collect();
    // A string with an escape is read by the slow reader.
    let escaped: Vec<String> = (0..100_000)
        .map(|member| format!("\"\\u006d{member}\":1"))
        .collect();
    for members in [plain, escaped] {
        let row = format!("{{{}}}", members.join(","));
        assert!(Page::of(std::iter::once(&row[..])).is_err());
        let attributes = format!("{{\"customAttributes\":{row}}}");
        assert!(Page::of(std::iter::once(&attributes[..])).is_err());
        let body = Bytes::from(format!("{{\"results\":[{row}]}}"));
        let error = Received::read(&body, Some("results"), &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains("distinct members"), "{error}");
    }
}

#[test]
fn colons_in_strings_are_not_members() {
    let texts = ":".repeat(50_000);
    let row = format!(r#"{{"id":"a","version":"2,","description":"{texts}"}}"#);
    assert_eq!(Page::of(std::iter::once(&row[..])).unwrap().rows(), 1);
}

#[test]
fn a_name_with_a_null_character_can_be_exported() {
    let (fields, values) = exported(&table(&[json!({"id": "a", "x\u{0}y": 1})]), None);
    assert_eq!(fields[1].0, "x\\u0000y");
    assert_eq!(values[1], [json!(1)]);
}

#[test]
fn integers_among_fractions_lose_no_digits() {
    for (number, kind) in [
        (9_007_199_254_740_992_i64, DataType::Float64),
        (9_007_199_254_740_993, DataType::Utf8),
        (-9_007_199_254_740_993, DataType::Utf8),
    ] {
        let (fields, values) = exported(&table(&[json!({"x": number}), json!({"x": 0.5})]), None);
        assert_eq!(fields.last().unwrap().1, kind, "{number}");
        let shown = values.last().unwrap()[0].to_string();
        assert_eq!(shown.trim_matches('"').trim_end_matches(".0"), number.to_string());
    }
}

#[test]
fn a_large_table_is_exported_in_several_batches() {
    let text = "x".repeat(1000);
    let rows: Vec<String> = (0..200)
        .map(|row| json!({"id": row.to_string(), "description": text}).to_string())
        .collect();
    let mut table = Table::default();
    for page in 0..100 {
        table.add(Page::of(rows.iter().map(String::as_str)).unwrap(), page * 200..);
    }
    let batches: Vec<RecordBatch> = Batches::new(Arc::new(table.layout()), |_| None)
        .map(Result::unwrap)
        .collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 20_000);
    assert!(batches.len() > 1);
}
