//! The settings of a project as returned by the service: categories, status sets, custom attributes, locations.
//!
//! Any member may be missing or have an unexpected type ("GET categories" and the other reference pages do not document
//! nulls). An entry is read as far as possible, and ignored if it has no id. An attribute without a `name`,
//! or an assigned status set without a `categoryId`, is ignored as well.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::value;

/// A category. Only the parent defines the category's place in the tree: `isLeaf` and `subcategoryIds` may be outdated
/// ("GET categories" reference page).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Category {
    /// An integer, as a string.
    pub id: String,
    pub name: String,
    pub parent: Option<String>,
    pub root: bool,
    pub active: bool,
    pub description: Option<String>,
}

/// A status in a status set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub id: String,
    pub label: String,
    pub color: Option<String>,
    pub description: Option<String>,
    pub active: bool,
}

/// A status set with its statuses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusSet {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// Whether this is the default set, which is used by all categories that neither have an assigned set nor
    /// inherit one.
    pub default: bool,
    pub active: bool,
    pub statuses: Vec<Status>,
}

/// A value of a select or multi-select attribute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub id: String,
    pub label: String,
    pub active: bool,
}

/// A custom attribute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    pub id: String,
    /// The key used in assets, such as `ca7`.
    pub name: String,
    pub display_name: String,
    pub description: Option<String>,
    /// One of the six documented type names. Any other type name is kept unchanged.
    pub data_type: String,
    pub required: bool,
    /// The maximum length in characters.
    pub longest: Option<usize>,
    pub default: Option<Value>,
    pub choices: Vec<Choice>,
    pub active: bool,
}

/// A node in the location tree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Location {
    pub id: String,
    pub parent: Option<String>,
    pub name: String,
    pub barcode: Option<String>,
}

/// Where a category's status set or attribute comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inheritance {
    /// The status set's or the attribute's id.
    pub id: String,
    pub category: Option<String>,
    /// The category that the set or attribute is inherited from. If this is missing or is the category itself, the
    /// assignment is direct. The reference page and the tutorial "Create settings" differ, so both forms are accepted.
    pub from: Option<String>,
}

/// Returns the text of the member `name`, if the member is a number or a string that is not empty.
fn text(entry: &Value, name: &str) -> Option<String> {
    match entry.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn flag(entry: &Value, name: &str) -> Option<bool> {
    value::flag(entry.get(name)?)
}

fn entries<T>(entry: &Value, name: &str, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    let entries = entry.get(name).and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(read).collect()
}

impl Category {
    /// Reads an entry of a GET categories response.
    #[must_use]
    pub fn read(entry: &Value) -> Option<Self> {
        Some(Self {
            id: text(entry, "id")?,
            name: text(entry, "name").unwrap_or_default(),
            parent: text(entry, "parentId"),
            root: flag(entry, "isRoot").unwrap_or(false),
            active: value::is_active(entry.get("isActive"), entry.get("deletedAt")),
            description: text(entry, "description"),
        })
    }
}

impl Status {
    /// Reads an entry in the `values` of a status set, or an entry of a GET asset-statuses response.
    #[must_use]
    pub fn read(entry: &Value) -> Option<Self> {
        Some(Self {
            id: text(entry, "id")?,
            label: text(entry, "label").unwrap_or_default(),
            color: text(entry, "color"),
            description: text(entry, "description"),
            active: value::is_active(entry.get("isActive"), entry.get("deletedAt")),
        })
    }
}

impl StatusSet {
    /// Reads an entry of a GET status-step-sets response.
    #[must_use]
    pub fn read(entry: &Value) -> Option<Self> {
        Some(Self {
            id: text(entry, "id")?,
            name: text(entry, "name").unwrap_or_default(),
            description: text(entry, "description"),
            default: flag(entry, "isDefault").unwrap_or(false),
            active: value::is_active(entry.get("isActive"), entry.get("deletedAt")),
            statuses: entries(entry, "values", Status::read),
        })
    }
}

impl Attribute {
    /// Reads an entry of a GET custom-attributes response.
    #[must_use]
    pub fn read(entry: &Value) -> Option<Self> {
        let choice = |value: &Value| {
            Some(Choice {
                id: text(value, "id")?,
                label: text(value, "displayName").unwrap_or_default(),
                active: value::is_active(value.get("isActive"), value.get("deletedAt")),
            })
        };
        let name = text(entry, "name")?;
        Some(Self {
            id: text(entry, "id")?,
            display_name: text(entry, "displayName").unwrap_or_else(|| name.clone()),
            name,
            description: text(entry, "description"),
            data_type: text(entry, "dataType").unwrap_or_default(),
            required: flag(entry, "requiredOnIngress").unwrap_or(false),
            longest: entry
                .get("maxLengthOnIngress")
                .and_then(Value::as_u64)
                .and_then(|longest| usize::try_from(longest).ok()),
            default: entry
                .get("defaultValue")
                .filter(|value| !value.is_null())
                .cloned(),
            choices: entries(entry, "values", choice),
            active: value::is_active(entry.get("isActive"), entry.get("deletedAt")),
        })
    }
}

impl Location {
    /// Reads an entry of a GET nodes response.
    #[must_use]
    pub fn read(entry: &Value) -> Option<Self> {
        Some(Self {
            id: text(entry, "id")?,
            parent: text(entry, "parentId"),
            name: text(entry, "name").unwrap_or_default(),
            barcode: text(entry, "barcode"),
        })
    }
}

impl Inheritance {
    /// Reads an entry of a GET categories/:categoryId/custom-attributes response.
    #[must_use]
    pub fn of_attribute(entry: &Value) -> Option<Self> {
        Some(Self {
            id: text(entry, "id")?,
            category: None,
            from: text(entry, "inheritedFromCategoryId"),
        })
    }

    /// Reads an entry of a POST category-status-step-sets/status-step-sets:batch-get response.
    #[must_use]
    pub fn of_status_set(entry: &Value) -> Option<Self> {
        Some(Self {
            id: text(entry, "statusStepSetId")?,
            category: Some(text(entry, "categoryId")?),
            from: text(entry, "inheritedFromCategoryId"),
        })
    }
}
