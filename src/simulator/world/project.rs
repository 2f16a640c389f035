//! One project: its records, and lookups in its settings.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::asset::Asset;
use super::indexed::Indexed;
use super::relationship::{Entity, Relationship};
use super::settings::{Attribute, Category, Location, ROOT, StatusSet};
use super::stamp::{Millis, Stamp};

/// One project with everything in it.
#[derive(Debug)]
pub struct World {
    pub project: Uuid,
    /// The id of another project. No user of the simulator is a member of it.
    pub foreign_project: Uuid,
    /// The id of the project's container in the BIM 360 Locations API.
    pub locations_container: Uuid,
    pub company: Uuid,
    /// The region of the project, as spelled on the "Regions" page.
    pub region: String,
    /// The current simulated time, set by the simulator.
    pub now: Millis,
    pub random: fastrand::Rng,
    pub categories: BTreeMap<u64, Category>,
    pub status_sets: Indexed<StatusSet>,
    pub attributes: Indexed<Attribute>,
    pub locations: Indexed<Location>,
    pub(super) assets: Vec<Asset>,
    pub(super) asset_index: HashMap<Uuid, usize>,
    /// The number of active assets with each barcode, for the switch `barcode_unique`.
    pub(super) barcodes: HashMap<Box<str>, u32>,
    pub(super) active_assets: usize,
    pub relationships: Vec<Relationship>,
    pub(super) relationship_index: HashMap<Uuid, usize>,
    pub(super) pairs: HashMap<[Entity; 2], usize>,
    pub(super) asset_version: u64,
    /// The version counter that all settings share ("Create settings" tutorial).
    pub(super) settings_version: u64,
    pub(super) buckets: HashSet<String>,
    pub(super) service: Arc<str>,
}

impl World {
    /// Generates a new id from the world's own random number generator.
    pub fn new_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes()).into_uuid()
    }

    /// Returns the user name of the service itself.
    #[must_use]
    pub fn service(&self) -> Arc<str> {
        Arc::clone(&self.service)
    }

    /// Increments the version counter of the settings and returns its value.
    pub fn next_settings_version(&mut self) -> u64 {
        self.settings_version += 1;
        self.settings_version
    }

    /// Returns the stamp of a settings object created now by this user.
    pub fn settings_stamp(&mut self, user: &Arc<str>) -> Stamp {
        let version = self.next_settings_version();
        Stamp::new(self.now, user, version)
    }

    /// Returns the id for the next new category.
    #[must_use]
    pub fn next_category(&self) -> u64 {
        self.categories.keys().last().map_or(ROOT, |last| last + 1)
    }

    /// Returns the generated name for the next new custom attribute. Names are never reused.
    #[must_use]
    pub fn next_attribute_name(&self) -> String {
        let numbers = self.attributes.iter().filter_map(|attribute| {
            let number: u64 = attribute.name.strip_prefix("ca")?.parse().ok()?;
            Some(number)
        });
        format!("ca{}", numbers.max().unwrap_or(0).saturating_add(1))
    }

    /// Looks up a category by its exact id: `"042"` is not `"42"`.
    #[must_use]
    pub fn category(&self, id: &str) -> Option<&Category> {
        self.categories
            .get(&id.parse().ok()?)
            .filter(|category| category.id.to_string() == id)
    }

    /// Iterates over a category and its ancestors, starting with the category itself.
    pub fn path(&self, category: u64) -> impl Iterator<Item = &Category> {
        let mut next = self.categories.get(&category);
        // The bound prevents a cycle among edited categories from hanging the simulator.
        std::iter::from_fn(move || {
            let current = next?;
            next = current.parent.and_then(|parent| self.categories.get(&parent));
            Some(current)
        })
        .take(64)
    }

    /// Returns the status set of a category, own or inherited, and the id of the category that it is assigned
    /// to.
    #[must_use]
    pub fn effective_set(&self, category: u64) -> Option<(&StatusSet, u64)> {
        let (set, from) = self
            .path(category)
            .find_map(|node| Some((node.status_set.as_ref()?.status_set, node.id)))?;
        Some((self.status_sets.by_id(set)?, from))
    }

    /// Returns the active attributes of a category, own and inherited, each with the category that it is
    /// assigned to.
    #[must_use]
    pub fn effective_attributes(&self, category: u64) -> Vec<(&Attribute, u64)> {
        let mut found: Vec<(&Attribute, u64)> = Vec::new();
        let mut seen = HashSet::new();
        for node in self.path(category) {
            for id in &node.attributes {
                if seen.insert(*id)
                    && let Some(attribute) = self.attributes.by_id(*id)
                    && attribute.stamp.active()
                {
                    found.push((attribute, node.id));
                }
            }
        }
        found
    }

    /// Returns whether a location is the location `above` or is below it.
    #[must_use]
    pub fn location_within(&self, mut location: Uuid, above: Uuid) -> bool {
        loop {
            if location == above {
                return true;
            }
            match self.locations.by_id(location).and_then(|node| node.parent) {
                Some(parent) => location = parent,
                None => return false,
            }
        }
    }
}
