//! Reads the cells of a workbook. Where the library reports number formats, displayed leading zeros and text are kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use calamine::{
    Data, DataRef, ExcelDateTime, Ods, OdsError, Range, Reader, SheetType, SheetVisible, Style, Xls,
    XlsError, Xlsb, XlsbError, Xlsx, XlsxCellFormulaMetadataRecord, XlsxError, XlsxFormulaMetadata,
};
use jiff::SignedDuration;
use jiff::civil;
use quick_xml::events::{BytesStart, Event};

use super::shown::Shown;
use super::{
    CATEGORY_PROPERTY, Formula, Found, LISTS, Limits, PADDED_PROPERTY, Placed, Properties, READING_PROPERTY,
    ShownNumber, Value, biff, cannot_read, damaged, not_empty, open_file, opendocument, shown_size,
};
use crate::input::{Padded, SourceError};

type Bytes = Cursor<Vec<u8>>;

/// A workbook of one of the supported formats.
enum Workbook {
    Xlsx(Xlsx<Bytes>),
    Xlsb(Xlsb<Bytes>),
    Xls(Xls<Bytes>),
    Ods(Ods<Bytes>),
}

pub(super) fn read(
    path: &Path,
    bytes: Option<Vec<u8>>,
    ending: &str,
    sheet: Option<&str>,
    limits: Limits,
) -> Result<Found, SourceError> {
    let shown = path.display();
    let bytes = content(path, bytes, ending, limits)?;
    let mut workbook = Workbook::open(path, bytes, ending)?;
    let sheets = workbook.sheets();
    let mut notes = Vec::new();
    let mut hint = String::new();
    let name = if let Some(sheet) = sheet {
        // Excel does not allow two sheet names that differ only in case.
        let wanted = sheet.trim().to_lowercase();
        let same = |name: &&String| name.trim().to_lowercase() == wanted;
        let names: Vec<String> = sheets.into_iter().map(|(name, _)| name).collect();
        let found = names
            .iter()
            .find(|name| *name == sheet)
            .or_else(|| names.iter().find(same));
        found.cloned().ok_or_else(|| {
            let sheets = quoted(&names);
            let message = format!("`{shown}` has no sheet `{sheet}`: use one of its sheets: {sheets}");
            SourceError::of_file(path, None, message)
        })?
    } else {
        let mut names: Vec<String> = sheets
            .iter()
            .filter(|(name, visible)| *visible && !LISTS.contains(&name.as_str()))
            .map(|(name, _)| name.clone())
            .collect();
        if names.is_empty() {
            let all: Vec<String> = sheets.into_iter().map(|(name, _)| name).collect();
            let message = if all.is_empty() {
                format!("`{shown}` has no sheet with rows: add one")
            } else {
                format!(
                    "`{shown}` has no visible sheet with rows: set `sheet` to one of: {}",
                    quoted(&all)
                )
            };
            return Err(SourceError::of_file(path, None, message));
        }
        let name = names.remove(0);
        // Ignore other sheets that cannot be read.
        names.retain(|name| workbook.has_data(name).unwrap_or(false));
        if !names.is_empty() {
            notes.push(format!(
                "the sheet `{name}` was read. To read another one, set `sheet` to one of: {}",
                quoted(&names)
            ));
            hint = format!(", or set `sheet` to another one: {}", quoted(&names));
        }
        name
    };
    let properties = workbook.properties();
    let cells = workbook
        .cells(&name, limits.workbook)
        .map_err(|error| failed(path, &error))?
        .ok_or_else(|| too_large(path, limits))?;
    let whole_numbers = cells.iter().any(|(_, _, value)| matches!(value, Value::Int(_)));
    if whole_numbers && !matches!(workbook, Workbook::Xlsx(_)) {
        notes.push(format!(
            "number formats in .{ending} files are ignored, so a 7 displayed as 0007 or AHU-7 is read as 7: save \
                the file as .xlsx if it has such numbers"
        ));
    }
    Ok(Found {
        cells,
        notes,
        properties,
        place: format!("the sheet `{name}` of `{shown}`"),
        name,
        hint,
    })
}

/// Returns the content of a file, or the given bytes, if they are within the limit both packed and unpacked.
/// An .xls file is replaced by a copy (see `biff::repacked`).
fn content(
    path: &Path,
    given: Option<Vec<u8>>,
    ending: &str,
    limits: Limits,
) -> Result<Vec<u8>, SourceError> {
    let mut bytes = if let Some(bytes) = given {
        not_empty(path, bytes.len() as u64)?;
        if bytes.len() as u64 > limits.workbook {
            return Err(too_large(path, limits));
        }
        bytes
    } else {
        let (file, metadata) = open_file(path)?;
        if metadata.len() > limits.workbook {
            return Err(too_large(path, limits));
        }
        let mut bytes = Vec::new();
        // Read a growing file only up to its initial size.
        file.take(metadata.len())
            .read_to_end(&mut bytes)
            .map_err(|error| cannot_read(path, &error))?;
        bytes
    };
    if ending == "xls" {
        bytes = biff::repacked(bytes, limits.workbook)
            .map_err(|error| damaged(path, &error.to_string()))?
            .ok_or_else(|| too_large(path, limits))?;
    } else {
        let unpacked = Unpacked::of(&bytes, limits.workbook);
        if unpacked.bytes > limits.workbook {
            return Err(too_large(path, limits));
        }
        let StringCounts { claimed, counted } = unpacked.strings;
        if claimed > unpacked.bytes {
            return Err(damaged(path, &format!("it declares {claimed} shared strings")));
        }
        // The library allocates the declared number of strings before it reads the first.
        let strings = claimed.max(counted);
        if unpacked
            .bytes
            .saturating_add(strings.saturating_mul(SHARED_STRING))
            > limits.workbook
        {
            return Err(too_large(path, limits));
        }
    }
    Ok(bytes)
}

fn too_large(path: &Path, limits: Limits) -> SourceError {
    let message = format!(
        "`{}` needs more than {} of memory: remove unneeded sheets and formats, save it as .csv, or raise \
            the limit with sheet=SheetOptions(max_workbook_bytes=...)",
        path.display(),
        shown_size(limits.workbook),
    );
    SourceError::of_file(path, None, message)
}

/// An estimate of the memory that the library would allocate for a file.
#[derive(Default)]
struct Unpacked {
    bytes: u64,
    strings: StringCounts,
}

#[derive(Default)]
struct StringCounts {
    /// The number of shared strings that the file declares.
    claimed: u64,
    counted: u64,
}

impl StringCounts {
    fn max(&self, other: &Self) -> Self {
        Self {
            claimed: self.claimed.max(other.claimed),
            counted: self.counted.max(other.counted),
        }
    }
}

/// Bytes that the library needs per shared string, in addition to its text.
const SHARED_STRING: u64 = size_of::<String>() as u64;

impl Unpacked {
    /// Unpacks all parts without keeping them, up to `most` bytes. The sizes declared in the file may be
    /// wrong.
    fn of(bytes: &[u8], most: u64) -> Self {
        let mut found = Self::default();
        // The library reports parts that cannot be unpacked.
        let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
            return found;
        };
        let mut chunk = vec![0; 64 << 10];
        for place in 0..archive.len() {
            let Ok(mut part) = archive.by_index(place) else {
                continue;
            };
            let name = part.name().unwrap_or_default().to_ascii_lowercase();
            // Read one byte more than the limit, to detect a part that is too large.
            let left = (most - found.bytes).saturating_add(1);
            let mut xml = (&mut part).take(left);
            if name == "content.xml" {
                let cells = opendocument::bytes_of_cells(BufReader::new(&mut xml), left - 1);
                if xml.limit() == 0 {
                    found.bytes = most.saturating_add(1);
                    return found;
                }
                found.bytes = found.bytes.saturating_add(cells);
            } else if name.ends_with("sharedstrings.xml") {
                let counts = shared_strings(BufReader::new(&mut xml));
                found.bytes = found.bytes.saturating_add(left - xml.limit());
                found.strings = found.strings.max(&counts);
            }
            if found.bytes > most {
                return found;
            }
            loop {
                let read = match part.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => break,
                };
                found.bytes += read as u64;
                if found.bytes > most {
                    return found;
                }
            }
        }
        found
    }
}

/// Counts shared strings (`CT_Sst` in ECMA-376, part 1, 18.4.9) as the library reads them.
fn shared_strings(part: impl BufRead) -> StringCounts {
    let mut reader = quick_xml::Reader::from_reader(part);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut found = StringCounts::default();
    let mut table = false;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => match start.local_name().as_ref() {
                // The library reads only the first `sst` element.
                "sst" if !table => {
                    table = true;
                    found.claimed = unique_count(&start);
                }
                "si" => found.counted += 1,
                _ => {}
            },
            // The library reports the error in the part.
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

fn unique_count(table: &BytesStart<'_>) -> u64 {
    match table.try_get_attribute("uniqueCount") {
        Ok(None) => 0,
        // The library ignores a value that is not a number.
        Ok(Some(given)) => given
            .value
            .trim_ascii()
            .trim_start_matches('+')
            .parse()
            .unwrap_or(0),
        // The library may still read an element with malformed attributes.
        Err(_) => u64::MAX,
    }
}

/// The library's error, and whether it is about a password.
struct Failure {
    password: bool,
    text: String,
}

impl Failure {
    fn new(password: bool, error: &impl Display) -> Self {
        let text = error.to_string();
        Self { password, text }
    }
}

impl From<XlsxError> for Failure {
    fn from(error: XlsxError) -> Self {
        Self::new(matches!(error, XlsxError::Password), &error)
    }
}

impl From<XlsbError> for Failure {
    fn from(error: XlsbError) -> Self {
        Self::new(matches!(error, XlsbError::Password), &error)
    }
}

impl From<XlsError> for Failure {
    fn from(error: XlsError) -> Self {
        Self::new(matches!(error, XlsError::Password), &error)
    }
}

impl From<OdsError> for Failure {
    fn from(error: OdsError) -> Self {
        Self::new(matches!(error, OdsError::Password), &error)
    }
}

fn failed(path: &Path, failure: &Failure) -> SourceError {
    if failure.password {
        let message = format!(
            "`{}` is protected with a password: open it in Excel, save a copy without one, and use the copy",
            path.display()
        );
        return SourceError::of_file(path, None, message);
    }
    damaged(path, &failure.text)
}

impl Workbook {
    fn open(path: &Path, bytes: Vec<u8>, ending: &str) -> Result<Self, SourceError> {
        let bytes = Cursor::new(bytes);
        match ending {
            "xls" => Xls::new(bytes).map(Self::Xls).map_err(Failure::from),
            "xlsb" => Xlsb::new(bytes).map(Self::Xlsb).map_err(Failure::from),
            "ods" => Ods::new(bytes).map(Self::Ods).map_err(Failure::from),
            _ => Xlsx::new(bytes).map(Self::Xlsx).map_err(Failure::from),
        }
        .map_err(|error| failed(path, &error))
    }

    /// Returns the name of each worksheet, and whether it is visible. Other sheets, such as charts, have no
    /// cells.
    fn sheets(&self) -> Vec<(String, bool)> {
        let sheets = match self {
            Self::Xlsx(workbook) => workbook.sheets_metadata(),
            Self::Xlsb(workbook) => workbook.sheets_metadata(),
            Self::Xls(workbook) => workbook.sheets_metadata(),
            Self::Ods(workbook) => workbook.sheets_metadata(),
        };
        sheets
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
            .collect()
    }

    /// Returns what a workbook that this package wrote says about its rows.
    fn properties(&mut self) -> Properties {
        // A workbook can be read without its properties.
        let properties = match self {
            Self::Xlsx(workbook) => workbook.workbook_properties().ok(),
            Self::Xlsb(workbook) => workbook.workbook_properties().ok(),
            Self::Xls(workbook) => workbook.workbook_properties().ok(),
            Self::Ods(workbook) => workbook.workbook_properties().ok(),
        };
        let Some(properties) = properties else {
            return Properties::default();
        };
        let mut found = Properties::default();
        let mut reading: BTreeMap<usize, String> = BTreeMap::new();
        for (name, value) in properties.custom_properties {
            if name == CATEGORY_PROPERTY {
                found.category = Some(with_control_characters(&value));
            } else if let Some(column) = name.strip_prefix(PADDED_PROPERTY)
                && let Some(texts) = Padded::parse(&value)
            {
                found.padded.insert(with_control_characters(column), texts);
            } else if let Some(place) = name.strip_prefix(READING_PROPERTY)
                && let Ok(place) = place.parse()
            {
                reading.insert(place, value);
            }
        }
        found.reading = (!reading.is_empty()).then(|| reading.into_values().collect());
        found
    }

    fn has_data(&mut self, sheet: &str) -> Result<bool, Failure> {
        let mut some = false;
        self.walk(sheet, &mut |_, _| {
            some = true;
            false
        })?;
        Ok(some)
    }

    /// Reads all cells. Returns `None` if the cells need more than `most` bytes.
    fn cells(&mut self, sheet: &str, most: u64) -> Result<Option<Vec<Placed>>, Failure> {
        let mut cells = Vec::new();
        let mut bytes = 0;
        self.walk(sheet, &mut |(row, column), value| {
            bytes += size_of::<Placed>() as u64 + value.own_bytes();
            let fits = bytes <= most;
            if fits {
                cells.push((row, column, value));
            }
            fits
        })?;
        Ok((bytes <= most).then_some(cells))
    }

    /// Passes each cell that is not blank to `take`, in any order, until `take` returns `false`.
    ///
    /// Reads cell by cell if the format allows it. A range would contain all cells of the bounding rectangle,
    /// which can be billions, for example if one cell is in the last row.
    ///
    /// Formulas without a saved value occur only in some formats. In the binary formats, each formula record
    /// contains a value (`BrtFmlaNum` and similar records in [MS-XLSB], `Formula` in [MS-XLS]).
    fn walk(&mut self, sheet: &str, take: &mut dyn FnMut((u32, u32), Value) -> bool) -> Result<(), Failure> {
        match self {
            Self::Xlsx(workbook) => walk_xlsx(workbook, sheet, take)?,
            Self::Xlsb(workbook) => {
                let mut strings = Strings::default();
                let mut reader = workbook.worksheet_cells_reader(sheet)?;
                while let Some(cell) = reader.next_cell()? {
                    if let Some(value) = strings.value(cell.get_value(), None)
                        && !take(cell.get_position(), value)
                    {
                        break;
                    }
                }
            }
            Self::Xls(workbook) => walk_range(&workbook.worksheet_range(sheet)?, take),
            Self::Ods(workbook) => {
                let values = workbook.worksheet_range(sheet)?;
                walk_range(&values, take);
                walk_formulas(&workbook.worksheet_formula(sheet)?, &values, take);
            }
        }
        Ok(())
    }
}

fn walk_xlsx(
    workbook: &mut Xlsx<Bytes>,
    sheet: &str,
    take: &mut dyn FnMut((u32, u32), Value) -> bool,
) -> Result<(), XlsxError> {
    let mut strings = Strings::default();
    let mut reader = workbook.worksheet_cells_reader(sheet)?;
    let formats: Vec<Option<Format>> = reader.styles().iter().map(Format::of).collect();
    // The library reads formats and formulas in separate passes. Formats matter only if some show an identifier.
    if formats.iter().all(Option::is_none) {
        while let Some(record) = reader.next_cell_with_formula_metadata()? {
            let place = record.pos;
            let value = without_value(&record).or_else(|| strings.value(&record.value, None));
            if value.is_some_and(|value| !take(place, value)) {
                break;
            }
        }
        return Ok(());
    }
    let mut blanks = false;
    while let Some((cell, style)) = reader.next_cell_with_style_id()? {
        blanks |= *cell.get_value() == DataRef::Empty;
        let format = formats.get(style).and_then(Option::as_ref);
        if let Some(value) = strings.value(cell.get_value(), format)
            && !take(cell.get_position(), value)
        {
            return Ok(());
        }
    }
    if blanks {
        drop(reader);
        // Some blanks may be formulas.
        let mut reader = workbook.worksheet_cells_reader(sheet)?;
        while let Some(record) = reader.next_cell_with_formula_metadata()? {
            if without_value(&record).is_some_and(|formula| !take(record.pos, formula)) {
                break;
            }
        }
    }
    Ok(())
}

/// Decodes control characters, which a workbook stores in a form such as `_x001B_` (`ST_Xstring` in ECMA-376,
/// part 1, 22.9.2.19).
fn with_control_characters(text: &str) -> String {
    let mut parts = text.split("_x00");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).filter(|code| code.ends_with('_'));
        let code = code.and_then(|code| u8::from_str_radix(&code[..2], 16).ok());
        if let Some(code) = code.filter(u8::is_ascii_control) {
            plain.push(char::from(code));
            plain.push_str(&part[3..]);
        } else {
            plain.push_str("_x00");
            plain.push_str(part);
        }
    }
    plain
}

/// The shared strings found so far, each stored once for all its cells. A file of 23 kB can use a string of 1 MB in
/// 4,000 cells.
#[derive(Default)]
struct Strings(HashMap<usize, Arc<str>>);

impl Strings {
    fn value(&mut self, data: &DataRef<'_>, format: Option<&Format>) -> Option<Value> {
        match data {
            DataRef::SharedString(text) if text.trim().is_empty() => None,
            // The address identifies a string, because the library keeps all strings to the end.
            DataRef::SharedString(text) => {
                let text = self
                    .0
                    .entry(text.as_ptr().addr())
                    .or_insert_with(|| (*text).into());
                Some(Value::Text(Arc::clone(text)))
            }
            other => value(other.clone().into(), format),
        }
    }
}

/// Returns a cell's formula if it was saved without its value, as programs other than Excel may do. An empty
/// string is a value.
fn without_value(record: &XlsxCellFormulaMetadataRecord<'_>) -> Option<Value> {
    let formula = record
        .formula
        .as_ref()
        .filter(|_| record.value == DataRef::Empty)?;
    let text = match formula {
        XlsxFormulaMetadata::Normal { formula } if formula.is_empty() => return None,
        XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. } => formula,
        // The text of a shared formula is stored only in its first cell.
        _ => "",
    };
    Some(Value::Formula(Formula::new(record.pos, text).into()))
}

/// A number format that shows an identifier, and its code.
struct Format {
    shown: Shown,
    code: Arc<str>,
}

impl Format {
    fn of(style: &Style) -> Option<Self> {
        let code = &style.number_format.as_ref()?.format_code;
        Some(Self {
            shown: Shown::of(code)?,
            code: code.as_str().into(),
        })
    }
}

fn walk_range(range: &Range<Data>, take: &mut dyn FnMut((u32, u32), Value) -> bool) {
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, cells) in (first_row..).zip(range.rows()) {
        for (column, cell) in (first_column..).zip(cells) {
            if let Some(value) = value(cell.clone(), None)
                && !take((row, column), value)
            {
                return;
            }
        }
    }
}

/// Passes each formula without a value to `take`.
fn walk_formulas(
    formulas: &Range<String>,
    values: &Range<Data>,
    take: &mut dyn FnMut((u32, u32), Value) -> bool,
) {
    let (first_row, first_column) = formulas.start().unwrap_or_default();
    for (row, cells) in (first_row..).zip(formulas.rows()) {
        for (column, formula) in (first_column..).zip(cells).filter(|(_, text)| !text.is_empty()) {
            let place = (row, column);
            if matches!(values.get_value(place), None | Some(Data::Empty))
                && !take(place, Value::Formula(Formula::new(place, formula).into()))
            {
                return;
            }
        }
    }
}

/// Converts a cell to a value. `format` is its number format, if that shows an identifier. Returns `None` for a blank
/// cell.
fn value(data: Data, format: Option<&Format>) -> Option<Value> {
    Some(match data {
        Data::Empty => return None,
        Data::String(text) if text.trim().is_empty() => return None,
        Data::String(text) => Value::Text(text.into()),
        Data::Bool(value) => Value::Bool(value),
        Data::Int(value) => zeros(value, format),
        Data::Float(value) => number(value, format),
        Data::DateTime(value) => moment(value),
        Data::DateTimeIso(text) => iso_moment(text),
        Data::DurationIso(text) => match text.parse::<SignedDuration>() {
            Ok(time) if (0..86_400).contains(&time.as_secs()) => clock(time.as_secs()),
            _ => Value::Other("duration".into()),
        },
        Data::Error(error) => Value::Other(format!("error {error}").into()),
    })
}

/// Rounds a number to the 15 digits that Excel shows, so that 0.1 + 0.2 is 0.3.
fn number(value: f64, format: Option<&Format>) -> Value {
    // A number with 15 digits always parses.
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if rounded.fract() == 0.0 && rounded.abs() < 9.0e18 {
        #[allow(clippy::cast_possible_truncation)] // An integer in the range of an i64.
        return zeros(rounded as i64, format);
    }
    Value::Float(rounded)
}

/// Converts an integer. With a format that shows leading zeros, as for barcodes and postal codes, the result is a
/// string. With a format that also shows text, the result is both.
fn zeros(value: i64, format: Option<&Format>) -> Value {
    match format {
        None => Value::Int(value),
        Some(format) if format.shown.is_digits() => Value::Text(format.shown.text(value).into()),
        Some(format) => Value::Shown(Box::new(ShownNumber {
            number: value,
            text: format.shown.text(value),
            format: Arc::clone(&format.code),
        })),
    }
}

fn moment(value: ExcelDateTime) -> Value {
    let days = value.as_f64();
    if value.is_duration() {
        return Value::Other("duration".into());
    }
    if !(0.0..2_958_466.0).contains(&days) {
        return Value::Other("date that Excel cannot show".into());
    }
    let (year, month, day, hour, minute, second, millisecond) = value.to_ymd_hms_milli();
    if days < 1.0 && (hour, minute, second) != (0, 0, 0) {
        let second = i64::from(second) + i64::from(millisecond >= 500);
        return clock((i64::from(hour) * 60 + i64::from(minute)) * 60 + second);
    }
    // All parts, such as months and hours, fit in their types.
    let parts = [month, day, hour, minute, second].map(|part| i8::try_from(part).unwrap_or(i8::MAX));
    let [month, day, hour, minute, second] = parts;
    let (year, millisecond) = (
        i16::try_from(year).unwrap_or(i16::MAX),
        i32::from(millisecond) * 1_000_000,
    );
    match civil::DateTime::new(year, month, day, hour, minute, second, millisecond) {
        Ok(moment) => date_or_moment(moment),
        // 29 February 1900, which exists only in Excel.
        Err(_) => Value::Other(format!("date {year:04}-{month:02}-{day:02}, which does not exist").into()),
    }
}

fn date_or_moment(moment: civil::DateTime) -> Value {
    if moment.time() == civil::Time::midnight() {
        return Value::Date(moment.date());
    }
    Value::DateTime(moment)
}

fn iso_moment(text: String) -> Value {
    if let Ok(moment) = text.trim_end_matches('Z').parse::<civil::DateTime>() {
        return date_or_moment(moment);
    }
    match text.trim_end_matches('Z').parse::<civil::Time>() {
        Ok(time) => Value::Text(time.strftime("%H:%M:%S").to_string().into()),
        Err(_) => Value::Text(text.into()),
    }
}

/// Formats a time of day.
fn clock(seconds: i64) -> Value {
    let (minutes, second) = (seconds / 60, seconds % 60);
    Value::Text(format!("{:02}:{:02}:{second:02}", minutes / 60, minutes % 60).into())
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
