//! A ledger, or some of its rows, for users to read.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::numbers::Number;
use super::{Fault, Ledger, Status, number};
use crate::input::Label;

/// Everything known about one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<'a> {
    pub row: u32,
    pub label: Label<'a>,
    pub key: Option<String>,
    pub status: Status,
    pub id: Option<String>,
    pub fault: Option<Fault>,
    pub attempts: u32,
    pub request_id: Option<&'a str>,
}

/// A ledger, or some of its rows, for users to read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct View {
    pub ledger: Arc<Ledger>,
    /// The numbers of the rows in this view, or `None` for all rows.
    rows: Option<Vec<Number>>,
    /// Rows per status. Computed once, because a view never changes.
    #[serde(skip)]
    counts: OnceLock<[usize; Status::ALL.len()]>,
}

impl View {
    /// Creates a view of all rows in a ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>) -> Self {
        Self::of(ledger, None)
    }

    fn of(ledger: Arc<Ledger>, rows: Option<Vec<Number>>) -> Self {
        Self {
            ledger,
            rows,
            counts: OnceLock::new(),
        }
    }

    /// Returns whether the fields are consistent. After loading a damaged pickle, they may not be.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let known = |row: &u32| (*row as usize) < self.ledger.rows();
        self.ledger.is_whole() && self.rows.iter().flatten().all(known)
    }

    /// Returns the number of rows in the view.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.ledger.rows(), Vec::len)
    }

    /// Returns whether the view has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the row numbers, in the order of the rows in the view.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        (0..self.len()).map(|index| self.row_at(index))
    }

    pub(super) fn row_at(&self, index: usize) -> u32 {
        match &self.rows {
            Some(rows) => rows[index],
            None => number(index),
        }
    }

    /// Returns the outcome of the row at this index, or `None` if the index is out of range.
    #[must_use]
    pub fn outcome(&self, index: usize) -> Option<Outcome<'_>> {
        (index < self.len()).then(|| self.ledger.outcome(self.row_at(index)))
    }

    /// Returns a copy of the ledger for the next call.
    #[must_use]
    pub fn reopened(&self) -> Ledger {
        let mut ledger = Ledger::clone(&self.ledger);
        ledger.reopen();
        ledger
    }

    /// Returns the rows with one of these statuses. A duplicate is replaced by the row it duplicates.
    #[must_use]
    pub fn settled_in(&self, statuses: &[Status]) -> HashSet<u32> {
        self.numbers()
            .map(|row| self.ledger.original(row))
            .filter(|row| statuses.contains(&self.ledger.status(*row)))
            .collect()
    }

    /// Returns all outcomes, in the order of the rows in the view.
    pub fn outcomes(&self) -> impl Iterator<Item = Outcome<'_>> {
        self.numbers().map(|row| self.ledger.outcome(row))
    }

    /// Returns the outcomes of rows that did not succeed, in the order of the rows in the view.
    pub fn bad(&self) -> impl Iterator<Item = Outcome<'_>> {
        let bad = self.numbers().filter(|row| !self.ledger.status(*row).is_ok());
        bad.map(|row| self.ledger.outcome(row))
    }

    /// Counts the rows per status, in the order of `Status::ALL`, omitting statuses without rows.
    #[must_use]
    pub fn counts(&self) -> Vec<(Status, usize)> {
        let counts = self.counts.get_or_init(|| {
            let mut counts = [0; Status::ALL.len()];
            for row in self.numbers() {
                counts[self.ledger.status(row) as usize] += 1;
            }
            counts
        });
        Status::ALL
            .into_iter()
            .zip(counts.iter().copied())
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Returns whether every row succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.counts().iter().all(|(status, _)| status.is_ok())
    }

    /// Returns whether nothing is left to do: every row succeeded, or was removed from the input before it was sent.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let is_done = |row: u32| self.ledger.status(row).is_ok() || self.ledger.is_removed(row);
        self.is_ok() || self.numbers().all(|row| is_done(self.ledger.original(row)))
    }

    /// Returns the ids, aligned with the rows.
    #[must_use]
    pub fn ids(&self) -> Vec<Option<String>> {
        self.numbers()
            .map(|row| self.ledger.id(self.ledger.original(row)))
            .collect()
    }

    /// Returns the position of each row in the last input, or `None` for a row that is not in it.
    #[must_use]
    pub fn places(&self) -> Vec<Option<u32>> {
        let places = self.ledger.places();
        let position = |row: u32| places.get(row as usize).copied().flatten();
        self.numbers().map(position).collect()
    }

    /// Selects the rows with one of these statuses.
    #[must_use]
    pub fn select(&self, statuses: &[Status]) -> Self {
        let rows = self
            .numbers()
            .filter(|row| statuses.contains(&self.ledger.status(*row)))
            .collect();
        Self::of(self.ledger.clone(), Some(rows))
    }

    /// Selects the rows at these indices.
    #[must_use]
    pub fn slice(&self, indices: impl Iterator<Item = usize>) -> Self {
        let rows = indices
            .filter(|index| *index < self.len())
            .map(|index| self.row_at(index))
            .collect();
        Self::of(self.ledger.clone(), Some(rows))
    }
}
