//! What was made of the columns of the input, for reports.

use serde::{Deserialize, Serialize};

/// The meaning of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnUse {
    /// The name of the column in the user's data.
    pub column: String,
    /// The field or custom attribute that the column sets. `None` if the column is ignored or invalid.
    pub field: Option<String>,
    /// Additional information, for example why the column is ignored.
    pub note: String,
    /// The heading of the field, or the attribute's display name. For an unknown column, the name that was
    /// probably meant.
    #[serde(default)]
    pub title: Option<String>,
}
