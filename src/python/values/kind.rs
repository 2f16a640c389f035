//! The types of Python values.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

use super::clear::Clear;

/// How to convert the values of a type.
#[derive(Clone, Copy)]
pub enum Kind {
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

/// Returns how to convert the values of a type. Types of numpy and pandas are recognized by name, never imported.
///
/// # Errors
/// If the type has no name, or Python raises.
pub fn kind_of(class: &Bound<'_, PyType>) -> PyResult<Kind> {
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

/// Returns the name of the type of a value.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(
        |_| "unknown".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
