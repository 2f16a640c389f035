//! Fields without a value, columns that are missing, and rows of totals.

use std::fmt::Write;

use super::meaning::is_api_name;
use super::{Blanks, ColumnUse, Given, Named, RowWriter, Slot};
use crate::api::RowShape;
use crate::input::sheet::REQUIRED_MARK;
use crate::rows::columns;
use crate::rows::fields::{CATEGORY, CLIENT_ASSET};
use crate::rows::policy::Names;
use crate::rows::rules::{Problem, REQUIRED, UNKNOWN_COLUMN};

impl RowWriter {
    /// Returns the problem with a row of totals. A row with all required fields is an asset, whatever its name.
    pub(super) fn totals_row(&self) -> Option<Problem> {
        // A column that is not recognized may be a required field, whose name the settings tell.
        if self
            .problems
            .iter()
            .any(|problem| problem.code == UNKNOWN_COLUMN.code)
        {
            return None;
        }
        let is_total = match self.policy.shape {
            RowShape::NewAsset => self.office.is_total(self.given),
            RowShape::AssetPatch => self.office.is_total_without_id(self.id == Given::No),
            RowShape::Id => false,
        };
        let left = self
            .policy
            .names
            .rows_of_file
            .map(|rows| rows.saturating_sub(self.rows - 1));
        is_total
            .then(|| self.office.totals_row(left, self.policy.names.skipped))
            .flatten()
    }

    /// Adds the problem for a required field without a value. `fix` is the fix for a blank cell.
    pub(super) fn missing_field(&mut self, field: usize, fix: &str) {
        const WHY: &str = "required for a new asset";
        let name = self.field_called(field);
        let of_template = match self.row_title() {
            _ if field != CATEGORY => "",
            None => ". A template remembers its category: pass the file itself, not a table read from it",
            Some(_) => ". A template remembers its category, but not a copy that another program wrote",
        };
        if self.field_columns[field].is_some() {
            let is_template = {
                let names = self.column_names();
                let marked = names.filter_map(|name| name.strip_suffix(REQUIRED_MARK));
                self.policy.names.is_template || columns::are_of_template(marked)
            };
            let of_template = if is_template { of_template } else { "" };
            // Only the first of several merged cells has a value. Names are never merged, and sheets have no API names.
            let (given, blank) = self.given_and_blank[field];
            let are_merged = field != CLIENT_ASSET && 0 < given && given <= blank && !is_template;
            let of_merged = if are_merged && !is_api_name(&name) && !self.is_filled(&name) {
                format!(", or set fill_down=[\"{name}\"] if its cells are merged")
            } else {
                String::new()
            };
            return self.blank(&name, WHY, &format!("{fix}{of_merged}{of_template}"));
        }
        let of_table = if self.row_title().is_none() {
            of_template
        } else {
            ""
        };
        let fix = format!("add it, or map a column to it with mapping={{'...': '{name}'}}{of_table}");
        self.no_column(&name, WHY, &fix);
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
        let Names {
            mapping, settings, ..
        } = &self.policy.names;
        let mapped = (&mapping[..], settings.as_deref());
        names.any(|name| columns::is_called(column, name, mapped))
    }

    /// Returns the columns of fields and custom attributes, each with the rows in which it is blank.
    pub(in crate::rows) fn blank_columns(&self) -> impl Iterator<Item = (&str, Blanks)> {
        let is_read = |named: &&Named| matches!(named.slot, Slot::Field(_) | Slot::Attribute(_));
        let columns = self.columns.iter().filter(is_read);
        columns.map(|named| (named.name.as_str(), named.blanks))
    }

    /// Adds the problem for a row without an id.
    pub(super) fn missing_id(&mut self) {
        const WHY: &str = "it identifies the asset";
        let name = self.policy.id_column.clone();
        if self.handles.contains_key(&name) {
            let fix = match self.policy.shape {
                RowShape::AssetPatch => "fill in the cell; for a new asset, pass the row to create()",
                _ => "fill in the cell",
            };
            return self.blank(&name, WHY, fix);
        }
        let fix = match self.policy.shape {
            RowShape::AssetPatch => {
                "add a column of asset ids, such as result.ids of the create, or pass its name as key=. If another column \
                 identifies the assets, get their ids with assets.get(rows, by=\"Barcode\"), or pass the result of \
                 create(rows, import_key=...) to patch, if the rows have all columns of a new asset"
            }
            _ => "pass the name of the id column as key=",
        };
        self.no_column(&name, WHY, fix);
    }

    pub(super) fn blank(&mut self, name: &str, why: &str, fix: &str) {
        let message = format!("`{name}` is blank: {why}");
        self.problems.push(REQUIRED.problem(name, "", message, fix));
    }

    pub(super) fn no_column(&mut self, name: &str, why: &str, fix: &str) {
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
pub(super) const COLUMNS_SHOWN: usize = 20;
