//! Looks up custom attributes by name.

use super::lookup_error::LookupError;
use crate::settings::indexed::Settings;
use crate::settings::names::{folded, folded_heading, nearest};
use crate::settings::notation::{with_id, without_id};

impl Settings {
    /// Looks up a custom attribute by its name `caN`.
    #[must_use]
    pub fn attribute_of_name(&self, name: &str) -> Option<usize> {
        self.attribute_places.get(name).copied()
    }

    /// Looks up a custom attribute by its own name, such as `ca3`, or else by its display name. With `inactive`, an inactive
    /// one may have the display name, if no active one has.
    ///
    /// # Errors
    /// The reason if there is no unique match.
    pub fn attribute_meant(&self, text: &str, inactive: bool) -> Result<usize, LookupError> {
        match self.attribute_of_name(text) {
            Some(place) => Ok(place),
            None if inactive => self.any_attribute(text),
            None => self.attribute(text),
        }
    }

    /// Looks up a custom attribute by its display name, comparing only the letters and digits. The attribute's own name
    /// may follow in parentheses, as in `Airflow (ca3)`.
    ///
    /// # Errors
    /// The reason if there is no unique active match.
    pub fn attribute(&self, text: &str) -> Result<usize, LookupError> {
        let found = self.attribute_called(text);
        let numbered = without_id(text).and_then(|(called, name)| {
            let place = self.attribute_of_name(name)?;
            (folded_heading(&self.content.attributes[place].display_name) == folded_heading(called))
                .then_some(place)
        });
        let Some(place) = numbered else { return found };
        let attribute = &self.content.attributes[place];
        match found {
            Ok(other) if other != place => Err(LookupError::Ambiguous(
                [other, place].map(|place| self.shown_attribute(place)).into(),
            )),
            Err(error @ LookupError::Ambiguous(_)) => Err(error),
            _ if attribute.active => Ok(place),
            _ => Err(self.inactive(place)),
        }
    }

    /// Looks up a custom attribute like [`Self::attribute`]. If no active one matches, an inactive one may match, since
    /// assets may still have values of it.
    ///
    /// # Errors
    /// The reason if there is no unique match.
    pub fn any_attribute(&self, text: &str) -> Result<usize, LookupError> {
        self.attribute(text).or_else(|error| match error {
            LookupError::Inactive(_) => self.inactive_attribute(text).ok_or_else(|| {
                let called = self
                    .attribute_names
                    .get(&folded_heading(text))
                    .into_iter()
                    .flatten();
                LookupError::Ambiguous(called.map(|place| self.shown_attribute(*place)).collect())
            }),
            error => Err(error),
        })
    }

    /// Looks up an inactive custom attribute by its display name, which its own name may follow in parentheses. `None` if
    /// there is no unique match.
    #[must_use]
    pub fn inactive_attribute(&self, text: &str) -> Option<usize> {
        let named = self
            .attribute_names
            .get(&folded_heading(text))
            .map_or(&[][..], Vec::as_slice);
        let place = match named {
            [one] => *one,
            _ => self.attribute_of_name(without_id(text)?.1)?,
        };
        let matches = self.attribute(text) == Err(self.inactive(place));
        matches.then_some(place)
    }

    fn inactive(&self, place: usize) -> LookupError {
        LookupError::Inactive(format!("`{}`", self.content.attributes[place].display_name))
    }

    fn shown_attribute(&self, place: usize) -> String {
        let attribute = &self.content.attributes[place];
        with_id(&attribute.display_name, &attribute.name)
    }

    fn attribute_called(&self, text: &str) -> Result<usize, LookupError> {
        let found: &[usize] = self
            .attribute_names
            .get(&folded_heading(text))
            .map_or(&[], Vec::as_slice);
        let attributes = &self.content.attributes;
        let active: Vec<usize> = found
            .iter()
            .copied()
            .filter(|place| attributes[*place].active)
            .collect();
        let exactly: Vec<usize> = active
            .iter()
            .copied()
            .filter(|place| attributes[*place].display_name.trim() == text.trim())
            .collect();
        match (&exactly[..], &active[..], found) {
            ([one], ..) | (_, [one], _) => Ok(*one),
            (_, [], []) => Err(LookupError::Unknown(nearest(
                text,
                attributes
                    .iter()
                    .filter(|attribute| attribute.active)
                    .map(|attribute| (attribute.display_name.as_str(), folded(&attribute.display_name))),
            ))),
            (_, [], [inactive, ..]) => Err(self.inactive(*inactive)),
            (_, several, _) => Err(LookupError::Ambiguous(
                several.iter().map(|place| self.shown_attribute(*place)).collect(),
            )),
        }
    }
}
