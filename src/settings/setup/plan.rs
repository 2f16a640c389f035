//! Plans the steps that bring a project's settings into line with a description.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::describe::number;
use super::{DescribedAttribute, DescribedCategory, DescribedSet, DescribedStatus, Description, has_options};
use crate::model::settings::{Attribute, Status, StatusSet};
use crate::settings::names::{folded, nearest};
use crate::settings::{Miss, SEPARATOR, Settings};

/// The subject of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    StatusSet,
    Status,
    Attribute,
    Category,
    /// A status set assigned to a category.
    CategoryStatusSet,
    /// A custom attribute assigned to a category.
    CategoryAttribute,
}

impl Kind {
    /// Returns the name as shown to users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StatusSet => "status_set",
            Self::Status => "status",
            Self::Attribute => "attribute",
            Self::Category => "category",
            Self::CategoryStatusSet => "category_status_set",
            Self::CategoryAttribute => "category_attribute",
        }
    }
}

/// What a step does, or why it does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Assign,
    /// A select attribute exists, and gets more options.
    Extend,
    /// The object or assignment exists as described.
    Exists,
    /// The object or assignment exists, but differs from the description. Nothing is changed.
    Differs,
    /// The object or assignment cannot be created.
    Missing,
}

impl Action {
    /// Returns the name as shown to users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Assign => "assign",
            Self::Extend => "extend",
            Self::Exists => "exists",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }
}

/// An existing object, identified by its id, or an object that an earlier step creates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Thing {
    Known(String),
    Made(usize),
}

/// The request that a step sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// `rename` is set if an inactive set already has the name and must be renamed.
    StatusSet {
        name: String,
        body: Value,
        rename: bool,
    },
    /// `after` is the previous step for the same set, since statuses keep their order of creation.
    Status {
        label: String,
        body: Value,
        set: Thing,
        after: Option<usize>,
    },
    Attribute {
        name: String,
        body: Value,
        rename: bool,
    },
    /// Adds options to the select attribute with this id.
    Options {
        attribute: String,
        options: Vec<String>,
    },
    Category {
        name: String,
        body: Value,
        parent: Thing,
    },
    /// `after` is the previous step for the same category, since a category must be changed by one request at a time.
    AssignStatusSet {
        category: Thing,
        set: Thing,
        after: Option<usize>,
    },
    AssignAttribute {
        category: Thing,
        attribute: Thing,
        after: Option<usize>,
    },
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub kind: Kind,
    pub name: String,
    pub action: Action,
    /// The difference, the reason, or other information. May be empty.
    pub note: String,
    /// Whether the description must be corrected because it refers to something that does not exist.
    pub mistake: bool,
    pub work: Option<Work>,
}

/// All steps, dependencies first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    /// Returns the unknown names in the description, each with a fix.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let mistakes = self.steps.iter().filter(|step| step.mistake);
        mistakes
            .map(|step| format!("{}: {}", step.name, step.note))
            .collect()
    }
}

/// Plans the steps that bring a project with these settings into line with a description.
#[must_use]
pub fn plan(settings: &Settings, description: &Description) -> Plan {
    let mut planner = Planner {
        settings,
        separator: description
            .separator
            .as_deref()
            .map_or(SEPARATOR, str::trim)
            .to_owned(),
        steps: Vec::new(),
        sets: HashMap::new(),
        attributes: HashMap::new(),
        nodes: HashMap::new(),
        below: HashMap::new(),
    };
    for set in &description.status_sets {
        planner.status_set(set);
    }
    for attribute in &description.attributes {
        planner.attribute(attribute);
    }
    planner.roots();
    // Go from the top down, so that the parents of a category are known first.
    let mut categories: Vec<&DescribedCategory> = description.categories.iter().collect();
    categories.sort_by_key(|category| category.path.names.len());
    let listed: HashMap<Vec<String>, &DescribedCategory> = categories
        .iter()
        .map(|category| (key(&category.path.names), *category))
        .collect();
    for category in &categories {
        for length in 1..=category.path.names.len() {
            planner.category(&category.path.names[..length], &listed);
        }
    }
    for category in &categories {
        planner.assignments(category);
    }
    Plan { steps: planner.steps }
}

fn key(names: &[String]) -> Vec<String> {
    names.iter().map(|name| folded(name)).collect()
}

/// An object that assignments can refer to, or the reason why there is none.
type Had = Result<Thing, String>;

/// A category in the description, or a parent of such a category.
struct Node {
    had: Had,
    /// The index of the category in the settings, if it exists.
    place: Option<usize>,
    set: Option<Thing>,
    attributes: HashSet<Thing>,
}

struct Planner<'s> {
    settings: &'s Settings,
    separator: String,
    steps: Vec<Step>,
    sets: HashMap<String, Had>,
    attributes: HashMap<String, Had>,
    nodes: HashMap<Vec<String>, Node>,
    /// The direct subcategories of each category.
    below: HashMap<usize, Vec<usize>>,
}

impl Planner<'_> {
    fn step(&mut self, kind: Kind, name: String, action: Action, note: String) -> usize {
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

    fn found(&mut self, kind: Kind, name: String, differences: &[String]) {
        let action = if differences.is_empty() {
            Action::Exists
        } else {
            Action::Differs
        };
        self.step(kind, name, action, differences.join("; "));
    }

    fn planned(&mut self, kind: Kind, name: String, action: Action, note: String, work: Work) -> usize {
        let step = self.step(kind, name, action, note);
        self.steps[step].work = Some(work);
        step
    }

    // ---- status sets ----

    fn status_set(&mut self, wanted: &DescribedSet) {
        let sets = &self.settings.content().status_sets;
        let found = if wanted.default {
            sets.iter().find(|set| set.default)
        } else {
            called(sets.iter().filter(|set| set.active), &wanted.name, |set| {
                &set.name
            })
        };
        let had = match found {
            Some(set) => {
                let mut differences = Vec::new();
                text_differs(
                    "description",
                    set.description.as_deref(),
                    wanted.description.as_deref(),
                    &mut differences,
                );
                if wanted.default && folded(&set.name) != folded(&wanted.name) {
                    differences.push(format!(
                        "the default set is named `{}` in this project",
                        set.name.trim()
                    ));
                }
                self.found(Kind::StatusSet, wanted.name.clone(), &differences);
                self.statuses(set, wanted);
                Ok(Thing::Known(set.id.clone()))
            }
            None if wanted.default => {
                let note = "the project has no default status set, and the API cannot create one".to_owned();
                self.step(
                    Kind::StatusSet,
                    wanted.name.clone(),
                    Action::Missing,
                    note.clone(),
                );
                Err(note)
            }
            None => {
                let rename = called(sets.iter(), &wanted.name, |set| &set.name).is_some();
                let mut body = Map::new();
                body.insert("name".to_owned(), json!(wanted.name));
                put(&mut body, "description", wanted.description.as_ref());
                let values: Vec<Value> = wanted
                    .statuses
                    .iter()
                    .map(|status| Value::Object(status_body(status)))
                    .collect();
                body.insert("values".to_owned(), Value::Array(values));
                let step = self.planned(
                    Kind::StatusSet,
                    wanted.name.clone(),
                    Action::Create,
                    renamed(rename),
                    Work::StatusSet {
                        name: wanted.name.clone(),
                        body: Value::Object(body),
                        rename,
                    },
                );
                Ok(Thing::Made(step))
            }
        };
        self.sets.insert(folded(&wanted.name), had);
    }

    fn statuses(&mut self, set: &StatusSet, wanted: &DescribedSet) {
        let mut after = None;
        for status in &wanted.statuses {
            let name = format!("{}: {}", wanted.name, status.label);
            let active = set.statuses.iter().filter(|status| status.active);
            let known = called(active, &status.label, |status| &status.label)
                .or_else(|| called(set.statuses.iter(), &status.label, |status| &status.label));
            if let Some(known) = known {
                // A status that matches needs no separate step. Neither does a status that is created
                // together with its set.
                let differences = status_differences(known, status);
                if !differences.is_empty() {
                    self.found(Kind::Status, name, &differences);
                }
                continue;
            }
            let work = Work::Status {
                label: status.label.clone(),
                body: Value::Object(status_body(status)),
                set: Thing::Known(set.id.clone()),
                after,
            };
            after = Some(self.planned(Kind::Status, name, Action::Create, String::new(), work));
        }
    }

    // ---- custom attributes ----

    fn attribute(&mut self, wanted: &DescribedAttribute) {
        let attributes = &self.settings.content().attributes;
        let active = attributes
            .iter()
            .enumerate()
            .filter(|(_, attribute)| attribute.active);
        let found = called(active, &wanted.display_name, |(_, attribute)| {
            &attribute.display_name
        });
        let had = if let Some((place, attribute)) = found {
            let mut differences = self.attribute_differences(place, attribute, wanted);
            let missing = self.missing_options(place, attribute, wanted);
            let name = wanted.display_name.clone();
            if differences.is_empty() && !missing.is_empty() {
                let note = format!("adds `{}`", missing.join("`, `"));
                let work = Work::Options {
                    attribute: attribute.id.clone(),
                    options: missing,
                };
                self.planned(Kind::Attribute, name, Action::Extend, note, work);
            } else {
                let missing = missing.iter();
                differences.extend(missing.map(|option| format!("the option `{option}` is missing")));
                self.found(Kind::Attribute, name, &differences);
            }
            Ok(Thing::Known(attribute.id.clone()))
        } else {
            let rename = called(attributes.iter(), &wanted.display_name, |attribute| {
                &attribute.display_name
            })
            .is_some();
            let step = self.planned(
                Kind::Attribute,
                wanted.display_name.clone(),
                Action::Create,
                renamed(rename),
                Work::Attribute {
                    name: wanted.display_name.clone(),
                    body: attribute_body(wanted),
                    rename,
                },
            );
            Ok(Thing::Made(step))
        };
        self.attributes.insert(folded(&wanted.display_name), had);
    }

    fn attribute_differences(
        &self,
        place: usize,
        known: &Attribute,
        wanted: &DescribedAttribute,
    ) -> Vec<String> {
        let mut differences = Vec::new();
        if known.data_type != wanted.data_type {
            differences.push(format!(
                "type is {} in the project, but {} in the description",
                known.data_type, wanted.data_type
            ));
        }
        if known.required != wanted.required {
            let word = |required| if required { "required" } else { "not required" };
            differences.push(format!(
                "it is {} in the project, but {} in the description",
                word(known.required),
                word(wanted.required)
            ));
        }
        text_differs(
            "description",
            known.description.as_deref(),
            wanted.description.as_deref(),
            &mut differences,
        );
        // The default is 250 ("POST custom-attributes" reference page).
        let longest = known.longest.unwrap_or(250);
        match wanted.max_length {
            Some(length) if length != longest && known.data_type == "text" => {
                differences.push(format!(
                    "max_length is {longest} in the project, but {length} in the description"
                ));
            }
            _ => {}
        }
        if known.data_type == wanted.data_type {
            let default = self.settings.described_default(place);
            match &wanted.default {
                Some(given) if !same_default(default.as_ref(), given) => {
                    let here = default.map_or_else(|| "none".to_owned(), |default| shown(&default));
                    differences.push(format!(
                        "default is {here} in the project, but {} in the description",
                        shown(given)
                    ));
                }
                _ => {}
            }
            for option in &wanted.options {
                if let Err(Miss::Inactive(_)) = self.settings.choice(place, option, false) {
                    differences.push(format!("the option `{option}` is inactive"));
                }
            }
        }
        differences
    }

    /// Returns the options of the description that a select attribute does not have.
    fn missing_options(&self, place: usize, known: &Attribute, wanted: &DescribedAttribute) -> Vec<String> {
        let is_missing = |option: &&String| {
            let found = self.settings.choice(place, option, false);
            found.is_err_and(|miss| !matches!(miss, Miss::Inactive(_)))
        };
        let same_type = known.data_type == wanted.data_type;
        let options = wanted.options.iter().filter(|_| same_type);
        options.filter(is_missing).cloned().collect()
    }

    // ---- categories ----

    fn roots(&mut self) {
        let settings = self.settings;
        for place in settings.category_order() {
            if let Some(above) = settings.category_above(*place) {
                self.below.entry(above).or_default().push(*place);
            }
        }
        // ROOT is found by `isRoot` ("GET categories" reference page).
        let root = settings
            .category_order()
            .iter()
            .copied()
            .find(|place| settings.is_root(*place));
        let content = settings.content();
        let had = root
            .map(|place| Thing::Known(content.categories[place].id.clone()))
            .ok_or_else(|| "the project's settings contain no ROOT category".to_owned());
        self.nodes.insert(
            Vec::new(),
            Node {
                had,
                place: root,
                set: None,
                attributes: HashSet::new(),
            },
        );
    }

    fn shown(&self, names: &[String]) -> String {
        if names.is_empty() {
            return "ROOT".to_owned();
        }
        names.join(&format!(" {} ", self.separator))
    }

    fn category(&mut self, names: &[String], listed: &HashMap<Vec<String>, &DescribedCategory>) {
        let own = key(names);
        let Some((name, above)) = names.split_last() else {
            return;
        };
        if self.nodes.contains_key(&own) {
            return;
        }
        let wanted = listed.get(&own);
        let parent = self.nodes.get(&key(above));
        let (parent, place) = match parent {
            Some(parent) => (parent.had.clone(), parent.place),
            // This cannot happen, because parents come first.
            None => (Err("its parent category is unknown".to_owned()), None),
        };
        let content = self.settings.content();
        let siblings = || {
            let below = place.and_then(|place| self.below.get(&place));
            below
                .into_iter()
                .flatten()
                .map(|place| (*place, &content.categories[*place]))
        };
        let active = siblings().filter(|(_, category)| category.active);
        let found = called(active, name, |(_, category)| &category.name);
        let inactive = called(siblings(), name, |(_, category)| &category.name).is_some();
        let path = self.shown(names);
        let (had, place) = if let Some((place, category)) = found {
            if let Some(wanted) = wanted {
                let mut differences = Vec::new();
                text_differs(
                    "description",
                    category.description.as_deref(),
                    wanted.description.as_deref(),
                    &mut differences,
                );
                self.found(Kind::Category, path, &differences);
            }
            (Ok(Thing::Known(category.id.clone())), Some(place))
        } else if inactive {
            let note = "it is inactive: activate it in the project, or use another name".to_owned();
            self.step(Kind::Category, path.clone(), Action::Differs, note);
            (Err(format!("`{path}` is inactive")), None)
        } else {
            match parent {
                Err(reason) => {
                    self.step(Kind::Category, path, Action::Missing, reason.clone());
                    (Err(reason), None)
                }
                Ok(parent) => {
                    let mut body = Map::new();
                    body.insert("name".to_owned(), json!(name));
                    put(
                        &mut body,
                        "description",
                        wanted.and_then(|wanted| wanted.description.as_ref()),
                    );
                    let note = if wanted.is_none() {
                        "not in the description, but the parent of a category that is"
                    } else {
                        ""
                    };
                    let step = self.planned(
                        Kind::Category,
                        path,
                        Action::Create,
                        note.to_owned(),
                        Work::Category {
                            name: name.clone(),
                            body: Value::Object(body),
                            parent,
                        },
                    );
                    (Ok(Thing::Made(step)), None)
                }
            }
        };
        let node = Node {
            had,
            place,
            set: None,
            attributes: HashSet::new(),
        };
        self.nodes.insert(own, node);
    }

    // ---- assignments ----

    fn assignments(&mut self, wanted: &DescribedCategory) {
        let own = key(&wanted.path.names);
        let path = self.shown(&wanted.path.names);
        let Some(category) = self.nodes.get(&own).map(|node| node.had.clone()) else {
            return;
        };
        let mut after = None;
        if let Some(set) = &wanted.status_set {
            after = self.assign_set(&own, &path, &category, set);
        }
        for attribute in &wanted.attributes {
            after = self
                .assign_attribute(&own, &path, &category, attribute, after)
                .or(after);
        }
    }

    fn assign_set(&mut self, own: &[String], path: &str, category: &Had, name: &str) -> Option<usize> {
        let kind = Kind::CategoryStatusSet;
        let shown = format!("{path}: {name}");
        let sets = &self.settings.content().status_sets;
        let known = self.sets.get(&folded(name)).cloned();
        let set = known.or_else(|| {
            let set = called(sets.iter().filter(|set| set.active), name, |set| &set.name)?;
            Some(Ok(Thing::Known(set.id.clone())))
        });
        let Some(set) = set else {
            let known = sets.iter().filter(|set| set.active).map(|set| set.name.as_str());
            self.nowhere(kind, shown, "status set", name, known.collect());
            return None;
        };
        let (category, set) = match (category, set) {
            (Ok(category), Ok(set)) => (category.clone(), set),
            (Err(reason), _) => {
                self.step(kind, shown, Action::Missing, reason.clone());
                return None;
            }
            (_, Err(reason)) => {
                self.step(kind, shown, Action::Missing, reason);
                return None;
            }
        };
        if self.set_of(own).as_ref() == Some(&set) {
            self.step(kind, shown, Action::Exists, String::new());
            return None;
        }
        if let Some(Thing::Known(explicit)) = self.explicit_set(own) {
            let other = sets.iter().find(|set| set.id == explicit);
            let other = other.map_or(explicit.as_str(), |set| set.name.trim());
            self.step(
                kind,
                shown,
                Action::Differs,
                format!("it has the status set `{other}` in the project"),
            );
            return None;
        }
        if let Some(node) = self.nodes.get_mut(own) {
            node.set = Some(set.clone());
        }
        let work = Work::AssignStatusSet {
            category,
            set,
            after: None,
        };
        Some(self.planned(kind, shown, Action::Assign, String::new(), work))
    }

    fn assign_attribute(
        &mut self,
        own: &[String],
        path: &str,
        category: &Had,
        name: &str,
        after: Option<usize>,
    ) -> Option<usize> {
        let kind = Kind::CategoryAttribute;
        let shown = format!("{path}: {name}");
        let attributes = &self.settings.content().attributes;
        let known = self.attributes.get(&folded(name)).cloned();
        let attribute = known.or_else(|| {
            let active = attributes.iter().filter(|attribute| attribute.active);
            let found = called(active, name, |attribute| &attribute.display_name)?;
            Some(Ok(Thing::Known(found.id.clone())))
        });
        let Some(attribute) = attribute else {
            let active = attributes.iter().filter(|attribute| attribute.active);
            let known = active.map(|attribute| attribute.display_name.as_str()).collect();
            self.nowhere(kind, shown, "custom attribute", name, known);
            return None;
        };
        let (category, attribute) = match (category, attribute) {
            (Ok(category), Ok(attribute)) => (category.clone(), attribute),
            (Err(reason), _) => {
                self.step(kind, shown, Action::Missing, reason.clone());
                return None;
            }
            (_, Err(reason)) => {
                self.step(kind, shown, Action::Missing, reason);
                return None;
            }
        };
        if self.has_attribute(own, &attribute) {
            self.step(kind, shown, Action::Exists, String::new());
            return None;
        }
        if let Some(node) = self.nodes.get_mut(own) {
            node.attributes.insert(attribute.clone());
        }
        let work = Work::AssignAttribute {
            category,
            attribute,
            after,
        };
        Some(self.planned(kind, shown, Action::Assign, String::new(), work))
    }

    fn nowhere(&mut self, kind: Kind, shown: String, what: &str, name: &str, known: Vec<&str>) {
        let near = nearest(name, known.into_iter().map(|known| (known, folded(known))));
        let hint = match near.first() {
            Some(near) => format!("did you mean `{near}`?"),
            None => "add it to the description".to_owned(),
        };
        let note = format!(
            "the {what} `{name}` is neither in the description nor active in the project; \
            {hint}"
        );
        let step = self.step(kind, shown, Action::Missing, note);
        self.steps[step].mistake = true;
    }

    /// Returns the status set assigned directly to a category, existing or planned.
    fn explicit_set(&self, own: &[String]) -> Option<Thing> {
        let node = self.nodes.get(own)?;
        if node.set.is_some() {
            return node.set.clone();
        }
        let content = self.settings.content();
        let id = &content.categories[node.place?].id;
        let explicit = content
            .category_status_sets
            .iter()
            .find(|(category, _)| category == id);
        explicit.map(|(_, set)| Thing::Known(set.clone()))
    }

    /// Returns the status set of a category, which is the nearest set on the path to ROOT ("Assets field
    /// guide"), or else the default set.
    fn set_of(&self, own: &[String]) -> Option<Thing> {
        let upwards = (0..=own.len()).rev().map(|length| &own[..length]);
        upwards
            .into_iter()
            .find_map(|path| self.explicit_set(path))
            .or_else(|| {
                let sets = &self.settings.content().status_sets;
                let default = sets.iter().find(|set| set.default)?;
                Some(Thing::Known(default.id.clone()))
            })
    }

    /// Returns whether a category has an attribute, direct or inherited, existing or planned.
    fn has_attribute(&self, own: &[String], attribute: &Thing) -> bool {
        let content = self.settings.content();
        (0..=own.len())
            .filter_map(|length| self.nodes.get(&own[..length]))
            .any(|node| {
                let here = |place: usize| {
                    let mut has = self.settings.attributes_of(place).ones();
                    has.any(|found| *attribute == Thing::Known(content.attributes[found].id.clone()))
                };
                node.attributes.contains(attribute) || node.place.is_some_and(here)
            })
    }
}

/// Finds a name: an exact match, or else a name that differs only in case and blanks.
fn called<'n, T: Copy>(
    known: impl Iterator<Item = T>,
    name: &str,
    its: impl Fn(T) -> &'n String,
) -> Option<T> {
    let wanted = folded(name);
    let found: Vec<T> = known.filter(|one| folded(its(*one)) == wanted).collect();
    let exactly = found.iter().find(|one| its(**one).trim() == name.trim());
    exactly.or(found.first()).copied()
}

fn renamed(rename: bool) -> String {
    if rename {
        "an inactive object has this name; the service renames it".to_owned()
    } else {
        String::new()
    }
}

fn put(body: &mut Map<String, Value>, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        body.insert(name.to_owned(), Value::String(text.clone()));
    }
}

fn status_body(status: &DescribedStatus) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("label".to_owned(), json!(status.label));
    put(&mut body, "description", status.description.as_ref());
    put(&mut body, "color", status.color.as_ref());
    body
}

fn attribute_body(wanted: &DescribedAttribute) -> Value {
    let mut body = Map::new();
    body.insert("displayName".to_owned(), json!(wanted.display_name));
    body.insert("dataType".to_owned(), json!(wanted.data_type));
    body.insert("requiredOnIngress".to_owned(), json!(wanted.required));
    put(&mut body, "description", wanted.description.as_ref());
    if has_options(&wanted.data_type) {
        body.insert("enumValues".to_owned(), json!(wanted.options));
    }
    if let Some(length) = wanted.max_length {
        body.insert("maxLengthOnIngress".to_owned(), json!(length));
    }
    if let Some(default) = &wanted.default {
        body.insert("defaultValue".to_owned(), default.clone());
    }
    Value::Object(body)
}

fn status_differences(known: &Status, wanted: &DescribedStatus) -> Vec<String> {
    let mut differences = Vec::new();
    if !known.active {
        differences.push("it is inactive: activate it in the project".to_owned());
    }
    text_differs(
        "colour",
        known.color.as_deref(),
        wanted.color.as_deref(),
        &mut differences,
    );
    text_differs(
        "description",
        known.description.as_deref(),
        wanted.description.as_deref(),
        &mut differences,
    );
    differences
}

/// Adds a difference if the description contains a text that is not the same in the project.
fn text_differs(what: &str, known: Option<&str>, wanted: Option<&str>, differences: &mut Vec<String>) {
    let Some(wanted) = wanted else { return };
    let known = known.map(str::trim).unwrap_or_default();
    if known != wanted.trim() {
        let here = if known.is_empty() {
            "none".to_owned()
        } else {
            format!("\"{}\"", crate::error::shortened(known, 60))
        };
        differences.push(format!(
            "{what} is {here} in the project, but \"{}\" in the description",
            crate::error::shortened(wanted.trim(), 60)
        ));
    }
}

fn same_default(known: Option<&Value>, wanted: &Value) -> bool {
    let Some(known) = known else { return false };
    let numbers = number(known).zip(number(wanted));
    if let (Some((known, wanted)), true) = (numbers, wanted.is_number()) {
        return known.as_f64() == wanted.as_f64();
    }
    let folds = |value: &Value| -> Vec<String> {
        let mut labels: Vec<String> = match value {
            Value::Array(values) => values.iter().filter_map(Value::as_str).map(folded).collect(),
            Value::String(text) => vec![folded(text)],
            other => vec![other.to_string()],
        };
        labels.sort();
        labels
    };
    folds(known) == folds(wanted)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
