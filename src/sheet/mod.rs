//! Excel files that are written: the rows to fix, and templates to fill in.

pub mod fixes;
pub mod template;

use std::path::Path;

use rust_xlsxwriter::{Color, DocProperties, Format, FormatAlign, Workbook, XlsxError};

use crate::error::shown_lines;
use crate::input::SourceError;
use crate::input::sheet::CATEGORY_PROPERTY;

/// The most characters of a cell (Excel's own limit).
const LONGEST_CELL: usize = 32_767;

/// The widest a column is made, in characters.
const WIDEST: f64 = 60.0;

/// A text that is not longer than this, cut with a mark.
fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(longest.saturating_sub(1)).collect();
    cut.push('\u{2026}');
    cut
}

/// A text that nobody reads back, such as a note. An attribute of XML takes no control characters.
fn for_people(text: &str, longest: usize) -> String {
    cut(&shown_lines(text), longest)
}

/// Keeps in the file which category its rows are of, where they name none.
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

/// Text that stays text, whatever it looks like: `0017` keeps its zeros.
fn as_text() -> Format {
    Format::new().set_num_format("@").set_align(FormatAlign::Top)
}

/// Writes the file beside its place first, so that one that cannot be written leaves the old one as it is.
fn save(mut workbook: Workbook, path: &Path) -> Result<(), SourceError> {
    let shown = path.display();
    let said = |error: &dyn std::fmt::Display| {
        SourceError(format!(
            "`{shown}` cannot be written ({error}): close it where it is open, or give another path"
        ))
    };
    if path
        .extension()
        .is_none_or(|ending| !ending.eq_ignore_ascii_case("xlsx"))
    {
        return Err(SourceError(format!(
            "`{shown}`: an Excel file is written, so give a path that ends with .xlsx"
        )));
    }
    let bytes = workbook
        .save_to_buffer()
        .map_err(|error: XlsxError| said(&error))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        // What is left of a failed try; whether it can be removed changes nothing.
        let _ = std::fs::remove_file(&beside);
        said(&error)
    })
}

fn failed(error: &XlsxError) -> SourceError {
    SourceError(format!("the Excel file cannot be made: {error}"))
}
