//! Selects rows of a source, and adds the id of its asset to each of them.

use std::collections::BTreeMap;

use super::cell::Cell;
use super::sheet::ROW_OF_RUN;
use super::source::{Column, Label, More, Sink, Source, SourceError};

/// The rows to select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The name of the column of ids. A column of the source with this name is dropped.
    column: String,
    /// The ids, by the position of the row in the source.
    ids: BTreeMap<u32, Box<str>>,
    /// The number of rows in the source.
    of: usize,
}

impl Selection {
    /// Selects the rows at these positions of a source with `of` rows.
    #[must_use]
    pub fn new(column: String, ids: BTreeMap<u32, Box<str>>, of: usize) -> Self {
        Self { column, ids, of }
    }

    /// Returns the number of selected rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns whether no row is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns the positions of the selected rows in the source.
    pub fn positions(&self) -> impl Iterator<Item = u32> {
        self.ids.keys().copied()
    }

    /// Returns the number of rows in the source.
    #[must_use]
    pub fn of(&self) -> usize {
        self.of
    }
}

/// A source of selected rows.
pub struct Selected<S, T> {
    source: S,
    selection: Option<T>,
    /// The position of the next row in the source.
    next: u32,
    /// The part of the current row.
    part: usize,
    /// The column of ids of each part, once it is known.
    id_columns: BTreeMap<usize, Column>,
    /// The columns of the source that are left out: those of ids, and the one that identifies rows of a run, which does not
    /// apply to the rows of another call.
    ignored: Vec<Column>,
}

impl<S, T: AsRef<Selection>> Selected<S, T> {
    /// Selects rows of a source. If `selection` is `None`, all rows are passed on unchanged.
    pub fn new(source: S, selection: Option<T>) -> Self {
        Self {
            source,
            selection,
            next: 0,
            part: 0,
            id_columns: BTreeMap::new(),
            ignored: Vec::new(),
        }
    }

    /// Returns the source of all rows.
    pub fn inner(&self) -> &S {
        &self.source
    }
}

impl<S: Source, T: AsRef<Selection> + Clone + Send + 'static> Source for Selected<S, T> {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let Some(selection) = &self.selection else {
            return self.source.fill(sink);
        };
        self.source.fill(&mut Selecting {
            selection: selection.as_ref(),
            next: &mut self.next,
            part: &mut self.part,
            id_columns: &mut self.id_columns,
            ignored: &mut self.ignored,
            sink,
            id: None,
            is_last_selected: false,
        })
    }

    fn rows(&self) -> Option<usize> {
        match &self.selection {
            Some(selection) => Some(selection.as_ref().len()),
            None => self.source.rows(),
        }
    }

    fn again(&self) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(Selected::new(
            self.source.again()?,
            self.selection.clone(),
        )))
    }
}

/// Passes selected rows to a sink. A source ends a row before `fill` returns, so this needs no state between calls.
struct Selecting<'a> {
    selection: &'a Selection,
    next: &'a mut u32,
    part: &'a mut usize,
    id_columns: &'a mut BTreeMap<usize, Column>,
    ignored: &'a mut Vec<Column>,
    sink: &'a mut dyn Sink,
    /// The id of the current row, if the sink takes this row.
    id: Option<&'a str>,
    is_last_selected: bool,
}

/// Reading pauses after this many rows that are not selected, to let other Python threads run.
const PAUSE: u32 = 1024;

impl<'a> Selecting<'a> {
    /// Returns the id of the next row, if the row is selected.
    fn next_id(&mut self) -> Option<&'a str> {
        let id = self.selection.ids.get(&*self.next);
        *self.next = self.next.saturating_add(1);
        self.is_last_selected = id.is_some();
        id.map(AsRef::as_ref)
    }
}

impl Sink for Selecting<'_> {
    fn column(&mut self, name: &str) -> Column {
        let column = self.sink.column(name);
        let is_id = name == self.selection.column;
        if is_id {
            self.id_columns.insert(*self.part, column);
        }
        if is_id || name == ROW_OF_RUN {
            self.ignored.push(column);
        }
        column
    }

    fn part(&mut self, part: usize) {
        *self.part = part;
        self.sink.part(part);
    }

    fn begin(&mut self, label: Label<'_>) -> bool {
        let id = self.next_id();
        self.id = id.filter(|_| self.sink.begin(label));
        self.id.is_some()
    }

    fn cell(&mut self, column: Column, value: &Cell<'_>) {
        if self.id.is_some() && !self.ignored.contains(&column) {
            self.sink.cell(column, value);
        }
    }

    fn broken(&mut self, label: Label<'_>, found: &str) {
        if self.next_id().is_some() {
            self.sink.broken(label, found);
        }
    }

    fn filled(&mut self, column: Column) {
        if self.id.is_some() && !self.ignored.contains(&column) {
            self.sink.filled(column);
        }
    }

    fn end(&mut self) {
        let Some(id) = self.id.take() else { return };
        let name = &self.selection.column;
        let own = self.id_columns.entry(*self.part);
        let column = *own.or_insert_with(|| self.sink.column(name));
        self.sink.cell(column, &Cell::Text(id));
        self.sink.end();
    }

    fn full(&self) -> bool {
        if self.is_last_selected {
            self.sink.full()
        } else {
            self.next.is_multiple_of(PAUSE)
        }
    }
}
