//! Requests the next page of a stream while the caller works on the last one.

use tokio::task::JoinHandle;

use crate::columns::Page;
use crate::error::{Error, stopped};
use crate::http::{Phase, Stop};

use super::stream::Stream;

/// A stream with at most one page in flight or waiting, which bounds the memory, and the requests that are wasted if
/// the caller stops. Requests nothing before the first page is asked for.
pub struct Prefetch {
    stream: Option<Box<Stream>>,
    reading: Option<Reading>,
}

/// A stream, and its next page.
type Read = (Box<Stream>, Result<Option<Page>, Error>);

/// A read in the background, which may outlast the call that began it. It ends when it is dropped.
struct Reading {
    page: JoinHandle<Read>,
    stop: Stop,
}

impl Reading {
    fn of(mut stream: Box<Stream>) -> Self {
        let stop = Stop::default();
        let stopping = stop.clone();
        let page = tokio::spawn(async move {
            let page = stream.next(&stopping).await;
            (stream, page)
        });
        Self { page, stop }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.page.abort();
    }
}

impl Prefetch {
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self {
            stream: Some(Box::new(stream)),
            reading: None,
        }
    }

    /// Returns the next page that has new assets, or `None` at the end, and begins to read the page after it. If the
    /// future is dropped, a later call returns the same page. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// If the page cannot be read, the list cannot be read whole, or `stop` was reached.
    pub async fn next(&mut self, stop: &Stop) -> Result<Option<Page>, Error> {
        if let Some(stream) = self.stream.take() {
            self.reading = Some(Reading::of(stream));
        }
        // There is neither if an earlier call was stopped.
        let Some(reading) = &mut self.reading else {
            return Err(stopped());
        };
        let stopping = async {
            stop.reached(Phase::Drain).await;
            reading.stop.to(Phase::Drain);
            stop.reached(Phase::Now).await;
        };
        let read = tokio::select! {
            read = &mut reading.page => Some(read),
            () = stopping => None,
        };
        self.reading = None;
        let (stream, page) = match read {
            Some(Ok(read)) => read,
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The read was dropped, or the runtime has ended.
            _ => return Err(stopped()),
        };
        if matches!(page, Ok(Some(_))) && stop.phase() == Phase::Run {
            self.reading = Some(Reading::of(stream));
        } else {
            self.stream = Some(stream);
        }
        page
    }
}
