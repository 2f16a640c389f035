//! Reads the entries of rows again right before their request leaves, and holds back the rows whose entry has changed since
//! it was compared with the row.
//!
//! The service has no conditional requests. So another user's change is overwritten only if it falls into the time between
//! this read and the arrival of the request.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::api::Proof;
use crate::error::Error;
use crate::http::{CallOutcome, Phase};
use crate::ledger::{Fault, Status};
use crate::run::batch::Batch;
use crate::run::context::Context;
use crate::run::lookup::read_by_id;
use crate::run::pairing::PairedResponse;
use crate::run::recovery::Why;
use crate::run::state::State;

/// The entries that the rows of a part were compared with, by id. A row without one is sent in any case.
#[derive(Debug, Clone, Default)]
pub struct Compared(Arc<HashMap<Uuid, Value>>);

impl FromIterator<(Uuid, Value)> for Compared {
    fn from_iter<I: IntoIterator<Item = (Uuid, Value)>>(entries: I) -> Self {
        Self(Arc::new(entries.into_iter().collect()))
    }
}

impl Compared {
    fn entry(&self, key: &str) -> Option<&Value> {
        self.0.get(&Uuid::try_parse(key).ok()?)
    }
}

/// Why a request did not leave.
#[derive(Debug)]
pub(super) enum Held {
    /// The entries of these rows have changed. Contains the index of each in the batch, and what has changed.
    Drifted(Vec<(usize, String)>),
    /// The entries could not be read.
    Unread(Error),
}

/// Checks that the entries of a batch are as they were.
pub(super) async fn check(context: &Context, compared: &Compared, batch: &Batch) -> Result<(), Held> {
    let (Proof::ById { read, query, .. }, Some(drift)) = (&batch.write.proof, batch.write.drift) else {
        return Ok(());
    };
    let sent = batch.sent();
    let known = sent.iter().enumerate();
    let mut rows: Vec<(usize, &Value)> = known
        .filter_map(|(at, row)| Some((at, compared.entry(row.key)?)))
        .collect();
    let mut drifted = Vec::new();
    // A response may lack an entry by mistake, so these are read twice.
    for is_last in [false, true] {
        if rows.is_empty() {
            break;
        }
        let wanted: Vec<_> = rows.iter().map(|(at, _)| sent[*at]).collect();
        let entries = read_by_id(context, read, query, &wanted)
            .await
            .map_err(Held::Unread)?;
        let mut missing = Vec::new();
        for ((at, before), now) in rows.into_iter().zip(entries) {
            if now.is_none() && !is_last {
                missing.push((at, before));
            } else if let Some(change) = drift(before, now.as_ref(), &sent[at]) {
                drifted.push((at, change));
            }
        }
        rows = missing;
    }
    if drifted.is_empty() {
        Ok(())
    } else {
        Err(Held::Drifted(drifted))
    }
}

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
            let error = match &held {
                Held::Unread(error) => error.clone(),
                Held::Drifted(_) => Error::Input("its asset has changed".to_owned()),
            };
            let error = called.result.as_ref().err().unwrap_or(&error);
            batch.in_doubt = true;
            self.mark_in_doubt(batch, sending, error, Why::Lost);
        } else if let Held::Drifted(drifted) = &held {
            for (at, change) in drifted {
                let message =
                    format!("not sent, because the asset was changed after it was compared: {change}");
                let fault = Fault::new("drifted", &message, "make the plan again");
                self.blame(std::iter::once(batch.items[*at].row), Status::Drifted, &fault);
            }
            let has_drifted = |at: usize| drifted.iter().any(|(other, _)| *other == at);
            let mut rest = batch.part(|at, _| !has_drifted(at));
            if rest.items.is_empty() {
                self.waiting.extend(batch.named);
            } else {
                rest.named = batch.named;
                self.waiting.push_front(rest);
            }
        }
        match held {
            // The run was stopped meanwhile, so nothing more is sent.
            Held::Unread(_) if self.stop.phase() > Phase::Run => {}
            Held::Unread(error) => self.give_up(error),
            Held::Drifted(_) => {}
        }
    }
}
