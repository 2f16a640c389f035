//! Reads of settings under way: calls of one client that begin together share one.
//!
//! The read runs in a task of its own, not in the call that began it: a call that is cancelled only stops waiting. When
//! no call waits any more, the read ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use crate::batch::settings::Reader;
use crate::error::{Error, Sent, TransportError};
use crate::http::{Phase, Stop};
use crate::ids::ProjectId;
use crate::settings::Settings;

/// What a read gives to each call that waits for it.
type Read = Result<Arc<Settings>, Error>;

/// Reads are shared if they are of the same project, its locations come from the same container, and they complete the
/// same settings, if any: those are at this address as long as the read holds them.
type Key = (ProjectId, Option<String>, Option<usize>);

/// The reads of one client.
#[derive(Default)]
pub struct Readings(Mutex<HashMap<Key, Weak<Reading>>>);

/// One read of a project's settings. It begins when the first call waits for it.
pub struct Reading {
    reader: Reader,
    /// Settings that only lack their locations: nothing else is read then.
    known: Option<Arc<Settings>>,
    begun: AtomicBool,
    superseded: AtomicBool,
    ended: watch::Sender<Option<Read>>,
}

impl Readings {
    /// The read that a call waits for: one under way, or a new one.
    ///
    /// With `refresh` it is always a new one, since a read under way may have begun before a change that the caller
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

    /// The settings of this project are about to change: what is being read of them is not kept, and no later call waits
    /// for it.
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
    /// Not if it has failed, or if it was the one that gave what the call already knows.
    fn may_give_more_than(&self, known: Option<&Arc<Settings>>) -> bool {
        match &*self.ended.borrow() {
            None => true,
            Some(Ok(read)) => known.is_none_or(|known| !Arc::ptr_eq(known, read)),
            Some(Err(_)) => false,
        }
    }

    /// Whether the settings were read again, or changed, since this read began: it is not to be kept then.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Acquire)
    }

    /// Waits for the end of the read, unless the waiting call is stopped before.
    ///
    /// # Errors
    /// What ended the read, or that the call was stopped.
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
                // The sender is in `self` and only `Some` is waited for.
                _ => Err(broken("the read of the settings broke down")),
            },
        }
    }

    fn begin(&self) {
        let (reader, known) = (self.reader.clone(), self.known.clone());
        let stop = reader.session.stop.clone();
        let read = tokio::spawn(async move {
            let content = match known {
                Some(known) => reader.read_locations(known.content().clone()).await,
                None => reader.read().await,
            };
            content.map(|content| Arc::new(Settings::new(content)))
        });
        let ended = self.ended.clone();
        tokio::spawn(async move {
            let abort = read.abort_handle();
            tokio::select! {
                read = read => {
                    let broken = |error| Err(broken(&format!("the read of the settings broke down: {error}")));
                    ended.send_replace(Some(read.unwrap_or_else(broken)));
                }
                () = stop.reached(Phase::Now) => abort.abort(),
            }
        });
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // No call waits for it any more.
        self.reader.session.stop.to(Phase::Now);
    }
}

fn broken(message: &str) -> Error {
    Error::Transport(TransportError {
        sent: Sent::Maybe,
        message: message.to_owned(),
        partial: None,
    })
}
