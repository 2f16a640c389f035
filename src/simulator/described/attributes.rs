//! The described custom attributes.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::entry::Entry;
use crate::simulator::contract::{ATTRIBUTE_TEXT_LENGTH, NAME_LENGTH};
use crate::simulator::setup::default_fits;
use crate::simulator::world::{Attribute, Choice, DataType, World};

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

pub fn attributes<'a>(
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
