//! Bulk runs: rows to requests, requests to verdicts. Written once, for every bulk endpoint.

pub mod bisect;
pub mod outcome;
pub mod pages;
pub mod plan;
pub mod run;

pub use outcome::{Ledger, State};
pub use run::{Job, Run};
