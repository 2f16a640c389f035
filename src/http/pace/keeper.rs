//! Writes the windows to their file.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::file::PaceFile;
use super::window::{Groups, locked};

/// How long the file may lag behind. If a process is killed, only its requests from this time may be missing
/// from the file.
pub const INTERVAL: Duration = Duration::from_millis(100);

/// How long to wait for access to the file.
pub const FILE_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns milliseconds since 1970, by the clock shared by all processes.
pub type Clock = fn() -> i64;

/// Writes the windows to their file.
pub struct Keeper {
    pub file: PaceFile,
    pub clock: Clock,
    pub groups: Arc<Groups>,
    /// Whether the file is out of date.
    pub changed: AtomicBool,
    /// Whether a task is about to write the file.
    pub keeping: AtomicBool,
    /// Ensures that only one task writes at a time.
    pub turn: Mutex<()>,
}

impl Keeper {
    /// Marks the file as out of date, and schedules a write on a blocking thread, so that file access does
    /// not delay requests.
    pub fn change(self: &Arc<Self>) {
        self.changed.store(true, Ordering::Release);
        let Ok(handle) = Handle::try_current() else {
            return;
        };
        if self.keeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let keeper = self.clone();
        handle.spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                let writer = keeper.clone();
                let _ = tokio::task::spawn_blocking(move || writer.write()).await;
                keeper.keeping.store(false, Ordering::Release);
                let more = keeper.changed.load(Ordering::Acquire);
                if !more || keeper.keeping.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        });
    }

    pub fn write(&self) {
        let _turn = locked(&self.turn);
        self.changed.store(false, Ordering::Release);
        let windows: Vec<_> = locked(&self.groups)
            .iter()
            .map(|(group, window)| (group.clone(), window.clone()))
            .collect();
        let (now, at) = ((self.clock)(), Instant::now());
        let used: BTreeMap<_, _> = windows
            .into_iter()
            .map(|(group, window)| (group, locked(&window.counts).used(at, now)))
            .collect();
        if let Err(error) = self.file.write(used, now) {
            log::debug!(target: "acc_assets", "cannot save the rate limit windows for the next process: \
                {error}");
        }
    }
}
