//! The entries in dicts and other mappings.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Collects the entries in a mapping before reading any value. Reading a value may run Python code, which must not
/// happen while iterating a dict. Returns `false` if the items are not pairs.
pub fn entries<'py>(
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
