//! The columns of a page by name, while its rows are added.

use std::collections::HashMap;
use std::sync::Arc;

use super::column::PageColumn;
use crate::model::scan::Odd;

/// The maximum numbers of rows and columns to reserve memory for. Larger pages are rare.
const MOST_CAPACITY: usize = 1024;
const MOST_USUAL: usize = 512;

/// The columns of a page.
#[derive(Debug)]
pub(super) struct Columns {
    pub all: Vec<PageColumn>,
    by_name: HashMap<Arc<str>, usize>,
    /// The expected number of rows.
    capacity: usize,
    /// The number of columns seen so far.
    seen: usize,
}

impl Columns {
    /// Creates columns for approximately this many rows.
    pub fn new(rows: usize) -> Self {
        Self {
            all: Vec::new(),
            by_name: HashMap::new(),
            capacity: rows.min(MOST_CAPACITY),
            seen: 0,
        }
    }

    /// Returns the index of the column with this name, which is added if it is new.
    pub fn named(&mut self, name: Arc<str>) -> usize {
        *self.by_name.entry(name).or_insert_with_key(|name| {
            let is_usual = self.all.len() < MOST_USUAL;
            let capacity = if is_usual { self.capacity } else { 0 };
            self.all.push(PageColumn::new(name.clone(), capacity));
            self.all.len() - 1
        })
    }

    /// Returns a column, padded up to the current row, which has the index `row`.
    #[inline]
    pub fn filled(&mut self, at: usize, row: usize, is_field: bool) -> Result<&mut PageColumn, Odd> {
        let column = &mut self.all[at];
        if column.seen.is_none() {
            column.seen = Some((row, is_field, self.seen));
            self.seen += 1;
        }
        // The member is a duplicate.
        if column.pad(row) { Ok(column) } else { Err(Odd) }
    }

    /// Drops all rows after the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        self.all.iter_mut().for_each(|column| column.truncate(rows));
    }

    /// Returns the columns, and their display order.
    pub fn finish(mut self) -> (Vec<Arc<PageColumn>>, Vec<usize>) {
        self.all.iter_mut().for_each(PageColumn::seal);
        let mut order: Vec<usize> = (0..self.all.len())
            .filter(|at| self.all[*at].seen.is_some())
            .collect();
        order.sort_by_key(|at| self.all[*at].seen);
        (self.all.into_iter().map(Arc::new).collect(), order)
    }
}
