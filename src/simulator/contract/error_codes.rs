//! The error codes of the Assets API.

/// The error codes, each with its name, usual HTTP status, metadata keys and description.
///
/// Only the first three codes are publicly known. The other codes are invented, because the real list is
/// available only from the service itself.
pub const ERROR_CODES: &[(&str, u16, &[&str], &str)] = &[
    (
        "FIELD_EXCEEDS_MAX_LENGTH",
        400,
        &["fieldName", "maxStringLength"],
        "A text is longer than the field allows.",
    ),
    (
        "DUPLICATE_STATUS_SET_NAME",
        409,
        &["conflictingEntities"],
        "The project already has a status set with this name.",
    ),
    (
        "DUPLICATE_CATEGORY_NAME",
        409,
        &[],
        "The parent has a category of this name.",
    ),
    (
        "DUPLICATE_STATUS_LABEL",
        409,
        &["fieldName"],
        "Invented: the status set has a status of this label.",
    ),
    (
        "DUPLICATE_CUSTOM_ATTRIBUTE_NAME",
        409,
        &["conflictingEntities"],
        "Invented: the project has a custom attribute of this display name.",
    ),
    (
        "CATEGORY_TOO_DEEP",
        400,
        &["fieldName"],
        "Invented: the parent is at the lowest level of categories.",
    ),
    (
        "STATUS_SET_NOT_FOUND",
        400,
        &["fieldName"],
        "Invented: the project has no such active status set.",
    ),
    (
        "STATUS_SET_IN_USE",
        409,
        &[],
        "Invented: assets of the category have statuses of its current set.",
    ),
    (
        "DEFAULT_STATUS_SET_FIXED",
        409,
        &[],
        "Invented: the status set of ROOT cannot be replaced.",
    ),
    (
        "CUSTOM_ATTRIBUTE_IN_USE",
        400,
        &["fieldName"],
        "Invented: the type of an attribute used by assets cannot change.",
    ),
    (
        "ENUM_VALUE_REMOVED",
        400,
        &["fieldName"],
        "Invented: a value of a select attribute cannot be removed.",
    ),
    (
        "VALIDATION_FAILED",
        400,
        &[],
        "Invented: at least one item of the batch is invalid; nothing was applied.",
    ),
    (
        "MALFORMED_REQUEST",
        400,
        &[],
        "Invented: the body is not the expected JSON.",
    ),
    (
        "INVALID_PARAMETER",
        400,
        &["fieldName"],
        "Invented: a query parameter has a bad value.",
    ),
    ("BATCH_EMPTY", 400, &[], "Invented: the batch has no items."),
    (
        "BATCH_TOO_LARGE",
        400,
        &["maxItems"],
        "Invented: the batch has too many items.",
    ),
    (
        "DUPLICATE_ID",
        400,
        &["index"],
        "Invented: an id is a duplicate within the batch.",
    ),
    (
        "REQUIRED_FIELD_MISSING",
        400,
        &["fieldName"],
        "Invented: a required field is missing.",
    ),
    (
        "INVALID_FIELD_VALUE",
        400,
        &["fieldName"],
        "Invented: a field has the wrong type or an impossible value.",
    ),
    (
        "UNKNOWN_FIELD",
        400,
        &["fieldName"],
        "Invented: the body has a field that cannot be set.",
    ),
    (
        "CATEGORY_NOT_FOUND",
        400,
        &["fieldName"],
        "Invented: the project has no such category.",
    ),
    (
        "CATEGORY_INACTIVE",
        400,
        &["fieldName"],
        "Invented: assets cannot be assigned to an inactive category.",
    ),
    (
        "STATUS_NOT_IN_CATEGORY",
        400,
        &["fieldName"],
        "Invented: the status is not in the category's status set.",
    ),
    (
        "LOCATION_NOT_FOUND",
        400,
        &["fieldName"],
        "Invented: the project has no such location.",
    ),
    (
        "CUSTOM_ATTRIBUTE_NOT_ASSIGNED",
        400,
        &["fieldName"],
        "Invented: the attribute is not assigned to the category.",
    ),
    (
        "INVALID_CUSTOM_ATTRIBUTE_VALUE",
        400,
        &["fieldName", "dataType"],
        "Invented: the value does not fit the attribute.",
    ),
    (
        "REQUIRED_CUSTOM_ATTRIBUTE_MISSING",
        400,
        &["fieldName"],
        "Invented: the category requires this attribute.",
    ),
    (
        "DUPLICATE_BARCODE",
        409,
        &["fieldName"],
        "Invented: another asset has this barcode.",
    ),
    (
        "ASSET_NOT_FOUND",
        400,
        &["id"],
        "Invented: the project has no such asset.",
    ),
    ("ASSET_DELETED", 400, &["id"], "Invented: the asset was deleted."),
    (
        "CONFLICT",
        409,
        &[],
        "Invented: the request conflicts with the current state.",
    ),
    (
        "NOT_FOUND",
        404,
        &[],
        "Invented: the project, entity or path does not exist.",
    ),
    (
        "FORBIDDEN",
        403,
        &[],
        "Invented: the user may not use this project.",
    ),
    (
        "TOO_MANY_REQUESTS",
        429,
        &[],
        "Invented: the rate limit of the service itself, if any.",
    ),
];
