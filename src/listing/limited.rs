//! The first assets of a list, in the order of the service.
//!
//! Only the pages with these assets are read. The service finds a page by its offset, so several pages are correct
//! only if nothing changed between the first and the last. The changes since the start show whether that is so. If
//! others keep changing the project, or the service does not sort, the whole list is read and sorted here.

use crate::api::filters::Checks;
use crate::api::{Call, Query};
use crate::call::Session;
use crate::columns::Table;
use crate::error::Error;
use crate::http::no_observer;

use super::drive::{Listing, asked_at};
use super::facts::{Fact, active, facts};
use super::query::ListRequest;
use super::series::MARGIN;

/// How often the pages are read before the whole list is.
const MOST_READS: u32 = 4;

/// A list that is read until it has enough assets.
pub struct Limited {
    session: Session,
    call: Call,
    most: usize,
    per_page: u32,
    /// The assets read so far.
    pub table: Table,
    /// The most assets that an earlier attempt or call has read.
    kept: Table,
}

/// The pages with the first assets.
struct Pages {
    count: usize,
    /// Whether the service sorted them, and returned as many rows as it counts.
    is_right: bool,
}

/// What has changed since a time: its number, and the newest of it.
type Changes = (Option<u64>, Vec<Fact>);

impl Limited {
    /// Creates the list of the first `most` assets.
    pub fn new(session: Session, call: Call, most: usize, per_page: u32) -> Self {
        Self {
            session,
            call,
            most,
            per_page,
            table: Table::default(),
            kept: Table::default(),
        }
    }

    /// Keeps the assets of an earlier call that failed, in case that this one fails with fewer.
    #[must_use]
    pub fn after(mut self, kept: Table) -> Self {
        self.kept = kept;
        self
    }

    /// Returns the assets of a read that failed, or those of an earlier one that has read more.
    #[must_use]
    pub fn partial(self) -> Table {
        if self.kept.len() > self.table.len() {
            self.kept
        } else {
            self.table
        }
    }

    fn keep(&mut self) {
        let table = std::mem::take(&mut self.table);
        if table.len() > self.kept.len() {
            self.kept = table;
        }
    }

    /// Reads until there are enough assets, or to the end of the list.
    ///
    /// # Errors
    /// If a page cannot be read, or the list cannot be read whole.
    pub async fn read(&mut self) -> Result<(), Error> {
        let begun = self.session.caller.clock().now();
        let asked = ListRequest::of(&self.call)?;
        let mut before = None;
        for _ in 0..MOST_READS {
            // Several lists have no common order.
            let Some(query) = asked.single(true) else { break };
            let pages = self.pages(query, &asked).await?;
            if pages.count == 1 && pages.is_right {
                return Ok(());
            }
            let begun = asked_at(self.session.caller.clock().better(begun));
            let changes = self
                .changes(begun.map(|begun| begun.saturating_sub(MARGIN)))
                .await?;
            let is_quiet = changes.1.is_empty() || before.as_ref() == Some(&changes);
            if is_quiet && pages.is_right {
                return Ok(());
            }
            if is_quiet {
                break;
            }
            before = Some(changes);
        }
        self.keep();
        self.session.counters.reset_listed(0);
        let mut listing = Listing::new(self.session.clone(), self.call.clone(), self.per_page, None)?
            .first(Some(self.most));
        let read = listing.read().await;
        self.table = listing.end().0;
        read
    }

    /// Reads the pages with the first assets.
    async fn pages(&mut self, query: Query, asked: &ListRequest) -> Result<Pages, Error> {
        self.keep();
        let call = self.with_query(query);
        let mut pages = self.session.pages(call).of_at_most(self.per_page).uncounted();
        let (mut count, mut rows, mut total, mut all) = (0, 0, None, Table::default());
        let mut is_short = false;
        while self.table.len() < self.most {
            let Some(page) = pages.next().await? else { break };
            count += 1;
            let on_page = page.ids().count() as u64;
            rows += on_page;
            is_short |= on_page < u64::from(self.per_page) && !pages.is_at_end();
            // A repeated row has shifted, or the order of equal rows is not stable: another one may be missing.
            is_short |= page.repeats();
            total = page.total.max(total);
            let page = page.into_columns();
            let shown = active(&page)
                .enumerate()
                .filter(|(_, active)| *active || asked.deleted);
            let shown: Vec<usize> = shown.map(|(row, _)| row).collect();
            let mut read = Table::default();
            read.add(page, 0..);
            self.table.append(&read.take(shown));
            all.append(&read);
            let [first, total] =
                [self.table.len() as u64, total.unwrap_or(0)].map(|rows| rows.min(self.most as u64));
            self.session.counters.note_first(first, total);
        }
        self.table = self.table.take(0..self.table.len().min(self.most));
        is_short |= pages.is_at_end() && total.is_some_and(|total| total > rows);
        Ok(Pages {
            count,
            is_right: !is_short && asked.order.is_that_of(&all),
        })
    }

    fn with_query(&self, query: Query) -> Call {
        Call {
            query,
            ..self.call.clone()
        }
    }

    /// Reads what has changed in the project since a time.
    async fn changes(&self, since: Option<i64>) -> Result<Changes, Error> {
        let call = self.with_query(ListRequest::changes(since));
        let checks = Checks::default();
        let turned = self
            .session
            .turn_to(call, None, self.per_page, &checks, &no_observer);
        let turned = turned.await?;
        Ok((turned.next.total, facts(&turned)))
    }
}
