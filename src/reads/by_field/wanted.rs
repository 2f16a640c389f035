//! The values to look for, and the assets that have them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::column::{BlankRows, InputValue};
use crate::api::assets;
use crate::columns::{self, Table};
use crate::error::Error;
use crate::listing::PER_PAGE;
use crate::rows::compare::as_number;
use crate::rows::in_rows;

/// An asset with a wanted value. Sorts by value, then by creation time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct MatchingAsset {
    /// The index of its value.
    pub index: usize,
    pub created: Option<String>,
    pub json: Box<str>,
}

/// The values to look for.
#[derive(Default)]
pub struct Wanted {
    /// The distinct values, in input order, and the index of each.
    values: Vec<String>,
    indexes: HashMap<String, usize>,
    /// The indexes of values that are numbers, by their usual text. Programs read texts such as 0017 as numbers.
    numbers: HashMap<String, usize>,
    /// The indexes of values that are digits without leading zeros, and the value of an asset with the same digits
    /// after leading zeros.
    padded: Mutex<BTreeMap<usize, String>>,
    blank: BlankRows,
}

impl Wanted {
    pub fn new((values, blank): (Vec<InputValue>, BlankRows)) -> Self {
        let mut wanted = Self {
            blank,
            ..Self::default()
        };
        for InputValue { text, is_number } in values {
            let next = wanted.values.len();
            let index = *wanted.indexes.entry(text.clone()).or_insert(next);
            if let Some(number) = as_number(&text).filter(|_| is_number) {
                wanted.numbers.entry(number).or_insert(index);
            }
            if index == next {
                wanted.values.push(text);
            }
        }
        wanted
    }

    /// Returns the distinct values, in input order.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Returns whether a value was given as a number.
    pub fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Returns the index of a value, if it is wanted.
    pub fn index(&self, value: &str) -> Option<usize> {
        let as_number = || self.numbers.get(&as_number(value)?);
        self.indexes.get(value).or_else(as_number).copied()
    }

    /// Notes a value of an asset that a wanted one may have been, before a program removed its leading zeros.
    pub fn note_padded(&self, value: &str) {
        let digits = value.trim_start_matches('0');
        if digits.len() < value.len()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && let Some(index) = self.indexes.get(digits)
        {
            let mut padded = self.padded.lock().unwrap_or_else(PoisonError::into_inner);
            padded.entry(*index).or_insert_with(|| value.to_owned());
        }
    }

    /// Returns the warnings about rows without a value, and about values that have lost leading zeros.
    fn warnings(&self, missing: &HashSet<&String>, column: &str) -> Vec<String> {
        let BlankRows { count, first } = &self.blank;
        let blank = (*count > 0).then(|| {
            format!(
                "`{column}` is blank {}. No assets were read for blank values",
                in_rows(*count, first)
            )
        });
        let padded = self.padded.lock().unwrap_or_else(PoisonError::into_inner);
        let values = padded.iter().map(|(index, value)| (&self.values[*index], value));
        let lost: Vec<(&String, &String)> = values.filter(|(value, _)| missing.contains(value)).collect();
        let lost = lost.first().map(|(value, of_asset)| {
            format!(
                "`{column}`: {} may have lost leading zeros, for example {value}: the project has {of_asset}",
                match lost.len() {
                    1 => "1 value without an asset".to_owned(),
                    count => format!("{count} values without an asset"),
                }
            )
        });
        blank.into_iter().chain(lost).collect()
    }

    /// Returns the values without an asset.
    pub fn missing<'f>(&self, found: impl Iterator<Item = &'f MatchingAsset>) -> Vec<String> {
        let found: HashSet<usize> = found.map(|found| found.index).collect();
        let values = self.values.iter().enumerate();
        let missing = values.filter(|(index, _)| !found.contains(index));
        missing.map(|(_, value)| value.clone()).collect()
    }

    /// Converts the assets to a table. The other values are known to be missing only after a complete read. `column` is
    /// the name of the column with the values.
    pub fn table(
        &self,
        mut found: Vec<MatchingAsset>,
        is_complete: bool,
        column: &str,
    ) -> Result<Table, Error> {
        let mut table = Table::default();
        if is_complete {
            table.missing = self.missing(found.iter());
            table.warnings = self.warnings(&table.missing.iter().collect(), column);
        }
        found.sort_unstable();
        let most = PER_PAGE as usize;
        for (rows, first) in found.chunks(most).zip((0..).step_by(most)) {
            let page = columns::Page::of(rows.iter().map(|found| &*found.json));
            let page = page.map_err(|error| assets::LIST.too_large(&error.to_string()))?;
            table.add(page, first..);
        }
        Ok(table)
    }
}
