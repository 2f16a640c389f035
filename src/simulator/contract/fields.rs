//! The fields that a client may write.

use super::limits::NAME_LENGTH;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A string that contains an integer.
    IntegerText,
    Uuid,
    /// An object that maps attribute names to values.
    Attributes,
    Flag,
    /// A maximum length in characters, from 1 to `ATTRIBUTE_TEXT_LENGTH`.
    Length,
    /// An array of non-empty labels.
    Labels,
    /// An array of statuses to create.
    Statuses,
    /// The name of one of the six types of custom attributes.
    DataType,
    /// A default value of the attribute's type. Null means no default.
    Default,
}

/// A field that a client may write.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub max_length: Option<usize>,
}

const fn field(name: &'static str, kind: Kind, required: bool, max_length: Option<usize>) -> Field {
    Field {
        name,
        kind,
        required,
        max_length,
    }
}

/// The fields of a new asset: `NewAssetV2` on the "POST assets:batch-create" reference page. A patch has the
/// same fields, but none is required.
pub const ASSET_FIELDS: &[Field] = &[
    field("clientAssetId", Kind::Text, true, None),
    field("categoryId", Kind::IntegerText, true, None),
    field("statusId", Kind::Uuid, true, None),
    field("description", Kind::Text, false, Some(1000)),
    field("locationId", Kind::Uuid, false, None),
    field("barcode", Kind::Text, false, None),
    field("customAttributes", Kind::Attributes, false, None),
];

/// The fields of a new category ("POST categories" reference page, "Create settings" tutorial).
pub const CATEGORY_FIELDS: &[Field] = &[
    field("name", Kind::Text, true, None),
    field("parentId", Kind::IntegerText, true, None),
    field("description", Kind::Text, false, None),
];

/// The fields of a new status set ("POST status-step-sets" reference page).
pub const STATUS_SET_FIELDS: &[Field] = &[
    field("name", Kind::Text, true, Some(NAME_LENGTH)),
    field("description", Kind::Text, false, Some(500)),
    field("values", Kind::Statuses, true, None),
];

/// The fields of each status in a new status set ("POST status-step-sets" reference page).
pub const STATUS_VALUE_FIELDS: &[Field] = &[
    field("label", Kind::Text, true, None),
    field("description", Kind::Text, false, None),
    field("color", Kind::Text, false, None),
];

/// The fields of a status that is added to an existing set ("POST asset-statuses" reference page).
pub const STATUS_FIELDS: &[Field] = &[
    field("label", Kind::Text, true, None),
    field("statusStepSetId", Kind::Uuid, true, None),
    field("description", Kind::Text, false, None),
    field("color", Kind::Text, false, None),
];

/// The fields of a new custom attribute ("POST custom-attributes" reference page). A patch has the same
/// fields, but none is required.
pub const ATTRIBUTE_FIELDS: &[Field] = &[
    field("displayName", Kind::Text, true, Some(NAME_LENGTH)),
    field("dataType", Kind::DataType, true, None),
    field("requiredOnIngress", Kind::Flag, true, None),
    field("description", Kind::Text, false, Some(1000)),
    field("enumValues", Kind::Labels, false, None),
    field("maxLengthOnIngress", Kind::Length, false, None),
    field("defaultValue", Kind::Default, false, None),
];
