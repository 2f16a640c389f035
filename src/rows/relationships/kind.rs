//! Relationships as a kind of row: how their fields become two ends.

use std::convert::Infallible;

use super::entity::{set, set_entity, set_kind, text_of};
use super::state::{ENDS, ENTITIES, Relationships, Says, says};
use crate::api::field::Fields;
use crate::api::relationships::FIELDS;
use crate::input::Cell;
use crate::model::text::trimmed;
use crate::rows::fields;
use crate::rows::in_rows::in_rows;
use crate::rows::policy::Policy;
use crate::rows::report::is_of_report;
use crate::rows::rules::{ENTITY, Problem};
use crate::rows::value::{self, Refusal};
use crate::rows::writer::{Label, RowKind, Slot, Writer, WrittenField};

/// The fix of a column that only the service sets.
const FIX_OF_SERVICE: &str = "pass only the rows of new relationships, without this column";

impl RowKind for Relationships {
    type Slot = Infallible;

    const FIELDS: Fields = FIELDS;

    fn new(_policy: &Policy) -> Self {
        Self::default()
    }

    fn begin(writer: &mut Writer<Self>, _out: &mut Vec<u8>) {
        writer.kind.accepted = 0;
        for end in &mut writer.kind.ends {
            end.clear();
        }
    }

    fn end(writer: &mut Writer<Self>, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        writer.end_relationship(out)
    }

    fn slot(writer: &mut Writer<Self>, name: &str, meant: &str) -> Slot<Infallible> {
        if let Some(field) = fields::field_called(FIELDS, meant) {
            return Slot::Field(field);
        }
        if is_of_report(meant) {
            return Slot::Ignored;
        }
        let of_service = Some("id").filter(|id| *id == meant);
        if let Some(field) = of_service.or_else(|| fields::of_service(FIELDS, meant)) {
            let own = FIELDS.find(field).map(|field| field.fix);
            let fix = own.filter(|fix| !fix.is_empty()).unwrap_or(FIX_OF_SERVICE);
            return writer.refuse_service(name, fix);
        }
        let near = fields::nearest(FIELDS, [], meant);
        writer.refuse_unknown(name, near)
    }

    fn value(
        writer: &mut Writer<Self>,
        field: usize,
        _has_ids: bool,
        cell: &Cell<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        if matches!(cell, Cell::Text(text) if trimmed(text).is_empty()) {
            writer.kind.accepted |= 1 << field;
            return Ok(false);
        }
        let parts = |end: usize| [ENDS[end].domain, ENDS[end].of_domain, ENDS[end].id];
        let ends = &mut writer.kind.ends;
        match (says(field), cell) {
            (Some((end, Says::Part(part))), _) => {
                let start = out.len();
                value::field(FIELDS.at(field), cell, out)?;
                set(&mut ends[end], part, &text_of(cell, &out[start..]))?;
            }
            (Some((end, Says::Kind)), _) => set_kind(&mut ends[end], cell)?,
            (Some((end, Says::Entity)), _) => set_entity(&mut ends[end], parts(end), cell)?,
            (None, Cell::List(items)) if field == ENTITIES && items.len() == 2 => {
                for (end, item) in items.iter().enumerate() {
                    set_entity(&mut ends[end], parts(end), item)?;
                }
            }
            (None, _) => return Err(Refusal::new(&ENTITY, "not a list of two entities", "")),
        }
        writer.kind.accepted |= 1 << field;
        Ok(matches!(says(field), Some((_, Says::Part(_)))))
    }

    /// The body is written at the end, when both ends are known.
    fn written(_writer: &mut Writer<Self>, written: &WrittenField, _cell: &Cell<'_>, out: &mut Vec<u8>) {
        out.truncate(written.start);
    }

    fn forget_repeats(writer: &mut Writer<Self>) {
        writer.kind.repeated.add(writer.rows - 1);
    }

    /// The pairs decide which rows share an id.
    fn forget_rows(writer: &mut Writer<Self>) {
        writer.kind.pairs = std::collections::HashMap::new();
    }

    fn noticed(writer: &Writer<Self>, label: Label<'_>) -> Vec<String> {
        let Self {
            repeated, to_itself, ..
        } = &writer.kind;
        let repeated = (repeated.rows > 0).then(|| {
            let rows = in_rows(repeated.rows, &label(repeated.first));
            format!("the two entities are those of an earlier row {rows}. Each pair becomes one relationship")
        });
        let to_itself = (to_itself.rows > 0).then(|| {
            let rows = in_rows(to_itself.rows, &label(to_itself.first));
            format!("both ends are the same entity {rows}. The service may reject that")
        });
        repeated.into_iter().chain(to_itself).collect()
    }
}
