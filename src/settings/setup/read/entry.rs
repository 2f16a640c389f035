//! Reads one object of a description, and notes its problems.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::settings::names::{folded, nearest};

/// An object in the description, and its location.
pub(super) struct Entry<'a, 'p> {
    pub at: String,
    pub map: Option<&'a Map<String, Value>>,
    problems: &'p mut Vec<String>,
}

impl<'a, 'p> Entry<'a, 'p> {
    pub fn new(at: &str, value: &'a Value, keys: &[&str], problems: &'p mut Vec<String>) -> Self {
        let mut entry = Self {
            at: at.to_owned(),
            map: value.as_object(),
            problems,
        };
        if entry.map.is_none() {
            entry.wrong(&format!("it is {value}; use {}", keys.join(", ")));
        }
        for key in entry.map.into_iter().flat_map(Map::keys) {
            if !keys.contains(&key.as_str()) {
                let near = nearest(key, keys.iter().map(|key| (*key, *key)));
                let hint = match near.first() {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("use {}", keys.join(", ")),
                };
                entry.wrong(&format!("unknown key `{key}`; {hint}"));
            }
        }
        entry
    }

    /// Like `new`, but adds the object's name, if there is one, to the object's location.
    pub fn named(
        at: String,
        value: &'a Value,
        name: &str,
        keys: &[&str],
        problems: &'p mut Vec<String>,
    ) -> Self {
        let at = match value.get(name) {
            Some(Value::String(name)) if !name.trim().is_empty() => format!("{at} `{}`", name.trim()),
            Some(Value::Array(names)) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                format!("{at} `{}`", names.join(" > "))
            }
            _ => at,
        };
        Self::new(&at, value, keys, problems)
    }

    pub fn wrong(&mut self, what: &str) {
        self.problems.push(format!("{}: {what}", self.at));
    }

    /// Returns the value of a key. Null counts as missing.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map?.get(key).filter(|value| !value.is_null())
    }

    pub fn text(&mut self, key: &str, longest: Option<usize>) -> Option<String> {
        let value = self.get(key)?;
        let Some(text) = value.as_str() else {
            self.wrong(&format!("`{key}` is {value}; use a string"));
            return None;
        };
        let (text, length) = (text.trim(), text.trim().chars().count());
        match longest {
            Some(longest) if length > longest => {
                self.wrong(&format!(
                    "`{key}` has {length} characters, more than {longest}; shorten it"
                ));
            }
            _ => {}
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub fn required(&mut self, key: &str, longest: Option<usize>) -> String {
        let before = self.problems.len();
        let text = self.text(key, longest);
        if text.is_none() && self.problems.len() == before && self.map.is_some() {
            self.wrong(&format!("`{key}` is missing"));
        }
        text.unwrap_or_default()
    }

    pub fn flag(&mut self, key: &str) -> bool {
        match self.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(value) => {
                self.wrong(&format!("`{key}` is {value}; use true or false"));
                false
            }
        }
    }

    pub fn list(&mut self, key: &str) -> &'a [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Array(list)) => list,
            Some(value) => {
                self.wrong(&format!("`{key}` is {value}; use a list"));
                &[]
            }
        }
    }

    pub fn texts(&mut self, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for (place, value) in self.list(key).iter().enumerate() {
            match value.as_str().map(str::trim) {
                Some(text) if !text.is_empty() => texts.push(text.to_owned()),
                _ => self.wrong(&format!("`{key}[{place}]` is {value}; use a string")),
            }
        }
        texts
    }
}

/// Notes the names that a list has more than once.
pub(super) fn note_duplicates<'n>(
    list: &str,
    names: impl Iterator<Item = &'n String>,
    problems: &mut Vec<String>,
) {
    let mut seen = HashSet::new();
    for (place, name) in names.enumerate() {
        if !name.is_empty() && !seen.insert(folded(name)) {
            problems.push(format!("{list}[{place}] `{name}`: duplicate of an earlier entry"));
        }
    }
}
