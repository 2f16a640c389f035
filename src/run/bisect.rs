//! Finds the bad rows in a rejected request, and the rows to resend.
//!
//! Batches are all or nothing: one bad item fails the whole request (tutorial "Manage assets"). The format of
//! violations is not documented, so if a response names no row, the batch is split into halves.

use std::collections::BTreeMap;

use crate::error::{ServiceError, Violation};
use crate::model::text::same_key;
use crate::run::batch::{Batch, Item};

/// The result of splitting a rejected batch.
#[derive(Debug, PartialEq)]
pub struct Split<'e> {
    /// The bad rows, each with its violation. The violation is `None` if the response names no row and the
    /// batch has only one row. The whole response then applies to that row.
    pub blamed: Vec<(u32, Option<&'e Violation>)>,
    /// Batches to resend.
    pub again: Vec<Batch>,
}

/// The maximum number of consecutive rejections whose named rows are trusted.
///
/// Named rows are confirmed as bad only if the remaining rows succeed. The documentation does not say whether
/// positions are counted from 0. If one row after another is named, the service probably names the wrong rows.
const MOST_NAMINGS: usize = 5;

/// Splits a rejected batch: removes the rows that the response names, or else halves the batch. If the batch
/// has only one row, that row is bad.
#[must_use]
pub fn split<'e>(batch: &Batch, error: &'e ServiceError) -> Split<'e> {
    let named = named(batch, error);
    // Rows named by earlier rejections are confirmed as bad only if the rest succeeds. The rest was rejected,
    // so resend these rows.
    let doubted = || doubted(batch);
    if batch.items.len() == 1 {
        let violation = named.into_values().next();
        return Split {
            blamed: vec![(batch.items[0].row, violation)],
            again: doubted(),
        };
    }
    if batch.halve || named.is_empty() || batch.named.len() >= MOST_NAMINGS {
        let mut again = Vec::from(batch.halves());
        for half in &mut again {
            half.halve = true;
        }
        again.extend(doubted());
        return Split {
            blamed: Vec::new(),
            again,
        };
    }
    let mut rest = batch.part(|at, _| !named.contains_key(&at));
    rest.named.clone_from(&batch.named);
    rest.named.push(batch.part(|at, _| named.contains_key(&at)));
    Split {
        blamed: named
            .into_iter()
            .map(|(at, violation)| (batch.items[at].row, Some(violation)))
            .collect(),
        again: if rest.items.is_empty() {
            doubted()
        } else {
            vec![rest]
        },
    }
}

/// Returns the original rejected batch, which is sent in parts, and the rows removed from it.
#[must_use]
pub fn whole<'e>(batch: &Batch) -> Split<'e> {
    let mut whole = batch.clone();
    whole.named = Vec::new();
    whole.refused = true;
    whole.half_of = None;
    let mut again = vec![whole];
    again.extend(doubted(batch));
    Split {
        blamed: Vec::new(),
        again,
    }
}

/// Returns rows named by a rejection but not yet confirmed as bad.
#[must_use]
pub fn doubted(batch: &Batch) -> Vec<Batch> {
    let mut parts = batch.named.clone();
    for part in &mut parts {
        part.halve = true;
    }
    parts
}

/// Returns whether a rejection names rows in this batch.
#[must_use]
pub fn names_rows(batch: &Batch, error: &ServiceError) -> bool {
    !named(batch, error).is_empty()
}

/// Returns the positions of the items named in a response, each with the item's first violation.
fn named<'e>(batch: &Batch, error: &'e ServiceError) -> BTreeMap<usize, &'e Violation> {
    let mut named = BTreeMap::new();
    for violation in &error.violations {
        let by_id = violation.id.as_deref().and_then(|id| position(&batch.items, id));
        let by_index = violation.index.filter(|index| *index < batch.items.len());
        if let Some(at) = by_id.or(by_index) {
            named.entry(at).or_insert(violation);
        }
    }
    named
}

/// Finds an item by its key if the key is unique, which clientAssetIds need not be.
fn position(items: &[Item], key: &str) -> Option<usize> {
    let only = |fits: &dyn Fn(&Item) -> bool| {
        let mut found = items.iter().enumerate().filter(|(_, item)| fits(item));
        let (at, _) = found.next()?;
        found.next().is_none().then_some(at)
    };
    only(&|item| *item.key == *key).or_else(|| {
        let key = same_key(key);
        only(&|item| same_key(&item.key) == key)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, VecDeque};

    use super::*;
    use crate::api::assets::BATCH_CREATE;
    use crate::input::{Cell, Label, Sink};
    use crate::ledger::SharedLedger;
    use crate::rows::{Dates, Names, Nulls, Policy, RowShape};
    use crate::run::continuation::Continuation;
    use crate::run::job::Part;
    use crate::run::pack::Packer;
    use crate::run::passes::ReadAhead;

    fn batch(rows: usize) -> Batch {
        let policy = Policy {
            shape: RowShape::NewAsset,
            nulls: Nulls::Omit,
            dates: Dates::Strict,
            id_column: "id".into(),
            import_key: None,
            names: Names::default(),
        };
        let parts = [Part::of(&BATCH_CREATE, policy, 100)];
        let (ledger, ahead) = (SharedLedger::default(), ReadAhead::Everything(usize::MAX));
        let mut packer = Packer::new(&parts, ledger, ahead, Continuation::default());
        let columns = ["clientAssetId", "categoryId", "statusId"].map(|name| packer.column(name));
        for row in 0..rows {
            packer.begin(Label::Number);
            let values = [&*format!("A-{row}"), "1", "5cd53aeb-6657-4fb3-a077-f700fb29e644"];
            columns
                .iter()
                .zip(values)
                .for_each(|(column, value)| packer.cell(*column, &Cell::Text(value)));
            packer.end();
        }
        packer.finish(true);
        packer.take(|_| true).unwrap()
    }

    /// Simulates a service that rejects `bad` rows and names the first of them, counting from `from`. Returns the rows
    /// that are blamed.
    fn blamed(rows: usize, bad: &[u32], from: usize, names: bool) -> BTreeSet<u32> {
        let mut waiting = VecDeque::from([batch(rows)]);
        let mut blamed = BTreeSet::new();
        let mut requests = 0;
        while let Some(batch) = waiting.pop_front() {
            requests += 1;
            assert!(requests <= 4 * rows + 20, "no end");
            let Some(at) = batch.items.iter().position(|item| bad.contains(&item.row)) else {
                continue;
            };
            let violation = Violation {
                index: names.then_some(at + from),
                ..Violation::default()
            };
            let error = ServiceError {
                status: 400,
                violations: vec![violation],
                ..ServiceError::default()
            };
            let split = split(&batch, &error);
            blamed.extend(split.blamed.iter().map(|(row, _)| *row));
            for part in split.again.into_iter().rev() {
                for item in &part.items {
                    blamed.remove(&item.row);
                }
                waiting.push_front(part);
            }
        }
        blamed
    }

    #[test]
    fn exactly_the_bad_rows_are_blamed_whatever_the_response_names() {
        for rows in [1, 2, 3, 7, 100] {
            for bad in [&[0][..], &[0, 1], &[2, 5], &[0, 2, 3, 4, 5, 6], &[99]] {
                let expected: BTreeSet<u32> =
                    bad.iter().copied().filter(|row| (*row as usize) < rows).collect();
                for (from, names) in [(0, true), (1, true), (3, true), (0, false)] {
                    assert_eq!(
                        blamed(rows, bad, from, names),
                        expected,
                        "{rows} rows, {bad:?}, from {from}, {names}"
                    );
                }
            }
        }
    }
}
