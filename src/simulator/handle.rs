//! Handles one request.

use std::time::Duration;

use serde_json::{Map, Value};

use super::call::Call;
use super::contract::{Endpoint, Group, Service, Switch, Switches};
use super::error_bodies::refusal_response;
use super::gateway::{Admitted, admit};
use super::refusal::{Refusal, bad_field, refuse};
use super::responses::sign;
use super::route::Route;
use super::state::State;
use super::{assets, locations, relationships, settings, setup};
use crate::http::send::{Request, Response};

/// Handles one request. `now` is the time since the start of the simulator.
///
/// If no endpoint has the request's method and path, the response is a 404. Otherwise, checks are made in
/// this order: 401, 429, 403, 404 (for the project), 413, 415, 400, 409.
pub fn handle(state: &mut State, now: Duration, request: &Request, route: Option<Route>) -> Response {
    let service = route
        .as_ref()
        .map_or(Service::Assets, |route| route.endpoint.service);
    let mut response = match checked(state, now, request, route) {
        Ok(response) => response,
        Err(refusal) => refusal_response(refusal, service, &state.switches),
    };
    state.requests += 1;
    sign(state, &mut response);
    response
}

fn checked(
    state: &mut State,
    now: Duration,
    request: &Request,
    route: Option<Route>,
) -> Result<Response, Refusal> {
    let admitted = admit(state, now, request, route)?;
    work(state, now, request, admitted)
}

/// Checks the body and query of an admitted request, and executes the request if they are valid.
pub fn work(
    state: &mut State,
    now: Duration,
    request: &Request,
    Admitted(route, user): Admitted,
) -> Result<Response, Refusal> {
    let endpoint = route.endpoint;
    let body = parsed(&state.switches, endpoint, request)?;
    if state.switches.is(Switch::UnknownQuery, "400") {
        let known = |name: &str| {
            endpoint.query.iter().any(|known| {
                known
                    .strip_suffix('*')
                    .map_or(*known == name, |start| name.starts_with(start))
            })
        };
        if let Some((name, _)) = route.query.pairs().iter().find(|(name, _)| !known(name)) {
            return Err(bad_field(
                "INVALID_PARAMETER",
                name,
                format!("There is no query parameter {name:?}."),
            ));
        }
    }
    let items = body
        .as_array()
        .or_else(|| body.get("ids").and_then(Value::as_array))
        .map_or_else(|| body.as_object().map_or(0, Map::len), Vec::len);
    let broken = || Refusal::Gateway {
        status: 504,
        code: "ERR-003",
        message: "The request timed out at the gateway.",
    };
    let large = endpoint.items.is_some_and(|most| items > most / 2);
    if state.switches.is(Switch::Inject5xx, "before_apply") && large {
        return Err(broken());
    }
    if let Some(share) = state.switches.number(Switch::Inject5xx)
        && endpoint.service == Service::Relationships
        && state.world.random.f64() < share
    {
        return Err(broken());
    }
    let call = Call {
        endpoint,
        ids: route.ids,
        query: route.query,
        body,
        user,
        origin: route.origin,
        path: route.path,
    };
    let response = match endpoint.service {
        Service::Relationships => relationships::call(state, &call, now)?,
        Service::Locations | Service::LocationContainers => locations::call(state, &call)?,
        Service::Assets if endpoint.tag.starts_with("assets") => assets::call(state, &call)?,
        Service::Assets if endpoint.group == Group::AssetsWrite => setup::call(state, &call)?,
        Service::Assets => settings::call(state, &call)?,
    };
    if state.switches.is(Switch::Inject5xx, "after_apply") && large {
        return Err(broken());
    }
    Ok(response)
}

fn parsed(switches: &Switches, endpoint: &Endpoint, request: &Request) -> Result<Value, Refusal> {
    let bytes = request.body.as_deref().unwrap_or_default();
    if let Some(most) = switches.number(Switch::MaxBody) {
        #[allow(clippy::cast_precision_loss)]
        if bytes.len() as f64 > most {
            return Err(refuse(413, "MALFORMED_REQUEST", "The request body is too large."));
        }
    }
    if !endpoint.body {
        return Ok(Value::Null);
    }
    let media = request
        .header("content-type")
        .and_then(|value| value.split(';').next())
        .map_or("", str::trim);
    if !media.eq_ignore_ascii_case("application/json") {
        // The Relationship API reference pages list 415. Those of the Assets API list 400 for a missing
        // Content-Type.
        let status = if endpoint.service == Service::Relationships {
            415
        } else {
            400
        };
        return Err(refuse(
            status,
            "MALFORMED_REQUEST",
            "The Content-Type header must be application/json.",
        ));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        refuse(
            400,
            "MALFORMED_REQUEST",
            format!("The body is not valid JSON: {error}."),
        )
    })
}
