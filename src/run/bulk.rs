//! A bulk run: carries out what its machine decides.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::http::{Caller, Stop};
use crate::input::Source;
use crate::ledger::SharedLedger;
use crate::ledger::journal::{Commits, New};
use crate::run::activity::CurrentActivity;
use crate::run::context::Context;
use crate::run::drive::{Driven, Timer, Work, drive};
use crate::run::event::{Command, Event, Time};
use crate::run::job::Job;
use crate::run::machine::{Ended, Machine};
use crate::run::send::{Flight, Sender};
use crate::run::state::State;
use crate::run::{existing, lookup, matched};

/// A bulk run.
pub struct Run {
    machine: Machine,
    sender: Sender,
    context: Context,
    stop: Stop,
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
        let context = state.context();
        Self {
            sender,
            context,
            machine: Machine::new(state),
            stop,
        }
    }

    /// The current activity, for progress reports.
    #[must_use]
    pub fn activity(&self) -> CurrentActivity {
        self.machine.activity()
    }

    /// Runs to the end. After that, every row has an outcome, even if there was an error.
    pub async fn drive(mut self, source: Box<dyn Source>) -> Ended {
        self.machine.expect(source.rows());
        let (timer, stop) = (Timer::start(), self.stop.clone());
        // Boxed, because the future would otherwise have room for several runs.
        let mut reading = Box::new(Reading { run: self, source });
        let recorded = drive(&mut *reading, &stop, timer).await;
        // Rows of requests that were in flight stay unknown in the ledger.
        reading.run.machine.conclude();
        let time = reading.run.time(timer.elapsed());
        for event in recorded {
            reading.run.machine.take(event, time);
        }
        reading.run.machine.explain(reading.source.rows());
        reading.run.close().await;
        let Reading { run, .. } = *reading;
        run.machine.end(timer.elapsed())
    }

    fn time(&self, since_start: Duration) -> Time {
        Time {
            since_start,
            service: self.sender.session.caller.clock().now(),
        }
    }

    /// Writes the final state to the journal.
    async fn close(&mut self) {
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

/// A run and the source of its rows, which is not shared with tasks.
struct Reading {
    run: Run,
    source: Box<dyn Source>,
}

impl Driven for Reading {
    type Event = Event;
    type Command = Command;

    fn tick() -> Event {
        Event::Tick
    }

    fn broken(reason: String) -> Event {
        Event::Broken(reason)
    }

    fn unrecorded(reason: String) -> Event {
        Event::Written(Err(Error::Journal(format!(
            "the journal was not written: {reason}"
        ))))
    }

    fn on(&mut self, events: Vec<Event>, now: Duration) -> Vec<Command> {
        let time = self.run.time(now);
        self.run.machine.on(events, time)
    }

    fn due(&self) -> Option<Duration> {
        self.run.machine.due()
    }

    fn begin(&mut self, command: Command) -> Work<Event> {
        let Run {
            machine,
            sender,
            context,
            ..
        } = &mut self.run;
        let context = context.clone();
        match command {
            Command::Read => Work::Done(Event::Rows(self.source.fill(machine.sink()))),
            Command::Repeat => {
                let again = self.source.again();
                Work::Done(Event::Repeated(again.map(|again| self.source = again)))
            }
            Command::Send(flight) => {
                let sender = sender.clone();
                Work::Requests(Box::pin(async move {
                    let (called, held) = sender.send(&flight, &context).await;
                    let Flight { batch, sending, .. } = *flight;
                    match held {
                        Some(held) => Event::Held(batch, sending, called, held),
                        None => Event::Completed(batch, sending, called),
                    }
                }))
            }
            Command::LookUp(doubts) => Work::Requests(Box::pin(async move {
                let (doubts, evidence) = lookup::look_up(context, doubts).await;
                Event::LookedUp(doubts, evidence)
            })),
            Command::Glance(glance) => Work::Files(Box::new(move || {
                Event::Glanced(glance.others.with_rows(&glance.rows))
            })),
            Command::ReadExisting(search) => Work::Requests(Box::pin(async move {
                Event::Existing(existing::read(&context, search).await)
            })),
            Command::ReadContents(write, ids) => Work::Requests(Box::pin(async move {
                Event::Contents(matched::read(&context, write, &ids).await)
            })),
            Command::Write => {
                // Only a run with a journal writes to it.
                let Some(journal) = sender.journal.clone() else {
                    return Work::Done(Event::Written(Ok(())));
                };
                let ledger = sender.ledger.clone();
                Work::Record(Box::pin(async move {
                    Event::Written(journal.write(&ledger, New::Next).await)
                }))
            }
        }
    }
}
