//! Reads a response as a JSON value, as far as possible.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::asset::keyed;

/// The maximum depth to which a value is read in parts, which is more than any required member needs.
const DEEPEST: usize = 8;

/// Reads JSON. Returns `None` if the text is not JSON.
///
/// A valid value that cannot be represented (half a surrogate pair, an out-of-range number, excessive nesting) becomes
/// its JSON text. This keeps the other values readable.
#[must_use]
pub fn read(text: &str) -> Option<Value> {
    let raw: &RawValue = match serde_json::from_str(text) {
        Ok(value) => return Some(value),
        Err(_) => serde_json::from_str(text).ok()?,
    };
    Some(in_parts(raw, 0))
}

/// Returns the number or boolean in a string. The example on the "PATCH assets:batch-patch" page contains `"version":
/// "2,"` and `"isActive": "true,"`.
#[must_use]
pub fn misprinted(text: &str) -> Option<Value> {
    let value = serde_json::from_str(text.trim().trim_end_matches(',')).ok()?;
    matches!(value, Value::Number(_) | Value::Bool(_)).then_some(value)
}

/// Returns a boolean, which may be in a string.
#[must_use]
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::String(text) => misprinted(text)?.as_bool(),
        value => value.as_bool(),
    }
}

/// Returns whether an entry is active, from its members `isActive` and `deletedAt`. `isActive` takes precedence,
/// because some examples have `deletedAt` with `isActive: true`.
#[must_use]
pub fn is_active(active: Option<&Value>, deleted: Option<&Value>) -> bool {
    active.and_then(flag).unwrap_or(match deleted {
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Number(_)) => false,
        _ => true,
    })
}

fn in_parts(raw: &RawValue, depth: usize) -> Value {
    let text = raw.get();
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    if depth < DEEPEST {
        if let Ok(members) = keyed(text.as_bytes()) {
            return members
                .into_iter()
                .map(|(name, value)| (name.into_owned(), in_parts(value, depth + 1)))
                .collect();
        }
        if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
            return items.into_iter().map(|item| in_parts(item, depth + 1)).collect();
        }
    }
    Value::from(text.trim_matches('"'))
}
