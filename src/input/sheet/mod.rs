//! Rows from a sheet of an Excel or `OpenDocument` workbook, or from a CSV file.

mod biff;
mod delimited;
pub mod encoding;
mod footer;
mod opendocument;
mod shown;
mod workbook;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display, Formatter};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use encoding_rs::Encoding;
use jiff::civil;

use super::{Cell, Column, Label, More, Padded, Sink, Source, SourceError, is_total};
use footer::{Above, FooterRow, footer_notes};

/// The file extensions of supported workbooks.
pub const WORKBOOKS: [&str; 5] = ["xlsx", "xlsm", "xlsb", "xls", "ods"];

/// The file extensions of supported text files.
pub const TEXTS: [&str; 3] = ["csv", "tsv", "txt"];

/// The custom property of a workbook that contains the category of a template.
pub const CATEGORY_PROPERTY: &str = "acc-assets category";

/// The custom properties of a file of rows to fix start with this, followed by the name of a column that has texts with
/// leading zeros. The file does not contain these texts, but numbers in the column are still bad.
pub const PADDED_PROPERTY: &str = "acc-assets zeros: ";

/// The prefix of the custom properties that store how to read the texts of a file of rows to fix. The index of each part
/// follows, because a property has at most 255 characters.
pub const READING_PROPERTY: &str = "acc-assets reading: ";

/// The sheets in a template that contain the values of its drop-down lists. These sheets contain no rows to import.
pub const LISTS: [&str; 2] = ["Locations", "Choices"];

/// The mark that a template adds to the name of a required column. The mark is not part of the name.
pub const REQUIRED_MARK: &str = " *";

/// The hidden column added by `write_fixes`, which contains the run of each row and the row's number in that
/// run.
pub const ROW_OF_RUN: &str = "acc-assets row";

/// The title of the row labels of a workbook, and that of a text file.
pub const SHEET_ROW: &str = "sheet row";
pub const LINE: &str = "line";

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

impl Layout<'_> {
    /// Returns the layout for a file that this package wrote. An office's mapping file describes the office's own
    /// sheets, with title rows and totals, which such a file does not have.
    fn fitting(&self, cells: &[Placed], is_template: bool) -> Self {
        let first = || {
            cells
                .iter()
                .take_while(|(row, ..)| *row == 0)
                .map(|(.., value)| value.name())
        };
        if first().any(|name| name == ROW_OF_RUN) {
            Self {
                skip_rows: 0,
                skip_footer: 0,
                ..*self
            }
        } else if is_template && first().any(|name| name.trim_end().ends_with(REQUIRED_MARK)) {
            Self {
                skip_rows: 0,
                ..*self
            }
        } else {
            *self
        }
    }
}

/// One sheet, whose rows can be read any number of times.
#[derive(Debug, Clone)]
pub struct Sheet(Arc<Content>);

/// What a workbook that this package wrote says about its rows.
#[derive(Debug, Default)]
struct Properties {
    /// The category of a template.
    category: Option<String>,
    /// The texts with leading zeros that the sheet does not contain, by column.
    padded: HashMap<String, Padded>,
    /// The options with which the texts of the rows to fix are read, as JSON.
    reading: Option<String>,
}

#[derive(Debug)]
struct Content {
    label_title: &'static str,
    notes: Vec<String>,
    properties: Properties,
    /// The name of the sheet in its workbook.
    name: Option<String>,
    names: Vec<String>,
    /// The columns that a template marked as required.
    required: Vec<String>,
    /// The number of rows at the end that were skipped.
    skipped: usize,
    /// The last row that `skip_rows` skipped, as shown in messages.
    skipped_above: Option<String>,
    body: Body,
}

/// The rows below the column names.
#[derive(Debug)]
enum Body {
    /// The cells of a workbook, in memory.
    Cells(Cells),
    /// The lines of a text file, read on demand.
    Lines(delimited::Table),
}

#[derive(Debug)]
struct Cells {
    rows: Vec<Row>,
    /// The cells that are not blank, in row order, each with its row and the index of its column name.
    cells: Vec<Placed>,
}

#[derive(Debug)]
struct Row {
    /// The row number in the sheet, from 1.
    number: u32,
    /// The end of the row's cells in `cells`, exclusive.
    end: usize,
}

/// The value of a cell that is not blank.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A string, which equal cells may share.
    Text(Arc<str>),
    Date(civil::Date),
    DateTime(civil::DateTime),
    Formula(Box<Formula>),
    /// A number whose format shows text, such as AHU-017.
    Shown(Box<ShownNumber>),
    Other(Box<str>),
}

/// A number, the text that its format shows, and the format.
#[derive(Debug, Clone, PartialEq)]
struct ShownNumber {
    number: i64,
    text: String,
    format: Arc<str>,
}

/// A formula that was saved without its value.
#[derive(Debug, Clone, PartialEq)]
struct Formula {
    /// The cell reference as in Excel, such as `C7`.
    cell: String,
    /// The text of the formula, or empty if the file does not contain it.
    text: String,
}

/// A cell with its position: row and column, from 0.
type Placed = (u32, u32, Value);

/// The content read from a file.
struct Found {
    cells: Vec<Placed>,
    notes: Vec<String>,
    properties: Properties,
    name: String,
    /// The file, or the sheet and its file, as shown in errors.
    place: String,
    /// Advice to read another sheet, for some errors. May be empty.
    hint: String,
}

impl Sheet {
    /// Reads a sheet from a file.
    ///
    /// # Errors
    /// If the file or its sheet cannot be read, exceeds the limits, or has no header row with unique column names.
    pub fn open(path: &Path, layout: &Layout<'_>) -> Result<Self, SourceError> {
        Self::of(path, None, layout)
    }

    /// Reads a sheet of a file in memory. `name` is the name of the file, or only its extension.
    ///
    /// # Errors
    /// If the file or its sheet cannot be read, exceeds the limits, or has no header row with unique column names.
    pub fn of_bytes(name: &str, bytes: Vec<u8>, layout: &Layout<'_>) -> Result<Self, SourceError> {
        let kind = name.strip_prefix('.').unwrap_or(name);
        let is_kind = |known: &&str| known.eq_ignore_ascii_case(kind);
        let is_kind = WORKBOOKS.iter().chain(&TEXTS).any(is_kind);
        let name = if is_kind {
            format!("<bytes>.{kind}")
        } else {
            name.to_owned()
        };
        Self::of(Path::new(&name), Some(bytes), layout)
    }

    /// Reads a sheet from the file at `path`. If `bytes` is given, reads from `bytes`, and `path` is only the
    /// name of the file.
    fn of(path: &Path, bytes: Option<Vec<u8>>, layout: &Layout<'_>) -> Result<Self, SourceError> {
        let ending = ending(path);
        let is_text = TEXTS.contains(&ending.as_str());
        if !is_text && !WORKBOOKS.contains(&ending.as_str()) {
            let message = format!(
                "`{}` is not a supported file type: save it as .xlsx or .csv (supported: .{} and .{})",
                path.display(),
                WORKBOOKS.join(", ."),
                TEXTS.join(", ."),
            );
            return Err(SourceError::of_file(path, None, message));
        }
        if let (true, Some(_)) = (is_text, layout.sheet) {
            return Err(SourceError::new(format!(
                "`{}` is a text file and has no sheets: remove `sheet`",
                path.display()
            )));
        }
        if let (false, Some(_)) = (is_text, layout.encoding) {
            return Err(SourceError::new(format!(
                "`{}` is a workbook and has no encoding: remove `encoding`",
                path.display()
            )));
        }
        // The libraries may panic on a damaged file. After a panic, none of their objects are used again.
        let content = catch_unwind(AssertUnwindSafe(|| {
            if is_text {
                let (table, names, notes) = delimited::Table::open(path, bytes, &ending, layout)?;
                let (skipped_above, required) = (table.skipped_above(), table.required().to_vec());
                return Ok(Content {
                    label_title: LINE,
                    notes,
                    properties: Properties::default(),
                    name: None,
                    names,
                    required,
                    skipped: layout.skip_footer,
                    skipped_above,
                    body: Body::Lines(table),
                });
            }
            let found = workbook::read(path, bytes, &ending, layout.sheet, layout.limits)?;
            Content::of(found, layout)
        }))
        .unwrap_or_else(|_| Err(damaged(path, "the file reader crashed")))?;
        Ok(Self(Arc::new(content)))
    }

    /// Returns the number of rows at the end that were skipped.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.0.skipped
    }

    /// Returns the last row that `skip_rows` skipped, such as "line 3 ('Asset ID', 'Category')". `None` if it is blank.
    #[must_use]
    pub fn skipped_above(&self) -> Option<&str> {
        self.0.skipped_above.as_deref()
    }

    /// Starts reading at the first row.
    #[must_use]
    pub fn source(&self) -> SheetRows {
        SheetRows {
            content: Arc::clone(&self.0),
            columns: Vec::new(),
            place: match &self.0.body {
                Body::Cells(_) => Place::Cells { row: 0, cell: 0 },
                Body::Lines(_) => Place::Lines(None),
            },
        }
    }

    /// Returns the title of the row labels: `sheet row` or `line`.
    #[must_use]
    pub fn label_title(&self) -> &'static str {
        self.0.label_title
    }

    /// Returns notes for the user on how the sheet was read.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// Returns the category that the template was created for, if the file is a template with a category.
    #[must_use]
    pub fn category(&self) -> Option<&str> {
        self.0.properties.category.as_deref()
    }

    /// Returns the options with which the texts of a file of rows to fix are read, as JSON.
    #[must_use]
    pub fn reading(&self) -> Option<&str> {
        self.0.properties.reading.as_deref()
    }

    /// Returns the name of the sheet in its workbook, or `None` for a text file.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Returns the columns that a template marked as required.
    #[must_use]
    pub fn required(&self) -> &[String] {
        &self.0.required
    }

    /// Returns the names of the columns, from left to right.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Returns the columns of a workbook that have both texts with leading zeros and numbers. All cells of a text file
    /// are text.
    #[must_use]
    pub fn padded(&self) -> HashMap<String, Padded> {
        let Body::Cells(Cells { cells, .. }) = &self.0.body else {
            return HashMap::new();
        };
        let known = |name: &String| self.0.properties.padded.get(name).copied().unwrap_or_default();
        let mut columns: Vec<(Padded, bool)> = self.0.names.iter().map(|name| (known(name), false)).collect();
        for (_, column, value) in cells {
            let Some((padded, has_numbers)) = columns.get_mut(*column as usize) else {
                continue;
            };
            match value {
                Value::Text(text) => _ = padded.add(text.trim()),
                Value::Int(_) | Value::Float(_) => *has_numbers = true,
                _ => {}
            }
        }
        let mixed = self.0.names.iter().zip(columns);
        mixed
            .filter(|(_, (padded, has_numbers))| *has_numbers && padded.longest > 0)
            .map(|(name, (padded, _))| (name.clone(), padded))
            .collect()
    }

    /// Returns the number of rows below the column names, not counting blank rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.rows()
    }
}

/// A source of the rows of a sheet.
pub struct SheetRows {
    content: Arc<Content>,
    columns: Vec<Column>,
    place: Place,
}

/// The current position in a sheet.
enum Place {
    /// The next row and its first cell.
    Cells { row: usize, cell: usize },
    /// The records of the file, once it has been opened.
    Lines(Option<Box<delimited::Records>>),
}

impl Source for SheetRows {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let content = &*self.content;
        if self.columns.is_empty() {
            self.columns = content.names.iter().map(|name| sink.column(name)).collect();
        }
        match (&content.body, &mut self.place) {
            (Body::Cells(cells), Place::Cells { row, cell }) => {
                Ok(cells.fill(row, cell, &self.columns, sink))
            }
            (Body::Lines(table), place) => {
                let mut records = match std::mem::replace(place, Place::Lines(None)) {
                    Place::Lines(Some(records)) => records,
                    _ => Box::new(table.records()?),
                };
                let more = table.fill(&mut records, &self.columns, sink);
                *place = Place::Lines(Some(records));
                more
            }
            // Unreachable: a position always matches its body.
            (Body::Cells(_), Place::Lines(_)) => Ok(More::End),
        }
    }

    fn rows(&self) -> Option<usize> {
        Some(self.content.rows())
    }
}

impl Cells {
    fn fill(&self, next: &mut usize, first: &mut usize, columns: &[Column], sink: &mut dyn Sink) -> More {
        while let Some(row) = self.rows.get(*next) {
            let mut cells = self.cells[*first..row.end].iter().peekable();
            *next += 1;
            *first = row.end;
            if sink.begin(Label::Int(row.number.into())) {
                for (place, column) in (0_u32..).zip(columns) {
                    let cell = cells.next_if(|(_, column, _)| *column == place);
                    sink.cell(*column, &cell.map_or(Cell::Null, |(_, _, value)| value.cell()));
                }
                sink.end();
            }
            if sink.full() {
                return More::Rows;
            }
        }
        More::End
    }
}

impl Content {
    fn rows(&self) -> usize {
        match &self.body {
            Body::Cells(cells) => cells.rows.len(),
            Body::Lines(table) => table.rows(),
        }
    }

    /// Finds the table in the cells of a workbook.
    fn of(found: Found, layout: &Layout<'_>) -> Result<Self, SourceError> {
        let Found {
            mut cells,
            mut notes,
            properties,
            name,
            place,
            hint,
        } = found;
        // The formats do not guarantee that rows and cells are unique and in order.
        if !cells.is_sorted_by_key(|(row, column, _)| (*row, *column)) {
            cells.sort_by_key(|(row, column, _)| (*row, *column));
        }
        cells.dedup_by_key(|(row, column, _)| (*row, *column));
        let layout = &layout.fitting(&cells, properties.category.is_some());
        let mut names = Names::new(place, hint);
        let is_empty = cells.is_empty();
        let last_skipped = layout.skip_rows.wrapping_sub(1);
        let skipped = cells.iter().filter(|(row, ..)| *row == last_skipped);
        let skipped_above = skipped_row(
            SHEET_ROW,
            layout.skip_rows,
            skipped.map(|(.., value)| value.name()),
        );
        cells.retain(|(row, ..)| *row >= layout.skip_rows);
        if cells.is_empty() && !is_empty {
            return Err(names.all_skipped(layout));
        }
        let above = cells
            .chunk_by(|one, other| one.0 == other.0)
            .position(|row| row.len() > 1)
            .unwrap_or(0);
        let mut rows = cells.chunk_by(|one, other| one.0 == other.0).skip(above);
        let Some(header) = rows.next() else {
            return Err(names.none());
        };
        for (_, column, value) in header {
            if let Value::Formula(formula) = value {
                return Err(names.formula(formula));
            }
            names.add(*column, &value.name());
        }
        let required = std::mem::take(&mut names.required);
        let header_row = header[0].0;
        if above > 0 {
            notes.push(header_note(SHEET_ROW, header_row));
        }
        let of_header: Vec<u32> = header.iter().map(|(_, column, _)| *column).collect();
        let mut rows: Vec<&[Placed]> = rows.collect();
        let Some(kept) = rows.len().checked_sub(layout.skip_footer) else {
            return Err(names.no_footer(layout, rows.len()));
        };
        let columns = |row: &[Placed]| row.iter().map(|(_, column, _)| *column).collect::<Vec<_>>();
        let footer = rows.split_off(kept).into_iter().map(|row| FooterRow {
            row: row[0].0,
            columns: columns(row),
            first: row[0].2.name(),
            is_total: row.iter().any(|(.., value)| is_total(&value.name())),
        });
        let footer: Vec<FooterRow> = footer.collect();
        let last = rows.last().map(|row| columns(row)).unwrap_or_default();
        let above = Above {
            last: &last,
            names: &of_header,
        };
        let is_shared = layout.is_footer_shared;
        let found = footer_notes(SHEET_ROW, &names.place, &above, &footer, is_shared);
        notes.extend(found.map_err(|error| SourceError::new(format!("{}{}", error.message(), names.hint)))?);
        let end = footer.first().map_or(u32::MAX, |row| row.row);
        let below = rows.into_iter().flatten().map(|(_, column, _)| *column);
        let (places, names) = names.finish(below)?;
        let places: BTreeMap<u32, u32> = places.into_iter().zip(0..).collect();
        cells.retain(|(row, _, _)| *row > header_row && *row < end);
        let mut rows: Vec<Row> = Vec::new();
        for (at, (row, column, _)) in cells.iter_mut().enumerate() {
            // Every column with a cell has a name.
            *column = places.get(column).copied().unwrap_or(u32::MAX);
            let number = row.saturating_add(1);
            match rows.last_mut() {
                Some(last) if last.number == number => last.end = at + 1,
                _ => rows.push(Row { number, end: at + 1 }),
            }
        }
        Ok(Self {
            label_title: SHEET_ROW,
            notes,
            properties,
            name: Some(name),
            names,
            required,
            skipped: layout.skip_footer,
            skipped_above,
            body: Body::Cells(Cells { rows, cells }),
        })
    }
}

/// Collects the column names, and reports what is wrong with them.
struct Names {
    /// The file, or the sheet and its file, as shown in errors.
    place: String,
    /// Advice to read another sheet, for some errors. May be empty.
    hint: String,
    named: BTreeMap<u32, String>,
    /// The columns that a template marked as required.
    required: Vec<String>,
}

impl Names {
    fn new(place: String, hint: String) -> Self {
        Self {
            place,
            hint,
            named: BTreeMap::new(),
            required: Vec::new(),
        }
    }

    fn add(&mut self, column: u32, name: &str) {
        let bare = without_mark(name.trim());
        if bare.len() < name.trim().len() {
            self.required.push(bare.clone());
        }
        self.named.insert(column, bare);
    }

    /// Returns the columns and their names, from left to right. A column without a name that has cells
    /// `below` the header is named after its letters.
    fn finish(mut self, below: impl Iterator<Item = u32>) -> Result<(Vec<u32>, Vec<String>), SourceError> {
        for column in below {
            self.named
                .entry(column)
                .or_insert_with(|| format!("column {}", letters(column)));
        }
        let mut first: BTreeMap<&str, u32> = BTreeMap::new();
        for (column, name) in &self.named {
            if let Some(other) = first.insert(name, *column) {
                return Err(SourceError::new(format!(
                    "in {}, columns {} and {} are both named `{name}`: rename or delete one of them. If one is a custom \
                     attribute, call it by its name in the API, too, for example `{name} (ca3)`",
                    self.place,
                    letters(other),
                    letters(*column),
                )));
            }
        }
        Ok(self.named.into_iter().unzip())
    }

    /// Creates the error for a sheet without column names.
    fn none(&self) -> SourceError {
        SourceError::new(format!(
            "{} is empty: write the column names into its first row and one asset into each row below{}",
            self.place, self.hint
        ))
    }

    /// Creates the error for a file without rows below the skipped ones.
    fn all_skipped(&self, layout: &Layout<'_>) -> SourceError {
        SourceError::new(format!(
            "{} has no rows below the first {}: set skip_rows= to the number of rows above the column names{}",
            self.place, layout.skip_rows, self.hint
        ))
    }

    /// Creates the error for a footer that is longer than the table.
    fn no_footer(&self, layout: &Layout<'_>, rows: usize) -> SourceError {
        SourceError::new(format!(
            "{} has only {rows} rows below the column names, fewer than skip_footer={}: set skip_footer= to the \
             number of rows at the end that are not assets{}",
            self.place, layout.skip_footer, self.hint
        ))
    }

    /// Creates the error for a column name that is a formula.
    fn formula(&self, formula: &Formula) -> SourceError {
        SourceError::new(format!(
            "in {}, the column name in cell {} is {formula}: open the file in Excel and save it, or write the name itself \
             into the cell{}",
            self.place, formula.cell, self.hint
        ))
    }
}

/// Creates the note for a sheet whose column names are not in the first row.
fn header_note(row_title: &str, row: u32) -> String {
    format!(
        "the column names were taken from {row_title} {}; the rows above it were skipped",
        u64::from(row) + 1
    )
}

/// Describes the last of the rows that `skip_rows` skipped by its first cells. `None` if it has none.
fn skipped_row<T: Display>(row_title: &str, row: u32, cells: impl Iterator<Item = T>) -> Option<String> {
    let shown: Vec<String> = cells.take(4).map(|cell| format!("'{cell}'")).collect();
    // A single cell is a title.
    (shown.len() > 1).then(|| format!("{row_title} {row} ({})", shown.join(", ")))
}

impl Formula {
    /// Creates a formula from `text`, with or without its equals sign.
    fn new((row, column): (u32, u32), text: &str) -> Self {
        // In OpenDocument, a formula starts with its language.
        let text = text.strip_prefix("of:").unwrap_or(text);
        let sign = if text.is_empty() || text.starts_with('=') {
            ""
        } else {
            "="
        };
        Self {
            cell: format!("{}{}", letters(column), u64::from(row) + 1),
            text: format!("{sign}{text}"),
        }
    }
}

impl Display for Formula {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.text.as_str() {
            "" => formatter.write_str("a formula without a saved value"),
            text => write!(formatter, "the formula `{text}` without a saved value"),
        }
    }
}

impl Value {
    /// Returns the number of bytes allocated by the value itself, besides its place in a list.
    fn own_bytes(&self) -> u64 {
        let bytes = match self {
            Self::Text(text) if Arc::strong_count(text) > 1 => 0,
            Self::Text(text) => text.len(),
            Self::Other(text) => text.len(),
            Self::Formula(formula) => size_of::<Formula>() + formula.cell.len() + formula.text.len(),
            Self::Shown(shown) => size_of::<ShownNumber>() + shown.text.len(),
            _ => 0,
        };
        bytes as u64
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Bool(value) => Cell::Bool(*value),
            Self::Int(value) => Cell::Int(*value),
            Self::Float(value) => Cell::Float(*value),
            Self::Text(value) => Cell::Text(value),
            Self::Date(value) => Cell::Date(*value),
            Self::DateTime(value) => Cell::DateTime(*value),
            Self::Formula(formula) => Cell::Formula {
                cell: &formula.cell,
                formula: &formula.text,
            },
            Self::Shown(shown) => Cell::Shown {
                number: shown.number,
                text: &shown.text,
                format: &shown.format,
            },
            Self::Other(value) => Cell::Other(value),
        }
    }

    /// Converts the value to a column name.
    fn name(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(value) => value.to_string(),
            Self::Other(value) => value.to_string(),
            Self::Date(value) => value.to_string(),
            Self::DateTime(value) => value.to_string(),
            Self::Formula(formula) => formula.text.clone(),
            Self::Shown(shown) => shown.text.clone(),
        }
    }
}

/// Removes the mark of a required column from a column name.
fn without_mark(name: &str) -> String {
    match name.strip_suffix(REQUIRED_MARK) {
        Some(bare) if !bare.trim().is_empty() => bare.trim().to_owned(),
        _ => name.to_owned(),
    }
}

/// Returns the extension of a file name in lower case, without the dot.
fn ending(path: &Path) -> String {
    path.extension()
        .map(|ending| ending.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// Checks that a path leads to a regular file that is not empty, and opens the file.
fn open_file(path: &Path) -> Result<(File, Metadata), SourceError> {
    let shown = path.display();
    // Check the metadata before opening: opening a pipe waits for a writer.
    let metadata = path.metadata().map_err(|error| cannot_read(path, &error))?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() {
            "a folder"
        } else {
            "not a regular file"
        };
        let message = format!("`{shown}` is {kind}: use the path of a file");
        return Err(SourceError::of_file(path, None, message));
    }
    not_empty(path, metadata.len())?;
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    Ok((file, metadata))
}

fn not_empty(path: &Path, bytes: u64) -> Result<(), SourceError> {
    if bytes > 0 {
        return Ok(());
    }
    let message = format!("the file `{}` is empty: export or copy it again", path.display());
    Err(SourceError::of_file(path, None, message))
}

fn cannot_read(path: &Path, error: &io::Error) -> SourceError {
    let shown = path.display();
    let message = match error.kind() {
        ErrorKind::NotFound => format!("there is no file `{shown}`: correct the path"),
        ErrorKind::PermissionDenied => {
            format!(
                "no permission to read `{shown}` ({error}): close it where it is open, or ask for read permission"
            )
        }
        _ => format!("`{shown}` cannot be read: {error}"),
    };
    SourceError::of_file(path, Some(error), message)
}

/// Formats a number of bytes for display.
fn shown_size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    units
        .into_iter()
        .find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(
            || format!("{bytes} bytes"),
            |(unit, name)| format!("{} {name}", bytes / unit),
        )
}

fn damaged(path: &Path, why: &str) -> SourceError {
    let message = format!(
        "`{}` cannot be read. It is damaged, or its extension does not match its content ({why}): open it in \
         Excel and save it again as .xlsx, or copy it again",
        path.display(),
    );
    SourceError::of_file(path, None, message)
}

/// Returns the letters of a column as in Excel: A to Z, AA and so on.
fn letters(column: u32) -> String {
    let mut left = u64::from(column) + 1;
    let mut letters = Vec::new();
    while left > 0 {
        left -= 1;
        // The remainder is below 26.
        letters.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or(0)));
        left /= 26;
    }
    letters.iter().rev().collect()
}
