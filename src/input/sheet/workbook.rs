//! Reads the cells of one sheet of a workbook.

mod biff;
mod book;
mod content;
mod convert;
mod opendocument;
mod shown;
mod unpacked;

use std::path::Path;

use super::layout::Limits;
use super::marks::{LISTS, Properties};
use super::value::{Placed, WorkbookValue};
use crate::input::source::SourceError;
use book::{Workbook, failed};
use content::{content, too_large};

/// One sheet of a workbook.
pub(super) struct SheetRead {
    pub cells: Vec<Placed>,
    pub notes: Vec<String>,
    pub properties: Properties,
    pub name: String,
    /// The file, or the sheet and its file, as shown in errors.
    pub place: String,
    /// Advice to read another sheet, for some errors. May be empty.
    pub hint: String,
}

/// Reads one sheet of the workbook at `path`, or of the workbook `bytes`.
pub(super) fn read(
    path: &Path,
    bytes: Option<Vec<u8>>,
    ending: &str,
    sheet: Option<&str>,
    limits: Limits,
) -> Result<SheetRead, SourceError> {
    let bytes = content(path, bytes, ending, limits)?;
    let mut workbook = Workbook::open(path, bytes, ending)?;
    let (name, others) = match sheet {
        Some(sheet) => (named_sheet(&workbook, path, sheet)?, Vec::new()),
        None => first_sheet(&mut workbook, path)?,
    };
    let mut notes = Vec::new();
    let mut hint = String::new();
    if !others.is_empty() {
        let others = quoted(&others);
        notes.push(format!(
            "the sheet `{name}` was read. To read another one, set `sheet` to one of: {others}"
        ));
        hint = format!(", or set `sheet` to another one: {others}");
    }
    let properties = workbook.properties();
    let cells = workbook
        .cells(&name, limits.workbook)
        .map_err(|error| failed(path, &error))?
        .ok_or_else(|| too_large(path, limits))?;
    let whole_numbers = cells
        .iter()
        .any(|(_, _, value)| matches!(value, WorkbookValue::Int(_)));
    if whole_numbers && !matches!(workbook, Workbook::Xlsx(_)) {
        notes.push(format!(
            "number formats in .{ending} files are ignored, so a 7 displayed as 0007 or AHU-7 is read as 7: save \
             the file as .xlsx if it has such numbers"
        ));
    }
    Ok(SheetRead {
        cells,
        notes,
        properties,
        place: format!("the sheet `{name}` of `{}`", path.display()),
        name,
        hint,
    })
}

/// Returns the name of the sheet that the user gave, as in the workbook.
fn named_sheet(workbook: &Workbook, path: &Path, sheet: &str) -> Result<String, SourceError> {
    // Excel does not allow two sheet names that differ only in case.
    let wanted = sheet.trim().to_lowercase();
    let same = |name: &&String| name.trim().to_lowercase() == wanted;
    let names: Vec<String> = workbook.sheets().into_iter().map(|(name, _)| name).collect();
    let found = names
        .iter()
        .find(|name| *name == sheet)
        .or_else(|| names.iter().find(same));
    found.cloned().ok_or_else(|| {
        let (shown, sheets) = (path.display(), quoted(&names));
        let message = format!("`{shown}` has no sheet `{sheet}`: use one of its sheets: {sheets}");
        SourceError::of_file(path, None, message)
    })
}

/// Returns the name of the first sheet that may have rows, and those of the other sheets with cells.
fn first_sheet(workbook: &mut Workbook, path: &Path) -> Result<(String, Vec<String>), SourceError> {
    let sheets = workbook.sheets();
    let mut names: Vec<String> = sheets
        .iter()
        .filter(|(name, visible)| *visible && !LISTS.contains(&name.as_str()))
        .map(|(name, _)| name.clone())
        .collect();
    if names.is_empty() {
        let shown = path.display();
        let all: Vec<String> = sheets.into_iter().map(|(name, _)| name).collect();
        let message = if all.is_empty() {
            format!("`{shown}` has no sheet with rows: add one")
        } else {
            format!(
                "`{shown}` has no visible sheet with rows: set `sheet` to one of: {}",
                quoted(&all)
            )
        };
        return Err(SourceError::of_file(path, None, message));
    }
    let name = names.remove(0);
    // Ignore other sheets that cannot be read.
    names.retain(|name| workbook.has_data(name).unwrap_or(false));
    Ok((name, names))
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
