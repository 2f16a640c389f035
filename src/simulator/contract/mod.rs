//! The contract of the service as tables: endpoints, writable fields, error codes, and switches for
//! undocumented behavior.
//!
//! The tables are based only on the official documentation and share no rules with the client, so each
//! verifies the other.

mod endpoint;
mod endpoints;
mod error_codes;
mod fields;
mod limits;
mod links;
mod switches;

pub use endpoint::{Endpoint, Group, Service};
pub use endpoints::{ENDPOINTS, PREFIXES};
pub use error_codes::ERROR_CODES;
pub use fields::{
    ASSET_FIELDS, ATTRIBUTE_FIELDS, CATEGORY_FIELDS, Field, Kind, STATUS_FIELDS, STATUS_SET_FIELDS,
    STATUS_VALUE_FIELDS,
};
pub use limits::{
    ATTRIBUTE_TEXT_LENGTH, CATEGORY_DEPTH, LOCATION_PAGE_MOST, LOCATION_TEXT_LENGTH, LOCATION_TIERS,
    NAME_LENGTH, PAGE_DEFAULT, PAGE_MOST, RELATIONSHIP_PAGE_MOST,
};
pub use links::{EntityKind, WRITABLE};
pub use switches::{SWITCHES, Switch, Switches};
