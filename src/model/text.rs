//! A scalar of an answer, whatever type it came as.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Text of a string or number; nothing for null, booleans, lists, objects, and a string with half a surrogate pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// The text of one JSON value.
    #[must_use]
    pub fn of(raw: &'a RawValue) -> Self {
        let token = raw.get();
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
        <&RawValue>::deserialize(deserializer).map(Self::of)
    }
}

/// 42.0 is 42. Longer numbers than a float holds are right only as they are written.
fn number(token: &str) -> Cow<'_, str> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match token.parse::<f64>() {
        Ok(number) if token.contains(['.', 'e', 'E']) && number.fract() == 0.0 && number.abs() < EXACT => {
            Cow::Owned(number.to_string())
        }
        _ => Cow::Borrowed(token),
    }
}
