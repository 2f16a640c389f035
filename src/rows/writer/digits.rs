//! Texts such as 0017 that a cell had in a file of rows to fix, and that a program has read as numbers since.

use super::state::{NumberText, RowKind, Writer};
use crate::input::{Cell, Column};
use crate::model::text::trimmed;
use crate::rows::compare::as_number;
use crate::rows::problem::{is_number, shown};
use crate::rows::rules::Problem;

impl<K: RowKind> Writer<K> {
    /// Returns whether the row may come from a file of rows to fix. The columns of dicts are known only after the first row.
    pub(in crate::rows) fn notes_digits(&self) -> bool {
        self.has_rows_of_run || self.rows == 1
    }

    /// Records a cell that is sent as text, if it may have lost digits since it was in a file of rows to fix.
    pub(in crate::rows) fn note_digits(&mut self, column: Option<Column>, field: String, cell: &Cell<'_>) {
        let text = match cell {
            // A text in a workbook was typed there.
            Cell::Text(text) if !self.policy.is_workbook() && as_number(text).is_some() => {
                trimmed(text).to_owned()
            }
            cell if is_number(cell) => shown(cell),
            _ => return,
        };
        self.digits.push(NumberText {
            column,
            field,
            text,
            is_number: is_number(cell),
        });
    }

    /// Refuses cells of the row that had other digits in its file of rows to fix.
    pub(in crate::rows) fn refuse_lost_zeros(&mut self) {
        let Some(numbered) = self.numbered.as_ref().filter(|row| !row.texts.is_empty()) else {
            return;
        };
        let is_file = self.row_title().is_some();
        let lost = self.digits.iter().filter_map(|digits| {
            let before = numbered.texts.get(&digits.field)?;
            let is_same = as_number(&digits.text) == as_number(before);
            let is_lost = if digits.is_number {
                is_same || before.starts_with('0')
            } else {
                is_same && digits.text != *before
            };
            let column = digits
                .column
                .and_then(|column| self.columns.get(column.0 as usize));
            let name = column.map_or(digits.field.as_str(), |column| &column.name);
            let is_known = self.problems.iter().any(|problem| problem.column == name);
            (is_lost && !is_known).then(|| Problem::lost_zeros_of_fixes(name, &digits.text, before, is_file))
        });
        let lost: Vec<Problem> = lost.collect();
        self.problems.extend(lost);
    }
}
