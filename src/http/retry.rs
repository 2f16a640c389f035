//! Sends a request, and retries it if that is safe. All retries happen here, except that reqwest retries
//! streams that HTTP/2 reports as unprocessed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::{Error, Sent, ServiceError, TransportError};
use crate::http::auth::{Bearer, Token};
use crate::http::clock::Clock;
use crate::http::pace::Windows;
use crate::http::refusal;
use crate::http::row_limit::RowLimit;
use crate::http::send::{Method, Request, Response, Transport};
use crate::http::stop::{Phase, Stop};
use crate::model::error_code::ErrorCode;
use crate::options::{Options, RateGroup};

/// Whether a request may be retried even though it may have been executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The request may be retried, because it is idempotent.
    Safe,
    /// The request is retried only if it was definitely not executed, because repeating it creates duplicates.
    Never,
}

/// Whether a request carries the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Bearer,
    /// The request carries no token, for example because it fetches one.
    None,
}

/// A request to send, without the token.
#[derive(Debug, Clone)]
pub struct PreparedRequest {
    pub method: Method,
    /// The path after the host, with the query: `/construction/assets/v2/...`.
    pub path: String,
    pub group: &'static RateGroup,
    /// The name of the header for the project's region, if the endpoint has such a header.
    pub region_header: Option<&'static str>,
    pub auth: Auth,
    pub replay: Replay,
    pub content_type: &'static str,
    pub body: Option<Bytes>,
}

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

/// The stage of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The request is about to be sent. From here on, the request may be executed.
    Leaving,
    /// No attempt so far was executed.
    NotExecuted,
}

/// Counters shared by all calls of a run.
#[derive(Debug, Default)]
pub struct Counters {
    pub retries: AtomicU64,
    pub bytes: AtomicU64,
    /// Milliseconds that requests waited for the rate limits, including pauses after a 429.
    pub throttled: AtomicU64,
    /// Requests that are currently waiting for the rate limits, and requests that were sent but have no response yet.
    waiting: AtomicU64,
    in_flight: AtomicU64,
    /// Successful requests, which add to the retry budget, and the retries charged to the budget.
    succeeded: AtomicU64,
    spent: AtomicU64,
    /// The pages of lists read so far, the rows on these pages, and the largest reported total number of
    /// rows.
    pages: AtomicU64,
    listed: AtomicU64,
    expected: AtomicU64,
}

/// The number of successful requests after which a run's retry budget grows by one retry.
const SUCCESSES_A_RETRY: u64 = 5;

impl Counters {
    /// Returns whether a request in this run has succeeded before.
    #[must_use]
    pub fn any_success(&self) -> bool {
        self.succeeded.load(Ordering::Relaxed) > 0
    }

    /// Returns whether requests are waiting for the rate limits while no request is in flight.
    #[must_use]
    pub fn only_wait(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0 && self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// Counts a page of a list. `total` is the number of rows on all pages of the list, or 0 if the number is
    /// unknown.
    pub fn note_page(&self, rows: u64, total: u64) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.listed.fetch_add(rows, Ordering::Relaxed);
        self.expected.fetch_max(total, Ordering::Relaxed);
    }

    /// Counts a page of the first rows of a list. Both numbers are those of all pages so far, which may be read
    /// several times.
    pub fn note_first(&self, rows: u64, total: u64) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.listed.fetch_max(rows, Ordering::Relaxed);
        self.expected.fetch_max(total, Ordering::Relaxed);
    }

    /// Replaces the number of rows of lists that have been read. The total number becomes unknown.
    pub fn reset_listed(&self, rows: u64) {
        self.listed.store(rows, Ordering::Relaxed);
        self.expected.store(0, Ordering::Relaxed);
    }

    /// Returns how many pages and rows of lists have been read, and the largest reported total number of
    /// rows, or 0 if no total is known.
    #[must_use]
    pub fn listed(&self) -> (u64, u64, u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (load(&self.pages), load(&self.listed), load(&self.expected))
    }

    /// Removes a request from the count of successful requests, because its response turned out to be
    /// unreadable. This is called at most once per success, so the count cannot underflow.
    pub fn take_back_success(&self) {
        self.succeeded.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes one retry from the run's budget. Returns `false` if no retry is left.
    ///
    /// Without a budget, all requests in flight would be retried several times when the service is overloaded.
    fn may_retry(&self, budget: u32) -> bool {
        let earned = self.succeeded.load(Ordering::Relaxed) / SUCCESSES_A_RETRY;
        let spends = |spent| (spent < u64::from(budget) + earned).then_some(spent + 1);
        self.spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spends)
            .is_ok()
    }
}

/// Increments a counter when created, and decrements the counter when dropped, since a future may be dropped
/// at any time.
struct Counted<'c>(&'c AtomicU64);

impl<'c> Counted<'c> {
    fn new(count: &'c AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Observes the stages of a request. The request waits for the observer. If the observer fails before the request is
/// sent, the request is not sent.
pub type At<'a> = &'a (dyn Fn(Stage) -> Noted<'a> + Sync);

/// Resolves once the stage of a request is recorded.
pub type Noted<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// Reads a successful response. On [`Error::Unreadable`], an idempotent request is retried.
pub type ReadAs<'a, T> = &'a (dyn Fn(Response) -> Result<T, Error> + Sync);

/// Observes a stage and does nothing.
#[must_use]
pub fn untold<'a>(_: Stage) -> Noted<'a> {
    Box::pin(std::future::ready(Ok(())))
}

/// Everything needed to send requests. There is one per client.
pub struct Caller {
    transport: Box<dyn Transport>,
    token: Token,
    windows: OnceLock<Arc<Windows>>,
    /// The rate windows for requests without a token.
    open_windows: OnceLock<Arc<Windows>>,
    options: Options,
    clock: Clock,
    /// Ids from recent responses, each with its time and run.
    given: Mutex<VecDeque<(Instant, Uuid, u64)>>,
    /// Limits the requests in flight, across all calls.
    in_flight: Semaphore,
    /// Row limits learned at run time, by endpoint name.
    row_limits: Mutex<HashMap<&'static str, RowLimit>>,
    /// Locked while the error codes are read, so that concurrent calls share one read.
    error_codes: tokio::sync::Mutex<KnownCodes>,
}

/// The service's error codes, as far as they are known.
#[derive(Debug, Default)]
pub struct KnownCodes {
    pub codes: Option<Arc<[ErrorCode]>>,
    /// When the codes were last read to describe an error.
    pub tried: Option<Instant>,
}

/// How long ids are remembered, and the maximum number of ids to remember.
const REMEMBERED: (Duration, usize) = (Duration::from_secs(600), 100_000);

impl Caller {
    /// Creates a caller that shares its rate windows with all callers in this process that have the same user
    /// and service.
    #[must_use]
    pub fn new(transport: Box<dyn Transport>, token: Token, options: Options) -> Self {
        Self {
            transport,
            token,
            windows: OnceLock::new(),
            open_windows: OnceLock::new(),
            in_flight: Semaphore::new(options.max_in_flight),
            options,
            clock: Clock::system(),
            given: Mutex::default(),
            row_limits: Mutex::default(),
            error_codes: tokio::sync::Mutex::default(),
        }
    }

    /// Creates a caller with its own rate windows and clock, for isolated simulations.
    #[must_use]
    pub fn alone(transport: Box<dyn Transport>, token: Token, options: Options) -> Self {
        let mut caller = Self::new(transport, token, options);
        caller.clock = Clock::of_tokio();
        let _ = caller.windows.set(Arc::default());
        let _ = caller.open_windows.set(Arc::default());
        caller
    }

    /// Remembers ids that a response assigned to rows in a run, so that no other run claims them.
    pub fn remember(&self, ids: &[Uuid], run: u64) {
        let now = Instant::now();
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        while given.len() + ids.len() > REMEMBERED.1
            || given
                .front()
                .is_some_and(|(at, ..)| now.saturating_duration_since(*at) > REMEMBERED.0)
        {
            if given.pop_front().is_none() {
                break;
            }
        }
        given.extend(ids.iter().map(|id| (now, *id, run)));
    }

    /// Returns the ids recently assigned to other runs.
    #[must_use]
    pub fn given_to_others(&self, run: u64) -> HashSet<Uuid> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let others = given.iter().filter(|(.., other)| *other != run);
        others.map(|(_, id, _)| *id).collect()
    }

    /// Reads or changes the row limit of an endpoint.
    pub fn row_limit<T>(&self, endpoint: &'static str, with: impl FnOnce(&mut RowLimit) -> T) -> T {
        let mut limits = self.row_limits.lock().unwrap_or_else(PoisonError::into_inner);
        with(limits.entry(endpoint).or_default())
    }

    /// Returns the error codes that are known, or waits for a read in progress.
    #[must_use]
    pub fn error_codes(&self) -> &tokio::sync::Mutex<KnownCodes> {
        &self.error_codes
    }

    /// Returns the estimate of the service's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the options that this caller was created with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    async fn windows(&self, auth: Auth) -> Result<&Windows, Error> {
        let windows = match auth {
            Auth::Bearer => &self.windows,
            Auth::None => &self.open_windows,
        };
        if let Some(windows) = windows.get() {
            return Ok(windows);
        }
        let service = self.options.service();
        let user = match auth {
            Auth::Bearer => self.token.user(&self.clock).await?,
            Auth::None => "",
        };
        let shared = Windows::shared(&service, user, self.options.pacing.as_deref()).await;
        Ok(windows.get_or_init(|| shared))
    }

    async fn bearer(&self, auth: Auth) -> Result<Option<Bearer>, Error> {
        match auth {
            Auth::Bearer => self.token.bearer(&self.clock).await.map(Some),
            Auth::None => Ok(None),
        }
    }

    /// Sends a request and retries it if that is safe. Calls `at` at each stage.
    pub async fn call(
        &self,
        request: &PreparedRequest,
        stop: &Stop,
        counters: &Counters,
        at: At<'_>,
    ) -> CallOutcome {
        self.read(request, stop, counters, at, &Ok).await
    }

    /// Sends a request, retries it if that is safe, and converts its response with `read`. A response that
    /// `read` cannot parse is treated as lost.
    pub async fn read<T>(
        &self,
        request: &PreparedRequest,
        stop: &Stop,
        counters: &Counters,
        at: At<'_>,
        read: ReadAs<'_, T>,
    ) -> CallOutcome<T> {
        let mut called = CallOutcome {
            result: Err(stopped_error()),
            attempts: 0,
            in_doubt: false,
            stopped: false,
        };
        let tried = self.try_call(request, stop, counters, at, read, &mut called);
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
        at: At<'_>,
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
                untold(Stage::NotExecuted)
            } else {
                at(Stage::NotExecuted)
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
            let permit = tokio::select! {
                biased;
                () = stop.reached(Phase::Drain) => {
                    slot.unused();
                    called.stopped = true;
                    return last.map_or(Ok(None), Err);
                }
                permit = self.in_flight.acquire() => permit,
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
            if let Err(error) = at(Stage::Leaving).await {
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
            let answered = self.transport.send(wire).await;
            drop(in_flight);
            drop(permit);
            if let Ok(response) = &answered {
                self.clock.learn(response, sent);
            }
            let attempt = classify(answered, request.replay, read);
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
            let patient = error.sent() == Sent::No && counters.any_success() && start.elapsed() < PATIENCE;
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

    fn request(&self, request: &PreparedRequest, bearer: Option<&Bearer>) -> Request {
        let mut headers = Vec::with_capacity(4);
        headers.extend(bearer.map(|bearer| ("authorization", format!("Bearer {}", bearer.secret.reveal()))));
        headers.push(("accept", "application/json".to_owned()));
        if request.body.is_some() {
            headers.push(("content-type", request.content_type.to_owned()));
        }
        if let (Some(name), Some(region)) = (request.region_header, self.options.region_code()) {
            headers.push((name, region.to_owned()));
        }
        Request {
            method: request.method,
            url: format!("{}{}", self.options.base_url.trim_end_matches('/'), request.path),
            headers,
            body: request.body.clone(),
        }
    }
}

/// How to proceed after an attempt.
enum Attempt<T> {
    Success(T),
    /// Do not retry. `in_doubt` says whether the request may have been executed.
    Final {
        error: Error,
        in_doubt: bool,
    },
    /// A 429: nothing was executed.
    Throttled(ServiceError),
    /// A 401: nothing was executed.
    TokenRefused(ServiceError),
    /// A retry may help.
    Later {
        error: Error,
        wait: Option<Duration>,
        not_sent: bool,
    },
}

/// Classifies the result of an attempt. Only this function decides whether a retry is safe.
fn classify<T>(sent: Result<Response, TransportError>, replay: Replay, read: ReadAs<'_, T>) -> Attempt<T> {
    let response = match sent {
        Ok(response) => response,
        Err(error) => {
            let not_sent = error.sent == Sent::No;
            // If a response was too large, the next one would be too large as well.
            let may_help = replay == Replay::Safe && error.sent == Sent::Maybe;
            return if not_sent || may_help {
                Attempt::Later {
                    error: error.into(),
                    wait: None,
                    not_sent,
                }
            } else {
                Attempt::Final {
                    error: error.into(),
                    in_doubt: true,
                }
            };
        }
    };
    if (200..300).contains(&response.status) {
        return match read(response) {
            Ok(value) => Attempt::Success(value),
            // A proxy responded, or the body was cut off. The next response may be complete.
            Err(error @ Error::Unreadable { .. }) if replay == Replay::Safe => Attempt::Later {
                error,
                wait: None,
                not_sent: false,
            },
            Err(error) => Attempt::Final {
                error,
                in_doubt: true,
            },
        };
    }
    let refusal = refusal::read(&response);
    match response.status {
        429 => Attempt::Throttled(refusal),
        // A new token of the same kind would be rejected too.
        401 if !refusal.is_two_legged() => Attempt::TokenRefused(refusal),
        // The gateway limits the requests of an app. Either the gateway accepts requests again within
        // seconds, or only the app's owner can raise the limit.
        403 if refusal.is_capacity() => Attempt::Later {
            wait: Some(wait_after(&refusal).unwrap_or(CAPACITY_WAIT)),
            error: service(refusal),
            not_sent: true,
        },
        408 | 500.. if replay == Replay::Safe => {
            let wait = wait_after(&refusal);
            Attempt::Later {
                error: service(refusal),
                wait,
                not_sent: false,
            }
        }
        // Status 303 ("See Other") is sent after execution, and statuses below 200 are not final.
        ..200 | 303 | 408 | 500.. => Attempt::Final {
            error: service(refusal),
            in_doubt: true,
        },
        _ => Attempt::Final {
            error: service(refusal),
            in_doubt: false,
        },
    }
}

fn service(error: ServiceError) -> Error {
    Error::Service(Box::new(error))
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
const PATIENCE: Duration = Duration::from_secs(120);

/// The wait before a retry if the gateway had no capacity.
const CAPACITY_WAIT: Duration = Duration::from_secs(5);

fn wait_after(refusal: &ServiceError) -> Option<Duration> {
    Duration::try_from_secs_f64(refusal.retry_after?).ok()
}

/// Returns how long a 429 pauses its group: the Retry-After header or, without it, a growing random part of the
/// window.
fn pause_after(refusal: &ServiceError, throttles: u32, window: Duration) -> Duration {
    match wait_after(refusal) {
        Some(wait) => wait,
        None => backoff(throttles, window / 8, window).max(window / 16),
    }
}

/// Returns an exponential backoff with full jitter: a random part of base, 2 base, 4 base and so on up to the cap.
fn backoff(tries: u32, base: Duration, cap: Duration) -> Duration {
    let most = base.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(cap);
    most.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_its_cap_and_never_beyond() {
        let (base, cap) = (Duration::from_millis(500), Duration::from_secs(30));
        for tries in 1..100 {
            let most = base.saturating_mul(1 << (tries - 1).min(16)).min(cap);
            assert!(backoff(tries, base, cap) <= most);
        }
    }
}
