//! Plans custom attributes, and the options of select attributes.

use serde_json::{Map, Value, json};

use super::differences::{same_default, shown, text_differs};
use super::planner::{Planner, called, put, renamed};
use super::step::{Action, Kind, ObjectId, Work};
use crate::api::assets::fields::LONGEST_ATTRIBUTE;
use crate::model::settings::Attribute;
use crate::settings::LookupError;
use crate::settings::names::folded;
use crate::settings::setup::description::{DescribedAttribute, has_options};

impl Planner<'_> {
    pub fn attribute(&mut self, wanted: &DescribedAttribute) {
        let attributes = &self.settings.content().attributes;
        let active = attributes
            .iter()
            .enumerate()
            .filter(|(_, attribute)| attribute.active);
        let found = called(active, &wanted.display_name, |(_, attribute)| {
            &attribute.display_name
        });
        let object = if let Some((place, attribute)) = found {
            let mut differences = self.attribute_differences(place, attribute, wanted);
            let missing = self.missing_options(place, attribute, wanted);
            let name = wanted.display_name.clone();
            if differences.is_empty() && !missing.is_empty() {
                let note = format!("adds `{}`", missing.join("`, `"));
                let work = Work::Options {
                    attribute: attribute.id.clone(),
                    options: missing,
                };
                self.planned(Kind::Attribute, name, Action::Extend, note, work);
            } else {
                let missing = missing.iter();
                differences.extend(missing.map(|option| format!("the option `{option}` is missing")));
                self.found(Kind::Attribute, name, &differences);
            }
            Ok(ObjectId::Known(attribute.id.clone()))
        } else {
            let rename = called(attributes.iter(), &wanted.display_name, |attribute| {
                &attribute.display_name
            })
            .is_some();
            let step = self.planned(
                Kind::Attribute,
                wanted.display_name.clone(),
                Action::Create,
                renamed(rename),
                Work::Attribute {
                    name: wanted.display_name.clone(),
                    body: attribute_body(wanted),
                    rename,
                },
            );
            Ok(ObjectId::FromStep(step))
        };
        self.attributes.insert(folded(&wanted.display_name), object);
    }

    fn attribute_differences(
        &self,
        place: usize,
        known: &Attribute,
        wanted: &DescribedAttribute,
    ) -> Vec<String> {
        let mut differences = Vec::new();
        if known.data_type != wanted.data_type {
            differences.push(format!(
                "type is {} in the project, but {} in the description",
                known.data_type, wanted.data_type
            ));
        }
        if known.required != wanted.required {
            let word = |required| if required { "required" } else { "not required" };
            differences.push(format!(
                "it is {} in the project, but {} in the description",
                word(known.required),
                word(wanted.required)
            ));
        }
        text_differs(
            "description",
            known.description.as_deref(),
            wanted.description.as_deref(),
            &mut differences,
        );
        // This is the default ("POST custom-attributes" reference page).
        let longest = known.longest.unwrap_or(LONGEST_ATTRIBUTE);
        match wanted.max_length {
            Some(length) if length != longest && known.data_type == "text" => {
                differences.push(format!(
                    "max_length is {longest} in the project, but {length} in the description"
                ));
            }
            _ => {}
        }
        if known.data_type == wanted.data_type {
            let default = self.settings.described_default(place);
            match &wanted.default {
                Some(given) if !same_default(default.as_ref(), given, &known.data_type) => {
                    let here = default.map_or_else(|| "none".to_owned(), |default| shown(&default));
                    differences.push(format!(
                        "default is {here} in the project, but {} in the description",
                        shown(given)
                    ));
                }
                _ => {}
            }
            for option in &wanted.options {
                if let Err(LookupError::Inactive(_)) = self.settings.choice(place, option, false) {
                    differences.push(format!("the option `{option}` is inactive"));
                }
            }
        }
        differences
    }

    /// Returns the options of the description that a select attribute does not have.
    fn missing_options(&self, place: usize, known: &Attribute, wanted: &DescribedAttribute) -> Vec<String> {
        let is_missing = |option: &&String| {
            let found = self.settings.choice(place, option, false);
            found.is_err_and(|error| !matches!(error, LookupError::Inactive(_)))
        };
        let same_type = known.data_type == wanted.data_type;
        let options = wanted.options.iter().filter(|_| same_type);
        options.filter(is_missing).cloned().collect()
    }
}

fn attribute_body(wanted: &DescribedAttribute) -> Value {
    let mut body = Map::new();
    body.insert("displayName".to_owned(), json!(wanted.display_name));
    body.insert("dataType".to_owned(), json!(wanted.data_type));
    body.insert("requiredOnIngress".to_owned(), json!(wanted.required));
    put(&mut body, "description", wanted.description.as_ref());
    if has_options(&wanted.data_type) {
        body.insert("enumValues".to_owned(), json!(wanted.options));
    }
    if let Some(length) = wanted.max_length {
        body.insert("maxLengthOnIngress".to_owned(), json!(length));
    }
    if let Some(default) = &wanted.default {
        body.insert("defaultValue".to_owned(), default.clone());
    }
    Value::Object(body)
}
