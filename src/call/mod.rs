//! Two ways to use any endpoint: read a single response, or a stream of pages.

#[allow(clippy::module_inception)] // The inner module contains the first of the two ways.
mod call;
mod codes;
mod pages;
mod session;
mod turned;

pub use codes::ErrorCodes;
pub use pages::{Page, Pages, Place, Reading};
pub use session::Session;
pub use turned::Turned;
