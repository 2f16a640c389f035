//! Looks up the values of select attributes by id or label.

use super::lookup_error::{LookupError, unknown_label};
use crate::settings::indexed::Settings;
use crate::settings::names::folded;

impl Settings {
    /// Looks up a value of a select or multi-select attribute by id or label, and returns its index.
    ///
    /// # Errors
    /// The reason if no active value matches.
    pub fn choice(&self, attribute: usize, text: &str, suggest: bool) -> Result<usize, LookupError> {
        let choices = &self.content.attributes[attribute].choices;
        let index = &self.choices[attribute];
        let found = index
            .by_label
            .get(&folded(text))
            .or_else(|| index.by_id.get(&text.trim().to_ascii_lowercase()));
        match found {
            Some(place) if choices[*place].active => Ok(*place),
            Some(place) => Err(LookupError::Inactive(format!("`{}`", choices[*place].label))),
            None if suggest => {
                let active = choices.iter().filter(|choice| choice.active);
                let labels: Vec<&str> = active.map(|choice| choice.label.as_str()).collect();
                Err(unknown_label(text, &labels))
            }
            None => Err(LookupError::Unknown(Vec::new())),
        }
    }

    /// Finds the values of a select or multi-select attribute with this label, or else the one with this id. They may be
    /// inactive, since assets may still have them. Returns their indexes.
    ///
    /// # Errors
    /// The reason if no value matches.
    pub fn any_choices(&self, attribute: usize, text: &str) -> Result<Vec<usize>, LookupError> {
        let label = folded(text);
        let choices = self.content.attributes[attribute].choices.iter().enumerate();
        let called = choices.filter(|(_, choice)| folded(&choice.label) == label);
        let called: Vec<usize> = called.map(|(place, _)| place).collect();
        if !called.is_empty() {
            return Ok(called);
        }
        let of_id = self.choices[attribute]
            .by_id
            .get(&text.trim().to_ascii_lowercase());
        match of_id {
            Some(place) => Ok(vec![*place]),
            None => self.choice(attribute, text, true).map(|place| vec![place]),
        }
    }

    /// Returns the id of a value, given the index of its attribute and the index of the value.
    #[must_use]
    pub fn choice_id(&self, attribute: usize, choice: usize) -> &str {
        &self.content.attributes[attribute].choices[choice].id
    }
}
