//! Writes the category, status and location of a row, which may be given by name.

use uuid::Uuid;

use super::resolve::{GivenStatus, Resolver};
use crate::api::field::{Field, Refers};
use crate::input::Cell;
use crate::rows::json;
use crate::rows::rules::{
    CATEGORY as CATEGORY_RULE, LOCATION as LOCATION_RULE, LOCATIONS_UNREAD, REQUIRED, STATUS as STATUS_RULE,
    TURNED_TO_TEXT,
};
use crate::rows::value::{self, Refusal};
use crate::settings::LookupError;

impl Resolver {
    /// Writes the category, status or location of a row. `has_ids` says that the column is called like the field in the
    /// API, such as `categoryId`, so an id comes before a name. Returns `false` for a status label, which can be
    /// resolved only once the category is known.
    pub(super) fn field(
        &mut self,
        field: &Field,
        refers: Refers,
        has_ids: bool,
        cell: &Cell<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        let fix = field.fix(true);
        if matches!(cell, Cell::Text(text) if text.trim().is_empty()) {
            return Err(Refusal::new(&REQUIRED, "blank", "fill in the cell"));
        }
        let mut number = Vec::new();
        let number: Option<String> = match value::number(cell, &mut number) {
            Some(Ok(())) => serde_json::from_slice(&number).ok(),
            Some(Err(refusal)) => return Err(refusal),
            None => None,
        };
        let text = match cell {
            Cell::Text(text) | Cell::Shown { text, .. } => Some(text.trim()),
            _ => number.as_deref(),
        };
        let path: Option<Vec<&str>> = match cell {
            Cell::List(items) => items
                .iter()
                .map(|item| match item {
                    Cell::Text(text) => Some(*text),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        match (refers, text, path) {
            (Refers::Category, Some(text), _) => {
                self.category_given = true;
                let with_id = has_ids.then(|| self.settings.category_with_id(text, &self.separator));
                let found = with_id.flatten().unwrap_or_else(|| self.category(text));
                // A number that was converted to a string gets its own problem, which is more helpful than "unknown
                // category".
                if let (Err(LookupError::Unknown(_)), Err(refusal)) =
                    (&found, value::field(field, &Cell::Text(text), &mut Vec::new()))
                    && *refusal.rule == TURNED_TO_TEXT
                {
                    return Err(refusal);
                }
                self.write_category(found, out)
            }
            (Refers::Category, None, Some(path)) => {
                self.category_given = true;
                let found = self.category_of_path(&path);
                self.write_category(found, out)
            }
            (Refers::Status, Some(text), _) => self.write_status(text, out),
            (Refers::Location, Some(text), _) => self.write_location(text, out),
            (Refers::Location, None, Some(path)) => {
                let found = self.location_of_path(&path);
                self.write_found_location(found, out)
            }
            (Refers::Category, ..) => {
                self.category_given = true;
                Err(Refusal::new(&CATEGORY_RULE, "expected an id or a name", fix))
            }
            (Refers::Status, ..) => Err(Refusal::new(&STATUS_RULE, "expected an id or a label", fix)),
            (Refers::Location, ..) => Err(Refusal::new(&LOCATION_RULE, "expected an id or a name", fix)),
        }
    }

    fn write_category(
        &mut self,
        found: Result<usize, LookupError>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        let place = found.map_err(|error| {
            Refusal::new(
                &CATEGORY_RULE,
                error.reason("category"),
                error.fix_of_cell("category"),
            )
        })?;
        self.category = Some(place);
        json::text(&self.settings.content().categories[place].id, out);
        Ok(true)
    }

    /// Sets the status of the row to the one that the asset has, given as its label.
    pub(super) fn keep_status(&mut self, label: &str) {
        self.status = GivenStatus::Label;
        label.trim().clone_into(&mut self.label);
        self.is_current_label = true;
    }

    fn write_status(&mut self, text: &str, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        self.is_current_label = false;
        if let Some((set, place)) = self.settings.status_of_id(text) {
            let status = &self.settings.content().status_sets[set].statuses[place];
            if !status.active {
                let reason = format!("the status `{}` is inactive", status.label);
                return Err(Refusal::new(&STATUS_RULE, reason, ""));
            }
            self.status = GivenStatus::Known(set, place);
            json::text(&status.id, out);
            return Ok(true);
        }
        if Uuid::try_parse(text).is_ok() {
            return Err(Refusal::new(
                &STATUS_RULE,
                "the project has no status with this id",
                "use the label of a status in the category's status set",
            ));
        }
        text.clone_into(&mut self.label);
        if let Err(error) = self.label_exists() {
            self.status_is_unknown = true;
            return Err(Refusal::new(
                &STATUS_RULE,
                error.reason("status"),
                error.fix_of_cell("status"),
            ));
        }
        self.status = GivenStatus::Label;
        Ok(false)
    }

    fn write_location(&mut self, text: &str, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        if let Ok(id) = Uuid::try_parse(text)
            && self.settings.location_of_id(text).is_none()
        {
            self.location_is_unknown = self.settings.knows_locations();
            json::text(&id.to_string(), out);
            return Ok(true);
        }
        let found = self.location(text);
        self.write_found_location(found, out)
    }

    fn write_found_location(
        &mut self,
        found: Result<usize, LookupError>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        let place = found.map_err(|error| match error {
            LookupError::Unread => {
                Refusal::new(&LOCATIONS_UNREAD, self.settings.locations_unread().to_owned(), "")
            }
            error => Refusal::new(
                &LOCATION_RULE,
                error.reason("location"),
                error.fix_of_cell("location"),
            ),
        })?;
        json::text(self.settings.location_id(place), out);
        Ok(true)
    }
}
