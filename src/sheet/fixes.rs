//! Writes rows that need fixing: the user's own columns in order, followed by the problem and the fix.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::civil::{Date, DateTime};
use rust_xlsxwriter::{Color, Format, Note, Workbook, Worksheet, XlsxError};

use super::{LONGEST_CELL, WIDEST, as_text, cut, failed, for_category, for_people, header, save};
use crate::input::{Cell, Column, Label, More, Sink, Source, SourceError};
use crate::validation::columns::{
    CLEAR, FIX, LINE, OF_REPORT_MARK, OF_REPORTS, PROBLEM, ROW_OF_RUN, SHEET_ROW,
};

/// A problem with a cell or a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The name of the column in the user's data. Empty if the problem concerns the whole row.
    pub column: String,
    pub message: String,
    pub fix: String,
}

/// A row that needs fixing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowToFix {
    pub marks: Vec<Mark>,
    /// The row's label in its source.
    pub label: Option<String>,
    /// Identifies the row in its run. Written to a hidden column, so that the file can resume the run.
    pub row_of_run: String,
}

/// The maximum number of rows in a sheet, including the header, and of columns (Excel's limits).
const MOST: (usize, usize) = (1_048_576, 16_384);

/// Writes the source rows that need fixing, given by index, into a new Excel file. Returns the number of rows written.
///
/// `category` is the category of the template that was filled in, and stays the default category of the rows.
///
/// # Errors
/// If the source fails or the file cannot be written.
pub fn write(
    path: &Path,
    source: &mut dyn Source,
    wanted: &BTreeMap<u32, RowToFix>,
    label_title: Option<&str>,
    category: Option<&str>,
) -> Result<usize, SourceError> {
    let mut kept = Kept {
        wanted,
        next: 0,
        names: Vec::new(),
        places: HashMap::new(),
        rows: Vec::new(),
    };
    while source.fill(&mut kept)? == More::Rows {}
    let own = kept.names.len() + 4;
    if kept.rows.len() >= MOST.0 || own > MOST.1 {
        return Err(SourceError::new(format!(
            "{} rows of {own} columns do not fit into an Excel sheet: fix the most common problem first",
            kept.rows.len()
        )));
    }
    let mut workbook = Workbook::new();
    if let Some(category) = category {
        for_category(&mut workbook, category);
    }
    kept.lay_out(workbook.add_worksheet(), label_title)
        .map_err(|error| failed(&error))?;
    let rows = kept.rows.len();
    save(workbook, path)?;
    Ok(rows)
}

/// The rows to write, in order.
struct Kept<'m> {
    wanted: &'m BTreeMap<u32, RowToFix>,
    next: u32,
    /// The columns in order, with one column per custom attribute in a dict.
    names: Vec<String>,
    places: HashMap<String, usize>,
    rows: Vec<Row>,
}

struct Row {
    number: u32,
    cells: Vec<(usize, Value)>,
}

enum Value {
    Number(f64),
    /// A number with its format, which shows text.
    Shown(f64, String),
    Bool(bool),
    Text(String),
    Date(Date),
    DateTime(DateTime),
}

impl Kept<'_> {
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    fn keep(&mut self, place: usize, cell: &Cell<'_>) {
        let Some(value) = value(cell) else { return };
        if let Some(row) = self.rows.last_mut() {
            row.cells.push((place, value));
        }
    }

    /// Starts the next row. Returns whether the row will be written.
    fn begin_row(&mut self) -> bool {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        if !self.wanted.contains_key(&number) {
            return false;
        }
        self.rows.push(Row {
            number,
            cells: Vec::new(),
        });
        true
    }

    /// Returns whether the column was added by an earlier report and is therefore replaced.
    fn is_of_report(&self, name: &str) -> bool {
        let marked = |name: &str| {
            let title = name.strip_suffix(OF_REPORT_MARK);
            title.is_some_and(|title| OF_REPORTS.contains(&title))
        };
        if !self.places.contains_key(ROW_OF_RUN) {
            return false;
        }
        // If the report marked its columns, the columns without the mark belong to the user.
        let all_marked = self.names.iter().any(|name| marked(name));
        name == ROW_OF_RUN || marked(name) || (!all_marked && OF_REPORTS.contains(&name))
    }

    fn lay_out(&self, sheet: &mut Worksheet, label_title: Option<&str>) -> Result<(), XlsxError> {
        let own: Vec<usize> = (0..self.names.len())
            .filter(|place| !self.is_of_report(&self.names[*place]))
            .collect();
        let at: HashMap<usize, u16> = own.iter().copied().zip(0_u16..).collect();
        let mut titles: Vec<String> = own.iter().map(|place| self.names[*place].clone()).collect();
        let row_title = label_title.map(|title| if title == "line" { LINE } else { SHEET_ROW });
        let taken = titles.iter().any(|title| OF_REPORTS.contains(&title.as_str()));
        let mark = if taken { OF_REPORT_MARK } else { "" };
        titles.extend(
            row_title
                .into_iter()
                .chain([PROBLEM, FIX])
                .map(|title| format!("{title}{mark}")),
        );
        titles.push(ROW_OF_RUN.to_owned());
        let mut widths: Vec<usize> = titles.iter().map(|title| title.chars().count() + 2).collect();
        let style = header();
        for (column, title) in (0_u16..).zip(&titles) {
            sheet.write_string_with_format(0, column, cut(title, LONGEST_CELL), &style)?;
        }
        let wrapped = as_text().set_text_wrap();
        // The number of the user's columns fits in u16, as checked above.
        let behind = u16::try_from(own.len()).unwrap_or(u16::MAX);
        for (line, row) in (1_u32..).zip(&self.rows) {
            let Some(wanted) = self.wanted.get(&row.number) else {
                continue;
            };
            let marks = wanted.marks.as_slice();
            let bad: HashMap<u16, &Mark> = marks
                .iter()
                .rev()
                .filter_map(|mark| Some((*at.get(self.places.get(&mark.column)?)?, mark)))
                .collect();
            for (place, value) in &row.cells {
                if let Some(column) = at.get(place) {
                    let length = put(sheet, line, *column, value, bad.contains_key(column))?;
                    let width = &mut widths[usize::from(*column)];
                    *width = (*width).max(length + 1);
                }
            }
            for (column, mark) in &bad {
                let blank = !row.cells.iter().any(|(place, _)| at.get(place) == Some(column));
                if blank {
                    sheet.write_blank(line, *column, &marked(as_text(), true))?;
                }
                let note = Note::new(for_people(&format!("{}\n{}", mark.message, mark.fix), 2000))
                    .add_author_prefix(false)
                    .set_width(300);
                sheet.insert_note(line, *column, &note)?;
            }
            let mut column = behind;
            if row_title.is_some() {
                let label = wanted.label.as_deref().unwrap_or("");
                match label.parse::<u32>() {
                    Ok(number) => sheet.write_number(line, column, number)?,
                    Err(_) => sheet.write_string(line, column, cut(label, LONGEST_CELL))?,
                };
                column = column.saturating_add(1);
            }
            let joined = |part: fn(&Mark) -> &String| {
                let mut parts: Vec<&str> = Vec::new();
                for mark in marks {
                    let text = part(mark).as_str();
                    if !text.is_empty() && !parts.contains(&text) {
                        parts.push(text);
                    }
                }
                cut(&parts.join("\n"), LONGEST_CELL)
            };
            let fixes = if marks.len() > 1 {
                // If there are several problems, each fix names its column.
                let named = marks.iter().map(|mark| format!("{}: {}", mark.column, mark.fix));
                cut(&named.collect::<Vec<_>>().join("\n"), LONGEST_CELL)
            } else {
                joined(|mark| &mark.fix)
            };
            for text in [joined(|mark| &mark.message), fixes] {
                let width = &mut widths[usize::from(column)];
                let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
                *width = (*width).max(longest);
                sheet.write_string_with_format(line, column, text, &wrapped)?;
                column = column.saturating_add(1);
            }
            sheet.write_string(line, column, &wanted.row_of_run)?;
        }
        for (column, width) in (0_u16..).zip(widths) {
            // Widths are far below the limit up to which floats are exact.
            #[allow(clippy::cast_precision_loss)]
            sheet.set_column_width(column, (width as f64).clamp(8.0, WIDEST))?;
        }
        let last_column = u16::try_from(titles.len().saturating_sub(1)).unwrap_or(u16::MAX);
        sheet.set_column_hidden(last_column)?;
        sheet.set_freeze_panes(1, 0)?;
        if !self.rows.is_empty() {
            let last = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            sheet.autofilter(0, 0, last, last_column.saturating_sub(1))?;
        }
        Ok(())
    }
}

impl Sink for Kept<'_> {
    fn column(&mut self, name: &str) -> Column {
        let place = self.place(name);
        Column(u32::try_from(place).unwrap_or(u32::MAX))
    }

    fn begin(&mut self, _: Label<'_>) -> bool {
        self.begin_row()
    }

    fn cell(&mut self, column: Column, cell: &Cell<'_>) {
        match cell {
            // In a sheet, each entry in a dict of custom attributes has its own column.
            Cell::Map(entries) => {
                for (name, cell) in entries {
                    let place = self.place(name);
                    self.keep(place, cell);
                }
            }
            other => self.keep(column.0 as usize, other),
        }
    }

    fn broken(&mut self, _: Label<'_>, _: &str) {
        self.begin_row();
    }

    fn end(&mut self) {}

    fn full(&self) -> bool {
        false
    }
}

fn value(cell: &Cell<'_>) -> Option<Value> {
    // Excel stores 15 digits, so a longer number would change.
    const EXACT: i64 = 999_999_999_999_999;
    Some(match cell {
        // If it were written as text, a formula would look like a value.
        Cell::Null | Cell::Map(_) | Cell::Formula { .. } => return None,
        Cell::Clear => Value::Text(CLEAR.to_owned()),
        Cell::Bool(value) => Value::Bool(*value),
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Int(number) if (-EXACT..=EXACT).contains(number) => Value::Number(*number as f64),
        Cell::Int(number) => Value::Text(number.to_string()),
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Shown { number, format, .. } if (-EXACT..=EXACT).contains(number) => {
            Value::Shown(*number as f64, (*format).to_owned())
        }
        #[allow(clippy::cast_precision_loss)] // Few enough digits for a float to be exact.
        Cell::Float(number)
            if number.is_finite() && (number.fract() != 0.0 || number.abs() <= EXACT as f64) =>
        {
            Value::Number(*number)
        }
        Cell::Float(number) => Value::Text(number.to_string()),
        Cell::Float32(number) => Value::Text(number.to_string()),
        Cell::Digits(text) | Cell::Text(text) | Cell::Other(text) | Cell::Shown { text, .. } => {
            Value::Text((*text).to_owned())
        }
        Cell::Date(day) => Value::Date(*day),
        Cell::DateTime(moment) => Value::DateTime(*moment),
        Cell::List(items) => {
            let texts: Vec<String> = items
                .iter()
                .filter_map(value)
                .map(|value| match value {
                    Value::Number(number) | Value::Shown(number, _) => number.to_string(),
                    Value::Bool(value) => value.to_string(),
                    Value::Text(text) => text,
                    Value::Date(day) => day.to_string(),
                    Value::DateTime(moment) => moment.to_string(),
                })
                .collect();
            Value::Text(texts.join("; "))
        }
    })
}

fn marked(format: Format, bad: bool) -> Format {
    if bad {
        format.set_background_color(Color::RGB(0x00FF_C7CE))
    } else {
        format
    }
}

/// Writes a cell. Returns the approximate width in characters.
fn put(sheet: &mut Worksheet, line: u32, column: u16, value: &Value, bad: bool) -> Result<usize, XlsxError> {
    // Excel has no dates before 1900.
    let early = |year: i16| year < 1900;
    Ok(match value {
        Value::Number(number) => {
            sheet.write_number_with_format(line, column, *number, &marked(Format::new(), bad))?;
            number.to_string().len()
        }
        Value::Shown(number, format) => {
            let style = marked(Format::new().set_num_format(format), bad);
            sheet.write_number_with_format(line, column, *number, &style)?;
            number.to_string().len() + format.chars().count()
        }
        Value::Bool(value) => {
            sheet.write_boolean_with_format(line, column, *value, &marked(Format::new(), bad))?;
            5
        }
        Value::Date(day) if !early(day.year()) => {
            let format = marked(Format::new().set_num_format("yyyy-mm-dd"), bad);
            sheet.write_datetime_with_format(line, column, *day, &format)?;
            10
        }
        Value::DateTime(moment) if !early(moment.year()) => {
            let format = marked(Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"), bad);
            sheet.write_datetime_with_format(line, column, *moment, &format)?;
            19
        }
        other => {
            let text = match other {
                Value::Text(text) => cut(text, LONGEST_CELL),
                Value::Date(day) => day.to_string(),
                Value::DateTime(moment) => moment.to_string(),
                Value::Number(number) | Value::Shown(number, _) => number.to_string(),
                Value::Bool(value) => value.to_string(),
            };
            let length = text.chars().count();
            sheet.write_string_with_format(line, column, text, &marked(as_text(), bad))?;
            length
        }
    })
}
