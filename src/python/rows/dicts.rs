//! Rows from dicts and other mappings.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString};

use super::label::read_label;
use crate::input::{Column, More, Sink};
use crate::python::values::{ValueReader, entries, type_name};

/// Iterates over dicts. Most rows have the same keys in the same order, and even the same key objects.
pub struct Dicts {
    items: Py<PyIterator>,
    /// The labels of the rows, iterated along with them.
    labels: Option<Py<PyIterator>>,
    /// The keys of the previous row, by position.
    keys: Vec<(Py<PyAny>, Column)>,
    known: HashMap<String, Column>,
}

impl Dicts {
    pub fn new(items: Py<PyIterator>, labels: Option<Py<PyIterator>>) -> Self {
        Self {
            items,
            labels,
            keys: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Passes rows to a sink until it is full.
    pub fn fill(&mut self, py: Python<'_>, values: &mut ValueReader, sink: &mut dyn Sink) -> PyResult<More> {
        let items = self.items.bind(py).clone();
        let mut labels = self.labels.as_ref().map(|labels| labels.bind(py).clone());
        let mut pairs = Vec::new();
        for item in items {
            let item = item?;
            let label = labels.as_mut().and_then(Iterator::next).transpose()?;
            let label = read_label(label.as_ref(), values)?;
            let label = label.as_label();
            if !values.is_mapping(&item) {
                sink.broken(label, &describe(&item));
            } else if !entries(&item, &mut pairs)? {
                let found = format!("{} whose items() are not pairs", describe(&item));
                sink.broken(label, &found);
            } else if sink.begin(label) {
                for (position, (key, value)) in pairs.iter().enumerate() {
                    let column = self.column(position, key, sink)?;
                    values.push(value, column, sink);
                }
                sink.end();
            }
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }

    fn column(&mut self, position: usize, key: &Bound<'_, PyAny>, sink: &mut dyn Sink) -> PyResult<Column> {
        if let Some((last, column)) = self.keys.get(position)
            && last.is(key)
        {
            return Ok(*column);
        }
        // A key that is not a string becomes an unknown column.
        let name = match key.cast::<PyString>() {
            Ok(name) => name.clone(),
            Err(_) => key.str()?,
        };
        let name = name.to_string_lossy();
        let column = if let Some(column) = self.known.get(name.as_ref()) {
            *column
        } else {
            let column = sink.column(&name);
            self.known.insert(name.into_owned(), column);
            column
        };
        let remembered = (key.clone().unbind(), column);
        match self.keys.get_mut(position) {
            Some(last) => *last = remembered,
            None => self.keys.push(remembered),
        }
        Ok(column)
    }
}

fn describe(value: &Bound<'_, PyAny>) -> String {
    if value.is_none() {
        "None".to_owned()
    } else {
        format!("of type {}", type_name(value))
    }
}
