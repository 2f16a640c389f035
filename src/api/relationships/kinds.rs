//! The short names of kinds of entities. Domains and types are open: the service may know others.

/// A kind of entity with a short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityKind {
    pub name: &'static str,
    pub domain: &'static str,
    /// The type within the domain.
    pub of_domain: &'static str,
}

const fn kind(name: &'static str, domain: &'static str, of_domain: &'static str) -> EntityKind {
    EntityKind {
        name,
        domain,
        of_domain,
    }
}

/// The domain and type of assets, whose ids are UUIDs.
pub const ASSET: EntityKind = kind("asset", "autodesk-bim360-asset", "asset");

/// The kinds with short names (tutorials "Relationships" and "Retrieve assets data").
pub const KINDS: [EntityKind; 11] = [
    ASSET,
    kind("category", "autodesk-bim360-asset", "category"),
    kind("checklist", "autodesk-bim360-checklist", "checklist"),
    kind(
        "document",
        "autodesk-bim360-documentmanagement",
        "documentlineage",
    ),
    kind("form", "autodesk-construction-form", "form"),
    kind("form template", "autodesk-construction-form", "formtemplate"),
    kind("issue", "autodesk-bim360-issue", "issue"),
    kind("photo", "autodesk-construction-photo", "photo"),
    kind("rfi", "autodesk-bim360-rfi", "rfi"),
    kind("sheet", "autodesk-construction-sheet", "sheetlineage"),
    kind("submittal", "autodesk-construction-submittals", "submittalitem"),
];

/// Returns the kind with a short name, ignoring case.
#[must_use]
pub fn kind_called(name: &str) -> Option<&'static EntityKind> {
    KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}
