//! The cells of custom attributes.

use super::state::Assets;
use super::typed;
use crate::api::RowShape;
use crate::api::assets::fields::CUSTOM_ATTRIBUTES;
use crate::input::{Cell, Column};
use crate::rows::json;
use crate::rows::office::arrived_as_number;
use crate::rows::problem::{given_twice, is_number, refused, shown, without_blanks};
use crate::rows::rules::NUMBER;
use crate::rows::value::{self, Meaning};
use crate::rows::writer::{Writer, called_of};
use crate::settings::Settings;

impl Writer<Assets> {
    /// Adds the problem for a text that the asset has too, but that means another number with the options for reading.
    /// It may be unchanged, or written by the office.
    pub(super) fn refuse_reading(
        &mut self,
        index: usize,
        column: Option<Column>,
        cell: &Cell<'_>,
        read: &str,
    ) {
        let name = column.map_or(&*self.kind.attributes[index].name, |column| {
            called_of(&self.columns, column)
        });
        let (name, value) = (name.to_owned(), shown(cell));
        let message = format!(
            "`{name}` is '{value}', like the asset, but means {read} with decimal= and thousands=, so it is unclear \
             whether it was changed"
        );
        let fix = "pass decimal=\".\" if the texts are from a table of assets. If the office wrote them, write the number without \
                   separators";
        self.problems.push(NUMBER.problem(&name, &value, message, fix));
    }

    /// Removes an attribute that the row clears from the body. `place` is its index in the settings.
    pub(super) fn withdraw(&mut self, place: usize, settings: &Settings) {
        if let Some(names) = &mut self.kind.names {
            names.cleared.set(place, false);
            names.blank.set(place, false);
        }
        // Quotation marks in texts are escaped, so this is no part of a text.
        let entry = format!(
            "{}null,",
            json::opening(&settings.content().attributes[place].name)
        );
        let (entry, body) = (entry.as_bytes(), &self.kind.attribute_body);
        if let Some(at) = body.windows(entry.len()).position(|bytes| bytes == entry) {
            self.kind.attribute_body.drain(at..at + entry.len());
        }
    }

    /// Writes one custom attribute, from its own column or from a dict. `reading` is the index in `readings`.
    #[allow(clippy::too_many_lines)] // The steps of one cell, in order.
    pub(super) fn attribute_cell(
        &mut self,
        index: usize,
        column: Option<Column>,
        reading: usize,
        cell: &Cell<'_>,
    ) {
        let name = &self.kind.attributes[index].name;
        match self.reads_otherwise(name, &self.readings[reading], cell) {
            None if self.is_unchanged(name, cell) => return,
            // The rows of an office that a create has compared are read as by that create.
            Some(read) if self.policy.names.found_by.is_none() => {
                return self.refuse_reading(index, column, cell, &read);
            }
            _ => {}
        }
        let is_key = self.is_import_key(&self.kind.attributes[index].name);
        let trimmed = is_key.then(|| without_blanks(cell)).flatten();
        let cell = trimmed.as_ref().unwrap_or(cell);
        let meaning = value::meaning(self.policy.shape, self.policy.nulls, cell, false);
        if matches!(meaning, Ok(Meaning::Absent)) {
            return self.note_uncompared_attribute(column, index);
        }
        let lost = self.lost_zeros(&self.kind.attributes[index].name, cell);
        // `index` was returned by `attribute`, and attributes are never removed.
        let attribute = &mut self.kind.attributes[index];
        let known = attribute
            .known
            .zip(self.policy.names.settings.as_deref())
            .map(|(place, settings)| (place, &settings.content().attributes[place]));
        if known.is_some_and(|(_, known)| typed::is_blank(known, cell)) {
            return self.note_uncompared_attribute(column, index);
        }
        let twice = attribute.last_given == self.rows;
        attribute.last_given = self.rows;
        let start = self.kind.attribute_body.len();
        self.kind
            .attribute_body
            .extend_from_slice(attribute.opening.as_bytes());
        let value = self.kind.attribute_body.len();
        let is_text = known.is_some_and(|(_, known)| known.data_type == "text");
        let meaning = meaning.and_then(|meaning| {
            if let Some(lost) = lost.filter(|_| is_text) {
                return Err(lost);
            }
            let name = column
                .filter(|_| is_key)
                .map(|column| called_of(&self.columns, column));
            let (is_workbook, row) = (self.policy.is_workbook(), self.rows - 1);
            self.office.check(name, cell, is_text, is_workbook, row)?;
            Ok(meaning)
        });
        let body = &mut self.kind.attribute_body;
        let written = meaning.and_then(|meaning| match (meaning, known, &mut self.kind.names) {
            (Meaning::Value, Some((place, known)), Some(names)) => {
                names.given.insert(place);
                let reading = &self.readings[reading];
                let written = typed::write(known, place, cell, (&self.policy, reading), names, body);
                let (is_read, row) = (written.is_ok(), self.rows - 1);
                self.kind
                    .doubts
                    .add(column, &known.data_type, cell, reading, is_read, row);
                written
            }
            (Meaning::Value, ..) => value::attribute(cell, self.policy.dates, body),
            (_, Some((place, _)), Some(names)) => {
                names.cleared.insert(place);
                names.blank.set(place, matches!(cell, Cell::Null));
                body.extend_from_slice(b"null");
                Ok(())
            }
            _ => {
                body.extend_from_slice(b"null");
                Ok(())
            }
        });
        let name = &self.kind.attributes[index].name;
        if written.is_ok() && self.is_same(name, &self.kind.attribute_body[value..]) {
            if !twice {
                self.kind.attributes[index].last_given = 0;
            }
            if let (Some(place), Some(names)) = (self.kind.attributes[index].known, &mut self.kind.names) {
                names.given.set(place, twice && names.given.contains(place));
                names.cleared.set(place, twice && names.cleared.contains(place));
            }
            return self.kind.attribute_body.truncate(start);
        }
        self.kind.attribute_body.push(b',');
        if !twice && written.is_ok() {
            if is_key {
                self.kind.import_key_at = Some(value..self.kind.attribute_body.len() - 1);
                self.office.key_is_number = is_number(cell);
            }
            if is_text && self.notes_digits() {
                let name = self.kind.attributes[index].name.clone();
                self.note_digits(column, name, cell);
            }
            if self.compares_numbers(cell) {
                let text = self
                    .kind
                    .attribute_body
                    .get(value + 1..self.kind.attribute_body.len() - 2);
                let field = &self.kind.attributes[index].name;
                self.office.note_text(field, text.unwrap_or_default());
            }
            let attribute = &self.kind.attributes[index];
            let name = column.map_or(&*attribute.name, |column| called_of(&self.columns, column));
            if is_key && arrived_as_number(cell) {
                self.office.note_number(name, self.rows - 1);
            } else if trimmed.is_some() {
                let name = name.to_owned();
                self.note_trimmed(name);
            }
            if value::is_blank_as_text(cell) {
                self.note_blank(self.kind.attributes[index].name.clone());
            }
            return;
        }
        self.kind.attribute_body.truncate(start);
        let written = written.map_err(|refusal| {
            let refusal = self.with_fix_of_date(column, cell, refusal);
            self.with_fix_of_placeholder(column, cell, refusal)
        });
        let column = match column.and_then(|column| self.columns.get(column.0 as usize)) {
            Some(named) => named.name.clone(),
            None => format!("{CUSTOM_ATTRIBUTES}.{}", self.kind.attributes[index].name),
        };
        self.problems.push(match written {
            Err(refusal) => refused(&column, cell, &refusal),
            Ok(()) => given_twice(
                &column,
                &self.attribute_column(index).unwrap_or_else(|| column.clone()),
                cell,
            ),
        });
    }

    /// Returns whether a cell is a number that is sent as text and may be compared with a text of the project.
    pub(super) fn compares_numbers(&self, cell: &Cell<'_>) -> bool {
        self.policy.import_key.is_some() && self.policy.shape == RowShape::NewAsset && is_number(cell)
    }
}
