//! Rate limits: the number of requests per user and group within a window ("Assets rate limits" page).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::contract::Group;

/// The maximum number of requests per user and window, for each rate group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLimits {
    pub assets_read: u32,
    pub assets_write: u32,
    pub relationships: u32,
    pub locations: u32,
}

impl Default for GroupLimits {
    /// Returns the documented limits, which apply per minute.
    fn default() -> Self {
        Self {
            assets_read: 1000,
            assets_write: 100,
            relationships: 120,
            locations: 200,
        }
    }
}

impl GroupLimits {
    fn of(&self, group: Group) -> Option<u32> {
        match group {
            Group::AssetsRead => Some(self.assets_read),
            Group::AssetsWrite => Some(self.assets_write),
            Group::Relationships => Some(self.relationships),
            Group::Locations => Some(self.locations),
            Group::Free => None,
        }
    }
}

/// The rate windows of all users. Times are counted from the start of the simulator.
#[derive(Debug)]
pub struct Limits {
    allowed: GroupLimits,
    window: Duration,
    accepted: HashMap<(Arc<str>, Group), VecDeque<Duration>>,
    arrived: HashMap<(Arc<str>, Group), VecDeque<Duration>>,
    busiest: BTreeMap<&'static str, usize>,
}

impl Limits {
    #[must_use]
    pub fn new(limits: GroupLimits, window: Duration) -> Self {
        Self {
            allowed: limits,
            window,
            accepted: HashMap::new(),
            arrived: HashMap::new(),
            busiest: BTreeMap::new(),
        }
    }

    /// Records the arrival of a request, whatever its outcome.
    pub fn arrive(&mut self, user: &Arc<str>, group: Group, now: Duration) {
        let window = self.window;
        let times = self.arrived.entry((Arc::clone(user), group)).or_default();
        while times
            .front()
            .is_some_and(|first| now.saturating_sub(*first) >= window)
        {
            times.pop_front();
        }
        times.push_back(now);
        let busiest = self.busiest.entry(group.name()).or_default();
        *busiest = (*busiest).max(times.len());
    }

    /// Returns the maximum number of requests by one user in any sliding window, for each rate group.
    #[must_use]
    pub fn busiest(&self) -> &BTreeMap<&'static str, usize> {
        &self.busiest
    }

    /// Takes a slot, or returns the time until a slot is free. A request for which no slot is free takes
    /// none.
    pub fn take(
        &mut self,
        user: &Arc<str>,
        group: Group,
        now: Duration,
        scale: f64,
        by_clock: bool,
    ) -> Result<(), Duration> {
        let Some(limit) = self.allowed.of(group) else {
            return Ok(());
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let limit = (f64::from(limit) * scale).round() as usize;
        let window = self.window;
        let times = self.accepted.entry((Arc::clone(user), group)).or_default();
        // A fixed window starts at a multiple of its length.
        let since_boundary = Duration::from_nanos(
            u64::try_from(now.as_nanos() % window.as_nanos().max(1)).unwrap_or_default(),
        );
        let gone = |first: &Duration| {
            if by_clock {
                *first < now.saturating_sub(since_boundary)
            } else {
                now.saturating_sub(*first) >= window
            }
        };
        while times.front().is_some_and(gone) {
            times.pop_front();
        }
        if times.len() < limit {
            times.push_back(now);
            return Ok(());
        }
        let wait = match times.front() {
            Some(first) if !by_clock => (*first + window).saturating_sub(now),
            _ => window.saturating_sub(since_boundary),
        };
        Err(wait)
    }
}
