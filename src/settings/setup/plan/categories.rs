//! Plans categories.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::differences::text_differs;
use super::planner::{Node, Planner, called, key, put};
use super::step::{Action, Kind, ObjectId, Work};
use crate::settings::setup::description::DescribedCategory;

impl Planner<'_> {
    pub fn roots(&mut self) {
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
        let object = root
            .map(|place| ObjectId::Known(content.categories[place].id.clone()))
            .ok_or_else(|| "the project's settings contain no ROOT category".to_owned());
        self.nodes.insert(
            Vec::new(),
            Node {
                object,
                place: root,
                set: None,
                attributes: HashSet::new(),
            },
        );
    }

    pub fn category(&mut self, names: &[String], listed: &HashMap<Vec<String>, &DescribedCategory>) {
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
            Some(parent) => (parent.object.clone(), parent.place),
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
        let (object, place) = if let Some((place, category)) = found {
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
            (Ok(ObjectId::Known(category.id.clone())), Some(place))
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
                    (Ok(ObjectId::FromStep(step)), None)
                }
            }
        };
        let node = Node {
            object,
            place,
            set: None,
            attributes: HashSet::new(),
        };
        self.nodes.insert(own, node);
    }
}
