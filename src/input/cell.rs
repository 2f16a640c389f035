//! The values of rows.

use jiff::Span;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::Offset;

/// One value of a row, borrowed from its source.
///
/// The variants are what sources can distinguish; `rows` decides how a value is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// None, NaN, `NaT`, pandas' NA, an Arrow null or a blank cell of a sheet.
    Null,
    /// `acc_assets.CLEAR`: clear this field on a patch.
    Clear,
    Bool(bool),
    Int(i64),
    /// A finite or infinite float; NaN is `Null`.
    Float(f64),
    /// A single-precision float, kept separate from `Float` so that 0.1 does not become 0.10000000149.
    Float32(f32),
    /// A decimal number, or an integer too large for `Int`, as text: `-12.50`.
    Digits(&'a str),
    Text(&'a str),
    Date(Date),
    /// A timestamp without its time zone: the wall-clock time that the user sees.
    DateTime(DateTime),
    /// The same of a timestamp with a time zone, and the offset of this zone.
    Zoned(DateTime, Offset),
    List(Vec<Cell<'a>>),
    /// Names and values, in order.
    Map(Vec<(&'a str, Cell<'a>)>),
    /// A whole number whose format shows text, such as AHU-017: the number, the text, and the format as in Excel.
    Shown {
        number: i64,
        text: &'a str,
        format: &'a str,
    },
    /// A formula that was saved without its value, and the name of its cell, such as `C7`. The formula is empty if the
    /// file does not contain its text.
    Formula {
        cell: &'a str,
        formula: &'a str,
    },
    /// A value of an unsupported type. Contains the name of the type.
    Other(&'a str),
}

impl Cell<'_> {
    /// Returns whether the cell has no value, or only white space.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

/// Formats a time with the offset of its time zone: `2026-03-01T23:00:00+01:00`.
#[must_use]
pub fn with_offset(moment: DateTime, offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    format!("{moment}{sign}{hours:02}:{minutes:02}")
}

/// Returns the date `day` days after 1970-01-01, if its year is between -9999 and 9999.
#[must_use]
pub fn date_of_day(day: i64) -> Option<Date> {
    // A timestamp would end hours before the last day, so that it exists in every time zone.
    let epoch = date(1970, 1, 1);
    epoch.checked_add(Span::new().try_days(day).ok()?).ok()
}
