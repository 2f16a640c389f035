//! Reads a description and reports all of its problems.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::describe::number;
use super::{
    DescribedAttribute, DescribedCategory, DescribedSet, DescribedStatus, Description, Path, TYPES,
    has_options,
};
use crate::api::assets::fields::LONGEST_ATTRIBUTE;
use crate::settings::SEPARATOR;
use crate::settings::names::{folded, nearest};

/// The maximum length of a status set's name and of a custom attribute's display name ("POST status-step-sets" and
/// "POST custom-attributes" reference pages).
const LONGEST_NAME: usize = 100;

/// The maximum length of the description of a status set or custom attribute (same reference pages).
const LONGEST_SET_DESCRIPTION: usize = 500;
const LONGEST_ATTRIBUTE_DESCRIPTION: usize = 1000;

/// The largest `max_length` allowed for a text attribute ("POST custom-attributes" reference page).
const LONGEST_TEXT: u64 = LONGEST_ATTRIBUTE as u64;

/// The maximum number of category levels below ROOT ("Assets field guide").
const DEEPEST: usize = 10;

/// The key of the object that the TOML reader wraps around dates.
const TOML_DATE: &str = "$__toml_private_datetime";

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// All problems, each with its location.
    pub fn read(value: &Value) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut at = Entry::new(
            "the description",
            value,
            &["separator", "status_sets", "attributes", "categories"],
            &mut problems,
        );
        let separator = at.text("separator", None);
        if separator
            .as_ref()
            .is_some_and(|separator| separator.trim().is_empty())
        {
            at.wrong("`separator` is blank; use the separator of paths, such as >");
        }
        let lists = ["status_sets", "attributes", "categories"].map(|name| at.list(name).to_vec());
        let [sets, attributes, categories] = lists;
        let between = separator.as_deref().map_or(SEPARATOR, str::trim).to_owned();
        let description = Self {
            status_sets: each("status_sets", &sets, &mut problems, read_set),
            attributes: each("attributes", &attributes, &mut problems, read_attribute),
            categories: each("categories", &categories, &mut problems, |at, value, problems| {
                read_category(at, value, &between, problems)
            }),
            separator,
        };
        doubled(
            "status_sets",
            description.status_sets.iter().map(|set| &set.name),
            &mut problems,
        );
        doubled(
            "attributes",
            description
                .attributes
                .iter()
                .map(|attribute| &attribute.display_name),
            &mut problems,
        );
        if description.status_sets.iter().filter(|set| set.default).count() > 1 {
            problems.push("status_sets: more than one set is the default; keep one".to_owned());
        }
        let mut seen = HashSet::new();
        for (place, category) in description.categories.iter().enumerate() {
            let written = categories[place].get("path");
            if !written.is_some_and(|path| path.is_string() || path.is_array()) {
                continue;
            }
            let key: Vec<String> = category.path.names.iter().map(|name| folded(name)).collect();
            if !seen.insert(key) {
                let path = category.path.names.join(&format!(" {between} "));
                problems.push(format!(
                    "categories[{place}] `{path}`: duplicate of an earlier entry"
                ));
            }
        }
        if problems.is_empty() {
            Ok(description)
        } else {
            Err(problems)
        }
    }
}

fn each<T>(
    list: &str,
    values: &[Value],
    problems: &mut Vec<String>,
    mut read: impl FnMut(String, &Value, &mut Vec<String>) -> T,
) -> Vec<T> {
    values
        .iter()
        .enumerate()
        .map(|(place, value)| read(format!("{list}[{place}]"), value, problems))
        .collect()
}

fn doubled<'n>(list: &str, names: impl Iterator<Item = &'n String>, problems: &mut Vec<String>) {
    let mut seen = HashSet::new();
    for (place, name) in names.enumerate() {
        if !name.is_empty() && !seen.insert(folded(name)) {
            problems.push(format!("{list}[{place}] `{name}`: duplicate of an earlier entry"));
        }
    }
}

fn read_set(at: String, value: &Value, problems: &mut Vec<String>) -> DescribedSet {
    let mut at = Entry::named(
        at,
        value,
        "name",
        &["name", "default", "description", "statuses"],
        problems,
    );
    let name = at.required("name", Some(LONGEST_NAME));
    let default = at.flag("default");
    let description = at.text("description", Some(LONGEST_SET_DESCRIPTION));
    if at.map.is_some() && at.get("statuses").is_none() {
        at.wrong("`statuses` is missing; add a list of labels");
    }
    let values = at.list("statuses").to_vec();
    let place = at.at.clone();
    let statuses: Vec<DescribedStatus> = values
        .iter()
        .enumerate()
        .map(|(number, value)| {
            let place = format!("{place}.statuses[{number}]");
            if let Value::String(label) = value {
                if label.trim().is_empty() {
                    problems.push(format!("{place}: the label is blank"));
                }
                return DescribedStatus {
                    label: label.trim().to_owned(),
                    ..DescribedStatus::default()
                };
            }
            let mut at = Entry::named(
                place,
                value,
                "label",
                &["label", "color", "description"],
                problems,
            );
            DescribedStatus {
                label: at.required("label", None),
                color: at.text("color", None),
                description: at.text("description", None),
            }
        })
        .collect();
    doubled(
        &format!("{place}.statuses"),
        statuses.iter().map(|status| &status.label),
        problems,
    );
    DescribedSet {
        name,
        default,
        description,
        statuses,
    }
}

fn read_attribute(at: String, value: &Value, problems: &mut Vec<String>) -> DescribedAttribute {
    let keys = [
        "display_name",
        "type",
        "required",
        "description",
        "max_length",
        "default",
        "options",
    ];
    let mut at = Entry::named(at, value, "display_name", &keys, problems);
    let display_name = at.required("display_name", Some(LONGEST_NAME));
    let data_type = at.required("type", None);
    let known = TYPES.contains(&data_type.as_str());
    if !known && !data_type.is_empty() {
        at.wrong(&format!("`type` is `{data_type}`; use {}", TYPES.join(", ")));
    }
    let required = at.flag("required");
    let description = at.text("description", Some(LONGEST_ATTRIBUTE_DESCRIPTION));
    let max_length = match at.get("max_length") {
        None => None,
        Some(_) if known && data_type != "text" => {
            at.wrong(&format!(
                "`max_length` is set, but the type is {data_type}; use it with text only"
            ));
            None
        }
        Some(value) => {
            let length = value
                .as_u64()
                .filter(|length| (1..=LONGEST_TEXT).contains(length));
            if length.is_none() {
                at.wrong(&format!(
                    "`max_length` is {value}; use a whole number from 1 to {LONGEST_TEXT}"
                ));
            }
            length.and_then(|length| usize::try_from(length).ok())
        }
    };
    let options: Vec<String> = at.texts("options");
    if known && has_options(&data_type) && options.is_empty() {
        at.wrong(&format!(
            "`options` is missing, but a {data_type} needs it; add a list of labels"
        ));
    } else if known && !has_options(&data_type) && at.get("options").is_some() {
        at.wrong(&format!(
            "`options` is set, but the type is {data_type}; use it with select and multi_select only"
        ));
    }
    let default = at.get("default").cloned().and_then(|given| {
        let fits = default_of(&data_type, &options, max_length, &given);
        fits.map_err(|wanted| at.wrong(&format!("`default` is {given}; use {wanted}")))
            .ok()
    });
    let place = at.at.clone();
    doubled(&format!("{place}.options"), options.iter(), problems);
    DescribedAttribute {
        display_name,
        data_type,
        required,
        description,
        max_length,
        default,
        options,
    }
}

/// Converts a default to the form that the service expects for this type ("Create settings" tutorial). On an error,
/// returns a description of the expected form.
fn default_of(
    data_type: &str,
    options: &[String],
    max_length: Option<usize>,
    given: &Value,
) -> Result<Value, &'static str> {
    let given = match given.get(TOML_DATE) {
        Some(date) => date,
        None => given,
    };
    let option = |value: &Value| {
        let label = folded(value.as_str()?);
        let found = options.iter().find(|option| folded(option) == label)?;
        Some(Value::String(found.clone()))
    };
    let text = given.as_str();
    match data_type {
        "numeric" => number(given).ok_or("a number"),
        "boolean" if given.is_boolean() => Ok(given.clone()),
        "boolean" => Err("true or false"),
        "date" if text.is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()) => Ok(given.clone()),
        "date" => Err("a date such as 2031-02-28"),
        "select" => option(given).ok_or("one of the options"),
        "multi_select" => {
            let labels = given.as_array().ok_or("a list of options")?;
            let labels: Option<Vec<Value>> = labels.iter().map(option).collect();
            labels.map(Value::Array).ok_or("a list of options")
        }
        _ => {
            let longest = max_length.unwrap_or(LONGEST_ATTRIBUTE);
            match text {
                Some(text) if text.chars().count() <= longest => Ok(given.clone()),
                Some(_) => Err("a string that is not longer than `max_length`"),
                None => Err("a text"),
            }
        }
    }
}

fn read_category(
    at: String,
    value: &Value,
    separator: &str,
    problems: &mut Vec<String>,
) -> DescribedCategory {
    let keys = ["path", "description", "status_set", "attributes"];
    let mut at = Entry::named(at, value, "path", &keys, problems);
    let path = match at.get("path").cloned() {
        None => {
            at.wrong("`path` is missing; add names such as HVAC > Air Handling, or a list of names");
            Path::default()
        }
        Some(Value::String(text)) => {
            let names: Vec<String> = if separator.is_empty() {
                vec![text.trim().to_owned()]
            } else {
                text.split(separator).map(|name| name.trim().to_owned()).collect()
            };
            if names.iter().any(String::is_empty) {
                at.wrong("`path` has an empty name; for ROOT, use an empty list");
            }
            Path {
                names,
                joined: Some(separator.to_owned()),
            }
        }
        Some(Value::Array(_)) => {
            let names = at.texts("path");
            Path { names, joined: None }
        }
        Some(other) => {
            at.wrong(&format!("`path` is {other}; use a string or a list of names"));
            Path::default()
        }
    };
    if path.names.len() > DEEPEST {
        at.wrong(&format!(
            "the path has more than {DEEPEST} levels below ROOT; shorten it"
        ));
    }
    let root = path.names.is_empty() && path.joined.is_none();
    let status_set = at.text("status_set", None);
    if root && at.get("path").is_some() && status_set.is_some() {
        at.wrong("`status_set` of ROOT is always the default set; remove it");
    }
    let attributes = at.texts("attributes");
    let category = DescribedCategory {
        path,
        description: at.text("description", None),
        status_set,
        attributes,
    };
    let place = at.at.clone();
    doubled(
        &format!("{place}.attributes"),
        category.attributes.iter(),
        problems,
    );
    category
}

/// An object in the description, and its location.
struct Entry<'a, 'p> {
    at: String,
    map: Option<&'a Map<String, Value>>,
    problems: &'p mut Vec<String>,
}

impl<'a, 'p> Entry<'a, 'p> {
    fn new(at: &str, value: &'a Value, keys: &[&str], problems: &'p mut Vec<String>) -> Self {
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
    fn named(at: String, value: &'a Value, name: &str, keys: &[&str], problems: &'p mut Vec<String>) -> Self {
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

    fn wrong(&mut self, what: &str) {
        self.problems.push(format!("{}: {what}", self.at));
    }

    /// Returns the value of a key. Null counts as missing.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map?.get(key).filter(|value| !value.is_null())
    }

    fn text(&mut self, key: &str, longest: Option<usize>) -> Option<String> {
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

    fn required(&mut self, key: &str, longest: Option<usize>) -> String {
        let before = self.problems.len();
        let text = self.text(key, longest);
        if text.is_none() && self.problems.len() == before && self.map.is_some() {
            self.wrong(&format!("`{key}` is missing"));
        }
        text.unwrap_or_default()
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(value) => {
                self.wrong(&format!("`{key}` is {value}; use true or false"));
                false
            }
        }
    }

    fn list(&mut self, key: &str) -> &'a [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Array(list)) => list,
            Some(value) => {
                self.wrong(&format!("`{key}` is {value}; use a list"));
                &[]
            }
        }
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
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
