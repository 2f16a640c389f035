//! Compares assets as the service returns them with the rows that were sent.

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::{CLIENT_ASSET_ID, CUSTOM_ATTRIBUTES, FIELDS};
use crate::api::write::{Found, Now, SentRow};
use crate::model::asset::keyed;
use crate::model::same::{Form, same};
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

/// Returns what has changed in an asset since it was read. An asset that has the values of the patch may be patched again:
/// an earlier request with the same row may have been executed.
pub(super) fn patch_drift(before: &Value, now: Option<&Value>, row: &SentRow<'_>) -> Option<String> {
    match patched_now(now, row) {
        Now::Done => None,
        _ => drift(before, now, Some(row)),
    }
}

/// Returns what has changed in an asset since it was read. A deleted asset may be deleted again.
pub(super) fn delete_drift(before: &Value, now: Option<&Value>, row: &SentRow<'_>) -> Option<String> {
    match deleted_now(now, row) {
        Now::Done => None,
        _ => drift(before, now, None),
    }
}

fn drift(before: &Value, now: Option<&Value>, row: Option<&SentRow<'_>>) -> Option<String> {
    let Some(now) = now else {
        return Some("the service does not return it anymore".to_owned());
    };
    if is_active(now) == Some(false) {
        return Some("it was deleted".to_owned());
    }
    let changed = changed_fields(before, now);
    let version = |asset: &Value| asset.get(VERSION).filter(|version| !version.is_null()).cloned();
    let is_same = match (version(before), version(now)) {
        (Some(before), Some(now)) => same(&now, &before, Form::Attribute("numeric")),
        _ => changed.is_empty(),
    };
    // Even with the same version, a value that the row replaces must be as it was.
    let sent = row.and_then(|row| serde_json::from_slice::<Map<String, Value>>(fields_sent(row)).ok());
    let is_replaced = |(field, ..): &(String, Value, Value)| {
        let (name, attribute) = field.split_once('.').unwrap_or((field, ""));
        let value = sent.as_ref().and_then(|sent| sent.get(name));
        value.is_some_and(|value| attribute.is_empty() || value.get(attribute).is_some())
    };
    if is_same && !changed.iter().any(is_replaced) {
        return None;
    }
    let shown = changed
        .iter()
        .map(|(field, before, now)| format!("`{field}` was {before} and is {now}"));
    let shown: Vec<String> = shown.collect();
    Some(if shown.is_empty() {
        "it has another version".to_owned()
    } else {
        shown.join(", ")
    })
}

/// The field that counts the changes of an asset.
const VERSION: &str = "version";

/// Returns the fields and custom attributes that users set whose values have changed, each with the value before and now.
fn changed_fields(before: &Value, now: &Value) -> Vec<(String, Value, Value)> {
    let mut changed = Vec::new();
    let mut compare = |field: String, before: &Value, now: &Value, form: Form<'_>| {
        if !same(now, before, form) {
            changed.push((field, before.clone(), now.clone()));
        }
    };
    for (_, field) in FIELDS.settable() {
        let (before, now) = (&before[field.name], &now[field.name]);
        compare(field.name.to_owned(), before, now, FIELDS.form(field.name));
    }
    let attributes = |asset: &'_ Value| asset[CUSTOM_ATTRIBUTES].as_object().cloned().unwrap_or_default();
    let (before, now) = (attributes(before), attributes(now));
    let names = before
        .keys()
        .chain(now.keys().filter(|name| !before.contains_key(*name)));
    for name in names {
        let value = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or_default();
        compare(
            format!("{CUSTOM_ATTRIBUTES}.{name}"),
            &value(&before),
            &value(&now),
            Form::UNKNOWN,
        );
    }
    changed
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
            .filter(|(attribute, sent)| !same(&came[attribute.as_str()], sent, Form::UNKNOWN))
            .map(|(attribute, _)| format!("{name}.{attribute}"))
            .collect(),
        _ if same(came, sent, FIELDS.form(name)) => Vec::new(),
        _ => vec![name.to_owned()],
    }
}

/// Returns whether an entry has the same base fields as a row, and all of the row's custom attributes. Other
/// fields are not compared.
pub(super) fn says(entry: &Value, sent: &Value) -> bool {
    let names = FIELDS.settable().map(|(_, field)| field.name);
    let mut base = names.filter(|name| *name != CLIENT_ASSET_ID);
    let attributes = sent.get(CUSTOM_ATTRIBUTES).and_then(Value::as_object);
    base.all(|name| same(&entry[name], &sent[name], FIELDS.form(name)))
        && attributes
            .into_iter()
            .flatten()
            .all(|(name, value)| same(&entry[CUSTOM_ATTRIBUTES][name], value, Form::UNKNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patched_asset_differs_in_the_changed_fields() {
        let row = SentRow {
            key: "a",
            body: br#""a":{"description":"new","barcode":null,"customAttributes":{"ca1":"6.50","ca2":["x","y"],"ca3":null,"ca4":"2031-02-28","ca5":true}}"#,
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
            // A date may have a time.
            (
                r#"{"customAttributes":{"ca4":"2031-02-28T00:00:00Z","ca5":"true"}}"#,
                &[],
            ),
            // A missing field proves nothing.
            (r#"{"description":"new"}"#, &[]),
        ] {
            assert_eq!(differing(&row, entry.as_bytes()), expected, "{entry}");
        }
    }
}
