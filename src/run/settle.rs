//! Updates the rows of a request from its response, or after the response was lost.

use std::ops::Range;
use std::time::Duration;

use uuid::Uuid;

use crate::api::{Absent, Concerns, Done, Lookup, Paired, Proof, Write, unreadable};
use crate::columns::{Page, TooWide};
use crate::error::{Error, Sent, ServiceError};
use crate::http::refusal::request_id;
use crate::http::{CallOutcome, Response};
use crate::ledger::{Fault, Status, lock};
use crate::run::batch::Batch;
use crate::run::recovery::Why;
use crate::run::send::PairedResponse;
use crate::run::splitter::{Division, Size};
use crate::run::state::State;

/// The minimum time between two reads of a creation time. Clock jumps are rare.
const CLOCK_READ: Duration = Duration::from_secs(5);

impl State {
    pub(super) fn settle(&mut self, batch: Batch, sending: u32, called: CallOutcome<PairedResponse>) {
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
        match (called.result, called.stopped) {
            (Ok(response), _) => self.accept(batch, sending, response, called.in_doubt),
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

    /// The status of a row after a successful request.
    pub(super) fn done(write: &Write) -> Status {
        match write.done {
            Done::Created => Status::Created,
            Done::Updated => Status::Updated,
            Done::Deleted => Status::Deleted,
            Done::Read => Status::Unchanged,
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
                self.suspect(batch, sending, &error, why);
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
            self.prove_named(&batch);
        }
        self.settle_absent(batch, sending, response, &absent, in_doubt);
    }

    /// Handles rows missing from a successful response.
    fn settle_absent(
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
            self.suspect(batch, sending, &error, Why::Executed);
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
                self.suspect(part, sending, &error, Why::Omitted(reason));
            }
            Absent::Refused(_) => {
                let error = unreadable(
                    response,
                    "the response to an earlier attempt was lost, so it may have been executed; the next \
                        response did not contain this row"
                        .to_owned(),
                );
                self.suspect(part, sending, &error, Why::Lost);
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
                self.suspect(part, sending, &error, Why::Executed);
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

    fn refuse(&mut self, batch: Batch, sending: u32, error: Error, in_doubt: bool) {
        let in_doubt = in_doubt || batch.suspicious || batch.in_doubt;
        let write = batch.write;
        let concerns_rows = match &error {
            Error::Service(refusal) => match refusal.status {
                400 | 409 | 413 | 422 => !self.reads(),
                403 => write.forbidden == Concerns::Rows && !refusal.is_capacity(),
                404 => write.not_found == Concerns::Rows,
                _ => false,
            },
            _ => false,
        };
        match error {
            // An earlier attempt may have been executed. If so, this rejection only means that the request cannot be
            // repeated.
            Error::Service(refusal) if in_doubt && refusal.status < 500 && !self.reads() => {
                let error = Error::Service(refusal);
                self.suspect(batch, sending, &error, Why::Lost);
                if !concerns_rows {
                    self.give_up(error);
                }
            }
            // The request conflicts with the current assets. Read them again before a second and last attempt.
            Error::Service(refusal)
                if refusal.status == 409
                    && concerns_rows
                    && !batch.reread
                    && self.job.reconcile
                    && matches!(write.proof, Proof::ById { .. }) =>
            {
                self.suspect(batch, sending, &Error::Service(refusal), Why::Conflict);
            }
            Error::Service(refusal) if concerns_rows => self.split(&batch, &refusal),
            Error::Service(refusal) if self.reads() && [400, 413, 422].contains(&refusal.status) => {
                let splitter = &mut self.splitter;
                let division = self.caller.row_limit(write.endpoint.name, |limit| {
                    splitter.on_rejected_read(&batch, &refusal, limit)
                });
                if let Some(division) = division {
                    return self.send_in_parts(division, &refusal);
                }
                let error = Error::Service(refusal);
                self.blame(rows(&batch), Status::Failed, &Fault::of(&error));
                self.give_up(error);
            }
            Error::Service(refusal) if refusal.status >= 500 || refusal.status == 408 => {
                let error = Error::Service(refusal);
                if self.reads() {
                    self.blame(rows(&batch), Status::Unknown, &Fault::of(&error));
                } else {
                    self.suspect(batch, sending, &error, Why::Lost);
                }
                self.lost(error);
            }
            Error::Service(_) => {
                self.blame(rows(&batch), Status::Failed, &Fault::of(&error));
                self.give_up(error);
            }
            Error::Transport(_) => {
                if in_doubt || error.sent() == Sent::Maybe {
                    self.suspect(batch, sending, &error, Why::Lost);
                } else {
                    self.blame(rows(&batch), Status::Failed, &Fault::of(&error));
                    self.breaker.give_up();
                }
                self.lost(error);
            }
            _ if in_doubt => {
                self.suspect(batch, sending, &error, Why::Lost);
                self.give_up(error);
            }
            _ => {
                let mut ledger = lock(&self.ledger);
                let fault = ledger.add_fault(&Fault::of(&error));
                rows(&batch).for_each(|row| ledger.set_fault(row, Status::NotSent, fault));
                drop(ledger);
                self.give_up(error);
            }
        }
    }

    /// Handles a rejection that concerns rows: rejects the bad rows if they can be identified, and resends the others.
    fn split(&mut self, batch: &Batch, refusal: &ServiceError) {
        self.breaker.close();
        let write = batch.write;
        let splitter = &mut self.splitter;
        let division = self.caller.row_limit(write.endpoint.name, |limit| {
            splitter.on_rejected(batch, refusal, limit)
        });
        let whole = Error::Service(Box::new(refusal.clone()));
        let Some(division) = division else {
            // The project is missing, not single rows.
            self.blame(rows(batch), Status::Failed, &Fault::of(&whole));
            self.give_up(whole);
            return;
        };
        let status = if division.is_pending {
            Status::Failed
        } else {
            Status::Rejected
        };
        for (row, violation) in &division.blamed {
            let fault = match violation {
                Some(violation) => Fault::violation(refusal, violation),
                None => Fault::of(&whole),
            };
            let fault = match write.done {
                Done::Deleted => fault.of_delete(),
                _ => fault,
            };
            self.blame(std::iter::once(*row), status, &fault);
        }
        self.send_in_parts(division, refusal);
    }

    /// Resends the rows of a rejected request in smaller requests, unless too many requests have already been
    /// needed to find bad rows.
    fn send_in_parts(&mut self, division: Division<'_>, refusal: &ServiceError) {
        if division.again.is_empty() {
            return;
        }
        // The whole request was rejected, so these rows were not executed. Keep the rejection as their reason
        // in case the run ends here.
        let mut fault = Fault::of(&Error::Service(Box::new(refusal.clone())));
        let why = if division.is_spent {
            "too many requests were needed to find the bad rows"
        } else if division.size == Size::TooLarge {
            "not executed: its request was rejected as too large"
        } else {
            "not executed: its request was rejected because of a bad row, either this one or another"
        };
        fault.message = format!("{why}; {}", fault.message);
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(&fault);
        self.bad -= division.taken_back;
        for item in division.again.iter().flat_map(|part| &part.items) {
            ledger.set_fault(item.row, Status::Failed, fault);
            self.bad += u64::from(division.is_spent);
        }
        drop(ledger);
        if !division.is_spent {
            self.send_next(division.again);
        }
    }

    /// Confirms that the rows removed from a batch are bad, since the rest was executed.
    pub(super) fn prove_named(&mut self, batch: &Batch) {
        let bad = self.splitter.confirm(batch);
        let mut ledger = lock(&self.ledger);
        for row in bad {
            ledger.restate(row, Status::Rejected);
        }
    }

    pub(super) fn blame(&mut self, rows: impl Iterator<Item = u32>, status: Status, fault: &Fault) {
        let mut ledger = lock(&self.ledger);
        let fault = ledger.add_fault(fault);
        for row in rows {
            ledger.set_fault(row, status, fault);
            self.bad += 1;
        }
    }

    /// Handles a request whose response was lost.
    fn lost(&mut self, error: Error) {
        if self.reads() {
            self.give_up(error);
            return;
        }
        let open = self.breaker.lose(error.clone(), self.now);
        // Without lookups, nothing could close the breaker again.
        if open && self.recovery.is_idle() {
            self.give_up(error);
        }
    }
}

/// Reads the outcome of each row of a batch from a successful response.
pub(super) fn pair<'a>(
    response: &'a Response,
    batch: &Batch,
    entries: bool,
) -> Result<Vec<Paired<'a>>, Error> {
    let write = batch.write;
    // Only the documented status proves that a write was executed.
    let documented = write.done == Done::Read || response.status == write.success;
    let entries = entries || write.differing.is_some();
    (write.pair)(&response.body, &batch.sent(), entries)
        .map_err(|reason| format!("the response is unreadable ({reason})"))
        .and_then(|paired| {
            let undocumented = || format!("the documented status is {}", write.success);
            documented.then_some(paired).ok_or_else(undocumented)
        })
        .map_err(|reason| {
            unreadable(
                response,
                format!(
                    "the service responded with status {} to {}, but {reason}: check base_url= and proxy=",
                    response.status, write.endpoint.name
                ),
            )
        })
}

/// Converts entries in a body to columns.
fn page_of(body: &[u8], entries: impl Iterator<Item = Range<usize>>) -> Result<Page, TooWide> {
    // Each entry is JSON, which is valid UTF-8.
    Page::of(
        entries.map(|entry| std::str::from_utf8(body.get(entry).unwrap_or_default()).unwrap_or_default()),
    )
}

/// Reads the outcome of each row from the response to a read. If `keep` is `true`, also converts the entries
/// to columns.
pub(super) fn read(response: Response, batch: &Batch, keep: bool) -> Result<PairedResponse, Error> {
    let write = batch.write;
    let paired = pair(&response, batch, keep)?;
    let paired: Vec<_> = paired.into_iter().map(Paired::into_owned).collect();
    let entries = paired.iter().filter_map(|paired| match paired {
        Paired::Named { entry, .. } => entry.clone(),
        Paired::Absent => None,
    });
    let page = if keep {
        let page = page_of(&response.body, entries);
        Some(Box::new(page.map_err(|error: TooWide| {
            write.endpoint.too_large(&error.to_string())
        })?))
    } else {
        None
    };
    Ok(PairedResponse {
        response,
        paired: Some(paired),
        page,
    })
}

/// The rows of a batch.
pub(super) fn rows(batch: &Batch) -> impl Iterator<Item = u32> + '_ {
    batch.items.iter().map(|item| item.row)
}
