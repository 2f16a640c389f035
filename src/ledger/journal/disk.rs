//! Test hooks for the disk operations of journals. Syncs are counted per thread and in total, and can be
//! slowed down or observed. `SQLite` syncs only in journal transactions, which call `sync` first. Syncs of folders, once
//! per run, are only observed.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Syncs per transaction: the rollback journal before and after the database file, the database file, and
/// their folder.
const SYNCS: u32 = 4;

/// A hook that is called with the number of rows about to be written to disk.
type Hook = Arc<dyn Fn(usize) + Send + Sync>;

/// A hook that is called after a folder was synced.
type FolderHook = Arc<dyn Fn() + Send + Sync>;

static DELAY: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);
static HOOKS: Mutex<Vec<(PathBuf, Hook)>> = Mutex::new(Vec::new());
static FOLDERS: Mutex<Vec<(PathBuf, FolderHook)>> = Mutex::new(Vec::new());
static LAGS: Mutex<Vec<(PathBuf, (Duration, u32))>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: Cell<u64> = const { Cell::new(0) };
    static LOCKS: Cell<u64> = const { Cell::new(0) };
}

/// Delays every sync in this process by `delay`.
pub fn slow_down(delay: Duration) {
    let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
    DELAY.store(micros, Ordering::Relaxed);
}

/// Returns the number of syncs by this thread and by all threads, and how often this thread locked a ledger.
#[must_use]
pub fn counts() -> (u64, u64, u64) {
    (OWN.get(), COUNT.load(Ordering::Relaxed), LOCKS.get())
}

/// Calls `hook` in each transaction of this journal, just before its syncs.
pub fn look_into(path: &Path, hook: impl Fn(usize) + Send + Sync + 'static) {
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    hooks.push((path.to_owned(), Arc::new(hook)));
}

/// Calls `hook` after each sync of this folder by a journal. `SQLite` also syncs it, with each new rollback journal.
pub fn look_into_folder(folder: &Path, hook: impl Fn() + Send + Sync + 'static) {
    let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    folders.push((folder.to_owned(), Arc::new(hook)));
}

/// Runs the test hooks of a folder that was synced.
pub(super) fn folder_is_synced(folder: &Path) {
    let hooks: Vec<_> = {
        let folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        let own = folders.iter().filter(|(of, _)| of == folder);
        own.map(|(_, hook)| Arc::clone(hook)).collect()
    };
    for hook in hooks {
        hook();
    }
}

/// Delays the start of each write to this journal by `lag` in a single-threaded runtime. The delay uses the
/// runtime's clock, which may be paused. `rows` limits the number of new rows per transaction.
pub fn lag(path: &Path, lag: Duration, rows: u32) {
    let mut lags = LAGS.lock().unwrap_or_else(PoisonError::into_inner);
    lags.push((path.to_owned(), (lag, rows)));
}

/// Returns this journal's lag and its limit on new rows per transaction.
pub(super) fn lag_of(path: &Path) -> Option<(Duration, u32)> {
    let lags = LAGS.lock().unwrap_or_else(PoisonError::into_inner);
    lags.iter().find(|(of, _)| of == path).map(|(_, lag)| *lag)
}

/// Counts the syncs of a transaction and runs the test hooks. Call this before the transaction is synced.
pub(super) fn sync(path: &Path, rows: usize) {
    OWN.set(OWN.get() + u64::from(SYNCS));
    COUNT.fetch_add(SYNCS.into(), Ordering::Relaxed);
    let hook = {
        let hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
        let hook = hooks.iter().find(|(of, _)| of == path);
        hook.map(|(_, hook)| Arc::clone(hook))
    };
    if let Some(hook) = hook {
        hook(rows);
    }
    let delay = Duration::from_micros(DELAY.load(Ordering::Relaxed));
    if !delay.is_zero() {
        std::thread::sleep(delay * SYNCS);
    }
}

/// Counts a lock. Call this before this thread locks a ledger.
pub(crate) fn lock() {
    LOCKS.set(LOCKS.get() + 1);
}
