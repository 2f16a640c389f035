//! What the reads of a run need, which run concurrently with its requests.

use crate::call::Session;
use crate::http::{Noted, Stage, no_observer};
use crate::ids::ProjectId;
use crate::ledger::{SharedLedger, lock};

/// The session and the project of a run.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) session: Session,
    pub(super) ledger: SharedLedger,
    pub(super) project: ProjectId,
}

impl Context {
    /// Counts a request as a lookup.
    pub(super) fn count(&self, stage: Stage) -> Noted<'_> {
        if stage == Stage::Leaving {
            let mut ledger = lock(&self.ledger);
            ledger.stats.requests += 1;
            ledger.stats.lookups += 1;
        }
        no_observer(stage)
    }
}
