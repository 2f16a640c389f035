//! Reads numbers, dates and booleans from text as offices write them. Text that can be read in more than one way is
//! never guessed: an option must say how to read it.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;

use super::columns;
use super::fields::FIELDS;
use crate::input::{Preparation, Replacements};
use crate::model::text::{same_key, trimmed};
use crate::settings::Settings;

/// Options for reading text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// The decimal separator: a point or a comma. If `None`, a point.
    pub decimal: Option<char>,
    /// The separator between groups of three digits. If `None`, numbers have no such separator.
    pub thousands: Option<char>,
    /// Whether the day comes before the month in a date such as 3/4/2026. If `None`, such a date is invalid.
    pub dayfirst: Option<bool>,
    /// The same options for some columns only.
    pub decimal_of: Vec<(String, char)>,
    pub thousands_of: Vec<(String, char)>,
    pub dayfirst_of: Vec<(String, bool)>,
    /// Further texts that mean true. `false_values` is the same for false.
    pub true_values: Vec<String>,
    pub false_values: Vec<String>,
    /// Texts to replace, by column.
    pub values: Vec<(String, Replacements)>,
    /// Columns whose blank cells have the value of the cell above.
    pub fill_down: Vec<String>,
    /// The names of the options that are from a mapping file.
    pub shared: Vec<String>,
}

/// Why a text is not read, and how to fix it. The fix is empty if it is the same as that of the rule.
pub(super) type Unread = (Cow<'static, str>, Cow<'static, str>);

fn unread<T>(reason: impl Into<Cow<'static, str>>, fix: impl Into<Cow<'static, str>>) -> Result<T, Unread> {
    Err((reason.into(), fix.into()))
}

/// Returns the value of a column, if it has its own.
fn find<T: Copy>(of: &[(String, T)], is_called: impl Fn(&str) -> bool) -> Option<T> {
    let found = of.iter().find(|(name, _)| is_called(name));
    found.map(|(_, value)| *value)
}

const KEEP_ONE: &str = "Keep one of them";

/// Checks that names with different values do not mean the same column.
fn fits<T: PartialEq>(
    option: &str,
    of: &[(String, T)],
    fix: &str,
    are_one: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    for (place, (column, value)) in of.iter().enumerate() {
        let mut before = of[..place].iter();
        if let Some((other, _)) = before.find(|(other, known)| known != value && are_one(other, column)) {
            return Err(format!(
                "{option}: '{other}' and '{column}' are the same column. {fix}"
            ));
        }
    }
    Ok(())
}

/// Returns the words of a call, or else those that a file remembers. `is_shared` is whether the words are from a mapping
/// file, which comes last.
fn either(given: &[String], remembered: &[String], is_shared: bool) -> Vec<String> {
    let is_given = !given.is_empty() && (!is_shared || remembered.is_empty());
    if is_given { given } else { remembered }.to_vec()
}

/// Returns an option for all columns and for some, of a call and of what a file remembers. `is_shared` is whether the option
/// is from a mapping file.
fn of_both<T: Copy>(
    given: (Option<T>, &[(String, T)]),
    remembered: (Option<T>, &[(String, T)]),
    is_shared: bool,
) -> (Option<T>, Vec<(String, T)>) {
    let is_remembered = remembered.0.is_some() || !remembered.1.is_empty();
    if is_shared && is_remembered {
        return (remembered.0, remembered.1.to_vec());
    }
    if given.0.is_some() {
        return (given.0, given.1.to_vec());
    }
    // An option for single columns leaves the others as they are.
    let others = remembered.1.iter();
    let others = others.filter(|(name, _)| given.1.iter().all(|(known, _)| known != name));
    (remembered.0, given.1.iter().chain(others).cloned().collect())
}

/// The separator of thousands, if any.
struct Thousands(Option<char>);

/// The maximum length of a number or date. A longer text is neither.
const LONGEST: usize = 64;

/// The number of digits that Excel keeps.
pub(super) const DIGITS: usize = 15;

impl Reading {
    /// Returns how to prepare the rows, if their texts are replaced or their blank cells filled.
    #[must_use]
    pub fn preparation(
        &self,
        mapping: &[(String, Option<String>)],
        settings: Option<Arc<Settings>>,
    ) -> Option<Preparation> {
        if self.values.is_empty() && self.fill_down.is_empty() {
            return None;
        }
        let mapping = mapping.to_vec();
        let (own, known) = (mapping.clone(), settings.clone());
        let has_items = move |column: &str| columns::has_items(column, (&own, known.as_deref()));
        let required = FIELDS
            .iter()
            .filter(|field| field.required)
            .map(|field| field.name);
        Some(Preparation::new(
            &self.values,
            &self.fill_down,
            required.collect(),
            Box::new(move |column, name| columns::is_called(column, name, (&mapping, settings.as_deref()))),
            Box::new(has_items),
        ))
    }

    /// Returns the options that say what a text means, as JSON for a file of the same texts. `None` if none is set.
    #[must_use]
    pub fn to_remember(&self) -> Option<String> {
        let meaning = Self {
            values: Vec::new(),
            fill_down: Vec::new(),
            shared: Vec::new(),
            ..self.clone()
        };
        if meaning == Self::default() {
            return None;
        }
        let options = serde_json::json!({
            "decimal": self.decimal, "decimal_of": self.decimal_of,
            "thousands": self.thousands, "thousands_of": self.thousands_of,
            "dayfirst": self.dayfirst, "dayfirst_of": self.dayfirst_of,
            "true_values": self.true_values, "false_values": self.false_values,
        });
        // Programs remove blanks at the ends of a property.
        Some(options.to_string().replace(' ', "\\u0020"))
    }

    /// Adds the options that a file remembers. Options of the call take precedence over them. Options of a mapping file do
    /// not, because it may serve several files.
    #[must_use]
    pub fn with_remembered(&self, json: &str) -> Self {
        let Ok(remembered) = serde_json::from_str::<Self>(json) else {
            return self.clone();
        };
        let is_shared = |name: &str| self.shared.iter().any(|shared| shared == name);
        let mut read = Self {
            true_values: either(
                &self.true_values,
                &remembered.true_values,
                is_shared("true_values"),
            ),
            false_values: either(
                &self.false_values,
                &remembered.false_values,
                is_shared("false_values"),
            ),
            ..self.clone()
        };
        (read.decimal, read.decimal_of) = of_both(
            (self.decimal, &self.decimal_of),
            (remembered.decimal, &remembered.decimal_of),
            is_shared("decimal"),
        );
        (read.thousands, read.thousands_of) = of_both(
            (self.thousands, &self.thousands_of),
            (remembered.thousands, &remembered.thousands_of),
            is_shared("thousands"),
        );
        (read.dayfirst, read.dayfirst_of) = of_both(
            (self.dayfirst, &self.dayfirst_of),
            (remembered.dayfirst, &remembered.dayfirst_of),
            is_shared("dayfirst"),
        );
        // One of the separators was given, and the other one is only remembered.
        if read.thousands == Some(read.decimal()) {
            if read.thousands == self.thousands {
                read.decimal = self.decimal;
            } else {
                read.thousands = self.thousands;
            }
        }
        read
    }

    /// Returns how to read a column, if that differs from the other columns.
    pub(super) fn of_column(
        &self,
        column: &str,
        mapping: &[(String, Option<String>)],
        settings: Option<&Settings>,
    ) -> Option<Self> {
        let is_called = |name: &str| columns::is_called(column, name, (mapping, settings));
        let own = (
            find(&self.decimal_of, is_called),
            find(&self.thousands_of, is_called),
            find(&self.dayfirst_of, is_called),
        );
        (own != (None, None, None)).then(|| Self {
            decimal: own.0.or(self.decimal),
            thousands: own.1.or(self.thousands),
            dayfirst: own.2.or(self.dayfirst),
            ..self.clone()
        })
    }

    /// Returns the number of a text in a column of numbers, if it would be another number without these options. Without
    /// them, pandas reads a text such as 1.234 in a workbook.
    #[must_use]
    pub fn number_of_text(
        &self,
        column: &str,
        text: &str,
        mapping: &[(String, Option<String>)],
        settings: Option<&Settings>,
    ) -> Option<f64> {
        let own = self.of_column(column, mapping, settings);
        let read = own.as_ref().unwrap_or(self).identity("numeric", trimmed(text))?;
        let digits = read.bytes().filter(u8::is_ascii_digit).count();
        read.parse().ok().filter(|_| digits <= DIGITS)
    }

    /// Checks the options of single columns. Without the settings, the names of attributes are unknown.
    ///
    /// # Errors
    /// A message if two names with different options mean the same column, or if both separators of a column are the same.
    pub fn check_columns(
        &self,
        mapping: &[(String, Option<String>)],
        settings: Option<&Settings>,
    ) -> Result<(), String> {
        let are_one = |one: &str, other: &str| columns::are_one(one, other, (mapping, settings));
        fits(
            "values",
            &self.values,
            "Write all of its texts below one name",
            are_one,
        )?;
        fits("dayfirst", &self.dayfirst_of, KEEP_ONE, are_one)?;
        fits("decimal", &self.decimal_of, KEEP_ONE, are_one)?;
        fits("thousands", &self.thousands_of, KEEP_ONE, are_one)?;
        let with_own = self.decimal_of.iter().chain(&self.thousands_of);
        let with_own = with_own.map(|(column, _)| Some(column.as_str()));
        for column in std::iter::once(None).chain(with_own) {
            let is_called = |name: &str| column.is_some_and(|column| are_one(column, name));
            let decimal = find(&self.decimal_of, is_called).or(self.decimal).unwrap_or('.');
            if find(&self.thousands_of, is_called).or(self.thousands) == Some(decimal) {
                let of_column = column.map_or_else(String::new, |column| format!(" of '{column}'"));
                return Err(format!(
                    "thousands='{decimal}' is also the decimal separator{of_column}. Set decimal= to the other one"
                ));
            }
        }
        Ok(())
    }

    /// Returns the decimal separator.
    pub(super) fn decimal(&self) -> char {
        self.decimal.unwrap_or('.')
    }

    /// Reads a number, and returns it with a decimal point and without other separators.
    pub(super) fn number<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, Unread> {
        let text = text.trim();
        match self.plain(text).filter(|plain| plain.parse::<f64>().is_ok()) {
            None => Err(self.unread_number(text)),
            Some(Cow::Borrowed(plain)) => Ok(plain.strip_prefix('+').unwrap_or(plain).into()),
            Some(Cow::Owned(plain)) => Ok(plain.strip_prefix('+').unwrap_or(&plain).to_owned().into()),
        }
    }

    /// Replaces the separators. `None` if the text has a character that no number has, or a misplaced separator.
    fn plain<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
        let is_plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        };
        if self.decimal() == '.' && self.thousands.is_none() {
            return is_plain(text).then_some(Cow::Borrowed(text));
        }
        // A point means something else here.
        if self.decimal() != '.' && self.thousands != Some('.') && text.contains('.') {
            return None;
        }
        let end = text.find([self.decimal(), 'e', 'E']).unwrap_or(text.len());
        let (whole, rest) = text.split_at(end);
        let mut plain = match self.thousands {
            Some(separator) if whole.contains(|character| is_separator(character, separator)) => {
                ungrouped(whole, separator)?
            }
            _ => whole.to_owned(),
        };
        match rest.strip_prefix(self.decimal()) {
            // Only whole numbers have groups.
            Some(fraction) if fraction.contains('.') => return None,
            Some(fraction) => {
                plain.push('.');
                plain.push_str(fraction);
            }
            None if rest.contains('.') => return None,
            None => plain.push_str(rest),
        }
        is_plain(&plain).then_some(Cow::Owned(plain))
    }

    /// Returns the separator of thousands with which these options would read a number, and the one with which they would
    /// read it if they had the other decimal separator. The latter may be none.
    fn other_separators(&self, text: &str) -> (Option<char>, Option<Thousands>) {
        let reads = |decimal, thousands| {
            let other = Self {
                decimal: Some(decimal),
                thousands,
                ..Self::default()
            };
            let plain = other.plain(text).filter(|_| text.len() <= LONGEST);
            plain.is_some_and(|plain| plain.parse::<f64>().is_ok())
        };
        let (own, other) = (self.decimal(), self.other_decimal());
        let same = [other, ' ', '\'']
            .into_iter()
            .find(|separator| self.thousands.is_none() && reads(own, Some(*separator)));
        let otherwise = [None, Some(own), Some(' '), Some('\'')]
            .into_iter()
            .find(|thousands| reads(other, *thousands))
            .map(Thousands);
        (same, otherwise)
    }

    fn other_decimal(&self) -> char {
        if self.decimal() == ',' { '.' } else { ',' }
    }

    /// Returns whether only the other decimal separator reads a text that these options do not read.
    pub(super) fn is_of_other_decimal(&self, text: &str) -> bool {
        matches!(self.other_separators(text.trim()), (None, Some(_)))
    }

    /// Returns whether the other decimal separator reads a text that these options read, but as another number.
    pub(super) fn is_read_otherwise(&self, text: &str) -> bool {
        // Most texts have one separator, and another number of digits than a group behind it.
        let behind = text.trim().rsplit_once(['.', ',']);
        if behind.is_none_or(|(before, after)| after.len() != 3 && !before.contains(['.', ','])) {
            return false;
        }
        let other = Self {
            decimal: Some(self.other_decimal()),
            thousands: Some(self.decimal()),
            ..Self::default()
        };
        let (number, otherwise) = (self.number(text), other.number(text));
        matches!((number, otherwise), (Ok(number), Ok(otherwise)) if number != otherwise)
    }

    /// Returns why a text is not a number, and the options that would read it.
    fn unread_number(&self, text: &str) -> Unread {
        let is_comma = self.decimal() == ',';
        let (same, otherwise) = self.other_separators(text);
        match (same, otherwise) {
            (Some(','), Some(Thousands(None))) => (
                "ambiguous number".into(),
                "set decimal=\",\" if the comma separates decimals, or thousands=\",\" if it separates thousands"
                    .into(),
            ),
            (Some('.'), Some(Thousands(None))) => (
                "ambiguous number: the point may separate thousands or decimals".into(),
                "set thousands=\".\" if the point separates thousands; otherwise write a comma".into(),
            ),
            (Some(separator), _) => (
                "number with thousands separators".into(),
                format!("set thousands=\"{separator}\"").into(),
            ),
            (None, Some(_)) if is_comma => ("not a number with a decimal comma".into(), WITH_COMMA.into()),
            (None, Some(Thousands(thousands))) => {
                let thousands = thousands.map_or_else(String::new, |sign| format!(" and thousands=\"{sign}\""));
                (
                    "not a number with a decimal point".into(),
                    format!("set decimal=\",\"{thousands}, or write the number with a decimal point").into(),
                )
            }
            (None, None) => ("not a number".into(), if is_comma { WITH_COMMA.into() } else { "".into() }),
        }
    }

    /// Reads a date, with or without a time of day.
    pub(super) fn date(&self, text: &str) -> Result<DateTime, Unread> {
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
    pub(super) fn boolean(&self, text: &str) -> Option<bool> {
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

    /// Returns what is part of the identity of a row instead of the text of a numeric or date attribute, if these options
    /// read the text in another way than the defaults do. So a run that is resumed with other options does not take the
    /// row for the one that was imported. Different texts have the same identity only if they have the same value.
    ///
    /// A text that the defaults cannot read stays as it is, because options may be added to correct the rows of a run.
    /// Where two options can read such a text differently, one of them counts as the default.
    pub(super) fn identity(&self, data_type: &str, text: &str) -> Option<String> {
        if text.len() > LONGEST {
            return None;
        }
        let usual = Self::default();
        match data_type {
            "numeric" if self.decimal() != '.' || self.thousands.is_some() => {
                let (before, after) = (usual.number(text).ok(), self.number(text).ok());
                let has_groups = self
                    .thousands
                    .is_some_and(|separator| text.contains(|character| is_separator(character, separator)));
                let is_other = before != after && (before.is_some() || (has_groups && after.is_some()));
                is_other.then(|| after.map_or_else(|| format!("not {text}"), Cow::into_owned))
            }
            "date" if self.dayfirst == Some(false) && usual.date(text).is_err() => {
                self.date(text).ok().map(|date| date.to_string())
            }
            _ => None,
        }
    }
}

/// The fix for a text that no option reads as a date.
pub(super) const WITH_DATE: &str = "use a date cell, or write year-month-day, for example 2031-02-28";

const WITH_COMMA: &str = "write the number with a decimal comma, for example 1234,5";

/// Returns whether a character separates thousands. A space may be a non-breaking or narrow one, and an apostrophe a
/// typographic one, as spreadsheets write them.
fn is_separator(character: char, separator: char) -> bool {
    match separator {
        ' ' => matches!(character, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
        '\'' => matches!(character, '\'' | '\u{2019}'),
        separator => character == separator,
    }
}

/// Returns whether a number has one point, with one to three digits before it and three after it, so that the point may
/// separate thousands.
pub(super) fn is_in_threes(text: &str) -> bool {
    let text = text.trim();
    let point_at_thousands = text.split_once('.').is_some_and(|(_, after)| after.len() == 3);
    point_at_thousands && ungrouped(text, '.').is_some()
}

/// Removes the thousands separators of a whole number. `None` if the groups do not have three digits each.
fn ungrouped(whole: &str, separator: char) -> Option<String> {
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let mut groups = digits.split(|character| is_separator(character, separator));
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next()?;
    // A number with groups is at least 1000, so 0.500 is a half.
    if !(1..=3).contains(&first.len()) || !is_digits(first) || first.starts_with('0') {
        return None;
    }
    if !groups.all(|group| group.len() == 3 && is_digits(group)) {
        return None;
    }
    let kept = whole
        .chars()
        .filter(|character| !is_separator(*character, separator));
    Some(kept.collect())
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
pub(super) enum Order {
    Day,
    Month,
    /// Both numbers may be the month.
    Either,
}

/// Returns the order of a date in text with the year at its end.
pub(super) fn order(text: &str) -> Option<Order> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(decimal: char, thousands: Option<char>) -> Reading {
        Reading {
            decimal: Some(decimal),
            thousands,
            ..Reading::default()
        }
    }

    #[test]
    fn numbers_are_read_with_their_separators() {
        for (decimal, thousands, text, number) in [
            ('.', None, "12.5", "12.5"),
            ('.', None, " +12.5 ", "12.5"),
            ('.', None, "1e3", "1e3"),
            (',', None, "12,5", "12.5"),
            (',', None, "-0,5", "-0.5"),
            (',', None, "1234", "1234"),
            (',', None, "1,5e3", "1.5e3"),
            (',', Some('.'), "1.234", "1234"),
            (',', Some('.'), "1.234.567,89", "1234567.89"),
            (',', Some('.'), "-1.234", "-1234"),
            (',', Some('.'), "1234,5", "1234.5"),
            ('.', Some(','), "1,234.5", "1234.5"),
            ('.', Some('\''), "1'234.5", "1234.5"),
            ('.', Some('\''), "1\u{2019}234", "1234"),
            (',', Some(' '), "1\u{a0}234,5", "1234.5"),
            (',', Some(' '), "1\u{202f}234 567", "1234567"),
        ] {
            assert_eq!(
                with(decimal, thousands).number(text).as_deref(),
                Ok(number),
                "{text}"
            );
        }
    }

    #[test]
    fn unread_numbers_name_the_options_that_read_them() {
        for (decimal, thousands, text, fix) in [
            ('.', None, "12,5", "set decimal=\",\", or write"),
            (
                '.',
                None,
                "1.234,5",
                "set decimal=\",\" and thousands=\".\", or write",
            ),
            (
                '.',
                None,
                "1.234.567",
                "set decimal=\",\" and thousands=\".\", or write",
            ),
            (
                '.',
                None,
                "1,234",
                "set decimal=\",\" if the comma separates decimals, or thousands=\",\"",
            ),
            ('.', None, "1,234.5", "set thousands=\",\""),
            ('.', None, "1 234", "set thousands=\" \""),
            ('.', None, "1'234.5", "set thousands=\"'\""),
            (
                '.',
                None,
                "1 234,5",
                "set decimal=\",\" and thousands=\" \", or write",
            ),
            (',', None, "1.234", "set thousands=\".\""),
            (',', None, "1.234,5", "set thousands=\".\""),
            (',', None, "12.5", "write the number with a decimal comma"),
            (',', Some('.'), "12.5", "write the number with a decimal comma"),
            (',', Some('.'), "12.34,5", "write the number with a decimal comma"),
            (',', Some('.'), "1,234.5", "write the number with a decimal comma"),
            (',', Some('.'), ".234", "write the number with a decimal comma"),
            ('.', None, "0,500", "set decimal=\",\", or write"),
            ('.', Some(','), "0,500", "set decimal=\",\", or write"),
            (',', Some('.'), "0.500", "write the number with a decimal comma"),
            (',', None, "-0.250", "write the number with a decimal comma"),
            (',', Some('.'), "012.345", "write the number with a decimal comma"),
            ('.', None, "abc", ""),
            ('.', None, "", ""),
            ('.', Some(','), "1,23", "set decimal=\",\", or write"),
            ('.', Some(','), "1,,234", ""),
            ('.', Some(','), ",234", "set decimal=\",\", or write"),
        ] {
            let (reason, found) = with(decimal, thousands).number(text).unwrap_err();
            assert!(found.starts_with(fix), "{text}: {reason}: {found}");
            assert_eq!(found.is_empty(), fix.is_empty(), "{text}: {found}");
        }
    }

    #[test]
    fn dates_are_read_only_in_one_way() {
        for (text, dayfirst, date) in [
            ("2026-03-05", None, "2026-03-05"),
            ("2026-3-5", None, "2026-03-05"),
            ("2026/3/5", None, "2026-03-05"),
            ("2026.3.5", None, "2026-03-05"),
            ("2026-3-5", Some(true), "2026-03-05"),
            ("15.03.2026", None, "2026-03-15"),
            ("15.3.2026", Some(true), "2026-03-15"),
            ("15/03/2026", None, "2026-03-15"),
            ("15-03-2026", None, "2026-03-15"),
            ("3/15/2026", None, "2026-03-15"),
            ("3/15/2026", Some(false), "2026-03-15"),
            ("3.15.2026", Some(false), "2026-03-15"),
            ("03.03.2026", None, "2026-03-03"),
            ("03.04.2026", Some(true), "2026-04-03"),
            ("3/4/2026", Some(true), "2026-04-03"),
            ("3/4/2026", Some(false), "2026-03-04"),
            ("29.02.2028", None, "2028-02-29"),
            (" 15. 3. 2026 ", None, ""),
        ] {
            let reading = Reading {
                dayfirst,
                ..Reading::default()
            };
            let read = reading.date(text).map(|moment| moment.date().to_string());
            assert_eq!(read.unwrap_or_default(), date, "{text} {dayfirst:?}");
        }
        let time = Reading::default().date("15.03.2026 14:30").unwrap();
        assert_eq!(time.to_string(), "2026-03-15T14:30:00");
        assert_eq!(Reading::default().date("2026-03-05T14:30:00").unwrap().hour(), 14);
    }

    #[test]
    fn unread_dates_say_why() {
        for (text, dayfirst, reason) in [
            ("03.04.2026", None, "ambiguous date"),
            ("3/4/2026", None, "ambiguous date"),
            ("31.02.2026", None, "this date does not exist"),
            ("31.02.2026", Some(true), "this date does not exist"),
            ("29.02.2026", None, "this date does not exist"),
            ("2026-02-30", None, "this date does not exist"),
            ("2026-13-01", None, "this date does not exist"),
            ("32.13.2026", None, "this date does not exist"),
            ("3.15.2026", None, "there is no month 15, but the day comes first"),
            (
                "3/15/2026",
                Some(true),
                "there is no month 15, but the day comes first",
            ),
            (
                "15/3/2026",
                Some(false),
                "there is no month 15, but the month comes first",
            ),
            ("15.03.26", None, "date with a two-digit year"),
            ("15.03.", None, "not a date"),
            ("15.03.2026 25:00", None, "not a date"),
            ("March", None, "not a date"),
            ("", None, "not a date"),
            ("1.2.3.4", None, "not a date"),
            ("2026", None, "not a date"),
        ] {
            let reading = Reading {
                dayfirst,
                ..Reading::default()
            };
            let (found, _) = reading.date(text).unwrap_err();
            assert!(found.starts_with(reason), "{text}: {found}");
        }
    }

    #[test]
    fn further_words_mean_true_and_false() {
        let reading = Reading {
            true_values: vec!["ja".into(), "Wahr".into()],
            false_values: vec!["nein".into(), "-".into()],
            ..Reading::default()
        };
        for (text, value) in [
            ("Ja", Some(true)),
            (" WAHR ", Some(true)),
            ("nein", Some(false)),
            ("-", Some(false)),
            ("yes", Some(true)),
            ("0", Some(false)),
            ("vielleicht", None),
        ] {
            assert_eq!(reading.boolean(text), value, "{text}");
        }
        assert_eq!(Reading::default().boolean("ja"), None);
    }

    #[test]
    fn identity_differs_only_where_options_change_a_reading() {
        let usual = Reading::default();
        let comma = with(',', None);
        let grouped = with(',', Some('.'));
        let us = with('.', Some(','));
        let month_first = Reading {
            dayfirst: Some(false),
            ..Reading::default()
        };
        let day_first = Reading {
            dayfirst: Some(true),
            ..Reading::default()
        };
        for reading in [&usual, &comma, &grouped, &us, &month_first, &day_first] {
            for text in ["AHU-1", "42", "+5", "2026-03-05", "15.03.2026", ""] {
                for data_type in ["numeric", "date"] {
                    assert_eq!(reading.identity(data_type, text), None, "{text}");
                }
            }
            for text in ["1.10", "1,234", "3/4/2026"] {
                assert_eq!(reading.identity("text", text), None, "{text}");
            }
        }
        let identities = |text: &str, readings: &[&Reading]| {
            let data_type = if text.contains('/') { "date" } else { "numeric" };
            let mut found: Vec<_> = readings
                .iter()
                .map(|reading| reading.identity(data_type, text))
                .collect();
            found.sort();
            found.dedup();
            found.len()
        };
        // A text that was invalid before may become valid.
        assert_eq!(identities("12,5", &[&usual, &comma, &grouped]), 1);
        assert_eq!(identities("3/4/2026", &[&usual, &day_first]), 1);
        // A text that is read in another way is another value.
        assert_eq!(identities("1.234", &[&usual, &comma, &grouped]), 3);
        assert_eq!(identities("1,234", &[&comma, &us]), 2);
        assert_eq!(identities("3/4/2026", &[&day_first, &month_first]), 2);
    }

    proptest! {
        #[test]
        fn readers_never_panic(text in "\\PC{0,24}", decimal in prop_oneof![Just('.'), Just(',')]) {
            for thousands in [None, Some('.'), Some(','), Some(' '), Some('\'')] {
                let reading = with(decimal, thousands);
                let _ = (reading.number(&text), reading.date(&text), reading.identity("numeric", &text));
            }
        }

        /// Rows of a run with the same identity have the same value, so that none is taken for another.
        #[test]
        fn different_texts_have_the_same_identity_only_if_they_have_the_same_value(
            one in "[-+]?[0-3.,' ]{1,8}|[0-9]{1,2}[./][0-9]{1,2}[./]202[0-9]",
            other in "[-+]?[0-3.,' ]{1,8}|[0-9]{1,2}[./][0-9]{1,2}[./]202[0-9]",
            comma in proptest::bool::ANY,
            dayfirst in proptest::option::of(proptest::bool::ANY),
        ) {
            for thousands in [None, Some('.'), Some(','), Some(' '), Some('\'')] {
                let reading = Reading { dayfirst, ..with(if comma { ',' } else { '.' }, thousands) };
                let both = |data_type| (reading.identity(data_type, &one), reading.identity(data_type, &other));
                if let (Some(a), Some(b)) = both("numeric") && a == b && one != other {
                    prop_assert_eq!(reading.number(&one).ok(), reading.number(&other).ok());
                    prop_assert!(reading.number(&one).is_ok());
                }
                if let (Some(a), Some(b)) = both("date") && a == b {
                    prop_assert_eq!(reading.date(&one).ok(), reading.date(&other).ok());
                }
            }
        }

        /// Groups and a decimal comma never change the value.
        #[test]
        fn grouped_numbers_keep_their_value(number in -9_999_999_999_i64..9_999_999_999, cents in 0..100_u8) {
            let digits = number.unsigned_abs().to_string();
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    grouped.push('.');
                }
                grouped.push(digit);
            }
            let sign = if number < 0 { "-" } else { "" };
            let read = with(',', Some('.')).number(&format!("{sign}{grouped},{cents:02}")).unwrap().into_owned();
            prop_assert_eq!(read, format!("{sign}{digits}.{cents:02}"));
        }

        /// A date is read as one of the dates that it may mean, and without `dayfirst` only if there is just one.
        #[test]
        fn dates_have_one_meaning(first in 1..40_i8, second in 1..40_i8, year in 1900..2100_i16, sign in 0..3_usize) {
            let separator = ['.', '/', '-'][sign];
            let text = format!("{first}{separator}{second}{separator}{year}");
            let read = Reading::default().date(&text).ok().map(DateTime::date);
            let day_first = Date::new(year, second, first).ok();
            let month_first = Date::new(year, first, second).ok();
            match (day_first, month_first) {
                (Some(one), Some(other)) => prop_assert_eq!(read, (one == other).then_some(one)),
                (None, Some(date)) => prop_assert_eq!(read, (separator != '.' && second > 12).then_some(date)),
                (date, None) => prop_assert_eq!(read, date.filter(|_| first > 12)),
            }
        }
    }
}
