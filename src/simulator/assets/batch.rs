//! The endpoints that read, create, change or delete a batch of assets.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::item::fill;
use super::print::{Printed, Results, printed};
use super::target::target;
use super::violations::BatchViolations;
use crate::http::send::Response;
use crate::simulator::batch::{check_size, ids};
use crate::simulator::call::Call;
use crate::simulator::contract::Switch;
use crate::simulator::refusal::{Refusal, Violation, refuse};
use crate::simulator::responses::json_response;
use crate::simulator::state::State;
use crate::simulator::values::uuid;
use crate::simulator::world::{Asset, Draft};

pub fn batch_get(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let attributes = call.query.flag("includeCustomAttributes")?;
    let deleted = call.query.flag("includeDeleted")?;
    let mut positions: Vec<usize> = ids(&state.switches, call, "ids")?
        .iter()
        .filter_map(|id| state.world.asset_position(uuid(id)?))
        .filter(|position| deleted || state.world.assets()[*position].stamp.active())
        .collect();
    if state.switches.is(Switch::ResultOrder, "shuffled") {
        state.world.random.shuffle(&mut positions);
    }
    let results: Vec<Printed<'_>> = positions
        .iter()
        .map(|position| printed(&state.world.assets()[*position], attributes, false))
        .collect();
    Ok(json_response(200, &Results { results }))
}

fn sometimes_conflict(state: &mut State) -> Result<(), Refusal> {
    match state.switches.number(Switch::Inject409) {
        Some(share) if state.world.random.f64() < share => Err(refuse(
            409,
            "CONFLICT",
            "The request conflicts with the current state.",
        )),
        _ => Ok(()),
    }
}

pub fn batch_create(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let Some(items) = call.body.as_array() else {
        return Err(refuse(
            400,
            "MALFORMED_REQUEST",
            "The body must be an array of assets.",
        ));
    };
    check_size(&state.switches, items.len(), call.endpoint)?;
    let mut violations = BatchViolations::new(&state.switches);
    let mut drafts = Vec::with_capacity(items.len());
    let mut barcodes: HashMap<String, u32> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let mut draft = Draft::default();
        let mut found = fill(&state.world, &state.switches, &mut draft, item, None);
        unique_barcode(
            state,
            &mut barcodes,
            &draft,
            None,
            &mut found,
            &mut violations.status,
        );
        violations.add(index, item.get("clientAssetId").and_then(Value::as_str), found);
        drafts.push(draft);
    }
    violations.into_result()?;
    sometimes_conflict(state)?;
    let mut positions = Vec::with_capacity(drafts.len());
    for draft in drafts {
        state.audit.created(&draft.client_asset_id);
        positions.push(
            state
                .world
                .add_asset(None, draft, &call.user.id, call.user.company),
        );
    }
    if state.switches.is(Switch::ResultOrder, "shuffled") {
        state.world.random.shuffle(&mut positions);
    }
    let results: Vec<Printed<'_>> = positions
        .iter()
        .map(|position| printed(&state.world.assets()[*position], true, false))
        .collect();
    Ok(json_response(201, &Results { results }))
}

pub fn batch_patch(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let Some(items) = call.body.as_object() else {
        return Err(refuse(
            400,
            "MALFORMED_REQUEST",
            "The body must be an object from asset id to changes.",
        ));
    };
    check_size(&state.switches, items.len(), call.endpoint)?;
    let mut violations = BatchViolations::new(&state.switches);
    let mut drafts = Vec::with_capacity(items.len());
    let mut barcodes: HashMap<String, u32> = HashMap::new();
    for (index, (id, item)) in items.iter().enumerate() {
        match target(state, id, &mut violations.status) {
            Ok(position) => {
                let old = &state.world.assets()[position];
                let mut draft = Draft::from(old);
                let mut found = fill(&state.world, &state.switches, &mut draft, item, Some(old));
                unique_barcode(
                    state,
                    &mut barcodes,
                    &draft,
                    Some(old),
                    &mut found,
                    &mut violations.status,
                );
                violations.add(index, Some(id), found);
                drafts.push((id, position, draft));
            }
            Err(violation) => violations.add(index, Some(id), vec![violation]),
        }
    }
    violations.into_result()?;
    sometimes_conflict(state)?;
    let mut results = Map::new();
    let misprinted = state.switches.is(Switch::MisprintedScalars, "on");
    for (id, position, draft) in drafts {
        state.world.patch_asset(position, draft, &call.user.id);
        state.audit.assets_patched += 1;
        let asset = printed(&state.world.assets()[position], true, misprinted);
        results.insert(id.clone(), serde_json::to_value(asset).unwrap_or_default());
    }
    Ok(json_response(200, &results))
}

pub fn batch_delete(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let ids = ids(&state.switches, call, "ids")?;
    let mut violations = BatchViolations::new(&state.switches);
    let mut positions = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        match target(state, id, &mut violations.status) {
            Ok(position) => positions.push(position),
            Err(violation) => violations.add(index, Some(id), vec![violation]),
        }
    }
    violations.into_result()?;
    sometimes_conflict(state)?;
    for position in positions {
        if state.world.delete_asset(position, &call.user.id) {
            state.audit.assets_deleted += 1;
        }
    }
    Ok(Response {
        status: 204,
        ..Response::default()
    })
}

fn unique_barcode(
    state: &State,
    batch: &mut HashMap<String, u32>,
    draft: &Draft,
    old: Option<&Asset>,
    found: &mut Vec<Violation>,
    status: &mut u16,
) {
    if !state.switches.is(Switch::BarcodeUnique, "409") {
        return;
    }
    let Some(barcode) = &draft.barcode else { return };
    if old.is_some_and(|old| old.barcode.as_deref() == Some(barcode)) {
        return;
    }
    let count = batch.entry(barcode.clone()).or_default();
    *count += 1;
    if *count > 1 || state.world.barcode_count(barcode) > 0 {
        *status = 409;
        let detail = format!("Barcode {barcode:?} is in use.");
        found.push(Violation::field("DUPLICATE_BARCODE", "barcode", detail));
    }
}
