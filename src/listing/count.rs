//! Counts assets.

use crate::api::Call;
use crate::api::filters::Checks;
use crate::call::Session;
use crate::error::Error;
use crate::http::untold;

use super::drive::PER_PAGE;
use super::query::{Asked, checkable};
use super::stream::Stream;

/// Counts the assets that a list with the parameters of `call` would have. If the service reports the number,
/// this takes one request, and a second one for filters that match more than a page.
///
/// # Errors
/// If a request fails, or the filters are too long.
pub async fn count(session: Session, call: Call) -> Result<u64, Error> {
    let asked = Asked::of(&call.query)?;
    // An asset may match several lists of a long filter, so their numbers cannot be added.
    if asked.lists.len() == 1 {
        // A filter that the service ignored shows in the rows.
        let rows = if asked.is_filtered() { PER_PAGE } else { 1 };
        let checked = Call {
            query: checkable(call.query.clone()),
            ..call.clone()
        };
        let checks = Checks::of(call.endpoint, &checked.query);
        let turned = session.turn_to(checked, None, rows, &checks, &untold).await?;
        let read = turned.ids.len() as u64;
        if let Some(total) = turned.next.total.filter(|total| *total >= read) {
            // If the first rows match by chance, the service may still have ignored the filter.
            let is_certain = !asked.is_filtered() || total <= read || total < all(&session, &call).await?;
            if is_certain {
                session.counters.note_page(total, total);
                return Ok(total);
            }
        }
    }
    let stop = session.stop.clone();
    let mut stream = Stream::new(session, call, PER_PAGE)?;
    let mut rows = 0;
    while let Some(page) = stream.next(&stop).await? {
        rows += page.rows() as u64;
    }
    Ok(rows)
}

/// Returns the number of all assets, or 0 if the service does not report it.
async fn all(session: &Session, call: &Call) -> Result<u64, Error> {
    let all = Call {
        query: Asked::changes(None),
        ..call.clone()
    };
    let checks = Checks::default();
    let turned = session.turn_to(all, None, 1, &checks, &untold).await?;
    Ok(turned.next.total.unwrap_or(0))
}
