//! Dicts of custom attributes, and how attributes identify rows.

use super::state::{Assets, Entry};
use crate::api::RowShape;
use crate::api::assets::fields::CUSTOM_ATTRIBUTES;
use crate::input::Cell;
use crate::model::text::trimmed;
use crate::rows::fields;
use crate::rows::identity::Seed;
use crate::rows::policy::Policy;
use crate::rows::problem::{refused, shown};
use crate::rows::rules::{ATTRIBUTE_VALUE, CLEAR, UNKNOWN_ATTRIBUTE};
use crate::rows::value::{self, Meaning, Refusal};
use crate::rows::writer::Writer;

impl Writer<Assets> {
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
                let known = attribute.and_then(|attribute| self.kind.attributes[attribute].known);
                self.identify_attribute(reading, seed, known, value);
            }
            match attribute {
                Some(attribute) => self.attribute_cell(attribute, None, reading, value),
                None => self.unknown_entry(name, value),
            }
        }
    }

    /// Reads a cell that should be a dict of custom attributes.
    pub(super) fn attributes_cell(&mut self, cell: &Cell<'_>) {
        let refusal = match value::meaning(self.policy.shape, self.policy.nulls, cell, true) {
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
        if self
            .kind
            .entries
            .get(place)
            .is_none_or(|entry| entry.name != name)
        {
            let attribute = self.attribute_named(name).ok();
            let reading = self.add_reading(name);
            let entry = Entry {
                reading,
                name: name.to_owned(),
                seed: Seed::heading(name),
                attribute: attribute.map(|name| self.attribute(&name)),
            };
            match self.kind.entries.get_mut(place) {
                Some(last) => *last = entry,
                // Entries are read in order, so this is the next index.
                None => self.kind.entries.push(entry),
            }
        }
        &self.kind.entries[place]
    }

    /// Looks up a name in a dict of custom attributes. If the name is invalid, returns the problem and the fix.
    pub(super) fn attribute_named(&self, name: &str) -> Result<String, (String, String)> {
        let Some(names) = &self.kind.names else {
            return if fields::is_attribute(name) {
                Ok(name.to_owned())
            } else {
                let message = format!("`{name}` is not the name of a custom attribute");
                Err((message, String::new()))
            };
        };
        let settings = &names.settings;
        settings
            .attribute_meant(name, false)
            .map(|place| settings.content().attributes[place].name.clone())
            .map_err(|error| {
                let what = "custom attribute";
                (format!("`{name}`: {}", error.reason(what)), error.fix(what))
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

    /// Adds the cell of an attribute to the digest of a row, as the options read it. `known` is the index of the attribute
    /// in the settings.
    pub(super) fn identify_attribute(
        &mut self,
        reading: usize,
        seed: Seed,
        known: Option<usize>,
        cell: &Cell<'_>,
    ) {
        let reading = &self.readings[reading];
        let read = match (known.zip(self.policy.names.settings.as_deref()), cell) {
            (Some((place, settings)), Cell::Text(text)) => {
                let data_type = &settings.content().attributes[place].data_type;
                reading.identity(data_type, trimmed(text))
            }
            _ => None,
        };
        match read {
            Some(read) => self.identity.read(seed, &read),
            None => match at_midnight(known, &self.policy, cell) {
                Some(date) => self.identity.cell(seed, &Cell::Text(date)),
                None => self.identity.cell(seed, cell),
            },
        }
    }
}

/// Returns the date of a text with a date and a time of midnight, in a column of dates: pandas writes a date cell like this.
fn at_midnight<'c>(known: Option<usize>, policy: &Policy, cell: &Cell<'c>) -> Option<&'c str> {
    let Cell::Text(text) = cell else { return None };
    let date = trimmed(text).strip_suffix("00:00:00")?.strip_suffix([' ', 'T'])?;
    let attribute = &policy.names.settings.as_deref()?.content().attributes[known?];
    (attribute.data_type == "date" && date.parse::<jiff::civil::Date>().is_ok()).then_some(date)
}
