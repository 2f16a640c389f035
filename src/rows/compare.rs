//! Compares the values of a row with those of an asset, field by field.
//!
//! Values are compared by the value rules, because the service may return a value in another form: a number as a
//! string, a date with a time, the items of a list in another order.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::value::{midnight, number};
use crate::api::assets::FIELDS;
use crate::api::assets::fields::CUSTOM_ATTRIBUTES;
use crate::api::field::Kind;
use crate::input::Cell;
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
                    compare(name, new, old, Form::of_attribute(name, settings));
                }
            }
            // A response may lack any field. Every asset has the required ones, so a missing one proves nothing.
            _ if asset.get(name).is_none() && is_required(name) => {}
            _ => compare(name, new, asset.get(name), Form::of_field(name)),
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

/// How the values of a field are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form<'s> {
    Text,
    /// A string whose leading and trailing blanks do not count.
    Trimmed,
    Uuid,
    /// A custom attribute of this type. Empty if the type is unknown.
    Attribute(&'s str),
}

impl<'s> Form<'s> {
    pub(super) fn of_field(name: &str) -> Self {
        match FIELDS.find(name) {
            Some(field) if field.kind == Kind::Uuid => Self::Uuid,
            Some(field) if field.trims || field.kind == Kind::Integer => Self::Trimmed,
            _ => Self::Text,
        }
    }

    pub(super) fn of_attribute(name: &str, settings: Option<&'s Settings>) -> Self {
        let known = settings.and_then(|settings| {
            let place = settings.attribute_of_name(name)?;
            Some(settings.content().attributes[place].data_type.as_str())
        });
        Self::Attribute(known.unwrap_or_default())
    }
}

/// Returns whether a value in a request equals the current value of an asset. A blank string equals null.
pub(super) fn same(new: &Value, old: &Value, form: Form<'_>) -> bool {
    if new == old || is_blank(new) && is_blank(old) {
        return true;
    }
    match form {
        Form::Text | Form::Trimmed | Form::Uuid => {
            let (Some(new), Some(old)) = (text(new), text(old)) else {
                return false;
            };
            match form {
                Form::Text => new == old,
                Form::Uuid => new.eq_ignore_ascii_case(&old),
                _ => trimmed(&new) == trimmed(&old),
            }
        }
        Form::Attribute(kind) => match (kind, new, old) {
            (_, Value::Array(new), Value::Array(old)) => {
                same_items(new, old, |new, old| same(new, old, form))
            }
            // A select attribute with one value, or a multi-select attribute in the other form.
            (_, Value::Array(items), one) | (_, one, Value::Array(items)) => {
                matches!(&items[..], [item] if same(item, one, form))
            }
            ("boolean", ..) => flag(new).is_some_and(|new| flag(old) == Some(new)),
            ("date", Value::String(new), Value::String(old)) => day(new) == day(old),
            // If the type is unknown, a number in the response shows that the attribute is numeric.
            ("numeric", ..) | ("", _, Value::Number(_)) => same_numbers(text(new), text(old)),
            (_, Value::Number(new), Value::String(old)) => {
                same_numbers(Some(new.to_string().into()), Some(old.into()))
            }
            _ => matches!((text(new), text(old)), (Some(new), Some(old)) if new == old),
        },
    }
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
            is_finite && same_numbers(shown.map(Cow::Owned), text(old))
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

/// Returns whether two lists have the same items, in any order.
fn same_items<T>(new: &[T], old: &[Value], same: impl Fn(&T, &Value) -> bool) -> bool {
    new.iter().all(|new| old.iter().any(|old| same(new, old)))
        && old.iter().all(|old| new.iter().any(|new| same(new, old)))
}

fn name_of(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Returns the text of a string or a number.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Returns the date at the start of a string, without a time of midnight.
fn day(text: &str) -> &str {
    let text = text.trim();
    match text.split_at_checked(10) {
        Some((day, time)) if time.starts_with("T00:00") => day,
        _ => text,
    }
}

/// Returns whether two texts or numbers are the same number.
pub(super) fn same_numbers_of(new: &Value, old: &Value) -> bool {
    same_numbers(text(new), text(old))
}

fn same_numbers(new: Option<Cow<'_, str>>, old: Option<Cow<'_, str>>) -> bool {
    let (Some(new), Some(old)) = (new, old) else {
        return false;
    };
    match (decimal(&new), decimal(&old)) {
        (Some(new), Some(old)) => new == old,
        // One of the numbers has an exponent.
        _ => match (new.trim().parse::<f64>(), old.trim().parse::<f64>()) {
            (Ok(new), Ok(old)) => new.is_finite() && new.partial_cmp(&old) == Some(Ordering::Equal),
            _ => false,
        },
    }
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

/// Returns the sign and the significant digits before and after the point of a decimal number.
fn decimal(text: &str) -> Option<(bool, &str, &str)> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let is_zero = whole.is_empty() && fraction.is_empty();
    Some((text.starts_with('-') && !is_zero, whole, fraction))
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
