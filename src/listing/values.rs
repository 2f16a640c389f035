//! A list that keeps one value per asset.

use std::collections::HashMap;

use crate::api::Call;
use crate::call::{Session, Turned};
use crate::columns::Received;
use crate::error::Error;
use crate::http::Observer;

use super::drive::{PER_PAGE, Source};
use super::facts::{Fact, Facts, Packed, facts};
use super::machine::Machine;
use super::query::ListRequest;

/// Extracts the value of an asset from its JSON, if it has one.
pub type Extract<'s, T> = &'s (dyn Fn(&str) -> Result<Option<T>, Error> + Sync);

/// A list that is read whole, and that keeps the value of the newest version of each asset. Deleted assets are
/// listed, too.
pub struct Values<'s, T> {
    source: Source<'s>,
    machine: Machine,
    newest: Newest<'s, T>,
}

/// The value of the newest version of each asset.
struct Newest<'s, T> {
    extract: Extract<'s, T>,
    /// By the digest of the asset's id. Assets without a value are known, too, since an older version that had
    /// one may arrive later.
    known: HashMap<u64, Known>,
    values: Vec<Option<T>>,
}

/// The version of an asset, and the position of its value. Takes little memory, since a project may have many
/// assets.
#[derive(Clone, Copy)]
struct Known {
    version: Packed,
    value: u32,
}

const NO_VALUE: u32 = u32::MAX;

impl<'s, T> Values<'s, T> {
    /// Creates the list, which has the parameters of `call`. Calls `observer` at each stage of each request.
    ///
    /// # Errors
    /// [`Error::Option`] if the filters are too long.
    pub fn new(
        session: Session,
        call: Call,
        observer: Observer<'s>,
        extract: Extract<'s, T>,
    ) -> Result<Self, Error> {
        let asked = ListRequest::of(&call)?;
        let source = Source::new(session, call, asked, PER_PAGE, observer);
        Ok(Self {
            machine: source.machine(),
            source,
            newest: Newest {
                extract,
                known: HashMap::new(),
                values: Vec::new(),
            },
        })
    }

    /// Returns the number of assets read so far, and the number that the service counts, if it is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.newest.known.len() as u64, self.machine.total())
    }

    /// Reads the first page, which are the assets that changed last.
    ///
    /// # Errors
    /// If the page cannot be read, or a value cannot be extracted.
    pub async fn read_first(&mut self) -> Result<(), Error> {
        for ask in self.machine.asks(1) {
            let page = self.source.page(ask).await?;
            let newest = &mut self.newest;
            let mut keep = |received: Received, facts: &Facts| newest.add(&received, &facts.rows);
            self.source.take(&mut self.machine, page, &mut keep)?;
        }
        Ok(())
    }

    /// Reads the rest, until the list is whole.
    ///
    /// # Errors
    /// If a page cannot be read, a value cannot be extracted, or the list cannot be read whole.
    pub async fn read(&mut self) -> Result<(), Error> {
        let Self {
            source,
            machine,
            newest,
        } = self;
        let at_once = source.session.caller.options().max_in_flight;
        let keep = |received: Received, facts: &Facts| newest.add(&received, &facts.rows);
        source.read(machine, at_once, keep).await
    }

    /// Adds a page that was read in another way.
    ///
    /// # Errors
    /// If a value cannot be extracted.
    pub fn add(&mut self, turned: &Turned) -> Result<(), Error> {
        self.newest.add(&turned.received, &facts(turned)).map(|_| ())
    }

    /// Returns the values found so far, in no particular order.
    pub fn found(&self) -> impl Iterator<Item = &T> {
        self.newest.values.iter().flatten()
    }

    /// Returns the values, in no particular order. Omits those of assets that have left the list.
    pub fn end(self) -> impl Iterator<Item = T> {
        let Self { machine, newest, .. } = self;
        let Newest {
            known, mut values, ..
        } = newest;
        for (id, Known { version, value }) in known {
            if machine.has_left(id, version.into())
                && let Some(value) = values.get_mut(value as usize)
            {
                *value = None;
            }
        }
        values.into_iter().flatten()
    }
}

impl<T> Newest<'_, T> {
    /// Adds a page. Returns the number of assets that are new.
    fn add(&mut self, received: &Received, facts: &[Fact]) -> Result<u64, Error> {
        let before = self.known.len();
        for (row, fact) in facts.iter().enumerate() {
            let version = Packed::from(fact.version);
            let known = self.known.get(&fact.id).copied();
            if known.is_some_and(|known| known.version >= version) {
                continue;
            }
            let value = (self.extract)(received.raw(row).unwrap_or_default())?;
            let position = known.map_or(NO_VALUE, |known| known.value);
            let position = match (self.values.get_mut(position as usize), value) {
                (Some(kept), value) => {
                    *kept = value;
                    position
                }
                (None, None) => NO_VALUE,
                (None, value) => {
                    self.values.push(value);
                    u32::try_from(self.values.len() - 1).unwrap_or(NO_VALUE)
                }
            };
            let known = Known {
                version,
                value: position,
            };
            self.known.insert(fact.id, known);
        }
        Ok((self.known.len() - before) as u64)
    }
}
