//! The fields of a body.

use std::collections::HashMap;

use serde_json::Value;

use crate::simulator::contract::{ATTRIBUTE_TEXT_LENGTH, Field, Kind, Switch, Switches};
use crate::simulator::refusal::Violation;
use crate::simulator::values::uuid;
use crate::simulator::world::DataType;

/// The valid fields in a body. Null clears a field.
pub struct Fields<'a>(HashMap<&'static str, &'a Value>);

impl<'a> Fields<'a> {
    /// Reads an object and adds its violations to `found`. `at` is the object's location in the body. If
    /// `whole` is set, the object must have all required fields.
    pub fn read(
        switches: &Switches,
        table: &'static [Field],
        object: &'a Value,
        at: &str,
        whole: bool,
        found: &mut Vec<Violation>,
    ) -> Self {
        let mut fields = HashMap::new();
        let Some(map) = object.as_object() else {
            let place = at.strip_suffix('.').unwrap_or("The body");
            let detail = format!("{place} must be an object, not {object}.");
            found.push(Violation::new("MALFORMED_REQUEST", detail));
            return Self(fields);
        };
        for (name, value) in map {
            let place = format!("{at}{name}");
            let Some(field) = table.iter().find(|field| field.name == name) else {
                if switches.is(Switch::UnknownField, "400") {
                    let detail = format!("Unknown or read-only field {place:?}.");
                    found.push(Violation::field("UNKNOWN_FIELD", &place, detail));
                }
                continue;
            };
            // A published collection sends a default of null, which is accepted.
            if value.is_null() && !field.required && field.kind != Kind::Default {
                if switches.is(Switch::PatchNull, "reject") {
                    let detail = format!("Field {place:?} must be present or omitted, not null.");
                    found.push(Violation::field("INVALID_FIELD_VALUE", &place, detail));
                    continue;
                }
                if switches.is(Switch::PatchNull, "ignore") {
                    continue;
                }
            } else if let Err(what) = shaped(field, value) {
                let detail = format!("Field {place:?} must be {what}, not {value}.");
                found.push(Violation::field("INVALID_FIELD_VALUE", &place, detail));
                continue;
            }
            let length = value.as_str().map_or(0, |text| text.chars().count());
            match field.max_length {
                Some(most) if length > most => found.push(Violation::too_long(&place, most)),
                _ => {
                    fields.insert(field.name, value);
                }
            }
        }
        let missing = table
            .iter()
            .filter(|field| whole && field.required && !map.contains_key(field.name));
        for field in missing {
            let place = format!("{at}{}", field.name);
            let detail = format!("Field {place:?} is required.");
            found.push(Violation::field("REQUIRED_FIELD_MISSING", &place, detail));
        }
        Self(fields)
    }

    /// Returns the value of a field. `None` if the field is missing or null.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).copied().filter(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).and_then(Value::as_str)
    }

    /// Returns the string in a required field. `read` has checked that the field is present.
    pub fn required_text(&self, name: &str) -> &'a str {
        self.text(name).unwrap_or_default()
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub fn list(&self, name: &str) -> &'a [Value] {
        self.value(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Returns whether a field is present, even as null.
    pub fn given(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Checks the type of a value. On an error, returns a description of the expected type.
fn shaped(field: &Field, value: &Value) -> Result<(), &'static str> {
    let text = value.as_str();
    let (fits, what) = match field.kind {
        Kind::Text if field.required => (text.is_some_and(|text| !text.is_empty()), "a non-empty string"),
        Kind::Text => (text.is_some(), "a text"),
        Kind::IntegerText => {
            // Accept an id only in its canonical form: "042" is not "42".
            let exact = |text: &str| text.parse::<u64>().is_ok_and(|id| id.to_string() == text);
            (text.is_some_and(exact), "a string with a whole number")
        }
        Kind::Uuid => (text.is_some_and(|text| uuid(text).is_some()), "a UUID"),
        Kind::Attributes => (value.is_object(), "an object"),
        Kind::Flag => (value.is_boolean(), "true or false"),
        Kind::Length => (length(value).is_some(), "a whole number from 1 to 250"),
        Kind::Labels => {
            let label = |label: &Value| label.as_str().is_some_and(|label| !label.is_empty());
            let labels = value.as_array().is_some_and(|labels| labels.iter().all(label));
            (labels, "an array of non-empty strings")
        }
        Kind::Statuses => (value.is_array(), "an array of statuses"),
        Kind::DataType => (
            text.and_then(DataType::named).is_some(),
            "text, numeric, date, boolean, select or multi_select",
        ),
        // The default is checked once the type of the attribute is known.
        Kind::Default => (true, ""),
    };
    fits.then_some(()).ok_or(what)
}

pub fn length(value: &Value) -> Option<usize> {
    value
        .as_u64()
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| (1..=ATTRIBUTE_TEXT_LENGTH).contains(length))
}
