//! The modules of `src/`. `src/lib.rs` declares them, lowest first, and a module uses only lower ones.
//! The modules of these tests are all of its files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::uses::{Sources, circles};

const MOST_LINES: usize = 400;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules in the order of `src/lib.rs`.
fn rooms() -> Vec<String> {
    let text = fs::read_to_string(source().join("lib.rs")).unwrap();
    let room = |line: &str| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    let rooms: Vec<String> = text.lines().filter_map(room).collect();
    assert!(rooms.len() >= 10, "modules not found: {rooms:?}");
    rooms
}

/// The Rust files of a module: one file or a folder.
fn files(room: &str) -> Vec<PathBuf> {
    let mut folders = vec![source().join(room)];
    let mut files = Vec::new();
    let alone = source().join(format!("{room}.rs"));
    files.extend(alone.exists().then_some(alone));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "`{room}` has no files");
    files
}

/// Returns the modules used in a source file: names after `crate::` outside comments.
fn used(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut used = BTreeSet::new();
    for line in code {
        for after in line.split("crate::").skip(1) {
            // `use crate::{api, http};` would contain several names.
            assert!(
                !after.starts_with('{'),
                "use each module on a separate line: {line}"
            );
            used.insert(
                after
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect(),
            );
        }
    }
    used
}

#[test]
fn modules_use_only_lower_modules() {
    let rooms = rooms();
    let mut wrong = Vec::new();
    for (at, room) in rooms.iter().enumerate() {
        for file in files(room) {
            let allowed = |other: &String| other == room || rooms[..at].contains(other);
            let up: Vec<String> = used(&fs::read_to_string(&file).unwrap())
                .into_iter()
                .filter(|other| !allowed(other))
                .collect();
            wrong.extend(
                up.into_iter()
                    .map(|other| format!("{} uses `{other}`", file.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "\n- {}", wrong.join("\n- "));
}

#[test]
fn modules_are_documented_in_their_order() {
    let text = fs::read_to_string(source().join("../CONTRIBUTING.md")).unwrap();
    let cells = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').nth(1).unwrap());
    let documented: Vec<&str> = cells
        .flat_map(|cell| cell.split('`'))
        .filter_map(|name| {
            Some(
                name.strip_prefix("src/")?
                    .trim_end_matches(".rs")
                    .trim_end_matches('/'),
            )
        })
        .collect();
    let rooms = rooms();
    let (shared, modules): (Vec<&str>, Vec<&str>) = documented
        .iter()
        .partition(|name| ["ids", "options", "error"].contains(name));
    let expected: Vec<&str> = rooms.iter().rev().map(String::as_str).collect();
    let expected: Vec<&str> = expected
        .into_iter()
        .filter(|name| !shared.contains(name))
        .collect();
    assert_eq!(modules, expected);
}

/// The simulator must not repeat a mistake of the client, so it shares only the code that transports requests.
#[test]
fn simulator_shares_no_code_with_the_client() {
    for file in files("simulator") {
        let text = fs::read_to_string(&file).unwrap();
        for other in used(&text) {
            let shared = ["simulator", "error", "ids", "http"].contains(&other.as_str());
            assert!(shared, "{} uses `{other}`", file.display());
        }
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code.filter(|line| line.contains("crate::http")) {
            let uses = line.matches("crate::http").count();
            let transports = line.matches("crate::http::send::").count();
            assert_eq!(
                uses,
                transports,
                "{} uses more than `http::send`: {line}",
                file.display()
            );
        }
    }
}

/// The files of a run that carry out commands, and so await requests and journal writes.
const CARRY_OUT: [&str; 8] = [
    "bulk.rs",
    "drift.rs",
    "drive.rs",
    "existing.rs",
    "lookup.rs",
    "matched.rs",
    "send.rs",
    "setup.rs",
];

/// All other files of a run decide without I/O, so that they can be tested without a network.
#[test]
fn only_listed_files_of_runs_are_async() {
    let folder = source().join("run");
    let mut found = BTreeSet::new();
    for file in files("run").iter().filter(|file| file.starts_with(&folder)) {
        if is_async(&fs::read_to_string(file).unwrap()) {
            found.insert(file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned());
        }
    }
    assert_eq!(found, CARRY_OUT.map(str::to_owned).into());
}

/// Returns whether code outside comments has `async` or `.await`.
fn is_async(text: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut words =
        code.flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric() && letter != '_'));
    words.any(|word| ["async", "await"].contains(&word))
}

#[test]
fn async_code_is_found() {
    for text in [
        "async fn read() {}",
        "read()\n    .await?;",
        "Box::pin(async move { 1 })",
    ] {
        assert!(is_async(text), "{text}");
    }
    for text in ["// async fn read() {}", "fn awaits_async_io() {}"] {
        assert!(!is_async(text), "{text}");
    }
}

/// All other files of a run get the time with their events, so that they can be tested without a clock.
#[test]
fn only_the_driver_of_runs_uses_tasks_and_timers() {
    let mentions = |path: &PathBuf| fs::read_to_string(path).unwrap().contains("tokio");
    let waiting: Vec<PathBuf> = files("run").into_iter().filter(mentions).collect();
    let driver = source().join("run/drive.rs");
    let lines = fs::read_to_string(&driver).unwrap().lines().count();
    assert_eq!(waiting, [driver]);
    assert!(lines < 200, "drive.rs has {lines} lines");
}

#[test]
fn uses_are_found() {
    let text = "use crate::http::{Auth, Replay};\n// crate::python\nlet call = crate::api::Call::new(crate::ids::one());";
    assert_eq!(used(text), ["api", "http", "ids"].map(str::to_owned).into());
}

/// A longer file has two ideas.
#[test]
fn files_are_short() {
    let is_long = |file: &String| {
        let text = fs::read_to_string(source().join(file)).unwrap();
        text.lines().count() > MOST_LINES
    };
    let files = rooms().iter().flat_map(|room| files(room)).collect::<Vec<_>>();
    let names = files
        .iter()
        .map(|path| path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned());
    let long: Vec<String> = names.filter(is_long).collect();
    assert!(
        long.is_empty(),
        "more than {MOST_LINES} lines:\n- {}",
        long.join("\n- ")
    );
}

#[test]
fn files_use_each_other_in_no_circle() {
    let uses = Sources::read(&source()).uses();
    let mut wrong = Vec::new();
    for circle in circles(&uses) {
        wrong.push(format!("A circle of {} files:", circle.len()));
        for file in &circle {
            let others = uses[file].iter().filter(|(other, _)| circle.contains(other));
            wrong.extend(others.map(|(other, items)| format!("- {file} uses {items:?} of {other}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A file without its `mod` would not be compiled, so its tests would not run.
#[test]
fn every_test_file_is_a_module() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut folders = vec![tests.clone()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        let declared =
            ["main.rs", "mod.rs"].map(|name| fs::read_to_string(folder.join(name)).unwrap_or_default());
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !["main", "mod"].contains(&name)
            {
                let line = format!("mod {name};");
                let is_declared = declared
                    .iter()
                    .any(|text| text.lines().any(|found| found == line));
                assert!(is_declared, "{} is not a module", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 30, "test files not found: {count}");
}
