//! The five asset endpoints.

mod attributes;
mod batch;
mod by_another;
mod cache;
mod filter;
mod item;
mod list;
mod print;
mod sort;
mod target;
mod value_filter;
mod violations;

use super::call::Call;
use super::refusal::Refusal;
use super::state::State;
use crate::http::send::Response;
use batch::{batch_create, batch_delete, batch_get, batch_patch};
use list::list;

pub use by_another::{create_one, delete_one, patch_one};
pub use cache::ListCache;
pub use print::snapshot;

/// Handles a call to an endpoint whose tag begins with "assets".
pub fn call(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    match call.endpoint.tag {
        "assets" => list(state, call),
        "assets:batch-get" => batch_get(state, call),
        "assets:batch-create" => batch_create(state, call),
        "assets:batch-patch" => batch_patch(state, call),
        _ => batch_delete(state, call),
    }
}
