//! Plans status sets and their statuses.

use serde_json::{Map, Value, json};

use super::differences::text_differs;
use super::planner::{Planner, called, put, renamed};
use super::step::{Action, Kind, ObjectId, Work};
use crate::model::settings::{Status, StatusSet};
use crate::settings::names::folded;
use crate::settings::setup::description::{DescribedSet, DescribedStatus};

impl Planner<'_> {
    pub fn status_set(&mut self, wanted: &DescribedSet) {
        let sets = &self.settings.content().status_sets;
        let found = if wanted.default {
            sets.iter().find(|set| set.default)
        } else {
            called(sets.iter().filter(|set| set.active), &wanted.name, |set| {
                &set.name
            })
        };
        let object = match found {
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
                Ok(ObjectId::Known(set.id.clone()))
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
                Ok(ObjectId::FromStep(step))
            }
        };
        self.sets.insert(folded(&wanted.name), object);
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
                set: ObjectId::Known(set.id.clone()),
                after,
            };
            after = Some(self.planned(Kind::Status, name, Action::Create, String::new(), work));
        }
    }
}

fn status_body(status: &DescribedStatus) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("label".to_owned(), json!(status.label));
    put(&mut body, "description", status.description.as_ref());
    put(&mut body, "color", status.color.as_ref());
    body
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
