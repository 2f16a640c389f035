//! A bulk run: reads rows, keeps a number of requests in flight, and determines an outcome for every row.
//!
//! `settle` applies responses to the rows of their requests. `recovery` handles lost responses.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::api::{Done, Paired, Proof, Query, Write};
use crate::call::Session;
use crate::columns::{Page, Table};
use crate::error::{Error, Sent, TransportError, shortened};
use crate::http::{
    CallOutcome, Caller, Counters, Moment, Noted, Phase, Response, Stage, Stop, scope, untold,
};
use crate::ids::ProjectId;
use crate::input::{More, Source};
use crate::ledger::journal::Journal;
use crate::ledger::journal::{Commits, New};
use crate::ledger::{Ledger, SharedLedger, Status, lock};
use crate::rows::{Policy, in_rows};
use crate::run::activity::{Activity, CurrentActivity};
use crate::run::breaker::Breaker;
use crate::run::existing::{self, Existing, Search};
use crate::run::pack::{Again, Ahead, Batch, Packer};
use crate::run::reconcile::Doubt;
use crate::run::recovery::Evidence;
use crate::run::resume::Today;
use crate::run::settle::read as read_rows;
use crate::run::splitter::{self, Splitter};
use crate::run::unfit::Refused;
use crate::run::zeros::Zeros;

/// How long to wait for requests in flight after a stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// When to stop a run early because of failed rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// Never.
    All,
    /// At the first row that is not ok.
    None,
    /// When more than this many rows are not ok.
    Rows(u64),
}

/// The input and options of a run.
#[allow(clippy::struct_excessive_bools)] // Each is an independent option.
pub struct Job {
    pub write: &'static Write,
    pub project: ProjectId,
    pub query: Query,
    pub policy: Policy,
    pub batch_size: usize,
    pub tolerance: Tolerance,
    /// Only plan the requests.
    pub dry_run: bool,
    /// Keep the response entry for each row.
    pub keep: bool,
    /// Whether the source can be read again from the start. If so, all rows are checked before the first request.
    pub replayable: bool,
    /// Look up rows whose response was lost.
    pub reconcile: bool,
    /// The rows of an existing ledger to process.
    pub again: Again,
    /// The journal in which the ledger is saved before anything is sent.
    pub journal: Option<Journal>,
}

/// The state of a run.
#[allow(clippy::struct_excessive_bools)] // They are independent.
pub struct Run {
    /// The current time since the start of the run.
    pub(super) now: Duration,
    pub(super) caller: Arc<Caller>,
    pub(super) job: Job,
    pub(super) ledger: SharedLedger,
    pub(super) journal: Option<Commits>,
    /// Journal writes in progress, which run in parallel with requests.
    writing: JoinSet<Result<(), Error>>,
    /// Whether the ledger may have changed since it was last written.
    unwritten: bool,
    /// The journal of a run whose rows turned out to differ from the input, so the journal must not change.
    pub(super) foreign: Option<Commits>,
    pub(super) table: Table,
    pub(super) stop: Stop,
    pub(super) counters: Arc<Counters>,
    activity: CurrentActivity,
    pub(super) waiting: VecDeque<Batch>,
    /// Requests whose response was lost, except those that are being looked up.
    pub(super) doubts: Vec<Doubt>,
    pub(super) looking: bool,
    /// Whether the log says that rows are being looked up.
    pub(super) lookup_is_logged: bool,
    /// For each place, the request number and the id of the newest asset that a response has confirmed. An
    /// up-to-date list must contain this asset.
    pub(super) shown: HashMap<String, (u32, String)>,
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
    /// Rows that an earlier call left with an unknown outcome, and what the input now contains for them.
    pub(super) prove: HashSet<u32>,
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

/// How a run ended.
pub struct Ended {
    pub table: Table,
    /// The error that ended the run early, if any.
    pub fatal: Option<Error>,
}

/// The result of a task that was in flight.
pub(super) enum Landed {
    /// A batch, the number of its request in the ledger, and the outcome of the request.
    Answered(Batch, u32, CallOutcome<PairedResponse>),
    /// Requests with an unknown outcome, and the evidence found for them.
    Looked(Vec<Doubt>, Result<Evidence, Error>),
}

/// A successful response to a batch.
pub(super) struct PairedResponse {
    pub response: Response,
    /// The result for each row. Only reads are paired on arrival, because an unreadable response to a read is
    /// retried.
    pub paired: Option<Vec<Paired<'static>>>,
    /// The entries of a read.
    pub page: Option<Box<Page>>,
}

impl Run {
    /// Creates a run. The ledger may be read by others during the run.
    #[must_use]
    pub fn new(caller: Arc<Caller>, mut job: Job, ledger: SharedLedger, stop: Stop) -> Self {
        let journal = job.journal.take().map(Commits::new);
        let counters = Arc::<Counters>::default();
        let splitter = Splitter::new(job.write);
        let settle = caller.options().retry.settle;
        let activity = CurrentActivity::new(usual_activity(&job), counters.clone());
        Self {
            now: Duration::ZERO,
            caller,
            job,
            ledger,
            journal,
            writing: JoinSet::new(),
            unwritten: false,
            foreign: None,
            table: Table::default(),
            stop,
            counters,
            activity,
            waiting: VecDeque::new(),
            doubts: Vec::new(),
            looking: false,
            lookup_is_logged: false,
            shown: HashMap::new(),
            existing: None,
            zeros: Zeros::default(),
            clock_read: None,
            breaker: Breaker::new(settle),
            splitter,
            reached: false,
            unreached: None,
            differing: BTreeMap::new(),
            bad: 0,
            fatal: None,
            alike: HashSet::new(),
            prove: HashSet::new(),
            today: HashMap::new(),
            some_rows_only: false,
            done_ids: None,
            outdated: Vec::new(),
            same_keys: (0, None),
            same_names: (0, None),
        }
    }

    /// The current activity, for progress reports.
    #[must_use]
    pub fn activity(&self) -> CurrentActivity {
        self.activity.clone()
    }

    /// Updates the activity before waiting for this many requests in flight.
    fn note_activity(&self, flights: usize) {
        self.activity.set(match flights {
            // Nothing is sent before the lookup of lost responses.
            0 => Activity::Waiting,
            1 if self.looking => Activity::Recovery,
            _ => usual_activity(&self.job),
        });
    }

    /// Runs to the end. After that, every row has an outcome, even if there was an error.
    pub async fn drive(mut self, source: Box<dyn Source>) -> Ended {
        let start = Instant::now();
        self.prove.clone_from(&self.job.again.prove);
        let mut packer = Packer::new(
            self.job.write,
            self.job.policy.clone(),
            self.ledger.clone(),
            self.job.batch_size,
            if self.job.replayable {
                Ahead::Everything
            } else {
                Ahead::OneBatch
            },
            std::mem::take(&mut self.job.again),
        );
        if self.job.dry_run {
            packer.count_only();
        }
        packer.stop = self.stop.clone();
        packer.is_import = !self.reads() && (packer.again.edits || !self.job.dry_run);
        let is_new = packer.earlier.is_none();
        self.work(source, &mut packer, start).await;
        let mut ledger = lock(&self.ledger);
        let load =
            |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss)] // Far below 2^52 milliseconds.
        let throttled = load(&self.counters.throttled) as f64 / 1000.0;
        ledger.stats.retries += load(&self.counters.retries);
        ledger.stats.bisects += self.splitter.divided();
        ledger.stats.throttled += throttled;
        ledger.stats.seconds += start.elapsed().as_secs_f64();
        ledger.stats.bytes_sent += load(&self.counters.bytes);
        if ledger.columns.is_empty() && self.foreign.is_none() {
            // The rows were not read to their end.
            ledger.columns = packer.writer.uses().to_vec();
        }
        if self.job.dry_run {
            if is_new {
                // Nothing is recorded, so the rows to fix are those of a check.
                ledger.import_prefix = None;
            }
            ledger.plan = packer.estimate(&self.caller.options().limits, &ledger);
            if ledger.plan.rows > 0 {
                // The write itself reads the compared assets again.
                ledger.plan.requests += ledger.stats.requests;
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
            table: self.table,
            fatal: self.fatal,
        }
    }

    pub(super) fn session(&self) -> Session {
        Session {
            caller: self.caller.clone(),
            stop: self.stop.clone(),
            counters: self.counters.clone(),
        }
    }

    async fn work(&mut self, mut source: Box<dyn Source>, packer: &mut Packer, start: Instant) {
        let mut more = true;
        // If the source can be read again from the start, check all rows before the first request.
        while more && self.job.replayable && self.fatal.is_none() && self.stop.phase() == Phase::Run {
            self.now = start.elapsed();
            more = self.read(source.as_mut(), packer);
            self.unwritten = true;
            self.write_beside();
            // Reading does not yield by itself, so let the run's driver check for signals.
            tokio::task::yield_now().await;
            if let Some(written) = self.writing.try_join_next() {
                self.written(written);
            }
        }
        let mut flights: JoinSet<Landed> = JoinSet::new();
        loop {
            self.now = start.elapsed();
            self.look(&mut flights);
            self.write_beside();
            while self.going() && flights.len() < self.caller.options().max_in_flight {
                // Reading may take a long time, so first process the responses that arrived meanwhile.
                while let Some(joined) = flights.try_join_next() {
                    self.now = start.elapsed();
                    self.land(joined);
                }
                let Some(batch) = self.waiting.pop_front() else {
                    if packer.has_ready() && self.needs_existing(packer) {
                        let wanted = (!more).then(|| packer.import_keys());
                        self.read_existing(wanted).await;
                        // Before the first request, so that on_error="stop" sends nothing.
                        packer
                            .ready()
                            .for_each(|batch| self.refuse_numbers(batch, &packer.writer));
                        packer
                            .ready()
                            .for_each(|batch| self.refuse_short_keys(batch, &packer.writer));
                    } else if let Some(batch) = packer.take() {
                        let wanted = self.still_wanted(batch, packer).await;
                        self.waiting.extend(wanted);
                    } else if more {
                        more = self.read(source.as_mut(), packer);
                        tokio::task::yield_now().await;
                    } else {
                        break;
                    }
                    self.now = start.elapsed();
                    continue;
                };
                let batch = self.filled(batch, packer).await;
                let alone = flights.len() == usize::from(self.looking);
                if !alone && self.is_trial(&batch) {
                    self.waiting.push_front(batch);
                    break;
                }
                let Some(batch) = self.cut(batch) else { continue };
                self.launch(&mut flights, batch);
            }
            let due = self.next_look();
            if flights.is_empty() {
                let Some(due) = due else { break };
                self.note_activity(0);
                tokio::select! {
                    biased;
                    () = self.stop.reached(Phase::Drain) => {}
                    () = tokio::time::sleep_until(start + due) => {}
                }
                continue;
            }
            self.note_activity(flights.len());
            tokio::select! {
                biased;
                () = self.stop.reached(Phase::Now) => break,
                Some(joined) = flights.join_next() => {
                    self.now = start.elapsed();
                    self.land(joined);
                }
                Some(written) = self.writing.join_next() => self.written(written),
                () = tokio::time::sleep_until(start + due.unwrap_or_default()), if due.is_some() => {}
            }
            if self.too_many_bad() {
                // Requests that are still waiting for a slot are not sent.
                self.stop.to(Phase::Drain);
            }
        }
        self.now = start.elapsed();
        // Process the responses that have arrived. Rows of requests still in flight stay unknown in the ledger.
        while let Some(joined) = flights.try_join_next() {
            self.land(joined);
        }
        flights.shutdown().await;
        if self.fatal.is_none() {
            self.fatal = self.breaker.verdict();
        }
        if self.fatal.is_none() && !self.reached {
            // No request reached the service, so the error does not concern individual rows.
            self.fatal = self.unreached.take();
        }
        self.close(source.rows()).await;
    }

    /// Writes the final state to the journal.
    async fn close(&mut self, rows: Option<usize>) {
        // These writes use the journal, which must be free once the call has ended.
        while let Some(written) = self.writing.join_next().await {
            self.written(written);
        }
        self.explain(rows);
        if let Some(journal) = &self.journal
            && let Err(error) = journal.write(&self.ledger, New::All).await
        {
            self.give_up(error);
        }
        // Another call may continue the run once this call has ended.
        for journal in self.journal.take().into_iter().chain(self.foreign.take()) {
            journal.close().await;
        }
    }

    /// Adds the final warnings, and records why the remaining rows were not sent.
    fn explain(&mut self, rows: Option<usize>) {
        // Rows that were read but not sent are `NotSent`. The rest of a partially read stream is unknown.
        let mut ledger = lock(&self.ledger);
        if let Some(first) = self.outdated.first() {
            let first = ledger.name_of(*first, self.job.policy.names.row_title.as_deref());
            let (rows, verb) = match self.outdated.len() {
                1 => ("1 row".to_owned(), "was"),
                rows => (format!("{rows} rows"), "were"),
            };
            ledger.warnings.push(format!(
                "{rows} {verb} changed or removed after being sent (first: {first}). The project contains what was \
                 sent. Restore these rows for the next call of this run; make changes in another call"
            ));
        }
        if let (count, Some((first, ids))) = std::mem::take(&mut self.same_keys) {
            let first = ledger.name_of(first, self.job.policy.names.row_title.as_deref());
            ledger.warnings.push(format!(
                "several assets of the project have the same import key {}. Each row was compared with the oldest \
                 of its assets. The assets of the first: {ids}",
                in_rows(count, &first)
            ));
        }
        if let (count, Some(first)) = std::mem::take(&mut self.same_names) {
            let first = ledger.name_of(first, self.job.policy.names.row_title.as_deref());
            ledger.warnings.push(format!(
                "an asset with another import key, or without one, has the same Asset ID {}. If a key was corrected, \
                 patch the asset that has the old key, and delete the new one",
                in_rows(count, &first)
            ));
        }
        if let (count, Some((first, key))) = std::mem::take(&mut self.zeros.short) {
            let first = ledger.name_of(first, self.job.policy.names.row_title.as_deref());
            ledger.warnings.push(format!(
                "import keys such as '{key}' may have lost leading zeros {}: those of the project are longer, and have \
                 leading zeros",
                in_rows(count, &first)
            ));
        }
        for (field, (count, first)) in std::mem::take(&mut self.differing) {
            let first = ledger.name_of(first, self.job.policy.names.row_title.as_deref());
            ledger.warnings.push(format!(
                "`{field}` differs between what was sent and the asset that the service returned {}: read these \
                 assets again",
                in_rows(count, &first)
            ));
        }
        ledger.fill_up(rows.unwrap_or(0));
        ledger.not_sent = match (&self.fatal, self.job.tolerance) {
            _ if self.job.dry_run => None,
            (Some(error), _) => Some(format!(
                "the call ended early: {}",
                shortened(&error.to_string(), 200)
            )),
            (None, Tolerance::None) if self.too_many_bad() => {
                Some("a row was not ok, and on_error is 'stop'".to_owned())
            }
            (None, Tolerance::Rows(most)) if self.too_many_bad() => Some(format!(
                "{} rows were not ok, more than max_errors={most}",
                self.bad
            )),
            _ if self.stop.phase() == Phase::Run && self.some_rows_only => {
                Some("not in this file of rows to fix".to_owned())
            }
            _ if self.stop.phase() == Phase::Run => {
                Some("not selected by this call; call .retry() to send it".to_owned())
            }
            _ => Some("the call was interrupted".to_owned()),
        };
    }

    fn land(&mut self, joined: Result<Landed, JoinError>) {
        match joined {
            Ok(Landed::Answered(batch, sending, called)) => {
                self.settle(batch, sending, called);
                lock(&self.ledger).forget_body(sending);
            }
            Ok(Landed::Looked(doubts, evidence)) => {
                let sendings: Vec<u32> = doubts.iter().map(|doubt| doubt.sending).collect();
                self.looked(doubts, evidence);
                let mut ledger = lock(&self.ledger);
                for sending in sendings {
                    ledger.forget_body(sending);
                }
            }
            // A task fails only if the transport panics. Its rows keep their current status.
            Err(error) => self.give_up(Error::Transport(TransportError::new(
                Sent::Maybe,
                format!("a request was lost inside the client: {error}"),
            ))),
        }
        self.unwritten = true;
    }

    /// Writes ledger changes and the next new rows to the journal, in parallel with requests.
    fn write_beside(&mut self) {
        let Some(journal) = &self.journal else { return };
        if self.unwritten && self.writing.is_empty() {
            self.unwritten = false;
            let (journal, ledger) = (journal.clone(), self.ledger.clone());
            self.writing
                .spawn(async move { journal.write(&ledger, New::Next).await });
        }
    }

    fn written(&mut self, written: Result<Result<(), Error>, JoinError>) {
        match written {
            Ok(Ok(())) => self.unwritten |= lock(&self.ledger).has_changes(),
            Ok(Err(error)) => self.give_up(error),
            Err(error) => self.give_up(Error::Journal(format!("the journal was not written: {error}"))),
        }
    }

    /// Whether batches may be sent.
    fn going(&self) -> bool {
        self.may_look() && self.breaker.lets_pass()
    }

    /// Whether any request may be sent, including lookups.
    pub(super) fn may_look(&self) -> bool {
        self.fatal.is_none() && self.stop.phase() == Phase::Run && !self.too_many_bad()
    }

    fn too_many_bad(&self) -> bool {
        match self.job.tolerance {
            Tolerance::All => false,
            Tolerance::None => self.bad > 0,
            Tolerance::Rows(most) => self.bad > most,
        }
    }

    /// Reads rows until the packer pauses or the source ends. Returns `false` if the source has ended or
    /// failed.
    fn read(&mut self, source: &mut dyn Source, packer: &mut Packer) -> bool {
        packer.at_most(
            self.caller
                .row_limit(self.job.write.endpoint.name, |limit| limit.most()),
        );
        let invalid = packer.invalid;
        let more = match source.fill(packer) {
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
        self.alike.extend(packer.alike.drain());
        if let Some(change) = packer.changed.take() {
            let is_run = self.journal.is_some();
            self.foreign = self.journal.take();
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
                    if self.job.write.done == Done::Created && !packer.import_keys_are_given() {
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
        if packer.again.others.is_some() {
            self.look_for_other_runs(packer, more == More::End);
        }
        if let Some(today) = packer.take_today().filter(|_| !self.job.dry_run) {
            self.resume_doubts(today);
        }
        self.bad += packer.invalid - invalid;
        more == More::Rows
    }

    /// Whether the project's import keys must be read before rows are sent.
    fn needs_existing(&self, packer: &Packer) -> bool {
        self.existing.is_none()
            && packer.import_keys_are_given()
            && matches!(self.job.write.proof, Proof::InList(_))
    }

    /// Finds out which of the project's assets have the rows' import keys.
    async fn read_existing(&mut self, wanted: Option<HashSet<u64>>) {
        let policy = &self.job.policy;
        let (Some(import_key), Proof::InList(lookup)) = (&policy.import_key, &self.job.write.proof) else {
            self.existing = Some(Existing::default());
            return;
        };
        let search = Search {
            lookup,
            import_key: import_key.clone(),
            wanted,
        };
        let context = self.context();
        self.activity.set(Activity::ImportKeys);
        let read = tokio::select! {
            biased;
            () = self.stop.reached(Phase::Now) => return,
            read = existing::read(&context, search) => read,
        };
        self.activity.set(usual_activity(&self.job));
        match read {
            Ok(existing) => self.existing = Some(existing),
            // The run was stopped meanwhile, so nothing more is sent.
            Err(_) if self.stop.phase() > Phase::Run => {}
            Err(error) => self.give_up(error),
        }
    }

    /// If a batch is the remainder of a batch that had too many rows, fills it up with rows from the next
    /// batches.
    async fn filled(&mut self, mut batch: Batch, packer: &mut Packer) -> Batch {
        let write = self.job.write;
        let known = self.caller.row_limit(write.endpoint.name, |limit| limit.most());
        let most = known.min(self.job.batch_size).min(write.endpoint.items().most);
        while batch.remainder && batch.items.len() < most {
            if self.waiting.is_empty()
                && let Some(next) = packer.take()
            {
                let wanted = self.still_wanted(next, packer).await;
                self.waiting.extend(wanted);
                continue;
            }
            let Some(next) = self.waiting.pop_front() else {
                break;
            };
            let before = batch.items.len();
            if let Some(left) = batch.fill(write, next, most) {
                self.waiting.push_front(left);
            }
            if batch.items.len() == before {
                break;
            }
        }
        batch
    }

    /// Returns the batch if it can be sent. Otherwise, its parts are sent first.
    fn cut(&mut self, batch: Batch) -> Option<Batch> {
        let splitter = &mut self.splitter;
        let cut = self
            .caller
            .row_limit(self.job.write.endpoint.name, |limit| splitter.cut(batch, limit));
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
    fn is_trial(&self, batch: &Batch) -> bool {
        let name = self.job.write.endpoint.name;
        self.breaker.is_trial()
            || self
                .caller
                .row_limit(name, |limit| splitter::is_trial(batch, limit))
    }

    fn launch(&mut self, flights: &mut JoinSet<Landed>, batch: Batch) {
        let write = self.job.write;
        let session = self.session();
        let call = session.to(&write.endpoint, &[("project", &self.job.project.to_string())]);
        let call = match call {
            Ok(call) => call
                .with_query(self.job.query.iter().cloned())
                .with_body(batch.body(write)),
            Err(error) => return self.give_up(error),
        };
        let (ledger, journal) = (self.ledger.clone(), self.journal.clone());
        let (reads, keep) = (self.reads(), self.job.keep);
        let sending = lock(&ledger).begin_sending(batch.to_keep());
        flights.spawn(scope::inherit(async move {
            let (ledger, journal, rows) = (&ledger, journal.as_ref(), &batch);
            let clock = session.caller.clock();
            let note = |stage| -> Noted<'_> {
                if stage == Stage::NotExecuted {
                    if !rows.in_doubt {
                        let mut ledger = lock(ledger);
                        for item in &rows.items {
                            ledger.set(item.row, Status::NotSent);
                        }
                    }
                    return untold(stage);
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
                    let mut ledger = lock(ledger);
                    leaving.left(&mut ledger);
                    ledger.stats.requests += 1;
                    Ok(())
                })
            };
            let read = |response: Response| {
                if reads {
                    return read_rows(write, response, &batch, keep);
                }
                Ok(PairedResponse {
                    response,
                    paired: None,
                    page: None,
                })
            };
            let ended = session.call(&call, &note, &read).await;
            Landed::Answered(batch, sending, ended)
        }));
    }

    /// Whether this run only reads. If so, one failed part ends the run, since the result of the run would be
    /// incomplete.
    pub(super) fn reads(&self) -> bool {
        self.job.write.done == Done::Read
    }

    /// Stops the run from sending new requests. Keeps the first error.
    pub(super) fn give_up(&mut self, error: Error) {
        self.fatal.get_or_insert(error);
        self.stop.to(Phase::Drain);
    }
}

/// The activity of a run that is not waiting or looking something up.
fn usual_activity(job: &Job) -> Activity {
    match job.write.done {
        _ if job.dry_run => Activity::Checking,
        Done::Read => Activity::Reading,
        _ => Activity::Writing,
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
