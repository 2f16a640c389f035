//! Reads a response that contains a list of rows, in one pass.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::builder::Builder;
use super::page::Page;
use crate::model::asset::{entries, keyed, list, members, range_in};
use crate::model::scan::{Odd, Scanner};

/// The maximum size of a response body. Offsets have 32 bits, and a value may become longer when it is
/// stored.
const MOST_BYTES: usize = 512 << 20;

/// A response that contains a list of rows.
#[derive(Debug)]
pub struct Received {
    body: Bytes,
    pub page: Page,
    /// The range of each row in the body, and the digest of each row's id.
    pub rows: Vec<(Range<usize>, Option<u64>)>,
    /// The ranges of each row's watched members.
    shown: Vec<Option<Range<usize>>>,
    watched: usize,
    /// The remaining members of the body.
    members: Vec<(String, Range<usize>)>,
}

/// Why a response cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// The body is not a list of rows.
    #[error("{0}")]
    Wrong(String),
    /// The body is too large for a page.
    #[error("{0}")]
    TooLarge(String),
}

impl Received {
    /// Reads the rows under `member`, or from the body itself if `member` is `None`. Records the positions of
    /// the `watched` members of each row, for [`Self::shown`].
    ///
    /// # Errors
    /// If the response cannot be read.
    pub fn read(body: &Bytes, member: Option<&str>, watched: &[&str]) -> Result<Self, Unread> {
        if body.len() > MOST_BYTES {
            return Err(Unread::TooLarge(format!("it is larger than {MOST_BYTES} bytes")));
        }
        let mut response = Self::empty(body, watched);
        let read = std::str::from_utf8(body)
            .map_err(|_| Odd)
            .and_then(|text| response.fast(text, member.ok_or(Odd)?, watched));
        if read.is_err() {
            response = Self::empty(body, watched);
            response.slow(body, member, watched)?;
        }
        Ok(response)
    }

    fn empty(body: &Bytes, watched: &[&str]) -> Self {
        Self {
            body: body.clone(),
            page: Page::default(),
            rows: Vec::new(),
            shown: Vec::new(),
            watched: watched.len(),
            members: Vec::new(),
        }
    }

    fn fast(&mut self, text: &str, member: &str, watched: &[&str]) -> Result<(), Odd> {
        let scanner = &mut Scanner::new(text);
        let mut page = None;
        scanner.object(|scanner, name| {
            if name == member && scanner.peek() == b'[' && page.is_none() {
                page = Some(self.fast_rows(scanner, watched)?);
            } else if name == member {
                return Err(Odd);
            } else {
                let start = scanner.at;
                scanner.skip(1)?;
                self.members.push((name.to_owned(), start..scanner.at));
            }
            Ok(())
        })?;
        self.page = page.filter(|_| scanner.is_at_end()).ok_or(Odd)?;
        Ok(())
    }

    fn fast_rows(&mut self, scanner: &mut Scanner<'_>, watched: &[&str]) -> Result<Page, Odd> {
        // Estimate the number of rows.
        let mut builder = Builder::new(self.body.len() / 512 + 8);
        scanner.items(b']', |scanner| {
            let start = scanner.at;
            let id = builder.read(scanner, watched, &mut self.shown)?;
            self.rows.push((start..scanner.at, id));
            if builder.is_too_wide() {
                return Err(Odd);
            }
            Ok(false)
        })?;
        builder.build().map_err(|_| Odd)
    }

    fn slow(&mut self, body: &Bytes, member: Option<&str>, watched: &[&str]) -> Result<(), Unread> {
        let rows: Vec<&RawValue> = match member {
            Some(member) => list(body, member),
            None => entries(body),
        }
        .map_err(Unread::Wrong)?;
        let mut builder = Builder::new(rows.len());
        for raw in rows {
            let id = builder.push_watched(raw.get(), watched, &mut self.shown);
            let range = range_in(body, raw);
            for shown in self.shown.iter_mut().rev().take(watched.len()) {
                *shown = shown
                    .take()
                    .map(|shown| shown.start + range.start..shown.end + range.start);
            }
            self.rows.push((range, id));
            if builder.is_too_wide() {
                break;
            }
        }
        self.page = builder
            .build()
            .map_err(|error| Unread::TooLarge(error.to_string()))?;
        let members = if member.is_some() {
            keyed(body).map_err(Unread::Wrong)?
        } else {
            Vec::new()
        };
        self.members = members
            .into_iter()
            .map(|(name, raw)| (name.into_owned(), range_in(body, raw)))
            .collect();
        Ok(())
    }

    /// Returns a member of the body other than the rows, as JSON. If the member is repeated, returns its last
    /// value.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&str> {
        let (_, range) = self.members.iter().rev().find(|(member, _)| member == name)?;
        self.text(range)
    }

    /// Returns a row as JSON.
    #[must_use]
    pub fn raw(&self, row: usize) -> Option<&str> {
        self.text(&self.rows.get(row)?.0)
    }

    /// Returns the id of a row.
    #[must_use]
    pub fn id(&self, row: usize) -> Option<Cow<'_, str>> {
        let raw: &RawValue = serde_json::from_str(self.raw(row)?).ok()?;
        members(raw, &[], &mut Vec::new())
    }

    /// Returns the watched members of a row, as JSON.
    pub fn shown(&self, row: usize) -> impl Iterator<Item = Option<&str>> {
        let shown = self.shown.iter().skip(row * self.watched).take(self.watched);
        shown.map(|range| range.as_ref().and_then(|range| self.text(range)))
    }

    /// Creates a page that contains only these rows, in this order.
    #[must_use]
    pub fn only(self, rows: &[usize]) -> Page {
        if rows.iter().copied().eq(0..self.rows.len()) {
            return self.page;
        }
        let mut builder = Builder::new(rows.len());
        rows.iter()
            .filter_map(|row| self.raw(*row))
            .for_each(|raw| builder.push(raw));
        // A subset of rows has no more members than all rows.
        builder.finish()
    }

    fn text(&self, range: &Range<usize>) -> Option<&str> {
        std::str::from_utf8(self.body.get(range.clone())?).ok()
    }
}
