//! Reads which entry of a response belongs to which row of its request.

use std::ops::Range;

use crate::api::{Done, Paired, unreadable};
use crate::columns::{Page, TooWide};
use crate::error::Error;
use crate::http::Response;
use crate::run::batch::Batch;

/// A successful response to a batch.
pub(super) struct PairedResponse {
    pub response: Response,
    /// The result for each row. Only reads are paired on arrival, because an unreadable response to a read is
    /// retried.
    pub paired: Option<Vec<Paired<'static>>>,
    /// The entries of a read.
    pub page: Option<Box<Page>>,
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
pub(super) fn page_of(body: &[u8], entries: impl Iterator<Item = Range<usize>>) -> Result<Page, TooWide> {
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
