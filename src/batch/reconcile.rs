//! Requests whose answer was lost: what the project shows of them afterwards.
//!
//! A batch is all or nothing (tutorial "Manage assets"), so it is settled as a whole: one row that is there for
//! certain proves all of them. Nothing is guessed: what the project does not tell stays in doubt.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use tokio::time::Instant;

use crate::api::{Found, Lookup};
use crate::batch::plan::Batch;
use crate::http::{By, Moment};
use crate::model::text::same_key;
use crate::validation::ImportKey;

/// A request whose answer was lost.
pub struct Doubt {
    pub batch: Batch,
    /// Its number in the ledger.
    pub sending: u32,
    /// When its bytes left, and when it was given up.
    pub left: Moment,
    pub ended: Moment,
    /// An earlier call took these times down; this machine's clock may have been set since.
    pub earlier: bool,
    /// The service said that it was executed, but not which new asset is which row.
    pub executed: bool,
    /// The service left these rows out, which is how it refuses; the text says why it may have.
    pub left_out: Option<&'static str>,
    /// When it is looked for next, and from when on it counts that nothing of it is there.
    pub due: Instant,
    pub settled: Instant,
    /// When the last look for it began. What a response shows may be as old as that.
    pub looked: Instant,
    /// How often it was looked for.
    pub rounds: u32,
    /// Whether nothing of it was there last time.
    pub missed: bool,
}

/// What the project shows of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It was executed. For each row the entry that is its asset, where that is certain.
    Executed(Vec<Option<usize>>),
    /// Nothing of it is there.
    Absent,
    /// It is unclear; the text says why.
    Unclear(&'static str),
}

/// The times when an asset of a request can have been created, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// Not before this.
    earliest: i64,
    /// From here on it may well be; between the two only if the clocks are wrong.
    likely: i64,
    /// After this it was somebody else.
    latest: i64,
}

/// The clocks of the service's own machines may differ by this (milliseconds), and hardly by this.
const SKEW: i64 = 1000;
const LIKELY_SKEW: i64 = 200;

/// The service's machines need not agree to the second on when an asset was changed (milliseconds).
const EARLIER: i64 = 5000;

/// What is known of the time is exact as long as it is not further apart than this (milliseconds).
const EXACT: i64 = 10_000;

/// A request is executed, if at all, no longer than this after it was given up (milliseconds).
const LATE: i64 = 600_000;

/// The gateway's clock, and a wrong one at that, is hardly further off than this (milliseconds).
const DAY: i64 = 86_400_000;

impl Window {
    fn of(doubt: &Doubt) -> Self {
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
            // Without one answer nobody knows how wrong this machine's clock is.
            By::Local => Self {
                earliest: i64::MIN,
                likely: i64::MAX,
                latest: i64::MAX,
            },
        }
    }

    /// From when on assets are looked at; `None`: from the first.
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

/// A row in doubt.
struct Row {
    doubt: usize,
    at: usize,
    /// Its import key, or else its client asset id, as it was sent.
    key: String,
    /// Its client asset id, as `same_key` compares it.
    client_asset_id: String,
    said: Value,
}

/// From when on assets have to be looked at to see all of these requests; `None`: from the first.
#[must_use]
pub fn since(doubts: &[Doubt]) -> Option<i64> {
    let since = doubts.iter().map(|doubt| Window::of(doubt).since());
    since.min().flatten()
}

/// What the project shows of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// This entry says what the row said, and no other.
    Certain(usize),
    /// This entry alone has its key, but says something else.
    ByKey(usize),
    Ambiguous,
    None,
}

/// Holds requests in doubt against what was found, leaving out ids that belong to other rows. An asset may also be
/// that of a row with the same key that is still on its way: `rivals` are the keys of those. `alike` are import keys, as
/// `same_key` compares them, that rows of the run have in several spellings.
#[must_use]
pub fn compare(
    lookup: &Lookup,
    import_key: Option<&ImportKey>,
    doubts: &[Doubt],
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

/// Rows of one client asset id with the entries that have it: by its exact spelling if each row then has its entry, otherwise
/// all together, since the service may have changed the spelling of some.
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

/// An import key is one row's and one asset's. A deleted asset of earlier has given it back.
///
/// An entry that has the key in another spelling is the row's only if its client asset id agrees too: keys of a user (such as
/// IFC `GlobalId`s) may differ in case alone.
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
                // It may as well be that of a row with the other spelling.
                Trace::Certain(_) if !folds => Trace::Ambiguous,
                trace => trace,
            }
        } else {
            exact
        };
    }
}

/// Rows of one client asset id, told apart by what else they say and by when.
fn trace(
    lookup: &Lookup,
    rows: &[&Row],
    entries: &[usize],
    found: &[Found],
    windows: &[Window],
    traces: &mut [Vec<Trace>],
) {
    let says = |row: &Row, entry: usize| (lookup.says)(&found[entry].entry, &row.said);
    // Twins say the same, but for blanks and case of the key, so it does not matter which entry is whose.
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
        // The first that was sent has the first that was created. One that got the asset of another would leave that one
        // with an asset that is too old for it: it would count as absent, and be sent again.
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

/// One answer for the whole request.
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
        // A batch is all or nothing, so what is there is somebody else's, or the list is not complete.
        (false, true, true) => {
            Shown::Unclear("the project shows some rows of its request and not the others")
        }
        (false, false, true) => Shown::Absent,
        (false, false, false) => Shown::Unclear(
            "the project holds other assets that say the same, or nearly so, and which of them are these rows cannot \
             be told",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::{Proof, assets};
    use crate::ledger::{SentBody, SentItem};

    /// A request of one row, whose bytes left in the second before this time by the service's clock.
    fn doubt(sending: u32, left: i64) -> Doubt {
        let text = json!({"clientAssetId": "P-1", "categoryId": "4"}).to_string();
        let item = SentItem {
            row: sending,
            key: "P-1".into(),
            end: text.len(),
        };
        let moment = |time: i64| Moment {
            local: time,
            earliest: time - 270,
            latest: time,
            by: By::Service,
        };
        Doubt {
            batch: Batch::kept(
                &assets::BATCH_CREATE,
                &SentBody {
                    rows: vec![item],
                    text,
                },
            ),
            sending,
            left: moment(left),
            ended: moment(left + 500),
            earlier: false,
            executed: false,
            left_out: None,
            due: Instant::now(),
            settled: Instant::now(),
            looked: Instant::now(),
            rounds: 0,
            missed: false,
        }
    }

    fn found(id: &str, created: i64) -> Found {
        Found {
            id: id.to_owned(),
            key: "P-1".to_owned(),
            created: Some(created),
            active: true,
            entry: json!({"clientAssetId": "P-1", "categoryId": "4"}),
        }
    }

    fn shown(doubts: &[Doubt], found: &[Found]) -> Vec<Shown> {
        let Proof::InList(lookup) = &assets::BATCH_CREATE.proof else {
            panic!("creates are looked up in a list");
        };
        compare(lookup, None, doubts, found, &HashSet::new(), &[], &HashSet::new())
    }

    #[tokio::test]
    async fn rows_that_say_the_same_get_their_assets_in_the_order_of_time() {
        let [first, second] = [1_791_734_507_162, 1_791_734_508_794];
        let assets = [found("first", first), found("second", second)];
        for assets in [assets.clone(), [assets[1].clone(), assets[0].clone()]] {
            // In whichever order they are looked for.
            for order in [[(1, first), (2, second)], [(2, second), (1, first)]] {
                let doubts = order.map(|(sending, left)| doubt(sending, left));
                let ids = shown(&doubts, &assets).into_iter().map(|shown| match shown {
                    Shown::Executed(entries) => assets[entries[0].unwrap()].id.clone(),
                    other => panic!("{other:?}"),
                });
                let expected = order.map(|(sending, _)| if sending == 1 { "first" } else { "second" });
                assert_eq!(ids.collect::<Vec<_>>(), expected);
            }
        }
    }

    #[tokio::test]
    async fn rows_that_say_the_same_are_certain_together_or_not_at_all() {
        // One asset is from before either request, and hardly that of one with a wrong clock.
        let left = 1_791_734_507_162;
        let doubts = [doubt(1, left), doubt(2, left + 2000)];
        let assets = [found("older", left - 900), found("newer", left + 2000)];
        for shown in shown(&doubts, &assets) {
            assert!(matches!(shown, Shown::Unclear(_)), "{shown:?}");
        }
    }
}
