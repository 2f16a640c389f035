//! Writes values of custom attributes whose type is known, with one function per type ("POST
//! assets:batch-create" reference page, `customAttributes`).

use super::resolve::Resolver;
use crate::api::assets::fields::LONGEST_ATTRIBUTE;
use crate::input::Cell;
use crate::model::settings::Attribute;
use crate::model::text::listed;
use crate::rows::json;
use crate::rows::policy::Policy;
use crate::rows::reading::{Reading, WITH_DATE};
use crate::rows::rules::{CHOICE, DATE, DATE_ONLY, NOT_FINITE, NUMBER, TOO_LONG, YES_NO};
use crate::rows::value::{
    self, Dates, Refusal, WriteResult, date, longer, longer_number, midnight, number, number_as_text, refused,
};
use crate::settings::LookupError;

/// Returns whether a cell is a blank string that counts as missing. Only an optional text attribute accepts
/// blank strings.
pub(super) fn is_blank(attribute: &Attribute, cell: &Cell<'_>) -> bool {
    (attribute.data_type != "text" || attribute.required)
        && matches!(cell, Cell::Text(text) if text.trim().is_empty())
}

/// Writes the value of a custom attribute as JSON. On an error, `out` may contain part of the value.
pub(super) fn write(
    attribute: &Attribute,
    place: usize,
    cell: &Cell<'_>,
    (policy, reading): (&Policy, &Reading),
    names: &mut Resolver,
    out: &mut Vec<u8>,
) -> WriteResult {
    match attribute.data_type.as_str() {
        "text" => text(attribute, cell, out),
        "numeric" => numeric(cell, reading, out),
        "date" => day(cell, policy.dates, reading, out),
        "boolean" => boolean(cell, reading, out),
        "select" => {
            let id = match cell {
                Cell::List(items) if items.len() == 1 => choice(place, &items[0], names),
                other => choice(place, other, names),
            }?;
            json::text(&id, out);
            Ok(())
        }
        "multi_select" => choices(place, cell, names, out),
        // The type is unknown, so leave the type check to the service.
        _ => value::attribute(cell, policy.dates, out),
    }
}

fn text(attribute: &Attribute, cell: &Cell<'_>, out: &mut Vec<u8>) -> WriteResult {
    let longest = attribute.longest.unwrap_or(LONGEST_ATTRIBUTE);
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
        Cell::DateTime(moment) | Cell::Zoned(moment, _) if midnight(*moment) => {
            date(moment.date(), out);
            Ok(())
        }
        Cell::DateTime(moment) | Cell::Zoned(moment, _) => {
            value::unescaped(&moment.to_string(), out);
            Ok(())
        }
        other => number_as_text(other, longest, out).unwrap_or_else(too_long),
    }
}

/// Writes a number as a string, with a point as the decimal separator. A string is checked and sent without
/// surrounding blanks or a leading plus sign. The maximum length applies to attributes of every type.
fn numeric(cell: &Cell<'_>, reading: &Reading, out: &mut Vec<u8>) -> WriteResult {
    let too_long = || {
        refused(
            &TOO_LONG,
            format!("longer than {LONGEST_ATTRIBUTE} characters"),
            "",
        )
    };
    let Cell::Text(text) = cell else {
        let start = out.len();
        let written = number(cell, out).unwrap_or_else(|| refused(&NUMBER, "not a number", ""));
        if longer_number(&out[start..], LONGEST_ATTRIBUTE) {
            return too_long();
        }
        return written;
    };
    let number = match reading.number(text) {
        Ok(number) => number,
        Err((reason, fix)) => return refused(&NUMBER, reason, fix),
    };
    if number.parse::<f64>().is_ok_and(f64::is_infinite) {
        return refused(&NOT_FINITE, NOT_FINITE.says, "");
    }
    if longer(&number, LONGEST_ATTRIBUTE) {
        return too_long();
    }
    json::text(&number, out);
    Ok(())
}

fn day(cell: &Cell<'_>, dates: Dates, reading: &Reading, out: &mut Vec<u8>) -> WriteResult {
    let moment = match cell {
        Cell::Date(day) => day.to_datetime(jiff::civil::Time::midnight()),
        Cell::DateTime(moment) | Cell::Zoned(moment, _) => *moment,
        Cell::Text(text) => match reading.date(text) {
            Ok(moment) => moment,
            Err((reason, fix)) => return refused(&DATE, reason, fix),
        },
        _ => return refused(&DATE, "not a date", WITH_DATE),
    };
    if dates == Dates::Strict && !midnight(moment) {
        return refused(
            &DATE_ONLY,
            DATE_ONLY.says,
            if has_zone(cell) { value::ZONED } else { "" },
        );
    }
    date(moment.date(), out);
    Ok(())
}

/// Returns whether a date or time has a time zone.
fn has_zone(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Zoned(..) => true,
        Cell::Text(text) => text.trim().parse::<jiff::Timestamp>().is_ok(),
        _ => false,
    }
}

/// Returns whether a cell is a time of day with a time zone, whose date is another one in some zones.
pub(super) fn is_zoned_time(cell: &Cell<'_>, reading: &Reading) -> bool {
    let is_time = match cell {
        Cell::Zoned(moment, _) => !midnight(*moment),
        Cell::Text(text) => text.contains(':') && reading.date(text).is_ok_and(|moment| !midnight(moment)),
        _ => false,
    };
    is_time && has_zone(cell)
}

fn boolean(cell: &Cell<'_>, reading: &Reading, out: &mut Vec<u8>) -> WriteResult {
    let said = match cell {
        Cell::Bool(said) => Some(*said),
        Cell::Int(number) | Cell::Shown { number, .. } => match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        // pandas converts a column of booleans with blanks to floats.
        Cell::Float(number) => zero_or_one(*number),
        Cell::Float32(number) => zero_or_one(f64::from(*number)),
        Cell::Digits(digits) => match digits.split_once('.').unwrap_or((digits, "")) {
            (whole, fraction) if fraction.bytes().all(|digit| digit == b'0') => match whole {
                "0" => Some(false),
                "1" => Some(true),
                _ => None,
            },
            _ => None,
        },
        Cell::Text(text) => reading.boolean(text),
        _ => None,
    };
    let Some(said) = said else {
        return refused(&YES_NO, "neither yes nor no", "");
    };
    out.extend_from_slice(if said { b"true" } else { b"false" });
    Ok(())
}

fn zero_or_one(number: f64) -> Option<bool> {
    if number == 0.0 {
        return Some(false);
    }
    ((number - 1.0).abs() < f64::EPSILON).then_some(true)
}

/// Looks up the id of one of the attribute's options.
fn choice(place: usize, cell: &Cell<'_>, names: &mut Resolver) -> Result<String, Refusal> {
    let mut written = Vec::new();
    let found = match cell {
        Cell::Text(text) | Cell::Shown { text, .. } => names.choice(place, text.trim()),
        other => {
            if !matches!(number(other, &mut written), Some(Ok(()))) {
                return Err(Refusal::new(
                    &CHOICE,
                    "expected the label or id of a value of this attribute",
                    "",
                ));
            }
            let text: String = serde_json::from_slice(&written).unwrap_or_default();
            names.choice(place, &text)
        }
    };
    found.map_err(|error| refusal(&error))
}

fn refusal(error: &LookupError) -> Refusal {
    let reason = match error {
        LookupError::Inactive(label) => format!("the value {label} is inactive"),
        _ => "no such value in this attribute".to_owned(),
    };
    Refusal::new(&CHOICE, reason, error.fix_of_cell("value"))
}

/// Writes the options of a multi-select attribute, given as a list, as one label or id, or as several labels
/// or ids separated by `;`, line breaks or commas.
fn choices(place: usize, cell: &Cell<'_>, names: &mut Resolver, out: &mut Vec<u8>) -> WriteResult {
    let ids: Vec<String> = match cell {
        Cell::List(items) => items
            .iter()
            .filter(|item| !matches!(item, Cell::Null))
            .map(|item| choice(place, item, names))
            .collect::<Result<_, _>>()?,
        Cell::Text(text) => names.several(place, text, |names| labels(place, text.trim(), names))?,
        other => vec![choice(place, other, names)?],
    };
    out.push(b'[');
    for (at, id) in ids.iter().enumerate() {
        // Duplicate values are sent once.
        if !ids[..at].contains(id) {
            if at > 0 {
                out.push(b',');
            }
            json::text(id, out);
        }
    }
    out.push(b']');
    Ok(())
}

/// The maximum number of separators that a single label may contain.
const MOST_SIGNS: usize = 3;

/// Looks up the ids of one or more labels. A label may contain the separator itself. Several labels may also be a JSON
/// array.
fn labels(place: usize, text: &str, names: &mut Resolver) -> Result<Vec<String>, Refusal> {
    if let Some(id) = names.offered(place, text) {
        return Ok(vec![id]);
    }
    if let Some(items) = listed(text) {
        let ids = items.iter().map(|item| names.choice(place, item));
        return ids.collect::<Result<_, _>>().map_err(|error| refusal(&error));
    }
    let signs: &[char] = if text.contains([';', '\n']) {
        &[';', '\n']
    } else {
        &[',']
    };
    // Each separator is one byte long.
    let ends: Vec<usize> = text
        .match_indices(signs)
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    if ends.len() == 1 {
        let found = names.choice(place, text).map_err(|error| refusal(&error))?;
        return Ok(vec![found]);
    }
    let mut ids = Vec::new();
    let (mut start, mut next) = (0, 0);
    while next < ends.len() {
        let part = text[start..ends[next]].trim();
        if !part.is_empty() {
            let longest = ends.len().min(next + MOST_SIGNS + 1);
            let found = (next..longest)
                .find_map(|end| Some((end, names.offered(place, text[start..ends[end]].trim())?)));
            if let Some((end, id)) = found {
                ids.push(id);
                next = end;
            } else {
                ids.push(names.choice(place, part).map_err(|error| {
                    let reason = format!("no value '{part}' in this attribute");
                    Refusal::new(&CHOICE, reason, error.fix_of_cell("value"))
                })?);
            }
        }
        start = ends[next] + 1;
        next += 1;
    }
    Ok(ids)
}
