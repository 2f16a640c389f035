//! Writes the sheet with the rows to fix.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use rust_xlsxwriter::{Format, Note, Workbook, Worksheet, XlsxError};

use super::origin::{Mark, Origin, RowToFix};
use super::rows::{Row, Rows};
use crate::input::sheet::{LISTS, REQUIRED_MARK};
use crate::model::text::trimmed;
use crate::rows::columns::{
    CUSTOM_ATTRIBUTES, FIX, LINE, OF_REPORT_MARK, OF_REPORTS, PROBLEM, ROW_OF_RUN, RowOfRun, SHEET_ROW,
    is_unusual_number,
};
use crate::sheet::cells::{OutputValue, marked, put};
use crate::sheet::columns::{DescribedColumn, Kind};
use crate::sheet::format::{LONGEST_CELL, WIDEST, as_text, cut, for_people, header};
use crate::sheet::lists::{Lists, head};

/// The sheet with the rows to fix.
pub(super) struct Page<'p> {
    rows: &'p Rows<'p>,
    origin: &'p Origin<'p>,
    /// The user's columns, as indexes in `Rows::names`, and the column in the sheet for each of them.
    own: Vec<usize>,
    at: HashMap<usize, u16>,
    /// What the user's columns accept, if the settings are known.
    described: Vec<Option<DescribedColumn>>,
    /// The column in the sheet for each field and custom attribute.
    fields: HashMap<&'p str, u16>,
    widths: Vec<usize>,
}

impl<'p> Page<'p> {
    pub(super) fn new(rows: &'p Rows<'p>, origin: &'p Origin<'p>) -> Self {
        let own: Vec<usize> = (0..rows.names.len())
            .filter(|index| !rows.is_of_report(&rows.names[*index]) && !rows.is_empty_container(*index))
            .collect();
        let at: HashMap<usize, u16> = own.iter().copied().zip(0_u16..).collect();
        let field = |index: &usize| {
            let name = rows.names[*index].as_str();
            let of_entry = || {
                let offer = origin.offer.as_ref().filter(|_| rows.nested.contains(index));
                offer.and_then(|offer| offer.attribute(name))
            };
            origin.fields.get(name).copied().or_else(of_entry)
        };
        let described = |index: &usize| {
            let offer = origin.offer.as_ref()?;
            offer.column(field(index)?, &rows.names[*index])
        };
        Self {
            described: own.iter().map(described).collect(),
            fields: own
                .iter()
                .filter_map(|index| Some((field(index)?, *at.get(index)?)))
                .collect(),
            rows,
            origin,
            own,
            at,
            widths: Vec::new(),
        }
    }

    pub(super) fn lay_out(mut self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        let has_locations = |column: &Option<DescribedColumn>| {
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
        let last = u32::try_from(self.rows.list.len()).unwrap_or(u32::MAX);
        for (at, column) in (0_u16..).zip(&self.described) {
            if let Some(column) = column {
                lists.add(&mut sheet, at, last, column)?;
            }
        }
        let last_column = self.headings(&mut sheet)?;
        for (line, row) in (1_u32..).zip(&self.rows.list) {
            if let Some(wanted) = self.rows.wanted.get(&row.number) {
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
        for (index, described) in self.own.iter().zip(&self.described) {
            let name = &self.rows.names[*index];
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
            let own = self.rows.by_name.get(name).and_then(|index| self.at.get(index));
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
        self.values(sheet, line, row, &bad)?;
        let is_blank = |column: &u16| {
            let mut cells = row.cells.iter();
            !cells.any(|(index, _)| self.at.get(index) == Some(column))
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
        let row_of_run = self.row_of_run(row, wanted);
        self.added(sheet, line, wanted, &row_of_run)
    }

    /// Writes the values of the user's own columns. `bad` are the columns with a problem.
    fn values(
        &mut self,
        sheet: &mut Worksheet,
        line: u32,
        row: &Row,
        bad: &HashMap<u16, &Mark>,
    ) -> Result<(), XlsxError> {
        for (index, value) in &row.cells {
            let Some(column) = self.at.get(index) else {
                continue;
            };
            let mark = bad.get(column);
            let is_used = self.fields.values().any(|used| used == column);
            if mark.is_none() && !is_used && matches!(value, OutputValue::Unwritable) {
                continue;
            }
            let described = self.described.get(usize::from(*column)).and_then(Option::as_ref);
            let is_multiple = described.is_some_and(|column| matches!(column.kind, Kind::Choices(_)));
            let is_number = described.is_some_and(|column| matches!(column.kind, Kind::Number));
            let code = mark.map(|mark| mark.code.as_str());
            let value = match code {
                Some(code) => value.of_bad(code, is_multiple),
                None if is_number => self.number_of(*index, value),
                None => Cow::Borrowed(value),
            };
            let length = put(sheet, line, *column, &value, code)?;
            let width = &mut self.widths[usize::from(*column)];
            *width = (*width).max(length + 1);
        }
        Ok(())
    }

    /// Returns the text that identifies a row in its run.
    fn row_of_run(&self, row: &Row, wanted: &RowToFix) -> String {
        let earlier = row.earlier.as_ref();
        let kept = earlier.filter(|_| self.origin.keeps_rows_of_run);
        let mut row_of_run = RowOfRun::clone(kept.unwrap_or(&wanted.row_of_run));
        // A text that has lost its zeros since the earlier file is still known there.
        row_of_run.texts = earlier.map_or_else(BTreeMap::new, |earlier| earlier.texts.clone());
        row_of_run.texts.extend(self.unusual_numbers(row));
        if row_of_run.text().len() > LONGEST_CELL {
            row_of_run.texts.clear();
        }
        row_of_run.text()
    }

    /// Returns the texts of a row that programs read as other numbers, by field.
    fn unusual_numbers(&self, row: &Row) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (index, value) in &row.cells {
            let Some(column) = self.at.get(index) else {
                continue;
            };
            let OutputValue::Text(text) = value else { continue };
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
    fn number_of<'v>(&self, index: usize, value: &'v OutputValue) -> Cow<'v, OutputValue> {
        let of_text = match (value, &self.origin.number_of_text) {
            (OutputValue::Text(text), Some(number)) => number(&self.rows.names[index], text),
            _ => None,
        };
        of_text.map_or_else(
            || value.as_number(),
            |number| Cow::Owned(OutputValue::Number(number)),
        )
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
        for text in problem_and_fix(&wanted.marks) {
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

/// Returns the texts of the added columns `Problem` and `Fix`.
fn problem_and_fix(marks: &[Mark]) -> [String; 2] {
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
    [joined(|mark| &mark.message), fixes]
}
