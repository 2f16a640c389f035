//! Finds another run with the rows of a run that begins, for example because the name of the run was mistyped.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::time::SystemTime;

use rusqlite::Connection;

use super::file::connect;
use super::lock::{Lock, in_sqlite};
use super::trouble::Trouble;
use super::{GLANCE, Header};
use crate::ledger::Status;

/// How many runs of the folder to compare, those that were written last. Each takes about a millisecond.
const RUNS: usize = 20;
/// How many rows of each run to compare.
const ROWS: u32 = 1000;

/// The runs in the folder of a run that begins.
#[derive(Debug, Clone)]
pub struct Others {
    own: PathBuf,
    header: Header,
}

/// A run that has the same rows.
#[derive(Debug, PartialEq, Eq)]
pub struct SameRows {
    pub path: PathBuf,
    /// How many of its rows are created, or may be.
    pub created: u64,
}

impl Others {
    /// Creates it for the run with this file.
    pub fn of(own: &Path, header: &Header) -> Option<Self> {
        Some(Self {
            own: absolute(own).ok()?,
            header: header.clone(),
        })
    }

    /// Returns a run of the same verb and project that has created at least half of the rows with these digests. Runs
    /// that are in use or cannot be read are left out.
    pub fn with_rows(&self, digests: &HashSet<u64>) -> Option<SameRows> {
        if digests.is_empty() {
            return None;
        }
        let runs = self.newest();
        runs.into_iter().find_map(|path| {
            let created = self.created(&path, digests).ok().flatten()?;
            Some(SameRows { path, created })
        })
    }

    fn newest(&self) -> Vec<PathBuf> {
        let entries = self.own.parent().and_then(|folder| fs::read_dir(folder).ok());
        let mut runs: Vec<(SystemTime, PathBuf)> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let path = entry.path();
                let is_run = path != self.own
                    && path.extension() == self.own.extension()
                    && !entry.file_name().as_encoded_bytes().starts_with(b".");
                is_run.then_some((entry.metadata().ok()?.modified().ok()?, path))
            })
            .collect();
        runs.sort_unstable_by(|one, other| other.cmp(one));
        runs.truncate(RUNS);
        runs.into_iter().map(|(_, path)| path).collect()
    }

    fn created(&self, path: &Path, digests: &HashSet<u64>) -> Result<Option<u64>, Trouble> {
        if Lock::is_held(path)? {
            return Err(Trouble::Driven);
        }
        let _in_sqlite = in_sqlite();
        let connection = connect(path, GLANCE)?;
        let query = "SELECT verb, project, service FROM run";
        let [verb, project, service]: [String; 3] =
            connection.query_row(query, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        let Header {
            verb: own_verb,
            project: own_project,
            service: own_service,
            ..
        } = &self.header;
        if (&verb, &project, &service) != (own_verb, own_project, own_service) {
            return Ok(None);
        }
        let found = found(&connection, digests)?;
        if 2 * found < digests.len() {
            return Ok(None);
        }
        let query = "SELECT count(*) FROM records WHERE state IN (?1, ?2)";
        let count: i64 = connection.query_row(query, SENT.map(Status::as_str), |row| row.get(0))?;
        Ok(Some(count.cast_unsigned()))
    }
}

/// The statuses of rows that the project has, or may have.
const SENT: [Status; 2] = [Status::Created, Status::Unknown];

/// Counts the digests that a created row of a run has.
fn found(connection: &Connection, digests: &HashSet<u64>) -> Result<usize, Trouble> {
    let query = "SELECT digest FROM records WHERE number < ?1 AND state IN (?2, ?3)";
    let mut statement = connection.prepare(query)?;
    let [created, unknown] = SENT.map(Status::as_str);
    let mut rows = statement.query((ROWS, created, unknown))?;
    let mut found = HashSet::new();
    while let Some(row) = rows.next()? {
        let digest = row.get::<_, i64>(0)?.cast_unsigned();
        if digests.contains(&digest) {
            found.insert(digest);
        }
    }
    Ok(found.len())
}
