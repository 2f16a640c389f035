//! Requests and answers: sending, pacing, retrying. Knows no asset.

pub mod auth;
pub mod pace;
pub mod refusal;
pub mod retry;
pub mod send;
pub mod stop;
pub mod trust;

pub use auth::{Token, TokenSource};
pub use retry::{Call, Called, Caller, Counters, Replay, Stage};
pub use send::{Answer, Request, Transport};
pub use stop::{Phase, Stop};
