//! A list of assets, page by page, for Python.

use std::sync::Arc;

use pyo3::prelude::*;
use tokio::sync::Mutex;

use super::errors::exception;
use super::operation::{CallEnd, Operation};
use crate::columns;
use crate::error::Error;
use crate::http::{Counters, Stop};
use crate::listing::{Prefetch, Stream};
use crate::run::activity::{Activity, CurrentActivity};

/// A list of assets that is read page by page.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Pages {
    prefetch: Arc<Mutex<Prefetch>>,
    counters: Arc<Counters>,
    process: u32,
}

impl Pages {
    pub fn new(stream: Stream, counters: Arc<Counters>) -> Self {
        Self {
            prefetch: Arc::new(Mutex::new(Prefetch::new(stream))),
            counters,
            process: std::process::id(),
        }
    }
}

#[pymethods]
impl Pages {
    /// Plans the read of the next page. The operation's table has no rows at the end of the list.
    fn next(&self, py: Python<'_>) -> PyResult<Operation> {
        if std::process::id() != self.process {
            // The next page would never arrive, because the other process reads it.
            let text = "this iterator was created in another process; call iter again in this one";
            return Err(exception(py, &Error::Option(text.to_owned())));
        }
        let (prefetch, stop) = (self.prefetch.clone(), Stop::default());
        let stopping = stop.clone();
        let work = Box::pin(async move {
            let mut table = columns::Table::default();
            match prefetch.lock().await.next(&stopping).await {
                Ok(page) => {
                    let goes_on = page.is_some();
                    if let Some(page) = page {
                        table.add(page, 0..);
                    }
                    CallEnd {
                        table: Some(table),
                        goes_on,
                        ..CallEnd::default()
                    }
                }
                Err(error) => CallEnd {
                    error: Some(error),
                    goes_on: true,
                    ..CallEnd::default()
                },
            }
        });
        let activity = CurrentActivity::new(Activity::Reading, self.counters.clone());
        Ok(Operation::without_rows(work, stop, activity))
    }
}
