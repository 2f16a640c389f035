//! The order of GET assets.

use serde_json::Value;

use crate::simulator::call::Call;
use crate::simulator::contract::{Switch, Switches};
use crate::simulator::refusal::{Refusal, bad_field};
use crate::simulator::values::finite;
use crate::simulator::world::{Asset, World};

enum SortKey {
    Field(&'static str),
    Attribute(String),
}

impl SortKey {
    fn of(&self, asset: &Asset) -> SortValue {
        let text =
            |text: Option<&str>| text.map_or(SortValue::Missing, |text| SortValue::Text(text.to_lowercase()));
        #[allow(clippy::cast_precision_loss)]
        match self {
            Self::Field("id") => SortValue::Text(asset.id.to_string()),
            Self::Field("clientAssetId") => text(Some(&asset.client_asset_id)),
            Self::Field("categoryId") => SortValue::Number(asset.category as f64),
            Self::Field("statusId") => SortValue::Text(asset.status.to_string()),
            Self::Field("description") => text(asset.description.as_deref()),
            Self::Field("locationId") => asset
                .location
                .map_or(SortValue::Missing, |id| SortValue::Text(id.to_string())),
            Self::Field("barcode") => text(asset.barcode.as_deref()),
            Self::Field("createdAt") => SortValue::Number(asset.stamp.created_at as f64),
            Self::Field("createdBy") => text(Some(&asset.stamp.created_by)),
            Self::Field("updatedAt") => SortValue::Number(asset.stamp.updated_at as f64),
            Self::Field("updatedBy") => text(Some(&asset.stamp.updated_by)),
            Self::Field(_) => SortValue::Number(asset.stamp.version as f64),
            Self::Attribute(name) => match asset.attribute_map().get(name) {
                None | Some(Value::Null) => SortValue::Missing,
                Some(Value::String(value)) => {
                    finite(value).map_or_else(|| SortValue::Text(value.to_lowercase()), SortValue::Number)
                }
                Some(Value::Number(number)) => SortValue::Number(number.as_f64().unwrap_or(0.0)),
                Some(other) => SortValue::Text(other.to_string()),
            },
        }
    }
}

/// The value by which an asset is sorted. In ascending order, numbers come first and missing values last.
#[derive(PartialEq, PartialOrd)]
enum SortValue {
    Number(f64),
    Text(String),
    Missing,
}

const SORT_FIELDS: [&str; 12] = [
    "id",
    "clientAssetId",
    "categoryId",
    "statusId",
    "description",
    "locationId",
    "barcode",
    "createdAt",
    "createdBy",
    "updatedAt",
    "updatedBy",
    "version",
];

/// The sort keys of a request, each with a flag that is true for descending order.
pub struct Order(Vec<(SortKey, bool)>);

impl Order {
    /// Sorts the positions of assets.
    pub fn sort(&self, assets: &[Asset], positions: &mut Vec<usize>) {
        if self.0.is_empty() {
            return;
        }
        let values = |position: &usize| -> Vec<SortValue> {
            self.0.iter().map(|(key, _)| key.of(&assets[*position])).collect()
        };
        let mut keyed: Vec<(Vec<SortValue>, usize)> = positions
            .iter()
            .map(|position| (values(position), *position))
            .collect();
        keyed.sort_by(|(one, _), (other, _)| {
            let pairs = one.iter().zip(other).zip(&self.0);
            pairs
                .map(|((one, other), (_, descending))| {
                    let ordering = one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal);
                    if *descending { ordering.reverse() } else { ordering }
                })
                .find(|ordering| ordering.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        *positions = keyed.into_iter().map(|(_, position)| position).collect();
    }

    /// Reads the parameter `sort`.
    pub fn read(world: &World, switches: &Switches, call: &Call) -> Result<Self, Refusal> {
        let mut keys = Vec::new();
        for part in call
            .query
            .get("sort")
            .unwrap_or("")
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let mut words = part.split_whitespace();
            let name = words.next().unwrap_or_default();
            let direction = words.next().unwrap_or("asc");
            let key = match name.strip_prefix("customAttributes.") {
                Some(attribute) if world.attributes.iter().any(|known| known.name == attribute) => {
                    Some(SortKey::Attribute(attribute.into()))
                }
                Some(_) => None,
                None => SORT_FIELDS
                    .iter()
                    .find(|field| **field == name)
                    .map(|field| SortKey::Field(field)),
            };
            let known = ["asc", "desc"]
                .iter()
                .any(|word| direction.eq_ignore_ascii_case(word));
            match key {
                Some(key) if known && words.next().is_none() => {
                    keys.push((key, direction.eq_ignore_ascii_case("desc")));
                }
                _ if switches.is(Switch::BadSort, "ignore") => {}
                _ => {
                    return Err(bad_field(
                        "INVALID_PARAMETER",
                        "sort",
                        format!("Cannot sort by {part:?}."),
                    ));
                }
            }
        }
        Ok(Self(keys))
    }
}
