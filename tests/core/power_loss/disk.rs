//! A folder on a disk that can lose its power. After that, the folder has what was synced, and a random part of the rest.
//!
//! The files are real, and show what the system shows while the power is on. A model next to them knows what has reached
//! the disk and what may have: each unsynced write, in sectors, each change of a file's size, and each name that was added
//! to the folder or removed from it. A sector either has its new bytes or its old ones. A file that has grown without its
//! bytes has zeros or garbage there.
//!
//! The VFS reports the bytes and syncs of `SQLite`. Names are read from the folder, so the model also has the hard link
//! and the removals that the journal makes itself, and its lock files. What is not covered: bytes that are not written
//! through `SQLite` (the journal writes none), and syncs that the disk only pretends to make. The journal says itself when
//! it has synced a folder. The folder is new, and vanishes as a whole if the power fails before its name is synced.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use acc_assets::ledger::journal::disk::look_into_folder;
use fastrand::Rng;
use tokio::sync::Notify;

use super::vfs;

/// The size of the parts in which a write reaches the disk.
const SECTOR: usize = 512;

/// All disks with their folders.
static DISKS: Mutex<Vec<(PathBuf, Weak<Disk>)>> = Mutex::new(Vec::new());

pub struct Disk {
    folder: PathBuf,
    state: Mutex<State>,
    off: Notify,
}

/// How much of what was not synced survives.
#[derive(Debug, Clone, Copy)]
pub enum Survival {
    Nothing,
    Everything,
    /// A random share of the sectors, sizes and names.
    Some,
}

struct State {
    random: Rng,
    survival: Survival,
    /// The power fails at the operation with this number.
    fails_at: Option<u64>,
    operations: u64,
    files: Vec<Content>,
    /// The inode and the file of each name that the system shows.
    names: BTreeMap<OsString, (u64, usize)>,
    synced_names: BTreeMap<OsString, usize>,
    /// The names that were added or removed since the last sync of the folder.
    changed_names: Vec<(OsString, Option<usize>)>,
    /// Whether the name of the folder itself is synced.
    is_folder_synced: bool,
    /// What the folder has once the power was lost.
    survivors: Option<BTreeMap<OsString, (usize, Vec<u8>)>>,
}

/// The content of a file on the disk, and its changes since.
#[derive(Default)]
struct Content {
    synced: Vec<u8>,
    changes: Vec<Change>,
}

enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Size(usize),
}

impl Disk {
    /// Puts a folder that does not exist yet on a new disk. The folder above it is there.
    pub fn new(folder: &Path, random: Rng) -> Arc<Self> {
        vfs::install();
        let above = folder.parent().unwrap().canonicalize().unwrap();
        let folder = above.join(folder.file_name().unwrap());
        let disk = Arc::new(Self {
            folder: folder.clone(),
            state: Mutex::new(State {
                random,
                survival: Survival::Some,
                fails_at: None,
                operations: 0,
                files: Vec::new(),
                names: BTreeMap::new(),
                synced_names: BTreeMap::new(),
                changed_names: Vec::new(),
                is_folder_synced: false,
                survivors: None,
            }),
            off: Notify::new(),
        });
        for (synced, is_own) in [(above.as_path(), false), (folder.as_path(), true)] {
            let disk = Arc::downgrade(&disk);
            look_into_folder(synced, move || {
                if let Some(disk) = disk.upgrade() {
                    disk.folder_is_synced(is_own);
                }
            });
        }
        let mut disks = DISKS.lock().unwrap();
        disks.retain(|(_, disk)| disk.strong_count() > 0);
        disks.push((folder, Arc::downgrade(&disk)));
        disk
    }

    /// Returns the disk of a file.
    pub fn of(path: &Path) -> Option<Arc<Self>> {
        let disks = DISKS.lock().unwrap();
        let (_, disk) = disks.iter().find(|(folder, _)| path.parent() == Some(folder))?;
        disk.upgrade()
    }

    /// Lets the power fail at an operation from now on: a write, truncation, removal or sync.
    pub fn fail_at(&self, operation: u64, survival: Survival) {
        let mut state = self.state();
        state.fails_at = Some(state.operations + operation);
        state.survival = survival;
    }

    /// Lets the power fail now.
    pub fn fail(&self, survival: Survival) {
        let mut state = self.state();
        state.survival = survival;
        self.lose(&mut state);
    }

    pub fn is_off(&self) -> bool {
        self.state().survivors.is_some()
    }

    /// Returns once the power has failed.
    pub async fn failed(&self) {
        while !self.is_off() {
            self.off.notified().await;
        }
    }

    /// Returns the number of operations so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Turns the power on again, and puts into the folder what has survived. No file of it may be open.
    pub fn restore(&self) {
        let mut state = self.state();
        for name in names(&self.folder).into_keys() {
            fs::remove_file(self.folder.join(name)).unwrap();
        }
        if !state.is_folder_synced && self.folder.exists() {
            fs::remove_dir(&self.folder).unwrap();
        }
        state.files.clear();
        state.names.clear();
        state.synced_names.clear();
        state.changed_names.clear();
        let mut written: BTreeMap<usize, (OsString, usize)> = BTreeMap::new();
        for (name, (file, bytes)) in state.survivors.take().unwrap_or_default() {
            let path = self.folder.join(&name);
            let number = if let Some((other, number)) = written.get(&file) {
                fs::hard_link(self.folder.join(other), &path).unwrap();
                *number
            } else {
                fs::write(&path, &bytes).unwrap();
                state.files.push(Content {
                    synced: bytes,
                    changes: Vec::new(),
                });
                state.files.len() - 1
            };
            written.insert(file, (name.clone(), number));
            let inode = fs::metadata(&path).unwrap().ino();
            state.names.insert(name.clone(), (inode, number));
            state.synced_names.insert(name, number);
        }
        state.fails_at = None;
    }

    // ---- what the VFS reports; `false` if there is no power ----

    /// Returns the number of a file that was opened.
    pub(super) fn number_of(&self, path: &Path) -> usize {
        let mut state = self.state();
        state.read_names(&self.folder);
        state.names[path.file_name().unwrap_or(OsStr::new(""))].1
    }

    pub(super) fn write(&self, file: usize, at: usize, bytes: &[u8]) -> bool {
        let bytes = bytes.to_vec();
        self.change(file, Change::Write { at, bytes })
    }

    pub(super) fn truncate(&self, file: usize, size: usize) -> bool {
        self.change(file, Change::Size(size))
    }

    /// A change at which the power fails may have reached the disk.
    fn change(&self, file: usize, change: Change) -> bool {
        let mut state = self.state();
        if state.survivors.is_some() {
            return false;
        }
        state.files[file].changes.push(change);
        self.keeps_power(&mut state)
    }

    /// A sync at which the power fails has synced an unknown part.
    pub(super) fn sync(&self, file: usize, syncs_folder: bool) -> bool {
        let mut state = self.state();
        if !self.keeps_power(&mut state) {
            return false;
        }
        state.files[file].sync();
        if syncs_folder {
            state.sync_names(&self.folder);
        }
        true
    }

    /// The folder was synced without `SQLite`, or the one above it. This is not an operation at which the power fails: the
    /// next one comes at once.
    fn folder_is_synced(&self, is_own: bool) {
        let mut state = self.state();
        if state.survivors.is_some() {
            return;
        }
        if is_own {
            state.sync_names(&self.folder);
        } else {
            state.is_folder_synced = true;
        }
    }

    /// A file was removed.
    pub(super) fn removed(&self, syncs_folder: bool) -> bool {
        let mut state = self.state();
        state.read_names(&self.folder);
        if !self.keeps_power(&mut state) {
            return false;
        }
        if syncs_folder {
            state.sync_names(&self.folder);
        }
        true
    }

    /// Counts an operation. Returns `false` if there is no power, or no longer.
    fn keeps_power(&self, state: &mut State) -> bool {
        state.operations += 1;
        if state.survivors.is_none() && state.fails_at == Some(state.operations) {
            self.lose(state);
        }
        state.survivors.is_none()
    }

    fn lose(&self, state: &mut State) {
        state.read_names(&self.folder);
        let survivors = state.draw_survivors(&self.folder);
        state.survivors = Some(survivors);
        self.off.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    /// Notes which names were added or removed.
    fn read_names(&mut self, folder: &Path) {
        let now = names(folder);
        let before = std::mem::take(&mut self.names);
        let file_of = |inode: u64| before.values().find(|(known, _)| *known == inode);
        for (name, inode) in &now {
            let known = before.get(name).filter(|(known, _)| known == inode);
            let number = if let Some((_, number)) = known.or_else(|| file_of(*inode)) {
                *number
            } else {
                // Only SQLite writes into files.
                let length = fs::metadata(folder.join(name)).unwrap().len();
                assert_eq!(length, 0, "{}", name.display());
                self.files.push(Content::default());
                self.files.len() - 1
            };
            if known.is_none() {
                self.changed_names.push((name.clone(), Some(number)));
            }
            self.names.insert(name.clone(), (*inode, number));
        }
        let removed = before.into_keys().filter(|name| !now.contains_key(name));
        self.changed_names.extend(removed.map(|name| (name, None)));
    }

    fn sync_names(&mut self, folder: &Path) {
        self.read_names(folder);
        self.synced_names = self
            .names
            .iter()
            .map(|(name, (_, file))| (name.clone(), *file))
            .collect();
        self.changed_names.clear();
    }

    fn draw_survivors(&mut self, folder: &Path) -> BTreeMap<OsString, (usize, Vec<u8>)> {
        let random = &mut self.random;
        // The file system may be far ahead with names and behind with bytes, or the other way around.
        let [of_names, of_bytes] = [(); 2].map(|()| match self.survival {
            Survival::Nothing => 0.0,
            Survival::Everything => 1.0,
            Survival::Some => [0.0, 0.1, 0.5, 0.9, 1.0][random.usize(0..5)],
        });
        if !self.is_folder_synced {
            if random.f64() >= of_names {
                return BTreeMap::new();
            }
            self.is_folder_synced = folder.exists();
        }
        let mut names = self.synced_names.clone();
        for (name, file) in &self.changed_names {
            if random.f64() < of_names {
                match file {
                    Some(file) => names.insert(name.clone(), *file),
                    None => names.remove(name),
                };
            }
        }
        let contents: Vec<Vec<u8>> = self
            .files
            .iter()
            .map(|file| file.survivor(random, of_bytes))
            .collect();
        let content = |file: usize| (file, contents[file].clone());
        names
            .into_iter()
            .map(|(name, file)| (name, content(file)))
            .collect()
    }
}

impl Content {
    fn sync(&mut self) {
        for change in self.changes.drain(..) {
            match change {
                Change::Size(size) => self.synced.resize(size, 0),
                Change::Write { at, bytes } => put(&mut self.synced, at, &bytes),
            }
        }
    }

    /// Returns the content after a power loss. Each unsynced part survives with this probability.
    fn survivor(&self, random: &mut Rng, share: f64) -> Vec<u8> {
        let mut content = self.synced.clone();
        for change in &self.changes {
            let (at, bytes) = match change {
                Change::Write { at, bytes } => (*at, bytes),
                Change::Size(size) => {
                    if random.f64() < share {
                        content.resize(*size, 0);
                    }
                    continue;
                }
            };
            let grows = random.f64() < share;
            let is_garbage = random.bool();
            let end = at + bytes.len();
            let mut from = at;
            while from < end {
                let to = end.min((from / SECTOR + 1) * SECTOR);
                if random.f64() < share {
                    put(&mut content, from, &bytes[from - at..to - at]);
                } else if grows && content.len() < to {
                    let new = content.len();
                    content.resize(to, 0);
                    if is_garbage {
                        random.fill(&mut content[new..]);
                    }
                }
                from = to;
            }
        }
        content
    }
}

/// Writes bytes into a content, which grows if needed.
fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// Returns the names in a folder with their inodes.
fn names(folder: &Path) -> BTreeMap<OsString, u64> {
    let Ok(entries) = fs::read_dir(folder) else {
        // The folder does not exist yet.
        return BTreeMap::new();
    };
    let entries = entries.map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name(), entry.metadata().unwrap().ino()))
        .collect()
}
