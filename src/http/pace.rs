//! Rate windows: how many requests a user may send in a given time.
//!
//! The limits are per user and minute, summed over all applications of that user (Assets rate limits page,
//! Relationships rate limits page). The documentation does not say whether the service's window is sliding or fixed.
//! So a slot becomes free one window after the *response* to its request. This way, no window of the service, sliding
//! or fixed, can contain more requests than the limit, however long a request was in flight.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OnceCell};
use tokio::time::Instant;

use crate::http::pace_file::{KEPT, MOST_REQUESTS, PaceFile, Used};
use crate::options::RateGroup;

/// The longest pause to adopt from another process, in milliseconds.
const LONGEST_PAUSE: i64 = 60_000;

/// The rate windows of one user of one service.
#[derive(Default)]
pub struct Windows {
    groups: Arc<Groups>,
    keeper: Option<Arc<Keeper>>,
    loaded: OnceCell<()>,
}

/// Windows, keyed by the name of the rate group.
type Groups = Mutex<HashMap<String, Arc<Window>>>;

/// The windows, per process, service and user. The process id is part of the key because a forked child
/// inherits its parent's windows.
type Registry = Mutex<HashMap<(u32, String, String), Arc<Windows>>>;

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::default)
}

impl Windows {
    /// Returns the windows shared by all clients of this process for one user of one service. The windows are
    /// saved in a file in `folder`, if given.
    ///
    /// A forked child does not inherit its parent's windows, because the parent's requests complete in the
    /// parent.
    pub async fn shared(service: &str, user: &str, folder: Option<&Path>) -> Arc<Self> {
        let key = (std::process::id(), service.to_owned(), user.to_owned());
        let windows = locked(registry())
            .entry(key)
            .or_insert_with(|| {
                let file = folder.map(|folder| PaceFile::new(folder, service, user));
                Arc::new(file.map_or_else(Self::default, |file| Self::kept(file, wall_clock)))
            })
            .clone();
        windows.load().await;
        windows
    }

    fn kept(file: PaceFile, clock: Clock) -> Self {
        let groups: Arc<Groups> = Arc::default();
        let keeper = Keeper {
            file,
            clock,
            groups: groups.clone(),
            changed: AtomicBool::new(false),
            keeping: AtomicBool::new(false),
            turn: Mutex::default(),
        };
        Self {
            groups,
            keeper: Some(Arc::new(keeper)),
            loaded: OnceCell::new(),
        }
    }

    /// On the first call, counts the earlier requests of other processes.
    async fn load(&self) {
        let Some(keeper) = &self.keeper else { return };
        let load = || async {
            let reader = keeper.clone();
            let read = tokio::task::spawn_blocking(move || reader.file.others((reader.clock)()));
            // An unreachable network folder must not delay the first request.
            let read = tokio::time::timeout(PATIENCE, read).await;
            for groups in read.ok().and_then(Result::ok).unwrap_or_default() {
                for (group, used) in groups {
                    locked(&self.window(&group).counts).add_others(&used, Instant::now(), (keeper.clock)());
                }
            }
        };
        self.loaded.get_or_init(load).await;
    }

    fn window(&self, group: &str) -> Arc<Window> {
        let mut groups = locked(&self.groups);
        if let Some(window) = groups.get(group) {
            return window.clone();
        }
        groups.entry(group.to_owned()).or_default().clone()
    }

    /// Waits for a slot in the group: at most `limit` requests per `window`.
    pub async fn slot(&self, group: &RateGroup, limit: u32, window: Duration) -> Slot {
        let state = self.window(group.name);
        // Tokio's mutex is fair, so the order is first come, first served.
        let turn = state.turn.lock().await;
        let asked = Instant::now();
        loop {
            let changed = state.changed.notified();
            let wait = locked(&state.counts).take(limit, window, Instant::now());
            match wait {
                Take::Taken => break,
                Take::Until(instant) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(instant) => {}
                        () = changed => {}
                    }
                }
                Take::AResponse => changed.await,
            }
        }
        drop(turn);
        if let Some(keeper) = &self.keeper {
            keeper.change();
        }
        Slot {
            window: state,
            keeper: self.keeper.clone(),
            given_back: false,
            waited: asked.elapsed(),
        }
    }

    /// Returns whether the requests of the group are paused now.
    pub fn is_paused(&self, group: &RateGroup) -> bool {
        let window = self.window(group.name);
        let until = locked(&window.counts).paused_until;
        until.is_some_and(|until| until > Instant::now())
    }

    /// Pauses all requests of the group for this time.
    pub fn pause(&self, group: &RateGroup, time: Duration) {
        let window = self.window(group.name);
        let mut counts = locked(&window.counts);
        let until = Instant::now() + time;
        counts.paused_until = Some(counts.paused_until.map_or(until, |before| before.max(until)));
        drop(counts);
        if let Some(keeper) = &self.keeper {
            keeper.change();
        }
    }
}

/// How long the file may lag behind. If a process is killed, only its requests from this time may be missing
/// from the file.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long to wait for access to the file.
const PATIENCE: Duration = Duration::from_secs(1);

/// Response times in the same interval of this many milliseconds are stored as one time, the end of the
/// interval.
const GRAIN: i64 = 100;

/// Returns milliseconds since 1970, by the clock shared by all processes.
type Clock = fn() -> i64;

fn wall_clock() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Writes the windows to their file.
struct Keeper {
    file: PaceFile,
    clock: Clock,
    groups: Arc<Groups>,
    /// Whether the file is out of date.
    changed: AtomicBool,
    /// Whether a task is about to write the file.
    keeping: AtomicBool,
    /// Ensures that only one task writes at a time.
    turn: Mutex<()>,
}

impl Keeper {
    /// Marks the file as out of date, and schedules a write on a blocking thread, so that file access does
    /// not delay requests.
    fn change(self: &Arc<Self>) {
        self.changed.store(true, Ordering::Release);
        let Ok(handle) = Handle::try_current() else {
            return;
        };
        if self.keeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let keeper = self.clone();
        handle.spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                let writer = keeper.clone();
                let _ = tokio::task::spawn_blocking(move || writer.write()).await;
                keeper.keeping.store(false, Ordering::Release);
                let more = keeper.changed.load(Ordering::Acquire);
                if !more || keeper.keeping.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        });
    }

    fn write(&self) {
        let _turn = locked(&self.turn);
        self.changed.store(false, Ordering::Release);
        let windows: Vec<_> = locked(&self.groups)
            .iter()
            .map(|(group, window)| (group.clone(), window.clone()))
            .collect();
        let (now, at) = ((self.clock)(), Instant::now());
        let used: BTreeMap<_, _> = windows
            .into_iter()
            .map(|(group, window)| (group, locked(&window.counts).used(at, now)))
            .collect();
        if let Err(error) = self.file.write(used, now) {
            log::debug!(target: "acc_assets", "cannot save the rate limit windows for the next process: \
                {error}");
        }
    }
}

/// Writes the files of this process before the process ends. Stops waiting for an unreachable folder after
/// `PATIENCE`.
pub fn keep_all() {
    let process = std::process::id();
    let keepers: Vec<Arc<Keeper>> = locked(registry())
        .iter()
        .filter(|((owner, ..), _)| *owner == process)
        .filter_map(|(_, windows)| windows.keeper.clone())
        .filter(|keeper| keeper.changed.load(Ordering::Acquire) || keeper.keeping.load(Ordering::Acquire))
        .collect();
    if keepers.is_empty() {
        return;
    }
    let (done, wait) = mpsc::channel();
    let writing = std::thread::Builder::new().spawn(move || {
        for keeper in keepers {
            keeper.write();
        }
        let _ = done.send(());
    });
    if writing.is_ok() {
        let _ = wait.recv_timeout(PATIENCE);
    }
}

#[derive(Default)]
struct Window {
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    in_flight: u32,
    answered: VecDeque<Answered>,
    paused_until: Option<Instant>,
}

struct Answered {
    at: Instant,
    /// Whether the request was sent by another process, which records the request itself.
    foreign: bool,
}

enum Take {
    Taken,
    Until(Instant),
    AResponse,
}

impl Counts {
    fn take(&mut self, limit: u32, window: Duration, now: Instant) -> Take {
        if let Some(until) = self.paused_until {
            if until > now {
                return Take::Until(until);
            }
            self.paused_until = None;
        }
        while self
            .answered
            .front()
            .is_some_and(|answered| answered.at + window <= now)
        {
            self.answered.pop_front();
        }
        let limit = limit as usize;
        let used = self.in_flight as usize + self.answered.len();
        if used < limit {
            self.in_flight += 1;
            return Take::Taken;
        }
        // Another client may have filled the window under a higher limit. Wait until enough slots are free, not just
        // one.
        match self
            .answered
            .get((used - limit).min(self.answered.len().saturating_sub(1)))
        {
            Some(answered) => Take::Until(answered.at + window),
            None => Take::AResponse,
        }
    }

    /// Counts the requests of another process. `now` and `clock` are the same moment. The system clock may have been
    /// adjusted since that process recorded its times.
    fn add_others(&mut self, used: &Used, now: Instant, clock: i64) {
        let ago = |time: i64| {
            let passed = u64::try_from(clock.saturating_sub(time)).unwrap_or(0);
            now.checked_sub(Duration::from_millis(passed))
        };
        let answered = used.answered.iter().copied();
        for (time, count) in answered.filter(|(time, _)| clock.saturating_sub(*time) <= KEPT) {
            let at = ago(time);
            self.answered.extend((0..count).filter_map(|_| {
                Some(Answered {
                    at: at?,
                    foreign: true,
                })
            }));
        }
        self.answered
            .make_contiguous()
            .sort_by_key(|answered| answered.at);
        // If the service's pause is longer, the next request gets another 429. `Retry.deadline` then decides
        // whether to wait.
        let left = used.paused_until.saturating_sub(clock).clamp(0, LONGEST_PAUSE);
        if let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) {
            let until = now + Duration::from_millis(left);
            self.paused_until = Some(self.paused_until.map_or(until, |before| before.max(until)));
        }
    }

    /// Returns the requests of this process, for other processes to count. `now` and `clock` are the same moment.
    fn used(&self, now: Instant, clock: i64) -> Used {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(KEPT);
        let mut answered: Vec<(i64, u32)> = Vec::new();
        let own = self.answered.iter().rev().filter(|answered| !answered.foreign);
        for answer in own.take(MOST_REQUESTS as usize) {
            let ago = millis(now.saturating_duration_since(answer.at));
            if ago > KEPT {
                break;
            }
            let time = (clock - ago).div_euclid(GRAIN) * GRAIN + GRAIN;
            match answered.last_mut() {
                Some((last, count)) if *last == time => *count += 1,
                _ => answered.push((time, 1)),
            }
        }
        let left = self
            .paused_until
            .map(|until| until.saturating_duration_since(now))
            .filter(|left| !left.is_zero());
        Used {
            in_flight: self.in_flight.min(MOST_REQUESTS),
            answered,
            paused_until: left.map_or(0, |left| clock.saturating_add(millis(left))),
        }
    }
}

/// Permission to send one request. When the slot is dropped, the current time is recorded as the arrival time
/// of the response, unless `unused` was called.
#[must_use]
pub struct Slot {
    window: Arc<Window>,
    keeper: Option<Arc<Keeper>>,
    given_back: bool,
    /// How long the request waited at the head of the queue. Summed over all requests, this is the time that
    /// a run waited for the rate limits.
    pub waited: Duration,
}

impl Slot {
    /// Frees the slot immediately, because the request was definitely not sent.
    pub fn unused(mut self) {
        self.give_back(None);
    }

    fn give_back(&mut self, answered: Option<Instant>) {
        if !std::mem::replace(&mut self.given_back, true) {
            let mut counts = locked(&self.window.counts);
            counts.in_flight = counts.in_flight.saturating_sub(1);
            counts
                .answered
                .extend(answered.map(|at| Answered { at, foreign: false }));
            drop(counts);
            self.window.changed.notify_waiters();
            if let Some(keeper) = &self.keeper {
                keeper.change();
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.give_back(Some(Instant::now()));
    }
}

/// Locks a mutex. No code panics while holding a lock, so counts are always consistent.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Windows, *};

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
        let answered =
            |used: &Used| used.in_flight + used.answered.iter().map(|(_, count)| count).sum::<u32>();
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
        assert_eq!(locked(&known.counts).answered.len(), 50);
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
            let latest = counts.answered.back();
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
}
