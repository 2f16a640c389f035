//! A request that carried rows: when it was in flight, and its body.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::http::Moment;

/// A request that carried rows, and when it was in flight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sending {
    /// The number of attempts, including attempts of the requests that this request was split from.
    pub attempts: u32,
    pub request_id: Option<Box<str>>,
    /// When the request was first sent, or `None` if it was never sent.
    pub left: Option<Moment>,
    /// When the response arrived, or when the client stopped waiting for it.
    pub ended: Option<Moment>,
    /// Whether the request is known to have been executed, from a lookup, or from a response that does not report
    /// the outcome of each row.
    pub executed: bool,
}

/// The body of a request. The body is kept while the outcome of any of its rows is unknown, because a lookup
/// compares assets with what was sent. Creating the body again could have another result, since the settings may
/// have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentBody {
    /// The index of the part of the run that the rows belong to, and the name of its endpoint.
    #[serde(default)]
    pub part: usize,
    #[serde(default)]
    pub endpoint: String,
    pub rows: Vec<SentItem>,
    /// The encoded rows, separated by commas.
    pub text: String,
}

/// A row in a request, and where the row ends in `text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentItem {
    pub row: u32,
    pub key: Arc<str>,
    pub end: usize,
}
