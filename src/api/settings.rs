//! The settings of a project: categories, status sets and custom attributes (Assets API, version 1), and
//! locations (Locations API, version 2).

use crate::api::assets::{READS, WRITES};
use crate::api::endpoint::{Endpoint, Path, RequestBody, ResponseBody, Rows};
use crate::api::paging::Paging;
use crate::http::send::Method;
use crate::http::{Auth, Replay};
use crate::options::RateGroup;

/// The rate group for reading locations.
pub const LOCATION_READS: RateGroup = RateGroup {
    name: "locations",
    requests: 200,
};

const fn list(name: &'static str, path: &'static str, paging: Paging) -> Endpoint {
    Endpoint {
        name,
        method: Method::Get,
        path: Path::new(path),
        group: &READS,
        region_header: None,
        auth: Auth::Bearer,
        replay: Replay::Safe,
        body: RequestBody::None,
        response: ResponseBody::Rows(Rows {
            member: Some("results"),
            paging,
            filters: &[],
        }),
    }
}

const BY_CURSOR: Paging = Paging::Token {
    within: "pagination",
    name: "cursorState",
    limit: Some(200),
};

/// GET categories: documented as not paginated.
pub const CATEGORIES: Endpoint = list(
    "categories",
    "/{prefix}/assets/v1/projects/{project}/categories",
    Paging::One,
);

/// GET status-step-sets.
pub const STATUS_SETS: Endpoint = list(
    "status-sets",
    "/{prefix}/assets/v1/projects/{project}/status-step-sets",
    BY_CURSOR,
);

/// GET custom-attributes.
pub const CUSTOM_ATTRIBUTES: Endpoint = list(
    "custom-attributes",
    "/{prefix}/assets/v1/projects/{project}/custom-attributes",
    BY_CURSOR,
);

/// GET categories/:categoryId/custom-attributes.
pub const CATEGORY_ATTRIBUTES: Endpoint = list(
    "category-attributes",
    "/{prefix}/assets/v1/projects/{project}/categories/{category_id}/custom-attributes",
    Paging::One,
);

/// The rate group of the error codes. The page "Assets rate limits" lists no limit for them.
pub const UNLIMITED: RateGroup = RateGroup {
    name: "error_codes",
    requests: u32::MAX,
};

/// GET error-codes: the codes of the Assets API, the same for all projects. According to its reference page, the
/// endpoint requires no token.
pub const ERROR_CODES: Endpoint = Endpoint {
    group: &UNLIMITED,
    auth: Auth::None,
    ..list("error-codes", "/{prefix}/assets/v1/error-codes", Paging::One)
};

/// POST category-status-step-sets/status-step-sets:batch-get: one row per category, including inherited sets.
pub const CATEGORY_STATUS_SETS: Endpoint = Endpoint {
    method: Method::Post,
    body: RequestBody::Json,
    ..list(
        "category-status-sets",
        "/{prefix}/assets/v1/projects/{project}/category-status-step-sets/status-step-sets:batch-get",
        Paging::One,
    )
};

/// The maximum number of categories per call of [`CATEGORY_STATUS_SETS`] (tutorial "Manage assets").
pub const MOST_CATEGORIES: usize = 100;

/// GET nodes: a whole tree has at most 10,000 nodes ("Locations field guide"), so it is returned in one response.
pub const LOCATIONS: Endpoint = Endpoint {
    name: "locations",
    path: Path::new("/construction/locations/v2/projects/{project}/trees/default/nodes"),
    ..LOCATION_NODES
};

/// GET nodes for a BIM 360 project, whose locations have a separate container.
pub const LOCATIONS_OF_CONTAINER: Endpoint = Endpoint {
    name: "locations-of-container",
    path: Path::new("/bim360/locations/v2/containers/{container}/trees/default/nodes"),
    ..LOCATION_NODES
};

const LOCATION_NODES: Endpoint = Endpoint {
    group: &LOCATION_READS,
    region_header: Some("region"),
    ..list("", "", Paging::Offset { limit: 10_000 })
};

/// Describes an endpoint that creates or changes one setting and returns it.
const fn write(name: &'static str, path: &'static str) -> Endpoint {
    Endpoint {
        name,
        method: Method::Post,
        path: Path::new(path),
        group: &WRITES,
        region_header: None,
        auth: Auth::Bearer,
        replay: Replay::Never,
        body: RequestBody::Json,
        response: ResponseBody::One,
    }
}

/// Describes an assignment: an idempotent PUT without a body.
const fn assign(name: &'static str, path: &'static str) -> Endpoint {
    Endpoint {
        method: Method::Put,
        replay: Replay::Safe,
        body: RequestBody::None,
        ..write(name, path)
    }
}

/// POST categories.
pub const CREATE_CATEGORY: Endpoint = write(
    "categories:create",
    "/{prefix}/assets/v1/projects/{project}/categories",
);

/// POST status-step-sets: creates a set with all of its statuses.
pub const CREATE_STATUS_SET: Endpoint = write(
    "status-step-sets:create",
    "/{prefix}/assets/v1/projects/{project}/status-step-sets",
);

/// POST asset-statuses: adds a status to a set.
pub const CREATE_STATUS: Endpoint = write(
    "asset-statuses:create",
    "/{prefix}/assets/v1/projects/{project}/asset-statuses",
);

/// POST custom-attributes.
pub const CREATE_ATTRIBUTE: Endpoint = write(
    "custom-attributes:create",
    "/{prefix}/assets/v1/projects/{project}/custom-attributes",
);

/// PATCH custom-attributes/:customAttributeId. The page does not say what happens to a value that `enumValues` omits.
pub const CHANGE_ATTRIBUTE: Endpoint = Endpoint {
    method: Method::Patch,
    ..write(
        "custom-attributes:patch",
        "/{prefix}/assets/v1/projects/{project}/custom-attributes/{attribute_id}",
    )
};

/// The parameter of POST status-step-sets and POST custom-attributes that renames an inactive object with the same
/// name.
pub const RENAME_CONFLICTING: (&str, &str) = ("renameConflicting", "true");

/// PUT categories/:categoryId/custom-attributes/:customAttributeId.
pub const ASSIGN_ATTRIBUTE: Endpoint = assign(
    "categories/custom-attributes:assign",
    "/{prefix}/assets/v1/projects/{project}/categories/{category_id}/custom-attributes/{assigned_id}",
);

/// PUT categories/:categoryId/status-step-set/:statusStepSetId. The new set replaces the category's own or inherited
/// set.
pub const ASSIGN_STATUS_SET: Endpoint = assign(
    "categories/status-step-set:assign",
    "/{prefix}/assets/v1/projects/{project}/categories/{category_id}/status-step-set/{assigned_id}",
);
