//! Numbers that are written as text.

use crate::columns::Image;

/// Reads a decimal number. Blank text is null. Returns `None` for a text that is no number, or whose digits do not fit
/// into an integer or a float.
pub(super) fn number(text: &str) -> Option<Image<'static>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Image::Null);
    }
    let is_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if !text.bytes().all(is_number) {
        return None;
    }
    if let Ok(number) = text.parse() {
        return Some(Image::Int(number));
    }
    let number: f64 = text.parse().ok()?;
    let is_exact = number.is_finite() && digits(text) == digits(&format!("{number:e}"));
    is_exact.then_some(Image::Float(number))
}

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
            ("1e3", "Float(1000.0)"),
            ("12.5E-2", "Float(0.125)"),
            ("-0.0", "Float(-0.0)"),
            ("0.1", "Float(0.1)"),
            ("9007199254740993", "Int(9007199254740993)"),
            ("", "Null"),
        ] {
            assert_eq!(
                number(text).map(|image| format!("{image:?}")).as_deref(),
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
            "12 m",
        ] {
            assert!(number(text).is_none(), "{text}");
        }
    }
}
