//! Looks up custom attributes by name.

use super::miss::Miss;
use crate::settings::indexed::Settings;
use crate::settings::names::{folded, nearest, plain};
use crate::settings::notation::{with_id, without_id};

impl Settings {
    /// Looks up a custom attribute by its name `caN`.
    #[must_use]
    pub fn attribute_of_name(&self, name: &str) -> Option<usize> {
        self.attribute_places.get(name).copied()
    }

    /// Looks up a custom attribute by its display name, comparing only the letters and digits. The attribute's own name
    /// may follow in parentheses, as in `Airflow (ca3)`.
    ///
    /// # Errors
    /// The reason if there is no unique active match.
    pub fn attribute(&self, text: &str) -> Result<usize, Miss> {
        let found = self.attribute_called(text);
        let numbered = without_id(text).and_then(|(called, name)| {
            let place = self.attribute_of_name(name)?;
            (plain(&self.content.attributes[place].display_name) == plain(called)).then_some(place)
        });
        let Some(place) = numbered else { return found };
        let attribute = &self.content.attributes[place];
        match found {
            Ok(other) if other != place => Err(Miss::Ambiguous(
                [other, place].map(|place| self.shown_attribute(place)).into(),
            )),
            Err(miss @ Miss::Ambiguous(_)) => Err(miss),
            _ if attribute.active => Ok(place),
            _ => Err(self.inactive(place)),
        }
    }

    /// Looks up a custom attribute like [`Self::attribute`]. If no active one matches, an inactive one may match, since
    /// assets may still have values of it.
    ///
    /// # Errors
    /// The reason if there is no unique match.
    pub fn any_attribute(&self, text: &str) -> Result<usize, Miss> {
        self.attribute(text).or_else(|miss| match miss {
            Miss::Inactive(_) => self.inactive_attribute(text).ok_or_else(|| {
                let called = self.attribute_names.get(&plain(text)).into_iter().flatten();
                Miss::Ambiguous(called.map(|place| self.shown_attribute(*place)).collect())
            }),
            miss => Err(miss),
        })
    }

    /// Looks up an inactive custom attribute by its display name, which its own name may follow in parentheses. `None` if
    /// there is no unique match.
    #[must_use]
    pub fn inactive_attribute(&self, text: &str) -> Option<usize> {
        let named = self
            .attribute_names
            .get(&plain(text))
            .map_or(&[][..], Vec::as_slice);
        let place = match named {
            [one] => *one,
            _ => self.attribute_of_name(without_id(text)?.1)?,
        };
        let matches = self.attribute(text) == Err(self.inactive(place));
        matches.then_some(place)
    }

    fn inactive(&self, place: usize) -> Miss {
        Miss::Inactive(format!("`{}`", self.content.attributes[place].display_name))
    }

    fn shown_attribute(&self, place: usize) -> String {
        let attribute = &self.content.attributes[place];
        with_id(&attribute.display_name, &attribute.name)
    }

    fn attribute_called(&self, text: &str) -> Result<usize, Miss> {
        let found: &[usize] = self.attribute_names.get(&plain(text)).map_or(&[], Vec::as_slice);
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
            (_, [], []) => Err(Miss::Unknown(nearest(
                text,
                attributes
                    .iter()
                    .filter(|attribute| attribute.active)
                    .map(|attribute| (attribute.display_name.as_str(), folded(&attribute.display_name))),
            ))),
            (_, [], [inactive, ..]) => Err(self.inactive(*inactive)),
            (_, several, _) => Err(Miss::Ambiguous(
                several.iter().map(|place| self.shown_attribute(*place)).collect(),
            )),
        }
    }
}
