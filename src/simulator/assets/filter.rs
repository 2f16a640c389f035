//! The filters of GET assets.

use std::collections::HashSet;

use uuid::Uuid;

use super::value_filter::ValueFilter;
use crate::simulator::call::Call;
use crate::simulator::refusal::{Refusal, bad_field};
use crate::simulator::values::{instants, uuid};
use crate::simulator::world::{Asset, Attribute, DataType, World};

#[derive(Default)]
pub struct Filter {
    categories: Vec<u64>,
    statuses: Option<HashSet<Uuid>>,
    locations: Option<HashSet<Uuid>>,
    attributes: Vec<(String, ValueFilter)>,
    text: Option<String>,
    updated: Option<(i64, i64)>,
    deleted: bool,
}

impl Filter {
    pub fn read(world: &World, call: &Call) -> Result<Self, Refusal> {
        let query = &call.query;
        let bad = |name: &str, value: &str| {
            bad_field("INVALID_PARAMETER", name, format!("{name} cannot be {value:?}."))
        };
        let ids = |name: &str| -> Result<Option<HashSet<Uuid>>, Refusal> {
            let given = query.all(name);
            let ids: Result<HashSet<Uuid>, Refusal> = given
                .iter()
                .map(|text| uuid(text).ok_or_else(|| bad(name, text)))
                .collect();
            Ok(Some(ids?).filter(|_| !given.is_empty()))
        };
        let categories: Vec<u64> = query
            .all("filter[categoryId]")
            .iter()
            .map(|text| text.parse().map_err(|_| bad("filter[categoryId]", text)))
            .collect::<Result<_, _>>()?;
        let mut statuses = ids("filter[statusId]")?;
        let labels: Vec<String> = query
            .all("filter[statusLabel]")
            .iter()
            .map(|label| label.to_lowercase())
            .collect();
        if !labels.is_empty() {
            let by_label: HashSet<Uuid> = world
                .status_sets
                .iter()
                .flat_map(|set| &set.statuses)
                .filter(|status| labels.contains(&status.label.to_lowercase()))
                .map(|status| status.id)
                .collect();
            statuses = Some(match statuses {
                Some(ids) => ids.intersection(&by_label).copied().collect(),
                None => by_label,
            });
        }
        let mut locations = ids("filter[locationId]")?;
        if query.flag("includeSubLocations")?
            && let Some(set) = &mut locations
            && set.len() == 1
        {
            let above: Vec<Uuid> = set.iter().copied().collect();
            set.extend(
                world
                    .locations
                    .iter()
                    .filter(|node| world.location_within(node.id, above[0]))
                    .map(|node| node.id),
            );
        }
        let mut named: Vec<(String, Vec<&str>)> = Vec::new();
        for (name, value) in query.pairs() {
            let Some(inner) = name.strip_prefix("filter[customAttributes][") else {
                continue;
            };
            let attribute = inner.strip_suffix(']').ok_or_else(|| bad(name, value))?;
            match named.iter_mut().find(|(known, _)| known == attribute) {
                Some((_, values)) => values.push(value),
                None => named.push((attribute.to_owned(), vec![value])),
            }
        }
        let mut attributes = Vec::new();
        for (name, values) in named {
            let parameter = format!("filter[customAttributes][{name}]");
            let attribute = world
                .attributes
                .iter()
                .find(|attribute| attribute.name == name)
                .ok_or_else(|| bad(&parameter, &values.join(",")))?;
            let filter =
                ValueFilter::read(attribute, &values).ok_or_else(|| bad(&parameter, &values.join(",")))?;
            attributes.push((name, filter));
        }
        let updated = query
            .get("filter[updatedAt]")
            .map(|text| instants("filter[updatedAt]", text))
            .transpose()?;
        Ok(Self {
            categories,
            statuses,
            locations,
            attributes,
            text: query.get("filter[searchText]").map(str::to_lowercase),
            updated,
            deleted: query.flag("includeDeleted")?,
        })
    }

    /// Returns a filter that only excludes deleted assets, if this one does.
    pub fn without_conditions(&self) -> Self {
        Self {
            deleted: self.deleted,
            ..Self::default()
        }
    }

    pub fn fits(&self, world: &World, asset: &Asset) -> bool {
        (self.deleted || asset.stamp.active())
            && (self.categories.is_empty() || self.categories.contains(&asset.category))
            && self
                .statuses
                .as_ref()
                .is_none_or(|ids| ids.contains(&asset.status))
            && self
                .locations
                .as_ref()
                .is_none_or(|ids| asset.location.is_some_and(|id| ids.contains(&id)))
            && self
                .updated
                .is_none_or(|(from, to)| (from..=to).contains(&asset.stamp.updated_at))
            && (self.attributes.is_empty() || {
                let map = asset.attribute_map();
                self.attributes
                    .iter()
                    .all(|(name, filter)| map.get(name).is_some_and(|value| filter.fits(value)))
            })
            && self
                .text
                .as_deref()
                .is_none_or(|text| contains_text(world, asset, text))
    }
}

fn contains_text(world: &World, asset: &Asset, text: &str) -> bool {
    let has = |field: &str| field.to_lowercase().contains(text);
    has(&asset.client_asset_id)
        || asset.description.as_deref().is_some_and(has)
        || asset.barcode.as_deref().is_some_and(has)
        || has(&asset.id.to_string())
        || asset.attribute_map().iter().any(|(name, value)| {
            let is_text =
                |attribute: &Attribute| attribute.name == *name && attribute.data_type == DataType::Text;
            value.as_str().is_some_and(has) && world.attributes.iter().any(is_text)
        })
}
