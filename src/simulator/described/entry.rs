//! An object in a description.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// An object in the description, with its location for error messages.
pub struct Entry<'a> {
    pub at: String,
    map: &'a Map<String, Value>,
}

impl<'a> Entry<'a> {
    pub fn read(at: String, value: &'a Value, keys: &[&str]) -> Result<Self, String> {
        let map = value
            .as_object()
            .ok_or_else(|| format!("{at} must be an object, not {value}"))?;
        if let Some(key) = map.keys().find(|key| !keys.contains(&key.as_str())) {
            return Err(format!("unknown key {key:?} in {at}; use {}", keys.join(", ")));
        }
        Ok(Self { at, map })
    }

    /// Returns the value of a key. Null counts as missing.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub fn wrong(&self, key: &str, what: &str) -> String {
        let value = self.map.get(key).unwrap_or(&Value::Null);
        format!("{}.{key} must be {what}, not {value}", self.at)
    }

    fn list(&self, key: &str) -> Result<&'a [Value], String> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(self.wrong(key, "a list")),
        }
    }

    /// Returns the members of a list, each with its location in the description.
    pub fn entries(&self, key: &str) -> Result<Vec<(String, &'a Value)>, String> {
        let at = |index| format!("{}.{key}[{index}]", self.at);
        let members = self.list(key)?.iter().enumerate();
        Ok(members.map(|(index, value)| (at(index), value)).collect())
    }

    pub fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(key, "true or false")),
        }
    }

    pub fn text(&self, key: &str, most: usize) -> Result<Option<&'a str>, String> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let fits = |text: &&str| !text.is_empty() && text.chars().count() <= most;
        let text = value.as_str().filter(fits);
        text.map(Some)
            .ok_or_else(|| self.wrong(key, &format!("a string of 1 to {most} characters")))
    }

    pub fn required(&self, key: &str, most: usize) -> Result<&'a str, String> {
        self.text(key, most)?
            .ok_or_else(|| format!("{} needs {key:?}", self.at))
    }

    /// Returns labels, each with a flag that is true if the label is active. Labels that differ only in case
    /// are rejected as duplicates.
    pub fn labels(&self, key: &str) -> Result<Vec<(&'a str, bool)>, String> {
        let mut seen = HashSet::new();
        let mut labels = Vec::new();
        for (at, value) in self.entries(key)? {
            let (label, active) = match value {
                Value::String(label) if !label.is_empty() => (label.as_str(), true),
                Value::Object(_) => {
                    let entry = Entry::read(at.clone(), value, &["label", "active"])?;
                    (entry.required("label", usize::MAX)?, entry.flag("active", true)?)
                }
                _ => return Err(format!("{at} must be a label or an object, not {value}")),
            };
            if !seen.insert(label.to_lowercase()) {
                return Err(format!("{at}: duplicate label {label:?}"));
            }
            labels.push((label, active));
        }
        Ok(labels)
    }

    /// Returns the names in a path.
    pub fn path(&self) -> Result<Vec<&'a str>, String> {
        let names: Option<Vec<&str>> = match self.get("path") {
            None => return Err(format!("{} needs \"path\"", self.at)),
            Some(Value::String(text)) => Some(text.split('>').map(str::trim).collect()),
            Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        names
            .filter(|names| names.iter().all(|name| !name.is_empty()))
            .ok_or_else(|| {
                self.wrong(
                    "path",
                    "names that are not empty, as a list or with > between them",
                )
            })
    }
}
