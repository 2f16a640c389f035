//! The fields of an asset, as the "POST assets:batch-create", "PATCH assets:batch-patch" and "GET assets" reference
//! pages list them.

use crate::api::field::{Field, Fields, Filter, Kind, Refers, Shows};

/// The documented and assumed limits of texts, in characters, for use in numbers and in texts.
macro_rules! most_characters {
    // "POST assets:batch-create" reference page.
    (description) => {
        1000
    };
    // A text value of a custom attribute (the same page).
    (attribute) => {
        250
    };
    // A clientAssetId or barcode in a Data Connector extract (schema "assets").
    (identifier) => {
        100
    };
}
pub(crate) use most_characters;

/// The maximum length of a text value of a custom attribute, in characters.
pub const LONGEST_ATTRIBUTE: usize = most_characters!(attribute);

/// The field that contains the dict of custom attributes. An attribute may also have its own column, such as
/// `ca1` or `customAttributes.ca1`.
pub const CUSTOM_ATTRIBUTES: &str = "customAttributes";

/// The field that identifies a new asset in a report.
pub const CLIENT_ASSET_ID: &str = "clientAssetId";

/// The field whose values may lose leading zeros in a spreadsheet.
pub const BARCODE: &str = "barcode";

/// The fields of an asset. The web pages of Assets call the clientAssetId "Asset ID" ("POST assets:batch-create"
/// reference page), and exports from those pages call it "Name".
pub const FIELDS: Fields = Fields(&[
    Field {
        is_usual: true,
        sorts: true,
        ..Field::by_service("id", "id", Kind::Text)
    },
    Field {
        aliases: &["clientassetid", "assetid", "assetname", "name"],
        required: true,
        expected: Some(most_characters!(identifier)),
        trims: true,
        is_usual: true,
        sorts: true,
        fix: "enter the name of the asset, for example 'AHU-101'",
        note: "The name of the asset, for example AHU-101.",
        ..Field::new(CLIENT_ASSET_ID, "Asset ID", Kind::Text)
    },
    Field {
        aliases: &["categoryid", "category", "categorypath"],
        refers: Some(Refers::Category),
        required: true,
        is_usual: true,
        sorts: true,
        filters: &[Filter::new("filter[categoryId]", Shows::OneOf)],
        fix: "use the id of a category of the project, for example 42",
        fix_by_name: Some("use the path, name or id of a category of the project"),
        note: "A category of the project.",
        ..Field::new("categoryId", "Category", Kind::Integer)
    },
    Field {
        aliases: &["statusid", "status", "assetstatus"],
        refers: Some(Refers::Status),
        required: true,
        is_usual: true,
        sorts: true,
        filters: &[Filter::new("filter[statusId]", Shows::OneOf)],
        fix: "use the id of a status in the category's status set, not its label",
        fix_by_name: Some("use the label or id of a status in the category's status set"),
        note: "A status of the category.",
        ..Field::new("statusId", "Status", Kind::Uuid)
    },
    Field {
        aliases: &["description", "assetdescription"],
        longest: Some(most_characters!(description)),
        is_usual: true,
        sorts: true,
        note: concat!("At most ", most_characters!(description), " characters."),
        ..Field::new("description", "Description", Kind::Text)
    },
    Field {
        aliases: &["locationid", "location", "locationpath"],
        refers: Some(Refers::Location),
        is_usual: true,
        sorts: true,
        filters: &[Filter::new(
            "filter[locationId]",
            Shows::Location("includeSubLocations"),
        )],
        fix: "use the id of a location of the project, not its name",
        fix_by_name: Some("use the path, name, barcode or id of a location of the project"),
        note: "A location from the sheet Locations, or its barcode.",
        ..Field::new("locationId", "Location", Kind::Uuid)
    },
    Field {
        aliases: &["barcode", "assetbarcode"],
        expected: Some(most_characters!(identifier)),
        trims: true,
        is_usual: true,
        sorts: true,
        note: "As printed on the label, with leading zeros.",
        ..Field::new(BARCODE, "Barcode", Kind::Text)
    },
    Field {
        filters: &[Filter::new("filter[customAttributes]", Shows::Attributes)],
        ..Field::new(CUSTOM_ATTRIBUTES, CUSTOM_ATTRIBUTES, Kind::Attributes)
    },
    Field {
        is_usual: true,
        filters: &[Filter::new("includeDeleted", Shows::Unless(false))],
        ..Field::by_service("isActive", "isActive", Kind::Bool)
    },
    Field {
        is_usual: true,
        sorts: true,
        ..Field::by_service("version", "version", Kind::Number)
    },
    Field {
        is_usual: true,
        sorts: true,
        ..Field::by_service("createdAt", "createdAt", Kind::Time)
    },
    Field {
        is_usual: true,
        sorts: true,
        ..Field::by_service("createdBy", "createdBy", Kind::Text)
    },
    Field {
        is_usual: true,
        sorts: true,
        filters: &[Filter::new("filter[updatedAt]", Shows::Time)],
        ..Field::by_service("updatedAt", "updatedAt", Kind::Time)
    },
    Field {
        is_usual: true,
        sorts: true,
        ..Field::by_service("updatedBy", "updatedBy", Kind::Text)
    },
    Field::by_service("deletedAt", "deletedAt", Kind::Time),
    Field::by_service("deletedBy", "deletedBy", Kind::Text),
    Field::by_service("companyId", "companyId", Kind::Text),
]);
