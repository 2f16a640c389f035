//! Which rows of a run the rows of a later call are.
//!
//! Settled rows must all be there, as they were and in their order. Between them, rows that are not settled may have been
//! edited or taken out. Nothing may have been added, but for the rows of a stream that the run had not read yet.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// What a row is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId {
    /// Of its cells.
    pub digest: u64,
    /// Of what it is called, which an edit often keeps; 0 where it has no name.
    pub key: u64,
}

/// A row as the run knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRow {
    pub id: RowId,
    /// It must come again as it was.
    pub settled: bool,
}

/// Why the rows of a call are not those of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// This settled row of the run is missing, or was edited.
    Missing(u32),
    /// This settled row of the run comes at another place.
    Moved(u32),
    /// This row of the input, counted from 0, is none of the run's.
    Added(u32),
}

/// For each row of the input the row of the run that it is. Rows behind those that the run knows are new: they get the
/// next numbers, unless the run has read all its rows (`complete`).
///
/// # Errors
/// The first row that does not fit.
pub fn align(run: &[KnownRow], input: &[RowId], complete: bool) -> Result<Vec<u32>, Mismatch> {
    let anchors: Vec<usize> = (0..run.len()).filter(|row| run[*row].settled).collect();
    let places = settled_places(run, &anchors, input)?;
    let mut rows = vec![0; input.len()];
    let (mut run_from, mut input_from) = (0, 0);
    for (row, at) in anchors.iter().copied().zip(places) {
        pair(run, run_from..row, input, input_from..at, &mut rows)?;
        rows[at] = number(row);
        (run_from, input_from) = (row + 1, at + 1);
    }
    let open_end = !complete;
    let rest = input.len() - input_from;
    if open_end && rest > run.len() - run_from {
        // More rows than the run has read: the first of them are its own, as far as they can be told apart.
        let known = pair_open(
            run,
            run_from..run.len(),
            input,
            input_from..input.len(),
            &mut rows,
        );
        for (at, next) in (known..input.len()).zip(run.len()..) {
            rows[at] = number(next);
        }
    } else {
        pair(
            run,
            run_from..run.len(),
            input,
            input_from..input.len(),
            &mut rows,
        )?;
    }
    Ok(rows)
}

/// Where in the input each settled row is.
///
/// A settled row may come earlier than it was by as many rows as were taken out before it: its shift. From one settled
/// row to the next the shift stays or grows, by no more than the rows between them that may be taken out. Rows that are
/// alike can leave several shifts open, so all that are possible are kept until the end.
fn settled_places(run: &[KnownRow], anchors: &[usize], input: &[RowId]) -> Result<Vec<usize>, Mismatch> {
    let at = |row: usize, shift: usize| {
        row.checked_sub(shift)
            .and_then(|at| input.get(at))
            .map(|id| id.digest)
    };
    if anchors.iter().all(|row| at(*row, 0) == Some(run[*row].id.digest)) {
        return Ok(anchors.to_vec());
    }
    let mut possible: Vec<Vec<usize>> = Vec::with_capacity(anchors.len());
    let mut before: Option<usize> = None;
    for row in anchors.iter().copied() {
        let free = row - before.map_or(0, |before| before + 1);
        let last: &[usize] = possible.last().map_or(&[0], Vec::as_slice);
        let mut shifts: Vec<usize> = Vec::new();
        for from in last {
            // Those up to here were tried from a smaller shift.
            let next = shifts_tried(last, *from, free).max(*from);
            let fits = |shift: &usize| at(row, *shift) == Some(run[row].id.digest);
            shifts.extend((next..=from + free).filter(fits));
        }
        if shifts.is_empty() {
            let from = before.map_or(0, |before| before + 1 - last[0]);
            return Err(mismatch(run, row, from, input));
        }
        possible.push(shifts);
        before = Some(row);
    }
    // Backwards, from the smallest shift at the end: rows stay where they were as far as they can.
    let mut places = vec![0; anchors.len()];
    let mut shift = usize::MAX;
    for index in (0..anchors.len()).rev() {
        let free = anchors
            .get(index + 1)
            .map_or(usize::MAX, |next| next - anchors[index] - 1);
        let reaches = |found: &&usize| shift == usize::MAX || (**found <= shift && shift - **found <= free);
        // There is one: the shift after it was reached from it.
        let found = possible[index].iter().find(reaches).copied().unwrap_or(0);
        places[index] = anchors[index] - found;
        shift = found;
    }
    Ok(places)
}

/// The first shift that was not tried yet when the shifts from `from` on are.
fn shifts_tried(last: &[usize], from: usize, free: usize) -> usize {
    let index = last.partition_point(|shift| *shift < from);
    index.checked_sub(1).map_or(0, |before| last[before] + free + 1)
}

/// Why the settled row `row` is not where it can be: behind `from` rows of the input.
fn mismatch(run: &[KnownRow], row: usize, from: usize, input: &[RowId]) -> Mismatch {
    let wanted = run[row].id.digest;
    let Some(found) = input.iter().position(|id| id.digest == wanted) else {
        return Mismatch::Missing(number(row));
    };
    let known: HashSet<u64> = run.iter().map(|known| known.id.digest).collect();
    let added = (from..found).find(|at| !known.contains(&input[*at].digest));
    added.map_or(Mismatch::Moved(number(row)), |at| Mismatch::Added(number(at)))
}

/// Pairs rows between two settled ones: those that are as they were, and in the places of the others those that were
/// edited. Rows of the run that are left were taken out.
fn pair(
    run: &[KnownRow],
    run_range: Range<usize>,
    input: &[RowId],
    input_range: Range<usize>,
    rows: &mut [u32],
) -> Result<(), Mismatch> {
    let places = Places::new(run, run_range.clone());
    let Some(mut left_out) = run_range.len().checked_sub(input_range.len()) else {
        let fits = |at: &usize| places.next(input[*at], run_range.start, run_range.end).is_some();
        let last = input_range.end - 1;
        let added = input_range.clone().find(|at| !fits(at)).unwrap_or(last);
        return Err(Mismatch::Added(number(added)));
    };
    let mut next = run_range.start;
    for at in input_range {
        let found = places.next(input[at], next, next + left_out + 1);
        let row = found.unwrap_or(next);
        left_out -= row - next;
        rows[at] = number(row);
        next = row + 1;
    }
    Ok(())
}

/// The same at the end of a run that had not read all its rows. Returns the first row of the input that is new.
fn pair_open(
    run: &[KnownRow],
    run_range: Range<usize>,
    input: &[RowId],
    input_range: Range<usize>,
    rows: &mut [u32],
) -> usize {
    let places = Places::new(run, run_range.clone());
    let mut next = run_range.start;
    for at in input_range.clone() {
        if next == run_range.end {
            return at;
        }
        let row = places.next(input[at], next, run_range.end).unwrap_or(next);
        rows[at] = number(row);
        next = row + 1;
    }
    input_range.end
}

/// Where each digest is among some rows of the run.
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

    /// The first row from `from` on, before `end`, that is as it was, or else one that has the same name.
    fn next(&self, id: RowId, from: usize, end: usize) -> Option<usize> {
        let first = |rows: Option<&Vec<usize>>| {
            let rows = rows?;
            rows.get(rows.partition_point(|row| *row < from)).copied()
        };
        let found = [
            first(self.by_digest.get(&id.digest)),
            first(self.by_key.get(&id.key)),
        ];
        found.into_iter().flatten().find(|row| *row < end)
    }
}

fn number(index: usize) -> u32 {
    // A run has at most four billion rows, as its ledger has.
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Capital letters are settled rows.
    fn run(rows: &str) -> Vec<KnownRow> {
        let known = |letter: char| KnownRow {
            id: row(letter),
            settled: letter.is_uppercase(),
        };
        rows.chars().map(known).collect()
    }

    /// A digit is an edited row: 1 is what was called a.
    fn row(letter: char) -> RowId {
        let digest = u64::from(letter.to_ascii_lowercase());
        let key = letter
            .to_digit(10)
            .map_or(digest, |digit| u64::from(b'a') - 1 + u64::from(digit));
        RowId { digest, key }
    }

    fn aligned(rows: &str, input: &str, complete: bool) -> Result<Vec<u32>, Mismatch> {
        let input: Vec<RowId> = input.chars().map(row).collect();
        align(&run(rows), &input, complete)
    }

    #[test]
    fn rows_that_are_not_settled_may_be_edited_or_missing() {
        for (rows, input, expected) in [
            ("AbCd", "abcd", &[0, 1, 2, 3][..]),
            ("AbCd", "axcy", &[0, 1, 2, 3]),
            ("AbCd", "acd", &[0, 2, 3]),
            ("AbCd", "ac", &[0, 2]),
            ("abC", "xc", &[0, 2]),
            ("abcD", "bd", &[1, 3]),
            // Taken out beside an edited one.
            ("abcD", "2d", &[1, 3]),
            ("Aabcd", "a24", &[0, 2, 4]),
            ("", "", &[]),
            // Of rows that are alike the one that is not settled was taken out.
            ("aAb", "ab", &[1, 2]),
            ("aAAB", "aab", &[1, 2, 3]),
            ("aAbAaC", "aac", &[1, 3, 5]),
        ] {
            assert_eq!(
                aligned(rows, input, true).as_deref(),
                Ok(expected),
                "{rows} {input}"
            );
        }
    }

    #[test]
    fn the_first_row_that_does_not_fit_is_named() {
        for (rows, input, expected) in [
            ("ABC", "ac", Mismatch::Missing(1)),
            ("ABC", "axc", Mismatch::Missing(1)),
            ("ABC", "abcx", Mismatch::Added(3)),
            ("ABC", "axbc", Mismatch::Added(1)),
            ("AbC", "axyc", Mismatch::Added(1)),
            ("ABC", "acb", Mismatch::Moved(1)),
            ("ABC", "", Mismatch::Missing(0)),
            ("ab", "abc", Mismatch::Added(2)),
        ] {
            assert_eq!(aligned(rows, input, true), Err(expected), "{rows} {input}");
        }
    }

    #[test]
    fn a_run_that_had_not_read_all_its_rows_takes_more() {
        for (rows, input, expected) in [
            ("AB", "abcd", &[0, 1, 2, 3][..]),
            ("Abc", "abcde", &[0, 1, 2, 3, 4]),
            ("Abc", "acde", &[0, 2, 3, 4]),
            ("", "ab", &[0, 1]),
        ] {
            assert_eq!(
                aligned(rows, input, false).as_deref(),
                Ok(expected),
                "{rows} {input}"
            );
        }
        assert_eq!(aligned("AbC", "axyc", false), Err(Mismatch::Added(1)));
    }

    fn id(digest: u64) -> RowId {
        RowId { digest, key: 0 }
    }

    proptest! {
        #[test]
        fn every_change_that_is_allowed_is_accepted_and_every_settled_row_is_found(
            rows in prop::collection::vec((0_u64..4, any::<bool>(), 0_u8..3), 0..40),
            spoiled in any::<Option<prop::sample::Index>>(),
        ) {
            let run: Vec<KnownRow> = rows.iter().map(|(digest, settled, _)| KnownRow { id: id(*digest), settled: *settled }).collect();
            let mut input = Vec::new();
            for (at, (digest, settled, change)) in rows.iter().enumerate() {
                match (settled, change) {
                    (false, 1) => {}
                    (false, 2) => input.push(id(100 + at as u64)),
                    _ => input.push(id(*digest)),
                }
            }
            let aligned = align(&run, &input, true).unwrap();
            prop_assert!(aligned.windows(2).all(|pair| pair[0] < pair[1]));
            for (row, known) in run.iter().enumerate().filter(|(_, known)| known.settled) {
                let at = aligned.iter().position(|found| *found as usize == row);
                prop_assert_eq!(at.map(|at| input[at]), Some(known.id));
            }
            // A row that none of the run says, beside a settled one, is one too many or takes its place.
            let whole: Vec<RowId> = run.iter().map(|known| known.id).collect();
            if let Some(index) = spoiled.filter(|_| !whole.is_empty()) {
                let at = index.index(whole.len());
                let mut added = whole.clone();
                added.insert(at, id(99));
                prop_assert!(align(&run, &added, true).is_err());
                let mut missing = whole.clone();
                missing.remove(at);
                let alike = run.iter().filter(|known| known.id == run[at].id).count() > 1;
                if run[at].settled && !alike {
                    prop_assert_eq!(align(&run, &missing, true), Err(Mismatch::Missing(u32::try_from(at).unwrap())));
                }
            }
        }
    }
}
