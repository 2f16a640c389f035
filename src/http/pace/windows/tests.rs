//! Slots of rate windows, on a paused clock.

use super::{Windows, *};
use crate::http::pace::file::Used;
use crate::http::pace::keeper::INTERVAL;
use crate::http::pace::window::Counts;

const MINUTE: Duration = Duration::from_secs(60);

const fn group(name: &'static str) -> RateGroup {
    RateGroup { name, requests: 100 }
}
const READS: RateGroup = group("assets_read");
const WRITES: RateGroup = group("assets_write");
const LOCATIONS: RateGroup = group("locations");

#[tokio::test(start_paused = true)]
async fn a_slot_is_free_one_window_after_its_response() {
    let windows = Windows::default();
    let start = Instant::now();
    let slow = windows.slot(&WRITES, 1, MINUTE).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    drop(slow);
    drop(windows.slot(&WRITES, 1, MINUTE).await);
    assert_eq!(start.elapsed().as_secs(), 70);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_gets_a_slot_when_all_were_in_flight() {
    let windows = Arc::new(Windows::default());
    let held = windows.slot(&WRITES, 1, MINUTE).await;
    let waiter = tokio::spawn({
        let windows = windows.clone();
        async move { drop(windows.slot(&WRITES, 1, MINUTE).await) }
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    held.unused();
    let start = Instant::now();
    waiter.await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// Rounds to the nearest second, because the file stores tenths.
fn seconds(start: Instant) -> u64 {
    (start.elapsed() + Duration::from_millis(500)).as_secs()
}

/// Returns a time that pauses and advances with the clock of the test.
fn paused_clock() -> i64 {
    static START: OnceLock<(Instant, i64)> = OnceLock::new();
    let (start, clock) = *START.get_or_init(|| (Instant::now(), wall_clock()));
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap();
    let now = Instant::now();
    // Each test has its own clock.
    clock + millis(now.saturating_duration_since(start)) - millis(start.saturating_duration_since(now))
}

/// Creates the windows of another process of the same user.
async fn of_a_process(folder: &Path) -> Windows {
    let file = PaceFile::new(folder, "https://service.example", "user");
    let windows = Windows::kept(file, paused_clock);
    windows.load().await;
    windows
}

#[tokio::test(start_paused = true)]
async fn a_process_continues_the_window_of_the_previous_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = of_a_process(folder.path()).await;
    drop(first.slot(&WRITES, 3, MINUTE).await);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let under_way = first.slot(&WRITES, 3, MINUTE).await;
    first.slot(&WRITES, 3, MINUTE).await.unused();
    first.pause(&LOCATIONS, Duration::from_secs(25));
    // The process was killed, so the slot of the request in flight is never freed.
    first.keeper.as_ref().unwrap().write();
    let (second, start) = (of_a_process(folder.path()).await, Instant::now());
    drop(second.slot(&READS, 3, MINUTE).await);
    drop(second.slot(&WRITES, 3, MINUTE).await);
    assert_eq!(seconds(start), 0);
    drop(second.slot(&LOCATIONS, 3, MINUTE).await);
    assert_eq!(seconds(start), 25);
    drop(second.slot(&WRITES, 3, MINUTE).await);
    assert_eq!(seconds(start), 40);
    drop(second.slot(&WRITES, 3, MINUTE).await);
    assert_eq!(seconds(start), 60);
    drop(under_way);
    tokio::time::sleep(Duration::from_secs(1)).await;
    // A third process counts each request once, although the second process knows the requests of the first. The
    // first request of the second has left the window.
    second.keeper.as_ref().unwrap().write();
    let file = PaceFile::new(folder.path(), "https://service.example", "user");
    let all = file.others(paused_clock());
    let writes = all.iter().map(|groups| &groups[WRITES.name]);
    let answered = |used: &Used| used.in_flight + used.answered.iter().map(|(_, count)| count).sum::<u32>();
    assert_eq!(writes.map(answered).sum::<u32>(), 4);
}

#[tokio::test(start_paused = true)]
async fn windows_are_written_soon_and_not_for_each_request() {
    let folder = tempfile::tempdir().unwrap();
    let windows = of_a_process(folder.path()).await;
    for _ in 0..50 {
        drop(windows.slot(&WRITES, 100, MINUTE).await);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    tokio::time::sleep(INTERVAL * 2).await;
    let keeper = windows.keeper.as_ref().unwrap();
    assert!(!keeper.changed.load(Ordering::Acquire));
    let others = of_a_process(folder.path()).await;
    let known = others.window(WRITES.name);
    assert_eq!(locked(&known.counts).arrivals.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_clock_jump_delays_nothing_longer_than_a_window() {
    let (now, clock) = (Instant::now(), wall_clock());
    for jump in [i64::MIN, -1_000_000_000, -1000, 1000, 1_000_000_000, i64::MAX] {
        let used = Used {
            in_flight: 1,
            answered: vec![(clock.saturating_add(jump), 1)],
            paused_until: clock.saturating_add(jump),
        };
        let mut counts = Counts::default();
        counts.add_others(&used, now, clock);
        let latest = counts.arrivals.back();
        assert!(latest.is_none_or(|latest| latest.at <= now), "{jump}");
        let paused = counts.paused_until.map_or(Duration::ZERO, |until| until - now);
        assert!(paused <= MINUTE, "{jump}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_the_whole_group_and_no_other() {
    let windows = Windows::default();
    windows.pause(&WRITES, Duration::from_secs(25));
    let start = Instant::now();
    drop(windows.slot(&READS, 10, MINUTE).await);
    assert_eq!(start.elapsed().as_secs(), 0);
    drop(windows.slot(&WRITES, 10, MINUTE).await);
    assert_eq!(start.elapsed().as_secs(), 25);
}
