//! Creates status sets and statuses.

use std::collections::HashSet;
use std::sync::Arc;

use super::fields::Fields;
use super::names::{another_name, conflict, same_label, taken_status};
use crate::http::send::Response;
use crate::simulator::call::Call;
use crate::simulator::contract::{STATUS_FIELDS, STATUS_SET_FIELDS, STATUS_VALUE_FIELDS};
use crate::simulator::refusal::{Refusal, Violation, bad_field, refuse_all};
use crate::simulator::responses::json_response;
use crate::simulator::state::State;
use crate::simulator::values::uuid;
use crate::simulator::world::{Status, StatusSet, World};

pub fn create_status_set(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let rename = call.query.flag("renameConflicting")?;
    let mut found = Vec::new();
    let fields = Fields::read(switches, STATUS_SET_FIELDS, &call.body, "", true, &mut found);
    let mut labels = HashSet::new();
    let mut statuses = Vec::new();
    for (index, value) in fields.list("values").iter().enumerate() {
        let at = format!("values[{index}].");
        let status = Fields::read(switches, STATUS_VALUE_FIELDS, value, &at, true, &mut found);
        if let Some(label) = status.text("label")
            && !labels.insert(label.to_lowercase())
        {
            let detail = format!("Duplicate label {label:?}.");
            found.push(Violation::field(
                "DUPLICATE_STATUS_LABEL",
                &format!("{at}label"),
                detail,
            ));
        }
        statuses.push(status);
    }
    refuse_all(400, found)?;
    let (name, user) = (fields.required_text("name"), &call.user.id);
    if let Some(other) = world.status_sets.iter().find(|set| set.name == name) {
        if other.stamp.active() || !rename {
            let entity = world.status_set_json(other);
            conflict(switches, "DUPLICATE_STATUS_SET_NAME", name, Some(entity))?;
        }
        let id = other.id;
        let free = another_name(name, |name| world.status_sets.iter().any(|set| set.name == name));
        let (now, version) = (world.now, world.next_settings_version());
        if let Some(set) = world.status_sets.by_id_mut(id) {
            set.name = free;
            set.stamp.change(now, user, version);
        }
    }
    let id = world.new_id();
    let stamp = world.settings_stamp(user);
    let statuses = statuses
        .iter()
        .map(|fields| new_status(world, fields, user))
        .collect();
    let set = StatusSet {
        id,
        name: name.to_owned(),
        description: fields.owned("description"),
        is_default: false,
        statuses,
        stamp,
    };
    let printed = world.status_set_json(&set);
    world.status_sets.push(set);
    Ok(json_response(201, &printed))
}

fn new_status(world: &mut World, fields: &Fields<'_>, user: &Arc<str>) -> Status {
    let label = fields.required_text("label");
    Status {
        id: world.new_id(),
        label: label.to_owned(),
        description: fields.owned("description"),
        color: fields.owned("color"),
        bucket: world.bucket(label, false),
        stamp: world.settings_stamp(user),
    }
}

pub fn create_status(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let mut found = Vec::new();
    let fields = Fields::read(switches, STATUS_FIELDS, &call.body, "", true, &mut found);
    refuse_all(400, found)?;
    let (label, id) = (
        fields.required_text("label"),
        fields.required_text("statusStepSetId"),
    );
    let set = uuid(id)
        .and_then(|id| world.status_sets.by_id(id))
        .filter(|set| set.stamp.active())
        .ok_or_else(|| {
            let detail = format!("There is no status set {id:?}.");
            bad_field("STATUS_SET_NOT_FOUND", "statusStepSetId", detail)
        })?;
    let set_id = set.id;
    if set.statuses.iter().any(|status| same_label(&status.label, label)) {
        let detail = format!("The set {:?} has a status {label:?}.", set.name);
        let violation = Violation::field("DUPLICATE_STATUS_LABEL", "label", detail);
        refuse_all(taken_status(switches), vec![violation])?;
    }
    let status = new_status(world, &fields, &call.user.id);
    let printed = world
        .status_sets
        .by_id(set_id)
        .map(|set| world.status_json(set, &status));
    if let Some(set) = world.status_sets.by_id_mut(set_id) {
        set.statuses.push(status);
    }
    Ok(json_response(201, &printed))
}
