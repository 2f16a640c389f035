//! The fields of a relationship, as rows and tables have them. The service's own fields are those of the "GET
//! relationships:search" reference page, and the ends those of "PUT relationships".

use crate::api::field::{Field, Fields, Filter, Kind, Shows};

/// The maximum lengths of the parts of an entity, in characters ("PUT relationships" reference page).
const LONGEST_NAME: usize = 128;
const LONGEST_ID: usize = 512;

/// Describes a text of one end.
const fn part(
    name: &'static str,
    aliases: &'static [&'static str],
    longest: Option<usize>,
    fix: &'static str,
) -> Field {
    Field {
        aliases,
        longest,
        trims: true,
        fix,
        ..Field::new(name, name, Kind::Text)
    }
}

const fn end(name: &'static str, aliases: &'static [&'static str]) -> Field {
    Field {
        aliases,
        fix: "pass an Entity with domain, type and id",
        ..Field::new(name, name, Kind::Entity)
    }
}

/// Describes a column of tables with the Asset ID or barcode of an end that is an asset.
const fn name_of(name: &'static str, fix: &'static str) -> Field {
    Field {
        fix,
        ..Field::by_service(name, name, Kind::Text)
    }
}

const FIX_OF_FROM_NAME: &str = "use the id of the entity in `from_id`, and drop this column";
const FIX_OF_TO_NAME: &str = "use the id of the entity in `to_id`, and drop this column";
const FIX_OF_KIND: &str =
    "use the short name of a kind, such as asset or document, or columns for domain and type";
const FIX_OF_ID: &str = "enter the id of the entity";

/// The fields of a relationship. The two ends are called `from` and `to`, as in tables of relationships. The service
/// documents no order.
pub const FIELDS: Fields = Fields(&[
    Field {
        is_usual: true,
        ..Field::by_service("id", "id", Kind::Text)
    },
    end("from", &["from"]),
    part("from_kind", &["fromkind"], None, FIX_OF_KIND),
    name_of("from_name", FIX_OF_FROM_NAME),
    name_of("from_barcode", FIX_OF_FROM_NAME),
    part("from_domain", &["fromdomain"], Some(LONGEST_NAME), ""),
    part("from_type", &["fromtype"], Some(LONGEST_NAME), ""),
    part("from_id", &["fromid"], Some(LONGEST_ID), FIX_OF_ID),
    end("to", &["to"]),
    part("to_kind", &["tokind"], None, FIX_OF_KIND),
    name_of("to_name", FIX_OF_TO_NAME),
    name_of("to_barcode", FIX_OF_TO_NAME),
    part("to_domain", &["todomain"], Some(LONGEST_NAME), ""),
    part("to_type", &["totype"], Some(LONGEST_NAME), ""),
    part("to_id", &["toid"], Some(LONGEST_ID), FIX_OF_ID),
    Field {
        aliases: &["entities"],
        is_usual: true,
        filters: &[Filter::new("domain", Shows::Entities)],
        fix: "pass a list of two entities",
        ..Field::new("entities", "entities", Kind::Entities)
    },
    Field {
        is_usual: true,
        filters: &[
            Filter::new("createdAfter", Shows::After),
            Filter::new("createdBefore", Shows::Before),
        ],
        ..Field::by_service("createdOn", "created_on", Kind::Time)
    },
    Field {
        is_usual: true,
        ..Field::by_service("isReadOnly", "is_read_only", Kind::Bool)
    },
    Field {
        is_usual: true,
        ..Field::by_service("isService", "is_service", Kind::Bool)
    },
    Field {
        is_usual: true,
        filters: &[
            Filter::new("onlyDeleted", Shows::Only(true)),
            Filter::new("includeDeleted", Shows::Unless(true)),
        ],
        ..Field::by_service("isDeleted", "is_deleted", Kind::Bool)
    },
    Field::by_service("deletedOn", "deleted_on", Kind::Time),
    Field::by_service("permission", "permission", Kind::Open),
]);
