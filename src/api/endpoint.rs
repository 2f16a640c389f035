//! Endpoints described as data, and calls to endpoints.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::api::field::Field;
use crate::api::known_project::KnownProject;
use crate::api::paging::{Paging, Query};
use crate::error::{Error, Sent, TransportError};
use crate::http::refusal::{kept_headers, request_id};
use crate::http::{Auth, PreparedRequest, Replay, Response, send::Method};
use crate::model::asset::{entries, list};
use crate::options::RateGroup;

/// An endpoint of a service, with the properties that all of its requests share.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// The name on the reference page or, for a list endpoint, the user-facing name of its rows.
    pub name: &'static str,
    pub method: Method,
    pub path: Path,
    pub group: &'static RateGroup,
    /// The header that names the region of a project, if the reference page lists one.
    pub region_header: Option<&'static str>,
    pub auth: Auth,
    pub replay: Replay,
    pub body: RequestBody,
    pub response: ResponseBody,
}

/// A path with parameters, such as `/{prefix}/assets/v1/projects/{project}/categories`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path(&'static str);

/// The body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestBody {
    None,
    Json,
    Items(Items),
}

/// A body that is a list of items: the text before and after the items, and the maximum number of items per
/// request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Items {
    pub open: &'static str,
    pub close: &'static str,
    pub most: usize,
}

/// The body of a successful response.
#[derive(Debug, Clone, Copy)]
pub enum ResponseBody {
    None,
    /// One JSON value.
    One,
    Rows(Rows),
}

/// A response with rows, possibly only one page of the list.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// The JSON member that contains the rows. If `None`, the body itself is the list.
    pub member: Option<&'static str>,
    pub paging: Paging,
    /// The fields whose filters can be checked on the rows.
    pub filters: &'static [Field],
}

/// One call to an endpoint.
#[derive(Debug, Clone)]
pub struct Call {
    pub endpoint: &'static Endpoint,
    /// The path with its parameters filled in.
    pub path: String,
    pub query: Query,
    pub body: Option<Bytes>,
    /// What is known about the project. Some filters can only be checked with it.
    pub project: Option<Arc<dyn KnownProject>>,
}

impl Path {
    /// Creates a path whose parameters are names in braces.
    #[must_use]
    pub const fn new(path: &'static str) -> Self {
        Self(path)
    }

    /// Fills in the parameters. Values are escaped, so that no value can change the path.
    ///
    /// # Errors
    /// [`Error::Option`] if the value of a parameter is missing or empty.
    pub fn fill(self, places: &[(&str, &str)]) -> Result<String, Error> {
        let mut filled = String::with_capacity(self.0.len() + 64);
        let mut rest = self.0;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let value = places.iter().find(|(place, _)| *place == name);
            // An empty value would drop a segment of the path.
            let Some((_, value)) = value.filter(|(_, value)| !value.is_empty()) else {
                return Err(Error::Option(format!(
                    "`{name}` is missing from the path {}",
                    self.0
                )));
            };
            escape(value, &mut filled);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// Appends a value as one segment of a path. Segments that consist only of dots are escaped, because `..` would refer
/// to the parent.
fn escape(value: &str, into: &mut String) {
    let dots = value.bytes().all(|byte| byte == b'.');
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && !dots) {
            into.push(byte.into());
        } else {
            // Writing to memory cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

impl Endpoint {
    /// Returns the format of the items in the request body. A body that is not a list counts as one item.
    #[must_use]
    pub const fn items(&self) -> Items {
        match self.body {
            RequestBody::Items(items) => items,
            RequestBody::None | RequestBody::Json => Items {
                open: "",
                close: "",
                most: 1,
            },
        }
    }

    /// Returns how the rows are paginated.
    #[must_use]
    pub const fn paging(&self) -> Paging {
        match self.response {
            ResponseBody::Rows(rows) => rows.paging,
            ResponseBody::None | ResponseBody::One => Paging::One,
        }
    }

    /// Returns the JSON member that contains the rows, or `None` if the body itself is the list.
    #[must_use]
    pub const fn member(&self) -> Option<&'static str> {
        match self.response {
            ResponseBody::Rows(rows) => rows.member,
            ResponseBody::None | ResponseBody::One => None,
        }
    }

    /// Returns the fields whose filters can be checked on the rows.
    #[must_use]
    pub const fn filters(&self) -> &'static [Field] {
        match self.response {
            ResponseBody::Rows(rows) => rows.filters,
            ResponseBody::None | ResponseBody::One => &[],
        }
    }

    /// Reads the rows in a response body.
    ///
    /// # Errors
    /// If the body is invalid; the string says why.
    pub fn rows<'a>(&self, body: &'a [u8]) -> Result<Vec<&'a RawValue>, String> {
        match self.response {
            ResponseBody::None => Ok(Vec::new()),
            ResponseBody::One => serde_json::from_slice(body)
                .map(|row| vec![row])
                .map_err(|error| error.to_string()),
            ResponseBody::Rows(Rows {
                member: Some(member), ..
            }) => list(body, member),
            ResponseBody::Rows(Rows { member: None, .. }) => entries(body),
        }
    }

    /// Creates the error for a successful response whose body does not match the documentation.
    #[must_use]
    pub fn unreadable(&self, response: &Response, reason: &str) -> Error {
        let what = match (self.method, self.response) {
            (Method::Get, ResponseBody::Rows(_)) => "list",
            _ => "response",
        };
        let message = format!(
            "the {what} of {} is unreadable: {reason}; try again, and check base_url= and proxy= if this \
                persists",
            self.name
        );
        unreadable(response, message)
    }

    /// Creates the error for a response that needs too much memory. A retry would return the same response.
    #[must_use]
    pub fn too_large(&self, reason: &str) -> Error {
        Error::Transport(TransportError::new(
            Sent::Answered,
            format!(
                "the response for {} is too large: {reason}; request less data, for example no custom \
                    attributes",
                self.name
            ),
        ))
    }
}

/// Creates the error for an unusable successful response. `message` is used unchanged.
#[must_use]
pub fn unreadable(response: &Response, message: String) -> Error {
    Error::Unreadable {
        message,
        status: response.status,
        headers: kept_headers(response),
        request_id: request_id(response),
        body: String::from_utf8_lossy(&response.body).into(),
    }
}

impl Call {
    /// Creates a call, with its path parameters filled in.
    ///
    /// # Errors
    /// See [`Path::fill`].
    pub fn new(endpoint: &'static Endpoint, places: &[(&str, &str)]) -> Result<Self, Error> {
        Ok(Self {
            endpoint,
            path: endpoint.path.fill(places)?,
            query: Query::new(),
            body: None,
            project: None,
        })
    }

    /// Adds parameters to the query.
    #[must_use]
    pub fn with_query<N: Into<String>, V: Into<String>>(
        mut self,
        query: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let pairs = query.into_iter();
        self.query
            .extend(pairs.map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets what is known about the project.
    #[must_use]
    pub fn of_project(mut self, project: Option<Arc<dyn KnownProject>>) -> Self {
        self.project = project;
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Builds the request to send.
    #[must_use]
    pub fn prepare(&self) -> PreparedRequest {
        let Self {
            endpoint,
            path,
            query,
            body,
            project: _,
        } = self;
        let mut path = path.clone();
        if !query.is_empty() {
            path.push('?');
            let start = path.len();
            let mut pairs = form_urlencoded::Serializer::for_suffix(path, start);
            path = pairs.extend_pairs(query).finish();
        }
        PreparedRequest {
            method: endpoint.method,
            path,
            group: endpoint.group,
            region_header: endpoint.region_header,
            auth: endpoint.auth,
            replay: endpoint.replay,
            content_type: "application/json",
            body: body.clone(),
            is_nested: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path = Path::new("/{prefix}/projects/{project}/nodes");

    #[test]
    fn path_parameters_are_escaped() {
        for (value, filled) in [
            ("b.7c9e", "/x/projects/b.7c9e/nodes"),
            ("a/../b", "/x/projects/a%2F..%2Fb/nodes"),
            ("..", "/x/projects/%2E%2E/nodes"),
            ("{prefix}?q#f%", "/x/projects/%7Bprefix%7D%3Fq%23f%25/nodes"),
            ("ü +", "/x/projects/%C3%BC%20%2B/nodes"),
        ] {
            assert_eq!(PATH.fill(&[("project", value), ("prefix", "x")]).unwrap(), filled);
        }
    }

    #[test]
    fn a_missing_path_parameter_is_named() {
        for places in [&[("prefix", "x")][..], &[("prefix", "x"), ("project", "")]] {
            let error = PATH.fill(places).unwrap_err().to_string();
            assert!(error.contains("`project` is missing"), "{error}");
        }
        assert_eq!(Path::new("/all").fill(&[]).unwrap(), "/all");
    }
}
