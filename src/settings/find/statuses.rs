//! Looks up statuses by id or label.

use super::lookup_error::{LookupError, unknown_label};
use crate::settings::indexed::Settings;
use crate::settings::names::folded;

impl Settings {
    /// Looks up the set and index of a status by id.
    #[must_use]
    pub fn status_of_id(&self, id: &str) -> Option<(usize, usize)> {
        self.status_places.get(&id.trim().to_ascii_lowercase()).copied()
    }

    /// Looks up the index of a status in a set by its label.
    ///
    /// # Errors
    /// The reason if no active status matches.
    pub fn status(&self, set: usize, label: &str, suggest: bool) -> Result<usize, LookupError> {
        let statuses = &self.content.status_sets[set].statuses;
        match self.labels[set].get(&folded(label)) {
            Some(place) if statuses[*place].active => Ok(*place),
            Some(place) => Err(LookupError::Inactive(format!("`{}`", statuses[*place].label))),
            None if suggest => {
                let active = statuses.iter().filter(|status| status.active);
                let labels: Vec<&str> = active.map(|status| status.label.as_str()).collect();
                Err(unknown_label(label, &labels))
            }
            None => Err(LookupError::Unknown(Vec::new())),
        }
    }

    /// Finds the active statuses with this label in all active sets. Returns the index of each set, and the
    /// index of the status in the set.
    #[must_use]
    pub fn statuses_called(&self, label: &str) -> Vec<(usize, usize)> {
        let label = folded(label);
        let sets = self.labels.iter().enumerate();
        sets.filter_map(|(set, labels)| Some((set, *labels.get(&label)?)))
            .filter(|(set, place)| {
                let set = &self.content.status_sets[*set];
                set.active && set.statuses[*place].active
            })
            .collect()
    }

    /// Finds the statuses with this label in all sets, active or not, since assets may still have an inactive status.
    #[must_use]
    pub fn any_statuses_called(&self, label: &str) -> Vec<(usize, usize)> {
        let label = folded(label);
        let sets = self.content.status_sets.iter().enumerate();
        let statuses = sets.flat_map(|(set, found)| {
            let statuses = found.statuses.iter().enumerate();
            statuses.map(move |(place, status)| ((set, place), status))
        });
        let called = statuses.filter(|(_, status)| folded(&status.label) == label);
        called.map(|(place, _)| place).collect()
    }

    /// Looks up the status with this id, or else those with this label in all sets. With `inactive`, inactive statuses
    /// count, too.
    ///
    /// # Errors
    /// The reason if there is none.
    pub fn statuses_meant(&self, text: &str, inactive: bool) -> Result<Vec<(usize, usize)>, LookupError> {
        if let Some(found) = self.status_of_id(text) {
            return Ok(vec![found]);
        }
        let called = if inactive {
            self.any_statuses_called(text)
        } else {
            self.statuses_called(text)
        };
        if called.is_empty() {
            return Err(self.no_status_called(text));
        }
        Ok(called)
    }

    /// Returns why no active status has this label.
    #[must_use]
    pub fn no_status_called(&self, label: &str) -> LookupError {
        let folded_label = folded(label);
        let mut inactive = self.labels.iter().zip(&self.content.status_sets);
        let inactive = inactive.find_map(|(labels, set)| set.statuses.get(*labels.get(&folded_label)?));
        if let Some(status) = inactive {
            return LookupError::Inactive(format!("`{}`", status.label));
        }
        let sets = self.content.status_sets.iter().filter(|set| set.active);
        let statuses = sets.flat_map(|set| &set.statuses).filter(|status| status.active);
        let labels: Vec<&str> = statuses.map(|status| status.label.as_str()).collect();
        unknown_label(label, &labels)
    }
}
