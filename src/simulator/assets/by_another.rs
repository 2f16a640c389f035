//! Changes by another person, without a request.

use std::sync::Arc;

use serde_json::Value;

use super::item::fill;
use super::target::target;
use crate::simulator::refusal::Violation;
use crate::simulator::state::State;
use crate::simulator::world::Draft;

fn accepted(found: &[Violation]) -> Result<(), String> {
    match found.first() {
        Some(violation) => Err(violation.detail.clone()),
        None => Ok(()),
    }
}

/// Creates an asset without a request and returns its id.
pub fn create_one(state: &mut State, item: &Value, user: &Arc<str>) -> Result<String, String> {
    let mut draft = Draft::default();
    accepted(&fill(&state.world, &state.switches, &mut draft, item, None))?;
    let position = state.world.add_asset(None, draft, user, None);
    Ok(state.world.assets()[position].id.to_string())
}

/// Changes an asset without a request.
pub fn patch_one(state: &mut State, id: &str, change: &Value, user: &Arc<str>) -> Result<(), String> {
    let position = target(state, id, &mut 0).map_err(|violation| violation.detail)?;
    let old = &state.world.assets()[position];
    let mut draft = Draft::from(old);
    accepted(&fill(
        &state.world,
        &state.switches,
        &mut draft,
        change,
        Some(old),
    ))?;
    state.world.patch_asset(position, draft, user);
    Ok(())
}

/// Deletes an asset without a request.
pub fn delete_one(state: &mut State, id: &str, user: &Arc<str>) -> Result<(), String> {
    let position = target(state, id, &mut 0).map_err(|violation| violation.detail)?;
    state.world.delete_asset(position, user);
    Ok(())
}
