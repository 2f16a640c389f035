//! Answers as rows and columns: kept as the service sent them, read when somebody looks.

mod arrow;

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::model::value;

pub use arrow::batch;

/// Fields of every asset, in the order of the reference page; what else an answer holds comes after them.
const FIRST: [&str; 9] = [
    "id",
    "clientAssetId",
    "categoryId",
    "statusId",
    "description",
    "locationId",
    "barcode",
    "isActive",
    "version",
];

const ATTRIBUTES: &str = "customAttributes";

/// Rows as the service sent them.
#[derive(Debug, Clone, Default)]
pub struct Table {
    bodies: Vec<Bytes>,
    /// Row number, body, and where the row stands in it.
    entries: Vec<(u32, u32, Range<usize>)>,
    /// Ids asked for and not returned.
    pub missing: Vec<String>,
}

impl Table {
    /// Adds rows of one answer, each with its number.
    pub fn add(&mut self, body: Bytes, rows: Vec<(u32, Range<usize>)>) {
        let number = u32::try_from(self.bodies.len()).unwrap_or(u32::MAX);
        self.bodies.push(body);
        self.entries
            .extend(rows.into_iter().map(|(row, range)| (row, number, range)));
    }

    /// Adds the rows of another table, with their numbers.
    pub fn append(&mut self, other: &Self) {
        let first = u32::try_from(self.bodies.len()).unwrap_or(u32::MAX);
        self.bodies.extend(other.bodies.iter().cloned());
        let entries = other.entries.iter();
        self.entries
            .extend(entries.map(|(row, body, range)| (*row, first.saturating_add(*body), range.clone())));
    }

    /// The number of each row.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|(row, ..)| *row)
    }

    /// Puts the rows in the order of their numbers: answers come in any order.
    pub fn sort(&mut self) {
        self.entries.sort_by_key(|(row, _, _)| *row);
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The index-th row as JSON text.
    #[must_use]
    pub fn raw(&self, index: usize) -> Option<&str> {
        let (_, body, range) = self.entries.get(index)?;
        std::str::from_utf8(self.bodies.get(*body as usize)?.get(range.clone())?).ok()
    }

    /// The index-th row; a row that is no object has its value under `value`.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<Map<String, Value>> {
        let value = value::read(self.raw(index)?).unwrap_or_default();
        let Value::Object(mut row) = value else {
            return Some(std::iter::once(("value".to_owned(), value)).collect());
        };
        // The example of the PATCH assets:batch-patch page prints `"version": "2,"` and `"isActive": "true,"`.
        for name in ["version", "isActive"] {
            if let Some(Value::String(text)) = row.get(name)
                && let Ok(scalar @ (Value::Number(_) | Value::Bool(_))) =
                    serde_json::from_str(text.trim().trim_end_matches(','))
            {
                row.insert(name.to_owned(), scalar);
            }
        }
        Some(row)
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = Map<String, Value>> {
        (0..self.len()).filter_map(|index| self.row(index))
    }

    /// One list of values a column: the fields of every asset, then the others as they first came, then the custom
    /// attributes by number. A value that a row lacks is null.
    #[must_use]
    pub fn columns(&self) -> Vec<(String, Vec<Value>)> {
        if self.is_empty() {
            return FIRST
                .iter()
                .map(|name| ((*name).to_owned(), Vec::new()))
                .collect();
        }
        let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut put = |row: usize, name: String, value: Value| {
            let at = *places.entry(name).or_insert_with_key(|name| {
                columns.push((name.clone(), Vec::new()));
                columns.len() - 1
            });
            let values = &mut columns[at].1;
            values.resize(row, Value::Null);
            values.push(value);
        };
        for (number, mut row) in self.rows().enumerate() {
            let attributes = match row.get_mut(ATTRIBUTES) {
                Some(Value::Object(attributes)) => std::mem::take(attributes),
                _ => Map::new(),
            };
            for (name, value) in attributes {
                // One that is called like a field must not take its place.
                if attribute_number(&name).is_some() && !row.contains_key(&name) {
                    put(number, name, value);
                } else {
                    put(number, format!("{ATTRIBUTES}.{name}"), value);
                }
            }
            for (name, value) in row {
                if name != ATTRIBUTES || !value.is_object() {
                    put(number, name, value);
                }
            }
        }
        for (_, values) in &mut columns {
            values.resize(self.len(), Value::Null);
        }
        columns.sort_by_key(|(name, _)| match FIRST.iter().position(|first| first == name) {
            Some(place) => (0, place as u64),
            None => attribute_number(name).map_or((1, 0), |number| (2, number)),
        });
        columns
    }
}

/// The number of a custom attribute's name, `caN`.
fn attribute_number(name: &str) -> Option<u64> {
    name.strip_prefix("ca")?.parse().ok()
}
