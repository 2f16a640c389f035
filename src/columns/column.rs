//! The values of one column on a page. A value of another kind widens the column's type.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use super::cell::{Cell, text_of};
use super::data::{Data, nothing, zeros};
use super::kind::Kinds;
use super::spare::fit;
use super::texts::Texts;
use super::time;
use crate::model::scan::{Odd, Scanner};

/// Floats represent all integers up to 2^53 exactly.
const MOST_EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

/// When a column was first seen: the row, whether the column is a field rather than a custom attribute, and
/// the number of columns seen before.
pub(super) type FirstSeen = (usize, bool, usize);

/// The values of one column, row by row.
#[derive(Debug, Clone)]
pub struct PageColumn {
    pub name: Arc<str>,
    pub(super) kinds: Kinds,
    /// The last row that added a new kind of value, and the kinds in the rows before it.
    widened: (usize, Kinds),
    pub(super) data: Data,
    /// Which rows have a value, or `None` if all rows have one or the data is [`Data::Null`].
    pub(super) valid: Option<Vec<bool>>,
    pub(super) rows: usize,
    /// The expected number of rows.
    capacity: usize,
    pub(super) is_time: bool,
    pub(super) seen: Option<FirstSeen>,
}

impl PageColumn {
    pub(super) fn new(name: Arc<str>, capacity: usize) -> Self {
        Self {
            is_time: name.ends_with("At") || name.ends_with("_on"),
            name,
            kinds: Kinds::NONE,
            widened: (0, Kinds::NONE),
            data: Data::Null,
            valid: None,
            rows: 0,
            capacity,
            seen: None,
        }
    }

    /// Returns whether a row has a value.
    #[must_use]
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        row < self.rows
            && !matches!(self.data, Data::Null)
            && self
                .valid
                .as_ref()
                .is_none_or(|valid| valid.get(row) == Some(&true))
    }

    /// Returns the number of rows stored, and which of these rows have a value, or `None` if all of them do.
    /// Later rows have no value.
    pub(super) fn validity(&self) -> (usize, Option<&[bool]>) {
        match self.data {
            Data::Null => (0, None),
            _ => (self.rows, self.valid.as_deref()),
        }
    }

    /// Returns the code of a row's string, if the column has few distinct strings.
    #[must_use]
    #[inline]
    pub fn code(&self, row: usize) -> Option<u16> {
        match &self.data {
            Data::Text(texts) if self.is_valid(row) => texts.code(row),
            _ => None,
        }
    }

    /// Returns the string with this code.
    #[must_use]
    pub fn value(&self, code: usize) -> &str {
        match &self.data {
            Data::Text(texts) => texts.value(code),
            _ => "",
        }
    }

    /// Returns the value in a row.
    #[must_use]
    pub fn cell(&self, row: usize) -> Cell<'_> {
        if !self.is_valid(row) {
            return Cell::Null;
        }
        self.data.cell(row)
    }

    /// Pads the column with nulls to this many rows. Returns `false` if the column already has more rows.
    #[inline]
    pub(super) fn pad(&mut self, rows: usize) -> bool {
        if self.rows < rows {
            self.push_nulls(rows);
        }
        self.rows == rows
    }

    fn push_nulls(&mut self, rows: usize) {
        while self.rows < rows {
            self.push_null();
        }
    }

    pub(super) fn push_null(&mut self) {
        if self.data.push_none() {
            let rows = self.rows;
            self.valid.get_or_insert_with(|| vec![true; rows]).push(false);
        }
        self.rows += 1;
    }

    /// Records that a value was added.
    #[inline]
    pub(super) fn pushed(&mut self, kind: Kinds) {
        if let Some(valid) = &mut self.valid {
            valid.push(true);
        }
        if !kind.within(self.kinds) {
            self.widened = (self.rows, self.kinds);
            self.kinds = self.kinds.and(kind);
        }
        self.rows += 1;
    }

    pub(super) fn push_bool(&mut self, flag: bool) {
        match self.start(|rows, most| Data::Bool(zeros(rows, most))) {
            Data::Bool(flags) => flags.push(flag),
            _ => self.mixed().push(if flag { "true" } else { "false" }),
        }
        self.pushed(Kinds::BOOL);
    }

    pub(super) fn push_int(&mut self, number: i64) {
        match self.start(|rows, most| Data::Int(zeros(rows, most))) {
            Data::Int(numbers) => numbers.push(number),
            _ => self.mixed().push(itoa::Buffer::new().format(number)),
        }
        let is_large = number.unsigned_abs() > MOST_EXACT;
        self.pushed(if is_large { Kinds::LARGE_INT } else { Kinds::INT });
    }

    pub(super) fn push_float(&mut self, number: f64) {
        match self.start(|rows, most| Data::Float(zeros(rows, most))) {
            Data::Float(numbers) => numbers.push(number),
            _ => self.mixed().push(&float(number)),
        }
        self.pushed(Kinds::FLOAT);
    }

    #[inline]
    pub(super) fn push_text(&mut self, text: &str) {
        if self.is_time {
            self.push_time(text);
            return;
        }
        match self.start(|rows, most| Data::Text(nothing(Texts::repeating(most), rows))) {
            Data::Text(texts) => texts.push(text),
            _ => self.mixed().push(&quoted(text)),
        }
        self.pushed(Kinds::TEXT);
    }

    /// Reads the next string.
    #[inline]
    pub(super) fn read_text(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Odd> {
        let word = match &mut self.data {
            Data::Text(texts) if !self.is_time => {
                if texts.read_again(scanner) {
                    self.pushed(Kinds::TEXT);
                    return Ok(());
                }
                scanner.word()
            }
            Data::Time(times) => {
                if let Some(time) = scanner.string_of(time::LENGTH).and_then(time::printed) {
                    scanner.at += time::LENGTH + 2;
                    times.push(time);
                    self.pushed(Kinds::TIME);
                    return Ok(());
                }
                None
            }
            _ => None,
        };
        let start = scanner.at;
        let (text, escaped) = scanner.string()?;
        if escaped {
            let text: String = serde_json::from_str(scanner.since(start)).map_err(|_| Odd)?;
            self.push_text(&text);
            return Ok(());
        }
        match &mut self.data {
            Data::Text(texts) if !self.is_time => {
                texts.push_read(text, word);
                self.pushed(Kinds::TEXT);
            }
            _ => self.push_text(text),
        }
        Ok(())
    }

    fn push_time(&mut self, text: &str) {
        let printed = time::printed(text);
        if printed.is_none() && matches!(self.data, Data::Time(_)) {
            self.times_as_texts();
        }
        let started = self.start(|rows, most| match printed {
            Some(_) => Data::Time(zeros(rows, most)),
            None => Data::Text(nothing(Texts::repeating(most), rows)),
        });
        match (printed, started) {
            (Some(time), Data::Time(times)) => times.push(time),
            (_, Data::Text(texts)) => texts.push(text),
            _ => self.mixed().push(&quoted(text)),
        }
        let is_time = printed.is_some() || time::any(text).is_some();
        self.pushed(if is_time { Kinds::TIME } else { Kinds::TEXT });
    }

    #[cold]
    fn times_as_texts(&mut self) {
        let mut texts = Texts::distinct(self.rows, self.rows * time::LENGTH);
        for row in 0..self.rows {
            match self.cell(row) {
                Cell::Time(time) => texts.push(text_of(&time::print(time))),
                _ => texts.push_none(),
            }
        }
        self.data = Data::Text(texts);
    }

    pub(super) fn push_list(&mut self, texts: &[Cow<'_, str>]) {
        if let Data::List(ends, items) =
            self.start(|rows, most| Data::List(zeros(rows, most), Texts::repeating(most)))
        {
            for text in texts {
                items.push(text);
            }
            ends.push(u32::try_from(items.len()).unwrap_or(u32::MAX));
        } else {
            let list: Value = texts.iter().map(|text| Value::from(&**text)).collect();
            self.mixed().push(&list.to_string());
        }
        self.pushed(Kinds::LIST);
    }

    /// Adds a value of any other kind, given as JSON.
    pub(super) fn push_json(&mut self, token: &str) {
        self.mixed().push(token);
        self.pushed(Kinds::OTHER);
    }

    pub(super) fn push_value(&mut self, value: &Value) {
        match value {
            Value::Null => self.push_null(),
            Value::Bool(flag) => self.push_bool(*flag),
            Value::String(text) => self.push_text(text),
            Value::Number(number) => match (number.as_i64(), number.is_f64(), number.as_f64()) {
                (Some(number), ..) => self.push_int(number),
                (None, true, Some(number)) => self.push_float(number),
                _ => self.push_json(&number.to_string()),
            },
            Value::Array(items) => {
                let texts: Option<Vec<Cow<'_, str>>> = items
                    .iter()
                    .map(|item| item.as_str().map(Cow::Borrowed))
                    .collect();
                match texts {
                    Some(texts) => self.push_list(&texts),
                    None => self.push_json(&value.to_string()),
                }
            }
            Value::Object(_) => self.push_json(&value.to_string()),
        }
    }

    /// Returns the data. If there are only nulls so far, creates the data with `begin`.
    #[inline]
    pub(super) fn start(&mut self, begin: impl FnOnce(usize, usize) -> Data) -> &mut Data {
        if let Data::Null = self.data {
            self.data = begin(self.rows, self.capacity.max(self.rows));
            self.valid = (self.rows > 0).then(|| vec![false; self.rows]);
        }
        &mut self.data
    }

    /// Converts the data to JSON tokens.
    #[cold]
    pub(super) fn mixed(&mut self) -> &mut Texts {
        if !matches!(self.data, Data::Mixed(_)) {
            let mut tokens = Texts::distinct(self.rows, 0);
            for row in 0..self.rows {
                match self.cell(row) {
                    Cell::Null => tokens.push_none(),
                    Cell::Float(number) => tokens.push(&float(number)),
                    other => tokens.push(&other.to_value().to_string()),
                }
            }
            if let Data::Null = self.data {
                self.valid = (self.rows > 0).then(|| vec![false; self.rows]);
            }
            self.data = Data::Mixed(tokens);
        }
        match &mut self.data {
            Data::Mixed(tokens) => tokens,
            // `Data::Mixed` was set just above.
            _ => unreachable!(),
        }
    }

    /// Drops all rows after the first `rows`.
    pub(super) fn truncate(&mut self, rows: usize) {
        if self.seen.is_some_and(|(row, ..)| row >= rows) {
            self.seen = None;
        }
        if self.rows <= rows {
            return;
        }
        self.rows = rows;
        if self.widened.0 >= rows {
            self.kinds = self.widened.1;
        }
        if let Some(valid) = &mut self.valid {
            valid.truncate(rows);
        }
        self.data.truncate(rows);
    }

    /// Frees spare memory once all rows are added.
    pub(super) fn seal(&mut self) {
        if let Some(valid) = &mut self.valid {
            fit(valid);
        }
        self.data.seal();
    }
}

/// Formats a string as JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Formats a float in the same way as `serde_json`.
fn float(number: f64) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(text, "{}", Value::from(number));
    text
}
