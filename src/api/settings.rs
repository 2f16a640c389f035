//! The settings of a project: categories, status sets, custom attributes (Assets API, version 1), and its locations
//! (Locations API, version 2).

use super::{BatchRead, Listing, Pages, SettingWrite};
use crate::http::Replay;
use crate::http::send::Method;
use crate::options::RateGroup;

const fn listing(name: &'static str, path: &'static str, pages: Pages) -> Listing {
    Listing {
        name,
        path,
        group: RateGroup::AssetsRead,
        pages,
        rows: "results",
        filters: &[],
    }
}

/// GET categories: the page says it does not page.
pub const CATEGORIES: Listing = listing(
    "categories",
    "/{prefix}/assets/v1/projects/{project}/categories",
    Pages::One,
);

/// GET status-step-sets.
pub const STATUS_SETS: Listing = listing(
    "status-sets",
    "/{prefix}/assets/v1/projects/{project}/status-step-sets",
    Pages::Cursor { limit: 200 },
);

/// GET custom-attributes.
pub const CUSTOM_ATTRIBUTES: Listing = listing(
    "custom-attributes",
    "/{prefix}/assets/v1/projects/{project}/custom-attributes",
    Pages::Cursor { limit: 200 },
);

/// GET categories/:categoryId/custom-attributes.
pub const CATEGORY_ATTRIBUTES: Listing = listing(
    "category-attributes",
    "/{prefix}/assets/v1/projects/{project}/categories/{category_id}/custom-attributes",
    Pages::One,
);

/// GET error-codes: the codes of the Assets API, the same for all projects. Its page asks for no token and names no rate
/// limit; it is paced as a read.
pub const ERROR_CODES: Listing = listing("error-codes", "/{prefix}/assets/v1/error-codes", Pages::One);

/// POST category-status-step-sets/status-step-sets:batch-get: one row for each category, with inheritance. That a call
/// takes at most 100 ids stands in the tutorial "Manage assets".
pub const CATEGORY_STATUS_SETS: BatchRead = BatchRead {
    name: "category-status-sets",
    path: "/{prefix}/assets/v1/projects/{project}/category-status-step-sets/status-step-sets:batch-get\
        ?includeInherited=true",
    group: RateGroup::AssetsRead,
    most_items: 100,
    rows: "results",
};

/// GET nodes: a whole tree has at most 10,000 nodes ("Locations field guide"), so it comes in one answer.
pub const LOCATIONS: Listing = Listing {
    name: "locations",
    path: "/construction/locations/v2/projects/{project}/trees/default/nodes",
    group: RateGroup::Locations,
    pages: Pages::Offset { limit: 10_000 },
    rows: "results",
    filters: &[],
};

/// The same for a project of BIM 360, whose locations have a container of their own.
pub const LOCATIONS_OF_CONTAINER: Listing = Listing {
    name: "locations-of-container",
    path: "/bim360/locations/v2/containers/{container}/trees/default/nodes",
    ..LOCATIONS
};

const fn write(name: &'static str, method: Method, path: &'static str, replay: Replay) -> SettingWrite {
    SettingWrite {
        name,
        method,
        path,
        group: RateGroup::AssetsWrite,
        replay,
    }
}

/// POST categories. Its answer is the category.
pub const CREATE_CATEGORY: SettingWrite = write(
    "categories:create",
    Method::Post,
    "/{prefix}/assets/v1/projects/{project}/categories",
    Replay::Never,
);

/// POST status-step-sets: a set with all its statuses.
pub const CREATE_STATUS_SET: SettingWrite = write(
    "status-step-sets:create",
    Method::Post,
    "/{prefix}/assets/v1/projects/{project}/status-step-sets",
    Replay::Never,
);

/// POST asset-statuses: one more status of a set.
pub const CREATE_STATUS: SettingWrite = write(
    "asset-statuses:create",
    Method::Post,
    "/{prefix}/assets/v1/projects/{project}/asset-statuses",
    Replay::Never,
);

/// POST custom-attributes.
pub const CREATE_ATTRIBUTE: SettingWrite = write(
    "custom-attributes:create",
    Method::Post,
    "/{prefix}/assets/v1/projects/{project}/custom-attributes",
    Replay::Never,
);

/// What POST status-step-sets and POST custom-attributes take so that an inactive thing gives way that has the name.
pub const RENAME_CONFLICTING: &str = "?renameConflicting=true";

/// PUT categories/:categoryId/custom-attributes/:customAttributeId, without a body.
pub const ASSIGN_ATTRIBUTE: SettingWrite = write(
    "categories/custom-attributes:assign",
    Method::Put,
    "/{prefix}/assets/v1/projects/{project}/categories/{category_id}/custom-attributes/{assigned_id}",
    Replay::Safe,
);

/// PUT categories/:categoryId/status-step-set/:statusStepSetId, without a body. It replaces the set that a category
/// has or inherits.
pub const ASSIGN_STATUS_SET: SettingWrite = write(
    "categories/status-step-set:assign",
    Method::Put,
    "/{prefix}/assets/v1/projects/{project}/categories/{category_id}/status-step-set/{assigned_id}",
    Replay::Safe,
);
