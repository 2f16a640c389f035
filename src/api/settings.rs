//! The settings of a project, read only: categories, status sets, custom attributes (Assets API, version 1).

use super::{Listing, Pages};
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
