//! Parses numbers, dates and booleans of custom attributes. `None` for a value that is none, or would lose something.

use serde_json::Value;

use crate::columns::{Cell, Column, Image, Unparsed, day};
use crate::model::value::flag;

/// A number of a numeric attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Null,
    Int(i64),
    Float(f64),
}

/// Parses numbers, which the service returns as numbers or as text ("POST assets:batch-create" and "Retrieve assets data"
/// pages).
pub(super) fn numeric(column: &Column) -> Option<Column> {
    let int = |text: &str| match number(text)? {
        Number::Null => Ok(None),
        Number::Int(number) => Ok(Some(number)),
        Number::Float(_) => Err(Unparsed),
    };
    let float = |text: &str| match number(text)? {
        Number::Null => Ok(None),
        #[allow(clippy::cast_precision_loss)] // A float represents these integers exactly.
        Number::Int(number) if number.unsigned_abs() <= MOST_EXACT => Ok(Some(number as f64)),
        Number::Int(_) => Err(Unparsed),
        Number::Float(number) => Ok(Some(number)),
    };
    let parsed = column.ints(int).or_else(|| column.floats(float));
    parsed.or_else(|| column.mapped(image))
}

const MOST_EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

fn image(cell: Cell<'_>) -> Option<Image<'_>> {
    let number = match cell {
        Cell::Int(value) => Number::Int(value),
        Cell::Float(value) => Number::Float(value),
        cell => match cell.to_value() {
            Value::Number(value) => number(&value.to_string()).ok()?,
            Value::String(text) => number(&text).ok()?,
            _ => return None,
        },
    };
    Some(match number {
        Number::Null => Image::Null,
        Number::Int(number) => Image::Int(number),
        Number::Float(number) => Image::Float(number),
    })
}

/// Parses dates, which may have a time of midnight.
pub(super) fn date(column: &Column) -> Option<Column> {
    column.dates(day_of).or_else(|| {
        column.mapped(|cell| {
            let day = day_of(cell.to_value().as_str()?).ok()?;
            Some(day.map_or(Image::Null, Image::Date))
        })
    })
}

fn day_of(text: &str) -> Result<Option<i32>, Unparsed> {
    let (date, time) = text.split_at_checked(10).unwrap_or((text, ""));
    let is_midnight = |time: &str| {
        let rest = time.strip_prefix("T00:00");
        rest.is_some_and(|rest| rest.bytes().all(|byte| b"0:.Z".contains(&byte)))
    };
    match day(date) {
        Some(day) if time.is_empty() || is_midnight(time) => Ok(Some(day)),
        _ if text.trim().is_empty() => Ok(None),
        _ => Err(Unparsed),
    }
}

/// Parses booleans, which may be text.
pub(super) fn boolean(column: &Column) -> Option<Column> {
    column.mapped(|cell| match cell {
        Cell::Text(text) if text.trim().is_empty() => Some(Image::Null),
        cell => flag(&cell.to_value()).map(Image::Bool),
    })
}

/// Reads a decimal number. Blank text is null.
fn number(text: &str) -> Result<Number, Unparsed> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Number::Null);
    }
    if let Some(number) = short(text) {
        return Ok(number);
    }
    let is_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if !text.bytes().all(is_number) {
        return Err(Unparsed);
    }
    if let Ok(number) = text.parse() {
        return Ok(Number::Int(number));
    }
    let number: f64 = text.parse().map_err(|_| Unparsed)?;
    if number.is_finite() && digits(text) == digits(&format!("{number:e}")) {
        Ok(Number::Float(number))
    } else {
        Err(Unparsed)
    }
}

/// Reads a number of at most 15 digits without an exponent. A float represents all of them, and the quotient of two exact
/// floats is rounded correctly.
fn short(text: &str) -> Option<Number> {
    const MOST: usize = 15;
    let is_negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mut number, mut count, mut point) = (0_i64, 0, None);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' if count < MOST => {
                number = number * 10 + i64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(count),
            _ => return None,
        }
    }
    if count == 0 {
        return None;
    }
    let Some(point) = point else {
        return Some(Number::Int(if is_negative { -number } else { number }));
    };
    let power = POWERS.get(count - point)?;
    #[allow(clippy::cast_precision_loss)] // At most 15 digits.
    let quotient = number as f64 / power;
    Some(Number::Float(if is_negative { -quotient } else { quotient }))
}

const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Returns the significant digits of a decimal number, and the exponent of ten before the first one.
fn digits(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let mantissa = mantissa.trim_start_matches(['+', '-']);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let zeros = all.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    let first = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
    Some((significant.to_owned(), exponent.parse::<i64>().ok()? + first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_all_digits() {
        for (text, expected) in [
            ("110", "Int(110)"),
            (" -7 ", "Int(-7)"),
            ("+5", "Int(5)"),
            ("0012", "Int(12)"),
            ("1.50", "Float(1.5)"),
            ("110.0", "Float(110.0)"),
            (".5", "Float(0.5)"),
            ("5.", "Float(5.0)"),
            ("12345678.9012345", "Float(12345678.9012345)"),
            ("0.000000000000001", "Float(1e-15)"),
            ("-0.3", "Float(-0.3)"),
            ("1e3", "Float(1000.0)"),
            ("12.5E-2", "Float(0.125)"),
            ("-0.0", "Float(-0.0)"),
            ("0.1", "Float(0.1)"),
            ("9007199254740993", "Int(9007199254740993)"),
            ("", "Null"),
        ] {
            assert_eq!(
                number(text).ok().map(|number| format!("{number:?}")).as_deref(),
                Some(expected)
            );
        }
        for text in [
            "0.10000000000000001",
            "9007199254740993.0",
            "18446744073709551615",
            "1e999",
            "1e-400",
            "nan",
            "inf",
            "1,5",
            "1 000",
            "--1",
            "e5",
            ".",
            "-",
            "1.2.3",
            "\u{661}",
            "12 m",
        ] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
