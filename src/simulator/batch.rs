//! The items of a batch, and the limit on their number.

use std::collections::HashSet;

use serde_json::Value;

use super::call::Call;
use super::contract::{Endpoint, Switch, Switches};
use super::refusal::{Refusal, bad_field, refuse};

/// The asset and relationship endpoints whose item limit the switch `max_items` lowers.
const LOWERED: [&str; 6] = [
    "assets:batch-get",
    "assets:batch-create",
    "assets:batch-patch",
    "assets:batch-delete",
    "relationships:batch",
    "relationships:delete",
];

/// Returns the maximum number of items per call to an endpoint.
pub fn most_items(switches: &Switches, endpoint: &Endpoint) -> usize {
    let documented = endpoint.items.unwrap_or(usize::MAX);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let lower = switches
        .number(Switch::MaxItems)
        .map(|most| (most as usize).max(1))
        .filter(|_| LOWERED.contains(&endpoint.tag));
    lower.map_or(documented, |most| documented.min(most))
}

/// Rejects a batch with no items or too many items, unless a switch allows the batch.
pub fn check_size(switches: &Switches, items: usize, endpoint: &Endpoint) -> Result<(), Refusal> {
    if items == 0 && switches.is(Switch::EmptyBatch, "400") {
        return Err(refuse(400, "BATCH_EMPTY", "The batch has no items."));
    }
    let most = most_items(switches, endpoint);
    if items <= most || switches.is(Switch::OverLimit, "accept") {
        return Ok(());
    }
    Err(over_limit(switches).unwrap_or_else(|| {
        refuse(
            400,
            "BATCH_TOO_LARGE",
            format!("The batch has {items} items, at most {most} are allowed."),
        )
    }))
}

/// Returns the error for a batch with too many items, if the switch `over_limit` selects one that does not
/// mention the limit.
pub fn over_limit(switches: &Switches) -> Option<Refusal> {
    if switches.is(Switch::OverLimit, "413") {
        Some(refuse(413, "MALFORMED_REQUEST", "Request Entity Too Large"))
    } else if switches.is(Switch::OverLimit, "silent") {
        Some(refuse(400, "MALFORMED_REQUEST", "Bad Request"))
    } else {
        None
    }
}

/// Checks a request body and returns the strings in its array `key`. Duplicates are handled as the switch
/// `duplicate_ids` specifies.
pub fn ids<'a>(switches: &Switches, call: &'a Call, key: &str) -> Result<Vec<&'a str>, Refusal> {
    let Some(values) = call.body.get(key).and_then(Value::as_array) else {
        return if call.body.is_object() && call.body.get(key).is_none() {
            check_size(switches, 0, call.endpoint).map(|()| Vec::new())
        } else {
            Err(refuse(
                400,
                "MALFORMED_REQUEST",
                format!("The body must be an object with an array {key:?}."),
            ))
        };
    };
    check_size(switches, values.len(), call.endpoint)?;
    let mut texts = Vec::with_capacity(values.len());
    let mut seen = HashSet::new();
    for (index, value) in values.iter().enumerate() {
        let text = value.as_str().ok_or_else(|| {
            refuse(
                400,
                "MALFORMED_REQUEST",
                format!("{key}[{index}] must be a string, not {value}."),
            )
        })?;
        if seen.insert(text) || switches.is(Switch::DuplicateIds, "repeat") {
            texts.push(text);
        } else if switches.is(Switch::DuplicateIds, "400") {
            return Err(refuse(
                400,
                "DUPLICATE_ID",
                format!("{key}[{index}] {text:?} is a duplicate."),
            ));
        }
    }
    let known: &[&str] = if call.endpoint.tag == "custom-attributes:batch-get" {
        &["ids", "names"]
    } else {
        &["ids"]
    };
    if switches.is(Switch::UnknownField, "400")
        && let Some(other) = call
            .body
            .as_object()
            .and_then(|map| map.keys().find(|name| !known.contains(&name.as_str())))
    {
        return Err(bad_field(
            "UNKNOWN_FIELD",
            other,
            format!("The body has no field {other:?}."),
        ));
    }
    Ok(texts)
}
