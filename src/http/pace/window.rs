//! The requests of one rate group within its window.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::file::{KEPT, MOST_REQUESTS, Used};

/// The longest pause to adopt from another process, in milliseconds.
const LONGEST_PAUSE: i64 = 60_000;

/// Response times in the same interval of this many milliseconds are stored as one time, the end of the
/// interval.
const GRAIN: i64 = 100;

/// Windows, keyed by the name of the rate group.
pub type Groups = Mutex<HashMap<String, Arc<Window>>>;

#[derive(Default)]
pub struct Window {
    pub turn: tokio::sync::Mutex<()>,
    pub changed: Notify,
    pub counts: Mutex<Counts>,
}

#[derive(Default)]
pub struct Counts {
    pub in_flight: u32,
    pub arrivals: VecDeque<Arrival>,
    pub paused_until: Option<Instant>,
}

impl Counts {
    pub fn take(&mut self, limit: u32, window: Duration, now: Instant) -> Take {
        if let Some(until) = self.paused_until {
            if until > now {
                return Take::Until(until);
            }
            self.paused_until = None;
        }
        while self
            .arrivals
            .front()
            .is_some_and(|arrival| arrival.at + window <= now)
        {
            self.arrivals.pop_front();
        }
        let limit = limit as usize;
        let used = self.in_flight as usize + self.arrivals.len();
        if used < limit {
            self.in_flight += 1;
            return Take::Taken;
        }
        // Another client may have filled the window under a higher limit. Wait until enough slots are free, not just
        // one.
        match self
            .arrivals
            .get((used - limit).min(self.arrivals.len().saturating_sub(1)))
        {
            Some(arrival) => Take::Until(arrival.at + window),
            None => Take::AfterResponse,
        }
    }

    /// Counts the requests of another process. `now` and `clock` are the same moment. The system clock may have been
    /// adjusted since that process recorded its times.
    pub fn add_others(&mut self, used: &Used, now: Instant, clock: i64) {
        let ago = |time: i64| {
            let passed = u64::try_from(clock.saturating_sub(time)).unwrap_or(0);
            now.checked_sub(Duration::from_millis(passed))
        };
        let answered = used.answered.iter().copied();
        for (time, count) in answered.filter(|(time, _)| clock.saturating_sub(*time) <= KEPT) {
            let at = ago(time);
            self.arrivals.extend((0..count).filter_map(|_| {
                Some(Arrival {
                    at: at?,
                    foreign: true,
                })
            }));
        }
        self.arrivals.make_contiguous().sort_by_key(|arrival| arrival.at);
        // If the service's pause is longer, the next request gets another 429. `Retry.deadline` then decides
        // whether to wait.
        let left = used.paused_until.saturating_sub(clock).clamp(0, LONGEST_PAUSE);
        if let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) {
            let until = now + Duration::from_millis(left);
            self.paused_until = Some(self.paused_until.map_or(until, |before| before.max(until)));
        }
    }

    /// Returns the requests of this process, for other processes to count. `now` and `clock` are the same moment.
    pub fn used(&self, now: Instant, clock: i64) -> Used {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(KEPT);
        let mut answered: Vec<(i64, u32)> = Vec::new();
        let own = self.arrivals.iter().rev().filter(|arrival| !arrival.foreign);
        for arrival in own.take(MOST_REQUESTS as usize) {
            let ago = millis(now.saturating_duration_since(arrival.at));
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

/// The arrival of the response to a request.
pub struct Arrival {
    pub at: Instant,
    /// Whether the request was sent by another process, which records the request itself.
    pub foreign: bool,
}

pub enum Take {
    Taken,
    Until(Instant),
    /// A slot becomes free one window after the next response.
    AfterResponse,
}

/// Locks a mutex. No code panics while holding a lock, so counts are always consistent.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
