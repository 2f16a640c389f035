//! The cells of fields and of the id column.

use super::state::{Given, RowKind, Writer, WrittenField, called_of};
use crate::api::field::Kind;
use crate::input::{Cell, Column};
use crate::rows::identity::Seed;
use crate::rows::office::arrived_as_number;
use crate::rows::problem::{given_twice, refused, without_blanks};
use crate::rows::value::{self, Meaning};

impl<K: RowKind> Writer<K> {
    pub(super) fn id_cell(&mut self, seed: Option<Seed>, cell: &Cell<'_>, out: &mut Vec<u8>) {
        if matches!(cell, Cell::Null) {
            return;
        }
        let read = value::uuid(cell, K::fix_of_id(self));
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
                K::write_id(self, uuid, text, out);
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
        let are_api_names =
            !K::has_names(self) || self.columns.iter().any(|named| Self::is_api_name(&named.name));
        let field = K::FIELDS.at(field);
        if are_api_names { field.name } else { field.heading }.to_owned()
    }

    /// Returns whether a name is used only in the API. Other names of fields are words that people use as headings, too.
    pub(super) fn is_api_name(name: &str) -> bool {
        name.ends_with("Id") && K::FIELDS.named(name).is_some()
    }

    /// Returns whether the rows have a column for a field.
    pub(in crate::rows) fn has_column(&self, field: usize) -> bool {
        self.field_columns[field].is_some()
    }

    /// Returns whether the current row has a value for a field, valid or not.
    pub(in crate::rows) fn is_given(&self, field: usize) -> bool {
        self.given & 1 << field != 0
    }

    /// Checks the value of a field and writes it.
    pub(in crate::rows) fn field_cell(
        &mut self,
        index: usize,
        column: Option<Column>,
        cell: &Cell<'_>,
        out: &mut Vec<u8>,
    ) {
        let field = K::FIELDS.at(index);
        if K::keeps(self, index, cell) {
            return;
        }
        let trimmed = field.trims.then(|| without_blanks(cell)).flatten();
        let cell = trimmed.as_ref().unwrap_or(cell);
        let meaning = value::meaning(self.policy.shape, self.policy.nulls, cell, field.required);
        if matches!(meaning, Ok(Meaning::Absent)) {
            return K::note_absent(self, column, field.name);
        }
        if self.is_given(index) {
            let column = self.called_or(column, field.name);
            return self
                .problems
                .push(given_twice(&column, &self.field_called(index), cell));
        }
        self.given |= 1 << index;
        let start = out.len();
        out.extend_from_slice(self.openings[index].as_bytes());
        let value = out.len();
        let is_text = field.kind == Kind::Text;
        let lost = K::lost_zeros(self, field.name, cell).filter(|_| is_text);
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
        let has_ids = column.is_some_and(|column| self.called(column) == field.name);
        let written = meaning.and_then(|meaning| {
            if matches!(meaning, Meaning::Value) {
                return K::value(self, index, has_ids, cell, out);
            }
            out.extend_from_slice(b"null");
            Ok(true)
        });
        match written {
            Ok(true) if K::drop_same(self, index, &out[value..]) => {
                self.given &= !(1 << index);
                return out.truncate(start);
            }
            Ok(true) => {}
            // The value depends on other cells, so it is written at the end of the row.
            Ok(false) => return out.truncate(start),
            Err(refusal) => {
                out.truncate(start);
                let column = self.called_or(column, field.name);
                return self.problems.push(refused(&column, cell, &refusal));
            }
        }
        let json = value..out.len();
        out.push(b',');
        if is_text && self.notes_digits() {
            self.note_digits(column, field.name.to_owned(), cell);
        }
        // The fields whose blanks are removed are identifiers.
        if field.trims && arrived_as_number(cell) {
            let name = column.map_or(field.name, |column| called_of(&self.columns, column));
            self.office.note_number(name, self.rows - 1);
        }
        if trimmed.is_some() {
            self.note_trimmed(self.called_or(column, field.name));
        }
        if let Some(expected) = field.expected {
            let overlong = match cell {
                Cell::Text(text) => value::longer(text, expected),
                _ => value::longer_number(&out[json.clone()], expected),
            };
            if overlong {
                self.note_overlong(self.called_or(column, field.name), expected);
            }
        }
        if value::is_blank_as_text(cell) {
            self.note_blank(field.name.to_owned());
        }
        let written = WrittenField {
            field: index,
            start,
            json,
        };
        K::written(self, &written, cell, out);
    }

    /// Returns the name of a column in the user's data, or else that of its field.
    fn called_or(&self, column: Option<Column>, field: &str) -> String {
        column.map_or(field, |column| self.called(column)).to_owned()
    }

    pub(in crate::rows) fn note_trimmed(&mut self, column: String) {
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
    pub(in crate::rows) fn note_blank(&mut self, column: String) {
        if self.blanks_as_text.iter().all(|(known, _)| *known != column) {
            self.blanks_as_text.push((column, self.rows - 1));
        }
    }
}
