//! Assets as in responses.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::simulator::world::{Asset, World, timestamp};

/// An asset in the format of a response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Printed<'a> {
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

pub fn printed(asset: &Asset, attributes: bool, misprinted: bool) -> Printed<'_> {
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

#[derive(Serialize)]
pub struct Results<T> {
    pub results: Vec<T>,
}
