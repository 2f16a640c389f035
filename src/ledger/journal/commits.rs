//! When the ledger of a named run is written to its journal, and on which thread: on one of its own, and never while the
//! ledger is locked.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::Journal;
use crate::error::Error;
use crate::ledger::{SharedLedger, lock};

/// New rows of a list that are written at once beside requests: a request waits for no more than these.
const NEXT: u32 = 20_000;

/// Which of the rows that were never written are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum New {
    /// Those before this one: a request is about to carry the last of them.
    Before(u32),
    /// The next ones.
    Next,
    All,
}

/// The journal of a run that several tasks write to, one after the other.
#[derive(Clone)]
pub(crate) struct Commits(Arc<Desk>);

struct Desk {
    /// The largest `New::Before` so far.
    wanted: AtomicU32,
    place: Mutex<Place>,
    /// In a simulation on one thread, tasks take turns.
    turn: tokio::sync::Mutex<()>,
    /// How long a write waits before it begins, and how many new rows it takes.
    lag: Duration,
    next: u32,
}

/// Where the journal is.
enum Place {
    /// Not written to yet, or by a simulation on one thread.
    Here(Journal),
    /// On its own thread, which ends with the last sender.
    Thread(mpsc::Sender<Order>),
    /// Closed, so that the run is free.
    Closed,
}

/// An order to the thread of a journal.
enum Order {
    Write(SharedLedger, New, u32, oneshot::Sender<Result<(), Error>>),
    Close(oneshot::Sender<()>),
}

impl Commits {
    pub fn new(journal: Journal) -> Self {
        #[cfg(feature = "simulator")]
        let (lag, next) = super::disk::lag_of(journal.path()).unwrap_or((Duration::ZERO, NEXT));
        #[cfg(not(feature = "simulator"))]
        let (lag, next) = (Duration::ZERO, NEXT);
        Self(Arc::new(Desk {
            wanted: AtomicU32::new(0),
            place: Mutex::new(Place::Here(journal)),
            turn: tokio::sync::Mutex::default(),
            lag,
            next,
        }))
    }

    /// Writes what changed in the ledger. When this returns, all that had changed before the call is on the disk, except
    /// for new rows that were not asked for.
    ///
    /// # Errors
    /// Nothing was written; the changes are in the ledger again.
    pub async fn write(&self, ledger: &SharedLedger, new: New) -> Result<(), Error> {
        if let New::Before(row) = new {
            self.0.wanted.fetch_max(row, Ordering::AcqRel);
        }
        if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            // A simulation on one thread and a paused clock: the order of events stays the same.
            let _turn = self.0.turn.lock().await;
            if !self.0.lag.is_zero() {
                tokio::time::sleep(self.0.lag).await;
            }
            tokio::task::yield_now().await;
            let wanted = self.0.wanted.load(Ordering::Acquire);
            return match &mut *self.place() {
                Place::Here(journal) => write(journal, ledger, new, wanted, self.0.next),
                _ => Err(gone()),
            };
        }
        let (done, written) = oneshot::channel();
        let orders = self.orders()?;
        let order = Order::Write(ledger.clone(), new, self.0.next, done);
        orders.send(order).map_err(|_| gone())?;
        written.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Closes the journal. When this returns, another call may drive the run.
    pub async fn close(self) {
        let place = std::mem::replace(&mut *self.place(), Place::Closed);
        if let Place::Thread(orders) = place {
            let (done, closed) = oneshot::channel();
            if orders.send(Order::Close(done)).is_ok() {
                let _ = closed.await;
            }
        }
    }

    /// Nothing panics while it holds this lock.
    fn place(&self) -> std::sync::MutexGuard<'_, Place> {
        self.0.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to the thread of the journal, which is started if it is not there yet.
    fn orders(&self) -> Result<mpsc::Sender<Order>, Error> {
        let mut place = self.place();
        let journal = match std::mem::replace(&mut *place, Place::Closed) {
            Place::Here(journal) => journal,
            Place::Thread(orders) => {
                *place = Place::Thread(orders.clone());
                return Ok(orders);
            }
            Place::Closed => return Err(gone()),
        };
        let (orders, taken) = mpsc::channel();
        let desk = Arc::downgrade(&self.0);
        thread::Builder::new()
            .name("acc-assets-journal".to_owned())
            .spawn(move || {
                let wanted = move || {
                    desk.upgrade()
                        .map_or(0, |desk| desk.wanted.load(Ordering::Acquire))
                };
                keep(journal, &taken, &wanted);
            })
            .map_err(|error| Error::Journal(format!("the journal has no thread: {error}")))?;
        *place = Place::Thread(orders.clone());
        Ok(orders)
    }
}

/// Writes to a journal until nobody can ask for it any more.
fn keep(mut journal: Journal, orders: &mpsc::Receiver<Order>, wanted: &dyn Fn() -> u32) {
    while let Ok(order) = orders.recv() {
        match order {
            // A task that was cancelled meanwhile leaves nothing half done.
            Order::Write(ledger, new, next, done) => {
                let _ = done.send(write(&mut journal, &ledger, new, wanted(), next));
            }
            Order::Close(done) => {
                drop(journal);
                let _ = done.send(());
                return;
            }
        }
    }
}

fn write(
    journal: &mut Journal,
    ledger: &SharedLedger,
    new: New,
    wanted: u32,
    next: u32,
) -> Result<(), Error> {
    loop {
        let kept = journal.rows();
        let before = match new {
            // The first request waits for no rows but its own. Later ones share a commit.
            New::Before(row) if kept == 0 => row,
            New::Before(row) => wanted.max(row),
            New::Next | New::All => kept.saturating_add(next),
        };
        let entries = journal.take(&mut lock(ledger), before);
        if entries.is_empty() && new != New::All {
            return Ok(());
        }
        let last = entries.last || new != New::All;
        journal.put(&entries).inspect_err(|_| {
            lock(ledger).put_back(entries.into_changes());
        })?;
        if last {
            return Ok(());
        }
    }
}

fn gone() -> Error {
    Error::Journal("the journal was not written: its thread has ended".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::Label;
    use crate::ledger::journal::Header;
    use crate::ledger::{Ledger, State};
    use crate::validation::Problem;

    #[test]
    fn phrases_of_rows_that_are_not_written_yet_are_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("level-3.sqlite");
        let header = Header {
            verb: "create".to_owned(),
            project: "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047".to_owned(),
            service: "http://localhost".to_owned(),
            import_key: None,
        };
        let (mut journal, _) = Journal::open(&path, &header).unwrap();
        let ledger: SharedLedger = Arc::default();
        lock(&ledger).watch();
        lock(&ledger).push(Label::Number);
        write(&mut journal, &ledger, New::Before(1), 1, 1).unwrap();
        // A row of a stream is read between two requests, and its reason has a phrase of its own.
        let problem = Problem {
            rule: "status".into(),
            column: "Status".to_owned(),
            value: "Instaled".to_owned(),
            message: "`Status` is 'Instaled': the project has no such status".to_owned(),
            fix: "did you mean `Installed`?".to_owned(),
        };
        {
            let mut ledger = lock(&ledger);
            let row = ledger.push(Label::Number);
            let fault = ledger.add_problems(&[problem]);
            ledger.set_fault(row, State::Invalid, fault);
        }
        write(&mut journal, &ledger, New::Before(1), 1, 1).unwrap();
        write(&mut journal, &ledger, New::All, 2, 1).unwrap();
        drop(journal);
        let (_journal, kept) = Journal::open(&path, &header).unwrap();
        let kept: Ledger = kept.unwrap();
        assert_eq!(kept.fault(1), lock(&ledger).fault(1));
        assert!(kept.fault(1).is_some());
    }
}
