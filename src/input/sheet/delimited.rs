//! Reads the rows of a CSV file, one at a time. Cells are read as unchanged text.

mod delimiter;
mod header;
mod records;
mod stored;
mod text;

use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::encoding::{self, Guess};
use super::file::not_empty;
use super::footer::{Above, footer_notes};
use super::layout::Layout;
use super::names::{Head, LINE, Names, header_note, skipped_row};
use crate::input::cell::Cell;
use crate::input::source::{Column, Label, More, Sink, SourceError};
use delimiter::{DELIMITERS, delimiter};
use header::Header;
use records::Format;
use stored::Stored;
use text::{Name, Text};

pub(super) use records::Records;

/// The rows of a file, which can be read any number of times.
#[derive(Debug)]
pub(super) struct Table {
    stored: Stored,
    format: Format,
    /// The line that contains the column names, and the line of the last row, counted from 0.
    header: u32,
    last: u32,
    /// The index of each named column within a line.
    columns: Vec<u32>,
    rows: usize,
}

impl Table {
    /// Reads an entire file to determine its column names and number of rows. Also returns its names and notes.
    pub(super) fn open(
        path: &Path,
        bytes: Option<Vec<u8>>,
        ending: &str,
        layout: &Layout<'_>,
    ) -> Result<(Head, Self), SourceError> {
        let stored = match bytes {
            Some(bytes) => {
                not_empty(path, bytes.len() as u64)?;
                Stored::Held(bytes.into())
            }
            None => Stored::of(path)?,
        };
        let file = Name::new(path);
        let start = stored.start().map_err(|error| file.unreadable(&error))?;
        if let Some(given) = layout.encoding {
            return Self::given(&stored, &file, &start, given, ending, layout);
        }
        let utf16 = encoding::utf16_without_mark(&start);
        let (encoding, error) = match Self::decoded(&stored, &file, utf16.unwrap_or(UTF_8), ending, layout) {
            Ok(table) if utf16.is_none() => return Ok(table),
            Ok((mut head, table)) => {
                head.notes.push(guessed_note(table.format.encoding));
                return Ok((head, table));
            }
            Err(error) => {
                // The error is about the encoding only if there are bytes that are not UTF-8.
                let guess = stored.source().and_then(encoding::guess);
                (guess.map_err(|error| file.unreadable(&error))?, error)
            }
        };
        match encoding {
            Guess::Windows1252 if Encoding::for_bom(&start).is_none() => {
                let (mut head, table) = Self::decoded(&stored, &file, WINDOWS_1252, ending, layout)?;
                head.notes.push(guessed_note(WINDOWS_1252));
                Ok((head, table))
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
        stored: &Stored,
        file: &Name,
        start: &[u8],
        given: &'static Encoding,
        ending: &str,
        layout: &Layout<'_>,
    ) -> Result<(Head, Self), SourceError> {
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
                let guess = stored.source().and_then(encoding::guess);
                let guess = guess.map_err(|error| file.unreadable(&error))?;
                if guess == (Guess::Utf8 { letters: true }) {
                    encoding = UTF_8;
                }
            }
        }
        let (mut head, table) = Self::decoded(stored, file, encoding, ending, layout)?;
        if encoding != given {
            let (found, given) = (encoding.name(), given.name());
            head.notes.push(format!(
                "the file is in {found}, not in {given}, and was read as {found} (encoding=)"
            ));
        }
        Ok((head, table))
    }

    /// Reads an entire file in this encoding. A byte order mark takes precedence over it.
    fn decoded(
        stored: &Stored,
        file: &Name,
        encoding: &'static Encoding,
        ending: &str,
        layout: &Layout<'_>,
    ) -> Result<(Head, Self), SourceError> {
        let start = Text::of(stored, file, encoding)?.beginning()?;
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
        let mut records = Records::of(stored, &format)?;
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
        let (columns, names) = names.finish(below.map(|(column, _)| column))?;
        let head = Head {
            names,
            required,
            skipped: layout.skip_footer,
            skipped_above: last_skipped(&start, &format),
            notes,
        };
        let table = Self {
            stored: stored.clone(),
            format,
            header: header.line,
            last: header.last,
            columns,
            rows: header.rows,
        };
        Ok((head, table))
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Starts reading at the beginning of the file.
    pub(super) fn records(&self) -> Result<Records, SourceError> {
        Records::of(&self.stored, &self.format)
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
                for (index, column) in self.columns.iter().zip(columns) {
                    let cell = records.cell(*index as usize);
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_added_during_a_pass_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plant.csv");
        let line = format!("{},b\n", "a".repeat(1000));
        std::fs::write(&path, format!("One,Two\n{}", line.repeat(17_000))).unwrap();
        let (_, table) = Table::open(&path, None, "csv", &Layout::default()).unwrap();
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
