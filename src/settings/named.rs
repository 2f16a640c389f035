//! The names by which people know the categories, statuses, options and locations of assets. A name can be looked up
//! again: if a path is ambiguous, the id follows it, as in `Pumps > Spare (17)`.

use std::collections::HashMap;

use super::indexed::Settings;
use super::names::folded_heading;
use super::notation::{SEPARATOR, joined, with_id, without_id};
use crate::api::assets::FIELDS;
use crate::api::field::Refers;

/// What an id in an asset refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    Category,
    Status,
    Location,
    /// A value of the select or multi-select attribute with this index.
    Choice(usize),
}

impl Settings {
    /// Returns what the values of a field or custom attribute refer to. `None` if they are not ids of settings.
    #[must_use]
    pub fn reference(&self, field: &str) -> Option<Reference> {
        Some(match FIELDS.find(field).and_then(|field| field.refers) {
            Some(Refers::Category) => Reference::Category,
            Some(Refers::Status) => Reference::Status,
            Some(Refers::Location) => Reference::Location,
            None => {
                let place = self.attribute_of_name(field)?;
                let kind = self.content.attributes[place].data_type.as_str();
                matches!(kind, "select" | "multi_select").then_some(Reference::Choice(place))?
            }
        })
    }

    /// Returns the name for an id. `None` if the id is unknown or its name is blank.
    #[must_use]
    pub fn name_of(&self, reference: Reference, id: &str) -> Option<&str> {
        match reference {
            Reference::Category => self.name_of_category(id),
            Reference::Status => self.name_of_status(id),
            Reference::Location => self.name_of_location(id),
            Reference::Choice(attribute) => self.name_of_choice(attribute, id),
        }
    }

    fn name_of_category(&self, id: &str) -> Option<&str> {
        let place = self.category_of_id(id)?;
        let name = self.names.categories[place].get_or_init(|| {
            let is_found = |path: &str| self.any_category(path, SEPARATOR) == Ok(place);
            path_name(
                &self.category_path(place),
                &self.content.categories[place].id,
                is_found,
            )
        });
        name.as_deref()
    }

    fn name_of_location(&self, id: &str) -> Option<&str> {
        let place = find(&self.location_places, id)?;
        let name = self.names.locations[place].get_or_init(|| {
            let is_found = |path: &str| self.location(path, SEPARATOR, false) == Ok(place);
            path_name(&self.location_path(place), self.location_id(place), is_found)
        });
        name.as_deref()
    }

    /// Returns the heading of a custom attribute: its display name, or the display name with the attribute's own name if
    /// the display name alone could mean another column. `is_taken` is whether a heading, normalized by
    /// [`plain`](super::names::plain), means another column in every project.
    #[must_use]
    pub fn heading_of(&self, attribute: usize, is_taken: impl Fn(&str) -> bool) -> String {
        let own = &self.content.attributes[attribute];
        let name = own.display_name.trim();
        let called = folded_heading(name);
        let is_shared = self
            .attribute_names
            .get(&called)
            .is_some_and(|same| same.len() > 1);
        let of_other = without_id(name).is_some_and(|(_, id)| self.attribute_of_name(id).is_some());
        if name.is_empty() || name == own.name {
            own.name.clone()
        } else if is_shared || of_other || is_taken(&called) {
            with_id(name, &own.name)
        } else {
            name.to_owned()
        }
    }

    fn name_of_status(&self, id: &str) -> Option<&str> {
        let (set, place) = find(&self.status_places, id)?;
        label(&self.content.status_sets[set].statuses[place].label)
    }

    fn name_of_choice(&self, attribute: usize, id: &str) -> Option<&str> {
        let place = find(&self.choices[attribute].by_id, id)?;
        label(&self.content.attributes[attribute].choices[place].label)
    }
}

/// Returns the path, or the path with the id if the path alone would find other nodes.
fn path_name(path: &[&str], id: &str, is_found: impl Fn(&str) -> bool) -> Option<Box<str>> {
    if path.iter().any(|name| name.trim().is_empty()) {
        return None;
    }
    let path = joined(path, SEPARATOR);
    if is_found(&path) {
        return Some(path.into());
    }
    let path = with_id(&path, id);
    is_found(&path).then(|| path.into())
}

/// Looks up an id, which is usually in lower case.
fn find<T: Copy>(places: &HashMap<String, T>, id: &str) -> Option<T> {
    let found = places.get(id).or_else(|| places.get(&id.to_ascii_lowercase()));
    found.copied()
}

fn label(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}
