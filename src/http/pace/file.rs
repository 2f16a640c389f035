//! Saves the rate windows of a user in a small file, so that a program started soon after another one does not get a
//! 429.
//!
//! The limits are per user, across all programs. The file only makes pacing more accurate in the first minute
//! of a process. If the file cannot be read or written, or its content is implausible, the file is ignored. A
//! 429 is then handled as usual.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::auth::digest;

/// The file format version.
const VERSION: u32 = 1;
/// How long until entries expire, and the longest pause to store, in milliseconds. Both are bounded because clocks
/// jump.
pub const KEPT: i64 = 600_000;
/// How far a time may be in the future (milliseconds). Routine clock adjustments are smaller.
const AHEAD: i64 = 2_000;
/// The maximum number of requests to store per group.
pub const MOST_REQUESTS: u32 = 10_000;
const MOST_PROCESSES: usize = 64;
const MOST_BYTES: u64 = 1 << 20;
/// Files that have not been written for a day are removed. At most a thousand directory entries are checked
/// at a time.
const OLD: Duration = Duration::from_secs(24 * 3600);
const MOST_FILES: usize = 1000;

/// One process's requests in one group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Requests that were in flight.
    pub in_flight: u32,
    /// Times of responses, in milliseconds since 1970, and the number of responses at each.
    pub answered: Vec<(i64, u32)>,
    /// The end of the group's pause, or 0 if the group is not paused.
    pub paused_until: i64,
}

impl Used {
    fn is_plausible(&self) -> bool {
        let requests = self
            .answered
            .iter()
            .map(|(_, count)| u64::from(*count))
            .sum::<u64>();
        requests + u64::from(self.in_flight) <= 2 * u64::from(MOST_REQUESTS)
    }
}

/// One process's requests, as the process recorded them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Process {
    /// A random id of the process.
    id: u64,
    written: i64,
    /// Requests, keyed by the name of the rate group. Other versions of this client may have other groups.
    groups: BTreeMap<String, Used>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    processes: Vec<Process>,
}

/// The prefix of the file names.
const PREFIX: &str = "acc-assets-pace-";

/// Milliseconds after which a request in flight counts as complete.
const ANSWERED_WITHIN: i64 = 30_000;

/// The file for one user of one service.
#[derive(Debug)]
pub struct PaceFile {
    folder: PathBuf,
    name: String,
    /// This process's id in the file.
    id: u64,
}

impl PaceFile {
    /// Returns the file for a user of a service. The file name reveals neither the user nor the service.
    #[must_use]
    pub fn new(folder: &Path, service: &str, user: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            name: format!("{PREFIX}{}", digest(&["pacing", service, user])),
            // Use the system's random numbers, since a generator in this process would repeat its numbers in
            // forked children.
            id: Uuid::new_v4().as_u64_pair().0,
        }
    }

    /// Returns the recent requests of other processes. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn others(&self, now: i64) -> Vec<BTreeMap<String, Used>> {
        self.remove_old();
        let groups = |process: Process| {
            let mut groups = process.groups;
            for used in groups.values_mut() {
                // These requests were in flight. A killed process never records when they ended.
                let at = now.min(process.written.saturating_add(ANSWERED_WITHIN));
                let in_flight = std::mem::take(&mut used.in_flight);
                used.answered.extend((in_flight > 0).then_some((at, in_flight)));
            }
            groups
        };
        self.read(now).into_iter().map(groups).collect()
    }

    /// Writes the requests of this process. If another process writes at the same moment, the requests of
    /// that process may be missing from the file until that process writes again.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, groups: BTreeMap<String, Used>, now: i64) -> io::Result<()> {
        let mut processes = self.read(now);
        processes.sort_by_key(|process| std::cmp::Reverse(process.written));
        processes.truncate(MOST_PROCESSES - 1);
        processes.push(Process {
            id: self.id,
            written: now,
            groups,
        });
        let content = Content {
            version: VERSION,
            processes,
        };
        let mut folder = DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.folder)?;
        // Replace the file atomically. No fsync is needed, because the file is useless after a power failure.
        let beside = self.folder.join(format!("{}-{:016x}.tmp", self.name, self.id));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options
            .open(&beside)
            .and_then(|mut file| file.write_all(&serde_json::to_vec(&content)?))
            .and_then(|()| fs::rename(&beside, self.path()));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }

    /// Returns the other processes in the file. The list is empty if the file is missing or damaged, or has
    /// another format.
    fn read(&self, now: i64) -> Vec<Process> {
        let read = || -> Option<Content> {
            let path = self.path();
            // Opening a named pipe would block until its other end is opened.
            if !fs::metadata(&path).ok()?.is_file() {
                return None;
            }
            let mut bytes = Vec::new();
            let file = fs::File::open(path).ok()?;
            file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        let content = read().filter(|content| content.version == VERSION);
        let mut processes = content.map_or_else(Vec::new, |content| content.processes);
        processes.truncate(MOST_PROCESSES);
        processes.retain(|process| {
            process.id != self.id
                && process.written <= now.saturating_add(AHEAD)
                && process.written > now.saturating_sub(KEPT)
                && process.groups.values().all(Used::is_plausible)
        });
        processes
    }

    /// Removes stale files. Such files accumulate because each token without a user has its own file.
    fn remove_old(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        // The user may have other files in the folder.
        let is_ours = |name: &str| {
            let is_hex = |text: &str, length| {
                text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            };
            let Some((stem, ending)) = name.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('.'))
            else {
                return false;
            };
            match (stem.split_once('-'), ending) {
                (None, "json") => is_hex(stem, 32),
                (Some((name, id)), "tmp") => is_hex(name, 32) && is_hex(id, 16),
                _ => false,
            }
        };
        let is_old = |entry: &fs::DirEntry| {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.map(|modified| SystemTime::now().duration_since(modified));
            matches!(age, Ok(Ok(age)) if age > OLD)
        };
        for entry in entries.flatten().take(MOST_FILES) {
            if entry.file_name().to_str().is_some_and(is_ours) && is_old(&entry) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn used(answered: &[(i64, u32)]) -> BTreeMap<String, Used> {
        let used = Used {
            answered: answered.to_vec(),
            ..Used::default()
        };
        BTreeMap::from([("assets_write".to_owned(), used)])
    }

    fn file(folder: &Path) -> PaceFile {
        PaceFile::new(folder, "https://service.example", "QX3T9LM2AB7C")
    }

    #[test]
    fn processes_read_the_requests_of_others_and_keep_them() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("made").join("here");
        let (one, other) = (file(&folder), file(&folder));
        assert!(one.others(NOW).is_empty());
        one.write(used(&[(NOW, 1)]), NOW).unwrap();
        other.write(used(&[(NOW, 2)]), NOW).unwrap();
        one.write(used(&[(NOW, 3)]), NOW + 5).unwrap();
        assert_eq!(one.others(NOW), [used(&[(NOW, 2)])]);
        assert_eq!(other.others(NOW), [used(&[(NOW, 3)])]);
        assert_eq!(file(&folder).others(NOW).len(), 2);
        // The file is not used for another user or another service.
        for (service, user) in [
            ("https://service.example", "other"),
            ("https://other.example", "QX3T9LM2AB7C"),
        ] {
            assert!(PaceFile::new(&folder, service, user).others(NOW).is_empty());
        }
        // There is no temporary file left, and the name and content do not reveal the user.
        let names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let text = format!("{names:?}{}", fs::read_to_string(&names[0]).unwrap());
        assert!(!text.contains("QX3T9LM2AB7C") && !text.contains("service.example"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&names[0]), mode(&folder)), (0o600, 0o700));
        }
    }

    #[test]
    fn an_implausible_file_is_ignored_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let process = |written: i64, count: u64| {
            format!(
                r#"{{"version":1,"processes":[{{"id":1,"written":{written},"groups":{{"assets_write":
                {{"in_flight":0,"answered":[[{NOW},{count}]],"paused_until":0}}}}}}]}}"#
            )
        };
        fs::write(file.path(), process(NOW, 7)).unwrap();
        assert_eq!(file.others(NOW), [used(&[(NOW, 7)])]);
        // Another version of this client may know more groups.
        fs::write(
            file.path(),
            process(NOW, 7).replace("assets_write", "another_group"),
        )
        .unwrap();
        let groups = file.others(NOW).remove(0);
        assert_eq!(groups.keys().collect::<Vec<_>>(), ["another_group"]);
        for odd in [
            String::new(),
            "null".to_owned(),
            "not JSON".to_owned(),
            "{\"version\":1}".to_owned(),
            process(NOW, 7).replace("\"version\":1", "\"version\":2"),
            process(NOW, 7).replace("\"assets_write\"", "7"),
            process(NOW, 7)[..50].to_owned(),
            process(NOW, 30_000),
            process(NOW, u64::MAX),
            process(NOW + 3_600_000, 7),
            process(NOW - 3_600_000, 7),
            process(i64::MIN, 7),
            process(i64::MAX, 7),
            "[".repeat(100_000),
        ] {
            fs::write(file.path(), &odd).unwrap();
            assert!(file.others(NOW).is_empty(), "{odd:.100}");
            file.write(used(&[(NOW, 1)]), NOW).unwrap();
            let other = PaceFile::new(folder.path(), "https://service.example", "QX3T9LM2AB7C");
            assert_eq!(other.others(NOW), [used(&[(NOW, 1)])], "{odd:.100}");
        }
    }

    #[test]
    fn an_unusable_folder_is_an_error_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::write(&taken, "a file").unwrap();
        assert!(file(&taken).others(NOW).is_empty());
        assert!(file(&taken).write(used(&[(NOW, 1)]), NOW).is_err());
        // There is a folder in the place of the file.
        let file = file(folder.path());
        fs::create_dir(file.path()).unwrap();
        assert!(file.others(NOW).is_empty());
        assert!(file.write(used(&[(NOW, 1)]), NOW).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn old_files_are_removed_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - 2 * OLD;
        let name = digest(&["another"]);
        for (name, stays) in [
            (format!("{PREFIX}{name}.json"), false),
            (format!("{PREFIX}{name}-0123456789abcdef.tmp"), false),
            ("notes.json".to_owned(), true),
            (format!("{PREFIX}notes.json"), true),
            (format!("{PREFIX}{name}.txt"), true),
            // This is the user's own file.
            (format!("{name}.json"), true),
            ("7c9e6679-7425-40de-944b-e07fc1f90ae7.json".to_owned(), true),
        ] {
            let path = folder.path().join(name);
            let made = fs::File::create(&path).unwrap();
            made.set_modified(old).unwrap();
            assert!(file(folder.path()).others(NOW).is_empty());
            assert_eq!(path.exists(), stays, "{path:?}");
        }
    }
}
