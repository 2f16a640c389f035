//! Builds a page from rows, one by one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::column::PageColumn;
use super::members::{ATTRIBUTES_OBJECT, Level, Member, Members, ROW, Role, Slot, attribute_column};
use super::named_columns::Columns;
use super::odd::{count_members, identity, values};
use super::page::Page;
use super::shapes::Shapes;
use crate::model::scan::{Number, Odd, Scanner};

/// The maximum numbers of columns and cells on a page, both far higher than in real projects. Without these
/// limits, memory would grow with the square of the number of rows if each row had different members.
const MOST_COLUMNS: usize = 20_000;
const MOST_CELLS: usize = 4 << 20;

/// The rows in a response have more distinct members or more cells than a page can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its rows have more than {MOST_COLUMNS} distinct members, or {MOST_CELLS} cells")]
pub struct TooWide;

/// Builds columns from rows, one by one.
#[derive(Debug)]
pub struct Builder {
    rows: usize,
    columns: Columns,
    members: Members,
    shapes: Shapes,
    odd: HashMap<usize, Box<str>>,
    /// The digest of the current row's id.
    id: Option<u64>,
    bytes: usize,
    /// Whether a row was rejected because it has too many members.
    overflow: bool,
}

impl Builder {
    /// Creates a builder for approximately this many rows.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        Self {
            rows: 0,
            columns: Columns::new(rows),
            members: Members::new(),
            shapes: Shapes::new(rows),
            odd: HashMap::new(),
            id: None,
            bytes: 0,
            overflow: false,
        }
    }

    /// Returns whether the rows have more distinct members or cells than a page can hold.
    pub(super) fn is_too_wide(&self) -> bool {
        let columns = self.columns.all.len().max(self.members.known.len());
        self.overflow || columns > MOST_COLUMNS || columns.saturating_mul(self.rows) > MOST_CELLS
    }

    /// Adds a row given as JSON.
    pub fn push(&mut self, raw: &str) {
        self.push_watched(raw, &[], &mut Vec::new());
    }

    /// Adds a row given as JSON. Stores the ranges of the row's watched members in `shown`. Returns the
    /// digest of the row's id.
    pub(super) fn push_watched(
        &mut self,
        raw: &str,
        watched: &[&str],
        shown: &mut Vec<Option<Range<usize>>>,
    ) -> Option<u64> {
        let before = shown.len();
        let scanner = &mut Scanner::new(raw);
        scanner.next();
        self.bytes += raw.len();
        match self.read_object(scanner, watched, shown) {
            Ok(()) if scanner.is_at_end() => self.end_row(),
            _ if self.is_too_wide() => {}
            _ => self.push_odd(raw, watched, shown, before),
        }
        self.id
    }

    /// Reads a row that starts at the current position.
    pub(super) fn read(
        &mut self,
        scanner: &mut Scanner<'_>,
        watched: &[&str],
        shown: &mut Vec<Option<Range<usize>>>,
    ) -> Result<Option<u64>, Odd> {
        let (start, before) = (scanner.at, shown.len());
        if self.read_object(scanner, watched, shown).is_ok() {
            self.end_row();
        } else if self.is_too_wide() {
            return Err(Odd);
        } else {
            scanner.at = start;
            scanner.skip(1)?;
            self.push_odd(scanner.since(start), watched, shown, before);
            for shown in &mut shown[before..] {
                *shown = shown.take().map(|shown| shown.start + start..shown.end + start);
            }
        }
        self.bytes += scanner.at - start;
        Ok(self.id)
    }

    fn read_object(
        &mut self,
        scanner: &mut Scanner<'_>,
        watched: &[&str],
        shown: &mut Vec<Option<Range<usize>>>,
    ) -> Result<(), Odd> {
        let before = shown.len();
        shown.resize(before + watched.len(), None);
        self.shapes.begin_row();
        self.id = None;
        if scanner.peek() != b'{' {
            return Err(Odd);
        }
        if !scanner.begin(b'}') {
            return Ok(());
        }
        let (mut last, mut has_attributes) = (ROW, false);
        loop {
            if self.members.known.len() > MOST_COLUMNS {
                return Err(Odd);
            }
            let member = self.members.read(scanner, Level::Row, last, watched)?;
            last = member;
            let (first, start) = (scanner.peek(), scanner.at);
            let known = &self.members.known[member];
            let (role, watch) = (known.role, known.watched);
            match role {
                Role::Id if first == b'"' => self.read_id(scanner, member)?,
                // The slow reader handles numeric ids, and keeps them as written.
                Role::Id if first == b'-' || first.is_ascii_digit() => return Err(Odd),
                Role::Misprinted if first == b'"' => return Err(Odd),
                // The member is a duplicate.
                Role::Attributes if has_attributes => return Err(Odd),
                Role::Attributes if first == b'{' => self.attributes(scanner)?,
                Role::Plain | Role::Id | Role::Misprinted | Role::Attributes => {
                    self.value(scanner, member, first)?;
                }
                Role::Clash => return Err(Odd),
            }
            has_attributes |= role == Role::Attributes;
            if let Some(watch) = watch {
                shown[before + watch] = Some(start..scanner.at);
            }
            if !scanner.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    fn read_id(&mut self, scanner: &mut Scanner<'_>, member: usize) -> Result<(), Odd> {
        let (text, escaped) = scanner.string()?;
        if escaped {
            return Err(Odd);
        }
        self.shapes.add(member)?;
        self.id = Some(xxh3_64(text.as_bytes()));
        self.column(member)?.push_text(text);
        Ok(())
    }

    fn attributes(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Odd> {
        self.shapes.add(ATTRIBUTES_OBJECT)?;
        if !scanner.begin(b'}') {
            return Ok(());
        }
        let mut last = ATTRIBUTES_OBJECT;
        loop {
            if self.members.known.len() > MOST_COLUMNS {
                return Err(Odd);
            }
            let member = self.members.read(scanner, Level::Attributes, last, &[])?;
            last = member;
            let first = scanner.peek();
            self.value(scanner, member, first)?;
            if !scanner.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads a value into its member's column.
    #[inline]
    fn value(&mut self, scanner: &mut Scanner<'_>, member: usize, first: u8) -> Result<(), Odd> {
        self.shapes.add(member)?;
        let start = scanner.at;
        let column = self.column(member)?;
        match first {
            b'"' => column.read_text(scanner)?,
            b't' => {
                scanner.literal(b"true")?;
                column.push_bool(true);
            }
            b'f' => {
                scanner.literal(b"false")?;
                column.push_bool(false);
            }
            b'n' => {
                scanner.literal(b"null")?;
                column.push_null();
            }
            b'[' | b'{' => {
                if first == b'[' {
                    let mut texts = Vec::new();
                    if texts_of(scanner, &mut texts).is_ok() {
                        column.push_list(&texts);
                        return Ok(());
                    }
                    scanner.at = start;
                }
                let doubtful = scanner.skip(1)?;
                let token = scanner.since(start);
                if doubtful {
                    serde_json::from_str::<Value>(token).map_err(|_| Odd)?;
                }
                column.push_json(token);
            }
            _ => match scanner.number()? {
                Number::Int(number) => column.push_int(number),
                Number::Float(number) => column.push_float(number),
                Number::Large => column.push_json(scanner.since(start)),
            },
        }
        Ok(())
    }

    /// Returns the column of a member, padded up to the current row.
    #[inline]
    fn column(&mut self, member: usize) -> Result<&mut PageColumn, Odd> {
        let known = &self.members.known[member];
        let is_field = known.level == Level::Row;
        let at = match known.column {
            Some(at) => at,
            None => self.new_column(member),
        };
        self.columns.filled(at, self.rows, is_field)
    }

    #[cold]
    fn new_column(&mut self, member: usize) -> usize {
        let known = &self.members.known[member];
        let name = match known.level {
            Level::Attributes => attribute_column(&known.name),
            Level::Row => known.name.clone(),
        };
        let at = self.columns.named(name);
        self.members.known[member].column = Some(at);
        at
    }

    fn end_row(&mut self) {
        self.shapes.end_row();
        self.rows += 1;
    }

    /// Adds a row that only the slow reader can parse.
    #[cold]
    fn push_odd(
        &mut self,
        raw: &str,
        watched: &[&str],
        shown: &mut Vec<Option<Range<usize>>>,
        before: usize,
    ) {
        // Count members before parsing values, which need far more memory.
        if count_members(raw) > MOST_COLUMNS {
            self.overflow = true;
            return;
        }
        self.columns.truncate(self.rows);
        shown.truncate(before);
        let (id, ranges) = identity(raw, watched);
        self.id = id;
        shown.extend(ranges);
        for (name, is_field, value) in values(raw) {
            self.push_value(name, is_field, &value);
        }
        self.odd.insert(self.rows, raw.into());
        self.shapes.end_odd_row();
        self.rows += 1;
    }

    fn push_value(&mut self, name: Arc<str>, is_field: bool, value: &Value) {
        let at = self.columns.named(name);
        // An attribute may have the name of a field of its row. The field takes precedence.
        self.columns.all[at].truncate(self.rows);
        if let Ok(column) = self.columns.filled(at, self.rows, is_field) {
            column.push_value(value);
        }
    }

    /// Returns the page.
    ///
    /// # Errors
    /// [`TooWide`] if the rows have too many members or cells.
    pub fn build(self) -> Result<Page, TooWide> {
        if self.is_too_wide() {
            return Err(TooWide);
        }
        Ok(self.finish())
    }

    /// Returns the page. Must be called only if no row was rejected.
    pub(super) fn finish(self) -> Page {
        let members = self.members.known.into_iter().map(|known| {
            let slot = |column| Slot {
                name: known.name.clone(),
                column,
            };
            match (known.column, known.level) {
                (Some(column), Level::Row) => Member::Value(slot(column)),
                (Some(column), Level::Attributes) => Member::Attribute(slot(column)),
                (None, _) => Member::Attributes(known.name.clone()),
            }
        });
        let (shapes, shape_of) = self.shapes.finish();
        let (columns, order) = self.columns.finish();
        Page {
            rows: self.rows,
            bytes: self.bytes,
            members: members.collect(),
            columns,
            order,
            shapes,
            shape_of,
            odd: self.odd,
        }
    }
}

/// Reads a list of strings.
fn texts_of<'a>(scanner: &mut Scanner<'a>, texts: &mut Vec<Cow<'a, str>>) -> Result<bool, Odd> {
    scanner.items(b']', |scanner| {
        let start = scanner.at;
        if scanner.peek() != b'"' {
            return Err(Odd);
        }
        let (text, escaped) = scanner.string()?;
        texts.push(if escaped {
            Cow::Owned(serde_json::from_str(scanner.since(start)).map_err(|_| Odd)?)
        } else {
            Cow::Borrowed(text)
        });
        Ok(false)
    })
}

impl Page {
    /// Creates a page from rows given as JSON.
    ///
    /// # Errors
    /// [`TooWide`] if the rows have too many distinct members or cells.
    pub fn of<'r>(rows: impl Iterator<Item = &'r str>) -> Result<Self, TooWide> {
        let mut builder = Builder::new(0);
        rows.for_each(|row| builder.push(row));
        builder.build()
    }
}
