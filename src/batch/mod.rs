//! Bulk runs: rows to requests, requests to verdicts. Written once, for every bulk endpoint.

mod align;
pub mod bisect;
mod breaker;
mod commits;
#[cfg(feature = "simulator")]
pub mod disk;
pub mod journal;
pub mod lock;
pub mod outcome;
pub mod pages;
pub mod plan;
mod prove;
pub mod readings;
mod reconcile;
pub mod rest;
mod resume;
pub mod run;
pub mod scan;
pub mod settings;
mod settle;
pub mod setup;

pub use outcome::{Ledger, State};
pub use run::{Job, Run};
