//! Fields without a value, columns that are missing, and rows of totals.

use std::fmt::Write;

use super::state::{Blanks, Named, RowKind, Slot, Writer};
use crate::rows::column_use::ColumnUse;
use crate::rows::columns;
use crate::rows::rules::{Problem, REQUIRED, UNKNOWN_COLUMN};

impl<K: RowKind> Writer<K> {
    /// Returns the problem with a row of totals. A row with all required fields is not one, whatever its name.
    pub(super) fn totals_row(&self) -> Option<Problem> {
        // A column that is not recognized may be that of a required field.
        if self
            .problems
            .iter()
            .any(|problem| problem.code == UNKNOWN_COLUMN.code)
        {
            return None;
        }
        let left = self
            .policy
            .names
            .rows_of_file
            .map(|rows| rows.saturating_sub(self.rows - 1));
        let noun = self.policy.shape.noun();
        K::is_total(self)
            .then(|| self.office.totals_row(noun, left, self.policy.names.skipped))
            .flatten()
    }

    /// Counts the values of required fields, and adds a problem for each that is missing.
    pub(in crate::rows) fn check_required(&mut self) {
        for (index, field) in K::FIELDS.settable().filter(|(_, field)| field.required) {
            let (given, blank) = &mut self.given_and_blank[index];
            if self.given & 1 << index == 0 {
                *blank += 1;
                self.missing_field(index, field.fix(K::has_names(self)));
            } else {
                *given += 1;
            }
        }
    }

    /// Adds the problem for a required field without a value. `fix` is the fix for a blank cell.
    fn missing_field(&mut self, field: usize, fix: &str) {
        let why = format!("required for a new {}", self.policy.shape.noun());
        let name = self.field_called(field);
        if self.field_columns[field].is_some() {
            let is_template = K::is_remembered(self);
            let hint = if is_template {
                K::hint(self, field, true)
            } else {
                ""
            };
            // Only the first of several merged cells has a value. Identifiers are never merged, and sheets have no API names.
            let (given, blank) = self.given_and_blank[field];
            let may_be_merged = !K::FIELDS.at(field).trims && !is_template;
            let are_merged = may_be_merged && 0 < given && given <= blank;
            let of_merged = if are_merged && !Self::is_api_name(&name) && !self.is_filled(&name) {
                format!(", or set fill_down=[\"{name}\"] if its cells are merged")
            } else {
                String::new()
            };
            return self.blank(&name, &why, &format!("{fix}{of_merged}{hint}"));
        }
        let hint = K::hint(self, field, false);
        let fix = format!("add it, or map a column to it with mapping={{'...': '{name}'}}{hint}");
        self.no_column(&name, &why, &fix);
    }

    /// Returns whether `fill_down` fills a column.
    pub(super) fn is_filled(&self, column: &str) -> bool {
        self.is_among(column, self.policy.names.reading.fill_down.iter())
    }

    /// Returns whether `values` replaces texts of a column.
    pub(in crate::rows) fn is_replaced(&self, column: &str) -> bool {
        let values = self.policy.names.reading.values.iter();
        self.is_among(column, values.map(|(name, _)| name))
    }

    /// Returns whether an option names a column, by its heading or by what it is mapped to.
    fn is_among<'n>(&self, column: &str, mut names: impl Iterator<Item = &'n String>) -> bool {
        names.any(|name| columns::is_called(column, name, self.naming()))
    }

    /// Returns the columns with values of the rows, each with the rows in which it is blank.
    pub(in crate::rows) fn blank_columns(&self) -> impl Iterator<Item = (&str, Blanks)> {
        let is_read = |named: &&Named<K::Slot>| match named.slot {
            Slot::Field(_) => true,
            Slot::Own(own) => K::is_value(own),
            _ => false,
        };
        let columns = self.columns.iter().filter(is_read);
        columns.map(|named| (named.name.as_str(), named.blanks))
    }

    /// Adds the problem for a row without an id. `fixes` are those of a blank cell and of a missing column.
    pub(in crate::rows) fn missing_id(&mut self, why: &str, fixes: [&str; 2]) {
        let name = self.policy.id_column.clone();
        if self.handles.contains_key(&name) {
            return self.blank(&name, why, fixes[0]);
        }
        self.no_column(&name, why, fixes[1]);
    }

    pub(in crate::rows) fn blank(&mut self, name: &str, why: &str, fix: &str) {
        let message = format!("`{name}` is blank: {why}");
        self.problems.push(REQUIRED.problem(name, "", message, fix));
    }

    pub(in crate::rows) fn no_column(&mut self, name: &str, why: &str, fix: &str) {
        let is_known = |used: &ColumnUse| used.field.is_some();
        let too_low = self.too_low().filter(|_| !self.uses.iter().any(is_known));
        let fix = &too_low.map_or_else(|| fix.to_owned(), |too_low| format!("{fix}; {too_low}"));
        let mut message = format!("no column `{name}`: {why}. The columns are ");
        for (index, named) in self.columns.iter().enumerate().take(COLUMNS_SHOWN) {
            let comma = if index == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(message, "{comma}`{}`", named.name);
        }
        match self.columns.len() {
            0 => message.push_str("none"),
            count if count > COLUMNS_SHOWN => {
                let _ = write!(message, " and {} more", count - COLUMNS_SHOWN);
            }
            _ => {}
        }
        self.problems.push(REQUIRED.problem(name, "", message, fix));
    }

    /// Returns the fix for column names that were skipped.
    pub(super) fn too_low(&self) -> Option<String> {
        let skipped = self.policy.names.skipped_above.as_ref()?;
        Some(format!(
            "if {skipped} has the column names, set skip_rows= to the number of rows above it"
        ))
    }
}

/// The maximum number of columns named in a message.
const COLUMNS_SHOWN: usize = 20;
