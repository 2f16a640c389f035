//! When to fetch a new token.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tokio::time::Instant;

use super::claims::Claims;
use super::digest::digest;
use super::source::{NoToken, TokenSource};
use crate::error::{Error, shown};
use crate::http::clock::{By, Clock};

/// A string that is never printed or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the string itself, for the Authorization header.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

/// The source of a client's tokens.
enum Origin {
    Fixed(String),
    Source(Arc<dyn TokenSource>),
}

/// A token, and its generation, which increases with each fetch.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub secret: Secret,
    generation: u64,
    expires: Option<Timestamp>,
}

/// The last token fetched, and the last error.
#[derive(Default)]
struct Current {
    bearer: Option<Bearer>,
    failed: Option<(Instant, Error)>,
}

impl Current {
    /// Returns an error if a fetch has failed since `asked`, so that every task that waited for the fetch
    /// gets the error.
    fn has_not_failed_since(&self, asked: Instant) -> Result<(), Error> {
        match &self.failed {
            Some((at, error)) if *at > asked => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

/// A client's token. A token from a source is fetched once for all tasks, and again shortly before it expires
/// or after it is rejected.
pub struct Token {
    origin: Origin,
    current: tokio::sync::Mutex<Current>,
    user: OnceLock<String>,
}

impl Token {
    /// Creates a fixed token.
    #[must_use]
    pub fn fixed(text: &str) -> Self {
        Self::new(Origin::Fixed(text.to_owned()))
    }

    /// Creates a token that is fetched from a source when needed.
    #[must_use]
    pub fn from_source(source: Arc<dyn TokenSource>) -> Self {
        Self::new(Origin::Source(source))
    }

    fn new(origin: Origin) -> Self {
        Self {
            origin,
            current: tokio::sync::Mutex::default(),
            user: OnceLock::new(),
        }
    }

    /// Returns the token to send now. Expiry is checked against the service's clock, if known.
    ///
    /// # Errors
    /// [`Error::Auth`] if there is no token, or if the token is empty, malformed or expired.
    pub async fn bearer(&self, clock: &Clock) -> Result<Bearer, Error> {
        let asked = Instant::now();
        let mut current = self.current.lock().await;
        current.has_not_failed_since(asked)?;
        if let Some(bearer) = &current.bearer {
            let early = match self.origin {
                Origin::Fixed(_) => 0,
                Origin::Source(_) => EARLY,
            };
            if bearer
                .expires
                .is_none_or(|at| !is_over(at.as_millisecond() - early, clock))
            {
                return Ok(bearer.clone());
            }
        }
        let generation = current.bearer.as_ref().map_or(0, |bearer| bearer.generation) + 1;
        self.renew(&mut current, generation, asked, None, clock).await
    }

    /// Returns a newer token than the rejected one. Tasks that ask while a token is being fetched share that fetch.
    ///
    /// # Errors
    /// [`Error::Auth`] if there is no newer token.
    pub async fn newer_than(&self, refused: &Bearer, clock: &Clock) -> Result<Bearer, Error> {
        let asked = Instant::now();
        let mut current = self.current.lock().await;
        if let Some(bearer) = current
            .bearer
            .as_ref()
            .filter(|bearer| bearer.generation > refused.generation)
        {
            return Ok(bearer.clone());
        }
        if matches!(self.origin, Origin::Fixed(_)) {
            return Err(Error::Auth(
                "the token is fixed, so it cannot be renewed".to_owned(),
            ));
        }
        let generation = refused.generation + 1;
        let secret = Some(&refused.secret);
        self.renew(&mut current, generation, asked, secret, clock).await
    }

    /// Fetches once for all tasks that ask before the fetch ends, whether the fetch succeeds or fails. After
    /// a canceled fetch, the next task fetches again.
    async fn renew(
        &self,
        current: &mut Current,
        generation: u64,
        asked: Instant,
        refused: Option<&Secret>,
        clock: &Clock,
    ) -> Result<Bearer, Error> {
        current.has_not_failed_since(asked)?;
        let text = match &self.origin {
            Origin::Fixed(text) => Ok(text.clone()),
            Origin::Source(source) => match source.fetch().await {
                Err(NoToken::Canceled(message)) => return Err(Error::Auth(message)),
                Err(NoToken::Failed(message)) => Err(Error::Auth(message)),
                Ok(text) => Ok(text),
            },
        };
        let bearer = text.and_then(|text| self.checked(&text, generation, clock));
        let fetched = bearer.and_then(|bearer| {
            if refused.is_some_and(|refused| *refused == bearer.secret) {
                return Err(Error::Auth(
                    "the function passed as auth= returned the rejected token again".to_owned(),
                ));
            }
            Ok(bearer)
        });
        match &fetched {
            Ok(bearer) => current.bearer = Some(bearer.clone()),
            Err(error) => current.failed = Some((Instant::now(), error.clone())),
        }
        fetched
    }

    /// Checks a token before it is sent.
    fn checked(&self, text: &str, generation: u64, clock: &Clock) -> Result<Bearer, Error> {
        let text = text.trim();
        let bare = text
            .strip_prefix("Bearer")
            .filter(|rest| rest.is_empty() || rest.starts_with(' '));
        let text = bare.unwrap_or(text).trim();
        if text.is_empty() {
            return Err(Error::Auth(
                "the token is empty: pass the access token of a three-legged login as auth=, or set \
                    ACC_ASSETS_TOKEN"
                    .to_owned(),
            ));
        }
        if let Some(bad) = text.chars().find(|character| !character.is_ascii_graphic()) {
            return Err(Error::Auth(format!(
                "the token contains '{}', which is not allowed: check for a copied line break or space",
                shown(&bad.to_string())
            )));
        }
        let claims = Claims::of(text);
        let expires = claims.as_ref().and_then(|claims| claims.expires);
        if let Some(at) = expires.filter(|at| is_over(at.as_millisecond(), clock)) {
            let form = "%Y-%m-%d %H:%M:%S UTC";
            let now = clock.now();
            let whose = match now.by {
                By::Local => "this machine's",
                By::Gateway | By::Service => "the service's",
            };
            let now = Timestamp::from_millisecond(now.earliest).unwrap_or_default();
            return Err(Error::Auth(format!(
                "the token expired at {}, and {whose} clock says {}: get a new one (an access token is \
                    valid for 60 minutes). Nothing was sent with this token",
                at.strftime(form),
                now.strftime(form)
            )));
        }
        let _ = self.user.set(
            claims
                .and_then(|claims| claims.user)
                .unwrap_or_else(|| fingerprint(text)),
        );
        Ok(Bearer {
            secret: Secret(text.to_owned()),
            generation,
            expires,
        })
    }

    /// Returns the user whose rate limits apply. The result is the user in the token, or a fingerprint of the
    /// token if it names no user.
    ///
    /// # Errors
    /// See [`Token::bearer`], which is called if the user is not known yet.
    pub async fn user(&self, clock: &Clock) -> Result<&str, Error> {
        if self.user.get().is_none() {
            self.bearer(clock).await?;
        }
        Ok(self.user.get().map_or("", String::as_str))
    }
}

/// How many milliseconds before its expiry a fetched token is replaced, so that it does not expire in flight.
const EARLY: i64 = 60_000;

/// Returns whether this time, in milliseconds since 1970, is definitely in the past.
fn is_over(time: i64, clock: &Clock) -> bool {
    time <= clock.now().earliest
}

/// Returns a fingerprint of a token that is the same in every process and does not reveal the token.
fn fingerprint(text: &str) -> String {
    format!("token {}", digest(&["token", text]))
}

#[cfg(test)]
mod tests;
