//! Bearer tokens: their sources, and when to fetch a new one.

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

/// A fetch in progress, which resolves to a token or to the reason why there is none.
pub type Fetching = Pin<Box<dyn Future<Output = Result<String, NoToken>> + Send>>;

/// The reason why a source returned no token. The message is for the user and contains no secrets.
#[derive(Debug)]
pub enum NoToken {
    /// The source failed. All calls that wait for the token fail.
    Failed(String),
    /// The fetch was canceled, possibly together with the call that started it. Other waiting calls fetch again.
    Canceled(String),
}

/// A source of tokens. A token is fetched when it is first needed, and again shortly before it expires or
/// after it is rejected.
pub trait TokenSource: Send + Sync + 'static {
    /// Fetches a token.
    fn fetch(&self) -> Fetching;
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

/// Returns half of a SHA-256 over these strings, as hexadecimal digits. The hash does not reveal the strings.
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
        let _ = write!(digits, "{byte:02x}"); // Writing to a String cannot fail.
    }
    digits
}

/// The claims in a token. Access tokens are JWTs; a token that cannot be decoded is treated as opaque.
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
    async fn invalid_tokens_are_rejected_before_sending() {
        for (text, says) in [
            ("", "is empty"),
            ("  ", "is empty"),
            ("Bearer ", "is empty"),
            ("ab\ncd", "line break"),
            (
                &jwt(&serde_json::json!({"exp": 1_600_000_000})),
                "expired at 2020-09-13 12:26:40 UTC",
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
    async fn user_comes_from_the_token_or_its_fingerprint() {
        let token = Token::fixed(&jwt(
            &serde_json::json!({"userid": "QX3T9LM2AB7C", "exp": 32_503_680_000_i64}),
        ));
        let clock = Clock::system();
        assert_eq!(token.user(&clock).await.unwrap(), "QX3T9LM2AB7C");
        // The fingerprint is the same in every process and cannot be reversed.
        assert_eq!(
            Token::fixed("opaque").user(&clock).await.unwrap(),
            "token 997fb97631a215740c2a85a10ef2256f"
        );
    }

    #[tokio::test]
    async fn a_canceled_fetch_fails_only_the_call_that_started_it() {
        struct Canceled(AtomicUsize);
        impl TokenSource for Canceled {
            fn fetch(&self) -> Fetching {
                let number = self.0.fetch_add(1, Ordering::SeqCst);
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    match number {
                        0 => Err(NoToken::Canceled("canceled".to_owned())),
                        _ => Ok("token".to_owned()),
                    }
                })
            }
        }
        let token = Token::from_source(Arc::new(Canceled(AtomicUsize::new(0))));
        let clock = Clock::system();
        let (first, second) = tokio::join!(token.bearer(&clock), token.bearer(&clock));
        assert!(first.unwrap_err().to_string().contains("canceled"));
        assert_eq!(second.unwrap().secret.reveal(), "token");
    }

    #[tokio::test]
    async fn concurrent_rejections_of_a_token_fetch_one_new_token() {
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
