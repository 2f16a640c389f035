//! Compact storage for the columns of a ledger.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::numbers::NO_NUMBER;

/// Short byte strings (pieces), concatenated. Each piece costs four additional bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pool {
    bytes: Vec<u8>,
    /// The lower 32 bits of each piece's end.
    ends: Vec<u32>,
    /// The indices of the pieces at which the upper 32 bits of the end increase by one.
    carries: Vec<usize>,
}

impl Pool {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds a piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        self.ends.push(0);
        self.set_end();
    }

    /// Appends to the last piece.
    pub fn extend_last(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        self.set_end();
    }

    fn set_end(&mut self) {
        let end = self.bytes.len() as u64;
        while (self.carries.len() as u64) < end >> 32 {
            self.carries.push(self.ends.len() - 1);
        }
        if let Some(last) = self.ends.last_mut() {
            // Store only the lower 32 bits, see `ends`.
            #[allow(clippy::cast_possible_truncation)]
            let low = end as u32;
            *last = low;
        }
    }

    /// Returns a piece, or an empty piece if the index is out of range.
    pub fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(Some(0), |before| self.end(before));
        let range = start.zip(self.end(at)).map(|(start, end)| start..end);
        range.and_then(|range| self.bytes.get(range)).unwrap_or_default()
    }

    fn end(&self, at: usize) -> Option<usize> {
        let low = *self.ends.get(at)?;
        let high = self.carries.partition_point(|from| *from <= at) as u64;
        usize::try_from(high << 32 | u64::from(low)).ok()
    }

    /// Changes the number of pieces. Added pieces are empty.
    pub fn resize(&mut self, pieces: usize) {
        if pieces < self.len() {
            self.ends.truncate(pieces);
            let end = pieces.checked_sub(1).and_then(|last| self.end(last)).unwrap_or(0);
            self.bytes.truncate(end);
            self.carries.retain(|from| *from < pieces);
        }
        while self.len() < pieces {
            self.push(b"");
        }
    }

    /// Returns whether the fields are consistent. After loading a damaged pickle, the fields may be
    /// inconsistent.
    pub fn is_whole(&self) -> bool {
        let mut before = Some(0);
        self.carries.is_sorted()
            && (0..self.len()).all(|at| {
                let fits = self.end(at) >= before;
                before = self.end(at);
                fits
            })
            && before == Some(self.bytes.len())
    }
}

/// Numbers that usually only a few rows have. The numbers are stored in a map until there are more than `FEW`
/// numbers and more than one number for every four rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Numbers {
    Few(HashMap<u32, u32>),
    Many(Vec<u32>),
}

/// Up to this many numbers, a map is always small enough.
const FEW: usize = 1000;

impl Default for Numbers {
    fn default() -> Self {
        Self::Few(HashMap::new())
    }
}

impl Numbers {
    pub fn get(&self, row: u32) -> Option<u32> {
        match self {
            Self::Few(numbers) if numbers.is_empty() => None,
            Self::Few(numbers) => numbers.get(&row).copied(),
            Self::Many(numbers) => numbers
                .get(row as usize)
                .copied()
                .filter(|number| *number != NO_NUMBER),
        }
    }

    /// Sets the number of a row and returns the previous number.
    pub fn set(&mut self, row: u32, number: Option<u32>) -> Option<u32> {
        let at = row as usize;
        match self {
            Self::Few(numbers) => {
                let before = match number {
                    Some(number) => numbers.insert(row, number),
                    None if numbers.is_empty() => None,
                    None => numbers.remove(&row),
                };
                if numbers.len() > FEW && numbers.len() > at / 4 {
                    let mut many = Vec::new();
                    for (row, number) in std::mem::take(numbers) {
                        put(&mut many, row as usize, number, NO_NUMBER);
                    }
                    *self = Self::Many(many);
                }
                before
            }
            Self::Many(numbers) => {
                let before = numbers.get(at).copied().filter(|number| *number != NO_NUMBER);
                put(numbers, at, number.unwrap_or(NO_NUMBER), NO_NUMBER);
                before
            }
        }
    }

    /// Iterates over all numbers, with their rows.
    pub fn iter(&self) -> Box<dyn Iterator<Item = (u32, u32)> + '_> {
        match self {
            Self::Few(numbers) => Box::new(numbers.iter().map(|(row, number)| (*row, *number))),
            Self::Many(numbers) => Box::new(
                (0..)
                    .zip(numbers.iter().copied())
                    .filter(|(_, number)| *number != NO_NUMBER),
            ),
        }
    }
}

/// Makes room for this many rows in a column, because growing step by step leaves holes in memory.
pub(super) fn reserve_rows<T>(column: &mut Vec<T>, rows: usize) {
    column.reserve(rows.saturating_sub(column.len()));
}

/// Sets a value in a column that omits trailing blanks.
pub(super) fn put<T: Copy + PartialEq>(column: &mut Vec<T>, at: usize, value: T, blank: T) {
    if at < column.len() {
        column[at] = value;
    } else if value != blank {
        column.resize(at, blank);
        column.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_again() {
        let mut pool = Pool::default();
        for piece in ["", "pump", "", "valve"] {
            pool.push(piece.as_bytes());
        }
        pool.extend_last(b" 7");
        let pieces = |pool: &Pool| {
            (0..pool.len())
                .map(|at| String::from_utf8(pool.get(at).to_vec()).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(pieces(&pool), ["", "pump", "", "valve 7"]);
        assert!(pool.is_whole());
        pool.resize(2);
        pool.resize(3);
        pool.push(b"duct");
        assert_eq!(pieces(&pool), ["", "pump", "", "duct"]);
        assert_eq!(pool.get(4), b"");
        pool.ends[1] = 9;
        assert!(!pool.is_whole());
    }

    #[test]
    fn numbers_are_the_same_in_a_map_and_in_a_list() {
        let mut numbers = Numbers::default();
        let mut known = HashMap::new();
        for step in 0..20_000_u32 {
            let row = step.wrapping_mul(7919) % 6000;
            let number = (step % 3 != 0).then_some(step);
            assert_eq!(numbers.set(row, number), known.get(&row).copied());
            match number {
                Some(number) => drop(known.insert(row, number)),
                None => drop(known.remove(&row)),
            }
        }
        assert!(matches!(numbers, Numbers::Many(_)));
        assert_eq!(numbers.iter().collect::<HashMap<_, _>>(), known);
        for row in 0..7000 {
            assert_eq!(numbers.get(row), known.get(&row).copied());
        }
    }
}
