//! A setup: a description of a project's settings, and the plan to create them. This module does no I/O.
//!
//! A description contains names and no ids, so it works for any project. Existing settings are never replaced.

mod describe;
mod description;
mod plan;
mod read;

pub use description::{
    DescribedAttribute, DescribedCategory, DescribedSet, DescribedStatus, Description, Path,
};
pub use plan::{Action, Kind, ObjectId, Plan, Step, Work, plan};
