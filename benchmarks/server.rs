//! The service the benchmark's clients talk to: POST assets:batch-create on loopback, nothing checked, nothing kept.
//!
//! `server <latency in milliseconds>` prints its address. GET /counts says what it was sent since the last time.

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

/// What the service adds to an asset on its answer ("POST assets:batch-create" reference page).
const STAMP: &str = r#""createdAt":"2026-05-01T06:00:00.000Z","createdBy":"LA7ZL85MU7ML","updatedAt":"2026-05-01T06:00:00.000Z","updatedBy":"LA7ZL85MU7ML","isActive":true,"version":1,"companyId":"07b5f07d-c54a-4236-a086-f84192fabdb3","#;

/// The answer to a create; `None` where the body is no array of objects.
fn create(counts: &Counts, body: &[u8]) -> Option<String> {
    // As raw slices: the server must not be what is measured.
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

async fn answer(
    counts: Arc<Counts>,
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

async fn serve(latency: Duration) -> std::io::Result<Infallible> {
    let counts = Arc::new(Counts::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let counts = Arc::clone(&counts);
        let service = service_fn(move |request| answer(Arc::clone(&counts), latency, request));
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
    let milliseconds = std::env::args()
        .nth(1)
        .ok_or("say the latency in milliseconds")?
        .parse()?;
    // One thread: the other core is the client's.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match runtime.block_on(serve(Duration::from_millis(milliseconds)))? {}
}
