//! The journal of a named run through its public API: persistence, locking and crashes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use acc_assets::error::Error;
use acc_assets::http::{By, Moment};
use acc_assets::input::Label;
use acc_assets::ledger::journal::{Header, Journal};
use acc_assets::ledger::{Changes, Fault, Ledger, SentBody, SentItem, Status};
use acc_assets::rows::Problem;
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

const ID: &str = "6cdd4356-a719-4964-9fd7-0c505e731ac7";

fn header() -> Header {
    Header {
        verb: "create".to_owned(),
        project: "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047".to_owned(),
        service: "https://developer.api.autodesk.com".to_owned(),
        import_key: None,
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("level-3.sqlite");
    (folder, path)
}

fn new_ledger() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.watch();
    ledger
}

/// The content of a request with these rows.
fn carrying(rows: &[u32]) -> SentBody {
    let mut body = SentBody::default();
    for row in rows {
        body.text.push_str("{}");
        body.rows.push(SentItem {
            row: *row,
            key: format!("P-{row}").into(),
            end: body.text.len(),
        });
    }
    body
}

fn push(ledger: &mut Ledger, label: Label<'_>, key: &str) -> u32 {
    let row = ledger.push(label);
    ledger.name_last(key, false);
    row
}

/// A journal with `rows` written rows.
fn written(path: &Path, rows: u32) -> (Journal, Ledger) {
    let (mut journal, before) = Journal::open(path, &header()).unwrap();
    assert!(before.is_none());
    let mut ledger = new_ledger();
    for row in 0..rows {
        push(&mut ledger, Label::Number, &format!("key {row}"));
    }
    journal.write(&mut ledger).unwrap();
    (journal, ledger)
}

fn reopened(path: &Path) -> (Journal, Ledger) {
    let (journal, ledger) = Journal::open(path, &header()).unwrap();
    (journal, ledger.expect("the run has begun"))
}

/// The names of the files in a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn refusal(path: &Path) -> String {
    match Journal::open(path, &header()) {
        Err(Error::Journal(message)) => {
            assert!(message.contains(path.to_str().unwrap()), "{message}");
            message
        }
        other => panic!("{other:?}"),
    }
}

/// Checks that the rows, their reasons and their requests are equal.
fn assert_same(kept: &Ledger, ledger: &Ledger) {
    assert_eq!(kept.rows(), ledger.read());
    assert_eq!(kept.read(), ledger.read());
    for row in 0..u32::try_from(ledger.read()).unwrap() {
        assert_eq!(kept.record(row), ledger.record(row));
    }
    assert_eq!(kept.sendings(), ledger.sendings());
    assert_eq!(kept.faults(), ledger.faults());
    for sending in 0..u32::try_from(ledger.sendings().len()).unwrap() {
        assert_eq!(kept.body(sending), ledger.body(sending), "request {sending}");
    }
    assert_eq!(kept.headings, ledger.headings);
    assert_eq!(kept.complete, ledger.complete);
    assert_eq!(kept.import_prefix, ledger.import_prefix);
}

// ---- persistence ----

#[derive(Debug, Clone)]
enum Step {
    Push(Option<i64>, Option<String>, String),
    FillUp,
    Forget,
    Set(u32, Status),
    Fault(u32, String),
    Id(u32, String),
    Digest(u32, u64),
    SameAs(u32),
    Send(u32),
    Note(u32, Option<i64>, bool),
    Forgotten(u32),
    Heading(String, Option<String>),
    Complete(bool),
    Prefix(String),
    Write,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let row = 0..20_u32;
    let state = prop::sample::select(Status::ALL.to_vec());
    let id = prop_oneof![
        Just(ID.to_owned()),
        Just("00000000-0000-0000-0000-000000000000".to_owned()),
        "\\PC{1,8}"
    ];
    prop_oneof![
        4 => (any::<Option<i64>>(), any::<Option<String>>(), any::<String>())
            .prop_map(|(int, text, key)| Step::Push(int, text, key)),
        1 => Just(Step::FillUp),
        1 => Just(Step::Forget),
        2 => (row.clone(), state).prop_map(|(row, state)| Step::Set(row, state)),
        2 => (row.clone(), any::<String>()).prop_map(|(row, said)| Step::Fault(row, said)),
        2 => (row.clone(), id).prop_map(|(row, id)| Step::Id(row, id)),
        2 => (row.clone(), any::<u64>()).prop_map(|(row, digest)| Step::Digest(row, digest)),
        1 => row.clone().prop_map(Step::SameAs),
        2 => row.clone().prop_map(Step::Send),
        2 => (row, any::<Option<i64>>(), any::<bool>())
            .prop_map(|(sending, left, executed)| Step::Note(sending, left, executed)),
        1 => (0..20_u32).prop_map(Step::Forgotten),
        1 => (any::<String>(), any::<Option<String>>()).prop_map(|(heading, counts)| Step::Heading(heading, counts)),
        1 => any::<bool>().prop_map(Step::Complete),
        1 => any::<String>().prop_map(Step::Prefix),
        2 => Just(Step::Write),
        1 => Just(Step::Reopen),
    ]
}

fn take(ledger: &mut Ledger, step: Step) {
    let read = u32::try_from(ledger.read()).unwrap();
    match step {
        Step::Push(int, text, key) if ledger.read() == ledger.rows() => {
            let label = match (int, &text) {
                (Some(number), _) => Label::Int(number),
                (None, Some(text)) => Label::Text(text),
                (None, None) => Label::Number,
            };
            push(ledger, label, &key);
        }
        Step::FillUp => ledger.fill_up(ledger.rows() + 3),
        Step::Forget => ledger.forget_unread(),
        // A row is unknown once its request was sent, and the request's body is kept.
        Step::Set(row, Status::Unknown) if row < read && ledger.sending_of(row).is_some() => {}
        Step::Set(row, state) if row < read => ledger.set(row, state),
        Step::Fault(row, said) if row < read => {
            let problem = Problem {
                code: "status.required".into(),
                column: said.clone(),
                value: "1".to_owned(),
                message: "no status".to_owned(),
                fix: "give one".to_owned(),
            };
            let fault = ledger.add_fault(&Fault {
                status: Some(400),
                body: Some(said.as_str().into()),
                ..Fault::invalid(vec![problem])
            });
            ledger.set_fault(row, Status::Rejected, fault);
        }
        Step::Id(row, id) if row < read => ledger.set_id(row, &id),
        Step::Digest(row, digest) if row < read => ledger.set_digest(row, digest),
        Step::Forgotten(sending) => ledger.forget_body(sending),
        // The roles of columns are set only once.
        Step::Heading(heading, counts) => drop(ledger.headings.entry(heading).or_insert(counts)),
        Step::SameAs(row) if row < read && row > 0 => ledger.set_same_as(row, row - 1),
        Step::Send(row) if row < read => {
            ledger.begin_sending(carrying(&[row]));
            ledger.set(row, Status::Unknown);
        }
        Step::Note(sending, left, executed) if (sending as usize) < ledger.sendings().len() => {
            ledger.note_sending(sending, |sending| {
                sending.attempts += 1;
                sending.request_id = Some("d1-7".into());
                sending.left = left.map(|moment| Moment {
                    local: moment,
                    earliest: moment,
                    latest: moment,
                    by: if executed { By::Service } else { By::Local },
                });
                sending.ended = sending.left;
                sending.executed = executed;
            });
        }
        Step::Complete(complete) => ledger.complete = complete,
        Step::Prefix(prefix) => ledger.import_prefix = Some(prefix.into()),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_ledger_round_trips(steps in prop::collection::vec(step(), 1..60)) {
        let (_folder, path) = folder();
        let (mut journal, _) = Journal::open(&path, &header()).unwrap();
        let mut ledger = new_ledger();
        for step in steps {
            match step {
                Step::Write => journal.write(&mut ledger).unwrap(),
                Step::Reopen => {
                    journal.write(&mut ledger).unwrap();
                    drop(journal);
                    let (again, kept) = reopened(&path);
                    assert_same(&kept, &ledger);
                    (journal, ledger) = (again, kept);
                }
                step => take(&mut ledger, step),
            }
        }
        journal.write(&mut ledger).unwrap();
        drop(journal);
        assert_same(&reopened(&path).1, &ledger);
        assert_same(&Journal::read(&path).unwrap().unwrap().ledger, &ledger);
    }
}

#[test]
fn a_restored_ledger_has_no_changes_and_tracks_new_ones() {
    let (_folder, path) = folder();
    drop(written(&path, 3));
    let (mut journal, mut ledger) = reopened(&path);
    let nothing = ledger.take_changes();
    assert_eq!((nothing.rows.len(), nothing.sendings.len()), (0, 0));
    ledger.set(1, Status::Created);
    journal.write(&mut ledger).unwrap();
    drop(journal);
    assert_eq!(reopened(&path).1.status(1), Status::Created);
}

#[test]
fn a_request_is_written_with_all_its_rows_or_not_at_all() {
    let mut ledger = new_ledger();
    for row in 0..10 {
        push(&mut ledger, Label::Number, &format!("key {row}"));
    }
    for rows in [[3, 6], [8, 9]] {
        let sending = ledger.begin_sending(carrying(&rows));
        for row in rows {
            ledger.set(row, Status::Unknown);
        }
        ledger.note_sending(sending, |_| {});
    }
    let taken = |changes: Changes| {
        (
            changes.rows.into_iter().collect::<Vec<_>>(),
            changes.sendings.into_iter().collect::<Vec<_>>(),
        )
    };
    assert_eq!(taken(ledger.take_changes_before(5)), ((0..7).collect(), vec![0]));
    ledger.set(4, Status::Created);
    assert_eq!(taken(ledger.take_changes_before(7)), (vec![4], vec![]));
    assert!(ledger.has_changes());
    assert_eq!(taken(ledger.take_changes_before(9)), (vec![7, 8, 9], vec![1]));
    assert!(!ledger.has_changes());
}

#[test]
fn a_report_has_the_identity_and_times_of_a_run() {
    let (_folder, path) = folder();
    let header = Header {
        import_key: Some("barcode".to_owned()),
        ..header()
    };
    let (mut journal, _) = Journal::open(&path, &header).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    journal.write(&mut new_ledger()).unwrap();
    assert!(Journal::read(&path).unwrap().is_none(), "it is under way");
    drop(journal);
    let kept = Journal::read(&path).unwrap().unwrap();
    assert_eq!(kept.header, header);
    assert!(kept.written > kept.begun);
    // One file per run, plus its lock.
    assert_eq!(
        files(path.parent().unwrap()),
        ["level-3.sqlite", "level-3.sqlite.lock"]
    );
}

#[test]
fn twenty_thousand_rows_are_written_quickly() {
    let (_folder, path) = folder();
    let (mut journal, _) = Journal::open(&path, &header()).unwrap();
    let mut ledger = new_ledger();
    for row in 0..20_000 {
        let row = push(&mut ledger, Label::Number, &format!("asset {row:06}"));
        ledger.set_digest(row, u64::MAX - u64::from(row));
    }
    let start = Instant::now();
    journal.write(&mut ledger).unwrap();
    println!("20,000 rows in {:?}", start.elapsed());
    // Ten times the optimized time on a slow disk: this detects a transaction per row.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

// ---- identity ----

#[test]
fn a_run_resumes_only_with_the_same_identity() {
    let (_folder, path) = folder();
    drop(written(&path, 1));
    let changes: [fn(&mut Header); 4] = [
        |header| header.verb = "delete".to_owned(),
        |header| header.project = "another project".to_owned(),
        |header| header.service = "http://127.0.0.1".to_owned(),
        |header| header.import_key = Some("barcode".to_owned()),
    ];
    for change in changes {
        let mut other = header();
        change(&mut other);
        let Err(Error::Option(message)) = Journal::open(&path, &other) else {
            panic!("{other:?}")
        };
        assert!(message.contains("is a create in project f6a1e3b5"), "{message}");
    }
    assert_eq!(Journal::read(&path).unwrap().unwrap().header, header());
    assert_eq!(reopened(&path).1.rows(), 1);
}

#[test]
fn an_empty_run_may_start_with_another_identity() {
    let (_folder, path) = folder();
    drop(Journal::open(&path, &header()).unwrap());
    let other = Header {
        verb: "delete".to_owned(),
        ..header()
    };
    assert!(Journal::open(&path, &other).unwrap().1.is_none());
    assert_eq!(Journal::read(&path).unwrap().unwrap().header, other);
}

// ---- locking ----

#[test]
fn a_run_has_one_driver() {
    let (_folder, path) = folder();
    let (mut journal, mut ledger) = written(&path, 1);
    assert!(refusal(&path).contains("is in use by another process, or by an earlier call"));
    std::thread::scope(|scope| scope.spawn(|| refusal(&path)).join().unwrap());
    assert!(matches!(Journal::delete(&path), Err(Error::Journal(message)) if message.contains("is in use")));
    // The rejected calls did not affect the owner of the run.
    ledger.set(0, Status::Created);
    journal.write(&mut ledger).unwrap();
    refusal(&path);
    drop(journal);
    assert_eq!(reopened(&path).1.status(0), Status::Created);
}

#[cfg(unix)]
#[test]
fn a_driver_keeps_its_run_when_its_process_closes_another_descriptor_of_the_journal() {
    let (folder, path) = folder();
    let (mut journal, mut ledger) = written(&path, 1);
    let closes: [&dyn Fn(); 3] = [
        // Each close releases the POSIX locks of this process on the file.
        &|| drop(fs::File::open(&path).unwrap()),
        &|| drop(fs::read(&path).unwrap()),
        &|| assert!(fs::copy(&path, folder.path().join("copy")).unwrap() > 0),
    ];
    for close in closes {
        close();
        assert!(elsewhere("process_that_opens", &path).contains("is in use by another process"));
        assert!(elsewhere("process_that_deletes", &path).contains("is in use by another process"));
        assert_eq!(elsewhere("process_that_reads", &path), "is in use");
    }
    ledger.set(0, Status::Created);
    journal.write(&mut ledger).unwrap();
    drop(journal);
    assert_eq!(elsewhere("process_that_reads", &path), "1 rows");
    assert_eq!(elsewhere("process_that_opens", &path), "opened");
}

#[cfg(unix)]
#[test]
fn a_journal_has_one_lock_for_all_paths() {
    let (folder, path) = folder();
    let (_journal, _) = written(&path, 1);
    let link = folder.path().join("link.sqlite");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    drop(fs::read(&path).unwrap());
    assert!(elsewhere("process_that_opens", &link).contains("is in use by another process"));
    assert_eq!(elsewhere("process_that_reads", &link), "is in use");
}

#[test]
fn a_lock_file_outlives_its_run() {
    let (folder, path) = folder();
    let (journal, _) = written(&path, 1);
    drop(journal);
    Journal::delete(&path).unwrap();
    assert_eq!(files(folder.path()), ["level-3.sqlite.lock"]);
    drop(written(&path, 1));
    // Without its lock file, the journal looks like a copy from another machine.
    fs::remove_file(folder.path().join("level-3.sqlite.lock")).unwrap();
    assert_eq!(Journal::read(&path).unwrap().unwrap().ledger.rows(), 1);
    assert_eq!(files(folder.path()), ["level-3.sqlite"]);
    reopened(&path);
}

/// A library in which `flock` fails as on a file system without locks.
#[cfg(target_os = "linux")]
const NO_LOCKS: &str = "#include <errno.h>\nint flock(int file, int how) { errno = ENOLCK; return -1; }\n";

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_locks_is_rejected() {
    let (folder, path) = folder();
    let (source, library) = (
        folder.path().join("no_locks.c"),
        folder.path().join("no_locks.so"),
    );
    fs::write(&source, NO_LOCKS).unwrap();
    // The C compiler that Rust uses for linking.
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .unwrap();
    assert!(compiled.success());
    let mut command = process("process_that_opens", &path);
    let message = ends(command.env("LD_PRELOAD", &library));
    assert!(
        message.contains("cannot be locked: its file system has no locks (No locks available"),
        "{message}"
    );
    assert!(
        message.contains("use a folder on a local disk for runs (ACC_ASSETS_RUNS)"),
        "{message}"
    );
    assert!(!path.exists());
}

#[test]
fn concurrent_starts_of_a_run_have_one_driver() {
    for _ in 0..3 {
        let (_folder, path) = folder();
        // In order of completion.
        let ended = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let opened = Journal::open(&path, &header());
                    ended.lock().unwrap().push(opened);
                });
            }
        });
        let ended = ended.into_inner().unwrap();
        let drives: Vec<bool> = ended.iter().map(Result::is_ok).collect();
        // The owner gets the lock before the others stop waiting, and not because they do.
        assert_eq!(drives, [true, false, false, false], "{ended:?}");
    }
}

#[test]
fn readers_do_not_block_drivers() {
    let (_folder, path) = folder();
    drop(written(&path, 2000));
    let looking = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while looking.load(std::sync::atomic::Ordering::Relaxed) {
                Journal::read(&path).unwrap();
            }
        });
        let opened: Vec<_> = (0..20)
            .map(|_| Journal::open(&path, &header()).map(drop))
            .collect();
        looking.store(false, std::sync::atomic::Ordering::Relaxed);
        assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    });
}

// ---- crashes ----

/// The output of another process at its end.
fn ends(command: &mut Command) -> String {
    let mut child = command.spawn().unwrap();
    let mut lines = said(&mut child);
    let line = lines.next().expect("it says how it went");
    child.wait().unwrap();
    line
}

fn elsewhere(name: &str, path: &Path) -> String {
    ends(&mut process(name, path))
}

#[test]
#[ignore = "a process that other tests start"]
fn process_that_reads() {
    match Journal::read(&its_path()).unwrap() {
        Some(kept) => println!("SAID {} rows", kept.ledger.rows()),
        None => println!("SAID is in use"),
    }
}

#[test]
#[ignore = "a process that other tests start"]
fn process_that_deletes() {
    match Journal::delete(&its_path()) {
        Ok(()) => println!("SAID deleted"),
        Err(error) => println!("SAID {error}"),
    }
}

/// Runs this program again as one of the processes below.
fn process(name: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", &format!("journal::{name}"), "--ignored", "--nocapture"])
        .env("JOURNAL", path)
        .stdout(Stdio::piped());
    command
}

fn its_path() -> PathBuf {
    std::env::var_os("JOURNAL")
        .expect("started by a test of this file")
        .into()
}

/// The lines that a process writes for the test that started it.
fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("SAID ").map(|(_, said)| said.to_owned()))
}

#[test]
#[ignore = "a process that other tests start"]
fn process_that_writes_until_it_is_killed() {
    let (mut journal, ledger) = Journal::open(&its_path(), &header()).unwrap();
    let mut ledger = ledger.unwrap_or_else(new_ledger);
    loop {
        let sending = ledger.begin_sending(SentBody::default());
        for _ in 0..25 {
            let row = ledger.rows();
            push(&mut ledger, Label::Number, &format!("key {row}"));
        }
        ledger.note_sending(sending, |sending| sending.attempts = sending.attempts.max(1));
        journal.write(&mut ledger).unwrap();
        println!("SAID {}", ledger.rows());
    }
}

#[test]
fn written_changes_survive_a_kill() {
    let (_folder, path) = folder();
    for round in 0..12 {
        let mut child = process("process_that_writes_until_it_is_killed", &path)
            .spawn()
            .unwrap();
        let mut lines = said(&mut child);
        lines.next().expect("it writes");
        std::thread::sleep(Duration::from_millis(3 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let promised: usize = lines.last().map_or(0, |rows| rows.parse().unwrap());
        let (_journal, ledger) = reopened(&path);
        assert!(
            ledger.rows() >= promised,
            "{promised} rows, {} kept",
            ledger.rows()
        );
        // Each transaction is complete.
        assert_eq!(ledger.rows(), ledger.sendings().len() * 25);
        let last = u32::try_from(ledger.rows()).unwrap() - 1;
        assert_eq!(ledger.key(last).unwrap(), format!("key {last}"));
    }
}

#[test]
#[ignore = "a process that other tests start"]
fn process_that_begins_runs_until_it_is_killed() {
    for run in 0.. {
        Journal::open(&its_path().with_file_name(format!("{run}.sqlite")), &header()).unwrap();
        println!("SAID {run}");
    }
}

#[test]
fn a_run_killed_at_its_start_can_start_again() {
    for round in 0..12 {
        let (folder, path) = folder();
        let mut child = process("process_that_begins_runs_until_it_is_killed", &path)
            .spawn()
            .unwrap();
        let mut lines = said(&mut child);
        lines.next().expect("it begins");
        std::thread::sleep(Duration::from_millis(round));
        child.kill().unwrap();
        child.wait().unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let hidden = path.file_name().unwrap().to_str().unwrap().starts_with('.');
            if !hidden && path.extension().unwrap() == "sqlite" {
                assert!(Journal::open(&path, &header()).unwrap().1.is_none());
            }
        }
    }
}

#[test]
fn another_process_is_locked_out_until_the_driver_ends() {
    let (_folder, path) = folder();
    let mut child = process("process_that_writes_until_it_is_killed", &path)
        .spawn()
        .unwrap();
    let mut lines = said(&mut child);
    lines.next().expect("it writes");
    let message = refusal(&path);
    let read = Journal::read(&path).map(|kept| kept.is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(message.contains("is in use"), "{message}");
    assert_eq!(read, Ok(true));
    reopened(&path);
}

#[test]
#[ignore = "a process that other tests start"]
fn process_that_may_not_write_large_files() {
    let (mut journal, mut ledger) = reopened(&its_path());
    for row in 0..10_000 {
        push(&mut ledger, Label::Number, &format!("many {row}"));
    }
    let Err(Error::Journal(message)) = journal.write(&mut ledger) else {
        panic!("it was written")
    };
    let Changes { rows, .. } = ledger.take_changes();
    println!("SAID {} {message}", rows.len());
}

#[cfg(unix)]
#[test]
fn a_failed_write_keeps_changes_and_earlier_writes() {
    let (_folder, path) = folder();
    drop(written(&path, 100));
    let command = process("process_that_may_not_write_large_files", &path);
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env("JOURNAL", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = said(&mut child);
    let line = lines.next().expect("it says how it went");
    assert!(child.wait().unwrap().success());
    assert!(line.starts_with("10000 the run "), "{line}");
    assert!(line.contains("cannot be read or written"), "{line}");
    assert!(line.contains("free disk space"), "{line}");
    assert_eq!(reopened(&path).1.rows(), 100);
}

#[cfg(unix)]
#[test]
fn a_removed_file_is_detected_at_once() {
    let (folder, path) = folder();
    let (mut journal, mut ledger) = written(&path, 1);
    let aside = folder.path().join("aside");
    fs::rename(&path, &aside).unwrap();
    ledger.set(0, Status::Created);
    push(&mut ledger, Label::Text("two"), "");
    let fault = ledger.add_fault(&Fault::new("code", "message", "fix"));
    ledger.set_fault(1, Status::Failed, fault);
    ledger.begin_sending(carrying(&[1]));
    let message = journal.write(&mut ledger).unwrap_err().to_string();
    assert!(message.contains("was removed while it was in use"), "{message}");
    fs::rename(&aside, &path).unwrap();
    journal.write(&mut ledger).unwrap();
    drop(journal);
    assert_same(&reopened(&path).1, &ledger);
}

// ---- invalid files ----

#[test]
fn foreign_files_are_rejected_and_not_changed() {
    let (folder, path) = folder();
    let other = folder.path().join("other.sqlite");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)")
        .unwrap();
    let cases: [(Vec<u8>, &str); 5] = [
        (b"key,status\n1,open\n".to_vec(), "is not a journal of a run"),
        (b"key,status\n1,open\n".repeat(1000), "is not a journal of a run"),
        (vec![0; 8192], "is not a journal of a run"),
        (Vec::new(), "is empty or truncated"),
        (fs::read(&other).unwrap(), "belongs to another program"),
    ];
    for (bytes, says) in cases {
        fs::write(&path, &bytes).unwrap();
        let message = refusal(&path);
        assert!(message.contains(says), "{message}");
        assert_eq!(Journal::read(&path).unwrap_err().to_string(), message);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(refusal(&path).contains("is not a file"));
}

#[test]
fn a_later_format_is_rejected() {
    let (_folder, path) = folder();
    drop(written(&path, 1));
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 5).unwrap();
    connection.close().unwrap();
    assert!(refusal(&path).contains("later version of acc-assets (format 5, this version knows 4)"));
}

#[test]
fn an_earlier_format_is_rejected() {
    let (_folder, path) = folder();
    drop(written(&path, 1));
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    connection.close().unwrap();
    assert!(refusal(&path).contains("earlier version of acc-assets (format 2, this version needs 4)"));
}

#[test]
fn a_run_of_the_format_before_is_read_and_resumed() {
    let (_folder, path) = folder();
    drop(written(&path, 3));
    let connection = Connection::open(&path).unwrap();
    let drop_tables =
        "DROP TABLE fields; DROP TABLE row_title; DROP TABLE first_ids; PRAGMA user_version = 3;";
    connection.execute_batch(drop_tables).unwrap();
    connection.close().unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(Journal::read(&path).unwrap().unwrap().ledger.rows(), 3);
    assert_eq!(fs::read(&path).unwrap(), bytes, "reading changes nothing");
    let (mut journal, mut ledger) = reopened(&path);
    assert!(ledger.fields.is_empty());
    ledger.fields.insert("Luft".to_owned(), None);
    ledger.row_title = Some("line".into());
    ledger.keep_first_id(1);
    ledger.set_digest(1, 7);
    journal.write(&mut ledger).unwrap();
    drop(journal);
    let kept = reopened(&path).1;
    assert_eq!(
        (&kept.fields, &kept.row_title),
        (&ledger.fields, &ledger.row_title)
    );
    assert_eq!((kept.first_id(1), kept.digest(1)), (Some((0, "key 1")), 7));
    assert_eq!(kept.first_id(0), None);
}

#[test]
fn a_row_that_has_another_form_now_loses_its_first_one() {
    let (_folder, path) = folder();
    drop(written(&path, 3));
    let (mut journal, mut ledger) = reopened(&path);
    ledger.keep_first_id(1);
    ledger.keep_first_id(2);
    journal.write(&mut ledger).unwrap();
    ledger.drop_first_id(1);
    journal.write(&mut ledger).unwrap();
    drop(journal);
    let kept = reopened(&path).1;
    assert_eq!((kept.first_id(1), kept.first_id(2)), (None, ledger.first_id(2)));
    assert!(kept.first_id(2).is_some());
}

#[test]
fn the_fields_of_a_run_of_the_format_before_are_those_of_its_identity() {
    let (_folder, path) = folder();
    let (mut journal, mut ledger) = written(&path, 3);
    ledger.set(0, Status::Created);
    let roles = [
        ("Name", Some("field clientAssetId")),
        ("Luft", None),
        ("Airflow", Some("column Airflow")),
    ];
    let headings = roles.map(|(column, role)| (column.to_owned(), role.map(str::to_owned)));
    ledger.headings = headings.into();
    journal.write(&mut ledger).unwrap();
    drop(journal);
    let expected = [
        ("Luft".to_owned(), None),
        ("Name".to_owned(), Some("clientAssetId".to_owned())),
    ];
    assert_eq!(reopened(&path).1.fields, expected.into());
}

#[test]
fn a_truncated_file_is_rejected_and_can_be_deleted() {
    let (_folder, path) = folder();
    drop(written(&path, 2000));
    let whole = fs::read(&path).unwrap();
    for length in [1, 50, 99, 600, 4096, 4097, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let message = refusal(&path);
        assert!(
            ["damaged", "destroyed", "truncated"]
                .iter()
                .any(|said| message.contains(said)),
            "{length}: {message}"
        );
        assert!(Journal::read(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), &whole[..length]);
    }
    // A page that was never written to disk.
    let mut torn = whole.clone();
    let last = torn.len() - 4096;
    torn[last..].fill(0);
    fs::write(&path, &torn).unwrap();
    assert!(refusal(&path).contains("is damaged"));
    Journal::delete(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn impossible_values_are_damage() {
    let damages = [
        "DELETE FROM records WHERE number = 1",
        "DELETE FROM run",
        "UPDATE records SET state = 'fine'",
        "UPDATE records SET label = x'00'",
        "UPDATE records SET sending = 7",
        "UPDATE records SET fault = 7",
        "UPDATE records SET same_as = number",
        "UPDATE run SET begun = 'yesterday'",
        "INSERT INTO sendings VALUES (0, '{')",
        "INSERT INTO faults VALUES (3, x'7b7d')",
        "INSERT INTO checks VALUES (0, x'01')",
        "INSERT INTO checks VALUES (3, x'00')",
        "INSERT INTO phrases VALUES (1, x'41')",
        "INSERT INTO phrases VALUES (0, x'ff')",
    ];
    for damage in damages {
        let (_folder, path) = folder();
        drop(written(&path, 3));
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(damage).unwrap();
        connection.close().unwrap();
        let message = refusal(&path);
        assert!(message.contains("is damaged"), "{damage}: {message}");
    }
}

/// Checks that changes by another program are rejected at once, both when reading and when opening a run.
fn assert_refused(path: &Path, change: &str, says: &str) {
    Connection::open(path).unwrap().execute_batch(change).unwrap();
    let before = fs::read(path).unwrap();
    let start = Instant::now();
    assert!(refusal(path).contains(says), "{change}");
    let Err(Error::Journal(message)) = Journal::read(path) else {
        panic!("{change}: it was read")
    };
    assert!(message.contains(says), "{message}");
    assert!(start.elapsed() < Duration::from_secs(2), "{change}");
    assert_eq!(fs::read(path).unwrap(), before, "{change}: it was touched");
}

#[test]
fn foreign_views_triggers_and_tables_are_rejected() {
    const ENDLESS: &str = "CREATE VIEW records AS WITH RECURSIVE rows(number) AS (SELECT 0 UNION ALL SELECT number + 1 \
                           FROM rows) SELECT number, NULL, 'key', 'created', NULL, 1, NULL, NULL, NULL FROM rows";
    for change in [
        &format!("DROP TABLE records; {ENDLESS}"),
        "CREATE TRIGGER forget AFTER INSERT ON records BEGIN DELETE FROM records; END",
        "CREATE TABLE notes (note TEXT)",
        "CREATE INDEX states ON records (state)",
        "DROP TABLE request_bodies; CREATE TABLE request_bodies (sending INTEGER PRIMARY KEY, body TEXT)",
        "DROP TABLE faults",
        "PRAGMA journal_mode = WAL",
    ] {
        let (_folder, path) = folder();
        drop(written(&path, 3));
        assert_refused(&path, change, "was changed by another program");
    }
}

#[test]
fn unknown_rows_without_a_request_body_are_damage() {
    for change in [
        "DELETE FROM request_bodies",
        "UPDATE request_bodies SET body = replace(body, '\"row\":1', '\"row\":2')",
    ] {
        let (_folder, path) = folder();
        let (mut journal, mut ledger) = written(&path, 3);
        ledger.begin_sending(carrying(&[0, 1]));
        ledger.set(0, Status::Created);
        ledger.set(1, Status::Unknown);
        journal.write(&mut ledger).unwrap();
        drop(journal);
        reopened(&path);
        assert_refused(&path, change, "is damaged (the request body of row 1 is missing)");
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_a_file_is_rejected() {
    let (_folder, path) = folder();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(refusal(&path).contains("is not a file; use another run name"));
    assert!(
        matches!(Journal::read(&path), Err(Error::Journal(message)) if message.contains("is not a file"))
    );
}

#[cfg(unix)]
#[test]
fn a_journal_is_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (_journal, _) = written(&path, 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path().join("level-3.sqlite-journal")), 0o600);
}

#[test]
fn leftovers_of_a_removed_run_are_not_used() {
    let (folder, path) = folder();
    let left = folder.path().join("level-3.sqlite-journal");
    fs::write(&left, b"the rollback of another file").unwrap();
    assert!(refusal(&path).contains(left.to_str().unwrap()));
    fs::remove_file(left).unwrap();
    written(&path, 1);
}

// ---- folders ----

#[cfg(unix)]
#[test]
fn a_missing_folder_is_created_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _) = folder();
    let path = folder.path().join("state/runs/level-3.sqlite");
    written(&path, 1);
    for made in ["state", "state/runs"] {
        let mode = fs::metadata(folder.path().join(made))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
#[ignore = "a process that other tests start"]
fn process_that_opens() {
    match Journal::open(&its_path(), &header()) {
        Ok(_) => println!("SAID opened"),
        Err(error) => println!("SAID {error}"),
    }
}

#[cfg(unix)]
#[test]
fn unwritable_files_are_detected_at_the_start() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let (folder, path) = folder();
    drop(written(&path, 1));
    let opens = |path: &Path| {
        let mut command = process("process_that_opens", path);
        if fs::metadata(folder.path()).unwrap().uid() == 0 {
            // Permissions do not apply to root.
            command.uid(65_534);
        }
        ends(&mut command)
    };
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(folder.path(), 0o777);
    mode(&path, 0o666);
    assert_eq!(opens(&path), "opened");
    mode(&path, 0o444);
    let message = opens(&path);
    assert!(message.contains("cannot be opened for writing"), "{message}");
    mode(&path, 0o666);
    mode(folder.path(), 0o555);
    let message = opens(&path);
    assert!(message.contains("cannot be opened for writing"), "{message}");
    assert!(message.contains("ACC_ASSETS_RUNS"), "{message}");
    let message = opens(&folder.path().join("new.sqlite"));
    assert!(message.contains("ACC_ASSETS_RUNS"), "{message}");
    mode(folder.path(), 0o777);
}
