//! How a run is told to end: softly, or now.

use std::future::{Future, poll_fn};
use std::pin::pin;
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
pub struct Stop(watch::Sender<Phase>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Run))
    }
}

impl Stop {
    /// Moves on to a phase; going back is ignored.
    pub fn to(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let forward = phase > *now;
            *now = (*now).max(phase);
            forward
        });
    }

    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Returns once the phase is at least this one.
    pub async fn reached(&self, phase: Phase) {
        let mut receiver = self.0.subscribe();
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
