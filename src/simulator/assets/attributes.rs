//! One item of a batch: its custom attributes.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::simulator::contract::{ATTRIBUTE_TEXT_LENGTH, Switch, Switches};
use crate::simulator::refusal::Violation;
use crate::simulator::values::{finite, is_date, uuid};
use crate::simulator::world::{Asset, Attribute, DataType, Draft, World};

pub fn fill_attributes(
    world: &World,
    switches: &Switches,
    draft: &mut Draft,
    given: Option<&Value>,
    old: Option<&Asset>,
    moved: bool,
    found: &mut Vec<Violation>,
) {
    let assigned = world.effective_attributes(draft.category);
    let by_name: HashMap<&str, &Attribute> = assigned
        .iter()
        .map(|(attribute, _)| (attribute.name.as_str(), *attribute))
        .collect();
    let attribute = |name: &str| by_name.get(name).copied();
    for (name, value) in given.and_then(Value::as_object).into_iter().flatten() {
        let field = format!("customAttributes.{name}");
        let Some(attribute) = attribute(name) else {
            if switches.is(Switch::UnknownAttribute, "400") {
                let detail = format!(
                    "Attribute {name:?} is not assigned to category {}.",
                    draft.category
                );
                found.push(Violation::field("CUSTOM_ATTRIBUTE_NOT_ASSIGNED", &field, detail));
            }
            continue;
        };
        if value.is_null() && switches.is(Switch::PatchNull, "ignore") {
            continue;
        }
        if value.is_null() && switches.is(Switch::PatchNull, "clear") {
            // `shift_remove` keeps the order of the other attributes.
            draft.attributes.shift_remove(name);
            if attribute.required && old.is_some() && switches.is(Switch::Required, "create_and_patch") {
                found.push(required_missing(attribute));
            }
            continue;
        }
        match attribute_value(switches, attribute, value) {
            Ok(value) if value == "" && switches.is(Switch::EmptyText, "cleared") => {
                draft.attributes.shift_remove(name);
            }
            Ok(value) => {
                draft.attributes.insert(name.clone(), value);
            }
            Err(what) if what == TOO_LONG => {
                found.push(Violation::too_long(
                    &field,
                    attribute.max_length.unwrap_or(ATTRIBUTE_TEXT_LENGTH),
                ));
            }
            Err(what) => {
                let detail = format!("Attribute {name:?} takes {what}, not {value}.");
                let mut violation = Violation::field("INVALID_CUSTOM_ATTRIBUTE_VALUE", &field, detail);
                violation
                    .metadata
                    .insert("dataType".into(), attribute.data_type.name().into());
                found.push(violation);
            }
        }
    }
    if old.is_some() && moved && !switches.is(Switch::CategoryChange, "keep") {
        let foreign: Vec<String> = draft
            .attributes
            .keys()
            .filter(|name| attribute(name).is_none())
            .cloned()
            .collect();
        for name in foreign {
            if switches.is(Switch::CategoryChange, "drop_foreign") {
                draft.attributes.shift_remove(&name);
            } else {
                let detail = format!("Attribute {name:?} of the asset is not assigned to its new category.");
                found.push(Violation::field(
                    "CUSTOM_ATTRIBUTE_NOT_ASSIGNED",
                    &format!("customAttributes.{name}"),
                    detail,
                ));
            }
        }
    }
    if old.is_none() {
        for (attribute, _) in &assigned {
            if draft.attributes.contains_key(&attribute.name) {
                continue;
            }
            match &attribute.default {
                Some(default) if switches.is(Switch::FillDefaults, "on") => {
                    // Treat the default as if it had been sent, because a number may be stored in another
                    // form.
                    let value =
                        attribute_value(switches, attribute, default).unwrap_or_else(|_| default.clone());
                    draft.attributes.insert(attribute.name.clone(), value);
                }
                _ if attribute.required && !switches.is(Switch::Required, "off") => {
                    // If the value was rejected, do not report it as missing as well.
                    let field = format!("customAttributes.{}", attribute.name);
                    let reported = |violation: &Violation| {
                        violation.metadata.get("fieldName").and_then(Value::as_str) == Some(&field)
                    };
                    if !found.iter().any(reported) {
                        found.push(required_missing(attribute));
                    }
                }
                _ => {}
            }
        }
    }
}

fn required_missing(attribute: &Attribute) -> Violation {
    let detail = format!(
        "Attribute {:?} ({}) is required.",
        attribute.name, attribute.display_name
    );
    let field = format!("customAttributes.{}", attribute.name);
    Violation::field("REQUIRED_CUSTOM_ATTRIBUTE_MISSING", &field, detail)
}

const TOO_LONG: &str = "a shorter text";

/// Returns the value to store, or a description of the expected value ("POST assets:batch-create" reference page).
fn attribute_value(switches: &Switches, attribute: &Attribute, value: &Value) -> Result<Value, &'static str> {
    let choice = |value: &Value| {
        value.as_str().and_then(uuid).is_some_and(|id| {
            attribute
                .choices
                .iter()
                .any(|choice| choice.id == id && choice.stamp.active())
        })
    };
    let fits = match attribute.data_type {
        DataType::Text => match value.as_str() {
            Some(text) if text.chars().count() > attribute.max_length.unwrap_or(ATTRIBUTE_TEXT_LENGTH) => {
                return Err(TOO_LONG);
            }
            Some(_) => Ok(()),
            None => Err("a string"),
        },
        DataType::Date => match value.as_str() {
            Some(text) if is_date(text) => Ok(()),
            Some(text) if switches.is(Switch::DateTimestamp, "truncate") => {
                return match text
                    .get(..10)
                    .filter(|date| is_date(date) && text.parse::<jiff::Timestamp>().is_ok())
                {
                    Some(date) => Ok(date.into()),
                    None => Err("a date YYYY-MM-DD"),
                };
            }
            _ => Err("a date YYYY-MM-DD without a time"),
        },
        DataType::Boolean => value.is_boolean().then_some(()).ok_or("true or false"),
        DataType::Select => choice(value).then_some(()).ok_or("the id of one of its values"),
        DataType::MultiSelect => value
            .as_array()
            .is_some_and(|values| values.iter().all(choice))
            .then_some(())
            .ok_or("an array of ids of its values"),
        DataType::Numeric => {
            let Some(number) = value.as_f64().or_else(|| value.as_str().and_then(finite)) else {
                return Err("a string that parses as a number");
            };
            if switches.is(Switch::NumericRead, "number") && value.is_string() {
                return Ok(json!(number));
            }
            if switches.is(Switch::NumericRead, "string") && value.is_number() {
                return Ok(Value::String(value.to_string()));
            }
            Ok(())
        }
    };
    fits.map(|()| value.clone())
}
