//! Ends a run: its warnings, its statistics, and the estimate of a dry run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Machine;
use crate::columns::Table;
use crate::error::Error;
use crate::ledger::lock;
use crate::run::state::State;

/// How a run ended.
pub struct Ended {
    pub table: Table,
    /// The error that ended the run early, if any.
    pub fatal: Option<Error>,
}

impl Machine {
    /// Notes why the run ends, once nothing is in flight.
    pub fn conclude(&mut self) {
        let State {
            fatal,
            breaker,
            reached,
            unreached,
            ..
        } = &mut self.state;
        if fatal.is_none() {
            *fatal = breaker.final_error();
        }
        if fatal.is_none() && !*reached {
            // No request reached the service, so the error does not concern individual rows.
            *fatal = unreached.take();
        }
    }

    /// Adds the final warnings, and records why the remaining rows were not sent. `rows` is the number of rows of the
    /// source, if it is known.
    pub fn explain(&mut self, rows: Option<usize>) {
        self.state.explain(rows);
    }

    /// Ends the run, which has taken this long.
    pub fn end(self, taken: Duration) -> Ended {
        let Self { state, packer, .. } = self;
        let mut ledger = lock(&state.ledger);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss)] // Far below 2^52 milliseconds.
        let throttled = load(&state.counters.throttled) as f64 / 1000.0;
        ledger.stats.retries += load(&state.counters.retries);
        ledger.stats.bisects += state.splitter.divided();
        ledger.stats.throttled += throttled;
        ledger.stats.seconds += taken.as_secs_f64();
        ledger.stats.bytes_sent += load(&state.counters.bytes);
        if ledger.columns.is_empty() && !state.is_foreign {
            // The rows were not read to their end.
            ledger.columns = packer.uses();
        }
        if state.job.dry_run {
            if self.is_new {
                // Nothing is recorded, so the rows to fix are those of a check.
                ledger.import_prefix = None;
            }
            ledger.estimate = packer.estimate(&state.caller.options().limits, &ledger);
            if ledger.estimate.rows > 0 {
                // The write itself reads the compared assets again.
                ledger.estimate.requests += ledger.stats.requests;
            }
            if packer.import_keys_are_given() {
                ledger.warnings.push(
                    "import keys were not looked up: rows whose keys the project already has will not be sent"
                        .to_owned(),
                );
            }
        }
        drop(ledger);
        Ended {
            table: state.table,
            fatal: state.fatal,
        }
    }
}
