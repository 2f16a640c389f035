//! Checks that the filters of a list were applied.
//!
//! A service may silently ignore a parameter, which makes the list wrong. An entry whose value does not match
//! the filter proves that the filter was ignored. So does an entry without a location or custom attribute that
//! the filter asks for. Other missing fields prove nothing, nor do values that only the service can compare.

mod ranges;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::api::endpoint::Call;
use crate::api::field::{Filter, Shows};
use crate::api::known_project::KnownProject;
use crate::model::value;
use ranges::{Range, between, day, instant, range};

/// The checks for the entries in one list.
#[derive(Debug, Default)]
pub struct Checks {
    fields: Vec<&'static str>,
    /// The parameter, the index of its field, and the check.
    tests: Vec<(String, usize, Test)>,
    /// The index of the field that shows whether an asset was deleted, if a check depends on it.
    active: Option<usize>,
}

#[derive(Debug)]
enum Test {
    OneOf(Vec<String>),
    Location(Vec<String>),
    /// The location, or one below it as far as the project is known.
    LocationIn(String, Option<Arc<dyn KnownProject>>),
    Within(Vec<Range>),
    /// A custom attribute, its values, and whether it may be a text, which is searched by substring.
    Attribute(String, Vec<String>, bool),
    Flag(bool),
    /// The entity parameters given so far, each with its end, member and value.
    Entities(Vec<(usize, &'static str, String)>),
}

/// A filter that was ignored according to an entry.
#[derive(Debug)]
pub struct Ignored<'s> {
    /// The query parameter.
    pub parameter: &'s str,
    /// The member that proves it, and its JSON or `missing`.
    pub field: &'static str,
    pub shown: &'s str,
    /// What to do.
    pub advice: &'static str,
}

/// The member that shows whether an asset was deleted.
const ACTIVE: &str = "isActive";

/// The parameters of `relationships:search` that filter by entity, each with the end of the relationship and
/// the member of the entity at that end.
const ENTITIES: [(&str, usize, &str); 6] = [
    ("domain", 0, "domain"),
    ("withDomain", 1, "domain"),
    ("type", 0, "type"),
    ("withType", 1, "type"),
    ("id", 0, "id"),
    ("withId", 1, "id"),
];

impl Checks {
    /// Returns the checks for the entries in the response to this call.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        let mut checks = Self::default();
        for field in call.endpoint.filters() {
            for filter in field.filters {
                checks.add(field.name, filter, call);
            }
        }
        if checks
            .tests
            .iter()
            .any(|(.., test)| test.fits_nothing().is_some())
        {
            checks.active = Some(checks.place_of(ACTIVE));
        }
        checks
    }

    fn add(&mut self, field: &'static str, filter: &Filter, call: &Call) {
        let query = &call.query;
        let all = |parameter: &str| -> Vec<String> {
            let pairs = query.iter().filter(|(name, _)| name == parameter);
            pairs.map(|(_, value)| value.clone()).collect()
        };
        let is_true = |parameter: &str| {
            all(parameter)
                .iter()
                .any(|value| value.eq_ignore_ascii_case("true"))
        };
        let values = all(filter.parameter);
        let test = match filter.shows {
            Shows::Location(wider) => match &values[..] {
                [] => None,
                [above] if is_true(wider) => Some(Test::LocationIn(normalized(above), call.project.clone())),
                several => Some(Test::Location(
                    several.iter().map(|value| normalized(value)).collect(),
                )),
            },
            Shows::OneOf => (!values.is_empty())
                .then(|| Test::OneOf(values.iter().map(|value| normalized(value)).collect())),
            Shows::Time => within(&values, range),
            Shows::After => within(&values, |text| Some((instant(text)?.0, i64::MAX))),
            Shows::Before => within(&values, |text| Some((i64::MIN, instant(text)?.1))),
            Shows::Only(flag) => is_true(filter.parameter).then_some(Test::Flag(flag)),
            Shows::Unless(flag) => {
                let wanted = is_true(filter.parameter) || is_true("onlyDeleted");
                (!wanted).then_some(Test::Flag(!flag))
            }
            Shows::Attributes => {
                let mut names: Vec<&str> = Vec::new();
                for (parameter, _) in query {
                    let name = parameter
                        .strip_prefix(filter.parameter)
                        .and_then(|rest| rest.strip_prefix('['))
                        .and_then(|rest| rest.strip_suffix(']'));
                    names.extend(name.filter(|name| !names.contains(name)));
                }
                for name in names {
                    let parameter = format!("{}[{name}]", filter.parameter);
                    let data_type = call.project.as_ref().and_then(|project| project.data_type(name));
                    let may_be_text = data_type.is_none_or(|data_type| data_type == "text");
                    let test = Test::Attribute(name.to_owned(), all(&parameter), may_be_text);
                    self.push(parameter, field, test);
                }
                None
            }
            Shows::Entities => {
                let mut given: Vec<(usize, &'static str, String)> = Vec::new();
                for (parameter, end, member) in ENTITIES {
                    if let Some(value) = all(parameter).pop() {
                        given.push((end, member, normalized(&value)));
                        self.push(parameter.to_owned(), field, Test::Entities(given.clone()));
                    }
                }
                None
            }
        };
        if let Some(test) = test {
            self.push(filter.parameter.to_owned(), field, test);
        }
    }

    fn push(&mut self, parameter: String, field: &'static str, test: Test) {
        let place = self.place_of(field);
        self.tests.push((parameter, place, test));
    }

    fn place_of(&mut self, field: &'static str) -> usize {
        let known = self.fields.iter().position(|known| *known == field);
        known.unwrap_or_else(|| {
            self.fields.push(field);
            self.fields.len() - 1
        })
    }

    /// Returns the members to check.
    #[must_use]
    pub fn fields(&self) -> &[&'static str] {
        &self.fields
    }

    /// Returns the first filter that was ignored according to this entry. `shown` contains the JSON of the entry's
    /// members, in the order of [`Self::fields`].
    #[must_use]
    pub fn ignored<'s>(&'s self, shown: &[Option<&'s str>]) -> Option<Ignored<'s>> {
        // The service may show a deleted asset without the values that it had.
        let active = self.active.and_then(|place| *shown.get(place)?);
        let is_deleted = active
            .and_then(value::read)
            .is_some_and(|active| value::flag(&active) == Some(false));
        self.tests.iter().find_map(|(parameter, place, test)| {
            let shown = *shown.get(*place)?;
            let fits = match (test, shown) {
                // Fast path: nearly every list is checked for a flag.
                (Test::Flag(flag), Some("true")) => Some(*flag),
                (Test::Flag(flag), Some("false")) => Some(!*flag),
                (_, Some(shown)) => {
                    let shown = value::read(shown)?;
                    test.fits(&shown)
                        .filter(|_| !is_deleted || !test.is_missing(&shown))
                }
                (_, None) => test.fits_nothing().filter(|_| !is_deleted),
            };
            (fits == Some(false)).then(|| Ignored {
                parameter,
                field: self.fields[*place],
                shown: shown.unwrap_or("missing"),
                advice: test.advice(),
            })
        })
    }
}

impl Test {
    /// Returns whether an entry without the member matches. Only an optional member may be missing.
    fn fits_nothing(&self) -> Option<bool> {
        match self {
            Self::Location(_) | Self::LocationIn(..) | Self::Attribute(..) => Some(false),
            _ => None,
        }
    }

    /// Returns what to do if the filter was ignored.
    fn advice(&self) -> &'static str {
        match self {
            Self::LocationIn(..) => {
                "if locations have been moved, read them again with project.settings(refresh=True); omit the filter if this \
                 persists"
            }
            _ => "try again, and omit the filter if this persists",
        }
    }

    /// Returns whether a member does not show what the filter compares.
    fn is_missing(&self, shown: &Value) -> bool {
        match self {
            Self::Attribute(name, ..) => shown.get(name).is_none_or(Value::is_null),
            _ => shown.is_null(),
        }
    }

    /// Returns whether a value matches, or `None` if that is unknown.
    fn fits(&self, shown: &Value) -> Option<bool> {
        if shown.is_null() {
            return self.fits_nothing();
        }
        match self {
            Self::OneOf(wanted) | Self::Location(wanted) => {
                let shown = normalized(&text(shown)?);
                Some(wanted.contains(&shown))
            }
            Self::LocationIn(above, project) => {
                let shown = normalized(&text(shown)?);
                if shown == *above {
                    return Some(true);
                }
                // A location that is not known may be new.
                project.as_ref()?.is_location_in(&shown, above)
            }
            Self::Within(ranges) => {
                let time: Timestamp = shown.as_str()?.parse().ok()?;
                let time = time.as_millisecond();
                Some(ranges.iter().any(|(from, to)| (*from..=*to).contains(&time)))
            }
            Self::Flag(flag) => value::flag(shown).map(|shown| shown == *flag),
            Self::Attribute(name, wanted, may_be_text) => {
                let shown = match shown.as_object()?.get(name) {
                    None | Some(Value::Null) => return Some(false),
                    Some(Value::Array(options)) if options.is_empty() => return Some(false),
                    Some(shown) => shown,
                };
                any(wanted
                    .iter()
                    .map(|wanted| attribute_fits(shown, wanted, *may_be_text)))
            }
            Self::Entities(wanted) => {
                let [one, other] = shown.as_array()?.as_slice() else {
                    return None;
                };
                if !one.is_object() || !other.is_object() {
                    return None;
                }
                let ends_fit = |ends: [&Value; 2]| {
                    wanted.iter().all(|(end, member, wanted)| {
                        let shown = ends[*end].get(member).and_then(Value::as_str);
                        shown.is_none_or(|shown| normalized(shown) == *wanted)
                    })
                };
                Some(ends_fit([one, other]) || ends_fit([other, one]))
            }
        }
    }
}

/// Returns `true` if any result is true, or else `None` if any result is unknown, or else `false`.
fn any(fits: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(false);
    for fits in fits {
        match fits {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all = None,
        }
    }
    all
}

/// Returns whether the value of a custom attribute matches one value or range of its filter.
fn attribute_fits(shown: &Value, wanted: &str, may_be_text: bool) -> Option<bool> {
    if let Value::Array(items) = shown {
        return if items.is_empty() {
            None
        } else {
            any(items.iter().map(|item| attribute_fits(item, wanted, may_be_text)))
        };
    }
    let (shown, wanted) = (normalized(&text(shown)?), normalized(wanted));
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    // Text attributes are searched by substring, ignoring case.
    let is_found = if may_be_text {
        shown.contains(&wanted)
    } else {
        shown == wanted
    };
    if is_found || number(&shown).is_some_and(|shown| number(&wanted) == Some(shown)) {
        return Some(true);
    }
    if shown.contains(':') || wanted.contains(':') {
        // A date may be requested with a time and returned without one.
        let times = instant(&shown).zip(range(&wanted));
        if let Some(((earliest, latest), (from, to))) = times {
            return Some(earliest <= to && from <= latest);
        }
    }
    if let Some((from, to)) = wanted.split_once("..") {
        return between(&shown, from, to, number).or_else(|| between(&shown, from, to, day));
    }
    let is_flag = |text: &str| text == "true" || text == "false";
    // Only the service knows which non-ASCII letters it treats as equal, and which other values a flag can
    // have.
    let comparable = shown.is_ascii() && wanted.is_ascii() && is_flag(&shown) == is_flag(&wanted);
    comparable.then_some(false)
}

/// Normalizes an id or name for comparison: trimmed and in lower case.
fn normalized(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Converts a string, number or boolean to a string.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Parses all values as ranges. Returns no check if there are no values, or if one cannot be parsed.
fn within(values: &[String], read: impl Fn(&str) -> Option<Range>) -> Option<Test> {
    let ranges: Option<Vec<Range>> = values.iter().map(|value| read(value)).collect();
    ranges.filter(|ranges| !ranges.is_empty()).map(Test::Within)
}
