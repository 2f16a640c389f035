//! Tables as people read them: with names instead of ids, and as files.

pub mod csv;
mod named;
mod names;
mod parse;
mod text;

pub use csv::rows;
pub use named::layout;
pub use text::text;
