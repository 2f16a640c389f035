//! Drives a machine: starts its commands, and waits for their events. Only this file uses tasks and timers.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::http::{Phase, Stop, scope};

/// How long to wait for requests in flight after a stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// A machine, and how its commands are carried out. Each command ends with an event.
pub(super) trait Driven {
    type Event: Send + 'static;
    type Command;

    /// Returns the event for the start of the run, for time that has passed, and for a stop.
    fn tick() -> Self::Event;

    /// Returns the event for a request whose task panicked.
    fn broken(reason: String) -> Self::Event;

    /// Returns the event for a journal write whose task panicked.
    fn unrecorded(reason: String) -> Self::Event {
        Self::broken(reason)
    }

    /// Handles what has happened, and returns what to do next. `now` is the time since the start of the run.
    fn on(&mut self, events: Vec<Self::Event>, now: Duration) -> Vec<Self::Command>;

    /// Returns when to call [`Self::on`] even if nothing happens, as time since the start of the run.
    fn due(&self) -> Option<Duration>;

    /// Carries out a command, or returns what does.
    fn begin(&mut self, command: Self::Command) -> Work<Self::Event>;
}

/// How a command is carried out.
pub(super) enum Work<E> {
    /// It was carried out without waiting.
    Done(E),
    /// By requests, which are dropped if the run is stopped now.
    Requests(BoxFuture<'static, E>),
    /// By reading files. This blocks its thread.
    Files(Box<dyn FnOnce() -> E + Send>),
    /// By a write to the journal, which runs in parallel with requests and is never dropped.
    Record(BoxFuture<'static, E>),
}

/// The time since the start of a run.
#[derive(Clone, Copy)]
pub(super) struct Timer(Instant);

impl Timer {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Drives a machine until there is nothing left to do, or until the run is stopped now. Returns the events of the
/// journal writes that were still in progress.
pub(super) async fn drive<D: Driven>(driven: &mut D, stop: &Stop, timer: Timer) -> Vec<D::Event> {
    let mut tasks = Tasks {
        requests: JoinSet::new(),
        records: JoinSet::new(),
    };
    let mut events = vec![D::tick()];
    while !events.is_empty() {
        for command in driven.on(std::mem::take(&mut events), timer.elapsed()) {
            if let Some(event) = tasks.begin(driven.begin(command)) {
                events.push(event);
                // This may have taken long without yielding, so let the caller check for signals.
                tokio::task::yield_now().await;
            }
        }
        if events.is_empty() {
            events.extend(tasks.next::<D>(stop, timer, driven.due()).await);
        }
        // Responses that have arrived meanwhile may show that nothing more is to be sent.
        events.extend(tasks.arrived::<D>());
    }
    tasks.requests.shutdown().await;
    let mut recorded = Vec::new();
    // The journal must be free once the call has ended.
    while let Some(joined) = tasks.records.join_next().await {
        recorded.push(record_event::<D>(joined));
    }
    recorded
}

/// The commands that are being carried out.
struct Tasks<E> {
    requests: JoinSet<E>,
    records: JoinSet<E>,
}

impl<E: Send + 'static> Tasks<E> {
    /// Starts work. Returns its event if it is done.
    fn begin(&mut self, work: Work<E>) -> Option<E> {
        match work {
            Work::Done(event) => return Some(event),
            Work::Requests(requests) => self.requests.spawn(scope::inherit(requests)),
            Work::Files(read) => self.requests.spawn_blocking(read),
            Work::Record(record) => self.records.spawn(record),
        };
        None
    }

    /// Waits for the next event. Returns `None` if there is nothing left to do, or if the run is to end now.
    async fn next<D: Driven<Event = E>>(
        &mut self,
        stop: &Stop,
        timer: Timer,
        due: Option<Duration>,
    ) -> Option<E> {
        let is_idle = self.requests.is_empty();
        if is_idle && due.is_none() {
            return None;
        }
        let phase = if is_idle { Phase::Drain } else { Phase::Now };
        tokio::select! {
            biased;
            () = stop.reached(phase) => is_idle.then(D::tick),
            Some(joined) = self.requests.join_next() => Some(request_event::<D>(joined)),
            Some(joined) = self.records.join_next() => Some(record_event::<D>(joined)),
            () = tokio::time::sleep_until(timer.0 + due.unwrap_or_default()), if due.is_some() => Some(D::tick()),
        }
    }

    /// Returns the events that have arrived.
    fn arrived<D: Driven<Event = E>>(&mut self) -> Vec<E> {
        let requests = std::iter::from_fn(|| self.requests.try_join_next());
        let mut events: Vec<E> = requests.map(request_event::<D>).collect();
        let records = std::iter::from_fn(|| self.records.try_join_next());
        events.extend(records.map(record_event::<D>));
        events
    }
}

fn request_event<D: Driven>(joined: Result<D::Event, JoinError>) -> D::Event {
    joined.unwrap_or_else(|error| D::broken(error.to_string()))
}

fn record_event<D: Driven>(joined: Result<D::Event, JoinError>) -> D::Event {
    joined.unwrap_or_else(|error| D::unrecorded(error.to_string()))
}
