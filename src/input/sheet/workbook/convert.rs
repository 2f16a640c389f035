//! Converts the cells that the library reads. Where the library reports number formats, displayed leading zeros and
//! text are kept.

use std::collections::HashMap;
use std::sync::Arc;

use calamine::{Data, DataRef, ExcelDateTime, Style};
use jiff::SignedDuration;
use jiff::civil;

use super::super::value::{ShownNumber, WorkbookValue};
use super::shown::Shown;

/// The shared strings found so far, each stored once for all its cells. A file of 23 kB can use a string of 1 MB in
/// 4,000 cells.
#[derive(Default)]
pub(super) struct Strings(HashMap<usize, Arc<str>>);

impl Strings {
    pub(super) fn value(&mut self, data: &DataRef<'_>, format: Option<&Format>) -> Option<WorkbookValue> {
        match data {
            DataRef::SharedString(text) if text.trim().is_empty() => None,
            // The address identifies a string, because the library keeps all strings to the end.
            DataRef::SharedString(text) => {
                let text = self
                    .0
                    .entry(text.as_ptr().addr())
                    .or_insert_with(|| (*text).into());
                Some(WorkbookValue::Text(Arc::clone(text)))
            }
            other => value(other.clone().into(), format),
        }
    }
}

/// A number format that shows an identifier, and its code.
pub(super) struct Format {
    shown: Shown,
    code: Arc<str>,
}

impl Format {
    pub(super) fn of(style: &Style) -> Option<Self> {
        let code = &style.number_format.as_ref()?.format_code;
        Some(Self {
            shown: Shown::of(code)?,
            code: code.as_str().into(),
        })
    }
}

/// Converts a cell to a value. `format` is its number format, if that shows an identifier. Returns `None` for a blank
/// cell.
pub(super) fn value(data: Data, format: Option<&Format>) -> Option<WorkbookValue> {
    Some(match data {
        Data::Empty => return None,
        Data::String(text) if text.trim().is_empty() => return None,
        Data::String(text) => WorkbookValue::Text(text.into()),
        Data::Bool(value) => WorkbookValue::Bool(value),
        Data::Int(value) => zeros(value, format),
        Data::Float(value) => number(value, format),
        Data::DateTime(value) => moment(value),
        Data::DateTimeIso(text) => iso_moment(text),
        Data::DurationIso(text) => match text.parse::<SignedDuration>() {
            Ok(time) if (0..86_400).contains(&time.as_secs()) => clock(time.as_secs()),
            _ => WorkbookValue::Other("duration".into()),
        },
        Data::Error(error) => WorkbookValue::Other(format!("error {error}").into()),
    })
}

/// Rounds a number to the 15 digits that Excel shows, so that 0.1 + 0.2 is 0.3.
fn number(value: f64, format: Option<&Format>) -> WorkbookValue {
    // A number with 15 digits always parses.
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if rounded.fract() == 0.0 && rounded.abs() < 9.0e18 {
        #[allow(clippy::cast_possible_truncation)] // An integer in the range of an i64.
        return zeros(rounded as i64, format);
    }
    WorkbookValue::Float(rounded)
}

/// Converts an integer. With a format that shows leading zeros, as for barcodes and postal codes, the result is a
/// string. With a format that also shows text, the result is both.
fn zeros(value: i64, format: Option<&Format>) -> WorkbookValue {
    match format {
        None => WorkbookValue::Int(value),
        Some(format) if format.shown.is_digits() => WorkbookValue::Text(format.shown.text(value).into()),
        Some(format) => WorkbookValue::Shown(Box::new(ShownNumber {
            number: value,
            text: format.shown.text(value),
            format: Arc::clone(&format.code),
        })),
    }
}

fn moment(value: ExcelDateTime) -> WorkbookValue {
    let days = value.as_f64();
    if value.is_duration() {
        return WorkbookValue::Other("duration".into());
    }
    if !(0.0..2_958_466.0).contains(&days) {
        return WorkbookValue::Other("date that Excel cannot show".into());
    }
    let (year, month, day, hour, minute, second, millisecond) = value.to_ymd_hms_milli();
    if days < 1.0 && (hour, minute, second) != (0, 0, 0) {
        let second = i64::from(second) + i64::from(millisecond >= 500);
        return clock((i64::from(hour) * 60 + i64::from(minute)) * 60 + second);
    }
    // All parts, such as months and hours, fit in their types.
    let parts = [month, day, hour, minute, second].map(|part| i8::try_from(part).unwrap_or(i8::MAX));
    let [month, day, hour, minute, second] = parts;
    let (year, millisecond) = (
        i16::try_from(year).unwrap_or(i16::MAX),
        i32::from(millisecond) * 1_000_000,
    );
    match civil::DateTime::new(year, month, day, hour, minute, second, millisecond) {
        Ok(moment) => date_or_moment(moment),
        // 29 February 1900, which exists only in Excel.
        Err(_) => {
            WorkbookValue::Other(format!("date {year:04}-{month:02}-{day:02}, which does not exist").into())
        }
    }
}

fn date_or_moment(moment: civil::DateTime) -> WorkbookValue {
    if moment.time() == civil::Time::midnight() {
        return WorkbookValue::Date(moment.date());
    }
    WorkbookValue::DateTime(moment)
}

fn iso_moment(text: String) -> WorkbookValue {
    if let Ok(moment) = text.trim_end_matches('Z').parse::<civil::DateTime>() {
        return date_or_moment(moment);
    }
    match text.trim_end_matches('Z').parse::<civil::Time>() {
        Ok(time) => WorkbookValue::Text(time.strftime("%H:%M:%S").to_string().into()),
        Err(_) => WorkbookValue::Text(text.into()),
    }
}

/// Formats a time of day.
fn clock(seconds: i64) -> WorkbookValue {
    let (minutes, second) = (seconds / 60, seconds % 60);
    WorkbookValue::Text(format!("{:02}:{:02}:{second:02}", minutes / 60, minutes % 60).into())
}
