//! The rows that a list has shown, each with its newest version and the last round that showed it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::listing::facts::{Fact, Packed, Version};

/// The rows that a list has shown, by the digest of their id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeenRows(HashMap<u64, Seen>);

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Seen {
    /// The newest version of the row, and the last round that showed it.
    version: Packed,
    round: u32,
}

/// What a row of a page adds to the rows that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// Whether this round has not shown the row before.
    pub is_new_in_round: bool,
    /// Whether no round has shown the row, or only an older version.
    pub is_news: bool,
}

impl SeenRows {
    /// Adds a row of a page of this round.
    pub fn add(&mut self, row: &Fact, round: u32) -> Added {
        let is_known = self.0.contains_key(&row.id);
        let seen = self.0.entry(row.id).or_insert(Seen {
            version: Version::default().into(),
            round: 0,
        });
        let added = Added {
            is_new_in_round: seen.round != round,
            is_news: !is_known || seen.version.is_before(row.version),
        };
        seen.version = seen.version.max(row.version.into());
        seen.round = round;
        added
    }

    /// Returns whether the list has shown this version of a row, or a newer one.
    pub fn shows(&self, id: u64, version: Version) -> bool {
        self.0.get(&id).is_some_and(|seen| seen.version >= version.into())
    }

    /// Returns whether this round or a later one has shown a row.
    pub fn shows_since(&self, round: u32, id: u64) -> bool {
        self.0.get(&id).is_some_and(|seen| seen.round >= round)
    }

    /// Returns the number of rows that this round or a later one has shown.
    pub fn count_since(&self, round: u32) -> u64 {
        self.0.values().filter(|seen| seen.round >= round).count() as u64
    }

    /// Returns the number of rows that some round has shown and that have not changed since. `changed` has the newest
    /// version of each row that changed.
    pub fn count_unchanged(&self, changed: &HashMap<u64, Version>) -> u64 {
        let has_changed =
            |id: &u64, seen: &Seen| changed.get(id).is_some_and(|now| seen.version.is_before(*now));
        let rows = self.0.iter();
        rows.filter(|(id, seen)| seen.round >= 1 && !has_changed(id, seen))
            .count() as u64
    }

    /// Forgets which rounds have shown the rows.
    pub fn forget_rounds(&mut self) {
        self.0.values_mut().for_each(|seen| seen.round = 0);
    }

    /// Forgets that the latest round has shown rows. They count as rows of the round before.
    pub fn forget_round(&mut self, round: u32) {
        for seen in self.0.values_mut().filter(|seen| seen.round == round) {
            seen.round -= 1;
        }
    }
}
