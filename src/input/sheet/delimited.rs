//! Reads the rows of a CSV file, one at a time. Cells are read as unchanged text.

use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::{Limits, Names, cannot_read, header_note, not_empty, open_file, shown_size};
use crate::input::{Cell, Column, Label, More, Sink, SourceError};

const DELIMITERS: [u8; 4] = *b",;\t|";

/// A delimiter that does not occur in text, for a file with a single column.
const NONE: u8 = 0x1f;

/// The number of lines used to distinguish a table below a title from a single column, and the maximum number
/// of bytes to search for those lines.
const LINES: usize = 20;
const BEGINNING: usize = 1 << 20;

/// Files up to this size are kept in memory, so that later edits of the file do not matter.
const HELD: u64 = 16 << 20;

/// Bytes per read.
const CHUNK: usize = 64 << 10;

/// The maximum number of columns in an Excel sheet.
const MOST_COLUMNS: usize = 16_384;

/// The title of row labels.
pub(super) const LINE: &str = "line";

/// The rows of a file, which can be read any number of times.
#[derive(Debug)]
pub(super) struct Table {
    content: Content,
    format: Format,
    /// The line that contains the column names, counted from 0.
    header: u32,
    /// The index of each column within a line.
    places: Vec<u32>,
    rows: usize,
}

#[derive(Debug)]
enum Content {
    Held(Arc<[u8]>),
    OnDisk(Arc<Opened>),
}

/// An open file, which can be read again even after it was renamed, replaced or deleted.
#[derive(Debug)]
struct Opened {
    file: File,
    length: u64,
    modified: Option<SystemTime>,
}

/// A reader of an `Opened` file, with its own position.
struct Pass {
    opened: Arc<Opened>,
    at: u64,
}

const CHANGED: &str = "it changed after it was first read. Restore it, or make the call again with the \
    changed file and the same run= or import_key=. Without those, first remove the rows that were already \
    imported";

impl Opened {
    fn check(&self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        if (metadata.len(), metadata.modified().ok()) == (self.length, self.modified) {
            Ok(())
        } else {
            Err(io::Error::other(CHANGED))
        }
    }
}

impl Read for Pass {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.opened.length - self.at).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let read = read_at(&self.opened.file, &mut buffer[..room], self.at)?;
        self.at += read as u64;
        if read == 0 {
            // Every pass must read the same rows: the rows sent must be the rows that were checked.
            self.opened.check()?;
        }
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

/// The path of a file, or the name of a file in memory.
#[derive(Debug, Clone)]
struct Name(Arc<Path>);

impl Display for Name {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.0.display())
    }
}

/// How to split the text of a file into rows.
#[derive(Debug, Clone)]
struct Format {
    file: Name,
    delimiter: u8,
    /// Whether the first line declares the delimiter and is not part of the table.
    sep_line: bool,
    longest: u64,
}

impl Table {
    /// Reads an entire file to determine its column names and number of rows. Also returns the names and warnings.
    pub(super) fn open(
        path: &Path,
        bytes: Option<Vec<u8>>,
        ending: &str,
        limits: Limits,
    ) -> Result<(Self, Vec<String>, Vec<String>), SourceError> {
        let content = match bytes {
            Some(bytes) => {
                not_empty(path, bytes.len() as u64)?;
                Content::Held(bytes.into())
            }
            None => Content::of(path)?,
        };
        let file = Name(path.into());
        let start = content.text(&file)?.beginning()?;
        // Excel reads the delimiter from a first line such as `sep=;`.
        let given = start
            .strip_prefix("sep=")
            .and_then(|rest| rest.bytes().next())
            .filter(|byte| {
                DELIMITERS.contains(byte) && matches!(start.as_bytes().get(5), Some(b'\r' | b'\n'))
            });
        let format = Format {
            file,
            delimiter: given.unwrap_or_else(|| delimiter(&start, ending)),
            sep_line: given.is_some(),
            longest: limits.line,
        };
        let mut records = content.records(&format)?;
        let mut found: Option<Header> = None;
        let mut notes = Vec::new();
        while let Some(line) = records.next()? {
            let cells = records.cells().take(2).count();
            match &mut found {
                _ if cells == 0 => {}
                Some(header) if header.is_table || cells == 1 => header.add(&records),
                // A single cell above a table is a title.
                above => {
                    if above.is_some() {
                        notes = vec![header_note(LINE, line)];
                    }
                    *above = Some(Header::of(line, &records));
                }
            }
        }
        let mut names = Names::new(format!("the file {}", format.file), String::new());
        let Some(header) = found else {
            return Err(names.none());
        };
        for (column, name) in header.names {
            names.add(column, &name);
        }
        let below = (0_u32..).zip(&header.below).filter(|(_, used)| **used);
        let (places, names) = names.finish(below.map(|(column, _)| column))?;
        let table = Self {
            content,
            format,
            header: header.line,
            places,
            rows: header.rows,
        };
        Ok((table, names, notes))
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Starts reading at the beginning of the file.
    pub(super) fn records(&self) -> Result<Records, SourceError> {
        self.content.records(&self.format)
    }

    /// Pushes rows until the sink is full or the file ends.
    pub(super) fn fill(
        &self,
        records: &mut Records,
        columns: &[Column],
        sink: &mut dyn Sink,
    ) -> Result<More, SourceError> {
        while let Some(line) = records.next()? {
            if line <= self.header || records.cells().next().is_none() {
                continue;
            }
            if sink.begin(Label::Int(i64::from(line) + 1)) {
                for (place, column) in self.places.iter().zip(columns) {
                    let cell = records.cell(*place as usize);
                    sink.cell(*column, &cell.map_or(Cell::Null, Cell::Text));
                }
                sink.end();
            }
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }
}

impl Content {
    fn of(path: &Path) -> Result<Self, SourceError> {
        let (mut file, metadata) = open_file(path)?;
        if metadata.len() > HELD {
            return Ok(Self::OnDisk(Arc::new(Opened {
                file,
                length: metadata.len(),
                modified: metadata.modified().ok(),
            })));
        }
        let mut bytes = Vec::new();
        // Read a growing file only up to its initial size.
        let read = Read::by_ref(&mut file)
            .take(metadata.len())
            .read_to_end(&mut bytes);
        read.map_err(|error| cannot_read(path, &error))?;
        Ok(Self::Held(bytes.into()))
    }

    fn text(&self, file: &Name) -> Result<Text, SourceError> {
        let source: Box<dyn Read + Send> = match self {
            Self::Held(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Self::OnDisk(opened) => {
                let unchanged = opened.check();
                unchanged.map_err(|error| unreadable(file, &error))?;
                Box::new(Pass {
                    opened: Arc::clone(opened),
                    at: 0,
                })
            }
        };
        Ok(Text {
            source,
            file: file.clone(),
            encoding: None,
            raw: Vec::new(),
            decoded: String::new(),
            at: 0,
            ended: false,
        })
    }

    fn records(&self, format: &Format) -> Result<Records, SourceError> {
        let mut text = self.text(&format.file)?;
        if format.sep_line {
            text.fill()?;
            text.at = text.decoded.len().min(5);
        }
        Ok(Records {
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
        })
    }
}

/// The line with the column names, and the rows below it.
struct Header {
    line: u32,
    is_table: bool,
    names: Vec<(u32, String)>,
    rows: usize,
    /// Whether each column has a cell below the header that is not blank.
    below: Vec<bool>,
}

impl Header {
    fn of(line: u32, records: &Records) -> Self {
        let names: Vec<(u32, String)> = records
            .cells()
            .map(|(column, text)| (column, text.to_owned()))
            .collect();
        Self {
            line,
            is_table: names.len() > 1,
            names,
            rows: 0,
            below: Vec::new(),
        }
    }

    fn add(&mut self, records: &Records) {
        self.rows += 1;
        if self.below.len() < records.columns {
            self.below.resize(records.columns, false);
        }
        for (column, _) in records.cells() {
            self.below[column as usize] = true;
        }
    }
}

/// Iterates over the records of a file.
pub(super) struct Records {
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
    /// Reads the next record. Returns the line that the record starts in.
    fn next(&mut self) -> Result<Option<u32>, SourceError> {
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

    /// Consumes some text and counts its line ends.
    fn take(&mut self, bytes: usize) {
        let taken = &self.text.decoded.as_bytes()[self.text.at..self.text.at + bytes];
        for byte in taken {
            let ends = matches!(byte, b'\n' | b'\r') && !(*byte == b'\n' && self.after_return);
            self.line = self.line.saturating_add(u32::from(ends));
            self.after_return = *byte == b'\r';
        }
        self.text.at += bytes;
    }

    /// Returns the cell at this index, or `None` if the cell is blank.
    fn cell(&self, place: usize) -> Option<&str> {
        if place >= self.columns {
            return None;
        }
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        // Cells are split at ASCII characters, so each is valid Unicode.
        let text = str::from_utf8(&self.fields[start..self.ends[place]]).unwrap_or_default();
        (!text.trim().is_empty()).then_some(text)
    }

    /// Iterates over the cells that are not blank.
    fn cells(&self) -> impl Iterator<Item = (u32, &str)> {
        (0_u32..)
            .zip(0..self.columns)
            .filter_map(|(column, place)| Some((column, self.cell(place)?)))
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

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

/// Decodes the text of a file, without its byte order mark.
struct Text {
    source: Box<dyn Read + Send>,
    file: Name,
    /// The encoding, known after the first read.
    encoding: Option<Encoding>,
    /// The bytes of an incomplete character.
    raw: Vec<u8>,
    decoded: String,
    /// The number of bytes of `decoded` that were consumed.
    at: usize,
    ended: bool,
}

impl Text {
    /// Returns the text not yet consumed. The text is empty at the end of the file.
    fn fill(&mut self) -> Result<&[u8], SourceError> {
        while self.at == self.decoded.len() && !self.ended {
            self.read()?;
        }
        Ok(&self.decoded.as_bytes()[self.at..])
    }

    /// Returns the first lines of the text.
    fn beginning(&mut self) -> Result<String, SourceError> {
        let mut beginning = String::new();
        while !self.fill()?.is_empty() {
            beginning.push_str(&self.decoded[self.at..]);
            self.at = self.decoded.len();
            if beginning.len() >= BEGINNING {
                // Keep only complete lines.
                let end = beginning.rfind(['\n', '\r']).unwrap_or(beginning.len());
                beginning.truncate(end);
                break;
            }
        }
        Ok(beginning)
    }

    /// Reads and decodes some bytes.
    fn read(&mut self) -> Result<(), SourceError> {
        let known = self.raw.len();
        self.raw.resize(known + CHUNK, 0);
        let read = loop {
            match self.source.read(&mut self.raw[known..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let read = read.map_err(|error| unreadable(&self.file, &error))?;
        self.raw.truncate(known + read);
        self.ended = read == 0;
        if self.encoding.is_none() && self.raw.len() < 3 && !self.ended {
            return Ok(());
        }
        let encoding = self.encoding.unwrap_or_else(|| {
            let (encoding, mark) = match self.raw.as_slice() {
                [0xff, 0xfe, ..] => (Encoding::Utf16(u16::from_le_bytes), 2),
                [0xfe, 0xff, ..] => (Encoding::Utf16(u16::from_be_bytes), 2),
                [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
                _ => (Encoding::Utf8, 0),
            };
            self.raw.drain(..mark);
            encoding
        });
        self.encoding = Some(encoding);
        self.at = 0;
        let decoded = match encoding {
            Encoding::Utf8 => self.decode_utf8(),
            Encoding::Utf16(unit) => self.decode_utf16(unit),
        };
        // ASCII text in UTF-16 without a byte order mark is valid UTF-8, with a zero byte per character.
        match decoded.filter(|text| !text.as_bytes().contains(&0)) {
            Some(text) if !self.ended || self.raw.is_empty() => self.decoded = text,
            _ => {
                let message = format!(
                    "{} is not in UTF-8: save it in Excel as \"CSV UTF-8 (comma delimited)\", or as .xlsx",
                    self.file
                );
                return Err(SourceError::of_file(&self.file.0, None, message));
            }
        }
        Ok(())
    }

    fn decode_utf8(&mut self) -> Option<String> {
        match String::from_utf8(std::mem::take(&mut self.raw)) {
            Ok(text) => Some(text),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                // An incomplete character continues in the next bytes.
                if error.utf8_error().error_len().is_some() {
                    return None;
                }
                let mut bytes = error.into_bytes();
                self.raw = bytes.split_off(valid);
                String::from_utf8(bytes).ok()
            }
        }
    }

    fn decode_utf16(&mut self, unit: fn([u8; 2]) -> u16) -> Option<String> {
        let (pairs, _) = self.raw.as_chunks();
        let mut units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        // The other half of the last character may be in the next bytes.
        if !self.ended && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
        }
        self.raw.drain(..units.len() * 2);
        char::decode_utf16(units).collect::<Result<_, _>>().ok()
    }
}

fn unreadable(file: &Name, error: &io::Error) -> SourceError {
    SourceError::of_file(&file.0, Some(error), format!("cannot read {file}: {error}"))
}

/// Returns the delimiter of the header line.
fn delimiter(text: &str, ending: &str) -> u8 {
    let lines = counts(text);
    let Some(first) = lines.first() else {
        return b',';
    };
    let most = |line: &[usize; 4]| {
        let tab_first = ending == "tsv" && line[2] > 0;
        let most = if tab_first {
            2
        } else {
            (0..4).rev().max_by_key(|place| line[*place]).unwrap_or(0)
        };
        (line[most] > 0).then_some(most)
    };
    if let Some(place) = most(first) {
        return DELIMITERS[place];
    }
    // The first line is a title if a table follows. Otherwise, the file has a single column, whose cells may
    // contain delimiters.
    let header = lines.iter().position(|line| most(line).is_some());
    let Some((header, place)) = header.and_then(|at| Some((at, most(&lines[at])?))) else {
        return NONE;
    };
    if lines[header..]
        .iter()
        .all(|line| line[place] == lines[header][place])
    {
        return DELIMITERS[place];
    }
    NONE
}

/// Counts each delimiter in each of the first lines, outside quotation marks. Blank lines are skipped.
fn counts(text: &str) -> Vec<[usize; 4]> {
    let mut lines = Vec::new();
    let mut line = [0; 4];
    let (mut quoted, mut blank) = (false, true);
    for byte in text.bytes() {
        if matches!(byte, b'\n' | b'\r') && !quoted {
            if !blank {
                lines.push(line);
                if lines.len() == LINES {
                    return lines;
                }
            }
            (line, blank) = ([0; 4], true);
            continue;
        }
        blank &= byte.is_ascii_whitespace();
        if byte == b'"' {
            quoted = !quoted;
        } else if let Some(place) = DELIMITERS.iter().position(|delimiter| *delimiter == byte)
            && !quoted
        {
            line[place] += 1;
            blank = false;
        }
    }
    if !blank {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_added_during_a_pass_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plant.csv");
        let line = format!("{},b\n", "a".repeat(1000));
        std::fs::write(&path, format!("One,Two\n{}", line.repeat(17_000))).unwrap();
        let (table, ..) = Table::open(&path, None, "csv", Limits::default()).unwrap();
        let read = |mut records: Records, more: bool| {
            let mut lines = 0;
            loop {
                match records.next() {
                    Ok(Some(_)) => lines += 1,
                    Ok(None) => return (lines, None),
                    Err(error) => return (lines, Some(error.message().to_owned())),
                }
                if more && lines == 10 {
                    let mut file = File::options().append(true).open(&path).unwrap();
                    file.write_all(line.as_bytes()).unwrap();
                }
            }
        };
        assert_eq!(read(table.records().unwrap(), false), (17_001, None));
        let (lines, error) = read(table.records().unwrap(), true);
        assert_eq!(lines, 17_001);
        assert!(error.unwrap().contains("changed after it was first read"));
        assert!(table.records().is_err());
    }
}
