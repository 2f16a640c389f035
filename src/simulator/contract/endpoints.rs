//! The table of endpoints.

use super::endpoint::{Endpoint, Group, Service};
use crate::http::send::Method;

/// The path prefixes of each service. The two prefixes of Assets are equivalent ("Assets field guide").
pub const PREFIXES: &[(&str, Service)] = &[
    ("/bim360/assets", Service::Assets),
    ("/construction/assets", Service::Assets),
    ("/bim360/relationship/v2", Service::Relationships),
    ("/construction/locations/v2", Service::Locations),
    ("/bim360/locations/v2", Service::LocationContainers),
];

const READ: &[&str] = &["data:read"];

const WRITE: &[&str] = &["data:write"];

const WRITE_CREATE: &[&str] = &["data:write", "data:create"];

const SETTINGS_LIST: &[&str] = &["limit", "cursorState", "includeDeleted", "filter[updatedAt]"];

const fn read(
    tag: &'static str,
    path: &'static str,
    method: Method,
    query: &'static [&'static str],
) -> Endpoint {
    let body = matches!(method, Method::Post);
    let items = if body { Some(100) } else { None };
    Endpoint {
        tag,
        method,
        service: Service::Assets,
        path,
        scopes: READ,
        group: Group::AssetsRead,
        body,
        items,
        query,
    }
}

const fn write(
    tag: &'static str,
    path: &'static str,
    method: Method,
    scopes: &'static [&'static str],
) -> Endpoint {
    Endpoint {
        tag,
        method,
        service: Service::Assets,
        path,
        scopes,
        group: Group::AssetsWrite,
        body: true,
        items: Some(100),
        query: &[],
    }
}

/// Defines an endpoint that writes one settings object per request ("Create settings" tutorial).
const fn setting(
    tag: &'static str,
    path: &'static str,
    method: Method,
    scopes: &'static [&'static str],
    query: &'static [&'static str],
) -> Endpoint {
    Endpoint {
        tag,
        method,
        service: Service::Assets,
        path,
        scopes,
        group: Group::AssetsWrite,
        // An assignment is a PUT and has all of its data in the path.
        body: !matches!(method, Method::Put),
        items: None,
        query,
    }
}

const fn open(tag: &'static str, path: &'static str) -> Endpoint {
    Endpoint {
        tag,
        method: Method::Get,
        service: Service::Assets,
        path,
        scopes: &[],
        group: Group::Free,
        body: false,
        items: None,
        query: &[],
    }
}

const fn relationship(
    tag: &'static str,
    path: &'static str,
    method: Method,
    scopes: &'static [&'static str],
    items: Option<usize>,
    query: &'static [&'static str],
) -> Endpoint {
    Endpoint {
        tag,
        method,
        service: Service::Relationships,
        path,
        scopes,
        group: Group::Relationships,
        body: items.is_some(),
        items,
        query,
    }
}

const fn locations(tag: &'static str, path: &'static str, service: Service) -> Endpoint {
    Endpoint {
        tag,
        method: Method::Get,
        service,
        path,
        scopes: READ,
        group: Group::Locations,
        body: false,
        items: None,
        query: &["limit", "offset", "filter[id]"],
    }
}

/// Every endpoint that the simulator supports. A request to any other path gets a 404.
pub const ENDPOINTS: &[Endpoint] = &[
    read(
        "assets",
        "/v2/projects/{}/assets",
        Method::Get,
        &["limit", "cursorState", "sort", "filter[*", "include*"],
    ),
    read(
        "assets:batch-get",
        "/v2/projects/{}/assets:batch-get",
        Method::Post,
        &["includeCustomAttributes", "includeDeleted"],
    ),
    write(
        "assets:batch-create",
        "/v2/projects/{}/assets:batch-create",
        Method::Post,
        WRITE_CREATE,
    ),
    write(
        "assets:batch-patch",
        "/v2/projects/{}/assets:batch-patch",
        Method::Patch,
        WRITE_CREATE,
    ),
    write(
        "assets:batch-delete",
        "/v2/projects/{}/assets:batch-delete",
        Method::Post,
        WRITE,
    ),
    read(
        "categories",
        "/v1/projects/{}/categories",
        Method::Get,
        &["filter[*", "includeUid", "limit", "offset"],
    ),
    read(
        "categories:batch-get",
        "/v1/projects/{}/categories:batch-get",
        Method::Post,
        &["includeUid"],
    ),
    read(
        "categories/custom-attributes",
        "/v1/projects/{}/categories/{}/custom-attributes",
        Method::Get,
        &["includeInherited", "limit", "offset"],
    ),
    read(
        "category-status-step-sets",
        "/v1/projects/{}/category-status-step-sets/status-step-sets:batch-get",
        Method::Post,
        &["includeInherited"],
    ),
    read(
        "status-step-sets",
        "/v1/projects/{}/status-step-sets",
        Method::Get,
        SETTINGS_LIST,
    ),
    read(
        "status-step-sets:batch-get",
        "/v1/projects/{}/status-step-sets:batch-get",
        Method::Post,
        &["includeDeleted"],
    ),
    read(
        "asset-statuses",
        "/v1/projects/{}/asset-statuses",
        Method::Get,
        SETTINGS_LIST,
    ),
    read(
        "asset-statuses:batch-get",
        "/v1/projects/{}/asset-statuses:batch-get",
        Method::Post,
        &["includeDeleted"],
    ),
    read(
        "custom-attributes",
        "/v1/projects/{}/custom-attributes",
        Method::Get,
        SETTINGS_LIST,
    ),
    read(
        "custom-attributes:batch-get",
        "/v1/projects/{}/custom-attributes:batch-get",
        Method::Post,
        &["includeDeleted"],
    ),
    setting(
        "categories:create",
        "/v1/projects/{}/categories",
        Method::Post,
        WRITE_CREATE,
        &["includeUid"],
    ),
    setting(
        "categories/custom-attributes:assign",
        "/v1/projects/{}/categories/{}/custom-attributes/{}",
        Method::Put,
        WRITE,
        &["includeInherited"],
    ),
    setting(
        "categories/status-step-set:assign",
        "/v1/projects/{}/categories/{}/status-step-set/{}",
        Method::Put,
        WRITE,
        &[],
    ),
    setting(
        "status-step-sets:create",
        "/v1/projects/{}/status-step-sets",
        Method::Post,
        WRITE_CREATE,
        &["renameConflicting"],
    ),
    setting(
        "asset-statuses:create",
        "/v1/projects/{}/asset-statuses",
        Method::Post,
        WRITE_CREATE,
        &[],
    ),
    setting(
        "custom-attributes:create",
        "/v1/projects/{}/custom-attributes",
        Method::Post,
        WRITE_CREATE,
        &["renameConflicting"],
    ),
    setting(
        "custom-attributes:patch",
        "/v1/projects/{}/custom-attributes/{}",
        Method::Patch,
        WRITE,
        &[],
    ),
    open("error-codes", "/v1/error-codes"),
    open("error-codes/name", "/v1/error-codes/{}"),
    relationship(
        "relationships:search",
        "/containers/{}/relationships:search",
        Method::Get,
        READ,
        None,
        &[
            "domain",
            "type",
            "id",
            "withDomain",
            "withType",
            "withId",
            "createdAfter",
            "createdBefore",
            "includeDeleted",
            "onlyDeleted",
            "pageLimit",
            "continuationToken",
        ],
    ),
    relationship(
        "relationships:batch",
        "/containers/{}/relationships:batch",
        Method::Post,
        READ,
        Some(50),
        &[],
    ),
    relationship(
        "relationships/id",
        "/containers/{}/relationships/{}",
        Method::Get,
        READ,
        None,
        &[],
    ),
    relationship(
        "relationships",
        "/containers/{}/relationships",
        Method::Put,
        WRITE_CREATE,
        Some(20),
        &[],
    ),
    relationship(
        "relationships:delete",
        "/containers/{}/relationships:delete",
        Method::Post,
        WRITE,
        Some(50),
        &[],
    ),
    // The path has no container id. Any query parameters are accepted, because the reference page lists no
    // 400.
    relationship(
        "relationships:writable",
        "/utility/relationships:writable",
        Method::Get,
        READ,
        None,
        &["*"],
    ),
    // See the "GET nodes" reference pages for ACC and BIM 360.
    locations(
        "locations",
        "/projects/{}/trees/default/nodes",
        Service::Locations,
    ),
    locations(
        "locations/container",
        "/containers/{}/trees/default/nodes",
        Service::LocationContainers,
    ),
];
