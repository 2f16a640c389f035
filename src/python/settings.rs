//! The settings of a project, as seen from Python.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use pythonize::pythonize;
use serde_json::{Value, json};

use super::errors::refused;
use crate::error::shown;
use crate::settings::{self, Content, Miss};

/// The categories, status sets, custom attributes and locations of one project, by id and by name. Immutable.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Settings(pub Arc<settings::Settings>);

impl Settings {
    fn category(&self, category: usize) -> Value {
        let settings = &self.0;
        let content = settings.content();
        let own = &content.categories[category];
        let set = settings.set_of(category).map(|set| &content.status_sets[set]);
        let attributes: Vec<&str> = settings
            .attributes_of(category)
            .ones()
            .map(|place| content.attributes[place].display_name.as_str())
            .collect();
        json!({
            "id": own.id,
            "name": own.name.trim(),
            "path": settings::joined(&settings.category_path(category), settings::SEPARATOR),
            "depth": settings.category_path(category).len() - usize::from(settings.is_root(category)),
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

    fn location(&self, location: usize) -> Option<Value> {
        let own = self.0.content().locations.as_ref()?.get(location)?;
        Some(json!({
            "id": own.id,
            "name": own.name.trim(),
            "path": settings::joined(&self.0.location_path(location), settings::SEPARATOR),
            "barcode": own.barcode,
            "parent_id": own.parent,
        }))
    }
}

#[pymethods]
impl Settings {
    /// Returns the settings as the bytes of a JSON text.
    fn dump<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let text =
            serde_json::to_vec_pretty(&json!({ "acc_assets_settings": 1, "settings": self.0.content() }))
                .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(PyBytes::new(py, &text))
    }

    #[staticmethod]
    #[pyo3(signature = (text, /))]
    fn load(py: Python<'_>, text: &[u8]) -> PyResult<Self> {
        let bad = |reason: String| refused(py, format!("not settings of acc-assets: {reason}"));
        let mut value: Value = serde_json::from_slice(text).map_err(|error| bad(error.to_string()))?;
        match value.get("acc_assets_settings").and_then(Value::as_u64) {
            Some(1) => {}
            Some(other) => {
                return Err(bad(format!(
                    "version {other} is not supported; this acc-assets reads version 1: use a newer acc-assets"
                )));
            }
            None => return Err(bad("`acc_assets_settings` is missing".to_owned())),
        }
        let content: Content =
            serde_json::from_value(value["settings"].take()).map_err(|error| bad(error.to_string()))?;
        Ok(Self(Arc::new(settings::Settings::new(content))))
    }

    /// Returns the project, `read_at`, the notes and the number of entries of each kind.
    fn about<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let content = self.0.content();
        let about = json!({
            "project": content.project,
            "read_at": content.read_at,
            "notes": content.notes,
            "categories": content.categories.len(),
            "status_sets": content.status_sets.len(),
            "attributes": content.attributes.len(),
            "locations": content.locations.as_ref().map(Vec::len),
        });
        Ok(pythonize(py, &about)?)
    }

    /// Returns the rows of one kind: `categories`, `statuses`, `attributes`, `options`, `locations` or
    /// `assignments`.
    #[pyo3(signature = (kind, /))]
    fn rows<'py>(&self, py: Python<'py>, kind: &str) -> PyResult<Bound<'py, PyAny>> {
        let settings = &self.0;
        let content = settings.content();
        let rows: Vec<Value> = match kind {
            "categories" => settings
                .category_order()
                .iter()
                .map(|place| self.category(*place))
                .collect(),
            "statuses" => content
                .status_sets
                .iter()
                .flat_map(|set| set.statuses.iter().map(move |status| (set, status)))
                .map(|(set, status)| {
                    json!({ "id": status.id, "label": status.label, "status_set": set.name,
                        "status_set_id": set.id, "is_default": set.default, "color": status.color,
                        "is_active": set.active && status.active })
                })
                .collect(),
            "attributes" => content
                .attributes
                .iter()
                .map(|attribute| {
                    let options = attribute.choices.iter().filter(|choice| choice.active);
                    let options: Vec<&str> = options.map(|choice| choice.label.as_str()).collect();
                    json!({ "id": attribute.id, "name": attribute.name, "display_name": attribute.display_name,
                        "type": attribute.data_type, "is_required": attribute.required,
                        "max_length": attribute.longest, "default": attribute.default,
                        "options": options, "description": attribute.description,
                        "is_active": attribute.active })
                })
                .collect(),
            "options" => content
                .attributes
                .iter()
                .flat_map(|attribute| attribute.choices.iter().map(move |choice| (attribute, choice)))
                .map(|(attribute, choice)| {
                    json!({ "id": choice.id, "label": choice.label, "attribute": attribute.display_name,
                        "attribute_name": attribute.name, "is_active": attribute.active && choice.active })
                })
                .collect(),
            "assignments" => settings
                .category_order()
                .iter()
                .flat_map(|place| {
                    settings.attributes_of(*place).ones().map(|attribute| {
                        let known = &content.attributes[attribute];
                        let from = settings
                            .category_above(*place)
                            .is_some_and(|above| settings.attributes_of(above).contains(attribute));
                        json!({ "category_id": content.categories[*place].id,
                            "category": settings::joined(&settings.category_path(*place), settings::SEPARATOR),
                            "attribute": known.display_name, "attribute_name": known.name, "is_inherited": from })
                    })
                })
                .collect(),
            "locations" => settings
                .location_order()
                .iter()
                .filter_map(|place| self.location(*place))
                .collect(),
            other => return Err(PyValueError::new_err(format!("unknown kind of settings `{other}`"))),
        };
        Ok(pythonize(py, &rows)?)
    }

    /// Finds one category by id, path or name. A path may be a list of names.
    #[pyo3(signature = (category, separator, inactive=false, /))]
    fn find_category<'py>(
        &self,
        py: Python<'py>,
        category: &Bound<'py, PyAny>,
        separator: &str,
        inactive: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = match path_of(category)? {
            Path::Text(text) if inactive => self.0.any_category(&text, separator),
            Path::Text(text) => self.0.category(&text, separator, true),
            Path::Names(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.0.category_of_path(&names, separator, true)
            }
        };
        let place = found.map_err(|miss| missed(py, "category", category, &miss))?;
        Ok(pythonize(py, &self.category(place))?)
    }

    /// Finds one location by id, path, name or barcode. A path may be a list of names.
    #[pyo3(signature = (location, separator, /))]
    fn find_location<'py>(
        &self,
        py: Python<'py>,
        location: &Bound<'py, PyAny>,
        separator: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = match path_of(location)? {
            Path::Text(text) => self.0.location(&text, separator, true),
            Path::Names(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.0.location_of_names(&names, separator, true)
            }
        };
        let place = found.map_err(|miss| missed(py, "location", location, &miss))?;
        Ok(pythonize(py, &self.location(place))?)
    }

    /// Returns the id of the status with this id, or else the ids of the active statuses with this label in all
    /// active sets, or of inactive ones too.
    #[pyo3(signature = (status, inactive=false, /))]
    fn find_statuses(
        &self,
        py: Python<'_>,
        status: &Bound<'_, PyString>,
        inactive: bool,
    ) -> PyResult<Vec<String>> {
        let text = status.to_string_lossy();
        let sets = &self.0.content().status_sets;
        let id = |(set, place): (usize, usize)| sets[set].statuses[place].id.clone();
        if let Some(found) = self.0.status_of_id(&text) {
            return Ok(vec![id(found)]);
        }
        let called = if inactive {
            self.0.any_statuses_called(&text)
        } else {
            self.0.statuses_called(&text)
        };
        let found: Vec<String> = called.into_iter().map(id).collect();
        if found.is_empty() {
            let miss = self.0.no_status_called(&text);
            return Err(missed(py, "status", status.as_any(), &miss));
        }
        Ok(found)
    }

    /// Returns the name (`caN`) and type of a custom attribute, given its name or display name. With `inactive`, an inactive
    /// one may have the display name, if no active one has.
    #[pyo3(signature = (attribute, inactive=false, /))]
    fn find_attribute(
        &self,
        py: Python<'_>,
        attribute: &Bound<'_, PyString>,
        inactive: bool,
    ) -> PyResult<(String, String)> {
        let text = attribute.to_string_lossy();
        let found = match self.0.attribute_of_name(&text) {
            Some(place) => Ok(place),
            None if inactive => self.0.any_attribute(&text),
            None => self.0.attribute(&text),
        };
        let found = found.map_err(|miss| missed(py, "custom attribute", attribute.as_any(), &miss))?;
        let known = &self.0.content().attributes[found];
        Ok((known.name.clone(), known.data_type.clone()))
    }

    /// Returns the ids of the values of a select or multi-select attribute with this label, active or not, or else of the one
    /// with this id.
    #[pyo3(signature = (attribute, value, /))]
    fn find_options(
        &self,
        py: Python<'_>,
        attribute: &str,
        value: &Bound<'_, PyString>,
    ) -> PyResult<Vec<String>> {
        let place = self
            .0
            .attribute_of_name(attribute)
            .ok_or_else(|| refused(py, format!("the project has no custom attribute {attribute}")))?;
        let found = self.0.any_choices(place, &value.to_string_lossy());
        let found = found.map_err(|miss| missed(py, "value", value.as_any(), &miss))?;
        let ids = found.into_iter().map(|choice| self.0.choice_id(place, choice));
        Ok(ids.map(str::to_owned).collect())
    }

    /// Returns the complete settings as a dict.
    fn content<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        Ok(pythonize(py, self.0.content())?.cast_into()?)
    }
}

enum Path {
    Text(String),
    Names(Vec<String>),
}

fn path_of(given: &Bound<'_, PyAny>) -> PyResult<Path> {
    if let Ok(text) = given.cast::<PyString>() {
        return Ok(Path::Text(text.to_string_lossy().into_owned()));
    }
    match given.extract::<Vec<String>>() {
        Ok(names) => Ok(Path::Names(names)),
        Err(_) => Ok(Path::Text(given.str()?.to_string_lossy().into_owned())),
    }
}

fn missed(py: Python<'_>, what: &str, given: &Bound<'_, PyAny>, miss: &Miss) -> PyErr {
    let given = given
        .str()
        .map_or_else(|_| String::new(), |text| text.to_string());
    refused(
        py,
        format!(
            "{what} \"{}\": {}; {}",
            shown(&given),
            miss.reason(what),
            miss.fix(what)
        ),
    )
}
