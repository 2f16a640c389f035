//! The end of the row of a relationship: checks both ends and writes the body.

use std::collections::hash_map::Entry;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::state::{ENDS, ENTITIES, EndFields, Relationships};
use crate::input::Cell;
use crate::rows::json;
use crate::rows::problem::refused;
use crate::rows::rules::{Problem, UUID};
use crate::rows::value::Refusal;
use crate::rows::writer::Writer;

const WHY: &str = "required for a new relationship";

impl Writer<Relationships> {
    /// Checks the row as a whole and writes its body.
    pub(super) fn end_relationship(&mut self, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        self.refuse_lost_zeros();
        for (end, fields) in ENDS.iter().enumerate() {
            self.check_kind(end, fields);
            self.check_id(end, fields);
        }
        self.checked(out)?;
        let [one, other] = [0, 1].map(|end| self.kind.ends[end].digest());
        if one == other {
            self.kind.to_itself.add(self.rows - 1);
        }
        let is_ordered = one <= other;
        let (id, was_ordered) = self.pair(one.min(other), one.max(other), is_ordered);
        // Both rows of a pair have the same body, in whichever order they name its ends.
        let order = if is_ordered == was_ordered { [0, 1] } else { [1, 0] };
        let mut buffer = Uuid::encode_buffer();
        let id = id.hyphenated().encode_lower(&mut buffer);
        self.key.push_str(id);
        out.extend_from_slice(b"{\"id\":");
        json::text(id, out);
        out.extend_from_slice(b",\"entities\":[");
        for (at, end) in order.into_iter().enumerate() {
            let end = &self.kind.ends[end];
            out.extend_from_slice(if at == 0 {
                b"{\"domain\":"
            } else {
                b",{\"domain\":"
            });
            json::text(&end.domain, out);
            out.extend_from_slice(b",\"type\":");
            json::text(&end.of_domain, out);
            out.extend_from_slice(b",\"id\":");
            json::text(&end.id, out);
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
        Ok(())
    }

    /// Returns the id of a pair of entities, and whether its ends were in order when they came first.
    fn pair(&mut self, one: u128, other: u128, is_ordered: bool) -> (Uuid, bool) {
        let mut both = [0; 32];
        both[..16].copy_from_slice(&one.to_le_bytes());
        both[16..].copy_from_slice(&other.to_le_bytes());
        match self.kind.pairs.entry(xxh3_128(&both)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => *place.insert((Uuid::new_v4(), is_ordered)),
        }
    }

    /// Adds a problem if the row does not say what kind of entity an end is.
    fn check_kind(&mut self, end: usize, fields: &EndFields) {
        let entity = &self.kind.ends[end];
        let EndFields {
            kind,
            domain,
            of_domain,
            ..
        } = *fields;
        match (entity.domain.is_empty(), entity.of_domain.is_empty()) {
            (false, false) => {}
            (false, true) => self.missing_part(&[of_domain, kind], fields),
            (true, false) => self.missing_part(&[domain, kind], fields),
            (true, true) => self.missing_part(&[kind, domain, of_domain], fields),
        }
    }

    /// Adds a problem if an end has no id, or an asset an id that is not a UUID.
    fn check_id(&mut self, end: usize, fields: &EndFields) {
        let entity = &mut self.kind.ends[end];
        if entity.id.is_empty() {
            return self.missing_part(&[fields.id], fields);
        }
        if !entity.is_asset() {
            return;
        }
        if let Ok(id) = Uuid::try_parse(&entity.id) {
            entity.id.clear();
            entity
                .id
                .push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
            return;
        }
        let refusal = Refusal::new(
            &UUID,
            "not a UUID",
            "use the id assigned by the service, not the Asset ID",
        );
        let given = [fields.id, fields.entity, ENTITIES]
            .into_iter()
            .find(|field| self.is_given(*field));
        let column = self.field_called(given.unwrap_or(fields.id));
        let problem = refused(&column, &Cell::Text(&self.kind.ends[end].id), &refusal);
        self.problems.push(problem);
    }

    /// Adds the problem for a part of an end without a value, unless the problem of its cell says so. `parts` are the
    /// fields that can set the part, besides those of whole entities. The first one is named if none has a column.
    fn missing_part(&mut self, parts: &[usize], fields: &EndFields) {
        let whole = [fields.entity, ENTITIES];
        // Its cell has a problem of its own.
        let was_refused = |field: &usize| self.is_given(*field) && self.kind.accepted & 1 << field == 0;
        if parts.iter().chain(&whole).any(was_refused) {
            return;
        }
        let has_column = |field: &&usize| self.has_column(**field);
        let column = parts.iter().chain(&whole).find(has_column).copied();
        let name = self.field_called(column.unwrap_or(parts[0]));
        match column {
            // A blank entity has neither a kind nor an id.
            Some(_) if self.problems.iter().any(|problem| problem.column == name) => {}
            Some(_) => self.blank(&name, WHY, "fill in the cell"),
            None => {
                let [entity, kind, id] =
                    [fields.entity, fields.kind, fields.id].map(|field| self.field_called(field));
                let fix = format!("add the columns `{kind}` and `{id}`, or a column `{entity}` of entities");
                self.no_column(&name, WHY, &fix);
            }
        }
    }
}
