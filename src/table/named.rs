//! The columns of a table with names: of categories, statuses, locations and options instead of their ids, and of
//! custom attributes instead of `caN`. Values that the settings do not name are kept as they are.

use std::sync::Arc;

use super::names::Names;
use super::parse::{boolean, date, numeric};
use crate::columns::{Kinds, Layout, PageColumn, Table, Type};
use crate::rows::columns::{attribute_heading, headings, set_by_the_service};
use crate::settings::Settings;
use crate::settings::names::folded_heading;

/// Values of a column by page.
type Pages = Vec<Option<Arc<PageColumn>>>;

/// Returns the columns of a table of assets with names. The columns and their types do not depend on the values of
/// the rows, so that pages and files of the same project fit together. Exceptions are undocumented fields, inactive
/// attributes, and values that do not have the type of their attribute. `attributes` says whether the custom
/// attributes were read.
#[must_use]
pub fn layout(table: &Table, settings: &Settings, attributes: bool) -> Layout {
    let mut layout = table.layout();
    let known = &settings.content().attributes;
    layout.drop_empty(|name| {
        let index = settings.attribute_of_name(name);
        index.is_some_and(|index| !known[index].active)
    });
    let active = known.iter().filter(|known| attributes && known.active);
    layout.add(std::iter::once("id").chain(headings().map(|(field, _)| field)));
    layout.add(active.map(|known| known.name.as_str()));
    layout.add(set_by_the_service());
    for at in 0..layout.fields.len() {
        let pages: Vec<Option<&Arc<PageColumn>>> = layout.column(at).collect();
        let named = named(&layout.fields[at].0, &pages, settings);
        if let Some((kind, pages)) = named {
            layout.fields[at].1 = kind;
            if let Some(pages) = pages {
                layout.replace(at, pages);
            }
        }
    }
    layout.sort_by_key(|name| sort_key(name, settings));
    let titles: Vec<String> = titles(&layout, settings);
    for ((name, _), title) in layout.fields.iter_mut().zip(titles) {
        // Arrow passes names as C strings.
        *name = title.replace('\0', "\\u0000").into();
    }
    layout
}

/// Returns the sort key of a column: the id, the fields of a template, the custom attributes in the order of the
/// settings, unknown ones by number, then the service's own fields. Undocumented fields follow in their order.
fn sort_key(name: &str, settings: &Settings) -> (usize, u64) {
    if name == "id" {
        return (0, 0);
    }
    let fields = [
        (1, headings().position(|(field, _)| field == name)),
        (2, settings.attribute_of_name(name)),
        (4, set_by_the_service().position(|field| field == name)),
    ];
    let known = fields
        .into_iter()
        .find_map(|(group, index)| Some((group, index? as u64)));
    known.unwrap_or_else(|| attribute_number(name).map_or((5, 0), |number| (3, number)))
}

fn attribute_number(name: &str) -> Option<u64> {
    name.strip_prefix("ca")?.parse().ok()
}

/// Returns the heading of each column.
fn titles(layout: &Layout, settings: &Settings) -> Vec<String> {
    let known = |name: &str| {
        let heading = headings().find(|(field, _)| *field == name);
        heading.map(|(_, heading)| heading.to_owned()).or_else(|| {
            let index = settings.attribute_of_name(name)?;
            Some(attribute_heading(index, settings))
        })
    };
    let named: Vec<Option<String>> = layout.fields.iter().map(|(name, _)| known(name)).collect();
    let taken: Vec<String> = named
        .iter()
        .flatten()
        .map(|title| folded_heading(title))
        .collect();
    let fields = layout.fields.iter().zip(named);
    fields
        .map(|((name, _), title)| match title {
            Some(title) => title,
            // An undocumented field must not look like a known column.
            None if taken.contains(&folded_heading(name)) => format!("{name} (service)"),
            None => name.to_string(),
        })
        .collect()
}

/// Returns the type of a column with names, and its values if they change. `None` for a documented field that stays
/// as it is. The type does not depend on the values, unless one of them has another type or would lose digits: then
/// the column is text.
fn named<'c>(
    name: &str,
    pages: &[Option<&'c Arc<PageColumn>>],
    settings: &'c Settings,
) -> Option<(Type, Option<Pages>)> {
    let attribute = settings.attribute_of_name(name);
    let data_type = attribute.map_or("", |index| {
        settings.content().attributes[index].data_type.as_str()
    });
    if let Some(reference) = settings.reference(name) {
        let mut names = Names::new(settings, reference);
        if data_type != "multi_select" {
            let pages = replaced(pages, |column| names.texts(column))?;
            return Some((Type::Text, Some(pages)));
        }
        let pages = replaced(pages, |column| names.lists(column))?;
        let are_lists = kinds(&pages).within(Kinds::LIST);
        return Some((if are_lists { Type::List } else { Type::Text }, Some(pages)));
    }
    let (kind, pages) = match data_type {
        "numeric" => {
            let right = |kinds: Kinds| kinds.within(Kinds::FLOAT) || kinds.within(Kinds::INT);
            (Type::Float, parsed(pages, right, numeric))
        }
        "date" => (Type::Date, parsed(pages, |kinds| kinds.within(Kinds::DATE), date)),
        "boolean" => (
            Type::Bool,
            parsed(pages, |kinds| kinds.within(Kinds::BOOL), boolean),
        ),
        _ if is_documented(name) => return None,
        _ => (Type::Text, None),
    };
    Some((if pages.is_some() { kind } else { Type::Text }, pages))
}

/// Returns whether the type of a field is known.
fn is_documented(name: &str) -> bool {
    let is_field = headings().any(|(field, _)| field == name);
    name == "id" || is_field || set_by_the_service().any(|field| field == name)
}

/// Replaces the values of a column, page by page. Returns `None` if those of a page cannot be replaced.
fn replaced<'c>(
    pages: &[Option<&'c Arc<PageColumn>>],
    mut replace: impl FnMut(&'c Arc<PageColumn>) -> Option<Arc<PageColumn>>,
) -> Option<Pages> {
    let pages = pages.iter().map(|page| match page {
        Some(column) => replace(column).map(Some),
        None => Some(None),
    });
    pages.collect()
}

/// Parses the values of a column. Pages with values of the right kinds stay. Returns `None` if a value cannot be
/// parsed.
fn parsed(
    pages: &[Option<&Arc<PageColumn>>],
    right: impl Fn(Kinds) -> bool,
    parse: fn(&PageColumn) -> Option<PageColumn>,
) -> Option<Pages> {
    replaced(pages, |column| {
        if right(column.kinds()) {
            Some(column.clone())
        } else {
            parse(column).map(Arc::new)
        }
    })
}

fn kinds(pages: &Pages) -> Kinds {
    let kinds = pages.iter().flatten().map(|column| column.kinds());
    kinds.fold(Kinds::NONE, Kinds::and)
}
