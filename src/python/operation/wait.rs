//! Waits for a call in the caller's thread, and lets Python handle signals and show progress meanwhile.

use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::end::CallEnd;
use super::state::CallState;
use crate::http::Phase;
use crate::python::logs;
use crate::run::drive::GRACE;
use crate::run::progress::Progress;

/// How often a waiting thread checks for signals, so that Ctrl-C takes effect within a tenth of a second.
const TICK: Duration = Duration::from_millis(50);

/// The number of ticks between calls of the progress callback.
const TICKS_PER_REPORT: u32 = 5;

/// The arguments of the progress callback: rows that were settled, checked or read, all rows if known, requests,
/// lookups (included in requests), and the current activity.
pub type Report = (usize, Option<usize>, u64, u64, &'static str);

/// Returns progress as the arguments of the progress callback.
pub fn report(progress: Progress) -> Report {
    let Progress {
        counts,
        all,
        activity,
    } = progress;
    (
        counts.rows,
        all,
        counts.requests,
        counts.lookups,
        activity.as_str(),
    )
}

/// The functions to call while waiting.
#[derive(Clone, Copy)]
pub struct Callbacks<'c> {
    pub progress: Option<&'c Py<PyAny>>,
    /// Called once if the call must stop but is still waiting for responses.
    pub stopping: &'c Py<PyAny>,
}

/// Waits until the work has ended, without the GIL. Returns whether the call was interrupted.
pub async fn wait(mut work: JoinHandle<CallEnd>, shared: &CallState, callbacks: Callbacks<'_>) -> bool {
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count: u32 = 0;
    // When the call ends without the responses that it waits for.
    let mut deadline: Option<Instant> = None;
    let mut is_reported = false;
    let end = loop {
        tokio::select! {
            biased;
            joined = &mut work => break CallEnd::of_task(joined),
            _ = ticks.tick() => {}
        }
        count = count.wrapping_add(1);
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            shared.stop.to(Phase::Now);
        }
        if deadline.is_none() && shared.is_interrupted_in_source() {
            deadline = Some(Instant::now() + GRACE);
        }
        let call = || {
            Python::try_attach(|py| {
                py.check_signals()?;
                match callbacks.progress {
                    // Once the run is stopping, the progress callback is not called again. The wait for responses ends
                    // after the grace period, or with another Ctrl-C.
                    _ if deadline.is_some() && !is_reported => {
                        is_reported = true;
                        callbacks.stopping.call0(py).map(drop)
                    }
                    Some(progress) if deadline.is_none() && count.is_multiple_of(TICKS_PER_REPORT) => {
                        progress.call1(py, report(shared.progress())).map(drop)
                    }
                    _ => Ok(()),
                }
            })
        };
        let Some(called) = block_in_place(call) else {
            // Python is shutting down, so this thread has nothing to return to.
            std::future::pending().await
        };
        if let Err(raised) = called {
            shared.interrupt(raised);
            match deadline {
                None => deadline = Some(Instant::now() + GRACE),
                Some(_) => shared.stop.to(Phase::Now),
            }
        }
    };
    shared.end(end);
    // Write the log records of the caller's thread before it gets the result.
    logs::flush();
    deadline.is_some()
}

/// Waits in this thread for the work of a call.
pub fn block_on(
    py: Python<'_>,
    runtime: &Handle,
    work: JoinHandle<CallEnd>,
    shared: &CallState,
    callbacks: Callbacks<'_>,
) -> bool {
    let is_interrupted = py.detach(|| runtime.block_on(wait(work, shared, callbacks)));
    // Handle a late Ctrl-C here, too. If it were raised later, the caller would lose the ledger.
    let last = py.check_signals().and_then(|()| match callbacks.progress {
        Some(progress) if !is_interrupted => progress.call1(py, report(shared.progress())).map(drop),
        _ => Ok(()),
    });
    if let Err(raised) = last {
        shared.interrupt(raised);
    }
    is_interrupted
}
