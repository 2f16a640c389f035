//! The keys of the rows so far, which show the rows that are for the same asset.

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

/// The keys seen so far.
#[derive(Default)]
pub(super) struct Seen {
    /// For each key, its first row and the digest of that row's content.
    rows: HashMap<RowIdentity, (u32, u64)>,
    /// The first spelling of each import key, keyed by the normalized key (see `same_key`).
    spellings: HashMap<String, Box<str>>,
    /// The normalized keys with several spellings.
    alike: HashSet<String>,
}

impl Seen {
    /// Returns the first row with this key, and the digest of its content.
    pub fn first(&self, same: &RowIdentity) -> Option<(u32, u64)> {
        self.rows.get(same).copied()
    }

    /// Notes the row of a key, unless an earlier row has the key. Returns the first row, and the digest of its content.
    pub fn note(&mut self, same: RowIdentity, row: u32, digest: u64) -> (u32, u64) {
        *self.rows.entry(same).or_insert((row, digest))
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
        let keyed = self.rows.iter().filter_map(|(same, (row, _))| match same {
            RowIdentity::ImportKey(key) => Some((*row, key.to_string())),
            RowIdentity::Id(_) => None,
        });
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
