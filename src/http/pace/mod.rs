//! Rate windows: how many requests a user may send in a given time.
//!
//! The limits are per user and minute, summed over all applications of that user (Assets rate limits page,
//! Relationships rate limits page). The documentation does not say whether the service's window is sliding or fixed.
//! So a slot becomes free one window after the *response* to its request. This way, no window of the service, sliding
//! or fixed, can contain more requests than the limit, however long a request was in flight.

mod file;
mod keeper;
mod slot;
mod window;
mod windows;

pub use windows::{Windows, keep_all};
