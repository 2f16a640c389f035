//! What the reads of a run need, which go on beside its requests.

use crate::call::Session;
use crate::http::{Noted, Stage, untold};
use crate::ids::ProjectId;
use crate::ledger::{SharedLedger, lock};

/// The data for a read.
#[derive(Clone)]
pub(super) struct Context {
    pub session: Session,
    pub ledger: SharedLedger,
    pub project: ProjectId,
}

impl Context {
    /// Counts a request as a lookup.
    pub fn count(&self, stage: Stage) -> Noted<'_> {
        if stage == Stage::Leaving {
            let mut ledger = lock(&self.ledger);
            ledger.stats.requests += 1;
            ledger.stats.lookups += 1;
        }
        untold(stage)
    }
}
