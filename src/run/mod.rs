//! Bulk runs: from rows to requests, and from requests to outcomes. Generic over the bulk endpoints.

pub mod activity;
mod align;
pub mod bisect;
mod breaker;
mod bulk;
pub mod check;
mod context;
pub mod drive;
mod earlier;
mod existing;
mod explain;
mod findings;
mod look;
pub mod machine;
mod matched;
pub mod options;
mod other_runs;
pub mod pack;
mod pairing;
mod reconcile;
mod record;
mod recovery;
mod reject;
mod resume;
pub mod scan;
mod send;
mod settle;
pub mod setup;
mod splitter;
pub mod start;
pub mod state;
mod unfit;
mod zeros;

pub use bulk::Run;
pub use state::Job;
