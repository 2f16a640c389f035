//! The columns of a table with names: of categories, statuses, locations and options instead of their ids, and of custom
//! attributes instead of `caN`. What the settings do not know stays as it is.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::{Date, date};
use serde_json::Value;

use super::number::number;
use crate::columns::{Cell, Column, Image, Kinds, Layout, Table, Type};
use crate::model::text::joined;
use crate::model::value::flag;
use crate::settings::names::plain;
use crate::settings::{Reference, Settings};
use crate::validation::columns::{attribute_heading, headings};

/// Values of a column by page.
type Pages = Vec<Option<Arc<Column>>>;

/// Returns the columns of a table of assets with names.
#[must_use]
pub fn layout(table: &Table, settings: &Settings) -> Layout {
    let mut layout = table.layout();
    for at in 0..layout.fields.len() {
        let pages: Vec<Option<&Arc<Column>>> = layout.column(at).collect();
        let named = named(&layout.fields[at].0, &pages, settings);
        if let Some((kind, pages)) = named {
            layout.fields[at].1 = kind;
            if let Some(pages) = pages {
                layout.replace(at, pages);
            }
        }
    }
    layout.sort_by_key(|_, name| place(name));
    let titles: Vec<String> = titles(&layout, settings);
    for ((name, _), title) in layout.fields.iter_mut().zip(titles) {
        // Arrow passes names as C strings.
        *name = title.replace('\0', "\\u0000").into();
    }
    layout
}

/// Returns the sort key of a column: the id, the fields of a template, then custom attributes by number. The others
/// follow in their order.
fn place(name: &str) -> (usize, u64) {
    if name == "id" {
        return (0, 0);
    }
    match headings().position(|(field, _)| field == name) {
        Some(place) => (1, place as u64),
        None => attribute_number(name).map_or((3, 0), |number| (2, number)),
    }
}

fn attribute_number(name: &str) -> Option<u64> {
    name.strip_prefix("ca")?.parse().ok()
}

/// Returns the heading of each column.
fn titles(layout: &Layout, settings: &Settings) -> Vec<String> {
    let known = |name: &str| {
        let heading = headings().find(|(field, _)| *field == name);
        heading.map(|(_, heading)| heading.to_owned()).or_else(|| {
            let place = settings.attribute_of_name(name)?;
            Some(attribute_heading(place, settings))
        })
    };
    let named: Vec<Option<String>> = layout.fields.iter().map(|(name, _)| known(name)).collect();
    let taken: Vec<String> = named.iter().flatten().map(|title| plain(title)).collect();
    let fields = layout.fields.iter().zip(named);
    fields
        .map(|((name, _), title)| match title {
            Some(title) => title,
            // An undocumented field must not look like a known column.
            None if taken.contains(&plain(name)) => format!("{name} (service)"),
            None => name.to_string(),
        })
        .collect()
}

/// Returns the type of a column with names, and its values if they change. `None` for a column that stays as it is.
fn named(name: &str, pages: &[Option<&Arc<Column>>], settings: &Settings) -> Option<(Type, Option<Pages>)> {
    let attribute = settings.attribute_of_name(name);
    let data_type = attribute.map(|place| settings.content().attributes[place].data_type.as_str());
    match (settings.reference(name), data_type) {
        (Some(reference), Some("multi_select")) => {
            let pages = mapped(pages, |cell| Some(options(cell, reference, settings)))?;
            let kind = if kinds(&pages).within(Kinds::LIST) {
                Type::List
            } else {
                Type::Text
            };
            Some((kind, Some(pages)))
        }
        (Some(reference), _) => {
            let pages = mapped(pages, |cell| Some(one(cell, reference, settings)))?;
            Some((Type::Text, Some(pages)))
        }
        (None, Some("numeric")) => {
            let pages = mapped(pages, numeric)?;
            let kinds = kinds(&pages);
            if kinds != Kinds::NONE && kinds.within(Kinds::INT.and(Kinds::LARGE_INT)) {
                Some((Type::Int, Some(pages)))
            } else {
                let is_exact = kinds.within(Kinds::INT.and(Kinds::FLOAT));
                is_exact.then_some((Type::Float, Some(pages)))
            }
        }
        (None, Some("date")) => Some((Type::Date, Some(mapped(pages, day)?))),
        (None, Some("boolean")) => Some((Type::Bool, Some(mapped(pages, boolean)?))),
        (None, Some("text")) => Some((Type::Text, None)),
        _ => None,
    }
}

/// Returns the images of the values of a column. `None` if a value has no image.
fn mapped<'c>(
    pages: &[Option<&'c Arc<Column>>],
    mut image: impl FnMut(Cell<'c>) -> Option<Image<'c>>,
) -> Option<Pages> {
    let mut map = |column: &'c Arc<Column>| column.mapped(&mut image).map(Arc::new);
    let pages = pages.iter().map(|page| match page {
        Some(column) => map(column).map(Some),
        None => Some(None),
    });
    pages.collect()
}

fn kinds(pages: &Pages) -> Kinds {
    let kinds = pages.iter().flatten().map(|column| column.kinds());
    kinds.fold(Kinds::NONE, Kinds::and)
}

/// Returns the name of what an id refers to.
fn one<'c>(cell: Cell<'c>, reference: Reference, settings: &'c Settings) -> Image<'c> {
    match (cell, reference) {
        (Cell::Text(id), _) => Image::Text(settings.name_of(reference, id).unwrap_or(id).into()),
        (Cell::List(items), Reference::Choice(_)) => {
            let items: Vec<&str> = items.iter().collect();
            names(&items, reference, settings)
        }
        (cell, _) => match (cell.to_value(), reference) {
            (Value::String(id), _) => owned(&id, reference, settings),
            (Value::Number(id), _) => owned(&id.to_string(), reference, settings),
            (Value::Array(items), Reference::Choice(_)) => {
                match items.iter().map(Value::as_str).collect::<Option<Vec<&str>>>() {
                    Some(items) => names(&items, reference, settings),
                    None => Image::Json(Value::from(items).to_string()),
                }
            }
            (other, _) => Image::Json(other.to_string()),
        },
    }
}

fn owned<'c>(id: &str, reference: Reference, settings: &'c Settings) -> Image<'c> {
    Image::Text(match settings.name_of(reference, id) {
        Some(name) => name.into(),
        None => Cow::Owned(id.to_owned()),
    })
}

/// Returns the names of several options in one text.
fn names<'c>(ids: &[&str], reference: Reference, settings: &Settings) -> Image<'c> {
    let names = ids.iter().map(|id| settings.name_of(reference, id).unwrap_or(id));
    Image::Text(joined(&names.collect::<Vec<_>>()).into())
}

/// Returns the labels of the options of a multi-select attribute.
fn options<'c>(cell: Cell<'c>, reference: Reference, settings: &'c Settings) -> Image<'c> {
    let label = |id: &'c str| Cow::Borrowed(settings.name_of(reference, id).unwrap_or(id));
    let owned = |id: &str| match settings.name_of(reference, id) {
        Some(label) => Cow::Borrowed(label),
        None => Cow::Owned(id.to_owned()),
    };
    match cell {
        Cell::List(items) => Image::List(items.iter().map(label).collect()),
        Cell::Text(id) => Image::List(vec![label(id)]),
        cell => match cell.to_value() {
            Value::String(id) => Image::List(vec![owned(&id)]),
            Value::Array(items) => {
                let labels = items.iter().map(|item| item.as_str().map(owned));
                match labels.collect::<Option<Vec<_>>>() {
                    Some(labels) => Image::List(labels),
                    None => Image::Json(Value::from(items).to_string()),
                }
            }
            other => Image::Json(other.to_string()),
        },
    }
}

/// Returns a number of a numeric attribute, which the service returns as a number or as text ("POST
/// assets:batch-create" and "Retrieve assets data" pages). `None` if the value is no number, or would lose digits.
fn numeric(cell: Cell<'_>) -> Option<Image<'_>> {
    match cell {
        Cell::Int(value) => Some(Image::Int(value)),
        Cell::Float(value) => Some(Image::Float(value)),
        Cell::Text(text) => number(text),
        Cell::Json(_) => match cell.to_value() {
            Value::Number(value) => number(&value.to_string()),
            Value::String(text) => number(&text),
            _ => None,
        },
        _ => None,
    }
}

fn day(cell: Cell<'_>) -> Option<Image<'_>> {
    let read = |text: &str| {
        let (day, time) = text.split_at_checked(10).unwrap_or((text, ""));
        let is_midnight = time.is_empty()
            || time.starts_with('T') && !time.contains(|digit| matches!(digit, '1'..='9' | '+' | '-'));
        if text.trim().is_empty() {
            return Some(Image::Null);
        }
        let day: Date = day.parse().ok().filter(|_| is_midnight)?;
        let seconds = day.duration_since(date(1970, 1, 1)).as_secs();
        Some(Image::Date(i32::try_from(seconds / 86_400).ok()?))
    };
    match cell {
        Cell::Text(text) => read(text),
        Cell::Json(_) => read(cell.to_value().as_str()?),
        _ => None,
    }
}

fn boolean(cell: Cell<'_>) -> Option<Image<'_>> {
    match cell {
        Cell::Bool(value) => Some(Image::Bool(value)),
        Cell::Text(text) if text.trim().is_empty() => Some(Image::Null),
        cell => flag(&cell.to_value()).map(Image::Bool),
    }
}
