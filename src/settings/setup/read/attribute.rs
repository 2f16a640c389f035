//! Reads a custom attribute of a description.

use crate::api::assets::fields::LONGEST_ATTRIBUTE;
use serde_json::Value;

use super::entry::{Entry, note_duplicates};
use crate::settings::names::folded;
use crate::settings::setup::describe::number;
use crate::settings::setup::description::{DescribedAttribute, TYPES, has_options};

/// The maximum length of a custom attribute's display name ("POST custom-attributes" reference page).
const LONGEST_NAME: usize = 100;

/// The maximum length of a custom attribute's description (same reference page).
const LONGEST_DESCRIPTION: usize = 1000;

/// The largest `max_length` allowed for a text attribute ("POST custom-attributes" reference page).
const LONGEST_TEXT: u64 = LONGEST_ATTRIBUTE as u64;

/// The key of the object that the TOML reader wraps around dates.
const TOML_DATE: &str = "$__toml_private_datetime";

pub(super) fn read_attribute(at: String, value: &Value, problems: &mut Vec<String>) -> DescribedAttribute {
    let keys = [
        "display_name",
        "type",
        "required",
        "description",
        "max_length",
        "default",
        "options",
    ];
    let mut at = Entry::named(at, value, "display_name", &keys, problems);
    let display_name = at.required("display_name", Some(LONGEST_NAME));
    let data_type = at.required("type", None);
    let known = TYPES.contains(&data_type.as_str());
    if !known && !data_type.is_empty() {
        at.wrong(&format!("`type` is `{data_type}`; use {}", TYPES.join(", ")));
    }
    let required = at.flag("required");
    let description = at.text("description", Some(LONGEST_DESCRIPTION));
    let max_length = match at.get("max_length") {
        None => None,
        Some(_) if known && data_type != "text" => {
            at.wrong(&format!(
                "`max_length` is set, but the type is {data_type}; use it with text only"
            ));
            None
        }
        Some(value) => {
            let length = value
                .as_u64()
                .filter(|length| (1..=LONGEST_TEXT).contains(length));
            if length.is_none() {
                at.wrong(&format!(
                    "`max_length` is {value}; use a whole number from 1 to {LONGEST_TEXT}"
                ));
            }
            length.and_then(|length| usize::try_from(length).ok())
        }
    };
    let options: Vec<String> = at.texts("options");
    if known && has_options(&data_type) && options.is_empty() {
        at.wrong(&format!(
            "`options` is missing, but a {data_type} needs it; add a list of labels"
        ));
    } else if known && !has_options(&data_type) && at.get("options").is_some() {
        at.wrong(&format!(
            "`options` is set, but the type is {data_type}; use it with select and multi_select only"
        ));
    }
    let default = at.get("default").cloned().and_then(|given| {
        let fits = default_of(&data_type, &options, max_length, &given);
        fits.map_err(|wanted| at.wrong(&format!("`default` is {given}; use {wanted}")))
            .ok()
    });
    let place = at.at.clone();
    note_duplicates(&format!("{place}.options"), options.iter(), problems);
    DescribedAttribute {
        display_name,
        data_type,
        required,
        description,
        max_length,
        default,
        options,
    }
}

/// Converts a default to the form that the service expects for this type ("Create settings" tutorial). On an error,
/// returns a description of the expected form.
fn default_of(
    data_type: &str,
    options: &[String],
    max_length: Option<usize>,
    given: &Value,
) -> Result<Value, &'static str> {
    let given = match given.get(TOML_DATE) {
        Some(date) => date,
        None => given,
    };
    let option = |value: &Value| {
        let label = folded(value.as_str()?);
        let found = options.iter().find(|option| folded(option) == label)?;
        Some(Value::String(found.clone()))
    };
    let text = given.as_str();
    match data_type {
        "numeric" => number(given).ok_or("a number"),
        "boolean" if given.is_boolean() => Ok(given.clone()),
        "boolean" => Err("true or false"),
        "date" if text.is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()) => Ok(given.clone()),
        "date" => Err("a date such as 2031-02-28"),
        "select" => option(given).ok_or("one of the options"),
        "multi_select" => {
            let labels = given.as_array().ok_or("a list of options")?;
            let labels: Option<Vec<Value>> = labels.iter().map(option).collect();
            labels.map(Value::Array).ok_or("a list of options")
        }
        _ => {
            let longest = max_length.unwrap_or(LONGEST_ATTRIBUTE);
            match text {
                Some(text) if text.chars().count() <= longest => Ok(given.clone()),
                Some(_) => Err("a string that is not longer than `max_length`"),
                None => Err("a text"),
            }
        }
    }
}
