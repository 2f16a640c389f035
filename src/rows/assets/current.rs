//! Compares the cells of a patch with the assets that they change, if the rows were read from the service. A cell
//! whose asset already has its value counts as absent.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::edits::Ignored;
use super::state::{Assets, STATUS};
use crate::api::assets::FIELDS;
use crate::api::assets::fields::CUSTOM_ATTRIBUTES;
use crate::input::{Cell, Column, Owned};
use crate::model::same::{Form, same};
use crate::model::text::{same_key, trimmed};
use crate::model::value::{flag, is_active};
use crate::rows::compare;
use crate::rows::fields;
use crate::rows::problem::shown;
use crate::rows::reading::Reading;
use crate::rows::rules::{
    DELETED_ASSET, DRIFTED, LEADING_ZEROS, NOT_COMPARED, SET_BY_SERVICE, VERSION as VERSION_RULE,
};
use crate::rows::value::{self, Nulls, Refusal};
use crate::rows::writer::Writer;

/// The note on a column that only the service sets.
pub(super) const OF_SERVICE: &str = "set by the service, so not sent";

/// The field that counts the changes of an asset.
const VERSION: &str = "version";

impl Writer<Assets> {
    /// Records a blank cell, if cells are compared. It differs from the value of the asset. `field` is the name of the
    /// field or custom attribute.
    pub(super) fn note_uncompared(&mut self, column: Option<Column>, field: &str) {
        if self.kind.current.is_some() && self.policy.nulls == Nulls::Omit {
            let name = column.map_or(field, |column| self.called(column)).to_owned();
            let is_lasting = FIELDS.find(field).is_some_and(|known| known.required);
            self.kind.uncompared.push((name, is_lasting));
        }
    }

    pub(super) fn note_uncompared_attribute(&mut self, column: Option<Column>, attribute: usize) {
        let name = self.kind.attributes[attribute].name.clone();
        self.note_uncompared(column, &name);
    }

    /// Records the blank cells and the changed values of the service. If the asset may have changed since the row was
    /// read, it is unknown whether the row was edited.
    pub(super) fn note_edits(&mut self) {
        let now = self
            .kind
            .current
            .as_ref()
            .and_then(|asset| json_version(asset.get(VERSION)?));
        if self.kind.version.is_some() && self.kind.version != now {
            return;
        }
        for (column, is_lasting) in std::mem::take(&mut self.kind.uncompared) {
            let Ignored { blank, lasting, .. } = &mut self.kind.ignored_edits;
            let edits = if is_lasting { lasting } else { blank };
            edits.add(&column, self.rows - 1);
        }
        let of_changes = ["updatedAt", "updatedBy", "deletedAt", "deletedBy"];
        for (column, field) in std::mem::take(&mut self.kind.edited) {
            if self.kind.version.is_some() || !of_changes.contains(&field) {
                self.kind.ignored_edits.of_service.add(&column, self.rows - 1);
            }
        }
    }

    /// Returns whether a value of the service differs from that of the asset, as far as is certain.
    fn is_edited(&self, field: &str, cell: &Cell<'_>) -> bool {
        let held = self.kind.current.as_ref().and_then(|asset| asset.get(field));
        let Some(held) = held.filter(|held| !held.is_null()) else {
            return false;
        };
        match (field, cell) {
            (VERSION, _) => false,
            ("isActive", cell) => {
                let read = match cell {
                    Cell::Bool(value) => Some(*value),
                    Cell::Int(number) => Some(*number != 0),
                    Cell::Float(number) => Some(*number != 0.0),
                    Cell::Text(text) => self.policy.names.reading.boolean(text),
                    _ => None,
                };
                read.zip(flag(held)).is_some_and(|(read, held)| read != held)
            }
            (field, cell) if field.ends_with("At") => {
                let instant = match cell {
                    Cell::Text(text) => text.trim().parse::<Timestamp>().ok(),
                    Cell::Zoned(moment, offset) => offset.to_timestamp(*moment).ok(),
                    // Without its time zone, a time may be any instant of a day.
                    _ => None,
                };
                let held = held.as_str().and_then(|held| held.parse::<Timestamp>().ok());
                // Spreadsheets round times.
                instant
                    .zip(held)
                    .is_some_and(|(one, other)| one.as_second().abs_diff(other.as_second()) > 1)
            }
            (_, cell) => !compare::is_unchanged(cell, held, Form::Trimmed),
        }
    }

    /// Reads a value that only the service sets.
    pub(super) fn service_cell(&mut self, name: &str, field: &'static str, cell: &Cell<'_>) {
        if matches!(cell, Cell::Null) {
            return;
        }
        self.kind.are_of_service = true;
        let names = &self.policy.names;
        if names.current.is_none() && names.assets.is_none() {
            self.kind.needs_asset = true;
            if self
                .problems
                .iter()
                .any(|problem| problem.code == SET_BY_SERVICE.code)
            {
                return;
            }
            let message = format!(
                "`{name}` shows that this row was read from the service, but its asset cannot be compared, because \
                 the rows can be read only once"
            );
            let fix =
                "pass the rows as a list, a DataFrame or a file, or drop the columns that the service sets";
            let problem = SET_BY_SERVICE.problem(name, &shown(cell), message, fix);
            return self.problems.push(problem);
        }
        if !is_blank(cell) && self.is_edited(field, cell) {
            self.kind.edited.push((name.to_owned(), field));
        }
        if field == VERSION && !is_blank(cell) {
            self.kind.version = version_of(cell, &self.policy.names.reading);
            if self.kind.version.is_none() {
                let message = format!("`{name}` is '{}': not a whole number", shown(cell));
                self.problems
                    .push(VERSION_RULE.problem(name, &shown(cell), message, ""));
            }
        }
    }

    /// Adds a problem if the row must be compared with its asset, and the asset was not read or was deleted.
    pub(super) fn check_asset(&mut self) {
        if self.policy.names.current.is_none() {
            return;
        }
        let (rule, message) = match &self.kind.current {
            None => (
                &NOT_COMPARED,
                "the service did not return this asset, so the row could not be compared and was not sent",
            ),
            Some(asset) if !is_active(asset.get("isActive"), asset.get("deletedAt")) => {
                (&DELETED_ASSET, "the asset was deleted")
            }
            Some(_) => return,
        };
        let problem = rule.problem(&self.policy.id_column, &self.key, message.to_owned(), "");
        // Other problems may be due to this one.
        self.problems = vec![problem];
    }

    /// Returns the current value of a field or custom attribute. `None` if cells are not compared.
    fn current_value(&self, name: &str) -> Option<&Value> {
        let asset = self.kind.current.as_ref()?;
        let own = asset.get(name);
        let attributes = asset.get(CUSTOM_ATTRIBUTES);
        let held = own.or_else(|| attributes.and_then(|held| held.get(fields::bare(FIELDS, name))));
        Some(held.unwrap_or(&Value::Null))
    }

    /// Returns whether a cell is the value that the asset has.
    pub(super) fn is_unchanged(&self, name: &str, cell: &Cell<'_>) -> bool {
        self.current_value(name).is_some_and(|old| {
            compare::is_unchanged(cell, old, self.form(name))
                || self.is_rounded(name, cell, old)
                || self.is_spelling(name, cell, old)
                || (name != FIELDS.at(STATUS).name && self.is_named(name, cell, old))
        })
    }

    /// Returns whether a cell of a workbook is the number of the asset, rounded to the digits that Excel shows.
    fn is_rounded(&self, name: &str, cell: &Cell<'_>, old: &Value) -> bool {
        let shown = match cell {
            Cell::Float(number) => number.to_string(),
            Cell::Int(number) => number.to_string(),
            _ => return false,
        };
        self.policy.is_workbook()
            && self.form(name) == Form::Attribute("numeric")
            && compare::is_rounded(&shown, old)
    }

    /// Returns the number that a text means with the options for reading, if it is not that of the asset, although the
    /// asset has the same text. `reading` says how the column is read.
    pub(super) fn reads_otherwise(&self, name: &str, reading: &Reading, cell: &Cell<'_>) -> Option<String> {
        let Cell::Text(text) = cell else { return None };
        let old = self.current_value(name)?;
        let is_same = compare::is_unchanged(cell, old, self.form(name));
        if !is_same || self.form(name) != Form::Attribute("numeric") {
            return None;
        }
        let read = reading.number(text).ok()?;
        (!same(&Value::from(&*read), old, self.form(name))).then(|| read.into_owned())
    }

    /// Returns whether a cell is another spelling of the import key by which the asset was found. If the key is spelled in
    /// another way, the service may have changed the case of the clientAssetId and the barcode as well.
    fn is_spelling(&self, name: &str, cell: &Cell<'_>, old: &Value) -> bool {
        let Some(found_by) = self.policy.names.found_by.as_deref() else {
            return false;
        };
        let (Cell::Text(text), Value::String(old)) = (cell, old) else {
            return false;
        };
        same_key(text) == same_key(old)
            && (name == found_by || FIELDS.is_identifier(name) && !self.kind.key_is_exact)
    }

    /// Returns whether the row has the import key of its asset in the same spelling.
    pub(super) fn has_exact_key(&self) -> bool {
        let names = &self.policy.names;
        let Some(found_by) = names.found_by.as_deref() else {
            return true;
        };
        let key = self.held_text(found_by);
        let held = self.current_value(found_by).and_then(Value::as_str);
        key.is_none() || key.map(str::trim) == held.map(str::trim)
    }

    /// Returns the text of a field or custom attribute, if its cell came before the id.
    fn held_text(&self, field: &str) -> Option<&str> {
        let is_of_field = |column: &Column| {
            self.field_of(*column)
                .flatten()
                .is_some_and(|known| known == field)
        };
        let (_, held) = self.kind.held.iter().find(|(column, _)| is_of_field(column))?;
        match held {
            Owned::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns why a text of digits is not sent, if the asset has the same digits with more leading zeros: programs such
    /// as Excel drop these zeros when they save a CSV file.
    pub(super) fn lost_zeros(&self, name: &str, cell: &Cell<'_>) -> Option<Refusal> {
        let Cell::Text(text) = cell else { return None };
        let (text, old) = (trimmed(text), self.current_value(name)?.as_str()?.trim());
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Programs remove zeros, and add ".0" in files. Other zeros are added by people.
        let is_shorter = text.len() < old.len() && (self.row_title().is_some() || are_digits(old));
        let is_printed = text.ends_with(".0") && self.row_title().is_some();
        let may_be_read = text != old && (is_shorter || is_printed);
        if !may_be_read || compare::as_number(text)? != compare::as_number(old)? {
            return None;
        }
        let reason = format!("the asset has '{old}', which a program may have read as a number");
        let fix = if self.policy.names.found_by.is_some() {
            "write the value of the asset to keep it, or leave out the column with mapping={'...': None} in the create"
        } else {
            "write the value of the asset to keep it, or leave out the column with mapping={'...': None}. To change it, patch \
             only this column with the id of the asset"
        };
        Some(Refusal::new(&LEADING_ZEROS, reason, fix))
    }

    /// Returns whether a cell is the label of the status that the asset has. The label is kept until the end of the row:
    /// if the row changes the category, it means a status of the new category.
    pub(super) fn keeps_status(&mut self, cell: &Cell<'_>) -> bool {
        let name = FIELDS.at(STATUS).name;
        let old = self.current_value(name);
        let (Cell::Text(label), Some(true)) = (cell, old.map(|old| self.is_named(name, cell, old))) else {
            return false;
        };
        // An edited id may stand next to an unchanged label.
        let is_given = self.is_given(STATUS);
        if let Some(names) = self.kind.names.as_mut().filter(|_| !is_given) {
            names.keep_status(label);
        }
        true
    }

    fn is_named(&self, name: &str, cell: &Cell<'_>, old: &Value) -> bool {
        let Some(settings) = self.policy.names.settings.as_deref() else {
            return false;
        };
        let reference = settings.reference(fields::bare(FIELDS, name));
        reference.is_some_and(|reference| compare::is_named(cell, old, |id| settings.name_of(reference, id)))
    }

    /// Returns how the values of a field or custom attribute are compared.
    pub(super) fn form(&self, name: &str) -> Form<'_> {
        if FIELDS.named(name).is_some() {
            FIELDS.form(name)
        } else {
            compare::form_of_attribute(fields::bare(FIELDS, name), self.policy.names.settings.as_deref())
        }
    }

    /// Returns whether the JSON of a value is equal to the value that the asset has.
    pub(super) fn is_same(&self, name: &str, json: &[u8]) -> bool {
        let Some(old) = self.current_value(name) else {
            return false;
        };
        serde_json::from_slice(json).is_ok_and(|new| same(&new, old, self.form(name)))
    }

    /// Adds a problem if the asset has changed since the row was read.
    pub(super) fn check_version(&mut self) {
        let Some((read, asset)) = self.kind.version.zip(self.kind.current.as_ref()) else {
            return;
        };
        let now = asset.get(VERSION).and_then(json_version);
        if now.is_none() {
            let message = "the service did not return the version of this asset, so the row could not be compared and \
                           was not sent";
            let problem = NOT_COMPARED.problem(VERSION, &read.to_string(), message.to_owned(), "");
            self.problems = vec![problem];
        }
        if let Some(now) = now.filter(|now| *now > read) {
            // Other problems may be due to the change, for example if a row has both a status and its id.
            self.problems.clear();
            let message =
                format!("the asset has changed since it was read: its version was {read} and is now {now}");
            let problem = DRIFTED.problem(VERSION, &read.to_string(), message, "");
            self.problems.push(problem);
        }
    }

    /// Returns whether the row that just ended has the values that its asset already has, so there is nothing to
    /// send.
    pub(in crate::rows) fn has_nothing_to_send(&self) -> bool {
        self.kind.unchanged
    }

    /// Returns whether the rows so far were read from the service, because they have values that only the
    /// service sets.
    pub(in crate::rows) fn are_of_service(&self) -> bool {
        self.kind.are_of_service
    }

    /// Returns the warning that columns of the service were ignored.
    pub(super) fn compared(&self) -> Option<String> {
        let of_service: Vec<String> = self
            .uses
            .iter()
            .filter(|used| used.note == OF_SERVICE && self.kind.are_of_service)
            .map(|used| format!("`{}`", used.column))
            .collect();
        (!of_service.is_empty() && self.policy.names.current.is_some()).then(|| {
            format!(
                "the rows were compared with their assets, and only cells that differ are sent. Columns that only the \
                 service sets were ignored: {}",
                of_service.join(", ")
            )
        })
    }
}

fn is_blank(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Null => true,
        Cell::Text(text) => text.trim().is_empty(),
        Cell::Float(number) => number.is_nan(),
        Cell::Float32(number) => number.is_nan(),
        _ => false,
    }
}

fn version_of(cell: &Cell<'_>, reading: &Reading) -> Option<u64> {
    let mut written = Vec::new();
    let text = match cell {
        Cell::Text(text) => match json_version(&Value::from(*text)) {
            Some(version) => return Some(version),
            None => reading.number(text).ok()?,
        },
        other => {
            value::number(other, &mut written)?.ok()?;
            Cow::Owned(serde_json::from_slice(&written).ok()?)
        }
    };
    json_version(&Value::from(text.trim()))
}

/// Reads a version, which may be a number or a string ("PATCH assets:batch-patch" reference page).
fn json_version(version: &Value) -> Option<u64> {
    match version {
        Value::String(text) => {
            let text = text.trim().trim_end_matches(',');
            text.strip_suffix(".0").unwrap_or(text).parse().ok()
        }
        version => version.as_u64(),
    }
}
