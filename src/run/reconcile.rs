//! Decides from the project's assets whether a request with a lost response was executed.
//!
//! A batch is all or nothing (tutorial "Manage assets"), so it is settled as a whole. If one row is certainly in the
//! project, all of them are. Nothing is guessed: an uncertain outcome stays unknown.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;

use crate::api::{Found, Lookup};
use crate::http::{By, Moment};
use crate::model::text::same_key;
use crate::rows::ImportKey;
use crate::run::batch::Batch;

/// A request whose response was lost.
pub struct RequestInDoubt {
    pub batch: Batch,
    /// The number of the request in the ledger.
    pub sending: u32,
    /// When the request was sent, and when the client stopped waiting for its response.
    pub left: Moment,
    pub ended: Moment,
    /// Whether these times are from an earlier call. This machine's clock may have been set since.
    pub earlier: bool,
    /// Whether the request was certainly executed, although the assets of these rows are not known yet.
    pub executed: bool,
    /// The possible reason, if the service omitted these rows from its response because it rejected them.
    pub omitted: Option<&'static str>,
    /// When to look up the request next, and the time after which a missing row counts as not executed. Both are times
    /// since the start of the run.
    pub due: Duration,
    pub conclusive_from: Duration,
    /// When the last lookup began. The responses to that lookup may reflect any time since then.
    pub lookup_began: Duration,
    /// The number of lookups.
    pub rounds: u32,
    /// Whether an earlier lookup found none of the rows.
    pub missed: bool,
}

/// The conclusion about whether a request was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Executed. Contains the index of each row's entry, if it could be determined.
    Executed(Vec<Option<usize>>),
    /// The project has none of the request's rows.
    Absent,
    /// Unclear, for this reason.
    Unclear(&'static str),
}

/// The time range in which the assets of a request may have been created, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// The request created no asset before this time.
    earliest: i64,
    /// The probable start of the range. An earlier time is possible only if clocks are wrong.
    likely: i64,
    /// An asset created after this time belongs to another request.
    latest: i64,
}

/// The maximum and the typical difference between the clocks of the service's machines, in milliseconds.
const SKEW: i64 = 1000;
const LIKELY_SKEW: i64 = 200;

/// The maximum difference between the times that the service's machines record for the same change, in milliseconds.
const EARLIER: i64 = 5000;

/// A time counts as exact if its uncertainty is at most this many milliseconds.
const EXACT: i64 = 10_000;

/// If a request is executed after the client gave up on it, this happens within this many milliseconds.
const LATE: i64 = 600_000;

/// The maximum error of a gateway's clock, in milliseconds.
const DAY: i64 = 86_400_000;

impl Window {
    fn of(doubt: &RequestInDoubt) -> Self {
        let Moment {
            earliest, latest, by, ..
        } = doubt.left;
        let exact = latest - earliest <= EXACT;
        let likely = if exact { earliest } else { latest } - LIKELY_SKEW;
        let latest = doubt.ended.latest.saturating_add(LATE);
        match by {
            By::Service => Self {
                earliest: earliest - SKEW,
                likely,
                latest,
            },
            By::Gateway => Self {
                earliest: earliest - DAY,
                likely,
                latest,
            },
            // Without any response, the error of this machine's clock is unknown.
            By::Local => Self {
                earliest: i64::MIN,
                likely: i64::MAX,
                latest: i64::MAX,
            },
        }
    }

    /// Returns the time from which to list assets, or `None` to list all.
    fn since(self) -> Option<i64> {
        (self.earliest > i64::MIN).then(|| self.earliest - EARLIER)
    }

    fn can_hold(self, created: Option<i64>) -> bool {
        created.is_none_or(|created| created >= self.earliest)
    }

    fn may_well_hold(self, created: Option<i64>) -> bool {
        created.is_some_and(|created| (self.likely..=self.latest).contains(&created))
    }
}

/// A row whose outcome is unknown.
struct Row {
    doubt: usize,
    at: usize,
    /// The import key or, without one, the clientAssetId, as sent.
    key: String,
    /// The clientAssetId, normalized by `same_key`.
    client_asset_id: String,
    said: Value,
}

/// Returns the time from which to list assets so that the list covers all of these requests, or `None` to
/// list all.
#[must_use]
pub fn since(doubts: &[RequestInDoubt]) -> Option<i64> {
    let since = doubts.iter().map(|doubt| Window::of(doubt).since());
    since.min().flatten()
}

/// The conclusion about one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// This entry certainly belongs to the row.
    Certain(usize),
    /// Exactly one entry has the row's key, but the entry's values differ.
    ByKey(usize),
    Ambiguous,
    None,
}

/// Returns the places of the rows in a batch, which are their categories.
pub fn places(lookup: &Lookup, batch: &Batch) -> BTreeSet<String> {
    batch
        .sent()
        .iter()
        .filter_map(|sent| (lookup.place)(&serde_json::from_slice(sent.body).ok()?))
        .collect()
}

/// Compares lost requests with the entries found, except those in `claimed`, which belong to other rows.
/// `rivals` contains the keys of other rows whose outcome is unknown: an entry with such a key may belong to
/// one of those rows instead. `alike` contains the normalized import keys that the run spells in more than
/// one way.
#[must_use]
pub fn compare(
    lookup: &Lookup,
    import_key: Option<&ImportKey>,
    doubts: &[RequestInDoubt],
    found: &[Found],
    claimed: &HashSet<String>,
    rivals: &[&str],
    alike: &HashSet<String>,
) -> Vec<Shown> {
    let rivals: HashSet<String> = rivals.iter().map(|key| same_key(key)).collect();
    let mut rows: HashMap<String, Vec<Row>> = HashMap::new();
    for (doubt, sought) in doubts.iter().enumerate() {
        for (at, sent) in sought.batch.sent().into_iter().enumerate() {
            let said: Value = serde_json::from_slice(sent.body).unwrap_or_default();
            let key = match import_key {
                Some(import_key) => import_key.of(&said).unwrap_or_default(),
                None => sent.key,
            }
            .to_owned();
            rows.entry(same_key(&key)).or_default().push(Row {
                doubt,
                at,
                key,
                client_asset_id: same_key(sent.key),
                said,
            });
        }
    }
    let mut entries: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, found) in found.iter().enumerate() {
        let key = same_key(match import_key {
            Some(import_key) => import_key.of(&found.entry).unwrap_or_default(),
            None => &found.key,
        });
        if !claimed.contains(&found.id) && rows.contains_key(&key) {
            entries.entry(key).or_default().push(at);
        }
    }
    let windows: Vec<Window> = doubts.iter().map(Window::of).collect();
    let mut traces: Vec<Vec<Trace>> = doubts
        .iter()
        .map(|doubt| vec![Trace::None; doubt.batch.items.len()])
        .collect();
    for (key, rows) in &rows {
        let entries = entries.get(key).map_or(&[][..], Vec::as_slice);
        if let Some(import_key) = import_key {
            let folds = !alike.contains(key);
            trace_by_import_key(import_key, folds, rows, entries, found, &windows, &mut traces);
        } else {
            for (rows, entries) in by_spelling(rows, entries, found) {
                trace(lookup, &rows, &entries, found, &windows, &mut traces);
            }
            for row in rows.iter().filter(|_| rivals.contains(key)) {
                let trace = &mut traces[row.doubt][row.at];
                if *trace != Trace::None {
                    *trace = Trace::Ambiguous;
                }
            }
        }
    }
    doubts
        .iter()
        .zip(traces)
        .map(|(doubt, traces)| judge(doubt.executed, &traces))
        .collect()
}

/// Groups rows and entries that have the same clientAssetId except for spelling. They are grouped by exact
/// spelling if each group then has as many entries as rows. Otherwise all spellings form one group, since the
/// service may have changed the spelling.
fn by_spelling<'r>(rows: &'r [Row], entries: &[usize], found: &[Found]) -> Vec<(Vec<&'r Row>, Vec<usize>)> {
    let mut groups: BTreeMap<&str, (Vec<&Row>, Vec<usize>)> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.key).or_default().0.push(row);
    }
    for entry in entries {
        groups.entry(&found[*entry].key).or_default().1.push(*entry);
    }
    if groups.values().all(|(rows, entries)| rows.len() == entries.len()) {
        groups.into_values().collect()
    } else {
        vec![(rows.iter().collect(), entries.to_vec())]
    }
}

/// Matches rows by import key, which belongs to one row and one asset. A deleted asset counts only if the
/// request may have created it.
///
/// An entry with another spelling of the key matches only if the clientAssetId matches too. Users' keys, such as IFC
/// `GlobalId`s, may differ only in case.
fn trace_by_import_key(
    import_key: &ImportKey,
    folds: bool,
    rows: &[Row],
    entries: &[usize],
    found: &[Found],
    windows: &[Window],
    traces: &mut [Vec<Trace>],
) {
    let key = |entry: usize| import_key.of(&found[entry].entry).unwrap_or_default();
    let is_of = |row: &Row, fits: &dyn Fn(usize) -> bool, rows: usize| {
        let in_time = |entry: usize| windows[row.doubt].can_hold(found[entry].created);
        let there: Vec<usize> = entries
            .iter()
            .copied()
            .filter(|entry| fits(*entry) && (found[*entry].active || in_time(*entry)))
            .collect();
        match (&there[..], rows) {
            ([], _) => Trace::None,
            ([entry], 1) if in_time(*entry) => Trace::Certain(*entry),
            _ => Trace::Ambiguous,
        }
    };
    for row in rows {
        let same = |other: &&Row| other.key == row.key;
        let exact = is_of(
            row,
            &|entry| key(entry) == row.key,
            rows.iter().filter(same).count(),
        );
        traces[row.doubt][row.at] = if exact == Trace::None {
            let alike = rows
                .iter()
                .filter(|other| other.client_asset_id == row.client_asset_id);
            let fits = |entry: usize| {
                same_key(&found[entry].key) == row.client_asset_id
                    && rows.iter().all(|other| other.key != key(entry))
            };
            match is_of(row, &fits, alike.count()) {
                // The entry may belong to a row with another spelling of the key.
                Trace::Certain(_) if !folds => Trace::Ambiguous,
                trace => trace,
            }
        } else {
            exact
        };
    }
}

/// Uses the other values and the creation time to match rows that share a clientAssetId.
fn trace(
    lookup: &Lookup,
    rows: &[&Row],
    entries: &[usize],
    found: &[Found],
    windows: &[Window],
    traces: &mut [Vec<Trace>],
) {
    let says = |row: &Row, entry: usize| (lookup.says)(&found[entry].entry, &row.said);
    // Twins have the same values and differ at most in the spelling of the key, so any assignment of entries
    // is correct.
    let same = |one: &Row, other: &Row| {
        (lookup.says)(&one.said, &other.said) && (lookup.says)(&other.said, &one.said)
    };
    let mut twins: Vec<Vec<&Row>> = Vec::new();
    for &row in rows {
        match twins.iter_mut().find(|twins| same(twins[0], row)) {
            Some(twins) => twins.push(row),
            None => twins.push(vec![row]),
        }
    }
    for twins in &twins {
        let can_be = |row: &Row, entry: usize| windows[row.doubt].can_hold(found[entry].created);
        let mut fitting: Vec<usize> = entries
            .iter()
            .copied()
            .filter(|entry| twins.iter().any(|row| can_be(row, *entry)))
            .filter(|entry| says(twins[0], *entry))
            .collect();
        let others: Vec<usize> = entries
            .iter()
            .copied()
            .filter(|entry| twins.iter().any(|row| can_be(row, *entry)))
            .filter(|entry| !rows.iter().any(|row| says(row, *entry)))
            .collect();
        let well = |row: &Row, entry: usize| windows[row.doubt].may_well_hold(found[entry].created);
        // Assign assets in order of time. A wrong assignment could leave another row with an asset that is too old
        // for it. That row would count as missing and be resent.
        let mut twins: Vec<&Row> = twins.clone();
        twins.sort_by_key(|row| windows[row.doubt].likely);
        fitting.sort_by_key(|entry| found[*entry].created);
        let all_fit =
            fitting.len() == twins.len() && twins.iter().zip(&fitting).all(|(row, entry)| well(row, *entry));
        for (nth, row) in twins.iter().enumerate() {
            traces[row.doubt][row.at] = if all_fit {
                Trace::Certain(fitting[nth])
            } else if !fitting.is_empty() {
                Trace::Ambiguous
            } else if let ([other], [_]) = (&others[..], rows) {
                if well(row, *other) {
                    Trace::ByKey(*other)
                } else {
                    Trace::Ambiguous
                }
            } else if others.is_empty() {
                Trace::None
            } else {
                Trace::Ambiguous
            };
        }
    }
}

/// Combines the conclusions about all rows in a request.
fn judge(executed: bool, traces: &[Trace]) -> Shown {
    let certain = traces.iter().any(|trace| matches!(trace, Trace::Certain(_)));
    let missing = traces.contains(&Trace::None);
    match (executed, certain, missing) {
        (true, _, _) | (false, true, false) => {
            let entry = |trace: &Trace| match trace {
                Trace::Certain(entry) | Trace::ByKey(entry) => Some(*entry),
                Trace::Ambiguous | Trace::None => None,
            };
            Shown::Executed(traces.iter().map(entry).collect())
        }
        // A batch is all or nothing, so the assets found are from another request, or the list is incomplete.
        (false, true, true) => Shown::Unclear("the project has some rows of its request, but not all"),
        (false, false, true) => Shown::Absent,
        (false, false, false) => Shown::Unclear(
            "the project has other assets with the same or similar values, so the assets of these rows \
                cannot be determined",
        ),
    }
}

#[cfg(test)]
mod tests;
