//! The relationship endpoints.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::assets::{most_items, over_limit};
use super::contract::{EntityKind, RELATIONSHIP_PAGE_MOST, Switch, Switches, WRITABLE};
use super::handle::{Call, Query, Refusal, State, Violation, answer, bad_field, instant, refuse, uuid};
use super::world::{Entity, Millis, Relationship, World, timestamp};
use crate::http::send::Response;

/// Handles a call to the Relationship API.
pub fn call(state: &mut State, call: &Call, now: Duration) -> Result<Response, Refusal> {
    match call.endpoint.tag {
        "relationships:search" => search(state, call, now),
        "relationships:batch" => batch(state, call),
        "relationships/id" => one(state, call),
        "relationships" => put(state, call),
        "relationships:writable" => Ok(writable_matrix(&state.switches)),
        _ => delete(state, call),
    }
}

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

fn print_at(state: &mut State, position: usize) -> Value {
    let world = &mut state.world;
    printed(&world.relationships[position], &state.switches, &mut world.random)
}

fn print_all(state: &mut State, positions: &[usize]) -> Vec<Value> {
    positions
        .iter()
        .map(|position| print_at(state, *position))
        .collect()
}

fn invalid(field: &str, value: &str) -> Refusal {
    bad_field("BadInput", field, format!("The value '{value}' is not valid."))
}

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

struct Side<'a> {
    domain: Option<&'a str>,
    kind: Option<&'a str>,
    id: Option<&'a str>,
}

impl<'a> Side<'a> {
    fn read(query: &'a Query, names: [&'static str; 3]) -> Result<Self, Refusal> {
        let [domain, kind, id] = names.map(|name| query.get(name));
        if id.is_some() && kind.is_none() || kind.is_some() && domain.is_none() {
            // An id requires a type, and a type requires a domain ("GET relationships:search" reference page).
            let missing = if kind.is_none() { names[1] } else { names[0] };
            return Err(bad_field(
                "BadInput",
                missing,
                format!("{missing} is required here."),
            ));
        }
        Ok(Self { domain, kind, id })
    }

    fn fits(&self, entity: &Entity) -> bool {
        self.domain.is_none_or(|domain| *entity.domain == *domain)
            && self.kind.is_none_or(|kind| *entity.kind == *kind)
            && self.id.is_none_or(|id| *entity.id == *id)
    }
}

/// Searches relationships. Each page continues after the last relationship of the previous page, so that
/// deletions do not shift later pages.
fn search(state: &mut State, call: &Call, now: Duration) -> Result<Response, Refusal> {
    let query = &call.query;
    let one = Side::read(query, ["domain", "type", "id"])?;
    let other = Side::read(query, ["withDomain", "withType", "withId"])?;
    let time = |name: &str| -> Result<Option<Millis>, Refusal> {
        query
            .get(name)
            .map(|text| instant(text).ok_or_else(|| invalid(name, text)))
            .transpose()
    };
    let (after, before) = (time("createdAfter")?, time("createdBefore")?);
    let only_deleted = query.flag("onlyDeleted")?;
    let deleted = only_deleted || query.flag("includeDeleted")?;
    let limit = match query.get("pageLimit") {
        None => RELATIONSHIP_PAGE_MOST,
        Some(text) => match text.parse::<usize>() {
            Ok(limit) if (1..=RELATIONSHIP_PAGE_MOST).contains(&limit) => limit,
            Ok(limit) if limit > 0 && state.switches.is(Switch::PageLimitOver, "clamp") => {
                RELATIONSHIP_PAGE_MOST
            }
            _ => return Err(invalid("pageLimit", text)),
        },
    };
    let asked: Vec<String> = query
        .pairs()
        .iter()
        .filter(|(name, _)| name != "continuationToken" && name != "pageLimit")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let asked = asked.join("&");
    let start = match query.get("continuationToken") {
        None => 0,
        Some(token) => {
            continued(state, call, token, &asked, now).ok_or_else(|| invalid("continuationToken", token))?
        }
    };
    let fits = |relationship: &Relationship| {
        let [left, right] = &relationship.entities;
        (deleted || relationship.deleted_at.is_none())
            && (!only_deleted || relationship.deleted_at.is_some())
            && after.is_none_or(|after| relationship.created_at >= after)
            && before.is_none_or(|before| relationship.created_at <= before)
            && (one.fits(left) && other.fits(right) || one.fits(right) && other.fits(left))
    };
    let all = &state.world.relationships;
    let found: Vec<usize> = (start.min(all.len())..all.len())
        .filter(|position| fits(&all[*position]))
        .take(limit + 1)
        .collect();
    let more = found.len() > limit;
    let shown = &found[..found.len().min(limit)];
    let token = |next: usize| {
        let content = json!({ "user": &*call.user.id, "container": state.world.project, "query": asked, "next": next,
            "issued": now.as_secs_f64() });
        STANDARD.encode(content.to_string())
    };
    let mut page = json!({ "syncToken": token(all.len()) });
    match shown.last() {
        Some(last) if more => page["continuationToken"] = json!(token(last + 1)),
        _ if state.switches.is(Switch::LastToken, "null") => page["continuationToken"] = Value::Null,
        _ => {}
    }
    let relationships = print_all(state, shown);
    Ok(answer(
        200,
        &json!({ "page": page, "relationships": relationships }),
    ))
}

/// Returns the position at which a continuation token resumes, if the token has not expired and is valid for
/// this user, container and query.
fn continued(state: &State, call: &Call, token: &str, asked: &str, now: Duration) -> Option<usize> {
    let content: Value = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
    let alive = state.switches.number(Switch::TokenTtl).is_none_or(|seconds| {
        content["issued"]
            .as_f64()
            .is_some_and(|issued| now.as_secs_f64() - issued <= seconds)
    });
    let own = content["user"].as_str() == Some(&*call.user.id)
        && content["container"] == json!(state.world.project)
        && content["query"].as_str() == Some(asked);
    content["next"]
        .as_u64()
        .filter(|_| alive && own)
        .and_then(|next| usize::try_from(next).ok())
}

fn batch(state: &mut State, call: &Call) -> Result<Response, Refusal> {
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
    Ok(answer(200, &all))
}

fn one(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let text = call.ids.get(1).map_or("", String::as_str);
    let id = uuid(text).ok_or_else(|| invalid("relationshipId", text))?;
    let position = state
        .world
        .relationship_position(id)
        .ok_or_else(|| refuse(404, "NotFound", format!("There is no relationship {id}.")))?;
    let value = print_at(state, position);
    Ok(answer(200, &value))
}

fn delete(state: &mut State, call: &Call) -> Result<Response, Refusal> {
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
    Ok(answer(200, &json!({ "deleted": deleted })))
}

/// One parsed item of the array in a PUT request.
struct Link {
    id: Option<Uuid>,
    entities: [Entity; 2],
}

fn put(state: &mut State, call: &Call) -> Result<Response, Refusal> {
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
        return Ok(answer(200, &success));
    }
    let mut body = json!({});
    if !success.is_empty() || state.switches.is(Switch::EmptySuccess, "empty_list") {
        body["success"] = json!(success);
    }
    body["conflict"] = json!(conflicts);
    Ok(answer(409, &body))
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

fn link(world: &World, switches: &Switches, index: usize, item: &Value) -> Result<Link, Refusal> {
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

/// Returns the pairs of entity types that may be linked.
fn writable(switches: &Switches) -> impl Iterator<Item = (EntityKind, EntityKind)> {
    let asset_issue = (
        ("autodesk-bim360-asset", "asset"),
        ("autodesk-bim360-issue", "issue"),
    );
    let issues = switches.is(Switch::WritableAssetIssue, "on");
    WRITABLE.iter().copied().chain(issues.then_some(asset_issue))
}

/// Creates the response that lists which entity types may be linked, grouped by domain, in both directions
/// ("GET relationships:writable" reference page).
fn writable_matrix(switches: &Switches) -> Response {
    let mut matrix: BTreeMap<EntityKind, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (one, other) in writable(switches) {
        for (from, (domain, kind)) in [(one, other), (other, one)] {
            let allowed = matrix.entry(from).or_default();
            allowed.entry(domain).or_default().insert(kind);
        }
    }
    let mut domains: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for ((domain, kind), allowed) in matrix {
        let allow: Vec<Value> = allowed
            .iter()
            .map(|(domain, kinds)| json!({ "domain": domain, "entityTypes": kinds }))
            .collect();
        let entry = json!({ "entityType": kind, "allow": allow });
        domains.entry(domain).or_default().push(entry);
    }
    let domains: Vec<Value> = domains
        .iter()
        .map(|(domain, types)| json!({ "domain": domain, "entityTypes": types }))
        .collect();
    answer(200, &domains)
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
