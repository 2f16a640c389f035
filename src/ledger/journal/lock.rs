//! The lock file of a named run. The holder of the lock owns the run.
//!
//! The lock is on a separate file. On Unix, a process that closes any descriptor of the journal loses its
//! POSIX locks on the journal, including `SQLite`'s. A lock from `File::lock` (`flock` on Unix) belongs to
//! the open file, so closing another descriptor does not release it.
//!
//! A lock file is never deleted, not even with its run. Another process could be about to lock the deleted file while
//! a third process locks a new file with the same name. Then both processes would own the run.

#[cfg(unix)]
use std::cell::RefCell;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use super::fork;

/// How long to wait before trying to lock again.
const PAUSE: Duration = Duration::from_millis(5);

/// The lock files that this process has locked.
///
/// A forked child inherits the descriptors of these files, and a lock lasts until the last descriptor of its
/// open file is closed. So the child closes the inherited descriptors immediately (`after_fork`). Otherwise,
/// the run of a killed process would stay locked while its children live.
static HELD: Mutex<Held> = Mutex::new(Held {
    next: 0,
    files: Vec::new(),
});

/// Held for reading while a thread uses `SQLite`, and for writing during a fork. `SQLite` has process-wide locks, and
/// a lock that another thread holds during a fork would stay locked in the child.
static IN_SQLITE: RwLock<()> = RwLock::new(());

struct Held {
    next: u64,
    files: Vec<(u64, File)>,
}

/// A lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(u64);

/// Why a run cannot be locked.
pub(super) enum Refusal {
    /// Another process, or another call in this process, holds the lock.
    Held,
    /// The lock file cannot be opened.
    NoFile(io::Error),
    /// The file system does not support locks.
    NoLocks(io::Error),
}

impl Lock {
    /// Locks a journal's run. The journal's folder must exist. Waits up to `patience` if the lock is already
    /// held.
    pub(super) fn take(journal: &Path, patience: Duration) -> Result<Self, Refusal> {
        let path = path(journal).map_err(Refusal::NoFile)?;
        let start = Instant::now();
        loop {
            match Self::try_take(&path) {
                Err(Refusal::Held) if start.elapsed() < patience => std::thread::sleep(PAUSE),
                taken => return taken,
            }
        }
    }

    fn try_take(path: &Path) -> Result<Self, Refusal> {
        // Keep `HELD` locked while opening the file. Otherwise, a fork could pass on a descriptor that is not
        // listed.
        let mut held = held();
        let file = open(path).map_err(Refusal::NoFile)?;
        file.try_lock()?;
        let number = held.next;
        held.next += 1;
        held.files.push((number, file));
        Ok(Self(number))
    }

    /// Returns whether a journal's lock is held.
    pub(super) fn is_held(journal: &Path) -> Result<bool, Refusal> {
        let path = path(journal).map_err(Refusal::NoFile)?;
        let _held = held();
        let file = match File::open(path) {
            // An owner creates the lock file before anything else.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            file => file.map_err(Refusal::NoFile)?,
        };
        match file.try_lock_shared().map_err(Refusal::from) {
            Err(Refusal::Held) => Ok(true),
            free => free.map(|()| false),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut held = held();
        if let Some(index) = held.files.iter().position(|(number, _)| *number == self.0) {
            let (_, file) = held.files.swap_remove(index);
            // Unlock explicitly: a child between fork and exec may still have the descriptor, which would
            // keep the lock.
            let _ = file.unlock();
        }
    }
}

impl From<TryLockError> for Refusal {
    fn from(error: TryLockError) -> Self {
        match error {
            TryLockError::WouldBlock => Self::Held,
            TryLockError::Error(error) => Self::NoLocks(error),
        }
    }
}

fn held() -> MutexGuard<'static, Held> {
    fork::watch();
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks `SQLite` as in use until the guard is dropped. Do not nest calls on one thread: if a fork starts in
/// between, the inner call deadlocks.
pub(super) fn in_sqlite() -> RwLockReadGuard<'static, ()> {
    fork::watch();
    IN_SQLITE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the path of a journal's lock file. Every path to an existing journal, for example through a
/// symbolic link, has the same lock file.
fn path(journal: &Path) -> io::Result<PathBuf> {
    let mut path = match journal.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => journal.to_owned(),
        path => path?,
    }
    .into_os_string();
    path.push(".lock");
    Ok(path.into())
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    match options.open(path) {
        // Another user's lock file may be read-only, but it can be locked without writing to it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        file => file,
    }
}

#[cfg(unix)]
thread_local! {
    /// The locks held during a fork, so that in the child the list is consistent and `SQLite` is not in use.
    static FORKING: RefCell<Option<Forking>> = const { RefCell::new(None) };
}

#[cfg(unix)]
type Forking = (MutexGuard<'static, Held>, RwLockWriteGuard<'static, ()>);

/// Registers the fork handlers. The first use of a journal does this too, but another thread could fork at
/// that moment.
pub fn watch_forks() {
    fork::watch();
}

/// Waits until no thread uses `SQLite`, so that a fork right after this does not have to wait. Call this without the
/// GIL, because a commit may take as long as the disk needs.
pub fn wait_for_commits() {
    drop(no_sqlite());
}

fn no_sqlite() -> RwLockWriteGuard<'static, ()> {
    IN_SQLITE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Runs before a fork, on the forking thread.
#[cfg(unix)]
pub(super) fn before_fork() {
    let no_sqlite = no_sqlite();
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    // This fails only if the thread is ending and has no thread-local storage. Then this fork is not watched.
    let _ = FORKING.try_with(|forking| forking.replace(Some((held, no_sqlite))));
}

/// Runs after a fork, in the parent and in the child. The child closes the descriptors, which does not release any
/// of its parent's locks.
#[cfg(unix)]
pub(super) fn after_fork(in_child: bool) {
    let forking = FORKING.try_with(RefCell::take).ok().flatten();
    let held = forking.map(|(held, _)| held);
    if let Some(mut held) = held
        && in_child
    {
        held.files.clear();
    }
}
