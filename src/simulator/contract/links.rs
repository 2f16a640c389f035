//! The pairs of entity types that may be linked.

/// The domain and type of an entity.
pub type EntityKind = (&'static str, &'static str);

/// The pairs of entity types that may be linked ("GET relationships:writable" reference page and tutorial).
pub const WRITABLE: &[(EntityKind, EntityKind)] = &[
    (
        ("autodesk-bim360-asset", "asset"),
        ("autodesk-bim360-documentmanagement", "documentlineage"),
    ),
    (
        ("autodesk-bim360-asset", "asset"),
        ("autodesk-construction-photo", "photo"),
    ),
    (
        ("autodesk-bim360-asset", "asset"),
        ("autodesk-construction-form", "form"),
    ),
    (
        ("autodesk-bim360-asset", "category"),
        ("autodesk-construction-form", "formtemplate"),
    ),
    (
        ("autodesk-construction-photo", "photo"),
        ("autodesk-construction-form", "form"),
    ),
    (
        ("autodesk-construction-photo", "photo"),
        ("autodesk-construction-form", "formfield"),
    ),
];
