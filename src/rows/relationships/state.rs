//! The two ends of the current row, and the pairs of the rows so far.

use std::collections::HashMap;

use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3Default;

use crate::api::relationships::FIELDS;
use crate::api::relationships::kinds::{ASSET, EntityKind};

/// New relationships.
#[derive(Default)]
pub(in crate::rows) struct Relationships {
    pub(super) ends: [End; 2],
    /// One bit per field of the current row, set if the field has a valid value.
    pub(super) accepted: u32,
    /// The id of each pair of entities, and whether its ends are written in the order of their digests.
    pub(super) pairs: HashMap<u128, (Uuid, bool)>,
    /// The rows with the pair of an earlier row, and those that link an entity with itself.
    pub(super) repeated: RowCount,
    pub(super) to_itself: RowCount,
}

/// A number of rows, and the first of them.
#[derive(Default)]
pub(super) struct RowCount {
    pub(super) rows: u64,
    pub(super) first: usize,
}

impl RowCount {
    pub(super) fn add(&mut self, row: usize) {
        if self.rows == 0 {
            self.first = row;
        }
        self.rows += 1;
    }
}

/// One end of a relationship. Parts without a value are empty.
#[derive(Default)]
pub(super) struct End {
    pub(super) domain: String,
    /// The type within the domain.
    pub(super) of_domain: String,
    pub(super) id: String,
}

impl End {
    pub(super) fn clear(&mut self) {
        self.domain.clear();
        self.of_domain.clear();
        self.id.clear();
    }

    pub(super) fn part(&mut self, part: Part) -> &mut String {
        match part {
            Part::Domain => &mut self.domain,
            Part::OfDomain => &mut self.of_domain,
            Part::Id => &mut self.id,
        }
    }

    pub(super) fn is(&self, kind: EntityKind) -> bool {
        self.domain == kind.domain && self.of_domain == kind.of_domain
    }

    /// Returns whether this is an asset, whose id is a UUID. The ids of other entities are open.
    pub(super) fn is_asset(&self) -> bool {
        self.is(ASSET)
    }

    /// Returns a digest of the entity as it is sent.
    pub(super) fn digest(&self) -> u128 {
        let mut digest = Xxh3Default::new();
        for part in [&self.domain, &self.of_domain, &self.id] {
            digest.update(part.as_bytes());
            digest.update(&[0]);
        }
        digest.digest128()
    }
}

/// A part of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Domain,
    OfDomain,
    Id,
}

impl Part {
    /// Returns the name of the part in the service.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::OfDomain => "type",
            Self::Id => "id",
        }
    }
}

/// The places of the fields of one end in the table of fields.
pub(super) struct EndFields {
    pub(super) entity: usize,
    pub(super) kind: usize,
    pub(super) domain: usize,
    pub(super) of_domain: usize,
    pub(super) id: usize,
}

/// The fields of both ends, in the order of the ends.
pub(super) const ENDS: [EndFields; 2] = [
    EndFields {
        entity: FIELDS.place("from"),
        kind: FIELDS.place("from_kind"),
        domain: FIELDS.place("from_domain"),
        of_domain: FIELDS.place("from_type"),
        id: FIELDS.place("from_id"),
    },
    EndFields {
        entity: FIELDS.place("to"),
        kind: FIELDS.place("to_kind"),
        domain: FIELDS.place("to_domain"),
        of_domain: FIELDS.place("to_type"),
        id: FIELDS.place("to_id"),
    },
];

/// The field that has both ends.
pub(super) const ENTITIES: usize = FIELDS.place("entities");

/// What a field says about an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Entity,
    Kind,
    Part(Part),
}

/// Returns the end that a field is about, and what the field says. `None` for the field with both ends.
pub(super) fn says(field: usize) -> Option<(usize, Says)> {
    ENDS.iter().enumerate().find_map(|(end, fields)| {
        let says = match field {
            _ if field == fields.entity => Says::Entity,
            _ if field == fields.kind => Says::Kind,
            _ if field == fields.domain => Says::Part(Part::Domain),
            _ if field == fields.of_domain => Says::Part(Part::OfDomain),
            _ if field == fields.id => Says::Part(Part::Id),
            _ => return None,
        };
        Some((end, says))
    })
}
