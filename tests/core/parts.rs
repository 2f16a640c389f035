//! Runs with several parts, each for its own endpoint, and runs whose rows are read twice.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use acc_assets::api::{Write, assets};
use acc_assets::call::Session;
use acc_assets::http::Stop;
use acc_assets::http::send::Request;
use acc_assets::ids::ProjectId;
use acc_assets::input::{
    Cell, Column, Label, More, Preparation, Prepared, Selected, Selection, Sink, Source, SourceError,
};
use acc_assets::ledger::{Ledger, Status, View};
use acc_assets::reads::settings::Reader;
use acc_assets::rows::{ImportKey, RowShape};
use acc_assets::run::MOST_KEPT;
use acc_assets::settings::Settings;
use acc_assets::simulator::{self, Fault};
use serde_json::{Value, json};

use crate::bench::{Bench, Call, Further, Texts, Way, client, count, counts};

/// A write, and the shape of its rows.
type Kind = (&'static Write, RowShape);

const CREATE: Kind = (&assets::BATCH_CREATE, RowShape::NewAsset);
const PATCH: Kind = (&assets::BATCH_PATCH, RowShape::AssetPatch);
const DELETE: Kind = (&assets::BATCH_DELETE, RowShape::IdOfAsset);

fn further((write, shape): Kind, waits: bool, rows: Vec<Texts>) -> Further {
    Further {
        write,
        shape,
        waits,
        rows,
    }
}

fn create(rows: Vec<Texts>, more: Vec<Further>) -> Call {
    let mut call = Call::new(CREATE.0, CREATE.1, rows);
    call.more = more;
    call
}

fn fault(fault: &Value) -> Fault {
    Fault::from_json(fault).unwrap()
}

/// Creates a bench, and a list of the requests that leave.
fn logged() -> (Bench, Arc<Mutex<Vec<String>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = log.clone();
    let guard = move |request: &Request| {
        let name = request.url.rsplit('/').next().unwrap_or_default().to_owned();
        seen.lock().unwrap().push(name);
        Way::On
    };
    let bench = Bench::guarded(simulator::Options::default(), client(), Box::new(guard));
    (bench, log)
}

/// Creates assets, and returns their ids.
async fn existing(bench: &Bench, rows: usize) -> Vec<String> {
    let rows = (0..rows).map(|row| bench.new_asset(&format!("E-{row}"), false));
    let (ledger, _) = bench.create(rows.collect(), false).await;
    View::new(Arc::new(ledger)).ids().into_iter().flatten().collect()
}

/// Creates a bench with assets, a list of the requests that leave from now on, and the ids of the assets.
async fn with_assets(rows: usize) -> (Bench, Arc<Mutex<Vec<String>>>, Vec<String>) {
    let (bench, log) = logged();
    let ids = existing(&bench, rows).await;
    log.lock().unwrap().clear();
    (bench, log, ids)
}

fn patches(ids: &[String], text: &str) -> Vec<Texts> {
    let rows = ids
        .iter()
        .map(|id| vec![("id", id.clone()), ("description", text.to_owned())]);
    rows.collect()
}

fn deletes(ids: &[String]) -> Vec<Texts> {
    ids.iter().map(|id| vec![("id", id.clone())]).collect()
}

fn new_assets(bench: &Bench, rows: usize) -> Vec<Texts> {
    (0..rows)
        .map(|row| bench.new_asset(&format!("N-{row}"), false))
        .collect()
}

/// Panics if an outcome of a mixed run is not what the project shows. Assets are created with names that begin with N,
/// patched with this text, or deleted.
fn is_true(bench: &Bench, ledger: &Ledger, text: &str, what: &str) {
    let world = bench.simulator.assets();
    let world = world.as_array().unwrap();
    for outcome in View::new(Arc::new(ledger.clone())).outcomes() {
        let what = format!("{what}: {outcome:?}");
        let key = outcome.key.clone().unwrap_or_default();
        if key.starts_with("N-") {
            let found: Vec<&Value> = world
                .iter()
                .filter(|asset| asset["clientAssetId"] == *key)
                .collect();
            match outcome.status {
                Status::Created => {
                    assert_eq!(found.len(), 1, "{what}");
                    assert_eq!(found[0]["id"].as_str(), outcome.id.as_deref(), "{what}");
                }
                Status::Unknown => assert!(found.len() <= 1, "{what}"),
                _ => assert!(found.is_empty(), "{what}"),
            }
            continue;
        }
        let asset = world.iter().find(|asset| asset["id"] == *key).unwrap();
        match outcome.status {
            Status::Updated => assert_eq!(asset["description"], text, "{what}"),
            Status::Deleted => assert_eq!(asset["isActive"], false, "{what}"),
            Status::Unknown => {}
            _ => assert!(
                asset["description"] != text && asset["isActive"] == true,
                "{what}"
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_run_mixes_endpoints() {
    let (bench, log, ids) = with_assets(450).await;
    let more = vec![
        further(PATCH, false, patches(&ids[..250], "changed")),
        further(DELETE, false, deletes(&ids[250..])),
    ];
    let (ledger, ended) = bench.call(create(new_assets(&bench, 150), more)).await;
    assert!(ended.fatal.is_none());
    assert_eq!(
        counts(&ledger),
        [
            (Status::Created, 150),
            (Status::Updated, 250),
            (Status::Deleted, 200)
        ]
    );
    is_true(&bench, &ledger, "changed", "mixed");
    let sent = log.lock().unwrap();
    let of = |name: &str| sent.iter().filter(|sent| sent.contains(name)).count();
    assert_eq!(
        [
            of("batch-create"),
            of("batch-patch"),
            of("batch-delete"),
            sent.len()
        ],
        [2, 3, 2, 7]
    );
}

#[tokio::test(start_paused = true)]
async fn a_part_is_sent_after_the_part_before_it_is_settled() {
    for (seed, stream) in (0..20).flat_map(|seed| [(seed, false), (seed, true)]) {
        let (bench, log, ids) = with_assets(300).await;
        bench.simulator.add_fault(fault(
            &json!({"what": "reset_after_apply", "probability": 0.4, "seed": seed, "on": "assets:batch-create"}),
        ));
        let more = vec![further(DELETE, true, deletes(&ids))];
        let mut call = create(new_assets(&bench, 420), more);
        call.stream = stream;
        let (ledger, ended) = bench.call(call).await;
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        assert_eq!(counts(&ledger), [(Status::Created, 420), (Status::Deleted, 300)]);
        let sent = log.lock().unwrap();
        let last_create = sent
            .iter()
            .rposition(|sent| sent.contains("batch-create"))
            .unwrap();
        let first_delete = sent
            .iter()
            .position(|sent| sent.contains("batch-delete"))
            .unwrap();
        assert!(last_create < first_delete, "{seed}: {sent:?}");
        // The lookup of lost creates comes first, too.
        let last_look = sent.iter().rposition(|sent| sent.starts_with("assets?"));
        assert!(
            last_look.is_none_or(|look| look < first_delete),
            "{seed}: {sent:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn two_parts_for_one_asset_contradict_each_other() {
    let (bench, log, ids) = with_assets(2).await;
    let more = vec![
        further(PATCH, false, patches(&ids, "changed")),
        further(DELETE, false, deletes(&ids[1..])),
    ];
    let (ledger, _) = bench.call(create(Vec::new(), more)).await;
    assert_eq!(counts(&ledger), [(Status::Updated, 1), (Status::Invalid, 2)]);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_counts_the_requests_of_each_part() {
    let (bench, log, ids) = with_assets(150).await;
    let more = vec![further(DELETE, true, deletes(&ids))];
    let mut call = create(new_assets(&bench, 101), more);
    call.dry_run = true;
    let (ledger, _) = bench.call(call).await;
    assert_eq!((ledger.estimate.rows, ledger.estimate.requests), (251, 4));
    assert!(log.lock().unwrap().is_empty());
}

/// Mixed runs whose responses get lost, which are killed, and which are continued from the journal.
#[tokio::test(start_paused = true)]
async fn mixed_runs_are_resumed() {
    for seed in 0..30_u64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixed.sqlite");
        let (bench, _) = logged();
        let ids = existing(&bench, 240).await;
        for (what, on) in [
            ("reset_after_apply", "assets:batch-create"),
            ("reset_before_apply", "assets:batch-patch"),
            ("reset_after_apply", "assets:batch-delete"),
        ] {
            let drawn = json!({"what": what, "probability": 0.3, "seed": seed, "on": on});
            bench.simulator.add_fault(fault(&drawn));
        }
        let waits = seed % 2 == 1;
        let call = || {
            let more = vec![
                further(PATCH, false, patches(&ids[..120], "changed")),
                further(DELETE, waits, deletes(&ids[120..])),
            ];
            let mut call = create(new_assets(&bench, 350), more).of_run(&bench, &path);
            call.stream = seed % 3 == 0;
            call.most_kept = if seed % 5 == 0 { 4000 } else { MOST_KEPT };
            call
        };
        let mut ledger = Ledger::default();
        let mut killed = 0_u32;
        for attempt in 0..6 {
            let (shared, driving) = bench.start(call());
            let time = Duration::from_millis(200 + 397 * seed * (attempt + 1));
            let ended = tokio::time::timeout(time, driving).await.ok();
            killed += u32::from(ended.is_none());
            let fatal = ended.and_then(|ended| ended.fatal);
            ledger = std::mem::take(&mut *acc_assets::ledger::lock(&shared));
            assert!(fatal.is_none(), "{seed}: {fatal:?}");
            if [Status::NotSent, Status::Unknown, Status::Failed]
                .iter()
                .all(|status| count(&ledger, *status) == 0)
                && ledger.complete
            {
                break;
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let what = format!("seed {seed}, killed {killed} times");
        is_true(&bench, &ledger, "changed", &what);
        assert_eq!(
            counts(&ledger),
            [
                (Status::Created, 350),
                (Status::Updated, 120),
                (Status::Deleted, 120)
            ],
            "{what}"
        );
    }
}

/// Input whose bodies are not kept: it is read again.
#[tokio::test(start_paused = true)]
async fn rows_are_read_twice_if_they_are_too_many_to_keep() {
    let (bench, log) = logged();
    let rows: Vec<Texts> = (0..730)
        .map(|row| bench.new_asset(&format!("N-{row}"), row % 100 == 7))
        .collect();
    let mut call = Call::create(rows.clone());
    call.most_kept = 30_000;
    let (ledger, ended) = bench.call(call).await;
    assert!(ended.fatal.is_none());
    is_true(&bench, &ledger, "", "twice");
    let once = Bench::new(simulator::Options::default());
    let (expected, _) = once.create(rows, false).await;
    assert_eq!(counts(&ledger), counts(&expected));
    assert_eq!(ledger.stats.requests, expected.stats.requests);
    assert_eq!(
        log.lock().unwrap().len(),
        usize::try_from(expected.stats.requests).unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_that_changed_before_it_is_read_again_is_not_sent() {
    let (bench, _) = logged();
    let rows = new_assets(&bench, 500);
    let mut later = rows.clone();
    later[3].push(("description", "new".to_owned()));
    later[4][0].1 = "N-renamed".to_owned();
    later[5] = bench.new_asset("N-5", true);
    // The last five are gone.
    later.truncate(495);
    let mut call = Call::create(rows.clone());
    (call.most_kept, call.later) = (10_000, Some(later));
    let (ledger, ended) = bench.call(call).await;
    assert!(ended.fatal.is_none());
    assert_eq!(counts(&ledger), [(Status::Created, 492), (Status::Invalid, 8)]);
    is_true(&bench, &ledger, "", "changed");
    let view = View::new(Arc::new(ledger));
    let changed = view
        .outcomes()
        .filter(|outcome| outcome.status == Status::Invalid);
    let rows: Vec<u32> = changed
        .map(|outcome| {
            let fault = outcome.fault.unwrap();
            assert!(
                fault.message.contains("changed while the call was running"),
                "{fault:?}"
            );
            outcome.row
        })
        .collect();
    assert_eq!(rows, [3, 4, 5, 495, 496, 497, 498, 499]);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_added_before_the_rows_are_read_again_is_not_sent() {
    let (bench, _) = logged();
    let rows = new_assets(&bench, 300);
    let mut later = rows.clone();
    later.push(bench.new_asset("N-added", false));
    let mut call = Call::create(rows);
    (call.most_kept, call.later) = (10_000, Some(later));
    let (ledger, _) = bench.call(call).await;
    assert_eq!(counts(&ledger), [(Status::Created, 300), (Status::Invalid, 1)]);
    is_true(&bench, &ledger, "", "added");
}

/// A row in doubt is resent with the settings of today, although too many bodies to keep were read before it.
#[tokio::test(start_paused = true)]
async fn a_row_in_doubt_is_encoded_again_although_bodies_are_dropped() {
    let (bench, _) = logged();
    let reader = Reader {
        session: Session::new(bench.caller.clone(), Stop::default()),
        project: ProjectId::parse(&bench.simulator.project_id()).unwrap(),
        locations_container: None,
    };
    let before = Settings::new(reader.read().await.unwrap());
    let own = before.category_of_id(&bench.category).unwrap();
    let mut content = before.content().clone();
    let is_alike = |other: &usize| {
        let category = &content.categories[*other];
        *other != own && category.active && !category.root && before.set_of(*other) == before.set_of(own)
    };
    let other = (0..content.categories.len()).find(is_alike).unwrap();
    let name = content.categories[own].name.clone();
    content.categories[own].name = std::mem::replace(&mut content.categories[other].name, name.clone());
    let expected = content.categories[other].id.clone();
    let row = |number| {
        let mut row = bench.new_asset(&format!("N-{number}"), false);
        row.retain(|(column, _)| *column != "categoryId");
        row.push(("Category", name.clone()));
        row
    };
    let rows: Vec<Texts> = (0..250).map(row).collect();
    let mut call = Call::create(rows.clone());
    call.names.settings = Some(Arc::new(before));
    call.reconcile = false;
    bench.simulator.add_fault(fault(
        &json!({"what": "reset_before_apply", "on": "assets:batch-create"}),
    ));
    let (ledger, _) = bench.call(call).await;
    assert_eq!(count(&ledger, Status::Unknown), 100);
    let mut call = Call::create(rows).continues(ledger, true, true);
    call.names.settings = Some(Arc::new(Settings::new(content)));
    call.most_kept = 0;
    let (ledger, _) = bench.call(call).await;
    assert_eq!(count(&ledger, Status::Created), 250);
    let assets = bench.simulator.assets();
    let moved = assets
        .as_array()
        .unwrap()
        .iter()
        .filter(|asset| asset["categoryId"] == *expected);
    assert_eq!(moved.count(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_bad_row_stops_a_run_that_tolerates_none_before_rows_are_read_again() {
    let (bench, log) = logged();
    let mut rows = new_assets(&bench, 500);
    rows[499] = vec![("clientAssetId", "N-bad".to_owned())];
    let mut call = Call::create(rows);
    call.most_kept = 10_000;
    call.tolerance = acc_assets::run::Tolerance::None;
    let (ledger, _) = bench.call(call).await;
    assert_eq!(counts(&ledger), [(Status::Invalid, 1), (Status::NotSent, 499)]);
    assert!(log.lock().unwrap().is_empty());
}

/// Keys that have lost their zeros in a later row show that a short key of an earlier row has, too.
#[tokio::test(start_paused = true)]
async fn keys_without_zeros_are_refused_before_rows_are_read_again() {
    let mut found = Vec::new();
    for most_kept in [MOST_KEPT, 10_000] {
        let (bench, log) = logged();
        let keyed = |name: &str, key: &str| {
            let mut row = bench.new_asset(name, false);
            row.push(("barcode", key.to_owned()));
            row
        };
        bench
            .create(vec![keyed("E-1", "0017"), keyed("E-2", "0018")], false)
            .await;
        let key = |row: usize| match row {
            0 => "5".to_owned(),
            299 => "17".to_owned(),
            row => (5000 + row).to_string(),
        };
        let rows = (0..300).map(|row| keyed(&format!("N-{row}"), &key(row)));
        let mut call = Call::create(rows.collect());
        call.most_kept = most_kept;
        call.import_key = Some(ImportKey {
            field: "barcode".to_owned(),
            prefix: String::new(),
            is_generated: false,
        });
        log.lock().unwrap().clear();
        let (ledger, ended) = bench.call(call).await;
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        let statuses = [ledger.status(0), ledger.status(298), ledger.status(299)];
        found.push((statuses, counts(&ledger), log.lock().unwrap().len()));
    }
    assert_eq!(found[0].0, [Status::Invalid, Status::Created, Status::Invalid]);
    assert_eq!(found[0], found[1]);
}

/// The remainder of a batch with too many rows is sent before the part that waits for it.
#[tokio::test(start_paused = true)]
async fn a_part_waits_for_the_remainder_of_a_batch() {
    for rows in [70, 101, 130] {
        let (bench, log) = logged();
        let ids = existing(&bench, 60).await;
        bench.simulator.set_switch("max_items", "50").unwrap();
        log.lock().unwrap().clear();
        let more = vec![further(DELETE, true, deletes(&ids))];
        let (ledger, ended) = bench.call(create(new_assets(&bench, rows), more)).await;
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        assert_eq!(
            counts(&ledger),
            [(Status::Created, rows), (Status::Deleted, 60)],
            "{rows}"
        );
        let sent = log.lock().unwrap();
        let last_create = sent
            .iter()
            .rposition(|sent| sent.contains("batch-create"))
            .unwrap();
        let first_delete = sent
            .iter()
            .position(|sent| sent.contains("batch-delete"))
            .unwrap();
        assert!(last_create < first_delete, "{sent:?}");
    }
}

/// A part without rows does not let the part after it overtake the one before.
#[tokio::test(start_paused = true)]
async fn a_part_waits_for_all_parts_before_it() {
    let (bench, log, ids) = with_assets(60).await;
    let more = vec![
        further(PATCH, true, Vec::new()),
        further(DELETE, true, deletes(&ids)),
    ];
    let (ledger, _) = bench.call(create(new_assets(&bench, 250), more)).await;
    assert_eq!(counts(&ledger), [(Status::Created, 250), (Status::Deleted, 60)]);
    let sent = log.lock().unwrap();
    let names: Vec<bool> = sent.iter().map(|sent| sent.contains("batch-delete")).collect();
    assert_eq!(names, [false, false, false, true]);
}

/// Rows in doubt are looked up as what they were sent as, or not at all.
#[tokio::test(start_paused = true)]
async fn a_run_is_not_continued_with_other_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixed.sqlite");
    let (bench, log) = logged();
    let ids = existing(&bench, 40).await;
    let lose =
        json!({"what": "reset_after_apply", "probability": 1.0, "seed": 1, "on": "assets:batch-patch"});
    bench.simulator.add_fault(fault(&lose));
    let call = |kind: Kind| {
        let rows = if kind == PATCH {
            patches(&ids, "changed")
        } else {
            deletes(&ids)
        };
        let mut call = create(Vec::new(), vec![further(kind, false, rows)]);
        call.reconcile = false;
        call.of_run(&bench, &path)
    };
    let (ledger, _) = bench.call(call(PATCH)).await;
    assert_eq!(counts(&ledger), [(Status::Unknown, 40)]);
    bench.simulator.clear_faults();
    log.lock().unwrap().clear();
    let mut other = call(DELETE);
    other.reconcile = true;
    let (ledger, ended) = bench.call(other).await;
    assert_eq!(counts(&ledger), [(Status::Unknown, 40)]);
    let error = ended.fatal.unwrap().to_string();
    assert!(error.contains("assets:batch-patch"), "{error}");
    assert!(log.lock().unwrap().is_empty());
    let mut same = call(PATCH);
    same.reconcile = true;
    let (ledger, _) = bench.call(same).await;
    assert_eq!(counts(&ledger), [(Status::Updated, 40)]);
}

/// Two rows of each part in turn. The second rows have blank categories.
#[derive(Clone, Default)]
struct TwoParts {
    columns: Vec<[Column; 2]>,
    next: usize,
}

impl Source for TwoParts {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        for part in 0..2 {
            sink.part(part);
            self.columns
                .push(["Category", "id"].map(|name| sink.column(name)));
        }
        for row in self.next..4 {
            let part = row % 2;
            sink.part(part);
            if sink.begin(Label::Number) {
                let category = format!("category of part {part}");
                let category = if row < 2 {
                    Cell::Text(&category)
                } else {
                    Cell::Null
                };
                sink.cell(self.columns[part][0], &category);
                sink.cell(self.columns[part][1], &Cell::Text("own id"));
                sink.end();
            }
        }
        self.next = 4;
        Ok(More::End)
    }

    fn rows(&self) -> Option<usize> {
        Some(4)
    }

    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(Self::default()))
    }
}

/// Records the cells of each row, with the part and name of their columns.
#[derive(Default)]
struct Recorded {
    part: usize,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sink for Recorded {
    fn part(&mut self, part: usize) {
        self.part = part;
    }

    fn column(&mut self, name: &str) -> Column {
        self.columns.push(format!("{name} of {}", self.part));
        Column(u32::try_from(self.columns.len() - 1).unwrap())
    }

    fn begin(&mut self, _: Label<'_>) -> bool {
        self.rows.push(Vec::new());
        true
    }

    fn cell(&mut self, column: Column, value: &Cell<'_>) {
        let Cell::Text(text) = value else {
            panic!("{value:?}")
        };
        let name = &self.columns[column.0 as usize];
        self.rows.last_mut().unwrap().push(format!("{name}: {text}"));
    }

    fn broken(&mut self, _: Label<'_>, found: &str) {
        panic!("{found}");
    }

    fn end(&mut self) {
        self.rows.last_mut().unwrap().sort();
    }

    fn full(&self) -> bool {
        false
    }
}

/// Rows that are prepared and selected keep to the columns of their part, also when they are read again.
#[test]
fn rows_are_prepared_and_selected_within_their_part() {
    let preparation = Preparation::new(
        &[],
        &["Category".to_owned()],
        vec!["clientAssetId", "categoryId"],
        Box::new(|column, name| column == name),
        Box::new(|_| false),
    );
    let ids = (0..4).map(|row| (row, format!("id {row}").into())).collect();
    let selection = Arc::new(Selection::new("id".to_owned(), ids, 4));
    let prepared = Prepared::new(TwoParts::default(), Some(preparation));
    let mut source = Selected::new(prepared, Some(selection));
    let mut again = source.again().unwrap();
    let expected: Vec<Vec<String>> = (0..4)
        .map(|row| {
            let part = row % 2;
            vec![
                format!("Category of {part}: category of part {part}"),
                format!("id of {part}: id {row}"),
            ]
        })
        .collect();
    for source in [&mut source as &mut dyn Source, &mut again] {
        let mut recorded = Recorded::default();
        source.fill(&mut recorded).unwrap();
        assert_eq!(recorded.rows, expected);
    }
}
