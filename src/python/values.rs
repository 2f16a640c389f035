//! Converts Python values to cells. `validation` decides what may be sent.

use std::collections::HashMap;
use std::mem::ManuallyDrop;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

use crate::input::{Cell, Column, Sink, date_of_day};

/// The type of `CLEAR`, which a patch sends as JSON null.
#[pyclass(frozen, name = "Clear", module = "acc_assets._core")]
pub struct Clear;

#[pymethods]
impl Clear {
    #[expect(clippy::unused_self, reason = "a method of the Python class")]
    fn __repr__(&self) -> &'static str {
        "CLEAR"
    }

    /// Makes pickling and copying return the singleton.
    #[expect(clippy::unused_self, reason = "a method of the Python class")]
    fn __reduce__(&self) -> &'static str {
        "CLEAR"
    }
}

/// Returns the singleton `CLEAR`.
///
/// # Errors
/// If Python runs out of memory.
pub fn clear(py: Python<'_>) -> PyResult<&Py<Clear>> {
    static CLEAR: PyOnceLock<Py<Clear>> = PyOnceLock::new();
    CLEAR.get_or_try_init(py, || Py::new(py, Clear))
}

/// A value from Python, together with the data that its cell borrows.
pub(super) enum Value<'py> {
    /// A cell that borrows nothing.
    Cell(Cell<'static>),
    Text(Bound<'py, PyString>),
    Digits(Bound<'py, PyString>),
    Other(String),
    List(Vec<Value<'py>>),
    Map(Vec<(Bound<'py, PyString>, Value<'py>)>),
}

impl Value<'_> {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Cell(cell) => cell.clone(),
            Self::Text(text) => text_cell(text),
            Self::Digits(digits) => digits.to_str().map_or(Cell::Other("number"), Cell::Digits),
            Self::Other(kind) => Cell::Other(kind),
            Self::List(items) => Cell::List(items.iter().map(Value::cell).collect()),
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

/// How to convert the values of a type.
#[derive(Clone, Copy)]
enum Kind {
    Null,
    Clear,
    Bool,
    Int,
    Float,
    Float32,
    Text,
    Date,
    DateTime,
    /// A pandas Timestamp, whose years may exceed Python's range.
    Timestamp,
    /// A numpy datetime64, whose string form follows ISO 8601.
    DateTime64,
    Decimal,
    Uuid,
    Enum,
    List,
    /// A numpy array.
    Array,
    Map,
    Other,
}

/// Reads values, and caches how to convert each type. numpy and pandas types are recognized by name, never
/// imported.
#[derive(Default)]
pub(super) struct Values {
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

impl Values {
    /// Passes a value to a sink.
    pub(super) fn push(&mut self, value: &Bound<'_, PyAny>, column: Column, sink: &mut dyn Sink) {
        // Fast path: most values are strings, which are read in place.
        if value.is_exact_instance_of::<PyString>()
            && let Ok(text) = value.cast_exact::<PyString>()
        {
            // A string cell owns nothing to free.
            return sink.cell(column, &ManuallyDrop::new(text_cell(text)));
        }
        match self.read(value.clone()) {
            Value::Cell(cell) => sink.cell(column, &cell),
            value => sink.cell(column, &value.cell()),
        }
    }

    pub(super) fn read<'py>(&mut self, value: Bound<'py, PyAny>) -> Value<'py> {
        self.read_at(value, 0)
    }

    fn read_at<'py>(&mut self, value: Bound<'py, PyAny>, depth: usize) -> Value<'py> {
        // Check the type first, since a failed cast allocates objects.
        let value = if value.is_exact_instance_of::<PyString>() {
            match value.cast_into_exact::<PyString>() {
                Ok(text) => return Value::Text(text),
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
            .unwrap_or_else(|error| Value::Other(format!("{} ({error})", type_name(&value))))
    }

    fn convert<'py>(&mut self, value: &Bound<'py, PyAny>, kind: Kind, depth: usize) -> PyResult<Value<'py>> {
        let py = value.py();
        Ok(Value::Cell(match kind {
            Kind::Text => return Ok(Value::Text(value.cast::<PyString>()?.clone())),
            Kind::Float => float(value.extract()?),
            Kind::Int => match value.extract() {
                Ok(number) => Cell::Int(number),
                Err(_) => return Ok(Value::Digits(py.get_type::<PyInt>().call1((value,))?.str()?)),
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
            Kind::Timestamp => {
                let nanosecond: i64 = value.getattr(intern!(py, "nanosecond"))?.extract()?;
                let moment = at_its_time(value, date_by_parts(value)?)?;
                let moment = moment.checked_add(SignedDuration::from_nanos(nanosecond));
                zoned(
                    value,
                    moment.map_err(|error| PyValueError::new_err(error.to_string()))?,
                )?
            }
            Kind::DateTime64 => {
                let text = value.str()?;
                match text.to_str()? {
                    "NaT" => Cell::Null,
                    text => match (text.parse::<DateTime>(), text.parse::<Date>()) {
                        (_, Ok(date)) if !text.contains('T') => Cell::Date(date),
                        (Ok(moment), _) => Cell::DateTime(moment),
                        _ => return Ok(Value::Other(format!("datetime64 ({text})"))),
                    },
                }
            }
            Kind::Decimal => {
                if value.call_method0(intern!(py, "is_finite"))?.is_truthy()? {
                    // 1E+999999999 would be written out with all its zeros.
                    let exponent: i64 = value.call_method0(intern!(py, "adjusted"))?.extract()?;
                    if exponent.unsigned_abs() > MOST_DIGITS {
                        return Ok(Value::Other(format!("Decimal with exponent {exponent}")));
                    }
                    let digits = value.call_method1(intern!(py, "__format__"), (intern!(py, "f"),))?;
                    return Ok(Value::Digits(digits.cast_into::<PyString>()?));
                }
                if value.call_method0(intern!(py, "is_nan"))?.is_truthy()? {
                    Cell::Null
                } else {
                    float(value.extract()?)
                }
            }
            Kind::Uuid => return Ok(Value::Text(value.str()?)),
            Kind::Other => return Ok(Value::Other(type_name(value))),
            _ if depth == DEEPEST => {
                return Ok(Value::Other(format!("{}, nested too deeply", type_name(value))));
            }
            Kind::Enum => return Ok(self.read_at(value.getattr(intern!(py, "value"))?, depth + 1)),
            Kind::Array => {
                return Ok(self.read_at(value.call_method0(intern!(py, "tolist"))?, depth + 1));
            }
            Kind::List => {
                let Ok(list) = value.cast::<PyList>() else {
                    let items = value.try_iter()?.map(|item| Ok(self.read_at(item?, depth + 1)));
                    return Ok(Value::List(items.collect::<PyResult<_>>()?));
                };
                let mut items = Vec::with_capacity(list.len());
                for item in list {
                    items.push(self.read_at(item, depth + 1));
                }
                return Ok(Value::List(items));
            }
            Kind::Map => {
                let mut pairs = Vec::new();
                if !entries(value, &mut pairs)? {
                    return Ok(Value::Other(format!(
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
                return Ok(Value::Map(entries));
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
    pub(super) fn is_mapping(&mut self, value: &Bound<'_, PyAny>) -> bool {
        value.is_exact_instance_of::<PyDict>() || matches!(self.kind(value), Kind::Map)
    }
}

fn kind_of(class: &Bound<'_, PyType>) -> PyResult<Kind> {
    let py = class.py();
    let name = class.name()?;
    let name = name.to_str()?;
    let module = class.module()?;
    let package = module.to_str()?.split('.').next().unwrap_or_default();
    match (package, name) {
        ("pandas", "NAType" | "NaTType") => return Ok(Kind::Null),
        ("pandas", "Timestamp") => return Ok(Kind::Timestamp),
        _ => {}
    }
    if package == "numpy" {
        match name {
            "bool" | "bool_" => return Ok(Kind::Bool),
            "ndarray" => return Ok(Kind::Array),
            "datetime64" => return Ok(Kind::DateTime64),
            "float16" | "float32" => return Ok(Kind::Float32),
            "longdouble" | "float128" => return Ok(Kind::Float),
            // In numpy, the class for durations is a subclass of the one for integers.
            "timedelta64" => return Ok(Kind::Other),
            _ if class
                .getattr("__mro__")?
                .try_iter()?
                .any(|base| is_numpy_integer(base.as_ref().ok())) =>
            {
                return Ok(Kind::Int);
            }
            _ => {}
        }
    }
    // Subclasses come before their base classes: an IntEnum is an int, a datetime is a date.
    let named = |module: &str, name: &str| class.is_subclass(&py.import(module)?.getattr(name)?);
    Ok(if class.is(py.get_type::<Clear>()) {
        Kind::Clear
    } else if named("enum", "Enum")? {
        Kind::Enum
    } else if class.is_subclass_of::<PyString>()? {
        Kind::Text
    } else if class.is_subclass_of::<PyInt>()? {
        Kind::Int
    } else if class.is_subclass_of::<PyFloat>()? {
        Kind::Float
    } else if named("datetime", "datetime")? {
        Kind::DateTime
    } else if named("datetime", "date")? {
        Kind::Date
    } else if named("decimal", "Decimal")? {
        Kind::Decimal
    } else if named("uuid", "UUID")? {
        Kind::Uuid
    } else if class.is_subclass_of::<PyList>()? || class.is_subclass_of::<PyTuple>()? {
        Kind::List
    } else if class.is_subclass_of::<PyDict>()? || named("collections.abc", "Mapping")? {
        Kind::Map
    } else {
        Kind::Other
    })
}

fn is_numpy_integer(class: Option<&Bound<'_, PyAny>>) -> bool {
    class
        .and_then(|class| class.cast::<PyType>().ok())
        .is_some_and(|class| {
            class.name().is_ok_and(|name| name == "integer")
                && class.module().is_ok_and(|module| module == "numpy")
        })
}

fn float(number: f64) -> Cell<'static> {
    if number.is_nan() {
        Cell::Null
    } else {
        Cell::Float(number)
    }
}

fn date(value: &Bound<'_, PyAny>) -> PyResult<Date> {
    // Python's day 1 is January 1 of the year 1.
    const DAY_OF_1970: i64 = 719_163;
    let day: i64 = value.call_method0(intern!(value.py(), "toordinal"))?.extract()?;
    date_of_day(day.saturating_sub(DAY_OF_1970)).ok_or_else(|| PyValueError::new_err("not a date"))
}

fn date_by_parts(value: &Bound<'_, PyAny>) -> PyResult<Date> {
    let py = value.py();
    let year = value.getattr(intern!(py, "year"))?.extract()?;
    let month = value.getattr(intern!(py, "month"))?.extract()?;
    let day = value.getattr(intern!(py, "day"))?.extract()?;
    Date::new(year, month, day).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Returns the wall-clock time, regardless of the time zone.
fn at_its_time(value: &Bound<'_, PyAny>, date: Date) -> PyResult<DateTime> {
    let py = value.py();
    let hour = value.getattr(intern!(py, "hour"))?.extract()?;
    let minute = value.getattr(intern!(py, "minute"))?.extract()?;
    let second = value.getattr(intern!(py, "second"))?.extract()?;
    let microsecond: i32 = value.getattr(intern!(py, "microsecond"))?.extract()?;
    let time = Time::new(hour, minute, second, microsecond.saturating_mul(1000));
    Ok(date.to_datetime(time.map_err(|error| PyValueError::new_err(error.to_string()))?))
}

/// Returns the cell of a datetime, with the offset of its time zone if it has one.
fn zoned(value: &Bound<'_, PyAny>, moment: DateTime) -> PyResult<Cell<'static>> {
    let py = value.py();
    if value.getattr(intern!(py, "tzinfo"))?.is_none() {
        return Ok(Cell::DateTime(moment));
    }
    let offset = value.call_method0(intern!(py, "utcoffset"))?;
    if offset.is_none() {
        return Ok(Cell::DateTime(moment));
    }
    let seconds: f64 = offset.call_method0(intern!(py, "total_seconds"))?.extract()?;
    #[allow(clippy::cast_possible_truncation)] // Less than a day.
    let offset = Offset::from_seconds(seconds as i32);
    Ok(offset.map_or(Cell::DateTime(moment), |offset| Cell::Zoned(moment, offset)))
}

/// Collects the entries in a mapping before reading any value. Reading a value may run Python code, which must not
/// happen while iterating a dict. Returns `false` if the items are not pairs.
pub(super) fn entries<'py>(
    mapping: &Bound<'py, PyAny>,
    into: &mut Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
) -> PyResult<bool> {
    into.clear();
    if let Ok(dict) = mapping.cast::<PyDict>() {
        into.extend(dict.iter());
        return Ok(true);
    }
    let items = mapping.call_method0(intern!(mapping.py(), "items"))?;
    if items.hasattr(intern!(mapping.py(), "__iter__"))? {
        for entry in items.try_iter()? {
            match entry?.extract() {
                Ok(pair) => into.push(pair),
                Err(_) => return Ok(false),
            }
        }
        return Ok(true);
    }
    Ok(false)
}

pub(super) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(
        |_| "unknown".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
