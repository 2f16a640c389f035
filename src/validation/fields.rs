//! The fields of an asset, as the "POST assets:batch-create" and "PATCH assets:batch-patch" reference pages list them.

use crate::settings::names::plain;

/// What the service takes in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A whole number, sent as text.
    Integer,
    Uuid,
}

pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    /// Required on create; such a field cannot be cleared either.
    pub required: bool,
    /// In characters; a longer value makes its row invalid.
    pub longest: Option<usize>,
    /// In characters; a longer value is sent with a warning, since no reference page says what the service takes.
    pub expected: Option<usize>,
    /// Blanks at its ends are removed, since they only make another name or code of the same.
    pub trims: bool,
    /// How to find the right value; where the project's settings are known, `named` says it better.
    fix: &'static str,
    named: Option<&'static str>,
}

impl Field {
    /// How to find the right value, with names or with ids alone.
    pub(super) fn fix(&self, by_name: bool) -> &'static str {
        self.named.filter(|_| by_name).unwrap_or(self.fix)
    }
}

/// The fields a row may set, besides the custom attributes.
pub(super) static FIELDS: [Field; 6] = [
    Field {
        name: "clientAssetId",
        kind: Kind::Text,
        required: true,
        longest: None,
        expected: Some(LONGEST_KEY),
        trims: true,
        fix: "give the name of the asset, for example 'AHU-101'",
        named: None,
    },
    Field {
        name: "categoryId",
        kind: Kind::Integer,
        required: true,
        longest: None,
        expected: None,
        trims: false,
        fix: "use the id of a category of the project, for example 42",
        named: Some("give the path, the name or the id of a category of the project"),
    },
    Field {
        name: "statusId",
        kind: Kind::Uuid,
        required: true,
        longest: None,
        expected: None,
        trims: false,
        fix: "use the id of a status from the category's status set, not its label",
        named: Some("give the label or the id of a status of the category's status set"),
    },
    Field {
        name: "description",
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
        kind: Kind::Uuid,
        required: false,
        longest: None,
        expected: None,
        trims: false,
        fix: "use the id of a location of the project, not its name",
        named: Some("give the path, the name, the barcode or the id of a location of the project"),
    },
    Field {
        name: "barcode",
        kind: Kind::Text,
        required: false,
        longest: None,
        expected: Some(LONGEST_KEY),
        trims: true,
        fix: "",
        named: None,
    },
];

/// The longest client asset id and barcode, in characters (Data Connector schema "assets": what is extracted).
const LONGEST_KEY: usize = 100;

/// Places in `FIELDS` of what belongs to the project's settings.
pub(super) const CATEGORY: usize = 1;
pub(super) const STATUS: usize = 2;
pub(super) const LOCATION: usize = 4;

/// The field whose numbers may have lost their leading zeros in a spreadsheet.
pub(super) const BARCODE: &str = "barcode";

/// The field that names a new asset in a report.
pub(super) const CLIENT_ASSET_ID: &str = "clientAssetId";

/// The map of custom attributes; one attribute may also be a column of its own, `ca1` or `customAttributes.ca1`.
pub(super) const CUSTOM_ATTRIBUTES: &str = "customAttributes";

/// The longest text value of a custom attribute, in characters ("POST assets:batch-create" reference page).
pub(super) const LONGEST_ATTRIBUTE: usize = 250;

/// Fields of an asset that the service sets itself.
static SET_BY_THE_SERVICE: [&str; 10] = [
    "id",
    "version",
    "isActive",
    "createdAt",
    "createdBy",
    "updatedAt",
    "updatedBy",
    "deletedAt",
    "deletedBy",
    "companyId",
];

pub(super) fn is_set_by_the_service(name: &str) -> bool {
    SET_BY_THE_SERVICE.contains(&name)
}

/// `ca` and a number, as the service names custom attributes.
pub(super) fn is_attribute(name: &str) -> bool {
    name.strip_prefix("ca").is_some_and(|number| {
        !number.starts_with('0') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The known name that an unknown one most likely stands for.
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
    // "asset id" stands for `clientAssetId`, "status" for `statusId`.
    if unknown.len() >= 4 && known.contains(unknown) {
        return usize::from(unknown != known);
    }
    strsim::levenshtein(unknown, &known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_ignores_case_spaces_and_underscores() {
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
