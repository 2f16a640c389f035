//! In-flight reads of settings, which overlapping calls of one client share.
//!
//! A read runs in its own task, not in the call that started it, so a canceled call only stops waiting. The
//! read is aborted once no call is waiting for its result.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use crate::error::{Error, Sent, TransportError};
use crate::http::{Phase, Stop, scope};
use crate::ids::ProjectId;
use crate::reads::settings::Reader;
use crate::run::activity::{Activity, CurrentActivity};
use crate::settings::Settings;

/// The result of a read for each waiting call.
type Read = Result<Arc<Settings>, Error>;

/// Calls share a read if they have the same project and locations container and, if they only add the missing
/// locations to known settings, the same known settings. Settings are compared by address, which is valid as
/// long as the read keeps them alive.
type Key = (ProjectId, Option<String>, Option<usize>);

/// The reads of one client.
#[derive(Default)]
pub struct Readings(Mutex<HashMap<Key, Weak<Reading>>>);

/// One read of a project's settings. The read starts when the first call waits for it.
pub struct Reading {
    reader: Reader,
    /// Settings that lack only their locations. If given, only the locations are read.
    known: Option<Arc<Settings>>,
    begun: AtomicBool,
    superseded: AtomicBool,
    ended: watch::Sender<Option<Read>>,
}

impl Readings {
    /// Joins a read in flight, or creates a new one.
    ///
    /// With `refresh`, always creates a new read: a read in flight may have started before a change that the caller
    /// wants to see.
    pub fn join(&self, reader: Reader, known: Option<Arc<Settings>>, refresh: bool) -> Arc<Reading> {
        let completes = known.as_ref().map(|known| Arc::as_ptr(known).addr());
        let key = (reader.project, reader.locations_container.clone(), completes);
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.retain(|_, reading| reading.strong_count() > 0);
        let earlier = readings.get(&key).and_then(Weak::upgrade);
        if let Some(earlier) = earlier {
            if !refresh && earlier.may_give_more_than(known.as_ref()) {
                return earlier;
            }
            earlier.superseded.store(true, Ordering::Release);
        }
        let reading = Arc::new(Reading {
            reader,
            known,
            begun: AtomicBool::new(false),
            superseded: AtomicBool::new(false),
            ended: watch::Sender::new(None),
        });
        readings.insert(key, Arc::downgrade(&reading));
        reading
    }

    /// Discards reads in flight for this project, because its settings are about to change. Later calls do
    /// not join these reads.
    pub fn forget(&self, project: ProjectId) {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.retain(|(of, ..), reading| {
            if *of == project
                && let Some(reading) = reading.upgrade()
            {
                reading.superseded.store(true, Ordering::Release);
            }
            *of != project
        });
    }
}

impl Reading {
    /// Returns whether a call that knows these settings may learn more from this read. Returns `false` if the
    /// read failed or the call already has its result.
    fn may_give_more_than(&self, known: Option<&Arc<Settings>>) -> bool {
        match &*self.ended.borrow() {
            None => true,
            Some(Ok(read)) => known.is_none_or(|known| !Arc::ptr_eq(known, read)),
            Some(Err(_)) => false,
        }
    }

    /// Returns the current activity, for progress reports.
    #[must_use]
    pub fn activity(&self) -> CurrentActivity {
        CurrentActivity::new(Activity::Settings, self.reader.session.counters.clone())
    }

    /// Returns whether, since this read was created, a newer read was created or a change of the settings was
    /// announced. If so, the result of this read may be stale.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Acquire)
    }

    /// Waits for the read to end, or for the call to be stopped.
    ///
    /// # Errors
    /// If the read failed or the call was stopped.
    pub async fn settings(&self, stop: &Stop) -> Read {
        if stop.phase() == Phase::Run && !self.begun.swap(true, Ordering::AcqRel) {
            self.begin();
        }
        let mut ended = self.ended.subscribe();
        tokio::select! {
            biased;
            () = stop.reached(Phase::Drain) => Err(broken("stopped while reading")),
            read = ended.wait_for(Option::is_some) => match read.as_deref() {
                Ok(Some(read)) => read.clone(),
                // Unreachable: the sender is in `self`, and this waits only for `Some`.
                _ => Err(broken("reading the settings crashed")),
            },
        }
    }

    fn begin(&self) {
        let (reader, known) = (self.reader.clone(), self.known.clone());
        let stop = reader.session.stop.clone();
        let read = tokio::spawn(scope::inherit(async move {
            let content = match known {
                Some(known) => reader.read_locations(known.content().clone()).await,
                None => reader.read().await,
            };
            content.map(|content| Arc::new(Settings::new(content)))
        }));
        let ended = self.ended.clone();
        tokio::spawn(async move {
            let abort = read.abort_handle();
            tokio::select! {
                read = read => {
                    let broken = |error| Err(broken(&format!("reading the settings crashed: {error}")));
                    ended.send_replace(Some(read.unwrap_or_else(broken)));
                }
                () = stop.reached(Phase::Now) => abort.abort(),
            }
        });
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // No call is waiting.
        self.reader.session.stop.to(Phase::Now);
    }
}

fn broken(message: &str) -> Error {
    Error::Transport(TransportError::new(Sent::Maybe, message))
}
