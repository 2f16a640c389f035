//! Looks up locations by id, path, end of path or barcode.

use super::lookup_error::LookupError;
use super::tree::{find_or, near};
use crate::settings::content::{Content, LOCATIONS_UNREAD};
use crate::settings::indexed::Settings;
use crate::settings::notation::joined;

impl Settings {
    /// Looks up a location by id.
    #[must_use]
    pub fn location_of_id(&self, id: &str) -> Option<usize> {
        self.location_places.get(&id.to_ascii_lowercase()).copied()
    }

    /// Returns whether the locations of the project were read.
    #[must_use]
    pub fn knows_locations(&self) -> bool {
        self.content.locations.is_some()
    }

    /// Returns why the locations of the project are missing.
    #[must_use]
    pub fn locations_unread(&self) -> &str {
        let mut notes = self.content.notes.iter();
        notes
            .find(|note| note.starts_with(LOCATIONS_UNREAD))
            .map_or(LOCATIONS_UNREAD, String::as_str)
    }

    /// Looks up a location by id, path, end of path or barcode.
    ///
    /// # Errors
    /// The reason if there is no unique match.
    pub fn location(&self, text: &str, separator: &str, suggest: bool) -> Result<usize, LookupError> {
        let text = text.trim();
        if !self.knows_locations() {
            return Err(LookupError::Unread);
        }
        if let Some(place) = self.location_of_id(text) {
            return Ok(place);
        }
        let mut found = find_or(&self.locations, text, separator, |id| self.location_of_id(id));
        for place in self.location_barcodes.get(text).into_iter().flatten() {
            if !found.contains(place) {
                found.push(*place);
            }
        }
        self.one_location(&found, text, separator, suggest)
    }

    /// Looks up a location by the parts of its path.
    ///
    /// # Errors
    /// The reason if there is no unique match.
    pub fn location_of_names(
        &self,
        path: &[&str],
        separator: &str,
        suggest: bool,
    ) -> Result<usize, LookupError> {
        if !self.knows_locations() {
            return Err(LookupError::Unread);
        }
        self.one_location(
            &self.locations.find(path),
            &path.join(separator),
            separator,
            suggest,
        )
    }

    fn one_location(
        &self,
        found: &[usize],
        text: &str,
        separator: &str,
        suggest: bool,
    ) -> Result<usize, LookupError> {
        let name = |place: usize| joined(&self.locations.path(place), separator);
        match found {
            [one] => Ok(*one),
            [] => Err(LookupError::Unknown(near(
                &self.locations,
                text,
                suggest,
                |place| Some(name(place)),
            ))),
            several => Err(LookupError::Ambiguous(
                several
                    .iter()
                    .map(|place| format!("{} ({})", name(*place), self.location_id(*place)))
                    .collect(),
            )),
        }
    }

    /// Returns the id of a location.
    #[must_use]
    pub fn location_id(&self, location: usize) -> &str {
        let Content { locations, .. } = &self.content;
        locations
            .as_ref()
            .and_then(|locations| locations.get(location))
            .map_or("", |location| location.id.as_str())
    }
}
