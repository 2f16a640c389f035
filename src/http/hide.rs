//! Hides secrets in responses. A proxy may echo a request, and responses end up in messages, results and logs.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::{memchr, memmem};

use crate::http::message::{Request, Response};

/// The replacements for a token and a cursor.
const TOKEN: &str = "<token>";
const CURSOR: &str = "<cursor>";

/// The minimum length of a secret. Shorter strings are not tokens or cursors from the service, and may occur
/// in a response by chance.
const LEAST: usize = 16;

/// Query parameters that grant access to data until they expire ("GET relationships:search" and "GET assets"
/// reference pages).
const CURSORS: [&str; 3] = ["continuationToken", "syncToken", "cursorState"];

/// The secrets in a request, which are hidden in its response.
pub struct Hidden {
    token: Option<String>,
    cursors: Vec<String>,
}

impl Hidden {
    /// Collects the secrets in a request.
    pub fn of(request: &Request) -> Self {
        let token = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .filter(|token| token.len() >= LEAST)
            .map(str::to_owned);
        let query = request.url.split_once('?').map_or("", |(_, query)| query);
        let mut cursors = Vec::new();
        for pair in query.split('&') {
            let Some((name, raw)) = pair.split_once('=').filter(|(name, _)| CURSORS.contains(name)) else {
                continue;
            };
            let parsed = form_urlencoded::parse(pair.as_bytes()).find(|(key, _)| key == name);
            let forms = [Some(raw.to_owned()), parsed.map(|(_, value)| value.into_owned())];
            cursors.extend(forms.into_iter().flatten().filter(|form| form.len() >= LEAST));
        }
        Self { token, cursors }
    }

    /// Removes the secrets from a response. Cursors are removed only from error responses, because a page
    /// needs its own cursor.
    pub fn leave(&self, mut response: Response) -> Response {
        let cursors = self
            .cursors
            .iter()
            .filter(|_| !(200..300).contains(&response.status));
        let secrets: Vec<(&str, &str)> = self
            .token
            .iter()
            .map(|token| (token.as_str(), TOKEN))
            .chain(cursors.map(|cursor| (cursor.as_str(), CURSOR)))
            .collect();
        for (secret, instead) in secrets {
            for (_, value) in &mut response.headers {
                if let Cow::Owned(text) = without(value, secret, instead) {
                    *value = text;
                }
            }
            // The body was converted to valid UTF-8 when it was read.
            let body = std::str::from_utf8(&response.body).map_or_else(
                |_| String::from_utf8_lossy(&response.body),
                // This is ten times faster than the general case.
                Cow::Borrowed,
            );
            if let Cow::Owned(text) = without(&body, secret, instead) {
                response.body = Bytes::from(text);
            }
        }
        response
    }
}

/// Replaces every occurrence of a secret in `text` with `instead`, whichever JSON escapes it uses, including
/// a secret that is cut off at the end of `text` after at least `LEAST` bytes.
fn without<'a>(text: &'a str, secret: &str, instead: &str) -> Cow<'a, str> {
    // Fast path: hardly any text contains the secret.
    let start = secret.as_bytes().get(..LEAST).unwrap_or(secret.as_bytes());
    if memchr(b'\\', text.as_bytes()).is_none() && memmem::find(text.as_bytes(), start).is_none() {
        return text.into();
    }
    // JSON can escape any character by its code, and a few characters also by a single backslash.
    let escapes = text.contains("\\u") || secret.contains(['/', '"', '\\']) && text.contains('\\');
    let ends_within = (LEAST..secret.len()).any(|end| text.as_bytes().ends_with(&secret.as_bytes()[..end]));
    if !escapes && !ends_within {
        return if text.contains(secret) {
            text.replace(secret, instead).into()
        } else {
            text.into()
        };
    }
    let bytes = text.as_bytes();
    let first = secret.as_bytes().first().copied().unwrap_or_default();
    let mut shown = String::new();
    let (mut kept, mut at) = (0, 0);
    while at < bytes.len() {
        let end = (bytes[at] == first || bytes[at] == b'\\')
            .then(|| end_of(&bytes[at..], secret.as_bytes()))
            .flatten();
        if let Some(length) = end {
            // A match starts and ends at character boundaries.
            shown.push_str(&text[kept..at]);
            shown.push_str(instead);
            at += length;
            kept = at;
        } else {
            // Skip the rest of a run of backslashes.
            let run = backslashes(&bytes[at..]);
            at += run.max(1);
        }
    }
    if kept == 0 && shown.is_empty() {
        return text.into();
    }
    shown.push_str(&text[kept..]);
    shown.into()
}

/// If the text starts with the secret, or consists of at least the first `LEAST` bytes of the secret, returns
/// the length of the secret as escaped in the text. Each character may be escaped, even several times in
/// nested JSON.
fn end_of(text: &[u8], secret: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (number, &byte) in secret.iter().enumerate() {
        let run = backslashes(&text[at..]);
        at += run;
        let rest = &text[at..];
        let is_escape = run > 0 && rest.first() == Some(&b'u');
        if number >= LEAST && (rest.is_empty() || is_escape && rest.len() < 5) {
            return Some(text.len());
        }
        if is_escape {
            let digits = std::str::from_utf8(rest.get(1..5)?).ok()?;
            if u32::from_str_radix(digits, 16).ok()? != u32::from(byte) {
                return None;
            }
            at += 5;
        } else if rest.first() == Some(&byte) {
            at += 1;
        } else {
            return None;
        }
    }
    Some(at)
}

fn backslashes(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b'\\').count()
}
