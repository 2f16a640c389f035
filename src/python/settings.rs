//! The settings of a project, as seen from Python.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use pythonize::pythonize;

use super::errors::refused;
use crate::error::shown;
use crate::settings::{self, LookupError};

/// The categories, status sets, custom attributes and locations of one project, by id and by name. Immutable.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Settings(pub Arc<settings::Settings>);

#[pymethods]
impl Settings {
    /// Returns the settings as the bytes of a JSON text.
    fn dump<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let text = self.0.save().map_err(PyValueError::new_err)?;
        Ok(PyBytes::new(py, &text))
    }

    #[staticmethod]
    #[pyo3(signature = (text, /))]
    fn load(py: Python<'_>, text: &[u8]) -> PyResult<Self> {
        settings::Settings::of_saved(text)
            .map(|settings| Self(Arc::new(settings)))
            .map_err(|message| refused(py, message))
    }

    /// Returns the project, `read_at`, the notes and the number of entries of each kind.
    fn about<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.0.summary())?)
    }

    /// Returns the rows of one kind: `categories`, `statuses`, `attributes`, `options`, `locations` or
    /// `assignments`.
    #[pyo3(signature = (kind, /))]
    fn rows<'py>(&self, py: Python<'py>, kind: &str) -> PyResult<Bound<'py, PyAny>> {
        let rows = self
            .0
            .rows(kind)
            .ok_or_else(|| PyValueError::new_err(format!("unknown kind of settings `{kind}`")))?;
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
        let place = found.map_err(|error| missed(py, "category", category, &error))?;
        Ok(pythonize(py, &self.0.category_row(place))?)
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
        let place = found.map_err(|error| missed(py, "location", location, &error))?;
        Ok(pythonize(py, &self.0.location_row(place))?)
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
        let found = self.0.statuses_meant(&text, inactive);
        let found = found.map_err(|error| missed(py, "status", status.as_any(), &error))?;
        Ok(found
            .into_iter()
            .map(|(set, place)| sets[set].statuses[place].id.clone())
            .collect())
    }

    /// Returns the name (`caN`) and type of a custom attribute, given its name or display name. With `inactive`, an
    /// inactive one may have the display name, if no active one has.
    #[pyo3(signature = (attribute, inactive=false, /))]
    fn find_attribute(
        &self,
        py: Python<'_>,
        attribute: &Bound<'_, PyString>,
        inactive: bool,
    ) -> PyResult<(String, String)> {
        let text = attribute.to_string_lossy();
        let found = self.0.attribute_meant(&text, inactive);
        let found = found.map_err(|error| missed(py, "custom attribute", attribute.as_any(), &error))?;
        let known = &self.0.content().attributes[found];
        Ok((known.name.clone(), known.data_type.clone()))
    }

    /// Returns the ids of the values of a select or multi-select attribute with this label, active or not, or else of
    /// the one with this id.
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
        let found = found.map_err(|error| missed(py, "value", value.as_any(), &error))?;
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

fn missed(py: Python<'_>, what: &str, given: &Bound<'_, PyAny>, error: &LookupError) -> PyErr {
    let given = given
        .str()
        .map_or_else(|_| String::new(), |text| text.to_string());
    refused(
        py,
        format!(
            "{what} \"{}\": {}; {}",
            shown(&given),
            error.reason(what),
            error.fix(what)
        ),
    )
}
