//! How an object of the project differs from its description.

use serde_json::Value;

use crate::settings::names::folded;
use crate::settings::setup::describe::number;

/// Adds a difference if the description contains a text that is not the same in the project.
pub(super) fn text_differs(
    what: &str,
    known: Option<&str>,
    wanted: Option<&str>,
    differences: &mut Vec<String>,
) {
    let Some(wanted) = wanted else { return };
    let known = known.map(str::trim).unwrap_or_default();
    if known != wanted.trim() {
        let here = if known.is_empty() {
            "none".to_owned()
        } else {
            format!("\"{}\"", crate::error::shortened(known, 60))
        };
        differences.push(format!(
            "{what} is {here} in the project, but \"{}\" in the description",
            crate::error::shortened(wanted.trim(), 60)
        ));
    }
}

pub(super) fn same_default(known: Option<&Value>, wanted: &Value) -> bool {
    let Some(known) = known else { return false };
    let numbers = number(known).zip(number(wanted));
    if let (Some((known, wanted)), true) = (numbers, wanted.is_number()) {
        return known.as_f64() == wanted.as_f64();
    }
    let folds = |value: &Value| -> Vec<String> {
        let mut labels: Vec<String> = match value {
            Value::Array(values) => values.iter().filter_map(Value::as_str).map(folded).collect(),
            Value::String(text) => vec![folded(text)],
            other => vec![other.to_string()],
        };
        labels.sort();
        labels
    };
    folds(known) == folds(wanted)
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
