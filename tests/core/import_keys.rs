//! Finds the assets of a project with the import keys of rows, despite concurrent changes.

use std::sync::{Arc, Mutex, OnceLock};

use acc_assets::ledger::{Ledger, Status, View};
use acc_assets::rows::ImportKey;
use acc_assets::simulator::{self, Simulator};
use serde_json::{Value, json};

use crate::bench::{Bench, Call, Guard, Texts, Way, client, counts};

/// The URLs of all lists of assets, and a hook before the service sees one.
#[derive(Clone, Default)]
struct Lists {
    asked: Arc<Mutex<Vec<String>>>,
    simulator: Arc<OnceLock<Simulator>>,
}

impl Lists {
    fn bench(
        &self,
        switches: &[(&str, &str)],
        before: impl Fn(&Simulator, &str) + Send + Sync + 'static,
    ) -> Bench {
        let lists = self.clone();
        let guard: Guard = Box::new(move |request| {
            let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
            if path.ends_with("/assets") {
                lists.asked.lock().unwrap().push(query.to_owned());
                before(lists.simulator.get().unwrap(), query);
            }
            Way::On
        });
        let switches = switches
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let options = simulator::Options {
            switches: switches.collect(),
            ..simulator::Options::default()
        };
        let bench = Bench::guarded(options, client(), guard);
        self.simulator.set(bench.simulator.clone()).ok().unwrap();
        bench
    }

    /// The number of requests.
    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn nothing(_: &Simulator, _: &str) {}

/// Ids of categories that accept an asset with these fields, each with a valid status.
fn categories(bench: &Bench) -> Vec<(String, String)> {
    let world = bench.simulator.world_json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let categories = world["categories"].as_array().unwrap().iter();
    let pairs = categories.map(|category| (text(&category["id"]), text(&category["statuses"][0]["id"])));
    let trial = Bench::new(simulator::Options::default());
    let takes = |(category, status): &(String, String)| {
        let asset = json!({"clientAssetId": "trial", "categoryId": category, "statusId": status});
        trial.simulator.create_asset(&asset).is_ok()
    };
    let categories: Vec<_> = pairs.filter(takes).collect();
    assert!(categories.len() >= 3, "{categories:?}");
    categories
}

/// Creates an asset with a key as another user, a second after the one before.
fn asset(bench: &Bench, number: usize, (category, status): &(String, String)) -> String {
    bench.simulator.edit_world(|world| world.now += 1000);
    let asset = json!({"clientAssetId": format!("P-{number}"), "categoryId": category, "statusId": status,
        "barcode": format!("key {number}")});
    bench.simulator.create_asset(&asset).unwrap()
}

/// Rows with the keys of these numbers.
fn rows(bench: &Bench, numbers: impl IntoIterator<Item = usize>) -> Vec<Texts> {
    let row = |number: usize| {
        let mut row = bench.new_asset(&format!("P-{number}"), false);
        row.push(("barcode", format!("key {number}")));
        row
    };
    numbers.into_iter().map(row).collect()
}

fn call(rows: Vec<Texts>, stream: bool) -> Call {
    let mut call = Call::create(rows);
    call.import_key = Some(ImportKey {
        field: "barcode".to_owned(),
        prefix: "imp-1-".to_owned(),
        is_generated: false,
    });
    call.stream = stream;
    call
}

/// The number of rows per status. The assets of these tests are in several categories, so a row whose asset was found
/// counts as unchanged even if its category differs.
fn found(ledger: &Ledger) -> Vec<(Status, usize)> {
    let mut found: Vec<(Status, usize)> = Vec::new();
    for (status, rows) in counts(ledger) {
        let status = if status == Status::Differs {
            Status::Unchanged
        } else {
            status
        };
        match found.iter_mut().find(|(known, _)| *known == status) {
            Some((_, known)) => *known += rows,
            None => found.push((status, rows)),
        }
    }
    found
}

fn ids(ledger: &Ledger) -> Vec<Option<String>> {
    View::new(Arc::new(ledger.clone())).ids()
}

#[tokio::test(start_paused = true)]
async fn a_project_of_one_page_is_read_with_one_request() {
    let lists = Lists::default();
    let bench = lists.bench(&[], nothing);
    let made: Vec<String> = (0..3)
        .map(|number| asset(&bench, number, &categories(&bench)[number]))
        .collect();
    let (ledger, _) = bench.call(call(rows(&bench, 0..4), false)).await;
    assert_eq!(found(&ledger), [(Status::Created, 1), (Status::Unchanged, 3)]);
    assert_eq!(ids(&ledger)[..3], made.into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!(lists.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_large_project_takes_few_more_requests_than_it_has_pages() {
    for stream in [false, true] {
        let lists = Lists::default();
        let bench = lists.bench(&[], nothing);
        let categories = categories(&bench);
        let count = 230 * categories.len();
        let made: Vec<String> = (0..count)
            .map(|number| asset(&bench, number, &categories[number % categories.len()]))
            .collect();
        // Includes assets of an inactive category, and deleted ones.
        let inactive = categories.last().unwrap().0.parse().unwrap();
        bench
            .simulator
            .edit_world(|world| world.deactivate_category(inactive));
        bench.simulator.delete_asset(&made[7]).unwrap();

        let (ledger, ended) = bench.call(call(rows(&bench, 0..count + 5), stream)).await;
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        assert_eq!(
            found(&ledger),
            [(Status::Created, 6), (Status::Unchanged, count - 1)]
        );
        for (number, id) in ids(&ledger).into_iter().take(count).enumerate() {
            assert_eq!(id.as_ref() == Some(&made[number]), number != 7, "{number}");
        }
        let pages = count.div_ceil(200);
        assert!(
            (pages..pages + 4).contains(&lists.count()),
            "{pages}: {}",
            lists.count()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_asset_that_changes_category_during_the_read_is_found_once() {
    // The asset moves to another category while the third page is read, which changes the time that pages are sorted by.
    for moving in [0, 10, 500, 999] {
        let lists = Lists::default();
        let moves: Arc<OnceLock<(String, Value)>> = Arc::default();
        let (planned, asked) = (moves.clone(), lists.asked.clone());
        let bench = lists.bench(&[], move |simulator, _| {
            let (id, change) = planned.get().unwrap();
            if asked.lock().unwrap().len() == 3 {
                simulator.patch_asset(id, change).unwrap();
            }
        });
        let categories = categories(&bench);
        let (first, last) = (&categories[0], categories.last().unwrap());
        let of = |number: usize| if number < 5 { first } else { last };
        let made: Vec<String> = (0..1000)
            .map(|number| asset(&bench, number, of(number)))
            .collect();
        let to = if moving == 0 { last } else { first };
        let change = json!({"categoryId": to.0, "statusId": to.1});
        moves.set((made[moving].clone(), change)).unwrap();

        let (ledger, ended) = bench.call(call(rows(&bench, 0..1000), false)).await;
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        assert_eq!(found(&ledger), [(Status::Unchanged, 1000)], "{moving}");
        assert!(ledger.warnings.is_empty(), "{moving}: {:?}", ledger.warnings);
        assert_eq!(ids(&ledger), made.into_iter().map(Some).collect::<Vec<_>>());
        assert!(lists.count() <= 9, "{moving}: {}", lists.count());
    }
}

#[tokio::test(start_paused = true)]
async fn ignored_filters_or_sorting_hide_no_import_key() {
    for switch in [
        ("ignore_filter", "all"),
        ("list_sort", "ignored"),
        ("empty_page", "before_each"),
    ] {
        let lists = Lists::default();
        let bench = lists.bench(&[switch], nothing);
        let categories = categories(&bench);
        let made: Vec<String> = (0..900)
            .map(|number| asset(&bench, number, &categories[number % categories.len()]))
            .collect();
        let (ledger, ended) = bench.call(call(rows(&bench, 0..900), false)).await;
        assert!(ended.fatal.is_none(), "{switch:?}: {:?}", ended.fatal);
        assert_eq!(found(&ledger), [(Status::Unchanged, 900)], "{switch:?}");
        assert_eq!(
            ids(&ledger),
            made.into_iter().map(Some).collect::<Vec<_>>(),
            "{switch:?}"
        );
        assert!(lists.count() <= 30, "{switch:?}: {}", lists.count());
    }
}
