//! How a list is cut into pages: what a request for a page says, and where a page says that the next one begins.

use serde_json::Value;

use crate::api::endpoint::Call;
use crate::model::value;

/// The longest cursor that is given back. Servers commonly take a request line of 8 kB.
const MOST_CURSOR_BYTES: usize = 8 << 10;

/// How a list is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Everything comes at once.
    One,
    /// The member `name` of `within` is given back as the parameter `name`; a page has at most `limit` rows.
    Token {
        within: &'static str,
        name: &'static str,
        limit: Option<u32>,
    },
    /// `offset` and `limit`, up to `pagination.totalResults`.
    Offset { limit: u32 },
}

/// What a page says of the pages after it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Next {
    /// Where the next page begins.
    pub cursor: Option<String>,
    /// Whether there is a next page.
    pub more: bool,
    /// How many rows there are in all.
    pub total: Option<u64>,
}

impl Paging {
    /// Makes of a call for a list the call for one page of it.
    pub fn turn_to(self, call: &mut Call, cursor: Option<&str>) {
        let mut add = |name: &str, value: &str| call.query.push((name.to_owned(), value.to_owned()));
        let (parameter, limit) = match self {
            Self::One => return,
            Self::Token { name, limit, .. } => (name, limit),
            Self::Offset { limit } => ("offset", Some(limit)),
        };
        if let Some(limit) = limit {
            add("limit", &limit.to_string());
        }
        if let Some(cursor) = cursor {
            add(parameter, cursor);
        }
    }

    /// The member of a page that says where the next one begins.
    #[must_use]
    pub fn within(self) -> Option<&'static str> {
        match self {
            Self::One => None,
            Self::Token { within, .. } => Some(within),
            Self::Offset { .. } => Some("pagination"),
        }
    }

    /// Where the next page begins. `page` is the JSON of the member [`Self::within`]; the page has so many rows, and with all
    /// pages before it so many were `read`.
    ///
    /// An end is a cursor that is null or missing, both occur in the examples. Anything else is no end: the rest of the
    /// rows would be missing without a word.
    ///
    /// # Errors
    /// A text saying what is wrong with it, without a cursor in it.
    pub fn next(self, page: Option<&str>, rows: usize, read: u64) -> Result<Next, String> {
        let Some(within) = self.within() else {
            return Ok(Next::default());
        };
        let page = page.and_then(value::read).unwrap_or_default();
        let total = page.get("totalResults").and_then(Value::as_u64);
        let cursor = match self {
            Self::Token { name, .. } => token(&page, within, name)?,
            Self::Offset { .. } | Self::One => offset(&page, rows, read),
        };
        Ok(Next {
            more: cursor.is_some(),
            cursor,
            total,
        })
    }
}

fn token(page: &Value, within: &str, name: &str) -> Result<Option<String>, String> {
    let page = match page {
        Value::Null => return Ok(None),
        Value::Object(page) => page,
        other => return Err(format!("`{within}` is {}", kind(other))),
    };
    match page.get(name) {
        Some(Value::String(cursor)) if !cursor.is_empty() => return bounded(cursor.clone(), name),
        Some(Value::Number(cursor)) => return bounded(cursor.to_string(), name),
        None | Some(Value::Null | Value::String(_)) => {}
        Some(other) => return Err(format!("`{name}` is {}", kind(other))),
    }
    // The address of the next page is misprinted in several examples; only the cursor in it is used.
    let address = page
        .get("nextUrl")
        .and_then(Value::as_str)
        .and_then(|address| address.split_once('?'));
    let Some((_, query)) = address else {
        return Ok(None);
    };
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, value)| key == name && !value.is_empty())
        .map_or(Ok(None), |(_, value)| bounded(value.into_owned(), name))
}

/// Refuses a cursor that no address could hold.
fn bounded(cursor: String, name: &str) -> Result<Option<String>, String> {
    if cursor.len() > MOST_CURSOR_BYTES {
        return Err(format!(
            "`{name}` is {} bytes long, and an address has room for {MOST_CURSOR_BYTES}",
            cursor.len()
        ));
    }
    Ok(Some(cursor))
}

/// What a value is, without what is in it: that may be a cursor.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Where the next page begins. The address of the next page lacks a part of its path in the samples of the "GET nodes"
/// page, so it only says that there is one.
fn offset(page: &Value, rows: usize, read: u64) -> Option<String> {
    let more = ["nextUrl", "next"].iter().any(|name| {
        page.get(name)
            .and_then(Value::as_str)
            .is_some_and(|url| !url.is_empty())
    });
    let total = page.get("totalResults").and_then(Value::as_u64).unwrap_or(0);
    (rows > 0 && (more || read < total)).then(|| read.to_string())
}
