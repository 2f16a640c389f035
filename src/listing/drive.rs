//! Sends the requests of a machine, several at once, and collects the rows.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::api::filters::Checks;
use crate::api::{Call, Endpoint, unreadable};
use crate::call::{Session, Turned};
use crate::columns::{Received, Table};
use crate::error::{Error, stopped};
use crate::http::{By, Moment, Observer, Response, no_observer};

use super::facts::{Facts, facts};
use super::machine::{Ask, Machine, Which};
use super::part::Trouble;
use super::query::ListRequest;
use super::rows::Rows;

/// The largest page of GET assets.
pub const PER_PAGE: u32 = 200;

/// The pages of one or several lists.
pub struct Source<'s> {
    pub session: Session,
    observer: Observer<'s>,
    call: Call,
    asked: ListRequest,
    per_page: u32,
    /// The checks of each list, and of the list of all changes.
    checks: Vec<Checks>,
    no_checks: Checks,
}

impl<'s> Source<'s> {
    /// Creates the source of the lists that were asked for. Calls `observer` at each stage of each request.
    pub fn new(
        session: Session,
        call: Call,
        asked: ListRequest,
        per_page: u32,
        observer: Observer<'s>,
    ) -> Self {
        let check = |at| {
            let query = asked.checked(Which::Filtered(at));
            Checks::of(&Call {
                query,
                ..call.clone()
            })
        };
        Self {
            checks: (0..asked.lists.len()).map(check).collect(),
            no_checks: Checks::default(),
            session,
            observer,
            call: Call {
                query: Vec::new(),
                ..call
            },
            asked,
            per_page,
        }
    }

    pub fn asked(&self) -> &ListRequest {
        &self.asked
    }

    pub fn machine(&self) -> Machine {
        let (lists, is_filtered) = (self.asked.lists.len(), self.asked.is_filtered());
        Machine::new(lists, self.asked.times, is_filtered, self.per_page.into())
    }

    /// Requests a page.
    pub async fn page(&self, ask: Ask) -> Result<(Ask, Turned, Facts), Error> {
        let checks = match ask.list {
            Which::Filtered(at) => self.checks.get(at),
            Which::Changes => None,
        };
        let call = self.call.clone().with_query(self.asked.query(&ask));
        let clock = self.session.caller.clock();
        let sent = clock.now();
        let turned = self.session.turn_to(
            call,
            ask.next.cursor.as_deref().map(|cursor| (cursor, ask.next.before)),
            self.per_page,
            checks.unwrap_or(&self.no_checks),
            self.observer,
        );
        let turned = turned.await?;
        let facts = Facts {
            rows: facts(&turned),
            cursor: turned.next.cursor.clone(),
            total: turned.next.total,
            asked_at: asked_at(clock.better(sent)),
        };
        Ok((ask, turned, facts))
    }

    /// Reads until the lists are whole, with up to `at_once` requests in flight. `keep` receives each page as
    /// it arrives, and returns the number of new assets.
    ///
    /// # Errors
    /// If a page cannot be read or kept, or a list cannot be read whole.
    pub async fn read(
        &self,
        machine: &mut Machine,
        at_once: usize,
        mut keep: impl FnMut(Received, &Facts) -> Result<u64, Error>,
    ) -> Result<(), Error> {
        let mut in_flight = FuturesUnordered::new();
        loop {
            in_flight.extend(machine.asks(at_once).into_iter().map(|ask| self.page(ask)));
            let Some(page) = in_flight.next().await else {
                // The machine asks until it has ended.
                return if machine.is_at_end() {
                    Ok(())
                } else {
                    Err(stopped())
                };
            };
            self.take(machine, page?, &mut keep)?;
        }
    }

    /// Lets the machine and `keep` read a page.
    ///
    /// # Errors
    /// If the page cannot be kept, or the list cannot be read whole.
    pub fn take(
        &self,
        machine: &mut Machine,
        (ask, turned, facts): (Ask, Turned, Facts),
        keep: &mut impl FnMut(Received, &Facts) -> Result<u64, Error>,
    ) -> Result<(), Error> {
        let known = machine.on(&ask, &facts);
        let new = match ask.list {
            Which::Filtered(_) => keep(turned.received, &facts)?,
            Which::Changes => 0,
        };
        let counters = &self.session.counters;
        counters.note_page(new, machine.total().unwrap_or(0));
        known.map_err(|trouble| self.error(&turned.response, &trouble))
    }

    /// Creates the error for a list that cannot be read whole.
    pub fn error(&self, response: &Response, trouble: &Trouble) -> Error {
        let name = self.call.endpoint.name;
        let message = match trouble {
            Trouble::Short(shown, total) => {
                return incomplete(self.call.endpoint, response, *shown, *total);
            }
            Trouble::Restless => format!(
                "the list of {name} changed faster than it could be read; try again when fewer {name} change"
            ),
            Trouble::Endless => {
                let reason = "it returned the same rows again and again, so the list would never end";
                return self.call.endpoint.unreadable(response, reason);
            }
        };
        unreadable(response, message)
    }
}

/// Returns the earliest time of a moment by the service's clock, if that is known.
pub fn asked_at(moment: Moment) -> Option<i64> {
    (moment.by > By::Local).then_some(moment.earliest)
}

/// Creates the error for a list that has fewer rows than the service counts.
pub fn incomplete(endpoint: &Endpoint, response: &Response, rows: u64, total: u64) -> Error {
    let name = endpoint.name;
    let message = format!(
        "the list of {name} is incomplete: it has {rows} rows, but `totalResults` is {total}; try again, and \
            contact the service's support if this persists"
    );
    unreadable(response, message)
}

/// A list that is read whole.
pub struct Listing {
    source: Source<'static>,
    machine: Machine,
    rows: Rows,
    most: usize,
}

impl Listing {
    /// Creates the list, which has the parameters of `call`. `earlier` is what an earlier read left, and its
    /// rows.
    ///
    /// # Errors
    /// [`Error::Option`] if the filters are too long.
    pub fn new(
        session: Session,
        call: Call,
        per_page: u32,
        earlier: Option<(Option<&Machine>, &Table)>,
    ) -> Result<Self, Error> {
        let asked = ListRequest::of(&call)?;
        let source = Source::new(session, call, asked, per_page, &no_observer);
        let (machine, rows) = match earlier {
            None => (None, Rows::default()),
            Some((machine, table)) => (machine.cloned(), Rows::of(table)),
        };
        let mut machine = machine.unwrap_or_else(|| source.machine());
        machine.resume();
        Ok(Self {
            source,
            machine,
            rows,
            most: usize::MAX,
        })
    }

    /// Keeps only the first `most` assets of the whole list.
    #[must_use]
    pub fn first(mut self, most: Option<usize>) -> Self {
        self.most = most.unwrap_or(usize::MAX);
        self
    }

    /// Reads until the list is whole. Every page is kept as it arrives.
    ///
    /// # Errors
    /// If a page cannot be read, or the list cannot be read whole.
    pub async fn read(&mut self) -> Result<(), Error> {
        let Self {
            source,
            machine,
            rows,
            ..
        } = self;
        let at_once = source.session.caller.options().max_in_flight;
        let keep = |received: Received, facts: &Facts| Ok(rows.add(received.page, facts));
        source.read(machine, at_once, keep).await
    }

    /// Returns the rows read so far, sorted, and what remains of the read.
    pub fn end(self) -> (Table, Machine) {
        let Self {
            source,
            machine,
            rows,
            most,
        } = self;
        let ListRequest { order, deleted, .. } = source.asked();
        let mut table = rows.table(order, *deleted, |id, version| machine.has_left(id, version));
        if machine.is_at_end() && table.len() > most {
            table = table.take(0..most);
            source.session.counters.reset_listed(most as u64);
        }
        (table, machine)
    }
}
