//! A list as a stream of pages, in bounded memory.

use std::collections::{HashSet, VecDeque};

use crate::api::Call;
use crate::call::Session;
use crate::columns::Page;
use crate::error::{Error, stopped};
use crate::http::{By, Moment, Phase, Stop, no_observer};

use super::drive::Source;
use super::facts::{Facts, active, created};
use super::machine::{Machine, Which};
use super::part::Part;
use super::query::ListRequest;
use super::series::MARGIN;

/// A list that is read page by page. Each asset is returned once, in the version that was read first. Assets that are
/// created later are not returned, so that a stream ends even if its caller creates assets for each page.
pub struct Stream {
    source: Source<'static>,
    machine: Machine,
    /// The digests of the ids of all assets that were returned.
    returned: HashSet<u64>,
    /// The newest page is read first and returned last.
    newest: VecDeque<Page>,
    /// When the first page was asked for.
    begun: Option<Moment>,
}

impl Stream {
    /// Creates the stream, which has the parameters of `call`.
    ///
    /// # Errors
    /// [`Error::Option`] if the filters are too long.
    pub fn new(session: Session, call: Call, per_page: u32) -> Result<Self, Error> {
        let asked = ListRequest::of(&call)?;
        let source = Source::new(session, call, asked, per_page, &no_observer);
        Ok(Self {
            machine: source.machine(),
            source,
            returned: HashSet::new(),
            newest: VecDeque::new(),
            begun: None,
        })
    }

    /// Reads the next page that has new assets. Returns `None` at the end.
    ///
    /// # Errors
    /// If a page cannot be read, the list cannot be read whole, or `stop` was reached. A later call tries again.
    pub async fn next(&mut self, stop: &Stop) -> Result<Option<Page>, Error> {
        self.source.session.stop = stop.clone();
        // The request of an earlier call may have been dropped.
        self.machine.resume_if_lost();
        tokio::select! {
            page = self.next_page() => page,
            () = stop.reached(Phase::Now) => Err(stopped()),
        }
    }

    async fn next_page(&mut self) -> Result<Option<Page>, Error> {
        loop {
            if self.machine.has_read_once()
                && let Some(page) = self.newest.pop_front()
            {
                return Ok(Some(page));
            }
            let Some(ask) = self.machine.asks(1).pop() else {
                return Ok(None);
            };
            let clock = self.source.session.caller.clock();
            let begun = *self.begun.get_or_insert_with(|| clock.now());
            let (ask, turned, mut facts) = self.source.page(ask).await?;
            let begun = self.source.session.caller.clock().better(begun);
            self.begun = Some(begun);
            if self.machine.has_read_once() {
                mark_late(&mut facts, &turned.received.page, begun);
            }
            let known = self.machine.on(&ask, &facts);
            known.map_err(|trouble| self.source.error(&turned.response, &trouble))?;
            if ask.list == Which::Changes {
                continue;
            }
            let deleted = self.source.asked().deleted;
            let shown: Vec<bool> = active(&turned.received.page)
                .map(|active| active || deleted)
                .collect();
            let mut rows = Vec::new();
            for (row, fact) in facts.rows.iter().enumerate() {
                if shown[row] && !fact.is_late && self.returned.insert(fact.id) {
                    rows.push(row);
                }
            }
            self.source
                .session
                .counters
                .note_page(rows.len() as u64, self.machine.total().unwrap_or(0));
            if rows.is_empty() {
                continue;
            }
            let is_newest = ask.next.part == Part::Newest;
            if is_newest {
                rows.reverse();
            }
            let page = turned.received.only(&rows);
            if is_newest && !self.machine.has_read_once() {
                self.newest.push_back(page);
            } else {
                return Ok(Some(page));
            }
        }
    }
}

/// Marks the assets that were created after a moment, as far as that is certain. Only for changes: the first round
/// ends anyway.
fn mark_late(facts: &mut Facts, page: &Page, begun: Moment) {
    let latest = match begun.by {
        By::Local => return,
        By::Gateway => begun.latest.saturating_add(MARGIN),
        By::Service => begun.latest,
    };
    for (fact, created) in facts.rows.iter_mut().zip(created(page)) {
        fact.is_late = created.is_some_and(|created| created > latest);
    }
}
