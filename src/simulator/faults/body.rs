//! Damaged response bodies.

use serde_json::{Value, json};

use super::effect::Spoiled;

/// Returns the body that replaces `body` in an unreadable response.
#[must_use]
pub fn spoiled(body: &[u8], how: Spoiled) -> Vec<u8> {
    match how {
        Spoiled::Cut => body[..body.len() / 2].to_vec(),
        Spoiled::Empty => Vec::new(),
        Spoiled::Null => b"null".to_vec(),
        Spoiled::Html => b"<html>Please sign in</html>".to_vec(),
    }
}

/// Swaps the types in a body: numbers and booleans become strings, and ids become numbers.
#[must_use]
pub fn wrong_types(body: &[u8]) -> Vec<u8> {
    fn swap(value: &mut Value, key: &str) {
        match value {
            Value::Object(map) => map.iter_mut().for_each(|(key, value)| swap(value, key)),
            Value::Array(values) => values.iter_mut().for_each(|value| swap(value, key)),
            Value::String(text)
                if key.ends_with("id") || key.ends_with("Id") || key == "ids" || key == "deleted" =>
            {
                *value = Value::from(text.len());
            }
            Value::Number(_) | Value::Bool(_) => *value = Value::String(value.to_string()),
            Value::String(_) | Value::Null => {}
        }
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            swap(&mut value, "");
            value.to_string().into_bytes()
        }
        Err(_) => body.to_vec(),
    }
}

/// Returns the body of a successful response without its first `drop` entries, or with its first entry
/// duplicated.
///
/// The first entries are dropped, so that a client that pairs entries by position gets all remaining entries
/// wrong.
#[must_use]
pub fn miscounted(body: &[u8], drop: usize, double: bool) -> Vec<u8> {
    const LISTS: [&str; 4] = ["results", "relationships", "deleted", "success"];
    let edit = |entries: &mut Vec<Value>| {
        entries.drain(..drop.min(entries.len()));
        if let Some(first) = entries.first().filter(|_| double) {
            entries.insert(1, first.clone());
        }
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    let list = LISTS.iter().find(|name| value[**name].is_array());
    match &mut value {
        Value::Array(entries) => edit(entries),
        // The body is an object keyed by id. A map cannot have duplicate keys, but its JSON text can.
        Value::Object(map) if list.is_none() && map.values().all(Value::is_object) => {
            let members = map.iter().map(|(id, entry)| format!("{}:{entry}", json!(id)));
            let mut members: Vec<String> = members.skip(drop).collect();
            if let Some(first) = members.first().filter(|_| double) {
                members.insert(1, first.clone());
            }
            return format!("{{{}}}", members.join(",")).into_bytes();
        }
        other => {
            if let Some(Value::Array(entries)) = list.and_then(|name| other.get_mut(*name)) {
                edit(entries);
            }
        }
    }
    value.to_string().into_bytes()
}
