//! Records the requests to the simulator and their effects, for comparison with a client's results. Tokens
//! are not recorded.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

/// Counts of the requests to one endpoint and of their responses.
#[derive(Debug, Clone, Default, Serialize)]
pub struct EndpointAudit {
    pub requests: u64,
    /// The number of responses by HTTP status. Requests without a complete response are counted under 0.
    pub answers: BTreeMap<u16, u64>,
}

/// Counts of the requests, faults and changes in a simulator.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Audit {
    pub endpoints: BTreeMap<String, EndpointAudit>,
    pub requests: u64,
    /// The number of responses with status 429, caused by limits or faults.
    pub rate_limited: u64,
    pub faults: u64,
    pub assets_created: u64,
    pub assets_patched: u64,
    pub assets_deleted: u64,
    pub relationships_created: u64,
    pub relationships_deleted: u64,
    /// Each clientAssetId with which more than one asset was created, and the number of those assets.
    pub created_more_than_once: BTreeMap<String, u64>,
    /// The maximum number of requests by one user in any sliding window, for each rate group. Rejected
    /// requests are included.
    pub busiest_window: BTreeMap<&'static str, usize>,
    pub bytes_in: u64,
    pub most_in_flight: u64,
    #[serde(skip)]
    pub(super) creations: HashMap<Box<str>, u64>,
    #[serde(skip)]
    pub(super) in_flight: u64,
}

impl Audit {
    /// Returns the number of assets created with this clientAssetId.
    #[must_use]
    pub fn creations(&self, client_asset_id: &str) -> u64 {
        self.creations.get(client_asset_id).copied().unwrap_or(0)
    }

    pub(super) fn created(&mut self, client_asset_id: &str) {
        self.assets_created += 1;
        let count = self.creations.entry(client_asset_id.into()).or_default();
        *count += 1;
        if *count > 1 {
            self.created_more_than_once
                .insert(client_asset_id.to_owned(), *count);
        }
    }

    pub(super) fn arrived(&mut self, tag: &str, bytes: usize) {
        self.requests += 1;
        self.bytes_in += bytes as u64;
        self.endpoints.entry(tag.to_owned()).or_default().requests += 1;
    }

    pub(super) fn answered(&mut self, tag: &str, status: u16) {
        if status == 429 {
            self.rate_limited += 1;
        }
        *self
            .endpoints
            .entry(tag.to_owned())
            .or_default()
            .answers
            .entry(status)
            .or_default() += 1;
    }
}
