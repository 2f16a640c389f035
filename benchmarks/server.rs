//! The benchmark service on loopback: POST assets:batch-create without checks or storage, and GET assets with prepared
//! pages.
//!
//! `server <latency in milliseconds> [<assets to list>]` prints its address. GET /counts returns what it received since
//! the last call.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::value::RawValue;

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    assets: AtomicU64,
    last_id: AtomicU64,
}

/// The members that the service adds to an asset in its response ("POST assets:batch-create" reference page).
const STAMP: &str = r#""createdAt":"2026-05-01T06:00:00.000Z","createdBy":"LA7ZL85MU7ML","updatedAt":"2026-05-01T06:00:00.000Z","updatedBy":"LA7ZL85MU7ML","isActive":true,"version":1,"companyId":"07b5f07d-c54a-4236-a086-f84192fabdb3","#;

/// The response to a create; `None` if the body is not an array of objects.
fn create(counts: &Counts, body: &[u8]) -> Option<String> {
    // Use raw slices, since the server must not affect the measurement.
    let assets = serde_json::from_slice::<Vec<&RawValue>>(body).ok()?;
    let mut answer = String::with_capacity(body.len() + assets.len() * 320 + 16);
    answer.push_str("{\"results\":[");
    for (index, asset) in assets.iter().enumerate() {
        let fields = asset.get().strip_prefix('{')?;
        let id = counts.last_id.fetch_add(1, Ordering::Relaxed);
        let comma = if index == 0 { "" } else { "," };
        write!(
            answer,
            "{comma}{{\"id\":\"b302d910-b5e3-46ba-81d8-{id:012x}\",{STAMP}{fields}"
        )
        .ok()?;
    }
    answer.push_str("]}");
    counts.requests.fetch_add(1, Ordering::Relaxed);
    counts.assets.fetch_add(assets.len() as u64, Ordering::Relaxed);
    Some(answer)
}

/// Assets per page: the maximum of "GET assets".
const PAGE: usize = 200;

/// The listed assets as one text, and the end of each.
#[derive(Default)]
struct Listed {
    text: String,
    ends: Vec<usize>,
}

impl Listed {
    /// About 540 bytes per asset, with custom attributes of four types.
    fn new(assets: usize) -> Self {
        let mut listed = Self::default();
        for number in 0..assets {
            let minute = number % 60;
            let second = number / 60 % 60;
            let _ = write!(
                listed.text,
                "{{\"id\":\"b302d910-b5e3-46ba-81d8-{number:012x}\",\"createdAt\":\"2026-05-01T06:{minute:02}:{second:02}.123Z\",\
                 \"createdBy\":\"LA7ZL85MU7ML\",\"updatedAt\":\"2026-05-02T06:{minute:02}:{second:02}.456Z\",\"updatedBy\":\"LA7ZL85MU7ML\",\
                 \"isActive\":true,\"version\":{version},\"clientAssetId\":\"AHU-{number:06}\",\"categoryId\":\"{category}\",\
                 \"statusId\":\"00000001-5a43-4f1c-9d1e-{status:012x}\",",
                version = 1 + number % 3,
                category = 40 + number % 5,
                status = number % 10,
            );
            if number % 10 == 0 {
                let _ = write!(listed.text, "\"description\":\"AC unit for basement {number}\",");
            }
            if number % 5 == 0 {
                let location = number % 60;
                let _ = write!(
                    listed.text,
                    "\"locationId\":\"00000004-5a43-4f1c-9d1e-{location:012x}\","
                );
            }
            let _ = write!(
                listed.text,
                "\"barcode\":\"F{number:07}\",\"companyId\":\"07b5f07d-c54a-4236-a086-f84192fabdb3\",\"customAttributes\":{{\
                 \"ca1\":{even},\"ca2\":\"{tenths}.5\",\"ca4\":\"00000002-5a43-4f1c-9d1e-{option:012x}\",\"ca6\":\"serial {number:08}\"}}}}",
                even = number % 2 == 0,
                tenths = number % 1000,
                option = number % 8,
            );
            listed.ends.push(listed.text.len());
        }
        listed
    }

    fn page(&self, page: usize) -> String {
        let total = self.ends.len();
        let (first, last) = ((page * PAGE).min(total), ((page + 1) * PAGE).min(total));
        let start = |asset: usize| asset.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut answer = String::with_capacity(start(last) - start(first) + PAGE + 128);
        answer.push_str("{\"pagination\":{\"limit\":200");
        if last < total {
            let _ = write!(answer, ",\"cursorState\":\"{}\"", page + 1);
        }
        let _ = write!(answer, ",\"totalResults\":{total}}},\"results\":[");
        for asset in first..last {
            if asset > first {
                answer.push(',');
            }
            answer.push_str(&self.text[start(asset)..start(asset + 1)]);
        }
        answer.push_str("]}");
        answer
    }
}

/// The number of the requested page: cursors are page numbers.
fn page_of(request: &Request<Incoming>) -> usize {
    let query = request.uri().query().unwrap_or_default();
    let cursor = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("cursorState="));
    cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0)
}

async fn answer(
    counts: Arc<Counts>,
    listed: Arc<Listed>,
    latency: Duration,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (status, text) = if request.uri().path() == "/counts" {
        let [requests, assets] =
            [&counts.requests, &counts.assets].map(|count| count.swap(0, Ordering::Relaxed));
        (
            StatusCode::OK,
            format!("{{\"requests\":{requests},\"assets\":{assets}}}"),
        )
    } else if request.method() == hyper::Method::GET {
        (StatusCode::OK, listed.page(page_of(&request)))
    } else {
        let body = request.into_body().collect().await?.to_bytes();
        match create(&counts, &body) {
            Some(text) => (StatusCode::CREATED, text),
            None => (StatusCode::BAD_REQUEST, "not a JSON array of objects".to_owned()),
        }
    };
    if status == StatusCode::CREATED && !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

async fn serve(latency: Duration, assets: usize) -> std::io::Result<Infallible> {
    let counts = Arc::new(Counts::default());
    let listed = Arc::new(Listed::new(assets));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (counts, listed) = (Arc::clone(&counts), Arc::clone(&listed));
        let service =
            service_fn(move |request| answer(Arc::clone(&counts), Arc::clone(&listed), latency, request));
        tokio::spawn(async move {
            let served =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = served.await {
                eprintln!("a connection ended early: {error}");
            }
        });
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let milliseconds = arguments
        .next()
        .ok_or("say the latency in milliseconds")?
        .parse()?;
    let assets = arguments.next().map_or(Ok(0), |assets| assets.parse())?;
    // One thread, since the client needs the other core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match runtime.block_on(serve(Duration::from_millis(milliseconds), assets))? {}
}
