//! Decides what a setup does next: events in, commands out. It sends, reads and waits for nothing, and gets the time with
//! the events.
//!
//! A bulk run has a machine of its own. Its requests consist of rows, which are read, packed, split and recorded. The
//! requests of a setup depend on the responses to earlier ones, and have no rows. The two only share their driver.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::assign::Assign;
use super::create::Create;
use super::extend::Extend;
use super::outcome::{Status, StepOutcome};
use super::progress::{Next, Progress};
use super::request::{Blocked, Effect, Outcomes, Request, Target, request};
use crate::api::Call;
use crate::api::settings as endpoints;
use crate::error::Error;
use crate::http::{CallOutcome, Phase, Response};
use crate::settings::setup::{Action, Plan, Step};

/// Something that happened.
pub(super) enum SetupEvent {
    /// The setup begins, time has passed, or the call was stopped.
    Tick,
    /// The request of the step with this number ended.
    Completed(usize, CallOutcome<Response>),
    /// The list was read that the step with this number needs.
    Listed(usize, Result<Vec<Value>, Error>),
    /// A task ended without an event, which happens only if the transport panics.
    Broken(String),
}

/// Something to do. Each ends with an event.
pub(super) enum SetupCommand {
    /// Send the request of a step. Set the flag while the request may have been executed.
    Send(usize, Call, Arc<AtomicBool>),
    /// Read a list for a step.
    Read(usize, Call),
}

/// A step that has begun.
struct UnderWay<'p> {
    progress: Box<dyn Progress + Send + 'p>,
    /// Whether its last request may have been executed.
    has_left: Arc<AtomicBool>,
    /// The end of its wait, as time since the start.
    due: Option<Duration>,
}

/// A setup: sends each step once the steps that it depends on are settled, and determines an outcome for every step.
pub(super) struct SetupMachine<'p> {
    plan: &'p Plan,
    target: Target,
    /// The outcomes of the steps that are settled.
    outcomes: Vec<Option<StepOutcome>>,
    waiting: BTreeSet<usize>,
    under_way: BTreeMap<usize, UnderWay<'p>>,
    /// Why no more steps begin, except after a stop.
    ended: Option<String>,
    /// Why a task ended without an event.
    broken: Option<String>,
}

impl<'p> SetupMachine<'p> {
    pub fn new(plan: &'p Plan, target: Target) -> Self {
        let outcomes: Vec<Option<StepOutcome>> = plan.steps.iter().map(without_request).collect();
        let waiting = (0..outcomes.len()).filter(|step| outcomes[*step].is_none());
        Self {
            plan,
            target,
            waiting: waiting.collect(),
            outcomes,
            under_way: BTreeMap::new(),
            ended: None,
            broken: None,
        }
    }

    /// Returns when to call [`Self::on`] even if nothing happens, as time since the start.
    pub fn due(&self) -> Option<Duration> {
        self.under_way.values().filter_map(|step| step.due).min()
    }

    /// Handles what has happened, and returns what to do next. `now` is the time since the start.
    pub fn on(&mut self, events: Vec<SetupEvent>, now: Duration) -> Vec<SetupCommand> {
        let mut commands = Vec::new();
        for event in events {
            match event {
                SetupEvent::Tick => {}
                SetupEvent::Completed(step, called) => {
                    self.advance(step, now, &mut commands, |progress| progress.completed(called));
                }
                SetupEvent::Listed(step, read) => {
                    self.advance(step, now, &mut commands, |progress| progress.listed(read));
                }
                SetupEvent::Broken(reason) => {
                    let reason = format!("a request was lost inside the client: {reason}");
                    self.ended.get_or_insert_with(|| reason.clone());
                    self.broken.get_or_insert(reason);
                }
            }
        }
        self.end_waits(now, &mut commands);
        self.begin_steps(now, &mut commands);
        commands
    }

    /// Ends the setup. Returns one outcome per step.
    pub fn end(mut self) -> Vec<StepOutcome> {
        for (step, under_way) in std::mem::take(&mut self.under_way) {
            let mut outcome = under_way.progress.so_far();
            if outcome.status == Status::NotSent {
                let has_left = under_way.has_left.load(Ordering::Relaxed);
                outcome = match (has_left, self.broken.clone()) {
                    (true, broken) => {
                        let stopped = || "the call was stopped before the response arrived".to_owned();
                        StepOutcome::new(Status::Unknown, Some(broken.unwrap_or_else(stopped)))
                    }
                    (false, Some(broken)) => StepOutcome::not_sent(broken),
                    (false, None) => outcome,
                };
            }
            self.outcomes[step] = Some(outcome);
        }
        let rest = self.ending().unwrap_or_else(StepOutcome::stopped);
        let outcomes = self.outcomes.into_iter();
        outcomes
            .map(|outcome| outcome.unwrap_or_else(|| rest.clone()))
            .collect()
    }

    fn is_stopped(&self) -> bool {
        self.target.session.stop.phase() != Phase::Run
    }

    /// Returns the outcome of steps that have not begun, if none begins any more.
    fn ending(&self) -> Option<StepOutcome> {
        if self.is_stopped() {
            return Some(StepOutcome::stopped());
        }
        self.ended.clone().map(StepOutcome::not_sent)
    }

    /// Lets a step decide what it does next.
    fn advance(
        &mut self,
        step: usize,
        now: Duration,
        commands: &mut Vec<SetupCommand>,
        decide: impl FnOnce(&mut (dyn Progress + Send + 'p)) -> Next,
    ) {
        let Some(under_way) = self.under_way.get_mut(&step) else {
            return;
        };
        under_way.due = None;
        match decide(&mut *under_way.progress) {
            Next::Send(call) => {
                under_way.has_left = Arc::default();
                commands.push(SetupCommand::Send(step, call, under_way.has_left.clone()));
            }
            Next::Read(list) => commands.push(SetupCommand::Read(step, list)),
            Next::Wait(time) => under_way.due = Some(now + time),
            Next::End(outcome) => {
                self.under_way.remove(&step);
                self.settle(step, outcome);
            }
        }
    }

    fn settle(&mut self, step: usize, outcome: StepOutcome) {
        if outcome.ends {
            let name = &self.plan.steps[step].name;
            self.ended.get_or_insert_with(|| {
                format!("`{name}` was rejected for a reason that applies to all steps")
            });
        }
        self.outcomes[step] = Some(outcome);
    }

    /// Ends the waits that are over. A stop ends all of them.
    fn end_waits(&mut self, now: Duration, commands: &mut Vec<SetupCommand>) {
        let stopped = self.is_stopped();
        let is_over = |due: Duration| stopped || due <= now;
        let under_way = self.under_way.iter();
        let over = under_way.filter(|(_, under_way)| under_way.due.is_some_and(is_over));
        let over: Vec<usize> = over.map(|(step, _)| *step).collect();
        for step in over {
            self.advance(step, now, commands, |progress| progress.waited(stopped));
        }
    }

    /// Begins the steps that depend on no other step any more, up to the limit of requests in flight.
    fn begin_steps(&mut self, now: Duration, commands: &mut Vec<SetupCommand>) {
        let most = self.target.session.caller.options().max_in_flight;
        let plan = self.plan;
        for step in self.waiting.clone() {
            let outcomes = Outcomes {
                plan,
                outcomes: &self.outcomes,
            };
            let ready = match request(&plan.steps[step], &outcomes) {
                Err(Blocked::Waits) => continue,
                Err(Blocked::Forever(reason)) => Err(StepOutcome::not_sent(reason)),
                Ok(request) => Ok(request),
            };
            let begun = match (self.ending(), ready) {
                (Some(outcome), _) | (None, Err(outcome)) => Err(outcome),
                (None, Ok(_)) if self.under_way.len() >= most => continue,
                (None, Ok(request)) => begin(request, &self.target),
            };
            self.waiting.remove(&step);
            match begun {
                Err(outcome) => self.outcomes[step] = Some(outcome),
                Ok(progress) => {
                    let under_way = UnderWay {
                        progress,
                        has_left: Arc::default(),
                        due: None,
                    };
                    self.under_way.insert(step, under_way);
                    self.advance(step, now, commands, Progress::begin);
                }
            }
        }
    }
}

/// Returns the outcome of a step that needs no request, or `None` if the step needs one.
fn without_request(step: &Step) -> Option<StepOutcome> {
    let note = || Some(step.note.clone()).filter(|note| !note.is_empty());
    match (step.action, &step.work) {
        (Action::Create | Action::Assign | Action::Extend, Some(_)) => None,
        (Action::Exists, _) => Some(StepOutcome::new(Status::Exists, None)),
        (Action::Differs, _) => Some(StepOutcome::new(Status::Differs, note())),
        _ => Some(StepOutcome::new(Status::NotSent, note())),
    }
}

fn begin<'p>(request: Request<'p>, target: &Target) -> Result<Box<dyn Progress + Send + 'p>, StepOutcome> {
    let not_sent = |error: Error| StepOutcome::of(Status::NotSent, &error);
    let retry = &target.session.caller.options().retry;
    let call = target.call(&request).map_err(not_sent)?;
    Ok(match request.effect {
        Effect::Create(object) => {
            let list = target.list(object.list()).map_err(not_sent)?;
            Box::new(Create::new(object, call, list, retry.settle))
        }
        Effect::Assign => Box::new(Assign::new(call, retry.base)),
        Effect::Extend(attribute, options) => {
            let list = target.list(&endpoints::CUSTOM_ATTRIBUTES).map_err(not_sent)?;
            Box::new(Extend::new(attribute, options, call, list, retry.base))
        }
    })
}
