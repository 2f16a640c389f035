//! One call and its response.

use super::Session;
use crate::api::Call;
use crate::error::Error;
use crate::http::{CallOutcome, Observer, ReadAs};

impl Session {
    /// Sends a call, retries it if that is safe, and reads its response. `observer` is called at each stage. An error
    /// response without text gets the description of its code.
    pub async fn call<T>(&self, call: &Call, observer: Observer<'_>, read: ReadAs<'_, T>) -> CallOutcome<T> {
        let mut request = call.prepare();
        let Self {
            caller,
            stop,
            counters,
            is_nested,
        } = self;
        request.is_nested = *is_nested;
        let mut called = caller.read(&request, stop, counters, observer, read).await;
        if let Err(Error::Service(refusal)) = &mut called.result {
            // Boxed, because every call would otherwise have room for a second request.
            Box::pin(self.describe(call, refusal)).await;
        }
        called
    }
}
