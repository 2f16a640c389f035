//! Rejected requests: which of their rows are bad, and which requests to send instead. Also the largest request that the
//! service accepts.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::error::{ServiceError, Violation};
use crate::http::RowLimit;
use crate::run::batch::Batch;
use crate::run::bisect::{self, Split};

/// How many requests may be spent on splitting rejected requests, in addition to two per successful request.
const SPLITS: u64 = 200;

/// After this many single-row requests with status 404 and no successful request, assume that the project
/// itself is missing.
const MOST_NOT_FOUND: u32 = 3;

/// A body size in bytes. If a request with a body up to this size is rejected as too large, its number of
/// rows is reduced. For a larger body, the body size is reduced first, unless the response says that there
/// are too many rows. Common servers accept at least 100 kB.
const LARGE_BODY: usize = 100 << 10;

/// Whether a rejection concerns the size of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// The request has too many rows or bytes.
    TooLarge,
    /// The size may be the reason.
    Unclear,
    /// The size is not the reason.
    Fits,
}

/// What to do with the rows of a rejected request.
#[derive(Debug)]
pub(super) struct Division<'e> {
    /// The bad rows, each with its violation, or `None` if the whole response applies to the row.
    pub blamed: Vec<(u32, Option<&'e Violation>)>,
    /// Whether the bad rows are certain only once the rest of their batch has been executed.
    pub is_pending: bool,
    /// The batches to send instead.
    pub again: Vec<Batch>,
    /// The number of rows in `again` that an earlier rejection named. They may be valid.
    pub taken_back: u64,
    pub size: Size,
    /// Whether too many requests were needed already, so that `again` is not to be sent.
    pub is_spent: bool,
}

/// The batches to send instead of one that is too large.
#[derive(Debug)]
pub(super) struct Parts {
    pub batches: Vec<Batch>,
    /// The number of rows in `batches` that an earlier rejection named. They may be valid.
    pub taken_back: u64,
}

/// What a run knows of its rejected requests.
pub(super) struct Splitter {
    /// Rows named in a rejection, until the rest of their batch is executed, which confirms that the rows are bad.
    named: HashSet<u32>,
    /// How many rejected requests were divided, and how many requests were executed.
    divided: u64,
    executed: u64,
    not_found: u32,
    /// Bodies larger than this are divided before they are sent.
    most_bytes: usize,
    /// Batches that were divided in half after a rejection: the number of rows in each, and how many of its halves were
    /// executed.
    halved: Vec<(usize, u32)>,
}

impl Splitter {
    pub fn new() -> Self {
        Self {
            named: HashSet::new(),
            divided: 0,
            executed: 0,
            not_found: 0,
            most_bytes: usize::MAX,
            halved: Vec::new(),
        }
    }

    /// Returns how many rejected requests were divided.
    pub fn divided(&self) -> u64 {
        self.divided
    }

    /// Returns the batch if it can be sent, or the parts to send instead.
    pub fn cut(&mut self, batch: Batch, limit: &RowLimit) -> Result<Batch, Parts> {
        let rows = batch.items.len();
        if rows <= 1 {
            return Ok(batch);
        }
        let mut parts = if rows > limit.most() {
            batch.split_at(limit.most())
        } else if batch.bytes() > self.most_bytes {
            batch.halves_by_bytes()
        } else if batch.refused {
            return Err(self.halves(&batch));
        } else {
            return Ok(batch);
        };
        for part in &mut parts {
            part.halve = batch.halve;
        }
        parts[1].remainder = rows > limit.most();
        // Rows named by a rejection were removed from the batch. They are confirmed as bad only if all the
        // other rows are executed in one request, so resend them too.
        let named = bisect::doubted(&batch);
        let taken_back = self.take_back(&named);
        let mut batches = Vec::from(parts);
        batches.extend(named);
        Err(Parts { batches, taken_back })
    }

    fn halves(&mut self, batch: &Batch) -> Parts {
        let number = self.halved.len();
        self.halved.push((batch.items.len(), 0));
        let mut halves = batch.halves();
        for half in &mut halves {
            half.half_of = Some(number);
            half.halve = true;
        }
        Parts {
            batches: halves.into(),
            taken_back: 0,
        }
    }

    /// Notes that the rows of these batches are sent again, so that they are no longer named. Returns how many were.
    pub fn take_back(&mut self, again: &[Batch]) -> u64 {
        let rows = again.iter().flat_map(|part| &part.items);
        rows.map(|item| u64::from(self.named.remove(&item.row))).sum()
    }

    /// Notes that a request was executed, so the endpoint accepts as many rows as the batch has.
    pub fn on_executed(&mut self, batch: &Batch, limit: &mut RowLimit) {
        self.executed += 1;
        let half_of = batch.half_of.and_then(|number| self.halved.get_mut(number));
        let whole = half_of.and_then(|(rows, executed)| {
            *executed += 1;
            (*executed == 2).then_some(*rows)
        });
        limit.executed(batch.items.len());
        if let Some(rows) = whole {
            limit.parts_executed(rows);
        }
    }

    /// Returns the rows that rejections had removed from a batch, now that it was executed: they are bad.
    pub fn confirm(&mut self, batch: &Batch) -> Vec<u32> {
        let named = batch.named.iter().flat_map(|part| &part.items);
        named
            .map(|item| item.row)
            .filter(|row| self.named.remove(row))
            .collect()
    }

    /// Divides a batch of a write that was rejected because of its rows. Returns `None` if the project itself is missing.
    pub fn on_rejected<'e>(
        &mut self,
        batch: &Batch,
        refusal: &'e ServiceError,
        limit: &mut RowLimit,
    ) -> Option<Division<'e>> {
        let size = self.size(batch, refusal, limit, false);
        let split = match size {
            Size::Fits => bisect::split(batch, refusal),
            Size::TooLarge | Size::Unclear => bisect::whole(batch),
        };
        if refusal.status == 404 && batch.items.len() == 1 && self.executed == 0 {
            self.not_found += 1;
            if self.not_found >= MOST_NOT_FOUND {
                return None;
            }
        }
        let is_spent = size != Size::TooLarge && self.divided >= SPLITS + 2 * self.executed;
        Some(self.divide(split, size, is_spent))
    }

    /// Divides a batch of a read that was rejected. Returns `None` if it has only one row: a read has no bad rows.
    pub fn on_rejected_read(
        &mut self,
        batch: &Batch,
        refusal: &ServiceError,
        limit: &mut RowLimit,
    ) -> Option<Division<'static>> {
        let size = self.size(batch, refusal, limit, true);
        (batch.items.len() > 1).then(|| self.divide(bisect::whole(batch), size, false))
    }

    fn divide<'e>(&mut self, split: Split<'e>, size: Size, is_spent: bool) -> Division<'e> {
        let Split { blamed, again } = split;
        let is_pending = again.iter().any(|part| !part.named.is_empty());
        if is_pending {
            self.named.extend(blamed.iter().map(|(row, _)| *row));
        }
        let taken_back = self.take_back(&again);
        self.divided += u64::from(!again.is_empty() && !is_spent);
        Division {
            blamed,
            is_pending,
            again,
            taken_back,
            size,
            is_spent,
        }
    }

    /// Decides whether a request was rejected for its size, and learns the maximum size.
    fn size(&mut self, batch: &Batch, refusal: &ServiceError, limit: &mut RowLimit, is_read: bool) -> Size {
        let (rows, bytes) = (batch.items.len(), batch.bytes());
        let too_large = refusal.status == 413;
        if !too_large && (![400, 422].contains(&refusal.status) || bisect::names_rows(batch, refusal)) {
            return Size::Fits;
        }
        let said = refusal.says_too_many_rows();
        match rows {
            1 if said || too_large => limit.mislead(),
            1 if is_read => limit.forget(),
            _ => {}
        }
        let misled = limit.misled();
        if too_large && (misled || (bytes > LARGE_BODY && !said)) {
            self.most_bytes = self.most_bytes.min(bytes / 2);
            return if rows == 1 { Size::Fits } else { Size::TooLarge };
        }
        if rows == 1 {
            return Size::Fits;
        }
        if too_large || (said && !misled) {
            // An earlier rejection attributed to bytes may have been due to the number of rows.
            self.most_bytes = usize::MAX;
            limit.refused(rows);
            return Size::TooLarge;
        }
        limit.doubt(rows);
        Size::Unclear
    }
}

/// Whether the size of a batch is to be tried while no other request is in flight. A rejected batch is divided only when
/// it is about to be sent, because the row limit may be known by then.
pub(super) fn is_trial(batch: &Batch, limit: &RowLimit) -> bool {
    let rows = batch.items.len();
    limit.is_trial(match rows.cmp(&limit.most()) {
        Ordering::Greater => limit.most(),
        _ if batch.refused => rows.div_ceil(2),
        _ => rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::assets::BATCH_CREATE;
    use crate::ledger::{SentBody, SentItem};

    fn batch(rows: u32) -> Batch {
        let mut text = String::new();
        let items = (0..rows).map(|row| {
            text.push_str("{}");
            SentItem {
                row,
                key: format!("A-{row}").into(),
                end: text.len(),
            }
        });
        let rows = items.collect();
        Batch::kept(
            &BATCH_CREATE,
            &SentBody {
                rows,
                text,
                ..SentBody::default()
            },
        )
    }

    fn refusal(status: u16, index: Option<usize>) -> ServiceError {
        ServiceError {
            status,
            violations: vec![Violation {
                index,
                ..Violation::default()
            }],
            ..ServiceError::default()
        }
    }

    fn rows_of(batches: &[Batch]) -> Vec<Vec<u32>> {
        let rows = |batch: &Batch| batch.items.iter().map(|item| item.row).collect();
        batches.iter().map(rows).collect()
    }

    #[test]
    fn a_named_row_is_bad_once_the_rest_of_its_batch_was_executed() {
        let (mut splitter, mut limit) = (Splitter::new(), RowLimit::default());
        let named = refusal(400, Some(1));
        let division = splitter.on_rejected(&batch(3), &named, &mut limit).unwrap();
        assert!(division.is_pending && !division.is_spent);
        assert_eq!(division.blamed[0].0, 1);
        assert_eq!(rows_of(&division.again), [[0, 2]]);
        splitter.on_executed(&division.again[0], &mut limit);
        assert_eq!(splitter.confirm(&division.again[0]), [1]);
        assert_eq!(splitter.confirm(&division.again[0]), [0; 0]);
        assert_eq!(splitter.divided(), 1);
    }

    #[test]
    fn a_named_row_is_sent_again_if_the_rest_is_rejected_too() {
        let (mut splitter, mut limit) = (Splitter::new(), RowLimit::default());
        let named = refusal(400, Some(1));
        let mut rest = splitter.on_rejected(&batch(2), &named, &mut limit).unwrap().again;
        let nameless = refusal(400, None);
        let division = splitter
            .on_rejected(&rest.remove(0), &nameless, &mut limit)
            .unwrap();
        assert_eq!(division.taken_back, 1);
        assert!(rows_of(&division.again).contains(&vec![1]));
    }

    #[test]
    fn a_project_is_missing_if_no_row_is_found() {
        let (mut splitter, mut limit) = (Splitter::new(), RowLimit::default());
        let missing = refusal(404, None);
        let mut is_missing = || splitter.on_rejected(&batch(1), &missing, &mut limit).is_none();
        assert_eq!([is_missing(), is_missing(), is_missing()], [false, false, true]);
        splitter.on_executed(&batch(1), &mut limit);
        assert!(splitter.on_rejected(&batch(1), &missing, &mut limit).is_some());
    }

    #[test]
    fn the_search_for_bad_rows_ends() {
        let (mut splitter, mut limit) = (Splitter::new(), RowLimit::default());
        let named = refusal(400, Some(0));
        let spent = (0..=SPLITS).map(|_| {
            let division = splitter.on_rejected(&batch(2), &named, &mut limit).unwrap();
            division.is_spent
        });
        assert_eq!(spent.filter(|spent| *spent).count(), 1);
    }

    #[test]
    fn a_request_that_is_too_large_is_sent_in_parts() {
        let (mut splitter, mut limit) = (Splitter::new(), RowLimit::default());
        let too_large = refusal(413, None);
        let division = splitter.on_rejected(&batch(4), &too_large, &mut limit).unwrap();
        assert_eq!(division.size, Size::TooLarge);
        let most = limit.most();
        assert!(most < 4);
        let parts = splitter.cut(division.again[0].clone(), &limit).unwrap_err();
        assert_eq!(parts.batches[0].items.len(), most);
        assert!(parts.batches[1].remainder);
    }
}
