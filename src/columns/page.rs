//! One response as columns, read in one pass.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::column::{Cell, Column};
use super::kind::FIRST;
use super::shape::{
    ATTRIBUTES, ATTRIBUTES_OBJECT, Level, Member, Members, ROW, Role, Slot, attribute_number,
};
use crate::model::asset::{entries, keyed, list, members};
use crate::model::scan::{Number, Odd, Scanner};
use crate::model::value;

/// Ends of texts are counted in 32 bits, and a value may be written longer than it came.
const MOST_BYTES: usize = 512 << 20;

/// No project has so many custom attributes, and no list so many rows with that many of them: if each row had
/// members of its own, memory would grow with the square of the rows.
const MOST_COLUMNS: usize = 20_000;
const MOST_CELLS: usize = 4 << 20;

/// Room is made for so many rows of so many columns at most: what comes after that is rare.
const MOST_CAPACITY: usize = 1024;
const MOST_USUAL: usize = 512;

/// The shape of a row that was read by the slow reader.
const NO_SHAPE: u32 = u32::MAX;

/// Rows as columns.
#[derive(Debug, Clone, Default)]
pub struct Page {
    rows: usize,
    /// How many bytes its rows took as JSON.
    bytes: usize,
    columns: Vec<Column>,
    /// The columns as a table shows them: by the row that first had each, and there attributes first.
    order: Vec<usize>,
    members: Vec<Member>,
    /// The members of rows that have the same, in their order.
    shapes: Vec<Box<[u32]>>,
    /// The shape of each row.
    shape_of: Vec<u32>,
    /// Rows that are no plain objects, as JSON.
    odd: HashMap<usize, Box<str>>,
}

/// A response with a list of rows.
#[derive(Debug)]
pub struct Received {
    body: Bytes,
    pub page: Page,
    /// Where each row is in the body, and a digest of its id.
    pub rows: Vec<(Range<usize>, Option<u64>)>,
    /// Where the watched members of each row are.
    shown: Vec<Option<Range<usize>>>,
    watched: usize,
    /// The other members of the body.
    members: Vec<(String, Range<usize>)>,
}

impl Received {
    /// Reads the rows under `member`, or those of a body that is the list; of each of them the `watched` members can be looked
    /// at.
    ///
    /// # Errors
    /// A text saying what is wrong with the body.
    pub fn read(body: &Bytes, member: Option<&str>, watched: &[&str]) -> Result<Self, String> {
        if body.len() > MOST_BYTES {
            return Err(format!("it is larger than {MOST_BYTES} bytes"));
        }
        let mut response = Self::empty(body, watched);
        let read = std::str::from_utf8(body)
            .map_err(|_| Odd)
            .and_then(|text| response.fast(text, member.ok_or(Odd)?, watched));
        if read.is_err() {
            response = Self::empty(body, watched);
            response.slow(body, member, watched)?;
        }
        Ok(response)
    }

    fn empty(body: &Bytes, watched: &[&str]) -> Self {
        Self {
            body: body.clone(),
            page: Page::default(),
            rows: Vec::new(),
            shown: Vec::new(),
            watched: watched.len(),
            members: Vec::new(),
        }
    }

    fn fast(&mut self, text: &str, member: &str, watched: &[&str]) -> Result<(), Odd> {
        let scanner = &mut Scanner::new(text);
        let mut page = None;
        scanner.object(|scanner, name| {
            if name == member && scanner.peek() == b'[' && page.is_none() {
                page = Some(self.fast_rows(scanner, watched)?);
            } else if name == member {
                return Err(Odd);
            } else {
                let start = scanner.at;
                scanner.skip(1)?;
                self.members.push((name.to_owned(), start..scanner.at));
            }
            Ok(())
        })?;
        self.page = page.filter(|_| scanner.is_at_end()).ok_or(Odd)?;
        Ok(())
    }

    fn fast_rows(&mut self, scanner: &mut Scanner<'_>, watched: &[&str]) -> Result<Page, Odd> {
        // About as many as there will be.
        let mut builder = Builder::new(self.body.len() / 512 + 8);
        scanner.items(b']', |scanner| {
            let start = scanner.at;
            let id = builder.read(scanner, watched, &mut self.shown)?;
            self.rows.push((start..scanner.at, id));
            if builder.is_too_wide() {
                return Err(Odd);
            }
            Ok(false)
        })?;
        Ok(builder.build())
    }

    fn slow(&mut self, body: &Bytes, member: Option<&str>, watched: &[&str]) -> Result<(), String> {
        let rows: Vec<&RawValue> = match member {
            Some(member) => list(body, member)?,
            None => entries(body)?,
        };
        let mut builder = Builder::new(rows.len());
        for raw in rows {
            let id = builder.push_watched(raw.get(), watched, &mut self.shown);
            let range = range_in(body, raw.get());
            for shown in self.shown.iter_mut().rev().take(watched.len()) {
                *shown = shown
                    .take()
                    .map(|shown| shown.start + range.start..shown.end + range.start);
            }
            self.rows.push((range, id));
            if builder.is_too_wide() {
                return Err(format!(
                    "{} rows have {} different members",
                    builder.rows,
                    builder.columns.len()
                ));
            }
        }
        self.page = builder.build();
        let members = if member.is_some() {
            keyed(body)?
        } else {
            Vec::new()
        };
        self.members = members
            .into_iter()
            .map(|(name, raw)| (name.into_owned(), range_in(body, raw.get())))
            .collect();
        Ok(())
    }

    /// A member of the body beside the rows, as JSON; the last one if it is repeated.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&str> {
        let (_, range) = self.members.iter().rev().find(|(member, _)| member == name)?;
        self.text(range)
    }

    /// A row as JSON.
    #[must_use]
    pub fn raw(&self, row: usize) -> Option<&str> {
        self.text(&self.rows.get(row)?.0)
    }

    /// The id of a row.
    #[must_use]
    pub fn id(&self, row: usize) -> Option<Cow<'_, str>> {
        let raw: &RawValue = serde_json::from_str(self.raw(row)?).ok()?;
        members(raw, &[], &mut Vec::new())
    }

    /// The watched members of a row, as JSON.
    pub fn shown(&self, row: usize) -> impl Iterator<Item = Option<&str>> {
        let shown = self.shown.iter().skip(row * self.watched).take(self.watched);
        shown.map(|range| range.as_ref().and_then(|range| self.text(range)))
    }

    /// The page with these rows only, in this order.
    #[must_use]
    pub fn only(self, rows: &[usize]) -> Page {
        if rows.iter().copied().eq(0..self.rows.len()) {
            return self.page;
        }
        Page::of(rows.iter().filter_map(|row| self.raw(*row)))
    }

    fn text(&self, range: &Range<usize>) -> Option<&str> {
        std::str::from_utf8(self.body.get(range.clone())?).ok()
    }
}

/// Where a part of a text is in it.
fn range_in(body: &[u8], part: &str) -> Range<usize> {
    // `part` was borrowed from `body`, so the difference of their addresses is its offset.
    let start = part.as_ptr() as usize - body.as_ptr() as usize;
    start..start + part.len()
}

impl Page {
    /// Rows that are JSON, each.
    pub fn of<'r>(rows: impl Iterator<Item = &'r str>) -> Self {
        let mut builder = Builder::new(0);
        rows.for_each(|row| builder.push(row));
        builder.build()
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes its rows took as JSON.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All columns, in the order in which rows first had them.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.order.iter().map(|at| (*at, &self.columns[*at]))
    }

    /// A column of a slot.
    #[must_use]
    pub fn column(&self, at: usize) -> &Column {
        &self.columns[at]
    }

    /// The members of all rows.
    pub fn all_members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// The members of a row in their order, each with its place among all; none for a row that has to be read by itself.
    #[must_use]
    pub fn members(&self, row: usize) -> Option<impl Iterator<Item = (usize, &Member)>> {
        let shape = self.shapes.get(*self.shape_of.get(row)? as usize)?;
        Some(
            shape
                .iter()
                .map(|member| (*member as usize, &self.members[*member as usize])),
        )
    }

    /// A row; one that is no object has its value under `value`.
    #[must_use]
    pub fn row(&self, row: usize) -> Map<String, Value> {
        let Some(members) = self.members(row) else {
            return read_row(self.odd.get(&row).map_or("", |raw| raw));
        };
        let mut object = Map::new();
        for (_, member) in members {
            match member {
                Member::Value(slot) => {
                    object.insert(
                        slot.name.to_string(),
                        self.columns[slot.column].cell(row).to_value(),
                    );
                }
                Member::Attributes(_) => {
                    object.insert(ATTRIBUTES.to_owned(), Map::new().into());
                }
                Member::Attribute(slot) => {
                    if let Some(Value::Object(attributes)) = object.get_mut(ATTRIBUTES) {
                        attributes.insert(
                            slot.name.to_string(),
                            self.columns[slot.column].cell(row).to_value(),
                        );
                    }
                }
            }
        }
        object
    }

    /// A row as JSON.
    #[must_use]
    pub fn json(&self, row: usize) -> Cow<'_, str> {
        match self.odd.get(&row) {
            Some(raw) => Cow::Borrowed(raw),
            None => Cow::Owned(Value::Object(self.row(row)).to_string()),
        }
    }

    /// The id of a row.
    #[must_use]
    pub fn id(&self, row: usize) -> Option<Cow<'_, str>> {
        if let Some(raw) = self.odd.get(&row) {
            let raw: &RawValue = serde_json::from_str(raw).ok()?;
            return members(raw, &[], &mut Vec::new());
        }
        self.members(row)?.find_map(|(_, member)| match member {
            Member::Value(slot) if &*slot.name == "id" => match self.columns[slot.column].cell(row) {
                Cell::Text(id) => Some(Cow::Borrowed(id)),
                // Other rows of the page have ids that are no text.
                json @ Cell::Json(_) => match json.to_value() {
                    Value::String(id) => Some(Cow::Owned(id)),
                    _ => None,
                },
                // Ids that are numbers are odd.
                _ => None,
            },
            _ => None,
        })
    }
}

/// Reads a row that is no plain object, or not as the service should print it.
fn read_row(raw: &str) -> Map<String, Value> {
    let value = value::read(raw).unwrap_or_default();
    let Value::Object(mut row) = value else {
        return std::iter::once(("value".to_owned(), value)).collect();
    };
    // The example of the PATCH assets:batch-patch page prints `"version": "2,"` and `"isActive": "true,"`.
    for name in ["version", "isActive"] {
        if let Some(Value::String(text)) = row.get(name)
            && let Ok(scalar @ (Value::Number(_) | Value::Bool(_))) =
                serde_json::from_str(text.trim().trim_end_matches(','))
        {
            row.insert(name.to_owned(), scalar);
        }
    }
    row
}

/// Puts rows into columns, one after another.
#[derive(Debug)]
pub struct Builder {
    rows: usize,
    /// About as many rows as will come.
    capacity: usize,
    columns: Vec<Column>,
    by_name: HashMap<Arc<str>, usize>,
    members: Members,
    /// The members of the row that is read.
    shape: Vec<u32>,
    shapes: Vec<Box<[u32]>>,
    /// Shapes by a digest of their members.
    by_shape: HashMap<u64, u32>,
    shape_of: Vec<u32>,
    odd: HashMap<usize, Box<str>>,
    id: Option<u64>,
    /// Columns that were seen so far.
    seen: usize,
    bytes: usize,
}

impl Builder {
    /// For about so many rows.
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
        }
    }

    fn is_too_wide(&self) -> bool {
        let columns = self.columns.len();
        columns > MOST_COLUMNS || columns.saturating_mul(self.rows) > MOST_CELLS
    }

    /// Adds a row, which is JSON.
    pub fn push(&mut self, raw: &str) {
        self.push_watched(raw, &[], &mut Vec::new());
    }

    /// Adds a row, which is JSON; where its watched members are in it goes to `shown`.
    fn push_watched(
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
            _ => self.push_odd(raw, watched, shown, before),
        }
        self.id
    }

    /// Reads a row that begins here.
    fn read(
        &mut self,
        scanner: &mut Scanner<'_>,
        watched: &[&str],
        shown: &mut Vec<Option<Range<usize>>>,
    ) -> Result<Option<u64>, Odd> {
        let (start, before) = (scanner.at, shown.len());
        if self.read_object(scanner, watched, shown).is_ok() {
            self.end_row();
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
            let member = self.members.read(scanner, Level::Row, last, watched)?;
            last = member;
            let (first, start) = (scanner.peek(), scanner.at);
            let known = &self.members.known[member];
            let (role, watch) = (known.role, known.watched);
            match role {
                Role::Id if first == b'"' => self.read_id(scanner, member)?,
                // Numbers are ids by how they are written.
                Role::Id if first == b'-' || first.is_ascii_digit() => return Err(Odd),
                Role::Misprinted if first == b'"' => return Err(Odd),
                // It comes twice.
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
            let member = self.members.read(scanner, Level::Attributes, last, &[])?;
            last = member;
            let first = scanner.peek();
            self.value(scanner, member, first)?;
            if !scanner.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads a value into the column of its member.
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

    /// The column of a member, filled up to the row that is read.
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
        // A member that comes twice.
        if column.pad(self.rows) {
            Ok(column)
        } else {
            Err(Odd)
        }
    }

    fn end_row(&mut self) {
        let is = |shape: &u32| {
            self.shapes
                .get(*shape as usize)
                .is_some_and(|shape| **shape == *self.shape)
        };
        let last = self.shape_of.last().copied().filter(is);
        let digest = self.shape.iter().fold(0, |digest: u64, member| {
            (digest ^ u64::from(*member))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        });
        let shape = last
            .or_else(|| self.by_shape.get(&digest).copied().filter(is))
            .unwrap_or_else(|| {
                let shape = u32::try_from(self.shapes.len()).unwrap_or(NO_SHAPE);
                self.shapes.push(self.shape.as_slice().into());
                self.by_shape.insert(digest, shape);
                shape
            });
        self.shape_of.push(shape);
        self.rows += 1;
    }

    /// Adds a row that only the slow reader takes.
    #[cold]
    fn push_odd(
        &mut self,
        raw: &str,
        watched: &[&str],
        shown: &mut Vec<Option<Range<usize>>>,
        before: usize,
    ) {
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
                *shown = found.map(|found| range_in(raw.as_bytes(), found.get()));
            }
        }
        let mut row = read_row(raw);
        let attributes = match row.get_mut(ATTRIBUTES) {
            Some(Value::Object(attributes)) => std::mem::take(attributes),
            _ => Map::new(),
        };
        for (name, value) in attributes {
            // One that is called like a field must not take its place.
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
        // An attribute may be called like a field of its row: the field counts.
        self.columns[at].truncate(rows);
        if let Ok(column) = self.filled(at, is_field) {
            column.push_value(value);
        }
    }

    /// The page.
    #[must_use]
    pub fn build(mut self) -> Page {
        self.columns.iter_mut().for_each(Column::seal);
        self.shape_of.shrink_to_fit();
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
            columns: self.columns,
            order,
            shapes: self.shapes,
            shape_of: self.shape_of,
            odd: self.odd,
        }
    }
}

/// The column of a custom attribute.
fn attribute_column(name: &str) -> Arc<str> {
    if attribute_number(name).is_some() {
        name.into()
    } else {
        format!("{ATTRIBUTES}.{name}").into()
    }
}

/// Where a column is in a table: the fields of every asset, then the others as they first came, then the custom attributes
/// by number.
pub(super) fn place(name: &str) -> (u8, u64) {
    match FIRST.iter().position(|first| *first == name) {
        Some(place) => (0, place as u64),
        None => attribute_number(name).map_or((1, 0), |number| (2, number)),
    }
}

/// Reads a list of texts.
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
