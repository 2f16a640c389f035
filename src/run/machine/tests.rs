//! Feeds events to a machine, without a clock or network.

use std::sync::Arc;

use super::*;
use crate::api::{RowShape, assets};
use crate::http::send::Sending;
use crate::http::{By, CallOutcome, Caller, Moment, Request, Stop, Token, Transport};
use crate::ids::ProjectId;
use crate::input::{Cell, Label, More};
use crate::ledger::{SharedLedger, Status};
use crate::options::Options;
use crate::rows::{Dates, Names, Nulls, Policy};
use crate::run::continuation::Continuation;
use crate::run::job::{Job, MOST_KEPT, Part, Tolerance};

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
    let policy = Policy {
        shape: RowShape::NewAsset,
        nulls: Nulls::Omit,
        dates: Dates::Strict,
        id_column: "id".into(),
        import_key: None,
        names: Names::default(),
    };
    let job = Job {
        parts: vec![Part::of(&assets::BATCH_CREATE, policy, 100)],
        project: ProjectId::parse("f6a1e3b5-abaa-4b01-b33a-5d55f36ba047").unwrap(),
        tolerance,
        dry_run: false,
        keep: false,
        replayable: true,
        most_kept: MOST_KEPT,
        reconcile: true,
        continuation: Continuation::default(),
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
    let [Command::LookUp(doubts)] = &machine.on(vec![Event::Tick], at(due))[..] else {
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
