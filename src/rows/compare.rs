//! Compares the values and cells of a row with the values of an asset, field by field.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::value::{midnight, number};
use crate::api::assets::FIELDS;
use crate::api::assets::fields::CUSTOM_ATTRIBUTES;
use crate::input::Cell;
use crate::model::same::{Form, day, decimal, is_blank, same, same_items, same_numbers, text};
use crate::model::text::{joined, trimmed};
use crate::model::value::flag;
use crate::settings::Settings;

/// A field whose value in a row differs from that in an asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The field, or the name of the custom attribute.
    pub field: String,
    pub old: Value,
    pub new: Value,
}

/// The values of a row that differ from those of an asset. `row` contains fields as in a request. Fields that the
/// row does not have are not compared.
#[must_use]
pub fn changes(row: &Map<String, Value>, asset: &Value, settings: Option<&Settings>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut compare = |name: &str, new: &Value, old: Option<&Value>, kind: Form<'_>| {
        let old = old.unwrap_or(&Value::Null);
        if !same(new, old, kind) {
            changes.push(Change {
                field: name.to_owned(),
                old: old.clone(),
                new: new.clone(),
            });
        }
    };
    for (name, new) in row {
        match (name.as_str(), new) {
            (CUSTOM_ATTRIBUTES, Value::Object(attributes)) => {
                for (name, new) in attributes {
                    let old = asset.get(CUSTOM_ATTRIBUTES).and_then(|held| held.get(name));
                    compare(name, new, old, form_of_attribute(name, settings));
                }
            }
            // A response may lack any field. Every asset has the required ones, so a missing one proves nothing.
            _ if asset.get(name).is_none() && is_required(name) => {}
            _ => compare(name, new, asset.get(name), FIELDS.form(name)),
        }
    }
    changes
}

fn is_required(name: &str) -> bool {
    FIELDS.find(name).is_some_and(|field| field.required)
}

/// Returns the part of an asset that rows can be compared with, as JSON.
#[must_use]
pub fn comparable(asset: &Value) -> String {
    let names = FIELDS.settable().map(|(_, field)| field.name);
    let names = names.chain([CUSTOM_ATTRIBUTES]);
    let part: Map<String, Value> = names
        .filter_map(|name| Some((name.to_owned(), asset.get(name)?.clone())))
        .collect();
    Value::from(part).to_string()
}

/// Returns how the values of a custom attribute are compared.
pub(super) fn form_of_attribute<'s>(name: &str, settings: Option<&'s Settings>) -> Form<'s> {
    let known = settings.and_then(|settings| {
        let place = settings.attribute_of_name(name)?;
        Some(settings.content().attributes[place].data_type.as_str())
    });
    Form::Attribute(known.unwrap_or_default())
}

/// Returns whether a cell is the unchanged value of an asset, as it comes back from a table, a frame or a file. A
/// number equals a text that reads as this number, such as 0017, 1.10 or 1E5, because programs often read texts as
/// numbers.
pub(super) fn is_unchanged(cell: &Cell<'_>, old: &Value, form: Form<'_>) -> bool {
    match (cell, old) {
        (Cell::Null | Cell::Clear, old) => is_blank(old),
        (Cell::Text(text), Value::Null) => trimmed(text).is_empty(),
        (Cell::Text(text), Value::String(old)) if form == Form::Trimmed => trimmed(text) == trimmed(old),
        (Cell::Text(text), Value::String(old)) => text == old,
        // A column of mixed types is a column of JSON texts.
        (Cell::Text(text), old) => {
            joined_items(old, |_| None).is_some_and(|items| items == *text)
                || serde_json::from_str::<Value>(text).is_ok_and(|value| same(&value, old, form))
                || matches!(old, Value::Bool(old) if text.eq_ignore_ascii_case(name_of(*old)))
        }
        // Programs read TRUE as a boolean, also in a column of texts.
        (Cell::Bool(value), Value::String(old)) if old.eq_ignore_ascii_case(name_of(*value)) => true,
        (Cell::Bool(value), old) => flag(old) == Some(*value),
        (Cell::Date(date), Value::String(old)) => day(old) == date.to_string(),
        (Cell::DateTime(moment) | Cell::Zoned(moment, _), Value::String(old)) => {
            let seen = old.strip_suffix('Z').unwrap_or(old);
            midnight(*moment) && *old == moment.date().to_string()
                || seen
                    .parse::<jiff::civil::DateTime>()
                    .is_ok_and(|seen| seen == *moment)
        }
        (Cell::List(items), Value::Array(old)) => {
            let items: Vec<&Cell<'_>> = items.iter().filter(|item| !matches!(item, Cell::Null)).collect();
            same_items(&items, old, |item, old| is_unchanged(item, old, form))
        }
        (Cell::Map(entries), Value::Object(old)) => {
            entries.len() == old.len()
                && entries.iter().all(|(name, cell)| {
                    old.get(*name)
                        .is_some_and(|old| is_unchanged(cell, old, Form::Attribute("")))
                })
        }
        (Cell::Int(_) | Cell::Float(_) | Cell::Float32(_) | Cell::Digits(_), old) => {
            let mut written = Vec::new();
            let is_finite = matches!(number(cell, &mut written), Some(Ok(())));
            let shown = serde_json::from_slice::<String>(&written).ok();
            is_finite && shown.is_some_and(|shown| same_numbers(&Value::from(shown), old))
        }
        _ => false,
    }
}

/// Returns whether a cell contains the name of the value of an asset, as in a table with names. An id without a name
/// stands for itself.
pub(super) fn is_named<'s>(cell: &Cell<'_>, old: &Value, name: impl Fn(&str) -> Option<&'s str>) -> bool {
    let is_name = |cell: &Cell<'_>, old: &Value| match (cell, text(old)) {
        (Cell::Text(cell), Some(id)) => trimmed(cell) == name(&id).unwrap_or(&id),
        _ => false,
    };
    match (cell, old) {
        (Cell::List(items), Value::Array(old)) => {
            let items: Vec<&Cell<'_>> = items.iter().filter(|item| !matches!(item, Cell::Null)).collect();
            same_items(&items, old, |item, old| is_name(item, old))
        }
        (Cell::List(items), old) => matches!(&items[..], [item] if is_name(item, old)),
        (Cell::Text(text), Value::Array(_)) => joined_items(old, name).is_some_and(|items| items == *text),
        (cell, old) => is_name(cell, old),
    }
}

/// Returns a list of strings as one text, with the names of the items that have one.
fn joined_items<'s>(list: &Value, name: impl Fn(&str) -> Option<&'s str>) -> Option<String> {
    let items: Option<Vec<&str>> = list.as_array()?.iter().map(Value::as_str).collect();
    let items = items?.into_iter().map(|id| name(id).unwrap_or(id));
    Some(joined(&items.collect::<Vec<_>>()))
}

fn name_of(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// Returns whether a number from a workbook is the number of an asset. Excel shows 15 digits, to which cells are rounded.
pub(super) fn is_rounded(new: &str, old: &Value) -> bool {
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    let rounded = |number: f64| format!("{number:.14e}").parse::<f64>().ok();
    let old = text(old).and_then(|old| rounded(number(&old)?));
    old.is_some() && number(new) == old
}

/// Returns the usual text of a number, such as 17 for 0017, 1.1 for 1.10 and 100000 for 1E5. `None` if the text is not
/// a number.
#[must_use]
pub fn as_number(text: &str) -> Option<String> {
    let text = text.trim();
    let expanded = if text.contains(['e', 'E']) {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        Cow::Owned(number.to_string())
    } else {
        Cow::Borrowed(text)
    };
    let (is_negative, whole, fraction) = decimal(&expanded)?;
    let sign = if is_negative { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Returns a value for a message, with names for the ids that the settings contain.
#[must_use]
pub fn shown(field: &str, value: &Value, settings: Option<&Settings>) -> String {
    let named = settings.zip(text(value)).and_then(|(settings, id)| {
        let name = settings.name_of(settings.reference(field)?, &id)?;
        Some(name.to_owned())
    });
    named.unwrap_or_else(|| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(field, item, settings)).collect();
            items.join("; ")
        }
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests;
