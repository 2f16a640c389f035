//! What the user asked for, and the queries that ask the service for it.

use crate::api::{Call, Query};
use crate::columns::printed_time;
use crate::error::Error;

use super::machine::{Ask, Which};
use super::order::Order;
use super::part::{Part, Times};
use super::split::{by_location, split};

pub(super) const UPDATED: &str = "filter[updatedAt]";
pub(super) const DELETED: &str = "includeDeleted";
pub(super) const ATTRIBUTES: &str = "includeCustomAttributes";

/// A list as the user asked for it.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// The parameters of one or several lists, which together are the result. Without times, order and
    /// deleted assets.
    pub(super) lists: Vec<Query>,
    pub(super) times: Times,
    pub(super) order: Order,
    /// The parameter `sort`, if it was given.
    sort: Option<String>,
    /// Whether deleted assets belong to the result.
    pub(super) deleted: bool,
}

impl ListRequest {
    /// Reads the parameters of GET assets.
    ///
    /// # Errors [`Error::Option`] if the times are not a range, or if the filters are too long even for
    /// several requests.
    pub fn of(call: &Call) -> Result<Self, Error> {
        let mut asked = Self {
            lists: Vec::new(),
            times: Times::default(),
            order: Order::default(),
            sort: None,
            deleted: false,
        };
        let mut filters = Query::new();
        for (name, value) in checkable(call.query.clone()) {
            match name.as_str() {
                UPDATED => asked.times = times(&value)?,
                "sort" => {
                    asked.order = Order::of(&value, call.project.as_deref());
                    asked.sort = Some(value);
                }
                DELETED => asked.deleted = value.eq_ignore_ascii_case("true"),
                _ => filters.push((name, value)),
            }
        }
        asked.lists = split(by_location(filters)?)?;
        Ok(asked)
    }

    /// Returns the query of the changes since a time, newest first, in all assets.
    pub fn changes(since: Option<i64>) -> Query {
        let mut query = vec![(ATTRIBUTES.to_owned(), "false".to_owned())];
        query.extend(updated(Times {
            from: since,
            to: None,
        }));
        query.push((DELETED.to_owned(), "true".to_owned()));
        query.push(("sort".to_owned(), "updatedAt desc".to_owned()));
        query
    }

    /// Returns whether a change can remove an asset from the result.
    pub(super) fn is_filtered(&self) -> bool {
        let is_filter = |(name, _): &(String, String)| name.starts_with("filter");
        self.times.to.is_some() || self.lists.iter().flatten().any(is_filter)
    }

    /// Returns the parameters as the user asked for them, if they are those of a single list. `deleted` says whether to
    /// include deleted assets.
    pub(super) fn single(&self, deleted: bool) -> Option<Query> {
        let [list] = &self.lists[..] else { return None };
        let mut query = list.clone();
        query.extend(updated(self.times));
        query.push((DELETED.to_owned(), deleted.to_string()));
        query.extend(self.sort.clone().map(|sort| ("sort".to_owned(), sort)));
        Some(query)
    }

    /// Returns the parameters of one list with the user's times, which every asset in it must match.
    pub(super) fn checked(&self, list: Which) -> Query {
        let mut query = self.filters(list);
        query.extend(updated(self.times));
        query.push((DELETED.to_owned(), "true".to_owned()));
        query
    }

    /// Returns the parameters of a request. Deleted assets are always included: a delete would shift the
    /// pages behind it.
    pub(super) fn query(&self, ask: &Ask) -> Query {
        let mut query = self.filters(ask.list);
        query.extend(updated(ask.next.times));
        let sort = match ask.next.part {
            Part::Newest | Part::Count => "updatedAt desc",
            Part::Range(_) => "updatedAt asc",
            Part::Unsorted => "createdAt asc",
        };
        query.push((DELETED.to_owned(), "true".to_owned()));
        query.push(("sort".to_owned(), sort.to_owned()));
        query
    }

    fn filters(&self, list: Which) -> Query {
        match list {
            Which::Filtered(at) => self.lists.get(at).cloned().unwrap_or_default(),
            Which::Changes => vec![(ATTRIBUTES.to_owned(), "false".to_owned())],
        }
    }
}

/// Returns the parameters of the lists that together are the result, each in a fixed order.
///
/// # Errors
/// [`Error::Option`] if the filters are too long even for several lists.
pub fn lists(call: &Call) -> Result<Vec<Query>, Error> {
    let mut lists = ListRequest::of(call)?.lists;
    for list in &mut lists {
        list.sort_unstable();
    }
    Ok(lists)
}

/// Returns the query with custom attributes if it filters or sorts by them. Without them, nothing would show that
/// the service ignored the filter or the order.
fn checkable(mut query: Query) -> Query {
    let needs_attributes = query.iter().any(|(name, value)| {
        name.starts_with("filter[customAttributes]") || name == "sort" && value.contains("customAttributes.")
    });
    if needs_attributes {
        query.retain(|(name, _)| name != ATTRIBUTES);
        query.push((ATTRIBUTES.to_owned(), "true".to_owned()));
    }
    query
}

/// Returns the filter for these times, if there are any.
fn updated(times: Times) -> Option<(String, String)> {
    if times == Times::default() {
        return None;
    }
    let print = |time: Option<i64>| time.map(printed_time).unwrap_or_default();
    Some((
        UPDATED.to_owned(),
        format!("{}..{}", print(times.from), print(times.to)),
    ))
}

/// Parses a range `from..to`, where each end may be empty.
fn times(text: &str) -> Result<Times, Error> {
    let wrong = || {
        Error::Option(format!(
            "{UPDATED} is {text:?}: pass a range of times, `from..to`"
        ))
    };
    let end = |text: &str| -> Result<Option<i64>, Error> {
        if text.is_empty() {
            return Ok(None);
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        Ok(Some(time.as_millisecond()))
    };
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    Ok(Times {
        from: end(from)?,
        to: end(to)?,
    })
}
