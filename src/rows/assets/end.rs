//! The end of the row of an asset: what can be checked and written only with all of its cells.

use serde_json::Value;

use super::notices::Notice;
use super::state::{Assets, PATCH_OPENING};
use crate::api::RowShape;
use crate::input::Cell;
use crate::model::same::{Form, same_numbers};
use crate::rows::compare;
use crate::rows::rules::{NOTHING_TO_CHANGE, Problem};
use crate::rows::writer::{Given, Writer};

/// The fixes for a patch without an id: for a blank cell, and for a missing column.
const FIXES_OF_ID: [&str; 2] = [
    "fill in the cell; for a new asset, pass the row to create()",
    "add a column of asset ids, such as result.ids of the create, or pass its name as key=. If another column \
     identifies the assets, get their ids with assets.get(rows, by=\"Barcode\"), or pass the result of \
     create(rows, import_key=...) to patch, if the rows have all columns of a new asset",
];

impl Writer<Assets> {
    /// Checks the row as a whole and ends its body.
    pub(super) fn end_asset(&mut self, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        // A row without an id has no asset to compare its cells with.
        self.release_held(out);
        self.end_import_key(out);
        self.refuse_lost_zeros();
        let is_patch = self.policy.shape == RowShape::AssetPatch;
        if is_patch
            && self.id == Given::No
            && let Some(names) = &mut self.kind.names
        {
            // There is no asset to clear anything of.
            names.cleared.clear();
        }
        self.end_names(out);
        if let Some((seed, labels)) = self.kind.status_labels.take() {
            self.identity.cell(seed, &Cell::Text(&labels));
        }
        if is_patch {
            self.end_patch(out);
            if self.kind.unchanged {
                return Ok(());
            }
        } else {
            self.check_required();
            // The other columns of the service come with the id.
            if self.problems.iter().any(Problem::is_id_of_service) {
                let others = |problem: &Problem| problem.is_set_by_service() && !problem.is_id_of_service();
                self.problems.retain(|problem| !others(problem));
            }
        }
        if self.kind.names.is_some() && self.problems.iter().any(Problem::is_of_settings) {
            self.kind.notices.add(Notice::Outdated, self.rows - 1);
        }
        self.checked(out)?;
        if self.kind.attribute_body.is_empty() {
            // A valid row has at least one field, so the last byte is a comma.
            out.pop();
        } else {
            self.kind.attribute_body.pop();
            out.extend_from_slice(b"\"customAttributes\":{");
            out.extend_from_slice(&self.kind.attribute_body);
            out.push(b'}');
        }
        out.push(b'}');
        Ok(())
    }

    /// Checks a patch as a whole.
    fn end_patch(&mut self, out: &mut Vec<u8>) {
        if self.id == Given::No {
            self.missing_id("it identifies the asset", FIXES_OF_ID);
        }
        if self.id == Given::Yes {
            self.note_edits();
            self.check_asset();
        }
        let is_empty = out.len() == self.start + PATCH_OPENING.len() && self.kind.attribute_body.is_empty();
        if is_empty && self.kind.current.is_some() && self.problems.is_empty() {
            self.kind.unchanged = true;
            return out.truncate(self.start);
        }
        if !self.problems.iter().any(Problem::is_of_asset) {
            self.check_version();
        }
        if is_empty && self.problems.is_empty() {
            let message = "nothing to change: all cells except the id are blank or missing".to_owned();
            self.problems.push(NOTHING_TO_CHANGE.problem("", "", message, ""));
        }
    }

    /// Checks the cells that came before the id.
    pub(super) fn release_held(&mut self, out: &mut Vec<u8>) {
        for (column, held) in std::mem::take(&mut self.kind.held) {
            self.read_cell(column, &held.cell(), out);
        }
    }

    /// Returns whether the row that just ended cannot be checked without the asset that it changes, which was
    /// not read.
    pub(in crate::rows) fn needs_its_asset(&self) -> bool {
        self.kind.needs_asset
    }

    /// Returns whether a text was sent for a number in the rows so far, and whether a text of the project reads as this
    /// number. Programs often read texts such as 007 as numbers, so they are equal, as in a patch.
    pub(in crate::rows) fn is_same_number(&self, field: &str, sent: &Value, held: &Value) -> bool {
        let Some(text) = sent.as_str() else { return false };
        self.office.was_number(field, text) && same_numbers(sent, held)
            || self.policy.is_workbook()
                && self.form(field) == Form::Attribute("numeric")
                && compare::is_rounded(text, held)
    }
}
