//! A page: rows stored as columns, and read back as rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::cell::Cell;
use super::column::PageColumn;
use super::kind::first;
use super::members::{ATTRIBUTES, Member, attribute_number};
use super::odd::read_row;
use crate::model::asset::members;

/// Rows as columns.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub(super) rows: usize,
    /// The size of the rows' JSON in bytes.
    pub(super) bytes: usize,
    pub(super) columns: Vec<Arc<PageColumn>>,
    /// The columns in display order: by the first row that contains each column and, within the same row,
    /// attributes before fields.
    pub(super) order: Vec<usize>,
    pub(super) members: Vec<Member>,
    /// Shapes: ordered lists of members, shared by rows with equal members.
    pub(super) shapes: Vec<Box<[u32]>>,
    /// The shape of each row.
    pub(super) shape_of: Vec<u32>,
    /// Rows that are not plain objects, stored as JSON.
    pub(super) odd: HashMap<usize, Box<str>>,
}

impl Page {
    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the size of the rows' JSON in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns all columns, in the order of first appearance.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &Arc<PageColumn>)> {
        self.order.iter().map(|at| (*at, &self.columns[*at]))
    }

    /// Returns the column at this position.
    #[must_use]
    pub fn column(&self, at: usize) -> &PageColumn {
        &self.columns[at]
    }

    /// Returns the members of all rows.
    pub fn all_members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// Returns the members of a row in order, each with its index, or `None` for a row stored as JSON.
    #[must_use]
    pub fn members(&self, row: usize) -> Option<impl Iterator<Item = (usize, &Member)>> {
        let shape = self.shapes.get(*self.shape_of.get(row)? as usize)?;
        Some(
            shape
                .iter()
                .map(|member| (*member as usize, &self.members[*member as usize])),
        )
    }

    /// Returns a row. A row that is not an object has its value under `value`.
    #[must_use]
    pub fn row(&self, row: usize) -> Map<String, Value> {
        let Some(members) = self.members(row) else {
            return read_row(self.odd.get(&row).map_or("", |raw| raw));
        };
        let mut object = Map::new();
        for (_, member) in members {
            match member {
                Member::Value(slot) => {
                    object.insert(
                        slot.name.to_string(),
                        self.columns[slot.column].cell(row).to_value(),
                    );
                }
                Member::Attributes(_) => {
                    object.insert(ATTRIBUTES.to_owned(), Map::new().into());
                }
                Member::Attribute(slot) => {
                    if let Some(Value::Object(attributes)) = object.get_mut(ATTRIBUTES) {
                        attributes.insert(
                            slot.name.to_string(),
                            self.columns[slot.column].cell(row).to_value(),
                        );
                    }
                }
            }
        }
        object
    }

    /// Returns a row as JSON.
    #[must_use]
    pub fn json(&self, row: usize) -> Cow<'_, str> {
        match self.odd.get(&row) {
            Some(raw) => Cow::Borrowed(raw),
            None => Cow::Owned(Value::Object(self.row(row)).to_string()),
        }
    }

    /// Returns the id of a row.
    #[must_use]
    pub fn id(&self, row: usize) -> Option<Cow<'_, str>> {
        if let Some(raw) = self.odd.get(&row) {
            let raw: &RawValue = serde_json::from_str(raw).ok()?;
            return members(raw, &[], &mut Vec::new());
        }
        self.members(row)?.find_map(|(_, member)| match member {
            Member::Value(slot) if &*slot.name == "id" => match self.columns[slot.column].cell(row) {
                Cell::Text(id) => Some(Cow::Borrowed(id)),
                // If some ids on the page are not strings, all of them are stored as JSON.
                json @ Cell::Json(_) => match json.to_value() {
                    Value::String(id) => Some(Cow::Owned(id)),
                    _ => None,
                },
                // Numeric ids are unusual.
                _ => None,
            },
            _ => None,
        })
    }
}

/// Returns the sort key of a column: fields of every asset, then other members in order of appearance, then custom
/// attributes by number.
pub(super) fn sort_key(name: &str) -> (u8, u64) {
    match first().position(|first| first == name) {
        Some(index) => (0, index as u64),
        None => attribute_number(name).map_or((1, 0), |number| (2, number)),
    }
}
