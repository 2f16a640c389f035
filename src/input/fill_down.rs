//! Filling blank cells with the value of the row above.

use super::cell::Cell;
use super::owned::Owned;

/// The filling of one column.
#[derive(Default)]
pub(super) struct Fill {
    /// Whether the rows of the index between the last value and the current row are missing.
    pub(super) is_torn: bool,
    /// The value of the last row that has one.
    pub(super) above: Option<Owned>,
    /// What the current row has.
    pub(super) current: Current,
}

/// What the current row has in one column.
#[derive(Default)]
pub(super) enum Current {
    #[default]
    Absent,
    Blank,
    /// A value. `value` is `None` if it is the same as `above`.
    Given {
        value: Option<Owned>,
        is_title: bool,
    },
}

impl Fill {
    /// Notes a cell of the current row.
    pub(super) fn note(&mut self, value: &Cell<'_>, is_title: bool) {
        if !value.is_blank() {
            let is_same = self.above.as_ref().is_some_and(|above| above.cell() == *value);
            self.current = Current::Given {
                value: (!is_same).then(|| Owned::of(value)),
                is_title,
            };
        } else if matches!(self.current, Current::Absent) {
            self.current = Current::Blank;
        }
    }
}

/// The index of a table, if its labels are whole numbers. It shows which rows are missing.
#[derive(Default)]
pub(super) struct Index {
    /// The number of rows so far.
    rows: usize,
    /// The label of the current row.
    label: i64,
    /// The label of the next row, if no row is missing.
    next: i64,
    /// Why a cell cannot be filled.
    pub(super) refused: Option<String>,
}

impl Index {
    /// Reads the label of the next row. Returns whether the row above it is missing.
    pub(super) fn begin(&mut self, label: i64) -> bool {
        self.rows += 1;
        self.label = label;
        let is_torn = label != self.next;
        self.next = label.saturating_add(1);
        is_torn
    }

    /// Refuses to fill a cell of the current row, whose row above is missing.
    pub(super) fn refuse(&mut self, column: &str) {
        let (row, label) = (self.rows.saturating_sub(1), self.label);
        self.refused.get_or_insert_with(|| {
            format!(
                "fill_down: `{column}` is blank in row {row} (index {label}), but the row above it in the index is missing, so \
                 its value is not known. Fill the column before you select rows, with frame[\"{column}\"] = \
                 frame[\"{column}\"].ffill(), or pass all rows. To change assets that differ, pass the result: \
                 project.assets.patch(result). If the index does not number the rows, pass frame.reset_index(drop=True)"
            )
        });
    }
}
