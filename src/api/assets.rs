//! The Assets API, version 2: four bulk endpoints and one list endpoint.
//!
//! Paths, methods, bodies and statuses come from the reference page named in each entry. The limit of 100 assets
//! per request is from the tutorial "Manage assets"; the rate groups are from the page "Assets rate limits".

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Absent, Concerns, Done, Endpoint, Found, Items, Lookup, Now, Paging, Paired, Path, Proof, Query,
    RequestBody, ResponseBody, RowShape, Rows, SentRow, Write,
};
use crate::api::filters::{Filter, Shows};
use crate::http::send::Method;
use crate::http::{Auth, Replay};
use crate::model::asset::{identities, identity, keyed, list, range_in};
use crate::model::text::same_key;
use crate::model::value;
use crate::options::RateGroup;

/// The rate group for reading assets and settings.
pub const READS: RateGroup = RateGroup {
    name: "assets_read",
    requests: 1000,
};

/// The rate group for writing assets and settings.
pub const WRITES: RateGroup = RateGroup {
    name: "assets_write",
    requests: 100,
};

/// Describes a bulk endpoint with JSON requests and responses and without a region header.
const fn bulk(
    name: &'static str,
    method: Method,
    path: &'static str,
    group: &'static RateGroup,
    replay: Replay,
    [open, close]: [&'static str; 2],
    response: ResponseBody,
) -> Endpoint {
    Endpoint {
        name,
        method,
        path: Path::new(path),
        group,
        region_header: None,
        auth: Auth::Bearer,
        replay,
        body: RequestBody::Items(Items {
            open,
            close,
            most: 100,
        }),
        response,
    }
}

const RESULTS: ResponseBody = ResponseBody::Rows(Rows {
    member: Some("results"),
    paging: Paging::One,
    filters: &[],
});

/// POST assets:batch-create: a bare array; 201 with `results`. The service assigns the ids and has no idempotency
/// key, so repeating a create makes duplicates.
pub const BATCH_CREATE: Write = Write {
    endpoint: bulk(
        "assets:batch-create",
        Method::Post,
        "/{prefix}/assets/v2/projects/{project}/assets:batch-create",
        &WRITES,
        Replay::Never,
        ["[", "]"],
        RESULTS,
    ),
    row: RowShape::NewAsset,
    success: 201,
    done: Done::Created,
    absent: Absent::InDoubt,
    forbidden: Concerns::Run,
    not_found: Concerns::Run,
    pair: pair_created,
    differing: None,
    proof: Proof::InList(&NEW_ASSETS),
};

/// PATCH assets:batch-patch: an object keyed by asset id, in both request and response.
pub const BATCH_PATCH: Write = Write {
    endpoint: bulk(
        "assets:batch-patch",
        Method::Patch,
        "/{prefix}/assets/v2/projects/{project}/assets:batch-patch",
        &WRITES,
        Replay::Safe,
        ["{", "}"],
        ResponseBody::One,
    ),
    row: RowShape::AssetPatch,
    success: 200,
    done: Done::Updated,
    absent: Absent::InDoubt,
    forbidden: Concerns::Run,
    not_found: Concerns::Rows,
    pair: pair_patched,
    differing: Some(differing),
    proof: Proof::ById {
        read: &BATCH_GET,
        query: WHOLE,
        now: patched_now,
    },
};

/// POST assets:batch-get: `ids`; `results` omits unknown ids.
pub const BATCH_GET: Write = Write {
    endpoint: bulk(
        "assets:batch-get",
        Method::Post,
        "/{prefix}/assets/v2/projects/{project}/assets:batch-get",
        &READS,
        Replay::Safe,
        ["{\"ids\":[", "]}"],
        RESULTS,
    ),
    row: RowShape::Id,
    success: 200,
    done: Done::Read,
    absent: Absent::Refused("the service has no asset with this id"),
    forbidden: Concerns::Run,
    not_found: Concerns::Run,
    pair: pair_got,
    differing: None,
    proof: Proof::Needless,
};

/// Query parameters that include all fields and deleted assets.
const WHOLE: &[(&str, &str)] = &[("includeCustomAttributes", "true"), ("includeDeleted", "true")];

/// POST assets:batch-delete: `ids`; 204 without a body.
pub const BATCH_DELETE: Write = Write {
    endpoint: bulk(
        "assets:batch-delete",
        Method::Post,
        "/{prefix}/assets/v2/projects/{project}/assets:batch-delete",
        &WRITES,
        Replay::Safe,
        ["{\"ids\":[", "]}"],
        ResponseBody::None,
    ),
    row: RowShape::Id,
    success: 204,
    done: Done::Deleted,
    absent: Absent::InDoubt,
    forbidden: Concerns::Run,
    not_found: Concerns::Rows,
    pair: pair_deleted,
    differing: None,
    proof: Proof::ById {
        read: &BATCH_GET,
        query: WHOLE,
        now: deleted_now,
    },
};

/// GET assets: cursor pagination with at most 200 assets per page.
pub const LIST: Endpoint = Endpoint {
    name: "assets",
    method: Method::Get,
    path: Path::new("/{prefix}/assets/v2/projects/{project}/assets"),
    group: &READS,
    region_header: None,
    auth: Auth::Bearer,
    replay: Replay::Safe,
    body: RequestBody::None,
    response: ResponseBody::Rows(Rows {
        member: Some("results"),
        paging: Paging::Token {
            within: "pagination",
            name: "cursorState",
            limit: Some(200),
        },
        filters: FILTERS,
    }),
};

/// The filters documented on the "GET assets" reference page that can be checked against an asset.
/// `filter[statusLabel]` and `filter[searchText]` cannot be checked.
const FILTERS: &[Filter] = &[
    Filter::new("filter[categoryId]", "categoryId", Shows::OneOf),
    Filter::new("filter[statusId]", "statusId", Shows::OneOf),
    Filter::new(
        "filter[locationId]",
        "locationId",
        Shows::Location("includeSubLocations"),
    ),
    Filter::new("filter[updatedAt]", "updatedAt", Shows::Time),
    Filter::new("filter[customAttributes]", "customAttributes", Shows::Attributes),
    Filter::new("includeDeleted", "isActive", Shows::Unless(false)),
];

/// After a lost response, new assets are looked up among recent changes in their categories.
const NEW_ASSETS: Lookup = Lookup {
    list: &LIST,
    query: changed_since,
    whole,
    place: |sent| sent.get("categoryId")?.as_str().map(str::to_owned),
    read: found,
    says,
    by_id: (&BATCH_GET, WHOLE),
};

/// The maximum number of categories to filter by. More would make the URL too long, so the list is then not
/// filtered by category.
const MOST_CATEGORIES: usize = 50;

/// Lists the oldest assets first, so that assets created concurrently are appended and no page shifts.
/// Includes deleted assets, because a row that was created and then deleted was still created.
fn changed_since(time: Option<i64>, categories: &[String]) -> Query {
    let mut query = whole();
    query.push(("sort".to_owned(), "createdAt asc".to_owned()));
    query.push(("includeDeleted".to_owned(), "true".to_owned()));
    if let Some(time) = time.and_then(|time| Timestamp::from_millisecond(time).ok()) {
        query.push(("filter[updatedAt]".to_owned(), format!("{time:.3}..")));
    }
    if categories.len() <= MOST_CATEGORIES {
        let filter = |category: &String| ("filter[categoryId]".to_owned(), category.clone());
        query.extend(categories.iter().map(filter));
    }
    query
}

fn whole() -> Query {
    vec![("includeCustomAttributes".to_owned(), "true".to_owned())]
}

/// Reads an entry strictly, because an undocumented format proves nothing.
fn found(raw: &str) -> Option<Found> {
    let entry: Value = serde_json::from_str(raw).ok()?;
    let text = |name| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Found {
        id: text("id").filter(|id| !id.is_empty())?,
        key: text("clientAssetId")?,
        created: text("createdAt")
            .and_then(|time| time.parse::<Timestamp>().ok())
            .map(Timestamp::as_millisecond),
        active: value::is_active(entry.get("isActive"), entry.get("deletedAt")),
        entry,
    })
}

fn is_active(asset: &Value) -> Option<bool> {
    value::flag(asset.get("isActive")?)
}

fn deleted_now(asset: Option<&Value>, _: &SentRow<'_>) -> Now {
    match asset.map(is_active) {
        Some(Some(false)) => Now::Done,
        // A missing asset may be unknown or omitted from this response. Resending the row will show which.
        None | Some(Some(true)) => Now::NotDone,
        Some(None) => Now::Unclear("the service does not say whether the asset is deleted"),
    }
}

fn patched_now(asset: Option<&Value>, row: &SentRow<'_>) -> Now {
    let Some(asset) = asset else {
        return Now::NotDone;
    };
    let Ok(sent) = serde_json::from_slice::<Map<String, Value>>(fields_sent(row)) else {
        return Now::Unclear("the stored request cannot be read");
    };
    let done = sent
        .iter()
        .all(|(name, sent)| others(name, asset.get(name), sent).is_empty());
    match (done, is_active(asset)) {
        (true, _) => Now::Done,
        (false, Some(false)) => Now::Impossible("the asset is deleted"),
        (false, _) => Now::NotDone,
    }
}

/// Returns the fields of a patch, from `"<id>":{...}` in the request.
fn fields_sent<'r>(row: &SentRow<'r>) -> &'r [u8] {
    let colon = row.body.iter().position(|byte| *byte == b':');
    colon.map_or(&[][..], |colon| &row.body[colon + 1..])
}

/// Returns the names of the fields whose returned values differ from the patch. In the example on the "PATCH
/// assets:batch-patch" page, the returned location differs from the location sent.
fn differing(row: &SentRow<'_>, entry: &[u8]) -> Vec<String> {
    let (Ok(sent), Ok(came)) = (keyed(fields_sent(row)), keyed(entry)) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for (name, sent) in sent {
        let came = came
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| *value);
        // Fast path: most values are returned unchanged.
        if came.is_some_and(|came| came.get() == sent.get()) {
            continue;
        }
        let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
        // A missing field proves nothing.
        if let (Some(sent), Some(came)) = (value(sent), came.and_then(value)) {
            let shown = |name: &String| match name.strip_prefix("customAttributes.") {
                Some(attribute) => came.get(attribute).is_some(),
                None => true,
            };
            names.extend(others(&name, Some(&came), &sent).into_iter().filter(shown));
        }
    }
    names
}

/// Returns the field's name if its value differs from the value sent, or the names of the attributes that
/// differ.
fn others(name: &str, came: Option<&Value>, sent: &Value) -> Vec<String> {
    let came = came.unwrap_or(&Value::Null);
    match sent {
        Value::Object(attributes) => attributes
            .iter()
            .filter(|(attribute, sent)| !same(&came[attribute.as_str()], sent))
            .map(|(attribute, _)| format!("{name}.{attribute}"))
            .collect(),
        // Fields of an asset are strings: "007" is not "7".
        _ if came == sent || (!came.is_string() && same(came, sent)) => Vec::new(),
        _ => vec![name.to_owned()],
    }
}

/// Compares a returned value with the value sent. Numbers may be returned as strings or as numbers, and lists in
/// another order. Two strings are compared as numbers only if both look like numbers: "12.50" equals "12.5",
/// but "012" is an identifier.
fn same(came: &Value, sent: &Value) -> bool {
    let usual = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.split('.').next().unwrap_or_default();
        digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && (whole.len() == 1 || !whole.starts_with('0'))
    };
    let texts = came.is_string() && sent.is_string();
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if !texts || usual(text) => text.parse::<f64>().ok(),
        _ => None,
    };
    match (came, sent) {
        (Value::Array(came), Value::Array(sent)) => {
            came.len() == sent.len() && sent.iter().all(|value| came.contains(value))
        }
        _ => came == sent || number(came).is_some_and(|came| number(sent) == Some(came)),
    }
}

/// Pairs rows with the entries in `results`. The order of `results` is not documented, and a clientAssetId
/// need not be unique. Rows and entries are matched by exact clientAssetId, or else by normalized
/// clientAssetId (see [`same_key`]). If several rows share a clientAssetId, they are matched by their other
/// values. Identical rows are paired by position. Ambiguous entries stay unpaired, so no row gets a wrong id.
fn pair_created<'a>(body: &'a [u8], rows: &[SentRow<'_>], entries: bool) -> Result<Vec<Paired<'a>>, String> {
    let found = identities(body, "results")?;
    if found.is_empty() {
        return Err("`results` is empty".to_owned());
    }
    let named = |at: usize| Paired::Named {
        id: found[at].identity.id.clone(),
        entry: entries.then(|| found[at].range.clone()),
    };
    let ids: Vec<&str> = found
        .iter()
        .filter_map(|entry| entry.identity.id.as_deref())
        .filter(|id| !id.is_empty())
        .collect();
    if !all_distinct(ids.iter().copied()) {
        // Duplicate ids: the response is corrupt, so ignore it.
        return Ok(vec![Paired::Absent; rows.len()]);
    }
    let in_order = found.len() == rows.len()
        && ids.len() == rows.len()
        && found
            .iter()
            .zip(rows)
            .all(|(entry, row)| entry.identity.client_asset_id.as_deref() == Some(row.key));
    if in_order && all_distinct(rows.iter().map(|row| row.key)) {
        return Ok((0..rows.len()).map(named).collect());
    }
    let mut paired = vec![Paired::Absent; rows.len()];
    // Parse this lazily, once for all twins.
    let whole = OnceCell::new();
    let mut left_rows: Vec<usize> = (0..rows.len()).collect();
    let mut left: Vec<(usize, &str)> = found
        .iter()
        .map(|entry| &entry.identity)
        .enumerate()
        .filter(|(_, entry)| entry.id.as_deref().is_some_and(|id| !id.is_empty()))
        .filter_map(|(at, entry)| Some((at, entry.client_asset_id.as_deref()?)))
        .collect();
    let forms: [fn(&str) -> Cow<'_, str>; 2] = [|key| Cow::Borrowed(key), |key| Cow::Owned(same_key(key))];
    for form in forms {
        let of_key = positions(left_rows.iter().map(|row| (form(rows[*row].key), *row)));
        let at_of_key = positions(left.iter().map(|(at, key)| (form(key), *at)));
        let mut taken = HashSet::new();
        for (key, same) in &of_key {
            let candidates = at_of_key.get(key).map_or(&[][..], Vec::as_slice);
            if candidates.len() != same.len() {
                continue;
            }
            let pairs = match (&same[..], candidates) {
                ([row], [at]) => vec![(*row, *at)],
                _ => told_apart(&whole, body, rows, same, candidates)?,
            };
            for (row, at) in pairs {
                paired[row] = named(at);
                taken.insert(at);
            }
        }
        left_rows.retain(|row| paired[*row] == Paired::Absent);
        left.retain(|(at, _)| !taken.contains(at));
        if left_rows.is_empty() {
            break;
        }
    }
    Ok(paired)
}

/// Returns whether all strings are distinct.
fn all_distinct<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> bool {
    let mut digests: Vec<u64> = texts.clone().map(|text| xxh3_64(text.as_bytes())).collect();
    digests.sort_unstable();
    // Different digests mean different strings, but equal digests do not mean equal strings.
    digests.windows(2).all(|pair| pair[0] != pair[1])
        || texts.clone().collect::<HashSet<_>>().len() == texts.count()
}

/// Returns the positions at which each string occurs.
fn positions<'t>(texts: impl Iterator<Item = (Cow<'t, str>, usize)>) -> HashMap<Cow<'t, str>, Vec<usize>> {
    let mut positions: HashMap<Cow<'t, str>, Vec<usize>> = HashMap::new();
    texts.for_each(|(text, at)| positions.entry(text).or_default().push(at));
    positions
}

/// Pairs rows and entries that all share one clientAssetId, if there are as many entries as rows: by their
/// other values, or by position if the rows are identical.
fn told_apart(
    whole: &OnceCell<Vec<Value>>,
    body: &[u8],
    rows: &[SentRow<'_>],
    same: &[usize],
    candidates: &[usize],
) -> Result<Vec<(usize, usize)>, String> {
    if same.iter().all(|row| rows[*row].body == rows[same[0]].body) {
        return Ok(same.iter().copied().zip(candidates.iter().copied()).collect());
    }
    let entries = if let Some(entries) = whole.get() {
        entries
    } else {
        let read: Vec<&RawValue> = list(body, "results")?;
        whole.get_or_init(|| {
            read.into_iter()
                .filter_map(|raw| value::read(raw.get()))
                .collect()
        })
    };
    let mut pairs = Vec::new();
    for row in same {
        let Ok(sent) = serde_json::from_slice::<Value>(rows[*row].body) else {
            continue;
        };
        let mut fitting = candidates.iter().filter(|at| says(&entries[**at], &sent));
        if let (Some(at), None) = (fitting.next(), fitting.next()) {
            pairs.push((*row, *at));
        }
    }
    // If two rows match one entry, their values do not distinguish them.
    let mut used = HashMap::new();
    for (_, at) in &pairs {
        *used.entry(*at).or_insert(0) += 1;
    }
    pairs.retain(|(_, at)| used[at] == 1);
    Ok(pairs)
}

/// Returns whether an entry has the same base fields as a row, and all of the row's custom attributes. Other
/// fields are not compared.
fn says(entry: &Value, sent: &Value) -> bool {
    let base = ["categoryId", "statusId", "description", "locationId", "barcode"];
    let attributes = sent.get("customAttributes").and_then(Value::as_object);
    base.iter()
        .all(|name| entry.get(name).filter(|value| !value.is_null()) == sent.get(name))
        && attributes
            .into_iter()
            .flatten()
            .all(|(name, value)| same(&entry["customAttributes"][name], value))
}

fn pair_patched<'a>(body: &'a [u8], rows: &[SentRow<'_>], entries: bool) -> Result<Vec<Paired<'a>>, String> {
    let members: Vec<_> = keyed(body)?
        .into_iter()
        .filter(|(_, raw)| raw.get().starts_with('{'))
        .collect();
    if members.is_empty() {
        return Err("it contains no assets".to_owned());
    }
    Ok(by_id(
        rows,
        members
            .into_iter()
            .map(|(id, raw)| (id, entries.then(|| range_in(body, raw)))),
    ))
}

fn pair_got<'a>(body: &'a [u8], rows: &[SentRow<'_>], _entries: bool) -> Result<Vec<Paired<'a>>, String> {
    let raw: Vec<&'a RawValue> = list(body, "results")?;
    let found = raw
        .iter()
        .map(|raw| (identity(raw).id.unwrap_or_default(), Some(range_in(body, raw))));
    let paired = by_id(rows, found);
    // The example on the reference page returns another asset than the one requested. Of several assets, or of
    // entries without ids, this only shows that the response is wrong, and not that all of them are missing.
    let is_readable = |raw: &&RawValue| identity(raw).id.is_some_and(|id| Uuid::try_parse(&id).is_ok());
    if paired.iter().all(|paired| *paired == Paired::Absent)
        && !raw.is_empty()
        && !(rows.len() == 1 && raw.iter().all(is_readable))
    {
        return Err("it contains none of the requested assets, but others".to_owned());
    }
    Ok(paired)
}

fn pair_deleted<'a>(body: &'a [u8], rows: &[SentRow<'_>], _: bool) -> Result<Vec<Paired<'a>>, String> {
    // Deletes are all or nothing, so a 204 confirms every row. The page documents no body, so a response with a body
    // comes from a proxy.
    if !body.is_empty() {
        return Err("a successful response must have no body".to_owned());
    }
    Ok(rows
        .iter()
        .map(|row| Paired::Named {
            id: Some(Cow::Owned(row.key.to_owned())),
            entry: None,
        })
        .collect())
}

/// Pairs entries by id. Ids are compared case-insensitively, as UUIDs are.
pub(crate) fn by_id<'a>(
    rows: &[SentRow<'_>],
    found: impl Iterator<Item = (Cow<'a, str>, Option<Range<usize>>)>,
) -> Vec<Paired<'a>> {
    let mut entries: HashMap<String, (Cow<'a, str>, Option<Range<usize>>)> = found
        .map(|(id, entry)| (id.to_ascii_lowercase(), (id, entry)))
        .collect();
    rows.iter()
        .map(|row| match entries.remove(&row.key.to_ascii_lowercase()) {
            Some((id, entry)) => Paired::Named { id: Some(id), entry },
            None => Paired::Absent,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys<'t>(texts: &[&'t str]) -> Vec<SentRow<'t>> {
        texts
            .iter()
            .map(|text| SentRow {
                key: text,
                body: b"{}",
            })
            .collect()
    }

    fn ids(paired: &[Paired<'_>]) -> Vec<Option<String>> {
        paired
            .iter()
            .map(|paired| match paired {
                Paired::Named { id, .. } => id.as_deref().map(str::to_owned),
                Paired::Absent => None,
            })
            .collect()
    }

    #[test]
    fn created_assets_are_paired_by_content_before_position() {
        let shuffled = br#"{"results":[{"id":"2","clientAssetId":"B"},{"id":"1","clientAssetId":"A"}]}"#;
        assert_eq!(
            ids(&pair_created(shuffled, &keys(&["A", "B"]), false).unwrap()),
            [Some("1".into()), Some("2".into())]
        );
        let same_names = br#"{"results":[{"id":"1","clientAssetId":"A"},{"id":"2","clientAssetId":"A"}]}"#;
        assert_eq!(
            ids(&pair_created(same_names, &keys(&["A", "A"]), false).unwrap()),
            [Some("1".into()), Some("2".into())]
        );
    }

    #[test]
    fn a_mismatched_response_never_assigns_a_wrong_id() {
        for (body, rows, expected) in [
            (
                r#"{"results":[{"id":"2","clientAssetId":"B"}]}"#,
                &["A", "B"][..],
                &[None, Some("2")][..],
            ),
            (r#"{"results":[{"id":"1"}]}"#, &["A"], &[None]),
            (r#"{"results":[{"id":"","clientAssetId":"A"}]}"#, &["A"], &[None]),
            (
                r#"{"results":[{"id":"1","clientAssetId":"A"},{"id":"1","clientAssetId":"B"}]}"#,
                &["A", "B"],
                &[None, None],
            ),
            (
                r#"{"results":[{"id":"1","clientAssetId":"A"}]}"#,
                &["A", "A"],
                &[None, None],
            ),
        ] {
            let paired = pair_created(body.as_bytes(), &keys(rows), true).unwrap();
            assert_eq!(
                ids(&paired),
                expected
                    .iter()
                    .map(|id| id.map(str::to_owned))
                    .collect::<Vec<_>>(),
                "{body}"
            );
        }
    }

    #[test]
    fn twins_are_paired_by_other_values_or_not_at_all() {
        let twin = |body: &'static str| SentRow {
            key: "A",
            body: body.as_bytes(),
        };
        let rows = [
            twin(r#"{"clientAssetId":"A","barcode":"1"}"#),
            twin(r#"{"clientAssetId":"A","customAttributes":{"ca1":"6.5"}}"#),
        ];
        let shuffled = br#"{"results":[{"id":"y","clientAssetId":"A","customAttributes":{"ca1":6.5}},
            {"id":"x","clientAssetId":"A","barcode":"1"}]}"#;
        assert_eq!(
            ids(&pair_created(shuffled, &rows, false).unwrap()),
            [Some("x".into()), Some("y".into())]
        );
        let silent = br#"{"results":[{"id":"y","clientAssetId":"A"},{"id":"x","clientAssetId":"A"}]}"#;
        assert_eq!(ids(&pair_created(silent, &rows, false).unwrap()), [None, None]);
    }

    #[test]
    fn a_proxy_page_proves_no_delete() {
        for body in [&b"<html>log in</html>"[..], b"{}", br#"{"login":"here"}"#] {
            assert!(pair_deleted(body, &keys(&["a"]), false).is_err());
        }
        assert_eq!(
            ids(&pair_deleted(b"", &keys(&["a"]), false).unwrap()),
            [Some("a".into())]
        );
        for body in [&br#"{"a":null}"#[..], b"{}"] {
            assert!(pair_patched(body, &keys(&["a"]), false).is_err());
        }
        assert!(pair_created(br#"{"results":[]}"#, &keys(&["a"]), false).is_err());
    }

    #[test]
    fn created_assets_are_paired_by_exact_ids_before_folded_ones() {
        for (results, rows, expected) in [
            // Trimmed, lower case, composed.
            (
                &[("1", "A"), ("2", "b"), ("3", "K\u{fc}hler")][..],
                &["B", "A ", "ku\u{308}hler"][..],
                &["2", "1", "3"][..],
            ),
            (&[("1", "a"), ("2", "A")], &["A", "a"], &["2", "1"]),
            (&[("1", "a"), ("2", "A")], &["A", "b"], &["2", ""]),
            // Ambiguous: two candidates for one row, or two rows for one candidate.
            (&[("1", "a"), ("2", "a")], &["A", "b"], &["", ""]),
            (&[("1", "a")], &["A", "a "], &["", ""]),
            // Each could be either row.
            (&[("1", "a"), ("2", "a")], &["A", "a"], &["", ""]),
        ] {
            let results: Vec<Value> = results
                .iter()
                .map(|(id, key)| serde_json::json!({"id": id, "clientAssetId": key, "categoryId": "1"}))
                .collect();
            let body = serde_json::json!({ "results": results }).to_string();
            let bodies: Vec<String> = rows
                .iter()
                .map(|key| format!(r#"{{"clientAssetId":"{key}"}}"#))
                .collect();
            let sent: Vec<SentRow<'_>> = rows
                .iter()
                .zip(&bodies)
                .map(|(key, body)| SentRow {
                    key,
                    body: body.as_bytes(),
                })
                .collect();
            let paired = ids(&pair_created(body.as_bytes(), &sent, false).unwrap());
            let paired: Vec<&str> = paired
                .iter()
                .map(|id| id.as_deref().unwrap_or_default())
                .collect();
            assert_eq!(paired, expected, "{rows:?}");
        }
    }

    #[test]
    fn a_patched_asset_differs_in_the_changed_fields() {
        let row = SentRow {
            key: "a",
            body: br#""a":{"description":"new","barcode":null,"customAttributes":{"ca1":"6.50","ca2":["x","y"],"ca3":null}}"#,
        };
        for (entry, expected) in [
            (
                r#"{"id":"a","description":"new","customAttributes":{"ca1":6.5,"ca2":["y","x"],"ca9":1}}"#,
                &[][..],
            ),
            (
                r#"{"description":"old","barcode":"7","customAttributes":{"ca1":"7","ca2":["x"],"ca3":"still"}}"#,
                &[
                    "description",
                    "barcode",
                    "customAttributes.ca1",
                    "customAttributes.ca2",
                    "customAttributes.ca3",
                ],
            ),
            // A missing field proves nothing.
            (r#"{"description":"new"}"#, &[]),
        ] {
            assert_eq!(differing(&row, entry.as_bytes()), expected, "{entry}");
        }
    }

    #[test]
    fn got_assets_are_paired_by_id_with_their_range_in_the_body() {
        let body = br#"{"results":[{"id":"bb"},{"id":"CC","version":2}]}"#;
        let paired = pair_got(body, &keys(&["aa", "cc"]), true).unwrap();
        assert_eq!(paired[0], Paired::Absent);
        let Paired::Named {
            entry: Some(range), ..
        } = &paired[1]
        else {
            panic!("{paired:?}")
        };
        assert_eq!(&body[range.clone()], br#"{"id":"CC","version":2}"#);
    }
}
