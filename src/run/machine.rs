//! Decides what a run does next: events in, commands out. It sends, reads and waits for nothing, and gets the time with each
//! event.

mod end;
mod prepare;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::error::{Error, Sent, TransportError};
use crate::http::Phase;
use crate::input::Sink;
use crate::ledger::lock;
use crate::run::activity::{Activity, CurrentActivity};
use crate::run::batch::Batch;
use crate::run::event::{Command, Event, Time};
use crate::run::matched::Matched;
use crate::run::other_runs::Glance;
use crate::run::pack::Packer;
use crate::run::passes::ReadAhead;
use crate::run::send::Flight;
use crate::run::state::{State, usual_activity};

pub use end::Ended;

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
    /// The number of writes in flight, by part.
    flights: Vec<usize>,
    /// Whether the ledger may have changed since it was last written, and whether it is being written.
    unwritten: bool,
    writing: bool,
    /// Whether no earlier call of the run has read rows.
    is_new: bool,
}

impl Machine {
    pub fn new(mut state: State) -> Self {
        let continuation = std::mem::take(&mut state.job.continuation);
        let job = &state.job;
        let ahead = if job.replayable {
            ReadAhead::Everything(job.most_kept)
        } else {
            ReadAhead::OneBatch
        };
        let mut packer = Packer::new(&job.parts, state.ledger.clone(), ahead, continuation);
        if job.dry_run {
            packer.count_only();
        }
        packer.stop = state.stop.clone();
        packer.is_import = !state.reads() && (packer.continuation.edits || !job.dry_run);
        Self {
            is_new: packer.earlier.is_none(),
            packer,
            awaited: Awaited::Nothing,
            comparison: None,
            glance: None,
            more: true,
            invalid: 0,
            flights: vec![0; state.job.parts.len()],
            state,
            unwritten: false,
            writing: false,
        }
    }

    /// Returns what receives the rows of [`Command::Read`].
    pub fn sink(&mut self) -> &mut dyn Sink {
        &mut self.packer
    }

    /// Sets the number of rows of the input, if it is known.
    pub fn expect(&mut self, rows: Option<usize>) {
        self.packer.passes.expect(rows);
        self.packer.seen.expect(rows.unwrap_or_default());
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
        let due = self.state.next_lookup();
        due.filter(|_| self.awaited == Awaited::Nothing)
    }

    /// Handles what has happened, and returns what to do next.
    pub fn on(&mut self, events: Vec<Event>, time: Time) -> Vec<Command> {
        for event in events {
            self.take(event, time);
        }
        if self.state.too_many_bad() && self.in_flight() > 0 {
            // Requests that are still waiting for a slot are not sent.
            self.state.stop.to(Phase::Drain);
        }
        let mut commands = Vec::new();
        // A new run is recorded only after its first rows were compared with those of other runs.
        let is_compared =
            self.packer.continuation.others.is_none() && self.glance.is_none() || self.state.has_glanced;
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
            Event::Repeated(repeated) => {
                self.awaited = Awaited::Nothing;
                match repeated {
                    Ok(()) => {
                        self.packer.read_again();
                        self.more = true;
                    }
                    Err(error) => self.give_up(error.into()),
                }
            }
            Event::Completed(batch, sending, called) => {
                self.flights[batch.part_of_run] -= 1;
                self.state.on_response(batch, sending, called);
                lock(&self.state.ledger).forget_body(sending);
                self.unwritten = true;
            }
            Event::Held(batch, sending, called, held) => {
                self.flights[batch.part_of_run] -= 1;
                self.state.on_held(batch, sending, &called, held);
                lock(&self.state.ledger).forget_body(sending);
                self.unwritten = true;
            }
            Event::LookedUp(doubts, evidence) => {
                let sendings: Vec<u32> = doubts.iter().map(|doubt| doubt.sending).collect();
                self.state.on_lookup(doubts, evidence);
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
                    .on_glance(same.as_ref(), self.packer.continuation.run.as_deref());
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
        let is_first = state.job.replayable && !self.packer.passes.is_second();
        *more && is_first && state.fatal.is_none() && state.stop.phase() == Phase::Run
    }

    /// Returns the number of writes in flight.
    fn in_flight(&self) -> usize {
        self.flights.iter().sum()
    }

    /// Returns whether all rows of a part are settled.
    fn is_settled(&self, part: usize) -> bool {
        let is_of = |batch: &Batch| batch.part_of_run == part;
        !self.more
            && !self.packer.is_to_be_read_again()
            && self.flights[part] == 0
            && !self.packer.ready().any(is_of)
            && !self.state.waiting.iter().any(is_of)
            && !self
                .comparison
                .as_ref()
                .is_some_and(|comparison| is_of(&comparison.batch))
            && !self.state.recovery.has(is_of)
    }

    /// Returns whether the rows of a part may be sent: if it waits, all rows before it must be settled.
    fn may_send(&self, part: usize) -> bool {
        !self.state.job.parts[part].waits || (0..part).all(|before| self.is_settled(before))
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
            self.on_compared(comparison);
            return true;
        }
        commands.extend(self.state.start_lookup().map(Command::LookUp));
        if !self.state.going() {
            return false;
        }
        if let Some(comparison) = &self.comparison {
            self.awaited = Awaited::Contents;
            commands.push(Command::ReadContents(comparison.batch.write, comparison.unread()));
            return false;
        }
        let in_flight = self.in_flight() + usize::from(self.state.recovery.is_looking_up());
        if in_flight >= self.state.caller.options().max_in_flight {
            return false;
        }
        let Some(batch) = self.state.waiting.pop_front() else {
            return self.prepare(commands);
        };
        let Some(batch) = self.filled(batch) else {
            return true;
        };
        if self.in_flight() > 0 && self.state.is_trial(&batch) {
            self.state.waiting.push_front(batch);
            return false;
        }
        if let Some(batch) = self.state.cut(batch) {
            commands.extend(self.launch(batch));
        }
        true
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
            .min(self.state.job.part_of(&batch).batch_size)
            .min(write.endpoint.items().most);
        while batch.remainder && batch.items.len() < most {
            let Some(next) = self.state.waiting.pop_front() else {
                // The batch is back in its place first: a part that waits for its rows must see it.
                self.state.waiting.push_front(batch);
                if self.begin_comparison() {
                    return None;
                }
                return self.state.waiting.pop_front();
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
                .with_query(state.job.part_of(&batch).query.iter().cloned())
                .with_body(batch.body()),
            Err(error) => {
                state.give_up(error);
                return None;
            }
        };
        let sending = lock(&state.ledger).begin_sending(batch.to_keep());
        self.flights[batch.part_of_run] += 1;
        let compared = state.job.part_of(&batch).compared.clone();
        Some(Command::Send(Box::new(Flight {
            batch,
            sending,
            call,
            compared,
        })))
    }

    fn note_activity(&self) {
        let is_idle = self.in_flight() == 0 && !self.state.recovery.is_looking_up();
        self.state.activity.set(match self.awaited {
            Awaited::Existing => Activity::ImportKeys,
            // Nothing is sent before the lookup of lost responses.
            Awaited::Nothing if is_idle && self.due().is_some() => Activity::Waiting,
            _ if self.in_flight() == 0 && self.state.recovery.is_looking_up() => Activity::Recovery,
            _ => usual_activity(&self.state.job),
        });
    }
}
