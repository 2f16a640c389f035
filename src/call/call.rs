//! One call, and its response.

use std::sync::Arc;

use crate::api::{Call, Endpoint};
use crate::error::Error;
use crate::http::{At, CallOutcome, Caller, Counters, ReadAs, Stop};

/// What all calls of one piece of work share.
#[derive(Clone)]
pub struct Session {
    pub caller: Arc<Caller>,
    pub stop: Stop,
    pub counters: Arc<Counters>,
}

impl Session {
    /// A session that counts from zero.
    #[must_use]
    pub fn new(caller: Arc<Caller>, stop: Stop) -> Self {
        Self {
            caller,
            stop,
            counters: Arc::default(),
        }
    }

    /// A call of an endpoint, for this client: the prefix of the Assets API is one of its options.
    ///
    /// # Errors
    /// [`Error::Option`] naming a place of the path that has no value.
    pub fn to(&self, endpoint: &'static Endpoint, places: &[(&str, &str)]) -> Result<Call, Error> {
        let prefix = [("prefix", self.caller.options().prefix.as_str())];
        Call::new(endpoint, &[&prefix, places].concat())
    }

    /// Sends a call, retries it where that is safe, and reads its response. `at` is called at each stage.
    pub async fn call<T>(&self, call: &Call, at: At<'_>, read: ReadAs<'_, T>) -> CallOutcome<T> {
        let request = call.prepare();
        let Self {
            caller,
            stop,
            counters,
        } = self;
        caller.read(&request, stop, counters, at, read).await
    }
}
