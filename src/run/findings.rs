//! Applies to the rows of a run what is found out of its lost requests: settles them, sends them again, or leaves them
//! unknown.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::api::{Found, Proof};
use crate::columns::{Page, Table};
use crate::error::Error;
use crate::http::{Moment, Phase};
use crate::ledger::{Fault, Status, lock};
use crate::rows::{Problem, RowShape};
use crate::run::batch::{Batch, Item};
use crate::run::job::Part;
use crate::run::lookup::Evidence;
use crate::run::pack::status_of;
use crate::run::read_row::{Encoded, Today};
use crate::run::reconcile::{self, RequestInDoubt};
use crate::run::record::rows;
use crate::run::recovery::{Finding, LostRequest};
use crate::run::seen::digest_of;
use crate::run::state::State;

impl State {
    /// Schedules lookups of the requests with these rows, which an earlier call left with an unknown outcome.
    pub(super) fn resume_doubts(&mut self, look_up: &HashSet<u32>, today: HashMap<u32, Today>) {
        self.today = today;
        let parts = &self.job.parts;
        let clock = self.clock;
        let timeout = i64::try_from(self.caller.options().timeout.as_millis()).unwrap_or(i64::MAX);
        let ledger = lock(&self.ledger);
        let (mut requests, mut other) = (Vec::new(), None);
        for (sending, body) in ledger.bodies_of(look_up) {
            let in_doubt = |item: &Item| look_up.contains(&item.row) && ledger.is_in_doubt(item.row, sending);
            // An older journal has no names of endpoints: its runs have one part.
            let is_of = |part: &&Part| [part.write.endpoint.name, ""].contains(&body.endpoint.as_str());
            let Some(part) = parts.get(body.part).filter(is_of) else {
                other = Some(body.endpoint.clone());
                continue;
            };
            let batch = Batch::kept(part.write, body).part(|_, item| in_doubt(item));
            if batch.items.is_empty() {
                continue;
            }
            let kept = ledger.sendings().get(sending as usize);
            let left = kept.and_then(|kept| kept.left).unwrap_or(clock);
            // A killed process did not record the end of a request. The request ended no later than its timeout.
            let cut = Moment {
                latest: left.latest.saturating_add(timeout),
                ..left
            };
            requests.push(LostRequest {
                batch,
                sending,
                left,
                ended: kept.and_then(|kept| kept.ended).unwrap_or(cut),
                executed: kept.is_some_and(|kept| kept.executed),
            });
        }
        drop(ledger);
        if let Some(endpoint) = other {
            return self.give_up(Error::Input(format!(
                "rows of this run were sent to {endpoint}, which this call does not send anything to. Nothing was sent. Make \
                 the same call as before"
            )));
        }
        self.recovery.resume(requests, self.now, clock);
    }

    /// Returns the time of the next lookup, if one may start.
    pub(super) fn next_lookup(&self) -> Option<Duration> {
        self.recovery.next().filter(|_| self.may_look_up())
    }

    /// Starts a lookup, if one is due.
    pub(super) fn start_lookup(&mut self) -> Option<Vec<RequestInDoubt>> {
        if self.may_look_up() {
            self.recovery.begin(self.now)
        } else {
            None
        }
    }

    /// Settles the requests that a lookup covered.
    pub(super) fn on_lookup(&mut self, doubts: Vec<RequestInDoubt>, evidence: Result<Evidence, Error>) {
        self.recovery.end();
        match evidence {
            Ok(Evidence::List(found, is_whole)) => self.on_list(doubts, &found, is_whole),
            Ok(Evidence::Rows(entries)) => {
                for (doubt, entries) in doubts.into_iter().zip(entries) {
                    let findings = self.recovery.on_entries(&doubt, &entries, self.now);
                    self.apply(findings, &[]);
                }
            }
            // Not an error: the run was stopped in the meantime.
            Err(_) if self.stop.phase() > Phase::Run => {
                self.recovery.keep(doubts);
                return;
            }
            Err(error) => {
                let refused = matches!(
                    &error,
                    Error::Service(refusal) if refusal.status < 500 && ![401, 408, 429].contains(&refusal.status)
                );
                let over = !refused && self.breaker.lookup_failed(error.clone(), self.now);
                if !refused && !over && self.counters.any_success() {
                    // Other requests in this call succeeded, so the outage may be short.
                    self.recovery.postpone(doubts, self.now);
                    return;
                }
                for doubt in doubts {
                    self.stays_unknown(&doubt.batch, &format!("the lookup failed ({error})"));
                }
                if !refused {
                    self.give_up(error);
                    return;
                }
            }
        }
        self.breaker.lookup_succeeded();
    }

    fn on_list(&mut self, doubts: Vec<RequestInDoubt>, found: &[Found], is_whole: bool) {
        let Some(Proof::InList(lookup)) = doubts.first().map(|doubt| &doubt.batch.write.proof) else {
            return;
        };
        let part = doubts.first().map(|doubt| self.job.part_of(&doubt.batch));
        let import_key = part.and_then(|part| part.policy.import_key.as_ref());
        let ours: HashSet<u32> = doubts.iter().flat_map(|doubt| rows(&doubt.batch)).collect();
        let ledger = lock(&self.ledger);
        let mut claimed = ledger.claimed(found.iter().map(|found| found.id.as_str()));
        let given = self.caller.given_to_others(ledger.run());
        let of_others = |found: &&Found| Uuid::try_parse(&found.id).is_ok_and(|id| given.contains(&id));
        claimed.extend(found.iter().filter(of_others).map(|found| found.id.clone()));
        let rivals = ledger.keys_in_doubt(&ours);
        let shown = reconcile::compare(lookup, import_key, &doubts, found, &claimed, &rivals, &self.alike);
        drop(ledger);
        let doubts = doubts.into_iter().zip(shown).collect();
        let findings = self.recovery.on_list(lookup, doubts, found, is_whole, self.now);
        self.apply(findings, found);
    }

    fn apply(&mut self, findings: Vec<Finding>, found: &[Found]) {
        for finding in findings {
            match finding {
                Finding::Executed(sending, batch, entries) => {
                    let entry = |index: usize| found.get(index);
                    let entries: Vec<Option<&Found>> =
                        entries.into_iter().map(|index| index.and_then(entry)).collect();
                    self.executed(sending, &batch, &entries);
                }
                Finding::Done(batch, entries) => self.is_done(&batch, &entries),
                Finding::Impossible(batch, reason) => {
                    let fault = Fault::new("impossible", reason, "remove the row, or correct its id");
                    self.blame(rows(&batch), Status::Rejected, &fault);
                }
                Finding::Omitted(batch, reason) => {
                    self.blame(
                        rows(&batch),
                        Status::Rejected,
                        &Fault::new("not_named", reason, ""),
                    );
                }
                Finding::NotExecuted(batch) => self.send_again(batch),
                Finding::NotShown(mut batch) => {
                    batch.resent += 1;
                    let batch = self.renewed(batch);
                    if !batch.items.is_empty() {
                        self.waiting.push_back(batch);
                    }
                }
                Finding::Unknown(batch, reason) => self.stays_unknown(&batch, reason),
            }
        }
    }

    /// Settles the rows of an executed request whose assets were found.
    fn executed(&mut self, sending: u32, batch: &Batch, entries: &[Option<&Found>]) {
        let done = Self::done(batch.write);
        for ((item, sent), entry) in batch.items.iter().zip(batch.sent()).zip(entries) {
            if entry.is_some() {
                self.note_outdated(item.row, sent.body);
            }
        }
        let mut ledger = lock(&self.ledger);
        let mut ids = Vec::new();
        for (item, entry) in batch.items.iter().zip(entries) {
            if let Some(found) = entry {
                ledger.set(item.row, done);
                ledger.set_id(item.row, &found.id);
                ids.extend(Uuid::try_parse(&found.id).ok());
                keep(self.job.keep, &mut self.table, item.row, &found.entry);
            }
        }
        ledger.note_sending(sending, |sending| sending.executed = true);
        self.caller.remember(&ids, ledger.run());
        drop(ledger);
        // The status alone, without an asset, may come from a proxy.
        if entries.iter().any(Option::is_some) {
            self.breaker.close();
            self.confirm_rejected(batch);
        }
    }

    /// Settles rows whose assets are in the requested state.
    fn is_done(&mut self, batch: &Batch, entries: &[Option<Value>]) {
        let done = Self::done(batch.write);
        for ((item, sent), entry) in batch.items.iter().zip(batch.sent()).zip(entries) {
            self.note_outdated(item.row, sent.body);
            lock(&self.ledger).set(item.row, done);
            if let Some(entry) = entry {
                keep(self.job.keep, &mut self.table, item.row, entry);
            }
        }
        self.confirm_rejected(batch);
        self.breaker.close();
    }

    /// Replaces the rows in a batch that was not executed with their current input, and returns the rows to
    /// send.
    fn renewed(&mut self, batch: Batch) -> Batch {
        if !batch.items.iter().any(|item| self.today.contains_key(&item.row)) {
            return batch;
        }
        let shape = self.job.part_of(&batch).policy.shape;
        let mut renewed = batch.part(|_, item| !self.today.contains_key(&item.row));
        renewed.named.clone_from(&batch.named);
        for (item, sent) in batch.items.iter().zip(batch.sent()) {
            match self.today.remove(&item.row) {
                None => {}
                Some(Today::Row(read)) => {
                    let judged = match read.judged {
                        _ if read.part != batch.part_of_run => None,
                        Ok(Encoded::Body(body)) => Some(Ok(body)),
                        Ok(Encoded::Dropped(_)) => None,
                        Err(problems) => Some(Err(problems)),
                    };
                    // The row is of another part now, or it differs from all rows that may be done, whose bodies were kept
                    // (see `Earlier::may_be_in_doubt`). Another call sends it.
                    let Some(judged) = judged else {
                        let message = "the request was not executed, and the row has been changed since";
                        let mut fault = Fault::new("not_executed", message, "");
                        fault.fix = Some("make the call again".to_owned());
                        self.blame(std::iter::once(item.row), Status::Failed, &fault);
                        continue;
                    };
                    let mut ledger = lock(&self.ledger);
                    if self.some_rows_only && ledger.digest(item.row) != read.digest {
                        ledger.keep_first_id(item.row);
                    }
                    ledger.rename(item.row, &read.key, shape != RowShape::NewAsset);
                    ledger.set_digest(item.row, read.digest);
                    drop(ledger);
                    match judged {
                        Ok(body) if body.is_empty() => {
                            lock(&self.ledger).set(item.row, Status::Unchanged);
                        }
                        Ok(body) => renewed.add(item.row, &read.key, &body),
                        Err(problems) => {
                            let status = status_of(&problems);
                            self.blame(std::iter::once(item.row), status, &Fault::invalid(problems));
                        }
                    }
                }
                Some(Today::Removed) => {
                    let mut ledger = lock(&self.ledger);
                    let fault = ledger.add_fault(&Fault::removed());
                    ledger.set_fault(item.row, Status::NotSent, fault);
                }
                Some(Today::NotGiven) => {
                    let mut fault = Fault::new(
                        "not_executed",
                        "the request was not executed, and this file does not contain the row",
                        "",
                    );
                    fault.fix = Some(format!(
                        "make the call again with all rows, including `{}`",
                        sent.key
                    ));
                    self.blame(std::iter::once(item.row), Status::Failed, &fault);
                }
            }
        }
        renewed
    }

    /// Discards the current input for a row found in the project. If that input differs from what was sent,
    /// or no longer contains the row, the row is noted for a warning.
    fn note_outdated(&mut self, row: u32, sent: &[u8]) {
        let Some(today) = self.today.remove(&row) else {
            return;
        };
        match today {
            Today::NotGiven => {}
            // An empty body means that the asset already has the row's values. A problem of the asset is no edit either.
            Today::Row(read)
                if match &read.judged {
                    Ok(Encoded::Body(body)) => body == sent || body.is_empty(),
                    Ok(encoded) => encoded.digest() == digest_of(sent),
                    Err(problems) => problems.iter().all(Problem::is_of_asset),
                } => {}
            // The row was sent with the corrections from a fixes file.
            Today::Row(read)
                if lock(&self.ledger)
                    .first_id(row)
                    .is_some_and(|(digest, _)| digest == read.digest) => {}
            Today::Row(_) | Today::Removed => self.outdated.push(row),
        }
    }

    /// Resends a request that, as the project shows, was not executed. If the request was already sent the
    /// maximum number of times, its rows fail.
    fn send_again(&mut self, mut batch: Batch) {
        batch.resent += 1;
        let mut fault = self.fault_of(&batch);
        "not_executed".clone_into(&mut fault.code);
        fault.message = format!("{}; the project shows that it was not executed", fault.message);
        fault.fix = Some("call .retry() on the result".to_owned());
        if batch.resent >= self.recovery.most_sent(batch.write) {
            self.blame(rows(&batch), Status::Failed, &fault);
            self.breaker.give_up();
            return;
        }
        let batch = self.renewed(batch);
        if batch.items.is_empty() {
            return;
        }
        if !batch.in_doubt {
            let mut ledger = lock(&self.ledger);
            let fault = ledger.add_fault(&fault);
            rows(&batch).for_each(|row| ledger.set_fault(row, Status::Failed, fault));
        }
        self.waiting.push_back(batch);
    }

    fn stays_unknown(&mut self, batch: &Batch, reason: &str) {
        let mut fault = self.fault_of(batch);
        if !fault.message.ends_with(reason) {
            fault.message = format!("{}; {reason}", fault.message);
        }
        fault.fix =
            Some("call .reconcile() on the result later, or check the project for this row".to_owned());
        self.blame(rows(batch), Status::Unknown, &fault);
    }

    /// Returns why the outcome of a batch is unknown.
    fn fault_of(&self, batch: &Batch) -> Fault {
        let ledger = lock(&self.ledger);
        batch
            .items
            .first()
            .and_then(|item| ledger.kept_fault(item.row))
            .unwrap_or_else(|| Fault::new("in_flight", "the response to its request was lost", ""))
    }
}

fn keep(wanted: bool, table: &mut Table, row: u32, entry: &Value) {
    if wanted {
        let entry = entry.to_string();
        match Page::of(std::iter::once(&entry[..])) {
            Ok(page) => table.add(page, [row]),
            Err(error) => log::warn!(target: "acc_assets", "cannot return an asset: {error}"),
        }
    }
}
