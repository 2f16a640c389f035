//! Where rows come from, and what is known of them before they are read.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::prelude::*;

use super::dicts::Dicts;
use super::frame::{Frame, FrameRows};
use super::items::Items;
use super::stream::Stream;
use super::value_list::ValueList;
use super::walk::{Objects, Walk};
use crate::input::Padded;
use crate::input::sheet::Sheet;

/// The origin of rows.
pub enum Origin {
    /// Dicts, and their labels unless the rows are numbered.
    Dicts(Items, Option<Labels>),
    /// Values, and the name of their column.
    Values(Items, String),
    Columns(Arc<Frame>),
    Sheet(Sheet),
    Stream(Stream),
}

/// The labels of dicts.
pub struct Labels {
    /// Labels that are iterated along with the rows.
    pub labels: Py<PyAny>,
    /// The title of the labels, such as `line`.
    pub title: Option<String>,
}

impl Origin {
    /// Starts reading all rows at the first one. `rows` is their number, if known in advance.
    ///
    /// # Errors
    /// If rows that can be read only once were already read, or if Python raises.
    pub fn walk(&self, py: Python<'_>, rows: Option<usize>) -> PyResult<Walk> {
        Ok(match self {
            Self::Dicts(items, labels) => {
                let items = items.iterate(py)?;
                let labels = labels.as_ref().map(|labels| labels.labels.bind(py).try_iter());
                let labels = labels.transpose()?.map(Bound::unbind);
                Walk::of(Objects::Dicts(Dicts::new(items, labels)))
            }
            Self::Values(items, name) => {
                Walk::of(Objects::Values(ValueList::new(items.iterate(py)?, name.clone())))
            }
            Self::Columns(frame) => Walk::of(Objects::Columns(FrameRows::new(Arc::clone(frame)))),
            Self::Sheet(sheet) => Walk::Sheet(sheet.source()),
            Self::Stream(stream) => Walk::Stream(stream.batches(py, rows)?),
        })
    }

    /// Returns the sheet, if the rows are from a file.
    pub fn sheet(&self) -> Option<&Sheet> {
        match self {
            Self::Sheet(sheet) => Some(sheet),
            _ => None,
        }
    }

    /// Returns the title of the row labels, such as "sheet row".
    pub fn title(&self) -> Option<&str> {
        match self {
            Self::Sheet(sheet) => Some(sheet.label_title()),
            Self::Dicts(_, Some(labels)) => labels.title.as_deref(),
            _ => None,
        }
    }

    /// Returns whether the rows have labels other than their numbers, and reading the labels does not consume
    /// the rows.
    pub fn has_labels(&self) -> bool {
        match self {
            Self::Sheet(_) => true,
            Self::Columns(frame) => frame.has_labels(),
            // An iterator's labels are consumed along with its rows.
            Self::Dicts(Items::Repeatable(_), labels) => labels.is_some(),
            Self::Dicts(Items::Once(_), _) | Self::Values(..) | Self::Stream(_) => false,
        }
    }

    /// Returns whether the rows have the index of a frame, which may number them.
    pub fn has_index(&self) -> bool {
        matches!(self, Self::Columns(frame) if frame.has_labels())
    }

    /// Returns the columns that have both texts with leading zeros and numbers, if this takes little time to find out.
    /// In a frame, only the columns of identifiers are examined.
    pub fn padded(&self, py: Python<'_>, is_identifier: impl Fn(&str) -> bool) -> HashMap<String, Padded> {
        match self {
            Self::Sheet(sheet) => py.detach(|| sheet.padded()),
            Self::Columns(frame) => frame.padded(py, is_identifier),
            _ => HashMap::new(),
        }
    }

    /// Returns the names of the columns, as far as they are known before reading.
    pub fn names(&self, py: Python<'_>) -> Vec<String> {
        match self {
            Self::Columns(frame) => frame.names.clone(),
            Self::Sheet(sheet) => sheet.names().to_vec(),
            Self::Stream(stream) => stream.names.clone(),
            Self::Dicts(Items::Repeatable(items), _) => {
                let first = items.bind(py).get_item(0);
                let keys = first.and_then(|first| first.call_method0("keys")?.try_iter()?.collect());
                let keys: Vec<Bound<'_, PyAny>> = keys.unwrap_or_default();
                keys.iter().filter_map(|key| key.extract().ok()).collect()
            }
            Self::Dicts(Items::Once(_), _) | Self::Values(..) => Vec::new(),
        }
    }
}
