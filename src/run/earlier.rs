//! Rereads the rows from an earlier call, and finds out which row of the run each of them is.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ledger::{Ledger, Status, number};
use crate::rows::RowOfRun;
use crate::run::align::{KnownRow, Mismatch, RowId, align};
use crate::run::continuation::Continuation;
use crate::run::read_row::ReadRow;
use xxhash_rust::xxh3::xxh3_64;

/// Why the rows do not match the run.
pub(super) enum Unfit {
    Row(Mismatch),
    /// One of several identical rows was removed, and it is unclear which one.
    Unclear(u32),
    /// These rows of a fixes file are the same row of the run.
    Repeated(u32, u32),
}

/// The rows from an earlier call, until all of them have been read.
pub(super) struct Earlier {
    run: Vec<KnownRow>,
    /// Which rows are settled. A retry of a result requires that all rows are unchanged, settled or not.
    good: Vec<bool>,
    /// Whether the run has read all of its rows.
    complete: bool,
    input: Vec<RowId>,
    /// The input rows, except settled rows at their old position.
    held: BTreeMap<u32, ReadRow>,
    /// The runs and row numbers of input rows that come from a fixes file.
    numbered: BTreeMap<u32, RowOfRun>,
    /// The number of this run.
    own: u64,
    /// What rows were before they were edited in a fixes file.
    first: HashMap<u32, RowId>,
    /// For each row, the rows that share its outcome.
    twins: HashMap<u32, Vec<u32>>,
    /// The digests and keys of the rows that may be done.
    doubtful: HashSet<u64>,
}

impl Earlier {
    /// Returns `None` if the ledger is new. With `edits`, rows that are not settled may have been edited.
    pub fn of(ledger: &Ledger, continuation: &Continuation) -> Option<Self> {
        let edits = continuation.edits;
        let rows = u32::try_from(ledger.rows()).unwrap_or(u32::MAX);
        let is_unknown = |row| ledger.status(row) == Status::Unknown && ledger.same_as(row).is_none();
        let known = |row| KnownRow {
            id: RowId {
                digest: ledger.digest(row),
                key: ledger.key(row).map_or(0, |key| named(&key)),
            },
            // A duplicate was not sent, so it may become another row if rows are checked again.
            settled: !edits
                || ledger.status(row).is_ok() && (ledger.same_as(row).is_none() || !continuation.recheck),
            in_doubt: edits && is_unknown(row),
        };
        let first = |row| {
            let (digest, key) = ledger.first_id(row)?;
            let key = named(key);
            Some((row, RowId { digest, key }))
        };
        let run: Vec<KnownRow> = (0..rows).map(known).collect();
        // The input may have a row as it was before it was corrected in a fixes file.
        let doubtful = run.iter().zip(0..).filter(|(_, row)| is_unknown(*row));
        let doubtful = doubtful.flat_map(|(known, row)| [Some(known.id), first(row).map(|(_, id)| id)]);
        let doubtful: HashSet<u64> = doubtful.flatten().flat_map(|id| [id.digest, id.key]).collect();
        (rows > 0 || ledger.complete).then(|| Self {
            doubtful,
            good: (0..rows).map(|row| ledger.status(row).is_ok()).collect(),
            complete: ledger.complete,
            input: Vec::new(),
            held: BTreeMap::new(),
            numbered: BTreeMap::new(),
            own: ledger.run(),
            first: (0..rows).filter_map(first).collect(),
            twins: ledger.twins(),
            run,
        })
    }

    /// Returns the number of rows that are done.
    pub fn done(&self) -> usize {
        self.good.iter().filter(|good| **good).count()
    }

    /// Returns the number of rows that may be done.
    pub fn in_doubt(&self) -> usize {
        self.run.iter().filter(|known| known.in_doubt).count()
    }

    /// Returns whether this may be a row that may be done.
    pub fn may_be_in_doubt(&self, digest: u64, key: &str) -> bool {
        !self.doubtful.is_empty() && (self.doubtful.contains(&digest) || self.doubtful.contains(&named(key)))
    }

    /// Returns whether no row is done, and none may be.
    pub fn nothing_is_sent(&self) -> bool {
        self.done() + self.in_doubt() == 0
    }

    /// Returns the number of the next input row, if it is a settled row at its old position, and whether the row is as
    /// it was before a fixes file.
    pub fn settled_next(&self, digest: u64) -> Option<(u32, bool)> {
        let row = number(self.input.len());
        let known = self.run.get(row as usize)?;
        if !self.good[row as usize] {
            return None;
        }
        let is_first = || self.first.get(&row).is_some_and(|first| first.digest == digest);
        if known.id.digest == digest {
            Some((row, false))
        } else {
            is_first().then_some((row, true))
        }
    }

    pub fn take_settled(&mut self, digest: u64, key: &str) {
        let key = named(key);
        self.input.push(RowId { digest, key });
    }

    /// Stores a row. `number_in` is the run and row number from a fixes file.
    pub fn take(&mut self, row: ReadRow, number_in: Option<RowOfRun>) {
        let at = number(self.input.len());
        self.input.push(RowId {
            digest: row.digest,
            key: named(&row.key),
        });
        self.numbered.extend(number_in.map(|number| (at, number)));
        self.held.insert(at, row);
    }

    /// Returns whether the rows can be matched before the end of the input. This is the case once as many input
    /// rows have been read as the run has. If the run is complete or the input is a fixes file, the rows are
    /// matched early only if the input has more rows than the run.
    pub fn is_read(&self) -> bool {
        if self.complete || !self.numbered.is_empty() {
            self.input.len() > self.run.len()
        } else {
            self.input.len() == self.run.len()
        }
    }

    /// Returns the number of rows in the run.
    pub fn known(&self) -> usize {
        self.run.len()
    }

    /// Returns whether the input has no rows.
    pub fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    /// Returns an input row, unless it is a settled row at its old position.
    pub fn held(&self, at: u32) -> Option<&ReadRow> {
        self.held.get(&at)
    }

    pub fn take_held(&mut self, at: u32) -> Option<ReadRow> {
        self.held.remove(&at)
    }

    /// Takes the rows that share the outcome of each row.
    pub fn take_twins(&mut self) -> HashMap<u32, Vec<u32>> {
        std::mem::take(&mut self.twins)
    }

    /// Returns the settled rows that the input does not have as they were, if it has their names as it has that of `row`.
    pub fn lost_like(&self, row: u32) -> Vec<u32> {
        let mut given = HashSet::new();
        let mut names = HashSet::new();
        for id in &self.input {
            given.insert(id.digest);
            names.insert(id.key);
        }
        let is_there = |row: u32| {
            let key = self.run.get(row as usize).map_or(0, |known| known.id.key);
            (key != 0).then(|| names.contains(&key))
        };
        let is_given = |row: u32, known: &KnownRow| {
            let first = self.first.get(&row).map(|first| first.digest);
            given.contains(&known.id.digest) || first.is_some_and(|first| given.contains(&first))
        };
        let wanted = is_there(row);
        let rows = (0_u32..).zip(&self.run);
        rows.filter(|(row, known)| known.settled && !is_given(*row, known) && is_there(*row) == wanted)
            .map(|(row, _)| row)
            .collect()
    }

    /// Returns how many rows of the run the input has, edited or not, as far as their cells and names tell.
    pub fn found(&self) -> usize {
        let (mut digests, mut names) = (HashSet::new(), HashSet::new());
        for id in &self.input {
            digests.insert(id.digest);
            names.insert(id.key);
        }
        let has = |id: &RowId| digests.contains(&id.digest) || id.key != 0 && names.contains(&id.key);
        let rows = (0_u32..).zip(&self.run);
        rows.filter(|(row, known)| has(&known.id) || self.first.get(row).is_some_and(has))
            .count()
    }

    /// Returns whether both the run and the input have rows with names.
    pub fn have_names(&self) -> bool {
        self.run.iter().any(|known| known.id.key != 0) && self.input.iter().any(|given| given.key != 0)
    }

    /// Returns a duplicate of a row that is unchanged, while the row itself was edited.
    pub fn copy_left_of(&self, row: u32) -> Option<u32> {
        let known = self.run.get(row as usize)?.id.digest;
        let digest_at = |row: u32| self.input.get(row as usize).map(|given| given.digest);
        let now = digest_at(row)?;
        if self.run.iter().any(|known| known.id.digest == now) {
            return None;
        }
        let copies = self.twins.get(&row)?.iter().copied();
        copies.filter(|copy| digest_at(*copy) == Some(known)).min()
    }

    /// Returns whether an input row has the name of a row of the run, or `None` if that row has no name.
    pub fn has_name_of(&self, row: u32) -> Option<bool> {
        let key = self.run.get(row as usize)?.id.key;
        (key != 0).then(|| self.input.iter().any(|given| given.key == key))
    }

    /// Returns the row of the run that has the name of an input row, if no other row has it.
    pub fn only_row_named_as(&self, at: u32) -> Option<u32> {
        let key = self.input.get(at as usize)?.key;
        let has_name = |id: &RowId| key != 0 && id.key == key;
        let mut named = (0_u32..).zip(&self.run).filter(|(_, known)| has_name(&known.id));
        let (row, _) = named.next()?;
        let is_only = named.next().is_none() && self.input.iter().filter(|id| has_name(id)).count() == 1;
        is_only.then_some(row)
    }

    /// Returns whether all input rows have the names of rows of the run that fit.
    pub fn are_all_named_as(&self, fits: impl Fn(u32) -> bool) -> bool {
        let rows = (0_u32..).zip(&self.run).filter(|(row, _)| fits(*row));
        let keys: HashSet<u64> = rows.map(|(_, known)| known.id.key).collect();
        let mut input = self.input.iter();
        !self.input.is_empty() && input.all(|given| given.key != 0 && keys.contains(&given.key))
    }

    /// Returns whether a number from a fixes file is that of a row of this run.
    fn is_own(&self, number: &RowOfRun) -> bool {
        number.run == self.own && self.own != 0
    }

    /// Returns whether rows come from the fixes file of another run, call or check.
    pub fn are_numbered_elsewhere(&self) -> bool {
        self.numbered.values().any(|number| !self.is_own(number))
    }

    /// Returns the name of another run whose fixes file has one of the rows.
    pub fn name_of_other_run(&self) -> Option<&str> {
        let mut others = self.numbered.values().filter(|number| !self.is_own(number));
        others.find_map(|number| number.name.as_deref())
    }

    /// Returns whether rows that do not have the numbers of this run come from the fixes file of a check, or of a call
    /// without a name, for other rows. If a row of the run is done, this follows from the rows themselves.
    pub fn is_of_other_rows(&self) -> bool {
        if self.done() > 0 || !self.are_numbered_elsewhere() {
            return false;
        }
        let known: HashSet<u64> = self.run.iter().map(|known| known.id.key).collect();
        let named = || self.input.iter().filter(|given| given.key != 0);
        let found = named().filter(|given| known.contains(&given.key)).count();
        // The names may be what was fixed.
        let has_names = known.iter().any(|key| *key != 0);
        self.is_shorter() || has_names && 2 * found < named().count()
    }

    /// Returns whether the input has more rows than the run, although the run has read all of its rows.
    pub fn is_longer(&self) -> bool {
        self.complete && self.input.len() > self.run.len()
    }

    /// Returns whether the input has fewer rows than the run, as a fixes file does.
    pub fn is_shorter(&self) -> bool {
        self.input.len() < self.run.len()
    }

    /// For rows of a fixes file of this run, returns the row number in the run of each input row.
    ///
    /// A file of a check, or of a call without a name, counts as a file of this run if the run has its rows as they
    /// were before they were fixed.
    pub fn numbers(&self) -> Option<Vec<Option<u32>>> {
        let has = |number: &RowOfRun| {
            let known = self.run.get(number.row as usize).map(|known| known.id.digest);
            let first = self.first.get(&number.row).map(|first| first.digest);
            number.digest != 0 && [known, first].contains(&Some(number.digest))
        };
        let all_fit = self.numbered.len() == self.input.len() && self.numbered.values().all(has);
        let number_of = |at: u32| {
            self.numbered
                .get(&at)
                .filter(|number| all_fit || self.is_own(number))
        };
        let numbers: Vec<Option<u32>> = (0..number(self.input.len()))
            .map(|at| Some(number_of(at)?.row))
            .collect();
        numbers.iter().any(Option::is_some).then_some(numbers)
    }

    /// Returns the rows of the run, with those as they were before a fixes file that the input has in this form.
    ///
    /// If the input has both forms of a row, only the position tells them apart.
    fn as_given(&self) -> Result<Cow<'_, [KnownRow]>, Unfit> {
        if self.first.is_empty() {
            return Ok(Cow::Borrowed(&self.run));
        }
        let may_be_shifted = !self.complete || self.is_shorter();
        let given: HashSet<u64> = self.input.iter().map(|id| id.digest).collect();
        let mut run = self.run.clone();
        for (row, first) in &self.first {
            let known = &mut run[*row as usize].id;
            let at_its_place = self.input.get(*row as usize).map(|id| id.digest);
            let has = |id: &RowId| at_its_place == Some(id.digest);
            let has_both = given.contains(&first.digest) && given.contains(&known.digest);
            let is_sent = self.good[*row as usize] || self.run[*row as usize].in_doubt;
            if has_both && first.digest != known.digest && may_be_shifted && is_sent {
                return Err(Unfit::Unclear(*row));
            }
            let is_first = has(first) || !has(known) && !given.contains(&known.digest);
            if is_first && given.contains(&first.digest) {
                *known = *first;
            }
        }
        Ok(Cow::Owned(run))
    }

    /// Returns the run's row for each input row. `numbers` are the row numbers of a fixes file of this run.
    pub fn rows(&self, numbers: Option<&[Option<u32>]>) -> Result<Vec<u32>, Unfit> {
        let Some(numbers) = numbers else {
            let rows = align(&self.as_given()?, &self.input, self.complete).map_err(Unfit::Row)?;
            let known = |row: u32| self.good.get(row as usize);
            // Only repeating patterns of identical rows can cause this.
            let unclear = rows
                .iter()
                .zip(0_u32..)
                .find(|(row, at)| known(**row).is_some_and(|good| !good) && !self.held.contains_key(at));
            return match unclear {
                Some((row, _)) => Err(Unfit::Unclear(*row)),
                None => Ok(rows),
            };
        };
        let mut taken = HashMap::new();
        (0_u32..)
            .zip(numbers)
            .map(|(at, numbered)| {
                let row = numbered.ok_or(Unfit::Row(Mismatch::Added(at)))?;
                let known = self
                    .run
                    .get(row as usize)
                    .ok_or(Unfit::Row(Mismatch::Added(at)))?;
                let given = self.input[at as usize];
                let first = self.first.get(&row).map(|first| first.digest);
                let is_same = known.id.digest == given.digest || first == Some(given.digest);
                if known.settled && !is_same {
                    return Err(Unfit::Row(Mismatch::Missing(row)));
                }
                if known.in_doubt && !is_same && known.id.key != given.key {
                    return Err(Unfit::Row(Mismatch::Replaced(row)));
                }
                if let Some(first) = taken.insert(row, at) {
                    return Err(Unfit::Repeated(first, at));
                }
                Ok(row)
            })
            .collect()
    }
}

/// Returns the digest of a row's key, or 0 if it has none.
fn named(key: &str) -> u64 {
    if key.is_empty() {
        0
    } else {
        xxh3_64(key.as_bytes()).max(1)
    }
}
