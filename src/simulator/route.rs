//! The endpoint to which a request is addressed.

use super::contract::{ENDPOINTS, Endpoint, PREFIXES};
use super::query::{Query, decoded};
use crate::http::send::Request;

/// The endpoint to which a request is addressed, and the parts of the request's URL.
pub struct Route {
    pub endpoint: &'static Endpoint,
    pub ids: Vec<String>,
    pub query: Query,
    pub origin: String,
    pub path: String,
}

/// Finds the endpoint of a request.
#[must_use]
pub fn route(request: &Request) -> Option<Route> {
    let after_scheme = request.url.find("://").map_or(0, |at| at + 3);
    let path_at = request.url[after_scheme..].find('/')? + after_scheme;
    let (origin, rest) = request.url.split_at(path_at);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (tail, service) = PREFIXES
        .iter()
        .find_map(|(prefix, service)| Some((path.strip_prefix(prefix)?, *service)))?;
    let segments: Vec<String> = tail.split('/').map(|segment| decoded(segment, false)).collect();
    ENDPOINTS.iter().find_map(|endpoint| {
        if endpoint.service != service || endpoint.method != request.method {
            return None;
        }
        let template: Vec<&str> = endpoint.path.split('/').collect();
        if template.len() != segments.len() {
            return None;
        }
        let mut ids = Vec::new();
        for (part, segment) in template.iter().zip(&segments) {
            if *part == "{}" {
                ids.push(segment.clone());
            } else if part != segment {
                return None;
            }
        }
        // `relationships/{id}` must not match an empty id.
        if ids.iter().any(String::is_empty) {
            return None;
        }
        Some(Route {
            endpoint,
            ids,
            query: Query::parse(query),
            origin: origin.to_owned(),
            path: path.to_owned(),
        })
    })
}

/// Returns the bearer token in a request.
#[must_use]
pub fn token(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}
