//! The settings of a project: its categories, statuses, custom attributes and locations, by id and by name. This
//! module does no I/O.
//!
//! Inheritance follows the "Assets field guide": a category has the nearest status set on the path to ROOT, and all
//! custom attributes on that path.

mod content;
mod find;
mod indexed;
mod listed;
mod named;
pub mod names;
mod notation;
mod saved;
pub mod setup;
mod tree;

pub use content::{Content, LOCATIONS_UNREAD};
pub use find::LookupError;
pub use indexed::Settings;
pub use named::Reference;
pub use notation::{SEPARATOR, joined};
