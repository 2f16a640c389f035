//! The error codes of the Assets API ("GET error-codes" reference page).

use serde::Serialize;
use serde_json::Value;

use crate::model::value;

/// An error code and its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorCode {
    /// The value of `errorCode` in an error response.
    pub name: String,
    pub description: String,
    /// The usual HTTP status of the response.
    pub status: Option<u16>,
    /// The members that `errorMetadata` may have.
    pub metadata_keys: Vec<String>,
}

impl ErrorCode {
    /// Reads one code as far as possible. Returns `None` if it has no name.
    fn read(row: &Value) -> Option<Self> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::trim);
        let status = row.get("httpStatusCode");
        let status = status.and_then(|status| match status {
            Value::String(text) => value::misprinted(text)?.as_u64(),
            status => status.as_u64(),
        });
        let keys = row.get("metadataKeys").and_then(Value::as_array);
        Some(Self {
            name: text("name").filter(|name| !name.is_empty())?.to_owned(),
            description: text("description").unwrap_or_default().to_owned(),
            status: status.and_then(|status| u16::try_from(status).ok()),
            metadata_keys: keys
                .into_iter()
                .flatten()
                .filter_map(|key| key.as_str().map(str::to_owned))
                .collect(),
        })
    }

    /// Reads the rows of the list, sorted by name. Of two codes with one name, keeps the first.
    pub fn read_all<'r>(rows: impl Iterator<Item = &'r str>) -> Vec<Self> {
        let mut codes: Vec<Self> = rows.filter_map(|row| Self::read(&value::read(row)?)).collect();
        codes.sort_by(|one, other| one.name.cmp(&other.name));
        codes.dedup_by(|later, first| later.name == first.name);
        codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_far_as_possible() {
        let rows = [
            r#"{"name":"TAKEN","description":" In use. ","httpStatusCode":409,"metadataKeys":["field",7,null]}"#,
            r#"{"name":"LATE","httpStatusCode":"409","metadataKeys":"field"}"#,
            r#"{"name":"TAKEN","description":"A duplicate."}"#,
            r#"{"name":"ODD","description":null,"httpStatusCode":-1}"#,
            r#"{"name":" ","description":"No name."}"#,
            r#"{"description":"No name."}"#,
            "null",
            "[]",
        ];
        let code = |name: &str, description: &str, status, keys: &[&str]| ErrorCode {
            name: name.to_owned(),
            description: description.to_owned(),
            status,
            metadata_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        assert_eq!(
            ErrorCode::read_all(rows.into_iter()),
            [
                code("LATE", "", Some(409), &[]),
                code("ODD", "", None, &[]),
                code("TAKEN", "In use.", Some(409), &["field"]),
            ]
        );
    }
}
