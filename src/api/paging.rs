//! Pagination: how to request a page, and how a response points to the next one.

use serde_json::Value;

use crate::model::value;

/// The maximum length of a cursor, in bytes. Servers commonly accept a request line of 8 kB.
const MOST_CURSOR_BYTES: usize = 8 << 10;

/// The names and values of the query parameters.
pub type Query = Vec<(String, String)>;

/// The pagination of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// All rows are in one response.
    One,
    /// The member `name` of `within` is passed to the next request as the parameter `name`. A page has at most
    /// `limit` rows.
    Token {
        within: &'static str,
        name: &'static str,
        limit: Option<u32>,
    },
    /// `offset` and `limit`, up to `pagination.totalResults`.
    Offset { limit: u32 },
}

/// The pagination information in a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Next {
    /// Where the next page starts.
    pub cursor: Option<String>,
    /// Whether there is a next page.
    pub more: bool,
    /// The total number of rows, if the page contains it.
    pub total: Option<u64>,
}

impl Paging {
    /// Turns the query of a list endpoint into that of one page.
    pub fn turn_to(self, query: &mut Query, cursor: Option<&str>) {
        let mut add = |name: &str, value: &str| query.push((name.to_owned(), value.to_owned()));
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

    /// Returns the same pagination with at most this many rows per page.
    #[must_use]
    pub fn with_limit(self, limit: u32) -> Self {
        match self {
            Self::One => self,
            Self::Token { within, name, .. } => Self::Token {
                within,
                name,
                limit: Some(limit),
            },
            Self::Offset { .. } => Self::Offset { limit },
        }
    }

    /// Returns the member of a page that points to the next page.
    #[must_use]
    pub fn within(self) -> Option<&'static str> {
        match self {
            Self::One => None,
            Self::Token { within, .. } => Some(within),
            Self::Offset { .. } => Some("pagination"),
        }
    }

    /// Returns where the next page starts. `page` is the JSON of the member [`Self::within`]. `rows` is the number of
    /// rows on this page, and `read` the number on all pages so far.
    ///
    /// A total that is smaller than the rows that were read is none, and neither is one that leaves no rows for the
    /// next page: the service may count only the rows of a page.
    ///
    /// A list with cursors ends when the cursor is null, empty or missing and `nextUrl` contains no cursor
    /// either. The documented examples contain both null and missing cursors. A cursor of any other type than
    /// string, number or null is an error, since ignoring it would silently lose the remaining rows.
    ///
    /// # Errors
    /// If the page is invalid. The message does not contain the cursor.
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
        let more = cursor.is_some();
        Ok(Next {
            more,
            cursor,
            total: total.filter(|total| *total >= read + u64::from(more)),
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
    // The URL of the next page is misprinted in several documented examples, so only its cursor is used.
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

/// Rejects a cursor that is too long for a URL.
fn bounded(cursor: String, name: &str) -> Result<Option<String>, String> {
    if cursor.len() > MOST_CURSOR_BYTES {
        return Err(format!(
            "`{name}` has {} bytes, more than the {MOST_CURSOR_BYTES} that fit in a URL",
            cursor.len()
        ));
    }
    Ok(Some(cursor))
}

/// Returns the type of a value, for messages that must not contain the value itself because it may be a
/// cursor.
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

/// Returns where the next page starts. The samples on the "GET nodes" page show an incomplete URL for the
/// next page, so the URL only indicates that there is a next page.
fn offset(page: &Value, rows: usize, read: u64) -> Option<String> {
    let more = ["nextUrl", "next"].iter().any(|name| {
        page.get(name)
            .and_then(Value::as_str)
            .is_some_and(|url| !url.is_empty())
    });
    let total = page.get("totalResults").and_then(Value::as_u64).unwrap_or(0);
    (rows > 0 && (more || read < total)).then(|| read.to_string())
}
