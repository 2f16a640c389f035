//! The state of the simulator.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::assets::ListCache;
use super::audit::Audit;
use super::contract::Switches;
use super::limits::Limits;
use super::world::{Millis, World};

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
    pub lists: ListCache,
    pub requests: u64,
    /// The difference between the Date header of responses and the simulated time.
    pub clock_error: Millis,
}
