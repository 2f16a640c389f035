//! Relationships as in responses.

use serde_json::{Value, json};

use crate::simulator::contract::{Switch, Switches};
use crate::simulator::state::State;
use crate::simulator::world::{Relationship, timestamp};

/// Formats a relationship for a response.
pub fn printed(relationship: &Relationship, switches: &Switches, random: &mut fastrand::Rng) -> Value {
    let mut entities: Vec<Value> = relationship
        .entities
        .iter()
        .map(|entity| {
            json!({ "createdOn": timestamp(relationship.created_at), "domain": &*entity.domain,
                "type": &*entity.kind, "id": entity.id })
        })
        .collect();
    let swap = switches.is(Switch::EntityOrder, "swapped")
        || switches.is(Switch::EntityOrder, "random") && random.bool();
    if swap {
        entities.reverse();
    }
    let mut value = json!({ "id": relationship.id, "createdOn": timestamp(relationship.created_at),
        "isReadOnly": relationship.read_only, "isService": false,
        "isDeleted": relationship.deleted_at.is_some(), "entities": entities });
    if let Some(at) = relationship.deleted_at {
        value["deletedOn"] = json!(timestamp(at));
    }
    value
}

pub fn print_at(state: &mut State, position: usize) -> Value {
    let world = &mut state.world;
    printed(&world.relationships[position], &state.switches, &mut world.random)
}

pub fn print_all(state: &mut State, positions: &[usize]) -> Vec<Value> {
    positions
        .iter()
        .map(|position| print_at(state, *position))
        .collect()
}
