//! One value of a column.

use serde_json::Value;

use super::texts::Texts;
use super::time;
use crate::model::value;

/// One value of a column.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'c> {
    /// Null or missing.
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A time that is written in UTC with milliseconds. Stored in milliseconds since 1970.
    Time(i64),
    /// A date, in days since 1970.
    Date(i32),
    Text(&'c str),
    /// A list of strings.
    List(List<'c>),
    /// Any other value, as JSON.
    Json(&'c str),
}

/// The length of a date such as 2031-02-28.
const DATE: usize = 10;

/// The strings of one cell.
#[derive(Debug, Clone, Copy)]
pub struct List<'c> {
    pub(super) items: &'c Texts,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl<'c> List<'c> {
    /// Iterates over the strings, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'c str> + use<'c> {
        let items = self.items;
        (self.from..self.to).map(move |at| items.get(at))
    }
}

impl Cell<'_> {
    /// Converts the cell to a JSON value.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => flag.into(),
            Self::Int(number) => number.into(),
            Self::Float(number) => number.into(),
            Self::Time(time) => text_of(&time::print(time)).into(),
            Self::Date(day) => printed_date(day).into(),
            Self::Text(text) => text.into(),
            Self::List(list) => list.iter().collect(),
            Self::Json(token) => value::read(token).unwrap_or_default(),
        }
    }
}

/// Returns a formatted time as a string. The string is always ASCII.
pub(super) fn text_of(printed: &[u8; time::LENGTH]) -> &str {
    std::str::from_utf8(printed).unwrap_or_default()
}

/// Formats a time in the same way as the service.
#[must_use]
pub fn printed_time(time: i64) -> String {
    text_of(&time::print(time)).to_owned()
}

/// Parses a date such as 2031-02-28 into days since 1970.
#[must_use]
pub fn day(text: &str) -> Option<i32> {
    time::day(text)
}

/// Formats a date in the same way as the service.
#[must_use]
pub fn printed_date(day: i32) -> String {
    let mut text = printed_time(i64::from(day) * time::DAY);
    text.truncate(DATE);
    text
}
