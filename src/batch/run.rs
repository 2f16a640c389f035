//! A bulk run: reads rows, keeps some requests in flight, and settles every row.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::api::{Absent, Concerns, Done, Endpoint, Paired};
use crate::batch::bisect;
use crate::batch::outcome::{Fault, SharedLedger, State, lock};
use crate::batch::plan::{Ahead, Batch, Packer};
use crate::error::{Error, Sent, ServiceError, TransportError, shortened};
use crate::http::refusal::request_id;
use crate::http::{Answer, Call, Called, Caller, Counters, Phase, Stage, Stop};
use crate::ids::ProjectId;
use crate::input::{More, Source};
use crate::table::Table;
use crate::validation::Policy;

/// After this many requests in a row that got no answer or a 5xx, a run ends: the service is down, and for a create
/// every further request would leave a hundred more rows in doubt.
const MOST_LOST: u32 = 3;

/// Refused requests that may be split, beyond two for each that succeeded.
const BISECTS: u64 = 200;

/// After this many rows that are not found, each alone in its request, and no success at all, the project itself is
/// not there.
const MOST_NOT_FOUND: u32 = 3;

/// How long requests in flight may still answer after a stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// When a run is ended early because of its rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// Never.
    All,
    /// At the first row that is not good.
    None,
    /// At more rows than this that are not good.
    Rows(u64),
}

/// What a run is to do.
#[allow(clippy::struct_excessive_bools)] // Each is a question of its own, asked once.
pub struct Job {
    pub endpoint: &'static Endpoint,
    pub project: ProjectId,
    /// Appended to the path, with its question mark.
    pub query: String,
    pub policy: Policy,
    pub batch_size: usize,
    pub tolerance: Tolerance,
    /// Plan only.
    pub dry_run: bool,
    /// Keep what the answers say of each row.
    pub keep: bool,
    /// Whether the source can be read from the start again, so that reading ahead costs no more than it holds.
    pub replayable: bool,
    /// The ledger already knows the rows: only these are meant.
    pub again: Option<Arc<HashSet<u32>>>,
}

/// A run under way and what it leaves.
pub struct Run {
    caller: Arc<Caller>,
    job: Job,
    ledger: SharedLedger,
    table: Table,
    stop: Stop,
    counters: Arc<Counters>,
    waiting: VecDeque<Batch>,
    lost_in_a_row: u32,
    succeeded: u64,
    bisects: u64,
    not_found: u32,
    /// Whether any request reached the service, and the error of one that did not.
    reached: bool,
    unreached: Option<Error>,
    bad: u64,
    fatal: Option<Error>,
}

/// How a run ended.
pub struct Ended {
    pub table: Table,
    /// What ended it early, if anything did.
    pub fatal: Option<Error>,
}

type Answered = (Batch, Called);

impl Run {
    /// A run over rows that `source` gives, into a ledger that others may look at meanwhile.
    #[must_use]
    pub fn new(caller: Arc<Caller>, job: Job, ledger: SharedLedger, stop: Stop) -> Self {
        Self {
            caller,
            job,
            ledger,
            table: Table::default(),
            stop,
            counters: Arc::default(),
            waiting: VecDeque::new(),
            lost_in_a_row: 0,
            succeeded: 0,
            bisects: 0,
            not_found: 0,
            reached: false,
            unreached: None,
            bad: 0,
            fatal: None,
        }
    }

    /// Runs to its end. Every row is settled then, in every case.
    pub async fn drive(mut self, source: Box<dyn Source>) -> Ended {
        let start = Instant::now();
        let mut packer = Packer::new(
            self.job.endpoint,
            self.job.policy.clone(),
            self.ledger.clone(),
            self.job.batch_size,
            if self.job.replayable {
                Ahead::Everything
            } else {
                Ahead::OneBatch
            },
            self.job.again.clone(),
        );
        packer.count_only = self.job.dry_run;
        packer.stop = self.stop.clone();
        self.work(source, &mut packer).await;
        let mut ledger = lock(&self.ledger);
        let load =
            |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss)] // Seconds, and far below 2^52 milliseconds.
        let throttled = load(&self.counters.throttled) as f64 / 1000.0;
        ledger.stats.retries += load(&self.counters.retries);
        ledger.stats.bisects += self.bisects;
        ledger.stats.throttled += throttled;
        ledger.stats.seconds += start.elapsed().as_secs_f64();
        ledger.stats.bytes_sent += load(&self.counters.bytes);
        if self.job.dry_run {
            let limits = &self.caller.options().limits;
            let limit = f64::from(limits.of(self.job.endpoint.group));
            let mut plan = packer.packed;
            #[allow(clippy::cast_precision_loss)] // Requests of one run.
            let windows = (plan.requests as f64 / limit).ceil() - 1.0;
            plan.minutes = windows.max(0.0) * limits.window.as_secs_f64() / 60.0;
            ledger.plan = plan;
        }
        drop(ledger);
        Ended {
            table: self.table,
            fatal: self.fatal,
        }
    }

    async fn work(&mut self, mut source: Box<dyn Source>, packer: &mut Packer) {
        let mut more = true;
        // Rows that can be had at once are all checked before the first request.
        while more && self.job.replayable && self.fatal.is_none() && self.stop.phase() == Phase::Run {
            more = self.read(source.as_mut(), packer);
            // Reading is one long computation: let whoever drives the run look for signals.
            tokio::task::yield_now().await;
        }
        let mut flights: JoinSet<Answered> = JoinSet::new();
        loop {
            while self.going() && flights.len() < self.caller.options().max_in_flight {
                // Reading may take long; answers that came meanwhile are settled first.
                while let Some(joined) = flights.try_join_next() {
                    self.land(joined);
                }
                let Some(batch) = self.waiting.pop_front() else {
                    if let Some(batch) = packer.take() {
                        self.waiting.extend(self.still_wanted(batch));
                    } else if more {
                        more = self.read(source.as_mut(), packer);
                        tokio::task::yield_now().await;
                    } else {
                        break;
                    }
                    continue;
                };
                self.launch(&mut flights, batch);
            }
            if flights.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                () = self.stop.reached(Phase::Now) => break,
                Some(joined) = flights.join_next() => self.land(joined),
            }
            if self.too_many_bad() {
                // Requests that only wait for their slot stay where they are.
                self.stop.to(Phase::Drain);
            }
        }
        // Answers that are there already count; what is still on its way stays unknown, as the ledger says.
        while let Some(joined) = flights.try_join_next() {
            self.land(joined);
        }
        flights.shutdown().await;
        for batch in std::mem::take(&mut self.waiting) {
            self.doubt(&batch);
        }
        // Rows that were read and not sent are `NotSent`. Of a stream that was not read to its end nobody knows more.
        let mut ledger = lock(&self.ledger);
        ledger.fill_up(source.rows().unwrap_or(0));
        ledger.not_sent = match (&self.fatal, self.job.tolerance) {
            _ if self.job.dry_run => None,
            (Some(error), _) => Some(format!(
                "the call ended before: {}",
                shortened(&error.to_string(), 200)
            )),
            (None, Tolerance::None) if self.too_many_bad() => {
                Some("a row was not ok, and on_error is 'stop'".to_owned())
            }
            (None, Tolerance::Rows(most)) if self.too_many_bad() => Some(format!(
                "{} rows were not ok, more than max_errors={most}",
                self.bad
            )),
            _ => Some("the call was interrupted before".to_owned()),
        };
        drop(ledger);
        if self.fatal.is_none() && !self.reached {
            // Not one request found the service: that is no matter of rows.
            self.fatal = self.unreached.take();
        }
    }

    fn land(&mut self, joined: Result<Answered, JoinError>) {
        match joined {
            Ok((batch, called)) => self.settle(&batch, called),
            // A task ends otherwise only by a panic of the transport; its rows are as they were left.
            Err(error) => self.give_up(Error::Transport(TransportError {
                sent: Sent::Maybe,
                message: format!("a request was lost inside the client: {error}"),
            })),
        }
    }

    /// Whether new requests may go out.
    fn going(&self) -> bool {
        self.fatal.is_none() && self.stop.phase() == Phase::Run && !self.too_many_bad()
    }

    fn too_many_bad(&self) -> bool {
        match self.job.tolerance {
            Tolerance::All => false,
            Tolerance::None => self.bad > 0,
            Tolerance::Rows(most) => self.bad > most,
        }
    }

    /// Reads rows until a batch is ready or the source ends. `false`: it has ended.
    fn read(&mut self, source: &mut dyn Source, packer: &mut Packer) -> bool {
        let invalid = packer.invalid;
        let more = match source.fill(packer) {
            Ok(more) => more,
            Err(error) => {
                self.give_up(Error::Input(error.0));
                More::End
            }
        };
        if let Some(change) = packer.changed(more == More::End && self.fatal.is_none()) {
            self.give_up(Error::Input(format!(
                "these are not the rows of the first run: {change}; nothing was sent again. Call the verb with the rows \
                 that are not in yet"
            )));
        }
        if more == More::End {
            packer.finish();
        }
        self.bad += packer.invalid - invalid;
        more == More::Rows
    }

    /// The batch without rows that turned out invalid after they were packed.
    fn still_wanted(&self, batch: Batch) -> Option<Batch> {
        let ledger = lock(&self.ledger);
        if batch
            .items
            .iter()
            .all(|item| ledger.state(item.row) == State::NotSent)
        {
            return Some(batch);
        }
        let part = batch.part(self.job.endpoint, |_, item| {
            ledger.state(item.row) == State::NotSent
        });
        (!part.items.is_empty()).then_some(part)
    }

    fn launch(&self, flights: &mut JoinSet<Answered>, batch: Batch) {
        let endpoint = self.job.endpoint;
        let options = self.caller.options();
        let call = Call {
            method: endpoint.method,
            path: endpoint.path(options.prefix, self.job.project) + &self.job.query,
            group: endpoint.group,
            replay: endpoint.replay,
            region: endpoint.region,
            body: Some(Bytes::from(batch.body(endpoint))),
        };
        let (caller, stop, counters, ledger) = (
            self.caller.clone(),
            self.stop.clone(),
            self.counters.clone(),
            self.ledger.clone(),
        );
        flights.spawn(async move {
            let note = |stage| {
                let mut ledger = lock(&ledger);
                let state = match stage {
                    // From here on, and until an answer says otherwise, what becomes of these rows is not known.
                    Stage::Leaving => {
                        ledger.stats.requests += 1;
                        State::Unknown
                    }
                    Stage::NotExecuted => State::NotSent,
                };
                batch.items.iter().for_each(|item| ledger.set(item.row, state));
            };
            let ended = caller.call(&call, &stop, &counters, &note).await;
            (batch, ended)
        });
    }

    fn settle(&mut self, batch: &Batch, called: Called) {
        let rows = || batch.items.iter().map(|item| item.row);
        match &called.result {
            Err(error @ Error::Transport(_)) if error.sent() == Sent::No && !called.in_doubt => {
                self.unreached.get_or_insert_with(|| error.clone());
            }
            _ => self.reached = true,
        }
        match called.result {
            Ok(answer) => {
                lock(&self.ledger).set_sending(rows(), called.attempts, request_id(&answer).as_deref());
                self.accept(batch, &answer, called.in_doubt);
            }
            Err(error) => {
                let id = match &error {
                    Error::Service(refusal) => refusal.request_id.clone(),
                    _ => None,
                };
                if called.attempts > 0 {
                    lock(&self.ledger).set_sending(rows(), called.attempts, id.as_deref());
                }
                match (called.stopped, called.in_doubt, called.attempts) {
                    // They are as they were before: not sent, or refused together with others.
                    (true, false, 0) => self.doubt(batch),
                    (true, in_doubt, _) => {
                        let state = if in_doubt { State::Unknown } else { State::Failed };
                        self.blame(rows(), state, Fault::of(&error));
                        self.doubt(batch);
                    }
                    (false, in_doubt, _) => self.refuse(batch, error, in_doubt),
                }
            }
        }
    }

    fn accept(&mut self, batch: &Batch, answer: &Answer, in_doubt: bool) {
        let endpoint = self.job.endpoint;
        let paired = match (endpoint.pair)(&answer.body, &batch.sent(), self.job.keep) {
            Ok(paired) => paired,
            Err(reason) => {
                let then = if self.reads() {
                    "call again, or check base_url= and proxy="
                } else {
                    "what became of these rows is not known; look them up in the project before sending them again"
                };
                let error = Error::Unreadable {
                    message: format!(
                        "the service answered {} to {} but the body cannot be read ({reason}): {then}",
                        answer.status, endpoint.name
                    ),
                    status: answer.status,
                    request_id: request_id(answer),
                    body: String::from_utf8_lossy(&answer.body).into(),
                };
                self.blame(
                    batch.items.iter().map(|item| item.row),
                    State::Unknown,
                    Fault::of(&error),
                );
                self.doubt(batch);
                // Whoever answers so answers the next request no better.
                self.lost(error);
                return;
            }
        };
        let done = match endpoint.done {
            Done::Created => State::Created,
            Done::Updated => State::Updated,
            Done::Deleted => State::Deleted,
            Done::Read => State::Unchanged,
        };
        let mut absent = Vec::new();
        let mut ledger = lock(&self.ledger);
        let mut kept = Vec::new();
        for (item, paired) in batch.items.iter().zip(paired) {
            match paired {
                // A new asset without an id cannot be found again, so it does not count as proven.
                Paired::Named { id: None, .. } if endpoint.done == Done::Created => absent.push(item.row),
                Paired::Named { id, entry } => {
                    ledger.set(item.row, done);
                    if let Some(id) = id {
                        ledger.set_id(item.row, &id);
                    }
                    if let Some(entry) = entry {
                        kept.push((item.row, entry));
                    }
                }
                Paired::Absent => absent.push(item.row),
            }
        }
        drop(ledger);
        if self.job.keep {
            self.table.add(answer.body.clone(), kept);
        }
        if absent.len() < batch.items.len() || matches!(endpoint.absent, Absent::Refused(_)) {
            self.lost_in_a_row = 0;
            self.succeeded += 1;
        } else {
            self.lost(Error::Unreadable {
                message: format!(
                    "the service answered {} to {} but its answer names none of the rows sent",
                    answer.status, endpoint.name
                ),
                status: answer.status,
                request_id: request_id(answer),
                body: String::from_utf8_lossy(&answer.body).into(),
            });
        }
        if !absent.is_empty() {
            let (state, fault) = match endpoint.absent {
                Absent::Refused(_) if in_doubt && !self.reads() => (
                    State::Unknown,
                    Fault::new(
                        "not_named",
                        "an earlier try got no answer and may have been executed; the next one did not name this row",
                        "look it up in the project",
                    ),
                ),
                Absent::Refused(reason) => (State::Rejected, Fault::new("not_named", reason, "")),
                Absent::InDoubt => {
                    let mut fault = Fault::new(
                        "not_paired",
                        format!(
                            "the service answered {} but no entry of its answer belongs to this row for certain",
                            answer.status
                        ),
                        "look the row up in the project before sending it again",
                    );
                    fault.status = Some(answer.status);
                    fault.body = Some(String::from_utf8_lossy(&answer.body).into());
                    (State::Unknown, fault)
                }
            };
            self.blame(absent.into_iter(), state, fault);
        }
    }

    /// Rows that were named on the way to this batch, and now nothing will prove it: they were refused with others.
    fn doubt(&self, batch: &Batch) {
        let mut ledger = lock(&self.ledger);
        for item in batch.named.iter().flat_map(|part| &part.items) {
            if ledger.state(item.row) == State::Rejected {
                ledger.doubt(item.row, State::Failed);
            }
        }
    }

    fn refuse(&mut self, batch: &Batch, error: Error, in_doubt: bool) {
        let rows = || batch.items.iter().map(|item| item.row);
        let endpoint = self.job.endpoint;
        let concerns_rows = match &error {
            Error::Service(refusal) => match refusal.status {
                400 | 409 | 413 | 422 => !self.reads(),
                403 => endpoint.forbidden == Concerns::Rows,
                404 => endpoint.not_found == Concerns::Rows,
                _ => false,
            },
            _ => false,
        };
        if !concerns_rows || in_doubt {
            self.doubt(batch);
        }
        match error {
            // An earlier try may have been executed, and then this refusal only says that it cannot be done twice.
            Error::Service(refusal) if in_doubt && refusal.status < 500 && !self.reads() => {
                let error = Error::Service(refusal);
                let mut fault = Fault::of(&error);
                fault.message = format!(
                    "an earlier try got no answer and may have been executed; then {}",
                    fault.message
                );
                self.blame(rows(), State::Unknown, fault);
                if !concerns_rows {
                    self.give_up(error);
                }
            }
            Error::Service(refusal) => match refusal.status {
                _ if concerns_rows => self.split(batch, &refusal),
                500.. => {
                    let error = Error::Service(refusal);
                    self.blame(rows(), State::Unknown, Fault::of(&error));
                    self.lost(error);
                }
                _ => {
                    let error = Error::Service(refusal);
                    self.blame(rows(), State::Failed, Fault::of(&error));
                    self.give_up(error);
                }
            },
            Error::Transport(_) => {
                let state = if in_doubt || error.sent() == Sent::Maybe {
                    State::Unknown
                } else {
                    State::Failed
                };
                self.blame(rows(), state, Fault::of(&error));
                self.lost(error);
            }
            _ => {
                let state = if in_doubt { State::Unknown } else { State::NotSent };
                let mut ledger = lock(&self.ledger);
                let fault = ledger.add_fault(Fault::of(&error));
                rows().for_each(|row| ledger.set_fault(row, state, fault));
                drop(ledger);
                self.give_up(error);
            }
        }
    }

    /// A refusal that concerns rows: blames those it can, sends the others again.
    fn split(&mut self, batch: &Batch, refusal: &ServiceError) {
        self.lost_in_a_row = 0;
        let endpoint = self.job.endpoint;
        let split = bisect::split(endpoint, batch, refusal);
        let whole = Error::Service(Box::new(refusal.clone()));
        if refusal.status == 404 && batch.items.len() == 1 && self.succeeded == 0 {
            self.not_found += 1;
            if self.not_found >= MOST_NOT_FOUND {
                // Not some rows are missing but what they are in: the project.
                self.blame(
                    batch.items.iter().map(|item| item.row),
                    State::Failed,
                    Fault::of(&whole),
                );
                self.doubt(batch);
                self.give_up(whole);
                return;
            }
        }
        for (row, violation) in &split.blamed {
            let fault = match violation {
                Some(violation) => Fault::violation(refusal, violation),
                None => Fault::of(&whole),
            };
            self.blame(std::iter::once(*row), State::Rejected, fault);
        }
        if split.again.is_empty() {
            return;
        }
        let mut ledger = lock(&self.ledger);
        // The whole request was refused, so these rows were not executed; should the run end here, that is the reason.
        let mut fault = Fault::of(&whole);
        let spent = self.bisects >= BISECTS + 2 * self.succeeded;
        fault.message = if spent {
            format!(
                "too many requests were spent on finding the bad rows of refused ones; {}",
                fault.message
            )
        } else {
            format!(
                "not executed: its request was refused for a bad row among them, this one or another; {}",
                fault.message
            )
        };
        let fault = ledger.add_fault(fault);
        for item in split.again.iter().flat_map(|part| &part.items) {
            // It was named before, and now the naming is in doubt.
            self.bad -= u64::from(ledger.state(item.row) == State::Rejected);
            ledger.set_fault(item.row, State::Failed, fault);
            self.bad += u64::from(spent);
        }
        if !spent {
            self.bisects += 1;
            split
                .again
                .into_iter()
                .rev()
                .for_each(|part| self.waiting.push_front(part));
        }
    }

    fn blame(&mut self, rows: impl Iterator<Item = u32>, state: State, fault: Fault) {
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(fault);
        for row in rows {
            ledger.set_fault(row, state, fault);
            self.bad += 1;
        }
    }

    fn lost(&mut self, error: Error) {
        self.lost_in_a_row += 1;
        if self.lost_in_a_row >= MOST_LOST || self.reads() {
            self.give_up(error);
        }
    }

    /// Whether this run only reads: then one part that cannot be had ends it, since half an answer is none.
    fn reads(&self) -> bool {
        self.job.endpoint.done == Done::Read
    }

    /// Ends the run: no new requests. The first reason stands.
    fn give_up(&mut self, error: Error) {
        self.fatal.get_or_insert(error);
        self.stop.to(Phase::Drain);
    }
}
