//! Updates the rows of a request that the service rejected, or that failed.

use crate::api::{Concerns, Done, Proof};
use crate::error::{Error, Sent, ServiceError};
use crate::ledger::{Fault, Status, lock};
use crate::run::batch::Batch;
use crate::run::record::rows;
use crate::run::recovery::Why;
use crate::run::splitter::{Division, Size};
use crate::run::state::State;

impl State {
    pub(super) fn refuse(&mut self, batch: Batch, sending: u32, error: Error, in_doubt: bool) {
        let in_doubt = in_doubt || batch.suspicious || batch.in_doubt;
        let write = batch.write;
        let concerns_rows = match &error {
            Error::Service(refusal) => match refusal.status {
                400 | 409 | 413 | 422 => !self.reads(),
                403 => write.forbidden == Concerns::Rows && !refusal.is_capacity(),
                404 => write.not_found == Concerns::Rows,
                _ => false,
            },
            _ => false,
        };
        match error {
            // An earlier attempt may have been executed. If so, this rejection only means that the request cannot be
            // repeated.
            Error::Service(refusal) if in_doubt && refusal.status < 500 && !self.reads() => {
                let error = Error::Service(refusal);
                self.mark_in_doubt(batch, sending, &error, Why::Lost);
                if !concerns_rows {
                    self.give_up(error);
                }
            }
            // The request conflicts with the current assets. Read them again before a second and last attempt.
            Error::Service(refusal)
                if refusal.status == 409
                    && concerns_rows
                    && !batch.reread
                    && self.job.reconcile
                    && matches!(write.proof, Proof::ById { .. }) =>
            {
                self.mark_in_doubt(batch, sending, &Error::Service(refusal), Why::Conflict);
            }
            Error::Service(refusal) if concerns_rows => self.split(&batch, &refusal),
            Error::Service(refusal) if self.reads() && [400, 413, 422].contains(&refusal.status) => {
                let splitter = &mut self.splitter;
                let division = self.caller.row_limit(write.endpoint.name, |limit| {
                    splitter.on_rejected_read(&batch, &refusal, limit)
                });
                if let Some(division) = division {
                    return self.send_in_parts(division, &refusal);
                }
                let error = Error::Service(refusal);
                self.blame(rows(&batch), Status::Failed, &Fault::of(&error));
                self.give_up(error);
            }
            Error::Service(refusal) if refusal.status >= 500 || refusal.status == 408 => {
                let error = Error::Service(refusal);
                if self.reads() {
                    self.blame(rows(&batch), Status::Unknown, &Fault::of(&error));
                } else {
                    self.mark_in_doubt(batch, sending, &error, Why::Lost);
                }
                self.lost(error);
            }
            Error::Service(_) => {
                self.blame(rows(&batch), Status::Failed, &Fault::of(&error));
                self.give_up(error);
            }
            Error::Transport(_) => {
                if in_doubt || error.sent() == Sent::Maybe {
                    self.mark_in_doubt(batch, sending, &error, Why::Lost);
                } else {
                    self.blame(rows(&batch), Status::Failed, &Fault::of(&error));
                    self.breaker.give_up();
                }
                self.lost(error);
            }
            _ if in_doubt => {
                self.mark_in_doubt(batch, sending, &error, Why::Lost);
                self.give_up(error);
            }
            _ => {
                let mut ledger = lock(&self.ledger);
                let fault = ledger.add_fault(&Fault::of(&error));
                rows(&batch).for_each(|row| ledger.set_fault(row, Status::NotSent, fault));
                drop(ledger);
                self.give_up(error);
            }
        }
    }

    /// Handles a rejection that concerns rows: rejects the bad rows if they can be identified, and resends the others.
    fn split(&mut self, batch: &Batch, refusal: &ServiceError) {
        self.breaker.close();
        let write = batch.write;
        let splitter = &mut self.splitter;
        let division = self.caller.row_limit(write.endpoint.name, |limit| {
            splitter.on_rejected(batch, refusal, limit)
        });
        let whole = Error::Service(Box::new(refusal.clone()));
        let Some(division) = division else {
            // The project is missing, not single rows.
            self.blame(rows(batch), Status::Failed, &Fault::of(&whole));
            self.give_up(whole);
            return;
        };
        let status = if division.is_pending {
            Status::Failed
        } else {
            Status::Rejected
        };
        for (row, violation) in &division.blamed {
            let fault = match violation {
                Some(violation) => Fault::violation(refusal, violation),
                None => Fault::of(&whole),
            };
            let fault = match write.done {
                Done::Deleted => fault.of_delete(),
                _ => fault,
            };
            self.blame(std::iter::once(*row), status, &fault);
        }
        self.send_in_parts(division, refusal);
    }

    /// Resends the rows of a rejected request in smaller requests, unless too many requests have already been
    /// needed to find bad rows.
    fn send_in_parts(&mut self, division: Division<'_>, refusal: &ServiceError) {
        if division.again.is_empty() {
            return;
        }
        // The whole request was rejected, so these rows were not executed. Keep the rejection as their reason
        // in case the run ends here.
        let mut fault = Fault::of(&Error::Service(Box::new(refusal.clone())));
        let why = if division.is_spent {
            "too many requests were needed to find the bad rows"
        } else if division.size == Size::TooLarge {
            "not executed: its request was rejected as too large"
        } else {
            "not executed: its request was rejected because of a bad row, either this one or another"
        };
        fault.message = format!("{why}; {}", fault.message);
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(&fault);
        self.bad -= division.taken_back;
        for item in division.again.iter().flat_map(|part| &part.items) {
            ledger.set_fault(item.row, Status::Failed, fault);
            self.bad += u64::from(division.is_spent);
        }
        drop(ledger);
        if !division.is_spent {
            self.send_next(division.again);
        }
    }
}
