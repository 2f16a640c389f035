//! Parses numbers, dates and booleans of custom attributes. `None` for a value that is none, or would lose something.

use serde_json::Value;

use crate::columns::{Cell, Image, PageColumn, Unparsed, day};
use crate::model::value::flag;

/// Parses numbers, which the service returns as numbers or as text ("POST assets:batch-create" and "Retrieve assets
/// data" pages).
pub(super) fn numeric(column: &PageColumn) -> Option<PageColumn> {
    column.floats(number).or_else(|| {
        column.mapped(|cell| {
            let number = match cell {
                Cell::Float(value) => Some(value),
                cell => match cell.to_value() {
                    Value::Number(value) => number(&value.to_string()).ok()?,
                    Value::String(text) => number(&text).ok()?,
                    _ => return None,
                },
            };
            Some(number.map_or(Image::Null, Image::Float))
        })
    })
}

/// Parses dates, which may have a time of midnight.
pub(super) fn date(column: &PageColumn) -> Option<PageColumn> {
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
pub(super) fn boolean(column: &PageColumn) -> Option<PageColumn> {
    column.mapped(|cell| match cell {
        Cell::Text(text) if text.trim().is_empty() => Some(Image::Null),
        cell => flag(&cell.to_value()).map(Image::Bool),
    })
}

/// Reads a decimal number that a float represents. Blank text is null.
fn number(text: &str) -> Result<Option<f64>, Unparsed> {
    // Most numbers are short, with no blanks around them.
    if let Some(number) = short(text).or_else(|| short(text.trim())) {
        return Ok(Some(number));
    }
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let is_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if !text.bytes().all(is_number) {
        return Err(Unparsed);
    }
    let number: f64 = text.parse().map_err(|_| Unparsed)?;
    if number.is_finite() && digits(text) == digits(&format!("{number:e}")) {
        Ok(Some(number))
    } else {
        Err(Unparsed)
    }
}

/// Reads a number of at most 15 digits without an exponent. A float represents all of them, and the quotient of two
/// exact floats is rounded correctly.
fn short(text: &str) -> Option<f64> {
    const MOST: usize = 15;
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.len() > MOST + 1 {
        return None;
    }
    let (mut number, mut point) = (0_i64, None);
    for (at, byte) in digits.iter().enumerate() {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => number = number * 10 + i64::from(digit),
            _ if *byte == b'.' && point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let count = digits.len() - usize::from(point.is_some());
    if !(1..=MOST).contains(&count) {
        return None;
    }
    let power = POWERS.get(point.map_or(0, |point| count - point))?;
    #[allow(clippy::cast_precision_loss)] // At most 15 digits.
    let quotient = number as f64 / power;
    Some(if is_negative { -quotient } else { quotient })
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
            ("110", "Some(110.0)"),
            (" -7 ", "Some(-7.0)"),
            ("+5", "Some(5.0)"),
            ("0012", "Some(12.0)"),
            ("1.50", "Some(1.5)"),
            ("110.0", "Some(110.0)"),
            (".5", "Some(0.5)"),
            ("5.", "Some(5.0)"),
            ("12345678.9012345", "Some(12345678.9012345)"),
            ("0.000000000000001", "Some(1e-15)"),
            ("-0.3", "Some(-0.3)"),
            ("1e3", "Some(1000.0)"),
            ("12.5E-2", "Some(0.125)"),
            ("-0.0", "Some(-0.0)"),
            ("0.1", "Some(0.1)"),
            ("9007199254740992", "Some(9007199254740992.0)"),
            ("", "None"),
        ] {
            assert_eq!(
                number(text).ok().map(|number| format!("{number:?}")).as_deref(),
                Some(expected)
            );
        }
        for text in [
            "0.10000000000000001",
            "9007199254740993",
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
