//! Recovers from lost responses: waits, reads the project, determines the outcome of the rows, and resends what is
//! missing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::api::{Found, Lookup, Now, Paired, Proof, SentRow, Write};
use crate::call::Session;
use crate::columns::{Page, Table};
use crate::error::Error;
use crate::http::{By, Caller, Moment, Noted, Phase, Replay, Response, RowLimit, Stage, untold};
use crate::ids::ProjectId;
use crate::ledger::{Fault, SharedLedger, Status, lock};
use crate::rows::{Problem, RowShape};
use crate::run::pack::{Batch, Item, status_of};
use crate::run::reconcile::{self, Doubt, Shown};
use crate::run::resume::Today;
use crate::run::settle::rows;
use crate::run::state::State;

/// The maximum number of lookups per request, after which its rows stay unknown.
const MOST_ROUNDS: u32 = 5;

/// A time later than any change to an asset (the year 2100, in milliseconds since 1970).
const FUTURE: i64 = 4_102_444_800_000;

/// The result of a lookup.
pub(super) enum Evidence {
    /// Entries in a list, and whether every entry in the list could be parsed.
    List(Vec<Found>, bool),
    /// For each request, the entries of its rows, read by id.
    Rows(Vec<Vec<Option<Value>>>),
}

/// The data for a lookup, which runs concurrently with the requests of the run.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) session: Session,
    ledger: SharedLedger,
    pub(super) project: ProjectId,
}

impl State {
    pub(super) fn context(&self) -> Context {
        Context {
            session: self.session(),
            ledger: self.ledger.clone(),
            project: self.job.project,
        }
    }

    /// Schedules a lookup of a request whose response was lost. Without `reconcile`, the rows of the request
    /// stay unknown instead.
    pub(super) fn suspect(&mut self, batch: Batch, sending: u32, why: &Error, executed: bool) {
        let settle = self.caller.options().retry.settle;
        // Rows with ids can be looked up early, since resending them is safe.
        let first = match batch.write.proof {
            Proof::ById { .. } if !batch.suspicious => settle / 10,
            Proof::ById { .. } => settle,
            _ => settle / 3,
        };
        self.doubt(batch, sending, why, executed, first, None);
    }

    /// Schedules a lookup of rows missing from a response, to see whether they are unchanged.
    pub(super) fn suspect_left_out(&mut self, batch: Batch, sending: u32, why: &Error, reason: &'static str) {
        self.doubt(batch, sending, why, false, Duration::ZERO, Some(reason));
    }

    /// Schedules a read of assets that conflict with a request, before a second attempt.
    pub(super) fn suspect_conflict(&mut self, mut batch: Batch, sending: u32, why: &Error) {
        batch.reread = true;
        self.doubt(batch, sending, why, false, Duration::ZERO, None);
    }

    fn doubt(
        &mut self,
        batch: Batch,
        sending: u32,
        why: &Error,
        executed: bool,
        first: Duration,
        left_out: Option<&'static str>,
    ) {
        let mut fault = Fault::of(why);
        fault.fix = Some("check the project for this row before resending it".to_owned());
        if !self.job.reconcile || matches!(batch.write.proof, Proof::Needless) {
            self.blame(rows(&batch), Status::Unknown, &fault);
            return;
        }
        fault.fix = Some("call .reconcile() on the result to check the project for these rows".to_owned());
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(&fault);
        // A conflicting request was not executed, but its rows stay unknown until their assets have been
        // read.
        rows(&batch).for_each(|row| ledger.set_fault(row, Status::Unknown, fault));
        let now = self.caller.clock().now();
        ledger.note_sending(sending, |sending| sending.executed |= executed);
        let times = ledger.sendings().get(sending as usize).map(|sending| {
            let left = sending.left.unwrap_or(now);
            (left, sending.ended.unwrap_or(now))
        });
        drop(ledger);
        let (left, ended) = times.unwrap_or((now, now));
        self.doubts.push(Doubt {
            batch,
            sending,
            left,
            ended,
            earlier: false,
            executed,
            left_out,
            due: self.now + first,
            settled: self.now + self.caller.options().retry.settle,
            looked: self.now,
            rounds: 0,
            missed: false,
        });
        self.log_lookup();
    }

    /// Logs the first lookup of the call. A program without a progress bar would otherwise be silent for minutes.
    fn log_lookup(&mut self) {
        let rows: usize = self.doubts.iter().map(|doubt| doubt.batch.items.len()).sum();
        if rows > 0 && !std::mem::replace(&mut self.lookup_is_logged, true) {
            log::warn!(
                target: "acc_assets",
                "the response for {rows} row{} was lost. Checking their outcome in the project, which can take two \
                minutes",
                if rows == 1 { "" } else { "s" }
            );
        }
    }

    /// Schedules lookups of requests that an earlier call left with an unknown outcome.
    pub(super) fn resume_doubts(&mut self, today: HashMap<u32, Today>) {
        self.today = today;
        let write = self.job.write;
        let batches: Vec<(u32, Batch)> = {
            let ledger = lock(&self.ledger);
            let in_doubt = |item: &Item, sending| {
                self.prove.contains(&item.row) && ledger.is_in_doubt(item.row, sending)
            };
            let bodies = ledger.bodies_of(&self.prove).into_iter();
            bodies
                .map(|(sending, body)| {
                    let batch = Batch::kept(write, body);
                    (sending, batch.part(|_, item| in_doubt(item, sending)))
                })
                .filter(|(_, batch)| !batch.items.is_empty())
                .collect()
        };
        let now = self.caller.clock().now();
        let timeout = i64::try_from(self.caller.options().timeout.as_millis()).unwrap_or(i64::MAX);
        let settle = self.caller.options().retry.settle;
        for (sending, batch) in batches {
            let (left, ended, executed) = {
                let ledger = lock(&self.ledger);
                let kept = ledger.sendings().get(sending as usize);
                let left = kept.and_then(|kept| kept.left).unwrap_or(now);
                // A killed process did not record the end of a request. The request ended no later than its
                // timeout.
                let cut = Moment {
                    latest: left.latest.saturating_add(timeout),
                    ..left
                };
                let ended = kept.and_then(|kept| kept.ended).unwrap_or(cut);
                (left, ended, kept.is_some_and(|kept| kept.executed))
            };
            // Count only the time that has certainly passed since the request ended.
            let passed = if ended.by == now.by {
                u64::try_from(now.earliest - ended.latest).unwrap_or(0)
            } else {
                0
            };
            let settled = settle.saturating_sub(Duration::from_millis(passed));
            self.doubts.push(Doubt {
                batch,
                sending,
                left,
                ended,
                earlier: true,
                executed,
                left_out: None,
                due: self.now,
                settled: self.now + settled,
                looked: self.now,
                rounds: 0,
                missed: false,
            });
        }
        self.log_lookup();
    }

    /// Replaces the rows in a batch that was not executed with their current input, and returns the rows to
    /// send.
    fn renewed(&mut self, batch: Batch) -> Batch {
        if !batch.items.iter().any(|item| self.today.contains_key(&item.row)) {
            return batch;
        }
        let mut renewed = batch.part(|_, item| !self.today.contains_key(&item.row));
        renewed.named.clone_from(&batch.named);
        for (item, sent) in batch.items.iter().zip(batch.sent()) {
            match self.today.remove(&item.row) {
                None => {}
                Some(Today::Row(read)) => {
                    let mut ledger = lock(&self.ledger);
                    if self.some_rows_only && ledger.digest(item.row) != read.digest {
                        ledger.keep_first_id(item.row);
                    }
                    ledger.rename(item.row, &read.key, self.job.policy.shape != RowShape::NewAsset);
                    ledger.set_digest(item.row, read.digest);
                    drop(ledger);
                    match read.judged {
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
                    Ok(body) => body == sent || body.is_empty(),
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

    /// Returns the time of the next lookup, if one may start.
    pub(super) fn next_look(&self) -> Option<Duration> {
        let next = self.doubts.iter().map(|doubt| doubt.due).min();
        next.filter(|_| self.may_look() && !self.looking)
    }

    /// Returns the requests of one endpoint that are due to be looked up together. Only one lookup runs at a time.
    pub(super) fn look(&mut self) -> Option<Vec<Doubt>> {
        let now = self.now;
        let first = self.next_look().filter(|due| *due <= now)?;
        let write = self.doubts.iter().find(|doubt| doubt.due == first)?.batch.write;
        let (mut due, later): (Vec<Doubt>, Vec<Doubt>) = std::mem::take(&mut self.doubts)
            .into_iter()
            .partition(|doubt| doubt.due <= now && doubt.batch.write == write);
        self.doubts = later;
        for doubt in &mut due {
            doubt.looked = now;
        }
        self.looking = true;
        Some(due)
    }

    /// Settles the in-doubt requests that a lookup covered.
    pub(super) fn looked(&mut self, doubts: Vec<Doubt>, evidence: Result<Evidence, Error>) {
        self.looking = false;
        match evidence {
            Ok(Evidence::List(found, whole)) => self.settle_by_list(doubts, &found, whole),
            Ok(Evidence::Rows(shown)) => {
                for (doubt, shown) in doubts.into_iter().zip(shown) {
                    self.settle_by_id(doubt, &shown);
                }
            }
            // Not an error: the run was stopped in the meantime.
            Err(_) if self.stop.phase() > Phase::Run => {
                self.doubts.extend(doubts);
                return;
            }
            Err(error) => {
                let refused = matches!(
                    &error,
                    Error::Service(refusal) if refusal.status < 500 && ![401, 408, 429].contains(&refusal.status)
                );
                let settle = self.caller.options().retry.settle;
                let over = !refused && self.breaker.lookup_failed(error.clone(), self.now);
                if !refused && !over && self.counters.any_success() {
                    // Other requests in this call succeeded, so the outage may be short.
                    let due = self.now + settle;
                    self.doubts.extend(doubts.into_iter().map(|mut doubt| {
                        doubt.due = due;
                        doubt
                    }));
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

    fn settle_by_list(&mut self, doubts: Vec<Doubt>, found: &[Found], whole: bool) {
        let Some(Proof::InList(lookup)) = doubts.first().map(|doubt| &doubt.batch.write.proof) else {
            return;
        };
        let import_key = self.job.policy.import_key.as_ref();
        let ours: HashSet<u32> = doubts.iter().flat_map(|doubt| rows(&doubt.batch)).collect();
        let ledger = lock(&self.ledger);
        let mut claimed = ledger.claimed(found.iter().map(|found| found.id.as_str()));
        let given = self.caller.given_to_others(ledger.run());
        let of_others = |found: &&Found| Uuid::try_parse(&found.id).is_ok_and(|id| given.contains(&id));
        claimed.extend(found.iter().filter(of_others).map(|found| found.id.clone()));
        let rivals = ledger.keys_in_doubt(&ours);
        let shown = reconcile::compare(lookup, import_key, &doubts, found, &claimed, &rivals, &self.alike);
        drop(ledger);
        for (mut doubt, shown) in doubts.into_iter().zip(shown) {
            doubt.rounds += 1;
            match shown {
                Shown::Executed(entries) => self.executed(doubt, &entries, found),
                Shown::Absent if !whole => {
                    self.look_again(doubt, "the list of the project's assets cannot be read in full");
                }
                Shown::Absent if self.is_behind(lookup, &doubt, found) => {
                    self.look_again(doubt, "the list does not yet show assets that were created later");
                }
                Shown::Absent if doubt.missed && doubt.looked >= doubt.settled => {
                    self.send_again(doubt.batch);
                }
                Shown::Absent => {
                    doubt.missed = true;
                    self.look_again(
                        doubt,
                        "not found in the project, but this could not be confirmed in time",
                    );
                }
                Shown::Unclear(reason) => self.look_again(doubt, reason),
            }
        }
    }

    /// Returns whether a list lacks an asset that was certainly created after the lost request. If so, the list proves
    /// nothing.
    fn is_behind(&self, lookup: &Lookup, doubt: &Doubt, found: &[Found]) -> bool {
        places(lookup, &doubt.batch).iter().any(|place| {
            self.shown.get(place).is_some_and(|(sending, id)| {
                *sending > doubt.sending && !found.iter().any(|found| found.id == *id)
            })
        })
    }

    fn executed(&mut self, mut doubt: Doubt, entries: &[Option<usize>], found: &[Found]) {
        let done = Self::done(doubt.batch.write);
        for ((item, sent), entry) in doubt.batch.items.iter().zip(doubt.batch.sent()).zip(entries) {
            if entry.is_some() {
                self.note_outdated(item.row, sent.body);
            }
        }
        let mut ledger = lock(&self.ledger);
        let mut ids = Vec::new();
        for (item, entry) in doubt.batch.items.iter().zip(entries) {
            if let Some(found) = entry.and_then(|entry| found.get(entry)) {
                ledger.set(item.row, done);
                ledger.set_id(item.row, &found.id);
                ids.extend(Uuid::try_parse(&found.id).ok());
                keep(self.job.keep, &mut self.table, item.row, &found.entry);
            }
        }
        ledger.note_sending(doubt.sending, |sending| sending.executed = true);
        self.caller.remember(&ids, ledger.run());
        drop(ledger);
        if entries.iter().any(Option::is_some) {
            self.breaker.close();
        }
        self.prove_named(&doubt.batch);
        doubt.executed = true;
        doubt.batch = doubt.batch.part(|at, _| entries.get(at) == Some(&None));
        if !doubt.batch.items.is_empty() {
            self.look_again(
                doubt,
                "the request was executed, but the asset of this row cannot be determined",
            );
        }
    }

    fn look_again(&mut self, mut doubt: Doubt, reason: &str) {
        if doubt.rounds >= MOST_ROUNDS {
            self.stays_unknown(&doubt.batch, reason);
            return;
        }
        let settle = self.caller.options().retry.settle;
        doubt.due = (self.now + settle / 3).max(doubt.settled);
        self.doubts.push(doubt);
    }

    fn settle_by_id(&mut self, mut doubt: Doubt, shown: &[Option<Value>]) {
        let Proof::ById { now, .. } = doubt.batch.write.proof else {
            return;
        };
        let judged: Vec<Now> = doubt
            .batch
            .sent()
            .iter()
            .zip(shown)
            .map(|(sent, entry)| now(entry.as_ref(), sent))
            .collect();
        let done = Self::done(doubt.batch.write);
        let write = doubt.batch.write;
        let sent = doubt.batch.sent();
        for ((item, judged), (entry, sent)) in
            doubt.batch.items.iter().zip(&judged).zip(shown.iter().zip(sent))
        {
            match (judged, doubt.left_out) {
                // This response may be incomplete too, so read the row once more.
                (Now::Unclear(_), Some(_)) if entry.is_none() && doubt.rounds == 0 => {}
                (Now::NotDone | Now::Unclear(_), Some(reason)) => {
                    let fault = Fault::new("not_named", reason, "");
                    self.blame(std::iter::once(item.row), Status::Rejected, &fault);
                }
                (Now::Done, _) => {
                    self.note_outdated(item.row, sent.body);
                    lock(&self.ledger).set(item.row, done);
                    if let Some(entry) = entry {
                        keep(self.job.keep, &mut self.table, item.row, entry);
                    }
                }
                (Now::NotDone, None) => {}
                (Now::Impossible(reason), _) => {
                    let fault = Fault::new("impossible", *reason, "remove the row, or correct its id");
                    self.blame(std::iter::once(item.row), Status::Rejected, &fault);
                }
                (Now::Unclear(reason), None) => {
                    let one = doubt.batch.part(|_, other| other.row == item.row);
                    self.stays_unknown(&one, reason);
                }
            }
        }
        if judged.contains(&Now::Done) {
            self.prove_named(&doubt.batch);
            self.breaker.close();
        }
        if doubt.left_out.is_some() {
            if doubt.rounds == 0 {
                let unclear = |at: usize| matches!(judged.get(at), Some(Now::Unclear(_)));
                let unseen = |at: usize| shown.get(at).is_none_or(Option::is_none);
                doubt.batch = doubt.batch.part(|at, _| unclear(at) && unseen(at));
                doubt.rounds = 1;
                doubt.due = self.now;
                if !doubt.batch.items.is_empty() {
                    self.doubts.push(doubt);
                }
            }
            return;
        }
        let not_done = |at: usize| judged.get(at) == Some(&Now::NotDone);
        let seen = |at: usize| shown.get(at).is_some_and(Option::is_some);
        let last = doubt.batch.resent + 1 >= most_resent(write, &self.caller);
        let early = doubt.looked < doubt.settled && !doubt.batch.reread;
        let rest = |wanted: &dyn Fn(usize) -> bool| {
            let mut rest = doubt.batch.part(|at, _| wanted(at));
            rest.reread = doubt.batch.reread;
            rest.resent = doubt.batch.resent;
            rest.suspicious = early;
            rest.in_doubt = early;
            rest
        };
        // A missing entry proves nothing: the asset may not exist, or the response may be incomplete.
        let mut unseen = rest(&|at| not_done(at) && !seen(at));
        let mut undone = rest(&|at| not_done(at) && seen(at));
        undone.named.clone_from(&doubt.batch.named);
        if last && !unseen.items.is_empty() {
            self.stays_unknown(&unseen, "the service does not return it");
        } else if !unseen.items.is_empty() {
            unseen.resent += 1;
            unseen.in_doubt = true;
            let unseen = self.renewed(unseen);
            if !unseen.items.is_empty() {
                self.waiting.push_back(unseen);
            }
        }
        if undone.items.is_empty() {
            return;
        }
        if early && last {
            // Do not settle before the outcome is certain.
            doubt.due = doubt.settled;
            doubt.batch = undone;
            self.doubts.push(doubt);
        } else {
            self.send_again(undone);
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
        if batch.resent >= most_resent(batch.write, &self.caller) {
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

/// Returns the maximum number of times to send a batch. Idempotent requests need only two, since each of them
/// is itself retried.
fn most_resent(write: &Write, caller: &Caller) -> u32 {
    match write.endpoint.replay {
        Replay::Safe => 2,
        Replay::Never => caller.options().retry.attempts,
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

/// Returns the places of the rows in a batch, which are their categories.
fn places(lookup: &Lookup, batch: &Batch) -> BTreeSet<String> {
    batch
        .sent()
        .iter()
        .filter_map(|sent| (lookup.place)(&serde_json::from_slice(sent.body).ok()?))
        .collect()
}

/// Reads what the project shows of requests with an unknown outcome, all of one endpoint.
pub(super) async fn look(context: Context, mut doubts: Vec<Doubt>) -> (Vec<Doubt>, Result<Evidence, Error>) {
    let proof = doubts
        .first()
        .map_or(&Proof::Needless, |doubt| &doubt.batch.write.proof);
    let evidence = match proof {
        Proof::InList(lookup) => {
            let places: BTreeSet<String> = doubts
                .iter()
                .flat_map(|doubt| places(lookup, &doubt.batch))
                .collect();
            let places: Vec<String> = places.into_iter().collect();
            by_list(&context, lookup, &mut doubts, &places).await
        }
        Proof::ById { read, query, .. } => by_id(&context, read, query, &doubts).await,
        Proof::Needless => Ok(Evidence::Rows(Vec::new())),
    };
    (doubts, evidence)
}

async fn by_list(
    context: &Context,
    lookup: &Lookup,
    doubts: &mut [Doubt],
    places: &[String],
) -> Result<Evidence, Error> {
    let clock = context.session.caller.clock();
    if clock.now().by == By::Local {
        // No response has arrived so far. Even a response with an empty page shows the service's time.
        list(context, lookup, Some(FUTURE), &[]).await?;
    }
    for doubt in &mut *doubts {
        for moment in [&mut doubt.left, &mut doubt.ended] {
            let better = clock.better(*moment);
            if !doubt.earlier {
                *moment = better;
            } else if moment.by < By::Gateway && better.by > By::Local {
                *moment = Moment {
                    by: By::Gateway,
                    ..better
                };
            }
        }
    }
    let (found, whole) = list(context, lookup, reconcile::since(doubts), places).await?;
    Ok(Evidence::List(found, whole))
}

/// Reads the entries in a list. Also returns whether it has all entries that the service counts, and every entry could
/// be parsed.
async fn list(
    context: &Context,
    lookup: &Lookup,
    since: Option<i64>,
    places: &[String],
) -> Result<(Vec<Found>, bool), Error> {
    let session = &context.session;
    let call = session.to(lookup.list, &[("project", &context.project.to_string())])?;
    let call = call.with_query((lookup.query)(since, places));
    let at = |stage| context.count(stage);
    // An ignored filter only makes the list longer, since each entry is checked.
    let mut pages = session.pages(call).observed_by(&at).unchecked();
    let mut read: Vec<Option<Found>> = Vec::new();
    let mut is_short = false;
    while let Some(page) = pages.next().await? {
        read.extend(page.texts().map(lookup.read));
        is_short = page.total.is_some_and(|total| total > read.len() as u64);
    }
    let whole = !is_short && read.iter().all(Option::is_some);
    Ok((read.into_iter().flatten().collect(), whole))
}

async fn by_id(
    context: &Context,
    read: &'static Write,
    query: &[(&str, &str)],
    doubts: &[Doubt],
) -> Result<Evidence, Error> {
    let mut shown = Vec::new();
    for doubt in doubts {
        shown.push(read_by_id(context, read, query, &doubt.batch.sent()).await?);
    }
    Ok(Evidence::Rows(shown))
}

/// Reads the entries with the ids of rows, in as many requests as needed.
pub(super) async fn read_by_id(
    context: &Context,
    read: &'static Write,
    query: &[(&str, &str)],
    sent: &[SentRow<'_>],
) -> Result<Vec<Option<Value>>, Error> {
    let session = &context.session;
    let name = read.endpoint.name;
    let items = read.endpoint.items();
    let at = |stage| context.count(stage);
    let mut entries = Vec::with_capacity(sent.len());
    let mut rest = sent;
    let mut most = items.most;
    while !rest.is_empty() {
        most = most.min(session.caller.row_limit(name, |limit| limit.most()));
        let (sent, later) = rest.split_at(most.min(rest.len()));
        let ids: Vec<String> = sent.iter().map(|row| Value::from(row.key).to_string()).collect();
        let call = session
            .to(&read.endpoint, &[("project", &context.project.to_string())])?
            .with_query(query.iter().copied())
            .with_body(format!("{}{}{}", items.open, ids.join(","), items.close));
        let entries_of = |response: Response| entries_of(read, &response, sent);
        let found = match session.call(&call, &at, &entries_of).await.result {
            Err(Error::Service(refusal)) if [400, 413, 422].contains(&refusal.status) => {
                let rows = sent.len();
                if rows == 1 {
                    session.caller.row_limit(name, RowLimit::forget);
                    return Err(Error::Service(refusal));
                }
                most = if refusal.status == 413 || refusal.says_too_many_rows() {
                    session.caller.row_limit(name, |limit| {
                        limit.refused(rows);
                        limit.most()
                    })
                } else {
                    rows.div_ceil(2)
                };
                continue;
            }
            result => result?,
        };
        session.caller.row_limit(name, |limit| limit.executed(sent.len()));
        rest = later;
        entries.extend(found);
    }
    Ok(entries)
}

/// Returns the entry for each row in the response to a read by ids.
fn entries_of(write: &Write, response: &Response, rows: &[SentRow<'_>]) -> Result<Vec<Option<Value>>, Error> {
    let cannot = |reason: String| write.endpoint.unreadable(response, &reason);
    let paired = (write.pair)(&response.body, rows, true).map_err(cannot)?;
    if shows_others(write, &response.body, rows) {
        return Err(cannot("it contains assets that were not requested".to_owned()));
    }
    let entry = |paired| match paired {
        Paired::Named {
            entry: Some(range), ..
        } => serde_json::from_slice(response.body.get(range)?).ok(),
        _ => None,
    };
    Ok(paired.into_iter().map(entry).collect())
}

/// Returns whether a response has entries that were not requested. If so, missing entries prove nothing.
fn shows_others(write: &Write, body: &[u8], rows: &[SentRow<'_>]) -> bool {
    let asked = |entry: &RawValue| {
        let entry: Option<Value> = serde_json::from_str(entry.get()).ok();
        let id = entry.as_ref().and_then(|entry| entry.get("id")?.as_str());
        id.is_some_and(|id| rows.iter().any(|row| row.key.eq_ignore_ascii_case(id)))
    };
    let entries = write.endpoint.rows(body);
    !entries.is_ok_and(|entries| entries.into_iter().all(asked))
}

impl Context {
    /// Counts a request as a lookup.
    pub(super) fn count(&self, stage: Stage) -> Noted<'_> {
        if stage == Stage::Leaving {
            let mut ledger = lock(&self.ledger);
            ledger.stats.requests += 1;
            ledger.stats.lookups += 1;
        }
        untold(stage)
    }
}
