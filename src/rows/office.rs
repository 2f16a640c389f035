//! What office programs do to rows: identifiers that were turned into numbers, rows of totals, and options that do not
//! fit the columns.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::columns;
use super::compare::{self, Form};
use super::fields::FIELDS;
use super::notices::in_rows;
use super::reading::DIGITS;
use super::row::{Blanks, RowWriter, is_number};
use super::rules::{DATE, HEADING_ROW, LEADING_ZEROS, NUMBER, Problem, TOO_MANY_DIGITS, TOTALS_ROW, YES_NO};
use super::value::Refusal;
use crate::input::{Cell, Column, Headings, Padded, Replacement, is_total_row};
use crate::model::text::{composed, trimmed};
use crate::settings::names::{folded, nearest, plain};

/// The maximum number of rows below the table that `skip_footer` is suggested for.
const LONGEST_FOOTER: usize = 20;

/// The texts of digits in a column of identifiers.
#[derive(Default)]
struct Digits {
    /// How many have leading zeros.
    padded: u64,
    /// How many do not, and the first such row with its text, by the number of digits.
    plain: BTreeMap<usize, (u64, usize, Box<str>)>,
}

pub(super) struct Office {
    /// The texts with leading zeros, by column.
    padded: HashMap<String, Padded>,
    digits: HashMap<String, Digits>,
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
    /// One bit per field of `FIELDS`, set if the field has such a title.
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
        let mut columns: Vec<(&String, &Digits)> = self.digits.iter().collect();
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

    /// Records a number of the row that is sent as text.
    pub(super) fn note_text(&mut self, field: &str, text: &[u8]) {
        self.number_texts.insert(digest_of(field, text));
    }

    /// Returns the warning that identifiers are numbers. `is_file` is whether the rows come from a file.
    fn numbers(&self, is_file: bool, named: &dyn Fn(usize) -> String) -> Option<String> {
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
    pub(super) fn heading_row(&self) -> Option<Problem> {
        self.headings
            .are_repeated()
            .then(|| HEADING_ROW.problem("", "", "the column names again, not an asset".to_owned(), ""))
    }

    /// Returns whether a row of a new asset has a title of totals and none of the other required fields. `given` has one
    /// bit per field.
    pub(super) fn is_total(&self, given: u32) -> bool {
        let required = (0..FIELDS.len())
            .filter(|place| FIELDS[*place].required)
            .fold(0, |bits, place| bits | 1 << place);
        self.total.is_some() && is_total_row(given, self.total_fields, required)
    }

    /// Returns whether a row has a title of totals and no id. `is_blank` is whether its id is blank.
    pub(super) fn is_total_without_id(&self, is_blank: bool) -> bool {
        self.total.is_some() && (is_blank || self.is_total_id)
    }

    /// Returns the problem with a row of totals. `left` is the number of rows from this one to the end of the table, and
    /// `skipped` the number of rows that `skip_footer` skips below it.
    pub(super) fn totals_row(&self, left: Option<usize>, skipped: usize) -> Option<Problem> {
        let (column, text) = self.total.as_ref()?;
        let message = format!("`{column}` is '{text}': a row of totals, not an asset");
        let fix = match left {
            Some(1) => format!("set skip_footer={}", 1 + skipped),
            // The rows below have not been read yet.
            Some(left) if left <= LONGEST_FOOTER => {
                let left = left + skipped;
                format!("remove the row, or set skip_footer={left} if the last {left} rows contain no asset")
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

impl RowWriter {
    /// Returns the warning that identifiers are numbers.
    pub(super) fn numbers(&self, named: &dyn Fn(usize) -> String) -> Option<String> {
        self.office.numbers(self.row_title().is_some(), named)
    }

    /// Returns the warnings about texts that probably have lost their leading zeros.
    pub(super) fn short_texts(&self, named: &dyn Fn(usize) -> String) -> Vec<String> {
        self.office.short_texts(named)
    }

    /// Returns the import keys that were numbers in the rows so far. They may have lost zeros that the keys of the project
    /// have.
    #[must_use]
    pub fn number_keys(&self) -> &HashSet<Box<str>> {
        &self.office.number_keys
    }

    /// Returns whether a text was sent for a number in the rows so far, and whether a text of the project reads as this
    /// number. Programs often read texts such as 007 as numbers, so they are equal, as in a patch.
    #[must_use]
    pub fn is_same_number(&self, field: &str, sent: &Value, held: &Value) -> bool {
        let was_number = |text: &str| {
            let digest = digest_of(field, text.as_bytes());
            self.office.number_texts.contains(&digest)
        };
        let Some(text) = sent.as_str() else { return false };
        was_number(text) && compare::same_numbers_of(sent, held)
            || self.policy.is_workbook()
                && self.form(field) == Form::Attribute("numeric")
                && compare::is_rounded(text, held)
    }

    /// Names the option that makes a text such as "n/a" blank, or a value of an option that should have made it blank, in the
    /// fix of a number, date or boolean.
    pub(super) fn with_fix_of_placeholder(
        &self,
        column: Option<Column>,
        cell: &Cell<'_>,
        refusal: Refusal,
    ) -> Refusal {
        let Some(column) = column.map(|column| self.called(column)) else {
            return refusal;
        };
        let fix = match cell {
            Cell::Text(text) if [&NUMBER, &DATE].contains(&refusal.rule) && is_placeholder(trimmed(text)) => {
                let usual = match &*refusal.fix {
                    "" => refusal.rule.fix,
                    fix => fix,
                };
                format!(
                    "{usual}. If the text stands for a blank cell, set values={{\"{column}\": {{\"{}\": \"\"}}}}",
                    trimmed(text)
                )
            }
            // All words of a column are one cause.
            Cell::Text(text) if *refusal.rule == YES_NO && is_placeholder(trimmed(text)) => format!(
                "{}. If a word stands for a blank cell, set values={{\"{column}\": {{\"...\": \"\"}}}}",
                refusal.rule.fix
            ),
            Cell::Bool(false) if self.is_replaced_by_false(column) => {
                "values= replaces a text of this column by false. To make the cell blank, replace it by \"\""
                    .to_owned()
            }
            _ => return refusal,
        };
        Refusal {
            fix: fix.into(),
            ..refusal
        }
    }

    fn is_replaced_by_false(&self, column: &str) -> bool {
        let (reading, mapping) = (&self.policy.names.reading, &self.policy.names.mapping);
        let mapped = (&mapping[..], self.policy.names.settings.as_deref());
        let mut own = reading
            .values
            .iter()
            .filter(|(name, _)| columns::is_called(column, name, mapped));
        own.any(|(_, texts)| {
            texts
                .iter()
                .any(|(_, new)| *new == Some(Replacement::Bool(false)))
        })
    }

    /// Returns notes on the options that are about columns: which columns are filled, and which ones do not exist.
    pub(super) fn notes_on_options(&self) -> Vec<String> {
        let (reading, mapping) = (&self.policy.names.reading, &self.policy.names.mapping);
        let mapped = (&mapping[..], self.policy.names.settings.as_deref());
        let has = |name: &str| {
            let is_used = |column: &str| columns::mapped_alike(column, mapping).is_some();
            let is_alike = |column: &str| plain(column) == plain(name) && is_used(column);
            self.column_names()
                .any(|column| composed(column) == composed(name) || is_alike(column))
        };
        let of_name = |name: &str| {
            self.column_names()
                .find(|column| columns::is_called(column, name, mapped))
        };
        // The values of a dict of attributes have these options too.
        let of_entry = |name: &str| {
            self.entry_names()
                .any(|entry| columns::is_called(entry, name, mapped))
        };
        if self.column_names().next().is_none() {
            return Vec::new();
        }
        let mut notes = self.notes_on_fills();
        let typed = [
            (
                "decimal=",
                reading.decimal() != '.' || !reading.decimal_of.is_empty(),
            ),
            (
                "thousands=",
                reading.thousands.is_some() || !reading.thousands_of.is_empty(),
            ),
            (
                "dayfirst=",
                reading.dayfirst.is_some() || !reading.dayfirst_of.is_empty(),
            ),
            ("true_values=", !reading.true_values.is_empty()),
            ("false_values=", !reading.false_values.is_empty()),
        ];
        let typed: Vec<&str> = typed
            .iter()
            .filter(|(_, is_given)| *is_given && self.policy.names.settings.is_none())
            .map(|(option, _)| *option)
            .collect();
        if !typed.is_empty() {
            notes.push(format!(
                "without the project's settings (settings=None), these options have no effect: {}",
                typed.join(", ")
            ));
        }
        let of_mapping = names_of(mapping).into_iter().filter(|from| !has(from));
        let is_missing = |name: &&String| of_name(name).is_none();
        let of_cells = [
            ("values", names_of(&reading.values)),
            ("fill_down", reading.fill_down.iter().collect()),
        ];
        let of_cells =
            of_cells.map(|(option, names)| (option, names.into_iter().filter(is_missing).collect()));
        let of_texts = [
            ("decimal", names_of(&reading.decimal_of)),
            ("thousands", names_of(&reading.thousands_of)),
            ("dayfirst", names_of(&reading.dayfirst_of)),
        ];
        let of_texts = of_texts.map(|(option, names)| {
            let names = names.into_iter().filter(is_missing);
            (option, names.filter(|name| !of_entry(name)).collect())
        });
        let missing: Vec<(&str, Vec<&String>)> = std::iter::once(("mapping", of_mapping.collect()))
            .chain(of_cells)
            .chain(of_texts)
            .collect();
        notes.extend(
            missing
                .into_iter()
                .filter(|(_, names)| !names.is_empty())
                .map(|(option, names)| {
                    let shown: Vec<String> = names.into_iter().map(|name| self.with_nearest(name)).collect();
                    format!(
                        "{option}= names columns that the rows do not have: {}",
                        shown.join(", ")
                    )
                }),
        );
        notes
    }

    /// Returns how many cells `fill_down` filled, and which other columns are blank in the same rows.
    fn notes_on_fills(&self) -> Vec<String> {
        let named = |column: u32| self.column_names().nth(column as usize);
        let fills = self.fills.iter();
        let fills: Vec<(&str, Blanks)> = fills
            .filter_map(|(column, filled)| Some((named(*column)?, *filled)))
            .collect();
        let filled = fills.iter().map(|(column, filled)| match filled.count {
            1 => format!("1 blank cell of `{column}` has the value of the row above (fill_down=)"),
            count => {
                format!("{count} blank cells of `{column}` have the value of the row above (fill_down=)")
            }
        });
        let all: Vec<&String> = self.policy.names.reading.fill_down.iter().collect();
        let alike = self.blank_columns().filter_map(|(column, blanks)| {
            let (same, _) = fills
                .iter()
                .find(|(_, filled)| *filled == blanks && filled.count > 1)?;
            let all: Vec<String> = all.iter().map(|name| format!("\"{name}\"")).collect();
            Some(format!(
                "`{column}` is blank in the same {} rows as `{same}`. If its cells are merged, too, set \
                 fill_down=[{}, \"{column}\"]",
                blanks.count,
                all.join(", ")
            ))
        });
        filled.chain(alike).collect()
    }

    fn with_nearest(&self, name: &str) -> String {
        let known = self.column_names().map(|column| (column, folded(column)));
        match nearest(name, known).first() {
            Some(near) => format!("`{name}` (did you mean `{near}`?)"),
            None => format!("`{name}`"),
        }
    }
}

/// Returns whether a text probably stands for a blank cell: a short word or a sign.
fn is_placeholder(text: &str) -> bool {
    const LONGEST: usize = 12;
    text.chars().count() <= LONGEST && !text.chars().any(char::is_numeric) && !text.contains(['"', '\\'])
}

/// Returns the digest of the text of a field.
fn digest_of(field: &str, text: &[u8]) -> u64 {
    xxh3_64_with_seed(text, xxh3_64(field.as_bytes()))
}

fn names_of<T>(of: &[(String, T)]) -> Vec<&String> {
    of.iter().map(|(name, _)| name).collect()
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
