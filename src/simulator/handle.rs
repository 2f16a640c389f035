//! Handles one request: authentication, authorization, routing and validation.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::audit::Audit;
use super::contract::{ENDPOINTS, Endpoint, Group, PREFIXES, Service, Switch, Switches};
use super::faults::RetryAfter;
use super::limits::Limits;
use super::world::{Millis, World};
use super::{assets, locations, relationships, settings, setup};
use crate::http::send::{Request, Response};

/// The user to whom a token belongs.
#[derive(Debug, Clone)]
pub struct User {
    /// The user's id, as in `createdBy`. In the real service, it consists of twelve uppercase letters and
    /// digits.
    pub id: Arc<str>,
    pub company: Option<Uuid>,
    /// The scopes of the token, or `None` for all scopes.
    pub scopes: Option<Vec<String>>,
}

/// The state of the simulator. It does not implement `Debug`, because it contains tokens.
pub struct State {
    pub world: World,
    pub limits: Limits,
    pub switches: Switches,
    pub audit: Audit,
    /// The user of each valid token.
    pub users: HashMap<String, User>,
    /// The simulated time at which the simulator started.
    pub start: Millis,
    pub listing: assets::Listing,
    pub requests: u64,
    /// The difference between the Date header of responses and the simulated time.
    pub clock_error: Millis,
}

/// The reason why a request is rejected.
#[derive(Debug)]
pub enum Refusal {
    /// Rejected by the gateway.
    Gateway {
        status: u16,
        code: &'static str,
        message: &'static str,
    },
    /// Rejected by the service.
    Service {
        status: u16,
        code: &'static str,
        detail: String,
        violations: Vec<Violation>,
    },
    /// Rejected with this complete response.
    Ready(Response),
}

/// A reason why the service rejects a request, for example an invalid field.
#[derive(Debug)]
pub struct Violation {
    pub code: &'static str,
    pub detail: String,
    pub metadata: Map<String, Value>,
}

impl Violation {
    /// Creates a violation for one field.
    pub fn field(code: &'static str, field: &str, detail: String) -> Self {
        let mut metadata = Map::new();
        metadata.insert("fieldName".into(), field.into());
        Self {
            code,
            detail,
            metadata,
        }
    }

    /// Creates the violation for a string that is too long. The "GET error-codes" reference page shows
    /// the metadata of this violation.
    pub fn too_long(field: &str, most: usize) -> Self {
        let detail = format!("Field {field:?} is longer than {most} characters.");
        let mut violation = Self::field("FIELD_EXCEEDS_MAX_LENGTH", field, detail);
        violation.metadata.insert("maxStringLength".into(), most.into());
        violation
    }
}

/// Creates a service error without violations.
pub fn refuse(status: u16, code: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal::Service {
        status,
        code,
        detail: detail.into(),
        violations: Vec::new(),
    }
}

/// Rejects a request that has violations. The error contains all violations and has the code of
/// the first.
pub fn refuse_all(status: u16, violations: Vec<Violation>) -> Result<(), Refusal> {
    let Some(first) = violations.first() else {
        return Ok(());
    };
    Err(Refusal::Service {
        status,
        code: first.code,
        detail: first.detail.clone(),
        violations,
    })
}

/// Creates an error that names one field or parameter.
pub fn bad_field(code: &'static str, field: &str, detail: impl Into<String>) -> Refusal {
    let detail = detail.into();
    Refusal::Service {
        status: 400,
        code,
        violations: vec![Violation::field(code, field, detail.clone())],
        detail,
    }
}

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

/// The decoded query string.
#[derive(Debug, Default, Clone)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Returns the last value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns all values of a repeated parameter.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// Reads a boolean parameter. A missing parameter is `false`. Case is ignored, because published samples
    /// send `True`.
    pub fn flag(&self, name: &str) -> Result<bool, Refusal> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    /// Reads an optional boolean parameter.
    pub fn optional_flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(bad_field(
                "INVALID_PARAMETER",
                name,
                format!("{name} must be true or false, not {other:?}."),
            )),
        }
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    fn parse(text: &str) -> Self {
        Self(
            text.split('&')
                .filter(|part| !part.is_empty())
                .map(|part| {
                    let (name, value) = part.split_once('=').unwrap_or((part, ""));
                    (decoded(name, true), decoded(value, true))
                })
                .collect(),
        )
    }
}

/// Decodes percent-encoding. If `plus` is set, a plus sign stands for a space, as in a query.
fn decoded(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(if plus && bytes[at] == b'+' {
                b' '
            } else {
                bytes[at]
            });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Encodes a value for a query string.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Creates a JSON response.
pub fn answer(status: u16, body: &impl Serialize) -> Response {
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

/// The endpoint to which a request is addressed, and the parts of the request's URL.
pub struct Route {
    pub endpoint: &'static Endpoint,
    ids: Vec<String>,
    query: Query,
    origin: String,
    path: String,
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

/// Handles one request. `now` is the time since the start of the simulator.
///
/// If no endpoint has the request's method and path, the response is a 404. Otherwise, checks are made in
/// this order: 401, 429, 403, 404 (for the project), 413, 415, 400, 409.
pub fn handle(state: &mut State, now: Duration, request: &Request, route: Option<Route>) -> Response {
    let service = route
        .as_ref()
        .map_or(Service::Assets, |route| route.endpoint.service);
    let mut answer = match checked(state, now, request, route) {
        Ok(answer) => answer,
        Err(refusal) => refusal_answer(refusal, service, &state.switches),
    };
    state.requests += 1;
    sign(state, &mut answer);
    answer
}

/// Adds the Date header and the request id headers, unless a switch turns them off.
pub fn sign(state: &State, answer: &mut Response) {
    if state.switches.is(Switch::DateHeader, "present") {
        let date = http_date(state.world.now.saturating_add(state.clock_error));
        answer.headers.push(("date".into(), date));
    }
    if state.switches.is(Switch::RequestIdHeader, "both") {
        // Ids that are derived from a counter are the same in every run.
        let id =
            uuid::Builder::from_random_bytes((u128::from(state.requests) << 64).to_be_bytes()).into_uuid();
        answer.headers.push(("x-ads-request-id".into(), id.to_string()));
        answer.headers.push(("x-request-id".into(), id.to_string()));
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

fn checked(
    state: &mut State,
    now: Duration,
    request: &Request,
    route: Option<Route>,
) -> Result<Response, Refusal> {
    let admitted = admit(state, now, request, route)?;
    work(state, now, request, admitted)
}

/// The route and the user of a request that passed the gateway.
pub struct Admitted(Route, User);

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
    let answer = match endpoint.service {
        Service::Relationships => relationships::call(state, &call, now)?,
        Service::Locations | Service::LocationContainers => locations::call(state, &call)?,
        Service::Assets if endpoint.tag.starts_with("assets") => assets::call(state, &call)?,
        Service::Assets if endpoint.group == Group::AssetsWrite => setup::call(state, &call)?,
        Service::Assets => settings::call(state, &call)?,
    };
    if state.switches.is(Switch::Inject5xx, "after_apply") && large {
        return Err(broken());
    }
    Ok(answer)
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
    let mut answer = if switches.is(Switch::Body429, "empty") {
        Response {
            status: 429,
            ..Response::default()
        }
    } else if switches.is(Switch::Body429, "ERR-001") {
        answer(
            429,
            &json!({ "errorCode": "ERR-001", "developerMessage": "The rate limit of this request is exceeded." }),
        )
    } else if switches.is(Switch::Body429, "service") {
        answer(
            429,
            &asset_error("TOO_MANY_REQUESTS", "Too many requests.", Vec::new(), switches),
        )
    } else {
        answer(429, &json!({ "developerMessage": "Quota limit exceeded." }))
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
    answer
        .headers
        .extend(text.map(|text| ("retry-after".into(), text)));
    answer.headers.push(("server".into(), "Apigee Router".into()));
    answer
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

/// Parses a UUID in its hyphenated form.
pub fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// Parses a time in a query: an RFC 3339 timestamp, or a date, which stands for the start of that day in UTC.
pub fn instant(text: &str) -> Option<Millis> {
    let full = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    full.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_millisecond)
}

/// Parses a range of times: `from..to`, `from..` or `..to`. A single time is both the start and the end of
/// the range.
pub fn instants(name: &str, text: &str) -> Result<(Millis, Millis), Refusal> {
    let end = |text: &str, open: Millis| {
        if text.is_empty() {
            Some(open)
        } else {
            instant(text)
        }
    };
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    match (end(from, Millis::MIN), end(to, Millis::MAX)) {
        (Some(from), Some(to)) if !text.is_empty() && text != ".." => Ok((from, to)),
        _ => Err(bad_field(
            "INVALID_PARAMETER",
            name,
            format!("{text:?} is not a time or a range of times."),
        )),
    }
}

fn refusal_answer(refusal: Refusal, service: Service, switches: &Switches) -> Response {
    match refusal {
        Refusal::Ready(answer) => answer,
        Refusal::Gateway {
            status,
            code,
            message,
        } => gateway(status, code, message, switches),
        Refusal::Service {
            status,
            code,
            detail,
            violations,
        } if service == Service::Relationships => {
            answer(status, &relationship_error(status, code, &detail, &violations))
        }
        Refusal::Service {
            status,
            code,
            detail,
            violations,
        } => answer(status, &asset_error(code, &detail, violations, switches)),
    }
}

/// Creates the gateway's error object ("Error codes" pages of the platform documentation).
pub fn gateway(status: u16, code: &str, message: &str, switches: &Switches) -> Response {
    let key = if switches.is(Switch::MoreInfoKey, "moreInfo") {
        "moreInfo"
    } else {
        "more info"
    };
    let link = "https://aps.autodesk.com/en/docs/oauth/v2/developers_guide/error_handling/";
    answer(
        status,
        &json!({ "developerMessage": message, "userMessage": "", "errorCode": code, key: link }),
    )
}

/// Creates the error object shown on the "POST relationships:delete" reference page.
fn relationship_error(status: u16, code: &str, detail: &str, violations: &[Violation]) -> Value {
    let kind = match status {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        413 => "PayloadTooLarge",
        415 => "UnsupportedMediaType",
        _ => "BadInput",
    };
    let title = match status {
        400 => "One or more input values in the request were bad",
        _ => "The request was rejected",
    };
    let field = |violation: &Violation| violation.metadata.get("fieldName").cloned().unwrap_or_default();
    let names: Vec<String> = violations
        .iter()
        .map(|violation| field(violation).as_str().unwrap_or_default().to_owned())
        .collect();
    let errors: Vec<Value> = violations
        .iter()
        .map(|violation| {
            json!({ "field": field(violation), "title": "Invalid parameter", "detail": violation.detail, "type": kind })
        })
        .collect();
    let detail = if names.is_empty() {
        detail.to_owned()
    } else {
        format!("The following parameters are invalid: {}", names.join(", "))
    };
    let code = if code == "BadInput" { code } else { kind };
    json!({ "type": code, "title": title, "detail": detail, "errors": errors })
}

/// Creates the error object of the Assets API. The format of this object is not documented, so
/// the switch `batch_error_shape` selects it.
fn asset_error(code: &str, detail: &str, violations: Vec<Violation>, switches: &Switches) -> Value {
    let mut error = asset_error_with_text(code, detail, violations, switches);
    if switches.is(Switch::ErrorText, "absent") {
        let without_text = |object: &mut Value| {
            if let Some(object) = object.as_object_mut() {
                object.retain(|name, _| !["title", "detail"].contains(&name.as_str()));
            }
        };
        without_text(&mut error);
        if let Some(errors) = error.get_mut("errors").and_then(Value::as_array_mut) {
            errors.iter_mut().for_each(without_text);
        }
    }
    error
}

fn asset_error_with_text(
    code: &str,
    detail: &str,
    mut violations: Vec<Violation>,
    switches: &Switches,
) -> Value {
    let entry = |violation: Violation| json!({ "errorCode": violation.code, "detail": violation.detail, "errorMetadata": violation.metadata });
    // Published client code reads the metadata next to the error code, where an error for one object has it.
    let metadata = violations
        .first()
        .filter(|first| first.code == code)
        .map_or_else(Map::new, |first| first.metadata.clone());
    if violations.is_empty() || switches.is(Switch::BatchErrorShape, "single_object") {
        let (code, detail, metadata) = match violations.into_iter().next() {
            Some(first) => (first.code, first.detail, first.metadata),
            None => return json!({ "errorCode": code, "title": code, "detail": detail, "errorMetadata": {} }),
        };
        return json!({ "errorCode": code, "title": code, "detail": detail, "errorMetadata": metadata });
    }
    if switches.is(Switch::BatchErrorShape, "first_only") {
        violations.truncate(1);
    }
    let errors: Vec<Value> = violations.into_iter().map(entry).collect();
    json!({ "errorCode": code, "title": code, "detail": detail, "errorMetadata": metadata, "errors": errors })
}
