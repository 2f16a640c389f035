//! Client options and their defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use crate::error::{Error, shown};

/// The production host of all services.
pub const BASE_URL: &str = "https://developer.api.autodesk.com";

/// The path prefix of the Assets API. The two prefixes are interchangeable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    Construction,
    Bim360,
}

impl Prefix {
    /// Returns `construction` or `bim360`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Construction => "construction",
            Self::Bim360 => "bim360",
        }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        [Self::Construction, Self::Bim360]
            .into_iter()
            .find(|prefix| prefix.as_str() == text)
            .ok_or_else(|| Error::Option(format!("prefix is {text}: use construction or bim360")))
    }
}

/// A group of endpoints that share one rate limit per user.
#[derive(Debug, PartialEq, Eq)]
pub struct RateGroup {
    /// The name of the group in [`Limits`].
    pub name: &'static str,
    /// Requests per minute, as documented on the rate-limit page of the group's API.
    pub requests: u32,
}

/// The number of requests per window for each rate group of a user, and the length of the window.
///
/// The documented limits are per user and minute, summed over all applications of that user.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    pub window: Duration,
    /// Requests by group name. A group that is missing here has its documented limit.
    pub requests: BTreeMap<String, u32>,
}

impl Limits {
    /// Returns the number of requests per window for one group.
    #[must_use]
    pub fn of(&self, group: &RateGroup) -> u32 {
        self.requests.get(group.name).copied().unwrap_or(group.requests)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            requests: BTreeMap::new(),
        }
    }
}

/// How many times, and for how long, to retry a request.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// The number of attempts per request, including the first. An attempt that gets a 429, or whose token
    /// is refused, does not count.
    pub attempts: u32,
    /// The total time for the retries of one request, including waits.
    pub deadline: Duration,
    /// The upper bound of the first random backoff, which doubles with each retry, up to `cap`.
    pub base: Duration,
    pub cap: Duration,
    /// The number of retries per run, in addition to one retry per five successful requests.
    pub budget: u32,
    /// How long the service may take to finish a request whose response was lost, and to show the effect in a list.
    /// No page documents this. A request whose effect is still missing after this time counts as never executed.
    pub settle: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            deadline: Duration::from_secs(600),
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            budget: 20,
            settle: Duration::from_secs(30),
        }
    }
}

/// All client options except the token.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub base_url: String,
    pub prefix: Prefix,
    /// The region of the project, for endpoints with a region header.
    pub region: Option<String>,
    /// The time limit per request, including connecting and reading the complete response.
    pub timeout: Duration,
    pub max_in_flight: usize,
    /// The maximum response size in bytes, after decompression.
    pub max_response_bytes: usize,
    pub limits: Limits,
    pub retry: RetryPolicy,
    /// A PEM file of certificate authorities to trust instead of the platform's.
    pub ca_bundle: Option<PathBuf>,
    pub proxy: Option<String>,
    pub user_agent: String,
    /// The folder for the files that store users' rate windows across processes.
    pub pacing: Option<PathBuf>,
}

/// Client options as plain values, for bindings to another language. Times are in seconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenOptions {
    base_url: String,
    prefix: String,
    region: Option<String>,
    timeout: f64,
    max_in_flight: usize,
    max_response_bytes: usize,
    ca_bundle: Option<PathBuf>,
    proxy: Option<String>,
    limits: GivenLimits,
    retry: GivenRetry,
    user_agent: String,
    /// The folder for the files that store users' rate windows.
    pacing: Option<PathBuf>,
    /// Whether to use the `pacing` folder even for services on this machine, which tests may need.
    pacing_local: bool,
}

#[derive(Deserialize)]
struct GivenLimits {
    window: f64,
    /// Keyed by the name of the rate group.
    #[serde(flatten)]
    requests: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenRetry {
    attempts: u32,
    deadline: f64,
    base: f64,
    cap: f64,
    budget: u32,
    settle: f64,
}

impl TryFrom<GivenOptions> for Options {
    type Error = Error;

    fn try_from(given: GivenOptions) -> Result<Self, Error> {
        let mut options = Self {
            base_url: given.base_url,
            prefix: Prefix::parse(&given.prefix)?,
            region: given.region,
            timeout: seconds("timeout", given.timeout)?,
            max_in_flight: given.max_in_flight,
            max_response_bytes: given.max_response_bytes,
            limits: Limits {
                window: seconds("limits.window", given.limits.window)?,
                requests: given.limits.requests,
            },
            retry: RetryPolicy {
                attempts: given.retry.attempts,
                deadline: seconds("retry.deadline", given.retry.deadline)?,
                base: seconds("retry.base", given.retry.base)?,
                cap: seconds("retry.cap", given.retry.cap)?,
                budget: given.retry.budget,
                settle: seconds("retry.settle", given.retry.settle)?,
            },
            ca_bundle: given.ca_bundle,
            proxy: given.proxy,
            user_agent: given.user_agent,
            pacing: given.pacing,
        };
        if options.is_local() && !given.pacing_local {
            options.pacing = None;
        }
        options.check()?;
        Ok(options)
    }
}

fn seconds(name: &str, value: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| Error::Option(format!("{name} is {value}: use a number of seconds, 0 or more")))
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            prefix: Prefix::Construction,
            region: None,
            timeout: Duration::from_secs(60),
            max_in_flight: 8,
            max_response_bytes: 256 << 20,
            limits: Limits::default(),
            retry: RetryPolicy::default(),
            ca_bundle: None,
            proxy: None,
            user_agent: concat!("acc-assets/", env!("CARGO_PKG_VERSION")).to_owned(),
            pacing: None,
        }
    }
}

impl Options {
    /// Returns the origin of the service, in normalized form.
    #[must_use]
    pub fn service(&self) -> String {
        Url::parse(&self.base_url).map_or_else(
            |_| self.base_url.clone(),
            |url| url.origin().ascii_serialization(),
        )
    }

    /// Returns whether the service runs on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        Url::parse(&self.base_url).is_ok_and(|url| url.host_str().is_some_and(is_loopback))
    }

    /// Returns the region code, with the retired code APAC replaced by AUS.
    #[must_use]
    pub fn region_code(&self) -> Option<&str> {
        let region = self.region.as_deref()?;
        Some(if region.eq_ignore_ascii_case("APAC") {
            "AUS"
        } else {
            region
        })
    }

    /// Rejects unusable options, so that no other module has to check them.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value and the allowed values.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |message: String| Err(Error::Option(message));
        let address = self.base_url.as_str();
        let url = Url::parse(address).ok().filter(|url| {
            ["http", "https"].contains(&url.scheme())
                && address.contains("://")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
        let Some(url) = url else {
            return refuse(format!("base_url is {address}: use a URL such as {BASE_URL}"));
        };
        if url.scheme() == "http" && !self.is_local() {
            return refuse(format!(
                "base_url is {address}: plain http would expose the token; use https"
            ));
        }
        if self.max_in_flight == 0 || self.max_in_flight > 64 {
            return refuse(format!(
                "max_in_flight is {}: use a number from 1 to 64",
                self.max_in_flight
            ));
        }
        if self.max_response_bytes == 0 {
            return refuse("max_response_bytes is 0: use at least 1".to_owned());
        }
        if let Some(region) = &self.region
            && (region.is_empty() || !region.chars().all(|character| character.is_ascii_alphanumeric()))
        {
            return refuse(format!(
                "region is \"{}\": use a code from the Regions page, such as US or EMEA",
                shown(region)
            ));
        }
        let longest = Duration::from_hours(24 * 365);
        if self.timeout > longest
            || self.retry.deadline > longest
            || self.limits.window > longest
            || self.retry.settle > longest
        {
            return refuse(
                "timeout, retry deadline, settle time or window is longer than a year: use a shorter time"
                    .to_owned(),
            );
        }
        if self.timeout.is_zero() {
            return refuse("timeout is 0: use more than 0 seconds".to_owned());
        }
        if self.retry.attempts == 0 {
            return refuse("retry attempts is 0: use at least 1, since the first attempt counts".to_owned());
        }
        let limits = &self.limits;
        if limits.window.is_zero() || limits.requests.values().any(|requests| *requests == 0) {
            return refuse("limits: the window or a number of requests is 0; use more than 0".to_owned());
        }
        Ok(())
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
