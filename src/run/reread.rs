//! Rows of an earlier call that are read again.

use std::collections::BTreeMap;

use crate::api::Write;
use crate::error::Error;
use crate::input::Source;
use crate::ledger::{Ledger, Status, View};
use crate::rows::Policy;
use crate::run::check;

/// Checks that the rows at these positions are those of the call: the user may have changed them since.
///
/// # Errors
/// [`Error::Input`] if the source fails, or names the first row that has changed.
pub fn check_unchanged(
    source: &mut dyn Source,
    write: &'static Write,
    policy: Policy,
    known: &Ledger,
    positions: impl Iterator<Item = u32>,
) -> Result<(), Error> {
    let now = check::digests(source, write, policy, known)?;
    match first_changed(known, &now, positions) {
        None => Ok(()),
        Some(position) => Err(Error::Input(format!(
            "these are not the rows of the original call: row {} has changed. Call again with the current rows",
            known.number_of(position)
        ))),
    }
}

/// Returns the first of these positions whose row has changed. `now` has the digests of the current rows.
fn first_changed(known: &Ledger, now: &Ledger, mut positions: impl Iterator<Item = u32>) -> Option<u32> {
    let rows_of_input = known.input();
    positions.find(|position| {
        let row = rows_of_input.map_or(Some(*position), |rows| rows.get(*position as usize).copied());
        let digest = row.map_or(0, |row| known.digest(row));
        // A row without a digest was not read.
        digest != 0 && now.digest(*position) != digest
    })
}

/// Returns the rows that differ from the assets with their import keys, by position, with the ids of these assets.
///
/// # Errors
/// [`Error::Input`] if the last input does not have all of these rows.
pub fn differing(view: &View) -> Result<BTreeMap<u32, Box<str>>, Error> {
    let differing = view.select(&[Status::Differs]);
    let found = differing.places().into_iter().zip(differing.ids());
    let ids: BTreeMap<u32, Box<str>> = found
        .filter_map(|(position, id)| Some((position?, id?.into())))
        .collect();
    if ids.len() < differing.len() {
        return Err(Error::Input(format!(
            "patch(result): the last call of this run did not contain {} of the rows that differ. Make the create \
             again with all rows, and pass its result",
            differing.len() - ids.len()
        )));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::Label;

    fn ledger(rows: &[(Status, u64)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (status, digest) in rows {
            let row = ledger.push(Label::Number);
            ledger.set(row, *status);
            ledger.set_digest(row, *digest);
        }
        ledger
    }

    #[test]
    fn only_the_given_rows_must_be_unchanged() {
        let of = |digests: &[u64]| {
            let rows: Vec<(Status, u64)> = digests.iter().map(|digest| (Status::Differs, *digest)).collect();
            ledger(&rows)
        };
        let mut known = of(&[1, 2, 0]);
        let now = of(&[1, 7, 8]);
        assert_eq!(first_changed(&known, &now, 0..3), Some(1));
        assert_eq!(first_changed(&known, &now, [0, 2].into_iter()), None);
        // The last input has only the second row.
        known.set_input(Some(vec![1]));
        assert_eq!(first_changed(&known, &of(&[2]), 0..1), None);
        assert_eq!(first_changed(&known, &of(&[1]), 0..1), Some(0));
    }

    #[test]
    fn rows_that_differ_must_be_in_the_last_input() {
        let mut known = ledger(&[(Status::Created, 1), (Status::Differs, 2), (Status::Differs, 3)]);
        known.set_id(1, "a");
        known.set_id(2, "b");
        let ids = differing(&View::new(Arc::new(known.clone()))).unwrap();
        assert_eq!(ids, BTreeMap::from([(1, "a".into()), (2, "b".into())]));
        known.set_input(Some(vec![0, 2]));
        let error = differing(&View::new(Arc::new(known))).unwrap_err();
        assert!(
            matches!(&error, Error::Input(text) if text.contains("did not contain 1 of the rows")),
            "{error}"
        );
    }
}
