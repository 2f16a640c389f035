//! Filters by the value of a custom attribute.

use serde_json::Value;

use crate::simulator::values::{finite, is_date};
use crate::simulator::world::{Attribute, DataType};

pub enum ValueFilter {
    Contains(String),
    Numbers(Vec<(f64, f64)>),
    Dates(Vec<(String, String)>),
    Flag(Vec<bool>),
    Choices(Vec<String>),
}

impl ValueFilter {
    pub fn read(attribute: &Attribute, values: &[&str]) -> Option<Self> {
        // Single values and ranges of one attribute cannot be mixed ("GET assets" reference page).
        let ranges = values.iter().filter(|value| value.contains("..")).count();
        let ends = |value: &str| -> (String, String) {
            value
                .split_once("..")
                .map_or((value.into(), value.into()), |(from, to)| {
                    (from.into(), to.into())
                })
        };
        Some(match attribute.data_type {
            DataType::Text => Self::Contains(values.last()?.to_lowercase()),
            DataType::Boolean => Self::Flag(
                values
                    .iter()
                    .map(|value| value.parse().ok())
                    .collect::<Option<Vec<bool>>>()?,
            ),
            DataType::Select | DataType::MultiSelect => {
                Self::Choices(values.iter().map(|value| (*value).to_owned()).collect())
            }
            _ if ranges != 0 && ranges != values.len() => return None,
            DataType::Numeric => {
                let end = |text: &str, open: f64| if text.is_empty() { Some(open) } else { finite(text) };
                let numbers = values.iter().map(|value| {
                    let (from, to) = ends(value);
                    Some((end(&from, f64::NEG_INFINITY)?, end(&to, f64::INFINITY)?))
                });
                Self::Numbers(numbers.collect::<Option<Vec<_>>>()?)
            }
            DataType::Date => {
                let dates: Vec<(String, String)> = values.iter().map(|value| ends(value)).collect();
                let good = |text: &String| text.is_empty() || is_date(text);
                if !dates.iter().all(|(from, to)| good(from) && good(to)) {
                    return None;
                }
                Self::Dates(dates)
            }
        })
    }

    pub fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Contains(part) => value
                .as_str()
                .is_some_and(|text| text.to_lowercase().contains(part)),
            Self::Numbers(ranges) => value
                .as_f64()
                .or_else(|| value.as_str().and_then(finite))
                .is_some_and(|number| ranges.iter().any(|(from, to)| (*from..=*to).contains(&number))),
            Self::Dates(ranges) => value.as_str().is_some_and(|date| {
                ranges
                    .iter()
                    .any(|(from, to)| date >= from.as_str() && (to.is_empty() || date <= to.as_str()))
            }),
            Self::Flag(flags) => value.as_bool().is_some_and(|flag| flags.contains(&flag)),
            Self::Choices(ids) => match value {
                Value::Array(values) => values.iter().any(|value| {
                    value
                        .as_str()
                        .is_some_and(|id| ids.iter().any(|known| known == id))
                }),
                other => other
                    .as_str()
                    .is_some_and(|id| ids.iter().any(|known| known == id)),
            },
        }
    }
}
