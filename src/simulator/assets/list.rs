//! GET assets.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::filter::Filter;
use super::print::{Printed, printed};
use super::sort::Order;
use crate::http::send::Response;
use crate::simulator::call::Call;
use crate::simulator::contract::Switch;
use crate::simulator::pages::{Page, page, pagination};
use crate::simulator::query::Query;
use crate::simulator::refusal::Refusal;
use crate::simulator::responses::json_response;
use crate::simulator::state::State;

pub fn list(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let Page { limit, offset } = page(&call.query, &state.switches)?;
    let attributes = call.query.flag("includeCustomAttributes")?;
    let positions = found(state, call)?;
    let total = positions.len();
    if state.switches.is(Switch::EmptyPage, "before_each") && !is_filled(&call.query) {
        let next = json!({ "limit": limit, "offset": offset, "filled": true }).to_string();
        let pagination = json!({ "limit": limit, "offset": offset, "totalResults": total,
            "cursorState": STANDARD.encode(next) });
        return Ok(json_response(
            200,
            &json!({ "pagination": pagination, "results": [] }),
        ));
    }
    let results: Vec<Printed<'_>> = positions
        .iter()
        .skip(offset)
        .take(limit)
        .map(|position| printed(&state.world.assets()[*position], attributes, false))
        .collect();
    let pagination = pagination(call, &state.switches, limit, offset, total);
    Ok(json_response(
        200,
        &json!({ "pagination": pagination, "results": results }),
    ))
}

/// Returns whether the request contains a cursor that was returned with an empty page.
fn is_filled(query: &Query) -> bool {
    query
        .get("cursorState")
        .and_then(|cursor| STANDARD.decode(cursor).ok())
        .and_then(|cursor| serde_json::from_slice::<Value>(&cursor).ok())
        .is_some_and(|cursor| cursor["filled"] == true)
}

fn found(state: &mut State, call: &Call) -> Result<Arc<[usize]>, Refusal> {
    let query: Vec<String> = call
        .query
        .pairs()
        .iter()
        .filter(|(name, _)| name.starts_with("filter") || name.starts_with("include") || name == "sort")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let ignored = state.switches.is(Switch::IgnoreFilter, "all");
    let key = format!("{}&{ignored}", query.join("&"));
    let lag = state.switches.number(Switch::ReadLag).unwrap_or(0.0);
    let version = state.world.asset_version();
    if lag == 0.0
        && let Some(positions) = state.lists.get(&key, version)
    {
        return Ok(positions);
    }
    let mut filter = Filter::read(&state.world, call)?;
    if ignored {
        filter = filter.without_conditions();
    }
    let order = Order::read(&state.world, &state.switches, call)?;
    #[allow(clippy::cast_possible_truncation)]
    let visible_until = state.world.now.saturating_sub(lag as i64);
    let assets = state.world.assets();
    let mut positions: Vec<usize> = (0..assets.len())
        .filter(|position| {
            let asset = &assets[*position];
            (lag == 0.0 || asset.stamp.created_at <= visible_until) && filter.fits(&state.world, asset)
        })
        .collect();
    if state.switches.is(Switch::ListSort, "as_asked") {
        order.sort(assets, &mut positions);
    }
    let positions: Arc<[usize]> = positions.into();
    state.lists.put(key, version, &positions);
    Ok(positions)
}
