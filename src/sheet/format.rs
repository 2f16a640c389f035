//! What all Excel files have in common: the limits of Excel, formats and errors.

use rust_xlsxwriter::{Color, Format, FormatAlign, Workbook, XlsxError};

use crate::error::shown_lines;
use crate::input::SourceError;

/// The maximum number of characters in a cell (Excel's limit).
pub(super) const LONGEST_CELL: usize = 32_767;

/// The maximum numbers of rows in a sheet, including the header, and of columns (Excel's limits).
pub(super) const MOST_ROWS: usize = 1_048_576;
pub(super) const MOST_COLUMNS: usize = 16_384;

/// The maximum width of a column, in characters.
pub(super) const WIDEST: f64 = 60.0;

/// Truncates a string that is longer than this length. The last character is then an ellipsis.
pub(super) fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(longest.saturating_sub(1)).collect();
    cut.push('\u{2026}');
    cut
}

/// Cleans a string that is only displayed, such as a note. XML attributes cannot contain control characters.
pub(super) fn for_people(text: &str, longest: usize) -> String {
    cut(&shown_lines(text), longest)
}

/// Returns the format of column names.
pub(super) fn header() -> Format {
    Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x00DC_E6F1))
        .set_align(FormatAlign::Top)
        .set_text_wrap()
}

/// Returns a format that keeps text unchanged: `0017` keeps its zeros.
pub(super) fn as_text() -> Format {
    Format::new().set_num_format("@").set_align(FormatAlign::Top)
}

/// Returns the content of the file.
pub(super) fn bytes(mut workbook: Workbook) -> Result<Vec<u8>, SourceError> {
    workbook.save_to_buffer().map_err(|error| failed(&error))
}

pub(super) fn failed(error: &XlsxError) -> SourceError {
    SourceError::new(format!("cannot create the Excel file: {error}"))
}
