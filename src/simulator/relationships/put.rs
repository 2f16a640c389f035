//! Creates relationships.

use serde_json::json;

use super::link::{Link, link};
use super::print::print_at;
use crate::http::send::Response;
use crate::simulator::call::Call;
use crate::simulator::contract::Switch;
use crate::simulator::refusal::{Refusal, bad_field, refuse};
use crate::simulator::responses::json_response;
use crate::simulator::state::State;

pub fn put(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let items = call
        .body
        .as_array()
        .ok_or_else(|| refuse(400, "BadInput", "The body must be an array."))?;
    let most = call.endpoint.items.unwrap_or(usize::MAX);
    if items.is_empty() || items.len() > most && state.switches.is(Switch::PutLimit, "array") {
        return Err(bad_field(
            "BadInput",
            "body",
            format!("The array must have 1 to {most} items."),
        ));
    }
    let links: Vec<Result<Link, Refusal>> = items
        .iter()
        .enumerate()
        .map(|(index, item)| link(&state.world, &state.switches, index, item))
        .collect();
    if state.switches.is(Switch::PutLimit, "fanout") {
        let entities = || links.iter().flatten().flat_map(|link| &link.entities);
        if entities().any(|entity| entities().filter(|other| *other == entity).count() > most) {
            let detail = format!("One entity may be linked to at most {most} others in one call.");
            return Err(bad_field("BadInput", "body", detail));
        }
    }
    let mut failure = None;
    let mut good = Vec::new();
    for link in links {
        match link {
            Ok(link) => good.push(link),
            Err(refusal) => {
                failure.get_or_insert(refusal);
            }
        }
    }
    if failure.is_some() && state.switches.is(Switch::PutFailure, "atomic") {
        good.clear();
    }
    let mut success = Vec::new();
    let mut conflicts = Vec::new();
    for link in good {
        match join(state, &link) {
            Ok(position) => success.push(print_at(state, position)),
            Err(position) => {
                let actual = print_at(state, position);
                conflicts.push(json!({ "id": link.id, "actual": actual }));
            }
        }
    }
    if let Some(refusal) = failure {
        return Err(refusal);
    }
    if conflicts.is_empty() {
        return Ok(json_response(200, &success));
    }
    let mut body = json!({});
    if !success.is_empty() || state.switches.is(Switch::EmptySuccess, "empty_list") {
        body["success"] = json!(success);
    }
    body["conflict"] = json!(conflicts);
    Ok(json_response(409, &body))
}

/// Creates a link, finds an existing one or restores a deleted one, and returns the index of the link. The
/// error is the index of a conflicting link.
fn join(state: &mut State, link: &Link) -> Result<usize, usize> {
    let switches = &state.switches;
    let existing = state.world.relationship_of(&link.entities);
    if let Some(position) = existing {
        let known = &state.world.relationships[position];
        if known.deleted_at.is_none() {
            match link.id {
                None if switches.is(Switch::PutExisting, "return") => return Ok(position),
                None if switches.is(Switch::PutExisting, "409") => return Err(position),
                None => {}
                Some(id) if id == known.id && switches.is(Switch::PutReplay, "200") => return Ok(position),
                Some(_) => return Err(position),
            }
        } else if switches.is(Switch::PutDeletedPair, "revive") {
            state.world.relationships[position].deleted_at = None;
            state.audit.relationships_created += 1;
            return Ok(position);
        }
    }
    let id = match link.id {
        Some(id) => match state.world.relationship_position(id) {
            Some(taken) => return Err(taken),
            None => id,
        },
        None => state.world.new_id(),
    };
    state.audit.relationships_created += 1;
    Ok(state.world.add_relationship(id, link.entities.clone(), false))
}
