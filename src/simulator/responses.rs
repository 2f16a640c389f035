//! Responses and their headers.

use bytes::Bytes;
use serde::Serialize;

use super::contract::Switch;
use super::state::State;
use super::world::Millis;
use crate::http::send::Response;

/// Creates a JSON response.
pub fn json_response(status: u16, body: &impl Serialize) -> Response {
    Response {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        // The bodies created here have only string keys, so they always serialize.
        body: serde_json::to_vec(body).map(Bytes::from).unwrap_or_default(),
    }
}

/// Creates an HTML response, as a gateway does if its backend is unreachable.
pub fn html(status: u16) -> Response {
    Response {
        status,
        headers: vec![
            ("content-type".into(), "text/html".into()),
            ("server".into(), "Apigee Router".into()),
        ],
        body: Bytes::from(format!(
            "<html>\r\n<head><title>{status}</title></head>\r\n<body><center><h1>{status}</h1></center></body>\r\n</html>\r\n"
        )),
    }
}

/// Adds the Date header and the request id headers, unless a switch turns them off.
pub fn sign(state: &State, response: &mut Response) {
    if state.switches.is(Switch::DateHeader, "present") {
        let date = http_date(state.world.now.saturating_add(state.clock_error));
        response.headers.push(("date".into(), date));
    }
    if state.switches.is(Switch::RequestIdHeader, "both") {
        // Ids that are derived from a counter are the same in every run.
        let id =
            uuid::Builder::from_random_bytes((u128::from(state.requests) << 64).to_be_bytes()).into_uuid();
        response.headers.push(("x-ads-request-id".into(), id.to_string()));
        response.headers.push(("x-request-id".into(), id.to_string()));
    }
}

/// Formats a time as an HTTP date.
#[must_use]
pub fn http_date(millis: Millis) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(
        |_| String::new(),
        |instant| instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    )
}
