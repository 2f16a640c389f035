//! The keys of the rows so far, which show the rows that are for the same asset.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::model::text::same_key;
use crate::rows::compare::as_number;
use crate::run::existing::{digest_of_key, digits_of};

/// The key that identifies a row's asset.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RowIdentity {
    Id(Uuid),
    ImportKey(Box<str>),
}

/// Returns the digest of a row's item in the request body, which is never 0.
pub(super) fn digest_of(body: &[u8]) -> u64 {
    xxh3_64(body).max(1)
}

/// A table may claim more rows than it has.
const MOST_EXPECTED: usize = 1 << 20;

/// Returns the row of a key, or notes this row if the key has none.
fn first_of<K>(entry: Entry<'_, K, u32>, row: u32) -> Option<u32> {
    match entry {
        Entry::Occupied(first) => Some(*first.get()),
        Entry::Vacant(none) => {
            none.insert(row);
            None
        }
    }
}

/// The keys seen so far.
#[derive(Default)]
pub(super) struct Seen {
    /// The first row of each id. A million ids take 44 MB, and half of that again when the map grows.
    ids: HashMap<Uuid, u32>,
    /// The first row of each import key.
    import_keys: HashMap<Box<str>, u32>,
    /// By row, the digest of its content, or 0 if it is invalid or not the first row of its key.
    digests: Vec<u64>,
    /// The number of rows to make room for.
    expected: usize,
    /// The first spelling of each import key, keyed by the normalized key (see `same_key`).
    spellings: HashMap<String, Box<str>>,
    /// The normalized keys with several spellings.
    alike: HashSet<String>,
}

impl Seen {
    /// Makes room for this many rows, if they have ids.
    pub fn expect(&mut self, rows: usize) {
        self.expected = rows.min(MOST_EXPECTED);
    }

    /// Returns the first row with this key, and the digest of its content.
    pub fn first(&self, same: &RowIdentity) -> Option<(u32, u64)> {
        let first = match same {
            RowIdentity::Id(id) => self.ids.get(id),
            RowIdentity::ImportKey(key) => self.import_keys.get(key),
        };
        first.map(|first| (*first, self.digest(*first)))
    }

    /// Notes the row of a key, unless an earlier row has the key. Returns the first row, and the digest of its content.
    pub fn note(&mut self, same: RowIdentity, row: u32, digest: u64) -> (u32, u64) {
        let first = match same {
            RowIdentity::Id(id) => {
                self.ids.reserve(std::mem::take(&mut self.expected));
                first_of(self.ids.entry(id), row)
            }
            RowIdentity::ImportKey(key) => first_of(self.import_keys.entry(key), row),
        };
        if let Some(first) = first {
            return (first, self.digest(first));
        }
        let at = row as usize;
        if self.digests.len() <= at {
            self.digests.resize(at + 1, 0);
        }
        self.digests[at] = digest;
        (row, digest)
    }

    fn digest(&self, row: u32) -> u64 {
        self.digests.get(row as usize).copied().unwrap_or_default()
    }

    /// Records import keys that differ only in spelling, since they belong to different assets.
    pub fn note_spelling(&mut self, same: &RowIdentity) {
        let RowIdentity::ImportKey(key) = same else { return };
        let folded = same_key(key);
        match self.spellings.get(&folded) {
            Some(spelling) if spelling == key => {}
            Some(_) => drop(self.alike.insert(folded)),
            None => drop(self.spellings.insert(folded, key.clone())),
        }
    }

    /// Returns the import keys, each with its first row, in the order of the rows.
    pub fn keyed(&self) -> Vec<(u32, String)> {
        let keyed = self.import_keys.iter().map(|(key, row)| (*row, key.to_string()));
        let mut keyed: Vec<(u32, String)> = keyed.collect();
        keyed.sort_unstable();
        keyed
    }

    /// Takes the normalized import keys that rows spell in more than one way.
    pub fn take_alike(&mut self) -> HashSet<String> {
        std::mem::take(&mut self.alike)
    }

    /// Returns digests of the import keys, and of the numbers that keys of digits are.
    pub fn import_keys(&self) -> impl Iterator<Item = u64> + '_ {
        let padded = self.spellings.keys().filter(|key| digits_of(key).is_some());
        let padded = padded.filter_map(|key| Some(digest_of_key(&as_number(key)?)));
        self.spellings.keys().map(|key| digest_of_key(key)).chain(padded)
    }
}
