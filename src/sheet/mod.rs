//! Writes Excel files: rows that need fixing, and templates to fill in.

pub mod fixes;
pub mod template;

use std::io;
use std::path::Path;

use rust_xlsxwriter::{Color, DocProperties, Format, FormatAlign, Workbook, XlsxError};

use crate::error::shown_lines;
use crate::input::SourceError;
use crate::input::sheet::CATEGORY_PROPERTY;

/// The maximum number of characters in a cell (Excel's limit).
const LONGEST_CELL: usize = 32_767;

/// The maximum width of a column, in characters.
const WIDEST: f64 = 60.0;

/// Truncates a string that is longer than this length. The last character is then an ellipsis.
fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(longest.saturating_sub(1)).collect();
    cut.push('\u{2026}');
    cut
}

/// Cleans a string that is only displayed, such as a note. XML attributes cannot contain control characters.
fn for_people(text: &str, longest: usize) -> String {
    cut(&shown_lines(text), longest)
}

/// Stores the default category of the rows in the properties of the workbook.
fn for_category(workbook: &mut Workbook, category: &str) {
    workbook.set_properties(&DocProperties::new().set_custom_property(CATEGORY_PROPERTY, category));
}

fn header() -> Format {
    Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x00DC_E6F1))
        .set_align(FormatAlign::Top)
        .set_text_wrap()
}

/// Returns a format that keeps text unchanged: `0017` keeps its zeros.
fn as_text() -> Format {
    Format::new().set_num_format("@").set_align(FormatAlign::Top)
}

/// Saves the file. Writes to a temporary file first, so that a failed write leaves the old file unchanged.
fn save(mut workbook: Workbook, path: &Path) -> Result<(), SourceError> {
    let shown = path.display();
    let said = |cause: Option<&io::Error>, error: &dyn std::fmt::Display| {
        let fix = match cause.map(io::Error::kind) {
            Some(io::ErrorKind::NotFound) => "create its folder, or use another path",
            _ => "close it in other programs, or use another path",
        };
        let message = format!("cannot write `{shown}` ({error}): {fix}");
        SourceError::of_file(path, cause, message)
    };
    if path
        .extension()
        .is_none_or(|ending| !ending.eq_ignore_ascii_case("xlsx"))
    {
        let message = format!("`{shown}` is not a path of an Excel file: use a path that ends with .xlsx");
        return Err(SourceError::of_file(path, None, message));
    }
    let bytes = workbook
        .save_to_buffer()
        .map_err(|error: XlsxError| said(None, &error))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        // Clean up after a failed write, ignoring errors.
        let _ = std::fs::remove_file(&beside);
        said(Some(&error), &error)
    })
}

fn failed(error: &XlsxError) -> SourceError {
    SourceError::new(format!("cannot create the Excel file: {error}"))
}
