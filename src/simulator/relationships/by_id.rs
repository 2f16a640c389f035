//! Reads and deletes relationships by id.

use std::collections::HashSet;

use serde_json::json;
use uuid::Uuid;

use super::print::{print_all, print_at};
use crate::http::send::Response;
use crate::simulator::batch::{most_items, over_limit};
use crate::simulator::call::Call;
use crate::simulator::contract::{Switch, Switches};
use crate::simulator::refusal::{Refusal, Violation, bad_field, invalid, refuse};
use crate::simulator::responses::json_response;
use crate::simulator::state::State;
use crate::simulator::values::uuid;

/// Reads the body of a relationships:batch or relationships:delete call, which is a bare array of ids.
fn ids(switches: &Switches, call: &Call) -> Result<Vec<Uuid>, Refusal> {
    let values = call
        .body
        .as_array()
        .ok_or_else(|| refuse(400, "BadInput", "The body must be an array of ids."))?;
    let most = most_items(switches, call.endpoint);
    if !(1..=most).contains(&values.len()) {
        if let Some(refusal) = over_limit(switches).filter(|_| !values.is_empty()) {
            return Err(refusal);
        }
        return Err(bad_field(
            "BadInput",
            "body",
            format!("The array must have 1 to {most} items."),
        ));
    }
    let mut violations = Vec::new();
    let mut ids = Vec::new();
    for (index, value) in values.iter().enumerate() {
        match value.as_str().and_then(uuid) {
            Some(id) => ids.push(id),
            None => violations.push(Violation::field(
                "BadInput",
                &format!("[{index}]"),
                format!("The value {value} is not valid."),
            )),
        }
    }
    if violations.is_empty() {
        return Ok(ids);
    }
    Err(Refusal::Service {
        status: 400,
        code: "BadInput",
        detail: String::new(),
        violations,
    })
}

pub fn batch(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let ids = ids(&state.switches, call)?;
    let mut positions: Vec<usize> = ids
        .iter()
        .filter_map(|id| state.world.relationship_position(*id))
        .collect();
    if positions.len() < ids.len() && state.switches.is(Switch::BatchMissing, "404") {
        return Err(refuse(
            404,
            "NotFound",
            "At least one relationship does not exist.",
        ));
    }
    let mut seen = HashSet::new();
    positions.retain(|position| seen.insert(*position));
    if state.switches.is(Switch::BatchOrder, "shuffled") {
        state.world.random.shuffle(&mut positions);
    }
    let all = print_all(state, &positions);
    Ok(json_response(200, &all))
}

pub fn one(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let text = call.ids.get(1).map_or("", String::as_str);
    let id = uuid(text).ok_or_else(|| invalid("relationshipId", text))?;
    let position = state
        .world
        .relationship_position(id)
        .ok_or_else(|| refuse(404, "NotFound", format!("There is no relationship {id}.")))?;
    let value = print_at(state, position);
    Ok(json_response(200, &value))
}

pub fn delete(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let ids = ids(&state.switches, call)?;
    let mut seen = HashSet::new();
    let mut positions = Vec::new();
    let mut read_only = None;
    for id in ids {
        if !seen.insert(id) {
            if state.switches.is(Switch::DeleteDuplicates, "400") {
                return Err(bad_field(
                    "BadInput",
                    "body",
                    format!("The id '{id}' is a duplicate."),
                ));
            }
            continue;
        }
        match state.world.relationship_position(id) {
            Some(position) if state.world.relationships[position].read_only => {
                read_only.get_or_insert(id);
            }
            Some(position) if state.world.relationships[position].deleted_at.is_none() => {
                positions.push(position);
            }
            _ if state.switches.is(Switch::DeleteUnknown, "404") => {
                return Err(refuse(404, "NotFound", format!("There is no relationship {id}.")));
            }
            _ => {}
        }
    }
    if let Some(id) = read_only
        && state.switches.is(Switch::DeleteForbidden, "403")
    {
        return Err(refuse(
            403,
            "Forbidden",
            format!("Relationship {id} is read-only for this user."),
        ));
    }
    let now = state.world.now;
    let mut deleted = Vec::with_capacity(positions.len());
    for position in positions {
        let relationship = &mut state.world.relationships[position];
        relationship.deleted_at = Some(now);
        deleted.push(relationship.id);
        state.audit.relationships_deleted += 1;
    }
    Ok(json_response(200, &json!({ "deleted": deleted })))
}
