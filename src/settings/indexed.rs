//! The settings of a project, indexed by id and by name.

use std::collections::HashMap;
use std::sync::OnceLock;

use fixedbitset::FixedBitSet;

use super::content::Content;
use super::names::{folded, folded_heading};
use super::tree::Tree;

/// The settings of a project, indexed for lookups.
#[derive(Debug)]
pub struct Settings {
    pub(super) content: Content,
    pub(super) categories: Tree,
    pub(super) category_places: HashMap<String, usize>,
    /// The status set of each category.
    pub(super) sets: Vec<Option<usize>>,
    /// Categories with active subcategories.
    pub(super) inner: FixedBitSet,
    /// The active custom attributes of each category.
    pub(super) attributes: Vec<FixedBitSet>,
    /// The custom attributes that are required where they are assigned.
    pub(super) required: FixedBitSet,
    /// The custom attributes that every active category has.
    pub(super) everywhere: FixedBitSet,
    /// Whether active categories differ in their status set.
    pub(super) several_sets: bool,
    pub(super) status_places: HashMap<String, (usize, usize)>,
    /// The index of each status by label, for each set. If statuses share a label, an active one is
    /// preferred.
    pub(super) labels: Vec<HashMap<String, usize>>,
    pub(super) attribute_places: HashMap<String, usize>,
    pub(super) attribute_names: HashMap<String, Vec<usize>>,
    pub(super) choices: Vec<Choices>,
    pub(super) locations: Tree,
    pub(super) location_places: HashMap<String, usize>,
    pub(super) location_barcodes: HashMap<String, Vec<usize>>,
    pub(super) names: Names,
}

/// The index of each value of a select or multi-select attribute, by id and by label.
#[derive(Debug, Default)]
pub(super) struct Choices {
    pub(super) by_id: HashMap<String, usize>,
    pub(super) by_label: HashMap<String, usize>,
}

/// The names of categories and locations. Each is determined once, when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) categories: Vec<OnceLock<Option<Box<str>>>>,
    pub(super) locations: Vec<OnceLock<Option<Box<str>>>>,
}

impl Names {
    pub(super) fn new(categories: usize, locations: usize) -> Self {
        let unknown = |count| (0..count).map(|_| OnceLock::new()).collect();
        Self {
            categories: unknown(categories),
            locations: unknown(locations),
        }
    }
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
            names: Names::new(content.categories.len(), locations.len()),
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
                .entry(folded_heading(&attribute.display_name))
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
