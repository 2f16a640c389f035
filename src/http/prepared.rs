//! A request to send, and whether it may be retried.

use bytes::Bytes;

use crate::http::message::Method;
use crate::options::RateGroup;

/// Whether a request may be retried even though it may have been executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The request may be retried, because it is idempotent.
    Safe,
    /// The request is retried only if it was definitely not executed, because repeating it creates duplicates.
    Never,
}

/// Whether a request carries the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Bearer,
    /// The request carries no token, for example because it fetches one.
    None,
}

/// A request to send, without the token.
#[derive(Debug, Clone)]
pub struct PreparedRequest {
    pub method: Method,
    /// The path after the host, with the query: `/construction/assets/v2/...`.
    pub path: String,
    pub group: &'static RateGroup,
    /// The name of the header for the project's region, if the endpoint has such a header.
    pub region_header: Option<&'static str>,
    pub auth: Auth,
    pub replay: Replay,
    pub content_type: &'static str,
    pub body: Option<Bytes>,
    /// Whether another request of this client waits for this one, so that this one takes its place among those in flight.
    pub is_nested: bool,
}
