//! The error codes of the Assets API: read once per client, and used to describe errors that have no text.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Session;
use crate::api::{Call, Endpoint, assets, settings, unreadable};
use crate::error::{Error, ServiceError};
use crate::http::{KnownCodes, Phase, Replay, Response, no_observer};
use crate::model::error_code::ErrorCode;

/// The longest delay of an error by the lookup of its description.
const LONGEST: Duration = Duration::from_secs(5);

/// The time between two lookups if the first one fails, which is longer than most calls.
const AGAIN: Duration = Duration::from_secs(600);

/// [`settings::ERROR_CODES`] without retries, which would delay the error.
const ONCE: Endpoint = Endpoint {
    replay: Replay::Never,
    ..settings::ERROR_CODES
};

/// All error codes, sorted by name.
pub type ErrorCodes = Arc<[ErrorCode]>;

impl Session {
    /// Returns the error codes, which are read on the first call of the client.
    ///
    /// # Errors
    /// If they cannot be read. The next call tries again.
    pub async fn error_codes(&self) -> Result<ErrorCodes, Error> {
        let mut known = self.caller.error_codes().lock().await;
        self.codes(&mut known, &settings::ERROR_CODES).await
    }

    async fn codes(&self, known: &mut KnownCodes, list: &'static Endpoint) -> Result<ErrorCodes, Error> {
        if let Some(codes) = &known.codes {
            return Ok(codes.clone());
        }
        let request = self.to(list, &[])?.prepare();
        let read = |response: Response| {
            let rows = list.rows(&response.body);
            let rows = rows.map_err(|reason| list.unreadable(&response, &reason))?;
            let codes = ErrorCode::read_all(rows.iter().map(|row| row.get()));
            if codes.is_empty() {
                let message = "the list of error codes contains no code: try again, and check base_url= and \
                    proxy= if this persists";
                return Err(unreadable(&response, message.to_owned()));
            }
            Ok(codes)
        };
        // Not `Session::call`, which describes errors with these codes.
        let called = self
            .caller
            .read(&request, &self.stop, &self.counters, &no_observer, &read);
        let codes: ErrorCodes = called.await.result?.into();
        known.codes = Some(codes.clone());
        Ok(codes)
    }

    /// Adds the descriptions of an error's codes if the response has no text. If the codes are not known and
    /// cannot be read with one short request, the error stays as it is. Does nothing once the call is stopping.
    pub(super) async fn describe(&self, call: &Call, error: &mut ServiceError) {
        let is_of_assets = [&assets::READS, &assets::WRITES].contains(&call.endpoint.group);
        if !is_of_assets || !error.lacks_text() || self.stop.phase() > Phase::Run {
            return;
        }
        let codes = tokio::select! {
            biased;
            () = self.stop.reached(Phase::Drain) => return,
            codes = tokio::time::timeout(LONGEST, self.known_codes()) => codes.ok().flatten(),
        };
        if let Some(codes) = codes {
            error.describe(|name| {
                let at = codes.binary_search_by(|code| code.name.as_str().cmp(name)).ok()?;
                Some(codes[at].description.as_str()).filter(|description| !description.is_empty())
            });
        }
    }

    async fn known_codes(&self) -> Option<ErrorCodes> {
        let mut known = self.caller.error_codes().lock().await;
        if known.codes.is_none() && known.tried.is_some_and(|tried| tried.elapsed() < AGAIN) {
            return None;
        }
        // Set this first, because a read that takes too long is dropped.
        known.tried = Some(Instant::now());
        // The lookup does not count as a request of the call.
        let session = Self::new(self.caller.clone(), self.stop.clone());
        let codes = session.codes(&mut known, &ONCE).await;
        codes
            .inspect_err(|error| log::debug!(target: "acc_assets", "cannot read the error codes: {error}"))
            .ok()
    }
}
