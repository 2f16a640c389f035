//! One page of a list whose rows have ids.

use std::collections::HashSet;

use super::Session;
use crate::api::filters::Checks;
use crate::api::{Call, Next};
use crate::columns::Received;
use crate::error::Error;
use crate::http::{Observer, Response};

use super::pages::received;

/// A page of a list, and where the next one starts.
#[derive(Debug)]
pub struct Turned {
    pub response: Response,
    pub received: Received,
    /// The digest of the id of each row.
    pub ids: Vec<u64>,
    pub next: Next,
}

/// Rows of a page that may all have the same id. A service may repeat a single row.
const MOST_EQUAL: usize = 2;

impl Session {
    /// Reads the page of a list that starts at this cursor, if one is given, with at most `limit` rows. The number
    /// beside the cursor is that of the rows on the pages before. Calls `observer` at each stage of each request.
    ///
    /// # Errors
    /// If the page cannot be read, its rows do not match the checks, or they have no ids that tell them apart.
    pub async fn turn_to(
        &self,
        call: Call,
        place: Option<(&str, u64)>,
        limit: u32,
        checks: &Checks,
        observer: Observer<'_>,
    ) -> Result<Turned, Error> {
        let endpoint = call.endpoint;
        let mut call = call;
        let paging = endpoint.paging().with_limit(limit);
        let (cursor, before) = place.unzip();
        paging.turn_to(&mut call.query, cursor);
        let read = |response: Response| {
            let (response, received) = received(endpoint, checks, response)?;
            let ids: Option<Vec<u64>> = received.rows.iter().map(|(_, id)| *id).collect();
            let is_equal = |ids: &Vec<u64>| ids.len() > MOST_EQUAL && ids.iter().all(|id| *id == ids[0]);
            let ids = ids
                .filter(|ids| !is_equal(ids))
                .ok_or_else(|| endpoint.unreadable(&response, "its rows have no ids, or all the same id"))?;
            let within = paging.within().and_then(|within| received.member(within));
            // A row may be repeated, and counts once.
            let distinct = ids.iter().collect::<HashSet<_>>().len() as u64;
            let next = paging.next(within, ids.len(), before.unwrap_or(0) + distinct);
            let next = next.map_err(|reason| endpoint.unreadable(&response, &reason))?;
            Ok((response, received, ids, next))
        };
        let outcome = self.call(&call, observer, &read).await;
        let (response, received, ids, next) = outcome.result?;
        Ok(Turned {
            response,
            received,
            ids,
            next,
        })
    }
}
