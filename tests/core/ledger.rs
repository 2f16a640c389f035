//! The ledger alone: its size in memory, on disk and in a pickle, and that it is restored unchanged.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use acc_assets::error::{Error, ServiceError, Violation};
use acc_assets::input::Label;
use acc_assets::ledger::journal::{Header, Journal};
use acc_assets::ledger::{Fault, Ledger, Status, View};
use acc_assets::rows::Problem;
use rusqlite::Connection;

const MIB: usize = 1 << 20;

fn opened(path: &Path) -> (Journal, Option<Ledger>) {
    let header = Header {
        verb: "create".to_owned(),
        project: "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047".to_owned(),
        service: "http://localhost".to_owned(),
        import_key: None,
    };
    Journal::open(path, &header).unwrap()
}

fn push(ledger: &mut Ledger, rows: u32) {
    for row in 0..rows {
        ledger.push(Label::Int(i64::from(row) + 2));
        ledger.name_last(&format!("AHU-{row:06}"), false);
        ledger.set_digest(row, u64::from(row) + 1);
    }
}

/// An error response with this body of about 15 kB.
fn refusal(number: usize) -> ServiceError {
    let body = format!(
        "{{\"refusal\":{number},\"trace\":\"{}\"}}",
        "at Assets.Create; ".repeat(850)
    );
    ServiceError {
        status: 400,
        code: Some("ERR_VALIDATION".to_owned()),
        message: Some("The request is not valid.".to_owned()),
        request_id: Some(format!("d1f5-{number}")),
        body: body.into(),
        ..ServiceError::default()
    }
}

/// 10,000 rows rejected in 100 requests, each named.
fn rejected(ledger: &mut Ledger, bodies: usize) {
    push(ledger, 10_000);
    for request in 0..100_u32 {
        let refusal = refusal(request as usize % bodies);
        // The rows are rejected first as a batch, then one by one.
        let whole = ledger.add_fault(&Fault::of(&Error::Service(Box::new(refusal.clone()))));
        for row in request * 100..request * 100 + 100 {
            ledger.set_fault(row, Status::Failed, whole);
        }
        for row in request * 100..request * 100 + 100 {
            let violation = Violation {
                field: Some(format!("[{}].statusId", row % 100)),
                message: format!("The status of AHU-{row:06} is not in the category's status set."),
                ..Violation::default()
            };
            let fault = ledger.add_fault(&Fault::violation(&refusal, &violation));
            ledger.set_fault(row, Status::Rejected, fault);
        }
    }
}

#[test]
fn response_bodies_are_stored_once() {
    for (bodies, most) in [(100, 5_000_000), (1, 3_500_000)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.sqlite");
        let (mut journal, _) = opened(&path);
        let mut ledger = Ledger::default();
        ledger.watch();
        rejected(&mut ledger, bodies);
        let faults = ledger.faults();
        // The reason of the whole request is dropped with its last row.
        assert_eq!(faults.len(), 10_000);
        journal.write(&mut ledger).unwrap();
        drop(journal);
        let on_disk = usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
        let pickle = postcard::to_stdvec(&View::new(Arc::new(ledger.clone()))).unwrap();
        println!(
            "{bodies} bodies: {on_disk} bytes on the disk, {} in a pickle",
            pickle.len()
        );
        assert!(on_disk < most, "{on_disk}");
        assert!(pickle.len() < most, "{}", pickle.len());

        let (_journal, kept) = opened(&path);
        let loaded: View = postcard::from_bytes(&pickle).unwrap();
        assert!(loaded.is_whole());
        for kept in [&kept.unwrap(), &*loaded.ledger] {
            assert_eq!(kept.faults(), faults);
            let body = |row| kept.kept_fault(row).unwrap().body.unwrap();
            assert!(Arc::ptr_eq(&body(0), &body(99)));
            assert_eq!(*body(9_999), *refusal(99 % bodies).body);
        }
        let view = View::new(Arc::new(ledger));
        let first = view.outcome(0).unwrap().fault.unwrap();
        assert_eq!(
            first.message,
            "The status of AHU-000000 is not in the category's status set. [request id d1f5-0]"
        );
        assert_eq!(first.column.as_deref(), Some("statusId"));
        assert_eq!((view.causes().len(), view.causes()[0].rows), (1, 10_000));
    }
}

#[test]
fn unused_reasons_are_removed_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.sqlite");
    let (mut journal, _) = opened(&path);
    let mut ledger = Ledger::default();
    ledger.watch();
    push(&mut ledger, 2);
    let fault = ledger.add_fault(&Fault::of(&Error::Service(Box::new(refusal(1)))));
    ledger.set_fault(0, Status::Failed, fault);
    ledger.set_fault(1, Status::Failed, fault);
    journal.write(&mut ledger).unwrap();
    let count = |table: &str| -> usize {
        let copy = path.with_extension("copy");
        std::fs::copy(&path, &copy).unwrap();
        let connection = Connection::open(copy).unwrap();
        connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((count("faults"), count("response_bodies")), (1, 1));
    ledger.set(0, Status::Created);
    journal.write(&mut ledger).unwrap();
    assert_eq!((count("faults"), count("response_bodies")), (1, 1));
    ledger.set(1, Status::Created);
    journal.write(&mut ledger).unwrap();
    assert_eq!((count("faults"), count("response_bodies")), (0, 0));
    drop(journal);
    // A new reason is not confused with the old one.
    let mut kept = opened(&path).1.unwrap();
    let other = kept.add_fault(&Fault::new("other", "another reason", ""));
    kept.set_fault(0, Status::Failed, other);
    assert_eq!(kept.kept_fault(0).unwrap().message, "another reason");
}

#[test]
fn bodies_beyond_16_mib_are_truncated_with_a_note() {
    let mut ledger = Ledger::default();
    push(&mut ledger, 1200);
    for row in 0..1200 {
        let fault = ledger.add_fault(&Fault::of(&Error::Service(Box::new(refusal(row as usize)))));
        ledger.set_fault(row, Status::Rejected, fault);
    }
    let body = |row: u32| ledger.kept_fault(row).unwrap().body.unwrap();
    assert_eq!(body(0), refusal(0).body);
    let last = refusal(1199).body;
    assert!(body(1199).len() < 2300, "{}", body(1199).len());
    assert!(last.starts_with(&body(1199)[..2048]));
    let says = format!("[truncated to 2048 of {} bytes", last.len());
    assert!(body(1199).contains(&says), "{}", &body(1199)[2040..]);
    let pickle = postcard::to_stdvec(&ledger).unwrap();
    assert!(pickle.len() < 17 * MIB + MIB / 2, "{}", pickle.len());
    // Dropped bodies free their space.
    for row in 0..1000 {
        ledger.set(row, Status::Created);
    }
    let fault = ledger.add_fault(&Fault::of(&Error::Service(Box::new(refusal(5000)))));
    ledger.set_fault(0, Status::Rejected, fault);
    assert_eq!(ledger.kept_fault(0).unwrap().body.unwrap(), refusal(5000).body);
}

fn problem(row: u32) -> Problem {
    let value = format!("Instaled {row}");
    Problem {
        code: "status".into(),
        column: "Status".to_owned(),
        message: format!("`Status` is '{value}': the project has no such status"),
        value,
        fix: "did you mean `Installed`?".to_owned(),
    }
}

#[test]
fn invalid_rows_take_a_few_dozen_bytes_each() {
    let mut ledger = Ledger::default();
    let rows = 100_000;
    push(&mut ledger, rows);
    for row in 0..rows {
        let fault = ledger.add_problems(&[problem(row)]);
        ledger.set_fault(row, Status::Invalid, fault);
    }
    let pickle = postcard::to_stdvec(&ledger).unwrap();
    let bytes = pickle.len() / rows as usize;
    println!("{bytes} bytes per invalid row in a pickle");
    assert!(bytes < 64, "{bytes}");
    let view = View::new(Arc::new(postcard::from_bytes::<Ledger>(&pickle).unwrap()));
    assert!(view.is_whole());
    for row in [0, 7, 99_999] {
        let fault = view.outcome(row as usize).unwrap().fault.unwrap();
        assert_eq!(fault, Fault::invalid(vec![problem(row)]));
    }
    let start = Instant::now();
    let causes = view.causes();
    println!("causes of 100,000 invalid rows in {:?}", start.elapsed());
    // The limit allows for a build with little optimization and for other tests at the same time.
    assert!(start.elapsed().as_millis() < 400, "{:?}", start.elapsed());
    assert_eq!((causes.len(), causes[0].rows), (1, 100_000));
    assert_eq!(causes[0].message, problem(0).message);
    assert_eq!(causes[0].first_rows, [0, 1, 2, 3, 4]);
    assert_eq!(causes[0].values.len(), 50);
}

#[test]
fn causes_count_each_problem_of_a_row_and_keep_apart_what_differs() {
    let blank = |column: &str| Problem {
        code: "required".into(),
        column: column.to_owned(),
        value: String::new(),
        message: format!("`{column}` is blank"),
        fix: "fill in the cell".to_owned(),
    };
    let of_request = |row: usize| {
        let violation = Violation {
            field: Some(format!("[{row}].statusId")),
            message: format!("The status of AHU-{row} is not in the category's status set."),
            ..Violation::default()
        };
        Fault::violation(&refusal(row), &violation)
    };
    let mut ledger = Ledger::default();
    push(&mut ledger, 12);
    // Both problems occur twice, and one of them twice in the same row.
    for row in 0..3 {
        let mut problems = vec![problem(row), blank("Category")];
        if row == 2 {
            problems.push(problem(7));
        }
        let fault = ledger.add_problems(&problems);
        ledger.set_fault(row, Status::Invalid, fault);
    }
    let fault = ledger.add_problems(&[blank("Description")]);
    ledger.set_fault(3, Status::Invalid, fault);
    for row in 4..6 {
        let fault = ledger.add_fault(&of_request(row as usize));
        ledger.set_fault(row, Status::Rejected, fault);
    }
    // One message with two statuses, then another message.
    for (row, status, message) in [
        (6, Status::Failed, "no connection"),
        (7, Status::Unknown, "no connection"),
        (8, Status::Failed, "no connection"),
        (9, Status::Failed, "a timeout"),
    ] {
        let fault = ledger.add_fault(&Fault::new("transport", message, ""));
        ledger.set_fault(row, status, fault);
    }
    ledger.set(10, Status::Created);
    ledger.not_sent = Some("stopped".to_owned());
    let causes = View::new(Arc::new(ledger)).causes();
    let found: Vec<_> = causes
        .iter()
        .map(|cause| {
            (
                cause.status,
                &*cause.code,
                &*cause.column,
                &*cause.message,
                &*cause.first_rows,
            )
        })
        .collect();
    let (status, category, description) = (
        problem(0).message,
        blank("Category").message,
        blank("Description").message,
    );
    let refused = of_request(4);
    let column = refused.column.unwrap();
    assert_eq!(
        found,
        [
            (Status::Invalid, "status", "Status", &*status, &[0, 1, 2][..]),
            (Status::Invalid, "required", "Category", &category, &[0, 1, 2]),
            (
                Status::Rejected,
                &refused.code,
                &column,
                &refused.message,
                &[4, 5]
            ),
            (Status::Failed, "transport", "", "no connection", &[6, 8]),
            (Status::Invalid, "required", "Description", &description, &[3]),
            (Status::Unknown, "transport", "", "no connection", &[7]),
            (Status::Failed, "transport", "", "a timeout", &[9]),
            (Status::NotSent, "", "", "stopped", &[11]),
        ]
    );
    let values: Vec<_> = ["Instaled 0", "Instaled 1", "Instaled 2", "Instaled 7"]
        .map(|value| (value.to_owned(), 1))
        .into();
    assert_eq!(causes[0].values, values);
    assert!(causes.iter().all(|cause| cause.rows == cause.first_rows.len()));
}

#[test]
fn equal_problems_are_stored_once() {
    let mut ledger = Ledger::default();
    push(&mut ledger, 2000);
    for row in 0..2000 {
        let fault = ledger.add_problems(&[problem(row % 2)]);
        ledger.set_fault(row, Status::Invalid, fault);
    }
    assert_eq!(ledger.faults().len(), 2);
}

#[test]
fn counts_and_causes_of_a_million_good_rows_are_quick() {
    let mut ledger = Ledger::default();
    push(&mut ledger, 1_000_000);
    for row in 0..1_000_000 {
        ledger.set(row, Status::Created);
    }
    let view = View::new(Arc::new(ledger));
    let start = Instant::now();
    assert_eq!(view.counts(), [(Status::Created, 1_000_000)]);
    assert_eq!(view.causes(), []);
    assert_eq!(view.bad().count(), 0);
    println!("a million good rows in {:?}", start.elapsed());
    // The limit allows for a build without optimization and for other tests at the same time. A string per row takes
    // ten times as long.
    assert!(start.elapsed().as_millis() < 100, "{:?}", start.elapsed());
}

#[test]
fn damaged_pickles_are_rejected_or_complete() {
    let mut ledger = Ledger::default();
    push(&mut ledger, 20);
    for row in 0..10 {
        let fault = ledger.add_problems(&[problem(row)]);
        ledger.set_fault(row, Status::Invalid, fault);
    }
    let fault = ledger.add_fault(&Fault::of(&Error::Service(Box::new(refusal(1)))));
    ledger.set_fault(11, Status::Rejected, fault);
    let pickle = postcard::to_stdvec(&View::new(Arc::new(ledger))).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let mut damaged = pickle.clone();
        for _ in 0..random.usize(1..4) {
            // Damage inside the long body cannot be detected, so it is placed elsewhere.
            let at = random.usize(0..damaged.len());
            let at = if random.bool() { at } else { at % 1000 };
            damaged[at] = random.u8(..);
        }
        damaged.truncate(damaged.len() - random.usize(0..2));
        let Ok(view) = postcard::from_bytes::<View>(&damaged) else {
            continue;
        };
        if view.is_whole() {
            view.outcomes().for_each(drop);
            let _ = (view.causes(), view.counts(), view.ids());
            let _ = view.batch().unwrap();
        }
    }
}
