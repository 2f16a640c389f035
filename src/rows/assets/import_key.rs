//! The import key of a row, which the row has or which is generated.

use super::state::Assets;
use crate::api::assets::fields::BARCODE;
use crate::rows::rules::IMPORT_KEY;
use crate::rows::writer::Writer;

impl Writer<Assets> {
    /// Returns the import key generated for a row. `None` if keys are not generated.
    pub(in crate::rows) fn made_import_key(&self, row: u32) -> Option<String> {
        let key = self.policy.import_key.as_ref()?;
        key.is_generated.then(|| format!("{}{row}", key.prefix))
    }

    pub(super) fn is_import_key(&self, name: &str) -> bool {
        self.policy
            .import_key
            .as_ref()
            .is_some_and(|key| key.field == name)
    }

    /// Reads or generates the import key of the row.
    pub(super) fn end_import_key(&mut self, out: &mut Vec<u8>) {
        let Some(key) = self.policy.import_key.clone() else {
            return;
        };
        let field = &key.field;
        let attribute = *field != BARCODE;
        let found = self.kind.import_key_at.take();
        match found {
            Some(at) if !key.is_generated => {
                let json = if attribute {
                    &self.kind.attribute_body[at]
                } else {
                    &out[at]
                };
                let text: Option<String> = serde_json::from_slice(json).ok();
                match text
                    .map(|text| text.trim().to_owned())
                    .filter(|text| !text.is_empty())
                {
                    Some(text) => {
                        self.office.note_key(&text);
                        self.kind.import_key = text;
                    }
                    None => self.bad_import_key(field, "must be text to identify a row", ""),
                }
            }
            Some(_) => self.bad_import_key(
                field,
                "a key is generated for each row, but this row has one",
                "leave out the column, or do not use GeneratedKey",
            ),
            None if key.is_generated => {
                self.kind.import_key = format!("{}{}", key.prefix, self.number);
                let json = format!("\"{field}\":\"{}\",", self.kind.import_key);
                if attribute {
                    &mut self.kind.attribute_body
                } else {
                    out
                }
                .extend_from_slice(json.as_bytes());
            }
            // If the row has another problem, the key cell may be invalid rather than blank, and has already
            // been reported.
            None if !self.problems.is_empty() => {}
            None if self.uses.iter().any(|used| used.field.as_ref() == Some(field)) => {
                self.bad_import_key(field, "blank", "");
            }
            None => {
                let fix = "name the column that has the keys with mapping=. Without import_key=, rows that the project has \
                           are created again";
                self.no_column(&self.heading_of(field), "it is the import_key", fix);
            }
        }
    }

    pub(super) fn bad_import_key(&mut self, field: &str, why: &str, fix: &str) {
        let column = self.heading_of(field);
        let message = format!("the import key `{column}` is invalid: {why}");
        self.problems.push(IMPORT_KEY.problem(&column, "", message, fix));
    }

    /// Returns the import key of the row, or an empty string if the row has none.
    pub(in crate::rows) fn import_key(&self) -> &str {
        &self.kind.import_key
    }

    /// Returns whether the rows have their own import keys, which an earlier run may have used as well.
    pub(in crate::rows) fn import_keys_are_given(&self) -> bool {
        self.policy
            .import_key
            .as_ref()
            .is_some_and(|key| !key.is_generated)
    }
}
