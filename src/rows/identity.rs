//! The identity of a row in a run: a digest of its cells.
//!
//! The digest depends only on the content that users see in the row. For example, 42, 42.0 and "42" are the
//! same cell, and so are a date and midnight on that date. Blank cells and leading or trailing blanks are
//! ignored. Settings, the type of table and the order of columns do not affect the digest, so a run can be
//! resumed after any of these has changed.

use std::io::Write;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::value::midnight;
use crate::input::Cell;
use crate::model::text::{composed, trimmed};

/// The hash seed for the cells in a column. Columns with the same meaning have the same seed in every table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seed(u64);

impl Seed {
    /// Creates the seed from a string returned by [`field`] or [`heading`].
    pub(super) fn of(meant: &str) -> Self {
        match meant.strip_prefix(FIELD) {
            Some(field) => Self::field(field),
            None => Self::heading(meant.strip_prefix(HEADING).unwrap_or(meant)),
        }
    }

    /// Creates the seed of a field, regardless of the column's heading.
    pub(super) fn field(name: &str) -> Self {
        Self(xxh3_64_with_seed(name.as_bytes(), 1))
    }

    /// Creates the seed of a column that is not a field, from the column's heading.
    pub(super) fn heading(name: &str) -> Self {
        Self(xxh3_64_with_seed(name.trim().as_bytes(), 2))
    }
}

const FIELD: &str = "field ";
const HEADING: &str = "column ";

/// Returns the name that identifies a field's column in a run's file.
pub(super) fn field(name: &str) -> String {
    format!("{FIELD}{name}")
}

/// Returns the field whose column has this name in a run's file, if the column is that of a field.
pub(super) fn field_of(role: &str) -> Option<&str> {
    role.strip_prefix(FIELD)
}

/// For a column that is not a field, returns the name that identifies the column in a run's file.
pub(super) fn heading(name: &str) -> String {
    format!("{HEADING}{}", name.trim())
}

/// The digest of the current row. Columns may be in any order, so the digests of the cells are added up.
#[derive(Debug, Default)]
pub(super) struct Identity {
    sum: u64,
    /// A buffer reused between cells.
    text: Vec<u8>,
}

/// Prefixes for values that are not strings, so that no string collides with such a value.
const CLEAR: u8 = 1;
const MAP: u8 = 3;
const OTHER: u8 = 4;

impl Identity {
    pub(super) fn begin(&mut self) {
        self.sum = 0;
    }

    /// Adds a cell to the digest.
    pub(super) fn cell(&mut self, seed: Seed, cell: &Cell<'_>) {
        // Fast path: most cells are strings and need no buffer.
        if let Cell::Text(text) = cell {
            let text = trimmed(text);
            if !is_truth(text) {
                return self.add(seed, composed(text).as_bytes());
            }
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        write(cell, &mut text);
        self.add(seed, &text);
        self.text = text;
    }

    /// Adds a value that options read to the digest. No text of a cell has the digest of such a value.
    pub(super) fn read(&mut self, seed: Seed, value: &str) {
        self.add(Seed(!seed.0), value.as_bytes());
    }

    /// Adds a row's id to the digest, in its canonical form.
    pub(super) fn id(&mut self, seed: Seed, id: Uuid) {
        self.add(seed, id.as_bytes());
    }

    /// Adds a value to the digest. A blank value adds nothing.
    fn add(&mut self, seed: Seed, text: &[u8]) {
        if !text.is_empty() {
            self.sum = self.sum.wrapping_add(xxh3_64_with_seed(text, seed.0));
        }
    }

    /// Returns the digest of the row. The digest is never 0, because 0 marks a row that was not read.
    pub(super) fn digest(&self) -> u64 {
        self.sum.max(1)
    }
}

/// Returns the digest of a list item that is not a row. `found` describes the item.
#[must_use]
pub fn digest_of_no_row(found: &str) -> u64 {
    xxh3_64_with_seed(found.as_bytes(), u64::from(OTHER)).max(1)
}

/// Returns whether a trimmed string is `true` or `false`, in any letter case.
fn is_truth(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// Writes the canonical text of a cell. Writes nothing for a blank cell.
fn write(cell: &Cell<'_>, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => {}
        Cell::Clear => out.push(CLEAR),
        Cell::Bool(true) => out.extend_from_slice(b"true"),
        Cell::Bool(false) => out.extend_from_slice(b"false"),
        Cell::Int(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
        Cell::Float(number) => float(*number, out),
        // Use the shortest text in single precision, so that 0.1 stays 0.1.
        Cell::Float32(number) => float(number.to_string().parse().unwrap_or(f64::from(*number)), out),
        Cell::Digits(digits) => out.extend_from_slice(without_zeros(digits).as_bytes()),
        // The text that users see is what is sent to a text field.
        Cell::Text(text) | Cell::Shown { text, .. } => {
            let start = out.len();
            out.extend_from_slice(trimmed(text).as_bytes());
            if is_truth(trimmed(text)) {
                out[start..].make_ascii_lowercase();
            }
        }
        Cell::Date(day) => shown(day, out),
        Cell::DateTime(moment) | Cell::Zoned(moment, _) if midnight(*moment) => shown(&moment.date(), out),
        Cell::DateTime(moment) | Cell::Zoned(moment, _) => shown(moment, out),
        // Use the separator that users and `write_fixes` use.
        Cell::List(items) => {
            let mut first = true;
            for item in items.iter().filter(|item| !matches!(item, Cell::Null)) {
                if !std::mem::take(&mut first) {
                    out.extend_from_slice(b"; ");
                }
                write(item, out);
            }
        }
        Cell::Map(entries) => {
            out.push(MAP);
            let mut sum = 0_u64;
            for (name, cell) in entries {
                let mut entry = Identity::default();
                entry.cell(Seed::heading(name), cell);
                sum = sum.wrapping_add(entry.sum);
            }
            out.extend_from_slice(&sum.to_le_bytes());
        }
        Cell::Other(kind) | Cell::Formula { formula: kind, .. } => {
            out.push(OTHER);
            out.extend_from_slice(kind.as_bytes());
        }
    }
}

/// Writes a float with the 15 digits that Excel stores, so that 0.1 + 0.2 in a frame equals 0.3 in a sheet.
fn float(number: f64, out: &mut Vec<u8>) {
    // Below this limit, a float represents every integer exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_nan() {
        return;
    }
    if number.fract() == 0.0 && number.abs() < EXACT {
        #[allow(clippy::cast_possible_truncation)] // An integer in the range of an i64.
        let whole = number as i64;
        return out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    }
    let start = out.len();
    let mut buffer = zmij::Buffer::new();
    match buffer.format(number) {
        // This gives the same text as Rust's own formatting, but is ten times faster.
        text if number.fract() != 0.0 && !text.contains('e') => out.extend_from_slice(text.as_bytes()),
        _ => shown(&number, out),
    }
    // Most floats have at most 15 digits.
    let digits = out[start..].iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits > 15 {
        let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
        out.truncate(start);
        shown(&rounded, out);
    }
}

/// Removes the trailing zeros of a decimal number: 42.00 becomes 42.
fn without_zeros(digits: &str) -> &str {
    let kept = if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    };
    if kept == "-0" { "0" } else { kept }
}

fn shown(value: &impl std::fmt::Display, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime};

    use super::*;

    fn digest(cells: &[(&str, Cell<'_>)]) -> u64 {
        let mut identity = Identity::default();
        identity.begin();
        for (name, cell) in cells {
            identity.cell(Seed::heading(name), cell);
        }
        identity.digest()
    }

    #[test]
    fn equal_cells_have_equal_digests() {
        let same: [&[Cell<'_>]; 7] = [
            &[
                Cell::Int(42),
                Cell::Float(42.0),
                Cell::Float32(42.0),
                Cell::Digits("42.00"),
                Cell::Text(" 42 "),
            ],
            &[
                Cell::Float(6.1),
                Cell::Float32(6.1),
                Cell::Digits("6.10"),
                Cell::Text("6.1"),
            ],
            &[Cell::Float(0.1 + 0.2), Cell::Float(0.3)],
            &[
                Cell::Date(date(2026, 3, 5)),
                Cell::DateTime(datetime(2026, 3, 5, 0, 0, 0, 0)),
                Cell::Text("2026-03-05"),
            ],
            &[Cell::Null, Cell::Text("  "), Cell::Float(f64::NAN)],
            &[Cell::Bool(true), Cell::Text("TRUE"), Cell::Text("true ")],
            &[Cell::Float(-0.0), Cell::Int(0), Cell::Digits("-0.0")],
        ];
        let digests: Vec<u64> = same
            .iter()
            .map(|cells| digest(&[("a", cells[0].clone())]))
            .collect();
        for (cells, expected) in same.iter().zip(&digests) {
            for cell in *cells {
                assert_eq!(digest(&[("a", cell.clone())]), *expected, "{cell:?}");
            }
        }
        for (at, one) in digests.iter().enumerate() {
            assert!(!digests[at + 1..].contains(one), "{:?}", same[at]);
        }
    }

    #[test]
    fn different_cells_have_different_digests() {
        let different = [
            Cell::Text("007"),
            Cell::Text("7"),
            Cell::Text("a b"),
            Cell::Text("A b"),
            Cell::Clear,
            Cell::Null,
            Cell::List(vec![Cell::Text("ab"), Cell::Text("c")]),
            Cell::List(vec![Cell::Text("a"), Cell::Text("bc")]),
            Cell::List(vec![Cell::Text("abc")]),
            Cell::DateTime(datetime(2026, 3, 5, 1, 0, 0, 0)),
            Cell::Float(f64::INFINITY),
            Cell::Other("bytes"),
            Cell::Text("bytes"),
        ];
        for (at, one) in different.iter().enumerate() {
            for other in &different[at + 1..] {
                let digests = [one, other].map(|cell| digest(&[("a", cell.clone())]));
                assert_ne!(digests[0], digests[1], "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn digest_depends_on_column_names_but_not_on_their_order() {
        let (one, two) = (Cell::Text("one"), Cell::Text("two"));
        let row = digest(&[("a", one.clone()), ("b", two.clone())]);
        assert_eq!(
            row,
            digest(&[("b", two.clone()), ("c", Cell::Null), (" a ", one.clone())])
        );
        assert_ne!(row, digest(&[("a", two), ("b", one)]));
    }
}
