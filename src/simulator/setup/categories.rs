//! Creates categories, and assigns attributes and status sets to them.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::attributes::attribute_of;
use super::fields::Fields;
use super::names::conflict;
use crate::http::send::Response;
use crate::simulator::call::Call;
use crate::simulator::contract::{CATEGORY_DEPTH, CATEGORY_FIELDS, Switch};
use crate::simulator::refusal::{Refusal, bad_field, refuse, refuse_all};
use crate::simulator::responses::json_response;
use crate::simulator::settings::{category_attributes, category_of};
use crate::simulator::state::State;
use crate::simulator::values::uuid;
use crate::simulator::world::{Category, ROOT, StatusSet, World};

pub fn create_category(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let uid = call.query.flag("includeUid")?;
    let mut found = Vec::new();
    let fields = Fields::read(switches, CATEGORY_FIELDS, &call.body, "", true, &mut found);
    refuse_all(400, found)?;
    let (name, parent_id) = (fields.required_text("name"), fields.required_text("parentId"));
    let parent = world.category(parent_id).ok_or_else(|| {
        let detail = format!("There is no category {parent_id:?}.");
        bad_field("CATEGORY_NOT_FOUND", "parentId", detail)
    })?;
    if !parent.stamp.active() {
        let detail = format!("Category {:?} is inactive.", parent.name);
        return Err(bad_field("CATEGORY_INACTIVE", "parentId", detail));
    }
    // The length of the parent's path is the number of levels above the new category.
    if world.path(parent.id).count() > CATEGORY_DEPTH {
        let detail = format!("Categories have at most {CATEGORY_DEPTH} levels below ROOT.");
        return Err(bad_field("CATEGORY_TOO_DEEP", "parentId", detail));
    }
    let parent = parent.id;
    let mut siblings = world
        .categories
        .values()
        .filter(|other| other.parent == Some(parent));
    if siblings.any(|other| other.name == name) {
        conflict(switches, "DUPLICATE_CATEGORY_NAME", name, None)?;
    }
    let id = world.next_category();
    let category = Category {
        id,
        uid: world.new_id(),
        name: name.to_owned(),
        description: fields.owned("description"),
        parent: Some(parent),
        status_set: None,
        attributes: Vec::new(),
        stamp: world.settings_stamp(&call.user.id),
    };
    let printed = world.category_json(&category, &HashMap::new(), uid);
    world.categories.insert(id, category);
    Ok(json_response(201, &printed))
}

/// Assigns an attribute to a category. The response lists all attributes assigned to the category, and not
/// only the new one ("Create settings" tutorial).
pub fn assign_attribute(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    call.query.flag("includeInherited")?;
    let category = category_of(&state.world, call)?.id;
    let attribute = attribute_of(&state.world, call)?.id;
    state.world.assign_attribute(category, attribute);
    let category = category_of(&state.world, call)?;
    category_attributes(&state.world, &state.switches, category, call)
}

/// Assigns a status set to a category. A category has exactly one set, so the new set replaces the explicit
/// or inherited one ("PUT status-step-set" reference page).
pub fn assign_status_set(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let category = category_of(world, call)?.id;
    let id = call.ids.last().map_or("", String::as_str);
    let new = uuid(id)
        .and_then(|id| world.status_sets.by_id(id))
        .filter(|set| set.stamp.active())
        .ok_or_else(|| refuse(404, "NOT_FOUND", format!("There is no status set {id:?}.")))?
        .id;
    let old = world.effective_set(category).map(|(set, _)| set);
    if let Some(old) = old.filter(|old| old.id != new) {
        if category == ROOT {
            // The status set of ROOT cannot be removed or replaced ("Assets field guide").
            let detail = "The status set of ROOT cannot be replaced.";
            return Err(refuse(409, "DEFAULT_STATUS_SET_FIXED", detail));
        }
        if switches.is(Switch::SetInUse, "409") && in_use(world, category, old) {
            let detail = format!("Assets of the category have statuses of the set {:?}.", old.name);
            return Err(refuse(409, "STATUS_SET_IN_USE", detail));
        }
    }
    world.assign_status_set_by(category, new, &call.user.id);
    let category = category_of(world, call)?;
    Ok(json_response(200, &world.assignment_json(category)))
}

/// Returns whether active assets in a category, or in a subcategory that inherits its status set, have a
/// status from `set`.
fn in_use(world: &World, category: u64, set: &StatusSet) -> bool {
    let inherits = |id: u64| {
        let mut path = world.path(id);
        path.find(|node| node.id == category || node.status_set.is_some())
            .is_some_and(|node| node.id == category)
    };
    let concerned: HashSet<u64> = world
        .categories
        .keys()
        .copied()
        .filter(|id| inherits(*id))
        .collect();
    let statuses: HashSet<Uuid> = set.statuses.iter().map(|status| status.id).collect();
    world.assets().iter().any(|asset| {
        asset.stamp.active() && concerned.contains(&asset.category) && statuses.contains(&asset.status)
    })
}
