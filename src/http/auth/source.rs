//! Where tokens come from.

use std::future::Future;
use std::pin::Pin;

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
