//! A table of pages.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::column::PageColumn;
use super::kind::{Kinds, Type, first};
use super::page::{Page, sort_key};

/// Rows from responses, stored as columns.
#[derive(Debug, Clone, Default)]
pub struct Table {
    runs: Vec<Run>,
    rows: usize,
    /// Requested ids that were not returned.
    pub missing: Vec<String>,
    /// What the caller should know about the requested rows.
    pub warnings: Vec<String>,
    /// The columns to show if the table has no rows. If no names are given, the fields of every asset are
    /// shown.
    pub names: Vec<String>,
}

/// Consecutively numbered rows from one page.
#[derive(Debug, Clone)]
struct Run {
    /// The number of the first row, and its index in the table.
    number: u32,
    index: usize,
    page: Arc<Page>,
    from: usize,
    rows: usize,
}

/// Consecutive rows in a table that come from one page.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'t> {
    page: &'t Page,
    /// The page's columns, in the order of the layout.
    pub columns: &'t [Option<Arc<PageColumn>>],
    pub from: usize,
    pub to: usize,
}

/// The columns of a table, by page.
#[derive(Debug, Clone)]
pub struct Layout {
    pub fields: Vec<(Arc<str>, Type)>,
    runs: Vec<Run>,
    /// The columns of each distinct page, and the page that each segment comes from.
    columns: Vec<Vec<Option<Arc<PageColumn>>>>,
    of_run: Vec<usize>,
    pub rows: usize,
}

impl Table {
    /// Adds the rows of a page, with their numbers.
    pub fn add(&mut self, page: Page, numbers: impl IntoIterator<Item = u32>) {
        let page = Arc::new(page);
        for (row, number) in numbers.into_iter().enumerate().take(page.rows()) {
            match self.runs.last_mut() {
                Some(run) if row > 0 && u64::from(run.number) + run.rows as u64 == u64::from(number) => {
                    run.rows += 1;
                }
                _ => self.runs.push(Run {
                    number,
                    index: self.rows,
                    page: page.clone(),
                    from: row,
                    rows: 1,
                }),
            }
            self.rows += 1;
        }
    }

    /// Adds the rows of another table, with their numbers.
    pub fn append(&mut self, other: &Self) {
        let first = self.rows;
        self.runs.extend(other.runs.iter().cloned().map(|mut run| {
            run.index += first;
            run
        }));
        self.rows += other.rows;
    }

    /// Selects the rows at these positions, and numbers them from 0. `missing` still covers the whole table.
    #[must_use]
    pub fn take(&self, positions: impl IntoIterator<Item = usize>) -> Self {
        let mut taken = Self {
            missing: self.missing.clone(),
            ..Self::default()
        };
        for (number, position) in positions.into_iter().enumerate() {
            let at = self.runs.partition_point(|run| run.index + run.rows <= position);
            let Some(run) = self.runs.get(at) else { continue };
            let from = run.from + (position - run.index);
            match taken.runs.last_mut() {
                Some(last) if Arc::ptr_eq(&last.page, &run.page) && last.from + last.rows == from => {
                    last.rows += 1;
                }
                _ => taken.runs.push(Run {
                    number: u32::try_from(number).unwrap_or(u32::MAX),
                    index: number,
                    page: run.page.clone(),
                    from,
                    rows: 1,
                }),
            }
            taken.rows += 1;
        }
        taken
    }

    /// Returns the number of each row.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        let rows = |run: &Run| u32::try_from(run.rows).unwrap_or(u32::MAX);
        self.runs
            .iter()
            .flat_map(move |run| run.number..run.number.saturating_add(rows(run)))
    }

    /// Sorts the rows by number, since responses arrive in any order.
    pub fn sort(&mut self) {
        self.runs.sort_by_key(|run| run.number);
        let mut index = 0;
        for run in &mut self.runs {
            run.index = index;
            index += run.rows;
        }
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Finds the page that contains a row, and the row's index on that page.
    #[must_use]
    pub fn find(&self, index: usize) -> Option<(&Page, usize)> {
        let at = self
            .runs
            .partition_point(|run| run.index <= index)
            .checked_sub(1)?;
        let run = &self.runs[at];
        let row = index - run.index;
        (row < run.rows).then(|| (&*run.page, run.from + row))
    }

    /// Returns a row as JSON.
    #[must_use]
    pub fn json(&self, index: usize) -> Option<Cow<'_, str>> {
        self.find(index).map(|(page, row)| page.json(row))
    }

    /// Returns a row. A row that is not an object has its value under `value`.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<Map<String, Value>> {
        self.find(index).map(|(page, row)| page.row(row))
    }

    /// Returns the id of a row.
    #[must_use]
    pub fn id(&self, index: usize) -> Option<Cow<'_, str>> {
        let (page, row) = self.find(index)?;
        page.id(row)
    }

    /// Returns the digests of the ids of all rows.
    #[must_use]
    pub fn digests(&self) -> HashSet<u64> {
        let ids = (0..self.len()).filter_map(|index| self.id(index));
        ids.map(|id| xxh3_64(id.as_bytes())).collect()
    }

    /// Returns the rows by page: each page with a range of its rows.
    pub fn parts(&self) -> impl Iterator<Item = (&Page, usize, usize)> {
        self.runs
            .iter()
            .map(|run| (&*run.page, run.from, run.from + run.rows))
    }

    /// Returns all rows.
    pub fn rows(&self) -> impl Iterator<Item = Map<String, Value>> {
        (0..self.len()).filter_map(|index| self.row(index))
    }

    /// Returns the columns of the pages: first the fields of every asset, then other members in order
    /// of appearance, then custom attributes by number. For a table without rows, see [`Self::names`].
    #[must_use]
    pub fn layout(&self) -> Layout {
        let mut names: Vec<(Arc<str>, Kinds)> = Vec::new();
        let mut indexes: HashMap<Arc<str>, usize> = HashMap::new();
        let mut pages: HashMap<*const Page, usize> = HashMap::new();
        let mut columns: Vec<Vec<Option<Arc<PageColumn>>>> = Vec::new();
        let mut of_run = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let page = *pages.entry(Arc::as_ptr(&run.page)).or_insert_with(|| {
                let mut found = Vec::new();
                for (_, column) in run.page.columns() {
                    let index = *indexes.entry(column.name.clone()).or_insert_with(|| {
                        names.push((column.name.clone(), Kinds::NONE));
                        names.len() - 1
                    });
                    names[index].1 = names[index].1.and(column.kinds);
                    if found.len() <= index {
                        found.resize(index + 1, None);
                    }
                    found[index] = Some(column.clone());
                }
                columns.push(found);
                columns.len() - 1
            });
            of_run.push(page);
        }
        if self.is_empty() {
            let own = self.names.iter().map(String::as_str);
            let fields = first().filter(|_| self.names.is_empty());
            names.extend(own.map(|name| (Arc::from(name), Kinds::NONE)));
            names.extend(fields.map(|name| (Arc::from(name), Kinds::NONE)));
        }
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|at| sort_key(&names[*at].0));
        for columns in &mut columns {
            *columns = order
                .iter()
                .map(|at| columns.get(*at).cloned().flatten())
                .collect();
        }
        let field = |at: &usize| {
            let (name, kinds) = &names[*at];
            (exported(name), Type::of(name, *kinds))
        };
        Layout {
            fields: order.iter().map(field).collect(),
            runs: self.runs.clone(),
            columns,
            of_run,
            rows: self.rows,
        }
    }
}

/// Returns the name that a column has in frames and in Arrow. Null characters are escaped, since Arrow passes
/// names as C strings.
fn exported(name: &Arc<str>) -> Arc<str> {
    if name.contains('\0') {
        name.replace('\0', "\\u0000").into()
    } else {
        name.clone()
    }
}

impl Segment<'_> {
    /// Returns the approximate size of the rows' JSON in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.page.bytes() / self.page.rows().max(1) * (self.to - self.from)
    }
}

impl Layout {
    /// Returns the segments, each with consecutive rows from one page.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        (0..self.runs.len()).map(|at| self.segment(at))
    }

    /// Returns the number of segments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns a column by page. A page without the column has `None`.
    pub fn column(&self, at: usize) -> impl Iterator<Item = Option<&Arc<PageColumn>>> {
        self.columns.iter().map(move |columns| columns.get(at)?.as_ref())
    }

    /// Replaces the values of a column by page, as returned by [`Self::column`].
    pub fn replace(&mut self, at: usize, values: Vec<Option<Arc<PageColumn>>>) {
        for (columns, value) in self.columns.iter_mut().zip(values) {
            if let Some(column) = columns.get_mut(at) {
                *column = value;
            }
        }
    }

    /// Adds the columns with these names that no page has.
    pub fn add<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            if self.fields.iter().all(|(known, _)| **known != *name) {
                self.fields.push((name.into(), Type::of(name, Kinds::NONE)));
                self.columns.iter_mut().for_each(|columns| columns.push(None));
            }
        }
    }

    /// Drops the columns without values whose name fits.
    pub fn drop_empty(&mut self, fits: impl Fn(&str) -> bool) {
        let has_value = |at| {
            self.column(at)
                .flatten()
                .any(|column| column.kinds != Kinds::NONE)
        };
        let kept = |at: &usize| !fits(&self.fields[*at].0) || has_value(*at);
        self.select(&(0..self.fields.len()).filter(kept).collect::<Vec<_>>());
    }

    /// Sorts the columns by a key of their names. Columns with equal keys keep their order.
    pub fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&str) -> K) {
        let mut order: Vec<usize> = (0..self.fields.len()).collect();
        order.sort_by_key(|at| key(&self.fields[*at].0));
        self.select(&order);
    }

    /// Keeps the columns at these positions, in this order. Each position occurs once.
    fn select(&mut self, order: &[usize]) {
        self.fields = order.iter().map(|at| self.fields[*at].clone()).collect();
        for columns in &mut self.columns {
            *columns = order.iter().map(|at| columns.get_mut(*at)?.take()).collect();
        }
    }

    pub(super) fn segment(&self, at: usize) -> Segment<'_> {
        let run = &self.runs[at];
        Segment {
            page: &run.page,
            columns: &self.columns[self.of_run[at]],
            from: run.from,
            to: run.from + run.rows,
        }
    }
}
