//! The default value of a custom attribute.

use serde_json::Value;

use crate::simulator::contract::ATTRIBUTE_TEXT_LENGTH;
use crate::simulator::values::is_date;
use crate::simulator::world::DataType;

/// Checks a default. On an error, returns a description of the expected value. A default names options by
/// label, whereas an asset contains their ids ("Create settings" tutorial).
pub fn default_fits(
    data_type: DataType,
    labels: &[&str],
    max_length: Option<usize>,
    value: &Value,
) -> Result<(), &'static str> {
    let text = value.as_str();
    let label = |value: &Value| value.as_str().is_some_and(|label| labels.contains(&label));
    let (fits, what) = match data_type {
        DataType::Text => {
            let most = max_length.unwrap_or(ATTRIBUTE_TEXT_LENGTH);
            let short = text.is_some_and(|text| text.chars().count() <= most);
            (short, "a string not longer than the attribute allows")
        }
        DataType::Date => (text.is_some_and(is_date), "a date YYYY-MM-DD"),
        DataType::Boolean => (value.is_boolean(), "true or false"),
        DataType::Numeric => (value.is_number(), "a number"),
        DataType::Select => (label(value), "the label of one of its values"),
        DataType::MultiSelect => {
            let labels = value.as_array().is_some_and(|values| values.iter().all(label));
            (labels, "an array of labels of its values")
        }
    };
    fits.then_some(()).ok_or(what)
}
