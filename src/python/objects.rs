//! Converts rows and columns from responses to Python objects. Strings that repeat within a column usually
//! share one Python object.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_buffer::NullBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyList, PyString};
use pythonize::pythonize;

use crate::columns::{
    Cell, Layout, Member, Page, PageColumn, Parts, Table, Type, printed_date, printed_time, text,
};

/// The maximum number of shared strings to keep, in addition to the strings on the current page.
const MOST_TEXTS: usize = 10_000;

/// Python objects that are created once and reused.
pub struct Objects<'py> {
    py: Python<'py>,
    names: HashMap<Arc<str>, Bound<'py, PyString>>,
    texts: HashMap<String, Bound<'py, PyAny>>,
    /// The last timestamp converted. Most assets were never updated, so their creation and update times are
    /// equal.
    time: Option<(i64, Bound<'py, PyAny>)>,
}

/// The string objects of one page, indexed by column and code.
type Values<'py> = Vec<Vec<Option<Bound<'py, PyAny>>>>;

/// A column for a frame: its name, type, values, and mask of missing values. The values are bytes for
/// booleans, numbers and times, and otherwise a list. The mask has one byte per row; a list has no mask.
pub type FrameColumn<'py> = (
    Bound<'py, PyString>,
    &'static str,
    Bound<'py, PyAny>,
    Option<Bound<'py, PyBytes>>,
);

impl<'py> Objects<'py> {
    pub fn new(py: Python<'py>) -> Self {
        Self {
            py,
            names: HashMap::new(),
            texts: HashMap::new(),
            time: None,
        }
    }

    /// Converts all rows to dicts.
    pub fn dicts(&mut self, table: &Table) -> PyResult<Bound<'py, PyList>> {
        let dicts = PyList::empty(self.py);
        for (page, from, to) in table.parts() {
            let names: Vec<Bound<'py, PyString>> = page
                .all_members()
                .map(|member| self.name(member.name()))
                .collect();
            let mut values = Values::new();
            for row in from..to {
                dicts.append(self.dict(page, row, &names, &mut values)?)?;
            }
        }
        Ok(dicts)
    }

    /// Converts one row to a dict.
    pub fn row(&mut self, page: &Page, row: usize) -> PyResult<Bound<'py, PyAny>> {
        let names: Vec<Bound<'py, PyString>> = page
            .all_members()
            .map(|member| self.name(member.name()))
            .collect();
        self.dict(page, row, &names, &mut Values::new())
    }

    fn dict(
        &mut self,
        page: &Page,
        row: usize,
        names: &[Bound<'py, PyString>],
        values: &mut Values<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(members) = page.members(row) else {
            return Ok(pythonize(self.py, &page.row(row))?);
        };
        let dict = PyDict::new(self.py);
        let mut attributes: Option<Bound<'py, PyDict>> = None;
        for (at, member) in members {
            match member {
                Member::Value(slot) => {
                    dict.set_item(&names[at], self.cell(page, slot.column, row, values)?)?;
                }
                Member::Attributes(_) => {
                    let inner = attributes.insert(PyDict::new(self.py));
                    dict.set_item(&names[at], &*inner)?;
                }
                Member::Attribute(slot) => {
                    if let Some(attributes) = &attributes {
                        attributes.set_item(&names[at], self.cell(page, slot.column, row, values)?)?;
                    }
                }
            }
        }
        Ok(dict.into_any())
    }

    fn cell(
        &mut self,
        page: &Page,
        at: usize,
        row: usize,
        values: &mut Values<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let column = page.column(at);
        if let Some(code) = column.code(row) {
            return Ok(self.repeated(column, at, code, values));
        }
        self.object(column.cell(row))
    }

    /// Returns the string for a code, as the same object throughout the page.
    fn repeated(
        &mut self,
        column: &PageColumn,
        at: usize,
        code: u16,
        values: &mut Values<'py>,
    ) -> Bound<'py, PyAny> {
        if values.len() <= at {
            values.resize_with(at + 1, Vec::new);
        }
        let (of_column, code) = (&mut values[at], usize::from(code));
        if of_column.len() <= code {
            of_column.resize(code + 1, None);
        }
        if let Some(object) = &of_column[code] {
            return object.clone();
        }
        let object = self.text(column.value(code));
        values[at][code] = Some(object.clone());
        object
    }

    fn object(&mut self, cell: Cell<'_>) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        Ok(match cell {
            Cell::Null => py.None().into_bound(py),
            Cell::Bool(flag) => PyBool::new(py, flag).to_owned().into_any(),
            Cell::Int(number) => number.into_pyobject(py)?.into_any(),
            Cell::Float(number) => PyFloat::new(py, number).into_any(),
            Cell::Time(time) => self.time(time),
            Cell::Date(day) => PyString::new(py, &printed_date(day)).into_any(),
            Cell::Text(text) => PyString::new(py, text).into_any(),
            Cell::List(list) => {
                let items: Vec<Bound<'py, PyAny>> = list.iter().map(|item| self.text(item)).collect();
                PyList::new(py, items)?.into_any()
            }
            Cell::Json(_) => pythonize(py, &cell.to_value())?,
        })
    }

    fn time(&mut self, time: i64) -> Bound<'py, PyAny> {
        if let Some((last, object)) = &self.time
            && *last == time
        {
            return object.clone();
        }
        let object = PyString::new(self.py, &printed_time(time)).into_any();
        self.time = Some((time, object.clone()));
        object
    }

    fn text(&mut self, text: &str) -> Bound<'py, PyAny> {
        if let Some(object) = self.texts.get(text) {
            return object.clone();
        }
        let object = PyString::new(self.py, text).into_any();
        if self.texts.len() < MOST_TEXTS {
            self.texts.insert(text.to_owned(), object.clone());
        }
        object
    }

    fn name(&mut self, name: &Arc<str>) -> Bound<'py, PyString> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let made = PyString::intern(self.py, name);
        self.names.insert(name.clone(), made.clone());
        made
    }

    /// Converts the columns of these kinds, or all columns, to columns for a frame.
    pub fn frame(&mut self, layout: &Layout, kinds: Option<&[String]>) -> PyResult<Vec<FrameColumn<'py>>> {
        let segments: Vec<_> = layout.segments().collect();
        // Columns of strings or lists without values share one list.
        let mut nones: Option<Bound<'py, PyAny>> = None;
        let mut frame = Vec::with_capacity(layout.fields.len());
        for (at, (name, kind)) in layout.fields.iter().enumerate() {
            let called = match kind {
                Type::Text => "text",
                Type::List => "list",
                Type::Bool => "bool",
                Type::Int => "int",
                Type::Float => "float",
                Type::Time => "time",
                Type::Date => "date",
            };
            if kinds.is_some_and(|kinds| !kinds.iter().any(|kind| kind == called)) {
                continue;
            }
            let parts = Parts::new(&segments, at, layout.rows);
            let values = match kind {
                Type::Text | Type::List if parts.is_blank() => match &nones {
                    Some(nones) => nones.clone(),
                    None => nones.insert(self.list(layout, at, true)?).clone(),
                },
                Type::Text => self.list(layout, at, true)?,
                Type::List => self.list(layout, at, false)?,
                Type::Bool => self.bytes(&parts.bools()),
                Type::Int => self.bytes(&little(&parts.ints(), i64::to_le_bytes)),
                Type::Float => self.bytes(&little(&parts.floats(), f64::to_le_bytes)),
                Type::Time => self.bytes(&little(&parts.times(), i64::to_le_bytes)),
                Type::Date => self.bytes(&little(&parts.dates(), i32::to_le_bytes)),
            };
            let nulls = match kind {
                Type::Text | Type::List => None,
                _ => parts.nulls().map(|nulls| PyBytes::new(self.py, &missing(&nulls))),
            };
            frame.push((self.name(name), called, values, nulls));
        }
        Ok(frame)
    }

    fn bytes(&self, bytes: &[u8]) -> Bound<'py, PyAny> {
        PyBytes::new(self.py, bytes).into_any()
    }

    /// Converts a column to a list of objects. With `as_text`, all objects are strings or `None`.
    fn list(&mut self, layout: &Layout, at: usize, as_text: bool) -> PyResult<Bound<'py, PyAny>> {
        let none = self.py.None().into_bound(self.py);
        let mut objects: Vec<Bound<'py, PyAny>> = Vec::with_capacity(layout.rows);
        for segment in layout.segments() {
            let end = objects.len() + segment.to - segment.from;
            if let Some(column) = &segment.columns[at] {
                let mut values = Values::new();
                for row in segment.from..segment.to {
                    objects.push(if let Some(code) = column.code(row) {
                        self.repeated(column, 0, code, &mut values)
                    } else {
                        match column.cell(row) {
                            Cell::Null => none.clone(),
                            Cell::Text(text) => PyString::new(self.py, text).into_any(),
                            cell if as_text => PyString::new(self.py, &text(cell)).into_any(),
                            cell => self.object(cell)?,
                        }
                    });
                }
            }
            objects.resize(end, none.clone());
        }
        Ok(PyList::new(self.py, objects)?.into_any())
    }
}

/// Converts an array of values to bytes, in little-endian order.
fn little<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut all = Vec::with_capacity(values.len() * N);
    for value in values {
        all.extend_from_slice(&bytes(*value));
    }
    all
}

fn missing(nulls: &NullBuffer) -> Vec<u8> {
    nulls.iter().map(|valid| u8::from(!valid)).collect()
}
