//! Stores strings that many reasons share only once, so that each reason is encoded in a few bytes.
//!
//! The messages of a check mostly differ only in the value and the numbers they contain. So a phrase has placeholders
//! for the value and the numbers, and a reason consists of a phrase, a value and some numbers. Rendering the reason
//! returns the original message.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::numbers::number;
use crate::rows::{Problem, rules};

/// The maximum number of phrases to store. Beyond this limit, strings probably differ in every row, so each
/// reason stores its own strings.
const MOST: usize = 10_000;
/// The placeholders for the value and for a number. Normal text does not contain these characters.
const VALUE: char = '\0';
const NUMBER: char = '\u{1}';
/// Marks a string that itself contains `VALUE`, `NUMBER` or `PLAIN`. The marked string is stored unchanged,
/// without placeholders.
const PLAIN: char = '\u{2}';
/// The maximum number of digits that a placeholder can replace. A 1 is prepended to the digits to keep
/// leading zeros.
const DIGITS: usize = 18;

/// Shared strings, each identified by its index.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Phrases {
    texts: Vec<Box<str>>,
    /// The index of each string in `texts`, keyed by the string's digest.
    #[serde(skip)]
    known: HashMap<u64, u32>,
}

impl PartialEq for Phrases {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Phrases {
    pub fn texts(&self) -> &[Box<str>] {
        &self.texts
    }

    /// Restores the next string.
    pub fn restore(&mut self, text: Box<str>) {
        self.known
            .insert(xxh3_64(text.as_bytes()), number(self.texts.len()));
        self.texts.push(text);
    }

    fn number_of(&mut self, text: &str) -> Option<u32> {
        if self.known.is_empty() && !self.texts.is_empty() {
            for text in std::mem::take(&mut self.texts) {
                self.restore(text);
            }
        }
        if let Some(number) = self.known.get(&xxh3_64(text.as_bytes())) {
            return (*self.texts[*number as usize] == *text).then_some(*number);
        }
        (self.texts.len() < MOST).then(|| {
            self.restore(text.into());
            number(self.texts.len() - 1)
        })
    }

    /// Writes the number of a shared string, or the string itself if it is not shared.
    pub fn write(&mut self, text: &str, out: &mut Vec<u8>) {
        if let Some(number) = self.number_of(text) {
            write_number(u64::from(number) + 1, out);
        } else {
            out.push(0);
            write_text(text, out);
        }
    }

    /// Encodes a problem.
    pub fn write_problem(&mut self, problem: &Problem, out: &mut Vec<u8>) {
        self.write(&problem.code, out);
        self.write(&problem.column, out);
        write_text(&problem.value, out);
        let mut numbers = Vec::new();
        let message = phrase(&problem.message, &problem.value, &mut numbers);
        self.write(&message, out);
        let rule = rules().iter().find(|rule| rule.code == problem.code);
        let is_usual = rule.is_some_and(|rule| rule.fix == problem.fix);
        let fix = if is_usual {
            Cow::Borrowed(problem.fix.as_str())
        } else {
            phrase(&problem.fix, &problem.value, &mut numbers)
        };
        self.write(&fix, out);
        for number in numbers {
            write_number(number, out);
        }
    }

    /// Returns whether these bytes are encoded problems that refer only to known phrases.
    pub fn can_read_problems(&self, bytes: &[u8]) -> bool {
        let mut reader = Reader::new(bytes, self);
        let count = reader.number();
        let all = count.is_some_and(|count| (0..count).all(|_| reader.problem().is_some()));
        all && reader.is_at_end()
    }
}

/// Replaces the value and the numbers in a string with placeholders.
fn phrase<'t>(text: &'t str, value: &str, numbers: &mut Vec<u64>) -> Cow<'t, str> {
    let mut phrase = String::with_capacity(text.len() + 1);
    if text.contains([VALUE, NUMBER, PLAIN]) {
        phrase.push(PLAIN);
        phrase.push_str(text);
        return phrase.into();
    }
    let mut rest = text;
    let mut before = ' ';
    while let Some(character) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let mut length = character.len_utf8();
        if !value.is_empty() && !before.is_alphanumeric() && names(rest, value) {
            phrase.push(VALUE);
            length = value.len();
        } else if (1..=DIGITS).contains(&digits) {
            phrase.push(NUMBER);
            // 18 digits after a 1 fit in 64 bits.
            numbers.push(format!("1{}", &rest[..digits]).parse().unwrap_or(1));
            length = digits;
        } else if digits > DIGITS {
            phrase.push_str(&rest[..digits]);
            length = digits;
        } else {
            phrase.push(character);
        }
        before = rest[..length].chars().last().unwrap_or(' ');
        rest = &rest[length..];
    }
    if phrase == text {
        text.into()
    } else {
        phrase.into()
    }
}

/// Returns whether a string starts with a value that is not part of a longer word.
fn names(text: &str, value: &str) -> bool {
    let behind = text.strip_prefix(value).map(|rest| rest.chars().next());
    behind.is_some_and(|next| next.is_none_or(|next| !next.is_alphanumeric()))
}

/// Counts the placeholders for numbers in a phrase.
fn numbers_in(phrase: &str) -> usize {
    match phrase.strip_prefix(PLAIN) {
        Some(_) => 0,
        None => phrase.matches(NUMBER).count(),
    }
}

/// Fills in the placeholders of a phrase.
fn filled<'p>(
    phrase: &'p str,
    value: &str,
    numbers: &mut impl FnMut() -> Option<u64>,
) -> Option<Cow<'p, str>> {
    if let Some(text) = phrase.strip_prefix(PLAIN) {
        return Some(text.into());
    }
    if !phrase.contains([VALUE, NUMBER]) {
        return Some(phrase.into());
    }
    let mut text = String::with_capacity(phrase.len() + value.len());
    for character in phrase.chars() {
        match character {
            VALUE => text.push_str(value),
            NUMBER => {
                let start = text.len();
                // Writing to a String cannot fail.
                let _ = write!(text, "{}", numbers()?);
                text.remove(start);
            }
            other => text.push(other),
        }
    }
    Some(text.into())
}

pub(super) fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while let low @ 0x80.. = number {
        // Write seven bits at a time.
        #[allow(clippy::cast_possible_truncation)]
        out.push(low as u8 | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    write_number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Reads encoded reasons. Its methods return `None` if the bytes are damaged.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    phrases: &'a Phrases,
}

/// A problem that has not been rendered yet.
pub(super) struct Raw<'a> {
    pub code: &'a str,
    pub column: &'a str,
    pub value: &'a str,
    message: &'a str,
    fix: &'a str,
    /// The numbers in the message, followed by the numbers in the fix.
    numbers: Vec<u64>,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], phrases: &'a Phrases) -> Self {
        Self { bytes, phrases }
    }

    pub fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(first & 0x7f) << shift;
            if *first < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        std::str::from_utf8(text).ok()
    }

    /// Reads a string that may be a phrase.
    pub fn phrase(&mut self) -> Option<&'a str> {
        match self.number()?.checked_sub(1) {
            None => self.text(),
            Some(number) => {
                let text = self.phrases.texts.get(usize::try_from(number).ok()?);
                text.map(AsRef::as_ref)
            }
        }
    }

    pub fn problem(&mut self) -> Option<Raw<'a>> {
        let (code, column, value) = (self.phrase()?, self.phrase()?, self.text()?);
        let (message, fix) = (self.phrase()?, self.phrase()?);
        let numbers = (0..numbers_in(message) + numbers_in(fix))
            .map(|_| self.number())
            .collect::<Option<_>>()?;
        Some(Raw {
            code,
            column,
            value,
            message,
            fix,
            numbers,
        })
    }
}

impl<'a> Raw<'a> {
    pub fn message(&self) -> Cow<'a, str> {
        let mut numbers = self.numbers.iter().copied();
        filled(self.message, self.value, &mut || numbers.next()).unwrap_or_default()
    }

    pub fn fix(&self) -> Cow<'a, str> {
        let mut numbers = self.numbers.iter().copied().skip(numbers_in(self.message));
        filled(self.fix, self.value, &mut || numbers.next()).unwrap_or_default()
    }

    pub fn rendered(&self) -> Problem {
        Problem {
            code: rules().iter().find(|rule| rule.code == self.code).map_or_else(
                || Cow::Owned(self.code.to_owned()),
                |rule| Cow::Borrowed(rule.code),
            ),
            column: self.column.to_owned(),
            value: self.value.to_owned(),
            message: self.message().into_owned(),
            fix: self.fix().into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn again(problem: &Problem) -> Problem {
        let mut phrases = Phrases::default();
        let mut bytes = Vec::new();
        phrases.write_problem(problem, &mut bytes);
        let mut reader = Reader::new(&bytes, &phrases);
        let read = reader.problem().unwrap().rendered();
        assert!(reader.is_at_end());
        read
    }

    proptest! {
        #[test]
        fn a_problem_is_rendered_unchanged(
            rule in prop::sample::select(vec!["status", "uuid", "unheard"]),
            column in any::<String>(),
            value in "[a-c0-3 \\x00\u{1}\u{2}-]{0,4}",
            message in prop::collection::vec(prop_oneof![Just("a".to_owned()), Just("007".to_owned()),
                "[a-c0-3 '`.\\x00\u{1}]{0,6}", any::<String>()], 0..5),
            fix in any::<String>(),
        ) {
            let problem = Problem {
                code: rule.into(),
                message: format!("{}{value} {value}", message.concat()),
                column, value, fix,
            };
            prop_assert_eq!(again(&problem), problem);
        }
    }

    #[test]
    fn messages_that_differ_in_value_and_number_share_a_phrase() {
        let mut phrases = Phrases::default();
        let mut bytes = Vec::new();
        for row in 0..1000 {
            let value = format!("Instaled {row}");
            phrases.write_problem(
                &Problem {
                    code: "status".into(),
                    column: "Status".to_owned(),
                    message: format!("`Status` is '{value}': no such status (row {row})"),
                    value,
                    fix: "use a status of the category's status set".to_owned(),
                },
                &mut bytes,
            );
        }
        assert_eq!(phrases.texts().len(), 4, "{:?}", phrases.texts());
        assert!(bytes.len() < 24_000, "{}", bytes.len());
    }
}
