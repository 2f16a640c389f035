//! Input rows: a source pushes cells into a sink. This module is independent of Python.
//!
//! Cells are pushed, not collected. The sink checks each value and writes it into the request body while the value is
//! still borrowed from its source, so rows are never copied.

pub mod arrow;
mod headings;
mod owned;
mod prepared;
mod selected;
pub mod sheet;

use std::io;
use std::path::Path;

use crate::error::{Error, FileError};

pub use headings::Headings;
pub(crate) use owned::Owned;
pub use prepared::{Preparation, Prepared, Replacement, Replacements, is_total, is_total_row};
pub use selected::{Selected, Selection};

/// One value of a row, borrowed from its source.
///
/// The variants are what sources can distinguish; `rows` decides how a value is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// None, NaN, `NaT`, pandas' NA, an Arrow null or a blank cell of a sheet.
    Null,
    /// `acc_assets.CLEAR`: clear this field on a patch.
    Clear,
    Bool(bool),
    Int(i64),
    /// A finite or infinite float; NaN is `Null`.
    Float(f64),
    /// A single-precision float, kept separate from `Float` so that 0.1 does not become 0.10000000149.
    Float32(f32),
    /// A decimal number, or an integer too large for `Int`, as text: `-12.50`.
    Digits(&'a str),
    Text(&'a str),
    Date(jiff::civil::Date),
    /// A timestamp without its time zone: the wall-clock time that the user sees.
    DateTime(jiff::civil::DateTime),
    /// The same of a timestamp with a time zone, and the offset of this zone.
    Zoned(jiff::civil::DateTime, jiff::tz::Offset),
    List(Vec<Cell<'a>>),
    /// Names and values, in order.
    Map(Vec<(&'a str, Cell<'a>)>),
    /// A whole number whose format shows text, such as AHU-017: the number, the text, and the format as in Excel.
    Shown {
        number: i64,
        text: &'a str,
        format: &'a str,
    },
    /// A formula that was saved without its value, and the name of its cell, such as `C7`. The formula is empty if the
    /// file does not contain its text.
    Formula {
        cell: &'a str,
        formula: &'a str,
    },
    /// A value of an unsupported type. Contains the name of the type.
    Other(&'a str),
}

/// Formats a time with the offset of its time zone: `2026-03-01T23:00:00+01:00`.
#[must_use]
pub fn with_offset(moment: jiff::civil::DateTime, offset: jiff::tz::Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    format!("{moment}{sign}{hours:02}:{minutes:02}")
}

/// The label of a row in the user's own data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label<'a> {
    /// The row has no label and is identified by its number, counted from 0.
    Number,
    Int(i64),
    Text(&'a str),
}

/// The handle of a column. A frame resolves each of its columns once, and a source of dicts resolves each new key once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column(pub u32);

/// Receives rows, one cell at a time: `begin`, `cell` for each column, `end`, then `full`.
pub trait Sink {
    /// Returns the handle of a column. Never fails: the cells of an unknown column make their rows invalid.
    fn column(&mut self, name: &str) -> Column;

    /// Announces that the columns and rows from here on belong to this part of a run. Sources whose rows are all for one
    /// endpoint need not call it.
    fn part(&mut self, part: usize) {
        let _ = part;
    }

    /// Starts a row. Returns `false` if the row is not needed. The source then calls neither `cell` nor `end`
    /// for the row.
    fn begin(&mut self, label: Label<'_>) -> bool;

    /// Receives one cell of the current row.
    fn cell(&mut self, column: Column, value: &Cell<'_>);

    /// Receives an item that is not a row, such as a list item that is not a dict. `found` describes the
    /// item, which counts as an invalid row.
    fn broken(&mut self, label: Label<'_>, found: &str);

    /// Announces that the next cell of this column was blank, and has the value of the row above.
    fn filled(&mut self, column: Column) {
        let _ = column;
    }

    /// Ends the row.
    fn end(&mut self);

    /// Called after every row, even a skipped or broken one. Returns `true` to pause the source.
    fn full(&self) -> bool;
}

/// Whether a source has more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    Rows,
    End,
}

/// A source of rows.
pub trait Source: Send {
    /// Pushes rows until the sink is full (`Rows`) or the source is exhausted (`End`).
    ///
    /// # Errors
    /// If the source fails, for example because a generator raises.
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError>;

    /// Returns the total number of rows, if known in advance. The rows can then be read [again](Self::again).
    fn rows(&self) -> Option<usize>;

    /// Returns a source of the same rows, from the first one.
    ///
    /// # Errors
    /// If the rows can be read only once, or can no longer be read.
    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        Err(SourceError::new("the rows can be read only once"))
    }
}

/// An error from a row source.
#[derive(Debug, Clone)]
pub enum SourceError {
    /// The rows cannot be read or are invalid.
    Rows(String),
    /// The file that contains the rows cannot be opened or read.
    File(Box<FileError>),
}

impl SourceError {
    /// Creates an error for rows that cannot be read or are invalid.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::Rows(message.into())
    }

    /// Creates an error for a file. `cause` is the operating system's error, if any.
    #[must_use]
    pub fn of_file(path: &Path, cause: Option<&io::Error>, message: String) -> Self {
        Self::File(Box::new(FileError::new(path, cause, message)))
    }

    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Rows(message) => message,
            Self::File(failed) => &failed.message,
        }
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Rows(message) => Self::Input(message),
            SourceError::File(failed) => Self::File(failed),
        }
    }
}

/// The texts of a column that have leading zeros, such as 000059.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Padded {
    /// The length of the longest text.
    pub longest: usize,
    /// Whether the texts differ in length.
    pub is_uneven: bool,
}

impl Padded {
    /// Adds a text of the column. Returns whether it has leading zeros.
    pub fn add(&mut self, text: &str) -> bool {
        let is_padded =
            text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_padded {
            self.is_uneven |= self.longest > 0 && self.longest != text.len();
            self.longest = self.longest.max(text.len());
        }
        is_padded
    }

    /// Formats the texts for a file that does not contain them.
    pub(crate) fn property(self) -> String {
        format!("{}{}", self.longest, if self.is_uneven { "+" } else { "" })
    }

    /// Parses a value from [`property`](Self::property).
    pub(crate) fn parse(property: &str) -> Option<Self> {
        let longest = property.strip_suffix('+').unwrap_or(property);
        Some(Self {
            longest: longest.parse().ok()?,
            is_uneven: longest.len() < property.len(),
        })
    }
}

/// Returns the first duplicate name.
#[must_use]
pub fn duplicate(names: &[String]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    names
        .iter()
        .find(|name| !seen.insert(name.as_str()))
        .map(String::as_str)
}

/// Returns the date `day` days after 1970-01-01, if its year is between -9999 and 9999.
#[must_use]
pub fn date_of_day(day: i64) -> Option<jiff::civil::Date> {
    // A timestamp would end hours before the last day, so that it exists in every time zone.
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.checked_add(jiff::Span::new().try_days(day).ok()?).ok()
}
