//! The fields of an asset, as the "POST assets:batch-create" and "PATCH assets:batch-patch" reference pages list them.

use crate::settings::names::plain;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A whole number, sent as a string.
    Integer,
    Uuid,
}

pub(super) struct Field {
    pub name: &'static str,
    /// The heading that people use for the field, as in templates.
    pub heading: &'static str,
    pub kind: Kind,
    /// Whether the field is required on create and cannot be cleared by a patch.
    pub required: bool,
    /// The documented maximum in characters. A longer value makes the row invalid.
    pub longest: Option<usize>,
    /// The assumed maximum in characters, which is not documented. A longer value is sent, with a warning.
    pub expected: Option<usize>,
    /// Whether leading and trailing blanks are removed.
    pub trims: bool,
    /// The fix for an invalid value. If the project's settings are known, the fix in `named` is used, if any.
    fix: &'static str,
    named: Option<&'static str>,
}

impl Field {
    /// Returns the fix for an invalid value. `by_name` is true if the project's settings are known, so that
    /// names can be used.
    pub(super) fn fix(&self, by_name: bool) -> &'static str {
        self.named.filter(|_| by_name).unwrap_or(self.fix)
    }
}

/// The fields that a row may set, apart from custom attributes.
pub(super) static FIELDS: [Field; 6] = [
    Field {
        name: "clientAssetId",
        heading: "Asset ID",
        kind: Kind::Text,
        required: true,
        longest: None,
        expected: Some(LONGEST_KEY),
        trims: true,
        fix: "enter the name of the asset, for example 'AHU-101'",
        named: None,
    },
    Field {
        name: "categoryId",
        heading: "Category",
        kind: Kind::Integer,
        required: true,
        longest: None,
        expected: None,
        trims: false,
        fix: "use the id of a category of the project, for example 42",
        named: Some("use the path, name or id of a category of the project"),
    },
    Field {
        name: "statusId",
        heading: "Status",
        kind: Kind::Uuid,
        required: true,
        longest: None,
        expected: None,
        trims: false,
        fix: "use the id of a status in the category's status set, not its label",
        named: Some("use the label or id of a status in the category's status set"),
    },
    Field {
        name: "description",
        heading: "Description",
        kind: Kind::Text,
        required: false,
        longest: Some(1000),
        expected: None,
        trims: false,
        fix: "",
        named: None,
    },
    Field {
        name: "locationId",
        heading: "Location",
        kind: Kind::Uuid,
        required: false,
        longest: None,
        expected: None,
        trims: false,
        fix: "use the id of a location of the project, not its name",
        named: Some("use the path, name, barcode or id of a location of the project"),
    },
    Field {
        name: "barcode",
        heading: "Barcode",
        kind: Kind::Text,
        required: false,
        longest: None,
        expected: Some(LONGEST_KEY),
        trims: true,
        fix: "",
        named: None,
    },
];

/// The maximum length of a clientAssetId or barcode in a Data Connector extract, in characters (schema
/// "assets").
const LONGEST_KEY: usize = 100;

/// The index in `FIELDS` of the name of an asset.
pub(super) const CLIENT_ASSET: usize = 0;

/// The indexes in `FIELDS` of the category, status and location, which refer to the project's settings.
pub(super) const CATEGORY: usize = 1;
pub(super) const STATUS: usize = 2;
pub(super) const LOCATION: usize = 4;

/// The field whose values may lose leading zeros in a spreadsheet.
pub(super) const BARCODE: &str = "barcode";

/// The field that identifies a new asset in a report.
pub(super) const CLIENT_ASSET_ID: &str = "clientAssetId";

/// The field that contains the dict of custom attributes. An attribute may also have its own column, such as
/// `ca1` or `customAttributes.ca1`.
pub(crate) const CUSTOM_ATTRIBUTES: &str = "customAttributes";

/// The maximum length of a text value of a custom attribute, in characters ("POST assets:batch-create"
/// reference page).
pub(super) const LONGEST_ATTRIBUTE: usize = 250;

/// Fields of an asset that only the service sets.
static SET_BY_THE_SERVICE: [&str; 10] = [
    "id",
    "isActive",
    "version",
    "createdAt",
    "createdBy",
    "updatedAt",
    "updatedBy",
    "deletedAt",
    "deletedBy",
    "companyId",
];

/// Returns the fields of an asset that only the service sets, except the id.
pub(super) fn set_by_the_service() -> impl Iterator<Item = &'static str> {
    SET_BY_THE_SERVICE.into_iter().filter(|field| *field != "id")
}

pub(super) fn is_set_by_the_service(name: &str) -> bool {
    SET_BY_THE_SERVICE.contains(&name)
}

/// Returns whether a heading, normalized by [`plain`], is that of a field that only the service sets.
pub(super) fn is_heading_of_service(called: &str) -> bool {
    SET_BY_THE_SERVICE.iter().any(|field| plain(field) == called)
}

/// Returns the field that only the service sets and that a heading such as `Updated At` names, except the id.
pub(super) fn of_service(heading: &str) -> Option<&'static str> {
    let called = plain(heading);
    set_by_the_service().find(|field| plain(field) == called)
}

/// Returns whether a name consists of `ca` and a number, like the names that the service gives to custom
/// attributes.
pub(super) fn is_attribute(name: &str) -> bool {
    name.strip_prefix("ca").is_some_and(|number| {
        !number.starts_with('0') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Returns the known name closest to an unknown name, if any is close enough.
pub(super) fn nearest(unknown: &str, id_column: Option<&str>) -> Option<String> {
    let plain = plain(unknown);
    let attribute = plain.strip_prefix("customattributes").unwrap_or(&plain);
    if is_attribute(attribute) {
        return Some(attribute.to_owned());
    }
    FIELDS
        .iter()
        .map(|field| field.name)
        .chain([CUSTOM_ATTRIBUTES])
        .chain(id_column)
        .map(|known| (distance_to(&plain, known), known))
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known.to_owned())
}

fn distance_to(unknown: &str, known: &str) -> usize {
    let known = plain(known);
    // Users write "asset id" for `clientAssetId` and "status" for `statusId`.
    if unknown.len() >= 4 && known.contains(unknown) {
        return usize::from(unknown != known);
    }
    strsim::levenshtein(unknown, &known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_ignores_case_spaces_and_underscores() {
        for (unknown, known) in [
            ("categoryid", Some("categoryId")),
            ("Category ID", Some("categoryId")),
            ("category_id", Some("categoryId")),
            ("Status", Some("statusId")),
            ("Asset ID", Some("clientAssetId")),
            ("descripton", Some("description")),
            ("bar code", Some("barcode")),
            ("CA 12", Some("ca12")),
            ("custom_attributes.ca3", Some("ca3")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(unknown, None).as_deref(), known, "{unknown}");
        }
        assert_eq!(nearest("assetid", Some("asset id")).as_deref(), Some("asset id"));
    }
}
