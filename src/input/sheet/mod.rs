//! Rows from a sheet of an Excel or `OpenDocument` workbook, or from a CSV file.

mod delimited;
mod workbook;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use jiff::civil;

use super::{Cell, Column, Label, More, Sink, Source, SourceError};

/// The endings of the workbooks that are read.
pub const WORKBOOKS: [&str; 5] = ["xlsx", "xlsm", "xlsb", "xls", "ods"];

/// The endings of the text files that are read.
pub const TEXTS: [&str; 3] = ["csv", "tsv", "txt"];

/// The custom property of a workbook in which a template keeps the category it is for.
pub const CATEGORY_PROPERTY: &str = "acc-assets category";

/// The sheets of a template that hold what its drop-down lists offer; nobody's rows.
pub const LISTS: [&str; 2] = ["Locations", "Choices"];

/// The hidden column of a file of rows to fix: which row of its run each row is.
pub const ROW_OF_RUN: &str = "acc-assets row";

/// What a cell of a file of rows to fix holds where the value of its field is to be removed.
pub const CLEAR: &str = "acc.CLEAR";

/// What a template sets behind the name of a column that must be filled; not part of the name.
pub const REQUIRED_MARK: &str = " *";

/// One sheet, held in memory, to be read as rows any number of times.
#[derive(Debug, Clone)]
pub struct Sheet(Arc<Content>);

#[derive(Debug)]
struct Content {
    label_title: &'static str,
    notes: Vec<String>,
    category: Option<String>,
    names: Vec<String>,
    rows: Vec<Row>,
    /// The cells that are not blank, row after row, with the place of their column in `names`.
    cells: Vec<(u32, Value)>,
}

#[derive(Debug)]
struct Row {
    /// The row of the sheet or line of the file, from 1.
    number: u32,
    /// The cell after its last one.
    end: usize,
}

/// What stands in a cell that is not blank.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
    Date(civil::Date),
    DateTime(civil::DateTime),
    Formula(Box<Formula>),
    Other(Box<str>),
    Clear,
}

/// A formula without the value that it had when the file was saved.
#[derive(Debug, Clone, PartialEq)]
struct Formula {
    /// As Excel calls it, such as `C7`.
    cell: String,
    /// Empty where the file does not spell it out.
    text: String,
}

/// A cell and where it stands: row and column, from 0.
type Placed = (u32, u32, Value);

/// What was read of a file.
struct Found {
    cells: Vec<Placed>,
    notes: Vec<String>,
    category: Option<String>,
    /// The file, and the sheet if there are some, as an error names it.
    place: String,
    /// What to do about a sheet without rows, if more can be said.
    hint: String,
}

impl Sheet {
    /// Reads a sheet: of a workbook the one with this name, or its first visible one.
    ///
    /// # Errors
    /// When the file cannot be read, or has no header row that names each column once.
    pub fn open(path: &Path, sheet: Option<&str>) -> Result<Self, SourceError> {
        let ending = ending(path);
        let is_text = TEXTS.contains(&ending.as_str());
        if !is_text && !WORKBOOKS.contains(&ending.as_str()) {
            return Err(SourceError(format!(
                "`{}` is no sheet that can be read: save it as .xlsx or .csv (read are .{} and .{})",
                path.display(),
                WORKBOOKS.join(", ."),
                TEXTS.join(", ."),
            )));
        }
        if let (true, Some(_)) = (is_text, sheet) {
            return Err(SourceError(format!(
                "`{}` is a text file and has no sheets: leave `sheet` out",
                path.display()
            )));
        }
        let bytes = read(path)?;
        // The libraries promise no panic, and a damaged file is where one would be. Nothing of them is used again.
        let found = catch_unwind(AssertUnwindSafe(|| {
            if is_text {
                delimited::read(path, &bytes, &ending)
            } else {
                workbook::read(path, bytes, &ending, sheet)
            }
        }))
        .unwrap_or_else(|_| Err(damaged(path, "the reader gave it up")))?;
        let content = Content::new(found, if is_text { "line" } else { "sheet row" })?;
        Ok(Self(Arc::new(content)))
    }

    /// The rows, from the first one.
    #[must_use]
    pub fn source(&self) -> SheetRows {
        SheetRows {
            content: Arc::clone(&self.0),
            columns: Vec::new(),
            next: 0,
            cell: 0,
        }
    }

    /// What the labels of the rows are: `sheet row` or `line`.
    #[must_use]
    pub fn label_title(&self) -> &'static str {
        self.0.label_title
    }

    /// What the user should know of how the sheet was read.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// The category that a template was made for.
    #[must_use]
    pub fn category(&self) -> Option<&str> {
        self.0.category.as_deref()
    }

    /// The names of the columns, from left to right.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// How many rows there are, those that are wholly blank left out.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.rows.len()
    }
}

/// The rows of a sheet under way into one sink.
pub struct SheetRows {
    content: Arc<Content>,
    columns: Vec<Column>,
    next: usize,
    /// The first cell of the next row.
    cell: usize,
}

impl Source for SheetRows {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let content = &*self.content;
        if self.columns.is_empty() {
            self.columns = content.names.iter().map(|name| sink.column(name)).collect();
        }
        while let Some(row) = content.rows.get(self.next) {
            let mut cells = content.cells[self.cell..row.end].iter().peekable();
            self.next += 1;
            self.cell = row.end;
            if sink.begin(Label::Int(row.number.into())) {
                for (place, column) in (0_u32..).zip(&self.columns) {
                    let cell = cells.next_if(|(column, _)| *column == place);
                    sink.cell(*column, cell.map_or(Cell::Null, |(_, value)| value.cell()));
                }
                sink.end();
            }
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }

    fn rows(&self) -> Option<usize> {
        Some(self.content.rows.len())
    }
}

impl Content {
    fn new(found: Found, label_title: &'static str) -> Result<Self, SourceError> {
        let Found {
            mut cells,
            mut notes,
            category,
            place,
            hint,
        } = found;
        // Nothing but custom says that rows and cells come in order, and each once.
        cells.sort_by_key(|(row, column, _)| (*row, *column));
        cells.dedup_by_key(|(row, column, _)| (*row, *column));
        let above = cells
            .chunk_by(|one, other| one.0 == other.0)
            .position(|row| row.len() > 1)
            .unwrap_or(0);
        let mut rows = cells.chunk_by(|one, other| one.0 == other.0).skip(above);
        let Some(header) = rows.next() else {
            return Err(SourceError(format!(
                "{place} is empty: write the names of the columns into its first row and one asset into each row below{hint}"
            )));
        };
        for (_, _, value) in header {
            if let Value::Formula(formula) = value {
                return Err(SourceError(format!(
                    "in {place}, the column name in cell {} is {formula}: open the file in Excel and save it, or write \
                     the name itself into the cell{hint}",
                    formula.cell
                )));
            }
        }
        if above > 0 {
            notes.push(format!(
                "the names of the columns were taken from {label_title} {}; what stands above it was passed over",
                u64::from(header[0].0) + 1,
            ));
        }
        let mut named: BTreeMap<u32, String> = header
            .iter()
            .map(|(_, column, value)| (*column, value.name()))
            .collect();
        let below: BTreeSet<u32> = rows.clone().flatten().map(|(_, column, _)| *column).collect();
        for column in below {
            named
                .entry(column)
                .or_insert_with(|| format!("column {}", letters(column)));
        }
        let mut first: BTreeMap<&str, u32> = BTreeMap::new();
        for (column, name) in &named {
            if let Some(other) = first.insert(name, *column) {
                return Err(SourceError(format!(
                    "in {place}, columns {} and {} are both called `{name}`: rename or delete one of them",
                    letters(other),
                    letters(*column),
                )));
            }
        }
        let places: BTreeMap<u32, u32> = named.keys().copied().zip(0..).collect();
        let mut content = Self {
            label_title,
            notes,
            category,
            names: named.into_values().collect(),
            rows: Vec::new(),
            cells: Vec::with_capacity(cells.len()),
        };
        let header_row = header[0].0;
        let is_of_fixes = content.names.iter().any(|name| name == ROW_OF_RUN);
        for (row, column, value) in cells {
            let Some(place) = places.get(&column).filter(|_| row > header_row) else {
                continue;
            };
            let clears = is_of_fixes && matches!(&value, Value::Text(text) if **text == *CLEAR);
            content
                .cells
                .push((*place, if clears { Value::Clear } else { value }));
            let number = row.saturating_add(1);
            let end = content.cells.len();
            match content.rows.last_mut() {
                Some(last) if last.number == number => last.end = end,
                _ => content.rows.push(Row { number, end }),
            }
        }
        Ok(content)
    }
}

impl Formula {
    /// `text` with or without its equals sign.
    fn new((row, column): (u32, u32), text: &str) -> Self {
        // OpenDocument says first which language a formula is in.
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
    /// A text as it stands; nothing for a blank one.
    fn text(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self::Text(text.into()))
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
            Self::Other(value) => Cell::Other(value),
            Self::Clear => Cell::Clear,
        }
    }

    /// The value as the name of a column.
    fn name(&self) -> String {
        let name = match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(value) | Self::Other(value) => value.trim().to_owned(),
            Self::Date(value) => value.to_string(),
            Self::DateTime(value) => value.to_string(),
            Self::Formula(formula) => formula.text.clone(),
            Self::Clear => CLEAR.to_owned(),
        };
        match name.strip_suffix(REQUIRED_MARK) {
            Some(bare) if !bare.trim().is_empty() => bare.trim().to_owned(),
            _ => name,
        }
    }
}

/// The ending of a file's name in lower case, without the dot.
fn ending(path: &Path) -> String {
    path.extension()
        .map(|ending| ending.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    let shown = path.display();
    if path.is_dir() {
        return Err(SourceError(format!(
            "`{shown}` is a folder: give the path of a file"
        )));
    }
    let bytes = fs::read(path).map_err(|error| {
        SourceError(match error.kind() {
            ErrorKind::NotFound => format!("there is no file `{shown}`: correct the path"),
            ErrorKind::PermissionDenied => format!(
                "`{shown}` may not be read ({error}): close it where it is open, or have yourself allowed to read it"
            ),
            _ => format!("`{shown}` cannot be read: {error}"),
        })
    })?;
    if bytes.is_empty() {
        return Err(SourceError(format!(
            "the file `{shown}` is empty: export or copy it again"
        )));
    }
    Ok(bytes)
}

fn damaged(path: &Path, why: &str) -> SourceError {
    SourceError(format!(
        "`{}` cannot be read: it is damaged, or something else than its ending says ({why}): \
         open it in Excel and save it again as .xlsx, or copy it again",
        path.display(),
    ))
}

/// The column as Excel calls it: A to Z, AA and so on.
fn letters(column: u32) -> String {
    let mut left = u64::from(column) + 1;
    let mut letters = Vec::new();
    while left > 0 {
        left -= 1;
        // Below 26.
        letters.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or(0)));
        left /= 26;
    }
    letters.iter().rev().collect()
}
