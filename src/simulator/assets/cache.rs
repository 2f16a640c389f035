//! A cache of the results of recent list requests, so that later pages do not require a new search.

use std::sync::Arc;

/// The number of lists in the cache. A client may read many parts of a large project at once.
const MOST_LISTS: usize = 64;

struct CachedList {
    query: String,
    /// The version of the assets at the time of the search.
    version: u64,
    positions: Arc<[usize]>,
}

/// The indexes of the assets found by recent list requests.
#[derive(Default)]
pub struct ListCache(Vec<CachedList>);

impl ListCache {
    /// Returns the assets found by a query, unless any asset has changed since.
    pub fn get(&self, query: &str, version: u64) -> Option<Arc<[usize]>> {
        let known = self
            .0
            .iter()
            .find(|list| list.query == query && list.version == version)?;
        Some(Arc::clone(&known.positions))
    }

    /// Keeps the assets found by a query, and drops lists of older versions.
    pub fn put(&mut self, query: String, version: u64, positions: &Arc<[usize]>) {
        self.0.retain(|list| list.version == version);
        if self.0.len() == MOST_LISTS {
            self.0.remove(0);
        }
        self.0.push(CachedList {
            query,
            version,
            positions: Arc::clone(positions),
        });
    }
}
