//! The options of a simulator.

use std::time::Duration;

use serde_json::Value;

use super::limits::GroupLimits;

/// The options of a simulator.
#[derive(Clone)]
pub struct Options {
    /// The seed for ids and random behavior. The same seed gives the same project, including ids.
    pub seed: u64,
    /// The length of a rate window. Default: 60 seconds, as in the real service.
    pub window: Duration,
    /// The maximum number of requests per window for each rate group.
    pub limits: GroupLimits,
    /// The simulated round-trip time of each request.
    pub latency: Duration,
    /// Switch names and values, as listed in `contract::SWITCHES`.
    pub switches: Vec<(String, String)>,
    /// The bearer token of the first user.
    pub token: String,
    /// The simulated time at the start, in milliseconds since 1970. If `None`, the real time is used.
    pub start: Option<i64>,
    /// The description of the project, in the format below. If `None`, the project is generated from `seed`.
    ///
    /// A key is optional unless it is marked as required. A path is a list of exact names, or a string of
    /// names separated by `>`. In the string, blanks around names are ignored. The parents of a path need not
    /// be listed.
    ///
    /// | key | entries |
    /// | --- | --- |
    /// | `status_sets` | `name` (required), `default`, `statuses` (labels, or objects with `label` and `active`), `active` |
    /// | `attributes` | `display_name`, `type` (both required), `name` (`ca1`, ...), `required`, `max_length`, `default` (options by label), `options` (labels, or objects with `label` and `active`), `active` |
    /// | `categories` | `path` (required; the empty list is ROOT), `id`, `active`, `status_set` (a name), `attributes` (display names) |
    /// | `locations` | `path` (required), `barcode` |
    ///
    /// There is always a default status set: the service's own set, unless a set in `status_sets` is marked
    /// as `default`.
    pub project: Option<Value>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            window: Duration::from_secs(60),
            limits: GroupLimits::default(),
            latency: Duration::ZERO,
            switches: Vec::new(),
            token: "simulated-user-token".into(),
            start: None,
            project: None,
        }
    }
}

impl Options {
    /// Reads options from JSON. All keys are optional: `seed`, `window` and `latency` (seconds), `limits`
    /// (object with `assets_read`, `assets_write`, `relationships`, `locations`), `switches` (object),
    /// `token`, `start` (milliseconds), `project` (object, or null for the seeded project).
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let map = value.as_object().ok_or("options must be an object")?;
        let mut options = Self::default();
        for (key, value) in map {
            let bad = |what: &str| format!("option {key:?} must be {what}, not {value}");
            let whole = || value.as_u64().ok_or_else(|| bad("a whole number"));
            let seconds = || {
                let seconds = value
                    .as_f64()
                    .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                seconds.ok_or_else(|| bad("a number of seconds"))
            };
            match key.as_str() {
                "seed" => options.seed = whole()?,
                "window" => options.window = seconds()?,
                "latency" => options.latency = seconds()?,
                "start" => options.start = Some(value.as_i64().ok_or_else(|| bad("a whole number"))?),
                "project" => options.project = Some(value.clone()).filter(|value| !value.is_null()),
                "token" => value
                    .as_str()
                    .ok_or_else(|| bad("a text"))?
                    .clone_into(&mut options.token),
                "limits" => {
                    for (group, limit) in value.as_object().ok_or_else(|| bad("an object"))? {
                        let limit = limit
                            .as_u64()
                            .and_then(|limit| u32::try_from(limit).ok())
                            .ok_or_else(|| {
                                format!("the limit of {group:?} must be a whole number, not {limit}")
                            })?;
                        match group.as_str() {
                            "assets_read" => options.limits.assets_read = limit,
                            "assets_write" => options.limits.assets_write = limit,
                            "relationships" => options.limits.relationships = limit,
                            "locations" => options.limits.locations = limit,
                            _ => {
                                return Err(format!(
                                    "unknown rate group {group:?}; use assets_read, assets_write, \
                                        relationships or locations"
                                ));
                            }
                        }
                    }
                }
                "switches" => {
                    for (name, value) in value.as_object().ok_or_else(|| bad("an object"))? {
                        let text = value
                            .as_str()
                            .ok_or_else(|| format!("switch {name:?} must be a string, not {value}"))?;
                        options.switches.push((name.clone(), text.to_owned()));
                    }
                }
                _ => {
                    return Err(format!(
                        "unknown option {key:?}; use seed, window, limits, latency, switches, token, start \
                            or project"
                    ));
                }
            }
        }
        Ok(options)
    }
}
