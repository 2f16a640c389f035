//! How an object of the project differs from its description.

use serde_json::Value;

use crate::model::same::{Form, same};
use crate::settings::names::folded;
use crate::settings::setup::description::has_options;

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

/// Returns whether the default of an attribute of the project is the one of its description. Labels of options are
/// compared as names.
pub(super) fn same_default(known: Option<&Value>, wanted: &Value, data_type: &str) -> bool {
    let known = known.unwrap_or(&Value::Null);
    let form = Form::Attribute(data_type);
    if has_options(data_type) {
        same(&labels(known), &labels(wanted), form)
    } else {
        same(known, wanted, form)
    }
}

fn labels(value: &Value) -> Value {
    match value {
        Value::String(label) => Value::from(folded(label)),
        Value::Array(items) => items.iter().map(labels).collect(),
        other => other.clone(),
    }
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
