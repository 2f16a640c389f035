//! The cells of a written sheet: values that a file of rows to fix keeps as they were given.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};
use rust_xlsxwriter::{Color, Format, Formula, Worksheet, XlsxError};

use super::format::{LONGEST_CELL, as_text, cut};
use crate::input::{Cell, with_offset};
use crate::rows::columns::CLEAR;

/// The value of a cell that is not blank.
#[derive(Clone)]
pub(super) enum OutputValue {
    Number(f64),
    /// A number with more digits than Excel keeps, and its text.
    Long(f64, String),
    /// A number with its format, which shows text.
    Shown(f64, String),
    Bool(bool),
    Text(String),
    Date(Date),
    DateTime(DateTime),
    /// The texts of a list, joined.
    List(String),
    /// An error of Excel.
    Error(&'static str),
    /// A value that a cell cannot contain, such as a formula without its value. If it were written as text, or if the
    /// cell were blank, the cell would look valid.
    Unwritable,
}

/// Excel's errors (ECMA-376, part 1, 18.17.3).
const ERRORS: [&str; 7] = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"];

/// Returns the value to write for a cell, or `None` for a blank one.
pub(super) fn value(cell: &Cell<'_>) -> Option<OutputValue> {
    // Excel stores 15 digits, so a longer number would change.
    const EXACT: i64 = 999_999_999_999_999;
    Some(match cell {
        Cell::Null => return None,
        Cell::Map(_) | Cell::Formula { .. } => OutputValue::Unwritable,
        Cell::Other(kind) => {
            let error = ERRORS
                .into_iter()
                .find(|error| kind.strip_prefix("error ") == Some(*error));
            error.map_or(OutputValue::Unwritable, OutputValue::Error)
        }
        Cell::Clear => OutputValue::Text(CLEAR.to_owned()),
        Cell::Bool(value) => OutputValue::Bool(*value),
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Int(number) if (-EXACT..=EXACT).contains(number) => OutputValue::Number(*number as f64),
        #[allow(clippy::cast_precision_loss)] // Excel loses the last digits, so the text is kept beside it.
        Cell::Int(number) => OutputValue::Long(*number as f64, number.to_string()),
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Shown { number, format, .. } if (-EXACT..=EXACT).contains(number) => {
            OutputValue::Shown(*number as f64, (*format).to_owned())
        }
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Float(number)
            if number.is_finite() && (number.fract() != 0.0 || number.abs() <= EXACT as f64) =>
        {
            OutputValue::Number(*number)
        }
        Cell::Float(number) if number.is_finite() => OutputValue::Long(*number, number.to_string()),
        // As the text of the float, which may be read with another decimal separator.
        Cell::Float32(number) if number.is_finite() => {
            let text = number.to_string();
            fraction(&text).unwrap_or(OutputValue::Text(text))
        }
        Cell::Float(_) | Cell::Float32(_) => OutputValue::Error("#NUM!"),
        #[allow(clippy::cast_precision_loss)] // As for a long integer.
        Cell::Shown { number, text, .. } => OutputValue::Long(*number as f64, (*text).to_owned()),
        Cell::Digits(text) => fraction(text).unwrap_or_else(|| match text.parse() {
            Ok(number) => OutputValue::Long(number, (*text).to_owned()),
            Err(_) => OutputValue::Text((*text).to_owned()),
        }),
        Cell::Text(text) => OutputValue::Text((*text).to_owned()),
        Cell::Date(day) => OutputValue::Date(*day),
        // A date cell has no time zone, but the date of a time depends on it.
        Cell::Zoned(moment, offset) if moment.time() != Time::midnight() => {
            OutputValue::Text(with_offset(*moment, *offset))
        }
        Cell::DateTime(moment) | Cell::Zoned(moment, _) => OutputValue::DateTime(*moment),
        Cell::List(items) => {
            let texts: Vec<String> = items
                .iter()
                .filter_map(value)
                .map(|value| match value {
                    OutputValue::Number(number) | OutputValue::Shown(number, _) => number.to_string(),
                    OutputValue::Bool(value) => value.to_string(),
                    OutputValue::Text(text) | OutputValue::List(text) | OutputValue::Long(_, text) => text,
                    OutputValue::Date(day) => day.to_string(),
                    OutputValue::DateTime(moment) => moment.to_string(),
                    OutputValue::Error(error) => error.to_owned(),
                    OutputValue::Unwritable => NOT_AVAILABLE.to_owned(),
                })
                .collect();
            OutputValue::List(texts.join("; "))
        }
    })
}

/// Returns the number of a text with a decimal point, if the cell of this number has the same text. As text, it would
/// be read with the decimal separator of the other texts.
fn fraction(text: &str) -> Option<OutputValue> {
    let number: f64 = text.parse().ok().filter(|_| text.contains('.'))?;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (digits <= 15 && number.to_string() == text).then_some(OutputValue::Number(number))
}

/// Returns the format, with the color of a bad cell if the cell is bad.
pub(super) fn marked(format: Format, bad: bool) -> Format {
    if bad {
        format.set_background_color(Color::RGB(0x00FF_C7CE))
    } else {
        format
    }
}

const NOT_AVAILABLE: &str = "#N/A";

/// The codes of rules about numbers that lost digits.
pub(super) const LEADING_ZEROS: &str = "leading_zeros";
const TOO_MANY_DIGITS: &str = "too_many_digits";

/// The codes of rules that a list breaks where a single value is expected.
const OF_SINGLE_VALUES: [&str; 8] = [
    "text",
    "attribute_value",
    "uuid",
    "whole_number",
    "number",
    "date",
    "yes_no",
    "choice",
];

impl OutputValue {
    /// Returns the value for a column of numbers. Zeros at the end do not count there.
    pub(super) fn as_number(&self) -> Cow<'_, Self> {
        match self {
            Self::Long(number, text) if text.contains('.') && text.len() <= 16 => {
                Cow::Owned(Self::Number(*number))
            }
            other => Cow::Borrowed(other),
        }
    }

    /// Returns the value to write for a bad cell. Read again, it is bad for the same reason, even without the cells of
    /// the rows that are not written. `code` is the code of the problem, and `is_multiple` is whether the column
    /// takes lists.
    pub(super) fn of_bad(&self, code: &str, is_multiple: bool) -> Cow<'_, Self> {
        match self {
            Self::List(_) if !is_multiple && OF_SINGLE_VALUES.contains(&code) => Cow::Owned(Self::Unwritable),
            Self::Long(number, _) if [TOO_MANY_DIGITS, LEADING_ZEROS].contains(&code) => {
                Cow::Owned(Self::Number(*number))
            }
            other => Cow::Borrowed(other),
        }
    }
}

/// Writes a cell. `code` is the code of the problem of a bad cell. Returns the approximate width in characters.
pub(super) fn put(
    sheet: &mut Worksheet,
    line: u32,
    column: u16,
    value: &OutputValue,
    code: Option<&str>,
) -> Result<usize, XlsxError> {
    let bad = code.is_some();
    // Excel has no dates before 1900.
    let early = |year: i16| year < 1900;
    Ok(match value {
        OutputValue::Number(number) => {
            // What is typed into the cell instead of a number without its zeros must stay text.
            let is_text = matches!(code, Some(LEADING_ZEROS | TOO_MANY_DIGITS));
            let format = if is_text { as_text() } else { Format::new() };
            sheet.write_number_with_format(line, column, *number, &marked(format, bad))?;
            number.to_string().len()
        }
        OutputValue::Shown(number, format) => {
            let style = marked(Format::new().set_num_format(format), bad);
            sheet.write_number_with_format(line, column, *number, &style)?;
            number.to_string().len() + format.chars().count()
        }
        OutputValue::Bool(value) => {
            sheet.write_boolean_with_format(line, column, *value, &marked(Format::new(), bad))?;
            5
        }
        OutputValue::Date(day) if !early(day.year()) => {
            let format = marked(Format::new().set_num_format("yyyy-mm-dd"), bad);
            sheet.write_datetime_with_format(line, column, *day, &format)?;
            10
        }
        OutputValue::DateTime(moment) if !early(moment.year()) => {
            let format = marked(Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"), bad);
            sheet.write_datetime_with_format(line, column, *moment, &format)?;
            19
        }
        OutputValue::Error(_) | OutputValue::Unwritable => {
            let error = match value {
                OutputValue::Error(error) => *error,
                _ => NOT_AVAILABLE,
            };
            let formula = Formula::new(format!("={error}")).set_result(error);
            sheet.write_formula_with_format(line, column, formula, &marked(Format::new(), bad))?;
            error.len()
        }
        other => {
            let text = match other {
                OutputValue::Text(text) | OutputValue::List(text) | OutputValue::Long(_, text) => {
                    cut(text, LONGEST_CELL)
                }
                OutputValue::Date(day) => day.to_string(),
                OutputValue::DateTime(moment) => moment.to_string(),
                OutputValue::Number(number) | OutputValue::Shown(number, _) => number.to_string(),
                OutputValue::Bool(value) => value.to_string(),
                OutputValue::Error(_) | OutputValue::Unwritable => String::new(),
            };
            let length = text.chars().count();
            sheet.write_string_with_format(line, column, text, &marked(as_text(), bad))?;
            length
        }
    })
}
