//! The rows of a CSV file: every cell is text as it is written. The file is read as it is needed, row by row.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::{Limits, Names, cannot_read, header_note, open_file, shown_size};
use crate::input::{Cell, Column, Label, More, Sink, SourceError};

const DELIMITERS: [u8; 4] = *b",;\t|";

/// Stands between no two cells, so a file that is read with it has one column.
const NONE: u8 = 0x1f;

/// Lines that are looked at to tell a table below a title from a single column, and bytes that are searched for them.
const LINES: usize = 20;
const BEGINNING: usize = 1 << 20;

/// Files up to this size are held in memory: their rows stay the same if the file is edited after the call.
const HELD: u64 = 16 << 20;

/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// The most columns of a sheet in Excel.
const MOST_COLUMNS: usize = 16_384;

/// What the rows of a file are called in labels and messages.
pub(super) const LINE: &str = "line";

/// The rows of a file, to be read any number of times.
#[derive(Debug)]
pub(super) struct Table {
    content: Content,
    format: Format,
    /// The line of the column names, from 0.
    header: u32,
    /// The place of each column within a line.
    places: Vec<u32>,
    rows: usize,
}

#[derive(Debug)]
enum Content {
    Held(Arc<[u8]>),
    OnDisk(Arc<Opened>),
}

/// A file that stays open, so that it can be read again after it was renamed, replaced or deleted.
#[derive(Debug)]
struct Opened {
    file: File,
    length: u64,
    modified: Option<SystemTime>,
}

/// A reader of such a file, with a place of its own in it.
struct Pass {
    opened: Arc<Opened>,
    at: u64,
}

const CHANGED: &str = "it was changed after it was first read. Put it back as it was, or call again with the changed file \
                       and the same run= or import_key=; without those, leave out the rows that are in the project by now";

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
            // Every pass reads the same rows, or those that are sent are not those that were checked.
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

/// How the text of a file becomes rows.
#[derive(Debug, Clone)]
struct Format {
    /// The file as messages name it.
    file: String,
    delimiter: u8,
    /// The first line is not part of the table: it says what the delimiter is.
    sep_line: bool,
    longest: u64,
}

impl Table {
    /// Reads a file once to its end, for its column names and the number of its rows. Also returns the names and what the
    /// user should know.
    pub(super) fn open(
        path: &Path,
        ending: &str,
        limits: Limits,
    ) -> Result<(Self, Vec<String>, Vec<String>), SourceError> {
        let content = Content::of(path)?;
        let file = format!("`{}`", path.display());
        let start = content.text(&file)?.beginning()?;
        // Excel takes the delimiter from a first line such as `sep=;`.
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

    /// The file from its beginning.
    pub(super) fn records(&self) -> Result<Records, SourceError> {
        self.content.records(&self.format)
    }

    /// Pushes rows until the sink is full or there are none left.
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
        // One that grows meanwhile is read as long as it was.
        let read = Read::by_ref(&mut file)
            .take(metadata.len())
            .read_to_end(&mut bytes);
        read.map_err(|error| cannot_read(path, &error))?;
        Ok(Self::Held(bytes.into()))
    }

    fn text(&self, file: &str) -> Result<Text, SourceError> {
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
            file: file.to_owned(),
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

/// The line with the names of the columns, and what is below it.
struct Header {
    line: u32,
    is_table: bool,
    names: Vec<(u32, String)>,
    rows: usize,
    /// Which columns have a cell in any row.
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

/// The lines of a file under way.
pub(super) struct Records {
    text: Text,
    format: Format,
    reader: Reader,
    /// The line that is read next, from 0.
    line: u32,
    /// The last byte read was a carriage return: a line feed after it belongs to it.
    after_return: bool,
    /// The cells of the record, one after the other, and where each ends.
    fields: Vec<u8>,
    ends: Vec<usize>,
    columns: usize,
}

impl Records {
    /// Reads the next record; returns the line it begins in.
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
            // A line end ends the last record, unless a quotation mark is open.
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

    /// Counts the line ends of what is taken.
    fn take(&mut self, bytes: usize) {
        let taken = &self.text.decoded.as_bytes()[self.text.at..self.text.at + bytes];
        for byte in taken {
            let ends = matches!(byte, b'\n' | b'\r') && !(*byte == b'\n' && self.after_return);
            self.line = self.line.saturating_add(u32::from(ends));
            self.after_return = *byte == b'\r';
        }
        self.text.at += bytes;
    }

    /// The cell at this place, unless it is blank.
    fn cell(&self, place: usize) -> Option<&str> {
        if place >= self.columns {
            return None;
        }
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        // Cells are cut at ASCII characters, so each is the Unicode that the text is.
        let text = str::from_utf8(&self.fields[start..self.ends[place]]).unwrap_or_default();
        (!text.trim().is_empty()).then_some(text)
    }

    /// The cells that are not blank.
    fn cells(&self) -> impl Iterator<Item = (u32, &str)> {
        (0_u32..)
            .zip(0..self.columns)
            .filter_map(|(column, place)| Some((column, self.cell(place)?)))
    }

    fn open_quote(&self, line: u32) -> SourceError {
        SourceError(format!(
            "in {}, the row that begins in line {} has a quotation mark (\") without its end, so that all that follows \
             would be one cell: close or remove it",
            self.format.file,
            u64::from(line) + 1,
        ))
    }

    fn too_long(&self, line: u32) -> SourceError {
        SourceError(format!(
            "in {}, the row that begins in line {} is longer than {}: close a quotation mark (\") that is open there, or \
             raise the limit with sheet=SheetOptions(max_line_bytes=...)",
            self.format.file,
            u64::from(line) + 1,
            shown_size(self.format.longest),
        ))
    }

    fn too_wide(&self, line: u32) -> SourceError {
        SourceError(format!(
            "in {}, line {} has more than {MOST_COLUMNS} cells, which no sheet can have: correct the file",
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

/// The text of a file under way, without its byte order mark.
struct Text {
    source: Box<dyn Read + Send>,
    file: String,
    /// Known once the first bytes have been read.
    encoding: Option<Encoding>,
    /// Bytes that were read and not decoded: part of a character.
    raw: Vec<u8>,
    decoded: String,
    /// What of the text has been taken.
    at: usize,
    ended: bool,
}

impl Text {
    /// The text that has not been taken yet; none is left where it is empty.
    fn fill(&mut self) -> Result<&[u8], SourceError> {
        while self.at == self.decoded.len() && !self.ended {
            self.read()?;
        }
        Ok(&self.decoded.as_bytes()[self.at..])
    }

    /// The first lines.
    fn beginning(&mut self) -> Result<String, SourceError> {
        let mut beginning = String::new();
        while !self.fill()?.is_empty() {
            beginning.push_str(&self.decoded[self.at..]);
            self.at = self.decoded.len();
            if beginning.len() >= BEGINNING {
                // Whole lines only.
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
        // UTF-16 without its mark is UTF-8 too, with a zero in every character.
        match decoded.filter(|text| !text.as_bytes().contains(&0)) {
            Some(text) if !self.ended || self.raw.is_empty() => self.decoded = text,
            _ => {
                return Err(SourceError(format!(
                    "{} is not in UTF-8: save it in Excel as \"CSV UTF-8 (comma delimited)\", or as .xlsx",
                    self.file
                )));
            }
        }
        Ok(())
    }

    fn decode_utf8(&mut self) -> Option<String> {
        match String::from_utf8(std::mem::take(&mut self.raw)) {
            Ok(text) => Some(text),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                // Nothing: the text goes on in the next bytes.
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

fn unreadable(file: &str, error: &io::Error) -> SourceError {
    SourceError(format!("{file} cannot be read: {error}"))
}

/// What stands between the cells of the header line.
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
    // A title, if all that follows is a table; else a single column, in whose texts a delimiter may stand.
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

/// How often each delimiter stands in each of the first lines, outside of quotation marks; blank lines left out.
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
    fn lines_that_are_added_during_a_pass_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plant.csv");
        let line = format!("{},b\n", "a".repeat(1000));
        std::fs::write(&path, format!("One,Two\n{}", line.repeat(17_000))).unwrap();
        let (table, ..) = Table::open(&path, "csv", Limits::default()).unwrap();
        let read = |mut records: Records, more: bool| {
            let mut lines = 0;
            loop {
                match records.next() {
                    Ok(Some(_)) => lines += 1,
                    Ok(None) => return (lines, None),
                    Err(error) => return (lines, Some(error.0)),
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
