//! Checks rows without a client or a request.

use std::sync::{Arc, Mutex};

use crate::api::Write;
use crate::input::{More, Source, SourceError};
use crate::ledger::{Ledger, SharedLedger, lock};
use crate::options::Limits;
use crate::rows::Policy;
use crate::run::continuation::Continuation;
use crate::run::job::Part;
use crate::run::pack::Packer;
use crate::run::passes::ReadAhead;

/// Checks all rows from a source, counts the requests needed, and estimates their duration at the documented
/// rate limits.
///
/// `ledger` is the ledger to fill, which has no rows yet. `goes_on` is called between parts of the source. If it returns
/// `false`, reading stops.
///
/// # Errors
/// If the source fails.
pub fn check(
    source: &mut dyn Source,
    write: &'static Write,
    policy: Policy,
    batch_size: usize,
    ledger: Ledger,
    mut goes_on: impl FnMut() -> bool,
) -> Result<Ledger, SourceError> {
    let ledger: SharedLedger = Arc::new(Mutex::new(ledger));
    let part = Part::of(write, policy, batch_size);
    let mut packer = counting(&part, &ledger);
    let whole = loop {
        if source.fill(&mut packer)? == More::End {
            break true;
        }
        if !goes_on() {
            break false;
        }
    };
    packer.finish(whole);
    let estimate = packer.estimate(&Limits::default(), &lock(&ledger));
    drop(packer);
    let mut ledger = std::mem::take(&mut *lock(&ledger));
    ledger.complete = whole;
    ledger.estimate = estimate;
    Ok(ledger)
}

/// Reads the rows again, and returns a ledger with their digests, which those of `known` can be compared with.
///
/// # Errors
/// If the source fails.
pub fn digests(
    source: &mut dyn Source,
    write: &'static Write,
    policy: Policy,
    known: &Ledger,
) -> Result<Ledger, SourceError> {
    let ledger = SharedLedger::default();
    let mut packer = counting(&Part::of(write, policy, 1), &ledger);
    packer.restore_headings(&known.headings);
    while source.fill(&mut packer)? == More::Rows {}
    drop(packer);
    let ledger = std::mem::take(&mut *lock(&ledger));
    Ok(ledger)
}

/// Creates a packer that only counts.
fn counting(part: &Part, ledger: &SharedLedger) -> Packer {
    let parts = std::slice::from_ref(part);
    let ahead = ReadAhead::Everything(usize::MAX);
    let mut packer = Packer::new(parts, ledger.clone(), ahead, Continuation::default());
    packer.count_only();
    packer
}
