//! Looks up categories, statuses, attributes, values and locations by name, path or id.

use std::fmt;

use super::named::{with_id, without_id};
use super::names::{folded, nearest, plain};
use super::tree::Tree;
use super::{Content, LOCATIONS_UNREAD, Settings, joined};
use crate::api::KnownProject;

/// The default separator of a path.
pub const SEPARATOR: &str = ">";

/// The maximum number of candidates to list in a message.
const CANDIDATES: usize = 5;

/// The maximum number of labels to list completely, if none is close to the given one.
const FEW: usize = 12;

/// Why a lookup failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// The name is unknown. Contains the closest names, if any is close.
    Unknown(Vec<String>),
    /// The name is unknown, and close to none of these names, which are all that exist.
    NoneOf(Vec<String>),
    /// The name is ambiguous. Contains all matches.
    Ambiguous(Vec<String>),
    /// The text is the id of a category and the name of others. Contains all of these.
    IdAndName(Vec<String>),
    /// The name matches only inactive entries. Contains the first of these entries.
    Inactive(String),
    /// The project's locations could not be read.
    Unread,
}

impl Miss {
    /// Returns the fix to show in a message. `what` is the kind of object, such as "category".
    #[must_use]
    pub fn fix(&self, what: &str) -> String {
        match self {
            Self::Unknown(near) if near.is_empty() => {
                format!("use the name or id of a {what} of the project")
            }
            Self::Unknown(near) => format!("did you mean {}?", listed(near)),
            Self::NoneOf(all) => format!("use one of `{}`", all.join("`, `")),
            Self::Ambiguous(_) => "use the full path or the id".to_owned(),
            Self::IdAndName(_) => "use one of these".to_owned(),
            Self::Inactive(_) => format!("use an active {what}, or activate this one in the project"),
            Self::Unread => "use the id, or check that the user may read the locations".to_owned(),
        }
    }

    /// Returns the fix for a cell with this name. A word of another language is close to no name.
    #[must_use]
    pub fn fix_of_cell(&self, what: &str) -> String {
        let fix = self.fix(what);
        match self {
            Self::Unknown(near) if !near.is_empty() => fix,
            Self::Unknown(_) | Self::NoneOf(_) => {
                format!("{fix}, or replace the words of your data with values=")
            }
            _ => fix,
        }
    }

    /// Returns the reason to show in a message. `what` is the kind of object, such as "category".
    #[must_use]
    pub fn reason(&self, what: &str) -> String {
        match self {
            Self::Unknown(_) | Self::NoneOf(_) => format!("the project has no such {what}"),
            Self::Ambiguous(candidates) => format!("ambiguous: it matches {}", listed(candidates)),
            Self::IdAndName(candidates) => {
                format!(
                    "ambiguous: it is the id of one {what} and the name of another: {}",
                    listed(candidates)
                )
            }
            Self::Inactive(name) => format!("the {what} {name} is inactive"),
            Self::Unread => format!("the project's {what}s could not be read, so names cannot be looked up"),
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{}: {}", self.reason("name"), self.fix("one"))
    }
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(CANDIDATES)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = names.len().saturating_sub(CANDIDATES);
    match more {
        0 => shown.join(" or "),
        more => format!("{} or {more} others", shown.join(", ")),
    }
}

/// Returns why a label is unknown: with the closest labels, or else with all labels if there are only a few.
fn unknown_label(label: &str, known: &[&str]) -> Miss {
    let near = nearest(label, known.iter().map(|known| (*known, folded(known))));
    let mut all: Vec<String> = Vec::new();
    for known in known {
        // Several status sets may have the same label.
        if near.is_empty() && all.len() <= FEW && all.iter().all(|label| label != known) {
            all.push((*known).to_owned());
        }
    }
    match all.len() {
        1..=FEW => Miss::NoneOf(all),
        _ => Miss::Unknown(near),
    }
}

/// The maximum number of separators in a string for which all ways to split it are tried.
const MOST_CUTS: usize = 6;

/// Finds the nodes that match a string as a name or a path. Names may contain the separator, so if there is no match,
/// tries splitting at only some of the separators.
fn find(tree: &Tree, text: &str, separator: &str) -> Vec<usize> {
    let separator = separator.trim();
    let cuts: Vec<usize> = match separator {
        "" => Vec::new(),
        separator => text.match_indices(separator).map(|(at, _)| at).collect(),
    };
    let read = |is_cut: &dyn Fn(usize) -> bool| {
        let mut start = 0;
        let mut parts = Vec::new();
        let chosen = cuts.iter().enumerate().filter(|(cut, _)| is_cut(*cut));
        for end in chosen.map(|(_, at)| *at).chain([text.len()]) {
            parts.push(text[start..end].trim());
            start = end + separator.len();
        }
        parts.retain(|part| !part.is_empty());
        tree.find(&parts)
    };
    let mut found = read(&|_| false);
    found.extend(read(&|_| true));
    if found.is_empty() && cuts.len() <= MOST_CUTS {
        for some in 1..(1_usize << cuts.len()) - 1 {
            found.extend(read(&|cut| some >> cut & 1 == 1));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Finds the nodes that match a string as in [`find`], or else the node whose path and id it is.
fn find_or(tree: &Tree, text: &str, separator: &str, of_id: impl Fn(&str) -> Option<usize>) -> Vec<usize> {
    let found = find(tree, text, separator);
    if !found.is_empty() {
        return found;
    }
    let place = without_id(text).and_then(|(path, id)| {
        let path = folded(path);
        let is_path = |place: &usize| {
            [separator, SEPARATOR]
                .iter()
                .any(|separator| folded(&joined(&tree.path(*place), separator)) == path)
        };
        of_id(id).filter(is_path)
    });
    place.into_iter().collect()
}

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
    pub fn category(&self, text: &str, separator: &str, suggest: bool) -> Result<usize, Miss> {
        let text = text.trim();
        let called = self.categories_called(text, separator);
        match self.category_of_id(text) {
            // Classifications such as DIN 276 call categories by numbers.
            Some(place) if called.iter().any(|other| *other != place) => {
                let matches = std::iter::once(&place).chain(called.iter().filter(|other| **other != place));
                Err(Miss::IdAndName(
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
    pub fn category_with_id(&self, id: &str, separator: &str) -> Option<Result<usize, Miss>> {
        let place = self.category_of_id(id.trim())?;
        Some(self.active_category(place, separator))
    }

    fn active_category(&self, place: usize, separator: &str) -> Result<usize, Miss> {
        if self.content.categories[place].active {
            Ok(place)
        } else {
            Err(Miss::Inactive(self.shown_category(place, separator)))
        }
    }

    /// Looks up a category like [`Self::category`]. If no active category matches, an inactive one may match, since it
    /// may still have assets.
    ///
    /// # Errors
    /// The reason if there is no unique match.
    pub fn any_category(&self, text: &str, separator: &str) -> Result<usize, Miss> {
        self.category(text, separator, true).or_else(|miss| {
            let named = self.categories_called(text, separator);
            match (&miss, self.category_of_id(text.trim()), &named[..]) {
                (Miss::Inactive(_), Some(place), _) | (Miss::Inactive(_), None, &[place]) => Ok(place),
                _ => Err(miss),
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
    pub fn category_of_path(&self, path: &[&str], separator: &str, suggest: bool) -> Result<usize, Miss> {
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
    ) -> Result<usize, Miss> {
        let active: Vec<usize> = found
            .iter()
            .copied()
            .filter(|place| self.content.categories[*place].active)
            .collect();
        match (&active[..], found) {
            ([one], _) => Ok(*one),
            ([], []) => Err(Miss::Unknown(Self::near(
                &self.categories,
                text,
                suggest,
                |place| {
                    let active = self.content.categories[place].active && !self.is_root(place);
                    active.then(|| joined(&self.categories.path(place), separator))
                },
            ))),
            ([], [inactive, ..]) => Err(Miss::Inactive(self.shown_category(*inactive, separator))),
            (several, _) => Err(Miss::Ambiguous(
                several
                    .iter()
                    .map(|place| self.shown_category(*place, separator))
                    .collect(),
            )),
        }
    }

    fn near(tree: &Tree, text: &str, suggest: bool, name: impl Fn(usize) -> Option<String>) -> Vec<String> {
        if !suggest {
            return Vec::new();
        }
        let forms: Vec<(String, [String; 2])> = tree
            .forms(&format!(" {SEPARATOR} "))
            .filter_map(|(place, forms)| Some((name(place)?, forms)))
            .collect();
        let pairs = forms
            .iter()
            .flat_map(|(name, forms)| forms.iter().map(move |form| (name.as_str(), form)));
        nearest(text, pairs)
    }

    /// Formats a category for a message.
    #[must_use]
    pub fn shown_category(&self, category: usize, separator: &str) -> String {
        let path = joined(&self.categories.path(category), separator);
        format!("{path} ({})", self.content.categories[category].id)
    }

    /// Looks up the set and index of a status by id.
    #[must_use]
    pub fn status_of_id(&self, id: &str) -> Option<(usize, usize)> {
        self.status_places.get(&id.trim().to_ascii_lowercase()).copied()
    }

    /// Looks up the index of a status in a set by its label.
    ///
    /// # Errors
    /// The reason if no active status matches.
    pub fn status(&self, set: usize, label: &str, suggest: bool) -> Result<usize, Miss> {
        let statuses = &self.content.status_sets[set].statuses;
        match self.labels[set].get(&folded(label)) {
            Some(place) if statuses[*place].active => Ok(*place),
            Some(place) => Err(Miss::Inactive(format!("`{}`", statuses[*place].label))),
            None if suggest => {
                let active = statuses.iter().filter(|status| status.active);
                let labels: Vec<&str> = active.map(|status| status.label.as_str()).collect();
                Err(unknown_label(label, &labels))
            }
            None => Err(Miss::Unknown(Vec::new())),
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

    /// Returns why no active status has this label.
    #[must_use]
    pub fn no_status_called(&self, label: &str) -> Miss {
        let folded_label = folded(label);
        let mut inactive = self.labels.iter().zip(&self.content.status_sets);
        let inactive = inactive.find_map(|(labels, set)| set.statuses.get(*labels.get(&folded_label)?));
        if let Some(status) = inactive {
            return Miss::Inactive(format!("`{}`", status.label));
        }
        let sets = self.content.status_sets.iter().filter(|set| set.active);
        let statuses = sets.flat_map(|set| &set.statuses).filter(|status| status.active);
        let labels: Vec<&str> = statuses.map(|status| status.label.as_str()).collect();
        unknown_label(label, &labels)
    }

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

    /// Looks up a value of a select or multi-select attribute by id or label, and returns its index.
    ///
    /// # Errors
    /// The reason if no active value matches.
    pub fn choice(&self, attribute: usize, text: &str, suggest: bool) -> Result<usize, Miss> {
        let choices = &self.content.attributes[attribute].choices;
        let index = &self.choices[attribute];
        let found = index
            .by_label
            .get(&folded(text))
            .or_else(|| index.by_id.get(&text.trim().to_ascii_lowercase()));
        match found {
            Some(place) if choices[*place].active => Ok(*place),
            Some(place) => Err(Miss::Inactive(format!("`{}`", choices[*place].label))),
            None if suggest => {
                let active = choices.iter().filter(|choice| choice.active);
                let labels: Vec<&str> = active.map(|choice| choice.label.as_str()).collect();
                Err(unknown_label(text, &labels))
            }
            None => Err(Miss::Unknown(Vec::new())),
        }
    }

    /// Finds the values of a select or multi-select attribute with this label, or else the one with this id. They may be
    /// inactive, since assets may still have them. Returns their indexes.
    ///
    /// # Errors
    /// The reason if no value matches.
    pub fn any_choices(&self, attribute: usize, text: &str) -> Result<Vec<usize>, Miss> {
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
    pub fn location(&self, text: &str, separator: &str, suggest: bool) -> Result<usize, Miss> {
        let text = text.trim();
        if !self.knows_locations() {
            return Err(Miss::Unread);
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
    pub fn location_of_names(&self, path: &[&str], separator: &str, suggest: bool) -> Result<usize, Miss> {
        if !self.knows_locations() {
            return Err(Miss::Unread);
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
    ) -> Result<usize, Miss> {
        let name = |place: usize| joined(&self.locations.path(place), separator);
        match found {
            [one] => Ok(*one),
            [] => Err(Miss::Unknown(Self::near(
                &self.locations,
                text,
                suggest,
                |place| Some(name(place)),
            ))),
            several => Err(Miss::Ambiguous(
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
impl KnownProject for Settings {
    fn data_type(&self, attribute: &str) -> Option<&str> {
        let place = self.attribute_of_name(attribute)?;
        Some(&self.content.attributes[place].data_type)
    }

    fn is_location_in(&self, id: &str, other: &str) -> Option<bool> {
        let place = self.location_of_id(id)?;
        let other = self.location_of_id(other)?;
        Some(self.locations.upwards(place).any(|place| place == other))
    }
}
