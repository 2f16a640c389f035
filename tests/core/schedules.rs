//! Random schedules on a paused clock: faults, undocumented behavior, other users' changes, stops, kills and resumes.
//! After each call, the ledger must match the project.
//!
//! `SCHEDULES=100000` runs more schedules, `FIRST=200000` runs others. A failing one prints the command that replays
//! it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use acc_assets::api::{assets, relationships};
use acc_assets::call::{Reading, Session};
use acc_assets::columns::{Page, Table};
use acc_assets::http::send::Response;
use acc_assets::http::{Phase, Stop};
use acc_assets::ids::ProjectId;
use acc_assets::ledger::journal::Header;
use acc_assets::ledger::journal::disk;
use acc_assets::ledger::{Ledger, Status, View, lock};
use acc_assets::reads::settings::Reader;
use acc_assets::rows::columns::{ROW_OF_RUN, RowOfRun};
use acc_assets::rows::{CurrentAssets, ImportKey, RowShape};
use acc_assets::run::Tolerance;
use acc_assets::run::start::{Resume, Start, Which};
use acc_assets::settings::{Content, Settings};
use acc_assets::simulator;
use acc_assets::simulator::contract::SWITCHES;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::bench::{Bench, Call, Guard, SECRET, Texts, Way, count, counts, fault};
use crate::events::Events;
use crate::lists;

/// Log lines with a token. Other tests of this process log, too, and must not log one either.
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        if record.target() == "acc_assets" {
            let line = record.args().to_string();
            if line.contains(SECRET) {
                LEAKS.lock().unwrap().push(line);
            }
        }
    }
    fn flush(&self) {}
}

/// The folder is in memory if possible, since each request of a named run is written to disk.
fn folder() -> &'static tempfile::TempDir {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .unwrap()
    })
}

/// The parts of a schedule that can be left out: switches, faults, edits, stops and so on. A part that is left out is drawn,
/// but has no effect, so the other parts stay as they are.
#[derive(Clone, Default)]
struct Parts {
    left_out: BTreeSet<usize>,
    drawn: Arc<AtomicUsize>,
    most_rows: Option<usize>,
}

impl Parts {
    /// Reads which parts to leave out from the command that replays a schedule.
    fn of_environment() -> Self {
        let text = |name: &str| std::env::var(name).unwrap_or_default();
        let left_out = text("LEFT_OUT");
        let numbers = left_out.split(',').filter_map(|number| number.parse().ok());
        Self {
            left_out: numbers.collect(),
            most_rows: text("MOST_ROWS").parse().ok(),
            ..Self::default()
        }
    }

    /// Returns whether the next part has an effect.
    fn takes(&self) -> bool {
        let part = self.drawn.fetch_add(1, Ordering::Relaxed);
        !self.left_out.contains(&part)
    }
}

/// One schedule with its random parameters.
struct Schedule {
    random: Rng,
    parts: Parts,
    events: Events,
    bench: Bench,
    what: String,
    journal: Option<PathBuf>,
    import_key: Option<ImportKey>,
    /// The settings of the project, before and after a possible change.
    settings: Vec<Arc<Settings>>,
    /// The rows of the create, with ids instead of names.
    sent: Vec<Texts>,
    /// Whether there are odd responses.
    odd: Arc<AtomicBool>,
}

/// The user's rows, which are edited, removed and restored between two calls.
struct Owned {
    rows: Vec<Texts>,
    there: Vec<bool>,
    /// The unknown rows before an edit, with their digest in the run.
    before: Vec<Option<(u64, Texts)>>,
}

impl Owned {
    fn new(rows: Vec<Texts>) -> Self {
        let (there, before) = (vec![true; rows.len()], vec![None; rows.len()]);
        Self { rows, there, before }
    }

    /// All rows are present again, in their current form.
    fn complete(&mut self) {
        self.there.fill(true);
    }

    /// Rows found in the project belong to the run. A row that it has not read cannot be missing.
    fn put_back(&mut self, ledger: &Ledger) {
        let read = |row: usize| row < ledger.read();
        for row in 0..self.rows.len() {
            let number = u32::try_from(row).unwrap();
            let good = read(row) && ledger.status(number).is_ok();
            self.there[row] |= !read(row) || good;
            // The row was found in the project as sent.
            if let Some((digest, sent)) = &self.before[row]
                && good
                && ledger.digest(number) == *digest
            {
                self.rows[row].clone_from(sent);
            }
        }
    }

    /// Edits unsettled rows that the run has read.
    fn edit(&mut self, random: &mut Rng, ledger: &Ledger, status: &str) {
        for row in 0..ledger.read() {
            let state = ledger.status(u32::try_from(row).unwrap());
            if state.is_ok() {
                continue;
            }
            let number = u32::try_from(row).unwrap();
            if state == Status::Unknown
                && self.before[row]
                    .as_ref()
                    .is_none_or(|(digest, _)| ledger.digest(number) != *digest)
            {
                self.before[row] = Some((ledger.digest(number), self.rows[row].clone()));
            }
            match random.u8(0..8) {
                0 => self.there[row] = !self.there[row],
                _ if !self.there[row] => {}
                1 | 2 => {
                    self.rows[row].retain(|(name, _)| *name != "description");
                    self.rows[row].push(("description", format!("edited {}", random.u8(..))));
                }
                3 => {
                    for (name, text) in &mut self.rows[row] {
                        if *name == "statusId" {
                            status.clone_into(text);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn given(&self) -> Vec<Texts> {
        let rows = self.rows.iter().zip(&self.there);
        rows.filter(|(_, there)| **there)
            .map(|(row, _)| row.clone())
            .collect()
    }

    /// Simulates a file written by `write_fixes`: the unsettled rows, each with its number in the run.
    fn to_fix(&self, ledger: &Ledger) -> Vec<Texts> {
        let number = |row: usize| u32::try_from(row).unwrap();
        let open = (0..ledger.read()).filter(|row| !ledger.status(number(*row)).is_ok() && self.there[*row]);
        open.map(|row| {
            let mut texts = self.rows[row].clone();
            let of_run = RowOfRun {
                run: ledger.run(),
                row: number(row),
                digest: ledger.digest(number(row)),
                name: Some("run".to_owned()),
                texts: BTreeMap::new(),
            };
            texts.push((ROW_OF_RUN, of_run.text()));
            texts
        })
        .collect()
    }
}

/// Responses larger than the client accepts, and a 401 for a token without a user.
fn odd_responses(random: &mut Rng, on: Arc<AtomicBool>) -> Guard {
    let likely = |random: &mut Rng| {
        if random.u8(0..8) == 0 {
            random.f64() * 0.3
        } else {
            0.0
        }
    };
    let (too_large, two_legged) = (likely(random), likely(random) / 10.0);
    let random = Mutex::new(random.fork());
    Box::new(move |_| {
        let drawn = random.lock().unwrap().f64();
        if !on.load(Ordering::Relaxed) {
            Way::On
        } else if drawn < too_large {
            Way::TooLarge
        } else if drawn < too_large + two_legged {
            Way::Instead(Ok(Response {
                status: 401,
                headers: Vec::new(),
                body: r#"{"detail":"The User ID could not be determined from secure headers"}"#.into(),
            }))
        } else {
            Way::On
        }
    })
}

/// How a call ends.
#[derive(Debug, Clone, Copy)]
enum End {
    ByItself,
    Stop(Phase),
    Kill,
}

impl Schedule {
    fn draw(seed: u64, parts: Parts) -> Self {
        // The name of the folder is random, so it takes a number from the same generator the first time.
        folder();
        // The backoff of the client is random, too.
        fastrand::seed(seed);
        let mut random = Rng::with_seed(seed);
        let mut switches: Vec<(String, String)> = Vec::new();
        for (name, values, _) in SWITCHES {
            // A service that is down permanently, or requires an undocumented header, is not useful here.
            if random.u8(0..100) < 15 && !["gateway_down", "assets_region"].contains(name) {
                let value = match (*name, values[random.usize(0..values.len())]) {
                    // Together with late work, below the settle time of 30 s.
                    ("read_lag_ms", "<n>") => random.u32(0..14_000).to_string(),
                    ("client_asset_id_max" | "barcode_max", "<n>") => "60".to_owned(),
                    ("max_body", "<n>") => random.u32(2_000..20_000).to_string(),
                    ("inject_409" | "inject_5xx", "<n>") => "0.1".to_owned(),
                    ("rate_scale", "<n>") => "0.5".to_owned(),
                    ("max_items", "<n>") => [1, 7, 20, 50][random.usize(0..4)].to_string(),
                    ("token_ttl", "<n>") => "300".to_owned(),
                    (_, value) => value.to_owned(),
                };
                assert_ne!(value, "<n>", "{name}");
                if parts.takes() {
                    switches.push(((*name).to_owned(), value));
                }
            }
        }
        let what = format!("schedule {seed}, switches {switches:?}");
        let options = simulator::Options {
            seed: random.u64(1..5),
            latency: Duration::from_millis(random.u64(0..400)),
            switches,
            // The service's clock may differ from ours by days.
            start: Some(1_790_000_000_000 + random.i64(0..2_000_000_000)),
            ..simulator::Options::default()
        };
        let odd = Arc::new(AtomicBool::new(false));
        let events = Events::new();
        let bench = Bench::with_tokens(options, odd_responses(&mut random, odd.clone()), events.clone());
        // Runs of one folder are compared with each other.
        let journal =
            (random.u8(0..3) == 0).then(|| folder().path().join(seed.to_string()).join("run.sqlite"));
        let import_key = (random.u8(0..3) == 0).then(|| ImportKey {
            field: "barcode".to_owned(),
            prefix: format!("imp-{seed}-"),
            is_generated: true,
        });
        Self {
            random,
            parts,
            events,
            bench,
            what,
            journal,
            import_key,
            settings: Vec::new(),
            sent: Vec::new(),
            odd,
        }
    }

    /// Makes each write of the journal slow, so that more happens between a write and its request.
    fn slow_disk(&mut self) {
        let lag = Duration::from_millis(self.random.u64(1..3000));
        let is_slow = self.random.bool() && self.parts.takes();
        if let Some(path) = self.journal.as_ref().filter(|_| is_slow) {
            disk::lag(path, lag, self.random.u32(1..150));
            let _ = write!(self.what, ", a disk {lag:?} slow");
        }
    }

    /// Reads the settings of the project and changes them as an admin would: a category gets another name, or the
    /// name of another category.
    async fn read_settings(&mut self) {
        if self.random.u8(0..4) != 0 || !self.parts.takes() {
            return;
        }
        let reader = Reader {
            session: Session::new(self.bench.caller.clone(), Stop::default()),
            project: ProjectId::parse(&self.bench.simulator.project_id()).unwrap(),
            locations_container: None,
        };
        // A switch may make the settings unreadable.
        let Ok(content) = reader.read().await else { return };
        let settings = Settings::new(content);
        let own = settings.category_of_id(&self.bench.category);
        let Some(own) = own.filter(|own| settings.set_of(*own).is_some()) else {
            return;
        };
        let categories = settings.content().categories.len();
        let other = (0..categories).find(|other| {
            let category = &settings.content().categories[*other];
            *other != own
                && category.active
                && !category.root
                && settings.set_of(*other) == settings.set_of(own)
        });
        let mut changed = settings.content().clone();
        match other {
            Some(other) if self.random.bool() => {
                let name = changed.categories[own].name.clone();
                changed.categories[own].name = std::mem::replace(&mut changed.categories[other].name, name);
            }
            _ => "Another Name".clone_into(&mut changed.categories[own].name),
        }
        self.what.push_str(", names");
        self.settings = vec![Arc::new(settings), Arc::new(Settings::new(changed))];
    }

    /// Replaces the ids in rows with names.
    fn with_names(&self, mut rows: Vec<Texts>) -> Vec<Texts> {
        let Some(settings) = self.settings.first() else {
            return rows;
        };
        for row in &mut rows {
            for (name, text) in row {
                if *name == "categoryId" {
                    let place = settings.category_of_id(text).unwrap();
                    *name = "Category";
                    text.clone_from(&settings.content().categories[place].name);
                }
            }
        }
        rows
    }

    fn add_faults(&mut self) {
        self.odd.store(true, Ordering::Relaxed);
        let random = &mut self.random;
        for _ in 0..random.usize(0..4) {
            let mut drawn = match random.u8(0..18) {
                0 => json!({"what": "rate_limit", "retry_after": random.u64(1..30)}),
                1 => json!({"what": "rate_limit", "retry_after": null}),
                2 => json!({"what": "rate_limit", "retry_after": "soon"}),
                3 => json!({"what": "refuse"}),
                4 => json!({"what": "reset_before_apply"}),
                5 => json!({"what": "reset_after_apply"}),
                6 => json!({"what": "apply_late", "ms": random.u64(1..14_000)}),
                7 => json!({"what": "delay", "ms": random.u64(1..50_000)}),
                8 => json!({"what": "slow_body", "ms": random.u64(1..50_000)}),
                9 => json!({"what": "cut_body", "bytes": random.u64(0..200)}),
                10 => json!({"what": "wrong_types"}),
                // If a read omits an id, the id is unknown. Only responses to writes can be incomplete.
                11 => {
                    let on = [
                        "assets:batch-create",
                        "assets:batch-patch",
                        "relationships:delete",
                    ];
                    json!({"what": "drop_results", "count": random.u64(1..4), "on": on[random.usize(0..3)]})
                }
                12 => json!({"what": "double_results"}),
                13 => json!({"what": "clock_jump", "seconds": random.i64(-7200..7200), "times": 1}),
                14 => json!({"what": "steal", "requests": random.u64(1..30)}),
                15 => json!({"what": "html"}),
                16 => json!({"what": "expire_token", "times": 2}),
                _ => json!({"what": "status", "code": random.u64(500..505), "after_apply": random.bool()}),
            };
            drawn["probability"] = json!(random.f64() * 0.3);
            drawn["seed"] = json!(random.u64(..));
            if !self.parts.takes() {
                continue;
            }
            self.what.push_str(", ");
            self.what.push_str(&drawn.to_string());
            self.bench.simulator.add_fault(fault(&drawn));
        }
        self.add_odd_success();
    }

    /// A success with an undocumented status or body, with or without the work done.
    fn add_odd_success(&mut self) {
        let random = &mut self.random;
        if random.u8(0..5) > 0 {
            return;
        }
        let on = [
            "assets:batch-create",
            "assets:batch-patch",
            "assets:batch-delete",
            "relationships:delete",
        ][random.usize(0..4)];
        let code = [200, 201, 202, 204][random.usize(0..4)];
        let mut body = ["own", "json", "empty", "html"][random.usize(0..4)];
        // A fake documented success of a delete cannot be detected, so it is left to the service.
        if on == "assets:batch-delete" && code == 204 && body == "empty" {
            body = "own";
        }
        let drawn = json!({
            "what": "status", "code": code, "body": body, "on": on,
            "after_apply": body == "own" || random.bool(),
            "probability": random.f64() * 0.5, "seed": random.u64(..),
        });
        if !self.parts.takes() {
            return;
        }
        self.what.push_str(", ");
        self.what.push_str(&drawn.to_string());
        self.bench.simulator.add_fault(fault(&drawn));
    }

    fn clear_faults(&self) {
        self.odd.store(false, Ordering::Relaxed);
        self.bench.simulator.clear_faults();
    }

    /// Makes both responses of an unlink omit ids, once each.
    fn leave_links_out(&mut self) {
        if self.random.u8(0..4) > 0 || !self.parts.takes() {
            return;
        }
        self.what.push_str(", links left out");
        for on in ["relationships:delete", "relationships:batch"] {
            let drawn = json!({"what": "drop_results", "count": self.random.u64(1..4), "on": on});
            self.bench.simulator.add_fault(fault(&drawn));
        }
    }

    /// Complete but unreadable responses to reads.
    fn add_unreadable_reads(&mut self) {
        const READS: [&str; 3] = ["assets", "assets:batch-get", "relationships:batch"];
        const BODIES: [&str; 4] = ["cut", "empty", "null", "html"];
        let random = &mut self.random;
        if random.u8(0..3) > 0 {
            return;
        }
        let drawn = json!({
            "what": "unreadable",
            "on": READS[random.usize(0..READS.len())],
            "body": BODIES[random.usize(0..BODIES.len())],
            "probability": random.f64() * 0.5,
            "seed": random.u64(..),
        });
        if !self.parts.takes() {
            return;
        }
        self.what.push_str(", ");
        self.what.push_str(&drawn.to_string());
        self.bench.simulator.add_fault(fault(&drawn));
    }

    /// A create of rows with location names, while the locations are sometimes unreadable.
    async fn locate(&mut self) {
        let body = ["cut", "empty", "null", "html"][self.random.usize(0..4)];
        let broken = match self.random.u8(0..5) {
            0 => json!({"what": "unreadable", "body": body}),
            1 => json!({"what": "status", "code": self.random.u64(500..505)}),
            2 => json!({"what": "status", "code": 403}),
            3 => json!({"what": "reset_before_apply"}),
            _ => json!({"what": "delay", "ms": self.random.u64(1..90_000)}),
        };
        let mut broken = broken;
        broken["on"] = json!("locations");
        broken["probability"] = json!(0.5 + self.random.f64() / 2.0);
        broken["seed"] = json!(self.random.u64(..));
        let what = format!("{}, {broken}", self.what);
        self.bench.simulator.add_fault(fault(&broken));
        let reader = Reader {
            session: Session::new(self.bench.caller.clone(), Stop::default()),
            project: ProjectId::parse(&self.bench.simulator.project_id()).unwrap(),
            locations_container: None,
        };
        // Other settings may be unreadable too, which ends the call at its start.
        let Ok(content) = reader.read().await else { return };
        self.clear_faults();
        let world = self.bench.simulator.world_json();
        let locations = world["locations"].as_array().unwrap();
        let all: Vec<&str> = locations
            .iter()
            .filter_map(|node| node["name"].as_str())
            .collect();
        let once = |name: &str| all.iter().filter(|other| **other == name).count() == 1;
        let names: Vec<&str> = all.iter().copied().filter(|name| once(name)).collect();
        let rows: Vec<Texts> = (0..self.random.usize(1..150))
            .map(|row| {
                let mut made = self.bench.new_asset(&format!("L-{row}"), false);
                if self.random.bool() {
                    let name = names[self.random.usize(0..names.len())];
                    made.push(("Location", name.to_owned()));
                }
                made
            })
            .collect();
        let with = |call: Call, content: &Content| {
            let mut call = call;
            call.names.settings = Some(Arc::new(Settings::new(content.clone())));
            call
        };
        let read = content.locations.is_some();
        let call = with(Call::create(rows.clone()), &content);
        let (ledger, ended) = self.bench.call(call).await;
        self.bench.compare(&ledger, rows.len(), &what);
        let needs = |row: usize| rows[row].len() > 3;
        for outcome in View::new(Arc::new(ledger.clone())).outcomes() {
            let code = outcome.fault.as_ref().map_or("", |fault| fault.code.as_str());
            let what = format!("{what}, {outcome:?}, {:?}", ended.fatal);
            assert_ne!(outcome.status, Status::Invalid, "{what}");
            let unread = !read && needs(outcome.row as usize);
            assert_eq!(code == "locations_unread", unread, "{what}");
            assert!(!unread || outcome.status == Status::NotSent, "{what}");
        }
        if ended.fatal.is_some() {
            return;
        }
        // The next call reads them and sends the rest.
        let Ok(content) = reader.read_locations(content).await else {
            return;
        };
        if content.locations.is_none() {
            return;
        }
        let call = with(Call::create(rows.clone()).continues(ledger, true, true), &content);
        let (ledger, ended) = self.bench.call(call).await;
        self.bench.compare(&ledger, rows.len(), &what);
        let assets = self.bench.simulator.assets();
        for outcome in View::new(Arc::new(ledger)).outcomes() {
            let what = format!("{what}, {outcome:?}, {:?}", ended.fatal);
            let code = outcome.fault.as_ref().map_or("", |fault| fault.code.as_str());
            assert!(code != "locations_unread", "{what}");
            if outcome.status == Status::Created {
                let id = outcome.id.unwrap();
                let asset = assets.as_array().unwrap().iter().find(|asset| asset["id"] == id);
                let at = rows[outcome.row as usize].get(3).map(|(_, name)| name.as_str());
                let node = locations
                    .iter()
                    .find(|node| at.is_some_and(|at| node["name"] == at));
                assert_eq!(
                    asset.unwrap().get("locationId"),
                    node.map(|node| &node["id"]),
                    "{what}"
                );
            }
        }
    }

    /// Reads the whole project. The list must be either correct or an error.
    async fn list(&mut self) {
        self.add_unreadable_reads();
        let deleted = self.random.bool();
        let category = self.random.bool().then(|| self.bench.category.clone());
        let mut query = vec![("includeDeleted".to_owned(), deleted.to_string())];
        query.extend(
            category
                .iter()
                .map(|id| ("filter[categoryId]".to_owned(), id.clone())),
        );
        let path = format!(
            "/construction/assets/v2/projects/{}/assets",
            self.bench.simulator.project_id()
        );
        let read = self.read_in_parts(&path, &query).await;
        self.clear_faults();
        let Some(table) = read else { return };
        let listed: BTreeSet<String> = (0..table.len())
            .filter_map(|row| serde_json::from_str::<Value>(&table.json(row)?).ok())
            .map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect();
        let world = self.bench.simulator.assets();
        let wanted: BTreeSet<String> = world
            .as_array()
            .unwrap()
            .iter()
            .filter(|asset| deleted || asset["isActive"] == true)
            .filter(|asset| category.iter().all(|id| asset["categoryId"] == **id))
            .map(|asset| asset["id"].as_str().unwrap().to_owned())
            .collect();
        // New assets may be missing, and pages shift if the service does not sort. Nothing else may be listed.
        assert!(listed.is_subset(&wanted), "{}: {listed:?}", self.what);
        if !self.what.contains("read_lag_ms") {
            assert_eq!(listed, wanted, "{}", self.what);
        }
    }

    /// Reads a list that is resumed a few times after an error or a stop, perhaps by another process.
    async fn read_in_parts(&mut self, path: &str, query: &[(String, String)]) -> Option<Table> {
        let mut reading = Reading::default();
        for _ in 0..self.random.usize(1..4) {
            let session = Session::new(self.bench.caller.clone(), Stop::default());
            let read = reading.go_on(&session, lists::call(&assets::LIST, path, query));
            let stopped = self.random.u8(0..4) == 0;
            let at = Duration::from_millis(self.random.u64(0..1000));
            let read = if stopped {
                tokio::time::timeout(at, read).await.ok()
            } else {
                Some(read.await)
            };
            if let Some(Ok(())) = read {
                return Some(reading.table);
            }
            if self.random.bool() {
                let place = serde_json::to_string(&reading.place).unwrap();
                reading.place = serde_json::from_str(&place).unwrap();
            }
        }
        None
    }

    fn rows(&mut self) -> Vec<Texts> {
        let bench = &self.bench;
        let random = &mut self.random.fork();
        let count = random.usize(0..400);
        let count = count.min(self.parts.most_rows.unwrap_or(count));
        let bad = random.usize(10..300);
        let twins = random.u8(0..4) == 0;
        if twins {
            self.what.push_str(", twins");
        }
        // Blanks at the end of each name, as in an Excel column.
        let end = ["", "", "", " ", "\u{a0}"][random.usize(0..5)];
        let mut rows: Vec<Texts> = Vec::new();
        for row in 0..count {
            let twin = twins && row > 0 && random.u8(0..10) == 0;
            // Names that differ in case are twins if the service ignores case.
            let letter = if twin && random.bool() { 'p' } else { 'P' };
            let key = if twin {
                format!("{letter}-{}", random.usize(0..row))
            } else {
                format!("P-{row}")
            };
            let blank = if random.u8(0..50) == 0 { " " } else { "" };
            let mut made = bench.new_asset(&(key + blank + end), row % bad == 7);
            if random.bool() {
                made.push(("description", format!("said {}", random.u8(0..3))));
            }
            if self.import_key.is_some() && bad.is_multiple_of(2) {
                made.push(("barcode", format!("Key {row}")));
            }
            rows.push(made);
        }
        rows
    }

    /// Makes one call with a random end. Returns the ledger, and whether the call ended by itself.
    async fn call(&mut self, mut call: Call, end: End) -> (Ledger, Option<String>) {
        call.import_key.clone_from(&self.import_key);
        if let Some(key) = &mut call.import_key {
            key.is_generated = !call.rows.iter().flatten().any(|(name, _)| *name == key.field);
        }
        call.stream = self.random.bool();
        if self.random.u8(0..3) == 0 {
            // The rows are read twice.
            call.most_kept = self.random.usize(0..60_000);
        }
        if self.random.u8(0..10) == 0 {
            call.tolerance = Tolerance::Rows(self.random.u64(0..50));
        }
        let stop = call.stop.clone();
        let (name, rows) = (call.write.endpoint.name, call.rows.len());
        let (ledger, driving) = self.bench.start(call);
        let driving = Box::pin(driving);
        let at = Duration::from_millis(self.random.u64(0..90_000));
        self.events
            .add(json!({"call": name, "rows": rows, "end": format!("{end:?}")}));
        let fatal = match end {
            End::ByItself => driving.await.fatal,
            End::Stop(phase) => {
                let stopping = async {
                    tokio::time::sleep(at).await;
                    stop.to(phase);
                    if phase == Phase::Drain {
                        tokio::time::sleep(Duration::from_secs(10)).await;
                        stop.to(Phase::Now);
                    }
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    ended = driving => ended.fatal,
                    () = stopping => None,
                }
            }
            End::Kill => {
                let ended = tokio::time::timeout(at, driving).await;
                // Requests in flight are dropped with the call.
                tokio::time::sleep(Duration::from_secs(1)).await;
                ended.ok().and_then(|ended| ended.fatal)
            }
        };
        let ledger = lock(&ledger).clone();
        let message = fatal.map(|error| error.to_string());
        let view = View::new(Arc::new(ledger.clone()));
        let outcomes: Vec<(Option<String>, &str)> = view
            .outcomes()
            .map(|outcome| (outcome.key.clone(), outcome.status.as_str()))
            .collect();
        self.events
            .add(json!({"ended": name, "fatal": message, "outcomes": outcomes}));
        assert!(
            message.iter().all(|message| !message.contains(SECRET)),
            "{}: a token in an error",
            self.what
        );
        (ledger, message)
    }

    /// The next call of the same create, resumed from its journal or from memory.
    fn next(&self, ledger: Option<Ledger>) -> Call {
        let header = Header {
            verb: "create".to_owned(),
            project: self.bench.simulator.project_id(),
            service: "http://localhost".to_owned(),
            import_key: self.import_key.as_ref().map(|key| key.field.clone()),
        };
        let in_doubt = ledger
            .as_ref()
            .is_some_and(|ledger| count(ledger, Status::Unknown) > 0);
        // If there is a journal, the result in memory is not used.
        let earlier = ledger
            .filter(|_| self.journal.is_none())
            .map(|ledger| View::new(Arc::new(ledger)));
        let start = Start::open(&Resume {
            header: &header,
            run: self.journal.as_deref(),
            dry_run: false,
            reconcile: true,
            rows: earlier.as_ref(),
            which: if earlier.is_some() && in_doubt {
                Which::Reconcile
            } else {
                Which::Retry
            },
        });
        Call::create(Vec::new()).starts_with(start.unwrap())
    }

    /// A call while all writes get a 503, and a later call, which completes.
    async fn outage(&mut self, owned: &Owned) -> Ledger {
        let after = self.random.bool();
        let _ = write!(self.what, ", an outage of writes, after_apply {after}");
        self.bench.simulator.add_fault(fault(
            &json!({"what": "status", "code": 503, "on": "assets:batch-create", "every": 1, "after_apply": after}),
        ));
        let mut next = self.next(None);
        next.rows = owned.given();
        next.names.settings = self.settings.first().cloned();
        let (ledger, fatal) = self.call(next, End::ByItself).await;
        let what = format!("{}, {fatal:?}", self.what);
        self.bench.compare(&ledger, ledger.rows(), &what);
        if !after {
            assert_eq!(count(&ledger, Status::Created), 0, "{what}");
        }
        self.clear_faults();
        for (name, value) in [("inject_5xx", "off"), ("inject_409", "off")] {
            self.bench.simulator.set_switch(name, value).unwrap();
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut next = self.next(Some(ledger));
        next.rows = owned.given();
        next.names.settings = self.settings.first().cloned();
        let (ledger, fatal) = self.call(next, End::ByItself).await;
        assert_eq!(fatal, None, "{}", self.what);
        self.bench.compare(&ledger, owned.rows.len(), &self.what);
        ledger
    }

    async fn create(&mut self) -> Ledger {
        self.read_settings().await;
        self.slow_disk();
        let rows = self.rows();
        let mut owned = Owned::new(self.with_names(rows.clone()));
        // Rows with equal names are ambiguous once they are edited.
        let twins = self.what.contains("twins");
        let mut ledger = None;
        if self.random.u8(0..10) == 0 && self.parts.takes() {
            ledger = Some(self.outage(&owned).await);
        }
        self.add_faults();
        self.add_unreadable_reads();
        let mut paused = 60;
        for round in 0..8 {
            // Finally, the network works and nothing stops the run.
            let calm = round >= 4;
            if calm {
                self.clear_faults();
                for (name, value) in [("inject_5xx", "off"), ("inject_409", "off")] {
                    self.bench.simulator.set_switch(name, value).unwrap();
                }
            }
            let drawn = self.random.u8(0..10);
            let end = match drawn {
                0..=4 if !calm && !self.parts.takes() => End::ByItself,
                0 | 1 if !calm => End::Stop(Phase::Drain),
                2 if !calm => End::Stop(Phase::Now),
                3 | 4 if !calm && self.journal.is_some() => End::Kill,
                _ => End::ByItself,
            };
            let mut next = self.next(ledger.take());
            let mut some_rows_only = false;
            if calm {
                owned.complete();
                next.names.settings = self.settings.first().cloned();
            } else {
                if round > 0 && !twins && self.journal.is_some() && self.random.u8(0..3) == 0 {
                    let status = self.bench.status.clone();
                    let mut random = self.random.fork();
                    if self.parts.takes() {
                        owned.edit(&mut random, &next.ledger, &status);
                    }
                    some_rows_only = self.random.u8(0..3) == 0;
                }
                let choice = self.random.usize(0..self.settings.len().max(1));
                next.names.settings = self.settings.get(choice).cloned();
            }
            owned.put_back(&next.ledger);
            let known = next.ledger.read();
            let there = self.assets();
            let settings = next.names.settings.clone();
            next.rows = if some_rows_only {
                owned.to_fix(&next.ledger)
            } else {
                owned.given()
            };
            if some_rows_only && next.rows.is_empty() {
                next.rows = owned.given();
                some_rows_only = false;
            }
            let (now, fatal) = self.call(next, end).await;
            let what = format!("{}, round {round}, {end:?}, {fatal:?}", self.what);
            // A killed run is checked through its journal in the next round.
            if !matches!(end, End::Kill) {
                self.bench.compare(&now, now.rows(), &what);
                // Requests of an earlier call are executed at most 14 s late.
                if let Some(settings) = settings.filter(|_| paused >= 20) {
                    self.is_encoded(&now, &owned, &there, &settings, &what);
                }
            }
            let wrong_rows = fatal
                .as_ref()
                .is_some_and(|fatal| fatal.contains("these are not the rows of"));
            assert!(!wrong_rows, "{what}: {known} rows were read before");
            let ended = fatal.is_none()
                && now.complete
                && !some_rows_only
                && owned.there.iter().all(|there| *there)
                && count(&now, Status::NotSent) == 0;
            let settled = ended && count(&now, Status::Failed) == 0 && count(&now, Status::Unknown) == 0;
            ledger = Some(now);
            if settled && matches!(end, End::ByItself) {
                break;
            }
            // Time passes before the next call.
            paused = self.random.u64(0..300);
            tokio::time::sleep(Duration::from_secs(paused)).await;
        }
        let ledger = ledger.unwrap();
        self.bench.compare(&ledger, rows.len(), &self.what);
        self.sent = rows;
        ledger
    }

    /// The category of each asset by its id.
    fn assets(&self) -> BTreeMap<String, String> {
        let assets = self.bench.simulator.assets();
        let text = |asset: &Value, name: &str| asset[name].as_str().unwrap().to_owned();
        let assets = assets.as_array().unwrap().iter();
        assets
            .map(|asset| (text(asset, "id"), text(asset, "categoryId")))
            .collect()
    }

    /// Assets that a call has created have the categories that its settings give to the names in the rows. `before` are the
    /// assets before the call.
    fn is_encoded(
        &self,
        ledger: &Ledger,
        owned: &Owned,
        before: &BTreeMap<String, String>,
        settings: &Settings,
        what: &str,
    ) {
        let after = self.assets();
        for outcome in View::new(Arc::new(ledger.clone())).outcomes() {
            let Some(id) = outcome.id.as_ref().filter(|id| !before.contains_key(*id)) else {
                continue;
            };
            let row = &owned.rows[outcome.row as usize];
            let Some((_, name)) = row.iter().find(|(column, _)| *column == "Category") else {
                continue;
            };
            let place = settings.category(name, " > ", false);
            let category = place.map(|place| settings.content().categories[place].id.clone());
            assert_eq!(
                category.as_ref().ok(),
                after.get(id),
                "{what}: {name:?} of {outcome:?}"
            );
        }
    }

    /// Rows that the service has rejected are rejected alone, too.
    async fn is_bad(&mut self, ledger: &Ledger) {
        // Any row may have been rejected.
        if self.what.contains("inject_409") {
            return;
        }
        let view = View::new(Arc::new(ledger.clone()));
        let rejected: Vec<_> = view
            .outcomes()
            .filter(|outcome| outcome.status == Status::Rejected)
            .collect();
        for outcome in rejected.iter().take(2).chain(rejected.last()) {
            let row = self.sent[outcome.row as usize].clone();
            let (alone, ended) = self.bench.call(Call::create(vec![row])).await;
            assert_eq!(
                counts(&alone),
                [(Status::Rejected, 1)],
                "{}: {outcome:?} alone, {:?}",
                self.what,
                ended.fatal
            );
        }
    }

    /// Patches and deletes some of the created assets, with new faults.
    async fn change(&mut self, created: Ledger) {
        let ids: Vec<String> = View::new(Arc::new(created)).ids().into_iter().flatten().collect();
        self.journal = None;
        self.import_key = None;
        let mut gone: Vec<String> = Vec::new();
        for delete in [false, true] {
            self.add_faults();
            self.add_unreadable_reads();
            let some: Vec<&String> = ids.iter().filter(|_| self.random.bool()).collect();
            let text = format!("changed {}", self.random.u32(..));
            let rows: Vec<Texts> = some
                .iter()
                .map(|id| {
                    let mut row = vec![("id", (*id).clone())];
                    if !delete {
                        row.push(("description", text.clone()));
                    }
                    row
                })
                .collect();
            let call = if delete {
                Call::new(&assets::BATCH_DELETE, RowShape::IdOfAsset, rows)
            } else {
                Call::new(&assets::BATCH_PATCH, RowShape::AssetPatch, rows)
            };
            // Another user works on the same assets.
            let is_deleted = self.random.u8(0..4) == 0 && self.parts.takes();
            if let Some(id) = some.first().filter(|_| is_deleted) {
                // The asset may have been deleted in the previous round.
                let _ = self.bench.simulator.delete_asset(id);
                gone.push((*id).clone());
            }
            let (ledger, fatal) = self.call(call, End::ByItself).await;
            let world = self.bench.simulator.assets();
            for outcome in View::new(Arc::new(ledger)).outcomes() {
                let id = outcome.key.unwrap_or_default();
                let asset = world.as_array().unwrap().iter().find(|asset| asset["id"] == id);
                let asset = asset.unwrap_or(&Value::Null);
                let there = if delete {
                    asset["isActive"] == false
                } else {
                    asset["description"] == text.as_str()
                };
                let what = format!(
                    "{}, delete: {delete}, {id} is {:?}, {fatal:?}, {:?}: {asset}",
                    self.what, outcome.status, outcome.fault
                );
                match outcome.status {
                    Status::Updated | Status::Deleted => assert!(there, "{what}"),
                    Status::Unknown => {}
                    // The other user's delete may be the reason why this one was rejected.
                    Status::Rejected if delete => {}
                    _ => assert!(!there || (delete && gone.contains(&id)), "{what}"),
                }
            }
            self.clear_faults();
        }
    }

    /// Patches assets that were read before. Another user changes some of them meanwhile.
    async fn edit(&mut self) {
        let snapshot = |simulator: &simulator::Simulator| -> Vec<Value> {
            let assets = simulator.assets();
            let active = assets.as_array().unwrap().iter();
            active
                .filter(|asset| asset["isActive"] == true)
                .cloned()
                .collect()
        };
        let read = snapshot(&self.bench.simulator);
        let text = format!("edited {}", self.random.u32(..));
        let rows: Vec<Texts> = read
            .iter()
            .map(|asset| {
                let mut row = vec![
                    (
                        "clientAssetId",
                        asset["clientAssetId"].as_str().unwrap().to_owned(),
                    ),
                    ("id", asset["id"].as_str().unwrap().to_owned()),
                ];
                if self.random.u8(0..4) > 0 {
                    row.push(("version", asset["version"].to_string()));
                }
                let old = asset["description"].as_str();
                if self.random.bool() {
                    row.push(("description", text.clone()));
                } else {
                    row.extend(old.map(|old| ("description", old.to_owned())));
                }
                row
            })
            .collect();
        for asset in &read {
            let theirs = match self.random.u8(0..6) {
                0 => "theirs",
                1 => text.as_str(),
                _ => continue,
            };
            let id = asset["id"].as_str().unwrap();
            self.bench
                .simulator
                .patch_asset(id, &json!({"description": theirs}))
                .unwrap();
        }
        let before = snapshot(&self.bench.simulator);
        let texts: Vec<String> = before.iter().map(Value::to_string).collect();
        let mut table = Table::default();
        table.add(Page::of(texts.iter().map(String::as_str)).unwrap(), 0..u32::MAX);
        self.add_faults();
        self.add_unreadable_reads();
        let mut call = Call::new(&assets::BATCH_PATCH, RowShape::AssetPatch, rows.clone());
        call.names.current = Some(Arc::new(CurrentAssets::new(table)));
        let (ledger, fatal) = self.call(call, End::ByItself).await;
        let after = snapshot(&self.bench.simulator);
        for (place, outcome) in View::new(Arc::new(ledger)).outcomes().enumerate() {
            let given = |name: &str| {
                rows[place]
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, text)| text)
            };
            let what = format!(
                "{}, {:?} is {:?}, {fatal:?}, {:?}: before {}, after {}",
                self.what, rows[place], outcome.status, outcome.fault, before[place], after[place]
            );
            let same = given("description").is_none_or(|text| before[place]["description"] == text.as_str());
            let newer = given("version")
                .is_some_and(|version| before[place]["version"].as_u64() != version.parse().ok());
            match outcome.status {
                Status::Unchanged => assert!(same, "{what}"),
                Status::Drifted => assert!(newer && !same, "{what}"),
                // A stream may not have been read to its end.
                Status::NotSent => {}
                _ => assert!(!newer && !same, "{what}"),
            }
            match outcome.status {
                Status::Updated => {
                    assert_eq!(
                        after[place]["description"],
                        given("description").unwrap().as_str(),
                        "{what}"
                    );
                }
                Status::Unknown => {}
                _ => assert_eq!(after[place]["version"], before[place]["version"], "{what}"),
            }
        }
        self.clear_faults();
    }

    async fn unlink(&mut self) {
        let ids = self.bench.simulator.seed_relationships(self.random.usize(0..120));
        self.add_faults();
        self.leave_links_out();
        self.add_unreadable_reads();
        let rows = ids.iter().map(|id| vec![("id", id.clone())]).collect();
        let call = Call::new(&relationships::DELETE, RowShape::IdOfRelationship, rows);
        let (ledger, fatal) = self.call(call, End::ByItself).await;
        let world = self.bench.simulator.relationships();
        for outcome in View::new(Arc::new(ledger)).outcomes() {
            let id = outcome.key.unwrap_or_default();
            let link = world.as_array().unwrap().iter().find(|link| link["id"] == id);
            let deleted = link.is_none_or(|link| link["isDeleted"] == true);
            let what = format!("{}, link {id} is {:?}, {fatal:?}", self.what, outcome.status);
            match outcome.status {
                Status::Deleted => assert!(deleted, "{what}"),
                Status::Unknown => {}
                _ => assert!(!deleted, "{what}"),
            }
        }
    }

    async fn play(mut self) -> Vec<(Status, usize)> {
        let created = Box::pin(self.create()).await;
        let rejected = created.clone();
        let counts = counts(&created);
        let has_secret = |kept: &[u8]| {
            kept.windows(SECRET.len())
                .any(|window| window == SECRET.as_bytes())
        };
        let said = postcard::to_stdvec(&created).unwrap();
        assert!(!has_secret(&said), "{}: a token in the ledger", self.what);
        if let Some(path) = &self.journal {
            let kept = std::fs::read(path).unwrap();
            assert!(!has_secret(&kept), "{}: a token in the journal", self.what);
            std::fs::remove_file(path).unwrap();
        }
        self.change(created).await;
        self.unlink().await;
        // Late work is complete by now.
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.clear_faults();
        self.is_bad(&rejected).await;
        self.list().await;
        Box::pin(self.locate()).await;
        Box::pin(self.edit()).await;
        let audit = self.bench.simulator.audit();
        for (group, limit) in [
            ("assets_write", 100),
            ("assets_read", 1000),
            ("relationships", 120),
        ] {
            let most = audit.busiest_window.get(group).copied().unwrap_or(0);
            // Requests of another program are outside the client's control.
            if !self.what.contains("steal") {
                assert!(most <= limit, "{}: {most} {group} in a window", self.what);
            }
        }
        counts
    }
}

/// Plays a schedule. Returns its rows by their last status, and its events.
fn played(seed: u64, parts: &Parts) -> std::thread::Result<(Vec<(Status, usize)>, String)> {
    parts.drawn.store(0, Ordering::Relaxed);
    std::panic::catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let schedule = Schedule::draw(seed, parts.clone());
            let events = schedule.events.clone();
            (Box::pin(schedule.play()).await, events.text())
        })
    }))
}

/// Leaves out all parts of a failing schedule without which it still fails.
fn shrunk(seed: u64) -> Parts {
    let mut parts = Parts::default();
    let fails = |parts: &Parts| played(seed, parts).is_err();
    for rows in [200, 100, 50, 20, 10, 5, 2, 1] {
        let most_rows = parts.most_rows.replace(rows);
        if !fails(&parts) {
            parts.most_rows = most_rows;
            break;
        }
    }
    // The parts of the smallest schedule so far.
    fails(&parts);
    for part in (0..parts.drawn.load(Ordering::Relaxed)).rev() {
        parts.left_out.insert(part);
        if !fails(&parts) {
            parts.left_out.remove(&part);
        }
    }
    parts
}

/// Returns the command that replays a schedule.
fn command(seed: u64, parts: &Parts) -> String {
    let left_out: Vec<String> = parts.left_out.iter().map(usize::to_string).collect();
    let mut command = format!("FIRST={seed} SCHEDULES=1");
    if !left_out.is_empty() {
        let _ = write!(command, " LEFT_OUT={}", left_out.join(","));
    }
    if let Some(rows) = parts.most_rows {
        let _ = write!(command, " MOST_ROWS={rows}");
    }
    command + " make soak"
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn the_ledger_is_true_in_every_schedule() {
    let first = number("FIRST").unwrap_or(0);
    let schedules = number("SCHEDULES").unwrap_or(2000);
    let parts = Parts::of_environment();
    let _ = log::set_logger(&Logger).map(|()| log::set_max_level(log::LevelFilter::Trace));
    let next = std::sync::atomic::AtomicU64::new(first);
    let totals: Mutex<BTreeMap<Status, usize>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + schedules {
                        break;
                    }
                    let parts = Parts {
                        drawn: Arc::default(),
                        ..parts.clone()
                    };
                    match played(seed, &parts) {
                        Ok((counts, _)) => {
                            let mut totals = totals.lock().unwrap();
                            for (state, rows) in counts {
                                *totals.entry(state).or_default() += rows;
                            }
                        }
                        Err(panic) => {
                            next.store(u64::MAX / 2, Ordering::Relaxed);
                            eprintln!("replay it: {}", command(seed, &parts));
                            if schedules > 1 {
                                let hook = std::panic::take_hook();
                                std::panic::set_hook(Box::new(|_| {}));
                                let parts = shrunk(seed);
                                std::panic::set_hook(hook);
                                eprintln!("the same with less: {}", command(seed, &parts));
                            }
                            std::panic::resume_unwind(panic);
                        }
                    }
                }
            });
        }
    });
    assert_eq!(*LEAKS.lock().unwrap(), [""; 0], "a token in the log");
    println!(
        "{schedules} schedules, rows by their last state: {:?}",
        totals.lock().unwrap()
    );
}

/// Writes the events of schedules to the file EVENTS.
#[test]
#[ignore = "a part of other tests and of `make trace`"]
fn events_are_written() {
    let parts = Parts::of_environment();
    let mut all = String::new();
    for seed in number("FIRST").unwrap()..number("FIRST").unwrap() + number("SCHEDULES").unwrap() {
        let (_, events) = played(seed, &parts).unwrap();
        all.push_str(&events);
    }
    std::fs::write(std::env::var("EVENTS").unwrap(), all).unwrap();
}

#[test]
fn a_seed_has_the_same_events_in_every_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = |number: u32| folder.path().join(number.to_string());
    for number in [1, 2] {
        let played = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "schedules::events_are_written"])
            .envs([("FIRST", "0"), ("SCHEDULES", "60")])
            .env("EVENTS", path(number))
            .output()
            .unwrap();
        assert!(played.status.success(), "{played:?}");
    }
    let [first, second] = [1, 2].map(|number| std::fs::read_to_string(path(number)).unwrap());
    let differing = first
        .lines()
        .zip(second.lines())
        .find(|(one, other)| one != other);
    assert_eq!(differing, None);
    assert_eq!(first.len(), second.len());
    assert!(first.lines().count() > 1000);
}
