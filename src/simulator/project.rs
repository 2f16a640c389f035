//! A project created from a description. Only its ids come from the seed.
//!
//! `Options::project` documents the format of the description.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::contract::{
    ATTRIBUTE_TEXT_LENGTH, CATEGORY_DEPTH, LOCATION_PAGE_MOST, LOCATION_TEXT_LENGTH, LOCATION_TIERS,
    NAME_LENGTH,
};
use super::setup::default_fits;
use super::world::{Attribute, Choice, DEFAULT_STATUS_SET, DataType, Millis, ROOT, World};

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

/// An object in the description, with its location for error messages.
struct Entry<'a> {
    at: String,
    map: &'a Map<String, Value>,
}

impl<'a> Entry<'a> {
    fn read(at: String, value: &'a Value, keys: &[&str]) -> Result<Self, String> {
        let map = value
            .as_object()
            .ok_or_else(|| format!("{at} must be an object, not {value}"))?;
        if let Some(key) = map.keys().find(|key| !keys.contains(&key.as_str())) {
            return Err(format!("unknown key {key:?} in {at}; use {}", keys.join(", ")));
        }
        Ok(Self { at, map })
    }

    /// Returns the value of a key. Null counts as missing.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &str, what: &str) -> String {
        let value = self.map.get(key).unwrap_or(&Value::Null);
        format!("{}.{key} must be {what}, not {value}", self.at)
    }

    fn list(&self, key: &str) -> Result<&'a [Value], String> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(self.wrong(key, "a list")),
        }
    }

    /// Returns the members of a list, each with its location in the description.
    fn entries(&self, key: &str) -> Result<Vec<(String, &'a Value)>, String> {
        let at = |index| format!("{}.{key}[{index}]", self.at);
        let members = self.list(key)?.iter().enumerate();
        Ok(members.map(|(index, value)| (at(index), value)).collect())
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(key, "true or false")),
        }
    }

    fn text(&self, key: &str, most: usize) -> Result<Option<&'a str>, String> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let fits = |text: &&str| !text.is_empty() && text.chars().count() <= most;
        let text = value.as_str().filter(fits);
        text.map(Some)
            .ok_or_else(|| self.wrong(key, &format!("a string of 1 to {most} characters")))
    }

    fn required(&self, key: &str, most: usize) -> Result<&'a str, String> {
        self.text(key, most)?
            .ok_or_else(|| format!("{} needs {key:?}", self.at))
    }

    /// Returns labels, each with a flag that is true if the label is active. Labels that differ only in case
    /// are rejected as duplicates.
    fn labels(&self, key: &str) -> Result<Vec<(&'a str, bool)>, String> {
        let mut seen = HashSet::new();
        let mut labels = Vec::new();
        for (at, value) in self.entries(key)? {
            let (label, active) = match value {
                Value::String(label) if !label.is_empty() => (label.as_str(), true),
                Value::Object(_) => {
                    let entry = Entry::read(at.clone(), value, &["label", "active"])?;
                    (entry.required("label", usize::MAX)?, entry.flag("active", true)?)
                }
                _ => return Err(format!("{at} must be a label or an object, not {value}")),
            };
            if !seen.insert(label.to_lowercase()) {
                return Err(format!("{at}: duplicate label {label:?}"));
            }
            labels.push((label, active));
        }
        Ok(labels)
    }

    /// Returns the names in a path.
    fn path(&self) -> Result<Vec<&'a str>, String> {
        let names: Option<Vec<&str>> = match self.get("path") {
            None => return Err(format!("{} needs \"path\"", self.at)),
            Some(Value::String(text)) => Some(text.split('>').map(str::trim).collect()),
            Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        names
            .filter(|names| names.iter().all(|name| !name.is_empty()))
            .ok_or_else(|| {
                self.wrong(
                    "path",
                    "names that are not empty, as a list or with > between them",
                )
            })
    }
}

// ---- status sets ----

fn status_sets<'a>(
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

// ---- custom attributes ----

const ATTRIBUTE_KEYS: [&str; 8] = [
    "display_name",
    "type",
    "name",
    "required",
    "max_length",
    "default",
    "options",
    "active",
];

fn attributes<'a>(
    world: &mut World,
    entries: &[(String, &'a Value)],
) -> Result<HashMap<&'a str, Uuid>, String> {
    let mut list = Vec::new();
    let mut taken = HashSet::new();
    for (at, value) in entries {
        let entry = Entry::read(at.clone(), value, &ATTRIBUTE_KEYS)?;
        if let Some(name) = entry.text("name", NAME_LENGTH)? {
            let number = name
                .strip_prefix("ca")
                .and_then(|number| number.parse::<u64>().ok());
            if number.is_none_or(|number| number == 0 || format!("ca{number}") != name) {
                return Err(entry.wrong("name", "ca1, ca2, ..."));
            }
            if !taken.insert(name) {
                return Err(format!("{at}: duplicate name {name:?}"));
            }
        }
        list.push(entry);
    }
    let mut number = 0_u64;
    let mut named = HashMap::new();
    for entry in &list {
        let display_name = entry.required("display_name", NAME_LENGTH)?;
        let name = entry.text("name", NAME_LENGTH)?.map_or_else(
            || {
                // Use the next unused name.
                loop {
                    number += 1;
                    let name = format!("ca{number}");
                    if !taken.contains(name.as_str()) {
                        break name;
                    }
                }
            },
            str::to_owned,
        );
        let attribute = attribute(world, entry, display_name, name)?;
        if named.insert(display_name, attribute.id).is_some() {
            return Err(format!("{}: duplicate attribute {display_name:?}", entry.at));
        }
        world.attributes.push(attribute);
    }
    Ok(named)
}

fn attribute(
    world: &mut World,
    entry: &Entry<'_>,
    display_name: &str,
    name: String,
) -> Result<Attribute, String> {
    let types = DataType::ALL.map(DataType::name).join(", ");
    let data_type = DataType::named(entry.required("type", NAME_LENGTH)?)
        .ok_or_else(|| entry.wrong("type", &format!("one of {types}")))?;
    let labels = entry.labels("options")?;
    if data_type.has_choices() == labels.is_empty() {
        let what = if labels.is_empty() { "needs" } else { "has no" };
        return Err(format!("{}: type {} {what} options", entry.at, data_type.name()));
    }
    let given = entry.get("max_length");
    if given.is_some() && data_type != DataType::Text {
        return Err(format!(
            "{}: type {} has no max_length",
            entry.at,
            data_type.name()
        ));
    }
    let length = |value: &Value| {
        let length = usize::try_from(value.as_u64()?).ok()?;
        (1..=ATTRIBUTE_TEXT_LENGTH).contains(&length).then_some(length)
    };
    let max_length = match given {
        Some(value) => {
            let what = format!("a number from 1 to {ATTRIBUTE_TEXT_LENGTH}");
            Some(length(value).ok_or_else(|| entry.wrong("max_length", &what))?)
        }
        None => (data_type == DataType::Text).then_some(ATTRIBUTE_TEXT_LENGTH),
    };
    let (now, by) = (world.now, world.service());
    let mut stamp = world.settings_stamp(&by);
    let mut choices = Vec::new();
    for (label, active) in &labels {
        let mut stamp = stamp.clone();
        if !active {
            stamp.delete(now, &by, stamp.version);
        }
        choices.push(Choice {
            id: world.new_id(),
            label: (*label).to_owned(),
            stamp,
        });
    }
    if !entry.flag("active", true)? {
        let version = world.next_settings_version();
        stamp.delete(now, &by, version);
    }
    let mut attribute = Attribute {
        id: world.new_id(),
        name,
        display_name: display_name.to_owned(),
        description: None,
        data_type,
        required: entry.flag("required", false)?,
        max_length,
        default: None,
        choices,
        stamp,
    };
    if let Some(default) = entry.get("default") {
        let active = labels.iter().filter(|(_, active)| *active);
        let active: Vec<&str> = active.map(|(label, _)| *label).collect();
        default_fits(data_type, &active, max_length, default).map_err(|what| entry.wrong("default", what))?;
        attribute.default = Some(attribute.carried(default));
    }
    Ok(attribute)
}

// ---- categories ----

fn categories(
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

// ---- locations ----

/// Creates the locations. Siblings may have the same name: a path listed twice creates two locations, and later
/// children belong to the second.
fn locations(world: &mut World, entries: &[(String, &Value)]) -> Result<(), String> {
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
