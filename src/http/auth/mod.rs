//! The bearer token: where it comes from, and when it is asked for again.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::error::{Error, shown};
use crate::http::clock::{By, Clock};

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one header it goes into.
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

/// What asking for a token returns; the error is a text for the user, without secrets.
pub type Fetching = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// Gives a token when asked, a new one each time the last was refused or ran out.
pub trait TokenSource: Send + Sync + 'static {
    /// Asks for a token.
    fn fetch(&self) -> Fetching;
}

/// Where tokens come from.
enum Origin {
    Fixed(String),
    Source(Arc<dyn TokenSource>),
}

/// A token as it was at one time. A later one has a higher generation.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub secret: Secret,
    generation: u64,
    expires: Option<Timestamp>,
}

/// What the last fetch left: a token, and the error of the last one that failed.
#[derive(Default)]
struct Current {
    bearer: Option<Bearer>,
    failed: Option<(Instant, Error)>,
}

impl Current {
    /// Who waited for a fetch shares its failure.
    fn has_not_failed_since(&self, asked: Instant) -> Result<(), Error> {
        match &self.failed {
            Some((at, error)) if *at > asked => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

/// The token of a client: fetched once, kept until it runs out or is refused, fetched once more for all tasks.
pub struct Token {
    origin: Origin,
    current: tokio::sync::Mutex<Current>,
    user: OnceLock<String>,
}

impl Token {
    /// A token given as text.
    #[must_use]
    pub fn fixed(text: &str) -> Self {
        Self::new(Origin::Fixed(text.to_owned()))
    }

    /// A token asked for when needed.
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

    /// The token to send now, by the service's clock where that is known.
    ///
    /// # Errors
    /// [`Error::Auth`] when there is none, it is empty, or it has run out.
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

    /// A token newer than the one that was refused: one fetch, however many tasks ask.
    ///
    /// # Errors
    /// [`Error::Auth`] when no newer one can be had.
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
                "the token is a fixed text, so no newer one can be had".to_owned(),
            ));
        }
        let generation = refused.generation + 1;
        let secret = Some(&refused.secret);
        self.renew(&mut current, generation, asked, secret, clock).await
    }

    /// One fetch for all who asked before it ended, whether it succeeds or fails.
    async fn renew(
        &self,
        current: &mut Current,
        generation: u64,
        asked: Instant,
        refused: Option<&Secret>,
        clock: &Clock,
    ) -> Result<Bearer, Error> {
        current.has_not_failed_since(asked)?;
        let fetched = self.fetch(generation, clock).await.and_then(|bearer| {
            if refused.is_some_and(|refused| *refused == bearer.secret) {
                return Err(Error::Auth(
                    "the function given as auth= returned the refused token once more".to_owned(),
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

    async fn fetch(&self, generation: u64, clock: &Clock) -> Result<Bearer, Error> {
        let text = match &self.origin {
            Origin::Fixed(text) => text.clone(),
            Origin::Source(source) => source.fetch().await.map_err(Error::Auth)?,
        };
        let text = text.trim();
        let bare = text
            .strip_prefix("Bearer")
            .filter(|rest| rest.is_empty() || rest.starts_with(' '));
        let text = bare.unwrap_or(text).trim();
        if text.is_empty() {
            return Err(Error::Auth(
                "the token is empty: give the access token of a three-legged login as auth=, or set ACC_ASSETS_TOKEN"
                    .to_owned(),
            ));
        }
        if let Some(bad) = text.chars().find(|character| !character.is_ascii_graphic()) {
            return Err(Error::Auth(format!(
                "the token contains '{}', which no token does: it may have been copied with a line break or a blank",
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
                "the token ran out at {}, and {whose} clock says {}: get a new one (an access token lives 60 minutes); \
                 nothing was sent with it",
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

    /// Whose limits the requests count against: the user in the token, or a fingerprint where it does not say.
    ///
    /// # Errors
    /// As [`Token::bearer`], which must run first to know.
    pub async fn user(&self, clock: &Clock) -> Result<&str, Error> {
        if self.user.get().is_none() {
            self.bearer(clock).await?;
        }
        Ok(self.user.get().map_or("", String::as_str))
    }
}

/// Milliseconds before its end that a token is replaced, so that it does not run out on its way.
const EARLY: i64 = 60_000;

/// Whether this time, in milliseconds since 1970, is over for certain.
fn is_over(time: i64, clock: &Clock) -> bool {
    time <= clock.now().earliest
}

/// A name for a token that does not reveal the token, and is the same in every process.
fn fingerprint(text: &str) -> String {
    format!("token {}", digest(&["token", text]))
}

/// Half of a SHA-256 over these texts, in hexadecimal digits: none of them can be found from it.
#[must_use]
pub fn digest(texts: &[&str]) -> String {
    use std::fmt::Write as _;
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    for text in texts {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let mut digits = String::with_capacity(32);
    for byte in &hash.finish().as_ref()[..16] {
        let _ = write!(digits, "{byte:02x}"); // Writing to a String does not fail.
    }
    digits
}

/// What a token says of itself. Access tokens are JWTs; one that does not decode is taken as it is.
struct Claims {
    user: Option<String>,
    expires: Option<Timestamp>,
}

impl Claims {
    fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        Some(Self {
            user: claims
                .get("userid")
                .and_then(|user| user.as_str())
                .map(str::to_owned),
            expires: claims
                .get("exp")
                .and_then(serde_json::Value::as_i64)
                .and_then(|second| Timestamp::from_second(second).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn jwt(claims: &serde_json::Value) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[tokio::test]
    async fn what_cannot_be_a_token_is_refused_before_it_is_sent() {
        for (text, says) in [
            ("", "is empty"),
            ("  ", "is empty"),
            ("Bearer ", "is empty"),
            ("ab\ncd", "line break"),
            (
                &jwt(&serde_json::json!({"exp": 1_600_000_000})),
                "ran out at 2020-09-13 12:26:40 UTC",
            ),
        ] {
            let error = Token::fixed(text)
                .bearer(&Clock::system())
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{error}");
            assert!(text.trim().is_empty() || !error.contains(text), "{error}");
        }
    }

    #[tokio::test]
    async fn the_user_is_read_from_the_token_and_an_opaque_one_passes() {
        let token = Token::fixed(&jwt(
            &serde_json::json!({"userid": "QX3T9LM2AB7C", "exp": 32_503_680_000_i64}),
        ));
        let clock = Clock::system();
        assert_eq!(token.user(&clock).await.unwrap(), "QX3T9LM2AB7C");
        // The same in every process, and not to be turned back into the token.
        assert_eq!(
            Token::fixed("opaque").user(&clock).await.unwrap(),
            "token 997fb97631a215740c2a85a10ef2256f"
        );
    }

    #[tokio::test]
    async fn many_refusals_of_one_token_fetch_one_new_one() {
        struct Counting(AtomicUsize);
        impl TokenSource for Counting {
            fn fetch(&self) -> Fetching {
                let number = self.0.fetch_add(1, Ordering::SeqCst);
                Box::pin(async move { Ok(format!("token{number}")) })
            }
        }
        let source = Arc::new(Counting(AtomicUsize::new(0)));
        let token = Token::from_source(source.clone());
        let clock = Clock::system();
        let refused = token.bearer(&clock).await.unwrap();
        for _ in 0..8 {
            assert_eq!(
                token.newer_than(&refused, &clock).await.unwrap().secret.reveal(),
                "token1"
            );
        }
        assert_eq!(source.0.load(Ordering::SeqCst), 2);
        assert_eq!(format!("{refused:?}").matches("token0").count(), 0);
    }
}
