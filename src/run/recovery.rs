//! Requests with an unknown outcome: when to look them up, and what follows from what the project shows. Times are those
//! since the start of the run.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::api::{Found, Lookup, Now, Proof, Write};
use crate::http::{Moment, Replay};
use crate::options::RetryPolicy;
use crate::run::look::places;
use crate::run::pack::Batch;
use crate::run::reconcile::{Doubt, Shown};

/// The maximum number of lookups per request, after which its rows stay unknown.
const MOST_ROUNDS: u32 = 5;

/// A request with an unknown outcome.
pub(super) struct Suspect {
    pub batch: Batch,
    /// The number of the request in the ledger.
    pub sending: u32,
    /// When the request was sent, and when the client stopped waiting for its response.
    pub left: Moment,
    pub ended: Moment,
    /// Whether the request was certainly executed.
    pub executed: bool,
}

/// Why the outcome of a request is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Its response was lost.
    Lost,
    /// The request was certainly executed, but its response does not name these rows.
    Executed,
    /// The service omitted these rows from its response, for this possible reason.
    Omitted(&'static str),
    /// The request conflicts with the current assets, which are read before a second attempt.
    Conflict,
}

/// What a lookup has shown of rows.
#[derive(Debug, PartialEq)]
pub(super) enum Finding {
    /// The request with this number was executed. Contains the index of each row's entry, if it could be determined.
    Executed(u32, Batch, Vec<Option<usize>>),
    /// The rows are in the requested state. Contains their entries.
    Done(Batch, Vec<Option<Value>>),
    /// The rows cannot get into the requested state, for this reason.
    Impossible(Batch, &'static str),
    /// The service rejects the rows, for this reason: it omits them from its responses.
    Omitted(Batch, &'static str),
    /// The request was not executed.
    NotExecuted(Batch),
    /// The service does not show the rows. To repeat the request is safe.
    NotShown(Batch),
    /// The outcome stays unknown, for this reason.
    Unknown(Batch, &'static str),
}

/// The lost requests of a run.
pub(super) struct Recovery {
    /// How long a lost create must not be repeated.
    settle: Duration,
    attempts: u32,
    /// The lost requests, except those that are being looked up.
    doubts: Vec<Doubt>,
    is_looking: bool,
    /// Whether the log says that rows are being looked up.
    is_logged: bool,
    /// For each place, the request number and the id of the newest asset that a response has confirmed. An
    /// up-to-date list must contain this asset.
    confirmed: HashMap<String, (u32, String)>,
}

impl Recovery {
    pub fn new(retry: &RetryPolicy) -> Self {
        Self {
            settle: retry.settle,
            attempts: retry.attempts,
            doubts: Vec::new(),
            is_looking: false,
            is_logged: false,
            confirmed: HashMap::new(),
        }
    }

    /// Returns the maximum number of times to send a batch. Idempotent requests need only two, since each of them
    /// is itself retried.
    pub fn most_sent(&self, write: &Write) -> u32 {
        match write.endpoint.replay {
            Replay::Safe => 2,
            Replay::Never => self.attempts,
        }
    }

    pub fn is_looking(&self) -> bool {
        self.is_looking
    }

    /// Returns whether no request is in doubt or being looked up.
    pub fn is_idle(&self) -> bool {
        self.doubts.is_empty() && !self.is_looking
    }

    /// Notes the asset that a response has confirmed. Responses arrive in any order, and the latest request is the best
    /// evidence.
    pub fn confirm(&mut self, place: String, sending: u32, id: String) {
        let newest = self.confirmed.entry(place).or_default();
        if sending >= newest.0 {
            *newest = (sending, id);
        }
    }

    /// Schedules the lookup of a request.
    pub fn add(&mut self, suspect: Suspect, why: Why, now: Duration) {
        let settle = self.settle;
        let first = match (why, &suspect.batch.write.proof) {
            (Why::Omitted(_) | Why::Conflict, _) => Duration::ZERO,
            // Rows with ids can be looked up early, since resending them is safe.
            (Why::Lost | Why::Executed, Proof::ById { .. }) if !suspect.batch.suspicious => settle / 10,
            (Why::Lost | Why::Executed, Proof::ById { .. }) => settle,
            (Why::Lost | Why::Executed, _) => settle / 3,
        };
        let mut doubt = Doubt {
            due: now + first,
            omitted: match why {
                Why::Omitted(reason) => Some(reason),
                Why::Lost | Why::Executed | Why::Conflict => None,
            },
            ..doubt(suspect, now + settle, now)
        };
        doubt.batch.reread |= why == Why::Conflict;
        self.doubts.push(doubt);
        self.log();
    }

    /// Schedules lookups of requests that an earlier call left with an unknown outcome. `clock` is the current time.
    pub fn resume(&mut self, suspects: Vec<Suspect>, now: Duration, clock: Moment) {
        for suspect in suspects {
            // Count only the time that has certainly passed since the request ended.
            let passed = if suspect.ended.by == clock.by {
                u64::try_from(clock.earliest - suspect.ended.latest).unwrap_or(0)
            } else {
                0
            };
            let settled = self.settle.saturating_sub(Duration::from_millis(passed));
            self.doubts.push(Doubt {
                earlier: true,
                ..doubt(suspect, now + settled, now)
            });
        }
        self.log();
    }

    /// Logs the first lookup of the call. A program without a progress bar would otherwise be silent for minutes.
    fn log(&mut self) {
        let rows: usize = self.doubts.iter().map(|doubt| doubt.batch.items.len()).sum();
        if rows > 0 && !std::mem::replace(&mut self.is_logged, true) {
            log::warn!(
                target: "acc_assets",
                "the response for {rows} row{} was lost. Checking their outcome in the project, which can take two \
                minutes",
                if rows == 1 { "" } else { "s" }
            );
        }
    }

    /// Returns the time of the next lookup. Only one lookup runs at a time.
    pub fn next(&self) -> Option<Duration> {
        let next = self.doubts.iter().map(|doubt| doubt.due).min();
        next.filter(|_| !self.is_looking)
    }

    /// Starts a lookup: returns the requests of one endpoint that are due to be looked up together.
    pub fn begin(&mut self, now: Duration) -> Option<Vec<Doubt>> {
        let first = self.next().filter(|due| *due <= now)?;
        let write = self.doubts.iter().find(|doubt| doubt.due == first)?.batch.write;
        let is_due = |doubt: &Doubt| doubt.due <= now && doubt.batch.write == write;
        let (mut due, later): (Vec<Doubt>, Vec<Doubt>) =
            std::mem::take(&mut self.doubts).into_iter().partition(is_due);
        self.doubts = later;
        for doubt in &mut due {
            doubt.looked = now;
        }
        self.is_looking = true;
        Some(due)
    }

    /// Notes that the lookup has ended.
    pub fn end(&mut self) {
        self.is_looking = false;
    }

    /// Keeps requests whose lookup was stopped.
    pub fn keep(&mut self, doubts: Vec<Doubt>) {
        self.doubts.extend(doubts);
    }

    /// Looks requests up later, because the lookup failed.
    pub fn postpone(&mut self, doubts: Vec<Doubt>, now: Duration) {
        let due = now + self.settle;
        self.doubts
            .extend(doubts.into_iter().map(|doubt| Doubt { due, ..doubt }));
    }

    /// Concludes from a list what happened to requests for new rows. `is_whole` is whether every entry in the list could
    /// be parsed.
    pub fn on_list(
        &mut self,
        lookup: &Lookup,
        doubts: Vec<(Doubt, Shown)>,
        found: &[Found],
        is_whole: bool,
        now: Duration,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (mut doubt, shown) in doubts {
            doubt.rounds += 1;
            let reason = match shown {
                Shown::Executed(entries) => {
                    let rest = doubt.batch.part(|at, _| entries.get(at) == Some(&None));
                    let executed = std::mem::replace(&mut doubt.batch, rest);
                    findings.push(Finding::Executed(doubt.sending, executed, entries));
                    doubt.executed = true;
                    if doubt.batch.items.is_empty() {
                        continue;
                    }
                    "the request was executed, but the asset of this row cannot be determined"
                }
                Shown::Absent if !is_whole => "the list of the project's assets cannot be read in full",
                Shown::Absent if self.is_behind(lookup, &doubt, found) => {
                    "the list does not yet show assets that were created later"
                }
                Shown::Absent if doubt.missed && doubt.looked >= doubt.settled => {
                    findings.push(Finding::NotExecuted(doubt.batch));
                    continue;
                }
                Shown::Absent => {
                    doubt.missed = true;
                    "not found in the project, but this could not be confirmed in time"
                }
                Shown::Unclear(reason) => reason,
            };
            if doubt.rounds >= MOST_ROUNDS {
                findings.push(Finding::Unknown(doubt.batch, reason));
            } else {
                doubt.due = (now + self.settle / 3).max(doubt.settled);
                self.doubts.push(doubt);
            }
        }
        findings
    }

    /// Returns whether a list lacks an asset that was certainly created after the lost request. If so, the list proves
    /// nothing.
    fn is_behind(&self, lookup: &Lookup, doubt: &Doubt, found: &[Found]) -> bool {
        places(lookup, &doubt.batch).iter().any(|place| {
            self.confirmed.get(place).is_some_and(|(sending, id)| {
                *sending > doubt.sending && !found.iter().any(|found| found.id == *id)
            })
        })
    }

    /// Concludes from the entries of its rows, read by id, what happened to a request.
    pub fn on_entries(&mut self, doubt: &Doubt, entries: &[Option<Value>], now: Duration) -> Vec<Finding> {
        let Proof::ById { now: judge, .. } = doubt.batch.write.proof else {
            return Vec::new();
        };
        let sent = doubt.batch.sent();
        let states = sent.iter().zip(entries);
        let states: Vec<Now> = states.map(|(sent, entry)| judge(entry.as_ref(), sent)).collect();
        let part = |wanted: &dyn Fn(usize, Now) -> bool| {
            let is_wanted = |at: usize| states.get(at).is_some_and(|state| wanted(at, *state));
            Some(doubt.batch.part(|at, _| is_wanted(at))).filter(|part| !part.items.is_empty())
        };
        let is_seen = |at: usize| entries.get(at).is_some_and(Option::is_some);
        let mut findings = Vec::new();
        if let Some(mut done) = part(&|_, state| state == Now::Done) {
            done.named.clone_from(&doubt.batch.named);
            let entries = entries.iter().zip(&states);
            let of_done = entries.filter(|(_, state)| **state == Now::Done);
            findings.push(Finding::Done(
                done,
                of_done.map(|(entry, _)| entry.clone()).collect(),
            ));
        }
        // Reasons are the same for many rows.
        let mut reasons: Vec<&'static str> = Vec::new();
        for state in &states {
            if let Now::Impossible(reason) | Now::Unclear(reason) = state
                && !reasons.contains(reason)
            {
                reasons.push(reason);
            }
        }
        for reason in reasons {
            if let Some(impossible) = part(&|_, state| state == Now::Impossible(reason)) {
                findings.push(Finding::Impossible(impossible, reason));
            }
            if doubt.omitted.is_none()
                && let Some(unclear) = part(&|_, state| state == Now::Unclear(reason))
            {
                findings.push(Finding::Unknown(unclear, reason));
            }
        }
        if let Some(reason) = doubt.omitted {
            // The response may be incomplete too, so a row that it does not show is read once more.
            let is_unread =
                |at: usize, state| doubt.rounds == 0 && matches!(state, Now::Unclear(_)) && !is_seen(at);
            let is_open = |state| matches!(state, Now::NotDone | Now::Unclear(_));
            if let Some(rejected) = part(&|at, state| is_open(state) && !is_unread(at, state)) {
                findings.push(Finding::Omitted(rejected, reason));
            }
            if let Some(batch) = part(&is_unread) {
                self.doubts.push(Doubt {
                    batch,
                    rounds: 1,
                    due: now,
                    ..*doubt
                });
            }
            return findings;
        }
        let is_last = doubt.batch.resent + 1 >= self.most_sent(doubt.batch.write);
        let is_early = doubt.looked < doubt.settled && !doubt.batch.reread;
        let rest = |is_shown: bool| {
            let mut rest = part(&|at, state| state == Now::NotDone && is_seen(at) == is_shown)?;
            rest.suspicious = is_early;
            rest.in_doubt = is_early;
            Some(rest)
        };
        // A missing entry proves nothing: the asset may not exist, or the response may be incomplete.
        if let Some(mut unseen) = rest(false) {
            findings.push(if is_last {
                Finding::Unknown(unseen, "the service does not return it")
            } else {
                unseen.in_doubt = true;
                Finding::NotShown(unseen)
            });
        }
        if let Some(mut undone) = rest(true) {
            undone.named.clone_from(&doubt.batch.named);
            if is_early && is_last {
                // Do not settle before the outcome is certain.
                self.doubts.push(Doubt {
                    due: doubt.settled,
                    batch: undone,
                    ..*doubt
                });
            } else {
                findings.push(Finding::NotExecuted(undone));
            }
        }
        findings
    }
}

/// Returns a request in doubt that was not looked up so far.
fn doubt(suspect: Suspect, settled: Duration, now: Duration) -> Doubt {
    let Suspect {
        batch,
        sending,
        left,
        ended,
        executed,
    } = suspect;
    Doubt {
        batch,
        sending,
        left,
        ended,
        earlier: false,
        executed,
        omitted: None,
        due: now,
        settled,
        looked: now,
        rounds: 0,
        missed: false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::assets::{BATCH_CREATE, BATCH_DELETE, BATCH_PATCH};
    use crate::api::{RowShape, relationships};
    use crate::http::By;

    const SETTLE: Duration = Duration::from_secs(30);

    fn recovery() -> Recovery {
        Recovery {
            settle: SETTLE,
            attempts: 5,
            doubts: Vec::new(),
            is_looking: false,
            is_logged: true,
            confirmed: HashMap::new(),
        }
    }

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn moment(time: i64) -> Moment {
        Moment {
            local: time,
            earliest: time,
            latest: time,
            by: By::Service,
        }
    }

    fn suspect(write: &'static Write, rows: &[(&str, &Value)]) -> Suspect {
        let mut batch = Batch::new(write);
        for (row, (key, body)) in (0_u32..).zip(rows) {
            let body = match write.row {
                RowShape::AssetPatch => format!("\"{key}\":{body}"),
                RowShape::NewAsset | RowShape::Id | RowShape::NewRelationship => body.to_string(),
            };
            batch.add(row, key, body.as_bytes());
        }
        Suspect {
            batch,
            sending: 3,
            left: moment(1000),
            ended: moment(2000),
            executed: false,
        }
    }

    fn created() -> Suspect {
        suspect(
            &BATCH_CREATE,
            &[("A-1", &json!({"clientAssetId": "A-1", "categoryId": "4"}))],
        )
    }

    fn lookup() -> &'static Lookup {
        match &BATCH_CREATE.proof {
            Proof::InList(lookup) => lookup,
            _ => panic!("creates are looked up in a list"),
        }
    }

    /// Looks up the only request in doubt, and returns what follows from this.
    fn looked(recovery: &mut Recovery, shown: &Shown, found: &[Found], is_whole: bool) -> Vec<Finding> {
        let now = recovery.next().unwrap();
        let doubts = recovery.begin(now).unwrap();
        recovery.end();
        let doubts = doubts.into_iter().map(|doubt| (doubt, shown.clone())).collect();
        recovery.on_list(lookup(), doubts, found, is_whole, now)
    }

    /// Reads the entries of the only request in doubt, and returns what follows from them.
    fn read(recovery: &mut Recovery, entries: &[Option<Value>], now: Duration) -> Vec<Finding> {
        let doubts = recovery.begin(now).unwrap();
        assert_eq!(doubts.len(), 1);
        recovery.end();
        recovery.on_entries(&doubts[0], entries, now)
    }

    fn keys(batch: &Batch) -> Vec<&str> {
        batch.items.iter().map(|item| &*item.key).collect()
    }

    #[test]
    fn a_lookup_waits_until_it_can_prove_something() {
        let patch = || suspect(&BATCH_PATCH, &[("id", &json!({"barcode": "1"}))]);
        let mut repeated = patch();
        repeated.batch.suspicious = true;
        for (suspect, why, due) in [
            (created(), Why::Lost, 10),
            (patch(), Why::Lost, 3),
            (repeated, Why::Lost, 30),
            (patch(), Why::Conflict, 0),
            (patch(), Why::Omitted("deleted"), 0),
        ] {
            let mut recovery = recovery();
            recovery.add(suspect, why, after(100));
            assert_eq!(recovery.next(), Some(after(100 + due)), "{why:?}");
        }
    }

    #[test]
    fn a_request_of_an_earlier_call_has_waited_since_it_ended() {
        for (clock, settled) in [(moment(12_000), 20), (moment(90_000), 0)] {
            let mut recovery = recovery();
            recovery.resume(vec![created()], after(0), clock);
            assert_eq!(recovery.doubts[0].settled, after(settled));
        }
        // Times of different clocks cannot be compared.
        let mut recovery = recovery();
        let gateway = Moment {
            by: By::Gateway,
            ..moment(90_000)
        };
        recovery.resume(vec![created()], after(0), gateway);
        assert_eq!(recovery.doubts[0].settled, SETTLE);
    }

    #[test]
    fn one_miss_proves_nothing() {
        let mut recovery = recovery();
        recovery.add(created(), Why::Lost, after(0));
        assert_eq!(looked(&mut recovery, &Shown::Absent, &[], true), []);
        // The second lookup is after the settle time.
        assert_eq!(recovery.next(), Some(SETTLE));
        let findings = looked(&mut recovery, &Shown::Absent, &[], true);
        assert!(matches!(findings[..], [Finding::NotExecuted(_)]), "{findings:?}");
        assert!(recovery.is_idle());
    }

    #[test]
    fn a_list_that_lacks_a_newer_asset_proves_nothing() {
        let mut recovery = recovery();
        recovery.add(created(), Why::Lost, after(0));
        recovery.confirm("4".to_owned(), 5, "newer".to_owned());
        // An earlier request does not replace the evidence.
        recovery.confirm("4".to_owned(), 4, "older".to_owned());
        for _ in 1..MOST_ROUNDS {
            assert_eq!(looked(&mut recovery, &Shown::Absent, &[], true), []);
        }
        let findings = looked(&mut recovery, &Shown::Absent, &[], true);
        let [Finding::Unknown(batch, reason)] = &findings[..] else {
            panic!("{findings:?}");
        };
        assert_eq!(batch.items.len(), 1);
        assert_eq!(
            *reason,
            "the list does not yet show assets that were created later"
        );
    }

    #[test]
    fn an_unreadable_list_does_not_count_as_a_miss() {
        let mut recovery = recovery();
        recovery.add(created(), Why::Lost, after(0));
        for _ in 0..2 {
            assert_eq!(looked(&mut recovery, &Shown::Absent, &[], false), []);
        }
        assert_eq!(looked(&mut recovery, &Shown::Absent, &[], true), []);
    }

    #[test]
    fn rows_without_an_asset_are_looked_up_again() {
        let rows = ["A-1", "A-2"].map(|key| (key, json!({"clientAssetId": key, "categoryId": "4"})));
        let rows: Vec<(&str, &Value)> = rows.iter().map(|(key, body)| (*key, body)).collect();
        let mut recovery = recovery();
        recovery.add(suspect(&BATCH_CREATE, &rows), Why::Lost, after(0));
        let shown = Shown::Executed(vec![Some(0), None]);
        let findings = looked(&mut recovery, &shown, &[], true);
        let [Finding::Executed(3, batch, entries)] = &findings[..] else {
            panic!("{findings:?}");
        };
        assert_eq!((batch.items.len(), &entries[..]), (2, &[Some(0), None][..]));
        let [doubt] = &recovery.doubts[..] else {
            panic!("nothing is looked up again");
        };
        assert!(doubt.executed);
        assert_eq!(&*doubt.batch.items[0].key, "A-2");
    }

    #[test]
    fn each_endpoint_is_looked_up_on_its_own() {
        let mut recovery = recovery();
        recovery.add(created(), Why::Lost, after(0));
        recovery.add(
            suspect(&BATCH_DELETE, &[("id", &json!("id"))]),
            Why::Lost,
            after(0),
        );
        let first = recovery.begin(SETTLE).unwrap();
        assert_eq!(first.len(), 1);
        // One lookup at a time.
        assert!(recovery.begin(SETTLE).is_none());
        recovery.end();
        let second = recovery.begin(SETTLE).unwrap();
        assert_ne!(first[0].batch.write, second[0].batch.write);
    }

    #[test]
    fn entries_settle_the_rows_of_a_patch() {
        let patch = json!({"barcode": "1"});
        let ids = ["done", "undone", "unseen", "deleted"];
        let rows: Vec<(&str, &Value)> = ids.iter().map(|id| (*id, &patch)).collect();
        let entries = [
            Some(json!({"id": "done", "barcode": "1", "isActive": true})),
            Some(json!({"id": "undone", "barcode": "0", "isActive": true})),
            None,
            Some(json!({"id": "deleted", "barcode": "0", "isActive": false})),
        ];
        let mut recovery = recovery();
        recovery.add(suspect(&BATCH_PATCH, &rows), Why::Lost, after(0));
        let findings = read(&mut recovery, &entries, after(3));
        let [
            Finding::Done(done, _),
            Finding::Impossible(deleted, _),
            Finding::NotShown(unseen),
            Finding::NotExecuted(undone),
        ] = &findings[..]
        else {
            panic!("{findings:?}");
        };
        assert_eq!(keys(done), ["done"]);
        assert_eq!(keys(deleted), ["deleted"]);
        assert_eq!(keys(unseen), ["unseen"]);
        assert_eq!(keys(undone), ["undone"]);
        // The first request may still be executed.
        assert!(undone.in_doubt && unseen.in_doubt);
        // After the last request, nothing is concluded from a row that is not shown.
        let mut last = suspect(&BATCH_PATCH, &rows);
        last.batch.resent = 1;
        recovery.add(last, Why::Lost, after(0));
        let findings = read(&mut recovery, &entries, after(3));
        assert!(
            findings
                .iter()
                .any(|finding| matches!(finding, Finding::Unknown(batch, _) if keys(batch) == ["unseen"]))
        );
        // The rest is read again at the settle time.
        assert_eq!(keys(&recovery.doubts[0].batch), ["undone"]);
        assert_eq!(recovery.next(), Some(SETTLE));
    }

    #[test]
    fn rows_omitted_of_a_response_are_read_twice() {
        let rows = ["gone", "there", "deleted"].map(|id| (id, json!(id)));
        let rows: Vec<(&str, &Value)> = rows.iter().map(|(id, body)| (*id, body)).collect();
        let mut recovery = recovery();
        recovery.add(
            suspect(&relationships::DELETE, &rows),
            Why::Omitted("it does not exist"),
            after(0),
        );
        let entries = [
            None,
            Some(json!({"id": "there", "isDeleted": false})),
            Some(json!({"id": "deleted", "isDeleted": true})),
        ];
        let findings = read(&mut recovery, &entries, after(0));
        let [Finding::Done(deleted, _), Finding::Omitted(there, _)] = &findings[..] else {
            panic!("{findings:?}");
        };
        assert_eq!((keys(deleted), keys(there)), (vec!["deleted"], vec!["there"]));
        // The response may be incomplete.
        let findings = read(&mut recovery, &[None], after(0));
        assert!(matches!(&findings[..], [Finding::Omitted(gone, _)] if keys(gone) == ["gone"]));
        assert!(recovery.is_idle());
    }
}
