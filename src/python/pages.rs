//! A list of assets, page by page, for Python.

use std::sync::Arc;

use pyo3::prelude::*;
use tokio::sync::Mutex;

use super::operation::{Ended, Operation};
use crate::batch::activity::{Activity, CurrentActivity};
use crate::columns;
use crate::http::{Counters, Stop};
use crate::ledger::SharedLedger;
use crate::listing::Stream;

/// A list of assets that is read page by page.
#[pyclass(frozen, module = "acc_assets._core")]
pub struct Pages {
    stream: Arc<Mutex<Stream>>,
    counters: Arc<Counters>,
}

impl Pages {
    pub fn new(stream: Stream, counters: Arc<Counters>) -> Self {
        Self {
            stream: Arc::new(Mutex::new(stream)),
            counters,
        }
    }
}

#[pymethods]
impl Pages {
    /// Plans the read of the next page. The operation's table has no rows at the end of the list.
    fn next(&self) -> Operation {
        let (stream, stop) = (self.stream.clone(), Stop::default());
        let stopping = stop.clone();
        let work = Box::pin(async move {
            let mut table = columns::Table::default();
            match stream.lock().await.next(&stopping).await {
                Ok(page) => {
                    if let Some(page) = page {
                        table.add(page, 0..);
                    }
                    Ended {
                        table: Some(table),
                        ..Ended::default()
                    }
                }
                Err(error) => Ended {
                    error: Some(error),
                    ..Ended::default()
                },
            }
        });
        Operation::new(
            work,
            SharedLedger::default(),
            stop,
            None,
            Arc::default(),
            CurrentActivity::new(Activity::Reading, self.counters.clone()),
        )
    }
}
