//! Values in requests: ids, times, dates and numbers.

use uuid::Uuid;

use super::refusal::{Refusal, bad_field};
use super::world::Millis;

/// Parses a UUID in its hyphenated form.
pub fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// Parses a time in a query: an RFC 3339 timestamp, or a date, which stands for the start of that day in UTC.
pub fn instant(text: &str) -> Option<Millis> {
    let full = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    full.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_millisecond)
}

/// Parses a range of times: `from..to`, `from..` or `..to`. A single time is both the start and the end of
/// the range.
pub fn instants(name: &str, text: &str) -> Result<(Millis, Millis), Refusal> {
    let end = |text: &str, open: Millis| {
        if text.is_empty() {
            Some(open)
        } else {
            instant(text)
        }
    };
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    match (end(from, Millis::MIN), end(to, Millis::MAX)) {
        (Some(from), Some(to)) if !text.is_empty() && text != ".." => Ok((from, to)),
        _ => Err(bad_field(
            "INVALID_PARAMETER",
            name,
            format!("{text:?} is not a time or a range of times."),
        )),
    }
}

/// Parses a finite number. The decimal separator must be a point.
pub fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Returns whether a string is a valid date in the form `YYYY-MM-DD`.
pub fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}
