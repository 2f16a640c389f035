//! Estimates how much memory the library needs for an Excel 97 to 2003 workbook, before the library allocates
//! any. The estimate is based on the workbook's records.
//!
//! The records are documented in [MS-XLS], and are visited in the same order as in the library.

mod records;
mod sheet;

use std::io::{self, Cursor, Read, Write};

use cfb::{CompoundFile, Version};

use records::{Record, Records};
use sheet::{PLACED_FORMULA, Sheet};

type File = CompoundFile<Cursor<Vec<u8>>>;

/// The bytes assumed per sheet and per defined name: the library keeps several copies of names of up to 255
/// characters.
const NAMES: u64 = 8192;

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

/// What the library needs for a workbook.
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
            memory.held += record.bytes_of_parts();
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
