//! Serves the simulator over HTTP/1.1 on a loopback port, on a separate thread and runtime.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::faulted::Outcome;
use super::service::Simulator;
use crate::http::send::{Method, Request, Response};

/// How long a closing server waits for requests in flight.
const GRACE: Duration = Duration::from_secs(2);

/// The request headers that are passed to the simulator.
const HEADERS: [&str; 4] = ["authorization", "content-type", "x-ads-region", "region"];

/// A running server. Dropping the handle closes the server.
#[derive(Debug)]
pub struct Served {
    /// The base URL: scheme, host and port, without a trailing slash.
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The process that owns the thread. A forked child has the handle but not the thread.
    process: u32,
}

impl Served {
    /// Stops accepting connections, waits up to two seconds for requests in flight, and ends the thread. Does
    /// nothing in a forked child.
    pub fn close(&mut self) {
        if self.process != std::process::id() {
            // Waking or joining a thread of the parent process would block forever.
            std::mem::forget((self.stop.take(), self.thread.take()));
            return;
        }
        if let Some(stop) = self.stop.take() {
            // This fails only if the thread has already ended.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic in the server thread has already been printed.
            let _ = thread.join();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.close();
    }
}

impl Simulator {
    /// Serves the simulator over HTTP/1.1 on a free loopback port until the returned handle is closed or
    /// dropped.
    pub fn serve(&self) -> io::Result<Served> {
        serve(self.clone())
    }
}

fn serve(simulator: Simulator) -> io::Result<Served> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("simulator".into())
        .spawn(move || {
            runtime.block_on(accept(listener, simulator, stopped));
        })?;
    Ok(Served {
        url,
        stop: Some(stop),
        thread: Some(thread),
        process: std::process::id(),
    })
}

async fn accept(listener: std::net::TcpListener, simulator: Simulator, mut stopped: oneshot::Receiver<()>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            log::error!("the simulator cannot listen: {error}");
            return;
        }
    };
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // The process may be out of file descriptors. Some may be freed soon.
                    log::warn!("the simulator cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
        };
        connect(stream, simulator.clone(), &graceful);
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => {}
    }
}

fn connect(stream: TcpStream, simulator: Simulator, graceful: &GracefulShutdown) {
    // Without this option, small responses may wait for an acknowledgment. If it cannot be set, requests are
    // only slower.
    let _ = stream.set_nodelay(true);
    let broken = Arc::new(AtomicBool::new(false));
    let stream = Connection {
        stream,
        broken: Arc::clone(&broken),
    };
    let service = service_fn(move |request| {
        let (simulator, broken) = (simulator.clone(), Arc::clone(&broken));
        async move { one(&simulator, request, &broken).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        // The simulator adds the Date header itself, or omits it.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            log::debug!("a connection of the simulator broke: {error}");
        }
    });
}

/// Handles one request. If this function returns an error, hyper drops the connection without a response.
async fn one(
    simulator: &Simulator,
    request: hyper::Request<Incoming>,
    broken: &AtomicBool,
) -> io::Result<hyper::Response<Output>> {
    let (head, body) = request.into_parts();
    let method = match head.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => {
            return http_response(
                Response {
                    status: 405,
                    ..Response::default()
                },
                Ending::Whole,
            );
        }
    };
    let host = head
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let path = head
        .uri
        .path_and_query()
        .map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let headers = HEADERS
        .iter()
        .filter_map(|name| Some((*name, head.headers.get(*name)?.to_str().ok()?.to_owned())))
        .collect();
    let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let request = Request {
        method,
        url: format!("http://{host}{path}"),
        headers,
        body: Some(bytes),
    };
    match simulator.exchange(request).await {
        Outcome::Response(response) => http_response(response, Ending::Whole),
        Outcome::Cut(response, bytes) => http_response(response, Ending::Cut(bytes)),
        Outcome::Slow(response, time) => http_response(response, Ending::Slow(time)),
        Outcome::Broken(..) | Outcome::Late(..) => {
            broken.store(true, Ordering::Relaxed);
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}

/// How to send a response body.
#[derive(Clone, Copy)]
enum Ending {
    Whole,
    /// Cut off the body after this many bytes.
    Cut(usize),
    /// Send the body slowly over this time.
    Slow(Duration),
}

fn http_response(response: Response, ending: Ending) -> io::Result<hyper::Response<Output>> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    let mut output = Output {
        bytes: response.body,
        state: Sending::Whole,
        drip: None,
    };
    match ending {
        Ending::Cut(bytes) if bytes < output.bytes.len() => {
            // Declare the full length, so that the client notices the missing bytes.
            builder = builder.header("content-length", output.bytes.len());
            output.bytes.truncate(bytes);
            output.state = Sending::Cut;
        }
        Ending::Slow(time) => {
            let bytes = output.bytes.len().div_ceil(DROPS).max(1);
            let drops = u32::try_from(output.bytes.len().div_ceil(bytes)).unwrap_or(u32::MAX);
            output.drip = Some(Drip {
                bytes,
                pause: time / drops.max(1),
                wait: None,
            });
        }
        Ending::Cut(_) | Ending::Whole => {}
    }
    builder.body(output).map_err(io::Error::other)
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Sending {
    Whole,
    Cut,
    /// The last bytes are being sent. Then the connection is reset.
    Flushing,
}

/// The maximum number of pieces in which a slow body is sent.
const DROPS: usize = 20;

/// Splits a body into pieces of `bytes` bytes, each sent after a pause.
struct Drip {
    bytes: usize,
    pause: Duration,
    wait: Option<Pin<Box<tokio::time::Sleep>>>,
}

/// A body that is sent immediately, sent slowly, or cut off.
struct Output {
    bytes: Bytes,
    state: Sending,
    drip: Option<Drip>,
}

impl Body for Output {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let output = &mut *self;
        if let Some(drip) = output.drip.as_mut().filter(|_| !output.bytes.is_empty()) {
            let pause = drip.pause;
            let wait = drip
                .wait
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            ready!(wait.as_mut().poll(context));
            drip.wait = None;
            let drop = output.bytes.split_to(drip.bytes.min(output.bytes.len()));
            return Poll::Ready(Some(Ok(Frame::data(drop))));
        }
        if !self.bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))));
        }
        match self.state {
            Sending::Whole => Poll::Ready(None),
            Sending::Cut => {
                // Yield once, so that hyper flushes before the error ends the connection.
                self.state = Sending::Flushing;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Sending::Flushing => Poll::Ready(Some(Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "body cut (scripted)",
            )))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state == Sending::Whole && self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.state == Sending::Whole {
            SizeHint::with_exact(self.bytes.len() as u64)
        } else {
            SizeHint::default()
        }
    }
}

/// A connection that is reset, rather than closed properly, if it is marked as broken.
struct Connection {
    stream: TcpStream,
    broken: Arc<AtomicBool>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.broken.load(Ordering::Relaxed) {
            // If this option cannot be set, the connection closes properly, still without a response.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
