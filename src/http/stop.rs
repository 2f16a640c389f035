//! How a run is told to end: softly, or now.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

use tokio::sync::watch;

/// How far a run may still go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// On.
    Run,
    /// No new requests; those in flight may answer.
    Drain,
    /// Drop what is in flight.
    Now,
}

/// A stop signal, shared by all tasks of a run. It only ever goes forward.
#[derive(Clone)]
pub struct Stop {
    told: watch::Sender<Phase>,
    /// The same phase, to look at between two rows.
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
    /// Moves on to a phase; going back is ignored.
    pub fn to(&self, phase: Phase) {
        self.told.send_if_modified(|now| {
            let forward = phase > *now;
            *now = (*now).max(phase);
            self.phase.store(*now as u8, Ordering::Release);
            forward
        });
    }

    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Run,
            1 => Phase::Drain,
            _ => Phase::Now,
        }
    }

    /// Returns once the phase is at least this one.
    pub async fn reached(&self, phase: Phase) {
        let mut receiver = self.told.subscribe();
        // The sender lives in `self`, so waiting can only end by reaching the phase.
        let mut told = pin!(receiver.wait_for(|now| *now >= phase));
        // Tasks are told one after the other, and the first may end and hand what it held, such as the turn to ask for a
        // token, to one that is not told yet. So each looks for itself whenever it is polled.
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
