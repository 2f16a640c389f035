//! Requests with an unknown outcome: when to look them up, and what follows from what the project shows. Times are those
//! since the start of the run.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::api::{Found, Lookup, Now, Proof, Write};
use crate::http::{Moment, Replay};
use crate::options::RetryPolicy;
use crate::run::batch::Batch;
use crate::run::reconcile::{RequestInDoubt, Shown, places};

/// The maximum number of lookups per request, after which its rows stay unknown.
const MOST_ROUNDS: u32 = 5;

/// A request with an unknown outcome.
pub(super) struct LostRequest {
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
    settle_time: Duration,
    attempts: u32,
    /// The lost requests, except those that are being looked up.
    doubts: Vec<RequestInDoubt>,
    is_looking_up: bool,
    /// Whether the log says that rows are being looked up.
    is_logged: bool,
    /// For each place, the request number and the id of the newest asset that a response has confirmed. An
    /// up-to-date list must contain this asset.
    confirmed: HashMap<String, (u32, String)>,
}

impl Recovery {
    pub fn new(retry: &RetryPolicy) -> Self {
        Self {
            settle_time: retry.settle,
            attempts: retry.attempts,
            doubts: Vec::new(),
            is_looking_up: false,
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

    /// Returns whether requests with such batches are in doubt, or may be among those being looked up.
    pub fn has(&self, is_such: impl Fn(&Batch) -> bool) -> bool {
        self.is_looking_up || self.doubts.iter().any(|doubt| is_such(&doubt.batch))
    }

    pub fn is_looking_up(&self) -> bool {
        self.is_looking_up
    }

    /// Returns whether no request is in doubt or being looked up.
    pub fn is_idle(&self) -> bool {
        self.doubts.is_empty() && !self.is_looking_up
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
    pub fn add(&mut self, request: LostRequest, why: Why, now: Duration) {
        let settle_time = self.settle_time;
        let first = match (why, &request.batch.write.proof) {
            (Why::Omitted(_) | Why::Conflict, _) => Duration::ZERO,
            // Rows with ids can be looked up early, since resending them is safe.
            (Why::Lost | Why::Executed, Proof::ById { .. }) if !request.batch.suspicious => settle_time / 10,
            (Why::Lost | Why::Executed, Proof::ById { .. }) => settle_time,
            (Why::Lost | Why::Executed, _) => settle_time / 3,
        };
        // A rejected request is not executed later, unless an earlier one with the same rows may be.
        let is_certain = why == Why::Conflict && !request.batch.in_doubt;
        let conclusive_from = if is_certain { now } else { now + settle_time };
        let mut doubt = RequestInDoubt {
            due: now + first,
            omitted: match why {
                Why::Omitted(reason) => Some(reason),
                Why::Lost | Why::Executed | Why::Conflict => None,
            },
            ..doubt(request, conclusive_from, now)
        };
        doubt.batch.reread |= why == Why::Conflict;
        self.doubts.push(doubt);
        self.log();
    }

    /// Schedules lookups of requests that an earlier call left with an unknown outcome. `clock` is the current time.
    pub fn resume(&mut self, requests: Vec<LostRequest>, now: Duration, clock: Moment) {
        for request in requests {
            // Count only the time that has certainly passed since the request ended.
            let passed = if request.ended.by == clock.by {
                u64::try_from(clock.earliest - request.ended.latest).unwrap_or(0)
            } else {
                0
            };
            let conclusive_from = self.settle_time.saturating_sub(Duration::from_millis(passed));
            self.doubts.push(RequestInDoubt {
                earlier: true,
                ..doubt(request, now + conclusive_from, now)
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
        next.filter(|_| !self.is_looking_up)
    }

    /// Starts a lookup: returns the requests of one part of the run that are due to be looked up together.
    pub fn begin(&mut self, now: Duration) -> Option<Vec<RequestInDoubt>> {
        let first = self.next().filter(|due| *due <= now)?;
        let part = |doubt: &RequestInDoubt| (doubt.batch.part_of_run, doubt.batch.write);
        let own = part(self.doubts.iter().find(|doubt| doubt.due == first)?);
        let is_due = |doubt: &RequestInDoubt| doubt.due <= now && part(doubt) == own;
        let (mut due, later): (Vec<RequestInDoubt>, Vec<RequestInDoubt>) =
            std::mem::take(&mut self.doubts).into_iter().partition(is_due);
        self.doubts = later;
        for doubt in &mut due {
            doubt.lookup_began = now;
        }
        self.is_looking_up = true;
        Some(due)
    }

    /// Notes that the lookup has ended.
    pub fn end(&mut self) {
        self.is_looking_up = false;
    }

    /// Keeps requests whose lookup was stopped.
    pub fn keep(&mut self, doubts: Vec<RequestInDoubt>) {
        self.doubts.extend(doubts);
    }

    /// Looks requests up later, because the lookup failed.
    pub fn postpone(&mut self, doubts: Vec<RequestInDoubt>, now: Duration) {
        let due = now + self.settle_time;
        self.doubts
            .extend(doubts.into_iter().map(|doubt| RequestInDoubt { due, ..doubt }));
    }

    /// Concludes from a list what happened to requests for new rows. `is_whole` is whether every entry in the list could
    /// be parsed.
    pub fn on_list(
        &mut self,
        lookup: &Lookup,
        doubts: Vec<(RequestInDoubt, Shown)>,
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
                Shown::Absent if doubt.missed && doubt.lookup_began >= doubt.conclusive_from => {
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
                doubt.due = (now + self.settle_time / 3).max(doubt.conclusive_from);
                self.doubts.push(doubt);
            }
        }
        findings
    }

    /// Returns whether a list lacks an asset that was certainly created after the lost request. If so, the list proves
    /// nothing.
    fn is_behind(&self, lookup: &Lookup, doubt: &RequestInDoubt, found: &[Found]) -> bool {
        places(lookup, &doubt.batch).iter().any(|place| {
            self.confirmed.get(place).is_some_and(|(sending, id)| {
                *sending > doubt.sending && !found.iter().any(|found| found.id == *id)
            })
        })
    }

    /// Concludes from the entries of its rows, read by id, what happened to a request.
    pub fn on_entries(
        &mut self,
        doubt: &RequestInDoubt,
        entries: &[Option<Value>],
        now: Duration,
    ) -> Vec<Finding> {
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
                self.doubts.push(RequestInDoubt {
                    batch,
                    rounds: 1,
                    due: now,
                    ..*doubt
                });
            }
            return findings;
        }
        let is_last = doubt.batch.resent + 1 >= self.most_sent(doubt.batch.write);
        let is_early = doubt.lookup_began < doubt.conclusive_from;
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
                self.doubts.push(RequestInDoubt {
                    due: doubt.conclusive_from,
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
fn doubt(request: LostRequest, conclusive_from: Duration, now: Duration) -> RequestInDoubt {
    let LostRequest {
        batch,
        sending,
        left,
        ended,
        executed,
    } = request;
    RequestInDoubt {
        batch,
        sending,
        left,
        ended,
        earlier: false,
        executed,
        omitted: None,
        due: now,
        conclusive_from,
        lookup_began: now,
        rounds: 0,
        missed: false,
    }
}

#[cfg(test)]
mod tests;
