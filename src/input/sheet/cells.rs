//! Finds the table in the cells of a workbook.

use std::collections::BTreeMap;

use super::footer::{Above, FooterRow, footer_notes};
use super::layout::Layout;
use super::marks::{REQUIRED_MARK, ROW_OF_RUN};
use super::names::{Head, Names, SHEET_ROW, header_note, skipped_row};
use super::value::{Placed, WorkbookValue};
use crate::input::cell::Cell;
use crate::input::source::{Column, Label, More, Sink, SourceError};
use crate::input::totals::is_total;

/// The rows below the column names.
#[derive(Debug)]
pub(super) struct Cells {
    rows: Vec<Row>,
    /// The cells that are not blank, in row order, each with its row and the index of its column name.
    cells: Vec<Placed>,
}

#[derive(Debug)]
struct Row {
    /// The row number in the sheet, from 1.
    number: u32,
    /// The end of the row's cells in `cells`, exclusive.
    end: usize,
}

impl Cells {
    /// Takes the cells between the header and the row `end`. `names` are the columns with a name, from left to right.
    fn below(header: u32, end: u32, names: Vec<u32>, mut cells: Vec<Placed>) -> Self {
        let indexes: BTreeMap<u32, u32> = names.into_iter().zip(0..).collect();
        cells.retain(|(row, _, _)| *row > header && *row < end);
        let mut rows: Vec<Row> = Vec::new();
        for (at, (row, column, _)) in cells.iter_mut().enumerate() {
            // Every column with a cell has a name.
            *column = indexes.get(column).copied().unwrap_or(u32::MAX);
            let number = row.saturating_add(1);
            match rows.last_mut() {
                Some(last) if last.number == number => last.end = at + 1,
                _ => rows.push(Row { number, end: at + 1 }),
            }
        }
        Self { rows, cells }
    }

    /// Returns the number of rows, not counting blank ones.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Returns the column and value of each cell that is not blank.
    pub(super) fn values(&self) -> impl Iterator<Item = (u32, &WorkbookValue)> {
        self.cells.iter().map(|(_, column, value)| (*column, value))
    }

    /// Pushes rows until the sink is full or there are no more. `next` is the next row, and `first` its first cell.
    pub(super) fn fill(
        &self,
        next: &mut usize,
        first: &mut usize,
        columns: &[Column],
        sink: &mut dyn Sink,
    ) -> More {
        while let Some(row) = self.rows.get(*next) {
            let mut cells = self.cells[*first..row.end].iter().peekable();
            *next += 1;
            *first = row.end;
            if sink.begin(Label::Int(row.number.into())) {
                for (index, column) in (0_u32..).zip(columns) {
                    let cell = cells.next_if(|(_, column, _)| *column == index);
                    sink.cell(*column, &cell.map_or(Cell::Null, |(_, _, value)| value.cell()));
                }
                sink.end();
            }
            if sink.full() {
                return More::Rows;
            }
        }
        More::End
    }
}

/// Finds the table of a sheet. `place` and `hint` are those of [`Names`].
pub(super) fn table(
    mut cells: Vec<Placed>,
    (place, hint): (String, String),
    layout: &Layout<'_>,
    is_template: bool,
) -> Result<(Head, Cells), SourceError> {
    // The formats do not guarantee that rows and cells are unique and in order.
    if !cells.is_sorted_by_key(|(row, column, _)| (*row, *column)) {
        cells.sort_by_key(|(row, column, _)| (*row, *column));
    }
    cells.dedup_by_key(|(row, column, _)| (*row, *column));
    let layout = &fitting(layout, &cells, is_template);
    let mut names = Names::new(place, hint);
    let is_empty = cells.is_empty();
    let skipped_above = last_skipped(&cells, layout);
    cells.retain(|(row, ..)| *row >= layout.skip_rows);
    if cells.is_empty() && !is_empty {
        return Err(names.all_skipped(layout));
    }
    let above = cells
        .chunk_by(|one, other| one.0 == other.0)
        .position(|row| row.len() > 1)
        .unwrap_or(0);
    let mut rows = cells.chunk_by(|one, other| one.0 == other.0).skip(above);
    let Some(header) = rows.next() else {
        return Err(names.none());
    };
    for (_, column, value) in header {
        if let WorkbookValue::Formula(formula) = value {
            return Err(names.formula(formula));
        }
        names.add(*column, &value.name());
    }
    let header_row = header[0].0;
    let mut notes = Vec::new();
    if above > 0 {
        notes.push(header_note(SHEET_ROW, header_row));
    }
    let mut rows: Vec<&[Placed]> = rows.collect();
    let Some(kept) = rows.len().checked_sub(layout.skip_footer) else {
        return Err(names.no_footer(layout, rows.len()));
    };
    let footer: Vec<FooterRow> = rows.split_off(kept).into_iter().map(footer_row).collect();
    let above = Above {
        last: &rows.last().map(|row| columns(row)).unwrap_or_default(),
        names: &columns(header),
    };
    let found = footer_notes(SHEET_ROW, &names.place, &above, &footer, layout.is_footer_shared);
    notes.extend(found.map_err(|error| SourceError::new(format!("{}{}", error.message(), names.hint)))?);
    let end = footer.first().map_or(u32::MAX, |row| row.row);
    let required = std::mem::take(&mut names.required);
    let (columns, names) = names.finish(rows.into_iter().flatten().map(|(_, column, _)| *column))?;
    let head = Head {
        names,
        required,
        skipped: layout.skip_footer,
        skipped_above,
        notes,
    };
    Ok((head, Cells::below(header_row, end, columns, cells)))
}

/// Returns the layout for a file that this package wrote. An office's mapping file describes the office's own
/// sheets, with title rows and totals, which such a file does not have.
fn fitting<'l>(layout: &Layout<'l>, cells: &[Placed], is_template: bool) -> Layout<'l> {
    let first = || {
        cells
            .iter()
            .take_while(|(row, ..)| *row == 0)
            .map(|(.., value)| value.name())
    };
    if first().any(|name| name == ROW_OF_RUN) {
        Layout {
            skip_rows: 0,
            skip_footer: 0,
            ..*layout
        }
    } else if is_template && first().any(|name| name.trim_end().ends_with(REQUIRED_MARK)) {
        Layout {
            skip_rows: 0,
            ..*layout
        }
    } else {
        *layout
    }
}

/// Describes the last row that `skip_rows` skips.
fn last_skipped(cells: &[Placed], layout: &Layout<'_>) -> Option<String> {
    let last = layout.skip_rows.checked_sub(1)?;
    let cells = cells.iter().filter(|(row, ..)| *row == last);
    skipped_row(SHEET_ROW, layout.skip_rows, cells.map(|(.., value)| value.name()))
}

fn columns(row: &[Placed]) -> Vec<u32> {
    row.iter().map(|(_, column, _)| *column).collect()
}

fn footer_row(row: &[Placed]) -> FooterRow {
    FooterRow {
        row: row[0].0,
        columns: columns(row),
        first: row[0].2.name(),
        is_total: row.iter().any(|(.., value)| is_total(&value.name())),
    }
}
