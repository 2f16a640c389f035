//! An endpoint as data, and what is asked of it.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::api::filters::Filter;
use crate::api::paging::Paging;
use crate::error::Error;
use crate::http::refusal::{kept_headers, request_id};
use crate::http::{Auth, PreparedRequest, Replay, Response, send::Method};
use crate::model::asset::{entries, list};
use crate::options::RateGroup;

/// One endpoint of a service: all that is the same in each of its requests.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// As the reference page calls it; a list as users call what it holds.
    pub name: &'static str,
    pub method: Method,
    pub path: Path,
    pub group: &'static RateGroup,
    /// The header that names the region of a project, where the reference page lists one.
    pub region_header: Option<&'static str>,
    pub auth: Auth,
    pub replay: Replay,
    pub body: RequestBody,
    pub response: ResponseBody,
}

/// A path with places to fill, such as `/{prefix}/assets/v1/projects/{project}/categories`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path(&'static str);

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestBody {
    None,
    Json,
    Items(Items),
}

/// A body that is a list of items: what comes before and after them, with commas between, and how many there are at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Items {
    pub open: &'static str,
    pub close: &'static str,
    pub most: usize,
}

/// What a success brings.
#[derive(Debug, Clone, Copy)]
pub enum ResponseBody {
    None,
    /// One JSON value.
    One,
    Rows(Rows),
}

/// A response that holds rows, perhaps one page of them.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// The member that holds them; None: the body is the list.
    pub member: Option<&'static str>,
    pub paging: Paging,
    /// Its filters, as far as rows show whether they were applied.
    pub filters: &'static [Filter],
}

/// Names and values of a query.
pub type Query = Vec<(String, String)>;

/// What is asked of an endpoint.
#[derive(Debug, Clone)]
pub struct Call {
    pub endpoint: &'static Endpoint,
    /// With its places filled.
    pub path: String,
    pub query: Query,
    pub body: Option<Bytes>,
}

impl Path {
    /// A path whose places are names in braces.
    #[must_use]
    pub const fn new(path: &'static str) -> Self {
        Self(path)
    }

    /// The path with these values in its places. Values are escaped, so that none can reach another path.
    ///
    /// # Errors
    /// [`Error::Option`] naming a place without a value.
    pub fn fill(self, places: &[(&str, &str)]) -> Result<String, Error> {
        let mut filled = String::with_capacity(self.0.len() + 64);
        let mut rest = self.0;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let value = places.iter().find(|(place, _)| *place == name);
            // An empty value would leave out a part of the path.
            let Some((_, value)) = value.filter(|(_, value)| !value.is_empty()) else {
                return Err(Error::Option(format!(
                    "`{name}` is missing in the path {}",
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

/// Appends a value as one segment of a path. Dots alone would be a step up.
fn escape(value: &str, into: &mut String) {
    let dots = value.bytes().all(|byte| byte == b'.');
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && !dots) {
            into.push(byte.into());
        } else {
            // Writing into memory cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

impl Endpoint {
    /// The form of the items of its request; any other body is one item.
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

    /// How its rows are paged.
    #[must_use]
    pub const fn paging(&self) -> Paging {
        match self.response {
            ResponseBody::Rows(rows) => rows.paging,
            ResponseBody::None | ResponseBody::One => Paging::One,
        }
    }

    /// The member that holds its rows; none where the body is the list.
    #[must_use]
    pub const fn member(&self) -> Option<&'static str> {
        match self.response {
            ResponseBody::Rows(rows) => rows.member,
            ResponseBody::None | ResponseBody::One => None,
        }
    }

    /// The filters that rows show.
    #[must_use]
    pub const fn filters(&self) -> &'static [Filter] {
        match self.response {
            ResponseBody::Rows(rows) => rows.filters,
            ResponseBody::None | ResponseBody::One => &[],
        }
    }

    /// The rows of a body.
    ///
    /// # Errors
    /// A text saying what is wrong with the body.
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

    /// A success whose body is not what the reference page shows.
    #[must_use]
    pub fn unreadable(&self, response: &Response, reason: &str) -> Error {
        let what = match (self.method, self.response) {
            (Method::Get, ResponseBody::Rows(_)) => "list",
            _ => "response",
        };
        let message = format!(
            "the {what} of {} cannot be read: {reason}; call again, and check base_url= and proxy= if it stays so",
            self.name
        );
        unreadable(response, message)
    }
}

/// A success that cannot be used as it is; `message` says all of it.
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
    /// A call of an endpoint, with the places of its path filled.
    ///
    /// # Errors
    /// As [`Path::fill`].
    pub fn new(endpoint: &'static Endpoint, places: &[(&str, &str)]) -> Result<Self, Error> {
        Ok(Self {
            endpoint,
            path: endpoint.path.fill(places)?,
            query: Query::new(),
            body: None,
        })
    }

    /// The same with these parameters.
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

    /// The same with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The request as it is sent.
    #[must_use]
    pub fn prepare(&self) -> PreparedRequest {
        let Self {
            endpoint,
            path,
            query,
            body,
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path = Path::new("/{prefix}/projects/{project}/nodes");

    #[test]
    fn a_path_escapes_what_is_put_into_it() {
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
    fn a_path_names_the_place_that_is_missing() {
        for places in [&[("prefix", "x")][..], &[("prefix", "x"), ("project", "")]] {
            let error = PATH.fill(places).unwrap_err().to_string();
            assert!(error.contains("`project` is missing"), "{error}");
        }
        assert_eq!(Path::new("/all").fill(&[]).unwrap(), "/all");
    }
}
