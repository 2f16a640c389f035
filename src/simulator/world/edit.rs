//! Changes to the settings of a project.

use std::sync::Arc;

use uuid::Uuid;

use super::project::World;
use super::settings::{Assignment, Attribute, Category, Choice, DataType, Location, Status, StatusSet};
use crate::simulator::contract::ATTRIBUTE_TEXT_LENGTH;

impl World {
    /// Adds a category below a parent. If `parent` is `None`, the category is the root.
    pub fn add_category(&mut self, id: u64, name: &str, parent: Option<u64>) {
        let stamp = self.settings_stamp(&self.service());
        let category = Category {
            id,
            uid: self.new_id(),
            name: name.into(),
            description: parent
                .is_none()
                .then(|| "The root of all categories of this project.".into()),
            parent,
            status_set: None,
            attributes: Vec::new(),
            stamp,
        };
        self.categories.insert(id, category);
    }

    /// Makes a category inactive. The category's assets remain, but new assets are rejected.
    pub fn deactivate_category(&mut self, id: u64) {
        let (now, by) = (self.now, Arc::clone(&self.service));
        if let Some(category) = self.categories.get_mut(&id) {
            category.stamp.deleted = Some((now, by));
        }
    }

    /// Adds an empty status set and returns its id.
    pub fn add_status_set(&mut self, name: &str, is_default: bool) -> Uuid {
        let id = self.new_id();
        let stamp = self.settings_stamp(&self.service());
        self.status_sets.push(StatusSet {
            id,
            name: name.into(),
            description: None,
            is_default,
            statuses: Vec::new(),
            stamp,
        });
        id
    }

    /// Adds a status with the given id to a status set.
    pub fn add_status(&mut self, set: Uuid, id: Uuid, label: &str) {
        const COLORS: [&str; 5] = [
            "adsk-black",
            "adsk-blue-500",
            "adsk-green-500",
            "adsk-red-500",
            "adsk-purple-500",
        ];
        let stamp = self.settings_stamp(&self.service());
        let Some((is_default, count)) = self
            .status_sets
            .by_id(set)
            .map(|set| (set.is_default, set.statuses.len()))
        else {
            return;
        };
        let status = Status {
            id,
            label: label.into(),
            description: None,
            color: Some(COLORS[count % COLORS.len()].into()),
            bucket: self.bucket(label, is_default),
            stamp,
        };
        if let Some(set) = self.status_sets.by_id_mut(set) {
            set.statuses.push(status);
        }
    }

    /// Makes a status inactive.
    pub fn deactivate_status(&mut self, set: Uuid, id: Uuid) {
        let (now, by, version) = (self.now, self.service(), self.next_settings_version());
        let set = self.status_sets.by_id_mut(set);
        let status = set.and_then(|set| set.statuses.iter_mut().find(|status| status.id == id));
        if let Some(status) = status {
            status.stamp.delete(now, &by, version);
        }
    }

    /// Makes a status set inactive.
    pub fn deactivate_status_set(&mut self, id: Uuid) {
        let (now, by, version) = (self.now, self.service(), self.next_settings_version());
        if let Some(set) = self.status_sets.by_id_mut(id) {
            set.stamp.delete(now, &by, version);
        }
    }

    /// Returns a unique slug for a label. Outside the default set, or if the plain slug is taken, the slug
    /// includes the current time (examples on the "GET asset-statuses" reference page).
    pub fn bucket(&mut self, label: &str, plain: bool) -> String {
        let slug: String = label
            .to_lowercase()
            .chars()
            .map(|letter| if letter.is_alphanumeric() { letter } else { '-' })
            .collect();
        if plain && self.buckets.insert(slug.clone()) {
            return slug;
        }
        let mut time = self.now;
        loop {
            let bucket = format!("{slug}_{time}");
            if self.buckets.insert(bucket.clone()) {
                return bucket;
            }
            time = time.wrapping_add(1);
        }
    }

    /// Assigns a status set to a category, replacing the set assigned before.
    pub fn assign_status_set(&mut self, category: u64, set: Uuid) {
        self.assign_status_set_by(category, set, &self.service());
    }

    /// Assigns a status set to a category on behalf of a user.
    pub fn assign_status_set_by(&mut self, category: u64, status_set: Uuid, user: &Arc<str>) {
        let (id, stamp) = (self.new_id(), self.settings_stamp(user));
        let Some(category) = self.categories.get_mut(&category) else {
            return;
        };
        let own = &mut category.status_set;
        if let Some(assignment) = own {
            assignment.status_set = status_set;
            assignment.stamp.change(stamp.updated_at, user, stamp.version);
        } else {
            *own = Some(Assignment {
                id,
                status_set,
                stamp,
            });
        }
    }

    /// Adds a custom attribute with a given id and name (`caN`). Each option is a pair of an id and a label.
    pub fn add_attribute(
        &mut self,
        id: Uuid,
        name: &str,
        display_name: &str,
        data_type: DataType,
        choices: &[(Uuid, &str)],
    ) {
        let stamp = self.settings_stamp(&self.service());
        let choices = choices
            .iter()
            .map(|(id, label)| Choice {
                id: *id,
                label: (*label).into(),
                stamp: stamp.clone(),
            })
            .collect();
        self.attributes.push(Attribute {
            id,
            name: name.into(),
            display_name: display_name.into(),
            description: None,
            data_type,
            required: false,
            max_length: (data_type == DataType::Text).then_some(ATTRIBUTE_TEXT_LENGTH),
            default: None,
            choices,
            stamp,
        });
    }

    /// Changes a custom attribute, for example to make it required.
    pub fn edit_attribute(&mut self, id: Uuid, edit: impl FnOnce(&mut Attribute)) {
        if let Some(attribute) = self.attributes.by_id_mut(id) {
            edit(attribute);
        }
    }

    /// Assigns a custom attribute to a category and its subcategories. Repeating the call has no effect.
    pub fn assign_attribute(&mut self, category: u64, attribute: Uuid) {
        if let Some(category) = self.categories.get_mut(&category)
            && !category.attributes.contains(&attribute)
        {
            category.attributes.push(attribute);
        }
    }

    /// Adds a location with a given id.
    pub fn add_location(&mut self, id: Uuid, parent: Option<Uuid>, name: &str) {
        self.locations.push(Location {
            id,
            parent,
            name: name.into(),
            barcode: None,
        });
    }
}
