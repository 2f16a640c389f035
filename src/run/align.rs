//! Matches the rows passed to a later call with the rows in a run.
//!
//! All settled rows must be present, unchanged and in order. Rows between them that are not settled may have been
//! edited or removed. An unchanged row always matches itself, and never counts as an edit of another row. No rows may
//! have been added, except rows in a stream that the run had not read yet.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::ledger::number;

/// What identifies a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId {
    /// The digest of the row's cells.
    pub digest: u64,
    /// The digest of the row's name, which edits rarely change, or 0 if the row has no name.
    pub key: u64,
}

/// A row in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRow {
    pub id: RowId,
    /// Whether the row must be present and unchanged.
    pub settled: bool,
    /// Whether the project may already have the row. If so, an edit must keep the row's name.
    pub in_doubt: bool,
}

/// Why the rows of a call do not match the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// This settled row in the run is missing or was edited.
    Missing(u32),
    /// This row in the run is in another position in the input.
    Moved(u32),
    /// The project may already have this row in the run, but a row with another name has taken its place.
    Replaced(u32),
    /// This row in the input, counted from 0, does not belong to the run.
    Added(u32),
}

/// Finds the run's row for each input row. Rows after the last known row are new and get the next numbers. If
/// the run has read all its rows (`complete`), such rows are a mismatch.
///
/// # Errors
/// Returns the first row that does not match.
pub fn align(run: &[KnownRow], input: &[RowId], complete: bool) -> Result<Vec<u32>, Mismatch> {
    let anchors = anchors(run, input);
    let most = if complete {
        run.len().saturating_sub(input.len())
    } else {
        run.len()
    };
    let places = anchor_places(run, &anchors, input, most)?;
    let mut rows = vec![0; input.len()];
    let (mut run_from, mut input_from) = (0, 0);
    for (row, at) in anchors.iter().copied().zip(places) {
        pair(run, run_from..row, input, input_from..at, false, &mut rows)?;
        rows[at] = number(row);
        (run_from, input_from) = (row + 1, at + 1);
    }
    let rest = input_from..input.len();
    let open = !complete && rest.len() > run.len() - run_from;
    let paired = pair(run, run_from..run.len(), input, rest, open, &mut rows)?;
    for (at, next) in (paired..input.len()).zip(run.len()..) {
        rows[at] = number(next);
    }
    Ok(rows)
}

/// Anchors: rows in the run that must be found, which are the settled rows and unique unchanged rows.
fn anchors(run: &[KnownRow], input: &[RowId]) -> Vec<usize> {
    let known = unique(run.iter().map(|row| row.id.digest));
    let given = unique(input.iter().map(|row| row.digest));
    let found = |digest| known.contains(&digest) && given.contains(&digest);
    (0..run.len())
        .filter(|row| run[*row].settled || found(run[*row].id.digest))
        .collect()
}

/// Returns the digests that occur only once.
fn unique(digests: impl Iterator<Item = u64>) -> HashSet<u64> {
    let (mut all, mut repeated) = (HashSet::new(), HashSet::new());
    for digest in digests {
        if !all.insert(digest) {
            repeated.insert(digest);
        }
    }
    all.retain(|digest| !repeated.contains(digest));
    all
}

/// Finds the position of each anchor in the input.
///
/// A row moves up by its shift, the number of rows removed before it. From one anchor to the next, the shift
/// grows by at most the number of rows in between, and by at most `most` in total. Identical rows may allow several
/// shifts, so all possible ones are kept until the end.
fn anchor_places(
    run: &[KnownRow],
    anchors: &[usize],
    input: &[RowId],
    most: usize,
) -> Result<Vec<usize>, Mismatch> {
    let at = |row: usize, shift: usize| {
        let at = row.checked_sub(shift)?;
        input.get(at).map(|id| id.digest)
    };
    if anchors.iter().all(|row| at(*row, 0) == Some(run[*row].id.digest)) {
        return Ok(anchors.to_vec());
    }
    let mut possible: Vec<Vec<usize>> = Vec::with_capacity(anchors.len());
    let mut before: Option<usize> = None;
    for row in anchors.iter().copied() {
        let free = row - before.map_or(0, |before| before + 1);
        let last: &[usize] = possible.last().map_or(&[0], Vec::as_slice);
        let fits = |shift: &usize| at(row, *shift) == Some(run[row].id.digest);
        let mut shifts: Vec<usize> = Vec::new();
        // Start from the first untried shift.
        let mut next = 0;
        for from in last {
            let until = (from + free).min(most);
            shifts.extend((next.max(*from)..=until).filter(fits));
            next = next.max(until + 1);
        }
        if shifts.is_empty() {
            let from = before.map_or(0, |before| before + 1 - last[0]);
            return Err(mismatch(run, row, from, input));
        }
        possible.push(shifts);
        before = Some(row);
    }
    // Go backwards from the smallest final shift, so that rows move as little as possible.
    let mut places = vec![0; anchors.len()];
    let mut shift = usize::MAX;
    for index in (0..anchors.len()).rev() {
        let free = anchors
            .get(index + 1)
            .map_or(usize::MAX, |next| next - anchors[index] - 1);
        let reaches = |found: &&usize| shift == usize::MAX || (**found <= shift && shift - **found <= free);
        // At least one shift fits, since the next shift was reached from it.
        let found = possible[index].iter().find(reaches).copied().unwrap_or(0);
        places[index] = anchors[index] - found;
        shift = found;
    }
    Ok(places)
}

/// Returns why the anchor `row` was not found at or after index `from` of the input.
fn mismatch(run: &[KnownRow], row: usize, from: usize, input: &[RowId]) -> Mismatch {
    let wanted = run[row].id.digest;
    let Some(found) = input.iter().position(|id| id.digest == wanted) else {
        return Mismatch::Missing(number(row));
    };
    let digests: HashSet<u64> = run.iter().map(|known| known.id.digest).collect();
    let names: HashSet<u64> = run.iter().map(|known| known.id.key).collect();
    let is_other = |at: &usize| !digests.contains(&input[*at].digest);
    // An edited row usually keeps its name.
    let is_new = |at: &usize| is_other(at) && (input[*at].key == 0 || !names.contains(&input[*at].key));
    let added = (from..found)
        .find(is_new)
        .or_else(|| (from..found).find(is_other));
    added.map_or(Mismatch::Moved(number(row)), |at| Mismatch::Added(number(at)))
}

/// Pairs rows between two anchors: first identical rows, then rows with the same name, then edited rows by position.
/// The remaining rows in the run were removed. Returns the first input row without a partner, or the end of
/// the input range if there is none. A row without a partner is new, which is allowed only if the end is
/// `open`.
fn pair(
    run: &[KnownRow],
    run_range: Range<usize>,
    input: &[RowId],
    input_range: Range<usize>,
    open: bool,
    rows: &mut [u32],
) -> Result<usize, Mismatch> {
    let places = Places::new(run, run_range.clone());
    let spare = run_range.len().checked_sub(input_range.len());
    let mut left_out = match spare {
        Some(spare) => spare,
        None if open => run_range.len(),
        None => {
            let fits = |at: &usize| places.next(input[*at], run_range.clone()).is_some();
            let last = input_range.end - 1;
            let added = input_range.clone().find(|at| !fits(at)).unwrap_or(last);
            return Err(Mismatch::Added(number(added)));
        }
    };
    // If the input may contain new rows, a row is an edit only if a row in the run follows it. Otherwise it could
    // also be a new row after a removed one.
    let is_known = |at: &usize| places.next(input[*at], run_range.clone()).is_some();
    let edits_end = if open {
        input_range
            .clone()
            .rev()
            .find(is_known)
            .unwrap_or(input_range.start)
    } else {
        input_range.end
    };
    let mut next = run_range.start;
    for at in input_range.clone() {
        let within = next..run_range.end.min(next + left_out + 1);
        let edited = || within.clone().find(|row| at < edits_end && !run[*row].in_doubt);
        let Some(row) = places.next(input[at], within.clone()).or_else(edited) else {
            if open {
                return Ok(at);
            }
            return Err(Mismatch::Replaced(number(next)));
        };
        left_out -= row - next;
        rows[at] = number(row);
        next = row + 1;
    }
    Ok(input_range.end)
}

/// The positions of each digest and name within a range of the run's rows.
struct Places {
    by_digest: HashMap<u64, Vec<usize>>,
    by_key: HashMap<u64, Vec<usize>>,
}

impl Places {
    fn new(run: &[KnownRow], range: Range<usize>) -> Self {
        let mut places = Self {
            by_digest: HashMap::with_capacity(range.len()),
            by_key: HashMap::with_capacity(range.len()),
        };
        for row in range {
            let RowId { digest, key } = run[row].id;
            places.by_digest.entry(digest).or_default().push(row);
            if key != 0 {
                places.by_key.entry(key).or_default().push(row);
            }
        }
        places
    }

    /// Returns the first row in a range that is unchanged, or else the first row with the same name.
    fn next(&self, id: RowId, within: Range<usize>) -> Option<usize> {
        let first = |rows: Option<&Vec<usize>>| {
            let rows = rows?;
            rows.get(rows.partition_point(|row| *row < within.start)).copied()
        };
        let found = [
            first(self.by_digest.get(&id.digest)),
            first(self.by_key.get(&id.key)),
        ];
        found.into_iter().flatten().find(|row| *row < within.end)
    }
}

#[cfg(test)]
mod tests;
