//! Counts assets.

use futures_util::future::try_join_all;

use crate::api::filters::Checks;
use crate::api::{Call, Query, unreadable};
use crate::call::Session;
use crate::columns::printed_time;
use crate::error::Error;
use crate::http::no_observer;

use super::drive::PER_PAGE;
use super::query::{ATTRIBUTES, DELETED, ListRequest, UPDATED};
use super::stream::Stream;

/// Values that no asset has.
const NO_CATEGORY: &str = "0";
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";
const NO_TEXT: &str = "c1b7e4d2-58a3-4f06-9d6b-2e7f90a5c813";
const NO_NUMBER: &str = "-987654321.123457";
const NO_DATE: &str = "1000-01-01";

/// A list that shows whether the service applies a filter.
struct Probe {
    filter: String,
    query: Query,
    /// Whether no asset can match.
    is_empty: bool,
}

/// Counts the assets that a list with the parameters of `call` would have. If the service reports the number,
/// this takes one request, and one or two more for each filter if more than a page of assets match.
///
/// # Errors
/// If a request fails, a filter was ignored, or the filters are too long.
pub async fn count(session: Session, call: Call) -> Result<u64, Error> {
    let asked = ListRequest::of(&call)?;
    // An asset may match several lists of a long filter, so their numbers cannot be added.
    if let Some(query) = asked.single(asked.deleted) {
        let filtered = Call {
            query,
            ..call.clone()
        };
        // A filter that the service ignored shows in the rows.
        let rows = if filters(&filtered).is_empty() {
            1
        } else {
            PER_PAGE
        };
        let checks = Checks::of(&filtered);
        let turned = session
            .turn_to(filtered.clone(), None, rows, &checks, &no_observer)
            .await?;
        if let Some(total) = turned.next.total {
            let is_certain = if turned.next.more {
                // The first rows may match by chance.
                applies_filters(&session, &filtered).await?
            } else {
                total == turned.ids.len() as u64
            };
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

/// Returns the names of the filters of a call, without duplicates.
fn filters(call: &Call) -> Vec<&str> {
    let names = call.query.iter().map(|(name, _)| name.as_str());
    let mut names: Vec<&str> = names.filter(|name| name.starts_with("filter[")).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns whether the service applies every filter of a call, and counts only what matches: with a value that no
/// asset has, it must count none.
///
/// # Errors
/// If a request fails, or a filter was ignored.
async fn applies_filters(session: &Session, call: &Call) -> Result<bool, Error> {
    let mut probes = Vec::new();
    for filter in filters(call) {
        match probes_of(call, filter) {
            Some(of_filter) => probes.extend(of_filter),
            None => return Ok(false),
        }
    }
    let applied = try_join_all(probes.into_iter().map(|probe| is_applied(session, call, probe))).await?;
    Ok(applied.into_iter().all(|applied| applied))
}

async fn is_applied(session: &Session, call: &Call, probe: Probe) -> Result<bool, Error> {
    let Probe {
        filter,
        query,
        is_empty,
    } = probe;
    let call = Call {
        query,
        ..call.clone()
    };
    let checks = Checks::of(&call);
    let turned = match session.turn_to(call, None, 1, &checks, &no_observer).await {
        // The service may reject the value.
        Err(Error::Service(_)) => return Ok(false),
        turned => turned?,
    };
    let rows = turned.ids.len();
    if is_empty && rows > 0 {
        let message = format!(
            "the service ignored `{filter}`: it lists assets for a value that no asset has; try again, and omit the \
                filter if this persists"
        );
        return Err(unreadable(&turned.response, message));
    }
    // Rows that can match were checked.
    Ok(turned.next.total == Some(0) || !is_empty && rows > 0)
}

/// Returns lists that show whether the service applies a filter, or `None` if there are none.
fn probes_of(call: &Call, filter: &str) -> Option<Vec<Probe>> {
    let probe = |pairs: &[(&str, &str)], is_empty| {
        let others = call
            .query
            .iter()
            .filter(|(name, _)| name == ATTRIBUTES || name == DELETED);
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Probe {
            filter: filter.to_owned(),
            query: others.cloned().chain(pairs).collect(),
            is_empty,
        }
    };
    let none = |value: &str| Some(vec![probe(&[(filter, value)], true)]);
    let never = format!("{0}..{0}", printed_time(0));
    if let Some(attribute) = filter.strip_prefix("filter[customAttributes][") {
        let project = call.project.as_ref()?;
        return match project.data_type(attribute.strip_suffix(']')?)? {
            "text" => none(NO_TEXT),
            "numeric" => none(NO_NUMBER),
            "date" => none(NO_DATE),
            "select" | "multi_select" => none(NO_ID),
            "boolean" => {
                let mut values = call.query.iter().filter(|(name, _)| name == filter);
                let value = values.next().map(|(_, value)| value.as_str())?;
                // Every other value is also one that assets have.
                let other = if value == "true" { "false" } else { "true" };
                let is_single = values.next().is_none();
                is_single.then(|| {
                    vec![
                        probe(&[(filter, other)], false),
                        probe(&[(filter, value), (UPDATED, &never)], true),
                    ]
                })
            }
            _ => None,
        };
    }
    match filter {
        "filter[categoryId]" => none(NO_CATEGORY),
        "filter[statusId]" | "filter[locationId]" => none(NO_ID),
        "filter[searchText]" => none(NO_TEXT),
        UPDATED => none(&never),
        _ => None,
    }
}
