//! A project created from a description. Only its ids come from the seed.
//!
//! `Options::project` documents the format of the description.

mod attributes;
mod categories;
mod entry;
mod locations;
mod status_sets;

use serde_json::Value;

use super::world::{Millis, World};
use attributes::attributes;
use categories::categories;
use entry::Entry;
use locations::locations;
use status_sets::status_sets;

/// Creates the described project, or reports the first problem in the description.
pub fn described(seed: u64, now: Millis, description: &Value) -> Result<World, String> {
    let at = "project".to_owned();
    let parts = Entry::read(
        at,
        description,
        &["status_sets", "attributes", "categories", "locations"],
    )?;
    let mut world = World::empty(seed, now);
    let sets = status_sets(&mut world, &parts.entries("status_sets")?)?;
    let attributes = attributes(&mut world, &parts.entries("attributes")?)?;
    categories(&mut world, &parts.entries("categories")?, &sets, &attributes)?;
    locations(&mut world, &parts.entries("locations")?)?;
    Ok(world)
}
