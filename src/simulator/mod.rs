//! A simulator of the Assets, Relationship and Locations APIs for one project, in this process or over HTTP.
//!
//! The simulator checks raw requests with its own tables and shares no rules with the client, so each verifies the
//! other.
//!
//! | file | contents |
//! | --- | --- |
//! | `contract` | endpoints, fields, error codes and switches, as tables |
//! | `world`, `indexed` | the project and everything in it |
//! | `project` | a project created from a description |
//! | `limits` | the rate windows |
//! | `handle` | the handling of one request: the checks shared by all endpoints, and the error bodies |
//! | `assets`, `settings` (reading settings), `setup` (writing settings), `relationships`, `locations` | the endpoints |
//! | `faults` | scripted faults |
//! | `audit` | counts of requests, faults and changes |
//! | `serve` | the simulator over HTTP/1.1 on a loopback port |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use acc_assets::http::send::{Method, Request, Transport};
//! use acc_assets::simulator::{Options, Simulator};
//!
//! let simulator = Simulator::new(Options::default()).expect("default options are valid");
//! let url = format!("http://simulator/construction/assets/v1/projects/{}/categories", simulator.project_id());
//! let headers = vec![("authorization", format!("Bearer {}", simulator.token()))];
//! let response = simulator.transport().send(Request { method: Method::Get, url, headers, body: None }).await;
//! assert_eq!(response.expect("no fault is scripted").status, 200);
//! # }
//! ```

mod assets;
pub mod audit;
pub mod contract;
pub mod faults;
mod handle;
pub mod indexed;
pub mod limits;
mod locations;
mod project;
mod relationships;
mod serve;
mod settings;
mod setup;
pub mod world;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::error::{Partial, Sent, TransportError, TransportKind};
use crate::http::send::{Request, Response, Sending, Transport};
use contract::{Group, Switches};
use handle::{State, User};
use limits::Limits;

pub use audit::Audit;
pub use faults::{Fault, What};
pub use limits::GroupLimits;
pub use serve::Served;
pub use world::World;

/// The options of a simulator.
#[derive(Clone)]
pub struct Options {
    /// The seed for ids and random behavior. The same seed gives the same project, including ids.
    pub seed: u64,
    /// The length of a rate window. Default: 60 seconds, as in the real service.
    pub window: Duration,
    /// The maximum number of requests per window for each rate group.
    pub limits: GroupLimits,
    /// The simulated round-trip time of each request.
    pub latency: Duration,
    /// Switch names and values, as listed in `contract::SWITCHES`.
    pub switches: Vec<(String, String)>,
    /// The bearer token of the first user.
    pub token: String,
    /// The simulated time at the start, in milliseconds since 1970. If `None`, the real time is used.
    pub start: Option<i64>,
    /// The description of the project, in the format below. If `None`, the project is generated from `seed`.
    ///
    /// A key is optional unless it is marked as required. A path is a list of exact names, or a string of
    /// names separated by `>`. In the string, blanks around names are ignored. The parents of a path need not
    /// be listed.
    ///
    /// | key | entries |
    /// | --- | --- |
    /// | `status_sets` | `name` (required), `default`, `statuses` (labels, or objects with `label` and `active`), `active` |
    /// | `attributes` | `display_name`, `type` (both required), `name` (`ca1`, ...), `required`, `max_length`, `default` (options by label), `options` (labels, or objects with `label` and `active`), `active` |
    /// | `categories` | `path` (required; the empty list is ROOT), `id`, `active`, `status_set` (a name), `attributes` (display names) |
    /// | `locations` | `path` (required), `barcode` |
    ///
    /// There is always a default status set: the service's own set, unless a set in `status_sets` is marked
    /// as `default`.
    pub project: Option<Value>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            window: Duration::from_secs(60),
            limits: GroupLimits::default(),
            latency: Duration::ZERO,
            switches: Vec::new(),
            token: "simulated-user-token".into(),
            start: None,
            project: None,
        }
    }
}

impl Options {
    /// Reads options from JSON. All keys are optional: `seed`, `window` and `latency` (seconds), `limits`
    /// (object with `assets_read`, `assets_write`, `relationships`, `locations`), `switches` (object),
    /// `token`, `start` (milliseconds), `project` (object, or null for the seeded project).
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let map = value.as_object().ok_or("options must be an object")?;
        let mut options = Self::default();
        for (key, value) in map {
            let bad = |what: &str| format!("option {key:?} must be {what}, not {value}");
            let whole = || value.as_u64().ok_or_else(|| bad("a whole number"));
            let seconds = || {
                let seconds = value
                    .as_f64()
                    .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                seconds.ok_or_else(|| bad("a number of seconds"))
            };
            match key.as_str() {
                "seed" => options.seed = whole()?,
                "window" => options.window = seconds()?,
                "latency" => options.latency = seconds()?,
                "start" => options.start = Some(value.as_i64().ok_or_else(|| bad("a whole number"))?),
                "project" => options.project = Some(value.clone()).filter(|value| !value.is_null()),
                "token" => value
                    .as_str()
                    .ok_or_else(|| bad("a text"))?
                    .clone_into(&mut options.token),
                "limits" => {
                    for (group, limit) in value.as_object().ok_or_else(|| bad("an object"))? {
                        let limit = limit
                            .as_u64()
                            .and_then(|limit| u32::try_from(limit).ok())
                            .ok_or_else(|| {
                                format!("the limit of {group:?} must be a whole number, not {limit}")
                            })?;
                        match group.as_str() {
                            "assets_read" => options.limits.assets_read = limit,
                            "assets_write" => options.limits.assets_write = limit,
                            "relationships" => options.limits.relationships = limit,
                            "locations" => options.limits.locations = limit,
                            _ => {
                                return Err(format!(
                                    "unknown rate group {group:?}; use assets_read, assets_write, \
                                        relationships or locations"
                                ));
                            }
                        }
                    }
                }
                "switches" => {
                    for (name, value) in value.as_object().ok_or_else(|| bad("an object"))? {
                        let text = value
                            .as_str()
                            .ok_or_else(|| format!("switch {name:?} must be a string, not {value}"))?;
                        options.switches.push((name.clone(), text.to_owned()));
                    }
                }
                _ => {
                    return Err(format!(
                        "unknown option {key:?}; use seed, window, limits, latency, switches, token, start \
                            or project"
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// A simulated service. Clones share the same state.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Mutex<Shared>,
    started: Instant,
    latency: Duration,
    token: String,
    project: Uuid,
}

struct Shared {
    state: State,
    faults: faults::Faults,
}

/// The outcome of a request.
enum Outcome {
    Response(Response),
    /// The response is cut off after this many bytes of its body.
    Cut(Response, usize),
    /// The head of the response is sent immediately, and its body slowly over this time.
    Slow(Response, Duration),
    /// There is no response.
    Broken(Sent, &'static str),
    /// There is no response, and the request is executed after this time.
    Late(handle::Admitted, Duration),
}

const RESET: &str = "connection reset (scripted)";

impl Simulator {
    /// Creates a simulator of the described or seeded project. Fails if the description is invalid, if a
    /// switch or its value is unknown, if the token is empty or contains spaces, or if the window is zero.
    pub fn new(mut options: Options) -> Result<Self, String> {
        let start = start(&options);
        let world = match options.project.take() {
            Some(description) => project::described(options.seed, start, &description)?,
            None => World::seeded(options.seed, start),
        };
        Self::with_world(options, world)
    }

    /// Creates a simulator of the project `world`. The options must not describe another project.
    pub fn with_world(options: Options, world: World) -> Result<Self, String> {
        if options.project.is_some() {
            return Err("the project is given both as a world and in the options; remove one".into());
        }
        if options.token.trim().is_empty() || options.token.contains(char::is_whitespace) {
            return Err("the token must be a string without spaces".into());
        }
        if options.window.is_zero() {
            return Err("the rate window must be longer than zero".into());
        }
        let mut switches = Switches::default();
        for (name, value) in &options.switches {
            switches.set(name, value)?;
        }
        let start = start(&options);
        let project = world.project;
        let user = User {
            id: "QX3T9LM2AB7C".into(),
            company: Some(world.company),
            scopes: None,
        };
        let state = State {
            world,
            limits: Limits::new(options.limits, options.window),
            switches,
            audit: Audit::default(),
            users: HashMap::from([(options.token.clone(), user)]),
            start,
            listing: assets::Listing::default(),
            requests: 0,
            clock_error: 0,
        };
        let shared = Mutex::new(Shared {
            state,
            faults: faults::Faults::default(),
        });
        let (latency, token) = (options.latency, options.token);
        let inner = Inner {
            shared,
            started: Instant::now(),
            latency,
            token,
            project,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // A panic while the lock is held is a bug in the simulator. The state stays readable, to help find
        // the bug.
        self.inner.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the id of the project, a UUID without a prefix.
    #[must_use]
    pub fn project_id(&self) -> String {
        self.inner.project.to_string()
    }

    /// Returns the bearer token of the first user.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.inner.token
    }

    /// Makes another token valid. Tokens with the same user id share rate windows. If `scopes` is `None`, the
    /// token has all scopes.
    pub fn accept_token(&self, token: &str, user_id: &str, scopes: Option<Vec<String>>) {
        let mut shared = self.shared();
        let company = Some(shared.state.world.company);
        shared.state.users.insert(
            token.into(),
            User {
                id: user_id.into(),
                company,
                scopes,
            },
        );
    }

    /// Revokes a token, as if it had expired. Returns `false` if the token was not valid.
    pub fn revoke_token(&self, token: &str) -> bool {
        self.shared().state.users.remove(token).is_some()
    }

    /// Returns the user id of the first user.
    #[must_use]
    pub fn user_id(&self) -> &'static str {
        "QX3T9LM2AB7C"
    }

    /// Sets a switch. The error for an unknown name or value lists the valid names or values.
    pub fn set_switch(&self, name: &str, value: &str) -> Result<(), String> {
        self.shared().state.switches.set(name, value)
    }

    /// Returns every switch with its value.
    #[must_use]
    pub fn switches(&self) -> BTreeMap<&'static str, String> {
        self.shared()
            .state
            .switches
            .all()
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    }

    /// Adds a scripted fault.
    pub fn add_fault(&self, fault: Fault) {
        self.shared().faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared().faults.clear();
    }

    /// Returns what the simulator has recorded so far.
    #[must_use]
    pub fn audit(&self) -> Audit {
        let shared = self.shared();
        let mut audit = shared.state.audit.clone();
        audit.busiest_window.clone_from(shared.state.limits.busiest());
        audit
    }

    /// Returns a catalog of the project: its ids and region, `categories` with path, statuses and attributes,
    /// `locations` and `counts`.
    #[must_use]
    pub fn world_json(&self) -> Value {
        self.shared().state.world.catalogue()
    }

    /// Returns all assets with all fields, including deleted ones, in order of creation.
    #[must_use]
    pub fn assets(&self) -> Value {
        assets::snapshot(&self.shared().state.world)
    }

    /// Returns all relationships, including deleted ones, in order of creation.
    #[must_use]
    pub fn relationships(&self) -> Value {
        let shared = self.shared();
        // Switches affect only responses, so format the relationships with the default values.
        let switches = Switches::default();
        let mut random = fastrand::Rng::with_seed(0);
        let all = &shared.state.world.relationships;
        all.iter()
            .map(|relationship| relationships::printed(relationship, &switches, &mut random))
            .collect()
    }

    /// Links `count` documents to assets without a request, and returns the ids of the relationships. If
    /// there are no active assets, the documents are linked to ids that no asset has.
    pub fn seed_relationships(&self, count: usize) -> Vec<String> {
        let mut shared = self.shared();
        let world = &mut shared.state.world;
        let assets: Vec<Uuid> = world
            .assets()
            .iter()
            .filter(|asset| asset.stamp.active())
            .map(|asset| asset.id)
            .collect();
        (0..count)
            .map(|index| {
                let asset = if assets.is_empty() {
                    world.new_id()
                } else {
                    assets[index % assets.len()]
                };
                let document = format!("urn:adsk.wipprod:dm.lineage:{}", world.new_id().simple());
                let id = world.new_id();
                let ends = [
                    ("autodesk-bim360-asset", "asset", asset.to_string()),
                    ("autodesk-bim360-documentmanagement", "documentlineage", document),
                ];
                let entities = ends.map(|(domain, kind, id)| world::Entity {
                    domain: domain.into(),
                    kind: kind.into(),
                    id: id.into(),
                });
                world.add_relationship(id, entities, false);
                id.to_string()
            })
            .collect()
    }

    /// Creates an asset as another user and returns its id. The audit does not count this asset.
    pub fn create_asset(&self, asset: &Value) -> Result<String, String> {
        self.by_another(|state, user| assets::create_one(state, asset, user))
    }

    /// Changes an asset as another user.
    pub fn patch_asset(&self, id: &str, change: &Value) -> Result<(), String> {
        self.by_another(|state, user| assets::patch_one(state, id, change, user))
    }

    /// Deletes an asset as another user.
    pub fn delete_asset(&self, id: &str) -> Result<(), String> {
        self.by_another(|state, user| assets::delete_one(state, id, user))
    }

    fn by_another<T>(
        &self,
        change: impl FnOnce(&mut State, &Arc<str>) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut shared = self.shared();
        self.tick(&mut shared.state);
        change(&mut shared.state, &"CK7W2PD4RN8V".into())
    }

    /// Changes the project directly, without a request.
    pub fn edit_world<T>(&self, edit: impl FnOnce(&mut World) -> T) -> T {
        let mut shared = self.shared();
        let edited = edit(&mut shared.state.world);
        shared.state.listing = assets::Listing::default();
        edited
    }

    /// Returns the simulator as an in-process transport. The transport uses tokio's clock, so tests can pause
    /// time.
    #[must_use]
    pub fn transport(&self) -> impl Transport {
        InProcess(self.clone())
    }

    /// Serves the simulator over HTTP/1.1 on a free loopback port until the returned handle is closed or
    /// dropped.
    pub fn serve(&self) -> std::io::Result<Served> {
        serve::serve(self.clone())
    }

    /// Handles a request, including the simulated latency.
    async fn exchange(&self, request: Request) -> Outcome {
        let _in_flight = InFlight::new(self);
        let way = self.inner.latency / 2;
        pause(way).await;
        let (outcome, late) = match self.receive(&request) {
            (Outcome::Late(admitted, until), late) => {
                let (simulator, at) = (self.clone(), Instant::now() + until);
                tokio::spawn(async move {
                    sleep_until(at).await;
                    simulator.work_late(&request, admitted);
                });
                (Outcome::Broken(Sent::Maybe, RESET), late)
            }
            received => received,
        };
        pause(late + way).await;
        outcome
    }

    /// Executes a request whose client is no longer waiting. The result is visible only in the project and
    /// the audit.
    fn work_late(&self, request: &Request, admitted: handle::Admitted) {
        let mut shared = self.shared();
        let now = self.tick(&mut shared.state);
        let _ = handle::work(&mut shared.state, now, request, admitted);
    }

    /// Advances the simulated time to the current time. Returns the time since the start.
    fn tick(&self, state: &mut State) -> Duration {
        let elapsed = Instant::now().saturating_duration_since(self.inner.started);
        let wall = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        // Calls may mix a real and a paused clock, but the simulated time never goes back.
        state.world.now = state.world.now.max(state.start.saturating_add(wall));
        elapsed
    }

    fn receive(&self, request: &Request) -> (Outcome, Duration) {
        let mut shared = self.shared();
        let Shared { state, faults } = &mut *shared;
        let elapsed = self.tick(state);
        let route = handle::route(request);
        let (tag, group) = route.as_ref().map_or(("unknown", Group::Free), |route| {
            (route.endpoint.tag, route.endpoint.group)
        });
        state
            .audit
            .arrived(tag, request.body.as_ref().map_or(0, Bytes::len));
        let what = faults.pick(tag);
        // A refused connection does not count towards the busiest rate window.
        let refused = what == Some(What::Refuse);
        if let Some(user) = handle::token(request)
            .and_then(|token| state.users.get(token))
            .filter(|_| !refused)
        {
            state.limits.arrive(&user.id, group, elapsed);
        }
        state.audit.faults += u64::from(what.is_some());
        let (outcome, late) = faulted(state, elapsed, request, route, what);
        let status = match &outcome {
            Outcome::Response(answer) | Outcome::Slow(answer, _) => answer.status,
            Outcome::Cut(..) | Outcome::Broken(..) | Outcome::Late(..) => 0,
        };
        state.audit.answered(tag, status);
        (outcome, late)
    }
}

/// Handles a request and applies the fault `what`, if any. Also returns the time by which to delay the
/// response.
fn faulted(
    state: &mut State,
    elapsed: Duration,
    request: &Request,
    route: Option<handle::Route>,
    what: Option<What>,
) -> (Outcome, Duration) {
    let late = match what {
        Some(What::Delay(late)) => late,
        _ => Duration::ZERO,
    };
    let applied = |state: &mut State, route| handle::handle(state, elapsed, request, route);
    let outcome = match what {
        None | Some(What::Delay(_)) => Outcome::Response(applied(state, route)),
        Some(What::Refuse) => Outcome::Broken(Sent::No, "connection refused (scripted)"),
        Some(What::ResetBeforeApply) => Outcome::Broken(Sent::Maybe, RESET),
        Some(What::ResetAfterApply) => {
            applied(state, route);
            Outcome::Broken(Sent::Maybe, RESET)
        }
        Some(What::ApplyLate(until)) => {
            // The rate slot is taken on arrival. A request rejected here is never executed and gets no
            // response either.
            match handle::admit(state, elapsed, request, route) {
                Ok(admitted) => Outcome::Late(admitted, until),
                Err(_) => Outcome::Broken(Sent::Maybe, RESET),
            }
        }
        Some(What::SlowBody(time)) => Outcome::Slow(applied(state, route), time),
        Some(what @ (What::DropResults { .. } | What::DoubleResults)) => {
            let mut answer = applied(state, route);
            if answer.status < 300 {
                let (drop, double) = match what {
                    What::DropResults { count } => (count, false),
                    _ => (0, true),
                };
                answer.body = faults::miscounted(&answer.body, drop, double).into();
            }
            Outcome::Response(answer)
        }
        Some(What::ClockJump { seconds }) => {
            state.clock_error = state.clock_error.saturating_add(seconds.saturating_mul(1000));
            Outcome::Response(applied(state, route))
        }
        Some(What::Steal { requests }) => {
            let group = route.as_ref().map(|route| route.endpoint.group);
            let answer = applied(state, route);
            let user = handle::token(request).and_then(|token| state.users.get(token).cloned());
            if let (Some(group), Some(user)) = (group, user) {
                // Stop at the first rejected request, since all later ones would be rejected as well.
                (0..requests).find(|_| handle::limited(state, &user, group, elapsed).is_err());
            }
            Outcome::Response(answer)
        }
        Some(What::CutBody { bytes }) => Outcome::Cut(applied(state, route), bytes),
        Some(What::Unreadable(how)) => {
            let mut answer = applied(state, route);
            answer.body = faults::spoiled(&answer.body, how).into();
            Outcome::Response(answer)
        }
        Some(What::WrongTypes) => {
            let mut answer = applied(state, route);
            answer.body = faults::wrong_types(&answer.body).into();
            Outcome::Response(answer)
        }
        Some(What::ExpireToken) => {
            if let Some(token) = handle::token(request) {
                state.users.remove(token);
            }
            Outcome::Response(applied(state, route))
        }
        Some(What::Status {
            code,
            headers,
            body,
            after_apply,
        }) => {
            let own = after_apply.then(|| applied(state, route));
            let mut answer = answer_of(code, body, own, &state.switches);
            answer
                .headers
                .retain(|(name, _)| headers.iter().all(|(given, _)| given != name));
            answer.headers.extend(headers);
            if body != faults::FaultBody::Own {
                handle::sign(state, &mut answer);
            }
            Outcome::Response(answer)
        }
        Some(What::RateLimit { retry_after }) => {
            let mut answer = handle::too_many(state, retry_after);
            handle::sign(state, &mut answer);
            Outcome::Response(answer)
        }
        Some(What::Html) => {
            let mut answer = handle::html(200);
            handle::sign(state, &mut answer);
            Outcome::Response(answer)
        }
        Some(What::Redirect(url)) => {
            let mut answer = handle::answer(307, &json!({}));
            answer.headers.push(("location".into(), url));
            handle::sign(state, &mut answer);
            Outcome::Response(answer)
        }
    };
    (outcome, late)
}

/// Creates the response that a `status` fault returns. `own` is the endpoint's own response, if the request
/// was executed.
fn answer_of(code: u16, body: faults::FaultBody, own: Option<Response>, switches: &Switches) -> Response {
    match body {
        // Only a successful response gets the fault's status. An error response keeps its own.
        faults::FaultBody::Own => match own.unwrap_or_default() {
            done if (200..300).contains(&done.status) => Response { status: code, ..done },
            refused => refused,
        },
        faults::FaultBody::Html => handle::html(code),
        faults::FaultBody::Empty => Response {
            status: code,
            ..Response::default()
        },
        faults::FaultBody::Json => {
            let name = match code {
                401 => "AUTH-006",
                403 => "AUTH-010",
                _ => "ERR-003",
            };
            let message = "The gateway rejected this request (scripted).";
            handle::gateway(code, name, message, switches)
        }
    }
}

impl fmt::Debug for Simulator {
    /// Formats the simulator without its token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Simulator")
            .field("project_id", &self.inner.project)
            .finish_non_exhaustive()
    }
}

fn start(options: &Options) -> i64 {
    options.start.unwrap_or_else(|| {
        // A clock that is set to a time before 1970 counts as 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// Counts a request as in flight until this guard is dropped, even if the caller stops waiting.
struct InFlight<'a>(&'a Simulator);

impl<'a> InFlight<'a> {
    fn new(simulator: &'a Simulator) -> Self {
        let audit = &mut simulator.shared().state.audit;
        audit.in_flight += 1;
        audit.most_in_flight = audit.most_in_flight.max(audit.in_flight);
        Self(simulator)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.shared().state.audit.in_flight -= 1;
    }
}

struct InProcess(Simulator);

impl Transport for InProcess {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            match self.0.exchange(request).await {
                Outcome::Response(answer) => Ok(answer),
                Outcome::Slow(answer, time) => {
                    pause(time).await;
                    Ok(answer)
                }
                Outcome::Cut(answer, bytes) if bytes >= answer.body.len() => Ok(answer),
                Outcome::Cut(answer, bytes) => Err(TransportError {
                    sent: Sent::Maybe,
                    message: format!("the response was cut off after {bytes} bytes of its body (scripted)"),
                    partial: Some(Box::new(Partial {
                        status: answer.status,
                        headers: answer.headers,
                        body: String::from_utf8_lossy(&answer.body[..bytes]).into(),
                    })),
                    kind: TransportKind::Other,
                }),
                Outcome::Broken(Sent::No, message) => {
                    Err(TransportError::new(Sent::No, message).of_kind(TransportKind::Connect))
                }
                Outcome::Broken(sent, message) => Err(TransportError::new(sent, message)),
                // `exchange` never returns this outcome.
                Outcome::Late(..) => Err(TransportError::new(Sent::Maybe, RESET)),
            }
        })
    }
}
