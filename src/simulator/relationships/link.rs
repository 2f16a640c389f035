//! One item of a PUT request.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::writable::writable;
use crate::simulator::contract::{Switch, Switches};
use crate::simulator::refusal::{Refusal, bad_field, invalid, refuse};
use crate::simulator::values::uuid;
use crate::simulator::world::{Entity, World};

/// One parsed item of the array in a PUT request.
pub struct Link {
    pub id: Option<Uuid>,
    pub entities: [Entity; 2],
}

pub fn link(world: &World, switches: &Switches, index: usize, item: &Value) -> Result<Link, Refusal> {
    let at = |part: &str| format!("[{index}].{part}");
    let id = match item.get("id") {
        None | Some(Value::Null) => None,
        Some(value) => Some(
            value
                .as_str()
                .and_then(uuid)
                .ok_or_else(|| invalid(&at("id"), &value.to_string()))?,
        ),
    };
    let ends = item
        .get("entities")
        .and_then(Value::as_array)
        .filter(|ends| ends.len() == 2);
    let Some([first, second]) = ends.map(Vec::as_slice) else {
        return Err(bad_field(
            "BadInput",
            &at("entities"),
            "A relationship has exactly two entities.",
        ));
    };
    let entity = |value: &Value, end: usize| -> Result<Entity, Refusal> {
        let part = |name: &str, most: usize| {
            value
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty() && text.chars().count() <= most)
                .ok_or_else(|| {
                    bad_field(
                        "BadInput",
                        &at(&format!("entities[{end}].{name}")),
                        "Missing or too long.",
                    )
                })
        };
        Ok(Entity {
            domain: Arc::from(part("domain", 128)?),
            kind: Arc::from(part("type", 128)?),
            id: part("id", 512)?.into(),
        })
    };
    let entities = [entity(first, 0)?, entity(second, 1)?];
    let [left, right] = [0, 1].map(|end| (&*entities[end].domain, &*entities[end].kind));
    if !writable(switches).any(|(one, other)| (one, other) == (left, right) || (one, other) == (right, left))
    {
        let detail = format!("{} and {} cannot be linked.", left.1, right.1);
        return Err(if switches.is(Switch::PutNotWritable, "403") {
            refuse(403, "Forbidden", detail)
        } else {
            bad_field("BadInput", &at("entities"), detail)
        });
    }
    for (end, entity) in entities.iter().enumerate() {
        if !exists(world, entity) {
            let field = at(&format!("entities[{end}].id"));
            return Err(bad_field(
                "BadInput",
                &field,
                format!("The entity '{}' does not exist.", entity.id),
            ));
        }
    }
    Ok(Link { id, entities })
}

/// Returns whether an entity exists. Returns `true` for entities other than assets and categories, which are
/// not checked.
fn exists(world: &World, entity: &Entity) -> bool {
    match (&*entity.domain, &*entity.kind) {
        ("autodesk-bim360-asset", "asset") => uuid(&entity.id)
            .and_then(|id| world.asset_position(id))
            .is_some_and(|position| world.assets()[position].stamp.active()),
        ("autodesk-bim360-asset", "category") => world.category(&entity.id).is_some(),
        _ => true,
    }
}
