//! The requests of a ledger, which last carried its rows.

use std::collections::{BTreeSet, HashSet};

use super::numbers::NO_NUMBER;
use super::pool::{put, reserve_rows};
use super::{Ledger, Sending, SentBody, SentItem, Status, number};

impl Ledger {
    /// Records a request that is about to be sent, and returns its number.
    pub fn begin_sending(&mut self, body: SentBody) -> u32 {
        // If this request was split from an earlier one, all of its rows were in that request.
        let earlier = body
            .rows
            .first()
            .map_or(NO_NUMBER, |item| self.sending_number(item.row));
        let before = self.sendings.get(earlier as usize);
        let sending = Sending {
            attempts: before.map_or(0, |sending| sending.attempts),
            ..Sending::default()
        };
        self.sendings.push(sending);
        let sending = number(self.sendings.len() - 1);
        reserve_rows(&mut self.sendings_of, self.statuses.len());
        for item in &body.rows {
            put(&mut self.sendings_of, item.row as usize, sending, NO_NUMBER);
        }
        if self.sent.contains_key(&earlier) {
            body.rows.iter().for_each(|item| self.changed(item.row));
        }
        self.sent.insert(sending, body);
        self.forget_body(earlier);
        sending
    }

    /// Returns whether the outcome of a row is unknown and `sending` was the last request that contained the
    /// row.
    #[must_use]
    pub fn is_in_doubt(&self, row: u32, sending: u32) -> bool {
        let at = row as usize;
        self.statuses.get(at) == Some(&Status::Unknown) && self.sendings_of.get(at) == Some(&sending)
    }

    /// Returns the last request of each of these rows, with its body, if the outcome of any row in the
    /// request is unknown.
    #[must_use]
    pub fn bodies_of(&self, rows: &HashSet<u32>) -> Vec<(u32, &SentBody)> {
        let sendings: BTreeSet<u32> = rows.iter().map(|row| self.sending_number(*row)).collect();
        let body = |sending| Some((sending, self.body(sending)?));
        sendings.into_iter().filter_map(body).collect()
    }

    /// Returns the body of a request, or `None` if all its rows are settled or were sent in another request.
    #[must_use]
    pub fn body(&self, sending: u32) -> Option<&SentBody> {
        let in_doubt = |item: &SentItem| self.is_in_doubt(item.row, sending);
        self.sent
            .get(&sending)
            .filter(|body| body.rows.iter().any(in_doubt))
    }

    /// Drops the body of a request once all its rows are settled or were sent in another request.
    pub fn forget_body(&mut self, sending: u32) {
        if self.body(sending).is_none() && self.sent.remove(&sending).is_some() {
            self.note_sending(sending, |_| {});
        }
    }

    /// Updates the record of a request.
    pub fn note_sending(&mut self, sending: u32, note: impl FnOnce(&mut Sending)) {
        if let Some(kept) = self.sendings.get_mut(sending as usize) {
            note(kept);
        }
        if let Some(changes) = &mut self.changes {
            changes.sendings.insert(sending);
        }
    }

    pub(super) fn sending_number(&self, row: u32) -> u32 {
        self.sendings_of.get(row as usize).copied().unwrap_or(NO_NUMBER)
    }

    /// Returns the last request that contained a row, with its number.
    #[must_use]
    pub fn sending_of(&self, row: u32) -> Option<(u32, &Sending)> {
        let number = self.sending_number(row);
        Some((number, self.sendings.get(number as usize)?))
    }

    /// Restores a request.
    pub fn restore_sending(&mut self, sending: Sending) {
        self.sendings.push(sending);
    }

    /// Restores the body of a request.
    pub fn restore_body(&mut self, sending: u32, body: SentBody) {
        self.sent.insert(sending, body);
    }

    /// Returns all requests. The index of a request is its number.
    #[must_use]
    pub fn sendings(&self) -> &[Sending] {
        &self.sendings
    }
}
