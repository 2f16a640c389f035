//! Reads what the project shows of rows: those of requests with an unknown outcome, and entries by their ids.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::{Found, Lookup, Paired, Proof, SentRow, Write};
use crate::error::Error;
use crate::http::{By, Moment, Response, RowLimit};
use crate::run::context::Context;
use crate::run::reconcile::{self, RequestInDoubt, places};

/// A time later than any change to an asset (the year 2100, in milliseconds since 1970).
const FUTURE: i64 = 4_102_444_800_000;

/// The result of a lookup.
pub(super) enum Evidence {
    /// Entries in a list, and whether every entry in the list could be parsed.
    List(Vec<Found>, bool),
    /// For each request, the entries of its rows, read by id.
    Rows(Vec<Vec<Option<Value>>>),
}

/// Reads what the project shows of requests with an unknown outcome, all of one endpoint.
pub(super) async fn look_up(
    context: Context,
    mut doubts: Vec<RequestInDoubt>,
) -> (Vec<RequestInDoubt>, Result<Evidence, Error>) {
    let proof = doubts
        .first()
        .map_or(&Proof::Needless, |doubt| &doubt.batch.write.proof);
    let evidence = match proof {
        Proof::InList(lookup) => {
            let places: BTreeSet<String> = doubts
                .iter()
                .flat_map(|doubt| places(lookup, &doubt.batch))
                .collect();
            let places: Vec<String> = places.into_iter().collect();
            by_list(&context, lookup, &mut doubts, &places).await
        }
        Proof::ById { read, query, .. } => by_id(&context, read, query, &doubts).await,
        Proof::Needless => Ok(Evidence::Rows(Vec::new())),
    };
    (doubts, evidence)
}

async fn by_list(
    context: &Context,
    lookup: &Lookup,
    doubts: &mut [RequestInDoubt],
    places: &[String],
) -> Result<Evidence, Error> {
    let clock = context.session.caller.clock();
    if clock.now().by == By::Local {
        // No response has arrived so far. Even a response with an empty page shows the service's time.
        list(context, lookup, Some(FUTURE), &[]).await?;
    }
    for doubt in &mut *doubts {
        for moment in [&mut doubt.left, &mut doubt.ended] {
            let better = clock.better(*moment);
            if !doubt.earlier {
                *moment = better;
            } else if moment.by < By::Gateway && better.by > By::Local {
                *moment = Moment {
                    by: By::Gateway,
                    ..better
                };
            }
        }
    }
    let (found, whole) = list(context, lookup, reconcile::since(doubts), places).await?;
    Ok(Evidence::List(found, whole))
}

/// Reads the entries in a list. Also returns whether it has all entries that the service counts, and every entry could
/// be parsed.
async fn list(
    context: &Context,
    lookup: &Lookup,
    since: Option<i64>,
    places: &[String],
) -> Result<(Vec<Found>, bool), Error> {
    let session = &context.session;
    let call = session.to(lookup.list, &[("project", &context.project.to_string())])?;
    let call = call.with_query((lookup.query)(since, places));
    let at = |stage| context.count(stage);
    // An ignored filter only makes the list longer, since each entry is checked.
    let mut pages = session.pages(call).observed_by(&at).unchecked();
    let mut read: Vec<Option<Found>> = Vec::new();
    let mut is_short = false;
    while let Some(page) = pages.next().await? {
        read.extend(page.texts().map(lookup.read));
        is_short = page.total.is_some_and(|total| total > read.len() as u64);
    }
    let whole = !is_short && read.iter().all(Option::is_some);
    Ok((read.into_iter().flatten().collect(), whole))
}

async fn by_id(
    context: &Context,
    read: &'static Write,
    query: &[(&str, &str)],
    doubts: &[RequestInDoubt],
) -> Result<Evidence, Error> {
    let mut shown = Vec::new();
    for doubt in doubts {
        shown.push(read_by_id(context, read, query, &doubt.batch.sent()).await?);
    }
    Ok(Evidence::Rows(shown))
}

/// Reads the entries with the ids of rows, in as many requests as needed.
pub(super) async fn read_by_id(
    context: &Context,
    read: &'static Write,
    query: &[(&str, &str)],
    sent: &[SentRow<'_>],
) -> Result<Vec<Option<Value>>, Error> {
    let session = &context.session;
    let name = read.endpoint.name;
    let items = read.endpoint.items();
    let at = |stage| context.count(stage);
    let mut entries = Vec::with_capacity(sent.len());
    let mut rest = sent;
    let mut most = items.most;
    while !rest.is_empty() {
        most = most.min(session.caller.row_limit(name, |limit| limit.most()));
        let (sent, later) = rest.split_at(most.min(rest.len()));
        let ids: Vec<String> = sent.iter().map(|row| Value::from(row.key).to_string()).collect();
        let call = session
            .to(&read.endpoint, &[("project", &context.project.to_string())])?
            .with_query(query.iter().copied())
            .with_body(format!("{}{}{}", items.open, ids.join(","), items.close));
        let entries_of = |response: Response| entries_of(read, &response, sent);
        let found = match session.call(&call, &at, &entries_of).await.result {
            Err(Error::Service(refusal)) if [400, 413, 422].contains(&refusal.status) => {
                let rows = sent.len();
                if rows == 1 {
                    session.caller.row_limit(name, RowLimit::forget);
                    return Err(Error::Service(refusal));
                }
                most = if refusal.status == 413 || refusal.says_too_many_rows() {
                    session.caller.row_limit(name, |limit| {
                        limit.refused(rows);
                        limit.most()
                    })
                } else {
                    rows.div_ceil(2)
                };
                continue;
            }
            result => result?,
        };
        session.caller.row_limit(name, |limit| limit.executed(sent.len()));
        rest = later;
        entries.extend(found);
    }
    Ok(entries)
}

/// Returns the entry for each row in the response to a read by ids.
fn entries_of(write: &Write, response: &Response, rows: &[SentRow<'_>]) -> Result<Vec<Option<Value>>, Error> {
    let cannot = |reason: String| write.endpoint.unreadable(response, &reason);
    let paired = (write.pair)(&response.body, rows, true).map_err(cannot)?;
    if shows_others(write, &response.body, rows) {
        let noun = write.row.noun();
        return Err(cannot(format!("it contains {noun}s that were not requested")));
    }
    let entry = |paired| match paired {
        Paired::Named {
            entry: Some(range), ..
        } => serde_json::from_slice(response.body.get(range)?).ok(),
        _ => None,
    };
    Ok(paired.into_iter().map(entry).collect())
}

/// Returns whether a response has entries that were not requested. If so, missing entries prove nothing.
fn shows_others(write: &Write, body: &[u8], rows: &[SentRow<'_>]) -> bool {
    let asked = |entry: &RawValue| {
        let entry: Option<Value> = serde_json::from_str(entry.get()).ok();
        let id = entry.as_ref().and_then(|entry| entry.get("id")?.as_str());
        id.is_some_and(|id| rows.iter().any(|row| row.key.eq_ignore_ascii_case(id)))
    };
    let entries = write.endpoint.rows(body);
    !entries.is_ok_and(|entries| entries.into_iter().all(asked))
}
