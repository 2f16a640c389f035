//! Feeds the machine of a setup with events, without a clock and without a network.

mod setups;
mod steps;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value, json};

use super::machine::{SetupCommand, SetupEvent, SetupMachine};
use super::outcome::{Status, StepOutcome};
use super::request::Target;
use crate::api::Call;
use crate::call::Session;
use crate::error::{Error, Sent, ServiceError, TransportError};
use crate::http::send::Sending;
use crate::http::{CallOutcome, Caller, Phase, Request, Response, Stop, Token, Transport};
use crate::options::Options;
use crate::settings::setup::{Action, Kind, ObjectId, Plan, Step, Work};

const SETTLE: u64 = 30;

struct NoNetwork;

impl Transport for NoNetwork {
    fn send(&self, _: Request) -> Sending<'_> {
        panic!("the machine sends nothing itself")
    }
}

fn step(kind: Kind, action: Action, name: &str, work: Work) -> Step {
    Step {
        kind,
        name: name.to_owned(),
        action,
        note: String::new(),
        mistake: false,
        work: Some(work),
    }
}

fn category(name: &str, parent: ObjectId) -> Step {
    let work = Work::Category {
        name: name.to_owned(),
        body: json!({ "name": name }),
        parent,
    };
    step(Kind::Category, Action::Create, name, work)
}

fn root() -> ObjectId {
    ObjectId::Known("1".to_owned())
}

fn assignment(category: ObjectId) -> Step {
    let work = Work::AssignAttribute {
        category,
        attribute: ObjectId::Known("f6a1e3b5-abaa-4b01-b33a-5d55f36ba047".to_owned()),
        after: None,
    };
    step(Kind::CategoryAttribute, Action::Assign, "HVAC: Maker", work)
}

const FUEL: &str = "3c6bf4c0-6f0e-4c0b-9a3a-0a8a4f2ea001";

fn options(options: &[&str]) -> Step {
    let work = Work::Options {
        attribute: FUEL.to_owned(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    };
    step(Kind::Attribute, Action::Extend, "Fuel", work)
}

/// The attribute Fuel with these options.
fn fuel(options: &[&str]) -> Value {
    let values = options
        .iter()
        .map(|option| json!({ "id": option, "displayName": option }));
    let values: Vec<Value> = values.collect();
    json!({ "id": FUEL, "name": "fuel", "displayName": "Fuel", "dataType": "select", "values": values })
}

/// A setup, and a stop for it.
struct Bench {
    plan: Plan,
    target: Target,
}

impl Bench {
    fn new(steps: Vec<Step>) -> Self {
        let options = Options {
            max_in_flight: 2,
            ..Options::default()
        };
        let caller = Caller::alone(Box::new(NoNetwork), Token::fixed("token"), options);
        Self {
            plan: Plan { steps },
            target: Target {
                session: Session::new(Arc::new(caller), Stop::default()),
                project: "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047".to_owned(),
            },
        }
    }

    /// Returns the machine, and its first commands.
    fn begin(&self) -> (SetupMachine<'_>, Vec<SetupCommand>) {
        let mut machine = SetupMachine::new(&self.plan, self.target.clone());
        let commands = machine.on(vec![SetupEvent::Tick], at(0));
        (machine, commands)
    }

    fn stop(&self, phase: Phase) {
        self.target.session.stop.to(phase);
    }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The only command, which sends a request.
fn sent(commands: Vec<SetupCommand>) -> (usize, Call, Arc<AtomicBool>) {
    match <[SetupCommand; 1]>::try_from(commands) {
        Ok([SetupCommand::Send(step, call, has_left)]) => (step, call, has_left),
        Ok([SetupCommand::Read(step, list)]) => panic!("step {step} reads {}", list.endpoint.name),
        Err(commands) => panic!("{} commands", commands.len()),
    }
}

/// The step and the list of the only command, which reads a list.
fn read(commands: Vec<SetupCommand>) -> (usize, &'static str) {
    match <[SetupCommand; 1]>::try_from(commands) {
        Ok([SetupCommand::Read(step, list)]) => (step, list.endpoint.name),
        Ok([SetupCommand::Send(step, call, _)]) => panic!("step {step} sends {}", call.endpoint.name),
        Err(commands) => panic!("{} commands", commands.len()),
    }
}

fn body(call: &Call) -> Value {
    serde_json::from_slice(call.body.as_ref().unwrap()).unwrap()
}

fn completed(step: usize, result: Result<Response, Error>, in_doubt: bool) -> Vec<SetupEvent> {
    let outcome = CallOutcome {
        result,
        attempts: 1,
        in_doubt,
        stopped: false,
    };
    vec![SetupEvent::Completed(step, outcome)]
}

fn responded(step: usize, body: &Value) -> Vec<SetupEvent> {
    let response = Response {
        status: 201,
        headers: vec![("x-request-id".to_owned(), "r-1".to_owned())],
        body: body.to_string().into(),
    };
    completed(step, Ok(response), false)
}

fn lost(step: usize) -> Vec<SetupEvent> {
    let reset = TransportError::new(Sent::Maybe, "reset");
    completed(step, Err(Error::Transport(reset)), true)
}

fn refused(step: usize, status: u16, code: &str) -> Vec<SetupEvent> {
    let refusal = ServiceError {
        status,
        code: Some(code.to_owned()),
        ..ServiceError::default()
    };
    completed(step, Err(Error::Service(Box::new(refusal))), false)
}

fn listed(step: usize, entries: &[Value]) -> Vec<SetupEvent> {
    vec![SetupEvent::Listed(step, Ok(entries.to_vec()))]
}

fn hvac(id: &str) -> Value {
    json!({ "id": id, "name": "HVAC", "parentId": "1", "isActive": true })
}

fn statuses(outcomes: &[StepOutcome]) -> Vec<Status> {
    outcomes.iter().map(|outcome| outcome.status).collect()
}

fn error(outcome: &StepOutcome) -> &str {
    outcome.error.as_deref().unwrap_or_default()
}
