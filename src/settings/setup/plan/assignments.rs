//! Plans which status set and which custom attributes a category has.

use super::planner::{Planner, Resolved, called, key};
use super::step::{Action, Kind, ObjectId, Work};
use crate::settings::names::{folded, nearest};
use crate::settings::setup::description::DescribedCategory;

impl Planner<'_> {
    pub fn assignments(&mut self, wanted: &DescribedCategory) {
        let own = key(&wanted.path.names);
        let path = self.shown(&wanted.path.names);
        let Some(category) = self.nodes.get(&own).map(|node| node.object.clone()) else {
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

    fn assign_set(&mut self, own: &[String], path: &str, category: &Resolved, name: &str) -> Option<usize> {
        let kind = Kind::CategoryStatusSet;
        let shown = format!("{path}: {name}");
        let sets = &self.settings.content().status_sets;
        let known = self.sets.get(&folded(name)).cloned();
        let set = known.or_else(|| {
            let set = called(sets.iter().filter(|set| set.active), name, |set| &set.name)?;
            Some(Ok(ObjectId::Known(set.id.clone())))
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
        if let Some(ObjectId::Known(explicit)) = self.explicit_set(own) {
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
        category: &Resolved,
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
            Some(Ok(ObjectId::Known(found.id.clone())))
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
    fn explicit_set(&self, own: &[String]) -> Option<ObjectId> {
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
        explicit.map(|(_, set)| ObjectId::Known(set.clone()))
    }

    /// Returns the status set of a category, which is the nearest set on the path to ROOT ("Assets field
    /// guide"), or else the default set.
    fn set_of(&self, own: &[String]) -> Option<ObjectId> {
        let upwards = (0..=own.len()).rev().map(|length| &own[..length]);
        upwards
            .into_iter()
            .find_map(|path| self.explicit_set(path))
            .or_else(|| {
                let sets = &self.settings.content().status_sets;
                let default = sets.iter().find(|set| set.default)?;
                Some(ObjectId::Known(default.id.clone()))
            })
    }

    /// Returns whether a category has an attribute, direct or inherited, existing or planned.
    fn has_attribute(&self, own: &[String], attribute: &ObjectId) -> bool {
        let content = self.settings.content();
        (0..=own.len())
            .filter_map(|length| self.nodes.get(&own[..length]))
            .any(|node| {
                let here = |place: usize| {
                    let mut has = self.settings.attributes_of(place).ones();
                    has.any(|found| *attribute == ObjectId::Known(content.attributes[found].id.clone()))
                };
                node.attributes.contains(attribute) || node.place.is_some_and(here)
            })
    }
}
