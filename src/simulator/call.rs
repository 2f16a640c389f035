//! A request that passed the checks shared by all endpoints.

use serde_json::Value;

use super::contract::Endpoint;
use super::query::Query;
use super::state::User;

/// A request that passed the checks shared by all endpoints.
pub struct Call {
    pub endpoint: &'static Endpoint,
    /// The path segments that match `{}` in the endpoint's path.
    pub ids: Vec<String>,
    pub query: Query,
    /// The body, or `Null` for endpoints without one.
    pub body: Value,
    pub user: User,
    /// Scheme and host of the request.
    pub origin: String,
    pub path: String,
}
