//! Carries out what the machine of a run decides: the only part of a run that waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::error::Error;
use crate::http::{Caller, Phase, Stop, scope};
use crate::input::Source;
use crate::ledger::SharedLedger;
use crate::ledger::journal::{Commits, New};
use crate::run::activity::CurrentActivity;
use crate::run::context::Context;
use crate::run::look;
use crate::run::machine::{Command, Ended, Event, Machine, Time};
use crate::run::send::Sender;
use crate::run::state::{Job, State};
use crate::run::{existing, matched};

/// How long to wait for requests in flight after a stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// A bulk run.
pub struct Run {
    machine: Machine,
    sender: Sender,
    context: Context,
    stop: Stop,
    /// The requests in flight, writes and reads.
    tasks: JoinSet<Event>,
    /// Journal writes in progress, which run in parallel with requests.
    writing: JoinSet<Result<(), Error>>,
}

impl Run {
    /// Creates a run. The ledger may be read by others during the run.
    #[must_use]
    pub fn new(caller: Arc<Caller>, mut job: Job, ledger: SharedLedger, stop: Stop) -> Self {
        let journal = job.journal.take().map(Commits::new);
        let mut state = State::new(caller, job, ledger.clone(), stop.clone());
        state.is_recorded = journal.is_some();
        let sender = Sender {
            session: state.session(),
            ledger,
            journal,
            reads: state.reads(),
            keep: state.job.keep,
        };
        let context = Context {
            session: state.session(),
            ledger: sender.ledger.clone(),
            project: state.job.project,
        };
        Self {
            sender,
            context,
            machine: Machine::new(state),
            stop,
            tasks: JoinSet::new(),
            writing: JoinSet::new(),
        }
    }

    /// The current activity, for progress reports.
    #[must_use]
    pub fn activity(&self) -> CurrentActivity {
        self.machine.activity()
    }

    /// Runs to the end. After that, every row has an outcome, even if there was an error.
    pub async fn drive(mut self, mut source: Box<dyn Source>) -> Ended {
        let start = Instant::now();
        let mut events = vec![Event::Tick];
        while !events.is_empty() {
            let time = self.time(start);
            let commands = self.machine.on(std::mem::take(&mut events), time);
            for command in commands {
                if let Command::Read = command {
                    events.push(Event::Rows(source.fill(self.machine.sink())));
                    // Reading takes long and does not yield by itself, so let the run's driver check for signals.
                    tokio::task::yield_now().await;
                } else {
                    self.carry_out(command);
                }
            }
            if events.is_empty() {
                events.extend(self.next(start).await);
            }
            // Responses that have arrived meanwhile may show that nothing more is to be sent.
            events.extend(self.arrived());
        }
        // Rows of requests still in flight stay unknown in the ledger.
        self.tasks.shutdown().await;
        self.machine.conclude();
        self.close(source.rows(), start).await;
        self.machine.end(start.elapsed())
    }

    fn time(&self, start: Instant) -> Time {
        Time {
            since_start: start.elapsed(),
            service: self.sender.session.caller.clock().now(),
        }
    }

    /// Waits for the next event. Returns `None` if there is nothing left to do, or if the run is to end now.
    async fn next(&mut self, start: Instant) -> Option<Event> {
        let due = self.machine.due();
        let is_idle = self.tasks.is_empty();
        if is_idle && due.is_none() {
            return None;
        }
        let phase = if is_idle { Phase::Drain } else { Phase::Now };
        tokio::select! {
            biased;
            () = self.stop.reached(phase) => is_idle.then_some(Event::Tick),
            Some(joined) = self.tasks.join_next() => Some(event_of(joined)),
            Some(written) = self.writing.join_next() => Some(Event::Written(written_of(written))),
            () = tokio::time::sleep_until(start + due.unwrap_or_default()), if due.is_some() => Some(Event::Tick),
        }
    }

    /// Returns the events that have arrived.
    fn arrived(&mut self) -> Vec<Event> {
        let joined = std::iter::from_fn(|| self.tasks.try_join_next());
        let mut events: Vec<Event> = joined.map(event_of).collect();
        let written = std::iter::from_fn(|| self.writing.try_join_next());
        events.extend(written.map(|written| Event::Written(written_of(written))));
        events
    }

    /// Starts what ends with an event.
    fn carry_out(&mut self, command: Command) {
        let context = self.context.clone();
        match command {
            // The source is not shared with tasks.
            Command::Read => {}
            Command::Send(flight) => {
                let sender = self.sender.clone();
                self.tasks.spawn(scope::inherit(async move {
                    let ended = sender.send(&flight).await;
                    Event::Completed(flight.batch, flight.sending, ended)
                }));
            }
            Command::Look(doubts) => {
                self.tasks.spawn(scope::inherit(async move {
                    let (doubts, evidence) = look::look(context, doubts).await;
                    Event::Looked(doubts, evidence)
                }));
            }
            Command::Glance(glance) => {
                self.tasks
                    .spawn_blocking(move || Event::Glanced(glance.others.with_rows(&glance.rows)));
            }
            Command::ReadExisting(search) => {
                self.tasks.spawn(scope::inherit(async move {
                    Event::Existing(existing::read(&context, search).await)
                }));
            }
            Command::ReadContents(write, ids) => {
                self.tasks.spawn(scope::inherit(async move {
                    Event::Contents(matched::read(&context, write, &ids).await)
                }));
            }
            Command::Write => {
                let Some(journal) = self.sender.journal.clone() else {
                    return;
                };
                let ledger = self.sender.ledger.clone();
                self.writing
                    .spawn(async move { journal.write(&ledger, New::Next).await });
            }
        }
    }

    /// Writes the final state to the journal.
    async fn close(&mut self, rows: Option<usize>, start: Instant) {
        // These writes use the journal, which must be free once the call has ended.
        while let Some(written) = self.writing.join_next().await {
            let time = self.time(start);
            self.machine.take(Event::Written(written_of(written)), time);
        }
        self.machine.explain(rows);
        let Some(journal) = self.sender.journal.take() else {
            return;
        };
        if self.machine.may_record()
            && let Err(error) = journal.write(&self.sender.ledger, New::All).await
        {
            self.machine.give_up(error);
        }
        // Another call may continue the run once this call has ended.
        journal.close().await;
    }
}

fn event_of(joined: Result<Event, JoinError>) -> Event {
    joined.unwrap_or_else(|error| Event::Broken(error.to_string()))
}

fn written_of(written: Result<Result<(), Error>, JoinError>) -> Result<(), Error> {
    written.unwrap_or_else(|error| Err(Error::Journal(format!("the journal was not written: {error}"))))
}
