//! Cells that outlive the row that they were read from.

use super::cell::Cell;

/// A cell that owns its text.
pub(crate) enum Owned {
    Text(Box<str>),
    Digits(Box<str>),
    Other(Box<str>),
    Formula {
        cell: Box<str>,
        formula: Box<str>,
    },
    Shown {
        number: i64,
        text: Box<str>,
        format: Box<str>,
    },
    List(Vec<Self>),
    Map(Vec<(Box<str>, Self)>),
    /// A cell without text.
    Plain(Cell<'static>),
}

impl Owned {
    pub(crate) fn of(cell: &Cell<'_>) -> Self {
        Self::Plain(match cell {
            Cell::Text(text) => return Self::Text((*text).into()),
            Cell::Digits(digits) => return Self::Digits((*digits).into()),
            Cell::Other(kind) => return Self::Other((*kind).into()),
            Cell::Formula { cell, formula } => {
                let (cell, formula) = ((*cell).into(), (*formula).into());
                return Self::Formula { cell, formula };
            }
            Cell::Shown { number, text, format } => {
                let (text, format) = ((*text).into(), (*format).into());
                return Self::Shown {
                    number: *number,
                    text,
                    format,
                };
            }
            Cell::List(items) => return Self::List(items.iter().map(Self::of).collect()),
            Cell::Map(entries) => {
                let entries = entries.iter();
                return Self::Map(
                    entries
                        .map(|(name, cell)| ((*name).into(), Self::of(cell)))
                        .collect(),
                );
            }
            Cell::Null => Cell::Null,
            Cell::Clear => Cell::Clear,
            Cell::Bool(value) => Cell::Bool(*value),
            Cell::Int(number) => Cell::Int(*number),
            Cell::Float(number) => Cell::Float(*number),
            Cell::Float32(number) => Cell::Float32(*number),
            Cell::Date(date) => Cell::Date(*date),
            Cell::DateTime(moment) => Cell::DateTime(*moment),
            Cell::Zoned(moment, offset) => Cell::Zoned(*moment, *offset),
        })
    }

    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Text(text) => Cell::Text(text),
            Self::Digits(digits) => Cell::Digits(digits),
            Self::Other(kind) => Cell::Other(kind),
            Self::Formula { cell, formula } => Cell::Formula { cell, formula },
            Self::Shown { number, text, format } => Cell::Shown {
                number: *number,
                text,
                format,
            },
            Self::List(items) => Cell::List(items.iter().map(Self::cell).collect()),
            Self::Map(entries) => {
                let entries = entries.iter();
                Cell::Map(entries.map(|(name, held)| (&**name, held.cell())).collect())
            }
            Self::Plain(cell) => cell.clone(),
        }
    }
}
