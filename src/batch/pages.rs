//! Paged reads: one request after another, paced and retried like the rest.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::filters::Checks;
use crate::api::{Listing, Pages};
use crate::batch::settle;
use crate::columns::{Received, Table};
use crate::error::{Error, shortened};
use crate::http::send::Method;
use crate::http::{At, Call, Caller, Counters, Replay, Response, Stop, untold};
use crate::model::value;

/// After this many pages in a row without a new id, or this many times `totalResults` rows, a list does not end.
const MOST_STALE_PAGES: u32 = 20;
const MOST_TOTALS: u64 = 10;

/// The longest cursor that is given back. Servers commonly take a request line of 8 kB.
const MOST_CURSOR_BYTES: usize = 8 << 10;

/// Whether entries have to fit the filters of their list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filters {
    Checked,
    /// More than was asked for does no harm.
    Unchecked,
}

/// How far a list was read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    pub table: Table,
    pub place: Place,
}

/// Where the next page of a list begins.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Place {
    /// None at the start.
    cursor: Option<String>,
    /// Rows of all pages before, and the largest `totalResults` in them.
    read: u64,
    total: u64,
}

/// A cursor is opaque, and no text for logs.
impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "after {} rows", self.read)
    }
}

/// Reads all pages of a listing.
///
/// # Errors
/// What ended the reading: nothing is returned of a listing that could not be read to its end, or whose entries do not
/// fit its filters.
pub async fn read(
    caller: &Caller,
    listing: &Listing,
    path: &str,
    query: &[(String, String)],
    stop: &Stop,
) -> Result<Table, Error> {
    let mut reading = Reading::default();
    read_on(caller, listing, path, query, stop, &mut reading).await?;
    Ok(reading.table)
}

/// Reads the pages of a listing that are still to be read. Each page is kept as it arrives.
///
/// # Errors
/// What ended the reading.
pub async fn read_on(
    caller: &Caller,
    listing: &Listing,
    path: &str,
    query: &[(String, String)],
    stop: &Stop,
    reading: &mut Reading,
) -> Result<(), Error> {
    let (counters, filters) = (Counters::default(), Filters::Checked);
    pages(
        caller, listing, path, query, stop, &counters, &untold, filters, reading,
    )
    .await
}

/// The same as part of a run, which counts its requests.
#[allow(clippy::too_many_arguments)] // What a request needs on its way.
pub(super) async fn read_with(
    caller: &Caller,
    listing: &Listing,
    path: &str,
    query: &[(String, String)],
    stop: &Stop,
    counters: &Counters,
    at: At<'_>,
    filters: Filters,
) -> Result<Table, Error> {
    let mut reading = Reading::default();
    pages(
        caller,
        listing,
        path,
        query,
        stop,
        counters,
        at,
        filters,
        &mut reading,
    )
    .await?;
    Ok(reading.table)
}

#[allow(clippy::too_many_arguments)] // What a request needs on its way.
async fn pages(
    caller: &Caller,
    listing: &Listing,
    path: &str,
    query: &[(String, String)],
    stop: &Stop,
    counters: &Counters,
    at: At<'_>,
    filters: Filters,
    reading: &mut Reading,
) -> Result<(), Error> {
    let Reading { table, place } = reading;
    let checks = match filters {
        Filters::Checked => Checks::of(listing, query),
        Filters::Unchecked => Checks::default(),
    };
    // Digests of 8 bytes: ids and cursors of a large project would fill the memory.
    let mut seen: HashSet<u64> = ids_of(table);
    let mut cursors: HashSet<u64> = HashSet::new();
    let mut stale = 0;
    let mut goes_on = place.cursor.is_some();
    loop {
        let call = Call {
            method: Method::Get,
            path: address(path, listing, query, place.cursor.as_deref()),
            group: listing.group,
            replay: Replay::Safe,
            body: None,
        };
        let before = place.read;
        let read_as = |response| read_page(listing, &checks, response, before);
        let page = caller.read(&call, stop, counters, at, &read_as).await.result;
        let page = page.map_err(|error| refused_place(error, place))?;
        let on_page = page.received.rows.len() as u64;
        let (read, total) = (before + on_page, page.total.unwrap_or(0).max(place.total));
        // A service that no longer knows a cursor may say so with an empty page: that is not the end of the list.
        if std::mem::take(&mut goes_on) && on_page == 0 && page.cursor.is_none() && before < total {
            let reason =
                format!("{before} rows of {total} (`totalResults`) were read, and the next page is empty");
            return Err(settle::unreadable(
                &page.response,
                format!("{reason}; {START_OVER}"),
            ));
        }
        let mut kept = Vec::with_capacity(page.received.rows.len());
        stale += 1;
        for (row, (_, id)) in page.received.rows.iter().enumerate() {
            // Pages are cut by offset underneath (the sample cursor of the tutorial "Retrieve assets data" says so), so
            // rows may come twice when data changes meanwhile.
            let new = id.is_none_or(|id| seen.insert(id));
            if new && id.is_some() {
                stale = 0;
            }
            if new {
                kept.push(row);
            }
        }
        let first = u32::try_from(table.len()).unwrap_or(u32::MAX);
        table.add(page.received.only(&kept), first..);
        let Some(next) = page.cursor else {
            return Ok(());
        };
        let endless = if !cursors.insert(xxh3_64(next.as_bytes())) {
            "it gives a cursor that it gave before".to_owned()
        } else if stale >= MOST_STALE_PAGES {
            format!("{stale} pages in a row brought no new id")
        } else if total > on_page && read >= total.saturating_mul(MOST_TOTALS) {
            format!("{read} rows were read, there is a next page, and `totalResults` is {total}")
        } else {
            *place = Place {
                cursor: Some(next),
                read,
                total,
            };
            continue;
        };
        let reason = format!("{endless}, so reading on would never end");
        return Err(unreadable(listing, &page.response, &reason));
    }
}

/// What to do about a list that cannot go on where it was.
const START_OVER: &str = "start the list over, without after=";

/// Digests of the ids of all rows.
fn ids_of(table: &Table) -> HashSet<u64> {
    let ids = (0..table.len()).filter_map(|index| table.id(index));
    ids.map(|id| xxh3_64(id.as_bytes())).collect()
}

/// A refusal of the cursor, with what to do about it. No page says how long a cursor is valid.
fn refused_place(error: Error, place: &Place) -> Error {
    match error {
        Error::Service(mut refusal)
            if place.cursor.is_some() && [400, 410, 422].contains(&refusal.status) =>
        {
            let hint = format!("the service no longer takes the cursor of the next page; {START_OVER}");
            refusal.hint = Some(hint);
            Error::Service(refusal)
        }
        error => error,
    }
}

/// One page of a list.
struct Page {
    response: Response,
    received: Received,
    /// Where the next page begins.
    cursor: Option<String>,
    total: Option<u64>,
}

/// Reads a page; `before` is how many rows the pages before it had.
fn read_page(listing: &Listing, checks: &Checks, response: Response, before: u64) -> Result<Page, Error> {
    let received = Received::read(&response.body, listing.rows, checks.fields())
        .map_err(|reason| unreadable(listing, &response, &reason))?;
    let rows = received.rows.len();
    let mut shown = Vec::new();
    for row in 0..rows {
        shown.clear();
        shown.extend(received.shown(row));
        if let Some((parameter, field, value)) = checks.ignored(&shown) {
            let message = format!(
                "the service ignores `{parameter}`: the list of {} holds `{}`, whose `{field}` is {}; call again, and \
                 leave the filter out if it stays so",
                listing.name,
                received.id(row).as_deref().unwrap_or("an entry without an id"),
                shortened(value, 100)
            );
            return Err(settle::unreadable(&response, message));
        }
    }
    let next = next(listing, &received, rows, before + rows as u64);
    let (cursor, total) = next.map_err(|reason| unreadable(listing, &response, &reason))?;
    Ok(Page {
        response,
        received,
        cursor,
        total,
    })
}

fn address(path: &str, listing: &Listing, query: &[(String, String)], cursor: Option<&str>) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query {
        pairs.append_pair(name, value);
    }
    match listing.pages {
        Pages::Cursor { limit } => {
            pairs.append_pair("limit", &limit.to_string());
            cursor.map(|cursor| pairs.append_pair("cursorState", cursor));
        }
        Pages::Continuation => {
            cursor.map(|cursor| pairs.append_pair("continuationToken", cursor));
        }
        Pages::Offset { limit } => {
            pairs.append_pair("limit", &limit.to_string());
            cursor.map(|cursor| pairs.append_pair("offset", cursor));
        }
        Pages::One => {}
    }
    let pairs = pairs.finish();
    if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{pairs}")
    }
}

/// Where the next page begins, and how many rows there are in all. An end is a cursor that is null or missing, both occur
/// in the examples. Anything else is no end: the rest of the rows would be missing without a word.
fn next(
    listing: &Listing,
    received: &Received,
    rows: usize,
    read: u64,
) -> Result<(Option<String>, Option<u64>), String> {
    let place = match listing.pages {
        Pages::One => return Ok((None, None)),
        Pages::Cursor { .. } | Pages::Offset { .. } => "pagination",
        Pages::Continuation => "page",
    };
    let page = received.member(place).and_then(value::read).unwrap_or_default();
    let total = page.get("totalResults").and_then(Value::as_u64);
    let cursor = match listing.pages {
        Pages::Offset { .. } => next_offset(&page, rows, read),
        Pages::Continuation => next_cursor(&page, place, "continuationToken")?,
        _ => next_cursor(&page, place, "cursorState")?,
    };
    Ok((cursor, total))
}

fn next_cursor(page: &Value, place: &str, name: &str) -> Result<Option<String>, String> {
    let page = match page {
        Value::Null => return Ok(None),
        Value::Object(page) => page,
        other => return Err(format!("`{place}` is {}", kind(other))),
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
fn next_offset(page: &Value, rows: usize, read: u64) -> Option<String> {
    let more = ["nextUrl", "next"].iter().any(|name| {
        page.get(name)
            .and_then(Value::as_str)
            .is_some_and(|url| !url.is_empty())
    });
    let total = page.get("totalResults").and_then(Value::as_u64).unwrap_or(0);
    (rows > 0 && (more || read < total)).then(|| read.to_string())
}

fn unreadable(listing: &Listing, response: &Response, reason: &str) -> Error {
    let message = format!(
        "the list of {} cannot be read: {reason}; call again, and check base_url= and proxy= if it stays so",
        listing.name
    );
    settle::unreadable(response, message)
}
