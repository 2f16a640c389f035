//! New relationships: each row has two ends, and each end is an entity or its parts in columns.

mod end;
mod entity;
mod kind;
mod state;

pub(super) use state::Relationships;
