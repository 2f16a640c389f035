//! The first assets of a list, in the order of the service.

use crate::api::Call;
use crate::call::{Place, Session};
use crate::columns::Table;
use crate::error::Error;

use super::drive::incomplete;
use super::facts::active;
use super::query::with_deleted;

/// How often a list is read from its start if rows are missing.
const MOST_READS: u32 = 3;

/// A list that is read until it has enough assets.
pub struct Limited {
    session: Session,
    call: Call,
    most: usize,
    deleted: bool,
    pub table: Table,
    pub place: Place,
}

impl Limited {
    /// Creates the list of the first `most` assets. An earlier read has read those before `place`.
    pub fn new(session: Session, call: Call, most: usize, earlier: Option<(Place, Table)>) -> Self {
        let (query, deleted) = with_deleted(&call.query);
        let (place, table) = earlier.unwrap_or_default();
        Self {
            session,
            call: Call { query, ..call },
            most,
            deleted,
            table,
            place,
        }
    }

    /// Reads until there are enough assets, or to the end of the list. Every page is kept as it arrives.
    ///
    /// # Errors
    /// If a page cannot be read, or rows are missing.
    pub async fn read(&mut self) -> Result<(), Error> {
        for read in 1.. {
            match self.read_on().await? {
                Some(error) if read >= MOST_READS => return Err(error),
                Some(_) => (self.table, self.place) = Default::default(),
                None => break,
            }
        }
        self.table = self.table.take(0..self.table.len().min(self.most));
        Ok(())
    }

    /// Returns an error if the list has ended with fewer rows than the service counts.
    async fn read_on(&mut self) -> Result<Option<Error>, Error> {
        let mut read = self.place.rows();
        let mut pages = self
            .session
            .pages(self.call.clone())
            .after(self.place.clone(), self.table.digests());
        while self.table.len() < self.most {
            let page = pages.next().await;
            self.place.clone_from(pages.place());
            let Some(page) = page? else { break };
            read += page.ids().count() as u64;
            if pages.is_at_end()
                && let Some(total) = page.total.filter(|total| *total > read)
            {
                return Ok(Some(incomplete(self.call.endpoint, &page.response, read, total)));
            }
            let page = page.into_columns();
            let shown = active(&page)
                .enumerate()
                .filter(|(_, active)| *active || self.deleted);
            let rows: Vec<usize> = shown.map(|(row, _)| row).collect();
            let mut all = Table::default();
            all.add(page, 0..);
            self.table.append(&all.take(rows));
        }
        Ok(None)
    }
}
