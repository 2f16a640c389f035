//! Which category, status, attribute, value or location a text means.

use std::fmt;

use super::names::{folded, nearest, plain};
use super::tree::Tree;
use super::{Content, LOCATIONS_UNREAD, Settings, joined};

/// What stands between the names of a path, unless a user says otherwise.
pub const SEPARATOR: &str = ">";

/// How many candidates a message names.
const CANDIDATES: usize = 5;

/// Why a text means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// There is none of that name; these are the likest.
    Unknown(Vec<String>),
    /// It may mean each of these.
    Ambiguous(Vec<String>),
    /// It means this one, which is not active.
    Inactive(String),
    /// The project's locations could not be read.
    Unread,
}

impl Miss {
    /// What to do, for a message about a thing of this kind ("category").
    #[must_use]
    pub fn fix(&self, what: &str) -> String {
        match self {
            Self::Unknown(near) if near.is_empty() => {
                format!("use the name or the id of a {what} of the project")
            }
            Self::Unknown(near) => format!("did you mean {}?", listed(near)),
            Self::Ambiguous(_) => "use the whole path, or the id".to_owned(),
            Self::Inactive(_) => format!("use an active {what}, or have this one activated in the project"),
            Self::Unread => "use the id; or see to it that the user may read the locations".to_owned(),
        }
    }

    /// What is wrong, likewise.
    #[must_use]
    pub fn reason(&self, what: &str) -> String {
        match self {
            Self::Unknown(_) => format!("the project has no such {what}"),
            Self::Ambiguous(candidates) => format!("it may mean {}", listed(candidates)),
            Self::Inactive(name) => format!("the {what} {name} is not active"),
            Self::Unread => format!("the project's {what}s could not be read, so a name cannot be looked up"),
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

/// A text with more separators than this is read as one name, or cut at all of them.
const MOST_CUTS: usize = 6;

/// The nodes that a text may mean: as one name, or as a path. Names may have the separator in them, so where neither is
/// there, it is also cut at some separators only.
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

impl Settings {
    /// The category of an id.
    #[must_use]
    pub fn category_of_id(&self, id: &str) -> Option<usize> {
        self.category_places.get(id).copied()
    }

    /// The category that a text means: its id, its path or the end of it.
    ///
    /// # Errors
    /// Why it means none.
    pub fn category(&self, text: &str, separator: &str, suggest: bool) -> Result<usize, Miss> {
        let text = text.trim();
        match self.category_of_id(text) {
            Some(place) if self.content.categories[place].active => return Ok(place),
            Some(place) => return Err(Miss::Inactive(self.shown_category(place, separator))),
            None => {}
        }
        let found = find(&self.categories, text, separator);
        self.one_category(&found, text, separator, suggest)
    }

    /// The category of a path in parts.
    ///
    /// # Errors
    /// Why there is none.
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

    /// A category as a message names it.
    #[must_use]
    pub fn shown_category(&self, category: usize, separator: &str) -> String {
        let path = joined(&self.categories.path(category), separator);
        format!("{path} ({})", self.content.categories[category].id)
    }

    /// The set and place of a status by its id.
    #[must_use]
    pub fn status_of_id(&self, id: &str) -> Option<(usize, usize)> {
        self.status_places.get(&id.trim().to_ascii_lowercase()).copied()
    }

    /// The place of the status of this label in a set.
    ///
    /// # Errors
    /// Why there is none.
    pub fn status(&self, set: usize, label: &str, suggest: bool) -> Result<usize, Miss> {
        let statuses = &self.content.status_sets[set].statuses;
        match self.labels[set].get(&folded(label)) {
            Some(place) if statuses[*place].active => Ok(*place),
            Some(place) => Err(Miss::Inactive(format!("`{}`", statuses[*place].label))),
            None => Err(Miss::Unknown(if suggest {
                let active = statuses.iter().filter(|status| status.active);
                nearest(
                    label,
                    active.map(|status| (status.label.as_str(), folded(&status.label))),
                )
            } else {
                Vec::new()
            })),
        }
    }

    /// The statuses of this label in all sets: set and place.
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

    /// Why no active status has this label.
    #[must_use]
    pub fn no_status_called(&self, label: &str) -> Miss {
        let folded_label = folded(label);
        let mut inactive = self.labels.iter().zip(&self.content.status_sets);
        let inactive = inactive.find_map(|(labels, set)| set.statuses.get(*labels.get(&folded_label)?));
        match inactive {
            Some(status) => Miss::Inactive(format!("`{}`", status.label)),
            None => Miss::Unknown(self.nearest_labels(label)),
        }
    }

    fn nearest_labels(&self, label: &str) -> Vec<String> {
        let sets = self.content.status_sets.iter().filter(|set| set.active);
        let statuses = sets.flat_map(|set| &set.statuses).filter(|status| status.active);
        nearest(
            label,
            statuses.map(|status| (status.label.as_str(), folded(&status.label))),
        )
    }

    /// The custom attribute of a name `caN`.
    #[must_use]
    pub fn attribute_of_name(&self, name: &str) -> Option<usize> {
        self.attribute_places.get(name).copied()
    }

    /// The custom attribute that a text means: its display name, whose letters, digits and their order count.
    ///
    /// # Errors
    /// Why it means none.
    pub fn attribute(&self, text: &str) -> Result<usize, Miss> {
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
            (_, [], [inactive, ..]) => Err(Miss::Inactive(format!(
                "`{}`",
                attributes[*inactive].display_name
            ))),
            (_, several, _) => Err(Miss::Ambiguous(
                several
                    .iter()
                    .map(|place| {
                        let attribute = &attributes[*place];
                        format!("{} ({})", attribute.display_name, attribute.name)
                    })
                    .collect(),
            )),
        }
    }

    /// The place of a value that a select or multi-select attribute offers: by id or label.
    ///
    /// # Errors
    /// Why there is none.
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
                let active: Vec<&str> = choices
                    .iter()
                    .filter(|choice| choice.active)
                    .map(|choice| choice.label.as_str())
                    .collect();
                let near = nearest(text, active.iter().map(|label| (*label, folded(label))));
                // A short list is named whole: it is what the user looks for.
                let whole = active.len() <= CANDIDATES && near.is_empty();
                Err(Miss::Unknown(if whole {
                    active.into_iter().map(str::to_owned).collect()
                } else {
                    near
                }))
            }
            None => Err(Miss::Unknown(Vec::new())),
        }
    }

    /// The id of a value that an attribute offers, both by their places.
    #[must_use]
    pub fn choice_id(&self, attribute: usize, choice: usize) -> &str {
        &self.content.attributes[attribute].choices[choice].id
    }

    /// The location of an id.
    #[must_use]
    pub fn location_of_id(&self, id: &str) -> Option<usize> {
        self.location_places.get(&id.to_ascii_lowercase()).copied()
    }

    /// Whether the locations of the project are known.
    #[must_use]
    pub fn knows_locations(&self) -> bool {
        self.content.locations.is_some()
    }

    /// Why the locations of the project are missing.
    #[must_use]
    pub fn locations_unread(&self) -> &str {
        let mut notes = self.content.notes.iter();
        notes
            .find(|note| note.starts_with(LOCATIONS_UNREAD))
            .map_or(LOCATIONS_UNREAD, String::as_str)
    }

    /// The location that a text means: its id, its path or the end of it, or its barcode.
    ///
    /// # Errors
    /// Why it means none.
    pub fn location(&self, text: &str, separator: &str, suggest: bool) -> Result<usize, Miss> {
        let text = text.trim();
        if !self.knows_locations() {
            return Err(Miss::Unread);
        }
        if let Some(place) = self.location_of_id(text) {
            return Ok(place);
        }
        let mut found = find(&self.locations, text, separator);
        for place in self.location_barcodes.get(text).into_iter().flatten() {
            if !found.contains(place) {
                found.push(*place);
            }
        }
        self.one_location(&found, text, separator, suggest)
    }

    /// The location of a path in parts.
    ///
    /// # Errors
    /// Why there is none.
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

    /// The id of a location.
    #[must_use]
    pub fn location_id(&self, location: usize) -> &str {
        let Content { locations, .. } = &self.content;
        locations
            .as_ref()
            .and_then(|locations| locations.get(location))
            .map_or("", |location| location.id.as_str())
    }
}
