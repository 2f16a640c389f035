//! Endpoints that read settings: categories, status sets, statuses, custom attributes, error codes.

use std::collections::HashSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::batch::ids;
use super::call::Call;
use super::contract::{ERROR_CODES, Switch, Switches};
use super::pages::{Page, page, pagination, whole};
use super::refusal::{Refusal, bad_field, refuse};
use super::responses::json_response;
use super::state::State;
use super::values::{instants, uuid};
use super::world::{Attribute, Category, Stamp, Status, StatusSet, World};
use crate::http::send::Response;

/// Handles a call to an Assets endpoint that reads settings.
pub fn call(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&state.world, &state.switches);
    match call.endpoint.tag {
        "categories" => categories(world, call),
        "categories:batch-get" => {
            let uid = call.query.flag("includeUid")?;
            let below = world.subcategories();
            let results: Vec<Value> = ids(switches, call, "ids")?
                .iter()
                .filter_map(|id| Some(world.category_json(world.category(id)?, &below, uid)))
                .collect();
            Ok(json_response(200, &json!({ "results": results })))
        }
        "categories/custom-attributes" => {
            let category = category_of(world, call)?;
            category_attributes(world, switches, category, call)
        }
        "category-status-step-sets" => category_sets(world, switches, call),
        "status-step-sets" | "asset-statuses" | "custom-attributes" => {
            listed(world, switches, call, &components(world, call.endpoint.tag))
        }
        "status-step-sets:batch-get" | "asset-statuses:batch-get" | "custom-attributes:batch-get" => {
            let tag = call.endpoint.tag.trim_end_matches(":batch-get");
            batch(world, switches, call, &components(world, tag))
        }
        "error-codes" => {
            let results: Vec<Value> = ERROR_CODES.iter().map(error_code).collect();
            let pagination = json!({ "limit": results.len(), "offset": 0, "totalResults": results.len() });
            Ok(json_response(
                200,
                &json!({ "pagination": pagination, "results": results }),
            ))
        }
        // The only remaining endpoint returns one error code by name.
        _ => {
            let name = call.ids.first().map_or("", String::as_str);
            let code = ERROR_CODES.iter().find(|(known, ..)| *known == name);
            code.map(|code| json_response(200, &error_code(code)))
                .ok_or_else(|| refuse(404, "NOT_FOUND", format!("There is no error code {name:?}.")))
        }
    }
}

/// Returns all matching categories in one response, because the endpoint has no pagination ("GET categories"
/// reference page).
fn categories(world: &World, call: &Call) -> Result<Response, Refusal> {
    let query = &call.query;
    let uid = query.flag("includeUid")?;
    let active = query.optional_flag("filter[isActive]")?;
    let parent = query.get("filter[parentId]");
    let depth = query
        .get("filter[maxDepth]")
        .map(|text| {
            text.parse::<usize>().map_err(|_| {
                bad_field(
                    "INVALID_PARAMETER",
                    "filter[maxDepth]",
                    format!("{text:?} is not a number."),
                )
            })
        })
        .transpose()?;
    let updated = query
        .get("filter[updatedAt]")
        .map(|text| instants("filter[updatedAt]", text))
        .transpose()?;
    let below = world.subcategories();
    let results: Vec<Value> = world
        .categories
        .values()
        .filter(|category| {
            active.is_none_or(|active| category.stamp.active() == active)
                && parent.is_none_or(|id| category.parent.is_some_and(|parent| parent.to_string() == id))
                && depth.is_none_or(|most| world.path(category.id).count() <= most.saturating_add(1))
                && updated.is_none_or(|(from, to)| (from..=to).contains(&category.stamp.updated_at))
        })
        .map(|category| world.category_json(category, &below, uid))
        .collect();
    Ok(whole(&results))
}

/// Returns the category in the request path.
pub fn category_of<'a>(world: &'a World, call: &Call) -> Result<&'a Category, Refusal> {
    let id = call.ids.get(1).map_or("", String::as_str);
    world
        .category(id)
        .ok_or_else(|| refuse(404, "NOT_FOUND", format!("There is no category {id:?}.")))
}

/// Lists a category's attributes, as the response to a request that reads them or assigns one. Inherited
/// attributes are included only if the query asks for them.
pub fn category_attributes(
    world: &World,
    switches: &Switches,
    category: &Category,
    call: &Call,
) -> Result<Response, Refusal> {
    let inherited = call.query.flag("includeInherited")?;
    let results: Vec<Value> = world
        .effective_attributes(category.id)
        .into_iter()
        .filter(|(_, from)| inherited || *from == category.id)
        .map(|(attribute, from)| {
            let mut value = world.attribute_json(attribute);
            mark_inherited(switches, &mut value, category.id, from);
            value
        })
        .collect();
    Ok(whole(&results))
}

/// Adds the origin of a row, if the switch `inherited_from` says so. The reference pages show the origin only
/// on inherited rows, the tutorials on all rows, and one tutorial on none.
fn mark_inherited(switches: &Switches, row: &mut Value, category: u64, from: u64) {
    let shown = switches.is(Switch::InheritedFrom, "always")
        || from != category && switches.is(Switch::InheritedFrom, "inherited");
    if shown {
        row["inheritedFromCategoryId"] = json!(from.to_string());
    }
}

fn category_sets(world: &World, switches: &Switches, call: &Call) -> Result<Response, Refusal> {
    let inherited = call.query.flag("includeInherited")?;
    let results: Vec<Value> = ids(switches, call, "ids")?
        .iter()
        .filter_map(|id| {
            let category = world.category(id)?;
            let (set, from) = world.effective_set(category.id)?;
            if !inherited && from != category.id {
                return None;
            }
            let mut row = json!({ "categoryId": id, "statusStepSetId": set.id });
            mark_inherited(switches, &mut row, category.id, from);
            Some(row)
        })
        .collect();
    Ok(json_response(200, &json!({ "results": results })))
}

/// An entry in a list of settings. An entry is formatted only if it is returned, since formatting is slow.
enum Component<'a> {
    Set(&'a StatusSet),
    Status(&'a StatusSet, &'a Status),
    Attribute(&'a Attribute),
}

impl Component<'_> {
    fn id(&self) -> Uuid {
        match self {
            Self::Set(set) => set.id,
            Self::Status(_, status) => status.id,
            Self::Attribute(attribute) => attribute.id,
        }
    }

    /// Returns the generated name, which only custom attributes have, or else an empty string.
    fn name(&self) -> &str {
        match self {
            Self::Attribute(attribute) => &attribute.name,
            Self::Set(_) | Self::Status(..) => "",
        }
    }

    fn stamp(&self) -> &Stamp {
        match self {
            Self::Set(set) => &set.stamp,
            Self::Status(_, status) => &status.stamp,
            Self::Attribute(attribute) => &attribute.stamp,
        }
    }

    fn printed(&self, world: &World) -> Value {
        match self {
            Self::Set(set) => world.status_set_json(set),
            Self::Status(set, status) => world.status_json(set, status),
            Self::Attribute(attribute) => world.attribute_json(attribute),
        }
    }
}

fn components<'a>(world: &'a World, tag: &str) -> Vec<Component<'a>> {
    match tag {
        "status-step-sets" => world.status_sets.iter().map(Component::Set).collect(),
        "asset-statuses" => world
            .status_sets
            .iter()
            .flat_map(|set| {
                set.statuses
                    .iter()
                    .map(move |status| Component::Status(set, status))
            })
            .collect(),
        _ => world.attributes.iter().map(Component::Attribute).collect(),
    }
}

fn listed(
    world: &World,
    switches: &Switches,
    call: &Call,
    components: &[Component<'_>],
) -> Result<Response, Refusal> {
    let Page { limit, offset } = page(&call.query, switches)?;
    let deleted = call.query.flag("includeDeleted")?;
    let updated = call
        .query
        .get("filter[updatedAt]")
        .map(|text| instants("filter[updatedAt]", text))
        .transpose()?;
    let fitting: Vec<&Component<'_>> = components
        .iter()
        .filter(|component| {
            (deleted || component.stamp().active())
                && updated.is_none_or(|(from, to)| (from..=to).contains(&component.stamp().updated_at))
        })
        .collect();
    let pagination = pagination(call, switches, limit, offset, fitting.len());
    let results: Vec<Value> = fitting
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|component| component.printed(world))
        .collect();
    Ok(json_response(
        200,
        &json!({ "pagination": pagination, "results": results }),
    ))
}

fn batch(
    world: &World,
    switches: &Switches,
    call: &Call,
    components: &[Component<'_>],
) -> Result<Response, Refusal> {
    let deleted = call.query.flag("includeDeleted")? || switches.is(Switch::SettingsDeleted, "return");
    // Custom attributes may be requested by id, by name or both.
    let by_name = call.endpoint.tag.starts_with("custom-attributes") && call.body.get("names").is_some();
    let names: HashSet<&str> = if by_name {
        ids(switches, call, "names")?.into_iter().collect()
    } else {
        HashSet::new()
    };
    let ids = if by_name && call.body.get("ids").is_none() {
        Vec::new()
    } else {
        ids(switches, call, "ids")?
    };
    let ids: HashSet<Uuid> = ids.iter().filter_map(|id| uuid(id)).collect();
    let results: Vec<Value> = components
        .iter()
        .filter(|component| deleted || component.stamp().active())
        .filter(|component| ids.contains(&component.id()) || names.contains(component.name()))
        .map(|component| component.printed(world))
        .collect();
    Ok(json_response(200, &json!({ "results": results })))
}

fn error_code((name, status, metadata, description): &(&str, u16, &[&str], &str)) -> Value {
    json!({ "name": name, "description": description, "httpStatusCode": status, "metadataKeys": metadata })
}
