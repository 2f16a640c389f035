//! A workbook in one of the supported formats, as the library reads it.

use std::fmt::Display;
use std::io::Cursor;
use std::path::Path;

use calamine::{
    Data, DataRef, Ods, OdsError, Range, Reader, SheetType, SheetVisible, Xls, XlsError, Xlsb, XlsbError,
    Xlsx, XlsxCellFormulaMetadataRecord, XlsxError, XlsxFormulaMetadata,
};

use super::super::file::damaged;
use super::super::marks::Properties;
use super::super::value::{Formula, Placed, WorkbookValue};
use super::convert::{Format, Strings, value};
use crate::input::source::SourceError;

type Bytes = Cursor<Vec<u8>>;

/// A workbook of one of the supported formats.
pub(super) enum Workbook {
    Xlsx(Xlsx<Bytes>),
    Xlsb(Xlsb<Bytes>),
    Xls(Xls<Bytes>),
    Ods(Ods<Bytes>),
}

/// The library's error, and whether it is about a password.
pub(super) struct Failure {
    password: bool,
    text: String,
}

impl Failure {
    fn new(password: bool, error: &impl Display) -> Self {
        let text = error.to_string();
        Self { password, text }
    }
}

impl From<XlsxError> for Failure {
    fn from(error: XlsxError) -> Self {
        Self::new(matches!(error, XlsxError::Password), &error)
    }
}

impl From<XlsbError> for Failure {
    fn from(error: XlsbError) -> Self {
        Self::new(matches!(error, XlsbError::Password), &error)
    }
}

impl From<XlsError> for Failure {
    fn from(error: XlsError) -> Self {
        Self::new(matches!(error, XlsError::Password), &error)
    }
}

impl From<OdsError> for Failure {
    fn from(error: OdsError) -> Self {
        Self::new(matches!(error, OdsError::Password), &error)
    }
}

pub(super) fn failed(path: &Path, failure: &Failure) -> SourceError {
    if failure.password {
        let message = format!(
            "`{}` is protected with a password: open it in Excel, save a copy without one, and use the copy",
            path.display()
        );
        return SourceError::of_file(path, None, message);
    }
    damaged(path, &failure.text)
}

impl Workbook {
    pub(super) fn open(path: &Path, bytes: Vec<u8>, ending: &str) -> Result<Self, SourceError> {
        let bytes = Cursor::new(bytes);
        match ending {
            "xls" => Xls::new(bytes).map(Self::Xls).map_err(Failure::from),
            "xlsb" => Xlsb::new(bytes).map(Self::Xlsb).map_err(Failure::from),
            "ods" => Ods::new(bytes).map(Self::Ods).map_err(Failure::from),
            _ => Xlsx::new(bytes).map(Self::Xlsx).map_err(Failure::from),
        }
        .map_err(|error| failed(path, &error))
    }

    /// Returns the name of each worksheet, and whether it is visible. Other sheets, such as charts, have no
    /// cells.
    pub(super) fn sheets(&self) -> Vec<(String, bool)> {
        let sheets = match self {
            Self::Xlsx(workbook) => workbook.sheets_metadata(),
            Self::Xlsb(workbook) => workbook.sheets_metadata(),
            Self::Xls(workbook) => workbook.sheets_metadata(),
            Self::Ods(workbook) => workbook.sheets_metadata(),
        };
        sheets
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
            .collect()
    }

    /// Returns what a workbook that this package wrote says about its rows.
    pub(super) fn properties(&mut self) -> Properties {
        // A workbook can be read without its properties.
        let properties = match self {
            Self::Xlsx(workbook) => workbook.workbook_properties().ok(),
            Self::Xlsb(workbook) => workbook.workbook_properties().ok(),
            Self::Xls(workbook) => workbook.workbook_properties().ok(),
            Self::Ods(workbook) => workbook.workbook_properties().ok(),
        };
        let Some(properties) = properties else {
            return Properties::default();
        };
        Properties::of(properties.custom_properties)
    }

    pub(super) fn has_data(&mut self, sheet: &str) -> Result<bool, Failure> {
        let mut some = false;
        self.walk(sheet, &mut |_, _| {
            some = true;
            false
        })?;
        Ok(some)
    }

    /// Reads all cells. Returns `None` if the cells need more than `most` bytes.
    pub(super) fn cells(&mut self, sheet: &str, most: u64) -> Result<Option<Vec<Placed>>, Failure> {
        let mut cells = Vec::new();
        let mut bytes = 0;
        self.walk(sheet, &mut |(row, column), value| {
            bytes += size_of::<Placed>() as u64 + value.own_bytes();
            let fits = bytes <= most;
            if fits {
                cells.push((row, column, value));
            }
            fits
        })?;
        Ok((bytes <= most).then_some(cells))
    }

    /// Passes each cell that is not blank to `take`, in any order, until `take` returns `false`.
    ///
    /// Reads cell by cell if the format allows it. A range would contain all cells of the bounding rectangle,
    /// which can be billions, for example if one cell is in the last row.
    ///
    /// Formulas without a saved value occur only in some formats. In the binary formats, each formula record
    /// contains a value (`BrtFmlaNum` and similar records in [MS-XLSB], `Formula` in [MS-XLS]).
    fn walk(
        &mut self,
        sheet: &str,
        take: &mut dyn FnMut((u32, u32), WorkbookValue) -> bool,
    ) -> Result<(), Failure> {
        match self {
            Self::Xlsx(workbook) => walk_xlsx(workbook, sheet, take)?,
            Self::Xlsb(workbook) => {
                let mut strings = Strings::default();
                let mut reader = workbook.worksheet_cells_reader(sheet)?;
                while let Some(cell) = reader.next_cell()? {
                    if let Some(value) = strings.value(cell.get_value(), None)
                        && !take(cell.get_position(), value)
                    {
                        break;
                    }
                }
            }
            Self::Xls(workbook) => walk_range(&workbook.worksheet_range(sheet)?, take),
            Self::Ods(workbook) => {
                let values = workbook.worksheet_range(sheet)?;
                walk_range(&values, take);
                walk_formulas(&workbook.worksheet_formula(sheet)?, &values, take);
            }
        }
        Ok(())
    }
}

fn walk_xlsx(
    workbook: &mut Xlsx<Bytes>,
    sheet: &str,
    take: &mut dyn FnMut((u32, u32), WorkbookValue) -> bool,
) -> Result<(), XlsxError> {
    let mut strings = Strings::default();
    let mut reader = workbook.worksheet_cells_reader(sheet)?;
    let formats: Vec<Option<Format>> = reader.styles().iter().map(Format::of).collect();
    // The library reads formats and formulas in separate passes. Formats matter only if some show an identifier.
    if formats.iter().all(Option::is_none) {
        while let Some(record) = reader.next_cell_with_formula_metadata()? {
            let position = record.pos;
            let value = without_value(&record).or_else(|| strings.value(&record.value, None));
            if value.is_some_and(|value| !take(position, value)) {
                break;
            }
        }
        return Ok(());
    }
    let mut blanks = false;
    while let Some((cell, style)) = reader.next_cell_with_style_id()? {
        blanks |= *cell.get_value() == DataRef::Empty;
        let format = formats.get(style).and_then(Option::as_ref);
        if let Some(value) = strings.value(cell.get_value(), format)
            && !take(cell.get_position(), value)
        {
            return Ok(());
        }
    }
    if blanks {
        drop(reader);
        // Some blanks may be formulas.
        let mut reader = workbook.worksheet_cells_reader(sheet)?;
        while let Some(record) = reader.next_cell_with_formula_metadata()? {
            if without_value(&record).is_some_and(|formula| !take(record.pos, formula)) {
                break;
            }
        }
    }
    Ok(())
}

/// Returns a cell's formula if it was saved without its value, as programs other than Excel may do. An empty
/// string is a value.
fn without_value(record: &XlsxCellFormulaMetadataRecord<'_>) -> Option<WorkbookValue> {
    let formula = record
        .formula
        .as_ref()
        .filter(|_| record.value == DataRef::Empty)?;
    let text = match formula {
        XlsxFormulaMetadata::Normal { formula } if formula.is_empty() => return None,
        XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. } => formula,
        // The text of a shared formula is stored only in its first cell.
        _ => "",
    };
    Some(WorkbookValue::Formula(Formula::new(record.pos, text).into()))
}

fn walk_range(range: &Range<Data>, take: &mut dyn FnMut((u32, u32), WorkbookValue) -> bool) {
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, cells) in (first_row..).zip(range.rows()) {
        for (column, cell) in (first_column..).zip(cells) {
            if let Some(value) = value(cell.clone(), None)
                && !take((row, column), value)
            {
                return;
            }
        }
    }
}

/// Passes each formula without a value to `take`.
fn walk_formulas(
    formulas: &Range<String>,
    values: &Range<Data>,
    take: &mut dyn FnMut((u32, u32), WorkbookValue) -> bool,
) {
    let (first_row, first_column) = formulas.start().unwrap_or_default();
    for (row, cells) in (first_row..).zip(formulas.rows()) {
        for (column, formula) in (first_column..).zip(cells).filter(|(_, text)| !text.is_empty()) {
            let position = (row, column);
            if matches!(values.get_value(position), None | Some(Data::Empty))
                && !take(
                    position,
                    WorkbookValue::Formula(Formula::new(position, formula).into()),
                )
            {
                return;
            }
        }
    }
}
