//! The settings of a project: categories, status sets, custom attributes (Assets API, version 1), and its locations
//! (Locations API, version 2).

use super::{BatchRead, Listing, Pages};
use crate::options::RateGroup;

const fn listing(name: &'static str, path: &'static str, pages: Pages) -> Listing {
    Listing {
        name,
        path,
        group: RateGroup::AssetsRead,
        pages,
        rows: "results",
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
};

/// The same for a project of BIM 360, whose locations have a container of their own.
pub const LOCATIONS_OF_CONTAINER: Listing = Listing {
    name: "locations-of-container",
    path: "/bim360/locations/v2/containers/{container}/trees/default/nodes",
    ..LOCATIONS
};
