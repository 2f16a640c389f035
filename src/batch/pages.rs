//! Paged reads: one request after another, paced and retried like the rest.

use std::collections::HashSet;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::{Listing, Pages};
use crate::error::Error;
use crate::http::refusal::request_id;
use crate::http::send::Method;
use crate::http::{Answer, At, Call, Caller, Counters, Replay, Stop, untold};
use crate::model::asset::{identity, member, optional};
use crate::model::value;
use crate::table::Table;

/// Reads all pages of a listing.
///
/// # Errors
/// What ended the reading: nothing is returned of a listing that could not be read to its end.
pub async fn read(
    caller: &Caller,
    listing: &Listing,
    path: &str,
    query: &[(String, String)],
    stop: &Stop,
) -> Result<Table, Error> {
    read_with(caller, listing, path, query, stop, &Counters::default(), &untold).await
}

/// The same as part of a run, which counts its requests.
pub(super) async fn read_with(
    caller: &Caller,
    listing: &Listing,
    path: &str,
    query: &[(String, String)],
    stop: &Stop,
    counters: &Counters,
    at: At<'_>,
) -> Result<Table, Error> {
    let mut table = Table::default();
    let mut seen = HashSet::new();
    let mut cursors = HashSet::new();
    let mut cursor: Option<String> = None;
    let mut read = 0;
    loop {
        let call = Call {
            method: Method::Get,
            path: address(path, listing, query, cursor.as_deref()),
            group: listing.group,
            replay: Replay::Safe,
            body: None,
        };
        let answer = caller.call(&call, stop, counters, at).await.result?;
        let unreadable = |reason: String| unreadable(listing, &answer, &reason);
        let rows: Vec<&RawValue> = member(&answer.body, listing.rows).map_err(unreadable)?;
        let base = answer.body.as_ptr() as usize;
        let mut kept = Vec::with_capacity(rows.len());
        for raw in &rows {
            // Pages are cut by offset underneath (the sample cursor of the tutorial "Retrieve assets data" says so), so
            // rows may come twice when data changes meanwhile.
            if identity(raw).id.is_none_or(|id| seen.insert(id.into_owned())) {
                let start = raw.get().as_ptr() as usize - base;
                let row = u32::try_from(table.len() + kept.len()).unwrap_or(u32::MAX);
                kept.push((row, start..start + raw.get().len()));
            }
        }
        let rows = rows.len();
        table.add(answer.body.clone(), kept);
        read += u64::try_from(rows).unwrap_or(u64::MAX);
        cursor = match listing.pages {
            Pages::Offset { .. } => next_offset(&answer, rows, read).map_err(unreadable)?,
            _ => next(listing, &answer).map_err(unreadable)?,
        };
        match &cursor {
            None => return Ok(table),
            Some(cursor) if !cursors.insert(cursor.clone()) => {
                return Err(unreadable(
                    "it gives a cursor that it gave before, so reading on would never end".to_owned(),
                ));
            }
            Some(_) => {}
        }
    }
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

/// The cursor of the next page; an end is a cursor that is null or missing, both occur in the examples. Anything else
/// is no end: the rest of the rows would be missing without a word.
fn next(listing: &Listing, answer: &Answer) -> Result<Option<String>, String> {
    let (place, name) = match listing.pages {
        Pages::One | Pages::Offset { .. } => return Ok(None),
        Pages::Cursor { .. } => ("pagination", "cursorState"),
        Pages::Continuation => ("page", "continuationToken"),
    };
    let page: Option<&RawValue> = optional(&answer.body, place)?;
    let page = match page.and_then(|page| value::read(page.get())) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(page)) => page,
        Some(other) => return Err(format!("`{place}` is {other}")),
    };
    match page.get(name) {
        Some(Value::String(cursor)) if !cursor.is_empty() => return Ok(Some(cursor.clone())),
        Some(Value::Number(cursor)) => return Ok(Some(cursor.to_string())),
        None | Some(Value::Null | Value::String(_)) => {}
        Some(other) => return Err(format!("`{name}` is {other}")),
    }
    // The address of the next page is misprinted in several examples; only the cursor in it is used.
    let address = page
        .get("nextUrl")
        .and_then(Value::as_str)
        .and_then(|address| address.split_once('?'));
    let Some((_, query)) = address else {
        return Ok(None);
    };
    Ok(form_urlencoded::parse(query.as_bytes())
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.into_owned()))
}

/// Where the next page begins. The address of the next page lacks a part of its path in the samples of the "GET nodes"
/// page, so it only says that there is one.
fn next_offset(answer: &Answer, rows: usize, read: u64) -> Result<Option<String>, String> {
    let page: Option<&RawValue> = optional(&answer.body, "pagination")?;
    let page = page.and_then(|page| value::read(page.get())).unwrap_or_default();
    let more = ["nextUrl", "next"].iter().any(|name| {
        page.get(name)
            .and_then(Value::as_str)
            .is_some_and(|url| !url.is_empty())
    });
    let total = page.get("totalResults").and_then(Value::as_u64).unwrap_or(0);
    Ok((rows > 0 && (more || read < total)).then(|| read.to_string()))
}

fn unreadable(listing: &Listing, answer: &Answer, reason: &str) -> Error {
    Error::Unreadable {
        message: format!(
            "the list of {} cannot be read: {reason}; call again, and check base_url= and proxy= if it stays so",
            listing.name
        ),
        status: answer.status,
        request_id: request_id(answer),
        body: String::from_utf8_lossy(&answer.body).into(),
    }
}
