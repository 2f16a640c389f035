//! Checks rows of the kind that an endpoint takes.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::api::RowShape;
use crate::input::{Cell, Column};
use crate::rows::assets::Assets;
use crate::rows::column_use::ColumnUse;
use crate::rows::ids::Ids;
use crate::rows::policy::Policy;
use crate::rows::relationships::Relationships;
use crate::rows::report::RowOfRun;
use crate::rows::rules::Problem;
use crate::rows::writer::{RowKind, Writer};

/// Checks rows one by one and writes each into a request body.
pub struct RowWriter(Any);

enum Any {
    Assets(Box<Writer<Assets>>),
    Relationships(Box<Writer<Relationships>>),
    Ids(Box<Writer<Ids>>),
}

/// Calls a method of the writer, of whatever kind it is.
macro_rules! each {
    ($any:expr, $writer:ident => $call:expr) => {
        match $any {
            Any::Assets($writer) => $call,
            Any::Relationships($writer) => $call,
            Any::Ids($writer) => $call,
        }
    };
}

impl RowWriter {
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self(match policy.shape {
            RowShape::NewAsset | RowShape::AssetPatch => Any::Assets(Box::new(Writer::new(policy))),
            RowShape::NewRelationship => Any::Relationships(Box::new(Writer::new(policy))),
            RowShape::IdOfAsset | RowShape::IdOfRelationship => Any::Ids(Box::new(Writer::new(policy))),
        })
    }

    /// Returns the writer of assets, for what only assets have.
    fn assets(&self) -> Option<&Writer<Assets>> {
        match &self.0 {
            Any::Assets(writer) => Some(writer),
            Any::Relationships(_) | Any::Ids(_) => None,
        }
    }

    /// Turns off the digests of rows. Call this before adding the first column.
    pub fn without_digests(&mut self) {
        each!(&mut self.0, writer => writer.without_digests());
    }

    /// Returns the handle of a column. Equal names have equal handles, even for an unknown column.
    pub fn column(&mut self, name: &str) -> Column {
        each!(&mut self.0, writer => writer.column(name))
    }

    /// Starts a row at the end of `out`. Pass the same `out` to every call until `end`.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        each!(&mut self.0, writer => writer.begin(out));
    }

    /// Sets the number of the current row in its run. If an import key is generated for the row, the key
    /// contains this number. Default: the row's index in the input.
    pub fn set_number(&mut self, row: u32) {
        each!(&mut self.0, writer => writer.set_number(row));
    }

    /// Counts a row that is skipped, or a list item that is not a row, so that warnings refer to the right
    /// rows.
    pub fn skip(&mut self) {
        each!(&mut self.0, writer => writer.skip());
    }

    /// Records that the next cell of a column was blank, and has the value of the row above.
    pub fn filled(&mut self, column: Column) {
        each!(&mut self.0, writer => writer.filled(column));
    }

    /// Checks one cell of the row and writes it.
    pub fn cell(&mut self, column: Column, cell: &Cell<'_>, out: &mut Vec<u8>) {
        each!(&mut self.0, writer => writer.cell(column, cell, out));
    }

    /// Checks the row as a whole and ends it.
    ///
    /// # Errors
    /// Returns all problems with the row (at least one). `out` is restored to its length before `begin`.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        each!(&mut self.0, writer => writer.end(out))
    }

    /// Forgets that the row that just ended repeats an earlier row: it is not sent.
    pub fn forget_repeats(&mut self) {
        match &mut self.0 {
            Any::Assets(writer) => Assets::forget_repeats(writer),
            Any::Relationships(writer) => Relationships::forget_repeats(writer),
            Any::Ids(_) => {}
        }
    }

    /// Frees what is kept of the rows so far: notes for the warnings, and the ids of the pairs that relationships have.
    /// A later row with such a pair gets another id, so call this only once all repeats are known.
    pub fn forget_rows(&mut self) {
        match &mut self.0 {
            Any::Assets(writer) => Assets::forget_rows(writer),
            Any::Relationships(writer) => Relationships::forget_rows(writer),
            Any::Ids(_) => {}
        }
    }

    /// Returns the number of rows read, including skipped rows.
    pub fn rows_read(&self) -> usize {
        each!(&self.0, writer => writer.rows_read())
    }

    /// Returns the name of the row in a report: the clientAssetId of a new asset, or else the id of the
    /// asset or relationship. Empty if the row has neither.
    pub fn key(&self) -> &str {
        each!(&self.0, writer => writer.key())
    }

    /// Returns the digest of the row that just ended, valid or not.
    pub fn digest(&self) -> u64 {
        each!(&self.0, writer => writer.digest())
    }

    /// Returns the run of the row that just ended, and the row's number in that run, if the row comes from a
    /// file written by `write_fixes`.
    pub fn numbered(&self) -> Option<&RowOfRun> {
        each!(&self.0, writer => writer.numbered())
    }

    /// Returns the title of the row labels, if they are positions in a file.
    pub fn row_title(&self) -> Option<&str> {
        each!(&self.0, writer => writer.row_title())
    }

    /// Returns whether the rows come from a text file such as CSV.
    pub fn are_of_text_file(&self) -> bool {
        each!(&self.0, writer => writer.are_of_text_file())
    }

    /// Returns the warnings, which make no row invalid. `label` returns the label of a row.
    pub fn warnings(&self, label: &dyn Fn(usize) -> String) -> Vec<String> {
        each!(&self.0, writer => writer.warnings(label))
    }

    /// Returns the meaning of each column, in order of appearance.
    pub fn uses(&self) -> &[ColumnUse] {
        each!(&self.0, writer => writer.uses())
    }

    /// Returns each column's role in the identity of a row, or `None` for a column without a role. When a run
    /// is resumed, the roles are set before the first column is added.
    pub fn headings(&mut self) -> &mut BTreeMap<String, Option<String>> {
        each!(&mut self.0, writer => writer.headings())
    }

    /// Lets columns that were ignored in the first call identify rows from now on, because no row was sent.
    pub fn let_headings_grow(&mut self) {
        each!(&mut self.0, writer => writer.let_headings_grow());
    }

    /// Compares the columns that identify rows with those of an earlier call. Returns the columns that were added, and
    /// those that are missing.
    pub fn column_changes(&self, before: &BTreeMap<String, Option<String>>) -> (Vec<&str>, Vec<String>) {
        each!(&self.0, writer => writer.column_changes(before))
    }

    /// Returns whether the rows have the columns of a file written by `write_fixes`, except the hidden one.
    pub fn are_of_report(&self) -> bool {
        each!(&self.0, writer => writer.are_of_report())
    }

    /// Returns the field or custom attribute that a column sets, or `Some(None)` for an ignored column. Returns `None`
    /// for a column that no valid row of this call sends.
    pub fn field_of(&self, column: Column) -> Option<Option<String>> {
        each!(&self.0, writer => writer.field_of(column))
    }

    /// Returns the heading of the column that sets a field or custom attribute, or else its name.
    pub fn heading_of(&self, field: &str) -> String {
        each!(&self.0, writer => writer.heading_of(field))
    }

    /// Returns the heading of a field, or the display name of a custom attribute if it is known.
    pub fn title_of(&self, field: &str) -> String {
        each!(&self.0, writer => writer.title_of(field))
    }

    /// Returns the import keys that were numbers in the rows so far. They may have lost zeros that the keys of the project
    /// have.
    #[must_use]
    pub fn number_keys(&self) -> &HashSet<Box<str>> {
        each!(&self.0, writer => writer.office.number_keys())
    }

    /// Returns whether a text was sent for a number in the rows so far, and whether a text of the project reads as this
    /// number. Programs often read texts such as 007 as numbers, so they are equal, as in a patch.
    #[must_use]
    pub fn is_same_number(&self, field: &str, sent: &Value, held: &Value) -> bool {
        let assets = self.assets();
        assets.is_some_and(|writer| writer.is_same_number(field, sent, held))
    }

    /// Returns whether the row that just ended cannot be checked without the asset that it changes, which was
    /// not read.
    pub fn needs_its_asset(&self) -> bool {
        self.assets().is_some_and(Writer::needs_its_asset)
    }

    /// Returns whether the rows involve any custom attribute.
    pub fn has_attributes(&self) -> bool {
        self.assets().is_some_and(Writer::has_attributes)
    }

    /// Returns whether the row that just ended has the values that its asset already has, so there is nothing to
    /// send.
    pub fn has_nothing_to_send(&self) -> bool {
        self.assets().is_some_and(Writer::has_nothing_to_send)
    }

    /// Returns whether the rows so far were read from the service, because they have values that only the
    /// service sets.
    pub fn are_of_service(&self) -> bool {
        self.assets().is_some_and(Writer::are_of_service)
    }

    /// Returns the import key generated for a row. `None` if keys are not generated.
    pub fn made_import_key(&self, row: u32) -> Option<String> {
        self.assets()?.made_import_key(row)
    }

    /// Returns the import key of the row, or an empty string if the row has none.
    pub fn import_key(&self) -> &str {
        self.assets().map_or("", Writer::import_key)
    }

    /// Returns whether the rows have their own import keys, which an earlier run may have used as well.
    pub fn import_keys_are_given(&self) -> bool {
        self.assets().is_some_and(Writer::import_keys_are_given)
    }
}
