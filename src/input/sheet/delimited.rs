//! Reads the rows of a CSV file, one at a time. Cells are read as unchanged text.

use std::collections::VecDeque;
use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::encoding::{self, Guess};
use super::footer::{Above, FooterRow, footer_notes};
use super::{LINE, Layout, Names, cannot_read, header_note, not_empty, open_file, shown_size, skipped_row};
use crate::input::{Cell, Column, Label, More, Sink, SourceError, is_total};

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

/// The rows of a file, which can be read any number of times.
#[derive(Debug)]
pub(super) struct Table {
    content: Content,
    format: Format,
    /// The line that contains the column names, and the line of the last row, counted from 0.
    header: u32,
    last: u32,
    /// The index of each column within a line.
    places: Vec<u32>,
    rows: usize,
    /// The last line that `skip_rows` skipped, as shown in messages.
    skipped_above: Option<String>,
    /// The columns that a template marked as required.
    required: Vec<String>,
}

#[derive(Debug, Clone)]
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
    encoding: &'static Encoding,
    delimiter: u8,
    /// Whether the first line declares the delimiter and is not part of the table.
    sep_line: bool,
    /// The number of lines above the column names. They are not part of the table, so a quotation mark in them opens
    /// nothing.
    skipped: u32,
    longest: u64,
}

impl Table {
    /// Reads an entire file to determine its column names and number of rows. Also returns the names and warnings.
    pub(super) fn open(
        path: &Path,
        bytes: Option<Vec<u8>>,
        ending: &str,
        layout: &Layout<'_>,
    ) -> Result<(Self, Vec<String>, Vec<String>), SourceError> {
        let content = match bytes {
            Some(bytes) => {
                not_empty(path, bytes.len() as u64)?;
                Content::Held(bytes.into())
            }
            None => Content::of(path)?,
        };
        let file = Name(path.into());
        let start = content.start().map_err(|error| unreadable(&file, &error))?;
        if let Some(given) = layout.encoding {
            return Self::given(&content, &file, &start, given, ending, layout);
        }
        let utf16 = encoding::utf16_without_mark(&start);
        let (encoding, error) = match Self::decoded(&content, &file, utf16.unwrap_or(UTF_8), ending, layout) {
            Ok(table) if utf16.is_none() => return Ok(table),
            Ok((table, names, mut notes)) => {
                notes.push(guessed_note(table.format.encoding));
                return Ok((table, names, notes));
            }
            Err(error) => {
                // The error is about the encoding only if there are bytes that are not UTF-8.
                let guess = content.source().and_then(encoding::guess);
                (guess.map_err(|error| unreadable(&file, &error))?, error)
            }
        };
        match encoding {
            Guess::Windows1252 if Encoding::for_bom(&start).is_none() => {
                let (table, names, mut notes) =
                    Self::decoded(&content, &file, WINDOWS_1252, ending, layout)?;
                notes.push(guessed_note(WINDOWS_1252));
                Ok((table, names, notes))
            }
            Guess::Mixed(line) => Err(file.error(format!(
                "{file} is not entirely in UTF-8 (line {line}): save the file as UTF-8 again, or set encoding= if all of it \
                    is in another encoding"
            ))),
            Guess::Other { likely, western } if Encoding::for_bom(&start).is_none() => {
                let save = "save it in Excel as \"CSV UTF-8 (comma delimited)\" or as .xlsx";
                let other = match likely.map(Encoding::name) {
                    Some(name) if western => format!("It may be in {name}: if so, set encoding=\"{name}\""),
                    Some(name) => format!(". It may be in {name}: if so, set encoding=\"{name}\""),
                    None if western => format!("Otherwise, {save}"),
                    None => String::new(),
                };
                let fix = if western {
                    "set encoding=\"windows-1252\" if Excel saved it in Western Europe or America. "
                } else {
                    save
                };
                Err(file.error(format!("{file} is not in UTF-8: {fix}{other}")))
            }
            _ => Err(error),
        }
    }

    /// Reads an entire file in the encoding that the user gave, unless the bytes are certainly in another one.
    fn given(
        content: &Content,
        file: &Name,
        start: &[u8],
        given: &'static Encoding,
        ending: &str,
        layout: &Layout<'_>,
    ) -> Result<(Self, Vec<String>, Vec<String>), SourceError> {
        let mut encoding = given;
        if Encoding::for_bom(start).is_none() {
            if [UTF_16LE, UTF_16BE].contains(&given) {
                // Other bytes are valid UTF-16 too, but not line ends or delimiters, which have a zero byte each.
                if !start.contains(&0) {
                    return Err(file.error(format!(
                        "{file} is not in {}: set encoding= to the encoding of the file, or omit it",
                        given.name()
                    )));
                }
                encoding = encoding::utf16_without_mark(start).unwrap_or(given);
            } else if given.is_single_byte() {
                let guess = content.source().and_then(encoding::guess);
                let guess = guess.map_err(|error| unreadable(file, &error))?;
                if guess == (Guess::Utf8 { letters: true }) {
                    encoding = UTF_8;
                }
            }
        }
        let (table, names, mut notes) = Self::decoded(content, file, encoding, ending, layout)?;
        if encoding != given {
            let (found, given) = (encoding.name(), given.name());
            notes.push(format!(
                "the file is in {found}, not in {given}, and was read as {found} (encoding=)"
            ));
        }
        Ok((table, names, notes))
    }

    /// Reads an entire file in this encoding. A byte order mark takes precedence over it.
    fn decoded(
        content: &Content,
        file: &Name,
        encoding: &'static Encoding,
        ending: &str,
        layout: &Layout<'_>,
    ) -> Result<(Self, Vec<String>, Vec<String>), SourceError> {
        let start = content.text(file, encoding)?.beginning()?;
        // Excel reads the delimiter from a first line such as `sep=;`.
        let given = start
            .strip_prefix("sep=")
            .and_then(|rest| rest.bytes().next())
            .filter(|byte| {
                DELIMITERS.contains(byte) && matches!(start.as_bytes().get(5), Some(b'\r' | b'\n'))
            });
        let skipped = layout.skip_rows as usize;
        let format = Format {
            file: file.clone(),
            encoding,
            delimiter: given.unwrap_or_else(|| delimiter(below(&start, skipped), ending)),
            sep_line: given.is_some() && skipped == 0,
            skipped: layout.skip_rows,
            longest: layout.limits.line,
        };
        let mut records = content.records(&format)?;
        let mut found: Option<Header> = None;
        let mut notes = Vec::new();
        let mut is_empty = true;
        while let Some(line) = records.next()? {
            let cells = records.cells().take(2).count();
            is_empty &= cells == 0;
            match &mut found {
                _ if cells == 0 => {}
                Some(header) if header.is_table || cells == 1 => header.add(line, &records),
                // A single cell above a table is a title.
                above => {
                    if above.is_some() {
                        notes = vec![header_note(LINE, line)];
                    }
                    *above = Some(Header::of(line, &records, layout.skip_footer));
                }
            }
        }
        let mut names = Names::new(format!("the file {}", format.file), String::new());
        let Some(header) = found else {
            return Err(if is_empty && layout.skip_rows == 0 {
                names.none()
            } else {
                names.all_skipped(layout)
            });
        };
        for (column, name) in &header.names {
            names.add(*column, name);
        }
        if header.footer.len() < layout.skip_footer {
            return Err(names.no_footer(layout, header.footer.len()));
        }
        let footer = Vec::from(header.footer);
        let columns: Vec<u32> = header.names.iter().map(|(column, _)| *column).collect();
        let above = Above {
            last: &header.last_columns,
            names: &columns,
        };
        let is_shared = layout.is_footer_shared;
        notes.extend(footer_notes(LINE, &names.place, &above, &footer, is_shared)?);
        let below = (0_u32..).zip(&header.below).filter(|(_, used)| **used);
        let required = std::mem::take(&mut names.required);
        let (places, names) = names.finish(below.map(|(column, _)| column))?;
        let skipped_above = last_skipped(&start, &format);
        let table = Self {
            skipped_above,
            required,
            content: content.clone(),
            format,
            header: header.line,
            last: header.last,
            places,
            rows: header.rows,
        };
        Ok((table, names, notes))
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the last line that `skip_rows` skipped, as shown in messages.
    pub(super) fn skipped_above(&self) -> Option<String> {
        self.skipped_above.clone()
    }

    /// Returns the columns that a template marked as required.
    pub(super) fn required(&self) -> &[String] {
        &self.required
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
            // Lines below the last row are read too, to detect that the file has changed.
            if line <= self.header || line > self.last || records.cells().next().is_none() {
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

    fn source(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Held(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Self::OnDisk(opened) => {
                opened.check()?;
                Box::new(Pass {
                    opened: Arc::clone(opened),
                    at: 0,
                })
            }
        })
    }

    /// Returns the first bytes.
    fn start(&self) -> io::Result<Vec<u8>> {
        const START: u64 = 4096;
        let mut start = Vec::new();
        self.source()?.take(START).read_to_end(&mut start)?;
        Ok(start)
    }

    fn text(&self, file: &Name, encoding: &'static Encoding) -> Result<Text, SourceError> {
        let source = self.source().map_err(|error| unreadable(file, &error))?;
        Ok(Text {
            source,
            file: file.clone(),
            decoder: encoding.new_decoder(),
            raw: vec![0; CHUNK],
            decoded: String::new(),
            at: 0,
            lines: 0,
            ended: false,
        })
    }

    fn records(&self, format: &Format) -> Result<Records, SourceError> {
        let mut text = self.text(&format.file, format.encoding)?;
        if format.sep_line {
            text.fill()?;
            text.at = text.decoded.len().min(5);
        }
        let mut records = Records {
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
}

/// The line with the column names, and the rows below it.
struct Header {
    line: u32,
    is_table: bool,
    names: Vec<(u32, String)>,
    rows: usize,
    /// The line of the last row.
    last: u32,
    /// Whether each column has a cell below the header that is not blank.
    below: Vec<bool>,
    /// The lines read last: the footer, if the file ends here.
    footer: VecDeque<FooterRow>,
    /// The columns of the row above the footer. Empty without a footer.
    last_columns: Vec<u32>,
    skip_footer: usize,
}

impl Header {
    fn of(line: u32, records: &Records, skip_footer: usize) -> Self {
        let names: Vec<(u32, String)> = records
            .cells()
            .map(|(column, text)| (column, text.to_owned()))
            .collect();
        Self {
            line,
            is_table: names.len() > 1,
            names,
            rows: 0,
            last: line,
            below: Vec::new(),
            footer: VecDeque::new(),
            last_columns: Vec::new(),
            skip_footer,
        }
    }

    fn add(&mut self, line: u32, records: &Records) {
        if self.skip_footer == 0 {
            return self.add_row(line, records.cells().map(|(column, _)| column));
        }
        self.footer.push_back(FooterRow {
            row: line,
            columns: records.cells().map(|(column, _)| column).collect(),
            first: records.cells().next().map_or("", |(_, text)| text).to_owned(),
            is_total: records.cells().any(|(_, text)| is_total(text)),
        });
        if self.footer.len() > self.skip_footer
            && let Some(FooterRow { row, columns, .. }) = self.footer.pop_front()
        {
            self.add_row(row, columns.iter().copied());
            self.last_columns = columns;
        }
    }

    fn add_row(&mut self, line: u32, columns: impl Iterator<Item = u32>) {
        self.rows += 1;
        self.last = line;
        for column in columns {
            let column = column as usize;
            if self.below.len() <= column {
                self.below.resize(column + 1, false);
            }
            self.below[column] = true;
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

/// Decodes the text of a file, without its byte order mark.
struct Text {
    source: Box<dyn Read + Send>,
    file: Name,
    decoder: Decoder,
    /// A buffer for the bytes read last.
    raw: Vec<u8>,
    decoded: String,
    /// The number of bytes of `decoded` that were consumed.
    at: usize,
    /// The number of line feeds decoded before `decoded`.
    lines: usize,
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
        let read = loop {
            match self.source.read(&mut self.raw) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let read = read.map_err(|error| unreadable(&self.file, &error))?;
        self.ended = read == 0;
        self.lines += memchr::memchr_iter(b'\n', self.decoded.as_bytes()).count();
        self.at = 0;
        self.decoded.clear();
        let most = self.decoder.max_utf8_buffer_length_without_replacement(read);
        // The length is unknown only if it exceeds the address space.
        self.decoded.reserve(most.unwrap_or_default());
        let raw = &self.raw[..read];
        let (result, _) =
            self.decoder
                .decode_to_string_without_replacement(raw, &mut self.decoded, self.ended);
        let unused = encoding::first_unused(self.decoder.encoding(), raw);
        // Text has no zero bytes, but other files do.
        if result == DecoderResult::InputEmpty && !self.decoded.as_bytes().contains(&0) && unused.is_none() {
            return Ok(());
        }
        let decoded = unused.map_or(self.decoded.as_bytes(), |end| &raw[..end]);
        let before = memchr::memchr_iter(b'\n', decoded).count();
        Err(self.file.error(format!(
            "{} is not in {} (line {}): set encoding= to the encoding of the file, or save it in Excel as \
                \"CSV UTF-8 (comma delimited)\" or as .xlsx",
            self.file,
            self.decoder.encoding().name(),
            self.lines + before + 1,
        )))
    }
}

impl Name {
    fn error(&self, message: String) -> SourceError {
        SourceError::of_file(&self.0, None, message)
    }
}

/// Creates the note for a file without a byte order mark that is not in UTF-8.
fn guessed_note(encoding: &'static Encoding) -> String {
    format!(
        "the file is not in UTF-8 and was read as {name}. If letters such as \u{e4} are wrong, set encoding=; \
            if not, encoding=\"{name}\" removes this warning",
        name = encoding.name(),
    )
}

/// Describes the last of the lines that were skipped at the start of a file.
fn last_skipped(start: &str, format: &Format) -> Option<String> {
    let above = (format.skipped as usize).checked_sub(1)?;
    let line = below(start, above).lines().next()?;
    let cells = line.split(char::from(format.delimiter));
    let cells = cells
        .map(|cell| cell.trim().trim_matches('"'))
        .filter(|cell| !cell.is_empty());
    skipped_row(LINE, format.skipped, cells)
}

/// Returns the text below the first lines.
fn below(text: &str, lines: usize) -> &str {
    let mut rest = text;
    for _ in 0..lines {
        let Some(end) = rest.find(['\n', '\r']) else {
            return "";
        };
        let is_pair = rest[end..].starts_with("\r\n");
        rest = &rest[end + if is_pair { 2 } else { 1 }..];
    }
    rest
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
        let (table, ..) = Table::open(&path, None, "csv", &Layout::default()).unwrap();
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
