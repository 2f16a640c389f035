//! The location tree.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::contract::{LOCATION_PAGE_MOST, Switch, Switches};
use super::refusal::{Refusal, bad_field};
use super::responses::json_response;
use super::state::State;
use super::values::uuid;
use super::world::{Location, World};
use crate::http::send::Response;

/// Handles a call to the Locations API. The path contains the id of the project or of its BIM 360 container.
pub fn call(state: &State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&state.world, &state.switches);
    let query = &call.query;
    let number = |name: &str, default: usize, least: usize, most: usize| match query.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| bad_field("INVALID_PARAMETER", name, format!("{name} cannot be {text:?}."))),
    };
    let asked = query
        .get("filter[id]")
        .map(|list| -> HashSet<Uuid> { list.split(',').filter_map(|id| uuid(id.trim())).collect() });
    let (mut limit, mut offset) = (
        number("limit", LOCATION_PAGE_MOST, 1, LOCATION_PAGE_MOST)?,
        number("offset", 0, 0, usize::MAX)?,
    );
    if asked.is_some() {
        (limit, offset) = (LOCATION_PAGE_MOST, 0);
    }
    // Determine each location's position among its siblings in a single pass.
    let mut siblings: HashMap<Option<Uuid>, usize> = HashMap::new();
    let mut found = 0;
    let mut results = Vec::new();
    for node in &world.locations {
        let count = siblings.entry(node.parent).or_default();
        let order = *count;
        *count += 1;
        if asked.as_ref().is_some_and(|ids| !ids.contains(&node.id)) {
            continue;
        }
        if found >= offset && results.len() < limit {
            results.push(printed(world, switches, node, order, asked.is_some()));
        }
        found += 1;
    }
    let total = if switches.is(Switch::LocationsTotal, "grand") {
        found
    } else {
        results.len()
    };
    let mut pagination = json!({ "limit": limit, "offset": offset, "totalResults": total });
    let next = offset.saturating_add(limit);
    if next < found {
        let (key, url) = next_url(switches, call, limit, next);
        pagination[key] = json!(url);
    }
    Ok(json_response(
        200,
        &json!({ "pagination": pagination, "results": results }),
    ))
}

fn printed(world: &World, switches: &Switches, node: &Location, order: usize, with_path: bool) -> Value {
    let kind = if node.parent.is_none() { "Root" } else { "Area" };
    let mut value = json!({ "id": node.id, "parentId": node.parent, "type": kind, "name": node.name,
        "order": order, "documentCount": 0 });
    if let Some(barcode) = &node.barcode {
        value["barcode"] = json!(barcode);
    }
    if with_path {
        value["path"] = json!(path(world, node, switches.is(Switch::LocationPath, "with_self")));
    }
    value
}

/// Returns the URL of the next page, preceded by the URL's key in the pagination object. In the documented
/// samples, the URL is relative and lacks the first path segment.
fn next_url(switches: &Switches, call: &Call, limit: usize, next: usize) -> (&'static str, String) {
    let path = &call.path;
    let short = ["/construction", "/bim360"]
        .iter()
        .find_map(|first| path.strip_prefix(first))
        .unwrap_or(path);
    let relative = format!("{short}?limit={limit}&offset={next}");
    if switches.is(Switch::LocationsNext, "absolute") {
        (
            "nextUrl",
            format!("{}{path}?limit={limit}&offset={next}", call.origin),
        )
    } else if switches.is(Switch::LocationsNext, "next_key") {
        ("next", relative)
    } else {
        ("nextUrl", relative)
    }
}

fn path<'a>(world: &'a World, node: &'a Location, with_self: bool) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut current = Some(node);
    while let Some(step) = current {
        if with_self || step.id != node.id {
            names.push(step.name.as_str());
        }
        current = step.parent.and_then(|parent| world.locations.by_id(parent));
    }
    names.reverse();
    names
}
