//! Methods that read a ledger.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::fault::REMOVED;
use super::faults::Reason;
use super::{Fault, Ledger, Outcome, Status, number};
use crate::input::Label;

impl Ledger {
    /// Returns whether the fields are consistent. After loading a damaged pickle, they may not be.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let rows = self.rows();
        let columns = [
            self.ids.len(),
            self.sendings_of.len(),
            self.digests.len(),
            self.read,
        ];
        let known = |row: &u32| (*row as usize) < rows;
        let is_given = self.input.iter().flatten().all(known);
        let is_of_input = |(rows, of): &(Vec<u32>, usize)| rows.iter().all(|row| (*row as usize) < *of);
        is_given
            && self.selected.as_ref().is_none_or(is_of_input)
            && columns.iter().all(|length| *length <= rows)
            && self.labels.is_whole(rows)
            && self.keys.len() == rows
            && self.keys.is_whole()
            && self.faults.is_whole()
            && self
                .faults_of
                .iter()
                .all(|(row, fault)| known(&row) && self.faults.has(fault))
            && self
                .same_as
                .iter()
                .all(|(twin, first)| known(twin) && known(first))
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.statuses.len()
    }

    /// Returns all stored reasons, rendered, with their numbers.
    #[must_use]
    pub fn faults(&self) -> Vec<(u32, Fault)> {
        let numbers = self.faults.numbers();
        numbers
            .filter_map(|number| Some((number, self.faults.get(number)?)))
            .collect()
    }

    /// Returns the row in this ledger for each row in the last input, or `None` if the rows and their order are the
    /// same.
    #[must_use]
    pub fn input(&self) -> Option<&[u32]> {
        self.input.as_deref()
    }

    /// Returns the row at this position of the last input.
    #[must_use]
    pub fn row_of_input(&self, position: usize) -> Option<u32> {
        match &self.input {
            Some(input) => input.get(position).copied(),
            None => (position < self.rows()).then(|| number(position)),
        }
    }

    /// Returns the number of a row as users count it: its position in their input if only some rows of the input are in this
    /// ledger.
    #[must_use]
    pub fn number_of(&self, row: u32) -> u32 {
        let selected = self.selected.as_ref();
        selected
            .and_then(|(rows, _)| rows.get(row as usize).copied())
            .unwrap_or(row)
    }

    /// Returns whether this ledger has only some rows of the user's input.
    #[must_use]
    pub fn is_selected(&self) -> bool {
        self.selected.is_some()
    }

    /// Returns the number of rows in the last input.
    #[must_use]
    pub fn input_rows(&self) -> usize {
        match (&self.selected, &self.input) {
            (Some((_, rows)), _) => *rows,
            (None, Some(input)) => input.len(),
            (None, None) => self.rows(),
        }
    }

    /// Returns the position of each row in the last input, or `None` for a row that is not in it.
    #[must_use]
    pub fn places(&self) -> Vec<Option<u32>> {
        let Some(input) = &self.input else {
            return (0..number(self.rows()))
                .map(|row| Some(self.number_of(row)))
                .collect();
        };
        let mut places = vec![None; self.rows()];
        for (row, position) in input.iter().zip(0..) {
            if let Some(known) = places.get_mut(*row as usize) {
                *known = Some(self.number_of(position));
            }
        }
        places
    }

    /// Maps each row that has duplicates to the duplicates.
    #[must_use]
    pub fn twins(&self) -> HashMap<u32, Vec<u32>> {
        let mut twins: HashMap<u32, Vec<u32>> = HashMap::new();
        for (twin, first) in &self.same_as {
            twins.entry(*first).or_default().push(*twin);
        }
        twins
    }

    /// Returns the earlier row that `row` duplicates, if any.
    #[must_use]
    pub fn same_as(&self, row: u32) -> Option<u32> {
        self.same_as.get(&row).copied()
    }

    /// Returns the digest of a row's cells, or 0 if the row was not read.
    #[must_use]
    pub fn digest(&self, row: u32) -> u64 {
        self.digests.get(row as usize).copied().unwrap_or(0)
    }

    /// Returns the digest and the key that a row had before it was edited in a file of rows to fix, if it was.
    #[must_use]
    pub fn first_id(&self, row: u32) -> Option<(u64, &str)> {
        let (digest, key) = self.first_ids.get(&row)?;
        Some((*digest, key))
    }

    /// Returns whether rows that follow the last one were not read, so that their number is not known.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        !self.complete && self.read == self.rows()
    }

    /// Returns a number that identifies this run, or 0 if the run has no prefix for import keys.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.import_prefix
            .as_ref()
            .map_or(0, |prefix| xxh3_64(prefix.as_bytes()))
    }

    /// Returns the number of rows read. Any further rows are only known to exist.
    #[must_use]
    pub fn read(&self) -> usize {
        self.read
    }

    /// Returns the given ids that already belong to a row. For UUIDs, only rows that succeeded count.
    #[must_use]
    pub fn claimed<'t>(&self, ids: impl Iterator<Item = &'t str>) -> HashSet<String> {
        let mut odd: HashSet<&str> = HashSet::new();
        let mut uuids: HashMap<Uuid, &str> = HashMap::new();
        for id in ids {
            match Uuid::try_parse(id) {
                Ok(uuid) => drop(uuids.insert(uuid, id)),
                Err(_) => drop(odd.insert(id)),
            }
        }
        let settled = self.ids.iter().zip(&self.statuses);
        let known = settled
            .filter(|(_, status)| status.is_ok())
            .filter_map(|(id, _)| uuids.get(id).copied());
        let others = self.other_ids.values().map(AsRef::as_ref);
        known
            .chain(others.filter(|id| odd.contains(id)))
            .map(str::to_owned)
            .collect()
    }

    /// Returns the ids that were requested but not returned by the service.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let refused = |row: &u32| matches!(self.status(*row), Status::Rejected | Status::Invalid);
        let rows = (0..number(self.rows())).filter(refused);
        // Include strings that are not ids: the service would not return them either.
        rows.filter_map(|row| self.key(row).or_else(|| self.fault(self.original(row))?.value))
            .filter(|asked| !asked.is_empty())
            .collect()
    }

    /// Returns the keys of rows whose outcome is unknown, except for the rows in `but`. A key that is an id is
    /// returned as an empty string.
    #[must_use]
    pub fn keys_in_doubt(&self, but: &HashSet<u32>) -> Vec<&str> {
        (0..number(self.rows()))
            .filter(|row| self.statuses[*row as usize] == Status::Unknown && !but.contains(row))
            .map(|row| self.own_key(row))
            .collect()
    }

    /// Returns the number of rows with an outcome. Rows that were not sent, or whose outcome is unknown, do
    /// not count.
    #[must_use]
    pub fn settled_rows(&self) -> usize {
        let settled = |status: Status| !matches!(status, Status::NotSent | Status::Unknown);
        let repeats = self
            .same_as
            .values()
            .filter(|first| settled(self.statuses[**first as usize]))
            .count();
        self.statuses.iter().filter(|status| settled(**status)).count() + repeats
    }

    /// Returns the status of a row. A duplicate has that of the earlier row, unless that row created their asset.
    #[must_use]
    pub fn status(&self, row: u32) -> Status {
        match self.same_as(row) {
            Some(first) => self.statuses[first as usize].of_copy(),
            None => self.statuses[row as usize],
        }
    }

    /// Returns the label of a row.
    #[must_use]
    pub fn label(&self, row: u32) -> Label<'_> {
        self.labels.get(row as usize)
    }

    /// Formats the name of a row for messages. `title` is the title of the labels, such as `line`. Without a
    /// title, or if the label is not an integer, the name consists of `row` and the row's number.
    #[must_use]
    pub fn name_of(&self, row: u32, title: Option<&str>) -> String {
        match (title, self.label(row)) {
            (Some(title), Label::Int(number)) => format!("{title} {number}"),
            _ => format!("row {}", self.number_of(row)),
        }
    }

    pub(super) fn id(&self, row: u32) -> Option<String> {
        match self.ids.get(row as usize).filter(|id| !id.is_nil()) {
            Some(id) => Some(id.to_string()),
            None => self.other_ids.get(&row).map(ToString::to_string),
        }
    }

    /// Returns the rows that are done, by their ids.
    #[must_use]
    pub fn done_ids(&self) -> HashMap<String, u32> {
        let done = (0..number(self.rows())).filter(|row| self.statuses[*row as usize].is_ok());
        done.filter_map(|row| Some((self.id(row)?, row))).collect()
    }

    /// Returns the key of a row: its client asset id or its id.
    #[must_use]
    pub fn key(&self, row: u32) -> Option<String> {
        match self.own_key(row) {
            "" => self.id(row),
            key => Some(key.to_owned()),
        }
    }

    pub(super) fn own_key(&self, row: u32) -> &str {
        if let Some(key) = self.new_keys.get(&row) {
            return key;
        }
        // Only valid UTF-8 is ever added as a key.
        std::str::from_utf8(self.keys.get(row as usize)).unwrap_or("")
    }

    /// Returns the reason for a row's status, rendered.
    #[must_use]
    pub fn fault(&self, row: u32) -> Option<Fault> {
        self.kept_fault(row).or_else(|| {
            // Rows become unknown when their request is sent, and most are settled soon after, so no reason is
            // stored.
            (self.statuses[row as usize] == Status::Unknown).then(|| {
                Fault::new(
                    "in_flight",
                    "the call ended before the response to the request",
                    "repeat the call with its run=, or call .reconcile() on the result: both look for this row in the project",
                )
            })
        })
    }

    /// Returns the stored reason of a row, rendered.
    #[must_use]
    pub fn kept_fault(&self, row: u32) -> Option<Fault> {
        self.faults.get(self.faults_of.get(row)?)
    }

    /// Returns whether a row was removed from the input before it was sent.
    #[must_use]
    pub fn is_removed(&self, row: u32) -> bool {
        self.kept_fault(row).is_some_and(|fault| fault.code == REMOVED)
    }

    /// Returns the reason for a row's status. Problems from checks are not rendered.
    pub(super) fn reason(&self, row: u32) -> Option<Reason<'_>> {
        match self.faults_of.get(row) {
            Some(fault) => self.faults.reason(fault),
            None => self.fault(row).map(|fault| Reason::Other(Box::new(fault))),
        }
    }

    pub(super) fn outcome(&self, row: u32) -> Outcome<'_> {
        let original = self.original(row);
        let sending = self.sendings.get(self.sending_number(original) as usize);
        Outcome {
            row,
            label: self.label(row),
            key: self.key(row),
            status: self.status(row),
            id: self.id(original),
            fault: self.fault(original).or_else(|| self.copied(row)),
            attempts: sending.map_or(0, |sending| sending.attempts),
            request_id: sending.and_then(|sending| sending.request_id.as_deref()),
        }
    }

    /// Returns why a row that is the copy of an earlier row created no asset.
    fn copied(&self, row: u32) -> Option<Fault> {
        let first = self.same_as(row)?;
        (self.status(row) == Status::Unchanged).then(|| {
            let first = self.name_of(first, self.row_title.as_deref());
            Fault::new("same_row", format!("the same as {first}; they are one asset"), "")
        })
    }

    /// Returns the row whose outcome applies to this row: the earlier row for a duplicate, otherwise the row
    /// itself.
    pub(super) fn original(&self, row: u32) -> u32 {
        self.same_as.get(&row).copied().unwrap_or(row)
    }
}
