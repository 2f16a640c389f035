//! Splits the text of a file into records, one at a time.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use encoding_rs::Encoding;

use super::super::file::shown_size;
use super::stored::Stored;
use super::text::{Name, Text};
use crate::input::source::SourceError;

/// The maximum number of columns in an Excel sheet.
const MOST_COLUMNS: usize = 16_384;

/// How to split the text of a file into rows.
#[derive(Debug, Clone)]
pub(super) struct Format {
    pub file: Name,
    pub encoding: &'static Encoding,
    pub delimiter: u8,
    /// Whether the first line declares the delimiter and is not part of the table.
    pub sep_line: bool,
    /// The number of lines above the column names. They are not part of the table, so a quotation mark in them opens
    /// nothing.
    pub skipped: u32,
    pub longest: u64,
}

/// Iterates over the records of a file.
pub(in super::super) struct Records {
    text: Text,
    format: Format,
    reader: Reader,
    /// The next line, counted from 0.
    line: u32,
    /// Whether the last byte was a carriage return, in which case a line feed belongs to the same line end.
    after_return: bool,
    /// The concatenated cells of the record, and the end of each.
    fields: Vec<u8>,
    ends: Vec<usize>,
    columns: usize,
}

impl Records {
    /// Starts reading at the first line that is not skipped.
    pub(super) fn of(stored: &Stored, format: &Format) -> Result<Self, SourceError> {
        let mut text = Text::of(stored, &format.file, format.encoding)?;
        if format.sep_line {
            text.skip_declaration()?;
        }
        let mut records = Self {
            text,
            format: format.clone(),
            reader: ReaderBuilder::new()
                .delimiter(format.delimiter)
                .terminator(Terminator::CRLF)
                .build(),
            line: 0,
            after_return: false,
            fields: vec![0; 4096],
            ends: vec![0; 64],
            columns: 0,
        };
        while records.line < format.skipped && records.skip_line()? {}
        Ok(records)
    }

    /// Reads the next record. Returns the line that the record starts in.
    pub(super) fn next(&mut self) -> Result<Option<u32>, SourceError> {
        // The parser skips blank lines too, but does not count them as editors do.
        loop {
            let text = self.text.fill()?;
            if text.is_empty() {
                return Ok(None);
            }
            let blank = text
                .iter()
                .take_while(|byte| matches!(byte, b'\n' | b'\r'))
                .count();
            if blank == 0 {
                break;
            }
            self.take(blank);
        }
        let line = self.line;
        let (mut length, mut bytes, mut columns) = (0_u64, 0, 0);
        loop {
            let text = self.text.fill()?;
            // At the end of the file, a line end completes the last record, unless a quotation mark is open.
            let at_end = text.is_empty();
            let input = if at_end { b"\n" } else { text };
            let (result, read, wrote, ended) =
                self.reader
                    .read_record(input, &mut self.fields[bytes..], &mut self.ends[columns..]);
            bytes += wrote;
            columns += ended;
            if at_end && result == ReadRecordResult::InputEmpty {
                return Err(self.open_quote(line));
            }
            if !at_end {
                self.take(read);
                length += read as u64;
            }
            if length > self.format.longest {
                return Err(self.too_long(line));
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if columns < MOST_COLUMNS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull => return Err(self.too_wide(line)),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        self.columns = columns;
        Ok(Some(line))
    }

    /// Skips the rest of the line, and its end. Returns false at the end of the file.
    fn skip_line(&mut self) -> Result<bool, SourceError> {
        let line = self.line;
        while self.line == line {
            let text = self.text.fill()?;
            if text.is_empty() {
                return Ok(false);
            }
            let bytes = memchr::memchr2(b'\n', b'\r', text).map_or(text.len(), |end| end + 1);
            self.take(bytes);
        }
        Ok(true)
    }

    /// Consumes some text and counts its line ends.
    fn take(&mut self, bytes: usize) {
        for byte in self.text.take(bytes) {
            let ends = matches!(byte, b'\n' | b'\r') && !(*byte == b'\n' && self.after_return);
            self.line = self.line.saturating_add(u32::from(ends));
            self.after_return = *byte == b'\r';
        }
    }

    /// Returns the cell at this index, or `None` if the cell is blank.
    #[inline]
    pub(super) fn cell(&self, index: usize) -> Option<&str> {
        if index >= self.columns {
            return None;
        }
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        // Cells are split at ASCII characters, so each is valid Unicode.
        let text = str::from_utf8(&self.fields[start..self.ends[index]]).unwrap_or_default();
        (!text.trim().is_empty()).then_some(text)
    }

    /// Iterates over the cells that are not blank.
    #[inline]
    pub(super) fn cells(&self) -> impl Iterator<Item = (u32, &str)> {
        (0_u32..)
            .zip(0..self.columns)
            .filter_map(|(column, index)| Some((column, self.cell(index)?)))
    }

    fn open_quote(&self, line: u32) -> SourceError {
        SourceError::new(format!(
            "in {}, the row that begins in line {} has an opening quotation mark (\") that is never \
                closed: close or remove it",
            self.format.file,
            u64::from(line) + 1,
        ))
    }

    fn too_long(&self, line: u32) -> SourceError {
        SourceError::new(format!(
            "in {}, the row that begins in line {} is longer than {}: close an open quotation mark (\"), \
                or raise the limit with sheet=SheetOptions(max_line_bytes=...)",
            self.format.file,
            u64::from(line) + 1,
            shown_size(self.format.longest),
        ))
    }

    fn too_wide(&self, line: u32) -> SourceError {
        SourceError::new(format!(
            "in {}, line {} has more than {MOST_COLUMNS} cells, the limit of a sheet: correct the file",
            self.format.file,
            u64::from(line) + 1,
        ))
    }
}
