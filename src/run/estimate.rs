//! Estimates the requests, bytes and minutes of a write, from batches that are only counted.

use crate::api::Write;
use crate::ledger::{Ledger, Plan, number};
use crate::options::Limits;
use crate::run::batch::{Batch, may_be_sent};

/// The rows of batches that are not sent, in order.
#[derive(Default)]
pub(super) struct Counted(Vec<CountedRow>);

struct CountedRow {
    row: u32,
    bytes: u32,
    /// The number of its request, from 1.
    request: u32,
}

impl Counted {
    /// Counts a batch.
    pub fn add(&mut self, batch: &Batch) {
        let request = self.0.last().map_or(0, |last| last.request) + 1;
        self.0.extend(batch.row_bytes().map(|(row, bytes)| CountedRow {
            row,
            bytes: number(bytes),
            request,
        }));
    }

    /// Estimates what these rows take at these rate limits.
    ///
    /// Rows that turned out to be invalid after they were packed are not counted.
    pub fn estimate(&self, write: &Write, limits: &Limits, ledger: &Ledger) -> Plan {
        let items = write.endpoint.items();
        let frame = items.open.len() + items.close.len();
        let mut plan = Plan::default();
        let mut request = 0;
        for counted in &self.0 {
            if !may_be_sent(ledger, counted.row) {
                continue;
            }
            plan.rows += 1;
            // A comma separates two rows.
            let around = if counted.request == request { 1 } else { frame };
            plan.requests += u64::from(counted.request != request);
            plan.bytes += u64::from(counted.bytes) + around as u64;
            request = counted.request;
        }
        let limit = f64::from(limits.of(write.endpoint.group));
        let window = limits.window.as_secs_f64() / 60.0;
        #[allow(clippy::cast_precision_loss)] // A run has far fewer than 2^52 requests.
        let windows = (plan.requests as f64 / limit).ceil() - 1.0;
        plan.minutes = windows.max(0.0) * window;
        plan.per_minute = limit / window;
        plan
    }
}
