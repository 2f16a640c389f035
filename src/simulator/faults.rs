//! Scripted faults.
//!
//! A fault is a rule. Each request is affected only by the first rule that applies to it. In JSON, a fault
//! has these keys:
//!
//! | key | value |
//! | --- | --- |
//! | `what` | the effect, from the table below; required |
//! | `on` | an endpoint such as `"assets:batch-create"`, or `"any"` (default) |
//! | `nth` | the nth matching request, counted from 1 since the fault was added; if `times` is greater than 1, also the matching requests after it |
//! | `every` | every nth matching request |
//! | `probability` | each matching request with this probability, from 0 to 1 |
//! | `seed` | the seed of the random number generator; default 0 |
//! | `times` | the maximum number of affected requests; default 1, or unlimited with `every` or `probability` |
//!
//! | `what` | additional keys | effect |
//! | --- | --- | --- |
//! | `status` | `code` (required), `headers` (object), `body` (`"html"`, `"json"` (default), `"empty"`, `"own"`), `after_apply` (bool) | this response; the request is executed first only if `after_apply` is true; `"own"` (only with `after_apply`): the endpoint's own body, with this code unless the endpoint returns an error |
//! | `rate_limit` | `retry_after` (seconds, default 1; null for no header; a string is sent unchanged) | a 429; the request is not executed |
//! | `refuse` | | the connection is refused; over HTTP, same as `reset_before_apply` |
//! | `reset_before_apply` | | the connection breaks before the request is executed |
//! | `reset_after_apply` | | the connection breaks after the request is executed, without a response |
//! | `apply_late` | `ms` (required) | the connection breaks immediately; the request is executed after this time, unless the gateway rejects it or the runtime has ended |
//! | `delay` | `ms` (required) | the request is executed immediately; the response is delayed by this time |
//! | `cut_body` | `bytes` (default 10) | the request is executed; the response is cut off after this many bytes of its body |
//! | `slow_body` | `ms` (required) | the request is executed; the head of the response is sent immediately, and its body slowly over this time; in process, same as `delay` |
//! | `unreadable` | `body` (`"cut"` (default), `"empty"`, `"null"`, `"html"`) | the request is executed; the response is complete, but its body is cut in half, empty, `null` or an HTML page |
//! | `wrong_types` | | the request is executed; in the response, numbers and booleans become strings, and ids become numbers |
//! | `drop_results` | `count` (default 1) | the request is executed; the first `count` entries are missing from a successful response |
//! | `double_results` | | the request is executed; the first entry of a successful response is duplicated |
//! | `clock_jump` | `seconds` (required, may be negative) | the Date header of this and all later responses is shifted by this time; the service's own clock is not |
//! | `steal` | `requests` (default 1) | after this request, the same user makes this many requests from another program, in the same rate group, or fewer if one is rejected |
//! | `html` | | a 200 with an HTML page; the request is not executed |
//! | `expire_token` | | the request's token expires permanently, so the response is a 401 |
//! | `redirect` | `url` (required) | a 307 to this URL; the request is not executed |

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::contract::ENDPOINTS;

/// The body of the response that a `status` fault returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultBody {
    Html,
    /// The gateway's error object.
    Json,
    Empty,
    /// The body of the endpoint's own response.
    Own,
}

/// What an `unreadable` fault does to the body of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoiled {
    Cut,
    Empty,
    Null,
    Html,
}

/// The Retry-After header of a 429 response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryAfter {
    Absent,
    /// A number of seconds. The switch `retry_after` selects the format, or omits the header.
    Seconds(u64),
    /// A string that is sent unchanged.
    Text(String),
}

/// The effect of a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Status {
        code: u16,
        headers: Vec<(String, String)>,
        body: FaultBody,
        after_apply: bool,
    },
    RateLimit {
        retry_after: RetryAfter,
    },
    Refuse,
    ResetBeforeApply,
    ResetAfterApply,
    ApplyLate(Duration),
    Delay(Duration),
    SlowBody(Duration),
    CutBody {
        bytes: usize,
    },
    Unreadable(Spoiled),
    WrongTypes,
    DropResults {
        count: usize,
    },
    DoubleResults,
    ClockJump {
        seconds: i64,
    },
    Steal {
        requests: u32,
    },
    Html,
    ExpireToken,
    Redirect(String),
}

/// Selects the matching requests to which a fault applies.
#[derive(Debug, Clone)]
pub enum When {
    Next,
    Nth(u64),
    Every(u64),
    Probability(f64, fastrand::Rng),
}

/// A rule: which requests to affect, and how.
#[derive(Debug, Clone)]
pub struct Fault {
    what: What,
    on: Option<String>,
    when: When,
    left: Option<u64>,
    seen: u64,
}

impl Fault {
    /// Creates a fault that applies once, to the next request to the endpoint `on`. If `on` is `None`, the
    /// fault applies to the next request to any endpoint.
    #[must_use]
    pub fn next(what: What, on: Option<&str>) -> Self {
        Self::new(what, on, When::Next, Some(1))
    }

    /// Creates a fault with all parameters. If `times` is `None`, the number of uses is unlimited.
    #[must_use]
    pub fn new(what: What, on: Option<&str>, when: When, times: Option<u64>) -> Self {
        Self {
            what,
            on: on.map(Into::into),
            when,
            left: times,
            seen: 0,
        }
    }

    /// Reads a fault from JSON. The tables in the module documentation describe the format.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let map = value
            .as_object()
            .ok_or("a fault must be an object with \"what\"")?;
        let name = map
            .get("what")
            .and_then(Value::as_str)
            .ok_or("a fault needs \"what\", a string")?;
        let (what, own) = what_of(name, map)?;
        let common = ["what", "on", "nth", "every", "probability", "seed", "times"];
        if let Some(key) = map
            .keys()
            .find(|key| !common.contains(&key.as_str()) && !own.contains(&key.as_str()))
        {
            return Err(format!(
                "fault {name:?} has an unknown key {key:?}; use {}",
                [&common[1..], own].concat().join(", ")
            ));
        }
        let on = match map.get("on").map(Value::as_str) {
            None | Some(Some("any")) => None,
            Some(Some(tag)) if ENDPOINTS.iter().any(|endpoint| endpoint.tag == tag) => Some(tag),
            Some(_) => {
                let tags: Vec<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.tag).collect();
                return Err(format!("\"on\" must be any, {}", tags.join(", ")));
            }
        };
        let (nth, every) = (number(map, "nth")?, number(map, "every")?);
        if nth == Some(0) || every == Some(0) {
            return Err("\"nth\" and \"every\" count from 1".into());
        }
        let when = match (nth, every, map.get("probability")) {
            (None, None, None) => When::Next,
            (Some(nth), None, None) => When::Nth(nth),
            (None, Some(every), None) => When::Every(every),
            (None, None, Some(share)) => {
                let share = share
                    .as_f64()
                    .filter(|share| (0.0..=1.0).contains(share))
                    .ok_or("\"probability\" must be a number from 0 to 1")?;
                When::Probability(share, fastrand::Rng::with_seed(number(map, "seed")?.unwrap_or(0)))
            }
            _ => return Err("use only one of \"nth\", \"every\" and \"probability\"".into()),
        };
        let bounded = matches!(when, When::Next | When::Nth(_)).then_some(1);
        let times = number(map, "times")?.or(bounded);
        Ok(Self::new(what, on, when, times))
    }

    fn hits(&mut self, tag: &str) -> bool {
        if self.left == Some(0) || self.on.as_deref().is_some_and(|on| on != tag) {
            return false;
        }
        self.seen += 1;
        match &mut self.when {
            When::Next => true,
            When::Nth(nth) => self.seen >= *nth,
            When::Every(every) => self.seen.is_multiple_of(*every),
            When::Probability(share, random) => random.f64() < *share,
        }
    }
}

/// Returns the effect of a fault, and the additional keys that a fault with this effect may have.
fn what_of(name: &str, map: &Map<String, Value>) -> Result<(What, &'static [&'static str]), String> {
    Ok(match name {
        "status" => {
            let code = number(map, "code")?.ok_or("fault \"status\" needs \"code\"")?;
            let code = u16::try_from(code)
                .ok()
                .filter(|code| (200..600).contains(code))
                .ok_or_else(|| format!("\"code\" must be an HTTP status from 200 to 599, not {code}"))?;
            let body = match map.get("body").map(Value::as_str) {
                None | Some(Some("json")) => FaultBody::Json,
                Some(Some("html")) => FaultBody::Html,
                Some(Some("empty")) => FaultBody::Empty,
                Some(Some("own")) => FaultBody::Own,
                Some(_) => return Err("\"body\" must be html, json, empty or own".into()),
            };
            let after_apply = match map.get("after_apply") {
                None => false,
                Some(flag) => flag.as_bool().ok_or("\"after_apply\" must be true or false")?,
            };
            if body == FaultBody::Own && !after_apply {
                return Err("\"body\": \"own\" needs \"after_apply\": true".into());
            }
            let what = What::Status {
                code,
                headers: headers(map)?,
                body,
                after_apply,
            };
            (what, &["code", "headers", "body", "after_apply"])
        }
        "rate_limit" => {
            let retry_after = match map.get("retry_after") {
                Some(Value::Null) => RetryAfter::Absent,
                Some(Value::String(text)) if text.chars().all(|letter| (' '..='~').contains(&letter)) => {
                    RetryAfter::Text(text.clone())
                }
                _ => RetryAfter::Seconds(number(map, "retry_after")?.unwrap_or(1)),
            };
            (What::RateLimit { retry_after }, &["retry_after"])
        }
        "refuse" => (What::Refuse, &[]),
        "reset_before_apply" => (What::ResetBeforeApply, &[]),
        "reset_after_apply" => (What::ResetAfterApply, &[]),
        "apply_late" => (What::ApplyLate(millis(name, map)?), &["ms"]),
        "delay" => (What::Delay(millis(name, map)?), &["ms"]),
        "slow_body" => (What::SlowBody(millis(name, map)?), &["ms"]),
        "cut_body" => {
            let bytes = number(map, "bytes")?.unwrap_or(10);
            (
                What::CutBody {
                    bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
                },
                &["bytes"],
            )
        }
        "unreadable" => {
            let body = match map.get("body").map(Value::as_str) {
                None | Some(Some("cut")) => Spoiled::Cut,
                Some(Some("empty")) => Spoiled::Empty,
                Some(Some("null")) => Spoiled::Null,
                Some(Some("html")) => Spoiled::Html,
                Some(_) => return Err("\"body\" must be cut, empty, null or html".into()),
            };
            (What::Unreadable(body), &["body"])
        }
        "wrong_types" => (What::WrongTypes, &[]),
        "drop_results" => {
            let count = usize::try_from(number(map, "count")?.unwrap_or(1)).unwrap_or(usize::MAX);
            (What::DropResults { count }, &["count"])
        }
        "double_results" => (What::DoubleResults, &[]),
        "clock_jump" => {
            let seconds = map
                .get("seconds")
                .and_then(Value::as_i64)
                .ok_or("fault \"clock_jump\" needs \"seconds\", a whole number")?;
            (What::ClockJump { seconds }, &["seconds"])
        }
        "steal" => {
            let requests = u32::try_from(number(map, "requests")?.unwrap_or(1)).unwrap_or(u32::MAX);
            (What::Steal { requests }, &["requests"])
        }
        "html" => (What::Html, &[]),
        "expire_token" => (What::ExpireToken, &[]),
        "redirect" => {
            let url = map
                .get("url")
                .and_then(Value::as_str)
                .ok_or("fault \"redirect\" needs \"url\"")?;
            (What::Redirect(url.into()), &["url"])
        }
        other => {
            return Err(format!(
                "unknown fault {other:?}; use status, rate_limit, refuse, reset_before_apply, \
                    reset_after_apply, apply_late, delay, cut_body, slow_body, unreadable, wrong_types, \
                    drop_results, double_results, clock_jump, steal, html, expire_token, redirect"
            ));
        }
    })
}

fn millis(name: &str, map: &Map<String, Value>) -> Result<Duration, String> {
    let millis = number(map, "ms")?.ok_or_else(|| format!("fault {name:?} needs \"ms\""))?;
    Ok(Duration::from_millis(millis))
}

fn number(map: &Map<String, Value>, key: &str) -> Result<Option<u64>, String> {
    match map.get(key) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .map(Some)
            .ok_or_else(|| format!("{key:?} must be a whole number, not {value}")),
    }
}

fn headers(map: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    match map.get("headers") {
        None => Ok(Vec::new()),
        Some(Value::Object(headers)) => headers
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.to_lowercase(), text.clone())),
                other => Err(format!("header {name:?} must be a string, not {other}")),
            })
            .collect(),
        Some(_) => Err("\"headers\" must be an object that maps names to strings".into()),
    }
}

/// The active faults, in the order they were added.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the effect of the fault that applies to this request, if any.
    pub fn pick(&mut self, tag: &str) -> Option<What> {
        let mut what = None;
        // Every matching rule counts the request, but only the first rule that applies is used up.
        for fault in &mut self.0 {
            if fault.hits(tag) && what.is_none() {
                what = Some(fault.what.clone());
                fault.left = fault.left.map(|left| left - 1);
            }
        }
        self.0.retain(|fault| fault.left != Some(0));
        what
    }
}

/// Returns the body that replaces `body` in an unreadable response.
#[must_use]
pub fn spoiled(body: &[u8], how: Spoiled) -> Vec<u8> {
    match how {
        Spoiled::Cut => body[..body.len() / 2].to_vec(),
        Spoiled::Empty => Vec::new(),
        Spoiled::Null => b"null".to_vec(),
        Spoiled::Html => b"<html>Please sign in</html>".to_vec(),
    }
}

/// Swaps the types in a body: numbers and booleans become strings, and ids become numbers.
#[must_use]
pub fn wrong_types(body: &[u8]) -> Vec<u8> {
    fn swap(value: &mut Value, key: &str) {
        match value {
            Value::Object(map) => map.iter_mut().for_each(|(key, value)| swap(value, key)),
            Value::Array(values) => values.iter_mut().for_each(|value| swap(value, key)),
            Value::String(text)
                if key.ends_with("id") || key.ends_with("Id") || key == "ids" || key == "deleted" =>
            {
                *value = Value::from(text.len());
            }
            Value::Number(_) | Value::Bool(_) => *value = Value::String(value.to_string()),
            Value::String(_) | Value::Null => {}
        }
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            swap(&mut value, "");
            value.to_string().into_bytes()
        }
        Err(_) => body.to_vec(),
    }
}

/// Returns the body of a successful response without its first `drop` entries, or with its first entry
/// duplicated.
///
/// The first entries are dropped, so that a client that pairs entries by position gets all remaining entries
/// wrong.
#[must_use]
pub fn miscounted(body: &[u8], drop: usize, double: bool) -> Vec<u8> {
    const LISTS: [&str; 4] = ["results", "relationships", "deleted", "success"];
    let edit = |entries: &mut Vec<Value>| {
        entries.drain(..drop.min(entries.len()));
        if let Some(first) = entries.first().filter(|_| double) {
            entries.insert(1, first.clone());
        }
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    let list = LISTS.iter().find(|name| value[**name].is_array());
    match &mut value {
        Value::Array(entries) => edit(entries),
        // The body is an object keyed by id. A map cannot have duplicate keys, but its JSON text can.
        Value::Object(map) if list.is_none() && map.values().all(Value::is_object) => {
            let members = map.iter().map(|(id, entry)| format!("{}:{entry}", json!(id)));
            let mut members: Vec<String> = members.skip(drop).collect();
            if let Some(first) = members.first().filter(|_| double) {
                members.insert(1, first.clone());
            }
            return format!("{{{}}}", members.join(",")).into_bytes();
        }
        other => {
            if let Some(Value::Array(entries)) = list.and_then(|name| other.get_mut(*name)) {
                edit(entries);
            }
        }
    }
    value.to_string().into_bytes()
}
