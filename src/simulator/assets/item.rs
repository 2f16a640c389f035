//! One item of a batch: its fields.

use serde_json::Value;

use super::attributes::fill_attributes;
use crate::simulator::contract::{ASSET_FIELDS, Field, Kind, Switch, Switches};
use crate::simulator::refusal::Violation;
use crate::simulator::values::uuid;
use crate::simulator::world::{Asset, Draft, ROOT, World};

/// Applies an item to a draft and returns all violations. `old` is the asset being patched, or `None` for a
/// create.
pub fn fill(
    world: &World,
    switches: &Switches,
    draft: &mut Draft,
    item: &Value,
    old: Option<&Asset>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let Some(map) = item.as_object() else {
        let detail = format!("An item must be an object, not {item}.");
        return vec![Violation::new("MALFORMED_REQUEST", detail)];
    };
    for (name, value) in map {
        match ASSET_FIELDS.iter().find(|field| field.name == name) {
            Some(field) => {
                if let Err(violation) = set_field(switches, draft, field, value) {
                    found.push(violation);
                }
            }
            None if switches.is(Switch::UnknownField, "400") => {
                let detail = format!("Unknown or read-only field {name:?}.");
                found.push(Violation::field("UNKNOWN_FIELD", name, detail));
            }
            None => {}
        }
    }
    if old.is_none() {
        for field in ASSET_FIELDS
            .iter()
            .filter(|field| field.required && !map.contains_key(field.name))
        {
            let detail = format!("Field {:?} is required.", field.name);
            found.push(Violation::field("REQUIRED_FIELD_MISSING", field.name, detail));
        }
    }
    let refused = |name: &str, found: &[Violation]| {
        found
            .iter()
            .any(|violation| violation.metadata.get("fieldName").and_then(Value::as_str) == Some(name))
    };
    if refused("categoryId", &found) {
        return found;
    }
    let moved = old.is_none_or(|old| old.category != draft.category);
    let Some(category) = world.categories.get(&draft.category) else {
        let detail = format!("There is no category {:?}.", draft.category.to_string());
        found.push(Violation::field("CATEGORY_NOT_FOUND", "categoryId", detail));
        return found;
    };
    if moved && !category.stamp.active() {
        let detail = format!("Category {:?} is inactive.", category.name);
        found.push(Violation::field("CATEGORY_INACTIVE", "categoryId", detail));
    }
    if moved && draft.category == ROOT && switches.is(Switch::RootCategory, "400") {
        let detail = "ROOT cannot be the category of an asset.".into();
        found.push(Violation::field("INVALID_FIELD_VALUE", "categoryId", detail));
    }
    let given = map.get("statusId").is_some();
    if (given || moved && !switches.is(Switch::CategoryChange, "keep"))
        && !refused("statusId", &found)
        && !world.effective_set(draft.category).is_some_and(|(set, _)| {
            let mut active = set.statuses.iter().filter(|status| status.stamp.active());
            active.any(|status| status.id == draft.status)
        })
    {
        let detail = format!(
            "Status {} is not in the status set of category {:?}.",
            draft.status, category.name
        );
        found.push(Violation::field("STATUS_NOT_IN_CATEGORY", "statusId", detail));
    }
    if map.get("locationId").is_some()
        && let Some(location) = draft.location
        && !switches.is(Switch::ForeignLocation, "accept")
        && world.locations.by_id(location).is_none()
    {
        let detail = format!("There is no location {location}.");
        found.push(Violation::field("LOCATION_NOT_FOUND", "locationId", detail));
    }
    fill_attributes(
        world,
        switches,
        draft,
        map.get("customAttributes"),
        old,
        moved,
        &mut found,
    );
    found
}

fn set_field(switches: &Switches, draft: &mut Draft, field: &Field, value: &Value) -> Result<(), Violation> {
    let name = field.name;
    let wrong = |what: &str| {
        Violation::field(
            "INVALID_FIELD_VALUE",
            name,
            format!("Field {name:?} must be {what}, not {value}."),
        )
    };
    if value.is_null() {
        return match name {
            _ if field.required => Err(wrong("a text")),
            _ if switches.is(Switch::PatchNull, "reject") => Err(wrong("present or omitted")),
            _ if switches.is(Switch::PatchNull, "ignore") => Ok(()),
            "description" => {
                draft.description = None;
                Ok(())
            }
            "locationId" => {
                draft.location = None;
                Ok(())
            }
            "barcode" => {
                draft.barcode = None;
                Ok(())
            }
            _ => {
                draft.attributes.clear();
                Ok(())
            }
        };
    }
    if field.kind == Kind::Attributes {
        // The values are checked once the category is known.
        return if value.is_object() {
            Ok(())
        } else {
            Err(wrong("an object"))
        };
    }
    let mut text = value.as_str().ok_or_else(|| wrong("a string"))?;
    if name == "clientAssetId" && switches.is(Switch::ClientAssetIdTrim, "on") {
        text = text.trim();
    }
    let lower;
    if ["clientAssetId", "barcode"].contains(&name) && switches.is(Switch::KeyCase, "lower") {
        lower = text.to_lowercase();
        text = &lower;
    }
    let kept = (!text.is_empty() || switches.is(Switch::EmptyText, "kept")).then(|| text.to_owned());
    let switch = match name {
        "clientAssetId" => Some(Switch::ClientAssetIdMax),
        "barcode" => Some(Switch::BarcodeMax),
        _ => None,
    };
    let most = switch.map_or(field.max_length, |switch| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        switches.number(switch).map(|most| most as usize)
    });
    if let Some(most) = most
        && text.chars().count() > most
    {
        return Err(Violation::too_long(name, most));
    }
    match name {
        "clientAssetId" if text.is_empty() => return Err(wrong("a non-empty string")),
        "clientAssetId" => draft.client_asset_id = text.into(),
        "categoryId" => {
            // Accept an id only in its canonical form: "042" is not "42".
            let id = text.parse().ok().filter(|id: &u64| id.to_string() == text);
            draft.category = id.ok_or_else(|| wrong("the id of a category"))?;
        }
        "statusId" => draft.status = uuid(text).ok_or_else(|| wrong("a UUID"))?,
        "description" => draft.description = kept,
        "locationId" => draft.location = Some(uuid(text).ok_or_else(|| wrong("a UUID"))?),
        _ => draft.barcode = kept,
    }
    Ok(())
}
