//! Reads the ends of a relationship from cells.

use super::state::{End, Part};
use crate::api::field::Field;
use crate::api::relationships::FIELDS;
use crate::api::relationships::kinds::{KINDS, documented_domain, documented_type, kind_called};
use crate::input::Cell;
use crate::model::text::trimmed;
use crate::rows::rules::{ENTITY, TWICE};
use crate::rows::value::{self, Refusal};
use crate::settings::names::{folded, nearest};

/// Sets a part of an end. Several columns may set it, but only to the same value.
pub(super) fn set(end: &mut End, part: Part, value: &str) -> Result<(), Refusal> {
    let documented = match part {
        Part::Domain => documented_domain(value),
        Part::OfDomain => documented_type(value),
        Part::Id => None,
    };
    let value = documented.unwrap_or(value);
    let known = end.part(part);
    if known.is_empty() {
        known.push_str(value);
    } else if known != value {
        let name = part.name();
        let reason = format!("another column of this end has the {name} '{known}'");
        return Err(Refusal::new(
            &TWICE,
            reason,
            "keep one of the two, or make them equal",
        ));
    }
    Ok(())
}

/// Sets the domain and type of an end by the short name of a kind.
pub(super) fn set_kind(end: &mut End, cell: &Cell<'_>) -> Result<(), Refusal> {
    let Cell::Text(text) = cell else {
        return Err(Refusal::new(&ENTITY, "not the name of a kind", ""));
    };
    let Some(kind) = kind_called(text) else {
        let known = KINDS.iter().map(|kind| (kind.name, folded(kind.name)));
        let fix = match nearest(text, known).first() {
            Some(near) => format!("did you mean {near}? For another kind, use columns for domain and type"),
            None => String::new(),
        };
        return Err(Refusal::new(&ENTITY, "unknown kind of entity", fix));
    };
    set(end, Part::Domain, kind.domain)?;
    set(end, Part::OfDomain, kind.of_domain)
}

/// Sets all parts of an end from an entity: a dict, or a tuple of domain, type and id. `fields` are those of the parts.
pub(super) fn set_entity(end: &mut End, fields: [usize; 3], cell: &Cell<'_>) -> Result<(), Refusal> {
    const PARTS: [Part; 3] = [Part::Domain, Part::OfDomain, Part::Id];
    match cell {
        Cell::Map(entries) => {
            for (part, field) in PARTS.into_iter().zip(fields) {
                let found = entries.iter().find(|(name, _)| *name == part.name());
                set_part(
                    end,
                    part,
                    FIELDS.at(field),
                    found.map_or(&Cell::Null, |(_, cell)| cell),
                )?;
            }
            Ok(())
        }
        Cell::List(items) if items.len() == PARTS.len() => {
            for ((part, field), item) in PARTS.into_iter().zip(fields).zip(items) {
                set_part(end, part, FIELDS.at(field), item)?;
            }
            Ok(())
        }
        _ => Err(Refusal::new(&ENTITY, "not an entity", "")),
    }
}

fn set_part(end: &mut End, part: Part, field: &Field, cell: &Cell<'_>) -> Result<(), Refusal> {
    let mut json = Vec::new();
    let is_blank = match cell {
        Cell::Null => true,
        Cell::Text(text) => trimmed(text).is_empty(),
        _ => false,
    };
    if is_blank {
        let reason = format!("an entity without {}", part.name());
        return Err(Refusal::new(&ENTITY, reason, ""));
    }
    value::field(field, cell, &mut json)?;
    set(end, part, &text_of(cell, &json))
}

/// Returns the text of a cell that was written as JSON.
pub(super) fn text_of<'c>(cell: &Cell<'c>, json: &'c [u8]) -> std::borrow::Cow<'c, str> {
    match cell {
        Cell::Text(text) | Cell::Shown { text, .. } => trimmed(text).into(),
        // A number or a date is in quotes and has no escapes.
        _ => String::from_utf8_lossy(json.get(1..json.len().saturating_sub(1)).unwrap_or_default()),
    }
}
