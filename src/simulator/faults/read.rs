//! Faults from JSON.

use std::time::Duration;

use serde_json::{Map, Value};

use super::effect::{FaultBody, RetryAfter, Spoiled, What};
use super::rule::{Fault, When};
use crate::simulator::contract::ENDPOINTS;

impl Fault {
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
