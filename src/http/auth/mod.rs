//! Bearer tokens: their sources, and when to fetch a new one.

mod claims;
mod digest;
mod source;
mod token;

pub use digest::digest;
pub use source::{Fetching, NoToken, TokenSource};
pub use token::{Bearer, Secret, Token};
