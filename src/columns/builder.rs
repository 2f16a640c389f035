//! Builds a page from rows, one by one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::column::{Column, fit};
use super::page::{Page, read_row};
use super::shape::{
    ATTRIBUTES, ATTRIBUTES_OBJECT, Level, Member, Members, ROW, Role, Slot, attribute_number,
};
use crate::model::asset::{keyed, members, range_in};
use crate::model::scan::{Number, Odd, Scanner};

/// The maximum numbers of columns and cells on a page, both far higher than in real projects. Without these
/// limits, memory would grow with the square of the number of rows if each row had different members.
const MOST_COLUMNS: usize = 20_000;
const MOST_CELLS: usize = 4 << 20;

/// The maximum numbers of rows and columns to reserve memory for. Larger pages are rare.
const MOST_CAPACITY: usize = 1024;
const MOST_USUAL: usize = 512;

/// Marks a row that was read by the slow reader.
const NO_SHAPE: u32 = u32::MAX;

/// The rows in a response have more distinct members or more cells than a page can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its rows have more than {MOST_COLUMNS} distinct members, or {MOST_CELLS} cells")]
pub struct TooWide;

/// Builds columns from rows, one by one.
#[derive(Debug)]
pub struct Builder {
    rows: usize,
    /// The expected number of rows.
    capacity: usize,
    columns: Vec<Column>,
    by_name: HashMap<Arc<str>, usize>,
    members: Members,
    /// The members of the current row.
    shape: Vec<u32>,
    shapes: Vec<Box<[u32]>>,
    /// The index of each shape in `shapes`, keyed by a digest of the shape's members.
    by_shape: HashMap<u64, u32>,
    shape_of: Vec<u32>,
    odd: HashMap<usize, Box<str>>,
    id: Option<u64>,
    /// The number of columns seen so far.
    seen: usize,
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
            capacity: rows.min(MOST_CAPACITY),
            columns: Vec::new(),
            by_name: HashMap::new(),
            members: Members::new(),
            shape: Vec::new(),
            shapes: Vec::new(),
            by_shape: HashMap::new(),
            shape_of: Vec::with_capacity(rows),
            odd: HashMap::new(),
            id: None,
            seen: 0,
            bytes: 0,
            overflow: false,
        }
    }

    /// Returns whether the rows have more distinct members or cells than a page can hold.
    pub(super) fn is_too_wide(&self) -> bool {
        let columns = self.columns.len().max(self.members.known.len());
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
        self.shape.clear();
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
        self.shape.push(index(member)?);
        self.id = Some(xxh3_64(text.as_bytes()));
        self.column(member)?.push_text(text);
        Ok(())
    }

    fn attributes(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Odd> {
        self.shape.push(index(ATTRIBUTES_OBJECT)?);
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
        self.shape.push(index(member)?);
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
    fn column(&mut self, member: usize) -> Result<&mut Column, Odd> {
        let known = &self.members.known[member];
        let is_field = known.level == Level::Row;
        let at = match known.column {
            Some(at) => at,
            None => self.new_column(member),
        };
        self.filled(at, is_field)
    }

    #[cold]
    fn new_column(&mut self, member: usize) -> usize {
        let known = &self.members.known[member];
        let name = match known.level {
            Level::Attributes => attribute_column(&known.name),
            Level::Row => known.name.clone(),
        };
        let at = self.column_named(name);
        self.members.known[member].column = Some(at);
        at
    }

    fn column_named(&mut self, name: Arc<str>) -> usize {
        *self.by_name.entry(name).or_insert_with_key(|name| {
            let is_usual = self.columns.len() < MOST_USUAL;
            let capacity = if is_usual { self.capacity } else { 0 };
            self.columns.push(Column::new(name.clone(), capacity));
            self.columns.len() - 1
        })
    }

    #[inline]
    fn filled(&mut self, at: usize, is_field: bool) -> Result<&mut Column, Odd> {
        let column = &mut self.columns[at];
        if column.seen.is_none() {
            column.seen = Some((self.rows, is_field, self.seen));
            self.seen += 1;
        }
        // The member is a duplicate.
        if column.pad(self.rows) {
            Ok(column)
        } else {
            Err(Odd)
        }
    }

    fn end_row(&mut self) {
        let last = self.shape_of.last().copied();
        let shape = match last.filter(|shape| self.is_shape(*shape)) {
            Some(shape) => shape,
            None => self.find_shape(),
        };
        self.shape_of.push(shape);
        self.rows += 1;
    }

    /// Returns whether the current row has this shape.
    fn is_shape(&self, shape: u32) -> bool {
        let shape = self.shapes.get(shape as usize);
        shape.is_some_and(|shape| **shape == *self.shape)
    }

    fn find_shape(&mut self) -> u32 {
        let digest = self.shape.iter().fold(0, |digest: u64, member| {
            (digest ^ u64::from(*member))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        });
        let known = self.by_shape.get(&digest).copied();
        if let Some(shape) = known.filter(|shape| self.is_shape(*shape)) {
            return shape;
        }
        let shape = u32::try_from(self.shapes.len()).unwrap_or(NO_SHAPE);
        self.shapes.push(self.shape.as_slice().into());
        self.by_shape.insert(digest, shape);
        shape
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
        if members_of(raw) > MOST_COLUMNS {
            self.overflow = true;
            return;
        }
        let rows = self.rows;
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
        shown.truncate(before);
        shown.resize(before + watched.len(), None);
        self.id = None;
        if let Ok(entry) = serde_json::from_str::<&RawValue>(raw) {
            let mut found = Vec::new();
            let id = members(entry, watched, &mut found);
            self.id = id.map(|id| xxh3_64(id.as_bytes()));
            for (shown, found) in shown[before..].iter_mut().zip(found) {
                *shown = found.map(|found| range_in(raw.as_bytes(), found));
            }
        }
        let mut row = read_row(raw);
        let attributes = match row.get_mut(ATTRIBUTES) {
            Some(Value::Object(attributes)) => std::mem::take(attributes),
            _ => Map::new(),
        };
        for (name, value) in attributes {
            // An attribute with the name of a field must not replace the field.
            let column = if row.contains_key(&name) {
                format!("{ATTRIBUTES}.{name}").into()
            } else {
                attribute_column(&name)
            };
            self.push_value(column, false, &value);
        }
        for (name, value) in row {
            if name != ATTRIBUTES || !value.is_object() {
                self.push_value(name.into(), true, &value);
            }
        }
        self.odd.insert(rows, raw.into());
        self.shape_of.push(NO_SHAPE);
        self.rows += 1;
    }

    fn push_value(&mut self, name: Arc<str>, is_field: bool, value: &Value) {
        let (at, rows) = (self.column_named(name), self.rows);
        // An attribute may have the name of a field of its row. The field takes precedence.
        self.columns[at].truncate(rows);
        if let Ok(column) = self.filled(at, is_field) {
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
    pub(super) fn finish(mut self) -> Page {
        self.columns.iter_mut().for_each(Column::seal);
        fit(&mut self.shape_of);
        let mut order: Vec<usize> = (0..self.columns.len())
            .filter(|at| self.columns[*at].seen.is_some())
            .collect();
        order.sort_by_key(|at| self.columns[*at].seen);
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
        Page {
            rows: self.rows,
            bytes: self.bytes,
            members: members.collect(),
            columns: self.columns.into_iter().map(Arc::new).collect(),
            order,
            shapes: self.shapes,
            shape_of: self.shape_of,
            odd: self.odd,
        }
    }
}

/// Counts the members and custom attributes of a row.
fn members_of(raw: &str) -> usize {
    let row = keyed(raw.as_bytes()).unwrap_or_default();
    let attributes = row.iter().filter(|(name, _)| name == ATTRIBUTES);
    let attributes =
        attributes.map(|(_, raw)| keyed(raw.get().as_bytes()).map_or(0, |members| members.len()));
    attributes.sum::<usize>() + row.len()
}

/// Returns the column name for a custom attribute.
fn attribute_column(name: &str) -> Arc<str> {
    if attribute_number(name).is_some() {
        name.into()
    } else {
        format!("{ATTRIBUTES}.{name}").into()
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

fn index(member: usize) -> Result<u32, Odd> {
    u32::try_from(member).map_err(|_| Odd)
}
