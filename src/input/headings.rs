//! Rows that repeat the names of the columns, as lists do at the top of each page.

use super::cell::Cell;

/// What the cells of a row are, as far as they are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headings {
    /// How many cells are the name of their column.
    names: u32,
    /// Whether any other cell has a value.
    has_value: bool,
}

impl Headings {
    /// Notes a cell that is not blank.
    pub fn note(&mut self, cell: &Cell<'_>, column: &str) {
        if matches!(cell, Cell::Text(text) if text.trim() == column.trim()) {
            self.names += 1;
        } else {
            self.has_value = true;
        }
    }

    /// Returns whether the row has nothing but names of columns.
    #[must_use]
    pub fn are_repeated(self) -> bool {
        self.names >= 2 && !self.has_value
    }
}
