//! What a run knows: the outcomes so far, the batches that wait, and why it ends.
//!
//! `response` applies responses to the rows of their requests. `recovery` handles lost responses. `machine` decides what
//! happens next.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Lookup, Proof};
use crate::call::Session;
use crate::columns::Table;
use crate::error::Error;
use crate::http::{Caller, Counters, Moment, Phase, Stop};
use crate::input::{More, SourceError};
use crate::ledger::{SharedLedger, lock};
use crate::rows::ImportKey;
use crate::run::activity::{Activity, CurrentActivity};
use crate::run::batch::Batch;
use crate::run::breaker::Breaker;
use crate::run::context::Context;
use crate::run::existing::Existing;
use crate::run::job::{Job, Tolerance};
use crate::run::pack::{Packer, Refused};
use crate::run::read_row::Today;
use crate::run::recovery::Recovery;
use crate::run::splitter::{self, Splitter};

/// What a run knows of lost zeros.
#[derive(Default)]
pub(super) struct Zeros {
    /// A key of the project that a row has without its leading zeros, if there is any.
    pub lost: Option<String>,
    /// How many rows are sent with a shorter key of digits than any of the project, and the first such row with its
    /// key.
    pub short: (u64, Option<(u32, String)>),
}

/// The state of a run.
#[allow(clippy::struct_excessive_bools)] // They are independent.
pub(super) struct State {
    /// The current time since the start of the run, and by the service's clock.
    pub(super) now: Duration,
    pub(super) clock: Moment,
    pub(super) caller: Arc<Caller>,
    pub(super) job: Job,
    pub(super) ledger: SharedLedger,
    /// Whether the run has a journal.
    pub(super) is_recorded: bool,
    /// Whether the first rows have been compared with other runs.
    pub(super) has_glanced: bool,
    /// Whether the rows of the journal's run turned out to differ from the input, so the journal must not change.
    pub(super) is_foreign: bool,
    pub(super) table: Table,
    pub(super) stop: Stop,
    pub(super) counters: Arc<Counters>,
    pub(super) activity: CurrentActivity,
    pub(super) waiting: VecDeque<Batch>,
    pub(super) recovery: Recovery,
    /// The assets of the project that have an import key.
    pub(super) existing: Option<Existing>,
    pub(super) zeros: Zeros,
    /// When the service's clock was last read from a creation time.
    pub(super) clock_read: Option<Duration>,
    pub(super) breaker: Breaker,
    /// Import keys, normalized by `same_key`, that rows spell in more than one way.
    pub(super) alike: HashSet<String>,
    pub(super) splitter: Splitter,
    /// Whether any request reached the service, and the error of the first request that did not.
    pub(super) reached: bool,
    pub(super) unreached: Option<Error>,
    /// Patched fields whose returned value differs from the value sent, each with the number of affected rows
    /// and the first affected row.
    pub(super) differing: BTreeMap<String, (u64, u32)>,
    pub(super) bad: u64,
    pub(super) fatal: Option<Error>,
    /// What the input now contains for rows that an earlier call left with an unknown outcome.
    pub(super) today: HashMap<u32, Today>,
    /// Whether the input is a fixes file, which has only some rows of the run.
    pub(super) some_rows_only: bool,
    /// The ids of completed rows and these rows, once they are needed.
    pub(super) done_ids: Option<HashMap<String, u32>>,
    /// Rows that exist in the project as sent, but whose input has changed since.
    pub(super) outdated: Vec<u32>,
    /// How many rows have an import key that several assets have, and the first such row with the ids of its assets.
    pub(super) same_keys: (u64, Option<(u32, String)>),
    /// How many rows are created although an asset with another import key has their Asset ID, and the first of them.
    pub(super) same_names: (u64, Option<u32>),
}

impl State {
    pub fn new(caller: Arc<Caller>, job: Job, ledger: SharedLedger, stop: Stop) -> Self {
        let counters = Arc::<Counters>::default();
        let splitter = Splitter::new();
        let retry = &caller.options().retry;
        let (settle_time, recovery) = (retry.settle, Recovery::new(retry));
        let activity = CurrentActivity::new(usual_activity(&job), counters.clone());
        Self {
            now: Duration::ZERO,
            clock: caller.clock().now(),
            caller,
            job,
            ledger,
            is_recorded: false,
            has_glanced: false,
            is_foreign: false,
            table: Table::default(),
            stop,
            counters,
            activity,
            waiting: VecDeque::new(),
            recovery,
            existing: None,
            zeros: Zeros::default(),
            clock_read: None,
            breaker: Breaker::new(settle_time),
            splitter,
            reached: false,
            unreached: None,
            differing: BTreeMap::new(),
            bad: 0,
            fatal: None,
            alike: HashSet::new(),
            today: HashMap::new(),
            some_rows_only: false,
            done_ids: None,
            outdated: Vec::new(),
            same_keys: (0, None),
            same_names: (0, None),
        }
    }

    pub(super) fn session(&self) -> Session {
        Session::counting(self.caller.clone(), self.stop.clone(), self.counters.clone())
    }

    /// Returns the data for lookups.
    pub(super) fn context(&self) -> Context {
        Context {
            session: self.session(),
            ledger: self.ledger.clone(),
            project: self.job.project,
        }
    }

    /// Whether batches may be sent.
    pub(super) fn going(&self) -> bool {
        self.may_look_up() && self.breaker.lets_pass()
    }

    /// Whether any request may be sent, including lookups.
    pub(super) fn may_look_up(&self) -> bool {
        self.fatal.is_none() && self.stop.phase() == Phase::Run && !self.too_many_bad()
    }

    pub(super) fn too_many_bad(&self) -> bool {
        match self.job.tolerance {
            Tolerance::All => false,
            Tolerance::None => self.bad > 0,
            Tolerance::Rows(most) => self.bad > most,
        }
    }

    /// Handles the rows that the packer has read, until it paused or the source ended. `invalid` is the number of invalid
    /// rows before. Returns whether there are more rows.
    pub(super) fn on_rows(
        &mut self,
        packer: &mut Packer,
        read: Result<More, SourceError>,
        invalid: u64,
    ) -> bool {
        let more = match read {
            Ok(more) => more,
            Err(error) => {
                self.give_up(error.into());
                More::End
            }
        };
        if more == More::End {
            packer.finish(self.fatal.is_none());
            self.some_rows_only = !packer.has_all_rows();
        }
        self.alike.extend(packer.seen.take_alike());
        if let Some(change) = packer.changed.take() {
            let is_run = self.is_recorded;
            self.is_foreign = true;
            self.give_up(Error::Input(match change {
                Refused::Call(message) => message,
                Refused::Rows(change) if self.reads() => format!(
                    "after=: these are not the ids of the call that failed: {change}. Nothing was sent. Pass the same \
                     ids in the same order, or remove after="
                ),
                Refused::Rows(change) if !is_run => format!(
                    "these are not the rows of the original call: {change}. Nothing was sent. Pass the same rows in \
                     their order"
                ),
                Refused::Rows(change) => format!(
                    "these are not the rows of the run: {change}. Nothing was sent. Pass the run's rows in their \
                     original order; rows that are not yet in the project may be edited or removed. {}",
                    if self.job.creates() && !packer.import_keys_are_given() {
                        "For another sheet, use another run name. For a new version of this sheet, also pass \
                         import_key=: without it, all rows would be created again"
                    } else {
                        "For a new sheet, use another run name"
                    }
                ),
            }));
        }
        if more == More::End && self.fatal.is_none() && packer.has_all_rows() {
            lock(&self.ledger).complete = true;
        }
        if let Some(today) = packer.take_today().filter(|_| !self.job.dry_run) {
            self.resume_doubts(&packer.continuation.look_up, today);
        }
        self.bad += packer.invalid - invalid;
        more == More::Rows
    }

    /// Returns how to find the project's import keys and which key it is, if they must be read before rows are sent.
    pub(super) fn needs_existing(&self, packer: &Packer) -> Option<(&'static Lookup, ImportKey)> {
        if self.existing.is_some() || !packer.import_keys_are_given() {
            return None;
        }
        self.job.parts.iter().find_map(|part| match part.write.proof {
            Proof::InList(lookup) => Some((lookup, part.policy.import_key.clone()?)),
            _ => None,
        })
    }

    /// Returns the batch if it can be sent. Otherwise, its parts are sent first.
    pub(super) fn cut(&mut self, batch: Batch) -> Option<Batch> {
        let splitter = &mut self.splitter;
        let name = batch.write.endpoint.name;
        let cut = self.caller.row_limit(name, |limit| splitter.cut(batch, limit));
        match cut {
            Ok(batch) => Some(batch),
            Err(parts) => {
                self.bad -= parts.taken_back;
                self.send_next(parts.batches);
                None
            }
        }
    }

    /// Sends these batches before all others.
    pub(super) fn send_next(&mut self, batches: Vec<Batch>) {
        let batches = batches.into_iter().rev();
        batches.for_each(|batch| self.waiting.push_front(batch));
    }

    /// Whether a batch's next request must be the only request in flight.
    pub(super) fn is_trial(&self, batch: &Batch) -> bool {
        let name = batch.write.endpoint.name;
        self.breaker.is_trial()
            || self
                .caller
                .row_limit(name, |limit| splitter::is_trial(batch, limit))
    }

    /// Whether this run only reads.
    pub(super) fn reads(&self) -> bool {
        self.job.reads()
    }

    /// Stops the run from sending new requests. Keeps the first error.
    pub(super) fn give_up(&mut self, error: Error) {
        self.fatal.get_or_insert(error);
        self.stop.to(Phase::Drain);
    }
}

/// The activity of a run that is not waiting or looking something up.
pub(super) fn usual_activity(job: &Job) -> Activity {
    match job.reads() {
        _ if job.dry_run => Activity::Checking,
        true => Activity::Reading,
        false => Activity::Writing,
    }
}
