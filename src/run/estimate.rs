//! Estimates the requests, bytes and minutes of a write, from batches that are only counted.

use std::collections::BTreeMap;

use crate::api::Write;
use crate::ledger::{Estimate, Ledger, number};
use crate::options::Limits;
use crate::run::batch::{Batch, may_be_sent};

/// The rows of batches that are not sent, in order.
#[derive(Default)]
pub(super) struct Counted(Vec<CountedRow>);

struct CountedRow {
    write: &'static Write,
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
            write: batch.write,
            row,
            bytes: number(bytes),
            request,
        }));
    }

    /// Estimates what these rows take at these rate limits. `usual` is the write whose rate limit is shown if there are no
    /// rows.
    ///
    /// Rows that turned out to be invalid after they were packed are not counted.
    pub fn estimate(&self, usual: &'static Write, limits: &Limits, ledger: &Ledger) -> Estimate {
        let mut estimate = Estimate::default();
        // The endpoints of a group share a limit, and requests of several groups are sent at the same time.
        let mut groups = BTreeMap::from([(usual.endpoint.group.name, (usual, 0_u64))]);
        let mut request = 0;
        for counted in &self.0 {
            if !may_be_sent(ledger, counted.row) {
                continue;
            }
            let items = counted.write.endpoint.items();
            let frame = items.open.len() + items.close.len();
            estimate.rows += 1;
            // A comma separates two rows.
            let around = if counted.request == request { 1 } else { frame };
            if counted.request != request {
                estimate.requests += 1;
                let group = groups.entry(counted.write.endpoint.group.name);
                group.or_insert((counted.write, 0)).1 += 1;
            }
            estimate.bytes += u64::from(counted.bytes) + around as u64;
            request = counted.request;
        }
        let window = limits.window.as_secs_f64() / 60.0;
        for (write, requests) in groups.into_values() {
            let limit = f64::from(limits.of(write.endpoint.group));
            #[allow(clippy::cast_precision_loss)] // A run has far fewer than 2^52 requests.
            let windows = (requests as f64 / limit).ceil() - 1.0;
            let minutes = windows.max(0.0) * window;
            if minutes > estimate.minutes || estimate.per_minute == 0.0 {
                (estimate.minutes, estimate.per_minute) = (minutes, limit / window);
            }
        }
        estimate
    }
}
