//! The relationship endpoints.

mod by_id;
mod link;
mod print;
mod put;
mod search;
mod writable;

use std::time::Duration;

use super::call::Call;
use super::refusal::Refusal;
use super::state::State;
use crate::http::send::Response;
use by_id::{batch, delete, one};
use put::put;
use search::search;
use writable::writable_matrix;

pub use print::printed;

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
