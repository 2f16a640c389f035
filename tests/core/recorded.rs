//! A transport that strictly replays recorded exchanges. This is the Rust half of `tests/python/recorded_server.py`.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use acc_assets::http::send::Sending;
use acc_assets::http::{Request, Response, Transport};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The default project id of the tests.
pub const PROJECT: &str = "f6a1e3b5-abaa-4b01-b33a-5d55f36ba047";

/// The recording with this name.
pub fn load(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(format!("{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The body to send: the page's example, except for the justified deviations in the recording.
pub fn expected_body(recording: &Value) -> Value {
    let mut body = recording["request"]["body"].clone();
    for deviation in recording["deviations"].as_array().into_iter().flatten() {
        let pointer = deviation["pointer"].as_str().expect("a deviation has a pointer");
        *body.pointer_mut(pointer).expect("the pointer leads somewhere") = deviation["sent"].clone();
    }
    body
}

/// Replays recordings in order.
pub struct Recorded {
    prefix: Option<&'static str>,
    project: String,
    left: Mutex<VecDeque<Value>>,
    problems: Mutex<Vec<String>>,
}

impl Recorded {
    /// Recordings in the order of requests; with `prefix`, the Assets API under that prefix.
    pub fn new(names: &[&str], prefix: Option<&'static str>, project: &str) -> Self {
        Self {
            prefix,
            project: project.to_owned(),
            left: Mutex::new(names.iter().map(|name| load(name)).collect()),
            problems: Mutex::default(),
        }
    }

    /// The differences, and the recordings never requested.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self
            .problems
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        problems.extend(
            left.iter()
                .map(|recording| format!("never asked for: {}", recording["name"])),
        );
        problems
    }

    fn path(&self, recorded: &str) -> String {
        let path = recorded.replace(":projectId", &self.project);
        let rest = path
            .strip_prefix("/bim360/assets/")
            .or_else(|| path.strip_prefix("/construction/assets/"));
        match (self.prefix, rest) {
            (Some(prefix), Some(rest)) => format!("/{prefix}/assets/{rest}"),
            _ => path,
        }
    }

    fn take(&self, got: &Value) -> Result<Value, String> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recording) = left.front() else {
            return Err(format!(
                "unexpected request, nothing left to replay: {} {}",
                got["method"], got["path"]
            ));
        };
        let request = &recording["request"];
        let expected = json!({
            "method": request["method"],
            "path": self.path(request["path"].as_str().unwrap_or_default()),
            "query": request["query"],
            "headers": request["headers"],
            "body": expected_body(recording),
        });
        if *got != expected {
            return Err(format!(
                "the request differs from the recording {}:\n{}",
                recording["name"],
                diff(&expected, got)
            ));
        }
        Ok(left
            .pop_front()
            .map_or(Value::Null, |mut recording| recording["answer"].take()))
    }
}

impl Transport for Recorded {
    fn send(&self, request: Request) -> Sending<'_> {
        let (path, query) = path_and_query(&request.url);
        let headers: Map<String, Value> = request
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let body = request.body.as_deref().map_or(Value::Null, |raw| {
            serde_json::from_slice(raw).unwrap_or_else(|error| json!(format!("not JSON ({error})")))
        });
        let got = json!({
            "method": request.method.as_str(),
            "path": path,
            "query": query,
            "headers": headers,
            "body": body,
        });
        let answer = match self.take(&got) {
            Ok(answer) => to_answer(&answer),
            Err(problem) => {
                let body = Bytes::from(problem.clone());
                self.problems
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(problem);
                Response {
                    status: 400,
                    headers: vec![("content-type".into(), "text/plain".into())],
                    body,
                }
            }
        };
        Box::pin(async move { Ok(answer) })
    }
}

fn to_answer(recorded: &Value) -> Response {
    let headers = recorded["headers"].as_object().into_iter().flatten();
    Response {
        status: recorded["status"]
            .as_u64()
            .and_then(|status| status.try_into().ok())
            .expect("a status"),
        headers: headers
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        body: match &recorded["body"] {
            Value::Null => Bytes::new(),
            Value::String(text) => Bytes::from(text.clone()),
            body => Bytes::from(body.to_string()),
        },
    }
}

/// The path and query of an absolute URL, decoded; a repeated name becomes a list.
fn path_and_query(url: &str) -> (String, Value) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let target = rest.find('/').map_or("/", |slash| &rest[slash..]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut names = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = json!(decode(&value.replace('+', " ")));
        names
            .entry(decode(name))
            .and_modify(|before| *before = json!([before.take(), value]))
            .or_insert(value);
    }
    (decode(path), Value::Object(names))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = tail
            .get(..2)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        if let (b'%', Some(value)) = (byte, escaped) {
            bytes.push(value);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The differences between two JSON values, one per line.
pub fn diff(expected: &Value, got: &Value) -> String {
    let mut lines = Vec::new();
    compare("", expected, got, &mut lines);
    lines.join("\n")
}

fn compare(at: &str, expected: &Value, got: &Value, lines: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                let at = format!("{at}/{name}");
                match after.get(name) {
                    Some(other) => compare(&at, value, other, lines),
                    None => lines.push(format!("- {at}: {value}")),
                }
            }
            for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
                lines.push(format!("+ {at}/{name}: {value}"));
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (value, other)) in before.iter().zip(after).enumerate() {
                compare(&format!("{at}/{index}"), value, other, lines);
            }
        }
        _ if expected == got => {}
        _ => lines.push(format!("- {at}: {expected}\n+ {at}: {got}")),
    }
}
