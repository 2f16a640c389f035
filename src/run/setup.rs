//! Carries out the setup plan of a project. Dependent steps are sent in order, and independent steps concurrently, up
//! to the limit of requests in flight.
//!
//! `machine` decides when a step begins, and `create`, `assign` and `extend` decide how it goes on. None of them does
//! I/O: the driver of bulk runs carries out their commands.

mod assign;
mod create;
mod extend;
mod machine;
mod object;
mod outcome;
mod progress;
mod request;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::api::Call;
use crate::call::Session;
use crate::error::Error;
use crate::http::{CallOutcome, Response, Stage, no_observer};
use crate::ids::ProjectId;
use crate::model::value;
use crate::run::drive::{Driven, Timer, Work, drive};
use crate::settings::setup::Plan;
use machine::{Command, Event, Machine};
pub use outcome::{Outcome, Status};
use request::Target;

/// The target project of a setup.
#[derive(Clone)]
pub struct Writer {
    pub session: Session,
    pub project: ProjectId,
}

impl Writer {
    /// Carries out a plan. Returns one outcome per step.
    pub async fn apply(&self, plan: &Plan) -> Vec<Outcome> {
        let target = Target {
            session: self.session.clone(),
            project: self.project.to_string(),
        };
        let mut setup = Setup {
            session: &self.session,
            machine: Machine::new(plan, target),
        };
        drive(&mut setup, &self.session.stop, Timer::start()).await;
        setup.machine.end()
    }
}

/// A setup, and the session that carries out its commands.
struct Setup<'s> {
    session: &'s Session,
    machine: Machine<'s>,
}

impl Driven for Setup<'_> {
    type Event = Event;
    type Command = Command;

    fn tick() -> Event {
        Event::Tick
    }

    fn broken(reason: String) -> Event {
        Event::Broken(reason)
    }

    fn on(&mut self, events: Vec<Event>, now: Duration) -> Vec<Command> {
        self.machine.on(events, now)
    }

    fn due(&self) -> Option<Duration> {
        self.machine.due()
    }

    fn begin(&mut self, command: Command) -> Work<Event> {
        let session = self.session.clone();
        Work::Requests(match command {
            Command::Send(step, call, has_left) => {
                Box::pin(async move { Event::Completed(step, send(&session, &call, &has_left).await) })
            }
            Command::Read(step, list) => {
                Box::pin(async move { Event::Listed(step, read(&session, list).await) })
            }
        })
    }
}

/// Sends a request. Sets `has_left` while the request may have been executed.
async fn send(session: &Session, call: &Call, has_left: &AtomicBool) -> CallOutcome<Response> {
    let at = |stage| {
        has_left.store(stage == Stage::Leaving, Ordering::Relaxed);
        no_observer(stage)
    };
    session.call(call, &at, &Ok).await
}

/// Reads the entries of a list.
async fn read(session: &Session, list: Call) -> Result<Vec<Value>, Error> {
    let entries = session.pages(list).rows(value::read).await?;
    Ok(entries.into_iter().flatten().collect())
}
