//! The activity that a call reports, at each request and in between, on a paused clock.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use acc_assets::api::assets;
use acc_assets::ledger::{Status, View, lock};
use acc_assets::options::Options;
use acc_assets::rows::{ImportKey, RowShape};
use acc_assets::run::activity::Activity::{ImportKeys, Reading, Recovery, Waiting, Writing};
use acc_assets::run::activity::{Activity, CurrentActivity};
use acc_assets::simulator;
use serde_json::json;

use crate::bench::{Bench, Call, Guard, Way, client, counts, fault};

/// The activities of a call in order, without repetitions.
#[derive(Clone, Default)]
struct Seen {
    current: Arc<OnceLock<CurrentActivity>>,
    activities: Arc<Mutex<Vec<Activity>>>,
}

impl Seen {
    fn look(&self) {
        let Some(current) = self.current.get() else { return };
        let mut activities = self.activities.lock().unwrap();
        let now = current.get();
        if activities.last() != Some(&now) {
            activities.push(now);
        }
    }

    /// Records the activity whenever a request is sent.
    fn bench(&self, options: Options) -> Bench {
        let seen = self.clone();
        let guard: Guard = Box::new(move |_| {
            seen.look();
            Way::On
        });
        Bench::guarded(simulator::Options::default(), options, guard)
    }

    /// Makes a call, and also records its activity every second.
    async fn call(&self, bench: &Bench, call: Call) -> (Vec<(Status, usize)>, Vec<Activity>) {
        let (ledger, current, driving) = bench.start_watched(call);
        assert!(self.current.set(current).is_ok());
        let driving = tokio::spawn(driving);
        while !driving.is_finished() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if !driving.is_finished() {
                self.look();
            }
        }
        let ended = driving.await.unwrap();
        assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
        let counts = counts(&lock(&ledger));
        (counts, self.activities.lock().unwrap().clone())
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_waits_for_the_rate_limit() {
    let seen = Seen::default();
    let mut options = client();
    options.limits.requests.insert("assets_write".to_owned(), 1);
    let bench = seen.bench(options);
    let (counts, activities) = seen
        .call(&bench, Call::create(bench.new_assets(250, |_| false)))
        .await;
    assert_eq!(counts, [(Status::Created, 250)]);
    assert_eq!(activities, [Writing, Waiting, Writing, Waiting, Writing]);
}

#[tokio::test(start_paused = true)]
async fn import_keys_are_looked_up_before_rows_are_written() {
    let seen = Seen::default();
    let bench = seen.bench(client());
    let mut row = bench.new_asset("P-1", false);
    row.push(("barcode", "key 1".to_owned()));
    let mut call = Call::create(vec![row]);
    call.import_key = Some(ImportKey {
        field: "barcode".to_owned(),
        prefix: "imp-1-".to_owned(),
        is_generated: false,
    });
    let (counts, activities) = seen.call(&bench, call).await;
    assert_eq!(counts, [(Status::Created, 1)]);
    assert_eq!(activities, [ImportKeys, Writing]);
}

#[tokio::test(start_paused = true)]
async fn rows_whose_response_was_lost_are_looked_up() {
    for (name, then) in [
        ("reset_after_apply", &[][..]),
        // Resent, because the project does not have the rows.
        ("reset_before_apply", &[Writing]),
    ] {
        let seen = Seen::default();
        let bench = seen.bench(client());
        bench
            .simulator
            .add_fault(fault(&json!({"what": name, "on": "assets:batch-create"})));
        let (counts, mut activities) = seen
            .call(&bench, Call::create(bench.new_assets(3, |_| false)))
            .await;
        assert_eq!(counts, [(Status::Created, 3)], "{name}");
        // The number of observations does not matter.
        let first = activities
            .iter()
            .position(|activity| *activity == Recovery)
            .unwrap();
        let last = activities
            .iter()
            .rposition(|activity| *activity == Recovery)
            .unwrap();
        assert!(
            activities[first..last]
                .iter()
                .all(|activity| [Waiting, Recovery].contains(activity))
        );
        activities.drain(first..last);
        assert_eq!(
            activities,
            [&[Writing, Waiting, Recovery], then].concat(),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_reads() {
    let seen = Seen::default();
    let bench = seen.bench(client());
    let (ledger, _) = bench.create(bench.new_assets(150, |_| false), false).await;
    let ids = View::new(Arc::new(ledger)).ids();
    let rows = ids.into_iter().map(|id| vec![("id", id.unwrap())]).collect();
    let (_, activities) = seen
        .call(&bench, Call::new(&assets::BATCH_GET, RowShape::IdOfAsset, rows))
        .await;
    assert_eq!(activities, [Reading]);
}
