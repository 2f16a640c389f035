//! Endpoints that write settings: categories, status sets, statuses and custom attributes.
//!
//! Each call writes one object. Nothing is changed until all checks pass.

mod attributes;
mod categories;
mod choices;
mod default_value;
mod definition;
mod fields;
mod names;
mod statuses;

use super::assets::ListCache;
use super::call::Call;
use super::refusal::Refusal;
use super::state::State;
use crate::http::send::Response;
use attributes::{create_attribute, patch_attribute};
use categories::{assign_attribute, assign_status_set, create_category};
use statuses::{create_status, create_status_set};

pub use default_value::default_fits;

/// Handles a call to an Assets endpoint that writes settings.
pub fn call(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let response = match call.endpoint.tag {
        "categories:create" => create_category(state, call),
        "categories/custom-attributes:assign" => assign_attribute(state, call),
        "categories/status-step-set:assign" => assign_status_set(state, call),
        "status-step-sets:create" => create_status_set(state, call),
        "asset-statuses:create" => create_status(state, call),
        "custom-attributes:create" => create_attribute(state, call),
        // The only remaining endpoint patches a custom attribute.
        _ => patch_attribute(state, call),
    }?;
    // Cached lists of assets may depend on the changed settings.
    state.lists = ListCache::default();
    Ok(response)
}
