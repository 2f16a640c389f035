//! The new values of a custom attribute.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::choices::relabel;
use super::default_value::default_fits;
use super::fields::{Fields, length};
use crate::simulator::contract::{ATTRIBUTE_TEXT_LENGTH, Switch, Switches};
use crate::simulator::refusal::Violation;
use crate::simulator::world::{Attribute, DataType, World};

/// The new values of a custom attribute. Options, including those in the default, are given by label.
pub struct Definition {
    pub display_name: String,
    description: Option<String>,
    pub data_type: DataType,
    required: bool,
    max_length: Option<usize>,
    default: Option<Value>,
    /// `None` if the options do not change.
    labels: Option<Vec<String>>,
}

impl Definition {
    pub fn read(
        switches: &Switches,
        fields: &Fields<'_>,
        old: Option<&Attribute>,
        found: &mut Vec<Violation>,
    ) -> Self {
        let data_type = fields
            .text("dataType")
            .and_then(DataType::named)
            .or(old.map(|old| old.data_type))
            .unwrap_or(DataType::Text);
        let labels = labels(switches, fields, data_type, old, found);
        let max_length = max_length(fields, data_type, old, found);
        let known: Vec<&str> = match (&labels, old) {
            (Some(labels), _) => labels.iter().map(String::as_str).collect(),
            (None, Some(old)) => active_labels(old),
            (None, None) => Vec::new(),
        };
        let fits = |value: &Value| default_fits(data_type, &known, max_length, value);
        let default = match fields.value("defaultValue") {
            Some(value) => {
                if let Err(what) = fits(value) {
                    let detail = format!("A default of type {} is {what}, not {value}.", data_type.name());
                    found.push(Violation::field("INVALID_FIELD_VALUE", "defaultValue", detail));
                }
                Some(value.clone())
            }
            None if fields.given("defaultValue") => None,
            // A default that is no longer valid is removed.
            None => old
                .and_then(|old| Some(old.labelled(old.default.as_ref()?)))
                .filter(|value| fits(value).is_ok()),
        };
        let description = if fields.given("description") {
            fields.owned("description")
        } else {
            old.and_then(|old| old.description.clone())
        };
        Self {
            display_name: fields
                .owned("displayName")
                .or(old.map(|old| old.display_name.clone()))
                .unwrap_or_default(),
            description,
            data_type,
            required: fields
                .value("requiredOnIngress")
                .and_then(Value::as_bool)
                .or(old.map(|old| old.required))
                .unwrap_or(false),
            max_length,
            default,
            labels,
        }
    }

    pub fn apply(self, world: &mut World, attribute: &mut Attribute, user: &Arc<str>, version: u64) {
        attribute.display_name = self.display_name;
        attribute.description = self.description;
        attribute.data_type = self.data_type;
        attribute.required = self.required;
        attribute.max_length = self.max_length;
        if !self.data_type.has_choices() {
            attribute.choices.clear();
        } else if let Some(labels) = self.labels {
            relabel(world, attribute, labels, user, version);
        }
        attribute.default = self.default.map(|default| attribute.carried(&default));
    }
}

fn active_labels(attribute: &Attribute) -> Vec<&str> {
    attribute
        .choices
        .iter()
        .filter(|choice| choice.stamp.active())
        .map(|choice| choice.label.as_str())
        .collect()
}

/// Returns the labels of the new options, or `None` if the request sets no options. Select and multi-select
/// attributes must have options. Other attributes must not.
fn labels(
    switches: &Switches,
    fields: &Fields<'_>,
    data_type: DataType,
    old: Option<&Attribute>,
    found: &mut Vec<Violation>,
) -> Option<Vec<String>> {
    let name = "enumValues";
    let wrong = |detail: String| Violation::field("INVALID_FIELD_VALUE", name, detail);
    let given = fields.value(name).is_some();
    if !data_type.has_choices() {
        if given {
            let detail = format!("An attribute of type {} has no values.", data_type.name());
            found.push(wrong(detail));
        }
        return None;
    }
    let had_choices = old.filter(|old| old.data_type.has_choices());
    if !given {
        if had_choices.is_none() || fields.given(name) {
            let detail = format!("Field {name:?} is required for {}.", data_type.name());
            found.push(Violation::field("REQUIRED_FIELD_MISSING", name, detail));
        }
        return None;
    }
    let labels: Vec<String> = fields
        .list(name)
        .iter()
        .filter_map(|label| Some(label.as_str()?.to_owned()))
        .collect();
    if labels.is_empty() {
        found.push(wrong(format!("Field {name:?} must have at least one value.")));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = labels.iter().find(|label| !seen.insert(label.to_lowercase())) {
        found.push(wrong(format!("Duplicate value {twice:?}.")));
    }
    if switches.is(Switch::EnumRemoval, "400")
        && let Some(old) = had_choices
        && let Some(gone) = active_labels(old)
            .into_iter()
            .find(|label| !seen.contains(&label.to_lowercase()))
    {
        let detail = format!("The value {gone:?} cannot be removed.");
        found.push(Violation::field("ENUM_VALUE_REMOVED", name, detail));
    }
    Some(labels)
}

pub fn max_length(
    fields: &Fields<'_>,
    data_type: DataType,
    old: Option<&Attribute>,
    found: &mut Vec<Violation>,
) -> Option<usize> {
    let name = "maxLengthOnIngress";
    let given = fields.value(name);
    if data_type != DataType::Text {
        if given.is_some() {
            let detail = format!("An attribute of type {} has no length.", data_type.name());
            found.push(Violation::field("INVALID_FIELD_VALUE", name, detail));
        }
        return None;
    }
    let kept = old.filter(|_| !fields.given(name)).and_then(|old| old.max_length);
    given.and_then(length).or(kept).or(Some(ATTRIBUTE_TEXT_LENGTH))
}
