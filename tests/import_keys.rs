//! Finds the assets of a project with the import keys of rows. They are read by category, and must be correct despite
//! concurrent changes.

mod bench;

use std::sync::{Arc, Mutex, OnceLock};

use acc_assets::batch::settings::Reader;
use acc_assets::call::Session;
use acc_assets::http::Stop;
use acc_assets::ids::ProjectId;
use acc_assets::ledger::{Ledger, Status, View};
use acc_assets::settings::Settings;
use acc_assets::simulator::{self, Simulator};
use acc_assets::validation::ImportKey;
use bench::{Bench, Call, Guard, Texts, Way, client, counts};
use serde_json::{Value, json};

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

    /// The number of requests for one category, and for all.
    fn counts(&self) -> (usize, usize) {
        let asked = self.asked.lock().unwrap();
        let by_category = asked.iter().filter(|query| query.contains("categoryId")).count();
        (by_category, asked.len() - by_category)
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

/// Creates an asset with a key as another user.
fn asset(bench: &Bench, number: usize, (category, status): &(String, String)) -> String {
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
    assert_eq!(lists.counts(), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_large_project_is_read_by_category() {
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
        // 230 assets need two pages.
        let all = bench.simulator.world_json()["categories"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(lists.counts(), (all + categories.len(), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_asset_that_changes_category_during_the_read_is_found_once() {
    // The asset moves while the second page of the last category is read. All other lists are complete.
    for (moving, reads_all) in [
        // The asset leaves a category that was already read, so it is on both lists.
        (0, false),
        // The asset leaves a page that was already read. Later assets move up, and one of them is on no page.
        (10, true),
        // The asset leaves a page that was not read yet, so it is on no list.
        (500, true),
        (999, true),
    ] {
        let lists = Lists::default();
        let moves: Arc<OnceLock<(String, String, Value)>> = Arc::default();
        let planned = moves.clone();
        let bench = lists.bench(&[], move |simulator, query| {
            let Some((last, id, change)) = planned.get() else {
                return;
            };
            if query.contains(&format!("categoryId%5D={last}&")) && query.contains("cursorState") {
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
        moves.set((last.0.clone(), made[moving].clone(), change)).unwrap();

        let (ledger, ended) = bench.call(call(rows(&bench, 0..1000), false)).await;
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        assert_eq!(found(&ledger), [(Status::Unchanged, 1000)], "{moving}");
        assert!(ledger.warnings.is_empty(), "{moving}: {:?}", ledger.warnings);
        assert_eq!(ids(&ledger), made.into_iter().map(Some).collect::<Vec<_>>());
        let (_, all) = lists.counts();
        assert_eq!(all, if reads_all { 6 } else { 1 }, "{moving}");
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
        let (by_category, all) = lists.counts();
        assert!(
            by_category <= categories.len() + 8 && all <= 12,
            "{switch:?}: {:?}",
            lists.counts()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_category_hides_no_import_key() {
    let lists = Lists::default();
    let bench = lists.bench(&[], nothing);
    let known = categories(&bench);
    let reader = Reader {
        session: Session::new(bench.caller.clone(), Stop::default()),
        project: ProjectId::parse(&bench.simulator.project_id()).unwrap(),
        locations_container: None,
    };
    let settings = Arc::new(Settings::new(reader.read().await.unwrap()));
    let (parent, status) = &known[0];
    let parent = parent.parse().unwrap();
    bench
        .simulator
        .edit_world(|world| world.add_category(9_001, "Valves of the annex", Some(parent)));
    let new = ("9001".to_owned(), status.clone());
    let made: Vec<String> = (0..700)
        .map(|number| {
            asset(
                &bench,
                number,
                if number == 650 {
                    &new
                } else {
                    &known[number % known.len()]
                },
            )
        })
        .collect();
    let mut call = call(rows(&bench, [3, 650]), false);
    call.names.settings = Some(settings);
    let (ledger, _) = bench.call(call).await;
    assert_eq!(found(&ledger), [(Status::Unchanged, 2)]);
    assert_eq!(ids(&ledger), [Some(made[3].clone()), Some(made[650].clone())]);
    let (by_category, all) = lists.counts();
    assert!(by_category > 0 && all > 1, "{:?}", lists.counts());
}
