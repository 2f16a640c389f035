//! What the texts of a column show together, but none of them alone: that options do not fit the column, so that other
//! texts of it were probably misread. Nothing is read in another way because of it, but it is said.

use std::collections::BTreeMap;

use super::notices::in_rows;
use super::reading::{Order, Reading, is_in_threes, order};
use super::row::{RowWriter, shown};
use super::rules::DATE;
use super::typed::is_zoned_time;
use super::value::Refusal;
use crate::input::{Cell, Column};

/// Rows, and the first of them.
#[derive(Debug, Default, Clone)]
struct Tally {
    rows: u64,
    first: usize,
    /// The text in the first row.
    text: String,
}

impl Tally {
    fn add(&mut self, text: &str, row: usize) {
        if self.rows == 0 {
            (self.first, self.text) = (row, text.trim().to_owned());
        }
        self.rows += 1;
    }
}

/// What was found in a column.
#[derive(Debug, Default)]
struct Found {
    /// Dates that only one order reads, because a number is above 12.
    day_first: Tally,
    month_first: Tally,
    /// Dates that both orders read. `read` is whether an option decided.
    ambiguous: Tally,
    read: Tally,
    /// Whether a date with points may be read in both orders. Such dates usually begin with the day.
    has_points: bool,
    /// Numbers that only another decimal separator reads.
    otherwise: Tally,
    /// Numbers that were read, and that another decimal separator reads as another value.
    doubtful: Tally,
    /// How many numbers with both separators were read, such as 1.234,5. They show that the options fit.
    fitting: u64,
    /// Numbers with three digits after a point, such as 1.234, and whether there are others with a point.
    in_threes: Tally,
    has_other_points: bool,
    /// Times with a time zone, whose date was used.
    zoned: Tally,
}

impl Found {
    /// Returns the only order that reads the dates, if any shows it.
    fn order(&self) -> Option<Order> {
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
    columns: BTreeMap<u32, Found>,
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
    fn differ(&self, column: Column) -> bool {
        let own = self.columns.get(&column.0).and_then(Found::order);
        let mut others = self.columns.iter().filter(|(other, _)| **other != column.0);
        let mut orders = others.by_ref().filter_map(|(_, found)| found.order());
        let Some(first) = own.or_else(|| orders.next()) else {
            return false;
        };
        orders.any(|order| order != first)
    }
}

impl RowWriter {
    /// Names the column in the fix of a date that is not read because of its order, if `dayfirst` must differ between the
    /// columns.
    pub(super) fn with_fix_of_date(
        &self,
        column: Option<Column>,
        cell: &Cell<'_>,
        refusal: Refusal,
    ) -> Refusal {
        let fix = match (column, cell) {
            (Some(column), Cell::Text(text)) if *refusal.rule == DATE => self.fix_of_date(column, text),
            _ => None,
        };
        match fix {
            Some(fix) => Refusal {
                fix: fix.into(),
                ..refusal
            },
            None => refusal,
        }
    }

    fn fix_of_date(&self, column: Column, text: &str) -> Option<String> {
        if !self.doubts.differ(column) {
            return None;
        }
        let name = self.called(column);
        match (order(text)?, self.reading_of(column).dayfirst) {
            (Order::Either, None) => Some(format!(
                "set dayfirst={{'{name}': True}} if the day comes first in this column, or dayfirst={{'{name}': False}} if \
                 the month does"
            )),
            (Order::Day, Some(false)) => Some(format!(
                "set dayfirst={{'{name}': True}}, or write the date as year-month-day, for example 2031-02-28"
            )),
            (Order::Month, None | Some(true)) => Some(format!(
                "set dayfirst={{'{name}': False}}, or write the date as year-month-day, for example 2031-02-28"
            )),
            // The date does not exist.
            _ => None,
        }
    }

    /// Returns the warnings about columns that options do not fit.
    pub(super) fn doubts(&self, named: &dyn Fn(usize) -> String) -> Vec<String> {
        let columns = || {
            self.doubts.columns.iter().map(|(column, found)| {
                let column = Column(*column);
                (self.called(column), self.reading_of(column), found)
            })
        };
        let mut warnings = Vec::new();
        for (name, reading, found) in columns() {
            warnings.extend(misread_dates(name, reading, found, named));
            warnings.extend(misread_numbers(name, reading, found, named));
            warnings.extend(cut_times(name, found, named));
        }
        let orders: Vec<(&str, Order)> = columns()
            .filter_map(|(name, _, found)| Some((name, found.order()?)))
            .collect();
        let is_unread = |(_, reading, found): (_, &Reading, &Found)| {
            found.ambiguous.rows > 0 || contrary(reading, found).is_some_and(|tally| tally.rows > 0)
        };
        if orders.iter().any(|(_, order)| *order != orders[0].1) && columns().any(is_unread) {
            let orders: Vec<String> = orders
                .iter()
                .map(|(name, order)| {
                    format!(
                        "'{name}': {}",
                        if *order == Order::Day { "True" } else { "False" }
                    )
                })
                .collect();
            warnings.push(format!(
                "the dates of some columns begin with the day, those of others with the month: check them, and set \
                 dayfirst={{{}}}",
                orders.join(", ")
            ));
        }
        warnings
    }
}

/// Returns the dates that `dayfirst` does not fit.
fn contrary<'f>(reading: &Reading, found: &'f Found) -> Option<&'f Tally> {
    Some(if reading.dayfirst? {
        &found.month_first
    } else {
        &found.day_first
    })
}

fn cut_times(name: &str, found: &Found, named: &dyn Fn(usize) -> String) -> Option<String> {
    let Found { zoned, .. } = found;
    (zoned.rows > 0).then(|| {
        format!(
            "`{name}` has times with a time zone {}, for example {}. Their date in that zone was used \
             (dates=\"truncate\"). In the local time zone, it may be another date",
            in_rows(zoned.rows, &named(zoned.first)),
            zoned.text,
        )
    })
}

fn misread_dates(
    name: &str,
    reading: &Reading,
    found: &Found,
    named: &dyn Fn(usize) -> String,
) -> Option<String> {
    let dayfirst = reading.dayfirst?;
    let contrary = contrary(reading, found).filter(|tally| tally.rows > 0)?;
    let read = Some(&found.read).filter(|tally| tally.rows > 0)?;
    let (option, order) = if dayfirst {
        ("True", "day")
    } else {
        ("False", "month")
    };
    Some(format!(
        "`{name}` contradicts dayfirst={option} {}, for example {}. So dates that were read with the {order} first, such as \
         {}, were probably misread {}",
        in_rows(contrary.rows, &named(contrary.first)),
        contrary.text,
        read.text,
        in_rows(read.rows, &named(read.first)),
    ))
}

fn misread_numbers(
    name: &str,
    reading: &Reading,
    found: &Found,
    named: &dyn Fn(usize) -> String,
) -> Option<String> {
    let Found {
        otherwise,
        doubtful,
        in_threes,
        fitting,
        ..
    } = found;
    if otherwise.rows > *fitting && doubtful.rows > 0 {
        let (other, fix) = if reading.decimal() == '.' {
            (',', "set decimal=\",\" and thousands=\".\"")
        } else {
            ('.', "check decimal= and thousands=")
        };
        let form = match (other, otherwise.text.contains(other)) {
            (',', true) => "a decimal comma",
            (',', false) => "several points",
            (_, true) => "a decimal point",
            (_, false) => "several commas",
        };
        return Some(format!(
            "`{name}` has numbers with {form} {}, for example {}. So numbers such as {} were probably misread \
             {}: {fix}",
            in_rows(otherwise.rows, &named(otherwise.first)),
            otherwise.text,
            doubtful.text,
            in_rows(doubtful.rows, &named(doubtful.first)),
        ));
    }
    let is_usual = reading.decimal.is_none() && reading.thousands.is_none();
    (is_usual && in_threes.rows > 1 && !found.has_other_points).then(|| {
        format!(
            "all numbers with a point in `{name}` have three digits after it, such as {} {}, and were read as decimals. \
             If the point separates thousands, set decimal=\",\" and thousands=\".\"; if not, set decimal=\".\"",
            in_threes.text,
            in_rows(in_threes.rows, &named(in_threes.first)),
        )
    })
}
