//! Resolves names to ids for the rows passed to one call. Lookups are cached, since names are often repeated.

use std::collections::HashMap;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::lookup_cache::{LookupCache, MOST_CACHED};
use crate::api::field::Refers;
use crate::rows::value::Refusal;
use crate::settings::{LookupError, Settings};

/// The maximum number of searches for the closest names in one call. Searching 10,000 locations takes a
/// while.
const MOST_SUGGESTIONS: u32 = 200;

/// Resolves the names in rows to ids.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
pub struct Resolver {
    pub settings: Arc<Settings>,
    pub(super) separator: String,
    categories: LookupCache,
    locations: LookupCache,
    /// One cache per status set, and one for all sets together.
    statuses: HashMap<Option<usize>, LookupCache>,
    choices: HashMap<usize, LookupCache>,
    /// For each multi-select attribute, the ids of the options in each distinct string.
    several: HashMap<usize, HashMap<Box<str>, Vec<String>>>,
    suggestions: u32,
    // The fields below belong to the current row.
    /// The index of the row's category, if it is valid.
    pub category: Option<usize>,
    /// Whether the row has a category, valid or not.
    pub category_given: bool,
    pub status: GivenStatus,
    /// Whether no status set has the status.
    pub status_is_unknown: bool,
    /// Whether the location is missing from the project's location tree.
    pub location_is_unknown: bool,
    /// The status, if it was given as a label.
    pub label: String,
    /// Whether the label is that of the status that the asset has.
    pub is_current_label: bool,
    /// The indexes of the custom attributes that have a value. `cleared` contains the indexes of the
    /// attributes to clear, and `blank` those of them whose cell is blank.
    pub given: FixedBitSet,
    pub cleared: FixedBitSet,
    pub blank: FixedBitSet,
}

/// The status of a row before its category is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenStatus {
    /// No status, or an invalid one.
    Absent,
    /// The indexes of a status set and of a status in that set.
    Known(usize, usize),
    /// A label, to be looked up in the category's set.
    Label,
}

impl Resolver {
    #[must_use]
    pub fn new(settings: Arc<Settings>, separator: &str) -> Self {
        let attributes = settings.content().attributes.len();
        Self {
            settings,
            separator: separator.to_owned(),
            categories: LookupCache::new(),
            locations: LookupCache::new(),
            statuses: HashMap::new(),
            choices: HashMap::new(),
            several: HashMap::new(),
            suggestions: 0,
            category: None,
            category_given: false,
            status: GivenStatus::Absent,
            status_is_unknown: false,
            location_is_unknown: false,
            label: String::new(),
            is_current_label: false,
            given: FixedBitSet::with_capacity(attributes),
            cleared: FixedBitSet::with_capacity(attributes),
            blank: FixedBitSet::with_capacity(attributes),
        }
    }

    /// Starts a row.
    pub fn begin(&mut self) {
        self.category = None;
        self.category_given = false;
        self.status = GivenStatus::Absent;
        self.status_is_unknown = false;
        self.location_is_unknown = false;
        self.label.clear();
        self.is_current_label = false;
        self.given.clear();
        self.cleared.clear();
        self.blank.clear();
    }

    /// Treats a category, status or location as not given, because the asset already has it.
    pub(super) fn forget(&mut self, refers: Refers) {
        match refers {
            Refers::Category => (self.category, self.category_given) = (None, false),
            Refers::Status => self.status = GivenStatus::Absent,
            Refers::Location => self.location_is_unknown = false,
        }
    }

    /// Looks up a string. The error for an unknown string contains the closest names, unless the call has
    /// already reached the maximum number of searches for them.
    fn look_up(
        suggestions: &mut u32,
        find: impl FnOnce(bool) -> Result<usize, LookupError>,
    ) -> Result<usize, LookupError> {
        let found = find(*suggestions < MOST_SUGGESTIONS);
        if matches!(found, Err(LookupError::Unknown(_))) {
            *suggestions += 1;
        }
        found
    }

    /// Looks up a category by id, path or name.
    pub fn category(&mut self, text: &str) -> Result<usize, LookupError> {
        let Self {
            settings,
            separator,
            categories,
            suggestions,
            ..
        } = self;
        categories.find(text, || {
            Self::look_up(suggestions, |suggest| settings.category(text, separator, suggest))
        })
    }

    /// Looks up a category by the parts of its path.
    pub fn category_of_path(&mut self, path: &[&str]) -> Result<usize, LookupError> {
        let (settings, separator) = (&self.settings, &self.separator);
        Self::look_up(&mut self.suggestions, |suggest| {
            settings.category_of_path(path, separator, suggest)
        })
    }

    /// Looks up a location by id, path, name or barcode.
    pub fn location(&mut self, text: &str) -> Result<usize, LookupError> {
        let Self {
            settings,
            separator,
            locations,
            suggestions,
            ..
        } = self;
        locations.find(text, || {
            Self::look_up(suggestions, |suggest| settings.location(text, separator, suggest))
        })
    }

    /// Looks up a location by the parts of its path.
    pub fn location_of_path(&mut self, path: &[&str]) -> Result<usize, LookupError> {
        let (settings, separator) = (&self.settings, &self.separator);
        Self::look_up(&mut self.suggestions, |suggest| {
            settings.location_of_names(path, separator, suggest)
        })
    }

    /// Looks up the row's status label in a status set, and returns the index of the status in that set. Of several labels,
    /// the first that the set has counts: the same word may mean a different status in each set.
    pub fn status_in(&mut self, set: usize) -> Result<usize, LookupError> {
        let Self {
            settings,
            statuses,
            suggestions,
            label,
            ..
        } = self;
        let seen = statuses.entry(Some(set)).or_insert_with(LookupCache::new);
        seen.find(label, || {
            let found = Self::look_up(suggestions, |suggest| settings.status(set, label, suggest));
            found.or_else(|error| {
                let labels = several(label).map(|label| settings.status(set, label, false));
                let is_of_set = |found: &Result<usize, LookupError>| {
                    matches!(found, Ok(_) | Err(LookupError::Inactive(_)))
                };
                labels.into_iter().find(is_of_set).unwrap_or(Err(error))
            })
        })
    }

    /// Checks that at least one status set has the row's status label. Otherwise, the error contains the
    /// closest labels.
    pub fn label_exists(&mut self) -> Result<usize, LookupError> {
        let Self {
            settings,
            statuses,
            label,
            ..
        } = self;
        let seen = statuses.entry(None).or_insert_with(LookupCache::new);
        let called = |label: &str| {
            let found = settings.statuses_called(label).first().map(|(set, _)| *set);
            found.ok_or_else(|| settings.no_status_called(label))
        };
        seen.find(label, || {
            called(label).or_else(|error| {
                // A misspelled one must not give way to the next.
                let sets: Vec<usize> = several(label).map(called).collect::<Result<_, _>>()?;
                sets.first().copied().ok_or(error)
            })
        })
    }

    /// Looks up the id of an option of a select attribute.
    pub fn choice(&mut self, attribute: usize, text: &str) -> Result<String, LookupError> {
        let Self {
            settings,
            choices,
            suggestions,
            ..
        } = self;
        let seen = choices.entry(attribute).or_insert_with(LookupCache::new);
        let place = seen.find(text, || {
            Self::look_up(suggestions, |suggest| settings.choice(attribute, text, suggest))
        })?;
        Ok(settings.choice_id(attribute, place).to_owned())
    }

    /// Returns the ids of the options in a string. Calls `find` only if the string is not in the cache.
    pub fn several(
        &mut self,
        attribute: usize,
        text: &str,
        find: impl FnOnce(&mut Self) -> Result<Vec<String>, Refusal>,
    ) -> Result<Vec<String>, Refusal> {
        if let Some(ids) = self.several.get(&attribute).and_then(|seen| seen.get(text)) {
            return Ok(ids.clone());
        }
        let ids = find(self)?;
        let seen = self.several.entry(attribute).or_default();
        if seen.len() >= MOST_CACHED {
            seen.clear();
        }
        seen.insert(text.into(), ids.clone());
        Ok(ids)
    }

    /// Looks up the id of an option of a select attribute, without searching for the closest labels.
    pub fn offered(&self, attribute: usize, text: &str) -> Option<String> {
        let place = self.settings.choice(attribute, text, false).ok()?;
        Some(self.settings.choice_id(attribute, place).to_owned())
    }
}

/// Returns the labels of a text with several labels.
fn several(text: &str) -> impl Iterator<Item = &str> {
    let is_several = text.contains(SEVERAL);
    let labels = text.split(SEVERAL).map(str::trim);
    labels.filter(move |label| is_several && !label.is_empty())
}

/// Separates the labels of a text with several labels, as in a multi-select attribute.
pub(super) const SEVERAL: char = ';';
