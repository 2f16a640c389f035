//! New values for the texts of a column, as given by the user.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::cell::Cell;
use super::owned::Owned;
use crate::model::text::{composed, joined, listed, same_key};

/// Replacements of one column: the text of a cell, and the new value. `None` makes the cell blank.
pub type Replacements = Vec<(String, Option<Replacement>)>;

/// The value that replaces a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Replacement {
    Bool(bool),
    Int(i64),
    Text(String),
    /// A number with a decimal point, whatever the separators of the texts are.
    Digits {
        digits: String,
    },
}

impl Replacement {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Bool(value) => Cell::Bool(*value),
            Self::Int(number) => Cell::Int(*number),
            Self::Text(text) => Cell::Text(text),
            Self::Digits { digits } => Cell::Digits(digits),
        }
    }
}

/// The new values of a column, by old text.
pub(super) struct NewValues {
    /// `None` makes the cell blank.
    new: Vec<Option<Replacement>>,
    /// The index in `new` by old text.
    exact: HashMap<String, usize>,
    /// The same by old text in lower case. `None` if texts that differ only in case have different replacements.
    folded: HashMap<String, Option<usize>>,
    /// The new texts in lower case.
    targets: HashSet<String>,
}

/// What replaces a cell.
pub(super) enum NewCell<'v> {
    Whole(Cell<'v>),
    /// The values of a text or list, some of them replaced.
    Items(Owned),
}

impl NewCell<'_> {
    pub(super) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Whole(cell) => cell.clone(),
            Self::Items(items) => items.cell(),
        }
    }
}

impl NewValues {
    pub(super) fn of(replacements: &Replacements) -> Self {
        let new: Vec<Option<Replacement>> = replacements.iter().map(|(_, to)| to.clone()).collect();
        let (mut exact, mut folded) = (HashMap::new(), HashMap::new());
        for (index, (from, to)) in replacements.iter().enumerate() {
            exact.insert(composed(from.trim()).into_owned(), index);
            folded
                .entry(same_key(from))
                .and_modify(|known: &mut Option<usize>| *known = known.filter(|other| new[*other] == *to))
                .or_insert(Some(index));
        }
        let targets = new.iter().flatten().map(|to| match to {
            Replacement::Bool(value) => value.to_string(),
            Replacement::Int(number) => number.to_string(),
            Replacement::Text(text) | Replacement::Digits { digits: text } => same_key(text),
        });
        Self {
            targets: targets.collect(),
            new,
            exact,
            folded,
        }
    }

    /// Returns what replaces a cell, if anything. If the cell `has_items`, its values may be replaced one by one.
    /// `later` is whether the cell may have been replaced before.
    pub(super) fn replaced(&self, cell: &Cell<'_>, has_items: bool, later: bool) -> Option<NewCell<'_>> {
        if let Some(cell) = self.whole(cell, later) {
            return Some(NewCell::Whole(cell));
        }
        let items = if has_items { self.items(cell, later) } else { None };
        items.map(NewCell::Items)
    }

    /// Returns the new value of a cell. Whole numbers and booleans count as their text.
    fn whole(&self, cell: &Cell<'_>, later: bool) -> Option<Cell<'_>> {
        let text = text_of(cell)?;
        // A text that is also a new value may be the result of an earlier replacement.
        if later && self.targets.contains(&same_key(&text)) {
            return None;
        }
        Some(self.find(&text)?.as_ref().map_or(Cell::Null, Replacement::cell))
    }

    fn find(&self, text: &str) -> Option<&Option<Replacement>> {
        let index = self.exact.get(&*composed(text.trim())).copied();
        let index = index.or_else(|| *self.folded.get(&same_key(text))?)?;
        self.new.get(index)
    }

    fn items(&self, cell: &Cell<'_>, later: bool) -> Option<Owned> {
        match cell {
            Cell::Text(text) => self.items_of_text(text.trim(), later),
            Cell::List(items) => self.items_of_list(items, later),
            _ => None,
        }
    }

    fn items_of_list(&self, items: &[Cell<'_>], later: bool) -> Option<Owned> {
        let new: Vec<Option<Cell<'_>>> = items.iter().map(|item| self.whole(item, later)).collect();
        if new.iter().all(Option::is_none) {
            return None;
        }
        let items = items.iter().zip(&new);
        let items = items.map(|(item, new)| new.as_ref().unwrap_or(item));
        let items: Vec<Owned> = items.filter(|item| !item.is_blank()).map(Owned::of).collect();
        Some(if items.is_empty() {
            Owned::Plain(Cell::Null)
        } else {
            Owned::List(items)
        })
    }

    /// Replaces the values in a text, which are separated as in a multi-select attribute.
    fn items_of_text(&self, text: &str, later: bool) -> Option<Owned> {
        let (signs, mut separator): (&[char], _) = if text.contains([';', '\n']) {
            (&[';', '\n'], Some("; "))
        } else {
            (&[','], Some(", "))
        };
        let items = listed(text).inspect(|_| separator = None);
        let items = items.unwrap_or_else(|| text.split(signs).map(|item| item.trim().to_owned()).collect());
        let (mut new, mut is_changed) = (Vec::new(), false);
        for item in items {
            let Some(cell) = self.whole(&Cell::Text(&item), later) else {
                new.push(item);
                continue;
            };
            is_changed = true;
            let text = text_of(&cell).unwrap_or_default();
            if text.contains([';', ',', '\n']) {
                separator = None;
            }
            new.extend((!text.is_empty()).then(|| text.into_owned()));
        }
        if !is_changed {
            return None;
        }
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        let text = separator.map_or_else(|| joined(&new), |separator| new.join(separator));
        Some(if text.is_empty() {
            Owned::Plain(Cell::Null)
        } else {
            Owned::Text(text.into())
        })
    }
}

/// Returns the text of a cell that may be replaced.
fn text_of<'c>(cell: &'c Cell<'_>) -> Option<Cow<'c, str>> {
    Some(match cell {
        Cell::Text(text) | Cell::Shown { text, .. } | Cell::Digits(text) => Cow::Borrowed(*text),
        Cell::Int(number) => number.to_string().into(),
        Cell::Float(number) if number.fract() == 0.0 => number.to_string().into(),
        Cell::Float32(number) if number.fract() == 0.0 => number.to_string().into(),
        Cell::Bool(value) => value.to_string().into(),
        _ => return None,
    })
}
