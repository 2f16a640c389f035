//! The state of the simulated project.

mod asset;
mod assets;
mod catalogue;
mod edit;
mod indexed;
mod new;
mod print;
mod project;
mod relationship;
mod relationships;
mod settings;
mod stamp;

pub use asset::{Asset, Draft};
pub use indexed::{Identified, Indexed};
pub(super) use new::DEFAULT_STATUS_SET;
pub use project::World;
pub use relationship::{Entity, Relationship};
pub use settings::{Assignment, Attribute, Category, Choice, DataType, Location, ROOT, Status, StatusSet};
pub use stamp::{Millis, Stamp, timestamp};
