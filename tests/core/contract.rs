//! `docs/internals/contract.md` is complete: its tests exist, and no switch or endpoint is missing from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use acc_assets::simulator::contract::SWITCHES;

/// A row of a table, with its section and its cells by column.
struct Row {
    section: String,
    cells: BTreeMap<String, String>,
}

impl Row {
    fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// The row's own name: the code in its first column.
    fn name(&self, column: &str) -> String {
        self.codes(column).into_iter().next().unwrap_or_default()
    }

    fn codes(&self, column: &str) -> Vec<String> {
        codes(self.cell(column))
    }
}

/// Returns the strings between backticks.
fn codes(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rows(page: &str) -> Vec<Row> {
    let mut section = String::new();
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for line in page.lines() {
        let Some(line) = line.strip_prefix('|') else {
            columns.clear();
            if let Some(title) = line.strip_prefix("## ") {
                title.clone_into(&mut section);
            }
            continue;
        };
        let cells: Vec<String> = line
            .trim_end_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect();
        if columns.is_empty() {
            columns = cells;
        } else if !cells.iter().all(|cell| cell.starts_with("---")) {
            assert_eq!(cells.len(), columns.len(), "cells of |{line}");
            rows.push(Row {
                section: section.clone(),
                cells: columns.iter().cloned().zip(cells).collect(),
            });
        }
    }
    rows
}

/// Returns why a name on the page is not a test of `make test`, or `None` if it is.
fn not_a_test(named: &str) -> Option<String> {
    let Some((path, name)) = named.split_once("::") else {
        return Some(format!("`{named}` is not written as `path::test`"));
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = fs::read_to_string(root.join(path)) else {
        return Some(format!("there is no file `{path}` for `{named}`"));
    };
    let runs = match Path::new(path).extension().and_then(|kind| kind.to_str()) {
        Some("rs") => is_rust_test(&text, name),
        Some("py") => path.starts_with("tests/python/test_") && is_python_test(&text, name),
        _ => false,
    };
    (!runs).then(|| format!("`{path}` has no test `{name}`"))
}

/// Whether there is such a function with a test attribute that is not ignored.
fn is_rust_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let heads = [format!("fn {name}("), format!("async fn {name}(")];
    let Some(at) = lines
        .iter()
        .position(|line| heads.iter().any(|head| line.starts_with(head.as_str())))
    else {
        return false;
    };
    let above = || lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
    let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    above().any(is_test) && !above().any(|line| line.starts_with("#[ignore"))
}

/// Whether there is such a function at the top level, with a name that pytest collects.
fn is_python_test(text: &str, name: &str) -> bool {
    let heads = [format!("def {name}("), format!("async def {name}(")];
    let found = |line: &str| heads.iter().any(|head| line.starts_with(head.as_str()));
    name.starts_with("test_") && text.lines().any(found)
}

/// The sources that a rule may name.
fn is_page(text: &str) -> bool {
    let pages = [
        " reference page",
        " rate limits page",
        "Regions page",
        "Assets field guide",
        "Error codes page of the platform",
    ];
    pages.iter().any(|page| text.ends_with(page)) || text.starts_with("tutorial \"") && text.ends_with('"')
}

/// Returns the names of the endpoints of `src/api`, which are the first string in each.
fn endpoints() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut paths = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api")];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        for constant in text.split("\npub const ").skip(1) {
            let (head, rest) = constant.split_once('=').unwrap();
            let kinds = [": Endpoint ", ": Write "];
            if kinds.iter().any(|kind| head.ends_with(kind)) {
                names.insert(rest.split('"').nth(1).unwrap().to_owned());
            }
        }
    }
    assert!(names.len() >= 22, "the endpoints are not found: {names:?}");
    names
}

#[test]
fn contract_page_is_complete() {
    let page = read("docs/internals/contract.md");
    let rows = rows(&page);
    let mut missing: Vec<String> = Vec::new();

    let mut rules = BTreeSet::new();
    for row in rows.iter().filter(|row| row.cells.contains_key("rule")) {
        let rule = row.name("rule");
        let what = format!("rule `{rule}` of \"{}\"", row.section);
        if rule.is_empty() || !rules.insert(rule) {
            missing.push(format!("{what} has no name of its own"));
        }
        if row.cell("page") != "our inference" && !is_page(row.cell("page")) {
            missing.push(format!(
                "{what} names neither a page nor \"our inference\": {:?}",
                row.cell("page")
            ));
        }
        if row.cell("assumption").is_empty() || row.codes("tests").is_empty() {
            missing.push(format!("{what} has no text or no test"));
        }
    }
    assert!(rules.len() > 50, "the rules are not found");

    let tests = page.split_whitespace().flat_map(codes);
    let tests: BTreeSet<String> = tests.filter(|code| code.contains("::")).collect();
    missing.extend(tests.iter().filter_map(|test| not_a_test(test)));

    let mut switches: BTreeMap<String, Vec<String>> = rows
        .iter()
        .filter(|row| row.cells.contains_key("switch"))
        .map(|row| {
            if row.cell("what the client does").is_empty() {
                missing.push(format!(
                    "switch `{}`: what the client does is missing",
                    row.name("switch")
                ));
            }
            (row.name("switch"), row.codes("values"))
        })
        .collect();
    for (name, values, _) in SWITCHES {
        match switches.remove(*name) {
            None => missing.push(format!("switch `{name}` of the simulator is not on the page")),
            Some(found) if found != *values => missing.push(format!(
                "switch `{name}` takes {values:?}, and the page says {found:?}"
            )),
            Some(_) => {}
        }
    }
    missing.extend(
        switches
            .keys()
            .map(|name| format!("the simulator has no switch `{name}`")),
    );

    let listed: BTreeSet<String> = rows
        .iter()
        .filter(|row| row.cells.contains_key("endpoint"))
        .map(|row| {
            if !is_page(row.cell("page")) {
                missing.push(format!("endpoint `{}` names no page", row.name("endpoint")));
            }
            row.name("endpoint")
        })
        .collect();
    let real = endpoints();
    missing.extend(
        real.difference(&listed)
            .map(|name| format!("endpoint `{name}` is not on the page")),
    );
    missing.extend(
        listed
            .difference(&real)
            .map(|name| format!("`src/api` has no endpoint `{name}`")),
    );

    assert!(
        missing.is_empty(),
        "docs/internals/contract.md:\n- {}",
        missing.join("\n- ")
    );
}

#[test]
fn only_tests_that_run_count() {
    let rust = "fn helper() {}\n\n#[test]\n#[ignore = \"slow\"]\nfn ignored() {}\n\n#[test]\n#[expect(x)]\nfn plain() {}\n\n\
        proptest! {\n    #[test]\n    fn drawn(_ in any()) {}\n}\n\n\
        #[tokio::test(start_paused = true)]\nasync fn paused() {}\n";
    for name in ["plain", "drawn", "paused"] {
        assert!(is_rust_test(rust, name), "{name}");
    }
    for name in ["helper", "ignored", "pla", "missing"] {
        assert!(!is_rust_test(rust, name), "{name}");
    }
    let python = "def test_plain() -> None:\n    def test_inner() -> None: ...\n\nasync def test_async(x): ...\n\ndef helper(): ...\n";
    assert!(is_python_test(python, "test_plain") && is_python_test(python, "test_async"));
    for name in ["test_inner", "helper", "test_missing"] {
        assert!(!is_python_test(python, name), "{name}");
    }
    assert!(not_a_test("tests/core/contract.rs::only_tests_that_run_count").is_none());
    for named in [
        "tests/core/contract.rs::codes",
        "tests/python/conftest.py::kit_of",
        "tests/core/none.rs::test",
        "codes",
    ] {
        assert!(not_a_test(named).is_some(), "{named}");
    }
}
