//! The one comparison of values: those that were sent, those that the service returns, and those of a description.
//!
//! The service may return a value in another form: a number as a string, a date with a time, the items of a list in
//! another order. Every comparison uses these rules, so a row that counts as unchanged and a lost patch that counts as
//! executed are judged alike.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::text::trimmed;
use super::value::flag;

/// How the values of a field are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form<'s> {
    Text,
    /// A string whose leading and trailing blanks do not count.
    Trimmed,
    Uuid,
    /// A custom attribute of this type. Empty if the type is unknown.
    Attribute(&'s str),
}

impl Form<'_> {
    /// A custom attribute whose type is unknown.
    pub const UNKNOWN: Self = Form::Attribute("");
}

/// Returns whether two values of a field are the same value. Null, an empty list and a blank string are the same.
///
/// If the type of a custom attribute is unknown, a false "same" could claim that a request was executed which was not,
/// but a false "different" only costs another request or leaves a row unknown. So values are the same only if that holds
/// for every type that they can have:
/// - A JSON number shows that the attribute is numeric, and a JSON boolean that it is boolean. The other value may be a
///   string: 6.5 is "6.50", and true is "true".
/// - A date is the same with and without a time of midnight in UTC, whatever the type is.
/// - Any other two strings must be equal: "1.50" and "1.5" may be texts.
#[must_use]
pub fn same(one: &Value, other: &Value, form: Form<'_>) -> bool {
    if one == other || is_blank(one) && is_blank(other) {
        return true;
    }
    match form {
        Form::Text | Form::Trimmed | Form::Uuid => {
            let (Some(one), Some(other)) = (text(one), text(other)) else {
                return false;
            };
            match form {
                Form::Text => one == other,
                Form::Uuid => one.eq_ignore_ascii_case(&other),
                _ => trimmed(&one) == trimmed(&other),
            }
        }
        Form::Attribute(kind) => match (kind, one, other) {
            (_, Value::Array(one), Value::Array(other)) => {
                same_items(one, other, |one, other| same(one, other, form))
            }
            // A select attribute with one value, or a multi-select attribute in the other form.
            (_, Value::Array(items), one) | (_, one, Value::Array(items)) => {
                matches!(&items[..], [item] if same(item, one, form))
            }
            ("boolean", ..) | ("", Value::Bool(_), _) | ("", _, Value::Bool(_)) => {
                flag(one).is_some_and(|one| flag(other) == Some(one))
            }
            ("date", Value::String(one), Value::String(other)) => day(one) == day(other),
            ("", Value::String(one), Value::String(other)) => {
                certain_day(one).is_some_and(|one| certain_day(other) == Some(one))
            }
            ("numeric" | "", ..) | (_, Value::Number(_), Value::String(_)) => same_numbers(one, other),
            _ => matches!((text(one), text(other)), (Some(one), Some(other)) if one == other),
        },
    }
}

/// Returns whether two lists have the same items, in any order.
pub(crate) fn same_items<T>(ours: &[T], theirs: &[Value], same: impl Fn(&T, &Value) -> bool) -> bool {
    ours.iter().all(|one| theirs.iter().any(|other| same(one, other)))
        && theirs.iter().all(|other| ours.iter().any(|one| same(one, other)))
}

/// Returns whether a value is null or without content.
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Returns the text of a string or a number.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Returns the date at the start of the value of a date attribute, without a time of midnight.
pub(crate) fn day(text: &str) -> &str {
    let text = text.trim();
    match text.split_at_checked(10) {
        Some((day, time)) if time.starts_with("T00:00") => day,
        _ => text,
    }
}

/// Returns the date of a text that is certainly a date: without a time, or at midnight in UTC. In another time zone,
/// midnight may be in another day.
fn certain_day(text: &str) -> Option<&str> {
    let (day, time) = text.split_at_checked(10)?;
    day.parse::<jiff::civil::Date>().ok()?;
    let is_midnight = time.is_empty() || {
        let seconds = time.strip_prefix("T00:00")?;
        let seconds = seconds.strip_suffix('Z').unwrap_or(seconds);
        let fraction = seconds.strip_prefix(":00").unwrap_or(seconds);
        fraction.is_empty()
            || fraction
                .strip_prefix('.')
                .is_some_and(|zeros| zeros.bytes().all(|zero| zero == b'0'))
    };
    is_midnight.then_some(day)
}

/// Returns whether two strings or numbers are the same number.
pub(crate) fn same_numbers(one: &Value, other: &Value) -> bool {
    // JSON numbers with a fraction or an exponent were rounded when they were read.
    let is_rounded = one.is_f64() || other.is_f64();
    let (Some(one), Some(other)) = (text(one), text(other)) else {
        return false;
    };
    match (decimal(&one), decimal(&other)) {
        (Some(one), Some(other)) if !is_rounded => one == other,
        // One of the numbers may have an exponent.
        _ => match (one.trim().parse::<f64>(), other.trim().parse::<f64>()) {
            (Ok(one), Ok(other)) => one.is_finite() && one.partial_cmp(&other) == Some(Ordering::Equal),
            _ => false,
        },
    }
}

/// Returns the sign and the significant digits before and after the point of a decimal number.
pub(crate) fn decimal(text: &str) -> Option<(bool, &str, &str)> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let is_zero = whole.is_empty() && fraction.is_empty();
    Some((text.starts_with('-') && !is_zero, whole, fraction))
}

#[cfg(test)]
mod tests;
