//! Reads the cells of a row in one pass.

use super::state::{Given, RowKind, Slot, Writer};
use crate::input::{Cell, Column, is_total};
use crate::rows::problem::{is_blank, shown};
use crate::rows::report::{CLEAR, RowOfRun};
use crate::rows::rules::Problem;

impl<K: RowKind> Writer<K> {
    /// Turns off the digests of rows. Call this before adding the first column.
    pub(in crate::rows) fn without_digests(&mut self) {
        self.anonymous = true;
    }

    /// Starts a row at the end of `out`. Pass the same `out` to every call until `end`.
    pub(in crate::rows) fn begin(&mut self, out: &mut Vec<u8>) {
        self.number = u32::try_from(self.rows).unwrap_or(u32::MAX);
        self.rows += 1;
        self.start = out.len();
        self.given = 0;
        self.id = Given::No;
        self.key.clear();
        self.identity.begin();
        self.numbered = None;
        self.digits.clear();
        self.problems.clear();
        self.office.begin();
        K::begin(self, out);
    }

    /// Sets the number of the current row in its run, which values generated for the row may contain. Default: the
    /// row's index in the input.
    pub(in crate::rows) fn set_number(&mut self, row: u32) {
        self.number = row;
    }

    /// Returns the number of rows read, including skipped rows.
    pub(in crate::rows) fn rows_read(&self) -> usize {
        self.rows
    }

    /// Counts a row that is skipped, or a list item that is not a row, so that warnings refer to the right
    /// rows.
    pub(in crate::rows) fn skip(&mut self) {
        self.rows += 1;
    }

    /// Records that the next cell of a column was blank, and has the value of the row above.
    pub(in crate::rows) fn filled(&mut self, column: Column) {
        self.fills.entry(column.0).or_default().add(self.rows);
    }

    /// Checks one cell of the row and writes it.
    pub(in crate::rows) fn cell(&mut self, column: Column, cell: &Cell<'_>, out: &mut Vec<u8>) {
        // Only `column` creates handles, and columns are never removed.
        let Some(named) = self.columns.get(column.0 as usize) else {
            return;
        };
        let slot = named.slot;
        if !K::hold(self, column, slot, cell) {
            self.read_cell(column, cell, out);
        }
    }

    /// Checks a cell whose row has all that the check needs.
    pub(in crate::rows) fn read_cell(&mut self, column: Column, cell: &Cell<'_>, out: &mut Vec<u8>) {
        let fills = !self.policy.names.reading.fill_down.is_empty();
        if fills
            && is_blank(cell)
            && let Some(named) = self.columns.get_mut(column.0 as usize)
        {
            named.blanks.add(self.rows);
        }
        let Some(named) = self.columns.get(column.0 as usize) else {
            return;
        };
        let clear = Cell::Clear;
        let cell = match cell {
            Cell::Text(CLEAR) => &clear,
            cell => cell,
        };
        let (slot, seed, reading) = (named.slot, named.seed, named.reading);
        if !matches!(slot, Slot::Ignored | Slot::Number) && !is_blank(cell) {
            self.office.headings.note(cell, &named.name);
        }
        if let Cell::Text(text) = cell
            && is_total(text)
        {
            let field = match slot {
                Slot::Field(field) => Some(field),
                _ => None,
            };
            let is_id = matches!(slot, Slot::Id);
            self.office.add_total(&named.name, text, field, is_id);
        }
        match seed {
            // An id is added by `id_cell`, in its parsed form.
            Some(seed) if !matches!(slot, Slot::Id) && !K::identify(self, slot, reading, seed, cell) => {
                self.identity.cell(seed, cell);
            }
            _ => {}
        }
        match slot {
            Slot::Ignored => {}
            Slot::Number => self.numbered = RowOfRun::of(cell),
            Slot::Id => self.id_cell(seed, cell, out),
            Slot::Field(field) => self.field_cell(field, Some(column), cell, out),
            Slot::Own(own) => K::own_cell(self, own, column, cell),
            Slot::Refused(refused) => self.refused_cell(refused, column, cell),
        }
    }

    fn refused_cell(&mut self, refused: usize, column: Column, cell: &Cell<'_>) {
        let refused = &self.refused[refused];
        let is_blank = matches!(cell, Cell::Null) && refused.problem.is_set_by_service();
        let name = refused.attribute.as_deref();
        let name = name.unwrap_or_else(|| self.called(column));
        if !is_blank && !K::is_unchanged(self, name, cell) {
            self.problems.push(Problem {
                value: shown(cell),
                ..refused.problem.clone()
            });
        }
    }

    /// Checks the row as a whole and ends it.
    ///
    /// # Errors
    /// Returns all problems with the row (at least one). `out` is restored to its length before `begin`.
    pub(in crate::rows) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        let noun = self.policy.shape.noun();
        if let Some(problem) = self.totals_row().or_else(|| self.office.heading_row(noun)) {
            out.truncate(self.start);
            return Err(vec![problem]);
        }
        K::end(self, out)
    }

    /// Returns the problems of the row, if there are any, and restores `out` in this case.
    pub(in crate::rows) fn checked(&mut self, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() {
            return Ok(());
        }
        out.truncate(self.start);
        Err(std::mem::take(&mut self.problems))
    }

    /// Returns the name of the row in a report: its id, or else what its kind names it by. Empty if the row has neither.
    pub(in crate::rows) fn key(&self) -> &str {
        &self.key
    }

    /// Returns the digest of the row that just ended, valid or not.
    pub(in crate::rows) fn digest(&self) -> u64 {
        self.identity.digest()
    }

    /// Returns the run of the row that just ended, and the row's number in that run, if the row comes from a
    /// file written by `write_fixes`.
    pub(in crate::rows) fn numbered(&self) -> Option<&RowOfRun> {
        self.numbered.as_ref()
    }

    /// Returns the title of the row labels, if they are positions in a file.
    pub(in crate::rows) fn row_title(&self) -> Option<&str> {
        self.policy.names.row_title.as_deref()
    }

    /// Returns whether the rows come from a text file such as CSV.
    pub(in crate::rows) fn are_of_text_file(&self) -> bool {
        self.policy.is_text_file()
    }
}
