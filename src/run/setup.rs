//! Carries out the setup plan of a project. Dependent steps are sent in order, and independent steps concurrently, up
//! to the limit of requests in flight.
//!
//! `machine` decides when a step begins, and `create`, `assign` and `extend` decide how it goes on. None of them does
//! I/O: this file carries out their commands. A setup has a machine of its own, and shares only the driver with bulk runs.

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
use machine::{SetupCommand, SetupEvent, SetupMachine};
pub use outcome::{Status, StepOutcome};
use request::Target;

/// The target project of a setup.
#[derive(Clone)]
pub struct Writer {
    pub session: Session,
    pub project: ProjectId,
}

impl Writer {
    /// Carries out a plan. Returns one outcome per step.
    pub async fn apply(&self, plan: &Plan) -> Vec<StepOutcome> {
        let target = Target {
            session: self.session.clone(),
            project: self.project.to_string(),
        };
        let mut setup = Setup {
            session: &self.session,
            machine: SetupMachine::new(plan, target),
        };
        drive(&mut setup, &self.session.stop, Timer::start()).await;
        setup.machine.end()
    }
}

/// A setup, and the session that carries out its commands.
struct Setup<'s> {
    session: &'s Session,
    machine: SetupMachine<'s>,
}

impl Driven for Setup<'_> {
    type Event = SetupEvent;
    type Command = SetupCommand;

    fn tick() -> SetupEvent {
        SetupEvent::Tick
    }

    fn broken(reason: String) -> SetupEvent {
        SetupEvent::Broken(reason)
    }

    fn on(&mut self, events: Vec<SetupEvent>, now: Duration) -> Vec<SetupCommand> {
        self.machine.on(events, now)
    }

    fn due(&self) -> Option<Duration> {
        self.machine.due()
    }

    fn begin(&mut self, command: SetupCommand) -> Work<SetupEvent> {
        let session = self.session.clone();
        Work::Requests(match command {
            SetupCommand::Send(step, call, has_left) => {
                Box::pin(async move { SetupEvent::Completed(step, send(&session, &call, &has_left).await) })
            }
            SetupCommand::Read(step, list) => {
                Box::pin(async move { SetupEvent::Listed(step, read(&session, list).await) })
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
