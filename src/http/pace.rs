//! Rate windows: how many requests of a user may be under way.
//!
//! The limits are per user and minute, summed over all applications of that user (Assets rate limits page,
//! Relationships rate limits page). Whether the service's window slides or follows the clock is not documented. So a
//! slot is free again one window after its request was *answered*: then no window of the service, sliding or fixed,
//! can see more requests than the limit, however long a request was on its way.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::options::RateGroup;

/// The windows of one user at one service.
#[derive(Default)]
pub struct Windows {
    groups: Mutex<HashMap<RateGroup, Arc<Window>>>,
}

impl Windows {
    /// The windows that all clients of this process share for one user of one service.
    ///
    /// A forked child counts anew: its parent's requests end in the parent.
    #[must_use]
    pub fn shared(service: &str, user: &str) -> Arc<Self> {
        type Registry = Mutex<HashMap<(u32, String, String), Arc<Windows>>>;
        static REGISTRY: OnceLock<Registry> = OnceLock::new();
        let key = (std::process::id(), service.to_owned(), user.to_owned());
        locked(REGISTRY.get_or_init(Registry::default))
            .entry(key)
            .or_default()
            .clone()
    }

    fn window(&self, group: RateGroup) -> Arc<Window> {
        locked(&self.groups).entry(group).or_default().clone()
    }

    /// Waits for a slot of the group: at most `limit` requests a `window`.
    pub async fn slot(&self, group: RateGroup, limit: u32, window: Duration) -> Slot {
        let state = self.window(group);
        // Tokio's mutex is fair: who asked first is served first.
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
                Take::AnAnswer => changed.await,
            }
        }
        drop(turn);
        Slot {
            window: state,
            given_back: false,
            waited: asked.elapsed(),
        }
    }

    /// Whether the requests of the group are held back now.
    pub fn is_paused(&self, group: RateGroup) -> bool {
        let window = self.window(group);
        let until = locked(&window.counts).paused_until;
        until.is_some_and(|until| until > Instant::now())
    }

    /// Holds back every request of the group until the time has passed.
    pub fn pause(&self, group: RateGroup, time: Duration) {
        let window = self.window(group);
        let mut counts = locked(&window.counts);
        let until = Instant::now() + time;
        counts.paused_until = Some(counts.paused_until.map_or(until, |before| before.max(until)));
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
    answered: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

enum Take {
    Taken,
    Until(Instant),
    AnAnswer,
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
            .is_some_and(|answered| *answered + window <= now)
        {
            self.answered.pop_front();
        }
        let limit = limit as usize;
        let used = self.in_flight as usize + self.answered.len();
        if used < limit {
            self.in_flight += 1;
            return Take::Taken;
        }
        // Another client may have filled the window under a higher limit: enough must have left, not just one.
        match self
            .answered
            .get((used - limit).min(self.answered.len().saturating_sub(1)))
        {
            Some(answered) => Take::Until(*answered + window),
            None => Take::AnAnswer,
        }
    }
}

/// The right to send one request. Dropped, it counts as answered now.
#[must_use]
pub struct Slot {
    window: Arc<Window>,
    given_back: bool,
    /// How long it was waited for, first in line: summed over requests, the time a run stood still for the limits.
    pub waited: Duration,
}

impl Slot {
    /// The request was provably not sent: the slot is free at once.
    pub fn unused(mut self) {
        self.give_back(None);
    }

    fn give_back(&mut self, answered: Option<Instant>) {
        if !std::mem::replace(&mut self.given_back, true) {
            let mut counts = locked(&self.window.counts);
            counts.in_flight = counts.in_flight.saturating_sub(1);
            counts.answered.extend(answered);
            drop(counts);
            self.window.changed.notify_waiters();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.give_back(Some(Instant::now()));
    }
}

/// Nothing here panics while it holds a lock, and a count is never left half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Windows, *};

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_slot_is_free_one_window_after_its_answer() {
        let windows = Windows::default();
        let start = Instant::now();
        let slow = windows.slot(RateGroup::AssetsWrite, 1, MINUTE).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        drop(slow);
        drop(windows.slot(RateGroup::AssetsWrite, 1, MINUTE).await);
        assert_eq!(start.elapsed().as_secs(), 70);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_goes_on_when_all_slots_were_in_flight() {
        let windows = Arc::new(Windows::default());
        let held = windows.slot(RateGroup::AssetsWrite, 1, MINUTE).await;
        let waiter = tokio::spawn({
            let windows = windows.clone();
            async move { drop(windows.slot(RateGroup::AssetsWrite, 1, MINUTE).await) }
        });
        tokio::time::sleep(Duration::from_secs(5)).await;
        held.unused();
        let start = Instant::now();
        waiter.await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_the_whole_group_and_no_other() {
        let windows = Windows::default();
        windows.pause(RateGroup::AssetsWrite, Duration::from_secs(25));
        let start = Instant::now();
        drop(windows.slot(RateGroup::AssetsRead, 10, MINUTE).await);
        assert_eq!(start.elapsed().as_secs(), 0);
        drop(windows.slot(RateGroup::AssetsWrite, 10, MINUTE).await);
        assert_eq!(start.elapsed().as_secs(), 25);
    }
}
