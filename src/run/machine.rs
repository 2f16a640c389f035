//! Decides what a run does next: events in, commands out. It sends, reads and waits for nothing, and gets the time with each
//! event.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::api::Write;
use crate::columns::Table;
use crate::error::{Error, Sent, TransportError};
use crate::http::{CallOutcome, Moment, Phase};
use crate::input::{More, Sink, SourceError};
use crate::ledger::journal::SameRows;
use crate::ledger::lock;
use crate::run::activity::{Activity, CurrentActivity};
use crate::run::existing::{Existing, Search};
use crate::run::look::Evidence;
use crate::run::matched::Matched;
use crate::run::other_runs::Glance;
use crate::run::pack::{Ahead, Batch, Packer};
use crate::run::pairing::PairedResponse;
use crate::run::reconcile::Doubt;
use crate::run::send::Flight;
use crate::run::state::{State, usual_activity};

/// The current time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub since_start: Duration,
    /// The time by the service's clock, as far as it is known.
    pub service: Moment,
}

/// Something that happened.
pub(super) enum Event {
    /// The run begins, time has passed, or the run was stopped.
    Tick,
    /// Rows were read.
    Rows(Result<More, SourceError>),
    /// A request ended: its batch, its number in the ledger, and its outcome.
    Completed(Batch, u32, CallOutcome<PairedResponse>),
    /// Requests with an unknown outcome were looked up.
    Looked(Vec<Doubt>, Result<Evidence, Error>),
    /// The files of other runs were read. Contains a run that has created the rows.
    Glanced(Option<SameRows>),
    /// The assets of the project that have an import key were read.
    Existing(Result<Existing, Error>),
    /// Assets were read by their ids.
    Contents(Result<HashMap<String, Value>, Error>),
    /// The ledger was written to the journal.
    Written(Result<(), Error>),
    /// A task ended without an event, which happens only if the transport panics.
    Broken(String),
}

/// Something to do. Each ends with an event.
pub(super) enum Command {
    /// Read rows into [`Machine::sink`].
    Read,
    Send(Box<Flight>),
    Look(Vec<Doubt>),
    /// Look for the first rows in other runs.
    Glance(Box<Glance>),
    ReadExisting(Search),
    /// Read the assets with these ids, to compare rows of this write with them.
    ReadContents(&'static Write, Vec<String>),
    /// Write the changes of the ledger and the next new rows to the journal.
    Write,
}

/// What must arrive before the next batch is prepared.
#[derive(PartialEq)]
enum Awaited {
    Nothing,
    Rows,
    Runs,
    Existing,
    Contents,
}

/// A batch whose rows are compared with the assets that have their import keys.
struct Comparison {
    batch: Batch,
    matched: Vec<Matched>,
    /// Whether the last response had none of the assets. It proves nothing, so they are read once more.
    is_missing: bool,
}

impl Comparison {
    /// Returns the ids of the assets to read.
    fn unread(&self) -> Vec<String> {
        self.matched.iter().filter_map(Matched::next_id).collect()
    }
}

/// How a run ended.
pub struct Ended {
    pub table: Table,
    /// The error that ended the run early, if any.
    pub fatal: Option<Error>,
}

/// A run: reads rows, keeps a number of requests in flight, and determines an outcome for every row.
#[allow(clippy::struct_excessive_bools)] // They are independent.
pub(super) struct Machine {
    state: State,
    packer: Packer,
    awaited: Awaited,
    comparison: Option<Comparison>,
    /// The other runs that are still to be looked at.
    glance: Option<Glance>,
    /// Whether there may be more rows.
    more: bool,
    /// The number of invalid rows before the rows that are being read.
    invalid: u64,
    /// The number of writes in flight.
    flights: usize,
    /// Whether the ledger may have changed since it was last written, and whether it is being written.
    unwritten: bool,
    writing: bool,
    /// Whether no earlier call of the run has read rows.
    is_new: bool,
}

impl Machine {
    pub fn new(mut state: State) -> Self {
        let again = std::mem::take(&mut state.job.again);
        let job = &state.job;
        let ahead = if job.replayable {
            Ahead::Everything
        } else {
            Ahead::OneBatch
        };
        let (policy, ledger) = (job.policy.clone(), state.ledger.clone());
        let mut packer = Packer::new(job.write, policy, ledger, job.batch_size, ahead, again);
        if job.dry_run {
            packer.count_only();
        }
        packer.stop = state.stop.clone();
        packer.is_import = !state.reads() && (packer.again.edits || !job.dry_run);
        Self {
            is_new: packer.earlier.is_none(),
            state,
            packer,
            awaited: Awaited::Nothing,
            comparison: None,
            glance: None,
            more: true,
            invalid: 0,
            flights: 0,
            unwritten: false,
            writing: false,
        }
    }

    /// Returns what receives the rows of [`Command::Read`].
    pub fn sink(&mut self) -> &mut dyn Sink {
        &mut self.packer
    }

    pub fn activity(&self) -> CurrentActivity {
        self.state.activity.clone()
    }

    /// Returns whether the journal may be written.
    pub fn may_record(&self) -> bool {
        self.state.is_recorded && !self.state.is_foreign
    }

    /// Returns when to call [`Self::on`] even if nothing happens, as time since the start of the run.
    pub fn due(&self) -> Option<Duration> {
        // While something is awaited, nothing is looked up.
        let due = self.state.next_look();
        due.filter(|_| self.awaited == Awaited::Nothing)
    }

    /// Handles what has happened, and returns what to do next.
    pub fn on(&mut self, events: Vec<Event>, time: Time) -> Vec<Command> {
        for event in events {
            self.take(event, time);
        }
        if self.state.too_many_bad() && self.flights > 0 {
            // Requests that are still waiting for a slot are not sent.
            self.state.stop.to(Phase::Drain);
        }
        let mut commands = Vec::new();
        // A new run is recorded only after its first rows were compared with those of other runs.
        let is_compared =
            self.packer.again.others.is_none() && self.glance.is_none() || self.state.has_glanced;
        if self.unwritten && !self.writing && is_compared && self.may_record() {
            (self.unwritten, self.writing) = (false, true);
            commands.push(Command::Write);
        }
        while self.awaited == Awaited::Nothing && self.step(&mut commands) {}
        self.note_activity();
        commands
    }

    /// Handles an event, and does nothing else.
    pub fn take(&mut self, event: Event, time: Time) {
        (self.state.now, self.state.clock) = (time.since_start, time.service);
        match event {
            Event::Tick => {}
            Event::Rows(read) => {
                // If all rows are checked first, they are written meanwhile. Else, they are written when they are sent.
                self.unwritten |= self.is_checking();
                self.awaited = Awaited::Nothing;
                self.more = self.state.on_rows(&mut self.packer, read, self.invalid);
                self.glance = self.state.glance(&mut self.packer, !self.more);
            }
            Event::Completed(batch, sending, called) => {
                self.flights -= 1;
                self.state.settle(batch, sending, called);
                lock(&self.state.ledger).forget_body(sending);
                self.unwritten = true;
            }
            Event::Looked(doubts, evidence) => {
                let sendings: Vec<u32> = doubts.iter().map(|doubt| doubt.sending).collect();
                self.state.looked(doubts, evidence);
                let mut ledger = lock(&self.state.ledger);
                for sending in sendings {
                    ledger.forget_body(sending);
                }
                drop(ledger);
                self.unwritten = true;
            }
            Event::Glanced(same) => {
                self.awaited = Awaited::Nothing;
                self.state
                    .on_glance(same.as_ref(), self.packer.again.run.as_deref());
            }
            Event::Existing(existing) => self.on_existing(existing),
            Event::Contents(contents) => self.on_contents(contents),
            Event::Written(written) => {
                self.writing = false;
                match written {
                    Ok(()) => self.unwritten |= lock(&self.state.ledger).has_changes(),
                    Err(error) => self.give_up(error),
                }
            }
            // The rows keep their current status.
            Event::Broken(reason) => {
                self.give_up(Error::Transport(TransportError::new(
                    Sent::Maybe,
                    format!("a request was lost inside the client: {reason}"),
                )));
                self.unwritten = true;
            }
        }
    }

    /// Stops the run from sending new requests. Keeps the first error.
    pub fn give_up(&mut self, error: Error) {
        self.state.give_up(error);
    }

    /// Returns whether all rows are still to be checked before the first request.
    fn is_checking(&self) -> bool {
        let Self { state, more, .. } = self;
        *more && state.job.replayable && state.fatal.is_none() && state.stop.phase() == Phase::Run
    }

    /// Takes one step toward the next requests. Returns whether there may be another step.
    fn step(&mut self, commands: &mut Vec<Command>) -> bool {
        if let Some(glance) = self.glance.take() {
            self.awaited = Awaited::Runs;
            commands.push(Command::Glance(Box::new(glance)));
            return false;
        }
        if self.is_checking() {
            return self.read(commands);
        }
        if let Some(comparison) = self
            .comparison
            .take_if(|comparison| comparison.unread().is_empty())
        {
            self.settle(comparison);
            return true;
        }
        commands.extend(self.state.look().map(Command::Look));
        if !self.state.going() {
            return false;
        }
        if let Some(comparison) = &self.comparison {
            self.awaited = Awaited::Contents;
            commands.push(Command::ReadContents(comparison.batch.write, comparison.unread()));
            return false;
        }
        let in_flight = self.flights + usize::from(self.state.recovery.is_looking());
        if in_flight >= self.state.caller.options().max_in_flight {
            return false;
        }
        let Some(batch) = self.state.waiting.pop_front() else {
            return self.prepare(commands);
        };
        let Some(batch) = self.filled(batch) else {
            return true;
        };
        if self.flights > 0 && self.state.is_trial(&batch) {
            self.state.waiting.push_front(batch);
            return false;
        }
        if let Some(batch) = self.state.cut(batch) {
            commands.extend(self.launch(batch));
        }
        true
    }

    /// Prepares the next batch, or reads rows for it.
    fn prepare(&mut self, commands: &mut Vec<Command>) -> bool {
        if self.packer.has_ready()
            && let Some((lookup, import_key)) = self.state.needs_existing(&self.packer)
        {
            // If all rows are known, so are the keys to look for.
            let wanted = (!self.more).then(|| self.packer.import_keys());
            self.awaited = Awaited::Existing;
            commands.push(Command::ReadExisting(Search {
                lookup,
                import_key,
                wanted,
            }));
            return false;
        }
        self.begin_comparison() || self.more && self.read(commands)
    }

    fn read(&mut self, commands: &mut Vec<Command>) -> bool {
        let name = self.state.job.write.endpoint.name;
        let most = self.state.caller.row_limit(name, |limit| limit.most());
        self.packer.at_most(most);
        self.invalid = self.packer.invalid;
        self.awaited = Awaited::Rows;
        commands.push(Command::Read);
        false
    }

    fn on_existing(&mut self, existing: Result<Existing, Error>) {
        self.awaited = Awaited::Nothing;
        match existing {
            Ok(existing) => self.state.existing = Some(existing),
            // The run was stopped meanwhile, so nothing more is sent.
            Err(_) if self.state.stop.phase() > Phase::Run => return,
            Err(error) => return self.give_up(error),
        }
        // Before the first request, so that on_error="stop" sends nothing.
        for batch in self.packer.ready() {
            self.state.refuse_numbers(batch, &self.packer.writer);
        }
        for batch in self.packer.ready() {
            self.state.refuse_short_keys(batch, &self.packer.writer);
        }
    }

    /// Takes the next batch of the packer, if there is one.
    fn begin_comparison(&mut self) -> bool {
        let Some(batch) = self.packer.take() else {
            return false;
        };
        self.state.refuse_numbers(&batch, &self.packer.writer);
        self.state.refuse_short_keys(&batch, &self.packer.writer);
        self.comparison = Some(Comparison {
            matched: self.state.matched(&batch),
            batch,
            is_missing: false,
        });
        true
    }

    fn on_contents(&mut self, contents: Result<HashMap<String, Value>, Error>) {
        self.awaited = Awaited::Nothing;
        let Some(mut comparison) = self.comparison.take() else {
            return;
        };
        match contents {
            Ok(contents) => {
                let was_missing = comparison.is_missing;
                comparison.is_missing = !self.state.note_contents(&mut comparison.matched, &contents);
                if was_missing && comparison.is_missing {
                    self.settle(comparison);
                } else {
                    self.comparison = Some(comparison);
                }
            }
            // The run was stopped meanwhile, so nothing more is sent.
            Err(_) if self.state.stop.phase() > Phase::Run => {}
            Err(error) => self.give_up(error),
        }
    }

    /// Lets the rows that are still to be sent wait.
    fn settle(&mut self, comparison: Comparison) {
        let Comparison { batch, matched, .. } = comparison;
        let wanted = self.state.still_wanted(batch, &matched, &self.packer.writer);
        self.state.waiting.extend(wanted);
    }

    /// Fills up a batch that is the remainder of a batch that had too many rows. Returns `None` if the next batch must be
    /// prepared for that.
    fn filled(&mut self, mut batch: Batch) -> Option<Batch> {
        let write = batch.write;
        let known = self
            .state
            .caller
            .row_limit(write.endpoint.name, |limit| limit.most());
        let most = known
            .min(self.state.job.batch_size)
            .min(write.endpoint.items().most);
        while batch.remainder && batch.items.len() < most {
            let Some(next) = self.state.waiting.pop_front() else {
                if !self.begin_comparison() {
                    break;
                }
                self.state.waiting.push_front(batch);
                return None;
            };
            let before = batch.items.len();
            if let Some(left) = batch.fill(next, most) {
                self.state.waiting.push_front(left);
            }
            if batch.items.len() == before {
                break;
            }
        }
        Some(batch)
    }

    /// Returns the command that sends a batch.
    fn launch(&mut self, batch: Batch) -> Option<Command> {
        let Self { state, .. } = self;
        let write = batch.write;
        let project = state.job.project.to_string();
        let call = match state.session().to(&write.endpoint, &[("project", &project)]) {
            Ok(call) => call
                .with_query(state.job.query.iter().cloned())
                .with_body(batch.body()),
            Err(error) => {
                state.give_up(error);
                return None;
            }
        };
        let sending = lock(&state.ledger).begin_sending(batch.to_keep());
        self.flights += 1;
        Some(Command::Send(Box::new(Flight { batch, sending, call })))
    }

    fn note_activity(&self) {
        let is_idle = self.flights == 0 && !self.state.recovery.is_looking();
        self.state.activity.set(match self.awaited {
            Awaited::Existing => Activity::ImportKeys,
            // Nothing is sent before the lookup of lost responses.
            Awaited::Nothing if is_idle && self.due().is_some() => Activity::Waiting,
            _ if self.flights == 0 && self.state.recovery.is_looking() => Activity::Recovery,
            _ => usual_activity(&self.state.job),
        });
    }

    /// Notes why the run ends, once nothing is in flight.
    pub fn conclude(&mut self) {
        let State {
            fatal,
            breaker,
            reached,
            unreached,
            ..
        } = &mut self.state;
        if fatal.is_none() {
            *fatal = breaker.final_error();
        }
        if fatal.is_none() && !*reached {
            // No request reached the service, so the error does not concern individual rows.
            *fatal = unreached.take();
        }
    }

    /// Adds the final warnings, and records why the remaining rows were not sent. `rows` is the number of rows of the
    /// source, if it is known.
    pub fn explain(&mut self, rows: Option<usize>) {
        self.state.explain(rows);
    }

    /// Ends the run, which has taken this long.
    pub fn end(self, taken: Duration) -> Ended {
        let Self { state, packer, .. } = self;
        let mut ledger = lock(&state.ledger);
        let load =
            |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss)] // Far below 2^52 milliseconds.
        let throttled = load(&state.counters.throttled) as f64 / 1000.0;
        ledger.stats.retries += load(&state.counters.retries);
        ledger.stats.bisects += state.splitter.divided();
        ledger.stats.throttled += throttled;
        ledger.stats.seconds += taken.as_secs_f64();
        ledger.stats.bytes_sent += load(&state.counters.bytes);
        if ledger.columns.is_empty() && !state.is_foreign {
            // The rows were not read to their end.
            ledger.columns = packer.writer.uses().to_vec();
        }
        if state.job.dry_run {
            if self.is_new {
                // Nothing is recorded, so the rows to fix are those of a check.
                ledger.import_prefix = None;
            }
            ledger.plan = packer.estimate(&state.caller.options().limits, &ledger);
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
            table: state.table,
            fatal: state.fatal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::{RowShape, assets};
    use crate::http::send::Sending;
    use crate::http::{By, Caller, Request, Stop, Token, Transport};
    use crate::ids::ProjectId;
    use crate::input::{Cell, Label};
    use crate::ledger::{SharedLedger, Status};
    use crate::options::Options;
    use crate::rows::{Dates, Names, Nulls, Policy};
    use crate::run::pack::Again;
    use crate::run::state::{Job, Tolerance};

    const STATUS: &str = "3c6bf4c0-6f0e-4c0b-9a3a-0a8a4f2ea001";

    struct NoNetwork;

    impl Transport for NoNetwork {
        fn send(&self, _: Request) -> Sending<'_> {
            panic!("the machine sends nothing itself")
        }
    }

    /// Creates a run that may have two requests in flight.
    fn machine(ledger: &SharedLedger, tolerance: Tolerance) -> Machine {
        let options = Options {
            max_in_flight: 2,
            ..Options::default()
        };
        let caller = Caller::alone(Box::new(NoNetwork), Token::fixed("token"), options);
        let job = Job {
            write: &assets::BATCH_CREATE,
            project: ProjectId::parse("f6a1e3b5-abaa-4b01-b33a-5d55f36ba047").unwrap(),
            query: Vec::new(),
            policy: Policy {
                shape: RowShape::NewAsset,
                nulls: Nulls::Omit,
                dates: Dates::Strict,
                id_column: "id".into(),
                import_key: None,
                names: Names::default(),
            },
            batch_size: 100,
            tolerance,
            dry_run: false,
            keep: false,
            replayable: true,
            reconcile: true,
            again: Again::default(),
            journal: None,
        };
        Machine::new(State::new(Arc::new(caller), job, ledger.clone(), Stop::default()))
    }

    fn fill(machine: &mut Machine, rows: usize, status: &str) {
        let sink = machine.sink();
        let columns = ["clientAssetId", "categoryId", "statusId"].map(|name| sink.column(name));
        for row in 0..rows {
            sink.begin(Label::Number);
            for (column, text) in columns.into_iter().zip([&format!("A-{row}"), "4", status]) {
                sink.cell(column, &Cell::Text(text));
            }
            sink.end();
        }
    }

    fn after(seconds: u64) -> Time {
        at(Duration::from_secs(seconds))
    }

    fn at(since_start: Duration) -> Time {
        let service = Moment {
            local: 0,
            earliest: 0,
            latest: 0,
            by: By::Local,
        };
        Time { since_start, service }
    }

    /// Lets the machine read rows, and returns the flights that it wants to begin.
    fn begun(machine: &mut Machine, rows: usize, status: &str) -> Vec<Flight> {
        assert!(matches!(
            machine.on(vec![Event::Tick], after(0))[..],
            [Command::Read]
        ));
        fill(machine, rows, status);
        flights(machine.on(vec![Event::Rows(Ok(More::End))], after(0)))
    }

    fn flights(commands: Vec<Command>) -> Vec<Flight> {
        let flights = commands.into_iter().filter_map(|command| match command {
            Command::Send(flight) => Some(*flight),
            _ => None,
        });
        flights.collect()
    }

    fn lost(flight: Flight) -> Event {
        let reset = TransportError::new(Sent::Maybe, "reset".to_owned());
        Event::Completed(
            flight.batch,
            flight.sending,
            CallOutcome {
                result: Err(Error::Transport(reset)),
                attempts: 1,
                in_doubt: true,
                stopped: false,
            },
        )
    }

    #[test]
    fn as_many_requests_are_in_flight_as_may_be() {
        let ledger = SharedLedger::default();
        let mut machine = machine(&ledger, Tolerance::All);
        let first = begun(&mut machine, 350, STATUS);
        assert_eq!(first.len(), 2);
        assert!(machine.on(vec![Event::Tick], after(1)).is_empty());
        let lost: Vec<Event> = first.into_iter().map(lost).collect();
        // Both are known to be lost before another one is sent.
        assert_eq!(flights(machine.on(lost, after(1))).len(), 2);
        assert_eq!(lock(&ledger).status(0), Status::Unknown);
        assert_eq!(lock(&ledger).status(300), Status::NotSent);
    }

    #[test]
    fn lost_requests_are_looked_up_together_when_they_are_due() {
        let ledger = SharedLedger::default();
        let mut machine = machine(&ledger, Tolerance::All);
        let lost: Vec<Event> = begun(&mut machine, 200, STATUS).into_iter().map(lost).collect();
        assert!(machine.on(lost, after(5)).is_empty());
        let due = machine.due().unwrap();
        assert!(
            machine
                .on(
                    vec![Event::Tick],
                    at(due.checked_sub(Duration::from_millis(1)).unwrap())
                )
                .is_empty()
        );
        let [Command::Look(doubts)] = &machine.on(vec![Event::Tick], at(due))[..] else {
            panic!("nothing is looked up");
        };
        assert_eq!(doubts.len(), 2);
        // One lookup at a time.
        assert_eq!(machine.due(), None);
    }

    #[test]
    fn the_run_is_not_woken_for_a_lookup_while_it_awaits_something() {
        let ledger = SharedLedger::default();
        let mut machine = machine(&ledger, Tolerance::All);
        let lost: Vec<Event> = begun(&mut machine, 100, STATUS).into_iter().map(lost).collect();
        machine.on(lost, after(5));
        assert!(machine.due().is_some());
        for awaited in [Awaited::Rows, Awaited::Runs, Awaited::Existing, Awaited::Contents] {
            machine.awaited = awaited;
            assert_eq!(machine.due(), None);
        }
    }

    #[test]
    fn nothing_is_sent_after_a_bad_row_if_none_is_tolerated() {
        let ledger = SharedLedger::default();
        let mut machine = machine(&ledger, Tolerance::None);
        assert!(begun(&mut machine, 100, "no status").is_empty());
        assert_eq!(machine.due(), None);
        machine.conclude();
        machine.explain(Some(100));
        assert_eq!(lock(&ledger).status(99), Status::Invalid);
    }

    #[test]
    fn a_stopped_run_sends_nothing_more() {
        let ledger = SharedLedger::default();
        let mut machine = machine(&ledger, Tolerance::All);
        let first = begun(&mut machine, 350, STATUS);
        machine.state.stop.to(Phase::Drain);
        let lost: Vec<Event> = first.into_iter().map(lost).collect();
        assert!(machine.on(lost, after(1)).is_empty());
        assert_eq!(machine.due(), None);
    }
}
