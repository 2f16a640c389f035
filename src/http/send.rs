//! One request out, one answer back.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::error::{Error, Sent, TransportError, chain};
use crate::http::trust;
use crate::options::Options;

/// An HTTP method of the services this client talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method as it stands in a request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request, whole: nothing is added to it on the way but what HTTP itself needs.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    /// Absolute, query included.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Bytes>,
}

impl Request {
    /// The value of a header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| *header == name)
            .map(|(_, value)| value.as_str())
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    /// The value of a header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What `Transport::send` returns.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answer, TransportError>> + Send + 'a>>;

/// Where requests go: the network, the simulator in this process, or a recording.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request once and reads its answer to the end.
    fn send(&self, request: Request) -> Sending<'_>;
}

/// Stands where a token was.
const HIDDEN: &str = "<token>";

/// The network.
pub struct Network {
    client: reqwest::Client,
}

impl Network {
    /// Opens a connection pool; no connection is made yet.
    ///
    /// # Errors
    /// [`Error::Option`] when the proxy or the CA bundle cannot be used.
    pub fn new(options: &Options) -> Result<Self, Error> {
        let proxy = match &options.proxy {
            // The address may hold a password, so it is not repeated.
            Some(address) => Some(reqwest::Proxy::all(address).map_err(|_| {
                Error::Option("proxy: not an address; it must be like http://proxy.example:3128".to_owned())
            })?),
            None => None,
        };
        let make = || {
            let builder = reqwest::Client::builder()
                .user_agent(&options.user_agent)
                .timeout(options.timeout)
                // Shorter than the whole, so that a connection that never came about is told as that: nothing was sent.
                .connect_timeout((options.timeout / 2).min(Duration::from_secs(20)))
                // A connection that the service closes while we send on it leaves a request in doubt; gateways
                // close idle ones after about a minute, so we let go of them well before.
                .pool_idle_timeout(Duration::from_secs(20))
                .tcp_nodelay(true)
                // A redirect would carry the token to wherever it points. No endpoint here redirects.
                .redirect(reqwest::redirect::Policy::none());
            match &proxy {
                Some(proxy) => builder.proxy(proxy.clone()),
                // A proxy of the environment must not see what is meant for this machine, the token least of all.
                None if options.is_local() => builder.no_proxy(),
                None => builder,
            }
        };
        Ok(Self {
            client: trust::build(make, options.ca_bundle.as_deref())?,
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
            // Shorter ones are no tokens of the service, and might stand in an answer by chance.
            let token = request
                .header("authorization")
                .and_then(|value| value.strip_prefix("Bearer "))
                .filter(|token| token.len() >= 16)
                .map(str::to_owned);
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
                failure(&error, sent, None)
            })?;
            let status = response.status().as_u16();
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
            let mut body = BytesMut::new();
            loop {
                match response.chunk().await {
                    Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                    Ok(None) => break,
                    // A refusal is one, however little of its reason arrives.
                    Err(_) if (400..500).contains(&status) => break,
                    Err(error) => return Err(failure(&error, Sent::Maybe, Some(status))),
                }
            }
            // JSON is UTF-8; a byte that is not must not hide the rest of an answer.
            let body = match String::from_utf8_lossy(&body) {
                Cow::Borrowed(_) => body.freeze(),
                Cow::Owned(text) => text.into(),
            };
            let answer = Answer {
                status,
                headers,
                body,
            };
            Ok(match &token {
                Some(token) => without(answer, token),
                None => answer,
            })
        })
    }
}

/// A proxy may show in its answer what it was sent, and answers end up in messages, results and logs.
fn without(mut answer: Answer, secret: &str) -> Answer {
    for (_, value) in &mut answer.headers {
        *value = value.replace(secret, HIDDEN);
    }
    let text = String::from_utf8_lossy(&answer.body);
    if text.contains(secret) {
        answer.body = text.replace(secret, HIDDEN).into();
    }
    answer
}

/// What helps where no connection came about, by a word of the cause.
const ADVICE: [(&str, &str); 6] = [
    (
        "dns error",
        "the host's name is not known (DNS): check base_url= and the network",
    ),
    ("tunnel error", "the proxy did not let it through: check proxy="),
    (
        "UnknownIssuer",
        "the certificate is from an authority this machine does not know: behind a company's proxy, give the company's \
         authority as ca_bundle=",
    ),
    (
        "invalid peer certificate",
        "the certificate is not one for this host: check base_url=, and the clock of this machine",
    ),
    (
        "InvalidContentType",
        "what listens there does not speak TLS: check base_url= and its port",
    ),
    ("", "check the network, base_url= and proxy="),
];

/// `status`: of the answer that had begun.
fn failure(error: &reqwest::Error, sent: Sent, status: Option<u16>) -> TransportError {
    let cause = chain(error);
    let what = match (sent, status) {
        (Sent::No, _) => {
            let fits = ADVICE.iter().find(|(word, _)| cause.contains(word));
            format!(
                "no connection, so nothing was sent; {}",
                fits.map_or("", |(_, advice)| advice)
            )
        }
        (_, _) if error.is_timeout() => {
            "no whole answer in time (timeout=), though the service may have done what was \
                                         asked"
                .to_owned()
        }
        (_, Some(status)) => {
            format!("the service answered {status}, but the rest of its answer is cut off or broken")
        }
        (_, None) => {
            "the connection broke, or what came back is no HTTP answer; the service may have done what was \
                      asked"
                .to_owned()
        }
    };
    TransportError {
        sent,
        message: format!("{what}: {cause}"),
    }
}
