//! Pairs the rows of a request with the entries in its response.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::values::says;
use crate::api::write::{Paired, SentRow, by_id};
use crate::model::asset::{identities, identity, keyed, list, range_in};
use crate::model::text::same_key;
use crate::model::value;

/// Pairs rows with the entries in `results`. The order of `results` is not documented, and a clientAssetId
/// need not be unique. Rows and entries are matched by exact clientAssetId, or else by normalized
/// clientAssetId (see [`same_key`]). If several rows share a clientAssetId, they are matched by their other
/// values. Identical rows are paired by position. Ambiguous entries stay unpaired, so no row gets a wrong id.
pub(super) fn pair_created<'a>(
    body: &'a [u8],
    rows: &[SentRow<'_>],
    entries: bool,
) -> Result<Vec<Paired<'a>>, String> {
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
                _ => paired_by_values(&whole, body, rows, same, candidates)?,
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
fn paired_by_values(
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

pub(super) fn pair_patched<'a>(
    body: &'a [u8],
    rows: &[SentRow<'_>],
    entries: bool,
) -> Result<Vec<Paired<'a>>, String> {
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

pub(super) fn pair_got<'a>(
    body: &'a [u8],
    rows: &[SentRow<'_>],
    _entries: bool,
) -> Result<Vec<Paired<'a>>, String> {
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

pub(super) fn pair_deleted<'a>(
    body: &'a [u8],
    rows: &[SentRow<'_>],
    _: bool,
) -> Result<Vec<Paired<'a>>, String> {
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

#[cfg(test)]
mod tests;
