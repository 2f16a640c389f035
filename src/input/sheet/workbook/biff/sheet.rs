//! Estimates the memory for the cells of one sheet.

use calamine::{Cell, Data};

use super::records::{Record, Records};

/// Bytes per cell in the library's list of a sheet's cells, and in the rectangle to which the library copies
/// the cells.
const LISTED: u64 = size_of::<Cell<Data>>() as u64;
const PLACED: u64 = size_of::<Data>() as u64;

/// Bytes per formula in the library's list of formulas, and in the rectangle to which the library copies the
/// formulas.
const LISTED_FORMULA: u64 = size_of::<Cell<String>>() as u64;
pub(super) const PLACED_FORMULA: u64 = size_of::<String>() as u64;

/// The bytes assumed for an empty formula.
const NO_FORMULA: u64 = 160;

/// Bytes per rectangle of merged cells.
const MERGED: u64 = 16;

/// What the library needs for one sheet.
#[derive(Default)]
pub(super) struct Sheet {
    /// The number of cells that the library allocates before it reads them.
    reserved: u64,
    cells: u64,
    formulas: u64,
    texts: u64,
    /// Bytes for merged cells and for parts of records.
    rest: u64,
    cells_at: Area,
    formulas_at: Area,
}

impl Sheet {
    pub(super) fn of(
        records: Records<'_>,
        strings: &[u32],
        bytes_per_character: u64,
        formulas: &mut Vec<usize>,
        most: u64,
    ) -> Self {
        let mut sheet = Self::default();
        let (mut begun, mut nested) = (false, 0_u64);
        let mut formula = (0, 0);
        for record in records {
            sheet.rest += record.bytes_of_parts();
            // Charts in a sheet have their own cells, between BOF and EOF.
            match record.kind {
                0x0809 if begun => nested += 1,
                0x0809 => begun = true,
                0x000A if nested == 0 => break,
                0x000A => nested -= 1,
                _ if nested > 0 => {}
                _ => sheet.add(&record, strings, bytes_per_character, &mut formula, formulas),
            }
            if sheet.listed().saturating_add(sheet.texts) > most {
                break;
            }
        }
        sheet
    }

    fn add(
        &mut self,
        record: &Record<'_>,
        strings: &[u32],
        bytes_per_character: u64,
        formula: &mut (u16, u16),
        formulas: &mut Vec<usize>,
    ) {
        let at = (record.number(0).unwrap_or(0), record.number(2).unwrap_or(0));
        let characters = |at: usize| u64::from(record.number(at).unwrap_or(0)) * bytes_per_character;
        match record.kind {
            // Dimensions
            0x0200 => self.reserved = self.reserved.max(dimensions(record)),
            // Number, BoolErr, RK
            0x0203 | 0x0205 | 0x027E => self.cell(at, 0),
            // Label, RString
            0x0204 | 0x00D6 => self.cell(at, characters(6)),
            // LabelSst
            0x00FD => {
                let string = record.long(6).and_then(|string| strings.get(string as usize));
                self.cell(at, string.map_or(0, |bytes| u64::from(*bytes)));
            }
            // MulRk
            0x00BD => {
                let more = (record.data.len().saturating_sub(6) / 6) as u64;
                if more > 0 {
                    // A record has at most 65,535 bytes.
                    let last = u16::try_from(more - 1).unwrap_or(u16::MAX);
                    self.cell(at, 0);
                    self.cell((at.0, at.1.saturating_add(last)), 0);
                    self.cells += more.saturating_sub(2);
                }
            }
            // Formula
            0x0006 => {
                *formula = at;
                self.cell(at, 0);
                self.formulas += 1;
                self.formulas_at.add(at);
                if record.number(20).is_some_and(|length| length > 0) {
                    formulas.push(record.at + 20);
                }
            }
            // String: the value of the preceding formula
            0x0207 => self.cell(*formula, characters(0)),
            // MergeCells
            0x00E5 => self.rest += MERGED * u64::from(record.number(0).unwrap_or(0)),
            _ => {}
        }
    }

    fn cell(&mut self, at: (u16, u16), text: u64) {
        self.cells += 1;
        self.texts += text;
        self.cells_at.add(at);
    }

    /// Bytes needed while a sheet is read. A growing list may have twice the capacity it needs.
    pub(super) fn listed(&self) -> u64 {
        let cells = (2 * self.cells).max(self.reserved.saturating_add(self.cells));
        cells
            .saturating_mul(LISTED)
            .saturating_add(2 * self.formulas * LISTED_FORMULA)
    }

    pub(super) fn placed(&self) -> u64 {
        self.cells_at.cells() * PLACED + self.texts
    }

    pub(super) fn other(&self) -> u64 {
        self.formulas_at.cells() * PLACED_FORMULA + self.formulas * NO_FORMULA + self.rest
    }
}

/// Returns the number of cells that a sheet declares.
fn dimensions(record: &Record<'_>) -> u64 {
    let number = |at| record.number(at).map(u32::from);
    let (first_row, end_row, first_column, end_column) = match record.data.len() {
        10 => (number(0), number(2), number(4), number(6)),
        _ => (record.long(0), record.long(4), number(8), number(10)),
    };
    let (Some(first_row), Some(end_row)) = (first_row, end_row) else {
        return 0;
    };
    let (Some(mut first_column), Some(end_column)) = (first_column, end_column) else {
        return 0;
    };
    if first_column > 0xFF || end_column < first_column {
        first_column = 0;
    }
    if end_row == 0 || end_column == 0 {
        return 1;
    }
    // An end before the beginning wraps around in the library, too.
    let rows = u64::from(end_row.wrapping_sub(first_row));
    rows * u64::from(end_column.wrapping_sub(first_column))
}

/// The bounding rectangle of cells.
#[derive(Default)]
struct Area(Option<[u16; 4]>);

impl Area {
    fn add(&mut self, (row, column): (u16, u16)) {
        let [top, left, bottom, right] = self.0.unwrap_or([row, column, row, column]);
        self.0 = Some([top.min(row), left.min(column), bottom.max(row), right.max(column)]);
    }

    fn cells(&self) -> u64 {
        self.0.map_or(0, |[top, left, bottom, right]| {
            (u64::from(bottom - top) + 1) * (u64::from(right - left) + 1)
        })
    }
}
