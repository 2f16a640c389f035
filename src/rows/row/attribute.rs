//! The cells of custom attributes, each in its own column or in a dict of them.

use super::problem::{given_twice, is_number, refused, shown, without_blanks};
use super::{Entry, RowWriter, called_of, identify, opening};
use crate::api::RowShape;
use crate::input::{Cell, Column};
use crate::rows::fields::{self, CUSTOM_ATTRIBUTES};
use crate::rows::identity::Seed;
use crate::rows::office::arrived_as_number;
use crate::rows::rules::{ATTRIBUTE_VALUE, CLEAR, NUMBER, UNKNOWN_ATTRIBUTE};
use crate::rows::typed;
use crate::rows::value::{self, Meaning, Refusal};
use crate::settings::Settings;

impl RowWriter {
    /// Reads a dict of custom attributes as if each attribute had its own column.
    pub(super) fn attribute_entries(&mut self, count: bool, entries: &[(&str, Cell<'_>)]) {
        for (place, (name, value)) in entries.iter().enumerate() {
            let Entry {
                seed,
                attribute,
                reading,
                ..
            } = *self.entry(place, name);
            if count {
                let known = attribute.and_then(|attribute| self.attributes[attribute].known);
                let own = &self.readings[reading];
                identify(&mut self.identity, (&self.policy, own), seed, known, value);
            }
            match attribute {
                Some(attribute) => self.attribute_cell(attribute, None, reading, value),
                None => self.unknown_entry(name, value),
            }
        }
    }

    /// Reads a cell that should be a dict of custom attributes.
    pub(super) fn attributes_cell(&mut self, cell: &Cell<'_>) {
        let refusal = match value::meaning(&self.policy, cell, true) {
            Ok(Meaning::Absent) => return,
            Ok(_) => {
                let fix = "pass a dict, for example {'ca1': 'text'}";
                Refusal::new(&ATTRIBUTE_VALUE, ATTRIBUTE_VALUE.says, fix)
            }
            Err(refusal) if *refusal.rule == CLEAR && self.policy.shape == RowShape::AssetPatch => Refusal {
                fix: "name each attribute to clear, for example {'ca1': CLEAR}".into(),
                ..refusal
            },
            Err(refusal) => refusal,
        };
        self.problems.push(refused(CUSTOM_ATTRIBUTES, cell, &refusal));
    }

    /// Returns the meaning of an entry in a dict of custom attributes.
    pub(super) fn entry(&mut self, place: usize, name: &str) -> &Entry {
        if self.entries.get(place).is_none_or(|entry| entry.name != name) {
            let attribute = self.attribute_named(name).ok();
            let reading = self.add_reading(name);
            let entry = Entry {
                reading,
                name: name.to_owned(),
                seed: Seed::heading(name),
                attribute: attribute.map(|name| self.attribute(&name)),
            };
            match self.entries.get_mut(place) {
                Some(last) => *last = entry,
                // Entries are read in order, so this is the next index.
                None => self.entries.push(entry),
            }
        }
        &self.entries[place]
    }

    /// Looks up a name in a dict of custom attributes. If the name is invalid, returns the problem and the fix.
    pub(super) fn attribute_named(&self, name: &str) -> Result<String, (String, String)> {
        let Some(names) = &self.names else {
            return if fields::is_attribute(name) {
                Ok(name.to_owned())
            } else {
                let message = format!("`{name}` is not the name of a custom attribute");
                Err((message, String::new()))
            };
        };
        let settings = &names.settings;
        let of_name = settings.attribute_of_name(name).ok_or(());
        of_name
            .or_else(|()| settings.attribute(name))
            .map(|place| settings.content().attributes[place].name.clone())
            .map_err(|miss| {
                let what = "custom attribute";
                (format!("`{name}`: {}", miss.reason(what)), miss.fix(what))
            })
    }

    pub(super) fn unknown_entry(&mut self, name: &str, cell: &Cell<'_>) {
        if self.is_unchanged(name, cell) {
            return;
        }
        if let Err((message, fix)) = self.attribute_named(name) {
            let column = format!("{CUSTOM_ATTRIBUTES}.{name}");
            let problem = UNKNOWN_ATTRIBUTE.problem(&column, &shown(cell), message, &fix);
            self.problems.push(problem);
        }
    }

    /// Adds the problem for a text that the asset has too, but that means another number with the options for reading.
    /// It may be unchanged, or written by the office.
    pub(super) fn refuse_reading(
        &mut self,
        index: usize,
        column: Option<Column>,
        cell: &Cell<'_>,
        read: &str,
    ) {
        let name = column.map_or(&*self.attributes[index].name, |column| {
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
    pub(in crate::rows) fn withdraw(&mut self, place: usize, settings: &Settings) {
        if let Some(names) = &mut self.names {
            names.cleared.set(place, false);
            names.blank.set(place, false);
        }
        // Quotation marks in texts are escaped, so this is no part of a text.
        let entry = format!("{}null,", opening(&settings.content().attributes[place].name));
        let (entry, body) = (entry.as_bytes(), &self.attribute_body);
        if let Some(at) = body.windows(entry.len()).position(|bytes| bytes == entry) {
            self.attribute_body.drain(at..at + entry.len());
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
        let name = &self.attributes[index].name;
        match self.reads_otherwise(name, &self.readings[reading], cell) {
            None if self.is_unchanged(name, cell) => return,
            // The rows of an office that a create has compared are read as by that create.
            Some(read) if self.policy.names.found_by.is_none() => {
                return self.refuse_reading(index, column, cell, &read);
            }
            _ => {}
        }
        let is_key = self.is_import_key(&self.attributes[index].name);
        let trimmed = is_key.then(|| without_blanks(cell)).flatten();
        let cell = trimmed.as_ref().unwrap_or(cell);
        let meaning = value::meaning(&self.policy, cell, false);
        if matches!(meaning, Ok(Meaning::Absent)) {
            return self.note_uncompared_attribute(column, index);
        }
        let lost = self.lost_zeros(&self.attributes[index].name, cell);
        // `index` was returned by `attribute`, and attributes are never removed.
        let attribute = &mut self.attributes[index];
        let known = attribute
            .known
            .zip(self.policy.names.settings.as_deref())
            .map(|(place, settings)| (place, &settings.content().attributes[place]));
        if known.is_some_and(|(_, known)| typed::is_blank(known, cell)) {
            return self.note_uncompared_attribute(column, index);
        }
        let twice = attribute.last_given == self.rows;
        attribute.last_given = self.rows;
        let start = self.attribute_body.len();
        self.attribute_body
            .extend_from_slice(attribute.opening.as_bytes());
        let value = self.attribute_body.len();
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
        let body = &mut self.attribute_body;
        let written = meaning.and_then(|meaning| match (meaning, known, &mut self.names) {
            (Meaning::Value, Some((place, known)), Some(names)) => {
                names.given.insert(place);
                let reading = &self.readings[reading];
                let written = typed::write(known, place, cell, (&self.policy, reading), names, body);
                let (is_read, row) = (written.is_ok(), self.rows - 1);
                self.doubts
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
        let name = &self.attributes[index].name;
        if written.is_ok() && self.is_same(name, &self.attribute_body[value..]) {
            if !twice {
                self.attributes[index].last_given = 0;
            }
            if let (Some(place), Some(names)) = (self.attributes[index].known, &mut self.names) {
                names.given.set(place, twice && names.given.contains(place));
                names.cleared.set(place, twice && names.cleared.contains(place));
            }
            return self.attribute_body.truncate(start);
        }
        self.attribute_body.push(b',');
        if !twice && written.is_ok() {
            if is_key {
                self.import_key_at = Some(value..self.attribute_body.len() - 1);
                self.office.key_is_number = is_number(cell);
            }
            if is_text && self.notes_digits() {
                let name = self.attributes[index].name.clone();
                self.note_digits(column, name, cell);
            }
            if self.compares_numbers(cell) {
                let text = self.attribute_body.get(value + 1..self.attribute_body.len() - 2);
                let field = &self.attributes[index].name;
                self.office.note_text(field, text.unwrap_or_default());
            }
            let attribute = &self.attributes[index];
            let name = column.map_or(&*attribute.name, |column| called_of(&self.columns, column));
            if is_key && arrived_as_number(cell) {
                self.office.note_number(name, self.rows - 1);
            } else if trimmed.is_some() {
                let name = name.to_owned();
                self.note_trimmed(name);
            }
            if value::is_blank_as_text(cell) {
                self.note_blank(self.attributes[index].name.clone());
            }
            return;
        }
        self.attribute_body.truncate(start);
        let written = written.map_err(|refusal| {
            let refusal = self.with_fix_of_date(column, cell, refusal);
            self.with_fix_of_placeholder(column, cell, refusal)
        });
        let column = match column.and_then(|column| self.columns.get(column.0 as usize)) {
            Some(named) => named.name.clone(),
            None => format!("{CUSTOM_ATTRIBUTES}.{}", self.attributes[index].name),
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

    /// Returns the name of a custom attribute's column in the user's data, if there is such a column.
    pub(in crate::rows) fn attribute_column(&self, attribute: usize) -> Option<String> {
        self.attributes[attribute]
            .column
            .map(|column| self.called(column).to_owned())
    }
}
