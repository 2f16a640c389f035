//! The five asset endpoints.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::contract::{ASSET_FIELDS, ATTRIBUTE_TEXT_LENGTH, Endpoint, Field, Kind, Switch, Switches};
use super::handle::{Call, Query, Refusal, State, Violation, answer, bad_field, instants, refuse, uuid};
use super::settings::{Page, page};
use super::world::{Asset, Attribute, DataType, Draft, ROOT, World, timestamp};
use crate::http::send::Response;

/// A cache of the results of recent list requests, so that later pages do not require a new search.
#[derive(Debug, Default)]
pub struct Listing(Vec<(String, u64, Arc<[usize]>)>);

/// The number of lists in the cache. A client may read many parts of a large project at once.
const MOST_LISTINGS: usize = 64;

/// Handles a call to an endpoint whose tag begins with "assets".
pub fn call(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    match call.endpoint.tag {
        "assets" => list(state, call),
        "assets:batch-get" => batch_get(state, call),
        "assets:batch-create" => batch_create(state, call),
        "assets:batch-patch" => batch_patch(state, call),
        _ => batch_delete(state, call),
    }
}

/// An asset in the format of a response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Printed<'a> {
    id: Uuid,
    created_at: String,
    created_by: &'a str,
    updated_at: String,
    updated_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_by: Option<&'a str>,
    is_active: Value,
    version: Value,
    client_asset_id: &'a str,
    category_id: String,
    status_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    barcode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_attributes: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_id: Option<Uuid>,
}

fn printed(asset: &Asset, attributes: bool, misprinted: bool) -> Printed<'_> {
    let stamp = &asset.stamp;
    // The "PATCH assets:batch-patch" page shows `isActive` and `version` as strings that end with a comma.
    let scalar = |value: Value| {
        if misprinted {
            Value::String(format!("{value},"))
        } else {
            value
        }
    };
    Printed {
        id: asset.id,
        created_at: timestamp(stamp.created_at),
        created_by: &stamp.created_by,
        updated_at: timestamp(stamp.updated_at),
        updated_by: &stamp.updated_by,
        deleted_at: stamp.deleted.as_ref().map(|(at, _)| timestamp(*at)),
        deleted_by: stamp.deleted.as_ref().map(|(_, by)| by.as_ref()),
        is_active: scalar(stamp.active().into()),
        version: scalar(stamp.version.into()),
        client_asset_id: &asset.client_asset_id,
        category_id: asset.category.to_string(),
        status_id: asset.status,
        description: asset.description.as_deref(),
        location_id: asset.location,
        barcode: asset.barcode.as_deref(),
        custom_attributes: attributes.then_some(&asset.attributes),
        company_id: asset.company,
    }
}

/// Returns all assets with all fields, including deleted ones.
pub fn snapshot(world: &World) -> Value {
    let all: Vec<Printed<'_>> = world
        .assets()
        .iter()
        .map(|asset| printed(asset, true, false))
        .collect();
    serde_json::to_value(all).unwrap_or_default()
}

// ---- GET assets ----

fn list(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let Page { limit, offset } = page(&call.query, &state.switches)?;
    let attributes = call.query.flag("includeCustomAttributes")?;
    let positions = found(state, call)?;
    let total = positions.len();
    if state.switches.is(Switch::EmptyPage, "before_each") && !is_filled(&call.query) {
        let next = json!({ "limit": limit, "offset": offset, "filled": true }).to_string();
        let pagination = json!({ "limit": limit, "offset": offset, "totalResults": total,
            "cursorState": STANDARD.encode(next) });
        return Ok(answer(200, &json!({ "pagination": pagination, "results": [] })));
    }
    let results: Vec<Printed<'_>> = positions
        .iter()
        .skip(offset)
        .take(limit)
        .map(|position| printed(&state.world.assets()[*position], attributes, false))
        .collect();
    let pagination = super::settings::pagination(call, &state.switches, limit, offset, total);
    Ok(answer(
        200,
        &json!({ "pagination": pagination, "results": results }),
    ))
}

/// Returns whether the request contains a cursor that was returned with an empty page.
fn is_filled(query: &Query) -> bool {
    query
        .get("cursorState")
        .and_then(|cursor| STANDARD.decode(cursor).ok())
        .and_then(|cursor| serde_json::from_slice::<Value>(&cursor).ok())
        .is_some_and(|cursor| cursor["filled"] == true)
}

fn found(state: &mut State, call: &Call) -> Result<Arc<[usize]>, Refusal> {
    let query: Vec<String> = call
        .query
        .pairs()
        .iter()
        .filter(|(name, _)| name.starts_with("filter") || name.starts_with("include") || name == "sort")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let ignored = state.switches.is(Switch::IgnoreFilter, "all");
    let key = format!("{}&{ignored}", query.join("&"));
    let lag = state.switches.number(Switch::ReadLag).unwrap_or(0.0);
    let version = state.world.asset_version();
    if lag == 0.0
        && let Some((.., positions)) = state
            .listing
            .0
            .iter()
            .find(|(known, at, _)| *known == key && *at == version)
    {
        return Ok(Arc::clone(positions));
    }
    let mut filter = Filter::read(&state.world, call)?;
    if ignored {
        filter = Filter {
            deleted: filter.deleted,
            ..Filter::default()
        };
    }
    let order = sort_keys(&state.world, &state.switches, call)?;
    #[allow(clippy::cast_possible_truncation)]
    let visible_until = state.world.now.saturating_sub(lag as i64);
    let assets = state.world.assets();
    let mut positions: Vec<usize> = (0..assets.len())
        .filter(|position| {
            let asset = &assets[*position];
            (lag == 0.0 || asset.stamp.created_at <= visible_until) && filter.fits(&state.world, asset)
        })
        .collect();
    if !order.is_empty() && state.switches.is(Switch::ListSort, "as_asked") {
        let keys = |position: &usize| -> Vec<SortValue> {
            order.iter().map(|(key, _)| key.of(&assets[*position])).collect()
        };
        let mut keyed: Vec<(Vec<SortValue>, usize)> = positions
            .iter()
            .map(|position| (keys(position), *position))
            .collect();
        keyed.sort_by(|(one, _), (other, _)| {
            let pairs = one.iter().zip(other).zip(&order);
            pairs
                .map(|((one, other), (_, descending))| {
                    let ordering = one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal);
                    if *descending { ordering.reverse() } else { ordering }
                })
                .find(|ordering| ordering.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        positions = keyed.into_iter().map(|(_, position)| position).collect();
    }
    let positions: Arc<[usize]> = positions.into();
    let listing = &mut state.listing.0;
    listing.retain(|(.., at, _)| *at == version);
    if listing.len() == MOST_LISTINGS {
        listing.remove(0);
    }
    listing.push((key, version, Arc::clone(&positions)));
    Ok(positions)
}

enum ValueFilter {
    Contains(String),
    Numbers(Vec<(f64, f64)>),
    Dates(Vec<(String, String)>),
    Flag(Vec<bool>),
    Choices(Vec<String>),
}

#[derive(Default)]
struct Filter {
    categories: Vec<u64>,
    statuses: Option<HashSet<Uuid>>,
    locations: Option<HashSet<Uuid>>,
    attributes: Vec<(String, ValueFilter)>,
    text: Option<String>,
    updated: Option<(i64, i64)>,
    deleted: bool,
}

impl Filter {
    fn read(world: &World, call: &Call) -> Result<Self, Refusal> {
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

    fn fits(&self, world: &World, asset: &Asset) -> bool {
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

impl ValueFilter {
    fn read(attribute: &Attribute, values: &[&str]) -> Option<Self> {
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

    fn fits(&self, value: &Value) -> bool {
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

enum SortKey {
    Field(&'static str),
    Attribute(String),
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

fn sort_keys(world: &World, switches: &Switches, call: &Call) -> Result<Vec<(SortKey, bool)>, Refusal> {
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
    Ok(keys)
}

// ---- batches ----

/// The asset and relationship endpoints whose item limit the switch `max_items` lowers.
const LOWERED: [&str; 6] = [
    "assets:batch-get",
    "assets:batch-create",
    "assets:batch-patch",
    "assets:batch-delete",
    "relationships:batch",
    "relationships:delete",
];

/// Returns the maximum number of items per call to an endpoint.
pub fn most_items(switches: &Switches, endpoint: &Endpoint) -> usize {
    let documented = endpoint.items.unwrap_or(usize::MAX);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let lower = switches
        .number(Switch::MaxItems)
        .map(|most| (most as usize).max(1))
        .filter(|_| LOWERED.contains(&endpoint.tag));
    lower.map_or(documented, |most| documented.min(most))
}

/// Rejects a batch with no items or too many items, unless a switch allows the batch.
pub fn check_size(switches: &Switches, items: usize, endpoint: &Endpoint) -> Result<(), Refusal> {
    if items == 0 && switches.is(Switch::EmptyBatch, "400") {
        return Err(refuse(400, "BATCH_EMPTY", "The batch has no items."));
    }
    let most = most_items(switches, endpoint);
    if items <= most || switches.is(Switch::OverLimit, "accept") {
        return Ok(());
    }
    Err(over_limit(switches).unwrap_or_else(|| {
        refuse(
            400,
            "BATCH_TOO_LARGE",
            format!("The batch has {items} items, at most {most} are allowed."),
        )
    }))
}

/// Returns the error for a batch with too many items, if the switch `over_limit` selects one that does not
/// mention the limit.
pub fn over_limit(switches: &Switches) -> Option<Refusal> {
    if switches.is(Switch::OverLimit, "413") {
        Some(refuse(413, "MALFORMED_REQUEST", "Request Entity Too Large"))
    } else if switches.is(Switch::OverLimit, "silent") {
        Some(refuse(400, "MALFORMED_REQUEST", "Bad Request"))
    } else {
        None
    }
}

/// Checks a request body and returns the strings in its array `key`. Duplicates are handled as the switch
/// `duplicate_ids` specifies.
pub fn ids<'a>(switches: &Switches, call: &'a Call, key: &str) -> Result<Vec<&'a str>, Refusal> {
    let Some(values) = call.body.get(key).and_then(Value::as_array) else {
        return if call.body.is_object() && call.body.get(key).is_none() {
            check_size(switches, 0, call.endpoint).map(|()| Vec::new())
        } else {
            Err(refuse(
                400,
                "MALFORMED_REQUEST",
                format!("The body must be an object with an array {key:?}."),
            ))
        };
    };
    check_size(switches, values.len(), call.endpoint)?;
    let mut texts = Vec::with_capacity(values.len());
    let mut seen = HashSet::new();
    for (index, value) in values.iter().enumerate() {
        let text = value.as_str().ok_or_else(|| {
            refuse(
                400,
                "MALFORMED_REQUEST",
                format!("{key}[{index}] must be a string, not {value}."),
            )
        })?;
        if seen.insert(text) || switches.is(Switch::DuplicateIds, "repeat") {
            texts.push(text);
        } else if switches.is(Switch::DuplicateIds, "400") {
            return Err(refuse(
                400,
                "DUPLICATE_ID",
                format!("{key}[{index}] {text:?} is a duplicate."),
            ));
        }
    }
    let known: &[&str] = if call.endpoint.tag == "custom-attributes:batch-get" {
        &["ids", "names"]
    } else {
        &["ids"]
    };
    if switches.is(Switch::UnknownField, "400")
        && let Some(other) = call
            .body
            .as_object()
            .and_then(|map| map.keys().find(|name| !known.contains(&name.as_str())))
    {
        return Err(bad_field(
            "UNKNOWN_FIELD",
            other,
            format!("The body has no field {other:?}."),
        ));
    }
    Ok(texts)
}

fn batch_get(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let attributes = call.query.flag("includeCustomAttributes")?;
    let deleted = call.query.flag("includeDeleted")?;
    let mut positions: Vec<usize> = ids(&state.switches, call, "ids")?
        .iter()
        .filter_map(|id| state.world.asset_position(uuid(id)?))
        .filter(|position| deleted || state.world.assets()[*position].stamp.active())
        .collect();
    if state.switches.is(Switch::ResultOrder, "shuffled") {
        state.world.random.shuffle(&mut positions);
    }
    let results: Vec<Printed<'_>> = positions
        .iter()
        .map(|position| printed(&state.world.assets()[*position], attributes, false))
        .collect();
    Ok(answer(200, &Results { results }))
}

#[derive(Serialize)]
struct Results<T> {
    results: Vec<T>,
}

/// The violations found in a batch, each labeled with the index or id of its item.
struct Verdict<'a> {
    switches: &'a Switches,
    violations: Vec<Violation>,
    status: u16,
}

impl<'a> Verdict<'a> {
    fn new(switches: &'a Switches) -> Self {
        Self {
            switches,
            violations: Vec::new(),
            status: 400,
        }
    }

    fn add(&mut self, index: usize, id: Option<&str>, found: Vec<Violation>) {
        for mut violation in found {
            let from_1 = self.switches.is(Switch::BatchErrorShape, "list_index_from_1");
            let index = index + usize::from(from_1);
            match id.filter(|_| self.switches.is(Switch::BatchErrorShape, "list_id")) {
                Some(id) => violation.metadata.insert("id".into(), id.into()),
                None => violation.metadata.insert("index".into(), index.into()),
            };
            self.violations.push(violation);
        }
    }

    /// Rejects the whole batch if it has any violations ("Manage assets" tutorial).
    fn settle(self) -> Result<(), Refusal> {
        if self.violations.is_empty() {
            return Ok(());
        }
        Err(Refusal::Service {
            status: self.status,
            code: "VALIDATION_FAILED",
            detail: "At least one item is invalid; nothing was applied.".into(),
            violations: self.violations,
        })
    }
}

fn sometimes_conflict(state: &mut State) -> Result<(), Refusal> {
    match state.switches.number(Switch::Inject409) {
        Some(share) if state.world.random.f64() < share => Err(refuse(
            409,
            "CONFLICT",
            "The request conflicts with the current state.",
        )),
        _ => Ok(()),
    }
}

fn batch_create(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let Some(items) = call.body.as_array() else {
        return Err(refuse(
            400,
            "MALFORMED_REQUEST",
            "The body must be an array of assets.",
        ));
    };
    check_size(&state.switches, items.len(), call.endpoint)?;
    let mut verdict = Verdict::new(&state.switches);
    let mut drafts = Vec::with_capacity(items.len());
    let mut barcodes: HashMap<String, u32> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let mut draft = Draft::default();
        let mut found = fill(&state.world, &state.switches, &mut draft, item, None);
        unique_barcode(
            state,
            &mut barcodes,
            &draft,
            None,
            &mut found,
            &mut verdict.status,
        );
        verdict.add(index, item.get("clientAssetId").and_then(Value::as_str), found);
        drafts.push(draft);
    }
    verdict.settle()?;
    sometimes_conflict(state)?;
    let mut positions = Vec::with_capacity(drafts.len());
    for draft in drafts {
        state.audit.created(&draft.client_asset_id);
        positions.push(
            state
                .world
                .add_asset(None, draft, &call.user.id, call.user.company),
        );
    }
    if state.switches.is(Switch::ResultOrder, "shuffled") {
        state.world.random.shuffle(&mut positions);
    }
    let results: Vec<Printed<'_>> = positions
        .iter()
        .map(|position| printed(&state.world.assets()[*position], true, false))
        .collect();
    Ok(answer(201, &Results { results }))
}

/// Looks up the asset to patch or delete. If the asset is unknown, or is deleted and the switch
/// `deleted_asset` is not `accept`, returns a violation and may change `status`.
fn target(state: &State, id: &str, status: &mut u16) -> Result<usize, Violation> {
    let mut missing = |code: &'static str, switch: Switch, detail: String| {
        for (value, number) in [("404", 404), ("409", 409)] {
            if (number == 404 || switch == Switch::DeletedAsset) && state.switches.is(switch, value) {
                *status = number;
            }
        }
        let mut metadata = Map::new();
        metadata.insert("id".into(), id.into());
        Violation {
            code,
            detail,
            metadata,
        }
    };
    let Some(position) = uuid(id).and_then(|id| state.world.asset_position(id)) else {
        return Err(missing(
            "ASSET_NOT_FOUND",
            Switch::UnknownAsset,
            format!("There is no asset {id:?}."),
        ));
    };
    if !state.world.assets()[position].stamp.active() && !state.switches.is(Switch::DeletedAsset, "accept") {
        return Err(missing(
            "ASSET_DELETED",
            Switch::DeletedAsset,
            format!("Asset {id:?} was deleted."),
        ));
    }
    Ok(position)
}

fn batch_patch(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let Some(items) = call.body.as_object() else {
        return Err(refuse(
            400,
            "MALFORMED_REQUEST",
            "The body must be an object from asset id to changes.",
        ));
    };
    check_size(&state.switches, items.len(), call.endpoint)?;
    let mut verdict = Verdict::new(&state.switches);
    let mut drafts = Vec::with_capacity(items.len());
    let mut barcodes: HashMap<String, u32> = HashMap::new();
    for (index, (id, item)) in items.iter().enumerate() {
        match target(state, id, &mut verdict.status) {
            Ok(position) => {
                let old = &state.world.assets()[position];
                let mut draft = Draft::from(old);
                let mut found = fill(&state.world, &state.switches, &mut draft, item, Some(old));
                unique_barcode(
                    state,
                    &mut barcodes,
                    &draft,
                    Some(old),
                    &mut found,
                    &mut verdict.status,
                );
                verdict.add(index, Some(id), found);
                drafts.push((id, position, draft));
            }
            Err(violation) => verdict.add(index, Some(id), vec![violation]),
        }
    }
    verdict.settle()?;
    sometimes_conflict(state)?;
    let mut results = Map::new();
    let misprinted = state.switches.is(Switch::MisprintedScalars, "on");
    for (id, position, draft) in drafts {
        state.world.patch_asset(position, draft, &call.user.id);
        state.audit.assets_patched += 1;
        let asset = printed(&state.world.assets()[position], true, misprinted);
        results.insert(id.clone(), serde_json::to_value(asset).unwrap_or_default());
    }
    Ok(answer(200, &results))
}

fn batch_delete(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let ids = ids(&state.switches, call, "ids")?;
    let mut verdict = Verdict::new(&state.switches);
    let mut positions = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        match target(state, id, &mut verdict.status) {
            Ok(position) => positions.push(position),
            Err(violation) => verdict.add(index, Some(id), vec![violation]),
        }
    }
    verdict.settle()?;
    sometimes_conflict(state)?;
    for position in positions {
        if state.world.delete_asset(position, &call.user.id) {
            state.audit.assets_deleted += 1;
        }
    }
    Ok(Response {
        status: 204,
        ..Response::default()
    })
}

// ---- changes by another person ----

fn accepted(found: &[Violation]) -> Result<(), String> {
    match found.first() {
        Some(violation) => Err(violation.detail.clone()),
        None => Ok(()),
    }
}

/// Creates an asset without a request and returns its id.
pub fn create_one(state: &mut State, item: &Value, user: &Arc<str>) -> Result<String, String> {
    let mut draft = Draft::default();
    accepted(&fill(&state.world, &state.switches, &mut draft, item, None))?;
    let position = state.world.add_asset(None, draft, user, None);
    Ok(state.world.assets()[position].id.to_string())
}

/// Changes an asset without a request.
pub fn patch_one(state: &mut State, id: &str, change: &Value, user: &Arc<str>) -> Result<(), String> {
    let position = target(state, id, &mut 0).map_err(|violation| violation.detail)?;
    let old = &state.world.assets()[position];
    let mut draft = Draft::from(old);
    accepted(&fill(
        &state.world,
        &state.switches,
        &mut draft,
        change,
        Some(old),
    ))?;
    state.world.patch_asset(position, draft, user);
    Ok(())
}

/// Deletes an asset without a request.
pub fn delete_one(state: &mut State, id: &str, user: &Arc<str>) -> Result<(), String> {
    let position = target(state, id, &mut 0).map_err(|violation| violation.detail)?;
    state.world.delete_asset(position, user);
    Ok(())
}

fn unique_barcode(
    state: &State,
    batch: &mut HashMap<String, u32>,
    draft: &Draft,
    old: Option<&Asset>,
    found: &mut Vec<Violation>,
    status: &mut u16,
) {
    if !state.switches.is(Switch::BarcodeUnique, "409") {
        return;
    }
    let Some(barcode) = &draft.barcode else { return };
    if old.is_some_and(|old| old.barcode.as_deref() == Some(barcode)) {
        return;
    }
    let count = batch.entry(barcode.clone()).or_default();
    *count += 1;
    if *count > 1 || state.world.barcode_count(barcode) > 0 {
        *status = 409;
        let detail = format!("Barcode {barcode:?} is in use.");
        found.push(Violation::field("DUPLICATE_BARCODE", "barcode", detail));
    }
}

// ---- one item ----

/// Applies an item to a draft and returns all violations. `old` is the asset being patched, or `None` for a
/// create.
fn fill(
    world: &World,
    switches: &Switches,
    draft: &mut Draft,
    item: &Value,
    old: Option<&Asset>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let Some(map) = item.as_object() else {
        let detail = format!("An item must be an object, not {item}.");
        return vec![Violation {
            code: "MALFORMED_REQUEST",
            detail,
            metadata: Map::new(),
        }];
    };
    for (name, value) in map {
        match ASSET_FIELDS.iter().find(|field| field.name == name) {
            Some(field) => {
                if let Err(violation) = set_field(switches, draft, field, value) {
                    found.push(violation);
                }
            }
            None if switches.is(Switch::UnknownField, "400") => {
                let detail = format!("Unknown or read-only field {name:?}.");
                found.push(Violation::field("UNKNOWN_FIELD", name, detail));
            }
            None => {}
        }
    }
    if old.is_none() {
        for field in ASSET_FIELDS
            .iter()
            .filter(|field| field.required && !map.contains_key(field.name))
        {
            let detail = format!("Field {:?} is required.", field.name);
            found.push(Violation::field("REQUIRED_FIELD_MISSING", field.name, detail));
        }
    }
    let refused = |name: &str, found: &[Violation]| {
        found
            .iter()
            .any(|violation| violation.metadata.get("fieldName").and_then(Value::as_str) == Some(name))
    };
    if refused("categoryId", &found) {
        return found;
    }
    let moved = old.is_none_or(|old| old.category != draft.category);
    let Some(category) = world.categories.get(&draft.category) else {
        let detail = format!("There is no category {:?}.", draft.category.to_string());
        found.push(Violation::field("CATEGORY_NOT_FOUND", "categoryId", detail));
        return found;
    };
    if moved && !category.stamp.active() {
        let detail = format!("Category {:?} is inactive.", category.name);
        found.push(Violation::field("CATEGORY_INACTIVE", "categoryId", detail));
    }
    if moved && draft.category == ROOT && switches.is(Switch::RootCategory, "400") {
        let detail = "ROOT cannot be the category of an asset.".into();
        found.push(Violation::field("INVALID_FIELD_VALUE", "categoryId", detail));
    }
    let given = map.get("statusId").is_some();
    if (given || moved && !switches.is(Switch::CategoryChange, "keep"))
        && !refused("statusId", &found)
        && !world.effective_set(draft.category).is_some_and(|(set, _)| {
            let mut active = set.statuses.iter().filter(|status| status.stamp.active());
            active.any(|status| status.id == draft.status)
        })
    {
        let detail = format!(
            "Status {} is not in the status set of category {:?}.",
            draft.status, category.name
        );
        found.push(Violation::field("STATUS_NOT_IN_CATEGORY", "statusId", detail));
    }
    if map.get("locationId").is_some()
        && let Some(location) = draft.location
        && !switches.is(Switch::ForeignLocation, "accept")
        && world.locations.by_id(location).is_none()
    {
        let detail = format!("There is no location {location}.");
        found.push(Violation::field("LOCATION_NOT_FOUND", "locationId", detail));
    }
    fill_attributes(
        world,
        switches,
        draft,
        map.get("customAttributes"),
        old,
        moved,
        &mut found,
    );
    found
}

fn set_field(switches: &Switches, draft: &mut Draft, field: &Field, value: &Value) -> Result<(), Violation> {
    let name = field.name;
    let wrong = |what: &str| {
        Violation::field(
            "INVALID_FIELD_VALUE",
            name,
            format!("Field {name:?} must be {what}, not {value}."),
        )
    };
    if value.is_null() {
        return match name {
            _ if field.required => Err(wrong("a text")),
            _ if switches.is(Switch::PatchNull, "reject") => Err(wrong("present or omitted")),
            _ if switches.is(Switch::PatchNull, "ignore") => Ok(()),
            "description" => {
                draft.description = None;
                Ok(())
            }
            "locationId" => {
                draft.location = None;
                Ok(())
            }
            "barcode" => {
                draft.barcode = None;
                Ok(())
            }
            _ => {
                draft.attributes.clear();
                Ok(())
            }
        };
    }
    if field.kind == Kind::Attributes {
        // The values are checked once the category is known.
        return if value.is_object() {
            Ok(())
        } else {
            Err(wrong("an object"))
        };
    }
    let mut text = value.as_str().ok_or_else(|| wrong("a string"))?;
    if name == "clientAssetId" && switches.is(Switch::ClientAssetIdTrim, "on") {
        text = text.trim();
    }
    let lower;
    if ["clientAssetId", "barcode"].contains(&name) && switches.is(Switch::KeyCase, "lower") {
        lower = text.to_lowercase();
        text = &lower;
    }
    let kept = (!text.is_empty() || switches.is(Switch::EmptyText, "kept")).then(|| text.to_owned());
    let switch = match name {
        "clientAssetId" => Some(Switch::ClientAssetIdMax),
        "barcode" => Some(Switch::BarcodeMax),
        _ => None,
    };
    let most = switch.map_or(field.max_length, |switch| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        switches.number(switch).map(|most| most as usize)
    });
    if let Some(most) = most
        && text.chars().count() > most
    {
        return Err(Violation::too_long(name, most));
    }
    match name {
        "clientAssetId" if text.is_empty() => return Err(wrong("a non-empty string")),
        "clientAssetId" => draft.client_asset_id = text.into(),
        "categoryId" => {
            // Accept an id only in its canonical form: "042" is not "42".
            let id = text.parse().ok().filter(|id: &u64| id.to_string() == text);
            draft.category = id.ok_or_else(|| wrong("the id of a category"))?;
        }
        "statusId" => draft.status = uuid(text).ok_or_else(|| wrong("a UUID"))?,
        "description" => draft.description = kept,
        "locationId" => draft.location = Some(uuid(text).ok_or_else(|| wrong("a UUID"))?),
        _ => draft.barcode = kept,
    }
    Ok(())
}

fn fill_attributes(
    world: &World,
    switches: &Switches,
    draft: &mut Draft,
    given: Option<&Value>,
    old: Option<&Asset>,
    moved: bool,
    found: &mut Vec<Violation>,
) {
    let assigned = world.effective_attributes(draft.category);
    let by_name: HashMap<&str, &Attribute> = assigned
        .iter()
        .map(|(attribute, _)| (attribute.name.as_str(), *attribute))
        .collect();
    let attribute = |name: &str| by_name.get(name).copied();
    for (name, value) in given.and_then(Value::as_object).into_iter().flatten() {
        let field = format!("customAttributes.{name}");
        let Some(attribute) = attribute(name) else {
            if switches.is(Switch::UnknownAttribute, "400") {
                let detail = format!(
                    "Attribute {name:?} is not assigned to category {}.",
                    draft.category
                );
                found.push(Violation::field("CUSTOM_ATTRIBUTE_NOT_ASSIGNED", &field, detail));
            }
            continue;
        };
        if value.is_null() && switches.is(Switch::PatchNull, "ignore") {
            continue;
        }
        if value.is_null() && switches.is(Switch::PatchNull, "clear") {
            // `shift_remove` keeps the order of the other attributes.
            draft.attributes.shift_remove(name);
            if attribute.required && old.is_some() && switches.is(Switch::Required, "create_and_patch") {
                found.push(required_missing(attribute));
            }
            continue;
        }
        match attribute_value(switches, attribute, value) {
            Ok(value) if value == "" && switches.is(Switch::EmptyText, "cleared") => {
                draft.attributes.shift_remove(name);
            }
            Ok(value) => {
                draft.attributes.insert(name.clone(), value);
            }
            Err(what) if what == TOO_LONG => {
                found.push(Violation::too_long(
                    &field,
                    attribute.max_length.unwrap_or(ATTRIBUTE_TEXT_LENGTH),
                ));
            }
            Err(what) => {
                let detail = format!("Attribute {name:?} takes {what}, not {value}.");
                let mut violation = Violation::field("INVALID_CUSTOM_ATTRIBUTE_VALUE", &field, detail);
                violation
                    .metadata
                    .insert("dataType".into(), attribute.data_type.name().into());
                found.push(violation);
            }
        }
    }
    if old.is_some() && moved && !switches.is(Switch::CategoryChange, "keep") {
        let foreign: Vec<String> = draft
            .attributes
            .keys()
            .filter(|name| attribute(name).is_none())
            .cloned()
            .collect();
        for name in foreign {
            if switches.is(Switch::CategoryChange, "drop_foreign") {
                draft.attributes.shift_remove(&name);
            } else {
                let detail = format!("Attribute {name:?} of the asset is not assigned to its new category.");
                found.push(Violation::field(
                    "CUSTOM_ATTRIBUTE_NOT_ASSIGNED",
                    &format!("customAttributes.{name}"),
                    detail,
                ));
            }
        }
    }
    if old.is_none() {
        for (attribute, _) in &assigned {
            if draft.attributes.contains_key(&attribute.name) {
                continue;
            }
            match &attribute.default {
                Some(default) if switches.is(Switch::FillDefaults, "on") => {
                    // Treat the default as if it had been sent, because a number may be stored in another
                    // form.
                    let value =
                        attribute_value(switches, attribute, default).unwrap_or_else(|_| default.clone());
                    draft.attributes.insert(attribute.name.clone(), value);
                }
                _ if attribute.required && !switches.is(Switch::Required, "off") => {
                    // If the value was rejected, do not report it as missing as well.
                    let field = format!("customAttributes.{}", attribute.name);
                    let reported = |violation: &Violation| {
                        violation.metadata.get("fieldName").and_then(Value::as_str) == Some(&field)
                    };
                    if !found.iter().any(reported) {
                        found.push(required_missing(attribute));
                    }
                }
                _ => {}
            }
        }
    }
}

fn required_missing(attribute: &Attribute) -> Violation {
    let detail = format!(
        "Attribute {:?} ({}) is required.",
        attribute.name, attribute.display_name
    );
    let field = format!("customAttributes.{}", attribute.name);
    Violation::field("REQUIRED_CUSTOM_ATTRIBUTE_MISSING", &field, detail)
}

const TOO_LONG: &str = "a shorter text";

/// Returns the value to store, or a description of the expected value ("POST assets:batch-create" reference page).
fn attribute_value(switches: &Switches, attribute: &Attribute, value: &Value) -> Result<Value, &'static str> {
    let choice = |value: &Value| {
        value.as_str().and_then(uuid).is_some_and(|id| {
            attribute
                .choices
                .iter()
                .any(|choice| choice.id == id && choice.stamp.active())
        })
    };
    let fits = match attribute.data_type {
        DataType::Text => match value.as_str() {
            Some(text) if text.chars().count() > attribute.max_length.unwrap_or(ATTRIBUTE_TEXT_LENGTH) => {
                return Err(TOO_LONG);
            }
            Some(_) => Ok(()),
            None => Err("a string"),
        },
        DataType::Date => match value.as_str() {
            Some(text) if is_date(text) => Ok(()),
            Some(text) if switches.is(Switch::DateTimestamp, "truncate") => {
                return match text
                    .get(..10)
                    .filter(|date| is_date(date) && text.parse::<jiff::Timestamp>().is_ok())
                {
                    Some(date) => Ok(date.into()),
                    None => Err("a date YYYY-MM-DD"),
                };
            }
            _ => Err("a date YYYY-MM-DD without a time"),
        },
        DataType::Boolean => value.is_boolean().then_some(()).ok_or("true or false"),
        DataType::Select => choice(value).then_some(()).ok_or("the id of one of its values"),
        DataType::MultiSelect => value
            .as_array()
            .is_some_and(|values| values.iter().all(choice))
            .then_some(())
            .ok_or("an array of ids of its values"),
        DataType::Numeric => {
            let Some(number) = value.as_f64().or_else(|| value.as_str().and_then(finite)) else {
                return Err("a string that parses as a number");
            };
            if switches.is(Switch::NumericRead, "number") && value.is_string() {
                return Ok(json!(number));
            }
            if switches.is(Switch::NumericRead, "string") && value.is_number() {
                return Ok(Value::String(value.to_string()));
            }
            Ok(())
        }
    };
    fits.map(|()| value.clone())
}

/// Parses a finite number. The decimal separator must be a point.
fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Returns whether a string is a valid date in the form `YYYY-MM-DD`.
pub fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}
