//! Creates and changes custom attributes.

use std::sync::Arc;

use uuid::Uuid;

use super::definition::Definition;
use super::fields::Fields;
use super::names::{another_name, conflict};
use crate::http::send::Response;
use crate::simulator::call::Call;
use crate::simulator::contract::{ATTRIBUTE_FIELDS, Switches};
use crate::simulator::refusal::{Refusal, Violation, refuse, refuse_all};
use crate::simulator::responses::json_response;
use crate::simulator::state::State;
use crate::simulator::values::uuid;
use crate::simulator::world::{Attribute, World};

/// Returns the active attribute whose id is the last segment of the request path.
pub fn attribute_of<'a>(world: &'a World, call: &Call) -> Result<&'a Attribute, Refusal> {
    let id = call.ids.last().map_or("", String::as_str);
    uuid(id)
        .and_then(|id| world.attributes.by_id(id))
        .filter(|attribute| attribute.stamp.active())
        .ok_or_else(|| refuse(404, "NOT_FOUND", format!("There is no custom attribute {id:?}.")))
}

/// Rejects a display name used by another attribute, even an inactive one. If `rename` is set, an inactive
/// attribute is renamed instead.
fn make_room(
    world: &mut World,
    switches: &Switches,
    name: &str,
    own: Option<Uuid>,
    rename: bool,
    user: &Arc<str>,
) -> Result<(), Refusal> {
    let Some(other) = world
        .attributes
        .iter()
        .find(|other| other.display_name == name && Some(other.id) != own)
    else {
        return Ok(());
    };
    if other.stamp.active() || !rename {
        let entity = world.attribute_json(other);
        return conflict(switches, "DUPLICATE_CUSTOM_ATTRIBUTE_NAME", name, Some(entity));
    }
    let id = other.id;
    let taken = |name: &str| world.attributes.iter().any(|known| known.display_name == name);
    let free = another_name(name, taken);
    let (now, version) = (world.now, world.next_settings_version());
    world.edit_attribute(id, |attribute| {
        attribute.display_name = free;
        attribute.stamp.change(now, user, version);
    });
    Ok(())
}

/// Creates an attribute without assigning it. The attribute can be used once it is assigned to a category ("Assets
/// field guide").
pub fn create_attribute(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let rename = call.query.flag("renameConflicting")?;
    let mut found = Vec::new();
    let fields = Fields::read(switches, ATTRIBUTE_FIELDS, &call.body, "", true, &mut found);
    // The remaining checks require fields that are present and valid.
    refuse_all(400, found)?;
    let mut found = Vec::new();
    let definition = Definition::read(switches, &fields, None, &mut found);
    refuse_all(400, found)?;
    let user = &call.user.id;
    make_room(world, switches, &definition.display_name, None, rename, user)?;
    let stamp = world.settings_stamp(user);
    let version = stamp.version;
    let mut attribute = Attribute {
        id: world.new_id(),
        name: world.next_attribute_name(),
        display_name: String::new(),
        description: None,
        data_type: definition.data_type,
        required: false,
        max_length: None,
        default: None,
        choices: Vec::new(),
        stamp,
    };
    definition.apply(world, &mut attribute, user, version);
    let printed = world.attribute_json(&attribute);
    world.attributes.push(attribute);
    Ok(json_response(201, &printed))
}

pub fn patch_attribute(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let old = attribute_of(world, call)?.clone();
    let mut found = Vec::new();
    let fields = Fields::read(switches, ATTRIBUTE_FIELDS, &call.body, "", false, &mut found);
    refuse_all(400, found)?;
    let mut found = Vec::new();
    let definition = Definition::read(switches, &fields, Some(&old), &mut found);
    let carried = || {
        let mut assets = world.assets().iter();
        assets.any(|asset| asset.attribute_map().contains_key(&old.name))
    };
    if definition.data_type != old.data_type && carried() {
        let detail = format!("Assets use {:?}, so its type cannot change.", old.name);
        found.push(Violation::field("CUSTOM_ATTRIBUTE_IN_USE", "dataType", detail));
    }
    refuse_all(400, found)?;
    let user = &call.user.id;
    make_room(
        world,
        switches,
        &definition.display_name,
        Some(old.id),
        false,
        user,
    )?;
    let (id, mut next) = (old.id, old);
    let (now, version) = (world.now, world.next_settings_version());
    next.stamp.change(now, user, version);
    definition.apply(world, &mut next, user, version);
    let printed = world.attribute_json(&next);
    world.edit_attribute(id, |attribute| *attribute = next);
    Ok(json_response(200, &printed))
}
