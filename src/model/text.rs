//! Strings in a response: strings and numbers as text, and keys normalized for comparison.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use unicode_normalization::UnicodeNormalization;

/// The text of a string or number, or `None` for null, booleans, lists, objects and invalid strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// Returns the text of one raw JSON value.
    #[must_use]
    pub fn of(token: &'a str) -> Self {
        Self(match token.as_bytes().first() {
            Some(b'"') if token.contains('\\') => serde_json::from_str(token).ok().map(Cow::Owned),
            Some(b'"') => Some(Cow::Borrowed(token.trim_matches('"'))),
            Some(b'-' | b'0'..=b'9') => Some(number(token)),
            _ => None,
        })
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self::of(raw.get()))
    }
}

/// Normalizes a whole number in decimal or exponent form: 42.0 becomes 42. Numbers too large for exact floats
/// are kept as written.
fn number(token: &str) -> Cow<'_, str> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match token.parse::<f64>() {
        Ok(number) if token.contains(['.', 'e', 'E']) && number.fract() == 0.0 && number.abs() < EXACT => {
            Cow::Owned(number.to_string())
        }
        _ => Cow::Borrowed(token),
    }
}

/// Like `str::trim`, but faster for strings that start and end with a visible ASCII character.
#[must_use]
pub fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Joins several strings in one, which [`listed`] or a split at `;` reads again.
#[must_use]
pub fn joined(items: &[&str]) -> String {
    let is_plain = |item: &&str| !item.contains([';', '\n', '\r']) && !item.trim().is_empty();
    let is_list = items.first().is_some_and(|first| first.starts_with('['));
    if items.len() < 2 || items.iter().all(is_plain) && !is_list {
        return items.join("; ");
    }
    Value::from(items).to_string()
}

/// Reads strings that are written as a JSON array.
#[must_use]
pub fn listed(text: &str) -> Option<Vec<String>> {
    text.starts_with('[').then(|| serde_json::from_str(text).ok())?
}

/// Normalizes a key (a client asset id, an id or an import key): trims it, converts it to lower case, and
/// composes its Unicode characters. The documentation does not say whether the service keeps keys unchanged.
///
/// Always compare the exact keys first, because a user's keys may differ only in case.
#[must_use]
pub fn same_key(key: &str) -> String {
    let key = key.trim();
    if key.is_ascii() {
        key.to_ascii_lowercase()
    } else {
        key.chars().flat_map(char::to_lowercase).nfc().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::same_key;

    #[test]
    fn same_key_ignores_blanks_case_and_composition() {
        for (one, other) in [
            ("AHU-1", "ahu-1 "),
            ("\u{a0}AHU-1\t", "AHU-1"),
            ("K\u{fc}hler", "KU\u{308}HLER"),
            ("\u{3a3}\u{391}\u{3a3}", "\u{3c3}\u{3b1}\u{3c3}"),
        ] {
            assert_eq!(same_key(one), same_key(other), "{one:?} {other:?}");
        }
        for (one, other) in [("AHU-1", "AHU 1"), ("AHU-1", "AHU-01"), ("Kuhler", "K\u{fc}hler")] {
            assert_ne!(same_key(one), same_key(other), "{one:?} {other:?}");
        }
    }
}
