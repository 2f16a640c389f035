//! The records of the settings: categories, status sets, custom attributes and locations.

use serde_json::Value;
use uuid::Uuid;

use super::indexed::Identified;
use super::stamp::Stamp;

/// The id of the root category.
pub const ROOT: u64 = 1;

/// A node in the category tree ("Assets field guide").
#[derive(Debug, Clone)]
pub struct Category {
    pub id: u64,
    pub uid: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub parent: Option<u64>,
    /// The status set assigned to this category itself.
    pub status_set: Option<Assignment>,
    /// The custom attributes assigned to this category itself.
    pub attributes: Vec<Uuid>,
    pub stamp: Stamp,
}

/// The assignment of a status set to a category, which is a separate record ("PUT status-step-set" reference page).
#[derive(Debug, Clone)]
pub struct Assignment {
    pub id: Uuid,
    pub status_set: Uuid,
    pub stamp: Stamp,
}

/// A status in a status set.
#[derive(Debug, Clone)]
pub struct Status {
    pub id: Uuid,
    pub label: String,
    pub description: Option<String>,
    pub color: Option<String>,
    /// A slug that is unique in the project.
    pub bucket: String,
    pub stamp: Stamp,
}

/// A set of statuses. Each category has exactly one status set, either its own or an inherited one.
#[derive(Debug, Clone)]
pub struct StatusSet {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub is_default: bool,
    pub statuses: Vec<Status>,
    pub stamp: Stamp,
}

/// The six types of custom attributes ("POST custom-attributes" reference page).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    Text,
    Numeric,
    Date,
    Boolean,
    Select,
    MultiSelect,
}

impl DataType {
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Numeric,
        Self::Date,
        Self::Boolean,
        Self::Select,
        Self::MultiSelect,
    ];

    /// Returns whether values of this type are options from a list.
    #[must_use]
    pub fn has_choices(self) -> bool {
        matches!(self, Self::Select | Self::MultiSelect)
    }

    /// Returns the type with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Returns the name used in responses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Numeric => "numeric",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::Select => "select",
            Self::MultiSelect => "multi_select",
        }
    }
}

/// An option of a select or multi-select attribute.
#[derive(Debug, Clone)]
pub struct Choice {
    pub id: Uuid,
    pub label: String,
    pub stamp: Stamp,
}

/// A custom attribute of the project, available in the categories it is assigned to and their subcategories.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub id: Uuid,
    /// The generated name: `ca` and a number.
    pub name: String,
    pub display_name: String,
    pub description: Option<String>,
    pub data_type: DataType,
    pub required: bool,
    pub max_length: Option<usize>,
    /// The default value as an asset stores it, with ids for options.
    pub default: Option<Value>,
    pub choices: Vec<Choice>,
    pub stamp: Stamp,
}

impl Attribute {
    /// Returns an attribute value in which option ids are replaced by labels.
    #[must_use]
    pub fn labelled(&self, value: &Value) -> Value {
        self.mapped(value, &|text| {
            let choice = self.choices.iter().find(|choice| choice.id.to_string() == text)?;
            Some(choice.label.clone())
        })
    }

    /// Returns an attribute value in which the labels of active options are replaced by ids.
    #[must_use]
    pub fn carried(&self, value: &Value) -> Value {
        self.mapped(value, &|text| {
            let mut active = self.choices.iter().filter(|choice| choice.stamp.active());
            Some(active.find(|choice| choice.label == text)?.id.to_string())
        })
    }

    fn mapped(&self, value: &Value, map: &dyn Fn(&str) -> Option<String>) -> Value {
        match value {
            Value::Array(values) => values.iter().map(|value| self.mapped(value, map)).collect(),
            Value::String(text) if self.data_type.has_choices() => {
                map(text).map_or_else(|| value.clone(), Value::String)
            }
            other => other.clone(),
        }
    }
}

/// A node in the location tree.
#[derive(Debug, Clone)]
pub struct Location {
    pub id: Uuid,
    pub parent: Option<Uuid>,
    pub name: String,
    pub barcode: Option<String>,
}

impl Identified for StatusSet {
    fn id(&self) -> Uuid {
        self.id
    }
}

impl Identified for Attribute {
    fn id(&self) -> Uuid {
        self.id
    }
}

impl Identified for Location {
    fn id(&self) -> Uuid {
        self.id
    }
}
