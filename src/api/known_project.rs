//! What the checks of filters need to know about a project.

use std::fmt::Debug;

/// What the checks of filters need to know about a project.
pub trait KnownProject: Debug + Send + Sync {
    /// Returns the data type of a custom attribute, such as `text`, or `None` if the attribute is unknown.
    fn data_type(&self, attribute: &str) -> Option<&str>;

    /// Returns whether a location is another one or lies below it, or `None` if one of them is unknown.
    fn is_location_in(&self, id: &str, other: &str) -> Option<bool>;
}
