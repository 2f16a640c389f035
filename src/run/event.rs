//! What may happen to a run, and what a run may do.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::api::Write;
use crate::error::Error;
use crate::http::{CallOutcome, Moment};
use crate::input::{More, SourceError};
use crate::ledger::journal::OverlappingRun;
use crate::run::batch::Batch;
use crate::run::drift::Held;
use crate::run::existing::{Existing, Search};
use crate::run::lookup::Evidence;
use crate::run::other_runs::Glance;
use crate::run::pairing::PairedResponse;
use crate::run::reconcile::RequestInDoubt;
use crate::run::send::Flight;

/// The current time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub since_start: Duration,
    /// The time by the service's clock, as far as it is known.
    pub service: Moment,
}

/// Something that happened.
pub(super) enum Event {
    /// The run begins, time has passed, or the run was stopped.
    Tick,
    /// Rows were read.
    Rows(Result<More, SourceError>),
    /// A request ended: its batch, its number in the ledger, and its outcome.
    Completed(Batch, u32, CallOutcome<PairedResponse>),
    /// A request did not leave.
    Held(Batch, u32, CallOutcome<PairedResponse>, Held),
    /// The source begins again with its first row.
    Repeated(Result<(), SourceError>),
    /// Requests with an unknown outcome were looked up.
    LookedUp(Vec<RequestInDoubt>, Result<Evidence, Error>),
    /// The files of other runs were read. Contains a run that has created the rows.
    Glanced(Option<OverlappingRun>),
    /// The assets of the project that have an import key were read.
    Existing(Result<Existing, Error>),
    /// Assets were read by their ids.
    Contents(Result<HashMap<String, Value>, Error>),
    /// The ledger was written to the journal.
    Written(Result<(), Error>),
    /// A task ended without an event, which happens only if the transport panics.
    Broken(String),
}

/// Something to do. Each ends with an event.
pub(super) enum Command {
    /// Read rows into [`Machine::sink`](super::machine::Machine::sink).
    Read,
    /// Let the source begin again with its first row.
    Repeat,
    Send(Box<Flight>),
    LookUp(Vec<RequestInDoubt>),
    /// Look for the first rows in other runs.
    Glance(Box<Glance>),
    ReadExisting(Search),
    /// Read the assets with these ids, to compare rows of this write with them.
    ReadContents(&'static Write, Vec<String>),
    /// Write the changes of the ledger and the next new rows to the journal.
    Write,
}
