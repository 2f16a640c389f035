//! Aligns short runs, written as strings of letters.

use proptest::prelude::*;

use super::*;

/// Uppercase letters are settled rows.
fn run(rows: &str) -> Vec<KnownRow> {
    let known = |letter: char| KnownRow {
        id: row(letter),
        settled: letter.is_uppercase(),
        in_doubt: false,
    };
    rows.chars().map(known).collect()
}

/// Digits are edited rows: 1 is the edited row a.
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
fn unsettled_rows_may_be_edited_or_removed() {
    for (rows, input, expected) in [
        ("AbCd", "abcd", &[0, 1, 2, 3][..]),
        ("AbCd", "axcy", &[0, 1, 2, 3]),
        ("AbCd", "acd", &[0, 2, 3]),
        ("AbCd", "ac", &[0, 2]),
        ("abC", "xc", &[0, 2]),
        ("abcD", "bd", &[1, 3]),
        // A row was removed next to an edited row.
        ("abcD", "2d", &[1, 3]),
        ("Aabcd", "a24", &[0, 2, 4]),
        ("", "", &[]),
        // One of two identical rows was removed: the unsettled one.
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
fn the_first_mismatch_is_reported() {
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
fn an_unchanged_row_is_not_an_edit_of_another() {
    for (rows, input, expected) in [
        ("abcd", "abdc", Mismatch::Moved(2)),
        ("abcd", "xabc", Mismatch::Added(0)),
        ("Abcd", "acbd", Mismatch::Moved(1)),
    ] {
        assert_eq!(aligned(rows, input, true), Err(expected), "{rows} {input}");
    }
    // A row with the name of another row does not replace it.
    assert_eq!(aligned("abcd", "3bc", true).as_deref(), Ok(&[0, 1, 2][..]));
    // If a row was removed from a stream, the following rows do not take its place.
    assert_eq!(aligned("abcd", "abde", false).as_deref(), Ok(&[0, 1, 3, 4][..]));
}

#[test]
fn a_row_with_an_unknown_outcome_keeps_its_name() {
    let mut rows = run("Abc");
    rows[1].in_doubt = true;
    let named = |input: &str| -> Vec<RowId> { input.chars().map(row).collect() };
    assert_eq!(align(&rows, &named("a2c"), true).as_deref(), Ok(&[0, 1, 2][..]));
    assert_eq!(align(&rows, &named("ac"), true).as_deref(), Ok(&[0, 2][..]));
    assert_eq!(align(&rows, &named("axc"), true), Err(Mismatch::Replaced(1)));
    rows[2].in_doubt = true;
    assert_eq!(
        align(&rows, &named("axyz"), false).as_deref(),
        Ok(&[0, 3, 4, 5][..])
    );
}

#[test]
fn an_incomplete_run_accepts_more_rows() {
    for (rows, input, expected) in [
        ("AB", "abcd", &[0, 1, 2, 3][..]),
        ("Abc", "abcde", &[0, 1, 2, 3, 4]),
        ("Abc", "acde", &[0, 2, 3, 4]),
        // A new row is not an edit of a removed one.
        ("ABc", "abdef", &[0, 1, 3, 4, 5]),
        // A row was edited before an unchanged one.
        ("ABcd", "abx4ef", &[0, 1, 2, 3, 4, 5]),
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
    fn allowed_changes_are_accepted_and_settled_rows_are_found(
        rows in prop::collection::vec((0_u64..4, any::<bool>(), 0_u8..3), 0..40),
        spoiled in any::<Option<prop::sample::Index>>(),
    ) {
        let run: Vec<KnownRow> = rows.iter().map(|(digest, settled, _)| KnownRow { id: id(*digest), settled: *settled, in_doubt: false }).collect();
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
        // A foreign row next to a settled row is reported as an extra row or a replacement.
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
