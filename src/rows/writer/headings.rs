//! What the columns of rows are called, and which columns identify the rows of a run.

use std::collections::BTreeMap;

use super::state::{Named, RowKind, Slot, Writer};
use crate::input::Column;
use crate::rows::column_use::ColumnUse;
use crate::rows::report::{FIX, OF_REPORT_MARK, PROBLEM, ROW_OF_RUN};

impl<K: RowKind> Writer<K> {
    /// Returns each column's role in the identity of a row, or `None` for a column without a role. When a run
    /// is resumed, the roles are set before the first column is added.
    pub(in crate::rows) fn headings(&mut self) -> &mut BTreeMap<String, Option<String>> {
        &mut self.headings
    }

    /// Lets columns that were ignored in the first call identify rows from now on, because no row was sent.
    pub(in crate::rows) fn let_headings_grow(&mut self) {
        self.headings_may_grow = true;
    }

    /// Returns the field or custom attribute that a column sets, or `Some(None)` for an ignored column. Returns `None`
    /// for a column that no valid row of this call sends.
    #[allow(clippy::option_option)] // An ignored column and one that is never sent differ.
    pub(in crate::rows) fn field_of(&self, column: Column) -> Option<Option<String>> {
        let field = match self.columns.get(column.0 as usize)?.slot {
            Slot::Id => "id",
            Slot::Ignored => return Some(None),
            Slot::Field(field) => K::FIELDS.at(field).name,
            Slot::Own(own) => K::set_by(self, own)?,
            Slot::Number | Slot::Refused(_) => return None,
        };
        Some(Some(field.to_owned()))
    }

    /// Returns the heading of a field, or the display name of a custom attribute if it is known.
    pub(in crate::rows) fn title_of(&self, field: &str) -> String {
        let heading = K::FIELDS.named(field).map(|place| K::FIELDS.at(place).heading);
        let title = heading.map(str::to_owned).or_else(|| K::title_of(self, field));
        title.unwrap_or_else(|| field.to_owned())
    }

    /// Returns whether the rows have the columns of a file written by `write_fixes`, except the hidden one.
    pub(in crate::rows) fn are_of_report(&self) -> bool {
        let ignored = |title: &str| {
            let named = |column: &&Named<K::Slot>| {
                column.name.strip_suffix(OF_REPORT_MARK).unwrap_or(&column.name) == title
            };
            self.columns
                .iter()
                .find(named)
                .is_some_and(|column| matches!(column.slot, Slot::Ignored))
        };
        ignored(PROBLEM) && ignored(FIX) && !self.handles.contains_key(ROW_OF_RUN)
    }

    /// Compares the columns that identify rows with those of an earlier call. Returns the columns that were added, and
    /// those that are missing.
    pub(in crate::rows) fn column_changes(
        &self,
        before: &BTreeMap<String, Option<String>>,
    ) -> (Vec<&str>, Vec<String>) {
        let role = |name: &str| self.headings.get(name)?.as_deref();
        let roles: Vec<(&str, &str)> = self
            .columns
            .iter()
            .filter_map(|column| Some((column.name.as_str(), role(&column.name)?)))
            .collect();
        let is_new = |(name, role): &&(&str, &str)| {
            let others = || roles.iter().filter(|(_, other)| other == role).count() > 1;
            let known = before.values().flatten().any(|known| known == role);
            !before.contains_key(*name) && (!known || others())
        };
        let is_missing = |known: &str| !roles.iter().any(|(_, role)| *role == known);
        let missing = before
            .iter()
            .filter(|(_, role)| role.as_deref().is_some_and(is_missing));
        (
            roles.iter().filter(is_new).map(|(name, _)| *name).collect(),
            missing.map(|(name, _)| name.clone()).collect(),
        )
    }

    /// Returns the meaning of each column, in order of appearance.
    pub(in crate::rows) fn uses(&self) -> &[ColumnUse] {
        &self.uses
    }

    /// Returns the heading of the column that sets a field or custom attribute, or else its name.
    pub(in crate::rows) fn heading_of(&self, field: &str) -> String {
        match K::FIELDS.named(field) {
            Some(field) => self.field_called(field),
            None => K::heading_of(self, field).unwrap_or_else(|| field.to_owned()),
        }
    }
}
