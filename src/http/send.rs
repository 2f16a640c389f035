//! Sends one request over the network and reads its response.

use std::time::Duration;

use bytes::BytesMut;

use crate::error::{Error, Partial, Sent, TransportError, TransportKind, chain};
use crate::http::hide::Hidden;
use crate::http::{proxy, refusal, trust};
use crate::options::Options;

pub use crate::http::message::{Method, Request, Response, Sending, Transport};

/// The maximum number of bytes to read from an error body. A longer body does not come from the service, and parsing it
/// would need even more memory.
const MOST_REFUSAL_BYTES: usize = 4 << 20;

/// The maximum memory to reserve for a body based on its Content-Length.
const MOST_RESERVED_BYTES: usize = 1 << 20;

/// The maximum number of bytes of an incomplete response to keep with the rows in its request.
const MOST_PARTIAL_BYTES: usize = 64 << 10;

/// A transport over the network.
pub struct Network {
    client: reqwest::Client,
    max_response_bytes: usize,
}

impl Network {
    /// Creates a connection pool, without connecting.
    ///
    /// # Errors
    /// [`Error::Option`] if the proxy, the CA bundle or another option is invalid.
    pub fn new(options: &Options) -> Result<Self, Error> {
        let proxy = proxy::of(options)?;
        let make = || {
            let builder = reqwest::Client::builder()
                .user_agent(&options.user_agent)
                .timeout(options.timeout)
                // Use a shorter timeout than the total timeout, so that a failed connection is reported as such:
                // nothing was sent.
                .connect_timeout((options.timeout / 2).min(Duration::from_secs(20)))
                // If the service closes a connection while a request is being sent, the outcome is unknown. Gateways
                // close idle connections after about a minute, so close them well before that.
                .pool_idle_timeout(Duration::from_secs(20))
                .tcp_nodelay(true)
                // Following a redirect would send the token to its target. No endpoint here redirects.
                .redirect(reqwest::redirect::Policy::none());
            match &proxy {
                Some(proxy) => builder.proxy(proxy.clone()),
                // A proxy from the environment must not see requests to this machine, least of all their token.
                None if options.is_local() => builder.no_proxy(),
                None => builder,
            }
        };
        Ok(Self {
            client: trust::build(make, options.ca_bundle.as_deref())?,
            max_response_bytes: options.max_response_bytes,
        })
    }
}

impl Transport for Network {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let method = match request.method {
                Method::Get => reqwest::Method::GET,
                Method::Post => reqwest::Method::POST,
                Method::Put => reqwest::Method::PUT,
                Method::Patch => reqwest::Method::PATCH,
                Method::Delete => reqwest::Method::DELETE,
            };
            let hidden = Hidden::of(&request);
            let place = place(&request);
            let mut builder = self.client.request(method, &request.url);
            for (name, value) in &request.headers {
                builder = builder.header(*name, value);
            }
            if let Some(body) = request.body {
                builder = builder.body(body);
            }
            let mut response = builder.send().await.map_err(|error| {
                let sent = if error.is_connect() || error.is_builder() {
                    Sent::No
                } else {
                    Sent::Maybe
                };
                let kind = kind_of(&error);
                TransportError::new(sent, failure(error, sent, None, &place)).of_kind(kind)
            })?;
            let status = response.status().as_u16();
            let success = response.status().is_success();
            let headers = response
                .headers()
                .iter()
                .map(|(name, value)| {
                    (
                        name.as_str().to_owned(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect();
            let most = if success {
                self.max_response_bytes
            } else {
                self.max_response_bytes.min(MOST_REFUSAL_BYTES)
            };
            // If the length is known and not too large, the buffer is never reallocated.
            let length = response
                .content_length()
                .and_then(|length| usize::try_from(length).ok());
            let mut body = BytesMut::with_capacity(length.unwrap_or(0).min(MOST_RESERVED_BYTES));
            let broken = loop {
                match response.chunk().await {
                    Ok(Some(chunk)) => {
                        let room = most - body.len();
                        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                        if chunk.len() > room {
                            // An error status is reported even if its body cannot be read completely.
                            break success
                                .then(|| TransportError::new(Sent::Answered, too_large(most, &place)));
                        }
                    }
                    Ok(None) => break None,
                    Err(_) if (400..500).contains(&status) => break None,
                    Err(error) => {
                        let kind = kind_of(&error);
                        let message = failure(error, Sent::Maybe, Some(status), &place);
                        break Some(TransportError::new(Sent::Maybe, message).of_kind(kind));
                    }
                }
            };
            if broken.is_some() {
                body.truncate(MOST_PARTIAL_BYTES);
            }
            // JSON is UTF-8. An invalid byte must not hide the rest of the response.
            let body = match std::str::from_utf8(&body) {
                Ok(_) => body.freeze(),
                Err(_) => String::from_utf8_lossy(&body).into_owned().into(),
            };
            let response = hidden.leave(Response {
                status,
                headers,
                body,
            });
            let Some(broken) = broken else {
                return Ok(response);
            };
            Err(TransportError {
                partial: Some(Box::new(Partial {
                    status,
                    headers: refusal::kept_headers(&response),
                    body: String::from_utf8_lossy(&response.body).into(),
                })),
                ..broken
            })
        })
    }
}

/// Returns the kind of an error. A timeout while connecting counts as `Connect`, because nothing was sent.
fn kind_of(error: &reqwest::Error) -> TransportKind {
    if error.is_connect() {
        TransportKind::Connect
    } else if error.is_timeout() {
        TransportKind::Timeout
    } else {
        TransportKind::Other
    }
}

/// Returns the method and URL of a request without its query, which may contain a cursor.
fn place(request: &Request) -> String {
    let address = request.url.split('?').next().unwrap_or_default();
    format!("{} {address}", request.method.as_str())
}

fn too_large(most: usize, place: &str) -> String {
    format!(
        "the response is larger than {most} bytes after decompression ({place}): raise max_response_bytes= \
            if this is expected, or check base_url= and proxy="
    )
}

/// Advice for a failed connection, selected by a word in the error message.
const ADVICE: [(&str, &str); 6] = [
    (
        "dns error",
        "unknown host name (DNS): check base_url= and the network",
    ),
    ("tunnel error", "the proxy rejected the connection: check proxy="),
    (
        "UnknownIssuer",
        "the certificate is from an unknown authority: behind a company's proxy, pass the company's \
            certificate as ca_bundle=",
    ),
    (
        "invalid peer certificate",
        "the certificate is not valid for this host: check base_url= and the clock of this machine",
    ),
    (
        "InvalidContentType",
        "the server does not speak TLS: check base_url= and its port",
    ),
    ("", "check the network, base_url= and proxy="),
];

/// Describes a failed request. `status` is the status of an incomplete response.
fn failure(error: reqwest::Error, sent: Sent, status: Option<u16>, place: &str) -> String {
    let is_timeout = error.is_timeout();
    let cause = chain(&error.without_url());
    let what = match (sent, status) {
        (Sent::No, _) => {
            let fits = ADVICE.iter().find(|(word, _)| cause.contains(word));
            format!(
                "no connection, so nothing was sent; {}",
                fits.map_or("", |(_, advice)| advice)
            )
        }
        (_, _) if is_timeout => {
            "no complete response in time (timeout=); the service may have executed the request".to_owned()
        }
        (_, Some(status)) => {
            format!(
                "the service responded with status {status}, but the rest of the response is missing \
                or damaged"
            )
        }
        (_, None) => {
            "the connection was lost, or the response is not HTTP; the service may have executed the \
                request"
                .to_owned()
        }
    };
    format!("{what}: {cause} ({place})")
}
