//! Compares assets as the service returns them with the rows that were sent.

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::{CLIENT_ASSET_ID, CUSTOM_ATTRIBUTES, FIELDS};
use crate::api::write::{Found, Now, SentRow};
use crate::model::asset::keyed;
use crate::model::value;

/// Reads an entry strictly, because an undocumented format proves nothing.
pub(super) fn found(raw: &str) -> Option<Found> {
    let entry: Value = serde_json::from_str(raw).ok()?;
    let text = |name| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Found {
        id: text("id").filter(|id| !id.is_empty())?,
        key: text(CLIENT_ASSET_ID)?,
        created: text("createdAt")
            .and_then(|time| time.parse::<Timestamp>().ok())
            .map(Timestamp::as_millisecond),
        active: value::is_active(entry.get("isActive"), entry.get("deletedAt")),
        entry,
    })
}

fn is_active(asset: &Value) -> Option<bool> {
    value::flag(asset.get("isActive")?)
}

pub(super) fn deleted_now(asset: Option<&Value>, _: &SentRow<'_>) -> Now {
    match asset.map(is_active) {
        Some(Some(false)) => Now::Done,
        // A missing asset may be unknown or omitted from this response. Resending the row will show which.
        None | Some(Some(true)) => Now::NotDone,
        Some(None) => Now::Unclear("the service does not say whether the asset is deleted"),
    }
}

pub(super) fn patched_now(asset: Option<&Value>, row: &SentRow<'_>) -> Now {
    let Some(asset) = asset else {
        return Now::NotDone;
    };
    let Ok(sent) = serde_json::from_slice::<Map<String, Value>>(fields_sent(row)) else {
        return Now::Unclear("the stored request cannot be read");
    };
    let done = sent
        .iter()
        .all(|(name, sent)| others(name, asset.get(name), sent).is_empty());
    match (done, is_active(asset)) {
        (true, _) => Now::Done,
        (false, Some(false)) => Now::Impossible("the asset is deleted"),
        (false, _) => Now::NotDone,
    }
}

/// Returns the fields of a patch, from `"<id>":{...}` in the request.
fn fields_sent<'r>(row: &SentRow<'r>) -> &'r [u8] {
    let colon = row.body.iter().position(|byte| *byte == b':');
    colon.map_or(&[][..], |colon| &row.body[colon + 1..])
}

/// Returns the names of the fields whose returned values differ from the patch. In the example on the "PATCH
/// assets:batch-patch" page, the returned location differs from the location sent.
pub(super) fn differing(row: &SentRow<'_>, entry: &[u8]) -> Vec<String> {
    let (Ok(sent), Ok(came)) = (keyed(fields_sent(row)), keyed(entry)) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for (name, sent) in sent {
        let came = came
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| *value);
        // Fast path: most values are returned unchanged.
        if came.is_some_and(|came| came.get() == sent.get()) {
            continue;
        }
        let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
        // A missing field proves nothing.
        if let (Some(sent), Some(came)) = (value(sent), came.and_then(value)) {
            let shown = |name: &String| match name.strip_prefix("customAttributes.") {
                Some(attribute) => came.get(attribute).is_some(),
                None => true,
            };
            names.extend(others(&name, Some(&came), &sent).into_iter().filter(shown));
        }
    }
    names
}

/// Returns the field's name if its value differs from the value sent, or the names of the attributes that
/// differ.
fn others(name: &str, came: Option<&Value>, sent: &Value) -> Vec<String> {
    let came = came.unwrap_or(&Value::Null);
    match sent {
        Value::Object(attributes) => attributes
            .iter()
            .filter(|(attribute, sent)| !same(&came[attribute.as_str()], sent))
            .map(|(attribute, _)| format!("{name}.{attribute}"))
            .collect(),
        // Fields of an asset are strings: "007" is not "7".
        _ if came == sent || (!came.is_string() && same(came, sent)) => Vec::new(),
        _ => vec![name.to_owned()],
    }
}

/// Compares a returned value with the value sent. Numbers may be returned as strings or as numbers, and lists in
/// another order. Two strings are compared as numbers only if both look like numbers: "12.50" equals "12.5",
/// but "012" is an identifier.
fn same(came: &Value, sent: &Value) -> bool {
    let usual = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.split('.').next().unwrap_or_default();
        digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && (whole.len() == 1 || !whole.starts_with('0'))
    };
    let texts = came.is_string() && sent.is_string();
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if !texts || usual(text) => text.parse::<f64>().ok(),
        _ => None,
    };
    match (came, sent) {
        (Value::Array(came), Value::Array(sent)) => {
            came.len() == sent.len() && sent.iter().all(|value| came.contains(value))
        }
        _ => came == sent || number(came).is_some_and(|came| number(sent) == Some(came)),
    }
}

/// Returns whether an entry has the same base fields as a row, and all of the row's custom attributes. Other
/// fields are not compared.
pub(super) fn says(entry: &Value, sent: &Value) -> bool {
    let names = FIELDS.settable().map(|(_, field)| field.name);
    let mut base = names.filter(|name| *name != CLIENT_ASSET_ID);
    let attributes = sent.get(CUSTOM_ATTRIBUTES).and_then(Value::as_object);
    base.all(|name| entry.get(name).filter(|value| !value.is_null()) == sent.get(name))
        && attributes
            .into_iter()
            .flatten()
            .all(|(name, value)| same(&entry[CUSTOM_ATTRIBUTES][name], value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patched_asset_differs_in_the_changed_fields() {
        let row = SentRow {
            key: "a",
            body: br#""a":{"description":"new","barcode":null,"customAttributes":{"ca1":"6.50","ca2":["x","y"],"ca3":null}}"#,
        };
        for (entry, expected) in [
            (
                r#"{"id":"a","description":"new","customAttributes":{"ca1":6.5,"ca2":["y","x"],"ca9":1}}"#,
                &[][..],
            ),
            (
                r#"{"description":"old","barcode":"7","customAttributes":{"ca1":"7","ca2":["x"],"ca3":"still"}}"#,
                &[
                    "description",
                    "barcode",
                    "customAttributes.ca1",
                    "customAttributes.ca2",
                    "customAttributes.ca3",
                ],
            ),
            // A missing field proves nothing.
            (r#"{"description":"new"}"#, &[]),
        ] {
            assert_eq!(differing(&row, entry.as_bytes()), expected, "{entry}");
        }
    }
}
