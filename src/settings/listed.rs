//! Settings as rows: one JSON object per category, status, attribute and so on.

use serde_json::{Value, json};

use super::{SEPARATOR, Settings, joined};

impl Settings {
    /// Returns the project, `read_at`, the notes and the number of entries of each kind.
    #[must_use]
    pub fn summary(&self) -> Value {
        let content = self.content();
        json!({
            "project": content.project,
            "read_at": content.read_at,
            "notes": content.notes,
            "categories": content.categories.len(),
            "status_sets": content.status_sets.len(),
            "attributes": content.attributes.len(),
            "locations": content.locations.as_ref().map(Vec::len),
        })
    }

    /// Returns the rows of one kind: `categories`, `statuses`, `attributes`, `options`, `locations` or `assignments`.
    /// Returns `None` if there is no such kind.
    #[must_use]
    pub fn rows(&self, kind: &str) -> Option<Vec<Value>> {
        Some(match kind {
            "categories" => self.category_rows(),
            "statuses" => self.status_rows(),
            "attributes" => self.attribute_rows(),
            "options" => self.option_rows(),
            "assignments" => self.assignment_rows(),
            "locations" => self.location_rows(),
            _ => return None,
        })
    }

    /// Returns the row of a category, given by its index.
    #[must_use]
    pub fn category_row(&self, category: usize) -> Value {
        let content = self.content();
        let own = &content.categories[category];
        let path = self.category_path(category);
        let set = self.set_of(category).map(|set| &content.status_sets[set]);
        let attributes: Vec<&str> = self
            .attributes_of(category)
            .ones()
            .map(|place| content.attributes[place].display_name.as_str())
            .collect();
        json!({
            "id": own.id,
            "name": own.name.trim(),
            "path": joined(&path, SEPARATOR),
            "depth": path.len() - usize::from(self.is_root(category)),
            "parent_id": own.parent,
            "is_active": own.active,
            "is_root": own.root,
            "status_set": set.map(|set| set.name.as_str()),
            "status_set_id": set.map(|set| set.id.as_str()),
            "statuses": set.map_or_else(Vec::new, |set| {
                set.statuses.iter().filter(|status| status.active).map(|status| status.label.as_str()).collect()
            }),
            "attributes": attributes,
        })
    }

    /// Returns the row of a location, given by its index.
    #[must_use]
    pub fn location_row(&self, location: usize) -> Option<Value> {
        let own = self.content().locations.as_ref()?.get(location)?;
        Some(json!({
            "id": own.id,
            "name": own.name.trim(),
            "path": joined(&self.location_path(location), SEPARATOR),
            "barcode": own.barcode,
            "parent_id": own.parent,
        }))
    }

    fn category_rows(&self) -> Vec<Value> {
        let order = self.category_order().iter();
        order.map(|place| self.category_row(*place)).collect()
    }

    fn location_rows(&self) -> Vec<Value> {
        let order = self.location_order().iter();
        order.filter_map(|place| self.location_row(*place)).collect()
    }

    fn status_rows(&self) -> Vec<Value> {
        self.content()
            .status_sets
            .iter()
            .flat_map(|set| set.statuses.iter().map(move |status| (set, status)))
            .map(|(set, status)| {
                json!({
                    "id": status.id,
                    "label": status.label,
                    "status_set": set.name,
                    "status_set_id": set.id,
                    "is_default": set.default,
                    "color": status.color,
                    "is_active": set.active && status.active,
                })
            })
            .collect()
    }

    fn attribute_rows(&self) -> Vec<Value> {
        self.content()
            .attributes
            .iter()
            .map(|attribute| {
                let options = attribute.choices.iter().filter(|choice| choice.active);
                let options: Vec<&str> = options.map(|choice| choice.label.as_str()).collect();
                json!({
                    "id": attribute.id,
                    "name": attribute.name,
                    "display_name": attribute.display_name,
                    "type": attribute.data_type,
                    "is_required": attribute.required,
                    "max_length": attribute.longest,
                    "default": attribute.default,
                    "options": options,
                    "description": attribute.description,
                    "is_active": attribute.active,
                })
            })
            .collect()
    }

    fn option_rows(&self) -> Vec<Value> {
        self.content()
            .attributes
            .iter()
            .flat_map(|attribute| attribute.choices.iter().map(move |choice| (attribute, choice)))
            .map(|(attribute, choice)| {
                json!({
                    "id": choice.id,
                    "label": choice.label,
                    "attribute": attribute.display_name,
                    "attribute_name": attribute.name,
                    "is_active": attribute.active && choice.active,
                })
            })
            .collect()
    }

    fn assignment_rows(&self) -> Vec<Value> {
        let content = self.content();
        self.category_order()
            .iter()
            .flat_map(|place| {
                self.attributes_of(*place)
                    .ones()
                    .map(|attribute| (*place, attribute))
            })
            .map(|(place, attribute)| {
                let known = &content.attributes[attribute];
                let is_inherited = self
                    .category_above(place)
                    .is_some_and(|above| self.attributes_of(above).contains(attribute));
                json!({
                    "category_id": content.categories[place].id,
                    "category": joined(&self.category_path(place), SEPARATOR),
                    "attribute": known.display_name,
                    "attribute_name": known.name,
                    "is_inherited": is_inherited,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::{Attribute, Category, Choice, Status, StatusSet};
    use crate::settings::Content;

    fn settings() -> Settings {
        let category = |id: &str, name: &str, parent: Option<&str>| Category {
            id: id.to_owned(),
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
            root: parent.is_none(),
            active: true,
            ..Category::default()
        };
        let status = |id: &str, active| Status {
            id: id.to_owned(),
            label: id.to_uppercase(),
            active,
            ..Status::default()
        };
        let choice = |id: &str, active| Choice {
            id: id.to_owned(),
            label: id.to_uppercase(),
            active,
        };
        Settings::new(Content {
            project: "p".to_owned(),
            categories: vec![
                category("1", "ROOT", None),
                category("2", " HVAC ", Some("1")),
                category("3", "Fans", Some("2")),
            ],
            status_sets: vec![StatusSet {
                id: "s".to_owned(),
                name: "Set".to_owned(),
                default: true,
                active: true,
                statuses: vec![status("open", true), status("old", false)],
                ..StatusSet::default()
            }],
            attributes: vec![Attribute {
                id: "a".to_owned(),
                name: "ca1".to_owned(),
                display_name: "Level".to_owned(),
                data_type: "select".to_owned(),
                active: true,
                choices: vec![choice("low", true), choice("gone", false)],
                ..Attribute::default()
            }],
            category_attributes: vec![("2".to_owned(), "a".to_owned())],
            ..Content::default()
        })
    }

    #[test]
    fn categories_have_paths_and_active_statuses() {
        let settings = settings();
        let rows = settings.rows("categories").unwrap();
        let of = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
        assert_eq!(of("path"), ["ROOT", "HVAC", "HVAC > Fans"]);
        assert_eq!(of("depth"), [0, 1, 2]);
        assert_eq!(of("statuses"), vec![json!(["OPEN"]); 3]);
        assert_eq!(of("attributes"), [json!([]), json!(["Level"]), json!(["Level"])]);
    }

    #[test]
    fn an_assignment_is_inherited_if_the_parent_has_it() {
        let rows = settings().rows("assignments").unwrap();
        let row = |category: &str, path: &str, is_inherited: bool| {
            json!({"category_id": category, "category": path, "attribute": "Level", "attribute_name": "ca1",
                "is_inherited": is_inherited})
        };
        assert_eq!(rows, [row("2", "HVAC", false), row("3", "HVAC > Fans", true)]);
    }

    #[test]
    fn only_active_options_are_listed_with_their_attribute() {
        let settings = settings();
        assert_eq!(settings.rows("attributes").unwrap()[0]["options"], json!(["LOW"]));
        let options = settings.rows("options").unwrap();
        let active: Vec<&Value> = options.iter().map(|option| &option["is_active"]).collect();
        assert_eq!(active, [true, false]);
        assert_eq!(settings.rows("locations"), Some(Vec::new()));
        assert_eq!(settings.summary()["locations"], Value::Null);
        assert_eq!(settings.rows("rows"), None);
    }
}
