//! Finds another run with the rows of a run that begins, for example because the name of the run was mistyped.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::time::SystemTime;

use rusqlite::Connection;
use xxhash_rust::xxh3::xxh3_64;

use super::file::connect;
use super::lock::{Lock, in_sqlite};
use super::trouble::Trouble;
use super::{Header, READER_TIMEOUT};
use crate::ledger::Status;
use crate::model::text::same_key;

/// How many runs of the folder to compare, those that were written last.
const RUNS: usize = 20;
/// How many rows of each run to compare, the first ones. 20,000 rows take about 25 milliseconds.
pub const ROWS: usize = 20_000;

/// How many equal rows, or Asset IDs, show that a sheet is another version of that of the run. A few may be equal by
/// chance.
const FEWEST: usize = 10;

/// The runs in the folder of a run that begins.
#[derive(Debug, Clone)]
pub struct Others {
    own: PathBuf,
    header: Header,
}

/// The first rows of a run that begins.
#[derive(Debug, Default)]
pub struct FirstRows {
    pub digests: HashSet<u64>,
    /// The digests of their Asset IDs.
    pub names: HashSet<u64>,
}

/// What a run has of the rows of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// All rows.
    All,
    /// This many of the rows.
    Some(usize),
    /// Rows with the same Asset IDs.
    Names,
}

/// A run that has the same rows.
#[derive(Debug, PartialEq, Eq)]
pub struct OverlappingRun {
    pub path: PathBuf,
    /// How many of its rows are created, or may be.
    pub created: u64,
    pub overlap: Overlap,
}

impl FirstRows {
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Adds a row, given its digest and its Asset ID.
    pub fn add(&mut self, digest: u64, name: Option<&str>) {
        self.digests.insert(digest);
        let name = name.filter(|name| !name.is_empty());
        self.names
            .extend(name.map(|name| xxh3_64(same_key(name).as_bytes())));
    }
}

impl Others {
    /// Creates it for the run with this file.
    pub fn of(own: &Path, header: &Header) -> Option<Self> {
        Some(Self {
            own: absolute(own).ok()?,
            header: header.clone(),
        })
    }

    /// Returns a run of the same verb and project that has created these rows, or rows with their Asset IDs. Runs that are in
    /// use or cannot be read are skipped.
    pub fn with_rows(&self, rows: &FirstRows) -> Option<OverlappingRun> {
        let runs = self.newest();
        runs.into_iter()
            .find_map(|path| self.overlap_of(path, rows).ok().flatten())
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

    fn overlap_of(&self, path: PathBuf, rows: &FirstRows) -> Result<Option<OverlappingRun>, Trouble> {
        if Lock::is_held(&path)? {
            return Err(Trouble::Driven);
        }
        let _in_sqlite = in_sqlite();
        let connection = connect(&path, READER_TIMEOUT)?;
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
        let (found, all) = found(&connection, rows)?;
        let equal = found.digests.len();
        let overlap = if equal == rows.digests.len() {
            Overlap::All
        } else if 2 * equal >= rows.digests.len() || equal >= FEWEST || all > 0 && equal == all {
            Overlap::Some(equal)
        } else if found.names.len() >= FEWEST && 2 * found.names.len() >= rows.names.len() {
            Overlap::Names
        } else {
            return Ok(None);
        };
        let query = "SELECT count(*) FROM records WHERE state IN (?1, ?2)";
        let count: i64 = connection.query_row(query, SENT.map(Status::as_str), |row| row.get(0))?;
        Ok(Some(OverlappingRun {
            path,
            created: count.cast_unsigned(),
            overlap,
        }))
    }
}

/// The statuses of rows that the project has, or may have.
const SENT: [Status; 2] = [Status::Created, Status::Unknown];

/// Returns the rows that a created row of a run equals, the Asset IDs that one has, and how many different rows the run has
/// created.
fn found(connection: &Connection, rows: &FirstRows) -> Result<(FirstRows, usize), Trouble> {
    let query = "SELECT digest, key FROM records WHERE number < ?1 AND state IN (?2, ?3)";
    let mut statement = connection.prepare(query)?;
    let [created, unknown] = SENT.map(Status::as_str);
    let mut records = statement.query((i64::try_from(ROWS).unwrap_or(i64::MAX), created, unknown))?;
    let mut all = FirstRows::default();
    while let Some(record) = records.next()? {
        all.add(
            record.get::<_, i64>(0)?.cast_unsigned(),
            Some(&record.get::<_, String>(1)?),
        );
    }
    let count = all.digests.len();
    all.digests.retain(|digest| rows.digests.contains(digest));
    all.names.retain(|name| rows.names.contains(name));
    Ok((all, count))
}
