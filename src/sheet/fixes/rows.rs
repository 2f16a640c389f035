//! Collects the rows to write from their source.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_xlsxwriter::DocProperties;

use super::origin::{Origin, RowToFix};
use crate::input::sheet::{CATEGORY_PROPERTY, PADDED_PROPERTY, READING_PROPERTY};
use crate::input::{Cell, Column, Label, Padded, Sink};
use crate::rows::columns::{CUSTOM_ATTRIBUTES, OF_REPORT_MARK, OF_REPORTS, ROW_OF_RUN, RowOfRun};
use crate::sheet::cells::{LEADING_ZEROS, OutputValue, value};

/// The maximum length of a property that Excel keeps, in characters, with some to spare.
const LONGEST_PROPERTY: usize = 200;

/// The rows to write, in order.
pub(super) struct Rows<'m> {
    pub wanted: &'m BTreeMap<u32, RowToFix>,
    next: u32,
    /// The columns in order, with one column per custom attribute in a dict.
    pub names: Vec<String>,
    pub by_name: HashMap<String, usize>,
    /// The columns of entries in dicts of custom attributes.
    pub nested: HashSet<usize>,
    /// The texts with leading zeros, by column.
    padded: HashMap<usize, Padded>,
    pub list: Vec<Row>,
    origin: &'m Origin<'m>,
}

/// A row to write.
pub(super) struct Row {
    pub number: u32,
    pub cells: Vec<(usize, OutputValue)>,
    /// The row's cell in the hidden column of an earlier file.
    pub earlier: Option<RowOfRun>,
}

impl<'m> Rows<'m> {
    pub(super) fn new(wanted: &'m BTreeMap<u32, RowToFix>, origin: &'m Origin<'m>) -> Self {
        Self {
            wanted,
            next: 0,
            names: Vec::new(),
            by_name: HashMap::new(),
            nested: HashSet::new(),
            padded: HashMap::new(),
            list: Vec::new(),
            origin,
        }
    }

    fn index_of(&mut self, name: &str) -> usize {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    fn keep(&mut self, index: usize, cell: &Cell<'_>) {
        let Some(value) = value(cell) else { return };
        let Some(row) = self.list.last_mut() else { return };
        if self.nested.contains(&index)
            && let Some((_, known)) = row.cells.iter_mut().find(|(known, _)| *known == index)
        {
            // A column and an entry of a dict have the same name, and both have a value.
            *known = OutputValue::Unwritable;
        } else {
            row.cells.push((index, value));
        }
    }

    /// Returns whether a column contains only dicts of custom attributes, whose entries have columns of their own.
    pub(super) fn is_empty_container(&self, index: usize) -> bool {
        let name = &self.names[index];
        let is_written = |row: &Row| row.cells.iter().any(|(known, _)| *known == index);
        let mut marks = self.wanted.values().flat_map(|row| &row.marks);
        self.is_container(index)
            && !self.list.iter().any(is_written)
            && !marks.any(|mark| mark.column == *name)
    }

    fn is_container(&self, index: usize) -> bool {
        let name = self.names[index].as_str();
        self.origin
            .fields
            .get(name)
            .is_some_and(|field| *field == CUSTOM_ATTRIBUTES)
    }

    /// Returns what the file says about itself: the category of its rows, how its texts are read, and the texts with
    /// leading zeros beside which its numbers are bad.
    pub(super) fn properties(&self) -> DocProperties {
        let mut properties = DocProperties::new();
        if let Some(category) = self.origin.category {
            properties = properties.set_custom_property(CATEGORY_PROPERTY, category);
        }
        let reading: Vec<char> = self.origin.reading.iter().flat_map(|json| json.chars()).collect();
        for (index, part) in reading.chunks(LONGEST_PROPERTY).enumerate() {
            let part: String = part.iter().collect();
            properties = properties.set_custom_property(format!("{READING_PROPERTY}{index}"), part.as_str());
        }
        let is_bad = |name: &str| {
            let mut marks = self.wanted.values().flat_map(|row| &row.marks);
            marks.any(|mark| mark.code == LEADING_ZEROS && mark.column == name)
        };
        for (index, name) in self.names.iter().enumerate() {
            let padded = self.origin.padded.get(name).or_else(|| self.padded.get(&index));
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
        self.list.push(Row {
            number,
            cells: Vec::new(),
            earlier: None,
        });
        true
    }

    /// Returns whether the column was added by an earlier report and is therefore replaced.
    pub(super) fn is_of_report(&self, name: &str) -> bool {
        let marked = |name: &str| {
            let title = name.strip_suffix(OF_REPORT_MARK);
            title.is_some_and(|title| OF_REPORTS.contains(&title))
        };
        if !self.by_name.contains_key(ROW_OF_RUN) {
            return false;
        }
        // If the report marked its columns, the columns without the mark belong to the user.
        let all_marked = self.names.iter().any(|name| marked(name));
        name == ROW_OF_RUN || marked(name) || (!all_marked && OF_REPORTS.contains(&name))
    }
}

impl Sink for Rows<'_> {
    fn column(&mut self, name: &str) -> Column {
        let index = self.index_of(name);
        Column(u32::try_from(index).unwrap_or(u32::MAX))
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
                    let index = self.index_of(name);
                    self.nested.insert(index);
                    self.keep(index, cell);
                }
            }
            other => {
                if let Cell::Text(text) = cell {
                    let text = text.trim();
                    let is_row_of_run = self.names.get(column).is_some_and(|name| name == ROW_OF_RUN);
                    if let Some(row) = self.list.last_mut().filter(|_| is_row_of_run) {
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
