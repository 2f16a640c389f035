//! The log of what happens in a schedule: a line of JSON per event, with the time on the paused clock in milliseconds.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use acc_assets::http::send::{Request, Sending, Transport};
use serde_json::{Value, json};
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

/// The events of one schedule so far.
#[derive(Clone)]
pub struct Events {
    start: Instant,
    requests: Arc<AtomicU64>,
    lines: Arc<Mutex<String>>,
}

impl Events {
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            requests: Arc::default(),
            lines: Arc::default(),
        }
    }

    /// Adds an event, a JSON object.
    pub fn add(&self, mut event: Value) {
        event["at"] = json!(u64::try_from(self.start.elapsed().as_millis()).unwrap());
        writeln!(self.lines.lock().unwrap(), "{event}").unwrap();
    }

    pub fn text(&self) -> String {
        self.lines.lock().unwrap().clone()
    }
}

/// A transport whose requests and responses are events.
pub struct Logged<T>(pub T, pub Events);

impl<T: Transport> Transport for Logged<T> {
    fn send(&self, request: Request) -> Sending<'_> {
        let Self(inner, events) = self;
        let number = events.requests.fetch_add(1, Ordering::Relaxed);
        let body = request.body.as_deref().unwrap_or_default();
        events.add(json!({
            "request": number,
            "method": request.method.as_str(),
            "url": request.url,
            "rows": rows(body),
            "body": format!("{:016x}", xxh3_64(body)),
        }));
        Box::pin(async move {
            let response = inner.send(request).await;
            events.add(match &response {
                Ok(response) => json!({
                    "response": number,
                    "status": response.status,
                    "body": format!("{:016x}", xxh3_64(&response.body)),
                }),
                Err(error) => json!({"lost": number, "why": error.message}),
            });
            response
        })
    }
}

/// Returns the names or ids of the rows in a body.
fn rows(body: &[u8]) -> Vec<String> {
    let name = |item: &Value| {
        let name = item.get("clientAssetId").unwrap_or(item);
        name.as_str().map_or_else(|| name.to_string(), str::to_owned)
    };
    match serde_json::from_slice(body) {
        Ok(Value::Array(items)) => items.iter().map(name).collect(),
        Ok(Value::Object(members)) => match members.get("ids") {
            Some(Value::Array(ids)) => ids.iter().map(name).collect(),
            _ => members.keys().cloned().collect(),
        },
        _ => Vec::new(),
    }
}
