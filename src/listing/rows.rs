//! The rows read so far: the newest version of each asset.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::columns::{Page, Table};

use super::facts::{Facts, Version, active, versions};
use super::order::Order;

/// The newest version of each asset, by the digest of its id.
#[derive(Debug, Default)]
pub struct Rows {
    /// All rows of the pages, older versions included.
    table: Table,
    newest: HashMap<u64, Newest>,
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    row: usize,
    version: Version,
    active: bool,
}

impl Rows {
    /// The rows of an earlier read.
    pub fn of(table: &Table) -> Self {
        let mut rows = Self {
            table: table.clone(),
            newest: HashMap::with_capacity(table.len()),
        };
        let mut at = 0;
        for (page, from, to) in table.parts() {
            for (row, (version, active)) in versions(page).zip(active(page)).enumerate().take(to).skip(from) {
                let id = page.id(row).map(|id| xxh3_64(id.as_bytes()));
                rows.newest.extend(id.map(|id| {
                    let row = at + row - from;
                    (id, Newest { row, version, active })
                }));
            }
            at += to - from;
        }
        rows
    }

    /// Adds a page. Returns the number of assets that are new.
    pub fn add(&mut self, page: Page, facts: &Facts) -> u64 {
        let first = self.table.len();
        let before = self.newest.len();
        let mut any = false;
        for ((at, fact), active) in facts.rows.iter().enumerate().zip(active(&page)) {
            let row = Newest {
                row: first + at,
                version: fact.version,
                active,
            };
            let newest = self.newest.entry(fact.id).or_insert(row);
            if fact.version > newest.version {
                *newest = row;
            }
            any |= newest.row == row.row;
        }
        if any {
            self.table.add(page, (u32::try_from(first).unwrap_or(u32::MAX))..);
        }
        (self.newest.len() - before) as u64
    }

    /// Returns the assets, sorted. Omits deleted assets, unless `deleted` is set, and those that have left the
    /// list.
    pub fn table(&self, order: &Order, deleted: bool, has_left: impl Fn(u64, Version) -> bool) -> Table {
        let newest = self.newest.iter();
        let kept =
            newest.filter(|(id, newest)| (deleted || newest.active) && !has_left(**id, newest.version));
        let mut positions: Vec<usize> = kept.map(|(_, newest)| newest.row).collect();
        positions.sort_unstable();
        self.table.take(order.sorted(&self.table, positions))
    }
}
