//! Resolves names to ids for the rows passed to one call. Lookups are cached, since names are often repeated.

use std::collections::HashMap;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use uuid::Uuid;

use super::fields::{CATEGORY, FIELDS, LOCATION, STATUS};
use super::json;
use super::rules::{
    CATEGORY as CATEGORY_RULE, LOCATION as LOCATION_RULE, LOCATIONS_UNREAD, REQUIRED, STATUS as STATUS_RULE,
    TURNED_TO_TEXT,
};
use super::value::{self, Refusal};
use crate::input::Cell;
use crate::settings::{Miss, Settings};

/// A cache of lookups by string. The size of the cache is limited, since a column may have any number of
/// distinct strings.
struct Seen {
    known: HashMap<Box<str>, Result<usize, Miss>>,
    /// The last successful lookup, since consecutive rows often have the same string.
    last: Option<(Box<str>, usize)>,
}

const MOST_SEEN: usize = 100_000;

impl Seen {
    fn new() -> Self {
        Self {
            known: HashMap::new(),
            last: None,
        }
    }

    fn find(&mut self, text: &str, look: impl FnOnce() -> Result<usize, Miss>) -> Result<usize, Miss> {
        if let Some((last, place)) = &self.last
            && **last == *text
        {
            return Ok(*place);
        }
        let found = if let Some(found) = self.known.get(text) {
            found.clone()
        } else {
            if self.known.len() >= MOST_SEEN {
                self.known.clear();
            }
            let found = look();
            self.known.insert(text.into(), found.clone());
            found
        };
        if let Ok(place) = found {
            self.last = Some((text.into(), place));
        }
        found
    }
}

/// The maximum number of searches for the closest names in one call. Searching 10,000 locations takes a
/// while.
const MOST_SUGGESTIONS: u32 = 200;

/// Resolves the names in rows to ids.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
pub struct Resolver {
    pub settings: Arc<Settings>,
    separator: String,
    categories: Seen,
    locations: Seen,
    /// One cache per status set, and one for all sets together.
    statuses: HashMap<Option<usize>, Seen>,
    choices: HashMap<usize, Seen>,
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
            categories: Seen::new(),
            locations: Seen::new(),
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
    pub(super) fn forget(&mut self, field: usize) {
        match field {
            CATEGORY => (self.category, self.category_given) = (None, false),
            STATUS => self.status = GivenStatus::Absent,
            LOCATION => self.location_is_unknown = false,
            _ => {}
        }
    }

    /// Looks up a string. The error for an unknown string contains the closest names, unless the call has
    /// already reached the maximum number of searches for them.
    fn look(suggestions: &mut u32, find: impl FnOnce(bool) -> Result<usize, Miss>) -> Result<usize, Miss> {
        let found = find(*suggestions < MOST_SUGGESTIONS);
        if matches!(found, Err(Miss::Unknown(_))) {
            *suggestions += 1;
        }
        found
    }

    /// Looks up a category by id, path or name.
    pub fn category(&mut self, text: &str) -> Result<usize, Miss> {
        let Self {
            settings,
            separator,
            categories,
            suggestions,
            ..
        } = self;
        categories.find(text, || {
            Self::look(suggestions, |suggest| settings.category(text, separator, suggest))
        })
    }

    /// Looks up a category by the parts of its path.
    pub fn category_of_path(&mut self, path: &[&str]) -> Result<usize, Miss> {
        let (settings, separator) = (&self.settings, &self.separator);
        Self::look(&mut self.suggestions, |suggest| {
            settings.category_of_path(path, separator, suggest)
        })
    }

    /// Looks up a location by id, path, name or barcode.
    pub fn location(&mut self, text: &str) -> Result<usize, Miss> {
        let Self {
            settings,
            separator,
            locations,
            suggestions,
            ..
        } = self;
        locations.find(text, || {
            Self::look(suggestions, |suggest| settings.location(text, separator, suggest))
        })
    }

    /// Looks up a location by the parts of its path.
    pub fn location_of_path(&mut self, path: &[&str]) -> Result<usize, Miss> {
        let (settings, separator) = (&self.settings, &self.separator);
        Self::look(&mut self.suggestions, |suggest| {
            settings.location_of_names(path, separator, suggest)
        })
    }

    /// Looks up the row's status label in a status set, and returns the index of the status in that set. Of several labels,
    /// the first that the set has counts: the same word may mean a different status in each set.
    pub fn status_in(&mut self, set: usize) -> Result<usize, Miss> {
        let Self {
            settings,
            statuses,
            suggestions,
            label,
            ..
        } = self;
        let seen = statuses.entry(Some(set)).or_insert_with(Seen::new);
        seen.find(label, || {
            let found = Self::look(suggestions, |suggest| settings.status(set, label, suggest));
            found.or_else(|miss| {
                let labels = several(label).map(|label| settings.status(set, label, false));
                let is_of_set = |found: &Result<usize, Miss>| matches!(found, Ok(_) | Err(Miss::Inactive(_)));
                labels.into_iter().find(is_of_set).unwrap_or(Err(miss))
            })
        })
    }

    /// Checks that at least one status set has the row's status label. Otherwise, the error contains the
    /// closest labels.
    pub fn label_exists(&mut self) -> Result<usize, Miss> {
        let Self {
            settings,
            statuses,
            label,
            ..
        } = self;
        let seen = statuses.entry(None).or_insert_with(Seen::new);
        let called = |label: &str| {
            let found = settings.statuses_called(label).first().map(|(set, _)| *set);
            found.ok_or_else(|| settings.no_status_called(label))
        };
        seen.find(label, || {
            called(label).or_else(|miss| {
                // A misspelled one must not give way to the next.
                let sets: Vec<usize> = several(label).map(called).collect::<Result<_, _>>()?;
                sets.first().copied().ok_or(miss)
            })
        })
    }

    /// Looks up the id of an option of a select attribute.
    pub fn choice(&mut self, attribute: usize, text: &str) -> Result<String, Miss> {
        let Self {
            settings,
            choices,
            suggestions,
            ..
        } = self;
        let seen = choices.entry(attribute).or_insert_with(Seen::new);
        let place = seen.find(text, || {
            Self::look(suggestions, |suggest| settings.choice(attribute, text, suggest))
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
        if seen.len() >= MOST_SEEN {
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

impl Resolver {
    /// Writes the category, status or location of a row. `has_ids` says that the column is called like the field in the
    /// API, such as `categoryId`, so an id comes before a name. Returns `false` for a status label, which can be
    /// resolved only once the category is known.
    pub(super) fn field(
        &mut self,
        field: usize,
        has_ids: bool,
        cell: &Cell<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        // `field` is a valid index in `FIELDS`.
        let fix = FIELDS[field].fix(true);
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
        match (field, text, path) {
            (CATEGORY, Some(text), _) => {
                self.category_given = true;
                let with_id = has_ids.then(|| self.settings.category_with_id(text, &self.separator));
                let found = with_id.flatten().unwrap_or_else(|| self.category(text));
                // A number that was converted to a string gets its own problem, which is more helpful than "unknown
                // category".
                if let (Err(Miss::Unknown(_)), Err(refusal)) = (
                    &found,
                    value::field(&FIELDS[field], &Cell::Text(text), &mut Vec::new()),
                ) && *refusal.rule == TURNED_TO_TEXT
                {
                    return Err(refusal);
                }
                self.write_category(found, out)
            }
            (CATEGORY, None, Some(path)) => {
                self.category_given = true;
                let found = self.category_of_path(&path);
                self.write_category(found, out)
            }
            (STATUS, Some(text), _) => self.write_status(text, out),
            (LOCATION, Some(text), _) => self.write_location(text, out),
            (LOCATION, None, Some(path)) => {
                let found = self.location_of_path(&path);
                self.write_found_location(found, out)
            }
            (CATEGORY, ..) => {
                self.category_given = true;
                Err(Refusal::new(&CATEGORY_RULE, "expected an id or a name", fix))
            }
            (STATUS, ..) => Err(Refusal::new(&STATUS_RULE, "expected an id or a label", fix)),
            _ => Err(Refusal::new(&LOCATION_RULE, "expected an id or a name", fix)),
        }
    }

    fn write_category(&mut self, found: Result<usize, Miss>, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let place = found.map_err(|miss| {
            Refusal::new(
                &CATEGORY_RULE,
                miss.reason("category"),
                miss.fix_of_cell("category"),
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
        if let Err(miss) = self.label_exists() {
            self.status_is_unknown = true;
            return Err(Refusal::new(
                &STATUS_RULE,
                miss.reason("status"),
                miss.fix_of_cell("status"),
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
        found: Result<usize, Miss>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        let place = found.map_err(|miss| match miss {
            Miss::Unread => Refusal::new(&LOCATIONS_UNREAD, self.settings.locations_unread().to_owned(), ""),
            miss => Refusal::new(
                &LOCATION_RULE,
                miss.reason("location"),
                miss.fix_of_cell("location"),
            ),
        })?;
        json::text(self.settings.location_id(place), out);
        Ok(true)
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
