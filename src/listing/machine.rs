//! Decides what to request to read one or several lists whole, without I/O.
//!
//! 1. Every list is read once, as it was at the start.
//! 2. If there are filters, the changes since then are read without filters: they say which assets may have left.
//! 3. The changes in every list are read until it is quiet.
//! 4. If a list has fewer rows than the service counted at the start, and some may have left it since, the
//!    service counts again.
//! 5. An asset that left one of several lists may have come back to a list that was read before the others. The
//!    changes without filters are read once more: they say whether it has moved again.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::facts::{Fact, Facts, Version};
use super::part::{Next, Times, Trouble};
use super::series::{MARGIN, Series, Whole};

/// A list: one with the user's filters, or the list of all changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Filtered(usize),
    Changes,
}

/// A request for a page. Its response belongs to [`Machine::on`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub list: Which,
    pub next: Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Lists,
    AllChanges,
    Changes,
    Counts,
    /// What changed until the counts is read: these rows may have left after the counts or before.
    ChangesUntilCounts,
    Moves,
    End,
}

/// The state of a read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    lists: Vec<Series>,
    /// The changes without filters, if there are filters.
    changes: Option<Series>,
    /// The newest version of each changed asset.
    changed: HashMap<u64, Version>,
    /// The changed assets that no list shows, and whether one of them has changed again meanwhile.
    absent: HashMap<u64, Version>,
    have_moved: bool,
    stage: Stage,
    /// The earliest time at which the first request may have been executed, if it is known.
    begun: Option<i64>,
    times: Times,
    per_page: u64,
    /// The number of pages of the lists that had rows.
    pages: u64,
    #[serde(skip)]
    in_flight: usize,
}

impl Machine {
    /// Creates the machine for this number of lists, which together are the result.
    pub fn new(lists: usize, times: Times, is_filtered: bool, per_page: u64) -> Self {
        let changes = (is_filtered || lists > 1).then(|| Series::new(Times::default()));
        Self {
            lists: vec![Series::new(times); lists],
            changes,
            changed: HashMap::new(),
            absent: HashMap::new(),
            have_moved: false,
            stage: Stage::Lists,
            begun: None,
            times,
            per_page,
            pages: 0,
            in_flight: 0,
        }
    }

    /// Continues after the requests in flight were lost, perhaps much later.
    pub fn resume(&mut self) {
        self.in_flight = 0;
        self.lists
            .iter_mut()
            .chain(&mut self.changes)
            .for_each(Series::resume);
        let knows_changes = matches!(
            self.stage,
            Stage::Changes | Stage::Counts | Stage::ChangesUntilCounts | Stage::Moves
        );
        // Only the changes without filters show which assets have left the lists meanwhile.
        if knows_changes && self.read_changes_again().is_err() {
            self.begin_again();
        }
    }

    /// Continues if requests in flight were lost.
    pub fn resume_if_lost(&mut self) {
        if self.in_flight > 0 {
            self.resume();
        }
    }

    /// Returns whether everything was read.
    pub fn is_at_end(&self) -> bool {
        self.stage == Stage::End
    }

    /// Returns whether every list was read once.
    pub fn has_read_once(&self) -> bool {
        self.stage != Stage::Lists
    }

    /// Returns the number of rows that the service counted at the start, if it is known for every list.
    pub fn total(&self) -> Option<u64> {
        self.lists.iter().map(Series::total).sum()
    }

    /// Returns whether an asset of this version has left all lists since.
    pub fn has_left(&self, id: u64, version: Version) -> bool {
        self.changed.get(&id).is_some_and(|newest| *newest > version)
    }

    /// Returns the requests to send now, so that up to `at_once` are in flight.
    pub fn asks(&mut self, at_once: usize) -> Vec<Ask> {
        let mut asks = Vec::new();
        while self.in_flight < at_once {
            let more = (at_once - self.in_flight) as u64;
            let Some(ask) = self.next().or_else(|| self.divided(more)) else {
                break;
            };
            self.in_flight += 1;
            asks.push(ask);
        }
        asks
    }

    fn active(&mut self) -> impl Iterator<Item = (Which, &mut Series)> {
        let filtered = |(at, list)| (Which::Filtered(at), list);
        let lists = self.lists.iter_mut().enumerate().map(filtered);
        let changes = self.changes.as_mut().map(|list| (Which::Changes, list));
        let is_all = matches!(
            self.stage,
            Stage::AllChanges | Stage::ChangesUntilCounts | Stage::Moves
        );
        lists.filter(move |_| !is_all).chain(changes.filter(|_| is_all))
    }

    fn next(&mut self) -> Option<Ask> {
        self.active().find_map(|(list, series)| {
            let next = series.next()?;
            Some(Ask { list, next })
        })
    }

    fn divided(&mut self, more: u64) -> Option<Ask> {
        let per_page = self.per_page;
        let divided = self.active().any(|(_, series)| series.divide(more, per_page));
        divided.then(|| self.next()).flatten()
    }

    /// Reads a page, and returns what to do next.
    pub fn on(&mut self, ask: &Ask, facts: &Facts) -> Result<(), Trouble> {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.pages == 0 {
            self.begun = self.begun.or(facts.asked_at);
        }
        self.pages += u64::from(ask.list != Which::Changes && !facts.rows.is_empty());
        if ask.list == Which::Changes && self.stage == Stage::Moves {
            let has_moved = |row: &Fact| {
                self.absent
                    .get(&row.id)
                    .is_some_and(|absent| row.version > *absent)
            };
            self.have_moved |= facts.rows.iter().any(has_moved);
        } else if ask.list == Which::Changes {
            for row in &facts.rows {
                let newest = self.changed.entry(row.id).or_insert(row.version);
                *newest = row.version.max(*newest);
            }
        }
        let series = match ask.list {
            Which::Filtered(at) => self.lists.get_mut(at),
            Which::Changes => self.changes.as_mut(),
        };
        let read = series.map_or(Ok(()), |series| series.on(&ask.next.part, facts));
        let read = read.and_then(|()| self.advance());
        if read.is_err() {
            self.begin_again();
        }
        read
    }

    /// Estimates when the read began by the changes that it showed first, if the service's clock is not known.
    fn note_begun(&mut self) {
        let since = || self.lists.iter().filter_map(Series::changed_since).min();
        self.begun = self.begun.or_else(since);
    }

    /// Makes a later call read everything again. What changed since the first request is still to be known, as
    /// the rows that were read are kept.
    fn begin_again(&mut self) {
        self.note_begun();
        self.lists
            .iter_mut()
            .for_each(|list| *list = Series::new(self.times));
        self.changes = self.changes.take().map(|_| Series::new(Times::default()));
        self.stage = Stage::Lists;
    }

    /// Starts the next stage once the current one has ended.
    fn advance(&mut self) -> Result<(), Trouble> {
        match self.stage {
            Stage::Lists if self.lists.iter().all(Series::has_ended) => self.after_lists(),
            Stage::AllChanges => {
                if let Some(changes) = self.changes.as_mut().filter(|changes| changes.has_ended()) {
                    changes.begin(changes.changed_since())?;
                }
                self.after_all_changes()
            }
            Stage::Changes if self.lists.iter().all(Series::has_ended) => self.read_changes(),
            Stage::Counts if !self.lists.iter().any(Series::is_counting) => self.begin_last_changes(),
            Stage::ChangesUntilCounts if self.changes.as_ref().is_none_or(Series::has_ended) => {
                self.after_last_changes()
            }
            Stage::Moves if self.changes.as_ref().is_none_or(Series::has_ended) => self.after_moves(),
            _ => Ok(()),
        }
    }

    fn after_lists(&mut self) -> Result<(), Trouble> {
        // Rows of earlier pages may have left the list since.
        let is_one_page = self.pages <= 1 || self.changes.is_none();
        if let [list] = &mut self.lists[..]
            && list.is_quiet()
            && is_one_page
        {
            // The list fits in one response, which shows it at one moment.
            self.stage = match list.is_whole(&self.changed)? {
                Whole::Yes => Stage::End,
                Whole::Uncounted => Stage::Counts,
                Whole::Changed | Whole::No => Stage::Lists,
            };
            return Ok(());
        }
        self.read_changes_again()
    }

    /// Reads what has changed since the start, first without filters.
    fn read_changes_again(&mut self) -> Result<(), Trouble> {
        self.lists.iter_mut().for_each(Series::disturb);
        self.note_begun();
        let since = self.begun.map(|begun| begun.saturating_sub(MARGIN));
        if let Some(changes) = &mut self.changes {
            changes.disturb();
            changes.begin(since)?;
        }
        self.stage = Stage::AllChanges;
        self.after_all_changes()
    }

    fn after_all_changes(&mut self) -> Result<(), Trouble> {
        if self.changes.as_ref().is_none_or(Series::is_quiet) {
            self.read_changes()
        } else {
            Ok(())
        }
    }

    /// Reads the changes in every list that is not quiet. An interrupted round continues.
    fn read_changes(&mut self) -> Result<(), Trouble> {
        self.stage = Stage::Changes;
        for list in self.lists.iter_mut().filter(|list| list.has_ended()) {
            list.begin(list.changed_since())?;
        }
        if !self.lists.iter().all(Series::is_quiet) {
            return Ok(());
        }
        match self.are_whole(Series::is_whole)? {
            Whole::No => self.stage = Stage::Lists,
            Whole::Uncounted => self.stage = Stage::Counts,
            _ => return self.begin_moves(),
        }
        Ok(())
    }

    fn begin_last_changes(&mut self) -> Result<(), Trouble> {
        self.stage = Stage::ChangesUntilCounts;
        if let Some(changes) = &mut self.changes {
            changes.disturb();
            changes.begin(changes.changed_since())?;
            if !changes.has_ended() {
                return Ok(());
            }
        }
        // The service does not report what has changed.
        self.after_counts()
    }

    fn after_last_changes(&mut self) -> Result<(), Trouble> {
        if self.changes.as_ref().is_some_and(Series::is_fresh) {
            return self.read_changes_again();
        }
        self.after_counts()
    }

    fn after_counts(&mut self) -> Result<(), Trouble> {
        match self.are_whole(Series::is_whole_now)? {
            Whole::No => self.stage = Stage::Lists,
            Whole::Changed => return self.read_changes_again(),
            _ => return self.begin_moves(),
        }
        Ok(())
    }

    fn begin_moves(&mut self) -> Result<(), Trouble> {
        let is_absent = |id: u64, version: Version| !self.lists.iter().any(|list| list.shows(id, version));
        self.absent = match self.lists[..] {
            // It shows assets that came back.
            [_] => HashMap::new(),
            _ => self
                .changed
                .iter()
                .map(|(id, version)| (*id, *version))
                .filter(|(id, version)| is_absent(*id, *version))
                .collect(),
        };
        self.have_moved = false;
        self.stage = Stage::End;
        if let Some(changes) = self.changes.as_mut().filter(|_| !self.absent.is_empty()) {
            self.stage = Stage::Moves;
            changes.disturb();
            changes.begin(changes.changed_since())?;
            if changes.has_ended() {
                // The service does not report what has changed.
                self.stage = Stage::End;
            }
        }
        Ok(())
    }

    fn after_moves(&mut self) -> Result<(), Trouble> {
        if self.have_moved {
            return self.read_changes_again();
        }
        self.stage = Stage::End;
        Ok(())
    }

    /// Returns the result of the list that decides what to do.
    fn are_whole(
        &mut self,
        check: impl Fn(&mut Series, &HashMap<u64, Version>) -> Result<Whole, Trouble>,
    ) -> Result<Whole, Trouble> {
        let mut least = Whole::Yes;
        for list in &mut self.lists {
            let whole = check(list, &self.changed)?;
            least = least.max(whole);
        }
        Ok(least)
    }
}
