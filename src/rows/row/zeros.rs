//! Leading zeros that a cell had in a file of rows to fix, and has lost on the way back.

use super::{RowWriter, is_number, shown};
use crate::input::{Cell, Column};
use crate::model::text::trimmed;
use crate::rows::columns::plain_of_padded;
use crate::rows::rules::Problem;
use crate::settings::names::plain;

/// A number or a text of digits that is sent as text.
pub(super) struct Digits {
    column: Column,
    text: String,
    is_number: bool,
}

impl RowWriter {
    /// Records a cell that is sent as text, if it may have lost leading zeros.
    pub(super) fn note_digits(&mut self, column: Option<Column>, cell: &Cell<'_>) {
        let Some(column) = column else { return };
        let text = match cell {
            Cell::Text(text) if self.has_rows_of_run => trimmed(text).to_owned(),
            cell if is_number(cell) => shown(cell),
            _ => return,
        };
        let is_number = is_number(cell);
        self.digits.push(Digits {
            column,
            text,
            is_number,
        });
    }

    /// Refuses cells of the row that had leading zeros in its file of rows to fix.
    pub(super) fn refuse_lost_zeros(&mut self) {
        let Some(numbered) = self.numbered.as_ref().filter(|row| !row.padded.is_empty()) else {
            return;
        };
        let is_file = self.row_title().is_some();
        let lost = self.digits.iter().filter_map(|digits| {
            let name = self.columns.get(digits.column.0 as usize)?.name.as_str();
            // A program that reads a template also returns the mark of required columns.
            let mut texts = numbered.padded.iter();
            let (_, padded) = texts.find(|(column, _)| *column == name || plain(column) == plain(name))?;
            let is_lost = digits.is_number || digits.text == plain_of_padded(padded);
            let is_known = self.problems.iter().any(|problem| problem.column == name);
            (is_lost && !is_known).then(|| Problem::lost_zeros_of_fixes(name, &digits.text, padded, is_file))
        });
        let lost: Vec<Problem> = lost.collect();
        self.problems.extend(lost);
    }
}
