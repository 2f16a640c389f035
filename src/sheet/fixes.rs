//! Creates a file of rows that need fixing: the user's own columns in order, followed by the problem and the fix.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use rust_xlsxwriter::{DocProperties, Format, Note, Workbook, Worksheet, XlsxError};

use super::cells::{LEADING_ZEROS, Value, marked, put, value};
use super::columns::{Column as Described, Kind, Offer};
use super::lists::{Lists, head};
use super::{LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, WIDEST, as_text, bytes, cut, failed, for_people, header};
use crate::input::sheet::{CATEGORY_PROPERTY, LISTS, PADDED_PROPERTY, READING_PROPERTY, REQUIRED_MARK};
use crate::input::{Cell, Column, Label, More, Padded, Sink, Source, SourceError};
use crate::model::text::trimmed;
use crate::rows::columns::{
    CUSTOM_ATTRIBUTES, FIX, LINE, OF_REPORT_MARK, OF_REPORTS, PROBLEM, ROW_OF_RUN, RowOfRun, SHEET_ROW,
    is_unusual_number,
};

/// The maximum length of a property that Excel keeps, in characters, with some to spare.
const LONGEST_PROPERTY: usize = 200;

/// A problem with a cell or a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The code of the problem.
    pub code: String,
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
    pub row_of_run: RowOfRun,
}

/// What a file of rows to fix keeps of the input, besides the rows.
#[derive(Default)]
pub struct Origin<'o> {
    /// The title of the row labels, such as `line`.
    pub label_title: Option<&'o str>,
    /// The name of the sheet.
    pub sheet: Option<&'o str>,
    /// The category of the template that was filled in. It stays the default category of the rows.
    pub category: Option<&'o str>,
    /// The options with which the texts of the rows are read, as JSON.
    pub reading: Option<String>,
    /// The texts with leading zeros, by column, as far as they are known.
    pub padded: HashMap<String, Padded>,
    /// The columns that the template marked as required.
    pub required: &'o [String],
    /// Whether rows from an earlier file of rows to fix keep what identifies them, since they are rows of its run.
    pub keeps_rows_of_run: bool,
    /// The field or custom attribute of each column.
    pub fields: HashMap<&'o str, &'o str>,
    /// The values that the project offers, if its settings are known.
    pub offer: Option<Offer<'o>>,
    /// Returns the number of a text in a column of numbers, if it would be another number without the options of the call.
    pub number_of_text: Option<NumberOfText<'o>>,
}

/// Returns the number of a text in this column.
pub type NumberOfText<'o> = Box<dyn Fn(&str, &str) -> Option<f64> + Send + Sync + 'o>;

/// Returns the file with the source rows that need fixing, given by index, and their number. Without such rows, the
/// file is empty.
///
/// # Errors
/// If the source fails or the rows do not fit into a sheet.
pub fn file(
    source: &mut dyn Source,
    wanted: &BTreeMap<u32, RowToFix>,
    origin: &Origin<'_>,
) -> Result<(usize, Vec<u8>), SourceError> {
    let mut kept = Kept {
        wanted,
        next: 0,
        names: Vec::new(),
        places: HashMap::new(),
        nested: HashSet::new(),
        padded: HashMap::new(),
        rows: Vec::new(),
        origin,
    };
    while source.fill(&mut kept)? == More::Rows {}
    let rows = kept.rows.len();
    if rows == 0 {
        return Ok((0, Vec::new()));
    }
    let columns = kept.names.len() + 4;
    if rows >= MOST_ROWS || columns > MOST_COLUMNS {
        return Err(SourceError::new(format!(
            "{rows} rows of {columns} columns do not fit into an Excel sheet: fix the most common problem first"
        )));
    }
    let mut workbook = Workbook::new();
    workbook.set_properties(&kept.properties());
    Page::new(&kept, origin)
        .lay_out(&mut workbook)
        .map_err(|error| failed(&error))?;
    Ok((rows, bytes(workbook)?))
}

/// The rows to write, in order.
struct Kept<'m> {
    wanted: &'m BTreeMap<u32, RowToFix>,
    next: u32,
    /// The columns in order, with one column per custom attribute in a dict.
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// The columns of entries in dicts of custom attributes.
    nested: HashSet<usize>,
    /// The texts with leading zeros, by column.
    padded: HashMap<usize, Padded>,
    rows: Vec<Row>,
    origin: &'m Origin<'m>,
}

struct Row {
    number: u32,
    cells: Vec<(usize, Value)>,
    /// The row's cell in the hidden column of an earlier file.
    earlier: Option<RowOfRun>,
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
        let Some(row) = self.rows.last_mut() else { return };
        if self.nested.contains(&place)
            && let Some((_, known)) = row.cells.iter_mut().find(|(known, _)| *known == place)
        {
            // A column and an entry of a dict have the same name, and both have a value.
            *known = Value::Unwritable;
        } else {
            row.cells.push((place, value));
        }
    }

    /// Returns whether a column contains only dicts of custom attributes, whose entries have columns of their own.
    fn is_empty_container(&self, place: usize) -> bool {
        let name = &self.names[place];
        let is_written = |row: &Row| row.cells.iter().any(|(known, _)| *known == place);
        let mut marks = self.wanted.values().flat_map(|row| &row.marks);
        self.is_container(place)
            && !self.rows.iter().any(is_written)
            && !marks.any(|mark| mark.column == *name)
    }

    fn is_container(&self, place: usize) -> bool {
        let name = self.names[place].as_str();
        self.origin
            .fields
            .get(name)
            .is_some_and(|field| *field == CUSTOM_ATTRIBUTES)
    }

    /// Returns what the file says about itself: the category of its rows, how its texts are read, and the texts with leading
    /// zeros beside which its numbers are bad.
    fn properties(&self) -> DocProperties {
        let mut properties = DocProperties::new();
        if let Some(category) = self.origin.category {
            properties = properties.set_custom_property(CATEGORY_PROPERTY, category);
        }
        let reading: Vec<char> = self.origin.reading.iter().flat_map(|json| json.chars()).collect();
        for (place, part) in reading.chunks(LONGEST_PROPERTY).enumerate() {
            let part: String = part.iter().collect();
            properties = properties.set_custom_property(format!("{READING_PROPERTY}{place}"), part.as_str());
        }
        let is_bad = |name: &str| {
            let mut marks = self.wanted.values().flat_map(|row| &row.marks);
            marks.any(|mark| mark.code == LEADING_ZEROS && mark.column == name)
        };
        for (place, name) in self.names.iter().enumerate() {
            let padded = self.origin.padded.get(name).or_else(|| self.padded.get(&place));
            if let Some(padded) = padded.filter(|_| is_bad(name)) {
                properties = properties
                    .set_custom_property(format!("{PADDED_PROPERTY}{name}"), padded.property().as_str());
            }
        }
        properties
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
            earlier: None,
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
        let column = column.0 as usize;
        match cell {
            // In a sheet, each entry in a dict of custom attributes has its own column.
            Cell::Map(entries) if self.is_container(column) => {
                for (name, cell) in entries {
                    let place = self.place(name);
                    self.nested.insert(place);
                    self.keep(place, cell);
                }
            }
            other => {
                if let Cell::Text(text) = cell {
                    let text = text.trim();
                    let is_row_of_run = self.names.get(column).is_some_and(|name| name == ROW_OF_RUN);
                    if let Some(row) = self.rows.last_mut().filter(|_| is_row_of_run) {
                        row.earlier = RowOfRun::of(cell);
                    }
                    if text.starts_with('0') {
                        self.padded.entry(column).or_default().add(text);
                    }
                }
                self.keep(column, other);
            }
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

/// The sheet with the rows to fix.
struct Page<'p> {
    kept: &'p Kept<'p>,
    origin: &'p Origin<'p>,
    /// The user's columns, as indexes in `Kept::names`, and the column in the sheet for each of them.
    own: Vec<usize>,
    at: HashMap<usize, u16>,
    /// What the user's columns accept, if the settings are known.
    described: Vec<Option<Described>>,
    /// The column in the sheet for each field and custom attribute.
    fields: HashMap<&'p str, u16>,
    widths: Vec<usize>,
}

impl<'p> Page<'p> {
    fn new(kept: &'p Kept<'p>, origin: &'p Origin<'p>) -> Self {
        let own: Vec<usize> = (0..kept.names.len())
            .filter(|place| !kept.is_of_report(&kept.names[*place]) && !kept.is_empty_container(*place))
            .collect();
        let at: HashMap<usize, u16> = own.iter().copied().zip(0_u16..).collect();
        let field = |place: &usize| {
            let name = kept.names[*place].as_str();
            let of_entry = || {
                let offer = origin.offer.as_ref().filter(|_| kept.nested.contains(place));
                offer.and_then(|offer| offer.attribute(name))
            };
            origin.fields.get(name).copied().or_else(of_entry)
        };
        let described = |place: &usize| {
            let offer = origin.offer.as_ref()?;
            offer.column(field(place)?, &kept.names[*place])
        };
        Self {
            described: own.iter().map(described).collect(),
            fields: own
                .iter()
                .filter_map(|place| Some((field(place)?, *at.get(place)?)))
                .collect(),
            kept,
            origin,
            own,
            at,
            widths: Vec::new(),
        }
    }

    fn lay_out(mut self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        let has_locations = |column: &Option<Described>| {
            column
                .as_ref()
                .is_some_and(|column| column.kind == Kind::Location)
        };
        let locations = match &self.origin.offer {
            Some(offer) if self.described.iter().any(has_locations) => offer.locations(),
            _ => Vec::new(),
        };
        // In the user's own sheet, values that are not in a list may be valid, such as ids.
        let mut lists = Lists::new(&locations, self.origin.category.is_some())?;
        let mut sheet = Worksheet::new();
        // The lists have names of their own, and Excel allows fewer names than other programs.
        let is_list = |name: &str| LISTS.iter().any(|list| list.eq_ignore_ascii_case(name));
        let name = self.origin.sheet.filter(|name| !is_list(name));
        if name.is_none_or(|name| sheet.set_name(name).is_err()) {
            sheet.set_name("Sheet1")?;
        }
        let last = u32::try_from(self.kept.rows.len()).unwrap_or(u32::MAX);
        for (at, column) in (0_u16..).zip(&self.described) {
            if let Some(column) = column {
                lists.add(&mut sheet, at, last, column)?;
            }
        }
        let last_column = self.headings(&mut sheet)?;
        for (line, row) in (1_u32..).zip(&self.kept.rows) {
            if let Some(wanted) = self.kept.wanted.get(&row.number) {
                self.row(&mut sheet, line, row, wanted)?;
            }
        }
        for (column, width) in (0_u16..).zip(&self.widths) {
            // Widths are far below the limit up to which floats are exact.
            #[allow(clippy::cast_precision_loss)]
            sheet.set_column_width(column, (*width as f64).clamp(8.0, WIDEST))?;
        }
        sheet.set_column_hidden(last_column)?;
        sheet.set_freeze_panes(1, 0)?;
        sheet.autofilter(0, 0, last, last_column.saturating_sub(1))?;
        workbook.push_worksheet(sheet);
        lists.finish(workbook)
    }

    fn row_title(&self) -> Option<&'static str> {
        let title = self.origin.label_title;
        title.map(|title| if title == "line" { LINE } else { SHEET_ROW })
    }

    /// Writes the names of the columns. Returns the last column.
    fn headings(&mut self, sheet: &mut Worksheet) -> Result<u16, XlsxError> {
        let style = header();
        let mut titles: Vec<String> = Vec::new();
        for (place, described) in self.own.iter().zip(&self.described) {
            let name = &self.kept.names[*place];
            let at = u16::try_from(titles.len()).unwrap_or(u16::MAX);
            let required = self.origin.required.contains(name);
            match described {
                Some(column) if self.origin.category.is_some() => {
                    let mut column = column.clone();
                    column.required = required;
                    head(sheet, at, &column)?;
                }
                _ => {
                    let mark = if required { REQUIRED_MARK } else { "" };
                    let title = format!("{name}{mark}");
                    sheet.write_string_with_format(0, at, cut(&title, LONGEST_CELL), &style)?;
                }
            }
            titles.push(name.clone());
        }
        let taken = titles.iter().any(|title| OF_REPORTS.contains(&title.as_str()));
        let mark = if taken { OF_REPORT_MARK } else { "" };
        let added = self.row_title().into_iter().chain([PROBLEM, FIX]);
        let added = added
            .map(|title| format!("{title}{mark}"))
            .chain([ROW_OF_RUN.to_owned()]);
        for title in added {
            let at = u16::try_from(titles.len()).unwrap_or(u16::MAX);
            sheet.write_string_with_format(0, at, &title, &style)?;
            titles.push(title);
        }
        self.widths = titles.iter().map(|title| title.chars().count() + 2).collect();
        Ok(u16::try_from(titles.len().saturating_sub(1)).unwrap_or(u16::MAX))
    }

    /// Returns the column in the sheet that a problem concerns. A problem names the user's column, or else its field.
    fn column_of(&self, mark: &Mark) -> Option<u16> {
        let called = |name: &str| {
            let own = self.kept.places.get(name).and_then(|place| self.at.get(place));
            own.or_else(|| self.fields.get(name)).copied()
        };
        let of_entry = || {
            let name = mark.column.strip_prefix(CUSTOM_ATTRIBUTES)?;
            called(name.strip_prefix('.')?)
        };
        called(&mark.column).or_else(of_entry)
    }

    fn row(
        &mut self,
        sheet: &mut Worksheet,
        line: u32,
        row: &Row,
        wanted: &RowToFix,
    ) -> Result<(), XlsxError> {
        let bad: HashMap<u16, &Mark> = wanted
            .marks
            .iter()
            .rev()
            .filter_map(|mark| Some((self.column_of(mark)?, mark)))
            .collect();
        for (place, value) in &row.cells {
            if let Some(column) = self.at.get(place) {
                let mark = bad.get(column);
                let is_used = self.fields.values().any(|used| used == column);
                if mark.is_none() && !is_used && matches!(value, Value::Unwritable) {
                    continue;
                }
                let described = self.described.get(usize::from(*column)).and_then(Option::as_ref);
                let is_multiple = described.is_some_and(|column| matches!(column.kind, Kind::Choices(_)));
                let code = mark.map(|mark| mark.code.as_str());
                let is_number = described.is_some_and(|column| matches!(column.kind, Kind::Number));
                let value = match code {
                    Some(code) => value.of_bad(code, is_multiple),
                    None if is_number => self.number_of(*place, value),
                    None => Cow::Borrowed(value),
                };
                let length = put(sheet, line, *column, &value, code)?;
                let width = &mut self.widths[usize::from(*column)];
                *width = (*width).max(length + 1);
            }
        }
        let is_blank = |column: &u16| {
            let mut cells = row.cells.iter();
            !cells.any(|(place, _)| self.at.get(place) == Some(column))
        };
        // Another program, such as pandas, does not know the category of the template.
        if let (Some(category), Some(column)) = (self.origin.category, self.fields.get("categoryId"))
            && is_blank(column)
            && !bad.contains_key(column)
        {
            sheet.write_string_with_format(line, *column, category, &as_text())?;
        }
        for (column, mark) in &bad {
            if is_blank(column) {
                sheet.write_blank(line, *column, &marked(as_text(), true))?;
            }
            let note = Note::new(for_people(&format!("{}\n{}", mark.message, mark.fix), 2000))
                .add_author_prefix(false)
                .set_width(300);
            sheet.insert_note(line, *column, &note)?;
        }
        let earlier = row.earlier.as_ref();
        let kept = earlier.filter(|_| self.origin.keeps_rows_of_run);
        let mut row_of_run = RowOfRun::clone(kept.unwrap_or(&wanted.row_of_run));
        // A text that has lost its zeros since the earlier file is still known there.
        row_of_run.texts = earlier.map_or_else(BTreeMap::new, |earlier| earlier.texts.clone());
        row_of_run.texts.extend(self.unusual_numbers(row));
        if row_of_run.text().len() > LONGEST_CELL {
            row_of_run.texts.clear();
        }
        self.added(sheet, line, wanted, &row_of_run.text())
    }

    /// Returns the texts of a row that programs read as other numbers, by field.
    fn unusual_numbers(&self, row: &Row) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (place, value) in &row.cells {
            let Some(column) = self.at.get(place) else {
                continue;
            };
            let Value::Text(text) = value else { continue };
            let text = trimmed(text);
            let described = self.described.get(usize::from(*column)).and_then(Option::as_ref);
            let is_number = described.is_some_and(|column| matches!(column.kind, Kind::Number));
            let field = self.fields.iter().find(|(_, used)| *used == column);
            if let Some((field, _)) = field.filter(|_| !is_number && is_unusual_number(text)) {
                texts.insert((*field).to_owned(), text.to_owned());
            }
        }
        texts
    }

    /// Returns the value for a column of numbers. A program that reads the file may not know the options of the call.
    fn number_of<'v>(&self, place: usize, value: &'v Value) -> Cow<'v, Value> {
        let of_text = match (value, &self.origin.number_of_text) {
            (Value::Text(text), Some(number)) => number(&self.kept.names[place], text),
            _ => None,
        };
        of_text.map_or_else(|| value.as_number(), |number| Cow::Owned(Value::Number(number)))
    }

    /// Writes the cells of the added columns.
    fn added(
        &mut self,
        sheet: &mut Worksheet,
        line: u32,
        wanted: &RowToFix,
        row_of_run: &str,
    ) -> Result<(), XlsxError> {
        // The number of the user's columns fits in u16, as checked in `file`.
        let mut column = u16::try_from(self.own.len()).unwrap_or(u16::MAX);
        if self.row_title().is_some() {
            let label = wanted.label.as_deref().unwrap_or("");
            match label.parse::<u32>() {
                Ok(number) => sheet.write_number(line, column, number)?,
                Err(_) => sheet.write_string(line, column, cut(label, LONGEST_CELL))?,
            };
            column = column.saturating_add(1);
        }
        let wrapped: Format = as_text().set_text_wrap();
        let marks = wanted.marks.as_slice();
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
            let width = &mut self.widths[usize::from(column)];
            let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            *width = (*width).max(longest);
            sheet.write_string_with_format(line, column, text, &wrapped)?;
            column = column.saturating_add(1);
        }
        sheet.write_string(line, column, row_of_run)?;
        Ok(())
    }
}
