//! The cells of a CSV file: every cell is text as it stands.

use std::borrow::Cow;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::{Found, Value};
use crate::input::SourceError;

const DELIMITERS: [u8; 4] = *b",;\t|";

/// Stands between no two cells, so a file that is read with it has one column.
const NONE: u8 = 0x1f;

/// Lines that are looked at to tell a table below a title from a single column.
const LINES: usize = 20;

pub(super) fn read(path: &Path, bytes: &[u8], ending: &str) -> Result<Found, SourceError> {
    let place = format!("`{}`", path.display());
    let text = decode(bytes).ok_or_else(|| {
        SourceError(format!(
            "{place} is not in UTF-8: save it in Excel as \"CSV UTF-8 (comma delimited)\", or as .xlsx"
        ))
    })?;
    let text: &str = &text;
    // Excel takes a first line such as `sep=;` as the word on what stands between cells.
    let told = text
        .strip_prefix("sep=")
        .and_then(|rest| rest.bytes().next())
        .filter(|byte| DELIMITERS.contains(byte) && matches!(text.as_bytes().get(5), Some(b'\r' | b'\n')));
    let delimiter = told.unwrap_or_else(|| delimiter(text, ending));
    let start = if told.is_some() { 5 } else { 0 };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(Terminator::CRLF)
        .from_reader(&text.as_bytes()[start..]);
    let mut record = ByteRecord::new();
    let mut cells = Vec::new();
    let mut lines = Lines {
        text: text.as_bytes(),
        at: 0,
        line: 0,
    };
    let mut last = (0, 0);
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| SourceError(format!("{place} cannot be read: {error}")))?
    {
        // A text in memory is no longer than an address.
        let byte = record.position().map_or(0, csv::Position::byte);
        let line = lines.of(start + usize::try_from(byte).unwrap_or(usize::MAX));
        last = (lines.at, line);
        for (column, field) in (0_u32..).zip(&record) {
            // The fields are cut at ASCII, so each is still the UTF-8 that the text is.
            if let Some(value) = Value::text(&String::from_utf8_lossy(field)) {
                cells.push((line, column, value));
            }
        }
    }
    if open_quote(&text.as_bytes()[last.0..], delimiter) {
        return Err(SourceError(format!(
            "in {place}, the row that begins in line {} has a quotation mark (\") without its end, so that all that \
             follows would be one cell: close or remove it",
            u64::from(last.1) + 1,
        )));
    }
    Ok(Found {
        cells,
        notes: Vec::new(),
        category: None,
        place: format!("the file {place}"),
        hint: String::new(),
    })
}

/// The text of a file, without its mark; nothing where that is no Unicode.
fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks();
        let units = pairs.iter().map(|pair| unit(*pair));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.ok().filter(|_| rest.is_empty()).map(Cow::Owned)
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => str::from_utf8(rest).ok().map(Cow::Borrowed),
        _ => str::from_utf8(bytes).ok().map(Cow::Borrowed),
    };
    // UTF-16 without its mark is UTF-8 too, with a zero in every character.
    text.filter(|text| !text.contains('\0'))
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

/// Counts lines as editors do; the reader passes over blank ones without a word.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line, from 0, where the record starts that is found from this place on.
    fn of(&mut self, place: usize) -> u32 {
        while let Some(byte) = self.text.get(self.at) {
            let ends = matches!(byte, b'\n' | b'\r');
            if self.at >= place && !ends {
                break;
            }
            let pair = *byte == b'\r' && self.text.get(self.at + 1) == Some(&b'\n');
            if ends && !pair {
                self.line = self.line.saturating_add(1);
            }
            self.at += 1;
        }
        self.line
    }
}

/// Whether a cell of the last record begins with a quotation mark that nothing closes.
fn open_quote(record: &[u8], delimiter: u8) -> bool {
    let (mut quoted, mut first) = (false, true);
    for byte in record {
        if quoted {
            // A doubled one closes and opens again.
            quoted = *byte != b'"';
            first = !quoted;
        } else {
            quoted = *byte == b'"' && first;
            first = matches!(byte, b'\n' | b'\r') || *byte == delimiter;
        }
    }
    quoted
}
