//! The objects that a setup creates, and how they are found: by name, since names are unique ("Assets field guide").
//! Status sets and custom attributes are unique in the project, status labels in their set, categories in their parent.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use crate::api::Endpoint;
use crate::api::settings as endpoints;
use crate::http::Response;
use crate::model::settings::{Attribute, Category, Status, StatusSet};
use crate::model::value;
use crate::settings::names::folded;

/// An object that a step creates, with the properties needed to look it up.
pub(super) enum NewObject<'p> {
    StatusSet { name: &'p str },
    Status { label: &'p str, set: String },
    Attribute { name: &'p str },
    Category { name: &'p str, parent: String },
}

impl NewObject<'_> {
    /// Returns the list that contains the object.
    pub fn list(&self) -> &'static Endpoint {
        match self {
            Self::StatusSet { .. } | Self::Status { .. } => &endpoints::STATUS_SETS,
            Self::Attribute { .. } => &endpoints::CUSTOM_ATTRIBUTES,
            Self::Category { .. } => &endpoints::CATEGORIES,
        }
    }

    /// Reads the id from the response to a create, if the response matches the request.
    pub fn read(&self, response: &Response) -> Option<String> {
        let entry = read(response)?;
        // Ids are strings ("POST categories" reference page). If the id in a response has another type, do
        // not trust the id; look the object up in the list.
        entry.get("id")?.as_str()?;
        match self {
            Self::Status { label, .. } => status_id(label, Status::read(&entry)?),
            _ => self.find(&[entry]),
        }
    }

    /// Returns the id of the active object with this name.
    pub fn find(&self, entries: &[Value]) -> Option<String> {
        let mut entries = entries.iter();
        match self {
            Self::StatusSet { name } => entries
                .filter_map(StatusSet::read)
                .find(|found| found.active && same(&found.name, name) && is_uuid(&found.id))
                .map(|found| found.id),
            Self::Status { label, set } => entries
                .filter_map(StatusSet::read)
                .find(|found| found.id.eq_ignore_ascii_case(set))?
                .statuses
                .into_iter()
                .find_map(|found| status_id(label, found)),
            Self::Attribute { name } => entries
                .filter_map(Attribute::read)
                .find(|found| found.active && same(&found.display_name, name) && is_uuid(&found.id))
                .map(|found| found.id),
            Self::Category { name, parent } => entries.find_map(|entry| {
                let found = Category::read(entry)?;
                let whole = found.id.bytes().all(|byte| byte.is_ascii_digit());
                let matches = found.active && same(&found.name, name) && whole;
                (matches && found.parent.as_ref() == Some(parent)).then_some(found.id)
            }),
        }
    }
}

/// Reads the body of a response.
pub(super) fn read(response: &Response) -> Option<Value> {
    value::read(std::str::from_utf8(&response.body).ok()?)
}

/// Finds an active custom attribute by its id.
pub(super) fn find_attribute(entries: &[Value], id: &str) -> Option<Attribute> {
    let mut attributes = entries.iter().filter_map(Attribute::read);
    attributes.find(|attribute| attribute.active && attribute.id.eq_ignore_ascii_case(id))
}

/// Returns whether these are active options of an attribute.
pub(super) fn has_options(attribute: &Attribute, options: &[String]) -> bool {
    let active = attribute.choices.iter().filter(|choice| choice.active);
    let known: BTreeSet<String> = active.map(|choice| folded(&choice.label)).collect();
    options.iter().all(|option| known.contains(&folded(option)))
}

/// Returns the active options of an attribute, in their order, followed by those that it does not have.
pub(super) fn all_options<'o>(attribute: &'o Attribute, options: &'o [String]) -> Vec<&'o str> {
    let active = attribute.choices.iter().filter(|choice| choice.active);
    let mut all: Vec<&str> = active.map(|choice| choice.label.as_str()).collect();
    for option in options {
        if all.iter().all(|known| folded(known) != folded(option)) {
            all.push(option);
        }
    }
    all
}

fn status_id(label: &str, found: Status) -> Option<String> {
    (found.active && same(&found.label, label) && is_uuid(&found.id)).then_some(found.id)
}

fn same(found: &str, wanted: &str) -> bool {
    folded(found) == folded(wanted)
}

/// Returns whether this is a UUID. Ids of status sets, statuses and custom attributes are UUIDs ("PUT status-step-set"
/// reference page).
fn is_uuid(id: &str) -> bool {
    Uuid::try_parse(id).is_ok()
}
