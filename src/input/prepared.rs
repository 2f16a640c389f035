//! Replaces the texts of some columns and fills their blank cells, before anything else reads the rows.

use std::sync::Arc;

use super::cell::Cell;
use super::fill_down::{Current, Fill, Index};
use super::headings::Headings;
use super::replacements::{NewCell, NewValues, Replacements};
use super::sheet::ROW_OF_RUN;
use super::source::{Column, Label, More, Sink, Source, SourceError};
use super::totals::{is_total, is_total_row};

/// Whether a name from the user (the second argument) means a column of the rows (the first).
pub type ColumnMatch = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// Whether a cell of a column may contain several values.
pub type HasItems = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// What to do with the cells of each column.
pub struct Preparation {
    values: Vec<(String, NewValues)>,
    fill_down: Vec<String>,
    /// The fields that a new asset requires, beginning with its name.
    required: Vec<&'static str>,
    is_called: ColumnMatch,
    has_items: HasItems,
}

impl Preparation {
    #[must_use]
    pub fn new(
        values: &[(String, Replacements)],
        fill_down: &[String],
        required: Vec<&'static str>,
        is_called: ColumnMatch,
        has_items: HasItems,
    ) -> Self {
        Self {
            required,
            values: values
                .iter()
                .map(|(column, replacements)| (column.clone(), NewValues::of(replacements)))
                .collect(),
            fill_down: fill_down.to_vec(),
            is_called,
            has_items,
        }
    }

    fn treatment(&self, column: &str, part: usize) -> Treatment {
        let values = self
            .values
            .iter()
            .position(|(name, _)| (self.is_called)(column, name));
        let fills = self.fill_down.iter().any(|name| (self.is_called)(column, name));
        let required = self
            .required
            .iter()
            .position(|name| (self.is_called)(column, name));
        Treatment {
            part,
            name: column.to_owned(),
            has_items: values.is_some() && (self.has_items)(column),
            values,
            fill: fills.then(Fill::default),
            required: required.map_or(0, |index| 1 << index),
        }
    }
}

struct Treatment {
    /// The part of the run that the column belongs to.
    part: usize,
    /// The name of the column.
    name: String,
    /// The index in `Preparation::values`.
    values: Option<usize>,
    /// Whether the values of a cell are replaced one by one.
    has_items: bool,
    fill: Option<Fill>,
    /// The bit of the required field that the column sets, or 0.
    required: u32,
}

/// What the current row contains, before its blank cells are filled.
#[derive(Default)]
struct RowContent {
    /// The required fields with a value, and those with a title of totals.
    given: u32,
    titles: u32,
    has_title: bool,
    /// Whether a column other than that of the name has a value.
    has_more: bool,
    headings: Headings,
}

impl RowContent {
    /// Notes a cell, before and after its replacement. Returns whether it is a title of totals.
    fn note(&mut self, value: &Cell<'_>, new: &Cell<'_>, treatment: Option<&Treatment>) -> bool {
        if let Some(treatment) = treatment.filter(|_| !value.is_blank()) {
            self.headings.note(value, &treatment.name);
        }
        let field = treatment.map_or(0, |treatment| treatment.required);
        if !new.is_blank() {
            self.given |= field;
            self.has_more |= field != NAME;
        }
        let is_title = matches!(new, Cell::Text(text) if is_total(text));
        if is_title {
            self.titles |= field;
            self.has_title = true;
        }
        is_title
    }
}

/// The bit of the first required field, the name.
const NAME: u32 = 1;

/// A source of prepared rows.
pub struct Prepared<S> {
    source: S,
    preparation: Option<Arc<Preparation>>,
    columns: Vec<Option<Treatment>>,
    /// The part of the current row.
    part: usize,
    /// Whether the rows come from `write_fixes`, so they were prepared before, but may have been edited since.
    are_ready: bool,
    index: Option<Index>,
}

impl<S> Prepared<S> {
    /// Prepares the rows of a source. If `preparation` is `None`, the rows are passed on unchanged.
    pub fn new(source: S, preparation: Option<Preparation>) -> Self {
        Self::shared(source, preparation.map(Arc::new))
    }

    fn shared(source: S, preparation: Option<Arc<Preparation>>) -> Self {
        Self {
            source,
            preparation,
            columns: Vec::new(),
            part: 0,
            are_ready: false,
            index: None,
        }
    }

    /// Refuses to fill a cell if the row above it is missing from the table, which the index of the rows shows.
    #[must_use]
    pub fn with_index(self, has_index: bool) -> Self {
        Self {
            index: has_index.then(Index::default),
            ..self
        }
    }

    /// Returns the source of the rows before they are prepared.
    pub fn inner(&self) -> &S {
        &self.source
    }
}

impl<S: Source> Source for Prepared<S> {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let Some(preparation) = &self.preparation else {
            return self.source.fill(sink);
        };
        let filled = self.source.fill(&mut Preparing {
            preparation,
            columns: &mut self.columns,
            part: &mut self.part,
            are_ready: &mut self.are_ready,
            index: &mut self.index,
            sink,
            is_wanted: false,
            content: RowContent::default(),
        });
        match self.index.as_mut().and_then(|index| index.refused.take()) {
            Some(message) => Err(SourceError::new(message)),
            None => filled,
        }
    }

    fn rows(&self) -> Option<usize> {
        self.source.rows()
    }

    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(Prepared::shared(
            self.source.again()?,
            self.preparation.clone(),
        )))
    }
}

/// Passes prepared rows to a sink. A source ends a row before `fill` returns, so this needs no state between calls.
struct Preparing<'a> {
    preparation: &'a Preparation,
    /// By column.
    columns: &'a mut Vec<Option<Treatment>>,
    part: &'a mut usize,
    are_ready: &'a mut bool,
    index: &'a mut Option<Index>,
    sink: &'a mut dyn Sink,
    /// Whether the sink takes the current row.
    is_wanted: bool,
    content: RowContent,
}

impl Preparing<'_> {
    /// Notes whether the row above the current one is missing.
    fn read_index(&mut self, label: Label<'_>) {
        let Label::Int(label) = label else {
            // Dates and texts do not show whether a row is missing.
            *self.index = None;
            return;
        };
        if self.index.as_mut().is_some_and(|index| index.begin(label)) {
            let fills = self
                .columns
                .iter_mut()
                .flatten()
                .filter_map(|treatment| treatment.fill.as_mut());
            fills.for_each(|fill| fill.is_torn = true);
        }
    }

    /// Returns whether the current row is one of totals.
    fn is_total(&self) -> bool {
        let required = (1 << self.preparation.required.len()) - 1;
        let RowContent { given, titles, .. } = self.content;
        self.content.has_title && is_total_row(given, titles, required)
    }

    /// Returns whether the current row has only a name, such as "Checked by Jo", in a table with more columns than
    /// those that make an asset. With the values of the row above, it would be an asset.
    fn is_only_a_name(&self) -> bool {
        let own = |treatment: &&Treatment| treatment.part == *self.part;
        let columns = || self.columns.iter().flatten().filter(own);
        let filled = columns().filter(|treatment| treatment.fill.is_some() && treatment.required != 0);
        self.content.given == NAME
            && !self.content.has_more
            && filled.count() > 1
            && columns().any(|treatment| treatment.fill.is_none() && treatment.required == 0)
    }
}

impl Sink for Preparing<'_> {
    fn column(&mut self, name: &str) -> Column {
        let column = self.sink.column(name);
        *self.are_ready |= name == ROW_OF_RUN;
        let index = column.0 as usize;
        if self.columns.len() <= index {
            self.columns.resize_with(index + 1, || None);
        }
        self.columns[index].get_or_insert_with(|| self.preparation.treatment(name, *self.part));
        column
    }

    fn part(&mut self, part: usize) {
        *self.part = part;
        self.sink.part(part);
    }

    fn begin(&mut self, label: Label<'_>) -> bool {
        self.is_wanted = self.sink.begin(label);
        self.content = RowContent::default();
        self.read_index(label);
        // The cells of a row that is not needed may still fill the rows below it.
        self.is_wanted || !self.preparation.fill_down.is_empty()
    }

    fn cell(&mut self, column: Column, value: &Cell<'_>) {
        let mut treatment = self.columns.get_mut(column.0 as usize).and_then(Option::as_mut);
        let new = treatment.as_ref().and_then(|treatment| {
            let (_, values) = &self.preparation.values[treatment.values?];
            values.replaced(value, treatment.has_items, *self.are_ready)
        });
        let new = new.as_ref().map(NewCell::cell);
        let new = new.as_ref().unwrap_or(value);
        if !*self.are_ready {
            let is_title = self.content.note(value, new, treatment.as_deref());
            if let Some(fill) = treatment.as_mut().and_then(|treatment| treatment.fill.as_mut()) {
                fill.note(new, is_title);
                if new.is_blank() {
                    // Whether the cell is filled depends on the rest of the row.
                    return;
                }
            }
        }
        if self.is_wanted {
            self.sink.cell(column, new);
        }
    }

    fn broken(&mut self, label: Label<'_>, found: &str) {
        self.sink.broken(label, found);
    }

    fn end(&mut self) {
        let is_total = self.is_total();
        let is_heading = self.content.headings.are_repeated();
        let fills = !is_total && !is_heading && !self.is_only_a_name();
        for (index, treatment) in (0_u32..).zip(self.columns.iter_mut()) {
            let Some(Treatment {
                part,
                name,
                fill: Some(fill),
                ..
            }) = treatment
            else {
                continue;
            };
            // A row has no cells in the columns of other parts.
            if *part != *self.part {
                continue;
            }
            if *self.are_ready {
                break;
            }
            let above = fill.above.as_ref().filter(|_| fills);
            match std::mem::take(&mut fill.current) {
                // "Total" is no category of the rows below.
                Current::Given { is_title: true, .. } if is_total => {}
                Current::Given { .. } if is_heading => {}
                Current::Given { value, .. } => {
                    fill.is_torn = false;
                    if value.is_some() {
                        fill.above = value;
                    }
                }
                Current::Absent | Current::Blank if !self.is_wanted => {}
                current => {
                    if let (true, true, Some(index)) = (fill.is_torn, fills, self.index.as_mut()) {
                        index.refuse(name);
                    }
                    match (above, current) {
                        (Some(above), _) => {
                            self.sink.filled(Column(index));
                            self.sink.cell(Column(index), &above.cell());
                        }
                        (None, Current::Blank) => self.sink.cell(Column(index), &Cell::Null),
                        (None, _) => {}
                    }
                }
            }
        }
        if self.is_wanted {
            self.sink.end();
        }
    }

    fn full(&self) -> bool {
        self.sink.full()
    }
}
