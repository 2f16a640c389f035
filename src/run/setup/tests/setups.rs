//! Which steps of a setup begin, and how it ends.

use std::sync::atomic::Ordering;

use super::*;

#[test]
fn the_dependents_of_an_uncertain_object_are_not_sent() {
    let bench = Bench::new(vec![
        category("HVAC", root()),
        category("Fans", ObjectId::FromStep(0)),
        assignment(ObjectId::FromStep(1)),
    ]);
    let (mut machine, _) = bench.begin();
    read(machine.on(lost(0), at(1)));
    let unread = Error::Transport(TransportError::new(Sent::Maybe, "no response"));
    assert!(
        machine
            .on(vec![SetupEvent::Listed(0, Err(unread))], at(2))
            .is_empty()
    );
    let outcomes = machine.end();
    assert_eq!(
        statuses(&outcomes),
        [Status::Unknown, Status::NotSent, Status::NotSent]
    );
    assert!(error(&outcomes[0]).contains("the lookup failed: no response"));
    assert!(error(&outcomes[1]).contains("`HVAC`, whose creation is uncertain"));
    assert!(error(&outcomes[2]).contains("`Fans`, which was not created"));
}

#[test]
fn a_rejected_user_ends_the_rest() {
    let steps = ["A", "B", "C"].map(|name| category(name, root()));
    let bench = Bench::new(steps.to_vec());
    let (mut machine, commands) = bench.begin();
    // At most two requests are in flight.
    assert_eq!(commands.len(), 2);
    assert!(machine.on(refused(0, 403, "AUTH-012"), at(1)).is_empty());
    machine.on(
        responded(1, &json!({ "id": "5", "name": "B", "parentId": "1" })),
        at(2),
    );
    let outcomes = machine.end();
    assert_eq!(
        statuses(&outcomes),
        [Status::Failed, Status::Created, Status::NotSent]
    );
    assert!(error(&outcomes[2]).contains("a reason that applies to all steps"));
}

#[test]
fn nothing_new_is_sent_after_a_stop() {
    let bench = Bench::new(vec![
        category("HVAC", root()),
        category("Fans", ObjectId::FromStep(0)),
        category("Lost", root()),
    ]);
    let (mut machine, commands) = bench.begin();
    assert_eq!(commands.len(), 2);
    read(machine.on(lost(2), at(1)));
    assert!(machine.on(listed(2, &[]), at(1)).is_empty());
    assert!(machine.due().is_some());
    bench.stop(Phase::Drain);
    // The response to the other request still counts. The wait for the second lookup ends.
    assert!(machine.on(responded(0, &hvac("42")), at(2)).is_empty());
    assert_eq!(machine.due(), None);
    let outcomes = machine.end();
    assert_eq!(
        statuses(&outcomes),
        [Status::Created, Status::NotSent, Status::Unknown]
    );
    assert!(error(&outcomes[1]).contains("stopped"));
    assert!(error(&outcomes[2]).contains("the call was stopped before"));
}

#[test]
fn requests_dropped_by_a_stop_are_unknown_if_they_have_left() {
    let bench = Bench::new(vec![
        category("HVAC", root()),
        category("Pumps", root()),
        category("Fans", ObjectId::FromStep(0)),
    ]);
    let (machine, commands) = bench.begin();
    let [SetupCommand::Send(0, _, has_left), SetupCommand::Send(1, ..)] = &commands[..] else {
        panic!("two steps begin");
    };
    has_left.store(true, Ordering::Relaxed);
    bench.stop(Phase::Now);
    let outcomes = machine.end();
    assert_eq!(
        statuses(&outcomes),
        [Status::Unknown, Status::NotSent, Status::NotSent]
    );
    assert!(error(&outcomes[0]).contains("stopped before the response arrived"));
}

#[test]
fn a_task_that_panics_ends_the_setup() {
    let bench = Bench::new(vec![
        category("HVAC", root()),
        category("Fans", ObjectId::FromStep(0)),
        category("A", root()),
        category("B", root()),
    ]);
    let (mut machine, commands) = bench.begin();
    for command in &commands {
        if let SetupCommand::Send(_, _, has_left) = command {
            has_left.store(true, Ordering::Relaxed);
        }
    }
    assert!(
        machine
            .on(vec![SetupEvent::Broken("panic".to_owned())], at(1))
            .is_empty()
    );
    let pumps = json!({ "id": "5", "name": "A", "parentId": "1" });
    assert!(machine.on(responded(2, &pumps), at(2)).is_empty());
    let outcomes = machine.end();
    assert_eq!(outcomes[0].status, Status::Unknown);
    assert!(
        error(&outcomes[0]).contains("lost inside the client"),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[2].status, Status::Created);
    assert_eq!(outcomes[3].status, Status::NotSent);
}
