//! Rereads the rows from an earlier call, identifies them, and decides what to do with each.
//!
//! The ledger does not change until all of these rows have been read and matched with rows in the run.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::batch::align::{KnownRow, Mismatch, RowId, align};
use crate::batch::plan::{Packer, Same};
use crate::error::shortened;
use crate::input::Label;
use crate::ledger::{Fault, Ledger, OwnedLabel, Status, lock, number};
use crate::validation::Problem;
use xxhash_rust::xxh3::xxh3_64;

/// A row that was read from the input.
#[derive(Debug, Clone)]
pub(super) struct ReadRow {
    pub label: OwnedLabel,
    /// The digest of the row's cells.
    pub digest: u64,
    pub key: Box<str>,
    pub import_key: Box<str>,
    /// The row's item in the request body, or its problems. Empty if the asset already has the row's values.
    pub judged: Result<Vec<u8>, Vec<Problem>>,
}

/// The current input for a row whose outcome is unknown, in case its request was not executed.
#[derive(Debug, Clone)]
pub(super) enum Today {
    Row(ReadRow),
    /// Missing from an input that should contain all rows in the run.
    Removed,
    /// Missing from an input that contains only some of the rows.
    NotGiven,
}

/// The rows from an earlier call, until all of them have been read.
pub(super) struct Earlier {
    run: Vec<KnownRow>,
    /// Which rows are settled. A retry of a result requires that all rows are unchanged, settled or not.
    good: Vec<bool>,
    /// Whether the run has read all of its rows.
    complete: bool,
    input: Vec<RowId>,
    /// The input rows, except settled rows at their old position.
    held: BTreeMap<u32, ReadRow>,
    /// For each input row, its row number in this run, as given in a fixes file.
    numbers: Vec<Option<u32>>,
    /// Whether the rows come from a fixes file of another run.
    foreign: bool,
    /// For each row, the rows that share its outcome.
    twins: HashMap<u32, Vec<u32>>,
}

/// Returns the reason recorded for a row that was removed from the input.
pub(super) fn removed() -> Fault {
    Fault::new(
        "removed",
        "removed by you",
        "to send the row, put it back and make the call again",
    )
}

impl Earlier {
    /// Returns `None` if the ledger is new. With `edits`, rows that are not settled may have been edited.
    pub fn of(ledger: &Ledger, edits: bool) -> Option<Self> {
        let rows = u32::try_from(ledger.rows()).unwrap_or(u32::MAX);
        let known = |row| KnownRow {
            id: RowId {
                digest: ledger.digest(row),
                key: ledger.key(row).map_or(0, |key| named(&key)),
            },
            settled: !edits || ledger.status(row).good(),
            in_doubt: edits && ledger.status(row) == Status::Unknown && ledger.same_as(row).is_none(),
        };
        (rows > 0 || ledger.complete).then(|| Self {
            run: (0..rows).map(known).collect(),
            good: (0..rows).map(|row| ledger.status(row).good()).collect(),
            complete: ledger.complete,
            input: Vec::new(),
            held: BTreeMap::new(),
            numbers: Vec::new(),
            foreign: false,
            twins: ledger.twins(),
        })
    }

    /// Returns the number of the next input row, if it is a settled row at its old position.
    pub fn settled_next(&self, digest: u64) -> Option<u32> {
        let known = self.run.get(self.input.len())?;
        let same = self.good[self.input.len()] && known.id.digest == digest;
        same.then(|| number(self.input.len()))
    }

    pub fn take_settled(&mut self, digest: u64, key: &str) {
        let key = named(key);
        self.input.push(RowId { digest, key });
        self.numbers.push(None);
    }

    /// Stores a row. `number_in` is the run and row number from a fixes file.
    pub fn take(&mut self, row: ReadRow, number_in: Option<(u64, u32)>, run: u64) {
        let at = number(self.input.len());
        self.input.push(RowId {
            digest: row.digest,
            key: named(&row.key),
        });
        // Another run has other row numbers.
        self.foreign |= number_in.is_some_and(|(of, _)| of != run);
        let own = number_in.filter(|(of, _)| *of == run);
        self.numbers.push(own.map(|(_, row)| row));
        self.held.insert(at, row);
    }

    /// Returns whether the rows can be matched before the end of the input. This is the case once as many input
    /// rows have been read as the run has. If the run is complete or the input is a fixes file, the rows are
    /// matched early only if the input has more rows than the run.
    pub fn is_read(&self) -> bool {
        if self.complete || self.is_numbered() {
            self.input.len() > self.run.len()
        } else {
            self.input.len() == self.run.len()
        }
    }

    /// Returns whether the rows come from a fixes file of this run.
    fn is_numbered(&self) -> bool {
        self.numbers.iter().any(Option::is_some)
    }

    /// Returns the run's row for each input row.
    fn rows(&self) -> Result<Vec<u32>, Unfit> {
        if !self.is_numbered() {
            let rows = align(&self.run, &self.input, self.complete).map_err(Unfit::Row)?;
            let known = |row: u32| self.good.get(row as usize);
            // Only repeating patterns of identical rows can cause this.
            let unclear = rows
                .iter()
                .zip(0_u32..)
                .find(|(row, at)| known(**row).is_some_and(|good| !good) && !self.held.contains_key(at));
            return match unclear {
                Some((row, _)) => Err(Unfit::Unclear(*row)),
                None => Ok(rows),
            };
        }
        let mut taken = HashSet::new();
        (0_u32..)
            .zip(&self.numbers)
            .map(|(at, numbered)| {
                let row = numbered.ok_or(Unfit::Row(Mismatch::Added(at)))?;
                let known = self
                    .run
                    .get(row as usize)
                    .ok_or(Unfit::Row(Mismatch::Added(at)))?;
                let given = self.input[at as usize];
                if known.settled && known.id.digest != given.digest {
                    return Err(Unfit::Row(Mismatch::Missing(row)));
                }
                if known.in_doubt && known.id.digest != given.digest && known.id.key != given.key {
                    return Err(Unfit::Row(Mismatch::Replaced(row)));
                }
                if !taken.insert(row) {
                    return Err(Unfit::Repeated(row));
                }
                Ok(row)
            })
            .collect()
    }
}

/// Why the rows do not match the run.
enum Unfit {
    Row(Mismatch),
    /// One of several identical rows was removed, and it is unclear which one.
    Unclear(u32),
    /// A fixes file contains this row more than once.
    Repeated(u32),
}

impl Packer {
    /// Matches the rows with the run once all rows from the earlier call have been read.
    pub(super) fn place_earlier(&mut self) {
        let Some(mut earlier) = self.earlier.take() else {
            return;
        };
        let rows = match earlier.rows() {
            Ok(rows) => rows,
            Err(unfit) => {
                self.changed = Some(self.unfit(&unfit, &earlier));
                return;
            }
        };
        let all = !earlier.is_numbered();
        let known = number(earlier.run.len());
        let mut missing: HashSet<u32> = (0..known).collect();
        for row in &rows {
            missing.remove(row);
        }
        let twins = std::mem::take(&mut earlier.twins);
        for row in missing.iter().copied().filter(|_| all) {
            self.take_out(row, twins.get(&row).map_or(&[], Vec::as_slice));
        }
        for (at, row) in (0_u32..).zip(&rows) {
            let Some(mut read) = earlier.held.remove(&at) else {
                continue;
            };
            self.number_import_key(&mut read, *row);
            if *row >= known {
                self.take_new(read);
            } else {
                self.judge_again(*row, read, all, &twins);
            }
        }
        for row in missing.into_iter().filter(|row| self.again.prove.contains(row)) {
            let today = if all { Today::Removed } else { Today::NotGiven };
            self.today.entry(row).or_insert(today);
        }
        let places = rows;
        let same = places.iter().zip(0_u32..).all(|(row, at)| *row == at);
        self.places = (!same || places.len() < earlier.run.len()).then_some(places);
        self.some_rows_only = !all;
        self.today_is_known = true;
        self.next_row = number(lock(&self.ledger).rows());
    }

    /// Replaces a generated import key. The key belongs to the run's row, regardless of that row's position
    /// in the input.
    fn number_import_key(&self, read: &mut ReadRow, row: u32) {
        let Some(made) = self.writer.made_import_key(row) else {
            return;
        };
        if let Ok(body) = &mut read.judged {
            let text = String::from_utf8_lossy(body);
            let quoted = |key: &str| format!("\"{key}\"");
            *body = text
                .replacen(&quoted(&read.import_key), &quoted(&made), 1)
                .into_bytes();
        }
        read.import_key = made.into();
    }

    /// Adds a row that the run had not read before.
    fn take_new(&mut self, read: ReadRow) {
        {
            let mut ledger = lock(&self.ledger);
            self.row = ledger.push(Label::Number);
            ledger.relabel(self.row, read.label.as_label());
            ledger.name_last(&read.key, self.named_by_id);
            ledger.set_digest(self.row, read.digest);
        }
        let row = self.row;
        self.judge(row, &read.key, &read.import_key, read.judged);
    }

    /// Packs a row to be sent, unless it has problems or is a duplicate.
    fn judge(&mut self, row: u32, key: &str, import_key: &str, judged: Result<Vec<u8>, Vec<Problem>>) {
        match judged {
            Err(problems) => self.refuse(row, &problems),
            Ok(body) => {
                let same = self.same(key, import_key);
                if self.repeats(row, key, same, &body) {
                    return;
                }
                if body.is_empty() {
                    lock(&self.ledger).set(row, Status::Unchanged);
                } else {
                    self.pack(row, key, &body);
                }
            }
        }
    }

    fn judge_again(&mut self, row: u32, read: ReadRow, all: bool, twins: &HashMap<u32, Vec<u32>>) {
        let (status, own, first, edited) = {
            let ledger = lock(&self.ledger);
            let first = ledger.same_as(row);
            (
                ledger.status(row),
                ledger.record(row).status,
                first,
                ledger.digest(row) != read.digest,
            )
        };
        if all {
            lock(&self.ledger).relabel(row, read.label.as_label());
        }
        if status.good() {
            if let Some(same) = self.same(&read.key, &read.import_key) {
                self.note_spelling(&same);
                let said = read.judged.as_deref().map_or(0, Packer::said);
                self.seen.entry(same).or_insert((row, said));
            }
            return;
        }
        if status == Status::Unknown && (first.is_none() || !edited) {
            // If the row with the unknown outcome is missing, its duplicate is sent in its place.
            let sent = first.unwrap_or(row);
            if self.again.prove.contains(&sent) && (first.is_none() || !self.today.contains_key(&sent)) {
                self.judge_in_doubt(sent, read);
            }
            return;
        }
        // A duplicate shares the outcome of the earlier row, unless either of them was edited.
        let shares = first.is_some() && !edited;
        let wanted = if self.again.judge {
            edited || own.is_checked_again()
        } else {
            self.again.send.contains(&row)
        };
        if shares || !wanted {
            return;
        }
        {
            let mut ledger = lock(&self.ledger);
            if edited {
                ledger.part_from_twins(row, twins.get(&row).map_or(&[], Vec::as_slice));
            }
            ledger.rename(row, &read.key, self.named_by_id);
            ledger.set_digest(row, read.digest);
            ledger.set(row, Status::NotSent);
        }
        self.judge(row, &read.key, &read.import_key, read.judged);
    }

    /// Stores what to send for a row with an unknown outcome, in case its request was not executed.
    fn judge_in_doubt(&mut self, row: u32, mut read: ReadRow) {
        if let (Ok(body), Some(same)) = (&read.judged, self.same(&read.key, &read.import_key)) {
            self.note_spelling(&same);
            let said = Packer::said(body);
            let (first, other) = *self.seen.entry(same.clone()).or_insert((row, said));
            if first != row && other != said {
                read.judged = Err(vec![self.repeated(&same, &read.key, first)]);
            }
        }
        self.today.insert(row, Today::Row(read));
    }

    /// Marks a row in the run as removed from the input, unless the row's outcome is unknown.
    fn take_out(&mut self, row: u32, twins: &[u32]) {
        let mut ledger = lock(&self.ledger);
        // A row with an unknown outcome must be looked up before it can be marked.
        if ledger.status(row) != Status::Unknown {
            ledger.part_from_twins(row, twins);
            let fault = ledger.add_fault(&removed());
            ledger.set_fault(row, Status::NotSent, fault);
        }
    }

    /// Returns a message that says which row does not match, and what to do.
    fn unfit(&self, unfit: &Unfit, earlier: &Earlier) -> String {
        let ledger = lock(&self.ledger);
        let named = |row: u32| {
            let key = ledger
                .key(row)
                .map_or_else(String::new, |key| format!(" (`{}`)", shortened(&key, 60)));
            let place = match (self.writer.row_title(), ledger.label(row)) {
                (Some(title), Label::Int(number)) => format!(", {title} {number}"),
                _ => String::new(),
            };
            format!("row {row}{key}{place}")
        };
        let done = |row: u32| ledger.status(row).as_str();
        match unfit {
            Unfit::Row(_) if earlier.foreign => {
                "this file was written by `.write_fixes()` of another run: pass all rows of this run, or the file \
                    that the result of this run wrote"
                    .to_owned()
            }
            Unfit::Row(Mismatch::Missing(row)) => format!(
                "{} is {}, but is missing or was edited: restore it, and use patch to change the asset",
                named(*row),
                done(*row)
            ),
            Unfit::Row(Mismatch::Moved(row)) => format!(
                "{} is {}, but its position has changed: keep the order of the rows",
                named(*row),
                done(*row)
            ),
            Unfit::Row(Mismatch::Replaced(row)) => format!(
                "{} may be in the project, but another row has taken its place: put it back, or remove the other row",
                named(*row)
            ),
            Unfit::Row(Mismatch::Added(at)) => {
                let key = earlier.held.get(at).map_or("", |read| &read.key);
                format!(
                    "row {at} of the input (`{}`) was not part of the earlier call: import additional rows in \
                        a separate call",
                    shortened(key, 60)
                )
            }
            Unfit::Unclear(row) => format!(
                "{} is one of several identical rows, and some of them are missing: put them back",
                named(*row)
            ),
            Unfit::Repeated(row) => format!("{} appears more than once: keep one of them", named(*row)),
        }
    }

    /// Returns the current input for rows with an unknown outcome, once all rows from the earlier call have been read.
    pub(super) fn take_today(&mut self) -> Option<HashMap<u32, Today>> {
        std::mem::take(&mut self.today_is_known).then(|| std::mem::take(&mut self.today))
    }

    /// Returns the key that identifies a row's asset, if the row has one.
    pub(super) fn same(&self, key: &str, import_key: &str) -> Option<Same> {
        if self.named_by_id {
            uuid::Uuid::try_parse(key).ok().map(Same::Id)
        } else {
            // Generated keys are unique.
            let given = self.writer.import_keys_are_given() && !import_key.is_empty();
            given.then(|| Same::ImportKey(import_key.into()))
        }
    }
}

/// Returns the digest of a row's key, or 0 if it has none.
fn named(key: &str) -> u64 {
    if key.is_empty() {
        0
    } else {
        xxh3_64(key.as_bytes()).max(1)
    }
}
