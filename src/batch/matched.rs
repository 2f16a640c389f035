//! Settles the rows whose import keys the project already has: equal assets are `unchanged`, others are `differs`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::api::{Proof, SentRow};
use crate::batch::existing::SameKey;
use crate::batch::plan::{Batch, Packer, may_be_sent};
use crate::batch::prove::read_by_id;
use crate::batch::run::Run;
use crate::error::{Error, shortened};
use crate::http::Phase;
use crate::ledger::{Status, lock};
use crate::model::text::same_key;
use crate::model::value::flag;
use crate::settings::Settings;
use crate::validation::compare::{self, Change};
use crate::validation::{ImportKey, Problem, RowWriter};

/// A row of a batch, and the assets that have its import key.
struct Matched {
    row: u32,
    said: Map<String, Value>,
    same: SameKey,
}

impl Run {
    /// Removes rows that were found invalid after packing, or that already exist in the project.
    pub(super) async fn still_wanted(&mut self, batch: Batch, packer: &Packer) -> Option<Batch> {
        let mut matched = self.matched(&batch);
        if let Err(error) = self.read_contents(&mut matched).await {
            // The run was stopped meanwhile, so nothing more is sent.
            if self.stop.phase() == Phase::Run {
                self.give_up(error);
            }
            return None;
        }
        for row in &matched {
            self.settle_matched(row, &packer.writer);
        }
        let ledger = lock(&self.ledger);
        let wanted = |row: u32| may_be_sent(&ledger, row);
        if batch.items.iter().all(|item| wanted(item.row)) {
            return Some(batch);
        }
        let part = batch.part(self.job.write, |_, item| wanted(item.row));
        (!part.items.is_empty()).then_some(part)
    }

    fn matched(&self, batch: &Batch) -> Vec<Matched> {
        let (Some(existing), Some(import_key)) = (&self.existing, &self.job.policy.import_key) else {
            return Vec::new();
        };
        let rows = batch.items.iter().zip(batch.sent());
        rows.filter_map(|(item, sent)| {
            let said: Value = serde_json::from_slice(sent.body).ok()?;
            let same = existing.find(import_key.of(&said)?, &item.key, &self.alike)?;
            let Value::Object(said) = said else { return None };
            Some(Matched {
                row: item.row,
                said,
                same,
            })
        })
        .collect()
    }

    /// Reads the assets whose content was not kept, because the rows are a stream.
    async fn read_contents(&mut self, matched: &mut [Matched]) -> Result<(), Error> {
        let Proof::InList(lookup) = &self.job.write.proof else {
            return Ok(());
        };
        let unread = matched.iter().filter(|row| row.same.content.is_none());
        let ids: Vec<String> = unread.filter_map(|row| row.same.ids.first().cloned()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let sent: Vec<SentRow<'_>> = ids.iter().map(|id| SentRow { key: id, body: &[] }).collect();
        let (context, (read, query)) = (self.context(), lookup.by_id);
        let entries = tokio::select! {
            biased;
            () = self.stop.reached(Phase::Now) => return Ok(()),
            entries = read_by_id(&context, read, query, &sent) => entries?,
        };
        let mut found: HashMap<&str, Value> = HashMap::new();
        for (id, entry) in ids.iter().zip(entries) {
            found.extend(entry.map(|entry| (id.as_str(), entry)));
        }
        for row in matched.iter_mut().filter(|row| row.same.content.is_none()) {
            let id = row.same.ids.first().map_or("", String::as_str);
            row.same.content = found.get(id).cloned();
        }
        Ok(())
    }

    fn settle_matched(&mut self, matched: &Matched, writer: &RowWriter) {
        let policy = &self.job.policy;
        let (Some(import_key), Some(asset)) = (&policy.import_key, &matched.same.content) else {
            return;
        };
        if asset.get("isActive").and_then(flag) == Some(false) {
            // The asset was deleted after the list was read, so its key is free again.
            return;
        }
        let settings = policy.names.settings.as_deref();
        let mut changes = compare::changes(&matched.said, asset, settings);
        changes.retain(|change| !is_of_key(change, import_key, matched.same.exactly));
        let mut ledger = lock(&self.ledger);
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
            ledger.warnings.push(format!(
                "the import key of row {} exists {} times in the project: {}",
                matched.row,
                matched.same.ids.len(),
                shortened(&matched.same.ids.join(", "), 200)
            ));
        }
    }
}

/// Returns whether a change concerns the fields by which the asset was found. If the key matches only when case is
/// ignored, the service may have changed the case of the clientAssetId and the barcode as well.
fn is_of_key(change: &Change, import_key: &ImportKey, exactly: bool) -> bool {
    let alike = |one: &Value, other: &Value| match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => same_key(one) == same_key(other),
        _ => false,
    };
    change.field == import_key.field
        || !exactly
            && ["clientAssetId", "barcode"].contains(&&*change.field)
            && alike(&change.old, &change.new)
}

/// The maximum length of a value in a problem, in characters.
const LONGEST: usize = 60;

fn problem_of(change: &Change, writer: &RowWriter, settings: Option<&Settings>) -> Problem {
    let shown = |value: &Value| shortened(&compare::shown(&change.field, value, settings), LONGEST);
    let column = writer.heading_of(&change.field);
    Problem::differs(&column, &shown(&change.new), &shown(&change.old))
}
