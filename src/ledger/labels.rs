//! The labels by which users identify their rows: an index value of a data frame, a line number in a file, or
//! the row number.

use serde::{Deserialize, Serialize};

use crate::input::Label;

/// The label of a row, with an owned string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnedLabel {
    Number,
    Int(i64),
    Text(Box<str>),
}

impl From<Label<'_>> for OwnedLabel {
    fn from(label: Label<'_>) -> Self {
        match label {
            Label::Number => Self::Number,
            Label::Int(number) => Self::Int(number),
            Label::Text(text) => Self::Text(text.into()),
        }
    }
}

impl OwnedLabel {
    #[must_use]
    pub fn as_label(&self) -> Label<'_> {
        match self {
            Self::Number => Label::Number,
            Self::Int(number) => Label::Int(*number),
            Self::Text(text) => Label::Text(text),
        }
    }
}

/// The labels of all rows. Consecutive numbers, such as the lines of a file, take no memory per row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Labels {
    Runs(Vec<Run>),
    /// One label per row, at least one of them a string.
    Each(Vec<OwnedLabel>),
}

/// Consecutive rows with consecutive labels, starting at `row`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    row: usize,
    /// If `None`, the labels are the row numbers.
    first: Option<i64>,
}

impl Run {
    fn label(self, row: usize) -> Label<'static> {
        let Some(first) = self.first else {
            return Label::Number;
        };
        // Row numbers have 32 bits.
        let steps = i64::try_from(row - self.row).unwrap_or(0);
        first.checked_add(steps).map_or(Label::Number, Label::Int)
    }
}

const NUMBERS: Run = Run { row: 0, first: None };

impl Default for Labels {
    fn default() -> Self {
        Self::Runs(Vec::new())
    }
}

impl Labels {
    pub fn get(&self, row: usize) -> Label<'_> {
        match self {
            Self::Each(labels) => labels.get(row).map_or(Label::Number, OwnedLabel::as_label),
            Self::Runs(runs) => run_of(runs, row).1.label(row),
        }
    }

    /// Adds the label of the next row.
    pub fn push(&mut self, row: usize, label: Label<'_>) {
        if let Some(each) = self.each(row, label) {
            each.push(label.into());
        } else if self.get(row) != label
            && let Self::Runs(runs) = self
        {
            let first = first(label);
            runs.push(Run { row, first });
        }
    }

    /// Changes the label of a row. `rows` is the number of rows.
    pub fn set(&mut self, row: usize, label: Label<'_>, rows: usize) {
        if self.get(row) == label {
            return;
        }
        if let Some(each) = self.each(rows, label) {
            if let Some(known) = each.get_mut(row) {
                *known = label.into();
            }
            return;
        }
        let Self::Runs(runs) = self else {
            return;
        };
        if runs.first().is_none_or(|first| first.row > 0) {
            runs.insert(0, NUMBERS);
        }
        let (at, old) = run_of(runs, row);
        let end = runs.get(at + 1).map_or(rows, |next| next.row);
        let new = Run {
            row,
            first: first(label),
        };
        let mut parts = Vec::new();
        if old.row < row {
            parts.push(old);
        }
        let before = parts
            .last()
            .copied()
            .or_else(|| runs[..at].last().copied())
            .unwrap_or(NUMBERS);
        if before.label(row) != label {
            parts.push(new);
        }
        if row + 1 < end {
            let last = parts.last().copied().unwrap_or(before);
            if last.label(row + 1) != old.label(row + 1) {
                parts.push(Run {
                    row: row + 1,
                    first: first(old.label(row + 1)),
                });
            }
        }
        runs.splice(at..=at, parts);
    }

    /// Changes the number of rows from `known` to `rows`. The labels of added rows are their row numbers.
    pub fn resize(&mut self, rows: usize, known: usize) {
        match self {
            Self::Each(labels) => labels.resize(rows, OwnedLabel::Number),
            Self::Runs(runs) => {
                runs.retain(|run| run.row < rows);
                if rows > known {
                    self.push(known, Label::Number);
                }
            }
        }
    }

    /// Returns the list of individual labels if any label is a string. Creates the list if `label` is the
    /// first string.
    fn each(&mut self, rows: usize, label: Label<'_>) -> Option<&mut Vec<OwnedLabel>> {
        if let (Self::Runs(_), Label::Text(_)) = (&*self, label) {
            let labels = (0..rows).map(|row| self.get(row).into()).collect();
            *self = Self::Each(labels);
        }
        match self {
            Self::Each(labels) => Some(labels),
            Self::Runs(_) => None,
        }
    }

    /// Returns whether the labels are consistent. After loading a damaged pickle, the labels may be
    /// inconsistent.
    pub fn is_whole(&self, rows: usize) -> bool {
        match self {
            Self::Each(labels) => labels.len() == rows,
            Self::Runs(runs) => runs.is_sorted_by(|one, next| one.row < next.row),
        }
    }
}

/// Returns the number to continue counting from, or `None` for a string or a row without a label.
fn first(label: Label<'_>) -> Option<i64> {
    match label {
        Label::Int(number) => Some(number),
        Label::Number | Label::Text(_) => None,
    }
}

fn run_of(runs: &[Run], row: usize) -> (usize, Run) {
    let after = runs.partition_point(|run| run.row <= row);
    match after.checked_sub(1) {
        Some(at) => (at, runs[at]),
        None => (0, NUMBERS),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label() -> impl Strategy<Value = OwnedLabel> {
        prop_oneof![
            2 => Just(OwnedLabel::Number),
            8 => (-3..12_i64).prop_map(OwnedLabel::Int),
            1 => Just(OwnedLabel::Int(i64::MAX)),
            1 => "[a-c]".prop_map(|text| OwnedLabel::Text(text.into())),
        ]
    }

    proptest! {
        #[test]
        fn labels_are_those_that_were_given(
            pushed in prop::collection::vec(label(), 1..20),
            steps in prop::collection::vec((any::<prop::sample::Index>(), label()), 0..40),
            rows in 0..25_usize,
        ) {
            let mut labels = Labels::default();
            let mut known: Vec<OwnedLabel> = Vec::new();
            for label in pushed {
                labels.push(known.len(), label.as_label());
                known.push(label);
            }
            for (at, label) in steps {
                let row = at.index(known.len());
                labels.set(row, label.as_label(), known.len());
                known[row] = label;
                for (row, label) in known.iter().enumerate() {
                    prop_assert_eq!(labels.get(row), label.as_label());
                }
            }
            labels.resize(rows, known.len());
            known.resize(rows, OwnedLabel::Number);
            for (row, label) in known.iter().enumerate() {
                prop_assert_eq!(labels.get(row), label.as_label());
            }
            prop_assert!(labels.is_whole(rows));
        }
    }

    #[test]
    fn lines_of_a_file_are_one_run_also_when_each_moves_up() {
        let mut labels = Labels::default();
        for row in 0..1000 {
            labels.push(row, Label::Int(2 + i64::try_from(row).unwrap()));
        }
        for row in 0..1000 {
            labels.set(row, Label::Int(1 + i64::try_from(row).unwrap()), 1000);
        }
        assert!(
            matches!(&labels, Labels::Runs(runs) if runs.len() == 1),
            "{labels:?}"
        );
    }
}
