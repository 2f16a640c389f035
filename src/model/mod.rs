//! Wire shapes and nothing else: read leniently, since a success that cannot be read would leave rows in doubt.

pub mod asset;
pub(crate) mod scan;
pub mod settings;
pub mod text;
pub mod value;
