//! What a plan is made from, and the steps so far.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::step::{Action, Kind, ObjectId, Step, Work};
use crate::settings::Settings;
use crate::settings::names::folded;

/// An object that assignments can refer to, or the reason why there is none.
pub(super) type Resolved = Result<ObjectId, String>;

/// A category in the description, or a parent of such a category.
pub(super) struct Node {
    pub object: Resolved,
    /// The index of the category in the settings, if it exists.
    pub place: Option<usize>,
    pub set: Option<ObjectId>,
    pub attributes: HashSet<ObjectId>,
}

/// Collects the steps.
pub(super) struct Planner<'s> {
    pub settings: &'s Settings,
    pub separator: String,
    pub steps: Vec<Step>,
    pub sets: HashMap<String, Resolved>,
    pub attributes: HashMap<String, Resolved>,
    pub nodes: HashMap<Vec<String>, Node>,
    /// The direct subcategories of each category.
    pub below: HashMap<usize, Vec<usize>>,
}

impl Planner<'_> {
    pub fn step(&mut self, kind: Kind, name: String, action: Action, note: String) -> usize {
        self.steps.push(Step {
            kind,
            name,
            action,
            note,
            mistake: false,
            work: None,
        });
        self.steps.len() - 1
    }

    pub fn found(&mut self, kind: Kind, name: String, differences: &[String]) {
        let action = if differences.is_empty() {
            Action::Exists
        } else {
            Action::Differs
        };
        self.step(kind, name, action, differences.join("; "));
    }

    pub fn planned(&mut self, kind: Kind, name: String, action: Action, note: String, work: Work) -> usize {
        let step = self.step(kind, name, action, note);
        self.steps[step].work = Some(work);
        step
    }

    /// Formats a path for a message.
    pub fn shown(&self, names: &[String]) -> String {
        if names.is_empty() {
            return "ROOT".to_owned();
        }
        names.join(&format!(" {} ", self.separator))
    }
}

pub(super) fn key(names: &[String]) -> Vec<String> {
    names.iter().map(|name| folded(name)).collect()
}

/// Finds a name: an exact match, or else a name that differs only in case and blanks.
pub(super) fn called<'n, T: Copy>(
    known: impl Iterator<Item = T>,
    name: &str,
    its: impl Fn(T) -> &'n String,
) -> Option<T> {
    let wanted = folded(name);
    let found: Vec<T> = known.filter(|one| folded(its(*one)) == wanted).collect();
    let exactly = found.iter().find(|one| its(**one).trim() == name.trim());
    exactly.or(found.first()).copied()
}

pub(super) fn renamed(rename: bool) -> String {
    if rename {
        "an inactive object has this name; the service renames it".to_owned()
    } else {
        String::new()
    }
}

pub(super) fn put(body: &mut Map<String, Value>, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        body.insert(name.to_owned(), Value::String(text.clone()));
    }
}
