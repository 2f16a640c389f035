//! A simulated service.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use uuid::Uuid;

use super::assets::ListCache;
use super::audit::Audit;
use super::contract::Switches;
use super::described::described;
use super::faults::{Fault, Faults};
use super::limits::Limits;
use super::options::Options;
use super::state::{State, User};
use super::world::World;

/// A simulated service. Clones share the same state.
#[derive(Clone)]
pub struct Simulator {
    pub(super) inner: Arc<Inner>,
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

pub(super) struct Inner {
    shared: Mutex<Shared>,
    started: Instant,
    pub(super) latency: Duration,
    token: String,
    project: Uuid,
}

pub(super) struct Shared {
    pub(super) state: State,
    pub(super) faults: Faults,
}

impl Simulator {
    /// Creates a simulator of the described or seeded project. Fails if the description is invalid, if a
    /// switch or its value is unknown, if the token is empty or contains spaces, or if the window is zero.
    pub fn new(mut options: Options) -> Result<Self, String> {
        let start = start(&options);
        let world = match options.project.take() {
            Some(description) => described(options.seed, start, &description)?,
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
            lists: ListCache::default(),
            requests: 0,
            clock_error: 0,
        };
        let shared = Mutex::new(Shared {
            state,
            faults: Faults::default(),
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

    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        // A panic while the lock is held is a bug in the simulator. The state stays readable, to help find
        // the bug.
        self.inner.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Advances the simulated time to the current time. Returns the time since the start.
    pub(super) fn tick(&self, state: &mut State) -> Duration {
        let elapsed = Instant::now().saturating_duration_since(self.inner.started);
        let wall = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        // Calls may mix a real and a paused clock, but the simulated time never goes back.
        state.world.now = state.world.now.max(state.start.saturating_add(wall));
        elapsed
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
}

pub fn start(options: &Options) -> i64 {
    options.start.unwrap_or_else(|| {
        // A clock that is set to a time before 1970 counts as 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
