//! The rate windows of one user of one service.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::file::PaceFile;
use super::keeper::{Clock, FILE_TIMEOUT, Keeper};
use super::slot::Slot;
use super::window::{Groups, Take, Window, locked};
use crate::options::RateGroup;

/// The rate windows of one user of one service.
#[derive(Default)]
pub struct Windows {
    groups: Arc<Groups>,
    keeper: Option<Arc<Keeper>>,
    loaded: OnceCell<()>,
}

impl Windows {
    /// Returns the windows shared by all clients of this process for one user of one service. The windows are
    /// saved in a file in `folder`, if given.
    ///
    /// A forked child does not inherit its parent's windows, because the parent's requests complete in the
    /// parent.
    pub async fn shared(service: &str, user: &str, folder: Option<&Path>) -> Arc<Self> {
        let key = (std::process::id(), service.to_owned(), user.to_owned());
        let windows = locked(registry())
            .entry(key)
            .or_insert_with(|| {
                let file = folder.map(|folder| PaceFile::new(folder, service, user));
                Arc::new(file.map_or_else(Self::default, |file| Self::kept(file, wall_clock)))
            })
            .clone();
        windows.load().await;
        windows
    }

    fn kept(file: PaceFile, clock: Clock) -> Self {
        let groups: Arc<Groups> = Arc::default();
        let keeper = Keeper {
            file,
            clock,
            groups: groups.clone(),
            changed: AtomicBool::new(false),
            keeping: AtomicBool::new(false),
            turn: Mutex::default(),
        };
        Self {
            groups,
            keeper: Some(Arc::new(keeper)),
            loaded: OnceCell::new(),
        }
    }

    /// On the first call, counts the earlier requests of other processes.
    async fn load(&self) {
        let Some(keeper) = &self.keeper else { return };
        let load = || async {
            let reader = keeper.clone();
            let read = tokio::task::spawn_blocking(move || reader.file.others((reader.clock)()));
            // An unreachable network folder must not delay the first request.
            let read = tokio::time::timeout(FILE_TIMEOUT, read).await;
            for groups in read.ok().and_then(Result::ok).unwrap_or_default() {
                for (group, used) in groups {
                    locked(&self.window(&group).counts).add_others(&used, Instant::now(), (keeper.clock)());
                }
            }
        };
        self.loaded.get_or_init(load).await;
    }

    fn window(&self, group: &str) -> Arc<Window> {
        let mut groups = locked(&self.groups);
        if let Some(window) = groups.get(group) {
            return window.clone();
        }
        groups.entry(group.to_owned()).or_default().clone()
    }

    /// Waits for a slot in the group: at most `limit` requests per `window`.
    pub async fn slot(&self, group: &RateGroup, limit: u32, window: Duration) -> Slot {
        let state = self.window(group.name);
        // Tokio's mutex is fair, so the order is first come, first served.
        let turn = state.turn.lock().await;
        let asked = Instant::now();
        loop {
            let changed = state.changed.notified();
            let wait = locked(&state.counts).take(limit, window, Instant::now());
            match wait {
                Take::Taken => break,
                Take::Until(instant) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(instant) => {}
                        () = changed => {}
                    }
                }
                Take::AfterResponse => changed.await,
            }
        }
        drop(turn);
        if let Some(keeper) = &self.keeper {
            keeper.change();
        }
        Slot {
            window: state,
            keeper: self.keeper.clone(),
            given_back: false,
            waited: asked.elapsed(),
        }
    }

    /// Returns whether the requests of the group are paused now.
    pub fn is_paused(&self, group: &RateGroup) -> bool {
        let window = self.window(group.name);
        let until = locked(&window.counts).paused_until;
        until.is_some_and(|until| until > Instant::now())
    }

    /// Pauses all requests of the group for this time.
    pub fn pause(&self, group: &RateGroup, time: Duration) {
        let window = self.window(group.name);
        let mut counts = locked(&window.counts);
        let until = Instant::now() + time;
        counts.paused_until = Some(counts.paused_until.map_or(until, |before| before.max(until)));
        drop(counts);
        if let Some(keeper) = &self.keeper {
            keeper.change();
        }
    }
}

/// The windows, per process, service and user. The process id is part of the key because a forked child
/// inherits its parent's windows.
type Registry = Mutex<HashMap<(u32, String, String), Arc<Windows>>>;

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::default)
}

fn wall_clock() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Writes the files of this process before the process ends. Stops waiting for an unreachable folder after
/// `FILE_TIMEOUT`.
pub fn keep_all() {
    let process = std::process::id();
    let keepers: Vec<Arc<Keeper>> = locked(registry())
        .iter()
        .filter(|((owner, ..), _)| *owner == process)
        .filter_map(|(_, windows)| windows.keeper.clone())
        .filter(|keeper| keeper.changed.load(Ordering::Acquire) || keeper.keeping.load(Ordering::Acquire))
        .collect();
    if keepers.is_empty() {
        return;
    }
    let (done, wait) = mpsc::channel();
    let writing = std::thread::Builder::new().spawn(move || {
        for keeper in keepers {
            keeper.write();
        }
        let _ = done.send(());
    });
    if writing.is_ok() {
        let _ = wait.recv_timeout(FILE_TIMEOUT);
    }
}

#[cfg(test)]
mod tests;
