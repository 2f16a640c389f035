//! Requests and responses: sending, pacing, retrying. This module is independent of assets.

mod attempt;
pub mod auth;
mod backoff;
mod caller;
pub mod clock;
mod counters;
mod hide;
mod message;
mod observer;
pub mod pace;
mod prepared;
mod proxy;
pub mod refusal;
mod retry;
pub mod row_limit;
pub mod scope;
pub mod send;
pub mod stop;
pub mod trust;

pub use attempt::ReadAs;
pub use auth::{Token, TokenSource};
pub use caller::{Caller, KnownCodes};
pub use clock::{By, Clock, Moment};
pub use counters::Counters;
pub use message::{Request, Response, Transport};
pub use observer::{Noted, Observer, Stage, no_observer};
pub use prepared::{Auth, PreparedRequest, Replay};
pub use retry::CallOutcome;
pub use row_limit::RowLimit;
pub use stop::{Phase, Stop};
