//! The contract of a row source: it pushes cells into a sink.
//!
//! Cells are pushed, not collected. The sink checks each value and writes it into the request body while the value is
//! still borrowed from its source, so rows are never copied.

use std::io;
use std::path::Path;

use super::cell::Cell;
use crate::error::{Error, FileError};

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

    /// Returns the total number of rows, if known in advance.
    fn rows(&self) -> Option<usize>;

    /// Returns a source of the same rows, from the first one.
    ///
    /// # Errors
    /// If the rows can be read only once, or can no longer be read.
    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        Err(SourceError::new("the rows can be read only once"))
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        (**self).fill(sink)
    }

    fn rows(&self) -> Option<usize> {
        (**self).rows()
    }

    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        (**self).again()
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
