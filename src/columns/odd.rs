//! Rows that only the slow reader can parse.

use std::ops::Range;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::members::{ATTRIBUTES, attribute_column};
use crate::model::asset::{keyed, members, range_in};
use crate::model::value;

/// Counts the members and custom attributes of a row.
pub(super) fn count_members(raw: &str) -> usize {
    let row = keyed(raw.as_bytes()).unwrap_or_default();
    let attributes = row.iter().filter(|(name, _)| name == ATTRIBUTES);
    let attributes =
        attributes.map(|(_, raw)| keyed(raw.get().as_bytes()).map_or(0, |members| members.len()));
    attributes.sum::<usize>() + row.len()
}

/// Returns the digest of a row's id, and the ranges of its watched members.
pub(super) fn identity(raw: &str, watched: &[&str]) -> (Option<u64>, Vec<Option<Range<usize>>>) {
    let mut found = Vec::new();
    let Ok(entry) = serde_json::from_str::<&RawValue>(raw) else {
        return (None, vec![None; watched.len()]);
    };
    let id = members(entry, watched, &mut found);
    let ranges = found.into_iter();
    let ranges = ranges.map(|found| found.map(|found| range_in(raw.as_bytes(), found)));
    (id.map(|id| xxh3_64(id.as_bytes())), ranges.collect())
}

/// Returns the values of a row in order, each with its column and whether it is a field.
pub(super) fn values(raw: &str) -> Vec<(Arc<str>, bool, Value)> {
    let mut row = read_row(raw);
    let attributes = match row.get_mut(ATTRIBUTES) {
        Some(Value::Object(attributes)) => std::mem::take(attributes),
        _ => Map::new(),
    };
    let mut values = Vec::new();
    for (name, value) in attributes {
        // An attribute with the name of a field must not replace the field.
        let column = if row.contains_key(&name) {
            format!("{ATTRIBUTES}.{name}").into()
        } else {
            attribute_column(&name)
        };
        values.push((column, false, value));
    }
    for (name, value) in row {
        if name != ATTRIBUTES || !value.is_object() {
            values.push((name.into(), true, value));
        }
    }
    values
}

/// Reads a row that is not a plain object, or whose formatting is unusual.
pub(super) fn read_row(raw: &str) -> Map<String, Value> {
    let value = value::read(raw).unwrap_or_default();
    let Value::Object(mut row) = value else {
        return std::iter::once(("value".to_owned(), value)).collect();
    };
    for name in ["version", "isActive"] {
        if let Some(Value::String(text)) = row.get(name)
            && let Some(scalar) = value::misprinted(text)
        {
            row.insert(name.to_owned(), scalar);
        }
    }
    row
}
