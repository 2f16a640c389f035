//! Requests and responses: sending, pacing, retrying. This module is independent of assets.

pub mod auth;
pub mod clock;
mod hide;
pub mod pace;
mod pace_file;
mod proxy;
pub mod refusal;
pub mod retry;
pub mod row_limit;
pub mod scope;
pub mod send;
pub mod stop;
pub mod trust;

pub use auth::{Token, TokenSource};
pub use clock::{By, Clock, Moment};
pub use retry::{
    At, Auth, CallOutcome, Caller, Counters, KnownCodes, Noted, PreparedRequest, ReadAs, Replay, Stage,
    untold,
};
pub use row_limit::RowLimit;
pub use send::{Request, Response, Transport};
pub use stop::{Phase, Stop};
