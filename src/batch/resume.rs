//! Rereads the rows from an earlier call, identifies them, and decides what to do with each.
//!
//! The ledger does not change until all of these rows have been read and matched with rows in the run.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::batch::align::{KnownRow, Mismatch, RowId, align};
use crate::batch::plan::{Packer, Same};
use crate::batch::unfit::Unfit;
use crate::input::Label;
use crate::ledger::{Fault, Ledger, OwnedLabel, Status, lock, number};
use crate::validation::{Problem, RowOfRun};
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
    /// The runs and row numbers of input rows that come from a fixes file.
    numbered: BTreeMap<u32, RowOfRun>,
    /// The number of this run.
    own: u64,
    /// What rows were before they were edited in a fixes file.
    first: HashMap<u32, RowId>,
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
        let first = |row| {
            let (digest, key) = ledger.first_id(row)?;
            let key = named(key);
            Some((row, RowId { digest, key }))
        };
        (rows > 0 || ledger.complete).then(|| Self {
            run: (0..rows).map(known).collect(),
            good: (0..rows).map(|row| ledger.status(row).good()).collect(),
            complete: ledger.complete,
            input: Vec::new(),
            held: BTreeMap::new(),
            numbered: BTreeMap::new(),
            own: ledger.run(),
            first: (0..rows).filter_map(first).collect(),
            twins: ledger.twins(),
        })
    }

    /// Returns the number of rows that are done.
    pub fn done(&self) -> usize {
        self.good.iter().filter(|good| **good).count()
    }

    /// Returns whether no row is done, and none may be.
    pub fn nothing_is_sent(&self) -> bool {
        !self.good.contains(&true) && !self.run.iter().any(|known| known.in_doubt)
    }

    /// Returns the number of the next input row, if it is a settled row at its old position, and whether the row is as
    /// it was before a fixes file.
    pub fn settled_next(&self, digest: u64) -> Option<(u32, bool)> {
        let row = number(self.input.len());
        let known = self.run.get(row as usize)?;
        if !self.good[row as usize] {
            return None;
        }
        let is_first = || self.first.get(&row).is_some_and(|first| first.digest == digest);
        if known.id.digest == digest {
            Some((row, false))
        } else {
            is_first().then_some((row, true))
        }
    }

    pub fn take_settled(&mut self, digest: u64, key: &str) {
        let key = named(key);
        self.input.push(RowId { digest, key });
    }

    /// Stores a row. `number_in` is the run and row number from a fixes file.
    pub fn take(&mut self, row: ReadRow, number_in: Option<RowOfRun>) {
        let at = number(self.input.len());
        self.input.push(RowId {
            digest: row.digest,
            key: named(&row.key),
        });
        self.numbered.extend(number_in.map(|number| (at, number)));
        self.held.insert(at, row);
    }

    /// Returns whether the rows can be matched before the end of the input. This is the case once as many input
    /// rows have been read as the run has. If the run is complete or the input is a fixes file, the rows are
    /// matched early only if the input has more rows than the run.
    pub fn is_read(&self) -> bool {
        if self.complete || !self.numbered.is_empty() {
            self.input.len() > self.run.len()
        } else {
            self.input.len() == self.run.len()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    /// Returns an input row, unless it is a settled row at its old position.
    pub(super) fn held(&self, at: u32) -> Option<&ReadRow> {
        self.held.get(&at)
    }

    /// Returns whether an input row has the name of a row of the run.
    pub(super) fn has_name_of(&self, row: u32) -> bool {
        let key = self.run[row as usize].id.key;
        key != 0 && self.input.iter().any(|given| given.key == key)
    }

    /// Returns whether a number from a fixes file is that of a row of this run.
    fn is_own(&self, number: &RowOfRun) -> bool {
        number.run == self.own && self.own != 0
    }

    /// Returns whether rows come from the fixes file of another run, call or check.
    pub(super) fn are_numbered_elsewhere(&self) -> bool {
        self.numbered.values().any(|number| !self.is_own(number))
    }

    /// Returns the name of another run whose fixes file has one of the rows.
    fn name_of_other_run(&self) -> Option<&str> {
        let mut others = self.numbered.values().filter(|number| !self.is_own(number));
        others.find_map(|number| number.name.as_deref())
    }

    /// Returns whether the input has fewer rows than the run, as a fixes file does.
    pub(super) fn is_shorter(&self) -> bool {
        self.input.len() < self.run.len()
    }

    /// For rows of a fixes file of this run, returns the row number in the run of each input row.
    ///
    /// A file of a check, or of a call without a name, counts as a file of this run if the run has its rows as they
    /// were before they were fixed.
    fn numbers(&self) -> Option<Vec<Option<u32>>> {
        let has = |number: &RowOfRun| {
            let known = self.run.get(number.row as usize).map(|known| known.id.digest);
            let first = self.first.get(&number.row).map(|first| first.digest);
            number.digest != 0 && [known, first].contains(&Some(number.digest))
        };
        let all_fit = self.numbered.len() == self.input.len() && self.numbered.values().all(has);
        let number_of = |at: u32| {
            self.numbered
                .get(&at)
                .filter(|number| all_fit || self.is_own(number))
        };
        let numbers: Vec<Option<u32>> = (0..number(self.input.len()))
            .map(|at| Some(number_of(at)?.row))
            .collect();
        numbers.iter().any(Option::is_some).then_some(numbers)
    }

    /// Returns the rows of the run, with those as they were before a fixes file that the input has in this form.
    fn as_given(&self) -> Cow<'_, [KnownRow]> {
        if self.first.is_empty() {
            return Cow::Borrowed(&self.run);
        }
        let given: HashSet<u64> = self.input.iter().map(|id| id.digest).collect();
        let mut run = self.run.clone();
        for (row, first) in &self.first {
            let known = &mut run[*row as usize].id;
            let at_its_place = self.input.get(*row as usize).map(|id| id.digest);
            let has = |id: &RowId| at_its_place == Some(id.digest);
            let is_first = has(first) || !has(known) && !given.contains(&known.digest);
            if is_first && given.contains(&first.digest) {
                *known = *first;
            }
        }
        Cow::Owned(run)
    }

    /// Returns the run's row for each input row. `numbers` are the row numbers of a fixes file of this run.
    fn rows(&self, numbers: Option<&[Option<u32>]>) -> Result<Vec<u32>, Unfit> {
        let Some(numbers) = numbers else {
            let rows = align(&self.as_given(), &self.input, self.complete).map_err(Unfit::Row)?;
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
        };
        let mut taken = HashSet::new();
        (0_u32..)
            .zip(numbers)
            .map(|(at, numbered)| {
                let row = numbered.ok_or(Unfit::Row(Mismatch::Added(at)))?;
                let known = self
                    .run
                    .get(row as usize)
                    .ok_or(Unfit::Row(Mismatch::Added(at)))?;
                let given = self.input[at as usize];
                let first = self.first.get(&row).map(|first| first.digest);
                let is_same = known.id.digest == given.digest || first == Some(given.digest);
                if known.settled && !is_same {
                    return Err(Unfit::Row(Mismatch::Missing(row)));
                }
                if known.in_doubt && !is_same && known.id.key != given.key {
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

impl Packer {
    /// Matches the rows with the run once all rows from the earlier call have been read.
    pub(super) fn place_earlier(&mut self) {
        let Some(mut earlier) = self.earlier.take() else {
            return;
        };
        if let Some(name) = earlier.name_of_other_run().filter(|_| self.again.edits) {
            self.changed = Some(Self::of_other_run(name));
            return;
        }
        self.changed = self.moved_columns(earlier.done()).filter(|_| self.again.edits);
        if self.changed.is_some() {
            return;
        }
        let numbers = earlier.numbers();
        let all = numbers.is_none();
        let rows = match earlier.rows(numbers.as_deref()) {
            Ok(rows) => rows,
            Err(unfit) => {
                self.changed = Some(self.unfit(&unfit, &earlier));
                return;
            }
        };
        self.keep_fields(&earlier, all);
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

    /// Records which fields the columns set, now that the rows are known to be those of the run.
    fn keep_fields(&mut self, earlier: &Earlier, all: bool) {
        let fields = std::mem::take(&mut self.fields);
        let mut ledger = lock(&self.ledger);
        if all {
            ledger.row_title = self.writer.row_title().map(Into::into);
        }
        let is_moved = |(column, now)| ledger.fields.get(column).is_some_and(|before| before != now);
        self.are_moved = fields.iter().any(is_moved);
        if all && earlier.done() == 0 {
            ledger.fields = fields;
        } else {
            ledger.fields.extend(fields);
        }
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
        if status.good() && edited {
            // The row is as it was before it was corrected, so its values are not those of its asset.
            return self.corrected.push(row);
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
            edited || self.are_moved || own.is_checked_again()
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
                if !all {
                    ledger.keep_first_id(row);
                }
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
