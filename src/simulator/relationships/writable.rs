//! Which entity types may be linked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::http::send::Response;
use crate::simulator::contract::{EntityKind, Switch, Switches, WRITABLE};
use crate::simulator::responses::json_response;

/// Returns the pairs of entity types that may be linked.
pub fn writable(switches: &Switches) -> impl Iterator<Item = (EntityKind, EntityKind)> {
    let asset_issue = (
        ("autodesk-bim360-asset", "asset"),
        ("autodesk-bim360-issue", "issue"),
    );
    let issues = switches.is(Switch::WritableAssetIssue, "on");
    WRITABLE.iter().copied().chain(issues.then_some(asset_issue))
}

/// Creates the response that lists which entity types may be linked, grouped by domain, in both directions
/// ("GET relationships:writable" reference page).
pub fn writable_matrix(switches: &Switches) -> Response {
    let mut matrix: BTreeMap<EntityKind, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (one, other) in writable(switches) {
        for (from, (domain, kind)) in [(one, other), (other, one)] {
            let allowed = matrix.entry(from).or_default();
            allowed.entry(domain).or_default().insert(kind);
        }
    }
    let mut domains: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for ((domain, kind), allowed) in matrix {
        let allow: Vec<Value> = allowed
            .iter()
            .map(|(domain, kinds)| json!({ "domain": domain, "entityTypes": kinds }))
            .collect();
        let entry = json!({ "entityType": kind, "allow": allow });
        domains.entry(domain).or_default().push(entry);
    }
    let domains: Vec<Value> = domains
        .iter()
        .map(|(domain, types)| json!({ "domain": domain, "entityTypes": types }))
        .collect();
    json_response(200, &domains)
}
