//! Writes the ledger of a named run to its journal, without locking the ledger during the write. The writing
//! happens on a separate thread, except in single-threaded simulations.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::Journal;
use crate::error::Error;
use crate::ledger::{SharedLedger, lock};

/// The maximum number of new rows per transaction, unless a request is waiting for more rows. Short
/// transactions keep requests from waiting long for their turn.
const NEXT: u32 = 20_000;

/// Which new rows to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum New {
    /// The rows before this row number. A request that contains the last of these rows is about to be sent.
    Before(u32),
    /// The next `NEXT` rows.
    Next,
    All,
}

/// A run's journal, to which several tasks write in turn.
#[derive(Clone)]
pub(crate) struct Commits(Arc<Desk>);

struct Desk {
    /// The largest `New::Before` row so far.
    wanted: AtomicU32,
    holder: Mutex<Holder>,
    /// Makes tasks take turns in a single-threaded simulation.
    turn: tokio::sync::Mutex<()>,
    /// In a simulation, the delay before a write starts. `next` is the maximum number of new rows per
    /// transaction.
    lag: Duration,
    next: u32,
}

/// Who has the journal.
enum Holder {
    /// Held here: not written to yet, or used by a single-threaded simulation.
    Here(Journal),
    /// Moved to a separate thread, which ends when the last sender is dropped.
    Thread(mpsc::Sender<Order>),
    /// Closed, so that other calls can use the run.
    Closed,
}

/// A command to a journal's thread.
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
            holder: Mutex::new(Holder::Here(journal)),
            turn: tokio::sync::Mutex::default(),
            lag,
            next,
        }))
    }

    /// Writes the ledger's changes to the journal. When this returns without an error, all changes from
    /// before the call are on disk, except for new rows outside `new`.
    ///
    /// # Errors
    /// If the journal is closed or a transaction fails. Changes that were not written stay in the ledger.
    pub async fn write(&self, ledger: &SharedLedger, new: New) -> Result<(), Error> {
        if let New::Before(row) = new {
            self.0.wanted.fetch_max(row, Ordering::AcqRel);
        }
        if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            // A single-threaded simulation with a paused clock must keep its order of events.
            let _turn = self.0.turn.lock().await;
            if !self.0.lag.is_zero() {
                tokio::time::sleep(self.0.lag).await;
            }
            tokio::task::yield_now().await;
            let wanted = self.0.wanted.load(Ordering::Acquire);
            return match &mut *self.holder() {
                Holder::Here(journal) => write(journal, ledger, new, wanted, self.0.next),
                _ => Err(gone()),
            };
        }
        let (done, written) = oneshot::channel();
        let orders = self.orders()?;
        let order = Order::Write(ledger.clone(), new, self.0.next, done);
        orders.send(order).map_err(|_| gone())?;
        written.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Closes the journal. When this returns, another call can take over the run.
    pub async fn close(self) {
        let holder = std::mem::replace(&mut *self.holder(), Holder::Closed);
        if let Holder::Thread(orders) = holder {
            let (done, closed) = oneshot::channel();
            if orders.send(Order::Close(done)).is_ok() {
                let _ = closed.await;
            }
        }
    }

    /// Locks `holder`. No code panics while holding this lock.
    fn holder(&self) -> std::sync::MutexGuard<'_, Holder> {
        self.0.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the channel to the journal's thread, which is started if needed.
    fn orders(&self) -> Result<mpsc::Sender<Order>, Error> {
        let mut holder = self.holder();
        let journal = match std::mem::replace(&mut *holder, Holder::Closed) {
            Holder::Here(journal) => journal,
            Holder::Thread(orders) => {
                *holder = Holder::Thread(orders.clone());
                return Ok(orders);
            }
            Holder::Closed => return Err(gone()),
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
            .map_err(|error| Error::Journal(format!("cannot start a thread for the journal: {error}")))?;
        *holder = Holder::Thread(orders.clone());
        Ok(orders)
    }
}

/// Carries out the orders for a journal until it is closed or all senders are dropped.
fn keep(mut journal: Journal, orders: &mpsc::Receiver<Order>, wanted: &dyn Fn() -> u32) {
    while let Ok(order) = orders.recv() {
        match order {
            // The write completes even if the task that ordered it was canceled in the meantime.
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
            // The first request waits only for its own rows. Later requests share a commit.
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
    Error::Journal("the journal was not written, because its thread has ended".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::Label;
    use crate::ledger::journal::Header;
    use crate::ledger::{Ledger, Status};
    use crate::rows::Problem;

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
        // A row in a stream is read between two requests, and its reason has its own phrase.
        let problem = Problem {
            code: "status".into(),
            column: "Status".to_owned(),
            value: "Instaled".to_owned(),
            message: "`Status` is 'Instaled': the project has no such status".to_owned(),
            fix: "did you mean `Installed`?".to_owned(),
        };
        {
            let mut ledger = lock(&ledger);
            let row = ledger.push(Label::Number);
            let fault = ledger.add_problems(&[problem]);
            ledger.set_fault(row, Status::Invalid, fault);
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
