//! How single steps go on.

use std::sync::atomic::Ordering;

use super::*;

#[test]
fn an_object_whose_response_was_lost_is_found() {
    let bench = Bench::new(vec![
        category("HVAC", root()),
        category("Fans", ObjectId::FromStep(0)),
    ]);
    let (mut machine, commands) = bench.begin();
    assert_eq!(sent(commands).0, 0);
    assert_eq!(read(machine.on(lost(0), at(1))), (0, "categories"));
    // Its dependents are sent with the id that was found.
    let (step, call, _) = sent(machine.on(listed(0, &[hvac("42")]), at(2)));
    assert_eq!((step, body(&call)["parentId"].as_str()), (1, Some("42")));
    assert!(
        machine
            .on(
                responded(1, &json!({ "id": "43", "name": "fans", "parentId": "42" })),
                at(3)
            )
            .is_empty()
    );
    let outcomes = machine.end();
    assert_eq!(statuses(&outcomes), [Status::Created, Status::Created]);
    assert_eq!(outcomes[1].request_id.as_deref(), Some("r-1"));
}

#[test]
fn a_create_is_resent_once_after_two_lookups() {
    let bench = Bench::new(vec![category("HVAC", root())]);
    let (mut machine, commands) = bench.begin();
    assert_eq!(sent(commands).0, 0);
    for (lost_at, is_last) in [(100, false), (200, true)] {
        read(machine.on(lost(0), at(lost_at)));
        // An inactive object and one below another parent are others.
        let others = [
            json!({ "id": "7", "name": "HVAC", "parentId": "1", "isActive": false }),
            json!({ "id": "8", "name": "HVAC", "parentId": "2", "isActive": true }),
        ];
        assert!(machine.on(listed(0, &others), at(lost_at)).is_empty());
        assert_eq!(machine.due(), Some(at(lost_at + SETTLE)));
        assert!(
            machine
                .on(vec![SetupEvent::Tick], at(lost_at + SETTLE - 1))
                .is_empty()
        );
        read(machine.on(vec![SetupEvent::Tick], at(lost_at + SETTLE)));
        assert_eq!(machine.due(), None);
        let next = machine.on(listed(0, &[]), at(lost_at + SETTLE + 1));
        if is_last {
            assert!(next.is_empty());
        } else {
            assert_eq!(sent(next).0, 0);
        }
    }
    let outcomes = machine.end();
    assert_eq!(statuses(&outcomes), [Status::Failed]);
    assert!(error(&outcomes[0]).contains("sent twice"), "{outcomes:?}");
}

#[test]
fn an_object_that_appears_late_is_not_created_again() {
    let bench = Bench::new(vec![category("HVAC", root())]);
    let (mut machine, _) = bench.begin();
    read(machine.on(lost(0), at(1)));
    assert!(machine.on(listed(0, &[]), at(1)).is_empty());
    read(machine.on(vec![SetupEvent::Tick], at(1 + SETTLE)));
    assert!(machine.on(listed(0, &[hvac("42")]), at(2 + SETTLE)).is_empty());
    let outcomes = machine.end();
    assert_eq!(statuses(&outcomes), [Status::Created]);
    assert_eq!(outcomes[0].id.as_deref(), Some("42"));
}

#[test]
fn a_duplicate_is_looked_up() {
    for (status, code) in [(409, "Conflict"), (400, "DuplicateName")] {
        for (entries, expected) in [(vec![hvac("42")], Status::Exists), (vec![], Status::Failed)] {
            let bench = Bench::new(vec![category("HVAC", root())]);
            let (mut machine, _) = bench.begin();
            read(machine.on(refused(0, status, code), at(1)));
            assert!(machine.on(listed(0, &entries), at(2)).is_empty());
            assert_eq!(statuses(&machine.end()), [expected]);
        }
    }
    let bench = Bench::new(vec![category("HVAC", root())]);
    let (mut machine, _) = bench.begin();
    assert!(machine.on(refused(0, 400, "BadInput"), at(1)).is_empty());
    assert_eq!(statuses(&machine.end()), [Status::Failed]);
}

#[test]
fn what_an_earlier_response_shows_outlives_a_stop() {
    // A lost create is still unknown while it is looked up, and a rejected one is known to have failed.
    for (event, expected) in [
        (lost(0), Status::Unknown),
        (refused(0, 409, "Conflict"), Status::Failed),
    ] {
        let bench = Bench::new(vec![category("HVAC", root())]);
        let (mut machine, commands) = bench.begin();
        sent(commands).2.store(true, Ordering::Relaxed);
        read(machine.on(event, at(1)));
        bench.stop(Phase::Now);
        assert_eq!(statuses(&machine.end()), [expected]);
    }
}

#[test]
fn options_of_another_user_are_kept() {
    let bench = Bench::new(vec![options(&["oil", "Wood"])]);
    let (mut machine, commands) = bench.begin();
    assert_eq!(read(commands), (0, "custom-attributes"));
    let (_, call, _) = sent(machine.on(listed(0, &[fuel(&["Gas", "Oil"])]), at(1)));
    assert_eq!(body(&call), json!({ "enumValues": ["Gas", "Oil", "Wood"] }));
    assert!(machine.on(lost(0), at(1)).is_empty());
    // The attribute is read again, and has an option of another user.
    read(machine.on(vec![SetupEvent::Tick], machine.due().unwrap()));
    let (_, call, _) = sent(machine.on(listed(0, &[fuel(&["Gas", "Oil", "Steam"])]), at(3)));
    assert_eq!(
        body(&call),
        json!({ "enumValues": ["Gas", "Oil", "Steam", "Wood"] })
    );
    let now = fuel(&["Gas", "Oil", "Steam", "Wood"]);
    assert!(machine.on(responded(0, &now), at(4)).is_empty());
    assert_eq!(statuses(&machine.end()), [Status::Extended]);
}

#[test]
fn options_whose_response_was_lost_are_found() {
    let bench = Bench::new(vec![options(&["Wood"])]);
    let (mut machine, _) = bench.begin();
    for attempt in 1..=3 {
        sent(machine.on(listed(0, &[fuel(&["Gas"])]), at(attempt * 10)));
        assert!(machine.on(lost(0), at(attempt * 10)).is_empty());
        read(machine.on(vec![SetupEvent::Tick], machine.due().unwrap()));
    }
    // The last read only shows the outcome.
    assert!(
        machine
            .on(listed(0, &[fuel(&["Gas", "Wood"])]), at(50))
            .is_empty()
    );
    assert_eq!(statuses(&machine.end()), [Status::Extended]);
}

#[test]
fn an_assignment_is_repeated_until_its_response_can_be_read() {
    let bench = Bench::new(vec![assignment(root())]);
    let (mut machine, commands) = bench.begin();
    sent(commands);
    for _ in 0..2 {
        assert!(machine.on(responded(0, &json!("a page")), at(1)).is_empty());
        sent(machine.on(vec![SetupEvent::Tick], machine.due().unwrap()));
    }
    assert!(machine.on(responded(0, &json!("a page")), at(2)).is_empty());
    assert_eq!(statuses(&machine.end()), [Status::Unknown]);
}
