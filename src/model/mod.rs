//! Wire formats, read leniently, because an unreadable success would leave its rows unknown.

pub mod asset;
pub(crate) mod scan;
pub mod settings;
pub mod text;
pub mod value;
