//! The values of one column on a page, stored in the narrowest type.

use super::cell::{Cell, List};
use super::spare::fit;
use super::texts::Texts;

/// The values of a column, row by row.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// Only nulls.
    Null,
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Time(Vec<i64>),
    Date(Vec<i32>),
    Text(Texts),
    /// The end of each row's items, and the items of all rows.
    List(Vec<u32>, Texts),
    /// Values of several kinds, as JSON.
    Mixed(Texts),
}

impl Data {
    /// Returns the value in a row.
    #[inline]
    pub fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(flags) => Cell::Bool(flags[row]),
            Self::Int(numbers) => Cell::Int(numbers[row]),
            Self::Float(numbers) => Cell::Float(numbers[row]),
            Self::Time(times) => Cell::Time(times[row]),
            Self::Date(days) => Cell::Date(days[row]),
            Self::Text(texts) => Cell::Text(texts.get(row)),
            Self::List(ends, items) => Cell::List(List {
                items,
                from: if row == 0 { 0 } else { ends[row - 1] as usize },
                to: ends[row] as usize,
            }),
            Self::Mixed(tokens) => Cell::Json(tokens.get(row)),
        }
    }

    /// Adds a row without a value, if there are values. Returns whether there are.
    #[inline]
    pub fn push_none(&mut self) -> bool {
        match self {
            Self::Null => return false,
            Self::Bool(flags) => flags.push(false),
            Self::Int(numbers) | Self::Time(numbers) => numbers.push(0),
            Self::Float(numbers) => numbers.push(0.0),
            Self::Date(days) => days.push(0),
            Self::Text(texts) | Self::Mixed(texts) => texts.push_none(),
            Self::List(ends, _) => ends.push(ends.last().copied().unwrap_or(0)),
        }
        true
    }

    /// Drops all rows after the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        match self {
            Self::Null => {}
            Self::Bool(flags) => flags.truncate(rows),
            Self::Int(numbers) | Self::Time(numbers) => numbers.truncate(rows),
            Self::Float(numbers) => numbers.truncate(rows),
            Self::Date(days) => days.truncate(rows),
            Self::Text(texts) | Self::Mixed(texts) => texts.truncate(rows),
            Self::List(ends, items) => {
                ends.truncate(rows);
                items.truncate(ends.last().map_or(0, |end| *end as usize));
            }
        }
    }

    /// Frees spare memory once all rows are added.
    pub fn seal(&mut self) {
        match self {
            Self::Null => {}
            Self::Bool(flags) => fit(flags),
            Self::Int(numbers) | Self::Time(numbers) => fit(numbers),
            Self::Float(numbers) => fit(numbers),
            Self::Date(days) => fit(days),
            Self::Text(texts) | Self::Mixed(texts) => texts.seal(),
            Self::List(ends, items) => {
                fit(ends);
                items.seal();
            }
        }
    }
}

/// Creates zeros for rows without a value, with capacity for more rows.
pub(super) fn zeros<T: Clone + Default>(rows: usize, most: usize) -> Vec<T> {
    let mut zeros = Vec::with_capacity(most);
    zeros.resize(rows, T::default());
    zeros
}

/// Adds empty strings for rows without one.
pub(super) fn nothing(mut texts: Texts, rows: usize) -> Texts {
    (0..rows).for_each(|_| texts.push_none());
    texts
}
