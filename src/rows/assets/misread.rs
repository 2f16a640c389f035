//! Warnings about columns whose texts were probably misread, because options do not fit them.

use super::doubts::{ColumnDoubts, TextCount};
use super::state::Assets;
use crate::input::{Cell, Column};
use crate::rows::in_rows::in_rows;
use crate::rows::reading::{Order, Reading, order};
use crate::rows::rules::DATE;
use crate::rows::value::Refusal;
use crate::rows::writer::Writer;

impl Writer<Assets> {
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
        if !self.kind.doubts.differ(column) {
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
            self.kind.doubts.columns.iter().map(|(column, found)| {
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
        let is_unread = |(_, reading, found): (_, &Reading, &ColumnDoubts)| {
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
fn contrary<'f>(reading: &Reading, found: &'f ColumnDoubts) -> Option<&'f TextCount> {
    Some(if reading.dayfirst? {
        &found.month_first
    } else {
        &found.day_first
    })
}

fn cut_times(name: &str, found: &ColumnDoubts, named: &dyn Fn(usize) -> String) -> Option<String> {
    let ColumnDoubts { zoned, .. } = found;
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
    found: &ColumnDoubts,
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
    found: &ColumnDoubts,
    named: &dyn Fn(usize) -> String,
) -> Option<String> {
    let ColumnDoubts {
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
