//! Reads numbers with the separators of an office.

use std::borrow::Cow;

use super::options::{Reading, Unread};

/// The separator of thousands, if any.
struct Thousands(Option<char>);

/// The maximum length of a number or date. A longer text is neither.
pub(super) const LONGEST: usize = 64;

/// The number of digits that Excel keeps.
pub(in crate::rows) const DIGITS: usize = 15;

const WITH_COMMA: &str = "write the number with a decimal comma, for example 1234,5";

impl Reading {
    /// Reads a number, and returns it with a decimal point and without other separators.
    pub(in crate::rows) fn number<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, Unread> {
        let text = text.trim();
        match self.with_point(text).filter(|plain| plain.parse::<f64>().is_ok()) {
            None => Err(self.unread_number(text)),
            Some(Cow::Borrowed(plain)) => Ok(plain.strip_prefix('+').unwrap_or(plain).into()),
            Some(Cow::Owned(plain)) => Ok(plain.strip_prefix('+').unwrap_or(&plain).to_owned().into()),
        }
    }

    /// Replaces the separators. `None` if the text has a character that no number has, or a misplaced separator.
    fn with_point<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
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
            let plain = other.with_point(text).filter(|_| text.len() <= LONGEST);
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
    pub(in crate::rows) fn is_of_other_decimal(&self, text: &str) -> bool {
        matches!(self.other_separators(text.trim()), (None, Some(_)))
    }

    /// Returns whether the other decimal separator reads a text that these options read, but as another number.
    pub(in crate::rows) fn is_read_otherwise(&self, text: &str) -> bool {
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
}

/// Returns whether a character separates thousands. A space may be a non-breaking or narrow one, and an apostrophe a
/// typographic one, as spreadsheets write them.
pub(super) fn is_separator(character: char, separator: char) -> bool {
    match separator {
        ' ' => matches!(character, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
        '\'' => matches!(character, '\'' | '\u{2019}'),
        separator => character == separator,
    }
}

/// Returns whether a number has one point, with one to three digits before it and three after it, so that the point may
/// separate thousands.
pub(in crate::rows) fn is_in_threes(text: &str) -> bool {
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
