//! Reads a description and reports all of its problems.

mod attribute;
mod entry;

use std::collections::HashSet;

use serde_json::Value;

use super::description::{DescribedCategory, DescribedSet, DescribedStatus, Description, Path};
use crate::settings::SEPARATOR;
use crate::settings::names::folded;
use attribute::read_attribute;
use entry::{Entry, note_duplicates};

/// The maximum length of a status set's name ("POST status-step-sets" reference page).
const LONGEST_NAME: usize = 100;

/// The maximum length of a status set's description (same reference page).
const LONGEST_DESCRIPTION: usize = 500;

/// The maximum number of category levels below ROOT ("Assets field guide").
const DEEPEST: usize = 10;

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
        note_duplicates(
            "status_sets",
            description.status_sets.iter().map(|set| &set.name),
            &mut problems,
        );
        note_duplicates(
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
    let description = at.text("description", Some(LONGEST_DESCRIPTION));
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
    note_duplicates(
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
    note_duplicates(
        &format!("{place}.attributes"),
        category.attributes.iter(),
        problems,
    );
    category
}
