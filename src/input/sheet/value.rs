//! The cells of a workbook that are not blank.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use jiff::civil;

use crate::input::cell::Cell;

/// The value of a cell that is not blank.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum WorkbookValue {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A string, which equal cells may share.
    Text(Arc<str>),
    Date(civil::Date),
    DateTime(civil::DateTime),
    Formula(Box<Formula>),
    /// A number whose format shows text, such as AHU-017.
    Shown(Box<ShownNumber>),
    Other(Box<str>),
}

/// A number, the text that its format shows, and the format.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ShownNumber {
    pub number: i64,
    pub text: String,
    pub format: Arc<str>,
}

/// A formula that was saved without its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Formula {
    /// The cell reference as in Excel, such as `C7`.
    pub cell: String,
    /// The text of the formula, or empty if the file does not contain it.
    pub text: String,
}

/// A cell with its position: row and column, from 0.
pub(super) type Placed = (u32, u32, WorkbookValue);

impl Formula {
    /// Creates a formula from `text`, with or without its equals sign.
    pub(super) fn new((row, column): (u32, u32), text: &str) -> Self {
        // In OpenDocument, a formula starts with its language.
        let text = text.strip_prefix("of:").unwrap_or(text);
        let sign = if text.is_empty() || text.starts_with('=') {
            ""
        } else {
            "="
        };
        Self {
            cell: format!("{}{}", letters(column), u64::from(row) + 1),
            text: format!("{sign}{text}"),
        }
    }
}

impl Display for Formula {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.text.as_str() {
            "" => formatter.write_str("a formula without a saved value"),
            text => write!(formatter, "the formula `{text}` without a saved value"),
        }
    }
}

impl WorkbookValue {
    /// Returns the number of bytes allocated by the value itself, besides its place in a list.
    pub(super) fn own_bytes(&self) -> u64 {
        let bytes = match self {
            Self::Text(text) if Arc::strong_count(text) > 1 => 0,
            Self::Text(text) => text.len(),
            Self::Other(text) => text.len(),
            Self::Formula(formula) => size_of::<Formula>() + formula.cell.len() + formula.text.len(),
            Self::Shown(shown) => size_of::<ShownNumber>() + shown.text.len(),
            _ => 0,
        };
        bytes as u64
    }

    pub(super) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Bool(value) => Cell::Bool(*value),
            Self::Int(value) => Cell::Int(*value),
            Self::Float(value) => Cell::Float(*value),
            Self::Text(value) => Cell::Text(value),
            Self::Date(value) => Cell::Date(*value),
            Self::DateTime(value) => Cell::DateTime(*value),
            Self::Formula(formula) => Cell::Formula {
                cell: &formula.cell,
                formula: &formula.text,
            },
            Self::Shown(shown) => Cell::Shown {
                number: shown.number,
                text: &shown.text,
                format: &shown.format,
            },
            Self::Other(value) => Cell::Other(value),
        }
    }

    /// Converts the value to a column name.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(value) => value.to_string(),
            Self::Other(value) => value.to_string(),
            Self::Date(value) => value.to_string(),
            Self::DateTime(value) => value.to_string(),
            Self::Formula(formula) => formula.text.clone(),
            Self::Shown(shown) => shown.text.clone(),
        }
    }
}

/// Returns the letters of a column as in Excel: A to Z, AA and so on.
pub(super) fn letters(column: u32) -> String {
    let mut left = u64::from(column) + 1;
    let mut letters = Vec::new();
    while left > 0 {
        left -= 1;
        // The remainder is below 26.
        letters.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or(0)));
        left /= 26;
    }
    letters.iter().rev().collect()
}
