//! What a project should have.

use serde::Serialize;
use serde_json::Value;

/// Categories, status sets and custom attributes that a project should have.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Description {
    /// The separator of paths, if it is not `>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status_sets: Vec<DescribedSet>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<DescribedAttribute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<DescribedCategory>,
}

/// A status set with its statuses.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DescribedSet {
    pub name: String,
    /// Whether this is the default set, which is used by all categories that neither have an assigned set nor
    /// inherit one. Every project has exactly one default set from the start, which may have any name ("Assets
    /// field guide").
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub statuses: Vec<DescribedStatus>,
}

/// A status. A status that has only a label is written as a string.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(into = "Value")]
pub struct DescribedStatus {
    pub label: String,
    pub color: Option<String>,
    pub description: Option<String>,
}

impl From<DescribedStatus> for Value {
    fn from(status: DescribedStatus) -> Self {
        if status.color.is_none() && status.description.is_none() {
            return Self::String(status.label);
        }
        let texts = [
            ("label", Some(status.label)),
            ("color", status.color),
            ("description", status.description),
        ];
        Self::Object(
            texts
                .into_iter()
                .filter_map(|(name, text)| Some((name.to_owned(), Self::String(text?))))
                .collect(),
        )
    }
}

/// A custom attribute.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DescribedAttribute {
    pub display_name: String,
    #[serde(rename = "type")]
    pub data_type: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The maximum length in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// A label for a select attribute. For other types, a number, a boolean, a string or a list of labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// A category, with its direct assignments.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DescribedCategory {
    pub path: Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_set: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
}

/// The path of a category, starting below ROOT. Empty for ROOT.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(into = "Value")]
pub struct Path {
    pub names: Vec<String>,
    /// The description's path separator, if the path is written as one string.
    pub joined: Option<String>,
}

impl From<Path> for Value {
    fn from(path: Path) -> Self {
        match path.joined {
            Some(separator) => Self::String(path.names.join(&format!(" {separator} "))),
            None => Self::Array(path.names.into_iter().map(Self::String).collect()),
        }
    }
}

/// The six types listed on the "POST custom-attributes" reference page.
pub(super) const TYPES: [&str; 6] = ["text", "numeric", "date", "boolean", "select", "multi_select"];

pub(super) fn has_options(data_type: &str) -> bool {
    matches!(data_type, "select" | "multi_select")
}
