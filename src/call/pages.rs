//! A list as a stream of pages, one request per page, and a reader that collects them.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Session;
use crate::api::filters::{Checks, Ignored};
use crate::api::{Call, Endpoint, Next, unreadable};
use crate::columns::{self, Received, Table, Unread};
use crate::error::{Error, shortened};
use crate::http::{Observer, Response, no_observer};

/// Limits that stop a list that would never end: the number of consecutive pages without a new id, and the number
/// of rows as a multiple of `totalResults`.
const MOST_STALE_PAGES: u32 = 20;
const MOST_TOTALS: u64 = 10;

/// The suggested fix for a list that cannot be resumed.
const START_OVER: &str = "start the list over, without after=";

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    pub response: Response,
    received: Received,
    /// The indices of the rows that were not on an earlier page.
    rows: Vec<usize>,
    /// The number of rows on all pages, if the service reports it.
    pub total: Option<u64>,
}

impl Page {
    /// Returns the JSON of each row that was not on an earlier page.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.rows
            .iter()
            .map(|row| self.received.raw(*row).unwrap_or_default())
    }

    /// Returns the digest of the id of each row that was not on an earlier page. The ids themselves would
    /// take too much memory in a large project.
    pub fn ids(&self) -> impl Iterator<Item = Option<u64>> {
        self.rows.iter().map(|row| self.received.rows[*row].1)
    }

    /// Returns whether a row was on an earlier page.
    #[must_use]
    pub fn repeats(&self) -> bool {
        self.rows.len() < self.received.rows.len()
    }

    /// Converts the rows that were not on an earlier page to columns.
    #[must_use]
    pub fn into_columns(self) -> columns::Page {
        self.received.only(&self.rows)
    }
}

/// Where the next page of a list starts.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Place {
    /// The cursor, or `None` at the start.
    cursor: Option<String>,
    /// The number of rows on all earlier pages, and the largest `totalResults` of those pages.
    read: u64,
    total: u64,
}

impl Place {
    /// Returns the number of rows on all earlier pages.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.read
    }
}

/// A cursor is opaque and does not belong in logs.
impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "after {} rows", self.read)
    }
}

/// The remaining pages of a list.
pub struct Pages<'s> {
    session: &'s Session,
    observer: Observer<'s>,
    call: Call,
    /// The number of rows per page, if it is not the usual one.
    limit: Option<u32>,
    checks: Checks,
    place: Place,
    /// Digests of the ids and cursors seen so far.
    seen: HashSet<u64>,
    cursors: HashSet<u64>,
    /// The number of consecutive pages without a new id.
    stale: u32,
    /// Whether the next page continues an earlier read.
    resumes: bool,
    /// Whether the caller counts the rows for the progress.
    uncounted: bool,
    ended: bool,
    /// The error to return after the last readable page.
    failed: Option<Error>,
}

impl Session {
    /// Reads the pages of a list, starting with the first.
    #[must_use]
    pub fn pages(&self, call: Call) -> Pages<'_> {
        Pages {
            session: self,
            observer: &no_observer,
            checks: Checks::of(&call),
            call,
            limit: None,
            place: Place::default(),
            seen: HashSet::new(),
            cursors: HashSet::new(),
            stale: 0,
            resumes: false,
            uncounted: false,
            ended: false,
            failed: None,
        }
    }
}

impl<'s> Pages<'s> {
    /// Calls `observer` at each stage of each request.
    #[must_use]
    pub fn observed_by(mut self, observer: Observer<'s>) -> Self {
        self.observer = observer;
        self
    }

    /// Sets the number of rows per page.
    #[must_use]
    pub fn of_at_most(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves it to the caller to count the rows for the progress.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.uncounted = true;
        self
    }

    /// Turns off the filter checks, for callers that can handle rows outside the filter.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.checks = Checks::default();
        self
    }

    /// Resumes at a place. `seen` contains the digests of the ids read earlier.
    #[must_use]
    pub fn after(mut self, place: Place, seen: HashSet<u64>) -> Self {
        self.resumes = place.cursor.is_some();
        self.place = place;
        self.seen = seen;
        self
    }

    /// Returns whether the last page has been read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.ended
    }

    /// Returns where the next page starts, or where the last page read starts if the list has ended or cannot
    /// continue.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Reads the next page. Returns `None` after the last page.
    ///
    /// # Errors
    /// If the list cannot be read to its end, or its rows do not match its filters.
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.ended {
            return Ok(None);
        }
        let endpoint = self.call.endpoint;
        let mut call = self.call.clone();
        let paging = endpoint.paging();
        let paging = self.limit.map_or(paging, |limit| paging.with_limit(limit));
        paging.turn_to(&mut call.query, self.place.cursor.as_deref());
        let (before, checks) = (self.place.read, &self.checks);
        let read_as = |response| read(endpoint, checks, response, before);
        let outcome = self.session.call(&call, self.observer, &read_as).await;
        let (mut page, next) = outcome.result.map_err(|error| refused(error, &self.place))?;
        let on_page = page.rows.len() as u64;
        let (read, total) = (before + on_page, next.total.unwrap_or(0).max(self.place.total));
        // A service that no longer accepts a cursor may return an empty page. That is not the end of the list.
        if std::mem::take(&mut self.resumes) && on_page == 0 && !next.more && before < total {
            let reason =
                format!("{before} rows of {total} (`totalResults`) were read, and the next page is empty");
            return Err(unreadable(&page.response, format!("{reason}; {START_OVER}")));
        }
        // The cursor contains an offset (see the sample in the tutorial "Retrieve assets data"), so rows may be
        // duplicated if data changes during the read.
        let mut any_new = false;
        page.rows.retain(|row| {
            let id = page.received.rows[*row].1;
            let new = id.is_none_or(|id| self.seen.insert(id));
            any_new |= new && id.is_some();
            new
        });
        if !self.uncounted {
            self.session.counters.note_page(page.rows.len() as u64, total);
        }
        self.stale = if any_new { 0 } else { self.stale + 1 };
        if next.more {
            let cursor = next.cursor.as_deref().unwrap_or_default();
            self.failed = self
                .endless(cursor, on_page, read, total)
                .map(|reason| endpoint.unreadable(&page.response, &reason));
        }
        self.ended = !next.more;
        // A list that has ended or cannot continue keeps its position.
        if self.failed.is_none() && next.cursor.is_some() {
            self.place = Place {
                cursor: next.cursor,
                read,
                total,
            };
        }
        Ok(Some(page))
    }

    /// Returns why the list would never end, or `None` if reading can continue.
    fn endless(&mut self, cursor: &str, on_page: u64, read: u64, total: u64) -> Option<String> {
        let stale = self.stale;
        let reason = if !self.cursors.insert(xxh3_64(cursor.as_bytes())) {
            "it returned the same cursor again".to_owned()
        } else if stale >= MOST_STALE_PAGES {
            format!("{stale} consecutive pages had no new id")
        } else if total > on_page && read >= total.saturating_mul(MOST_TOTALS) {
            format!("{read} rows were read and there is a next page, but `totalResults` is {total}")
        } else {
            return None;
        };
        Some(format!("{reason}, so the list would never end"))
    }

    /// Reads every row on all pages.
    ///
    /// # Errors
    /// See [`Self::next`]. If the list cannot be read to its end, no rows are returned.
    pub async fn rows<T>(mut self, mut read: impl FnMut(&str) -> T) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        while let Some(page) = self.next().await? {
            rows.extend(page.texts().map(&mut read));
        }
        Ok(rows)
    }
}

/// The pages read so far.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    pub table: Table,
    pub place: Place,
}

impl Reading {
    /// Reads the remaining pages. Each page is stored as it arrives.
    ///
    /// # Errors
    /// See [`Pages::next`].
    pub async fn go_on(&mut self, session: &Session, call: Call) -> Result<(), Error> {
        let Self { table, place } = self;
        let mut pages = session.pages(call).after(place.clone(), table.digests());
        loop {
            let page = pages.next().await;
            place.clone_from(pages.place());
            let Some(page) = page? else { return Ok(()) };
            let first = u32::try_from(table.len()).unwrap_or(u32::MAX);
            table.add(page.into_columns(), first..);
        }
    }
}

/// Adds a hint to the error if the service may have rejected the cursor. The documentation does not say how
/// long a cursor is valid.
fn refused(error: Error, place: &Place) -> Error {
    match error {
        Error::Service(mut refusal)
            if place.cursor.is_some() && [400, 410, 422].contains(&refusal.status) =>
        {
            let hint = format!("the service no longer accepts the cursor of the next page; {START_OVER}");
            refusal.hint = Some(hint);
            Error::Service(refusal)
        }
        error => error,
    }
}

/// Reads the rows of a response, and checks that they match the filters.
pub(super) fn received(
    endpoint: &Endpoint,
    checks: &Checks,
    response: Response,
) -> Result<(Response, Received), Error> {
    let received = match Received::read(&response.body, endpoint.member(), checks.fields()) {
        Ok(received) => received,
        Err(Unread::Wrong(reason)) => return Err(endpoint.unreadable(&response, &reason)),
        Err(Unread::TooLarge(reason)) => return Err(endpoint.too_large(&reason)),
    };
    let mut shown = Vec::new();
    for row in 0..received.rows.len() {
        shown.clear();
        shown.extend(received.shown(row));
        if let Some(ignored) = checks.ignored(&shown) {
            let Ignored {
                parameter,
                field,
                shown,
                advice,
            } = ignored;
            let message = format!(
                "the service ignored `{parameter}`: the list of {} contains `{}`, whose `{field}` is {}; \
                    {advice}",
                endpoint.name,
                received.id(row).as_deref().unwrap_or("an entry without an id"),
                shortened(shown, 100)
            );
            return Err(unreadable(&response, message));
        }
    }
    Ok((response, received))
}

/// Reads a page. `before` is the number of rows on earlier pages.
fn read(
    endpoint: &Endpoint,
    checks: &Checks,
    response: Response,
    before: u64,
) -> Result<(Page, Next), Error> {
    let (response, received) = received(endpoint, checks, response)?;
    let rows = received.rows.len();
    let paging = endpoint.paging();
    let within = paging.within().and_then(|within| received.member(within));
    let next = paging.next(within, rows, before + rows as u64);
    let next = next.map_err(|reason| endpoint.unreadable(&response, &reason))?;
    let page = Page {
        response,
        received,
        rows: (0..rows).collect(),
        total: next.total,
    };
    Ok((page, next))
}
