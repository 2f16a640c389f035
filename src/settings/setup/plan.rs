//! Plans the steps that bring a project's settings into line with a description.

mod assignments;
mod attributes;
mod categories;
mod differences;
mod planner;
mod status_sets;
mod step;

use std::collections::HashMap;

use super::description::{DescribedCategory, Description};
use crate::settings::{SEPARATOR, Settings};
use planner::{Planner, key};

pub use step::{Action, Kind, ObjectId, Plan, Step, Work};

/// Plans the steps that bring a project with these settings into line with a description.
#[must_use]
pub fn plan(settings: &Settings, description: &Description) -> Plan {
    let mut planner = Planner {
        settings,
        separator: description
            .separator
            .as_deref()
            .map_or(SEPARATOR, str::trim)
            .to_owned(),
        steps: Vec::new(),
        sets: HashMap::new(),
        attributes: HashMap::new(),
        nodes: HashMap::new(),
        below: HashMap::new(),
    };
    for set in &description.status_sets {
        planner.status_set(set);
    }
    for attribute in &description.attributes {
        planner.attribute(attribute);
    }
    planner.roots();
    // Go from the top down, so that the parents of a category are known first.
    let mut categories: Vec<&DescribedCategory> = description.categories.iter().collect();
    categories.sort_by_key(|category| category.path.names.len());
    let listed: HashMap<Vec<String>, &DescribedCategory> = categories
        .iter()
        .map(|category| (key(&category.path.names), *category))
        .collect();
    for category in &categories {
        for length in 1..=category.path.names.len() {
            planner.category(&category.path.names[..length], &listed);
        }
    }
    for category in &categories {
        planner.assignments(category);
    }
    Plan { steps: planner.steps }
}
