//! Checks a value and writes it as JSON, with one function per type of field.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;
use uuid::Uuid;

use super::json;
use super::rules::{
    ATTRIBUTE_VALUE, CLEAR, DATE_ONLY, FORMULA, NOT_FINITE, NULL, REQUIRED, Rule, TEXT, TOO_LONG,
    TURNED_TO_TEXT, UUID, WHOLE_NUMBER,
};
use crate::api::RowShape;
use crate::api::assets::fields::LONGEST_ATTRIBUTE;
use crate::api::field::{Field, Kind};
use crate::input::Cell;
use crate::model::text::trimmed;

/// The meaning of a null cell. A null cell never satisfies a required field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nulls {
    /// Ignore the cell.
    Omit,
    /// Clear the field on a patch. Ignore the cell on a create.
    Clear,
    /// Make the row invalid.
    Error,
}

/// What to do with a date that has a time of day in a custom attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dates {
    /// Make the row invalid.
    Strict,
    /// Drop the time of day.
    Truncate,
}

/// Why a value is invalid, without naming the column.
pub(super) struct Refusal {
    pub rule: &'static Rule,
    pub reason: Cow<'static, str>,
    /// A fix that is more specific than the rule's fix, or empty.
    pub fix: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(
        rule: &'static Rule,
        reason: impl Into<Cow<'static, str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            rule,
            reason: reason.into(),
            fix: fix.into(),
        }
    }
}

/// The effect of a cell on its field.
pub(super) enum Meaning {
    /// Ignore the cell.
    Absent,
    Clear,
    Value,
}

/// Interprets nulls and `CLEAR`. If `lasting` is true, the field cannot be cleared. The "PATCH
/// assets:batch-patch" reference page does not say how to clear a field, so the client sends JSON null.
pub(super) fn meaning(
    shape: RowShape,
    nulls: Nulls,
    cell: &Cell<'_>,
    lasting: bool,
) -> Result<Meaning, Refusal> {
    let create = shape.is_new();
    let refusal = |rule, reason: &'static str| Err(Refusal::new(rule, reason, ""));
    match (cell, nulls) {
        (Cell::Null, Nulls::Omit) => Ok(Meaning::Absent),
        (Cell::Null, Nulls::Clear) if create => Ok(Meaning::Absent),
        (Cell::Null, Nulls::Error) => refusal(&NULL, NULL.says),
        (Cell::Clear, _) if create => refusal(&CLEAR, "CLEAR is allowed only in a patch"),
        (Cell::Null | Cell::Clear, _) if lasting => refusal(&CLEAR, "this field cannot be cleared"),
        (Cell::Null | Cell::Clear, _) => Ok(Meaning::Clear),
        (Cell::Formula { .. }, _) => refusal(&FORMULA, NO_VALUE),
        _ => Ok(Meaning::Value),
    }
}

const NO_VALUE: &str = "saved without its value";

pub(super) type WriteResult = Result<(), Refusal>;

pub(super) fn refused(
    rule: &'static Rule,
    reason: impl Into<Cow<'static, str>>,
    fix: impl Into<Cow<'static, str>>,
) -> WriteResult {
    Err(Refusal::new(rule, reason, fix))
}

/// Writes the value of a field as JSON. On an error, `out` may contain part of the value.
pub(super) fn field(field: &Field, cell: &Cell<'_>, out: &mut Vec<u8>) -> WriteResult {
    if let Cell::Text(text) = cell
        && field.required
        && trimmed(text).is_empty()
    {
        return refused(&REQUIRED, "required, but blank", field.fix(false));
    }
    match field.kind {
        Kind::Integer => integer(field, cell, out),
        Kind::Uuid => {
            let uuid = uuid(cell, field.fix(false))?;
            unescaped(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()), out);
            Ok(())
        }
        // Rows set no field of another kind in this way.
        _ => text(field, cell, out),
    }
}

fn text(field: &Field, cell: &Cell<'_>, out: &mut Vec<u8>) -> WriteResult {
    let longest = field.longest.unwrap_or(usize::MAX);
    let too_long = || refused(&TOO_LONG, format!("longer than {longest} characters"), "");
    match cell {
        Cell::Text(text) | Cell::Shown { text, .. } if longer(text, longest) => too_long(),
        Cell::Text(text) | Cell::Shown { text, .. } => {
            json::text(text, out);
            Ok(())
        }
        Cell::Date(day) => {
            date(*day, out);
            Ok(())
        }
        Cell::DateTime(moment) | Cell::Zoned(moment, _) => {
            if midnight(*moment) {
                date(moment.date(), out);
            } else {
                unescaped(&moment.to_string(), out);
            }
            Ok(())
        }
        other => number_as_text(other, longest, out).unwrap_or_else(too_long),
    }
}

/// Writes a number as a string. Returns `None` if the number is too long.
pub(super) fn number_as_text(cell: &Cell<'_>, longest: usize, out: &mut Vec<u8>) -> Option<WriteResult> {
    let start = out.len();
    let written = number(cell, out).unwrap_or_else(|| refused(&TEXT, TEXT.says, ""));
    (!longer_number(&out[start..], longest)).then_some(written)
}

fn integer(field: &Field, cell: &Cell<'_>, out: &mut Vec<u8>) -> WriteResult {
    // Below these limits, a float represents every integer exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    const EXACT_SINGLE: f32 = 16_777_216.0;
    let whole = match cell {
        Cell::Int(number) | Cell::Shown { number, .. } => *number >= 0,
        Cell::Float(number) => number.fract() == 0.0 && (0.0..EXACT).contains(number),
        Cell::Float32(number) => number.fract() == 0.0 && (0.0..EXACT_SINGLE).contains(number),
        Cell::Digits(digits) => {
            let whole = digits.split_once('.').map_or(*digits, |(whole, fraction)| {
                if fraction.bytes().all(|byte| byte == b'0') {
                    whole
                } else {
                    ""
                }
            });
            return integer_text(field, whole, out);
        }
        Cell::Text(text) => return integer_text(field, trimmed(text), out),
        _ => false,
    };
    if whole {
        return number(cell, out).unwrap_or(Ok(()));
    }
    not_a_whole_number(field, cell)
}

fn integer_text(field: &Field, text: &str, out: &mut Vec<u8>) -> WriteResult {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        json::text(text, out);
        return Ok(());
    }
    let decimal = text
        .strip_suffix(".0")
        .is_some_and(|whole| !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()));
    if decimal || stands_for_blank(text) {
        return refused(&TURNED_TO_TEXT, TURNED_TO_TEXT.says, "");
    }
    refused(&WHOLE_NUMBER, WHOLE_NUMBER.says, field.fix(false))
}

fn not_a_whole_number(field: &Field, cell: &Cell<'_>) -> WriteResult {
    match cell {
        Cell::Float(number) if number.is_infinite() => {
            refused(&NOT_FINITE, NOT_FINITE.says, field.fix(false))
        }
        Cell::Float32(number) if number.is_infinite() => {
            refused(&NOT_FINITE, NOT_FINITE.says, field.fix(false))
        }
        _ => refused(&WHOLE_NUMBER, WHOLE_NUMBER.says, field.fix(false)),
    }
}

/// Parses a cell that contains a UUID.
pub(super) fn uuid(cell: &Cell<'_>, fix: &'static str) -> Result<Uuid, Refusal> {
    let text = match cell {
        Cell::Text(text) => text,
        Cell::Formula { .. } => return Err(Refusal::new(&FORMULA, NO_VALUE, "")),
        _ => return Err(Refusal::new(&UUID, "not a UUID", fix)),
    };
    let text = trimmed(text);
    Uuid::try_parse(text).map_err(|_| {
        if stands_for_blank(text) {
            Refusal::new(&TURNED_TO_TEXT, TURNED_TO_TEXT.says, "")
        } else {
            Refusal::new(&UUID, "not a UUID", fix)
        }
    })
}

/// Writes the value of a custom attribute of unknown type, without the project's settings. The "POST
/// assets:batch-create" reference page allows strings, arrays of strings and booleans. Numbers are sent as strings.
pub(super) fn attribute(cell: &Cell<'_>, dates: Dates, out: &mut Vec<u8>) -> WriteResult {
    match cell {
        Cell::Bool(value) => {
            out.extend_from_slice(if *value { b"true" } else { b"false" });
            Ok(())
        }
        Cell::Text(text) if longer(text, LONGEST_ATTRIBUTE) => refused(
            &TOO_LONG,
            format!("longer than {LONGEST_ATTRIBUTE} characters"),
            "",
        ),
        Cell::Text(text) => {
            json::text(text, out);
            Ok(())
        }
        Cell::Date(day) => {
            date(*day, out);
            Ok(())
        }
        Cell::DateTime(moment) | Cell::Zoned(moment, _) if dates == Dates::Truncate || midnight(*moment) => {
            date(moment.date(), out);
            Ok(())
        }
        Cell::DateTime(_) => refused(&DATE_ONLY, DATE_ONLY.says, ""),
        Cell::Zoned(..) => refused(&DATE_ONLY, DATE_ONLY.says, ZONED),
        Cell::List(items) => choices(items, out),
        other => {
            let start = out.len();
            let written =
                number(other, out).unwrap_or_else(|| refused(&ATTRIBUTE_VALUE, ATTRIBUTE_VALUE.says, ""));
            if longer_number(&out[start..], LONGEST_ATTRIBUTE) {
                return refused(&TOO_LONG, format!("longer than {LONGEST_ATTRIBUTE} digits"), "");
            }
            written
        }
    }
}

/// The fix for a time of day with a time zone: in another zone, it may be the midnight of another day.
pub(super) const ZONED: &str = "convert the times to the local time zone first, for example with \
    .dt.tz_convert('Europe/Berlin'), because the date depends on it. If they still have a time of day, pass \
    dates='truncate' to drop it";

/// Writes the options of a multi-select attribute.
fn choices(items: &[Cell<'_>], out: &mut Vec<u8>) -> WriteResult {
    out.push(b'[');
    let mut first = true;
    for item in items {
        match item {
            Cell::Null => {}
            Cell::Text(text) => {
                if !first {
                    out.push(b',');
                }
                first = false;
                json::text(text, out);
            }
            _ => {
                return refused(&ATTRIBUTE_VALUE, "the list has an item that is not a string", "");
            }
        }
    }
    out.push(b']');
    Ok(())
}

/// Writes a number as a string, with a point as the decimal separator. Returns `None` if the cell is not a
/// number.
pub(super) fn number(cell: &Cell<'_>, out: &mut Vec<u8>) -> Option<WriteResult> {
    match cell {
        Cell::Int(number) | Cell::Shown { number, .. } => {
            unescaped(itoa::Buffer::new().format(*number), out);
        }
        Cell::Digits(digits) => json::text(digits, out),
        Cell::Float(number) if number.is_finite() => float(*number, out),
        Cell::Float32(number) if number.is_finite() => float(*number, out),
        Cell::Float(_) | Cell::Float32(_) => return Some(refused(&NOT_FINITE, NOT_FINITE.says, "")),
        _ => return None,
    }
    Some(Ok(()))
}

fn float(number: impl zmij::Float, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number);
    let text = text.strip_suffix(".0").unwrap_or(text);
    unescaped(if text == "-0" { "0" } else { text }, out);
}

/// Writes a date as `YYYY-MM-DD`.
pub(super) fn date(date: Date, out: &mut Vec<u8>) {
    let digits = |number: i16, unit: i16| b'0' + u8::try_from(number / unit % 10).unwrap_or(0);
    let (year, month, day) = (date.year(), i16::from(date.month()), i16::from(date.day()));
    if year < 0 {
        return unescaped(&date.to_string(), out);
    }
    out.extend_from_slice(&[
        b'"',
        digits(year, 1000),
        digits(year, 100),
        digits(year, 10),
        digits(year, 1),
        b'-',
        digits(month, 10),
        digits(month, 1),
        b'-',
        digits(day, 10),
        digits(day, 1),
        b'"',
    ]);
}

/// Writes a JSON string that needs no escapes.
pub(super) fn unescaped(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

pub(super) fn midnight(moment: DateTime) -> bool {
    moment.time() == Time::midnight()
}

/// Returns whether a string has more than `most` characters.
pub(super) fn longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().nth(most).is_some()
}

/// Returns whether a number written by [`number`] has more than `most` characters. `json` is the number in
/// quotes, with one byte per character.
pub(super) fn longer_number(json: &[u8], most: usize) -> bool {
    json.len().saturating_sub(2) > most
}

/// Returns whether a string looks like a blank cell in a column that was converted to strings, for example
/// "nan".
pub(super) fn stands_for_blank(text: &str) -> bool {
    ["nan", "none", "nat", "<na>", "null"]
        .iter()
        .any(|blank| text.eq_ignore_ascii_case(blank))
}

/// Returns whether a cell contains a string that `astype(str)` creates from a blank cell.
pub(super) fn is_blank_as_text(cell: &Cell<'_>) -> bool {
    matches!(cell, Cell::Text(text) if text.len() <= 4 && stands_for_blank(text))
}
