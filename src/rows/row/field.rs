//! The cells of fields and of the id column.

use xxhash_rust::xxh3::xxh3_64;

use super::meaning::is_api_name;
use super::problem::{given_twice, is_number, refused, without_blanks};
use super::{Given, RowWriter, called_of};
use crate::api::RowShape;
use crate::input::{Cell, Column};
use crate::rows::fields::{BARCODE, CATEGORY, CLIENT_ASSET_ID, FIELDS, Kind, LOCATION, STATUS};
use crate::rows::identity::Seed;
use crate::rows::json;
use crate::rows::office::arrived_as_number;
use crate::rows::value::{self, Meaning};

impl RowWriter {
    pub(super) fn id_cell(&mut self, seed: Option<Seed>, cell: &Cell<'_>, out: &mut Vec<u8>) {
        if matches!(cell, Cell::Null) {
            return;
        }
        let fix = match self.policy.shape {
            RowShape::AssetPatch => FIX_OF_PATCH,
            _ => "use the id assigned by the service",
        };
        let read = value::uuid(cell, fix);
        if let Some(seed) = seed {
            match &read {
                Ok(id) => self.identity.id(seed, *id),
                Err(_) => self.identity.cell(seed, cell),
            }
        }
        if self.id != Given::No {
            let column = &self.policy.id_column;
            return self.problems.push(given_twice(column, column, cell));
        }
        match read {
            Ok(uuid) => {
                self.id = Given::Yes;
                let mut buffer = uuid::Uuid::encode_buffer();
                let text = uuid.hyphenated().encode_lower(&mut buffer);
                self.key.push_str(text);
                if self.policy.shape == RowShape::AssetPatch {
                    // `begin` wrote the opening at `start`, with 36 bytes reserved for the id.
                    out[self.start + 1..self.start + 37].copy_from_slice(text.as_bytes());
                } else {
                    json::text(text, out);
                }
                let current = self.policy.names.current.as_ref();
                self.current = current.and_then(|current| current.get(&uuid));
                self.key_is_exact = self.has_exact_key();
                self.release_held(out);
            }
            Err(refusal) => {
                self.id = Given::Refused;
                self.problems
                    .push(refused(&self.policy.id_column, cell, &refusal));
            }
        }
    }

    /// Returns the name of a column in the user's data.
    pub(in crate::rows) fn called(&self, column: Column) -> &str {
        called_of(&self.columns, column)
    }

    /// Returns the name of the column that sets a field, as in the user's data. Without such a column, returns
    /// the field's heading, or its API name if the other columns have API names.
    pub(in crate::rows) fn field_called(&self, field: usize) -> String {
        if let Some(column) = self.field_columns[field] {
            return self.called(column).to_owned();
        }
        let are_api_names = self.names.is_none() || self.columns.iter().any(|named| is_api_name(&named.name));
        let field = &FIELDS[field];
        if are_api_names { field.name } else { field.heading }.to_owned()
    }

    /// Returns whether the current row has a value for a field, valid or not.
    pub(in crate::rows) fn is_given(&self, field: usize) -> bool {
        self.given & 1 << field != 0
    }

    #[allow(clippy::too_many_lines)] // The steps of one cell, in order.
    pub(in crate::rows) fn field_cell(
        &mut self,
        index: usize,
        column: Option<Column>,
        cell: &Cell<'_>,
        out: &mut Vec<u8>,
    ) {
        // `index` is a valid index in `FIELDS`.
        let field = &FIELDS[index];
        if self.is_unchanged(field.name, cell) || index == STATUS && self.keeps_status(cell) {
            return;
        }
        let trimmed = field.trims.then(|| without_blanks(cell)).flatten();
        let cell = trimmed.as_ref().unwrap_or(cell);
        let meaning = value::meaning(&self.policy, cell, field.required);
        if matches!(meaning, Ok(Meaning::Absent)) {
            return self.note_uncompared(column, field.name);
        }
        let called = |writer: &Self| {
            column.map_or_else(
                || field.name.to_owned(),
                |column| writer.called(column).to_owned(),
            )
        };
        if self.is_given(index) {
            let column = called(self);
            return self
                .problems
                .push(given_twice(&column, &self.field_called(index), cell));
        }
        self.given |= 1 << index;
        let start = out.len();
        out.extend_from_slice(self.openings[index].as_bytes());
        let value = out.len();
        let is_text = field.kind == Kind::Text;
        let lost = self.lost_zeros(field.name, cell).filter(|_| is_text);
        let meaning = meaning.and_then(|meaning| {
            if let Some(lost) = lost {
                return Err(lost);
            }
            let name = column
                .filter(|_| field.trims)
                .map(|column| called_of(&self.columns, column));
            let (is_workbook, row) = (self.policy.is_workbook(), self.rows - 1);
            self.office.check(name, cell, is_text, is_workbook, row)?;
            Ok(meaning)
        });
        let has_ids = column.is_some_and(|column| called_of(&self.columns, column) == field.name);
        let written = meaning.and_then(|meaning| match (meaning, &mut self.names) {
            (Meaning::Value, Some(names)) if [CATEGORY, STATUS, LOCATION].contains(&index) => {
                names.field(index, has_ids, cell, out)
            }
            (Meaning::Value, _) => value::field(field, cell, out).map(|()| true),
            _ => {
                out.extend_from_slice(b"null");
                Ok(true)
            }
        });
        match written {
            Ok(true) if self.is_same(field.name, &out[value..]) => {
                self.given &= !(1 << index);
                if let Some(names) = &mut self.names {
                    names.forget(index);
                }
                return out.truncate(start);
            }
            Ok(true) => {}
            // A status label is resolved later, since its status depends on the category's status set.
            Ok(false) => return out.truncate(start),
            Err(refusal) => {
                out.truncate(start);
                let column = called(self);
                return self.problems.push(refused(&column, cell, &refusal));
            }
        }
        if self.names.is_some() && field.name == BARCODE && out.len() > value {
            self.notices.barcode(xxh3_64(&out[value..]), self.rows - 1);
        }
        if field.name == CLIENT_ASSET_ID && self.policy.shape == RowShape::NewAsset {
            match cell {
                Cell::Text(text) | Cell::Shown { text, .. } => self.key.push_str(text),
                // A number or a date is in quotes and has no escapes.
                _ => self
                    .key
                    .push_str(&String::from_utf8_lossy(&out[value + 1..out.len() - 1])),
            }
        }
        if self.is_import_key(field.name) {
            self.import_key_at = Some(value..out.len());
            self.office.key_is_number = is_number(cell);
        }
        // A number that is sent as text is in quotes.
        if is_text && self.compares_numbers(cell) {
            let text = out.get(value + 1..out.len() - 1).unwrap_or_default();
            self.office.note_text(field.name, text);
        }
        if is_text && self.notes_digits() {
            self.note_digits(column, field.name.to_owned(), cell);
        }
        // The fields whose blanks are removed are identifiers.
        if field.trims && arrived_as_number(cell) {
            let name = column.map_or(field.name, |column| called_of(&self.columns, column));
            self.office.note_number(name, self.rows - 1);
        }
        out.push(b',');
        if trimmed.is_some() {
            self.note_trimmed(called(self));
        }
        if let Some(expected) = field.expected {
            let overlong = match cell {
                Cell::Text(text) => value::longer(text, expected),
                _ => value::longer_number(&out[value..out.len() - 1], expected),
            };
            if overlong {
                self.note_overlong(called(self), expected);
            }
        }
        if value::is_blank_as_text(cell) {
            self.note_blank(field.name.to_owned());
        }
    }

    /// Returns whether a cell is a number that is sent as text and may be compared with a text of the project.
    pub(super) fn compares_numbers(&self, cell: &Cell<'_>) -> bool {
        self.policy.import_key.is_some() && self.policy.shape == RowShape::NewAsset && is_number(cell)
    }

    pub(super) fn note_trimmed(&mut self, column: String) {
        match self.trimmed.iter_mut().find(|(known, ..)| *known == column) {
            Some((_, rows, _)) => *rows += 1,
            None => self.trimmed.push((column, 1, self.rows - 1)),
        }
    }

    pub(super) fn note_overlong(&mut self, column: String, expected: usize) {
        match self.overlong.iter_mut().find(|(known, ..)| *known == column) {
            Some((_, _, rows, _)) => *rows += 1,
            None => self.overlong.push((column, expected, 1, self.rows - 1)),
        }
    }

    /// Records a column with a string such as "nan". The string is still sent, since it may be intended.
    pub(super) fn note_blank(&mut self, column: String) {
        if self.blanks_as_text.iter().all(|(known, _)| *known != column) {
            self.blanks_as_text.push((column, self.rows - 1));
        }
    }
}

/// The fix of a cell in the id column of a patch that is no id.
pub(super) const FIX_OF_PATCH: &str = "use the id assigned by the service. If another column identifies the assets, get \
    their ids with assets.get(rows, by=\"Barcode\"), or pass the result of create(rows, import_key=...) to patch, if the rows \
    have all columns of a new asset";
