//! Wire formats, read leniently: a success that cannot be read would leave its rows unknown.

pub mod asset;
pub(crate) mod scan;
pub mod settings;
pub mod text;
pub mod value;
