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
}

impl Session {
    /// Creates a session whose counts start at zero.
    #[must_use]
    pub fn new(caller: Arc<Caller>, stop: Stop) -> Self {
        Self {
            caller,
            stop,
            counters: Arc::default(),
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
