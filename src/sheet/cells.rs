//! The cells of a written sheet: values that a file of rows to fix keeps as they were given.

use jiff::civil::{Date, DateTime};
use rust_xlsxwriter::{Color, Format, Worksheet, XlsxError};

use super::{LONGEST_CELL, as_text, cut};
use crate::input::Cell;
use crate::validation::columns::CLEAR;

/// The value of a cell that is not blank.
pub(super) enum Value {
    Number(f64),
    /// A number with its format, which shows text.
    Shown(f64, String),
    Bool(bool),
    Text(String),
    Date(Date),
    DateTime(DateTime),
}

/// Returns the value to write for a cell, or `None` for a blank one.
pub(super) fn value(cell: &Cell<'_>) -> Option<Value> {
    // Excel stores 15 digits, so a longer number would change.
    const EXACT: i64 = 999_999_999_999_999;
    Some(match cell {
        // If it were written as text, a formula would look like a value.
        Cell::Null | Cell::Map(_) | Cell::Formula { .. } => return None,
        Cell::Clear => Value::Text(CLEAR.to_owned()),
        Cell::Bool(value) => Value::Bool(*value),
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Int(number) if (-EXACT..=EXACT).contains(number) => Value::Number(*number as f64),
        Cell::Int(number) => Value::Text(number.to_string()),
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Shown { number, format, .. } if (-EXACT..=EXACT).contains(number) => {
            Value::Shown(*number as f64, (*format).to_owned())
        }
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Float(number)
            if number.is_finite() && (number.fract() != 0.0 || number.abs() <= EXACT as f64) =>
        {
            Value::Number(*number)
        }
        Cell::Float(number) => Value::Text(number.to_string()),
        Cell::Float32(number) => Value::Text(number.to_string()),
        Cell::Digits(text) | Cell::Text(text) | Cell::Other(text) | Cell::Shown { text, .. } => {
            Value::Text((*text).to_owned())
        }
        Cell::Date(day) => Value::Date(*day),
        Cell::DateTime(moment) => Value::DateTime(*moment),
        Cell::List(items) => {
            let texts: Vec<String> = items
                .iter()
                .filter_map(value)
                .map(|value| match value {
                    Value::Number(number) | Value::Shown(number, _) => number.to_string(),
                    Value::Bool(value) => value.to_string(),
                    Value::Text(text) => text,
                    Value::Date(day) => day.to_string(),
                    Value::DateTime(moment) => moment.to_string(),
                })
                .collect();
            Value::Text(texts.join("; "))
        }
    })
}

/// Returns the format, with the color of a bad cell if the cell is bad.
pub(super) fn marked(format: Format, bad: bool) -> Format {
    if bad {
        format.set_background_color(Color::RGB(0x00FF_C7CE))
    } else {
        format
    }
}

/// Writes a cell. Returns the approximate width in characters.
pub(super) fn put(
    sheet: &mut Worksheet,
    line: u32,
    column: u16,
    value: &Value,
    bad: bool,
) -> Result<usize, XlsxError> {
    // Excel has no dates before 1900.
    let early = |year: i16| year < 1900;
    Ok(match value {
        Value::Number(number) => {
            sheet.write_number_with_format(line, column, *number, &marked(Format::new(), bad))?;
            number.to_string().len()
        }
        Value::Shown(number, format) => {
            let style = marked(Format::new().set_num_format(format), bad);
            sheet.write_number_with_format(line, column, *number, &style)?;
            number.to_string().len() + format.chars().count()
        }
        Value::Bool(value) => {
            sheet.write_boolean_with_format(line, column, *value, &marked(Format::new(), bad))?;
            5
        }
        Value::Date(day) if !early(day.year()) => {
            let format = marked(Format::new().set_num_format("yyyy-mm-dd"), bad);
            sheet.write_datetime_with_format(line, column, *day, &format)?;
            10
        }
        Value::DateTime(moment) if !early(moment.year()) => {
            let format = marked(Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"), bad);
            sheet.write_datetime_with_format(line, column, *moment, &format)?;
            19
        }
        other => {
            let text = match other {
                Value::Text(text) => cut(text, LONGEST_CELL),
                Value::Date(day) => day.to_string(),
                Value::DateTime(moment) => moment.to_string(),
                Value::Number(number) | Value::Shown(number, _) => number.to_string(),
                Value::Bool(value) => value.to_string(),
            };
            let length = text.chars().count();
            sheet.write_string_with_format(line, column, text, &marked(as_text(), bad))?;
            length
        }
    })
}
