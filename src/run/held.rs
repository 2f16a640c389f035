//! Settles the rows of a request that did not leave, because their entries have changed or could not be read.

use crate::error::{Error, Sent, TransportError};
use crate::http::{CallOutcome, Phase};
use crate::ledger::{Fault, Status};
use crate::run::batch::Batch;
use crate::run::bisect;
use crate::run::drift::Held;
use crate::run::pairing::PairedResponse;
use crate::run::recovery::Why;
use crate::run::state::State;

impl State {
    /// Handles a request that did not leave. An earlier attempt may have left.
    pub(super) fn on_held(
        &mut self,
        mut batch: Batch,
        sending: u32,
        called: &CallOutcome<PairedResponse>,
        held: Held,
    ) {
        self.note_called(sending, called);
        let in_doubt = called.in_doubt || batch.in_doubt;
        if in_doubt {
            // The asset may have changed because an earlier attempt was executed, so the rows are looked up.
            let error = match &held {
                Held::Unread(error) => error.clone(),
                Held::Drifted(_) => Error::Transport(TransportError::new(
                    Sent::Maybe,
                    "an earlier request with this row has no response, and an asset of that request has changed since"
                        .to_owned(),
                )),
            };
            batch.in_doubt = true;
            self.mark_in_doubt(batch, sending, &error, Why::Lost);
        } else if let Held::Drifted(drifted) = &held {
            for (at, change) in drifted {
                let message =
                    format!("not sent, because the asset was changed after it was compared: {change}");
                let fault = Fault::new("drifted", &message, "make the plan again");
                self.blame(std::iter::once(batch.items[*at].row), Status::Drifted, &fault);
            }
            let has_drifted = |at: usize| drifted.iter().any(|(other, _)| *other == at);
            let rest = batch.part(|at, _| !has_drifted(at));
            // Rows named by a rejection are confirmed as bad only if all the other rows are executed, so resend them too.
            let named = bisect::doubted(&batch);
            self.bad -= self.splitter.take_back(&named);
            let rest = Some(rest).filter(|rest| !rest.items.is_empty());
            self.send_next(rest.into_iter().chain(named).collect());
        }
        match held {
            // The run was stopped meanwhile, so nothing more is sent.
            Held::Unread(_) if self.stop.phase() > Phase::Run => {}
            Held::Unread(error) => self.give_up(error),
            Held::Drifted(_) => {}
        }
    }
}
