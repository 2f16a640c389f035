//! Everything needed to send requests.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Error;
use crate::http::auth::{Bearer, Token};
use crate::http::clock::Clock;
use crate::http::message::{Request, Transport};
use crate::http::pace::Windows;
use crate::http::prepared::{Auth, PreparedRequest};
use crate::http::row_limit::RowLimit;
use crate::model::error_code::ErrorCode;
use crate::options::Options;

/// Everything needed to send requests. There is one per client.
pub struct Caller {
    pub(super) transport: Box<dyn Transport>,
    pub(super) token: Token,
    windows: OnceLock<Arc<Windows>>,
    /// The rate windows for requests without a token.
    open_windows: OnceLock<Arc<Windows>>,
    pub(super) options: Options,
    pub(super) clock: Clock,
    /// Ids from recent responses, each with its time and run.
    given: Mutex<VecDeque<(Instant, Uuid, u64)>>,
    /// Limits the requests in flight, across all calls.
    pub(super) in_flight: Semaphore,
    /// Row limits learned at run time, by endpoint name.
    row_limits: Mutex<HashMap<&'static str, RowLimit>>,
    /// Locked while the error codes are read, so that concurrent calls share one read.
    error_codes: tokio::sync::Mutex<KnownCodes>,
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

    pub(super) async fn windows(&self, auth: Auth) -> Result<&Windows, Error> {
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

    pub(super) async fn bearer(&self, auth: Auth) -> Result<Option<Bearer>, Error> {
        match auth {
            Auth::Bearer => self.token.bearer(&self.clock).await.map(Some),
            Auth::None => Ok(None),
        }
    }

    pub(super) fn request(&self, request: &PreparedRequest, bearer: Option<&Bearer>) -> Request {
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

/// The service's error codes, as far as they are known.
#[derive(Debug, Default)]
pub struct KnownCodes {
    pub codes: Option<Arc<[ErrorCode]>>,
    /// When the codes were last read to describe an error.
    pub tried: Option<Instant>,
}
