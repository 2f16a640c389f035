//! The service's clock, estimated from its responses.
//!
//! Creation times of assets use the service's clock, and the assets created by a request with a lost response
//! are found by their creation times. Laptop clocks are often off by minutes, and stop or jump. So the
//! service's time is estimated from its responses: from the creation times that they contain, or else from
//! their Date headers, which a gateway writes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::http::message::Response;

/// The number of responses to use. Older responses may predate a sleep or a jump of the clock.
const SAMPLES: usize = 8;

/// The clock that determined a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum By {
    /// This machine's clock, because no response with a time has arrived yet.
    Local,
    /// The gateway's clock, which may differ from the service's.
    Gateway,
    /// The service's clock, which sets creation times.
    Service,
}

/// A moment as an interval, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The moment according to this machine's clock.
    pub local: i64,
    pub earliest: i64,
    pub latest: i64,
    pub by: By,
}

/// Where local time comes from.
enum Local {
    /// The system's clock.
    System,
    /// The system's clock at the start, advanced by tokio's clock, which tests can pause.
    Since(Instant, i64),
}

/// The minimum and maximum offset of a clock from the local clock, for each of the newest responses.
type Samples = VecDeque<(i64, i64)>;

/// Estimates the clock of a service.
pub struct Clock {
    local: Local,
    samples: Mutex<[Samples; 2]>,
}

impl Clock {
    /// Creates a clock that uses the system's clock as local time.
    #[must_use]
    pub fn system() -> Self {
        Self {
            local: Local::System,
            samples: Mutex::default(),
        }
    }

    /// Creates a clock that uses tokio's clock as local time, for simulations.
    #[must_use]
    pub fn of_tokio() -> Self {
        Self {
            local: Local::Since(Instant::now(), Timestamp::now().as_millisecond()),
            samples: Mutex::default(),
        }
    }

    /// Returns the local time.
    #[must_use]
    pub fn local(&self) -> i64 {
        match self.local {
            Local::System => Timestamp::now().as_millisecond(),
            Local::Since(start, at) => {
                at + i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX - at)
            }
        }
    }

    /// Returns the current time according to the best known clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        let local = self.local();
        self.better(Moment {
            local,
            earliest: local,
            latest: local,
            by: By::Local,
        })
    }

    /// Converts a moment if a better clock has become known since.
    #[must_use]
    pub fn better(&self, moment: Moment) -> Moment {
        let samples = self.samples();
        let [gateway, service] = &*samples;
        for (by, samples) in [(By::Service, service), (By::Gateway, gateway)] {
            let least = samples.iter().map(|(least, _)| *least).min();
            let most = samples.iter().map(|(_, most)| *most).max();
            if let (Some(least), Some(most), true) = (least, most, moment.by < by) {
                return Moment {
                    earliest: moment.local + least,
                    latest: moment.local + most,
                    by,
                    ..moment
                };
            }
        }
        moment
    }

    /// Learns from the Date header of a response to a request sent at this local time.
    pub fn learn(&self, response: &Response, sent: i64) {
        let date = response
            .header("date")
            .and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let Some(date) = date else { return };
        let said = date.timestamp().as_millisecond();
        // The header was written between sending the request and now, without fractions of a second.
        self.add(By::Gateway, (said - self.local(), said + 999 - sent));
    }

    /// Learns from a creation time in the response to a request sent at this local time.
    pub fn learn_created(&self, created: i64, sent: i64) {
        self.add(By::Service, (created - self.local(), created - sent));
    }

    fn add(&self, by: By, sample: (i64, i64)) {
        let samples = &mut self.samples()[usize::from(by == By::Service)];
        if samples.len() == SAMPLES {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    fn samples(&self) -> MutexGuard<'_, [Samples; 2]> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn response(date: &str) -> Response {
        Response {
            headers: vec![("date".to_owned(), date.to_owned())],
            ..Response::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn moments_use_the_service_clock_and_keep_their_uncertainty() {
        let clock = Clock::of_tokio();
        let before = clock.now();
        assert_eq!(before.by, By::Local);
        let sent = clock.local();
        tokio::time::sleep(Duration::from_secs(2)).await;
        clock.learn(&response("nonsense"), sent);
        assert_eq!(clock.now().by, By::Local);
        clock.learn(&response("Mon, 23 Nov 2026 12:00:00 GMT"), sent);
        let said = "2026-11-23T12:00:00Z"
            .parse::<Timestamp>()
            .unwrap()
            .as_millisecond();
        let now = clock.now();
        // The header was written up to 2 s ago, and up to one second after its value.
        assert_eq!((now.earliest, now.latest), (said, said + 2999));
        let resolved = clock.better(before);
        assert_eq!((resolved.earliest, resolved.latest), (said - 2000, said + 999));
        // A single jump in a header makes the estimate less exact, but not wrong.
        clock.learn(&response("Mon, 23 Nov 2026 13:00:00 GMT"), clock.local());
        assert_eq!(clock.now().earliest, said);
        assert_eq!(clock.now().latest, said + 3_600_999);
        for _ in 0..SAMPLES {
            clock.learn(&response("Mon, 23 Nov 2026 13:00:00 GMT"), clock.local());
        }
        assert_eq!(clock.now().earliest, said + 3_600_000);
        // Creation times are more reliable than any header.
        clock.learn_created(said + 10, clock.local() - 20);
        let now = clock.now();
        assert_eq!(
            (now.earliest, now.latest, now.by),
            (said + 10, said + 30, By::Service)
        );
        assert_eq!(clock.better(resolved).by, By::Service);
    }
}
