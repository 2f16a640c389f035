//! Settles the rows whose import keys the project already has: equal assets are `unchanged`, others are `differs`.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::api::assets::FIELDS;
use crate::api::{Proof, SentRow, Write};
use crate::error::{Error, shortened};
use crate::ledger::{Fault, Status, lock};
use crate::model::text::same_key;
use crate::model::value::flag;
use crate::rows::compare::{self, Change};
use crate::rows::{ImportKey, Problem, RowWriter};
use crate::run::batch::{Batch, may_be_sent};
use crate::run::context::Context;
use crate::run::existing::SameKey;
use crate::run::lookup::read_by_id;
use crate::run::state::State;
use crate::settings::Settings;

/// A row of a batch, and the assets that have its import key.
pub(super) struct Matched {
    row: u32,
    said: Map<String, Value>,
    key: String,
    same: SameKey,
}

impl State {
    /// Removes rows that were found invalid after packing, or that already exist in the project. `matched` are those with
    /// the import key of an asset.
    pub(super) fn still_wanted(
        &mut self,
        batch: Batch,
        matched: &[Matched],
        writer: &RowWriter,
    ) -> Option<Batch> {
        for row in matched {
            self.settle_matched(row, writer);
        }
        self.note_short_keys(&batch);
        self.note_same_names(&batch);
        let unread: HashSet<u32> = matched.iter().filter_map(Matched::unread).collect();
        let ledger = lock(&self.ledger);
        let wanted = |row: u32| may_be_sent(&ledger, row) && !unread.contains(&row);
        if batch.items.iter().all(|item| wanted(item.row)) {
            return Some(batch);
        }
        let part = batch.part(|_, item| wanted(item.row));
        (!part.items.is_empty()).then_some(part)
    }

    /// Counts the rows that are sent although an asset without their import key has their Asset ID.
    fn note_same_names(&mut self, batch: &Batch) {
        let Some(existing) = &self.existing else { return };
        let ledger = lock(&self.ledger);
        for item in &batch.items {
            if existing.has_name(&item.key) && may_be_sent(&ledger, item.row) {
                self.same_names.0 += 1;
                self.same_names.1.get_or_insert(item.row);
            }
        }
    }

    /// Returns the rows of a batch whose import keys the project already has.
    pub(super) fn matched(&self, batch: &Batch) -> Vec<Matched> {
        let (Some(existing), Some(import_key)) = (&self.existing, &self.job.part_of(batch).policy.import_key)
        else {
            return Vec::new();
        };
        let ledger = lock(&self.ledger);
        let rows = batch.items.iter().zip(batch.sent());
        rows.filter_map(|(item, sent)| {
            if !may_be_sent(&ledger, item.row) {
                return None;
            }
            let said: Value = serde_json::from_slice(sent.body).ok()?;
            let key = import_key.of(&said)?.to_owned();
            let same = existing.find(&key, &item.key, &self.alike)?;
            let Value::Object(said) = said else { return None };
            Some(Matched {
                row: item.row,
                said,
                key,
                same,
            })
        })
        .collect()
    }

    /// Notes the content of assets, which was not kept because the rows are a stream. In the end, the first asset of each
    /// row exists and has the key, or could not be read. A row whose assets all lost the key or were deleted has no assets
    /// left. Returns whether any asset was read.
    pub(super) fn note_contents(&self, matched: &mut [Matched], contents: &HashMap<String, Value>) -> bool {
        let Some((_, import_key)) = self.job.with_import_key() else {
            return false;
        };
        let mut any = false;
        for row in matched {
            let Some(asset) = row.next_id().and_then(|id| contents.get(&id)) else {
                continue;
            };
            any = true;
            if row.is_free_of(asset, import_key) {
                row.same.ids.remove(0);
            } else {
                row.same.content = Some(asset.clone());
            }
        }
        any
    }

    fn settle_matched(&mut self, matched: &Matched, writer: &RowWriter) {
        let Some((policy, import_key)) = self.job.with_import_key() else {
            return;
        };
        let Some(asset) = &matched.same.content else {
            if let Some(row) = matched.unread() {
                let fault = Fault::new(
                    "import_key_unread",
                    "an asset has the import key of this row, but the service did not return it, so the row could \
                     not be compared and was not sent",
                    "call .retry(), or make the call again",
                );
                self.blame(std::iter::once(row), Status::Failed, &fault);
            }
            return;
        };
        let settings = policy.names.settings.as_deref();
        let mut changes = compare::changes(&matched.said, asset, settings);
        changes.retain(|change| {
            !is_of_key(change, import_key, matched.same.exactly)
                && !writer.is_same_number(&change.field, &change.new, &change.old)
        });
        let mut ledger = lock(&self.ledger);
        if matched.same.is_ambiguous && matched.same.ids.len() > 1 {
            let column = writer.heading_of(&import_key.field);
            let problem =
                Problem::ambiguous_import_key(&column, &shortened(&matched.key, LONGEST), &matched.same.ids);
            let fault = ledger.add_problems(&[problem]);
            ledger.set_fault(matched.row, Status::Invalid, fault);
            self.bad += 1;
            return;
        }
        let of_row = matched
            .same
            .ids
            .first()
            .filter(|_| !changes.is_empty())
            .and_then(|id| {
                let done = self.done_ids.get_or_insert_with(|| ledger.done_ids());
                done.get(id).copied().filter(|other| *other != matched.row)
            });
        if let Some(other) = of_row {
            // A patch with this row would change the asset of the other row.
            let other = ledger.name_of(other, ledger.row_title.as_deref());
            let column = writer.heading_of(&import_key.field);
            let problem = Problem::import_key_of_row(&column, &shortened(&matched.key, LONGEST), &other);
            let fault = ledger.add_problems(&[problem]);
            ledger.set_fault(matched.row, Status::Invalid, fault);
            self.bad += 1;
            return;
        }
        if changes.is_empty() {
            ledger.set(matched.row, Status::Unchanged);
        } else {
            let problems: Vec<Problem> = changes
                .iter()
                .map(|change| problem_of(change, writer, settings))
                .collect();
            let fault = ledger.add_problems(&problems);
            ledger.set_fault(matched.row, Status::Differs, fault);
            self.bad += 1;
        }
        if let Some(id) = matched.same.ids.first() {
            ledger.set_id(matched.row, id);
        }
        if matched.same.ids.len() > 1 {
            let ids = shortened(&matched.same.ids.join(", "), 200);
            self.same_keys.0 += 1;
            self.same_keys.1.get_or_insert((matched.row, ids));
        }
    }
}

impl Matched {
    /// Returns the id of the asset to read next, if any.
    pub(super) fn next_id(&self) -> Option<String> {
        let unread = self.same.content.is_none();
        self.same.ids.first().filter(|_| unread).cloned()
    }

    /// Returns the row if none of its assets could be read.
    fn unread(&self) -> Option<u32> {
        self.next_id().map(|_| self.row)
    }

    /// Returns whether an asset was deleted, or got another key, after the list was read. A missing key proves
    /// nothing, because a response may lack any field.
    fn is_free_of(&self, asset: &Value, import_key: &ImportKey) -> bool {
        asset.get("isActive").and_then(flag) == Some(false)
            || import_key
                .of(asset)
                .is_some_and(|key| same_key(key) != same_key(&self.key))
    }
}

/// Reads assets by their ids.
pub(super) async fn read(
    context: &Context,
    write: &Write,
    ids: &[String],
) -> Result<HashMap<String, Value>, Error> {
    let Proof::InList(lookup) = &write.proof else {
        return Ok(HashMap::new());
    };
    let sent: Vec<SentRow<'_>> = ids.iter().map(|id| SentRow { key: id, body: &[] }).collect();
    let (read, query) = lookup.by_id;
    let entries = read_by_id(context, read, query, &sent).await?;
    let found = ids.iter().cloned().zip(entries);
    Ok(found.filter_map(|(id, entry)| Some((id, entry?))).collect())
}

/// Returns whether a change concerns the fields by which the asset was found. If the key matches only when case is
/// ignored, the service may have changed the case of the clientAssetId and the barcode as well.
fn is_of_key(change: &Change, import_key: &ImportKey, exactly: bool) -> bool {
    let alike = |one: &Value, other: &Value| match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => same_key(one) == same_key(other),
        _ => false,
    };
    change.field == import_key.field && alike(&change.old, &change.new)
        || !exactly && FIELDS.is_identifier(&change.field) && alike(&change.old, &change.new)
}

/// The maximum length of a value in a problem, in characters.
const LONGEST: usize = 60;

fn problem_of(change: &Change, writer: &RowWriter, settings: Option<&Settings>) -> Problem {
    let shown = |value: &Value| shortened(&compare::shown(&change.field, value, settings), LONGEST);
    let column = writer.heading_of(&change.field);
    Problem::differs(&column, &shown(&change.new), &shown(&change.old))
}
