//! Assets as a kind of row: where names, custom attributes, import keys and comparisons plug into the writer.

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::notices::Notices;
use super::resolve::SEVERAL;
use super::state::{Assets, CATEGORY, CLIENT_ASSET, Own, PATCH_OPENING, STATUS};
use crate::api::RowShape;
use crate::api::assets::FIELDS;
use crate::api::assets::fields::{BARCODE, CUSTOM_ATTRIBUTES};
use crate::api::field::{Fields, Kind};
use crate::input::sheet::REQUIRED_MARK;
use crate::input::{Cell, Column, Owned};
use crate::rows::columns;
use crate::rows::identity::Seed;
use crate::rows::policy::Policy;
use crate::rows::problem::is_number;
use crate::rows::rules::Problem;
use crate::rows::value::{self, Refusal};
use crate::rows::writer::{Given, Label, RowKind, Slot, Writer, WrittenField};

/// The fix of a cell in the id column of a patch that is no id.
const FIX_OF_PATCH: &str = "use the id assigned by the service. If another column identifies the assets, get \
    their ids with assets.get(rows, by=\"Barcode\"), or pass the result of create(rows, import_key=...) to patch, if the rows \
    have all columns of a new asset";

impl RowKind for Assets {
    type Slot = Own;

    const FIELDS: Fields = FIELDS;

    fn new(policy: &Policy) -> Self {
        Self::of(policy)
    }

    fn begin(writer: &mut Writer<Self>, out: &mut Vec<u8>) {
        writer.kind.begin();
        if writer.policy.shape == RowShape::AssetPatch {
            out.extend_from_slice(PATCH_OPENING);
        } else {
            out.push(b'{');
        }
    }

    fn end(writer: &mut Writer<Self>, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        writer.end_asset(out)
    }

    fn slot(writer: &mut Writer<Self>, name: &str, meant: &str) -> Slot<Own> {
        writer.asset_slot(name, meant)
    }

    fn mapped_alike<'w>(writer: &'w Writer<Self>, name: &str) -> Option<&'w str> {
        writer.mapped_alike(name)
    }

    fn note_own(writer: &mut Writer<Self>, slot: Own, name: &str, column: Column, note: &str) {
        writer.note_own(slot, name, column, note);
    }

    fn set_by(writer: &Writer<Self>, slot: Own) -> Option<&str> {
        match slot {
            Own::Attribute(attribute) => Some(&writer.kind.attributes[attribute].name),
            Own::Attributes => Some(CUSTOM_ATTRIBUTES),
            Own::Service(_) => None,
        }
    }

    fn is_value(slot: Own) -> bool {
        matches!(slot, Own::Attribute(_))
    }

    fn has_entry(writer: &Writer<Self>, fits: &dyn Fn(&str) -> bool) -> bool {
        writer.kind.entries.iter().any(|entry| fits(&entry.name))
    }

    fn heading_of(writer: &Writer<Self>, name: &str) -> Option<String> {
        writer.attribute_heading(name)
    }

    fn title_of(writer: &Writer<Self>, name: &str) -> Option<String> {
        let settings = writer.policy.names.settings.as_deref()?;
        let place = settings.attribute_of_name(name)?;
        Some(settings.content().attributes[place].display_name.clone())
    }

    fn has_names(writer: &Writer<Self>) -> bool {
        writer.kind.names.is_some()
    }

    /// Cells are compared with the asset, which is known only with the id.
    fn hold(writer: &mut Writer<Self>, column: Column, slot: Slot<Own>, cell: &Cell<'_>) -> bool {
        let is_first = matches!(slot, Slot::Id | Slot::Number | Slot::Ignored);
        let holds = !is_first && writer.id == Given::No && writer.policy.names.current.is_some();
        if holds {
            writer.kind.held.push((column, Owned::of(cell)));
        }
        holds
    }

    fn identify(
        writer: &mut Writer<Self>,
        slot: Slot<Own>,
        reading: usize,
        seed: Seed,
        cell: &Cell<'_>,
    ) -> bool {
        match (slot, cell) {
            // Each entry counts like a column.
            (Slot::Own(Own::Attributes), Cell::Map(_)) => true,
            (Slot::Own(Own::Attribute(attribute)), _) => {
                let known = writer.kind.attributes[attribute].known;
                writer.identify_attribute(reading, seed, known, cell);
                true
            }
            // Which of several labels counts is known at the end of the row.
            (Slot::Field(STATUS), Cell::Text(text))
                if writer.kind.names.is_some() && text.contains(SEVERAL) =>
            {
                writer.kind.status_labels = Some((seed, (*text).to_owned()));
                true
            }
            // In a template, a blank cell means the same.
            (Slot::Field(CATEGORY), _) => writer.is_category_of_template(cell),
            _ => false,
        }
    }

    fn own_cell(writer: &mut Writer<Self>, slot: Own, column: Column, cell: &Cell<'_>) {
        match (slot, cell) {
            (Own::Service(field), _) => {
                let name = writer.called(column).to_owned();
                writer.service_cell(&name, field, cell);
            }
            (Own::Attribute(attribute), _) => {
                let reading = writer.place_of_reading(column);
                writer.attribute_cell(attribute, Some(column), reading, cell);
            }
            (Own::Attributes, Cell::Map(entries)) => {
                writer.attribute_entries(writer.identifies(column), entries);
            }
            (Own::Attributes, _) => writer.attributes_cell(cell),
        }
    }

    fn fix_of_id(_writer: &Writer<Self>) -> &'static str {
        FIX_OF_PATCH
    }

    fn write_id(writer: &mut Writer<Self>, id: Uuid, text: &str, out: &mut Vec<u8>) {
        // `begin` wrote the opening at `start`, with 36 bytes reserved for the id.
        out[writer.start + 1..writer.start + 37].copy_from_slice(text.as_bytes());
        let current = writer.policy.names.current.as_ref();
        writer.kind.current = current.and_then(|current| current.get(&id));
        writer.kind.key_is_exact = writer.has_exact_key();
        writer.release_held(out);
    }

    fn is_unchanged(writer: &Writer<Self>, name: &str, cell: &Cell<'_>) -> bool {
        writer.is_unchanged(name, cell)
    }

    fn keeps(writer: &mut Writer<Self>, field: usize, cell: &Cell<'_>) -> bool {
        let name = FIELDS.at(field).name;
        writer.is_unchanged(name, cell) || field == STATUS && writer.keeps_status(cell)
    }

    fn note_absent(writer: &mut Writer<Self>, column: Option<Column>, name: &str) {
        writer.note_uncompared(column, name);
    }

    fn lost_zeros(writer: &Writer<Self>, name: &str, cell: &Cell<'_>) -> Option<Refusal> {
        writer.lost_zeros(name, cell)
    }

    fn value(
        writer: &mut Writer<Self>,
        field: usize,
        has_ids: bool,
        cell: &Cell<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        let field = FIELDS.at(field);
        match (&mut writer.kind.names, field.refers) {
            (Some(names), Some(refers)) => names.field(field, refers, has_ids, cell, out),
            _ => value::field(field, cell, out).map(|()| true),
        }
    }

    fn drop_same(writer: &mut Writer<Self>, field: usize, json: &[u8]) -> bool {
        let field = FIELDS.at(field);
        let is_same = writer.is_same(field.name, json);
        if let (true, Some(names), Some(refers)) = (is_same, &mut writer.kind.names, field.refers) {
            names.forget(refers);
        }
        is_same
    }

    fn written(writer: &mut Writer<Self>, written: &WrittenField, cell: &Cell<'_>, out: &mut Vec<u8>) {
        let field = FIELDS.at(written.field);
        let json = &out[written.json.clone()];
        if writer.kind.names.is_some() && field.name == BARCODE {
            writer.kind.notices.barcode(xxh3_64(json), writer.rows - 1);
        }
        // A number, a date or a text that is written as such is in quotes.
        let in_quotes = json.get(1..json.len() - 1).unwrap_or_default();
        if written.field == CLIENT_ASSET && writer.policy.shape == RowShape::NewAsset {
            match cell {
                Cell::Text(text) | Cell::Shown { text, .. } => writer.key.push_str(text),
                // A number or a date has no escapes.
                _ => writer.key.push_str(&String::from_utf8_lossy(in_quotes)),
            }
        }
        if writer.is_import_key(field.name) {
            writer.kind.import_key_at = Some(written.json.clone());
            writer.office.key_is_number = is_number(cell);
        }
        if field.kind == Kind::Text && writer.compares_numbers(cell) {
            writer.office.note_text(field.name, in_quotes);
        }
    }

    fn is_total(writer: &Writer<Self>) -> bool {
        match writer.policy.shape {
            RowShape::NewAsset => writer.office.is_total(writer.given, FIELDS),
            _ => writer.office.is_total_without_id(writer.id == Given::No),
        }
    }

    fn hint(writer: &Writer<Self>, field: usize, has_column: bool) -> &'static str {
        match writer.row_title() {
            _ if field != CATEGORY => "",
            None => ". A template remembers its category: pass the file itself, not a table read from it",
            Some(_) if has_column => {
                ". A template remembers its category, but not a copy that another program wrote"
            }
            Some(_) => "",
        }
    }

    fn is_remembered(writer: &Writer<Self>) -> bool {
        let names = writer.columns.iter().map(|named| named.name.as_str());
        let marked = names.filter_map(|name| name.strip_suffix(REQUIRED_MARK));
        writer.policy.names.is_template || columns::are_of_template(marked)
    }

    fn forget_repeats(writer: &mut Writer<Self>) {
        writer.kind.notices.forget_repeats(writer.rows - 1);
    }

    fn forget_rows(writer: &mut Writer<Self>) {
        writer.kind.notices = Notices::default();
    }

    fn misread(writer: &Writer<Self>, label: Label<'_>) -> Vec<String> {
        writer.doubts(label)
    }

    fn compared(writer: &Writer<Self>, label: Label<'_>) -> Vec<String> {
        let edits = writer.kind.ignored_edits.warnings(label);
        writer.compared().into_iter().chain(edits).collect()
    }

    fn noticed(writer: &Writer<Self>, label: Label<'_>) -> Vec<String> {
        let Some(names) = &writer.kind.names else {
            return Vec::new();
        };
        let name = writer.field_called(CLIENT_ASSET);
        writer.kind.notices.warnings(&names.settings, &name, label)
    }
}
