//! What the texts of a column show together, but none of them alone: that options do not fit the column, so that other
//! texts of it were probably misread. Nothing is read in another way because of it, but it is said.

use std::collections::BTreeMap;

use super::typed::is_zoned_time;
use crate::input::{Cell, Column};
use crate::rows::problem::shown;
use crate::rows::reading::{Order, Reading, is_in_threes, order};

/// Rows, and the first of them.
#[derive(Debug, Default, Clone)]
pub(super) struct TextCount {
    pub(super) rows: u64,
    pub(super) first: usize,
    /// The text in the first row.
    pub(super) text: String,
}

impl TextCount {
    fn add(&mut self, text: &str, row: usize) {
        if self.rows == 0 {
            (self.first, self.text) = (row, text.trim().to_owned());
        }
        self.rows += 1;
    }
}

/// What was found in a column.
#[derive(Debug, Default)]
pub(super) struct ColumnDoubts {
    /// Dates that only one order reads, because a number is above 12.
    pub(super) day_first: TextCount,
    pub(super) month_first: TextCount,
    /// Dates that both orders read. `read` is whether an option decided.
    pub(super) ambiguous: TextCount,
    pub(super) read: TextCount,
    /// Whether a date with points may be read in both orders. Such dates usually begin with the day.
    pub(super) has_points: bool,
    /// Numbers that only another decimal separator reads.
    pub(super) otherwise: TextCount,
    /// Numbers that were read, and that another decimal separator reads as another value.
    pub(super) doubtful: TextCount,
    /// How many numbers with both separators were read, such as 1.234,5. They show that the options fit.
    pub(super) fitting: u64,
    /// Numbers with three digits after a point, such as 1.234, and whether there are others with a point.
    pub(super) in_threes: TextCount,
    pub(super) has_other_points: bool,
    /// Times with a time zone, whose date was used.
    pub(super) zoned: TextCount,
}

impl ColumnDoubts {
    /// Returns the only order that reads the dates, if any shows it.
    pub(super) fn order(&self) -> Option<Order> {
        match (self.day_first.rows > 0, self.month_first.rows > 0) {
            (true, false) => Some(Order::Day),
            (false, true) => Some(Order::Month),
            (false, false) if self.has_points => Some(Order::Day),
            _ => None,
        }
    }
}

/// What was found in each column.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    pub(super) columns: BTreeMap<u32, ColumnDoubts>,
}

impl Doubts {
    /// Records a cell of a custom attribute of this type. `is_read` is whether it was read.
    pub(super) fn add(
        &mut self,
        column: Option<Column>,
        data_type: &str,
        cell: &Cell<'_>,
        reading: &Reading,
        is_read: bool,
        row: usize,
    ) {
        let Some(column) = column else { return };
        if data_type == "date" && is_read && is_zoned_time(cell, reading) {
            let found = self.columns.entry(column.0).or_default();
            found.zoned.add(&shown(cell), row);
        }
        let Cell::Text(text) = cell else { return };
        match data_type {
            "numeric" => self.number(column, text, reading, is_read, row),
            "date" => self.date(column, text, is_read, row),
            _ => {}
        }
    }

    fn number(&mut self, column: Column, text: &str, reading: &Reading, is_read: bool, row: usize) {
        if !text.contains(['.', ',']) {
            return;
        }
        let found = self.columns.entry(column.0).or_default();
        if !is_read {
            if reading.is_of_other_decimal(text) {
                found.otherwise.add(text, row);
            }
            return;
        }
        if reading.is_read_otherwise(text) {
            found.doubtful.add(text, row);
        }
        found.fitting += u64::from(text.contains('.') && text.contains(','));
        if is_in_threes(text) {
            found.in_threes.add(text, row);
        } else {
            found.has_other_points |= text.contains('.');
        }
    }

    fn date(&mut self, column: Column, text: &str, is_read: bool, row: usize) {
        let Some(order) = order(text) else { return };
        let found = self.columns.entry(column.0).or_default();
        match order {
            Order::Day => found.day_first.add(text, row),
            Order::Month => found.month_first.add(text, row),
            Order::Either => {
                found.has_points |= text.contains('.');
                let tally = if is_read {
                    &mut found.read
                } else {
                    &mut found.ambiguous
                };
                tally.add(text, row);
            }
        }
    }

    /// Returns whether the dates of another column have another order than those of this one, so that one value of
    /// `dayfirst` does not fit both.
    pub(super) fn differ(&self, column: Column) -> bool {
        let own = self.columns.get(&column.0).and_then(ColumnDoubts::order);
        let mut others = self.columns.iter().filter(|(other, _)| **other != column.0);
        let mut orders = others.by_ref().filter_map(|(_, found)| found.order());
        let Some(first) = own.or_else(|| orders.next()) else {
            return false;
        };
        orders.any(|order| order != first)
    }
}
