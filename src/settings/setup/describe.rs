//! Creates the description of an existing project.

use serde_json::Value;

use super::description::{
    DescribedAttribute, DescribedCategory, DescribedSet, DescribedStatus, Description, Path, has_options,
};
use crate::settings::names::folded;
use crate::settings::{SEPARATOR, Settings};

impl Description {
    /// Describes the active settings of a project. If several names differ only in case and blanks, only the first
    /// is included, since a description treats them as equal.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let content = settings.content();
        let mut description = Self::default();
        let mut names = std::collections::HashSet::new();
        for set in content.status_sets.iter().filter(|set| set.active) {
            if !names.insert(folded(&set.name)) {
                continue;
            }
            let mut labels = std::collections::HashSet::new();
            description.status_sets.push(DescribedSet {
                name: set.name.trim().to_owned(),
                default: set.default,
                description: set.description.clone(),
                statuses: set
                    .statuses
                    .iter()
                    .filter(|status| status.active && labels.insert(folded(&status.label)))
                    .map(|status| DescribedStatus {
                        label: status.label.trim().to_owned(),
                        color: status.color.clone(),
                        description: status.description.clone(),
                    })
                    .collect(),
            });
        }
        names.clear();
        for (place, attribute) in content.attributes.iter().enumerate() {
            if !attribute.active || !names.insert(folded(&attribute.display_name)) {
                continue;
            }
            let options = attribute.choices.iter().filter(|choice| choice.active);
            description.attributes.push(DescribedAttribute {
                display_name: attribute.display_name.trim().to_owned(),
                data_type: attribute.data_type.clone(),
                required: attribute.required,
                description: attribute.description.clone(),
                max_length: attribute.longest.filter(|_| attribute.data_type == "text"),
                default: settings.described_default(place),
                options: if has_options(&attribute.data_type) {
                    options.map(|choice| choice.label.trim().to_owned()).collect()
                } else {
                    Vec::new()
                },
            });
        }
        description.categories = categories(settings);
        description
    }
}

fn categories(settings: &Settings) -> Vec<DescribedCategory> {
    let content = settings.content();
    let mut described: Vec<DescribedCategory> = Vec::new();
    let mut paths = std::collections::HashSet::new();
    for place in settings.category_order() {
        let category = &content.categories[*place];
        let root = settings.is_root(*place);
        let mut upwards = std::iter::successors(Some(*place), |place| settings.category_above(*place));
        if !upwards.all(|place| content.categories[place].active) {
            continue;
        }
        let own = |pairs: &[(String, String)]| -> Vec<String> {
            let mut ids: Vec<String> = pairs
                .iter()
                .filter(|(id, _)| *id == category.id)
                .map(|(_, assigned)| assigned.clone())
                .collect();
            ids.dedup();
            ids
        };
        let set = own(&content.category_status_sets);
        let set = content
            .status_sets
            .iter()
            .find(|found| found.active && set.contains(&found.id));
        let attributes = own(&content.category_attributes);
        let attributes: Vec<String> = content
            .attributes
            .iter()
            .filter(|found| found.active && attributes.contains(&found.id))
            .map(|found| found.display_name.trim().to_owned())
            .collect();
        if root && attributes.is_empty() {
            continue;
        }
        let names: Vec<String> = if root {
            Vec::new()
        } else {
            settings
                .category_path(*place)
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        let key: Vec<String> = names.iter().map(|name| folded(name)).collect();
        if !paths.insert(key) {
            continue;
        }
        // A name that contains the separator would be split.
        let is_joined = !root
            && names
                .iter()
                .all(|name| !name.contains(SEPARATOR) && !name.is_empty());
        described.push(DescribedCategory {
            path: Path {
                names,
                joined: is_joined.then(|| SEPARATOR.to_owned()),
            },
            description: category.description.clone().filter(|_| !root),
            status_set: set.filter(|_| !root).map(|set| set.name.trim().to_owned()),
            attributes,
        });
    }
    described
}

impl Settings {
    /// Returns an attribute's default in the form that a request to create the attribute needs ("Create
    /// settings" tutorial). For a select attribute, this is a label; for a multi-select attribute, a list
    /// of labels; for a numeric attribute, a number. Other defaults are returned unchanged.
    pub(super) fn described_default(&self, attribute: usize) -> Option<Value> {
        let known = &self.content().attributes[attribute];
        let default = known.default.as_ref()?;
        let label = |value: &Value| {
            let place = self.choice(attribute, value.as_str()?, false).ok()?;
            Some(Value::String(known.choices[place].label.trim().to_owned()))
        };
        match known.data_type.as_str() {
            "select" => label(default),
            "multi_select" => {
                let labels: Vec<Value> = default.as_array()?.iter().filter_map(label).collect();
                (!labels.is_empty()).then_some(Value::Array(labels))
            }
            "numeric" => number(default),
            _ => Some(default.clone()),
        }
    }
}

/// Returns a number, or parses a string as a number.
pub(super) fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            let read: Value = serde_json::from_str(text.trim()).ok()?;
            read.is_number().then_some(read)
        }
        _ => None,
    }
}
