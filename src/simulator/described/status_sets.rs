//! The described status sets.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::entry::Entry;
use crate::simulator::contract::NAME_LENGTH;
use crate::simulator::world::{DEFAULT_STATUS_SET, ROOT, World};

pub fn status_sets<'a>(
    world: &mut World,
    entries: &[(String, &'a Value)],
) -> Result<HashMap<&'a str, Uuid>, String> {
    let keys = ["name", "default", "statuses", "active"];
    let mut sets = Vec::new();
    for (at, value) in entries {
        sets.push(Entry::read(at.clone(), value, &keys)?);
    }
    let mut default = None;
    for entry in &sets {
        if entry.flag("default", false)? && default.replace(entry).is_some() {
            return Err(format!("{}: more than one default status set", entry.at));
        }
    }
    if default.is_none() {
        world.add_default_statuses();
    }
    let mut named: HashMap<&str, Uuid> = HashMap::new();
    let own = world.status_sets.first().map(|set| (set.id, set.name.clone()));
    for entry in &sets {
        let name = entry.required("name", NAME_LENGTH)?;
        if own.as_ref().is_some_and(|(_, own)| own == name) {
            return Err(format!(
                "{}: {name:?} is the name of the default status set; set \"default\" on this one to \
                    replace it",
                entry.at
            ));
        }
        let is_default = entry.flag("default", false)?;
        let active = entry.flag("active", true)?;
        if is_default && !active {
            return Err(format!("{}: the default status set cannot be inactive", entry.at));
        }
        let set = world.add_status_set(name, is_default);
        if named.insert(name, set).is_some() {
            return Err(format!("{}: duplicate status set {name:?}", entry.at));
        }
        for (label, active) in entry.labels("statuses")? {
            let id = world.new_id();
            world.add_status(set, id, label);
            if !active {
                world.deactivate_status(set, id);
            }
        }
        if is_default {
            world.assign_status_set(ROOT, set);
        }
        if !active {
            world.deactivate_status_set(set);
        }
    }
    // Categories may also refer to the service's own default set by its name.
    if let Some((id, _)) = own {
        named.entry(DEFAULT_STATUS_SET).or_insert(id);
    }
    Ok(named)
}
