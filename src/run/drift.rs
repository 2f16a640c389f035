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
use crate::run::batch::Batch;
use crate::run::context::Context;
use crate::run::lookup::read_by_id;

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
