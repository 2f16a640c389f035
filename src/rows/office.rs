//! What office programs do to rows: identifiers that were turned into numbers, rows of totals, and options that do not
//! fit the columns.

use std::collections::{BTreeMap, HashMap, HashSet};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::in_rows::in_rows;
use super::problem::is_number;
use super::reading::DIGITS;
use super::rules::{HEADING_ROW, LEADING_ZEROS, Problem, TOO_MANY_DIGITS, TOTALS_ROW};
use super::value::Refusal;
use crate::api::field::Fields;
use crate::input::{Cell, Headings, Padded, is_total_row};
use crate::model::text::trimmed;

/// The maximum number of rows below the table that `skip_footer` is suggested for.
const LONGEST_FOOTER: usize = 20;

/// The texts of digits in a column of identifiers.
#[derive(Default)]
struct IdentifierDigits {
    /// How many have leading zeros.
    padded: u64,
    /// How many do not, and the first such row with its text, by the number of digits.
    plain: BTreeMap<usize, (u64, usize, Box<str>)>,
}

pub(super) struct Office {
    /// The texts with leading zeros, by column.
    padded: HashMap<String, Padded>,
    digits: HashMap<String, IdentifierDigits>,
    /// The columns of identifiers that have numbers, each with its first such row.
    with_numbers: Vec<(String, usize)>,
    /// The import keys that were numbers in the rows.
    number_keys: HashSet<Box<str>>,
    /// The digests of the texts that were numbers in the rows, each with its field.
    number_texts: HashSet<u64>,
    // The fields below belong to the current row.
    /// Whether the import key is a number in the row.
    pub(super) key_is_number: bool,
    /// The column and text of the first title of totals.
    total: Option<(String, String)>,
    /// One bit per field of the table of fields, set if the field has such a title.
    total_fields: u32,
    is_total_id: bool,
    pub(super) headings: Headings,
}

impl Office {
    pub(super) fn new(padded: HashMap<String, Padded>) -> Self {
        Self {
            padded,
            digits: HashMap::new(),
            with_numbers: Vec::new(),
            number_keys: HashSet::new(),
            number_texts: HashSet::new(),
            key_is_number: false,
            total: None,
            total_fields: 0,
            is_total_id: false,
            headings: Headings::default(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.key_is_number = false;
        self.total = None;
        self.total_fields = 0;
        self.is_total_id = false;
        self.headings = Headings::default();
    }

    /// Checks whether a number has lost digits. `column` is the column of an identifier. `is_text` is whether the number
    /// is sent as text. `row` is the position of the row.
    pub(super) fn check(
        &mut self,
        column: Option<&str>,
        cell: &Cell<'_>,
        is_text: bool,
        is_workbook: bool,
        row: usize,
    ) -> Result<(), Refusal> {
        if let (Some(column), Cell::Text(text)) = (column, cell) {
            let text = trimmed(text);
            self.note_digits(column, text, row);
            if text.starts_with('0') {
                if let Some(padded) = self.padded.get_mut(column) {
                    padded.add(text);
                } else {
                    let mut padded = Padded::default();
                    if padded.add(text) {
                        self.padded.insert(column.to_owned(), padded);
                    }
                }
            }
            return Ok(());
        }
        if column.is_none() && !is_text {
            return Ok(());
        }
        let (digits, is_rounded) = match cell {
            Cell::Int(number) | Cell::Shown { number, .. } => (number.to_string(), is_workbook),
            Cell::Float(number) if number.fract() == 0.0 && number.is_finite() => (number.to_string(), true),
            Cell::Digits(digits) => ((*digits).to_owned(), false),
            _ => return Ok(()),
        };
        if is_text && is_rounded && digits.trim_start_matches('-').len() > DIGITS {
            return Err(Refusal::new(
                &TOO_MANY_DIGITS,
                "a number keeps only 15 digits",
                "",
            ));
        }
        let padded = column.and_then(|column| self.padded.get(column));
        if let (Some(padded), false) = (padded, matches!(cell, Cell::Shown { .. }))
            && digits.len() < padded.longest
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            // The fix of all such rows is the same, so they have one cause.
            let probably = if padded.is_uneven {
                String::new()
            } else {
                format!(", probably {digits:0>width$}", width = padded.longest)
            };
            let reason = format!("a number, although other rows have text with leading zeros{probably}");
            return Err(Refusal::new(&LEADING_ZEROS, reason, ""));
        }
        Ok(())
    }

    /// Records a text of digits in a column of identifiers.
    fn note_digits(&mut self, column: &str, text: &str, row: usize) {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        let digits = match self.digits.get_mut(column) {
            Some(digits) => digits,
            None => self.digits.entry(column.to_owned()).or_default(),
        };
        if text.starts_with('0') {
            digits.padded += 1;
        } else {
            let (count, ..) = digits
                .plain
                .entry(text.len())
                .or_insert_with(|| (0, row, text.into()));
            *count += 1;
        }
    }

    /// Returns the warnings about texts that probably have lost their leading zeros: most rows have texts of the same
    /// length with leading zeros, and none has a longer one.
    pub(super) fn short_texts(&self, named: &dyn Fn(usize) -> String) -> Vec<String> {
        let mut columns: Vec<(&String, &IdentifierDigits)> = self.digits.iter().collect();
        columns.sort_by_key(|(column, _)| *column);
        let warned = columns.into_iter().filter_map(|(column, digits)| {
            let padded = self.padded.get(column).filter(|padded| !padded.is_uneven)?;
            let width = padded.longest;
            let short = digits.plain.range(..width);
            let count: u64 = short.clone().map(|(_, (count, ..))| count).sum();
            let (_, row, text) = short.map(|(_, first)| first).min_by_key(|(_, row, _)| *row)?;
            let has_longer = digits.plain.range(width + 1..).next().is_some();
            (count <= digits.padded && !has_longer).then(|| {
                format!(
                    "`{column}` may have lost leading zeros {}: it is '{text}', and other rows have {width} digits with \
                     leading zeros",
                    in_rows(count, &named(*row))
                )
            })
        });
        warned.collect()
    }

    /// Records a number in a column of identifiers.
    pub(super) fn note_number(&mut self, column: &str, row: usize) {
        if self.with_numbers.iter().all(|(known, _)| known != column) {
            self.with_numbers.push((column.to_owned(), row));
        }
    }

    /// Records the import key of the row, if it is a number in the row.
    pub(super) fn note_key(&mut self, key: &str) {
        if self.key_is_number {
            self.number_keys.insert(key.into());
        }
    }

    /// Returns the import keys that were numbers in the rows so far.
    pub(super) fn number_keys(&self) -> &HashSet<Box<str>> {
        &self.number_keys
    }

    /// Returns whether a text was sent for a number of a field.
    pub(super) fn was_number(&self, field: &str, text: &str) -> bool {
        self.number_texts.contains(&digest_of(field, text.as_bytes()))
    }

    /// Records a number of the row that is sent as text.
    pub(super) fn note_text(&mut self, field: &str, text: &[u8]) {
        self.number_texts.insert(digest_of(field, text));
    }

    /// Returns the warning that identifiers are numbers. `is_file` is whether the rows come from a file.
    pub(super) fn numbers(&self, is_file: bool, named: &dyn Fn(usize) -> String) -> Option<String> {
        let (_, first) = self.with_numbers.iter().min_by_key(|(_, row)| *row)?;
        let columns: Vec<String> = self
            .with_numbers
            .iter()
            .map(|(column, _)| format!("'{column}'"))
            .collect();
        let (have, columns_of) = match columns.len() {
            1 => ("has", "column"),
            _ => ("have", "columns"),
        };
        let fix = if is_file {
            "give the cells a number format with all digits, such as 000000, or type them as text".to_owned()
        } else {
            let types: Vec<String> = columns.iter().map(|column| format!("{column}: str")).collect();
            format!(
                "pass the path of the file, which also keeps number formats, or read the sheet with dtype={{{}}}",
                types.join(", ")
            )
        };
        Some(format!(
            "{columns_of} {} {have} numbers (first: {}), so leading zeros may be lost. To keep them, {fix}",
            columns.join(", "),
            named(*first)
        ))
    }

    /// Records a cell with a title of totals. `field` is the field that the cell sets.
    pub(super) fn add_total(&mut self, column: &str, text: &str, field: Option<usize>, is_id: bool) {
        self.total
            .get_or_insert_with(|| (column.to_owned(), trimmed(text).to_owned()));
        self.total_fields |= field.map_or(0, |field| 1 << field);
        self.is_total_id |= is_id;
    }

    /// Returns the problem with a row that repeats the names of the columns, as lists do at the top of each page.
    pub(super) fn heading_row(&self, noun: &str) -> Option<Problem> {
        self.headings.are_repeated().then(|| {
            let message = format!("the column names again, not {}", with_article(noun));
            HEADING_ROW.problem("", "", message, "")
        })
    }

    /// Returns whether a row of a new asset has a title of totals and none of the other required fields. `given` has one
    /// bit per field.
    pub(super) fn is_total(&self, given: u32, fields: Fields) -> bool {
        if self.total.is_none() {
            return false;
        }
        let required = fields.settable().filter(|(_, field)| field.required);
        let required = required.fold(0, |bits, (place, _)| bits | 1 << place);
        is_total_row(given, self.total_fields, required)
    }

    /// Returns whether a row has a title of totals and no id. `is_blank` is whether its id is blank.
    pub(super) fn is_total_without_id(&self, is_blank: bool) -> bool {
        self.total.is_some() && (is_blank || self.is_total_id)
    }

    /// Returns the problem with a row of totals. `left` is the number of rows from this one to the end of the table, and
    /// `skipped` the number of rows that `skip_footer` skips below it.
    pub(super) fn totals_row(&self, noun: &str, left: Option<usize>, skipped: usize) -> Option<Problem> {
        let (column, text) = self.total.as_ref()?;
        let message = format!(
            "`{column}` is '{text}': a row of totals, not {}",
            with_article(noun)
        );
        let fix = match left {
            Some(1) => format!("set skip_footer={}", 1 + skipped),
            // The rows below have not been read yet.
            Some(left) if left <= LONGEST_FOOTER => {
                let left = left + skipped;
                format!("remove the row, or set skip_footer={left} if the last {left} rows contain no {noun}")
            }
            _ => "remove the row".to_owned(),
        };
        Some(TOTALS_ROW.problem(column, text, message, &fix))
    }
}

/// Returns whether a cell is a number, or a text such as "17.0", as programs write numbers into text files.
pub(super) fn arrived_as_number(cell: &Cell<'_>) -> bool {
    let is_printed = |text: &str| {
        text.split_once('.').is_some_and(|(digits, zeros)| {
            zeros == "0" && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    is_number(cell) || matches!(cell, Cell::Text(text) if is_printed(trimmed(text)))
}

/// Returns a noun with its article.
fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// Returns the digest of the text of a field.
fn digest_of(field: &str, text: &[u8]) -> u64 {
    xxh3_64_with_seed(text, xxh3_64(field.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_among_padded_texts_are_refused() {
        let mut office = Office::new(HashMap::new());
        let mut check = |cell: Cell<'_>| {
            office
                .check(Some("Barcode"), &cell, true, true, 0)
                .map_err(|refusal| (refusal.rule.code, refusal.reason.into_owned()))
        };
        assert!(check(Cell::Int(60)).is_ok());
        assert!(check(Cell::Text("000059")).is_ok());
        let reason = "a number, although other rows have text with leading zeros";
        let refused = Err(("leading_zeros", format!("{reason}, probably 000060")));
        assert_eq!(check(Cell::Int(60)), refused);
        assert_eq!(check(Cell::Float(60.0)), refused);
        assert!(check(Cell::Int(600_000)).is_ok());
        assert!(check(Cell::Int(-60)).is_ok());
        assert!(check(Cell::Text("0042")).is_ok());
        assert_eq!(check(Cell::Int(60)), Err(("leading_zeros", reason.to_owned())));
    }

    #[test]
    fn numbers_that_lost_digits_are_refused() {
        let mut office = Office::new(HashMap::new());
        let mut check = |cell: Cell<'_>, is_text, is_workbook| {
            let checked = office.check(None, &cell, is_text, is_workbook, 0);
            checked.map_err(|refusal| refusal.rule.code)
        };
        let (exact, long) = (999_999_999_999_999, 1_234_567_890_123_450);
        assert_eq!(check(Cell::Int(exact), true, true), Ok(()));
        assert_eq!(check(Cell::Int(long), true, true), Err("too_many_digits"));
        assert_eq!(check(Cell::Int(long), false, true), Ok(()));
        // An integer of Python has all its digits.
        assert_eq!(check(Cell::Int(long), true, false), Ok(()));
        assert_eq!(check(Cell::Digits("12345678901234567890"), true, false), Ok(()));
        assert_eq!(check(Cell::Float(1e15), true, false), Err("too_many_digits"));
        assert_eq!(check(Cell::Float(1e14), true, false), Ok(()));
    }
}
