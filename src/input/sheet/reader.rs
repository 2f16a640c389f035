//! Opens a sheet, and reads its rows.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::cells::{Cells, table};
use super::delimited;
use super::file::{TEXTS, WORKBOOKS, damaged, ending};
use super::layout::Layout;
use super::marks::Properties;
use super::names::{Head, LINE, SHEET_ROW};
use super::value::WorkbookValue;
use super::workbook;
use crate::input::padded::Padded;
use crate::input::source::{Column, More, Sink, Source, SourceError};

/// One sheet, whose rows can be read any number of times.
#[derive(Debug, Clone)]
pub struct Sheet(Arc<Content>);

#[derive(Debug)]
struct Content {
    label_title: &'static str,
    properties: Properties,
    /// The name of the sheet in its workbook.
    name: Option<String>,
    head: Head,
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
                let (head, table) = delimited::Table::open(path, bytes, &ending, layout)?;
                return Ok(Content {
                    label_title: LINE,
                    properties: Properties::default(),
                    name: None,
                    head,
                    body: Body::Lines(table),
                });
            }
            let read = workbook::read(path, bytes, &ending, layout.sheet, layout.limits)?;
            let is_template = read.properties.category.is_some();
            let (mut head, cells) = table(read.cells, (read.place, read.hint), layout, is_template)?;
            head.notes.splice(..0, read.notes);
            Ok(Content {
                label_title: SHEET_ROW,
                properties: read.properties,
                name: Some(read.name),
                head,
                body: Body::Cells(cells),
            })
        }))
        .unwrap_or_else(|_| Err(damaged(path, "the file reader crashed")))?;
        Ok(Self(Arc::new(content)))
    }

    /// Returns the number of rows at the end that were skipped.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.0.head.skipped
    }

    /// Returns the last row that `skip_rows` skipped, such as "line 3 ('Asset ID', 'Category')". `None` if it is blank.
    #[must_use]
    pub fn skipped_above(&self) -> Option<&str> {
        self.0.head.skipped_above.as_deref()
    }

    /// Starts reading at the first row.
    #[must_use]
    pub fn source(&self) -> SheetRows {
        SheetRows::new(&self.0)
    }

    /// Returns the title of the row labels: `sheet row` or `line`.
    #[must_use]
    pub fn label_title(&self) -> &'static str {
        self.0.label_title
    }

    /// Returns notes for the user on how the sheet was read.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.head.notes
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
        &self.0.head.required
    }

    /// Returns the names of the columns, from left to right.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0.head.names
    }

    /// Returns the columns of a workbook that have both texts with leading zeros and numbers. All cells of a text file
    /// are text.
    #[must_use]
    pub fn padded(&self) -> HashMap<String, Padded> {
        let Body::Cells(cells) = &self.0.body else {
            return HashMap::new();
        };
        let known = |name: &String| self.0.properties.padded.get(name).copied().unwrap_or_default();
        let mut columns: Vec<(Padded, bool)> = self
            .0
            .head
            .names
            .iter()
            .map(|name| (known(name), false))
            .collect();
        for (column, value) in cells.values() {
            let Some((padded, has_numbers)) = columns.get_mut(column as usize) else {
                continue;
            };
            match value {
                WorkbookValue::Text(text) => _ = padded.add(text.trim()),
                WorkbookValue::Int(_) | WorkbookValue::Float(_) => *has_numbers = true,
                _ => {}
            }
        }
        let mixed = self.0.head.names.iter().zip(columns);
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
    position: Position,
}

/// The current position in a sheet.
enum Position {
    /// The next row and its first cell.
    Cells { row: usize, cell: usize },
    /// The records of the file, once it has been opened.
    Lines(Option<Box<delimited::Records>>),
}

impl SheetRows {
    fn new(content: &Arc<Content>) -> Self {
        Self {
            content: Arc::clone(content),
            columns: Vec::new(),
            position: match &content.body {
                Body::Cells(_) => Position::Cells { row: 0, cell: 0 },
                Body::Lines(_) => Position::Lines(None),
            },
        }
    }
}

impl Source for SheetRows {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let content = &*self.content;
        if self.columns.is_empty() {
            self.columns = content.head.names.iter().map(|name| sink.column(name)).collect();
        }
        match (&content.body, &mut self.position) {
            (Body::Cells(cells), Position::Cells { row, cell }) => {
                Ok(cells.fill(row, cell, &self.columns, sink))
            }
            (Body::Lines(table), position) => {
                let mut records = match std::mem::replace(position, Position::Lines(None)) {
                    Position::Lines(Some(records)) => records,
                    _ => Box::new(table.records()?),
                };
                let more = table.fill(&mut records, &self.columns, sink);
                *position = Position::Lines(Some(records));
                more
            }
            // Unreachable: a position always matches its body.
            (Body::Cells(_), Position::Lines(_)) => Ok(More::End),
        }
    }

    fn rows(&self) -> Option<usize> {
        Some(self.content.rows())
    }

    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(Self::new(&self.content)))
    }
}

impl Content {
    fn rows(&self) -> usize {
        match &self.body {
            Body::Cells(cells) => cells.rows(),
            Body::Lines(table) => table.rows(),
        }
    }
}
