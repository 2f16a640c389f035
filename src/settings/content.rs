//! The settings of a project as they are read and stored.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::model::settings::{Attribute, Category, Inheritance, Location, StatusSet};

/// The start of the note about missing locations.
pub const LOCATIONS_UNREAD: &str = "the locations could not be read";

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
        let assigned: HashSet<(String, String)> = self.category_attributes.iter().cloned().collect();
        let mut kept = HashSet::new();
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
