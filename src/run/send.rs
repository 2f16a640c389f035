//! Sends a batch, and records in the ledger and the journal what is known of its rows meanwhile.

use std::sync::{Mutex, PoisonError};

use crate::api::Call;
use crate::call::Session;
use crate::error::stopped;
use crate::http::{CallOutcome, Moment, Noted, Response, Stage, no_observer};
use crate::ledger::journal::{Commits, New};
use crate::ledger::{Ledger, SharedLedger, Status, lock};
use crate::run::batch::Batch;
use crate::run::context::Context;
use crate::run::drift::{self, Compared, Held};
use crate::run::pairing::{self, PairedResponse};

/// A batch to send.
pub(super) struct Flight {
    pub batch: Batch,
    /// The number of the request in the ledger.
    pub sending: u32,
    pub call: Call,
    /// The entries that the rows were compared with.
    pub compared: Option<Compared>,
}

/// Sends the batches of a run.
#[derive(Clone)]
pub(super) struct Sender {
    pub session: Session,
    pub ledger: SharedLedger,
    pub journal: Option<Commits>,
    /// Whether the run only reads, so that its responses are read on arrival. An unreadable one is retried.
    pub reads: bool,
    /// Keep the response entry for each row.
    pub keep: bool,
}

impl Sender {
    /// Sends a batch. From the moment its request leaves until the response arrives, the outcome of its rows is unknown.
    /// Also returns why the request did not leave, if the entries of its rows had to be read before.
    pub async fn send(
        &self,
        flight: &Flight,
        context: &Context,
    ) -> (CallOutcome<PairedResponse>, Option<Held>) {
        let Flight {
            batch,
            sending,
            call,
            compared,
        } = flight;
        let why = Mutex::new(None);
        let hold = |held: Held| *why.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        let hold = &hold;
        let reader = Context {
            session: context.session.nested(),
            ..context.clone()
        };
        let reader = &reader;
        let (ledger, journal, rows) = (&self.ledger, self.journal.as_ref(), batch);
        let (sending, clock) = (*sending, self.session.caller.clock());
        let note = |stage| -> Noted<'_> {
            if stage == Stage::NotExecuted {
                if !rows.in_doubt {
                    let mut ledger = lock(ledger);
                    for item in &rows.items {
                        ledger.set(item.row, Status::NotSent);
                    }
                }
                return no_observer(stage);
            }
            Box::pin(async move {
                // From here on, the outcome of these rows is unknown until a response arrives.
                let leaving = Leaving::new(ledger, sending, rows, clock.now());
                // Do this for each attempt: after a 429, the journal says that nothing was sent.
                if let Some(journal) = journal {
                    let last = rows.items.iter().map(|item| item.row).max();
                    let before = last.map_or(0, |last| last.saturating_add(1));
                    journal.write(ledger, New::Before(before)).await?;
                }
                // Last, so that the entries are as new as possible.
                if let Some(compared) = compared
                    && let Err(held) = drift::check(reader, compared, rows).await
                {
                    hold(held);
                    return Err(stopped());
                }
                let mut ledger = lock(ledger);
                leaving.left(&mut ledger);
                ledger.stats.requests += 1;
                Ok(())
            })
        };
        let read = |response: Response| {
            if self.reads {
                return pairing::read(response, batch, self.keep);
            }
            Ok(PairedResponse {
                response,
                paired: None,
                page: None,
            })
        };
        let called = self.session.call(call, &note, &read).await;
        (called, why.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The rows of a request that is about to be sent. The rows are marked `Unknown`, and restored if the request
/// is not sent after all.
struct Leaving<'l> {
    ledger: &'l SharedLedger,
    sending: u32,
    /// Status and reason of each row, restored if the request is not sent.
    before: Vec<(u32, Status, Option<u32>)>,
    /// Whether an earlier attempt was sent.
    again: bool,
}

impl<'l> Leaving<'l> {
    fn new(shared: &'l SharedLedger, sending: u32, batch: &Batch, now: Moment) -> Self {
        let mut ledger = lock(shared);
        let mut before = Vec::with_capacity(batch.items.len());
        for item in &batch.items {
            let record = ledger.record(item.row);
            let (state, fault) = (record.status, record.fault);
            if let Some(fault) = fault {
                ledger.hold_fault(fault);
            }
            before.push((item.row, state, fault));
            ledger.set(item.row, Status::Unknown);
        }
        let mut again = false;
        ledger.note_sending(sending, |sending| {
            again = sending.left.is_some();
            sending.left.get_or_insert(now);
        });
        Self {
            ledger: shared,
            sending,
            before,
            again,
        }
    }

    /// Marks the request as sent.
    fn left(mut self, ledger: &mut Ledger) {
        for (_, _, fault) in self.before.drain(..) {
            if let Some(fault) = fault {
                ledger.release_fault(fault);
            }
        }
    }
}

impl Drop for Leaving<'_> {
    /// Restores the rows if the request was not sent because the journal could not be written or the run was
    /// stopped immediately.
    fn drop(&mut self) {
        if self.before.is_empty() {
            return;
        }
        let mut ledger = lock(self.ledger);
        for (row, state, fault) in self.before.drain(..) {
            match fault {
                Some(fault) => {
                    ledger.set_fault(row, state, fault);
                    ledger.release_fault(fault);
                }
                None => ledger.restate(row, state),
            }
        }
        if !self.again {
            ledger.note_sending(self.sending, |sending| sending.left = None);
        }
    }
}
