//! Wire formats, read leniently, because an unreadable successful response would leave the outcome of its rows unknown.

pub mod asset;
mod body;
pub(crate) mod bytes;
pub mod error_code;
pub mod same;
pub(crate) mod scan;
pub mod settings;
pub mod text;
pub mod value;
