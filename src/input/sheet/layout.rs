//! Where a table is in a file, and how much of the memory a file may take.

use encoding_rs::Encoding;

/// Memory limits for reading a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The limit in bytes for a workbook file, for its unpacked content, and for its cells in memory.
    pub workbook: u64,
    /// The limit for one row of a text file, in bytes.
    pub line: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workbook: 1 << 30,
            line: 16 << 20,
        }
    }
}

/// Where a table is in a file, and how to read the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout<'a> {
    /// The name of the sheet. If `None`, the first visible sheet that is not in `LISTS`.
    pub sheet: Option<&'a str>,
    /// The encoding of a text file. If `None`, it is guessed.
    pub encoding: Option<&'static Encoding>,
    /// The number of sheet rows or lines above the column names, including blank ones.
    pub skip_rows: u32,
    /// The number of rows at the end that contain no asset, not counting blank ones.
    pub skip_footer: usize,
    /// Whether `skip_footer` comes from a mapping file, which may be used for several files.
    pub is_footer_shared: bool,
    pub limits: Limits,
}
