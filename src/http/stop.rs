//! Stop signals of a run: finish the requests in flight, or drop them.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

use tokio::sync::watch;

/// The phase of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not stopped.
    Run,
    /// Send no new requests, but wait for those in flight.
    Drain,
    /// Drop the requests in flight.
    Now,
}

/// A stop signal, shared by all tasks of a run. The phase only moves forward.
#[derive(Clone)]
pub struct Stop {
    told: watch::Sender<Phase>,
    /// The same phase, stored so that checking it for every row is cheap.
    phase: Arc<AtomicU8>,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            told: watch::Sender::new(Phase::Run),
            phase: Arc::new(AtomicU8::new(Phase::Run as u8)),
        }
    }
}

impl Stop {
    /// Moves forward to a phase. An earlier phase is ignored.
    pub fn to(&self, phase: Phase) {
        self.told.send_if_modified(|now| {
            let forward = phase > *now;
            *now = (*now).max(phase);
            self.phase.store(*now as u8, Ordering::Release);
            forward
        });
    }

    /// Returns the current phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Run,
            1 => Phase::Drain,
            _ => Phase::Now,
        }
    }

    /// Waits until at least this phase is reached.
    pub async fn reached(&self, phase: Phase) {
        let mut receiver = self.told.subscribe();
        // The sender is in `self`, so waiting can only end by reaching the phase.
        let mut told = pin!(receiver.wait_for(|now| *now >= phase));
        // Tasks are notified one after another. The first task may end and pass a resource, such as the turn to fetch a
        // token, to a task not yet notified. So each task checks the phase whenever it is polled.
        poll_fn(|context| {
            if self.phase() >= phase {
                Poll::Ready(())
            } else {
                told.as_mut().poll(context).map(drop)
            }
        })
        .await;
    }
}
