//! Looks up categories by id, path or end of path.

use super::lookup_error::LookupError;
use super::tree::{find_or, near};
use crate::settings::indexed::Settings;
use crate::settings::notation::joined;

impl Settings {
    /// Looks up a category by id.
    #[must_use]
    pub fn category_of_id(&self, id: &str) -> Option<usize> {
        self.category_places.get(id).copied()
    }

    /// Looks up a category by id, path or end of path.
    ///
    /// # Errors
    /// The reason if there is no unique active match.
    pub fn category(&self, text: &str, separator: &str, suggest: bool) -> Result<usize, LookupError> {
        let text = text.trim();
        let called = self.categories_called(text, separator);
        match self.category_of_id(text) {
            // Classifications such as DIN 276 call categories by numbers.
            Some(place) if called.iter().any(|other| *other != place) => {
                let matches = std::iter::once(&place).chain(called.iter().filter(|other| **other != place));
                Err(LookupError::IdAndName(
                    matches
                        .map(|place| self.shown_category(*place, separator))
                        .collect(),
                ))
            }
            Some(place) => self.active_category(place, separator),
            None => self.one_category(&called, text, separator, suggest),
        }
    }

    /// Looks up a category only by id. `None` if no category has it.
    #[must_use]
    pub fn category_with_id(&self, id: &str, separator: &str) -> Option<Result<usize, LookupError>> {
        let place = self.category_of_id(id.trim())?;
        Some(self.active_category(place, separator))
    }

    fn active_category(&self, place: usize, separator: &str) -> Result<usize, LookupError> {
        if self.content.categories[place].active {
            Ok(place)
        } else {
            Err(LookupError::Inactive(self.shown_category(place, separator)))
        }
    }

    /// Looks up a category like [`Self::category`]. If no active category matches, an inactive one may match, since it
    /// may still have assets.
    ///
    /// # Errors
    /// The reason if there is no unique match.
    pub fn any_category(&self, text: &str, separator: &str) -> Result<usize, LookupError> {
        self.category(text, separator, true).or_else(|error| {
            let named = self.categories_called(text, separator);
            match (&error, self.category_of_id(text.trim()), &named[..]) {
                (LookupError::Inactive(_), Some(place), _) | (LookupError::Inactive(_), None, &[place]) => {
                    Ok(place)
                }
                _ => Err(error),
            }
        })
    }

    /// Finds the categories, active or not, with this path or end of path, or with this path and id.
    fn categories_called(&self, text: &str, separator: &str) -> Vec<usize> {
        find_or(&self.categories, text, separator, |id| self.category_of_id(id))
    }

    /// Looks up a category by the parts of its path.
    ///
    /// # Errors
    /// The reason if there is no unique active match.
    pub fn category_of_path(
        &self,
        path: &[&str],
        separator: &str,
        suggest: bool,
    ) -> Result<usize, LookupError> {
        self.one_category(
            &self.categories.find(path),
            &path.join(separator),
            separator,
            suggest,
        )
    }

    fn one_category(
        &self,
        found: &[usize],
        text: &str,
        separator: &str,
        suggest: bool,
    ) -> Result<usize, LookupError> {
        let active: Vec<usize> = found
            .iter()
            .copied()
            .filter(|place| self.content.categories[*place].active)
            .collect();
        match (&active[..], found) {
            ([one], _) => Ok(*one),
            ([], []) => Err(LookupError::Unknown(near(
                &self.categories,
                text,
                suggest,
                |place| {
                    let active = self.content.categories[place].active && !self.is_root(place);
                    active.then(|| joined(&self.categories.path(place), separator))
                },
            ))),
            ([], [inactive, ..]) => Err(LookupError::Inactive(self.shown_category(*inactive, separator))),
            (several, _) => Err(LookupError::Ambiguous(
                several
                    .iter()
                    .map(|place| self.shown_category(*place, separator))
                    .collect(),
            )),
        }
    }

    /// Formats a category for a message.
    #[must_use]
    pub fn shown_category(&self, category: usize, separator: &str) -> String {
        let path = joined(&self.categories.path(category), separator);
        format!("{path} ({})", self.content.categories[category].id)
    }
}
