//! The described locations.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::entry::Entry;
use crate::simulator::contract::{LOCATION_PAGE_MOST, LOCATION_TEXT_LENGTH, LOCATION_TIERS};
use crate::simulator::world::World;

/// Creates the locations. Siblings may have the same name: a path listed twice creates two locations, and later
/// children belong to the second.
pub fn locations(world: &mut World, entries: &[(String, &Value)]) -> Result<(), String> {
    let root = world.locations.first().map(|node| node.id);
    // The flag is true if a location was listed itself, rather than only created as a parent.
    let mut made: HashMap<(Option<Uuid>, &str), (Uuid, bool)> = HashMap::new();
    let mut barcodes = HashSet::new();
    for (at, value) in entries {
        let entry = Entry::read(at.clone(), value, &["path", "barcode"])?;
        let path = entry.path()?;
        let too_long = |name: &&str| name.chars().count() > LOCATION_TEXT_LENGTH;
        if path.is_empty() || path.len() >= LOCATION_TIERS || path.iter().any(too_long) {
            let most = LOCATION_TIERS - 1;
            let what = format!("1 to {most} names of at most {LOCATION_TEXT_LENGTH} characters");
            return Err(entry.wrong("path", &what));
        }
        let barcode = entry.text("barcode", LOCATION_TEXT_LENGTH)?;
        if let Some(barcode) = barcode
            && !barcodes.insert(barcode)
        {
            return Err(format!("{at}: duplicate barcode {barcode:?}"));
        }
        let mut parent = root;
        for (depth, name) in path.iter().enumerate() {
            let last = depth + 1 == path.len();
            let known = made.get(&(parent, *name)).copied();
            let id = match known {
                Some((id, listed)) if !(last && listed) => id,
                _ => {
                    let id = world.new_id();
                    world.add_location(id, parent, name);
                    id
                }
            };
            let listed = last || known.is_some_and(|(_, listed)| listed);
            made.insert((parent, *name), (id, listed));
            parent = Some(id);
        }
        if let (Some(barcode), Some(node)) = (barcode, parent.and_then(|id| world.locations.by_id_mut(id))) {
            node.barcode = Some(barcode.to_owned());
        }
        if world.locations.len() > LOCATION_PAGE_MOST {
            return Err(format!(
                "{at}: the tree has more than {LOCATION_PAGE_MOST} locations, including its root"
            ));
        }
    }
    Ok(())
}
