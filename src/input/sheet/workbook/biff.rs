//! Estimates how much memory the library needs for an Excel 97 to 2003 workbook, before the library allocates
//! any. The estimate is based on the workbook's records.
//!
//! The records are documented in [MS-XLS], and are visited in the same order as in the library.

use std::io::{self, Cursor, Read, Write};

use calamine::{Cell, Data};
use cfb::{CompoundFile, Version};

type File = CompoundFile<Cursor<Vec<u8>>>;

/// Bytes per cell in the library's list of a sheet's cells, and in the rectangle to which the library copies
/// the cells.
const LISTED: u64 = size_of::<Cell<Data>>() as u64;
const PLACED: u64 = size_of::<Data>() as u64;

/// Bytes per formula in the library's list of formulas, and in the rectangle to which the library copies the
/// formulas.
const LISTED_FORMULA: u64 = size_of::<Cell<String>>() as u64;
const PLACED_FORMULA: u64 = size_of::<String>() as u64;

/// The bytes assumed for an empty formula.
const NO_FORMULA: u64 = 160;

/// The bytes assumed per sheet and per defined name: the library keeps several copies of names of up to 255
/// characters.
const NAMES: u64 = 8192;

/// Bytes per rectangle of merged cells.
const MERGED: u64 = 16;

/// The number of bytes per part of a continued record. The list of parts may be half empty.
const PART: u64 = 32;

/// The maximum size of the custom properties, in bytes. The library may copy each property once per name.
const MOST_PROPERTIES: u64 = 64 << 10;
const PROPERTIES: &str = "/\u{5}DocumentSummaryInformation";

/// The code page of UTF-16, used for all text since Excel 97.
const UTF_16: u16 = 1200;

/// Copies the needed parts of a compound file. Returns `None` if the library would need more than `most`
/// bytes for the file.
///
/// The copy ensures that the library reads the records that were checked, since the library looks up streams
/// in its own way.
pub(super) fn repacked(bytes: Vec<u8>, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut file = CompoundFile::open(Cursor::new(bytes))?;
    let mut stream = match read(&mut file, "/Workbook") {
        Ok(stream) => stream,
        // The name of the stream up to Excel 95.
        Err(_) => read(&mut file, "/Book")?,
    };
    // A workbook can be read without its properties.
    let properties = file
        .entry(PROPERTIES)
        .ok()
        .filter(|entry| entry.len() <= MOST_PROPERTIES)
        .and_then(|_| read(&mut file, PROPERTIES).ok());
    drop(file);

    // The text of a formula is not needed, and can be much longer than its record.
    let mut memory = Memory::of(&stream, most)?;
    for formula in &memory.formulas {
        stream[*formula..formula + 2].fill(0);
    }
    if !memory.formulas.is_empty() {
        // Sheets may overlap in a damaged file, so removing a formula in one may have changed another.
        memory = Memory::of(&stream, most)?;
        if !memory.formulas.is_empty() {
            return Err(damage("its sheets overlap"));
        }
    }
    if memory.most > most {
        return Ok(None);
    }

    let mut file = CompoundFile::create_with_version(Version::V3, Cursor::new(Vec::new()))?;
    file.create_stream("/Workbook")?.write_all(&stream)?;
    drop(stream);
    if let Some(properties) = properties {
        file.create_stream(PROPERTIES)?.write_all(&properties)?;
    }
    file.flush()?;
    Ok(Some(file.into_inner().into_inner()))
}

fn read(file: &mut File, path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.open_stream(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn damage(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[derive(Default)]
struct Memory {
    /// Bytes held until the workbook is closed.
    held: u64,
    /// The peak number of bytes.
    most: u64,
    /// The position of the length field of each formula that is not empty.
    formulas: Vec<usize>,
}

impl Memory {
    /// Estimates the memory for a workbook stream. Stops once more than `most` bytes are needed.
    fn of(stream: &[u8], most: u64) -> io::Result<Self> {
        // Start with the file, its content, and the stream.
        let mut memory = Self {
            held: 3 * stream.len() as u64,
            ..Self::default()
        };
        let (mut sheets, mut strings, mut bytes_per_character) = (Vec::new(), Vec::new(), 3);
        for mut record in Records::of(stream, 0) {
            memory.held += PART * record.parts();
            match record.kind {
                // FilePass: the library reports that the workbook is protected.
                0x002F if record.number(0) != Some(0) => break,
                // CodePage. In another code page, each half of a character would count as one.
                0x0042 => bytes_per_character = if record.number(0) == Some(UTF_16) { 3 } else { 6 },
                // BoundSheet8
                0x0085 => {
                    memory.held += NAMES;
                    sheets.push(record.long(0).ok_or_else(|| damage("a sheet has no position"))?);
                }
                // Lbl
                0x0018 => memory.held += NAMES,
                // SST
                0x00FC => {
                    strings = shared_strings(&mut record, bytes_per_character);
                    let text: u64 = strings.iter().map(|bytes| u64::from(*bytes)).sum();
                    // The list of strings may be half empty.
                    memory.held += text + 2 * PLACED_FORMULA * strings.len() as u64;
                }
                // EOF
                0x000A => break,
                _ => {}
            }
        }
        memory.most = memory.held;
        let mut copy = 0;
        for position in sheets {
            if memory.most > most {
                break;
            }
            let position = position as usize;
            if position > stream.len() {
                return Err(damage("a sheet is beyond the end"));
            }
            let sheet = Sheet::of(
                Records::of(stream, position),
                &strings,
                u64::from(bytes_per_character),
                &mut memory.formulas,
                most,
            );
            let placed = sheet.placed();
            memory.held = memory.held.saturating_add(placed).saturating_add(sheet.other());
            memory.most = memory.most.max(memory.held.saturating_add(sheet.listed()));
            copy = copy.max(placed);
        }
        // The library returns a copy of a sheet's cells.
        memory.most = memory.most.max(memory.held.saturating_add(copy));
        Ok(memory)
    }
}

/// Returns the maximum size of each string in a shared string table, in bytes.
fn shared_strings(record: &mut Record<'_>, bytes_per_character: u32) -> Vec<u32> {
    let mut strings = Vec::new();
    record.data = record.data.get(8..).unwrap_or_default();
    while !record.data.is_empty() || record.next_part() {
        match shared_string(record) {
            Some(characters) => strings.push(u32::from(characters) * bytes_per_character),
            // The library reports the error.
            None => break,
        }
    }
    strings
}

/// Skips an `XLUnicodeRichExtendedString` and returns its length in characters.
fn shared_string(record: &mut Record<'_>) -> Option<u16> {
    if record.data.is_empty() {
        return Some(0);
    }
    let characters = record.number(0)?;
    let flags = *record.data.get(2)?;
    record.data = &record.data[3..];
    let (mut runs, mut extension) = (0, 0);
    if flags & 0x8 != 0 {
        runs = usize::from(record.number(0)?) * 4;
        record.data = &record.data[2..];
    }
    if flags & 0x4 != 0 {
        extension = record.long(0)? as usize;
        record.data = &record.data[4..];
    }
    let mut left = usize::from(characters);
    let mut width = 1 + usize::from(flags & 1);
    while left > 0 {
        let here = left.min(record.data.len() / width);
        record.data = &record.data[here * width..];
        left -= here;
        if left > 0 {
            if !record.next_part() {
                return None;
            }
            let (flags, text) = record.data.split_first()?;
            width = 1 + usize::from(flags & 1);
            record.data = text;
        }
    }
    for mut left in [runs, extension] {
        while left > 0 {
            if record.data.is_empty() && !record.next_part() {
                return None;
            }
            let here = left.min(record.data.len());
            record.data = &record.data[here..];
            left -= here;
        }
    }
    Some(characters)
}

#[derive(Default)]
struct Sheet {
    /// The number of cells that the library allocates before it reads them.
    reserved: u64,
    cells: u64,
    formulas: u64,
    texts: u64,
    /// Bytes for merged cells and for parts of records.
    rest: u64,
    cells_at: Area,
    formulas_at: Area,
}

impl Sheet {
    fn of(
        records: Records<'_>,
        strings: &[u32],
        bytes_per_character: u64,
        formulas: &mut Vec<usize>,
        most: u64,
    ) -> Self {
        let mut sheet = Self::default();
        let (mut begun, mut nested) = (false, 0_u64);
        let mut formula = (0, 0);
        for record in records {
            sheet.rest += PART * record.parts();
            // Charts in a sheet have their own cells, between BOF and EOF.
            match record.kind {
                0x0809 if begun => nested += 1,
                0x0809 => begun = true,
                0x000A if nested == 0 => break,
                0x000A => nested -= 1,
                _ if nested > 0 => {}
                _ => sheet.add(&record, strings, bytes_per_character, &mut formula, formulas),
            }
            if sheet.listed().saturating_add(sheet.texts) > most {
                break;
            }
        }
        sheet
    }

    fn add(
        &mut self,
        record: &Record<'_>,
        strings: &[u32],
        bytes_per_character: u64,
        formula: &mut (u16, u16),
        formulas: &mut Vec<usize>,
    ) {
        let at = (record.number(0).unwrap_or(0), record.number(2).unwrap_or(0));
        let characters = |at: usize| u64::from(record.number(at).unwrap_or(0)) * bytes_per_character;
        match record.kind {
            // Dimensions
            0x0200 => self.reserved = self.reserved.max(dimensions(record)),
            // Number, BoolErr, RK
            0x0203 | 0x0205 | 0x027E => self.cell(at, 0),
            // Label, RString
            0x0204 | 0x00D6 => self.cell(at, characters(6)),
            // LabelSst
            0x00FD => {
                let string = record.long(6).and_then(|string| strings.get(string as usize));
                self.cell(at, string.map_or(0, |bytes| u64::from(*bytes)));
            }
            // MulRk
            0x00BD => {
                let more = (record.data.len().saturating_sub(6) / 6) as u64;
                if more > 0 {
                    // A record has at most 65,535 bytes.
                    let last = u16::try_from(more - 1).unwrap_or(u16::MAX);
                    self.cell(at, 0);
                    self.cell((at.0, at.1.saturating_add(last)), 0);
                    self.cells += more.saturating_sub(2);
                }
            }
            // Formula
            0x0006 => {
                *formula = at;
                self.cell(at, 0);
                self.formulas += 1;
                self.formulas_at.add(at);
                if record.number(20).is_some_and(|length| length > 0) {
                    formulas.push(record.at + 20);
                }
            }
            // String: the value of the preceding formula
            0x0207 => self.cell(*formula, characters(0)),
            // MergeCells
            0x00E5 => self.rest += MERGED * u64::from(record.number(0).unwrap_or(0)),
            _ => {}
        }
    }

    fn cell(&mut self, at: (u16, u16), text: u64) {
        self.cells += 1;
        self.texts += text;
        self.cells_at.add(at);
    }

    /// Bytes needed while a sheet is read. A growing list may have twice the capacity it needs.
    fn listed(&self) -> u64 {
        let cells = (2 * self.cells).max(self.reserved.saturating_add(self.cells));
        cells
            .saturating_mul(LISTED)
            .saturating_add(2 * self.formulas * LISTED_FORMULA)
    }

    fn placed(&self) -> u64 {
        self.cells_at.cells() * PLACED + self.texts
    }

    fn other(&self) -> u64 {
        self.formulas_at.cells() * PLACED_FORMULA + self.formulas * NO_FORMULA + self.rest
    }
}

/// Returns the number of cells that a sheet declares.
fn dimensions(record: &Record<'_>) -> u64 {
    let number = |at| record.number(at).map(u32::from);
    let (first_row, end_row, first_column, end_column) = match record.data.len() {
        10 => (number(0), number(2), number(4), number(6)),
        _ => (record.long(0), record.long(4), number(8), number(10)),
    };
    let (Some(first_row), Some(end_row)) = (first_row, end_row) else {
        return 0;
    };
    let (Some(mut first_column), Some(end_column)) = (first_column, end_column) else {
        return 0;
    };
    if first_column > 0xFF || end_column < first_column {
        first_column = 0;
    }
    if end_row == 0 || end_column == 0 {
        return 1;
    }
    // An end before the beginning wraps around in the library, too.
    let rows = u64::from(end_row.wrapping_sub(first_row));
    rows * u64::from(end_column.wrapping_sub(first_column))
}

/// The bounding rectangle of cells.
#[derive(Default)]
struct Area(Option<[u16; 4]>);

impl Area {
    fn add(&mut self, (row, column): (u16, u16)) {
        let [top, left, bottom, right] = self.0.unwrap_or([row, column, row, column]);
        self.0 = Some([top.min(row), left.min(column), bottom.max(row), right.max(column)]);
    }

    fn cells(&self) -> u64 {
        self.0.map_or(0, |[top, left, bottom, right]| {
            (u64::from(bottom - top) + 1) * (u64::from(right - left) + 1)
        })
    }
}

/// A record and its continuations.
struct Record<'a> {
    kind: u16,
    /// The position of the record's data in the stream.
    at: usize,
    data: &'a [u8],
    more: &'a [u8],
}

impl Record<'_> {
    const CONTINUE: u16 = 0x003C;

    fn number(&self, at: usize) -> Option<u16> {
        let bytes = self.data.get(at..)?.first_chunk()?;
        Some(u16::from_le_bytes(*bytes))
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = self.data.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    fn next_part(&mut self) -> bool {
        let Some((_, data, rest)) = split(self.more) else {
            return false;
        };
        (self.data, self.more) = (data, rest);
        true
    }

    /// Returns the number of continuations.
    fn parts(&self) -> u64 {
        let mut more = self.more;
        let mut parts = 0;
        while let Some((_, _, rest)) = split(more) {
            (more, parts) = (rest, parts + 1);
        }
        parts
    }
}

/// Splits off the type and the data of the first record.
fn split(stream: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let ([a, b, c, d], rest) = stream.split_first_chunk()?;
    let (data, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([*c, *d])))?;
    Some((u16::from_le_bytes([*a, *b]), data, rest))
}

/// Iterates over the records in a stream. Ends at a truncated record, which the library reports.
struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    fn of(stream: &'a [u8], at: usize) -> Self {
        Self { stream, at }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (kind, data, following) = split(&self.stream[self.at..])?;
        let mut rest = following;
        // The library treats an empty continuation at the end as a separate record.
        while rest.len() > 4
            && let Some((Record::CONTINUE, _, after)) = split(rest)
        {
            rest = after;
        }
        let more = &following[..following.len() - rest.len()];
        let at = self.at + 4;
        self.at = self.stream.len() - rest.len();
        Some(Record { kind, at, data, more })
    }
}
