//! What an endpoint is.

use crate::http::send::Method;

/// A service that provides data of the simulated project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Assets,
    Relationships,
    Locations,
    /// The Locations API for BIM 360, which identifies the project by a separate container id.
    LocationContainers,
}

/// A group of endpoints that share one rate limit per user ("Assets rate limits" and "Relationships rate
/// limits" pages).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    AssetsRead,
    AssetsWrite,
    Relationships,
    Locations,
    /// The endpoints for error codes, which require no token and have no rate limit.
    Free,
}

impl Group {
    /// Returns the name of the group in options and in the audit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AssetsRead => "assets_read",
            Self::AssetsWrite => "assets_write",
            Self::Relationships => "relationships",
            Self::Locations => "locations",
            Self::Free => "free",
        }
    }
}

/// The definition of an endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// The name of the endpoint in faults and in the audit.
    pub tag: &'static str,
    pub method: Method,
    pub service: Service,
    /// The path after the service's prefix. `{}` stands for one path segment.
    pub path: &'static str,
    pub scopes: &'static [&'static str],
    pub group: Group,
    /// Whether a request must have a body and a content type.
    pub body: bool,
    /// The maximum number of items per call. `None` for no limit.
    pub items: Option<usize>,
    /// The names of the valid query parameters. A trailing `*` matches any suffix.
    pub query: &'static [&'static str],
}
