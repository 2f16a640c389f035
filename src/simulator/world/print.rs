//! The settings of a project as JSON, as in responses.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::project::World;
use super::settings::{Attribute, Category, Status, StatusSet};
use super::stamp::merged;

impl World {
    /// Returns the ids of the active direct subcategories of each category, for `subcategoryIds`.
    #[must_use]
    pub fn subcategories(&self) -> HashMap<u64, Vec<String>> {
        let mut below: HashMap<u64, Vec<String>> = HashMap::new();
        for category in self
            .categories
            .values()
            .filter(|category| category.stamp.active())
        {
            if let Some(parent) = category.parent {
                below.entry(parent).or_default().push(category.id.to_string());
            }
        }
        below
    }

    /// Formats a category for a response. `below` is the return value of `subcategories`.
    #[must_use]
    pub fn category_json(&self, category: &Category, below: &HashMap<u64, Vec<String>>, uid: bool) -> Value {
        let children = below.get(&category.id).map_or(&[][..], Vec::as_slice);
        let mut head = json!({ "id": category.id.to_string(), "name": category.name });
        if let Some(description) = &category.description {
            head["description"] = json!(description);
        }
        if let Some(parent) = category.parent {
            head["parentId"] = json!(parent.to_string());
        }
        head["isRoot"] = json!(category.parent.is_none());
        head["isLeaf"] = json!(children.is_empty());
        head["subcategoryIds"] = json!(children);
        if uid {
            head["uid"] = json!(category.uid);
        }
        merged(head, &category.stamp, None)
    }

    /// Formats a status for a response.
    #[must_use]
    pub fn status_json(&self, set: &StatusSet, status: &Status) -> Value {
        let mut head = json!({ "id": status.id, "label": status.label });
        if let Some(description) = &status.description {
            head["description"] = json!(description);
        }
        if let Some(color) = &status.color {
            head["color"] = json!(color);
        }
        head["statusStepSetId"] = json!(set.id);
        head["bucket"] = json!(status.bucket);
        merged(head, &status.stamp, Some(self.project))
    }

    /// Formats a status set for a response.
    #[must_use]
    pub fn status_set_json(&self, set: &StatusSet) -> Value {
        let values: Vec<Value> = set
            .statuses
            .iter()
            .map(|status| self.status_json(set, status))
            .collect();
        let mut head = json!({ "id": set.id, "name": set.name });
        if let Some(description) = &set.description {
            head["description"] = json!(description);
        }
        head["isDefault"] = json!(set.is_default);
        head["values"] = json!(values);
        merged(head, &set.stamp, Some(self.project))
    }

    /// Formats the assignment of a status set for a response.
    #[must_use]
    pub fn assignment_json(&self, category: &Category) -> Option<Value> {
        let assignment = category.status_set.as_ref()?;
        let head = json!({ "id": assignment.id, "categoryId": category.id.to_string(),
            "statusStepSetId": assignment.status_set });
        Some(merged(head, &assignment.stamp, Some(self.project)))
    }

    /// Formats a custom attribute for a response. An option in the default is replaced by its label ("Create
    /// settings" tutorial).
    #[must_use]
    pub fn attribute_json(&self, attribute: &Attribute) -> Value {
        let mut head =
            json!({ "id": attribute.id, "name": attribute.name, "displayName": attribute.display_name });
        if let Some(description) = &attribute.description {
            head["description"] = json!(description);
        }
        head["dataType"] = json!(attribute.data_type.name());
        head["requiredOnIngress"] = json!(attribute.required);
        if let Some(length) = attribute.max_length {
            head["maxLengthOnIngress"] = json!(length);
        }
        if let Some(default) = &attribute.default {
            head["defaultValue"] = attribute.labelled(default);
        }
        if attribute.data_type.has_choices() {
            let labels: Vec<&str> = attribute
                .choices
                .iter()
                .filter(|choice| choice.stamp.active())
                .map(|choice| choice.label.as_str())
                .collect();
            head["enumValues"] = json!(labels);
            let values: Vec<Value> = attribute
                .choices
                .iter()
                .map(|choice| {
                    let head = json!({ "id": choice.id, "customAttributeId": attribute.id, "displayName": choice.label });
                    merged(head, &choice.stamp, Some(self.project))
                })
                .collect();
            head["values"] = json!(values);
        }
        merged(head, &attribute.stamp, Some(self.project))
    }
}
