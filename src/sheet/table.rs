//! Creates an Excel file of a table that was read. `patch` and `create` read its cells as the same values.

use rust_xlsxwriter::{Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::format::{LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, WIDEST, as_text, bytes, failed, header};
use crate::columns::{Cell, Layout, Type};
use crate::error::Error;
use crate::input::SourceError;
use crate::input::sheet::LISTS;
use crate::table::text;

/// The first day that Excel and all other programs count in the same way: for Excel, 1900 is a leap year.
const FIRST_DAY: i64 = -25_508; // 1900-03-01
/// Excel's number for 1970-01-01.
const EPOCH: f64 = 25_569.0;
const DAY: i64 = 86_400_000;

/// Excel stores this many digits of a number.
const EXACT: u64 = 999_999_999_999_999;

/// Returns the file with the rows of a table.
///
/// # Errors
/// [`Error::Option`] if the sheet cannot have this name, and [`Error::Input`] if the rows do not fit into a sheet.
pub fn file(layout: &Layout, sheet: &str) -> Result<Vec<u8>, Error> {
    let mut page = Worksheet::new();
    if LISTS.iter().any(|list| list.eq_ignore_ascii_case(sheet)) {
        return Err(Error::Option(format!(
            "sheet: '{sheet}' is the name of a sheet with the values of drop-downs: use another name"
        )));
    }
    page.set_name(sheet)
        .map_err(|error| Error::Option(format!("sheet: Excel does not accept the name: {error}")))?;
    let (rows, columns) = (layout.rows, layout.fields.len());
    if rows >= MOST_ROWS || columns > MOST_COLUMNS {
        return Err(Error::Input(format!(
            "{rows} rows of {columns} columns do not fit into an Excel sheet, which has at most {} rows and \
             {MOST_COLUMNS} columns: write a CSV or Parquet file, or fewer rows",
            MOST_ROWS - 1
        )));
    }
    let widths = fill(&mut page, layout)?;
    let mut workbook = Workbook::new();
    lay_out(&mut page, layout, &widths).map_err(|error| failed(&error))?;
    workbook.push_worksheet(page);
    Ok(bytes(workbook)?)
}

/// Writes the cells. Returns the width of each column in characters.
fn fill(page: &mut Worksheet, layout: &Layout) -> Result<Vec<usize>, Error> {
    let formats: Vec<Format> = layout.fields.iter().map(|(_, kind)| format(*kind)).collect();
    let as_text = as_text();
    for (column, format) in (0_u16..).zip(&formats) {
        page.set_column_format(column, format)
            .map_err(|error| failed(&error))?;
    }
    let names = layout.fields.iter().map(|(name, _)| name.chars().count());
    // The arrow of the filter covers the end of a heading.
    let mut widths: Vec<usize> = names.map(|length| length + 3).collect();
    let mut line = 0;
    for segment in layout.segments() {
        for row in segment.from..segment.to {
            line += 1;
            for (at, column) in (0_u16..).zip(segment.columns) {
                let Some(column) = column else { continue };
                let index = usize::from(at);
                let (name, kind) = &layout.fields[index];
                let written = match (kind, column.cell(row)) {
                    (Type::Text, cell) => put_text(page, line, at, cell, &as_text),
                    (_, cell) => put(page, line, at, as_number(cell), [&formats[index], &as_text]),
                };
                let length = written.map_err(|error| unwritten(&error, name, line))?;
                widths[index] = widths[index].max(length);
            }
        }
    }
    Ok(widths)
}

/// Returns the format of the cells of a column. Text keeps its zeros when it is edited.
fn format(kind: Type) -> Format {
    match kind {
        Type::Text | Type::List => as_text(),
        Type::Date => Format::new()
            .set_num_format("yyyy-mm-dd")
            .set_align(FormatAlign::Top),
        Type::Time => Format::new()
            .set_num_format("yyyy-mm-dd hh:mm:ss")
            .set_align(FormatAlign::Top),
        Type::Bool | Type::Int | Type::Float => Format::new().set_align(FormatAlign::Top),
    }
}

/// Returns the number of a cell in a column of integers and floats, which is stored as JSON.
fn as_number(cell: Cell<'_>) -> Cell<'_> {
    match cell {
        Cell::Json(token) => token.parse().map_or(cell, Cell::Float),
        cell => cell,
    }
}

/// Writes a cell, with the format of its column or as text. Returns its approximate width in characters.
fn put(
    page: &mut Worksheet,
    line: u32,
    at: u16,
    cell: Cell<'_>,
    [format, as_text]: [&Format; 2],
) -> Result<usize, XlsxError> {
    let number = match cell {
        Cell::Null => return Ok(0),
        Cell::Bool(value) => {
            page.write_boolean_with_format(line, at, value, format)?;
            return Ok(5);
        }
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Int(number) if number.unsigned_abs() <= EXACT => Some(number as f64),
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Float(number) if number.fract() != 0.0 || number.abs() <= EXACT as f64 => Some(number),
        Cell::Date(day) if i64::from(day) >= FIRST_DAY => Some(EPOCH + f64::from(day)),
        #[allow(clippy::cast_precision_loss)] // Milliseconds of some thousand years.
        Cell::Time(time) if time >= FIRST_DAY * DAY => Some(EPOCH + time as f64 / DAY as f64),
        _ => None,
    };
    if let Some(number) = number {
        page.write_number_with_format(line, at, number, format)?;
        return Ok(match cell {
            Cell::Date(_) => 10,
            Cell::Time(_) => 19,
            _ => text(cell).len(),
        });
    }
    put_text(page, line, at, cell, as_text)
}

/// Writes a cell as text. Returns its approximate width in characters.
fn put_text(
    page: &mut Worksheet,
    line: u32,
    at: u16,
    cell: Cell<'_>,
    format: &Format,
) -> Result<usize, XlsxError> {
    let text = text(cell);
    if !text.is_empty() {
        page.write_string_with_format(line, at, &*text, format)?;
    }
    Ok(text.lines().map(|line| line.chars().count()).max().unwrap_or(0))
}

fn lay_out(page: &mut Worksheet, layout: &Layout, widths: &[usize]) -> Result<(), XlsxError> {
    for (column, (name, _)) in (0_u16..).zip(&layout.fields) {
        page.write_string_with_format(0, column, &**name, &header())?;
    }
    for (column, width) in (0_u16..).zip(widths) {
        // Widths are far below the limit up to which floats are exact.
        #[allow(clippy::cast_precision_loss)]
        page.set_column_width(column, (*width as f64 + 1.0).clamp(8.0, WIDEST))?;
    }
    page.set_freeze_panes(1, 0)?;
    // The numbers of rows and columns fit, as checked in `file`.
    let last = u32::try_from(layout.rows).unwrap_or(u32::MAX);
    if let Some(column) = layout.fields.len().checked_sub(1) {
        page.autofilter(0, 0, last, u16::try_from(column).unwrap_or(u16::MAX))?;
    }
    Ok(())
}

/// Returns the error of a cell that cannot be written.
fn unwritten(error: &XlsxError, column: &str, line: u32) -> SourceError {
    match error {
        XlsxError::MaxStringLengthExceeded => SourceError::new(format!(
            "`{column}` has more than {LONGEST_CELL} characters in row {}, which an Excel cell cannot hold: write a CSV or \
             Parquet file",
            line - 1
        )),
        error => failed(error),
    }
}
