//! The short names of kinds of entities. Domains and types are open: the service may know others.

use crate::model::text::trimmed;

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

/// Returns the kind with a short name, ignoring case and blanks around it.
#[must_use]
pub fn kind_called(name: &str) -> Option<&'static EntityKind> {
    let name = trimmed(name);
    KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

/// Returns a domain in the documented spelling, if it is a documented one in another case. The service compares names
/// exactly.
#[must_use]
pub fn documented_domain(domain: &str) -> Option<&'static str> {
    let mut domains = KINDS.iter().map(|kind| kind.domain);
    domains.find(|known| known.eq_ignore_ascii_case(domain))
}

/// Returns a type in the documented spelling, like [`documented_domain`].
#[must_use]
pub fn documented_type(of_domain: &str) -> Option<&'static str> {
    let mut types = KINDS.iter().map(|kind| kind.of_domain);
    types.find(|known| known.eq_ignore_ascii_case(of_domain))
}

/// Returns the domain and type of an entity as the service has them: a short name is expanded, and documented names are in
/// the documented spelling. `None` if a short name has the type of another kind.
#[must_use]
pub fn entity_names<'n>(domain: &'n str, of_domain: Option<&'n str>) -> Option<(&'n str, Option<&'n str>)> {
    let of_domain = of_domain.map(|of_domain| documented_type(of_domain).unwrap_or(of_domain));
    match kind_called(domain) {
        Some(kind) if of_domain.is_none_or(|of_domain| of_domain == kind.of_domain) => {
            Some((kind.domain, Some(kind.of_domain)))
        }
        Some(_) => None,
        None => Some((documented_domain(domain).unwrap_or(domain), of_domain)),
    }
}

#[cfg(test)]
mod tests {
    use super::entity_names;

    #[test]
    fn entity_names_ignore_case_and_keep_unknown_names() {
        let asset = Some(("autodesk-bim360-asset", Some("asset")));
        for (domain, of_domain, names) in [
            ("asset", None, asset),
            (" Asset ", None, asset),
            ("ASSET", Some("Asset"), asset),
            ("Asset", Some("checklist"), None),
            ("autodesk-BIM360-asset", Some("Asset"), asset),
            (
                "Autodesk-Bim360-Asset",
                None,
                Some(("autodesk-bim360-asset", None)),
            ),
            (
                "autodesk-New",
                Some("Thing"),
                Some(("autodesk-New", Some("Thing"))),
            ),
        ] {
            assert_eq!(entity_names(domain, of_domain), names, "{domain} {of_domain:?}");
        }
    }
}
