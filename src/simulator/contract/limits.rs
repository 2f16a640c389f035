//! The limits on lengths, levels and pages.

/// The maximum number of category levels below ROOT ("Assets field guide").
pub const CATEGORY_DEPTH: usize = 10;

/// The maximum length of a status set's name and of a custom attribute's display name ("POST
/// status-step-sets" and "POST custom-attributes" reference pages).
pub const NAME_LENGTH: usize = 100;

/// The maximum length of a text value of a custom attribute ("POST assets:batch-create" reference page).
pub const ATTRIBUTE_TEXT_LENGTH: usize = 250;

/// The default number of rows per page. `PAGE_MOST` is the maximum ("GET assets" reference page).
pub const PAGE_DEFAULT: usize = 25;

pub const PAGE_MOST: usize = 200;

/// The default and maximum number of relationships per page ("GET relationships:search" reference page).
pub const RELATIONSHIP_PAGE_MOST: usize = 100;

/// The maximum number of tiers in the location tree, including the root ("Locations field guide").
pub const LOCATION_TIERS: usize = 20;

/// The maximum length of a location's name or barcode ("GET nodes" reference page).
pub const LOCATION_TEXT_LENGTH: usize = 255;

/// The maximum number of nodes in a Locations API response and in a location tree ("GET nodes" reference
/// page).
pub const LOCATION_PAGE_MOST: usize = 10_000;
