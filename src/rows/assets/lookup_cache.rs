//! A cache of lookups.

use std::collections::HashMap;

use crate::settings::LookupError;

/// A cache of lookups by string. The size of the cache is limited, since a column may have any number of
/// distinct strings.
pub(super) struct LookupCache {
    known: HashMap<Box<str>, Result<usize, LookupError>>,
    /// The last successful lookup, since consecutive rows often have the same string.
    last: Option<(Box<str>, usize)>,
}

/// The maximum number of strings in a cache.
pub(super) const MOST_CACHED: usize = 100_000;

impl LookupCache {
    pub(super) fn new() -> Self {
        Self {
            known: HashMap::new(),
            last: None,
        }
    }

    pub(super) fn find(
        &mut self,
        text: &str,
        look: impl FnOnce() -> Result<usize, LookupError>,
    ) -> Result<usize, LookupError> {
        if let Some((last, place)) = &self.last
            && **last == *text
        {
            return Ok(*place);
        }
        let found = if let Some(found) = self.known.get(text) {
            found.clone()
        } else {
            if self.known.len() >= MOST_CACHED {
                self.known.clear();
            }
            let found = look();
            self.known.insert(text.into(), found.clone());
            found
        };
        if let Ok(place) = found {
            self.last = Some((text.into(), place));
        }
        found
    }
}
