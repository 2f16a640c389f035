//! Looks up categories, statuses, attributes, values and locations by name, path or id.

mod attributes;
mod categories;
mod choices;
mod locations;
mod lookup_error;
mod statuses;
mod tree;

use super::indexed::Settings;
use crate::api::KnownProject;

pub use lookup_error::LookupError;

impl KnownProject for Settings {
    fn data_type(&self, attribute: &str) -> Option<&str> {
        let place = self.attribute_of_name(attribute)?;
        Some(&self.content.attributes[place].data_type)
    }

    fn is_location_in(&self, id: &str, other: &str) -> Option<bool> {
        let place = self.location_of_id(id)?;
        let other = self.location_of_id(other)?;
        Some(self.locations.upwards(place).any(|place| place == other))
    }
}
