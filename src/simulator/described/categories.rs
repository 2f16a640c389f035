//! The described categories.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::entry::Entry;
use crate::simulator::contract::{CATEGORY_DEPTH, NAME_LENGTH};
use crate::simulator::world::{ROOT, World};

pub fn categories(
    world: &mut World,
    entries: &[(String, &Value)],
    sets: &HashMap<&str, Uuid>,
    attributes: &HashMap<&str, Uuid>,
) -> Result<(), String> {
    let keys = ["path", "id", "active", "status_set", "attributes"];
    let mut listed = Vec::new();
    let mut asked: HashMap<Vec<&str>, Option<u64>> = HashMap::new();
    let mut ids = HashSet::from([ROOT]);
    // Collect every path once, parents first, including parents that are not listed.
    let mut order: Vec<Vec<&str>> = Vec::new();
    let mut seen = HashSet::from([Vec::new()]);
    for (at, value) in entries {
        let entry = Entry::read(at.clone(), value, &keys)?;
        let path = entry.path()?;
        if path.len() > CATEGORY_DEPTH {
            return Err(format!("{at}: more than {CATEGORY_DEPTH} levels below ROOT"));
        }
        let id = category_id(&entry)?;
        if path.is_empty()
            && (id.is_some() || entry.get("status_set").is_some() || entry.get("active").is_some())
        {
            return Err(format!(
                "{at}: ROOT can only have attributes; its status set is the one with \"default\""
            ));
        }
        if let Some(id) = id
            && !ids.insert(id)
        {
            return Err(format!("{at}: duplicate category id {id}"));
        }
        for length in 1..=path.len() {
            if seen.insert(path[..length].to_vec()) {
                order.push(path[..length].to_vec());
            }
        }
        if asked.insert(path.clone(), id).is_some() {
            return Err(format!("{at}: duplicate category {}", path.join(" > ")));
        }
        listed.push((path, entry));
    }
    let mut made: HashMap<Vec<&str>, u64> = HashMap::from([(Vec::new(), ROOT)]);
    let mut next = ROOT;
    for path in order {
        let id = asked.get(&path).copied().flatten().unwrap_or_else(|| {
            while ids.contains(&next) {
                next += 1;
            }
            ids.insert(next);
            next
        });
        let (name, above) = path.split_last().unwrap_or((&"", &[]));
        // Parents come first, so every parent exists.
        world.add_category(id, name, made.get(above).copied());
        made.insert(path, id);
    }
    for (path, entry) in &listed {
        // Every path was created above.
        let Some(id) = made.get(path).copied() else {
            continue;
        };
        if let Some(name) = entry.text("status_set", NAME_LENGTH)? {
            let set = sets
                .get(name)
                .ok_or_else(|| format!("{}: no status set {name:?}", entry.at))?;
            world.assign_status_set(id, *set);
        }
        for (at, value) in entry.entries("attributes")? {
            let attribute = value
                .as_str()
                .and_then(|name| attributes.get(name))
                .ok_or_else(|| format!("{at}: no attribute {value}"))?;
            world.assign_attribute(id, *attribute);
        }
        if !entry.flag("active", true)? {
            world.deactivate_category(id);
        }
    }
    Ok(())
}

/// Reads the id of a category: a positive whole number, or a string that contains one, as in the service's
/// responses.
fn category_id(entry: &Entry<'_>) -> Result<Option<u64>, String> {
    let Some(value) = entry.get("id") else {
        return Ok(None);
    };
    let exact = |text: &str| text.parse::<u64>().ok().filter(|id| id.to_string() == text);
    let id = value.as_u64().or_else(|| value.as_str().and_then(exact));
    id.filter(|id| *id > 0)
        .map(Some)
        .ok_or_else(|| entry.wrong("id", "a whole number of at least 1"))
}
