//! Reads dates in the order of an office, and booleans in its words.

use jiff::civil::{Date, DateTime, Time};

use super::options::{Reading, Unread, unread};
use crate::model::text::same_key;

/// The fix for a text that no option reads as a date.
pub(in crate::rows) const WITH_DATE: &str =
    "use a date cell, or write year-month-day, for example 2031-02-28";

impl Reading {
    /// Reads a date, with or without a time of day.
    pub(in crate::rows) fn date(&self, text: &str) -> Result<DateTime, Unread> {
        let text = text.trim();
        // Z is the offset +00:00. Like another offset, it changes nothing here.
        let text = text
            .strip_suffix('Z')
            .filter(|text| text.contains(':'))
            .unwrap_or(text);
        let standard = match text.len() {
            10 => text.parse().map(|day: Date| day.to_datetime(Time::midnight())),
            _ => text.parse::<DateTime>(),
        };
        if let Ok(moment) = standard {
            return Ok(moment);
        }
        let (day, time) = match text.split_once([' ', 'T']) {
            Some((day, time)) => (day, clock(time.trim())),
            None => (text, Some(Time::midnight())),
        };
        let (Some(parts), Some(time)) = (Parts::of(day), time) else {
            return unread("not a date", WITH_DATE);
        };
        Ok(parts.read(self.dayfirst)?.to_datetime(time))
    }

    /// Reads a boolean.
    pub(in crate::rows) fn boolean(&self, text: &str) -> Option<bool> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => return Some(true),
            "false" | "no" | "0" => return Some(false),
            _ => {}
        }
        let text = same_key(text);
        let is_among = |words: &[String]| words.iter().any(|word| same_key(word) == text);
        match (is_among(&self.true_values), is_among(&self.false_values)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }
}

/// Reads a time of day such as 14:30 or 14:30:00.
fn clock(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| {
        let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i8>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

/// Which number of a date comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rows) enum Order {
    Day,
    Month,
    /// Both numbers may be the month.
    Either,
}

/// Returns the order of a date in text with the year at its end.
pub(in crate::rows) fn order(text: &str) -> Option<Order> {
    let text = text.trim();
    let day = text.split_once([' ', 'T']).map_or(text, |(day, _)| day);
    let parts = Parts::of(day)?;
    let [first, second, _] = parts.numbers;
    let is_month = |number: i16| (1..=12).contains(&number);
    match (parts.lengths, is_month(first), is_month(second)) {
        ((1 | 2, 4), true, true) if first != second => Some(Order::Either),
        ((1 | 2, 4), true, false) if (13..=31).contains(&second) => Some(Order::Month),
        ((1 | 2, 4), false, true) if (13..=31).contains(&first) => Some(Order::Day),
        _ => None,
    }
}

/// The three numbers of a date, as written.
struct Parts {
    numbers: [i16; 3],
    separator: char,
    /// The number of digits of the first and the last number.
    lengths: (usize, usize),
}

impl Parts {
    fn of(text: &str) -> Option<Self> {
        let separator = ['.', '/', '-']
            .into_iter()
            .find(|separator| text.contains(*separator))?;
        // The date may end with a point, as in German.
        let text = text
            .strip_suffix('.')
            .filter(|_| separator == '.')
            .unwrap_or(text);
        let mut parts = text.split(separator).map(str::trim);
        let parts = [
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next().unwrap_or(""),
        ];
        let [first, second, third, ""] = parts else {
            return None;
        };
        let number = |part: &str| -> Option<i16> {
            let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse().ok()).flatten()
        };
        Some(Self {
            numbers: [number(first)?, number(second)?, number(third)?],
            separator,
            lengths: (first.len(), third.len()),
        })
    }

    fn read(&self, dayfirst: Option<bool>) -> Result<Date, Unread> {
        let [first, second, third] = self.numbers;
        match self.lengths {
            (4, 1 | 2) => return existing(first, second, third),
            (1 | 2, 4) => {}
            (1 | 2, 2) => return unread("date with a two-digit year", "write the year with four digits"),
            _ => return unread("not a date", WITH_DATE),
        }
        let is_month = |number: i16| (1..=12).contains(&number);
        let dayfirst = match dayfirst {
            Some(dayfirst) => dayfirst,
            None if is_month(first) && is_month(second) && first != second => {
                return unread(
                    "ambiguous date: either number may be the month",
                    "set dayfirst=True if the day comes first, or dayfirst=False if the month does",
                );
            }
            // A point means that the day comes first.
            None => is_month(second) || self.separator == '.' || !is_month(first),
        };
        let (day, month) = if dayfirst {
            (first, second)
        } else {
            (second, first)
        };
        if !is_month(month) && is_month(day) {
            let order = if dayfirst { "day" } else { "month" };
            return unread(
                format!("there is no month {month}, but the {order} comes first"),
                "write the date as year-month-day, for example 2031-02-28",
            );
        }
        existing(third, month, day)
    }
}

fn existing(year: i16, month: i16, day: i16) -> Result<Date, Unread> {
    let part = |number| i8::try_from(number).unwrap_or(i8::MAX);
    match Date::new(year, part(month), part(day)) {
        Ok(date) => Ok(date),
        Err(_) => unread("this date does not exist", "correct the date"),
    }
}
