//! The checks of the gateway: token, rate limit, scopes and project.

use std::time::Duration;

use serde_json::json;

use super::contract::{Endpoint, Group, Service, Switch};
use super::error_bodies::asset_error;
use super::faults::RetryAfter;
use super::refusal::{Refusal, bad_field, refuse};
use super::responses::{html, http_date, json_response};
use super::route::{Route, token};
use super::state::{State, User};
use super::values::uuid;
use crate::http::send::{Request, Response};

/// The route and the user of a request that passed the gateway.
pub struct Admitted(pub Route, pub User);

/// Checks a request's path, token, rate limit, scopes and project, in this order. A request that passes the
/// check of the rate limit takes a slot in the user's rate window.
pub fn admit(
    state: &mut State,
    now: Duration,
    request: &Request,
    route: Option<Route>,
) -> Result<Admitted, Refusal> {
    if state.switches.is(Switch::GatewayDown, "html") {
        return Err(Refusal::Ready(html(502)));
    }
    if state.switches.is(Switch::GatewayDown, "json") {
        return Err(Refusal::Gateway {
            status: 502,
            code: "ERR-003",
            message: "The service is down or upgrading.",
        });
    }
    let Some(route) = route else {
        return Err(refuse(
            404,
            "NOT_FOUND",
            format!("There is no {} of this path.", request.method.as_str()),
        ));
    };
    let endpoint = route.endpoint;
    let user = if endpoint.group == Group::Free {
        User {
            id: "".into(),
            company: None,
            scopes: None,
        }
    } else {
        let user = authenticated(state, request)?;
        limited(state, &user, endpoint.group, now)?;
        permitted(
            state,
            endpoint,
            &user,
            request,
            route.ids.first().map(String::as_str),
        )?;
        user
    };
    Ok(Admitted(route, user))
}

fn authenticated(state: &State, request: &Request) -> Result<User, Refusal> {
    let Some(token) = token(request) else {
        return Err(Refusal::Gateway {
            status: 401,
            code: "AUTH-012",
            message: "Authorization header is missing or malformed.",
        });
    };
    state.users.get(token).cloned().ok_or(Refusal::Gateway {
        status: 401,
        code: "AUTH-006",
        message: "Access token provided is invalid or expired.",
    })
}

pub fn limited(state: &mut State, user: &User, group: Group, now: Duration) -> Result<(), Refusal> {
    let scale = state.switches.number(Switch::RateScale).unwrap_or(1.0);
    let by_clock = state.switches.is(Switch::RateWindow, "clock");
    let Err(wait) = state.limits.take(&user.id, group, now, scale, by_clock) else {
        return Ok(());
    };
    // Retry-After is a whole number of seconds, rounded up and at least 1 ("General rate limits" page).
    let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
    Err(Refusal::Ready(too_many(state, RetryAfter::Seconds(seconds))))
}

/// Creates a 429 response from the gateway ("General rate limits" page).
pub fn too_many(state: &State, retry_after: RetryAfter) -> Response {
    let switches = &state.switches;
    let mut response = if switches.is(Switch::Body429, "empty") {
        Response {
            status: 429,
            ..Response::default()
        }
    } else if switches.is(Switch::Body429, "ERR-001") {
        json_response(
            429,
            &json!({ "errorCode": "ERR-001", "developerMessage": "The rate limit of this request is exceeded." }),
        )
    } else if switches.is(Switch::Body429, "service") {
        json_response(
            429,
            &asset_error("TOO_MANY_REQUESTS", "Too many requests.", Vec::new(), switches),
        )
    } else {
        json_response(429, &json!({ "developerMessage": "Quota limit exceeded." }))
    };
    let text = match retry_after {
        RetryAfter::Text(text) => Some(text),
        RetryAfter::Seconds(seconds) if switches.is(Switch::RetryAfter, "seconds") => {
            Some(seconds.to_string())
        }
        RetryAfter::Seconds(seconds) if switches.is(Switch::RetryAfter, "http_date") => {
            let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
            // An HTTP date has no fraction of a second, so round up. Waiting until that date is then always
            // enough.
            let until = state.world.now.saturating_add(millis).saturating_add(999);
            Some(http_date(until))
        }
        RetryAfter::Seconds(_) | RetryAfter::Absent => None,
    };
    response
        .headers
        .extend(text.map(|text| ("retry-after".into(), text)));
    response.headers.push(("server".into(), "Apigee Router".into()));
    response
}

fn permitted(
    state: &State,
    endpoint: &Endpoint,
    user: &User,
    request: &Request,
    project: Option<&str>,
) -> Result<(), Refusal> {
    let (world, switches) = (&state.world, &state.switches);
    let lax = switches.is(Switch::ScopeEnforcement, "lax");
    let has = |scope: &str| {
        user.scopes
            .as_ref()
            .is_none_or(|scopes| scopes.iter().any(|known| known == scope))
    };
    // Published samples create and update without the scope data:create, so the service may not require it.
    if !endpoint
        .scopes
        .iter()
        .all(|scope| has(scope) || lax && *scope == "data:create" && has("data:write"))
    {
        return Err(Refusal::Gateway {
            status: 403,
            code: "AUTH-010",
            message: "Token does not have the privilege for this request.",
        });
    }
    // Requests without a project in the path work in any region, because their routing is not documented.
    let Some(project) = project else { return Ok(()) };
    let region_counts = match endpoint.service {
        Service::Relationships => switches.is(Switch::RegionHeader, "required"),
        Service::Assets => switches.is(Switch::AssetsRegion, "required"),
        Service::Locations | Service::LocationContainers => false,
    };
    if region_counts {
        match request.header("x-ads-region") {
            None => {
                return Err(Refusal::Gateway {
                    status: 403,
                    code: "AUTH-001",
                    message: "The client_id specified does not have access to the api product",
                });
            }
            Some(region) if !region.eq_ignore_ascii_case(&world.region) => {
                return Err(refuse(
                    403,
                    "FORBIDDEN",
                    "The user has no permission on this container.",
                ));
            }
            Some(_) => {}
        }
    }
    // Only the Assets API accepts a project id with the prefix "b.".
    let bare = match endpoint.service {
        Service::Assets => project.strip_prefix("b.").unwrap_or(project),
        Service::Relationships | Service::Locations | Service::LocationContainers => project,
    };
    let own = match endpoint.service {
        Service::LocationContainers => world.locations_container,
        Service::Assets | Service::Relationships | Service::Locations => world.project,
    };
    match uuid(bare) {
        Some(id) if id == own => Ok(()),
        Some(id) if id == world.foreign_project && switches.is(Switch::ForeignProject, "403") => Err(refuse(
            403,
            "FORBIDDEN",
            "The user is not a member of this project.",
        )),
        None if endpoint.service == Service::Relationships => Err(bad_field(
            "BadInput",
            "containerId",
            format!("The value '{project}' is not valid."),
        )),
        _ => Err(refuse(
            404,
            "NOT_FOUND",
            format!("There is no project {project:?}."),
        )),
    }
}
