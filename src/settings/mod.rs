//! The settings of a project: its categories, statuses, custom attributes and locations, by id and by name. This
//! module does no I/O.
//!
//! Inheritance follows the "Assets field guide": a category has the nearest status set on the path to ROOT, and all
//! custom attributes on that path.

mod find;
mod listed;
mod named;
pub mod names;
mod saved;
pub mod setup;
mod tree;

use std::collections::HashMap;

use fixedbitset::FixedBitSet;
use serde::{Deserialize, Serialize};

use crate::model::settings::{Attribute, Category, Inheritance, Location, StatusSet};
use names::{folded, plain};
use tree::Tree;

pub use find::{Miss, SEPARATOR};
pub use named::Reference;

/// The start of the note about missing locations.
pub const LOCATIONS_UNREAD: &str = "the locations could not be read";

/// Joins a path into a string.
#[must_use]
pub fn joined(path: &[&str], separator: &str) -> String {
    path.join(&format!(" {} ", separator.trim()))
}

/// Settings as read from a project and stored in a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The project's id.
    pub project: String,
    /// When the settings were read, in RFC 3339 format.
    pub read_at: String,
    pub categories: Vec<Category>,
    pub status_sets: Vec<StatusSet>,
    pub attributes: Vec<Attribute>,
    /// Pairs of a category and the status set that is assigned directly to it.
    pub category_status_sets: Vec<(String, String)>,
    /// Pairs of a category and a custom attribute assigned directly to it.
    pub category_attributes: Vec<(String, String)>,
    /// `None` if the locations could not be read; `notes` says why.
    pub locations: Option<Vec<Location>>,
    /// Warnings from reading the settings.
    pub notes: Vec<String>,
}

/// The settings of a project, indexed for lookups.
#[derive(Debug)]
pub struct Settings {
    content: Content,
    categories: Tree,
    category_places: HashMap<String, usize>,
    /// The status set of each category.
    sets: Vec<Option<usize>>,
    /// Categories with active subcategories.
    inner: FixedBitSet,
    /// The active custom attributes of each category.
    attributes: Vec<FixedBitSet>,
    /// The custom attributes that are required where they are assigned.
    required: FixedBitSet,
    /// The custom attributes that every active category has.
    everywhere: FixedBitSet,
    /// Whether active categories differ in their status set.
    several_sets: bool,
    status_places: HashMap<String, (usize, usize)>,
    /// The index of each status by label, for each set. If statuses share a label, an active one is
    /// preferred.
    labels: Vec<HashMap<String, usize>>,
    attribute_places: HashMap<String, usize>,
    attribute_names: HashMap<String, Vec<usize>>,
    choices: Vec<Choices>,
    locations: Tree,
    location_places: HashMap<String, usize>,
    location_barcodes: HashMap<String, Vec<usize>>,
    names: named::Names,
}

/// The index of each value of a select or multi-select attribute, by id and by label.
#[derive(Debug, Default)]
struct Choices {
    by_id: HashMap<String, usize>,
    by_label: HashMap<String, usize>,
}

impl Settings {
    /// Builds the settings from their content.
    #[must_use]
    pub fn new(content: Content) -> Self {
        let categories = Tree::new(content.categories.iter().map(|category| {
            (
                category.id.as_str(),
                category.parent.as_deref(),
                category.name.as_str(),
            )
        }));
        let category_places = places(content.categories.iter().map(|category| category.id.as_str()));
        let set_places = places(content.status_sets.iter().map(|set| set.id.as_str()));
        let attribute_ids = places(content.attributes.iter().map(|attribute| attribute.id.as_str()));
        let default = content.status_sets.iter().position(|set| set.default);
        let mut sets: Vec<Option<usize>> = vec![None; content.categories.len()];
        for (category, set) in &content.category_status_sets {
            if let (Some(category), Some(set)) = (category_places.get(category), set_places.get(set)) {
                sets[*category] = Some(*set);
            }
        }
        let mut attributes =
            vec![FixedBitSet::with_capacity(content.attributes.len()); content.categories.len()];
        for (category, attribute) in &content.category_attributes {
            if let (Some(category), Some(attribute)) =
                (category_places.get(category), attribute_ids.get(attribute))
                && content.attributes[*attribute].active
            {
                attributes[*category].insert(*attribute);
            }
        }
        // Parents come first, so that their attributes are complete.
        for place in categories.order() {
            let above = categories.parent(*place);
            if sets[*place].is_none() {
                sets[*place] = above.map_or(default, |above| sets[above]);
            }
            if let Some(above) = above {
                let inherited = attributes[above].clone();
                attributes[*place].union_with(&inherited);
            }
        }
        let mut inner = FixedBitSet::with_capacity(content.categories.len());
        inner.extend(
            (0..content.categories.len())
                .filter(|place| content.categories[*place].active)
                .filter_map(|place| categories.parent(place)),
        );
        let mut required = FixedBitSet::with_capacity(content.attributes.len());
        required.extend(
            (0..content.attributes.len()).filter(|attribute| content.attributes[*attribute].required),
        );
        let active = || (0..content.categories.len()).filter(|place| content.categories[*place].active);
        let mut everywhere = FixedBitSet::with_capacity(content.attributes.len());
        everywhere.insert_range(..);
        active().for_each(|place| everywhere.intersect_with(&attributes[place]));
        let several_sets =
            active().any(|place| active().next().is_some_and(|first| sets[place] != sets[first]));
        let locations = content.locations.as_deref().unwrap_or_default();
        let mut settings = Self {
            categories,
            category_places,
            sets,
            inner,
            attributes,
            required,
            everywhere,
            several_sets,
            status_places: HashMap::new(),
            labels: Vec::new(),
            attribute_places: HashMap::new(),
            attribute_names: HashMap::new(),
            choices: Vec::new(),
            locations: Tree::new(locations.iter().map(|location| {
                (
                    location.id.as_str(),
                    location.parent.as_deref(),
                    location.name.as_str(),
                )
            })),
            location_places: places(locations.iter().map(|location| location.id.as_str())),
            location_barcodes: HashMap::new(),
            names: named::Names::new(content.categories.len(), locations.len()),
            content,
        };
        settings.index_names();
        settings
    }

    fn index_names(&mut self) {
        for (at, set) in self.content.status_sets.iter().enumerate() {
            let mut labels = HashMap::new();
            for active in [true, false] {
                for (place, status) in set.statuses.iter().enumerate() {
                    self.status_places
                        .entry(status.id.to_ascii_lowercase())
                        .or_insert((at, place));
                    if status.active == active {
                        labels.entry(folded(&status.label)).or_insert(place);
                    }
                }
            }
            self.labels.push(labels);
        }
        for (place, attribute) in self.content.attributes.iter().enumerate() {
            self.attribute_places
                .entry(attribute.name.clone())
                .or_insert(place);
            self.attribute_names
                .entry(plain(&attribute.display_name))
                .or_default()
                .push(place);
            let mut choices = Choices::default();
            for active in [true, false] {
                for (place, choice) in attribute.choices.iter().enumerate() {
                    choices
                        .by_id
                        .entry(choice.id.to_ascii_lowercase())
                        .or_insert(place);
                    if choice.active == active {
                        choices.by_label.entry(folded(&choice.label)).or_insert(place);
                    }
                }
            }
            self.choices.push(choices);
        }
        for (place, location) in self.content.locations.iter().flatten().enumerate() {
            if let Some(barcode) = &location.barcode {
                self.location_barcodes
                    .entry(barcode.trim().to_owned())
                    .or_default()
                    .push(place);
            }
        }
    }

    /// Returns the content of the settings.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Returns all categories in depth-first order, parents first.
    #[must_use]
    pub fn category_order(&self) -> &[usize] {
        self.categories.order()
    }

    /// Returns all locations in depth-first order, parents first.
    #[must_use]
    pub fn location_order(&self) -> &[usize] {
        self.locations.order()
    }

    /// Returns the path of a category, starting below ROOT.
    #[must_use]
    pub fn category_path(&self, category: usize) -> Vec<&str> {
        self.categories.path(category)
    }

    /// Returns the path of a location, starting below the root.
    #[must_use]
    pub fn location_path(&self, location: usize) -> Vec<&str> {
        self.locations.path(location)
    }

    /// Returns the parent of a category.
    #[must_use]
    pub fn category_above(&self, category: usize) -> Option<usize> {
        self.categories.parent(category)
    }

    /// Returns whether a category has active subcategories.
    #[must_use]
    pub fn is_inner(&self, category: usize) -> bool {
        self.inner.contains(category)
    }

    /// Returns whether a category is ROOT. ROOT is recognized by `isRoot` ("GET categories" reference page).
    #[must_use]
    pub fn is_root(&self, category: usize) -> bool {
        self.content.categories[category].root
    }

    /// Returns the status set of a category.
    #[must_use]
    pub fn set_of(&self, category: usize) -> Option<usize> {
        self.sets.get(category).copied().flatten()
    }

    /// Returns the custom attributes of a category.
    #[must_use]
    pub fn attributes_of(&self, category: usize) -> &FixedBitSet {
        &self.attributes[category]
    }

    /// Returns the custom attributes that are required where they are assigned.
    #[must_use]
    pub fn required(&self) -> &FixedBitSet {
        &self.required
    }

    /// Returns the custom attributes that every active category has.
    #[must_use]
    pub fn everywhere(&self) -> &FixedBitSet {
        &self.everywhere
    }

    /// Returns whether active categories differ in their status set.
    #[must_use]
    pub fn has_several_sets(&self) -> bool {
        self.several_sets
    }
}

/// Maps each id, in lower case, to its index. For duplicates, the first index is used.
fn places<'i>(ids: impl DoubleEndedIterator<Item = &'i str> + ExactSizeIterator) -> HashMap<String, usize> {
    ids.enumerate()
        .rev()
        .map(|(place, id)| (id.to_ascii_lowercase(), place))
        .collect()
}

impl Content {
    /// Adds a "GET categories/:categoryId/custom-attributes" response for one category.
    pub fn add_attributes(&mut self, category: &str, assigned: Vec<Inheritance>) {
        for Inheritance { id, from, .. } in assigned {
            let at = from.unwrap_or_else(|| category.to_owned());
            self.category_attributes.push((at, id));
        }
    }

    /// Drops redundant assignments: duplicates, and assignments that a category inherits anyway.
    pub fn without_repeats(&mut self) {
        let parents: HashMap<&str, &str> = self
            .categories
            .iter()
            .filter_map(|category| Some((category.id.as_str(), category.parent.as_deref()?)))
            .collect();
        // No tree is deeper: the "Assets field guide" allows ten levels below ROOT.
        let above = |category: &str| -> Vec<String> {
            std::iter::successors(parents.get(category), |parent| parents.get(*parent))
                .take(64)
                .map(|parent| (*parent).to_owned())
                .collect()
        };
        let assigned: std::collections::HashSet<(String, String)> =
            self.category_attributes.iter().cloned().collect();
        let mut kept = std::collections::HashSet::new();
        self.category_attributes.retain(|(category, attribute)| {
            let inherited = above(category)
                .into_iter()
                .any(|above| assigned.contains(&(above, attribute.clone())));
            !inherited && kept.insert((category.clone(), attribute.clone()))
        });
        let sets: HashMap<String, String> = self.category_status_sets.iter().cloned().collect();
        let default = self
            .status_sets
            .iter()
            .find(|set| set.default)
            .map(|set| set.id.clone());
        self.category_status_sets.retain(|(category, set)| {
            let inherited = above(category)
                .iter()
                .find_map(|above| sets.get(above))
                .or(default.as_ref());
            inherited != Some(set) || !parents.contains_key(category.as_str())
        });
    }
}
