//! Rows from a sheet of an Excel or `OpenDocument` workbook, or from a CSV file.

mod cells;
mod delimited;
pub mod encoding;
mod file;
mod footer;
mod layout;
mod marks;
mod names;
mod reader;
mod value;
mod workbook;

pub use layout::{Layout, Limits};
pub use marks::{CATEGORY_PROPERTY, LISTS, PADDED_PROPERTY, READING_PROPERTY, REQUIRED_MARK, ROW_OF_RUN};
pub use names::{LINE, SHEET_ROW};
pub use reader::{Sheet, SheetRows};
