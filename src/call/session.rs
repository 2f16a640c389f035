//! The state shared by all calls in one operation.

use std::sync::Arc;

use crate::api::{Call, Endpoint};
use crate::error::Error;
use crate::http::{Caller, Counters, Stop};

/// State shared by all calls in one operation.
#[derive(Clone)]
pub struct Session {
    pub caller: Arc<Caller>,
    pub stop: Stop,
    pub counters: Arc<Counters>,
    /// Whether another request waits for the calls of this session, see [`Self::nested`].
    pub(super) is_nested: bool,
}

impl Session {
    /// Creates a session whose counts start at zero.
    #[must_use]
    pub fn new(caller: Arc<Caller>, stop: Stop) -> Self {
        Self {
            caller,
            stop,
            counters: Arc::default(),
            is_nested: false,
        }
    }

    /// Returns a session that counts into these counters.
    #[must_use]
    pub fn counting(caller: Arc<Caller>, stop: Stop, counters: Arc<Counters>) -> Self {
        Self {
            counters,
            ..Self::new(caller, stop)
        }
    }

    /// Returns the session for the calls that another call of this session waits for before its request leaves. They take
    /// its place among the requests in flight: if they waited for a place, all places might wait for each other.
    #[must_use]
    pub fn nested(&self) -> Self {
        Self {
            is_nested: true,
            ..self.clone()
        }
    }

    /// Creates a call to an endpoint with this client's options, such as the path prefix of the Assets API.
    ///
    /// # Errors
    /// [`Error::Option`] if a path parameter has no value.
    pub fn to(&self, endpoint: &'static Endpoint, places: &[(&str, &str)]) -> Result<Call, Error> {
        let prefix = [("prefix", self.caller.options().prefix.as_str())];
        Call::new(endpoint, &[&prefix, places].concat())
    }

    /// Returns the service that this client talks to.
    #[must_use]
    pub fn service(&self) -> String {
        self.caller.options().service()
    }
}
