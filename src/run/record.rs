//! Records in the ledger what is known of the rows of a request, and what an outage means for the run.

use crate::api::{Done, Proof, Write};
use crate::error::Error;
use crate::ledger::{Fault, Status, lock};
use crate::run::batch::Batch;
use crate::run::recovery::{LostRequest, Why};
use crate::run::state::State;

impl State {
    /// The status of a row after a successful request.
    pub(super) fn done(write: &Write) -> Status {
        match write.done {
            Done::Created => Status::Created,
            Done::Updated => Status::Updated,
            Done::Deleted => Status::Deleted,
            Done::Read => Status::Unchanged,
        }
    }

    pub(super) fn blame(&mut self, rows: impl Iterator<Item = u32>, status: Status, fault: &Fault) {
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(fault);
        for row in rows {
            ledger.set_fault(row, status, fault);
            self.bad += 1;
        }
    }

    /// Schedules a lookup of a request with an unknown outcome. Without `reconcile`, the rows of the request stay
    /// unknown instead.
    pub(super) fn mark_in_doubt(&mut self, batch: Batch, sending: u32, error: &Error, why: Why) {
        let mut fault = Fault::of(error);
        fault.fix = Some("check the project for this row before resending it".to_owned());
        if !self.job.reconcile || matches!(batch.write.proof, Proof::Needless) {
            self.blame(rows(&batch), Status::Unknown, &fault);
            return;
        }
        fault.fix = Some("call .reconcile() on the result to check the project for these rows".to_owned());
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(&fault);
        // A conflicting request was not executed, but its rows stay unknown until their assets have been
        // read.
        rows(&batch).for_each(|row| ledger.set_fault(row, Status::Unknown, fault));
        let (clock, executed) = (self.clock, why == Why::Executed);
        ledger.note_sending(sending, |sending| sending.executed |= executed);
        let kept = ledger.sendings().get(sending as usize);
        let request = LostRequest {
            batch,
            sending,
            left: kept.and_then(|kept| kept.left).unwrap_or(clock),
            ended: kept.and_then(|kept| kept.ended).unwrap_or(clock),
            executed,
        };
        drop(ledger);
        self.recovery.add(request, why, self.now);
    }

    /// Confirms that the rows removed from a batch are bad, since the rest was executed.
    pub(super) fn confirm_rejected(&mut self, batch: &Batch) {
        let bad = self.splitter.confirm(batch);
        let mut ledger = lock(&self.ledger);
        for row in bad {
            ledger.restate(row, Status::Rejected);
        }
    }

    /// Handles a request whose response was lost.
    pub(super) fn lost(&mut self, error: Error) {
        if self.reads() {
            self.give_up(error);
            return;
        }
        let open = self.breaker.lose(error.clone(), self.now);
        // Without lookups, nothing could close the breaker again.
        if open && self.recovery.is_idle() {
            self.give_up(error);
        }
    }
}

/// The rows of a batch.
pub(super) fn rows(batch: &Batch) -> impl Iterator<Item = u32> + '_ {
    batch.items.iter().map(|item| item.row)
}
