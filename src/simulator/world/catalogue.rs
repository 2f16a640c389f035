//! A catalog of a project as JSON, for tests and demos.

use serde_json::{Value, json};

use super::project::World;

impl World {
    /// Returns a catalog of the project as JSON, for tests and demos.
    #[must_use]
    pub fn catalogue(&self) -> Value {
        let categories: Vec<Value> = self
            .categories
            .values()
            .map(|category| {
                let mut names: Vec<&str> =
                    self.path(category.id).filter(|node| node.parent.is_some()).map(|node| node.name.as_str()).collect();
                names.reverse();
                let statuses: Vec<Value> = self.effective_set(category.id).map_or_else(Vec::new, |(set, _)| {
                    set.statuses
                        .iter()
                        .map(|status| {
                            json!({ "id": status.id, "label": status.label, "isActive": status.stamp.active() })
                        })
                        .collect()
                });
                let attributes: Vec<Value> = self
                    .effective_attributes(category.id)
                    .into_iter()
                    .map(|(attribute, _)| {
                        let values: Vec<Value> = attribute
                            .choices
                            .iter()
                            .map(|choice| {
                                json!({ "id": choice.id, "displayName": choice.label,
                                    "isActive": choice.stamp.active() })
                            })
                            .collect();
                        json!({ "name": attribute.name, "displayName": attribute.display_name,
                            "dataType": attribute.data_type.name(), "required": attribute.required, "values": values })
                    })
                    .collect();
                json!({ "id": category.id.to_string(), "name": category.name, "path": names.join(" > "),
                    "parentId": category.parent.map(|parent| parent.to_string()), "isActive": category.stamp.active(),
                    "statuses": statuses, "attributes": attributes })
            })
            .collect();
        let locations: Vec<Value> = self
            .locations
            .iter()
            .map(|node| json!({ "id": node.id, "parentId": node.parent, "name": node.name, "barcode": node.barcode }))
            .collect();
        json!({
            "project_id": self.project,
            "foreign_project_id": self.foreign_project,
            "locations_container_id": self.locations_container,
            "region": self.region,
            "categories": categories,
            "locations": locations,
            "counts": { "assets": self.assets.len(), "active_assets": self.active_assets,
                "relationships": self.relationships.len(), "categories": self.categories.len(),
                "locations": self.locations.len() },
        })
    }
}
