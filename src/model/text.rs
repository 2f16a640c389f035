//! Strings in a response: strings and numbers as text, and keys normalized for comparison.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use unicode_normalization::{UnicodeNormalization, is_nfc};

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

/// Reads strings that are written as a JSON array, or as a Python list, as `to_csv` of pandas writes lists.
#[must_use]
pub fn listed(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('[')?;
    let json = || serde_json::from_str(text).ok();
    json().or_else(|| python_list(inner.strip_suffix(']')?))
}

/// Reads the items of a Python list of strings.
fn python_list(text: &str) -> Option<Vec<String>> {
    let mut items = Vec::new();
    let mut rest = text.trim();
    loop {
        let quote = rest.chars().next().filter(|quote| ['\'', '"'].contains(quote))?;
        let mut item = String::new();
        let mut letters = rest[1..].char_indices();
        let end = loop {
            match letters.next()? {
                (at, letter) if letter == quote => break at,
                (_, '\\') => item.push(match letters.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    letter @ ('\\' | '\'' | '"') => letter,
                    _ => return None,
                }),
                (_, letter) => item.push(letter),
            }
        };
        items.push(item);
        // A quote is one byte long.
        rest = rest[end + 2..].trim_start();
        if rest.is_empty() {
            return Some(items);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

/// Returns a text with composed characters. macOS writes `ü` as `u` and an accent.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
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
    use super::{listed, same_key};

    #[test]
    fn listed_reads_json_and_python() {
        for (text, expected) in [
            (r#"["F7", "a; b"]"#, Some(&["F7", "a; b"][..])),
            ("['F7', 'a; b']", Some(&["F7", "a; b"][..])),
            ("['F7']", Some(&["F7"][..])),
            (
                r#"["it's", 'say "x"',  'it\'s "x"', 'a\\b\nc']"#,
                Some(&["it's", "say \"x\"", "it's \"x\"", "a\\b\nc"]),
            ),
            ("[]", Some(&[][..])),
            ("['F7' 'F9']", None),
            ("['F7',]", None),
            ("['F7", None),
            ("['F7'", None),
            ("[nan]", None),
            ("[1, 2]", None),
            ("['\\x41']", None),
            ("F7", None),
        ] {
            let expected = expected.map(|items| items.iter().map(ToString::to_string).collect());
            assert_eq!(listed(text), expected, "{text}");
        }
    }

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
