//! Converts Python values to cells. `rows` decides what may be sent.

mod clear;
mod kind;
mod mapping;
mod time;

use std::collections::HashMap;
use std::mem::ManuallyDrop;

use jiff::civil::{Date, DateTime};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyType};

use crate::input::{Cell, Column, Sink};

pub use clear::{Clear, clear};
pub use kind::type_name;
use kind::{Kind, kind_of};
pub use mapping::entries;
use time::{at_its_time, date, timestamp, zoned};

/// A value from Python, together with the data that its cell borrows.
pub enum PythonValue<'py> {
    /// A cell that borrows nothing.
    Cell(Cell<'static>),
    Text(Bound<'py, PyString>),
    Digits(Bound<'py, PyString>),
    Other(String),
    List(Vec<PythonValue<'py>>),
    Map(Vec<(Bound<'py, PyString>, PythonValue<'py>)>),
}

impl PythonValue<'_> {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Cell(cell) => cell.clone(),
            Self::Text(text) => text_cell(text),
            Self::Digits(digits) => digits.to_str().map_or(Cell::Other("number"), Cell::Digits),
            Self::Other(kind) => Cell::Other(kind),
            Self::List(items) => Cell::List(items.iter().map(PythonValue::cell).collect()),
            Self::Map(entries) => Cell::Map(
                entries
                    .iter()
                    .map(|(name, value)| (name.to_str().unwrap_or("\u{fffd}"), value.cell()))
                    .collect(),
            ),
        }
    }
}

fn text_cell<'t>(text: &'t Bound<'_, PyString>) -> Cell<'t> {
    text.to_str()
        .map_or(Cell::Other("str that is not valid Unicode"), Cell::Text)
}

/// Reads values, and caches how to convert each type.
#[derive(Default)]
pub struct ValueReader {
    /// The kind of each type, keyed by the type's address. The type is kept alive, so that its address is not
    /// reused.
    kinds: HashMap<usize, (Py<PyType>, Kind)>,
    /// The last type seen, since most columns have only one type.
    last: Option<(usize, Kind)>,
}

/// The depth at which nested values are rejected. Valid values need fewer levels: `customAttributes`, a list,
/// and the list's strings.
const DEEPEST: usize = 4;

/// The largest exponent of a decimal that is written out. No field accepts this many digits.
const MOST_DIGITS: u64 = 2000;

impl ValueReader {
    /// Passes a value to a sink.
    pub fn push(&mut self, value: &Bound<'_, PyAny>, column: Column, sink: &mut dyn Sink) {
        // Fast path: most values are strings, which are read in place.
        if value.is_exact_instance_of::<PyString>()
            && let Ok(text) = value.cast_exact::<PyString>()
        {
            // A string cell owns nothing to free.
            return sink.cell(column, &ManuallyDrop::new(text_cell(text)));
        }
        match self.read(value.clone()) {
            PythonValue::Cell(cell) => sink.cell(column, &cell),
            value => sink.cell(column, &value.cell()),
        }
    }

    pub fn read<'py>(&mut self, value: Bound<'py, PyAny>) -> PythonValue<'py> {
        self.read_at(value, 0)
    }

    fn read_at<'py>(&mut self, value: Bound<'py, PyAny>, depth: usize) -> PythonValue<'py> {
        // Check the type first, since a failed cast allocates objects.
        let value = if value.is_exact_instance_of::<PyString>() {
            match value.cast_into_exact::<PyString>() {
                Ok(text) => return PythonValue::Text(text),
                Err(error) => error.into_inner(),
            }
        } else {
            value
        };
        let kind = if value.is_exact_instance_of::<PyFloat>() {
            Kind::Float
        } else if value.is_exact_instance_of::<PyInt>() {
            Kind::Int
        } else if value.is_none() {
            Kind::Null
        } else if value.is_exact_instance_of::<PyBool>() {
            Kind::Bool
        } else {
            self.kind(&value)
        };
        // A value whose methods raise is invalid, but must not stop the rows after it.
        self.convert(&value, kind, depth)
            .unwrap_or_else(|error| PythonValue::Other(format!("{} ({error})", type_name(&value))))
    }

    fn convert<'py>(
        &mut self,
        value: &Bound<'py, PyAny>,
        kind: Kind,
        depth: usize,
    ) -> PyResult<PythonValue<'py>> {
        let py = value.py();
        Ok(PythonValue::Cell(match kind {
            Kind::Text => return Ok(PythonValue::Text(value.cast::<PyString>()?.clone())),
            Kind::Float => float(value.extract()?),
            Kind::Int => match value.extract() {
                Ok(number) => Cell::Int(number),
                Err(_) => {
                    return Ok(PythonValue::Digits(
                        py.get_type::<PyInt>().call1((value,))?.str()?,
                    ));
                }
            },
            Kind::Null => Cell::Null,
            Kind::Bool => Cell::Bool(value.is_truthy()?),
            Kind::Clear => Cell::Clear,
            Kind::Float32 => {
                let number: f32 = value.extract()?;
                if number.is_nan() {
                    Cell::Null
                } else {
                    Cell::Float32(number)
                }
            }
            Kind::Date => Cell::Date(date(value)?),
            Kind::DateTime => zoned(value, at_its_time(value, date(value)?)?)?,
            Kind::Timestamp => timestamp(value)?,
            Kind::DateTime64 => {
                let text = value.str()?;
                match text.to_str()? {
                    "NaT" => Cell::Null,
                    text => match (text.parse::<DateTime>(), text.parse::<Date>()) {
                        (_, Ok(date)) if !text.contains('T') => Cell::Date(date),
                        (Ok(moment), _) => Cell::DateTime(moment),
                        _ => return Ok(PythonValue::Other(format!("datetime64 ({text})"))),
                    },
                }
            }
            Kind::Decimal => {
                if value.call_method0(intern!(py, "is_finite"))?.is_truthy()? {
                    // 1E+999999999 would be written out with all its zeros.
                    let exponent: i64 = value.call_method0(intern!(py, "adjusted"))?.extract()?;
                    if exponent.unsigned_abs() > MOST_DIGITS {
                        return Ok(PythonValue::Other(format!("Decimal with exponent {exponent}")));
                    }
                    let digits = value.call_method1(intern!(py, "__format__"), (intern!(py, "f"),))?;
                    return Ok(PythonValue::Digits(digits.cast_into::<PyString>()?));
                }
                if value.call_method0(intern!(py, "is_nan"))?.is_truthy()? {
                    Cell::Null
                } else {
                    float(value.extract()?)
                }
            }
            Kind::Uuid => return Ok(PythonValue::Text(value.str()?)),
            Kind::Other => return Ok(PythonValue::Other(type_name(value))),
            _ if depth == DEEPEST => {
                return Ok(PythonValue::Other(format!(
                    "{}, nested too deeply",
                    type_name(value)
                )));
            }
            Kind::Enum => return Ok(self.read_at(value.getattr(intern!(py, "value"))?, depth + 1)),
            Kind::Array => {
                return Ok(self.read_at(value.call_method0(intern!(py, "tolist"))?, depth + 1));
            }
            Kind::List => {
                let Ok(list) = value.cast::<PyList>() else {
                    let items = value.try_iter()?.map(|item| Ok(self.read_at(item?, depth + 1)));
                    return Ok(PythonValue::List(items.collect::<PyResult<_>>()?));
                };
                let mut items = Vec::with_capacity(list.len());
                for item in list {
                    items.push(self.read_at(item, depth + 1));
                }
                return Ok(PythonValue::List(items));
            }
            Kind::Map => {
                let mut pairs = Vec::new();
                if !entries(value, &mut pairs)? {
                    return Ok(PythonValue::Other(format!(
                        "{} whose items() are not pairs",
                        type_name(value)
                    )));
                }
                let mut entries = Vec::with_capacity(pairs.len());
                for (name, value) in pairs {
                    let name = match name.cast_into_exact::<PyString>() {
                        Ok(name) => name,
                        Err(error) => error.into_inner().str()?,
                    };
                    entries.push((name, self.read_at(value, depth + 1)));
                }
                return Ok(PythonValue::Map(entries));
            }
        }))
    }

    fn kind(&mut self, value: &Bound<'_, PyAny>) -> Kind {
        let class = value.get_type();
        let address = class.as_ptr().addr();
        if let Some((last, kind)) = self.last
            && last == address
        {
            return kind;
        }
        let learn = || (class.clone().unbind(), kind_of(&class).unwrap_or(Kind::Other));
        let kind = self.kinds.entry(address).or_insert_with(learn).1;
        self.last = Some((address, kind));
        kind
    }

    /// Returns whether a value is a mapping. Every row must be a mapping.
    pub fn is_mapping(&mut self, value: &Bound<'_, PyAny>) -> bool {
        value.is_exact_instance_of::<PyDict>() || matches!(self.kind(value), Kind::Map)
    }
}

fn float(number: f64) -> Cell<'static> {
    if number.is_nan() {
        Cell::Null
    } else {
        Cell::Float(number)
    }
}
