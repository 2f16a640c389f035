//! Cuts filters that do not fit in one request into several lists.

use std::collections::BTreeMap;

use crate::api::Query;
use crate::error::Error;

/// The longest filters in bytes. Servers commonly accept a request line of 8 kB, and a URL stays below 6 kB.
/// The path, the times, the order and the cursor need the rest.
pub const LONGEST_FILTERS: usize = 5_000;
/// More lists would take more requests than reading the whole project.
const MOST_LISTS: usize = 200;

const LOCATION: &str = "filter[locationId]";
const BELOW: &str = "includeSubLocations";

/// Returns a list for each of several locations. The service includes what lies below a location only if the list has
/// no other (GET assets reference page). What lies below is not known here: the settings may be older than the tree.
pub fn by_location(query: Query) -> Result<Vec<Query>, Error> {
    let is_wide = |(name, value): &(String, String)| name == BELOW && value.eq_ignore_ascii_case("true");
    let (locations, others): (Query, Query) = query.iter().cloned().partition(|(name, _)| name == LOCATION);
    if locations.len() < 2 || !others.iter().any(is_wide) {
        return Ok(vec![query]);
    }
    if locations.len() > MOST_LISTS {
        return Err(Error::Option(format!(
            "location: {} locations take a list each, and at most {MOST_LISTS} are read; pass the locations above them, \
             or read all assets and select from the table",
            locations.len()
        )));
    }
    let of = |location| std::iter::once(location).chain(others.iter().cloned()).collect();
    Ok(locations.into_iter().map(of).collect())
}

/// Cuts the longest parameter that has several values in halves until every list is short enough. An asset
/// that matches any of the values is in one of the lists.
///
/// # Errors
/// [`Error::Option`] if the filters cannot be cut into few enough lists.
pub fn split(lists: Vec<Query>) -> Result<Vec<Query>, Error> {
    let mut waiting = lists;
    let mut lists = Vec::new();
    while let Some(query) = waiting.pop() {
        if encoded_bytes(&query) <= LONGEST_FILTERS {
            lists.push(query);
        } else {
            let longest = longest(&query).filter(|_| lists.len() + waiting.len() < MOST_LISTS);
            let name = longest.ok_or_else(|| {
                Error::Option(format!(
                    "the filters make the request longer than {LONGEST_FILTERS} bytes, which the service may \
                        reject; pass fewer or shorter values per call"
                ))
            })?;
            let values = query.iter().filter(|(other, _)| *other == name).count();
            let mut counted = 0;
            let is_first = |pair: &(String, String)| {
                let is_value = pair.0 == name;
                counted += usize::from(is_value);
                (
                    !is_value || counted <= values / 2,
                    !is_value || counted > values / 2,
                )
            };
            let marked: Vec<(bool, bool)> = query.iter().map(is_first).collect();
            let half = |which: fn(&(bool, bool)) -> bool| -> Query {
                let pairs = query.iter().zip(&marked);
                pairs
                    .filter(|(_, mark)| which(mark))
                    .map(|(pair, _)| pair.clone())
                    .collect()
            };
            waiting.push(half(|mark| mark.1));
            waiting.push(half(|mark| mark.0));
        }
    }
    Ok(lists)
}

/// Returns the parameter with the longest values, if it has several.
fn longest(query: &Query) -> Option<String> {
    let mut sizes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for pair in query {
        let size = sizes.entry(&pair.0).or_default();
        size.0 += encoded_bytes(std::slice::from_ref(pair));
        size.1 += 1;
    }
    let several = sizes.into_iter().filter(|(_, (_, values))| *values > 1);
    several
        .max_by_key(|(_, (bytes, _))| *bytes)
        .map(|(name, _)| name.to_owned())
}

fn encoded_bytes(query: &[(String, String)]) -> usize {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish()
        .len()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(values: &[(&str, usize)]) -> Query {
        let pairs = values
            .iter()
            .flat_map(|(name, count)| (0..*count).map(move |at| ((*name).to_owned(), format!("{at:036}"))));
        pairs.collect()
    }

    #[test]
    fn lists_are_short_and_have_every_combination_once() {
        let whole = query(&[
            ("filter[statusId]", 300),
            ("filter[locationId]", 170),
            ("includeCustomAttributes", 1),
        ]);
        let lists = split(vec![whole.clone()]).unwrap();
        assert!(lists.len() > 4 && lists.len() < 40, "{}", lists.len());
        let mut combined = std::collections::BTreeSet::new();
        for list in &lists {
            assert!(encoded_bytes(list) <= LONGEST_FILTERS);
            let of = |name: &str| -> Vec<&String> {
                list.iter()
                    .filter(|pair| pair.0 == name)
                    .map(|pair| &pair.1)
                    .collect()
            };
            assert_eq!(of("includeCustomAttributes").len(), 1);
            for status in of("filter[statusId]") {
                for location in of("filter[locationId]") {
                    assert!(combined.insert((status.clone(), location.clone())));
                }
            }
        }
        assert_eq!(combined.len(), 300 * 170);
        assert_eq!(split(vec![query(&[("a", 3)])]).unwrap(), [query(&[("a", 3)])]);
    }

    #[test]
    fn filters_that_stay_too_long_are_rejected() {
        let long = ("filter[searchText]".to_owned(), "x".repeat(6000));
        for query in [vec![long], query(&[("a", 9000), ("b", 9000)])] {
            assert!(matches!(split(vec![query]), Err(Error::Option(_))));
        }
    }
}
