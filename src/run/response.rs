//! Updates the rows of a request from its response, or after the response was lost.

use std::ops::Range;
use std::time::Duration;

use uuid::Uuid;

use crate::api::{Absent, Done, Lookup, Paired, Proof, unreadable};
use crate::error::{Error, Sent};
use crate::http::refusal::request_id;
use crate::http::{CallOutcome, Response};
use crate::ledger::{Fault, Status, lock};
use crate::run::batch::Batch;
use crate::run::pairing::{PairedResponse, page_of, pair};
use crate::run::record::rows;
use crate::run::recovery::Why;
use crate::run::state::State;

/// The minimum time between two reads of a creation time. Clock jumps are rare.
const CLOCK_READ: Duration = Duration::from_secs(5);

impl State {
    /// Notes the attempts of a request.
    pub(super) fn note_called(&mut self, sending: u32, called: &CallOutcome<PairedResponse>) {
        match &called.result {
            Err(error @ Error::Transport(_)) if error.sent() == Sent::No && !called.in_doubt => {
                self.unreached.get_or_insert_with(|| error.clone());
            }
            _ => self.reached = true,
        }
        let id = match &called.result {
            Ok(response) => request_id(&response.response),
            Err(error) => error.request_id().map(str::to_owned),
        };
        let now = self.clock;
        lock(&self.ledger).note_sending(sending, |sending| {
            sending.attempts += called.attempts;
            sending.request_id = id.map(String::into_boxed_str);
            sending.ended = Some(now);
        });
    }

    pub(super) fn on_response(&mut self, batch: Batch, sending: u32, called: CallOutcome<PairedResponse>) {
        self.note_called(sending, &called);
        match (called.result, called.stopped) {
            (Ok(response), _) => {
                let in_doubt = called.in_doubt || batch.in_doubt;
                self.accept(batch, sending, response, in_doubt);
            }
            // The status of these rows does not change: they were not sent, or were rejected together with others.
            (Err(_), true) if called.attempts == 0 => {}
            (Err(error), true) => {
                let status = if called.in_doubt || batch.in_doubt {
                    Status::Unknown
                } else {
                    Status::Failed
                };
                self.blame(rows(&batch), status, &Fault::of(&error));
            }
            (Err(error), false) => {
                // The run waits only for a network that worked before, and only for a limited time. Then the
                // run ends.
                let waited = called.attempts > self.caller.options().retry.attempts;
                let gone = (waited && error.sent() == Sent::No).then(|| error.clone());
                self.refuse(batch, sending, error, called.in_doubt);
                if let Some(error) = gone {
                    self.give_up(error);
                }
            }
        }
    }

    fn accept(&mut self, batch: Batch, sending: u32, response: PairedResponse, in_doubt: bool) {
        let write = batch.write;
        let PairedResponse {
            response,
            paired,
            page,
        } = response;
        let response = &response;
        let paired = match paired {
            Some(paired) => Ok(paired),
            None => pair(response, &batch, self.job.keep),
        };
        let paired = match paired {
            Ok(paired) => paired,
            // A successful response with another status or format proves nothing. It may come from a proxy,
            // and so may the next response. Treat the response as lost until a lookup finds its rows.
            Err(error) => {
                self.counters.take_back_success();
                let executed = response.status == write.success && write.done == Done::Created;
                let why = if executed { Why::Executed } else { Why::Lost };
                self.mark_in_doubt(batch, sending, &error, why);
                // If the status is the documented one and the body is not a proxy's page, the request was
                // executed, so this is not an outage.
                if !(executed && response.body.trim_ascii_start().starts_with(b"{")) {
                    self.lost(error);
                }
                return;
            }
        };
        let done = Self::done(write);
        let sent = batch.sent();
        let mut absent = Vec::new();
        let mut ledger = lock(&self.ledger);
        let mut kept = Vec::new();
        let mut given = Vec::new();
        let mut newest = None;
        for (at, (item, paired)) in batch.items.iter().zip(paired).enumerate() {
            match paired {
                Paired::Named { id, entry } => {
                    let uuid = id.as_ref().and_then(|id| Uuid::try_parse(id).ok());
                    if write.done == Done::Created {
                        // Without a UUID, a new asset cannot be found again, so its creation is not confirmed.
                        if uuid.is_none() {
                            absent.push(at);
                            continue;
                        }
                        given.extend(uuid);
                    }
                    ledger.set(item.row, done);
                    if let Some(id) = id {
                        ledger.set_read_id(item.row, &id, uuid);
                        newest = Some((at, id));
                    }
                    if let Some(entry) = entry {
                        let fields = write.differing.and_then(|differing| {
                            Some(differing(&sent[at], response.body.get(entry.clone())?))
                        });
                        for field in fields.into_iter().flatten() {
                            let (count, first) = self.differing.entry(field).or_insert((0, item.row));
                            *count += 1;
                            *first = item.row.min(*first);
                        }
                        if self.job.keep {
                            kept.push((item.row, entry));
                        }
                    }
                }
                Paired::Absent => absent.push(at),
            }
        }
        self.caller.remember(&given, ledger.run());
        drop(ledger);
        if let (Proof::InList(lookup), Some((at, id))) = (&write.proof, newest) {
            self.learn_clock(lookup, sending, response);
            let said = serde_json::from_slice(sent[at].body).unwrap_or_default();
            if let Some(place) = (lookup.place)(&said) {
                self.recovery.confirm(place, sending, id.into_owned());
            }
        }
        if self.job.keep {
            let (numbers, entries): (Vec<u32>, Vec<Range<usize>>) = kept.into_iter().unzip();
            let page = page.map_or_else(|| page_of(&response.body, entries.into_iter()), |page| Ok(*page));
            match page {
                Ok(page) => self.table.add(page, numbers),
                // The rows were written nevertheless.
                Err(error) => log::warn!(target: "acc_assets", "cannot return the assets: {error}"),
            }
        }
        if absent.len() < batch.items.len() {
            self.confirm_rejected(&batch);
        }
        self.on_absent(batch, sending, response, &absent, in_doubt);
    }

    /// Handles rows missing from a successful response.
    fn on_absent(
        &mut self,
        batch: Batch,
        sending: u32,
        response: &Response,
        absent: &[usize],
        in_doubt: bool,
    ) {
        let write = batch.write;
        let all_absent = absent.len() == batch.items.len();
        if all_absent && write.absent == Absent::InDoubt {
            let error = unreadable(
                response,
                format!(
                    "the service responded with status {} to {}, but its response contains none of the \
                        rows sent",
                    response.status, write.endpoint.name
                ),
            );
            // The request was executed, so this is not an outage.
            self.mark_in_doubt(batch, sending, &error, Why::Executed);
            return;
        }
        self.breaker.close();
        let splitter = &mut self.splitter;
        self.caller
            .row_limit(write.endpoint.name, |limit| splitter.on_executed(&batch, limit));
        if absent.is_empty() {
            return;
        }
        let part = batch.part(|at, _| absent.contains(&at));
        match write.absent {
            Absent::Refused(reason) if self.reads() || (!self.job.reconcile && !in_doubt) => {
                self.blame(
                    rows(&part),
                    Status::Rejected,
                    &Fault::new("not_named", reason, ""),
                );
            }
            // The response may be incomplete, so a lookup must show whether the assets still exist.
            Absent::Refused(reason) if !in_doubt => {
                let error = unreadable(response, reason.to_owned());
                self.mark_in_doubt(part, sending, &error, Why::Omitted(reason));
            }
            Absent::Refused(_) => {
                let error = unreadable(
                    response,
                    "the response to an earlier attempt was lost, so it may have been executed; the next \
                        response did not contain this row"
                        .to_owned(),
                );
                self.mark_in_doubt(part, sending, &error, Why::Lost);
            }
            Absent::InDoubt => {
                let error = unreadable(
                    response,
                    format!(
                        "the service responded with status {}, but no entry of its response certainly \
                            belongs to this row",
                        response.status
                    ),
                );
                self.mark_in_doubt(part, sending, &error, Why::Executed);
            }
        }
    }

    /// Occasionally reads a creation time to estimate the service's clock, which lookups of lost requests depend on.
    fn learn_clock(&mut self, lookup: &Lookup, sending: u32, response: &Response) {
        let now = self.now;
        if self.clock_read.is_some_and(|read| now < read + CLOCK_READ) {
            return;
        }
        self.clock_read = Some(now);
        let left = lock(&self.ledger)
            .sendings()
            .get(sending as usize)
            .and_then(|sending| sending.left);
        let entries = lookup.list.rows(&response.body);
        let first = entries
            .ok()
            .and_then(|entries| (lookup.read)(entries.first()?.get()));
        if let (Some(left), Some(created)) = (left, first.and_then(|first| first.created)) {
            self.caller.clock().learn_created(created, left.local);
        }
    }
}
