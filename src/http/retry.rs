//! Sends a request, and retries it if that is safe. All retries happen here, except that reqwest retries
//! streams that HTTP/2 reports as unprocessed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::error::{Error, Sent, ServiceError, TransportError};
use crate::http::attempt::{Attempt, ReadAs, classify, service};
use crate::http::backoff::{backoff, pause_after};
use crate::http::caller::Caller;
use crate::http::counters::{Counted, Counters};
use crate::http::message::Response;
use crate::http::observer::{Observer, Stage, no_observer};
use crate::http::prepared::PreparedRequest;
use crate::http::stop::{Phase, Stop};

/// The outcome of a call, including all of its attempts.
#[derive(Debug)]
pub struct CallOutcome<T = Response> {
    pub result: Result<T, Error>,
    /// How many times the request was sent.
    pub attempts: u32,
    /// Whether any failed attempt may have been executed.
    pub in_doubt: bool,
    /// Whether the call was stopped before the first attempt or between two attempts.
    pub stopped: bool,
}

impl Caller {
    /// Sends a request and retries it if that is safe. Calls `observer` at each stage.
    pub async fn call(
        &self,
        request: &PreparedRequest,
        stop: &Stop,
        counters: &Counters,
        observer: Observer<'_>,
    ) -> CallOutcome {
        self.read(request, stop, counters, observer, &Ok).await
    }

    /// Sends a request, retries it if that is safe, and converts its response with `read`. A response that
    /// `read` cannot parse is treated as lost.
    pub async fn read<T>(
        &self,
        request: &PreparedRequest,
        stop: &Stop,
        counters: &Counters,
        observer: Observer<'_>,
        read: ReadAs<'_, T>,
    ) -> CallOutcome<T> {
        let mut called = CallOutcome {
            result: Err(stopped_error()),
            attempts: 0,
            in_doubt: false,
            stopped: false,
        };
        let tried = self.try_call(request, stop, counters, observer, read, &mut called);
        called.result = match tried.await {
            Ok(Some(response)) => Ok(response),
            Ok(None) => {
                called.stopped = true;
                Err(stopped_error())
            }
            Err(error) => Err(error),
        };
        called
    }

    /// Returns `Ok(None)` if the call was stopped before any attempt failed.
    #[allow(clippy::too_many_lines)] // One long loop is easier to follow than several functions.
    async fn try_call<T>(
        &self,
        request: &PreparedRequest,
        stop: &Stop,
        counters: &Counters,
        observer: Observer<'_>,
        read: ReadAs<'_, T>,
        called: &mut CallOutcome<T>,
    ) -> Result<Option<T>, Error> {
        let retry = &self.options.retry;
        let start = Instant::now();
        let too_late = |wait: Duration| start.elapsed().saturating_add(wait) > retry.deadline;
        let windows = tokio::select! {
            biased;
            // The windows depend on the user in the token, and the user's token function may take a long time.
            () = stop.reached(Phase::Drain) => return Ok(None),
            windows = self.windows(request.auth) => windows?,
        };
        let limit = self.options.limits.of(request.group);
        let mut tries = 0;
        let mut refreshed: Option<Instant> = None;
        let mut throttles = 0;
        let mut last: Option<Error> = None;
        let not_executed = |called: &CallOutcome<T>| {
            if called.in_doubt {
                no_observer(Stage::NotExecuted)
            } else {
                observer(Stage::NotExecuted)
            }
        };
        loop {
            let waiting = Counted::new(&counters.waiting);
            let slot = tokio::select! {
                biased;
                () = stop.reached(Phase::Drain) => {
                    called.stopped = true;
                    return last.map_or(Ok(None), Err);
                }
                slot = windows.slot(request.group, limit, self.options.limits.window) => slot,
            };
            drop(waiting);
            let waited = u64::try_from(slot.waited.as_millis()).unwrap_or(u64::MAX);
            counters.throttled.fetch_add(waited, Ordering::Relaxed);
            // Acquire the permit after the slot: a call that waits a minute for a slot must not block others.
            let permit = if request.is_nested {
                None
            } else {
                tokio::select! {
                    biased;
                    () = stop.reached(Phase::Drain) => {
                        slot.unused();
                        called.stopped = true;
                        return last.map_or(Ok(None), Err);
                    }
                    permit = self.in_flight.acquire() => Some(permit),
                }
            };
            if windows.is_paused(request.group) {
                // A 429 in the meantime pauses this request too.
                slot.unused();
                continue;
            }
            // Get the token after the wait, which may be longer than the lifetime of a token.
            let taken = tokio::select! {
                biased;
                () = stop.reached(Phase::Drain) => None,
                taken = self.bearer(request.auth) => Some(taken),
            };
            let bearer = match taken {
                Some(Ok(bearer)) => bearer,
                Some(Err(error)) => {
                    slot.unused();
                    return Err(error);
                }
                None => {
                    slot.unused();
                    called.stopped = true;
                    return last.map_or(Ok(None), Err);
                }
            };
            let wire = self.request(request, bearer.as_ref());
            if let Err(error) = observer(Stage::Leaving).await {
                slot.unused();
                return Err(error);
            }
            let sent = self.clock.local();
            called.attempts += 1;
            counters.bytes.fetch_add(
                request.body.as_ref().map_or(0, Bytes::len) as u64,
                Ordering::Relaxed,
            );
            let in_flight = Counted::new(&counters.in_flight);
            let result = self.transport.send(wire).await;
            drop(in_flight);
            drop(permit);
            if let Ok(response) = &result {
                self.clock.learn(response, sent);
            }
            let attempt = classify(result, request.replay, read);
            if matches!(&attempt, Attempt::Later { error, .. } if error.sent() == Sent::No) {
                slot.unused();
            } else {
                drop(slot);
            }
            let (error, wait) = match attempt {
                Attempt::Success(response) => {
                    counters.succeeded.fetch_add(1, Ordering::Relaxed);
                    return Ok(Some(response));
                }
                Attempt::Final { error, in_doubt } => {
                    called.in_doubt |= in_doubt;
                    return Err(error);
                }
                Attempt::Throttled(refusal) => {
                    not_executed(called).await?;
                    throttles += 1;
                    let wait = pause_after(&refusal, throttles, self.options.limits.window);
                    if too_late(wait) {
                        return Err(service(refusal));
                    }
                    windows.pause(request.group, wait);
                    log::info!(
                        target: "acc_assets",
                        "rate limited: pausing for {:.1} s. Another program may be using the same user",
                        wait.as_secs_f64()
                    );
                    counters.retries.fetch_add(1, Ordering::Relaxed);
                    last = Some(service(refusal));
                    continue;
                }
                // Give up if a new token is rejected, unless the new token may have expired too.
                Attempt::TokenRefused(refusal)
                    if bearer.is_none()
                        || refreshed.is_some_and(|at| at.elapsed() < SHORTEST_LIFE)
                        || too_late(Duration::ZERO) =>
                {
                    return Err(service(refusal));
                }
                Attempt::TokenRefused(refusal) => {
                    not_executed(called).await?;
                    refreshed = Some(Instant::now());
                    if let Some(bearer) = &bearer
                        && let Err(error) = self.token.newer_than(bearer, &self.clock).await
                    {
                        return Err(service(with_reason(refusal, &error)));
                    }
                    counters.retries.fetch_add(1, Ordering::Relaxed);
                    last = Some(service(refusal));
                    continue;
                }
                Attempt::Later {
                    error,
                    wait,
                    not_sent,
                } => {
                    called.in_doubt |= !not_sent;
                    not_executed(called).await?;
                    (error, wait)
                }
            };
            tries += 1;
            let wait = wait.unwrap_or_else(|| backoff(tries, retry.base, retry.cap));
            // A network that worked earlier in this run often recovers, and nothing was sent.
            let patient =
                error.sent() == Sent::No && counters.any_success() && start.elapsed() < NETWORK_RECOVERY;
            if (tries >= retry.attempts && !patient) || too_late(wait) {
                return Err(error);
            }
            if !patient && !counters.may_retry(retry.budget) {
                log::info!(target: "acc_assets", "not retried, because the retry budget of this run is \
                    exhausted: {error}");
                return Err(error);
            }
            log::info!(
                target: "acc_assets",
                "attempt {tries} of {} failed: {error}. Retrying in {wait:.1?}",
                retry.attempts
            );
            tokio::select! {
                () = stop.reached(Phase::Drain) => {
                    called.stopped = true;
                    return Err(error);
                }
                () = tokio::time::sleep(wait) => {}
            }
            last = Some(error);
            counters.retries.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn with_reason(mut refusal: ServiceError, reason: &Error) -> ServiceError {
    refusal.hint = Some(format!("{reason}; get a new token and retry the remaining rows"));
    refusal
}

/// The error of a call that was stopped before any attempt failed. Used only together with
/// `CallOutcome::stopped`.
fn stopped_error() -> Error {
    Error::Transport(TransportError::new(
        Sent::No,
        "stopped before the request was sent".to_owned(),
    ))
}

/// A token that is rejected within this time of being fetched was never valid.
const SHORTEST_LIFE: Duration = Duration::from_secs(60);

/// How long a request waits for a lost network to recover.
const NETWORK_RECOVERY: Duration = Duration::from_secs(120);
